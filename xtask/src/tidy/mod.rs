//! `cargo xtask tidy`: the house rules as checks over text, with output like a compiler's.
//!
//! One more rule is one more file here and two lines below: its `mod` and its place in [`RULES`]. A rule must not
//! know files outside the tree it is given; exceptions are handled here, not in rules.

mod biased;
mod crates;
mod exceptions;
mod excuses;
mod honest;
mod leftovers;
mod length;
mod names;
mod open;
mod opening;
mod packs;
mod ports;
mod pure;
mod quiet;
mod registration;
mod ring;
mod security;
mod sql;

use std::path::Path;

use crate::tree::Tree;

/// A rule: its name (used in the exceptions file), what it holds, and the check.
pub struct Rule {
    pub name: &'static str,
    pub holds: &'static str,
    check: fn(&Tree) -> Vec<Finding>,
}

/// All rules.
pub const RULES: [Rule; 18] = [
    Rule { name: "ring", holds: "a crate uses only lower rings", check: ring::check },
    Rule { name: "pure", holds: "decisions do no IO", check: pure::check },
    Rule { name: "biased", holds: "loops choose in a fixed order", check: biased::check },
    Rule { name: "opening", holds: "a source opens by saying what it is", check: opening::check },
    Rule { name: "file-length", holds: "files stay short", check: length::files },
    Rule { name: "function-length", holds: "functions stay short", check: length::functions },
    Rule { name: "ports", holds: "ports stay small", check: ports::check },
    Rule { name: "names", holds: "no drawer for everything", check: names::check },
    Rule { name: "open", holds: "addresses ask for a right", check: open::check },
    Rule { name: "crates", holds: "banned crates stay out of the lock file", check: crates::check },
    Rule { name: "sql", holds: "SQL lives in the store", check: sql::check },
    Rule { name: "honest", holds: "tests neither sleep nor hide nor pass by themselves", check: honest::check },
    Rule { name: "registration", holds: "each file is named where its folder is listed", check: registration::check },
    Rule { name: "packs", holds: "a pack has all facets, its procedures and a test", check: packs::check },
    Rule { name: "security", holds: "what is claimed of security is shown by a test", check: security::check },
    Rule { name: "quiet", holds: "libraries do not print", check: quiet::check },
    Rule { name: "excuses", holds: "an excuse dies with its cause", check: excuses::check },
    Rule { name: "leftovers", holds: "no notes to oneself, no paths of one machine", check: leftovers::check },
];

/// One place that breaks a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    pub path: String,
    pub line: usize,
    pub message: String,
    pub help: &'static str,
    /// What an exception would name: the path, or `path::function`.
    pub subject: String,
    /// What an exception allows at most, summed over the subject: a length, or 1 per place.
    pub size: usize,
}

impl Finding {
    fn at(path: &str, line: usize, message: String, help: &'static str) -> Finding {
        Finding { path: path.into(), line, message, help, subject: path.into(), size: 1 }
    }
}

/// What became of one rule.
pub struct Verdict {
    pub rule: &'static str,
    pub findings: Vec<Finding>,
}

/// Runs all rules over the tree and applies the exceptions.
pub fn verdicts(tree: &Tree) -> Vec<Verdict> {
    let (list, broken) = exceptions::read(tree);
    let mut verdicts: Vec<Verdict> = RULES
        .iter()
        .map(|rule| Verdict { rule: rule.name, findings: exceptions::apply(rule.name, (rule.check)(tree), &list) })
        .collect();
    verdicts.push(Verdict { rule: "exceptions", findings: broken });
    verdicts
}

/// Checks the repository and prints what is wrong. Returns whether all is well.
///
/// # Errors
/// A sentence when the repository cannot be read.
pub fn run(root: &Path) -> Result<bool, String> {
    let tree = Tree::read(root).map_err(|e| format!("could not list the files of {}: {e}", root.display()))?;
    let verdicts = verdicts(&tree);
    for verdict in &verdicts {
        let holds = RULES.iter().find(|rule| rule.name == verdict.rule).map_or("exceptions only shrink", |r| r.holds);
        for finding in &verdict.findings {
            println!("{}:{}: {} [{}: {holds}]", finding.path, finding.line, finding.message, verdict.rule);
            println!("  help: {}", finding.help);
        }
    }
    let wrong: usize = verdicts.iter().map(|v| v.findings.len()).sum();
    println!("tidy: {} rules over {} files, {wrong} finding(s)", verdicts.len(), tree.files.len());
    Ok(wrong == 0)
}

#[cfg(test)]
mod tests;
