//! YAML text into a small tree in which every node knows its place.
//!
//! This module must not know the grammar. Anchors, aliases and tags are refused: a file is read by people who must see
//! what it says, and an alias is how a few bytes become gigabytes.

use std::collections::BTreeSet;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle};

use crate::{
    diagnostic::quoted,
    source::{Mark, Place, Report},
    syntax,
};

/// Largest file, in bytes.
pub const SOURCE_BYTES_MAX: usize = 1024 * 1024;
/// Most scalars, lists and mappings of one file.
pub const NODES_MAX: usize = 20_000;
/// Deepest nesting of lists and mappings.
pub const DEPTH_MAX: usize = 64;

/// A value of a file.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    pub place: Place,
    pub data: Data,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Data {
    Scalar {
        text: String,
        style: ScalarStyle,
    },
    List(Vec<Node>),
    /// Keys are scalars and unique. In the order of the file.
    Map(Vec<(Node, Node)>),
}

impl Node {
    /// The text of a scalar.
    pub fn text(&self) -> Option<&str> {
        match &self.data {
            Data::Scalar { text, .. } => Some(text),
            _ => None,
        }
    }

    /// Written without quotes, where YAML would see numbers and such.
    pub fn is_plain(&self) -> bool {
        matches!(&self.data, Data::Scalar { style: ScalarStyle::Plain, .. })
    }

    /// Nothing was written: `key:`, `~` or `null`.
    pub fn is_nothing(&self) -> bool {
        self.is_plain() && matches!(self.text(), Some("" | "~" | "null" | "Null" | "NULL"))
    }

    /// Keys and values of a mapping; empty for anything else.
    pub fn entries(&self) -> &[(Node, Node)] {
        match &self.data {
            Data::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The items of a list, or the node itself as the only one ("one or many").
    pub fn items(&self) -> &[Node] {
        match &self.data {
            Data::List(items) => items,
            _ => std::slice::from_ref(self),
        }
    }

    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entries().iter().find(|(k, _)| k.text() == Some(key)).map(|(_, value)| value)
    }

    /// Where a key stands; the node's own place without it.
    pub fn key_place(&self, key: &str) -> Place {
        self.entries().iter().find(|(k, _)| k.text() == Some(key)).map_or(self.place, |(k, _)| k.place)
    }

    /// How a message calls it.
    pub fn what(&self) -> &'static str {
        match &self.data {
            Data::Scalar { .. } if self.is_nothing() => "nothing",
            Data::Scalar { .. } => "a text",
            Data::List(_) => "a list",
            Data::Map(_) => "a mapping",
        }
    }
}

/// The documents of a file. Problems go to the report; after a syntax error the documents before it are still given.
pub fn parse(text: &str, report: &mut Report<'_>) -> Vec<Node> {
    let first = Place::on_line(Mark { line: 1, column: 1 }, 1);
    if text.len() > SOURCE_BYTES_MAX {
        let message = format!("the file has {} bytes; at most {SOURCE_BYTES_MAX} are read", text.len());
        report.error("too-large", first, message, "split it: one document per thing");
        return Vec::new();
    }
    if let Some(place) = control_character(report) {
        let message = "a control character is not allowed in a file of text";
        report.error(
            "control-character",
            place,
            message,
            "delete it; in a quoted text write an escape such as \"\\x00\"",
        );
        return Vec::new();
    }
    let mut growth = Growth { report, documents: Vec::new(), open: Vec::new(), nodes: 0 };
    for event in Parser::new_from_str(text.strip_prefix('\u{feff}').unwrap_or(text)) {
        let (event, span) = match event {
            Ok(good) => good,
            Err(wrong) => {
                growth.report.break_off();
                let place = Place::on_line(syntax::shown_at(mark(wrong.marker()), growth.report), 1);
                if wrong.info() == "recursion limit exceeded" {
                    growth.too_deep(place);
                } else {
                    let message = format!("this is not YAML: {}", wrong.info());
                    growth.report.error(
                        "syntax",
                        place,
                        message,
                        syntax::help(wrong.info(), place.start, growth.report),
                    );
                }
                break;
            }
        };
        let place = Place { start: mark(&span.start), end: mark(&span.end) };
        if growth.grow(event, place).is_none() {
            growth.report.break_off();
            break;
        }
    }
    growth.documents
}

