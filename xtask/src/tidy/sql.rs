//! SQL lives in the store: a statement anywhere else is a second owner of the tables.
//!
//! A heuristic over string literals. The probe is free (it asks other people's databases), the figures are (a plain database is their limit), and so are tests.

use super::Finding;
use crate::tree::Tree;

/// Crates whose strings may be SQL.
const MAY: [&str; 4] = ["seaworthy-store", "seaworthy-probe", "seaworthy-sim", "bench"];

/// A statement begins with the first and goes on to contain the second.
const STATEMENTS: [(&str, &str); 7] = [
    ("select ", " from "),
    ("insert into ", ""),
    ("update ", " set "),
    ("delete from ", ""),
    ("create table ", ""),
    ("alter table ", ""),
    ("pragma ", ""),
];

pub fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    let sources = tree.rust().filter(|file| !file.test && !MAY.contains(&file.crate_name().unwrap_or("")));
    for file in sources.filter(|file| file.crate_name() != Some("xtask")) {
        for literal in file.scan.strings.iter().filter(|literal| !file.is_test_line(literal.line)) {
            if is_statement(&literal.text) {
                let message = "SQL outside the store".to_string();
                let help = "ask through a port of the journal; the store owns its statements";
                findings.push(Finding::at(&file.path, literal.line, message, help));
            }
        }
    }
    findings
}

fn is_statement(text: &str) -> bool {
    let text = text.to_lowercase().split_whitespace().collect::<Vec<_>>().join(" ");
    STATEMENTS.iter().any(|(begin, goes_on)| text.starts_with(begin) && text.contains(goes_on))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(path: &str, text: &str) -> Vec<usize> {
        check(&Tree::of([(path, text)])).iter().map(|f| f.line).collect()
    }

    #[test]
    fn statements_are_found_over_several_lines_and_sentences_are_not() {
        let web = "crates/seaworthy-web/src/page/runs.rs";
        assert_eq!(lines(web, "//! R\nconst Q: &str = \"SELECT id\n  FROM run\";\n"), [2]);
        assert_eq!(
            lines(web, "//! R\nf(\"update run set state = 1\");\ng(\"Insert  into run values (1)\");\n"),
            [2, 3]
        );
        let sentences = "//! R\nf(\"select a process first\");\nf(\"update the file\"); f(\"delete it\");\n";
        assert!(lines(web, sentences).is_empty());
    }

    #[test]
    fn the_store_the_probe_and_tests_may() {
        let text = "//! R\nf(\"delete from run\");\n";
        assert!(lines("crates/seaworthy-store/src/a.rs", text).is_empty());
        assert!(lines("crates/seaworthy-probe/src/a.rs", text).is_empty());
        assert!(lines("crates/seaworthy/tests/a.rs", text).is_empty());
    }
}
