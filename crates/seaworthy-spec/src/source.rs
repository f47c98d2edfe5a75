//! One file's lines, and the report that collects its problems.
//!
//! This module must not know the grammar: it is told places and sentences.

use crate::diagnostic::{Diagnostic, LINE_TEXT_CHARS_MAX, Severity};
use crate::secret::speaks_of_secrets;

/// A point in a file: line and column from 1, columns in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mark {
    pub line: u32,
    pub column: u32,
}

/// From `start` to just before `end`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    pub start: Mark,
    pub end: Mark,
}

impl Place {
    /// `len` characters on one line.
    pub fn on_line(start: Mark, len: usize) -> Place {
        let column = start.column.saturating_add(u32::try_from(len.max(1)).unwrap_or(u32::MAX));
        Place { start, end: Mark { line: start.line, column } }
    }
}

/// Problems of one file beyond this are counted, not told.
pub const DIAGNOSTICS_PER_FILE_MAX: usize = 200;

/// Collects the problems of one file.
pub struct Report<'a> {
    pub file: &'a str,
    pub lines: Vec<&'a str>,
    found: Vec<Diagnostic>,
    /// Text that must not be shown: a secret that somebody wrote down.
    private: Vec<Place>,
    /// The file could not be read to its end, so nobody knows which of its texts are secrets.
    broken_off: bool,
    errors: usize,
    left_out: usize,
}

impl<'a> Report<'a> {
    /// An empty report about `text`. Lines end at LF, CR LF or CR, as YAML 1.2.2 section 5.4 has it.
    pub fn new(file: &'a str, text: &'a str) -> Report<'a> {
        Report {
            file,
            lines: lines(text.strip_prefix('\u{feff}').unwrap_or(text)),
            found: Vec::new(),
            private: Vec::new(),
            broken_off: false,
            errors: 0,
            left_out: 0,
        }
    }

    pub fn error(&mut self, code: &'static str, place: Place, message: impl Into<String>, help: impl Into<String>) {
        self.errors += 1;
        self.add(Severity::Error, code, place, message.into(), help.into());
    }

    pub fn warning(&mut self, code: &'static str, place: Place, message: impl Into<String>, help: impl Into<String>) {
        self.add(Severity::Warning, code, place, message.into(), help.into());
    }

    pub fn finding(&mut self, code: &'static str, place: Place, message: impl Into<String>, help: impl Into<String>) {
        self.add(Severity::Finding, code, place, message.into(), help.into());
    }

    /// The text at this place is never shown in any diagnostic of the file.
    pub fn hide(&mut self, place: Place) {
        self.private.push(place);
    }

    /// The rest of the file is not read: lines that speak of secrets are shown without their values.
    pub fn break_off(&mut self) {
        self.broken_off = true;
    }

    pub fn has_errors(&self) -> bool {
        self.errors > 0
    }

    fn add(&mut self, severity: Severity, code: &'static str, place: Place, message: String, help: String) {
        if self.found.len() >= DIAGNOSTICS_PER_FILE_MAX {
            self.left_out += 1;
            return;
        }
        let Mark { mut line, mut column } = place.start;
        let last = u32::try_from(self.lines.len()).unwrap_or(u32::MAX);
        if line > last {
            // The end of a file is said to be on a line of its own, whether there is one or not.
            (line, column) = (last, self.line(last).chars().count() as u32 + 1);
        }
        let length = self.line(line).chars().count() as u32;
        let end = if place.end.line > line { length + 1 } else { place.end.column };
        let message = cut(message);
        let help = cut(help);
        let file = self.file.to_owned();
        let end_column = end.max(column + 1);
        let line_text = String::new();
        self.found.push(Diagnostic { severity, code, file, line, column, end_column, message, help, line_text });
    }

    pub fn line(&self, line: u32) -> &'a str {
        self.lines.get(line.saturating_sub(1) as usize).copied().unwrap_or("")
    }

    /// All problems in the order of the file, each with its line.
    pub fn finish(mut self) -> Vec<Diagnostic> {
        let mut found = std::mem::take(&mut self.found);
        found.sort_by_key(|d| (d.line, d.column, d.severity));
        for diagnostic in &mut found {
            diagnostic.line_text = self.shown(diagnostic.line);
        }
        if self.left_out > 0
            && let Some(last) = found.last().cloned()
        {
            let message = format!("{} more problems in this file are not shown", self.left_out);
            let severity = if self.errors > 0 { Severity::Error } else { last.severity };
            let help = "mend the first ones".into();
            found.push(Diagnostic { severity, code: "too-many-problems", message, help, ..last });
        }
        found
    }

    fn shown(&self, line: u32) -> String {
        let text = self.line(line);
        let guarded = self.broken_off && speaks_of_secrets(text);
        let value = text.chars().zip(1u32..).find(|(c, _)| *c == ':').filter(|_| guarded);
        let here: Vec<&Place> = self.private.iter().filter(|p| p.start.line <= line && line <= p.end.line).collect();
        let hidden = |column: u32| {
            let at = Mark { line, column };
            value.is_some_and(|(_, colon)| column > colon) || here.iter().any(|p| p.start <= at && at < p.end)
        };
        let chars = text.chars().take(LINE_TEXT_CHARS_MAX);
        chars.zip(1u32..).map(|(c, column)| if hidden(column) && c != ' ' { '•' } else { c }).collect()
    }
}

/// Longest message and help; whatever they repeat of a file, they stay readable.
const SENTENCE_CHARS_MAX: usize = 400;

fn cut(mut sentence: String) -> String {
    if let Some((end, _)) = sentence.char_indices().nth(SENTENCE_CHARS_MAX) {
        sentence.truncate(end);
        sentence.push('…');
    }
    sentence
}

fn lines(text: &str) -> Vec<&str> {
    let mut lines = Vec::new();
    let mut rest = text;
    while let Some(end) = rest.find(['\n', '\r']) {
        lines.push(&rest[..end]);
        let crlf = rest[end..].starts_with("\r\n");
        rest = &rest[end + if crlf { 2 } else { 1 }..];
    }
    lines.push(rest);
    lines
}
