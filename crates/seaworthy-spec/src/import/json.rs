//! JSON text into the same tree as YAML, in which every value knows its place.
//!
//! A reader of our own, because exports are large and hold what YAML does not take, and because a half-broken one is to
//! be read up to its mistake. This module must not know any export.

use saphyr_parser::ScalarStyle;

use crate::{
    source::{Mark, Place},
    tree::{Data, Node},
};

/// Most values of one text.
const VALUES_MAX: usize = 1_000_000;
/// Deepest nesting.
const DEPTH_MAX: usize = 64;

/// Where and why a text is no JSON.
pub struct Broken {
    pub line: u32,
    pub reason: String,
}

/// The one value of a text; after a mistake what was read before it: lists and mappings end there.
pub fn parse(text: &str) -> (Option<Node>, Option<Broken>) {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = Reader { rest: text.chars().peekable(), line: 1, column: 1, values: 0, broken: None };
    reader.blank();
    if reader.rest.peek().is_none() {
        reader.wrong("it is empty");
    }
    let node = reader.value(0);
    reader.blank();
    if reader.broken.is_none() && reader.rest.peek().is_some() {
        reader.wrong("something follows after its value");
    }
    (node, reader.broken)
}

struct Reader<'t> {
    rest: std::iter::Peekable<std::str::Chars<'t>>,
    line: u32,
    column: u32,
    values: usize,
    broken: Option<Broken>,
}

impl Reader<'_> {
    fn next(&mut self) -> Option<char> {
        let c = self.rest.next()?;
        if c == '\n' {
            (self.line, self.column) = (self.line + 1, 1);
        } else {
            self.column += 1;
        }
        Some(c)
    }

    fn blank(&mut self) {
        while self.rest.peek().is_some_and(|c| matches!(c, ' ' | '\t' | '\n' | '\r')) {
            self.next();
        }
    }

    fn wrong(&mut self, reason: &str) {
        if self.broken.is_none() {
            let reason = format!("{reason} (line {}, column {})", self.line, self.column);
            self.broken = Some(Broken { line: self.line, reason });
        }
    }

    fn place(&self) -> Place {
        Place::on_line(Mark { line: self.line, column: self.column }, 1)
    }

    fn value(&mut self, depth: usize) -> Option<Node> {
        self.values += 1;
        if self.values > VALUES_MAX || depth > DEPTH_MAX {
            self.wrong("it has more values than are read, or is nested too deep");
            return None;
        }
        self.blank();
        let place = self.place();
        let data = match self.rest.peek()? {
            '{' => self.map(depth),
            '[' => self.list(depth),
            '"' => Data::Scalar { text: self.text()?, style: ScalarStyle::DoubleQuoted },
            _ => Data::Scalar { text: self.word()?, style: ScalarStyle::Plain },
        };
        Some(Node { place, data })
    }

    /// A number, `true`, `false` or `null`.
    fn word(&mut self) -> Option<String> {
        let mut text = String::new();
        while let Some(c) = self.rest.peek().filter(|c| c.is_ascii_alphanumeric() || "+-.".contains(**c)) {
            text.push(*c);
            self.next();
        }
        let known = matches!(text.as_str(), "true" | "false" | "null") || text.parse::<f64>().is_ok();
        if !known {
            self.wrong("this is no JSON: a text stands in double quotes");
            return None;
        }
        Some(text)
    }

    fn text(&mut self) -> Option<String> {
        self.next();
        let mut text = String::new();
        loop {
            match self.next() {
                Some('"') => return Some(text),
                Some('\\') => match self.next() {
                    Some('n') => text.push('\n'),
                    Some('t') => text.push('\t'),
                    Some('r') => text.push('\r'),
                    Some('b') => text.push('\u{8}'),
                    Some('f') => text.push('\u{c}'),
                    Some('u') => text.push(self.escape()?),
                    Some(c @ ('"' | '\\' | '/')) => text.push(c),
                    _ => {
                        self.wrong("this is no escape of JSON");
                        return None;
                    }
                },
                Some(c) => text.push(c),
                None => {
                    self.wrong("it ends within a text");
                    return None;
                }
            }
        }
    }

    /// `\uXXXX`, and a pair of them beyond the first plane.
    fn escape(&mut self) -> Option<char> {
        let first = self.four()?;
        let code = match first {
            0xd800..=0xdbff if self.rest.peek() == Some(&'\\') => {
                self.next();
                let second = if self.next() == Some('u') { self.four()? } else { 0 };
                0x10000 + ((first - 0xd800) << 10) + (second.wrapping_sub(0xdc00) & 0x3ff)
            }
            code => code,
        };
        Some(char::from_u32(code).unwrap_or('\u{fffd}'))
    }

    fn four(&mut self) -> Option<u32> {
        let mut code = 0;
        for _ in 0..4 {
            let Some(digit) = self.next().and_then(|c| c.to_digit(16)) else {
                self.wrong("after \\u come four hexadecimal digits");
                return None;
            };
            code = code * 16 + digit;
        }
        Some(code)
    }

    fn list(&mut self, depth: usize) -> Data {
        self.next();
        let mut items = Vec::new();
        loop {
            self.blank();
            match self.rest.peek() {
                Some(']') => {
                    self.next();
                    break;
                }
                None => {
                    self.wrong("it ends within a list");
                    break;
                }
                Some(_) => {}
            }
            let item = self.value(depth + 1);
            let cut = self.broken.is_some();
            // An item that is cut short may lack what matters: only whole ones count.
            items.extend(item.filter(|_| !cut));
            if cut || !self.goes_on(']') {
                break;
            }
        }
        Data::List(items)
    }

    fn map(&mut self, depth: usize) -> Data {
        self.next();
        let mut entries: Vec<(Node, Node)> = Vec::new();
        loop {
            self.blank();
            let place = self.place();
            match self.rest.peek() {
                Some('}') => {
                    self.next();
                    break;
                }
                Some('"') => {}
                _ => {
                    self.wrong("a mapping has keys in double quotes, and ends with a brace");
                    break;
                }
            }
            let Some(text) = self.text() else { break };
            self.blank();
            if self.next() != Some(':') {
                self.wrong("after a key comes a colon");
                break;
            }
            let key = Node { place, data: Data::Scalar { text, style: ScalarStyle::DoubleQuoted } };
            let value = self.value(depth + 1);
            entries.extend(value.map(|value| (key, value)));
            if self.broken.is_some() || !self.goes_on('}') {
                break;
            }
        }
        Data::Map(entries)
    }

    /// After a value: a comma, or the end, which is left to the caller.
    fn goes_on(&mut self, end: char) -> bool {
        self.blank();
        match self.rest.peek().copied() {
            Some(',') => {
                self.next();
                true
            }
            Some(c) if c == end => true,
            _ => {
                self.wrong("between values comes a comma");
                false
            }
        }
    }
}
