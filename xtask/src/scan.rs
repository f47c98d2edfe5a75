//! A scanner for Rust text: separates code from comments and strings, and finds functions and test regions.
//!
//! Not a parser: it counts braces in code whose comments and strings were blanked, which is enough for rules about
//! length and words. Must not know any rule.

use std::collections::BTreeSet;

/// A Rust source, separated. Everything has the line numbers of the source, from 1.
#[derive(Debug, Default)]
pub struct Scan {
    /// The source with comments and string contents replaced by spaces; same lines, same columns in characters.
    pub code: String,
    pub strings: Vec<Literal>,
    pub functions: Vec<Function>,
    /// Lines inside items under `#[cfg(test)]` or `#[test]`.
    pub test_lines: BTreeSet<usize>,
    /// Names of `#[cfg(test)] mod NAME;`.
    pub test_modules: Vec<String>,
}

/// A string literal, without its quotes, escapes as written.
#[derive(Debug, PartialEq, Eq)]
pub struct Literal {
    pub line: usize,
    pub text: String,
}

/// A function with a body.
#[derive(Debug, PartialEq, Eq)]
pub struct Function {
    pub name: String,
    /// Line of `fn`.
    pub first: usize,
    /// Line of the closing brace.
    pub last: usize,
    /// Lines in it that begin inside a string: text, not code.
    pub text_lines: usize,
}

impl Function {
    /// Lines from `fn` to the closing brace, without lines of longer texts.
    pub fn lines(&self) -> usize {
        self.last - self.first + 1 - self.text_lines
    }
}

/// Separates one source.
pub fn scan(text: &str) -> Scan {
    let mut blanker = Blanker { input: text.chars().collect(), at: 0, code: String::new(), strings: vec![], line: 1 };
    while blanker.at < blanker.input.len() {
        blanker.next();
    }
    let code: Vec<char> = blanker.code.chars().collect();
    let (test_lines, test_modules) = test_regions(&code);
    let functions = functions(&code, &blanker.strings);
    Scan { code: blanker.code, strings: blanker.strings, functions, test_lines, test_modules }
}

struct Blanker {
    input: Vec<char>,
    at: usize,
    code: String,
    strings: Vec<Literal>,
    line: usize,
}

impl Blanker {
    fn peek(&self, ahead: usize) -> char {
        self.input.get(self.at + ahead).copied().unwrap_or('\0')
    }

    /// Takes one character, as code or as a blank.
    fn take(&mut self, keep: bool) -> char {
        let c = self.peek(0);
        self.at += 1;
        if c == '\n' {
            self.line += 1;
        }
        self.code.push(if keep || c == '\n' { c } else { ' ' });
        c
    }

    fn next(&mut self) {
        let word_before = self.at > 0 && is_word(self.input[self.at - 1]);
        match self.peek(0) {
            '/' if self.peek(1) == '/' => {
                while self.at < self.input.len() && self.peek(0) != '\n' {
                    self.take(false);
                }
            }
            '/' if self.peek(1) == '*' => self.block_comment(),
            '"' => self.string(0, true),
            'r' | 'b' | 'c' if !word_before && self.raw_hashes().is_some() => {
                let hashes = self.raw_hashes().unwrap_or(0);
                while self.peek(0) != '"' {
                    self.take(true);
                }
                self.string(hashes, false);
            }
            '\'' => self.quote(),
            _ => {
                self.take(true);
            }
        }
    }

    /// How many `#` follow, if a raw string starts here.
    fn raw_hashes(&self) -> Option<usize> {
        let prefix = if self.peek(0) == 'r' {
            1
        } else if self.peek(1) == 'r' {
            2
        } else {
            return None;
        };
        let hashes = (0..).take_while(|n| self.peek(prefix + n) == '#').count();
        (self.peek(prefix + hashes) == '"').then_some(hashes)
    }

    fn block_comment(&mut self) {
        let mut depth = 0usize;
        while self.at < self.input.len() {
            let pair = (self.peek(0), self.peek(1));
            self.take(false);
            if pair == ('/', '*') || pair == ('*', '/') {
                self.take(false);
                depth = if pair.0 == '/' { depth + 1 } else { depth - 1 };
                if depth == 0 {
                    return;
                }
            }
        }
    }

