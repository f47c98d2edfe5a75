//! Tests neither sleep, nor hide, nor pass by themselves.
//!
//! A short pause between two looks is not sleeping: it is allowed in a function that loops and looks at a clock or has
//! a deadline. Nor is the sleep of a test's own clock.

use super::Finding;
use crate::{
    scan::has_word,
    tree::{File, Tree},
};

const SLEEPS: [&str; 4] = ["thread::sleep(", "time::sleep(", "sleep(Duration::", "sleep_ms("];

/// What a loop with an end looks at.
const CLOCKS: [&str; 4] = ["Instant::now()", ".elapsed()", "deadline", "timeout("];

pub fn check(tree: &Tree) -> Vec<Finding> {
    tree.rust().flat_map(|file| sleeps(file).into_iter().chain(hidden(file))).collect()
}

fn sleeps(file: &File) -> Vec<Finding> {
    let lines: Vec<&str> = file.scan.code.lines().collect();
    let waits = |line: usize| {
        let mut around = file.scan.functions.iter().filter(|function| (function.first..=function.last).contains(&line));
        around.any(|function| {
            let body = lines[function.first - 1..function.last].join("\n");
            let loops = has_word(&body, "while") || has_word(&body, "loop");
            function.name == "sleep" || (loops && CLOCKS.iter().any(|clock| body.contains(clock)))
        })
    };
    let numbered = lines.iter().enumerate().map(|(n, code)| (n + 1, code));
    numbered
        .filter(|(line, code)| {
            file.is_test_line(*line) && SLEEPS.iter().any(|sleep| code.contains(sleep)) && !waits(*line)
        })
        .map(|(line, _)| {
            let help = "wait on a signal, or look in a loop that ends at a deadline, in the same function";
            Finding::at(&file.path, line, "a test sleeps".into(), help)
        })
        .collect()
}

fn hidden(file: &File) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (n, code) in file.scan.code.lines().enumerate() {
        if code.contains("#[ignore") {
            let help = "print `SKIPPED: part: reason` and return, so that the table of suites shows it";
            findings.push(Finding::at(&file.path, n + 1, "an ignored test is forgotten".into(), help));
        }
        let squeezed: String = code.split_whitespace().collect();
        if has_word(&squeezed, "assert!(true)") || has_word(&squeezed, "assert_eq!(true,true)") {
            let help = "assert what would be different if the code were wrong";
            findings.push(Finding::at(&file.path, n + 1, "an assertion that cannot fail".into(), help));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<usize> {
        check(&Tree::of([("crates/a/tests/t.rs", text)])).iter().map(|f| f.line).collect()
    }

    #[test]
    fn a_sleeping_an_ignored_and_an_empty_test_are_found() {
        assert_eq!(lines("//! T\nfn t() {\n    std::thread::sleep(X);\n}\n"), [3]);
        assert_eq!(lines("//! T\nasync fn t() {\n    tokio::time::sleep(X).await;\n}\n"), [3]);
        assert_eq!(lines("//! T\nfn t() {\n    loop {\n        thread::sleep(X);\n    }\n}\n"), [4], "without an end");
        assert_eq!(lines("//! T\n#[ignore = \"slow\"]\nfn t() {\n    assert!( true );\n}\n"), [2, 4]);
    }

    #[test]
    fn looking_again_until_a_deadline_is_not_sleeping_and_products_may_sleep() {
        let poll = "//! T\nfn until() {\n    let deadline = now() + LIMIT;\n    while now() < deadline {\n        thread::sleep(PAUSE);\n    }\n}\n";
        assert!(lines(poll).is_empty());
        let clock = "//! T\nimpl Clock for World {\n    fn sleep(&self, span: Span) -> Fut<()> {\n        Box::pin(tokio::time::sleep(span.to_std()))\n    }\n}\n";
        assert!(lines(clock).is_empty());
        let product = Tree::of([("crates/a/src/l.rs", "//! L\nfn f() {\n    thread::sleep(X);\n}\n")]);
        assert_eq!(check(&product), []);
    }
}
