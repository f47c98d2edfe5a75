//! No module is a drawer for everything: a name says what is inside.

use super::Finding;
use crate::tree::Tree;

const BANNED: [&str; 9] = ["common", "util", "utils", "helper", "helpers", "types", "misc", "prelude", "shared"];

pub fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.rust() {
        let banned = file.path.split('/').map(|part| part.trim_end_matches(".rs")).find(|part| BANNED.contains(part));
        findings.extend(banned.map(|part| (file, 1, part.to_string())));
        for (n, line) in file.scan.code.lines().enumerate() {
            let name =
                line.trim().trim_start_matches("pub ").strip_prefix("mod ").and_then(|rest| rest.strip_suffix('{'));
            let inline = name.map(str::trim).filter(|name| BANNED.contains(name));
            findings.extend(inline.map(|name| (file, n + 1, name.to_string())));
        }
    }
    let help = "name it after what its reader looks for; if there is no such word, its parts belong elsewhere";
    findings
        .into_iter()
        .map(|(file, line, name)| {
            Finding::at(&file.path, line, format!("`{name}` says nothing about what is inside"), help)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drawers_are_found_as_files_folders_and_inline_modules() {
        let tree = Tree::of([
            ("crates/a/src/utils.rs", "//! U\n"),
            ("crates/a/tests/common/mod.rs", "//! C\n"),
            ("crates/a/src/run.rs", "//! R\npub mod types {\n}\nmod steps {\n}\n"),
        ]);
        let places: Vec<(String, usize)> = check(&tree).into_iter().map(|f| (f.path, f.line)).collect();
        let expected = [("crates/a/src/run.rs", 2), ("crates/a/src/utils.rs", 1), ("crates/a/tests/common/mod.rs", 1)];
        assert_eq!(places, expected.map(|(path, line)| (path.to_string(), line)));
    }
}
