//! The pure rule: words and decisions have no clock, chance, file, socket, thread or `HashMap` order.
//!
//! clippy.toml inside these crates bans the calls after name resolution; this rule also sees imports and macros, and
//! exempts tests.

use super::{Finding, ring};
use crate::{
    scan::{has_word, is_word},
    tree::{File, Tree},
};

/// Paths that must not be imported or written out.
const PATHS: [&str; 9] = [
    "std::fs",
    "std::net",
    "std::thread",
    "std::process",
    "std::env",
    "std::os",
    "std::time::Instant",
    "std::time::SystemTime",
    "tokio",
];

/// Words that must not appear at all.
const WORDS: [&str; 9] = [
    "HashMap",
    "HashSet",
    "RandomState",
    "rand::",
    "getrandom::",
    "println!",
    "eprintln!",
    "Timestamp::now",
    "Zoned::now",
];

const HELP: &str = "let time, chance and what was read come in as arguments; use BTreeMap for a stable order";

pub fn check(tree: &Tree) -> Vec<Finding> {
    tree.rust().filter(|file| is_pure(file) && !file.test).flat_map(file_findings).collect()
}

fn is_pure(file: &File) -> bool {
    file.crate_name().and_then(|name| name.strip_prefix("seaworthy-")).is_some_and(|name| ring::PURE.contains(&name))
        && file.path.contains("/src/")
}

fn file_findings(file: &File) -> Vec<Finding> {
    let mut found: Vec<(usize, &str)> = Vec::new();
    for (line, code) in file.product_lines() {
        let words = PATHS.iter().chain(&WORDS).filter(|word| has_word(code, word));
        found.extend(words.map(|word| (line, *word)));
    }
    for (line, path) in imports(&file.scan.code) {
        let banned = PATHS.iter().find(|p| path == **p || path.starts_with(&format!("{p}::")));
        found.extend(banned.filter(|_| !file.is_test_line(line)).map(|p| (line, *p)));
    }
    found.sort_unstable();
    found.dedup();
    found
        .into_iter()
        .map(|(line, what)| {
            let message = format!("`{}` in a crate that decides and does no IO", what.trim_end_matches("::"));
            Finding::at(&file.path, line, message, HELP)
        })
        .collect()
}

/// Every path that the `use` items of a source import, groups unfolded, with the line of its last word.
fn imports(code: &str) -> Vec<(usize, String)> {
    let mut paths = Vec::new();
    for (at, _) in code.match_indices("use ") {
        let item_start = code[..at].chars().next_back().is_none_or(|c| !is_word(c));
        let Some(end) = code[at..].find(';').filter(|_| item_start) else { continue };
        let mut line = code[..at].matches('\n').count() + 1;
        let (mut prefixes, mut word) = (vec![String::new()], String::new());
        for c in code[at + 4..=at + end].chars() {
            match c {
                '{' => {
                    let outer = prefixes.last().cloned().unwrap_or_default();
                    prefixes.push(format!("{outer}{word}"));
                    word.clear();
                }
                '}' | ',' | ';' => {
                    if !word.is_empty() {
                        paths.push((line, format!("{}{word}", prefixes.last().map_or("", String::as_str))));
                    }
                    word.clear();
                    if c == '}' {
                        prefixes.pop();
                    }
                }
                c if c.is_whitespace() => line += usize::from(c == '\n'),
                c => word.push(c),
            }
        }
    }
    paths
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(path: &str, text: &str) -> Vec<usize> {
        check(&Tree::of([(path, text)])).iter().map(|f| f.line).collect()
    }

    #[test]
    fn io_is_found_however_it_is_imported() {
        let core = "crates/seaworthy-core/src/run/decide.rs";
        assert_eq!(lines(core, "//! D\nfn f() { std::fs::read(\"x\"); }\n"), [2]);
        assert_eq!(
            lines(core, "//! D\nuse std::{\n    fmt,\n    net::{IpAddr, TcpStream},\n    thread,\n};\n"),
            [4, 5]
        );
        assert_eq!(lines(core, "//! D\nuse std::time::{Duration, Instant};\n"), [2]);
        assert_eq!(lines(core, "//! D\nuse std::collections::{BTreeMap, HashMap};\n"), [2]);
        assert_eq!(
            lines(core, "//! D\nfn f() { println!(\"x\"); tokio::spawn(g()); jiff::Timestamp::now(); }\n"),
            [2, 2, 2]
        );
        assert_eq!(lines(core, "//! D\nuse std::fs as disk;\n"), [2]);
    }

    #[test]
    fn tests_comments_strings_and_other_crates_pass() {
        let text = "//! No std::fs here.\nfn f() -> &'static str { \"HashMap\" } // tokio::spawn\n#[cfg(test)]\nmod tests {\n    use std::fs;\n}\n";
        assert!(lines("crates/seaworthy-core/src/a.rs", text).is_empty());
        assert!(lines("crates/seaworthy-probe/src/a.rs", "//! P\nuse std::fs;\n").is_empty());
        assert!(lines("crates/seaworthy-core/tests/a.rs", "//! T\nuse std::fs;\n").is_empty());
    }
}