    fn string(&mut self, hashes: usize, escapes: bool) {
        let line = self.line;
        self.take(true);
        let mut text = String::new();
        while self.at < self.input.len() {
            if escapes && self.peek(0) == '\\' {
                text.push(self.take(false));
                text.push(self.take(false));
            } else if self.peek(0) == '"' && (1..=hashes).all(|n| self.peek(n) == '#') {
                (0..=hashes).for_each(|_| {
                    self.take(true);
                });
                break;
            } else {
                text.push(self.take(false));
            }
        }
        self.strings.push(Literal { line, text });
    }

    /// A character literal is blanked; a lifetime is code.
    fn quote(&mut self) {
        let literal = if self.peek(1) == '\\' {
            (3..12).find(|n| self.peek(*n) == '\'')
        } else {
            (self.peek(2) == '\'').then_some(2)
        };
        self.take(true);
        if let Some(end) = literal {
            (1..end).for_each(|_| {
                self.take(false);
            });
            self.take(true);
        }
    }
}

/// Whether the character can be part of an identifier.
pub fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Whether `text` contains `word` with no identifier characters around it.
pub fn has_word(text: &str, word: &str) -> bool {
    text.match_indices(word).any(|(at, _)| {
        let before = text[..at].chars().next_back().is_some_and(is_word);
        let after = text[at + word.len()..].chars().next().is_some_and(is_word);
        let open = word.chars().next_back().is_some_and(|c| !is_word(c));
        !before && (open || !after)
    })
}

fn line_of(code: &[char], at: usize) -> usize {
    code[..at.min(code.len())].iter().filter(|c| **c == '\n').count() + 1
}

/// From `at`, the index of the item's opening brace or of its semicolon, whichever ends the head.
fn head_end(code: &[char], at: usize) -> Option<usize> {
    let mut depth = 0i32;
    for (n, c) in code.iter().enumerate().skip(at) {
        match c {
            '(' | '[' => depth += 1,
            ')' | ']' => depth -= 1,
            '{' | ';' if depth == 0 => return Some(n),
            _ => {}
        }
    }
    None
}

/// The index of the brace that closes the one at `open`.
fn closing(code: &[char], open: usize) -> usize {
    let mut depth = 0i32;
    for (n, c) in code.iter().enumerate().skip(open) {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return n;
        }
    }
    code.len().saturating_sub(1)
}

fn functions(code: &[char], strings: &[Literal]) -> Vec<Function> {
    let mut found = Vec::new();
    for at in 0..code.len().saturating_sub(3) {
        let keyword = code[at..].starts_with(&['f', 'n', ' ']) && (at == 0 || !is_word(code[at - 1]));
        if !keyword {
            continue;
        }
        let name: String = code[at + 3..].iter().take_while(|c| is_word(**c)).collect();
        if let Some(open) = head_end(code, at)
            && code[open] == '{'
            && !name.is_empty()
        {
            let (first, last) = (line_of(code, at), line_of(code, closing(code, open)));
            let inside = strings.iter().filter(|literal| (first..=last).contains(&literal.line));
            let text_lines = inside.map(|literal| literal.text.matches('\n').count()).sum();
            found.push(Function { name, first, last, text_lines });
        }
    }
    found
}

fn test_regions(code: &[char]) -> (BTreeSet<usize>, Vec<String>) {
    let text: String = code.iter().collect();
    let (mut lines, mut modules) = (BTreeSet::new(), Vec::new());
    for mark in ["#[cfg(test)]", "#[test]", "#[tokio::test"] {
        for (byte, _) in text.match_indices(mark) {
            let at = text[..byte].chars().count();
            let Some(end) = head_end(code, at) else { continue };
            if code[end] == '{' {
                lines.extend(line_of(code, at)..=line_of(code, closing(code, end)));
            } else {
                let head: String = code[at..end].iter().collect();
                lines.extend(line_of(code, at)..=line_of(code, end));
                modules.extend(head.rsplit_once("mod ").map(|(_, name)| name.trim().to_string()));
            }
        }
    }
    (lines, modules)
}

#[cfg(test)]
mod tests;
