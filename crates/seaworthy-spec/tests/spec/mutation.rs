//! Whatever happens to a file, reading it ends with an answer.

use proptest::prelude::*;
use seaworthy_spec::{Severity, read};

use crate::{BACKUP, SITE, source};

/// Pieces that hurt parsers.
const PIECES: [&str; 24] = [
    "\t",
    "\r",
    "\r\n",
    "\n\n",
    "- ",
    "? ",
    ": ",
    "{",
    "}",
    "[",
    "]",
    "\"",
    "'",
    "|\n",
    ">-\n ",
    "#",
    "&a ",
    "*a",
    "!!x ",
    "\u{feff}",
    "日本",
    "\u{85}",
    "---\n",
    "%YAML 1.2\n",
];

#[derive(Debug, Clone)]
enum Change {
    Insert(usize, usize),
    Delete(usize, usize),
    Repeat(usize, usize),
    Put(usize, char),
}

fn change() -> impl Strategy<Value = Change> {
    let at = 0usize..4_000;
    prop_oneof![
        (at.clone(), 0..PIECES.len()).prop_map(|(at, piece)| Change::Insert(at, piece)),
        (at.clone(), 1usize..40).prop_map(|(at, len)| Change::Delete(at, len)),
        (at.clone(), 1usize..200).prop_map(|(at, len)| Change::Repeat(at, len)),
        (at, any::<char>()).prop_map(|(at, c)| Change::Put(at, c)),
    ]
}

fn changed(text: &str, changes: &[Change]) -> String {
    let mut chars: Vec<char> = text.chars().collect();
    for change in changes {
        let (Change::Insert(at, _) | Change::Delete(at, _) | Change::Repeat(at, _) | Change::Put(at, _)) = change;
        let at = at % (chars.len() + 1);
        match change {
            Change::Insert(_, piece) => drop(chars.splice(at..at, PIECES[*piece].chars())),
            Change::Delete(_, len) => drop(chars.drain(at..(at + len).min(chars.len()))),
            Change::Repeat(_, len) => {
                let piece = chars[at..(at + len).min(chars.len())].to_vec();
                drop(chars.splice(at..at, piece));
            }
            Change::Put(_, c) => chars.insert(at, *c),
        }
    }
    chars.into_iter().collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_changed_file_never_breaks_the_reader(ours in prop::collection::vec(change(), 1..6), theirs in prop::collection::vec(change(), 0..3)) {
        let (site, ops) = (changed(SITE, &theirs), changed(BACKUP, &ours));
        let read = read(&source("seaworthy.yaml", &site), &[source("ops/it.yaml", &ops)], &|path| path.len() % 2 == 0);
        for diagnostic in &read.diagnostics {
            let text = if diagnostic.file == "ops/it.yaml" { &ops } else { &site };
            let lines = text.split(['\n', '\r']).count() as u32;
            prop_assert!(diagnostic.line >= 1 && diagnostic.line <= lines, "{:?}", diagnostic);
            prop_assert!(diagnostic.column >= 1 && diagnostic.end_column > diagnostic.column);
            prop_assert!(!diagnostic.render(true).is_empty());
        }
        let errors = read.diagnostics.iter().any(|d| d.severity == Severity::Error && d.file == "ops/it.yaml");
        prop_assert!(!errors || read.processes.is_empty());
    }

    #[test]
    fn any_text_at_all_gets_an_answer(text in "\\PC{0,200}|[-\\[\\]{}:,\"'|>#&*!?% \\t\\n\\ra]{0,200}") {
        let read = read(&source("seaworthy.yaml", &text), &[source("ops/it.yaml", &text)], &|_| false);
        prop_assert!(read.site.is_none() || !text.is_empty());
    }
}
