//! Every source opens by saying what it is, so that a reader knows whether to go on.

use super::Finding;
use crate::tree::Tree;

/// Shorter openings say nothing.
const OPENING_CHARS_MIN: usize = 10;

pub fn check(tree: &Tree) -> Vec<Finding> {
    let silent = |text: &str| {
        let first = text.lines().next().unwrap_or("");
        first.strip_prefix("//!").is_none_or(|said| said.trim().len() < OPENING_CHARS_MIN)
    };
    tree.rust()
        .filter(|file| silent(&file.text))
        .map(|file| {
            let help = "begin with `//! …`: what this file is, and what it must not know";
            Finding::at(&file.path, 1, "the file does not open by saying what it is".into(), help)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_silent_source_is_found_and_a_speaking_one_passes() {
        let tree = Tree::of([
            ("crates/a/src/silent.rs", "use std::fmt;\n"),
            ("crates/a/src/empty.rs", ""),
            ("crates/a/src/mumbling.rs", "//! M\n"),
            ("crates/a/src/speaking.rs", "//! What a run is.\n"),
        ]);
        let paths: Vec<String> = check(&tree).into_iter().map(|f| f.path).collect();
        assert_eq!(paths, ["crates/a/src/empty.rs", "crates/a/src/mumbling.rs", "crates/a/src/silent.rs"]);
    }
}
