//! Where a byte of a value stands in its file: through quotes, escapes, folded lines and blocks.
//!
//! This module must not know what the value means.

use saphyr_parser::ScalarStyle;

use crate::{
    source::{Mark, Place, Report},
    tree::{Data, Node},
};

/// Values and lines beyond this are marked as a whole: following costs the square of their length.
const FOLLOWED_CHARS_MAX: usize = 8 * 1024;

/// The place of `len` bytes at byte `at` of a scalar's text. A place past the end is just behind the last
/// character; no bytes at the very beginning mean all of it.
pub fn inside(node: &Node, at: usize, len: usize, report: &Report<'_>) -> Place {
    let Data::Scalar { text, style } = &node.data else { return node.place };
    if at == 0 && len == 0 {
        return node.place;
    }
    let (first, behind_last) = (count(text, at), count(text, at + len.max(1)));
    if behind_last > FOLLOWED_CHARS_MAX || report.line(node.place.start.line).len() > FOLLOWED_CHARS_MAX {
        return node.place;
    }
    let marks = marks(text, *style, node.place, report);
    let (Some(start), Some(last)) = (marks.get(first), marks.get(behind_last.saturating_sub(1))) else {
        return behind(&marks, node.place);
    };
    let end = Mark { line: last.line, column: last.column + 1 };
    if *last < *start { Place::on_line(*start, 1) } else { Place { start: *start, end } }
}

/// Characters before byte `at`; at least one if anything before, never panics inside a character.
fn count(text: &str, at: usize) -> usize {
    text.char_indices().take_while(|(index, _)| *index < at).count()
}

fn behind(marks: &[Mark], place: Place) -> Place {
    match marks.last() {
        Some(last) => Place::on_line(Mark { line: last.line, column: last.column + 1 }, 1),
        None => place,
    }
}

/// The mark of each character of the text, as far as they can be followed.
fn marks(text: &str, style: ScalarStyle, place: Place, report: &Report<'_>) -> Vec<Mark> {
    let block = matches!(style, ScalarStyle::Literal | ScalarStyle::Folded);
    let mut at = Cursor { mark: place.start, report };
    let mut indent = 0;
    if block {
        // The scanner says where the text begins, not where `|` or `>` stands; empty lines before it are of the text.
        at.mark.column = 1;
        indent = indentation(text, at.mark.line, report);
        at.skip_spaces(indent);
    } else if style != ScalarStyle::Plain {
        at.mark.column += 1;
    }
    let mut marks = Vec::with_capacity(text.len());
    for c in text.chars().take(FOLLOWED_CHARS_MAX) {
        // A line break that folding swallowed: the value goes on in the next line.
        while at.here().is_none() && c != '\n' && c != ' ' && at.next_line() {
            at.skip_blank(block, indent);
        }
        while !block
            && c != ' '
            && c != '\t'
            && at.here().is_some_and(|s| s == ' ' || s == '\t')
            && at.here() != Some(c)
        {
            at.mark.column += 1;
            while at.here().is_none() && c != '\n' && at.next_line() {
                at.skip_blank(block, indent);
            }
        }
        marks.push(at.mark);
        match at.here() {
            None => {
                at.next_line();
                at.skip_blank(block, indent);
            }
            Some('\'') if style == ScalarStyle::SingleQuoted => at.mark.column += 2,
            Some('\\') if style == ScalarStyle::DoubleQuoted => at.mark.column += at.escape(),
            Some(_) => at.mark.column += 1,
        }
        if at.mark.line as usize > report.lines.len() {
            break;
        }
    }
    marks
}

/// Spaces before a block's text that are not of the text.
fn indentation(text: &str, first: u32, report: &Report<'_>) -> u32 {
    let spaces = |line: &str| line.chars().take_while(|c| *c == ' ').count();
    let own = text.lines().find(|line| !line.trim().is_empty()).map_or(0, spaces);
    let lines = report.lines.iter().skip(first as usize - 1);
    let written = lines.into_iter().find(|line| !line.trim().is_empty()).map_or(0, |line| spaces(line));
    u32::try_from(written.saturating_sub(own)).unwrap_or(0)
}

struct Cursor<'r, 'a> {
    mark: Mark,
    report: &'r Report<'a>,
}

impl Cursor<'_, '_> {
    /// The character here; nothing at the end of a line.
    fn here(&self) -> Option<char> {
        self.report.line(self.mark.line).chars().nth(self.mark.column as usize - 1)
    }

    fn next_line(&mut self) -> bool {
        self.mark = Mark { line: self.mark.line + 1, column: 1 };
        (self.mark.line as usize) <= self.report.lines.len()
    }

    fn skip_spaces(&mut self, most: u32) {
        let from = self.mark.column;
        while self.mark.column - from < most && self.here() == Some(' ') {
            self.mark.column += 1;
        }
    }

    fn skip_blank(&mut self, block: bool, indent: u32) {
        if block {
            return self.skip_spaces(indent);
        }
        while self.here().is_some_and(|c| c == ' ' || c == '\t') {
            self.mark.column += 1;
        }
    }

    /// Characters of an escape sequence of a double-quoted text: YAML 1.2.2, section 5.7.
    fn escape(&self) -> u32 {
        match self.report.line(self.mark.line).chars().nth(self.mark.column as usize) {
            Some('x') => 4,
            Some('u') => 6,
            Some('U') => 10,
            _ => 2,
        }
    }
}
