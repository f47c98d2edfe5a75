//! From a document to the model, with everything that one value means for another: references, ids, expressions.
//!
//! `conform` has told about each value alone; what does not conform is left out here without a second word. The result
//! is only used if the file has no error. This module must not read files.

pub mod action;
pub mod calendar;
pub mod callee;
pub mod check;
pub mod config;
pub mod drill;
pub mod heal;
pub mod input;
pub mod keep;
pub mod lint;
mod matrix;
pub mod process;
pub mod rights;
pub mod schedule;
pub mod site;
pub mod step;
pub mod trigger;

use std::collections::{BTreeMap, BTreeSet};

use seaworthy_model::{
    process::{Command, Line},
    time::Span,
};

use crate::{nearest::advice, scalar, shape::Kind, source::Report, tree::Node};

/// What a process file may refer to.
pub struct Around<'s> {
    /// Names in the site file; `None` if that file cannot be read, then references are not judged.
    pub routes: Option<BTreeSet<String>>,
    pub teams: Option<BTreeSet<String>>,
    pub calendars: Option<BTreeMap<String, calendar::Calendar>>,
    /// Whether a file exists, relative to the site's folder.
    pub exists: &'s dyn Fn(&str) -> bool,
}

impl Around<'_> {
    /// A route's name, judged.
    fn route(&self, node: &Node, report: &mut Report<'_>) -> Option<String> {
        self.known("route", "unknown-route", self.routes.as_ref(), node, report)
    }

    /// A team's name, judged.
    fn team(&self, node: &Node, report: &mut Report<'_>) -> Option<String> {
        self.known("team", "unknown-team", self.teams.as_ref(), node, report)
    }

    fn known(
        &self,
        what: &str,
        code: &'static str,
        names: Option<&BTreeSet<String>>,
        node: &Node,
        report: &mut Report<'_>,
    ) -> Option<String> {
        let name = node.text().filter(|_| !node.is_nothing())?;
        if let Some(names) = names.filter(|names| !names.contains(name) && scalar::check(&Kind::Name, name).is_ok()) {
            let known: Vec<&str> = names.iter().map(String::as_str).collect();
            let help = match known.is_empty() {
                true => format!("add it under `{what}s:` in the site file"),
                false => format!("{}; or add it under `{what}s:` in the site file", advice(name, &known)),
            };
            report.error(code, node.place, format!("there is no {what} `{name}`"), help);
        }
        Some(name.to_owned())
    }

    /// A file's path, judged.
    fn file(&self, node: &Node, report: &mut Report<'_>) -> Option<String> {
        let path = node.text().filter(|_| !node.is_nothing())?;
        if scalar::check(&Kind::Path, path).is_ok() && !(self.exists)(path) {
            let message = format!("there is no file `{path}`");
            report.error(
                "missing-file",
                node.place,
                message,
                "write the file; the path is relative to the site's folder",
            );
        }
        Some(path.to_owned())
    }
}

fn text(node: &Node, key: &str) -> Option<String> {
    node.get(key).filter(|value| !value.is_nothing()).and_then(Node::text).map(str::to_owned)
}

fn span(node: &Node, key: &str) -> Option<Span> {
    scalar::span(node.get(key)?.text()?).ok()
}

fn texts(node: &Node, key: &str) -> Vec<String> {
    let items = node.get(key).map(Node::items).unwrap_or_default();
    items.iter().filter_map(Node::text).map(str::to_owned).collect()
}

fn map(node: &Node, key: &str) -> BTreeMap<String, String> {
    let entries = node.get(key).map(Node::entries).unwrap_or_default();
    let pairs = entries.iter().filter_map(|(name, value)| Some((name.text()?.to_owned(), value.text()?.to_owned())));
    pairs.collect()
}

/// A command: a text for a shell, or a list.
fn command(node: &Node, key: &str) -> Option<Command> {
    let value = node.get(key).filter(|value| !value.is_nothing())?;
    let line = match value.text() {
        Some(script) => {
            let shell = texts(node, "shell");
            let shell = if shell.is_empty() { vec!["sh".to_owned(), "-c".to_owned()] } else { shell };
            Line::Shell { script: script.to_owned(), shell }
        }
        None => Line::Args(texts(node, key)),
    };
    Some(Command { line })
}

/// `shell:` without a text for it, and variables that nobody replaces.
fn command_lint(node: &Node, key: &str, report: &mut Report<'_>) {
    let Some(value) = node.get(key).filter(|value| value.text().is_none()) else { return };
    if node.get("shell").is_some() {
        let help = "write the command as one text, or leave `shell` out";
        report.error("no-shell", node.key_place("shell"), "a list of arguments is started without a shell", help);
    }
    for item in value.items() {
        if item.text().is_some_and(|text| !crate::shell::uses(text).is_empty()) {
            let help = "write the command as one text, or begin the list with [sh, -c]";
            let shell = value.items().first().and_then(Node::text).is_some_and(|first| first.ends_with("sh"));
            if !shell {
                report.warning("no-shell", item.place, "in a list of arguments no variable is replaced", help);
            }
        }
    }
}
