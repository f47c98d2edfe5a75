//! The exceptions file: places that may break a rule, each with a number that may only shrink.
//!
//! One line each: `RULE SUBJECT NUMBER`, `#` starts a remark. The number is exactly what is there now: a larger
//! one is a finding too, so that what was won is not lost again.

use super::{Finding, RULES};
use crate::tree::Tree;

/// Where exceptions are written.
const PATH: &str = "xtask/tidy-exceptions.txt";

pub struct Exception {
    rule: String,
    subject: String,
    number: usize,
    line: usize,
}

/// The list, and a finding for each line that says nothing.
pub fn read(tree: &Tree) -> (Vec<Exception>, Vec<Finding>) {
    let (mut list, mut broken) = (Vec::new(), Vec::new());
    let text = tree.get(PATH).map_or("", |file| file.text.as_str());
    for (n, line) in text.lines().enumerate() {
        let words: Vec<&str> = line.split('#').next().unwrap_or("").split_whitespace().collect();
        match words.as_slice() {
            [] => {}
            [rule, subject, number] if RULES.iter().any(|r| r.name == *rule) && number.parse::<usize>().is_ok() => {
                list.push(Exception {
                    rule: (*rule).into(),
                    subject: (*subject).into(),
                    number: number.parse().unwrap_or(0),
                    line: n + 1,
                });
            }
            _ => broken.push(Finding::at(
                PATH,
                n + 1,
                format!("`{}` is not an exception", line.trim()),
                "write `RULE SUBJECT NUMBER  # reason`; rules are listed in xtask/src/tidy/mod.rs",
            )),
        }
    }
    (list, broken)
}

/// Drops the findings that are excepted exactly, and adds one for each exception that allows more than is there.
pub fn apply(rule: &str, mut findings: Vec<Finding>, list: &[Exception]) -> Vec<Finding> {
    for exception in list.iter().filter(|e| e.rule == rule) {
        let of_subject = |finding: &&Finding| finding.subject == exception.subject;
        let size: usize = findings.iter().filter(of_subject).map(|f| f.size).sum();
        if size > exception.number {
            continue;
        }
        findings.retain(|f| !of_subject(&f));
        if size < exception.number {
            let message = if size == 0 {
                format!("the exception `{rule} {}` is no longer needed", exception.subject)
            } else {
                format!("the exception `{rule} {}` allows {}, {size} would do", exception.subject, exception.number)
            };
            findings.push(Finding::at(PATH, exception.line, message, "remove it or write the smaller number"));
        }
    }
    findings
}
