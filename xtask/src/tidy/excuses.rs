//! An excuse dies with its cause: `#[expect(lint, reason = "…")]`, never `#[allow]`.

use super::Finding;
use crate::tree::Tree;

pub fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.rust() {
        let lines: Vec<&str> = file.scan.code.lines().collect();
        for (n, code) in lines.iter().enumerate() {
            if code.contains("#[allow(") || code.contains("#![allow(") {
                let help = "write `#[expect(LINT, reason = \"…\")]`: it complains when the cause is gone";
                findings.push(Finding::at(&file.path, n + 1, "an excuse that outlives its cause".into(), help));
            }
            let expects = code.contains("#[expect(") || code.contains("#![expect(");
            let attribute = || lines[n..].iter().take_while(|line| !line.trim().is_empty()).take(5);
            if expects && !attribute().any(|line| line.contains("reason")) {
                let help = "add `reason = \"…\"`, for the one who wonders";
                findings.push(Finding::at(&file.path, n + 1, "an excuse without a reason".into(), help));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_allow_and_an_expect_without_a_reason_are_found() {
        let text = "//! A file.\n#[allow(dead_code)]\nfn a() {}\n\n#[expect(dead_code)]\nfn b() {}\n\n#[expect(\n    dead_code,\n    reason = \"r\"\n)]\nfn c() {}\n// #[allow(x)]\n";
        let found = check(&Tree::of([("crates/a/src/a.rs", text)]));
        assert_eq!(found.iter().map(|f| f.line).collect::<Vec<_>>(), [2, 5]);
    }
}