fn mark(marker: &Marker) -> Mark {
    let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX - 1);
    Mark { line: number(marker.line()).max(1), column: number(marker.col()) + 1 }
}

/// The first character that no file of text has.
pub fn control_character(report: &Report<'_>) -> Option<Place> {
    report.lines.iter().zip(1u32..).find_map(|(text, line)| {
        let (_, column) = text.chars().zip(1u32..).find(|(c, _)| c.is_control() && *c != '\t')?;
        Some(Place::on_line(Mark { line, column }, 1))
    })
}

/// A list or mapping that is not closed yet.
struct Open {
    node: Node,
    /// A key that waits for its value, and the keys seen. Mappings only.
    key: Option<Node>,
    seen: BTreeSet<String>,
}

struct Growth<'r, 'a> {
    report: &'r mut Report<'a>,
    documents: Vec<Node>,
    open: Vec<Open>,
    nodes: usize,
}

impl Growth<'_, '_> {
    /// Takes one event; `None` when the rest of the file is not to be read.
    fn grow(&mut self, event: Event<'_>, place: Place) -> Option<()> {
        let (anchor, tag) = match &event {
            Event::Alias(_) => (1, false),
            Event::Scalar(_, _, anchor, tag) => (*anchor, tag.is_some()),
            Event::SequenceStart(anchor, tag) | Event::MappingStart(anchor, tag) => (*anchor, tag.is_some()),
            _ => (0, false),
        };
        if anchor != 0 || tag {
            let (what, help) = match tag {
                false => (
                    "anchors and aliases (`&name`, `*name`) are",
                    "write the value out; quote a text that starts with & or *",
                ),
                true => ("tags (`!name`) are", "leave the tag out; quote a text that starts with !"),
            };
            self.report.error("not-read", place, format!("{what} not read"), help);
            return None;
        }
        match event {
            Event::Scalar(text, style, ..) => {
                self.put(Node { place, data: Data::Scalar { text: text.into_owned(), style } })
            }
            Event::SequenceStart(..) => self.begin(place, Data::List(Vec::new())),
            Event::MappingStart(..) => self.begin(place, Data::Map(Vec::new())),
            Event::SequenceEnd | Event::MappingEnd => {
                let mut open = self.open.pop()?;
                open.node.place.end = place.end;
                self.hang(open.node)
            }
            _ => Some(()),
        }
    }

    fn begin(&mut self, place: Place, data: Data) -> Option<()> {
        self.count(place)?;
        if self.open.len() >= DEPTH_MAX {
            self.too_deep(place);
            return None;
        }
        self.open.push(Open { node: Node { place, data }, key: None, seen: BTreeSet::new() });
        Some(())
    }

    fn too_deep(&mut self, place: Place) {
        let message = format!("lists and mappings are nested deeper than {DEPTH_MAX}");
        self.report.error("too-deep", place, message, "nothing in a process file needs this");
    }

    fn put(&mut self, node: Node) -> Option<()> {
        self.count(node.place)?;
        self.hang(node)
    }

    fn count(&mut self, place: Place) -> Option<()> {
        self.nodes += 1;
        if self.nodes > NODES_MAX {
            let message = format!("the file has more than {NODES_MAX} values");
            self.report.error("too-large", place, message, "split it: one document per thing");
            return None;
        }
        Some(())
    }

    /// Hangs a finished node on what is open, or makes it a document.
    fn hang(&mut self, node: Node) -> Option<()> {
        let Some(open) = self.open.last_mut() else {
            self.documents.push(node);
            return Some(());
        };
        match &mut open.node.data {
            Data::List(items) => items.push(node),
            Data::Map(entries) => match open.key.take() {
                None => open.key = Some(node),
                Some(key) => match key.text() {
                    None => {
                        let message = format!("a key is a text, not {}", key.what());
                        self.report.error("wrong-type", key.place, message, "quote it if braces were meant as text");
                    }
                    Some(name) if !open.seen.insert(name.to_owned()) => {
                        let message = format!("{} is written twice in one mapping", quoted(name));
                        self.report.error("duplicate-key", key.place, message, "keep one of them");
                    }
                    Some(_) => entries.push((key, node)),
                },
            },
            Data::Scalar { .. } => {}
        }
        Some(())
    }
}
