//! What people usually meant where the YAML scanner gives up.
//!
//! This module must not know the grammar of the documents. Its phrases are pieces of the scanner's sentences; the tests
//! hold each against the scanner, so that a new version of it cannot change them unseen.

use crate::source::{Mark, Report};

/// A piece of the scanner's sentence, and what to do.
const HELP: [(&str, &str); 12] = [
    (
        "mapping values are not allowed",
        "a text with `: ` in it needs quotes around all of it, or a block: `|` and the text in the next lines",
    ),
    ("unknown anchor", "a value that begins with `*` or `&` needs quotes around all of it"),
    ("anchor or alias", "a value that begins with `*` or `&` needs quotes around all of it"),
    ("unexpected character", "a value that begins with this character needs quotes around all of it"),
    (
        "trailing content after",
        "a value that begins with a quote ends with it: put other quotes around all of the value",
    ),
    ("quoted scalar", "close the quote; inside single quotes a single quote is written twice"),
    ("found a tab", "indent with spaces, not with tabs"),
    ("simple key expect", "a line here has no `key:`; the text of a block is indented deeper than its key"),
    ("expected '-' indicator", "this line is indented less than the lines that it belongs to"),
    ("block sequence entries", "write a list in the next lines, each item after `- `, or in brackets"),
    ("flow", "close every bracket and brace; quote a text that begins with one"),
    ("tab", "indent with spaces, not with tabs"),
];

/// What to write instead.
pub fn help(info: &str, at: Mark, report: &Report<'_>) -> &'static str {
    let before: String = report.line(at.line).chars().take(at.column as usize - 1).collect();
    if info.contains("did not find expected key") && before.trim_end().ends_with([']', '}']) {
        return "a value that begins with `[` or `{` ends with its bracket; quote all of it if it was meant as text";
    }
    let known = HELP.iter().find(|(piece, _)| info.contains(piece));
    known.map_or("look at indentation, quotes and colons up to here", |(_, help)| help)
}

/// The end of a file is shown at the end of its last line that says something.
pub fn shown_at(at: Mark, report: &Report<'_>) -> Mark {
    let rest = report.lines.iter().skip(at.line as usize - 1);
    if rest.into_iter().any(|line| !line.trim().is_empty()) {
        return at;
    }
    let last = report.lines.iter().zip(1u32..).filter(|(line, _)| !line.trim().is_empty()).last();
    last.map_or(at, |(text, line)| Mark { line, column: text.chars().count() as u32 + 1 })
}
