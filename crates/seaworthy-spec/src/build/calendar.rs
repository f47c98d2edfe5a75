//! Named sets of days, and times in which nothing is started.
//!
//! This module must not know whether a day is one of a set (core judges), nor how a file of days is written (`days`).

use std::collections::BTreeMap;

use seaworthy_core::schedule::parse_days;
use seaworthy_model::schedule::{Blackout, DaySet, Days, WhenOver};

use crate::{
    Source, days,
    diagnostic::{Diagnostic, quoted},
    nearest::advice,
    scalar,
    shape::site::DAYS_MAX,
    source::Report,
    tree::Node,
};

use super::{Around, text};

/// A calendar of the site, or the file that keeps it from being used.
pub type Calendar = Result<DaySet, String>;

/// The files of days that were looked at. Each is read once, whoever names it.
pub struct Files<'s> {
    /// A file's text.
    text: &'s dyn Fn(&str) -> Option<&'s Source>,
    /// `None`: it is broken.
    read: BTreeMap<String, Option<Vec<Days>>>,
    pub problems: Vec<Diagnostic>,
}

impl<'s> Files<'s> {
    pub fn new(text: &'s dyn Fn(&str) -> Option<&'s Source>) -> Files<'s> {
        Files { text, read: BTreeMap::new(), problems: vec![] }
    }

    /// The days of a file; the inner one is missing if it is broken, the outer one if nobody has it.
    fn days(&mut self, path: &str) -> Option<Option<&Vec<Days>>> {
        if !self.read.contains_key(path) {
            let source = (self.text)(path)?;
            let mut report = Report::new(&source.file, &source.text);
            let days = days::read(source, &mut report);
            self.read.insert(path.to_owned(), Some(days).filter(|_| !report.has_errors()));
            self.problems.extend(report.finish());
        }
        self.read.get(path).map(Option::as_ref)
    }
}

/// The calendars of the site file, as far as they can be read. A file that cannot be used breaks the calendars that name
/// it and nothing else.
pub fn calendars(document: &Node, files: &mut Files<'_>, report: &mut Report<'_>) -> BTreeMap<String, Calendar> {
    let entries = document.get("calendars").map(Node::entries).unwrap_or_default();
    entries
        .iter()
        .filter_map(|(key, node)| Some((key.text()?.to_owned(), calendar(key, node, files, report)?)))
        .collect()
}

fn calendar(key: &Node, node: &Node, files: &mut Files<'_>, report: &mut Report<'_>) -> Option<Calendar> {
    let (mut days, mut broken) = (Vec::new(), None);
    for item in node.items() {
        days.extend(item.text().and_then(|text| parse_days(text).ok()));
        let Some(path) = text(item, "file") else { continue };
        let place = item.get("file").map_or(item.place, |node| node.place);
        if !days::is_name(&path) {
            let help = "put it into calendars/, with a name that ends in .ics or .txt";
            report.error("wrong-file", place, format!("{} is not read as a calendar", quoted(&path)), help);
            continue;
        }
        match files.days(&path) {
            Some(Some(more)) if days.len() + more.len() <= DAYS_MAX => days.extend(more),
            Some(Some(_)) => {
                let message = format!("with this file the calendar has more than {DAYS_MAX} days and spans of days");
                report.error("too-many", place, message, "split it into several calendars; `except` may name several");
            }
            Some(None) => broken = Some(path),
            None => {
                let message = format!("there is no file {} that can be read", quoted(&path));
                let help = "write it; until then no process can be loaded that names this calendar";
                report.warning("missing-file", place, message, help);
                broken = Some(path);
            }
        }
    }
    let name = key.text()?.to_owned();
    Some(broken.map_or(Ok(DaySet { name, days }), Err))
}

/// The calendars that `key` of a schedule names.
pub fn named(node: &Node, key: &str, around: &Around<'_>, report: &mut Report<'_>) -> Vec<DaySet> {
    let (mut sets, Some(known)) = (Vec::new(), &around.calendars) else { return vec![] };
    for item in node.get(key).map(Node::items).unwrap_or_default() {
        let Some(name) = item.text().filter(|_| !item.is_nothing()) else { continue };
        match known.get(name) {
            Some(Ok(set)) => sets.push(set.clone()),
            Some(Err(file)) => {
                let message = format!("the calendar `{name}` cannot be used: its file {file} is missing or broken");
                report.error("broken-calendar", item.place, message, "mend that file; `seaworthy check` says where");
            }
            None => {
                let names: Vec<&str> = known.keys().map(String::as_str).collect();
                let help = match names.is_empty() {
                    true => "add it under `calendars:` in the site file".to_owned(),
                    false => format!("{}; or add it under `calendars:` in the site file", advice(name, &names)),
                };
                report.error("unknown-calendar", item.place, format!("there is no calendar `{name}`"), help);
            }
        }
    }
    sets
}

/// The blackouts of a site or of a schedule; local times without a zone are in `zone`.
pub fn blackouts(node: &Node, zone: &str, report: &mut Report<'_>) -> Vec<Blackout> {
    let mut out = Vec::new();
    for item in node.get("blackouts").map(Node::items).unwrap_or_default() {
        let instant = |key: &str| item.get(key).and_then(Node::text).and_then(|text| scalar::instant(text, zone).ok());
        let (Some(from), Some(until), Some(reason)) = (instant("from"), instant("until"), text(item, "reason")) else {
            continue;
        };
        if until <= from {
            let help = "write `until` later than `from`";
            report.error("bad-blackout", item.key_place("until"), "this blackout ends before it begins", help);
        }
        let over = if text(item, "over").as_deref() == Some("latest") { WhenOver::Latest } else { WhenOver::Skip };
        out.push(Blackout { from, until, reason, over });
    }
    out
}
