//! What is wrong with a file, where, and what to write instead: one sentence each, shown under its line.
//!
//! This module must not know the grammar.

use std::fmt::Write as _;

use serde::Serialize;

/// How much a diagnostic weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The file is not used: nothing in it comes into force.
    Error,
    /// The file is used, and something in it probably does not do what was meant.
    Warning,
    /// The file is used and right; the operation is not whole yet (a facet is missing, a team has one person).
    Finding,
}

impl Severity {
    /// The word that people and JSON see.
    pub fn word(self) -> &'static str {
        match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Finding => "finding",
        }
    }

    fn colour(self) -> &'static str {
        match self {
            Severity::Error => "\x1b[1;31m",
            Severity::Warning => "\x1b[1;33m",
            Severity::Finding => "\x1b[1;36m",
        }
    }
}

/// One problem at one place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Diagnostic {
    pub severity: Severity,
    /// Stable, for scripts: `unknown-key`, `wrong-type` …
    pub code: &'static str,
    /// Relative to the site's folder, as the caller named it.
    pub file: String,
    /// From 1.
    pub line: u32,
    /// From 1, in characters.
    pub column: u32,
    /// The first column after the marked text, on the same line; greater than `column`.
    pub end_column: u32,
    pub message: String,
    /// What to write or do instead. May be empty.
    pub help: String,
    /// The line itself, without its end, at most [`LINE_TEXT_CHARS_MAX`] characters; literal secrets are dotted out.
    pub line_text: String,
}

/// Longest line that a diagnostic carries; the rest is cut.
pub const LINE_TEXT_CHARS_MAX: usize = 2_000;

/// Longest piece of a line that is shown; longer lines are shown around the mark.
const SHOWN_CHARS_MAX: usize = 160;

impl Diagnostic {
    /// The text for people, without a newline at its end. Tabs are shown as spaces and control characters as
    /// `\u{fffd}`, so the marks stand where they should and a file cannot steer the terminal.
    pub fn render(&self, colour: bool) -> String {
        let paint = |code: &str, text: &str| if colour { format!("{code}{text}\x1b[0m") } else { text.to_owned() };
        let number = self.line.to_string();
        let gutter = " ".repeat(number.len());
        let (bold, blue) = ("\x1b[1m", "\x1b[1;34m");
        let head = format!("{}[{}]", self.severity.word(), self.code);
        let mut out = paint(self.severity.colour(), &head);
        let _ = writeln!(out, "{}", paint(bold, &format!(": {}", plain(&self.message))));
        let place = format!("{}:{}:{}", plain(&self.file), self.line, self.column);
        let _ = writeln!(out, "{gutter} {} {place}", paint(blue, "-->"));
        let (shown, before, width) = self.excerpt();
        let _ = writeln!(out, "{gutter} {}", paint(blue, "|"));
        let _ = writeln!(out, "{} {}{shown}", paint(blue, &number), paint(blue, "|"));
        let help = if self.help.is_empty() { String::new() } else { format!(" help: {}", plain(&self.help)) };
        let mark = paint(self.severity.colour(), &format!("{}{help}", "^".repeat(width)));
        let _ = write!(out, "{gutter} {} {}{mark}", paint(blue, "|"), " ".repeat(before));
        out
    }

    /// The piece of the line to show (with a leading space unless empty), the cells before the mark, the mark's cells.
    fn excerpt(&self) -> (String, usize, usize) {
        let chars: Vec<char> = self.line_text.chars().collect();
        let column = (self.column.max(1) as usize - 1).min(chars.len());
        let end = (self.end_column.max(1) as usize - 1).clamp(column, chars.len());
        let first = if chars.len() > SHOWN_CHARS_MAX { column.saturating_sub(SHOWN_CHARS_MAX / 2) } else { 0 };
        let last = (first + SHOWN_CHARS_MAX).min(chars.len());
        let mut text = String::from(if first > 0 { " …" } else { " " });
        let (mut before, mut width) = (text.chars().count() - 1, 0);
        for (at, c) in chars.iter().enumerate().take(last).skip(first) {
            let cells = match c {
                '\t' => {
                    text.push_str("    ");
                    4
                }
                c => {
                    text.push(if c.is_control() { '\u{fffd}' } else { *c });
                    cells(*c)
                }
            };
            if at < column {
                before += cells;
            } else if at < end {
                width += cells;
            }
        }
        if last < chars.len() {
            text.push('…');
        }
        (text.trim_end().to_owned(), before, width.max(1))
    }
}

/// Longest piece of a file that a message repeats.
const QUOTED_CHARS_MAX: usize = 60;

/// A piece of a file as a message repeats it: in backticks, cut if it is long.
pub fn quoted(text: &str) -> String {
    match text.char_indices().nth(QUOTED_CHARS_MAX) {
        Some((cut, _)) => format!("`{}…`", &text[..cut]),
        None => format!("`{text}`"),
    }
}

fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

/// Cells of a terminal that a character takes; the blocks that UAX #11 calls wide take two.
fn cells(c: char) -> usize {
    match u32::from(c) {
        0x300..=0x36f | 0x200b..=0x200f | 0xfe00..=0xfe0f => 0,
        0x1100..=0x115f
        | 0x2e80..=0xa4cf
        | 0xac00..=0xd7a3
        | 0xf900..=0xfaff
        | 0xfe30..=0xfe6f
        | 0xff00..=0xff60
        | 0xffe0..=0xffe6
        | 0x1f300..=0x1faff
        | 0x20000..=0x3fffd => 2,
        _ => 1,
    }
}
