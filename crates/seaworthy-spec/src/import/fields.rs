//! What readers of exports share: values by key, and the naming of every key that nobody read.
//!
//! This module must not know any tool.

use std::{cell::RefCell, collections::BTreeSet};

use seaworthy_model::time::Span;

use super::{
    Code,
    draft::{Notes, Spot},
};
use crate::tree::{Data, Node};

/// One mapping of an export. Remembers which of its keys were read.
pub struct Fields<'n> {
    file: &'n str,
    node: &'n Node,
    read: RefCell<BTreeSet<String>>,
}

impl<'n> Fields<'n> {
    pub fn of(file: &'n str, node: &'n Node) -> Fields<'n> {
        Fields { file, node, read: RefCell::default() }
    }

    /// The value of a key, unless it says nothing.
    pub fn get(&self, key: &str) -> Option<&'n Node> {
        self.read.borrow_mut().insert(key.to_owned());
        self.node.get(key).filter(|value| !value.is_nothing())
    }

    /// The text of a key, unless it is empty.
    pub fn text(&self, key: &str) -> Option<&'n str> {
        self.get(key)?.text().filter(|text| !text.is_empty())
    }

    /// Whether a key says yes: `true`, or a number other than 0.
    pub fn yes(&self, key: &str) -> bool {
        self.get(key).and_then(Node::text).is_some_and(|text| !matches!(text, "false" | "0" | "" | "no"))
    }

    /// A number of seconds that is more than none.
    pub fn seconds(&self, key: &str) -> Option<Span> {
        let seconds: f64 = self.get(key)?.text()?.parse().ok()?;
        (seconds > 0.0 && seconds < 9e9).then(|| Span((seconds * 1e9).round() as u64))
    }

    /// A whole number.
    pub fn number(&self, key: &str) -> Option<u64> {
        self.get(key)?.text()?.parse().ok()
    }

    /// Keys and values, as they stand.
    pub fn entries(&self) -> &'n [(Node, Node)] {
        self.node.entries()
    }

    /// Keys that are understood and of no consequence.
    pub fn known(&self, keys: &[&str]) {
        self.read.borrow_mut().extend(keys.iter().map(|key| (*key).to_owned()));
    }

    /// Where a key stands.
    pub fn at(&self, key: &str) -> Spot<'n> {
        (self.file, self.node.key_place(key).start.line)
    }

    /// Where the mapping stands.
    pub fn here(&self) -> Spot<'n> {
        (self.file, self.node.place.start.line)
    }

    /// Names every key that says something and was not read.
    pub fn rest(&self, inside: &str, notes: &mut Notes, why: &dyn Fn(&str) -> Option<&'static str>) {
        let read = self.read.borrow();
        for (key, value) in self.node.entries() {
            let Some(name) = key.text().filter(|name| !read.contains(*name) && says(value)) else { continue };
            let reason = why(name).unwrap_or("it has no counterpart");
            notes.not_carried(Code::Field, (self.file, key.place.start.line), format!("{inside}{name}"), reason);
        }
    }
}

/// Whether a value says more than nothing, no or none.
fn says(value: &Node) -> bool {
    match &value.data {
        Data::Scalar { text, .. } => !value.is_nothing() && !matches!(text.as_str(), "" | "false" | "0"),
        Data::List(items) => !items.is_empty(),
        Data::Map(entries) => !entries.is_empty(),
    }
}
