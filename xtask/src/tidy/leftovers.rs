//! No notes to oneself and no paths of one machine in what is tracked.

use super::Finding;
use crate::{scan::has_word, tree::Tree};

/// Written in halves so that this file is not its own finding.
const NOTES: [&str; 3] = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X")];

/// Folders of the machine that somebody works on.
const MACHINE: [&str; 3] = [concat!("/wo", "rk/"), concat!("/ro", "ot/"), concat!("/ho", "me/")];

pub fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.files.iter().filter(|file| !file.path.ends_with(".lock") && !file.path.ends_with("-lock.json")) {
        for (n, line) in file.text.lines().enumerate() {
            if let Some(note) = NOTES.iter().find(|note| has_word(line, note)) {
                let help = "do it now, or write it down where work is planned";
                findings.push(Finding::at(&file.path, n + 1, format!("a note to oneself: `{note}`"), help));
            }
            if let Some(path) = MACHINE.iter().find(|path| is_absolute(line, path)) {
                let help = "use a path relative to the repository, or a folder from the environment";
                findings.push(Finding::at(&file.path, n + 1, format!("a path of one machine: `{path}`"), help));
            }
        }
    }
    findings
}

/// Whether the path begins here rather than going on from something else.
fn is_absolute(line: &str, path: &str) -> bool {
    line.match_indices(path)
        .any(|(at, _)| line[..at].chars().next_back().is_none_or(|c| c.is_whitespace() || "\"'`(=:,<[".contains(c)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_and_machine_paths_are_found_and_longer_paths_pass() {
        let text = format!(
            "# {}: later\ncd {}seaworthy\n/var/lib{}x and $T{}y are fine\n",
            NOTES[0], MACHINE[0], MACHINE[0], MACHINE[1]
        );
        let found = check(&Tree::of([("docs/a.md", text)]));
        assert_eq!(found.iter().map(|f| f.line).collect::<Vec<_>>(), [1, 2]);
    }
}
