//! Libraries do not print, and the binary prints through its one writer, which survives a closed pipe.

use super::Finding;
use crate::{scan::has_word, tree::Tree};

const PRINTING: [&str; 5] = ["println!", "print!", "eprintln!", "eprint!", "dbg!"];

pub fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.rust().filter(|f| !f.test && f.path.starts_with("crates/") && f.path.contains("/src/")) {
        let binary = file.crate_name() == Some("seaworthy");
        let words = || PRINTING.iter().filter(|word| !binary || !word.starts_with('e'));
        for (line, code) in file.product_lines() {
            if let Some(word) = words().find(|word| has_word(code, word)) {
                let help = "return it or log it; in the binary use the writer that takes a closed pipe for success";
                findings.push(Finding::at(&file.path, line, format!("`{word}` in the product"), help));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn printing_is_found_in_libraries_and_tests_may() {
        let text = "//! A\nfn f() { eprintln!(\"x\"); }\n#[cfg(test)]\nmod tests {\n    fn t() { println!(\"SKIPPED\"); }\n}\n";
        let tree = Tree::of([
            ("crates/seaworthy-store/src/a.rs", text),
            ("crates/seaworthy/src/main.rs", text),
            ("crates/seaworthy/src/cli.rs", "//! C\nfn f() { println!(\"x\"); }\n"),
        ]);
        let paths: Vec<String> = check(&tree).into_iter().map(|f| f.path).collect();
        assert_eq!(paths, ["crates/seaworthy-store/src/a.rs", "crates/seaworthy/src/cli.rs"]);
    }
}
