//! Named sets of days, and times in which nothing is started.
//!
//! This module must not know whether a day is one of a set: core reads and judges.

use std::collections::BTreeMap;

use seaworthy_core::schedule::parse_days;
use seaworthy_model::schedule::{Blackout, DaySet, WhenOver};

use crate::{nearest::advice, scalar, source::Report, tree::Node};

use super::{Around, text};

/// The calendars of the site file, as far as they can be read.
pub fn calendars(document: &Node) -> BTreeMap<String, DaySet> {
    let entries = document.get("calendars").map(Node::entries).unwrap_or_default();
    let set = |(key, node): &(Node, Node)| {
        let name = key.text()?.to_owned();
        let days = node.items().iter().filter_map(|item| parse_days(item.text()?).ok()).collect();
        Some((name.clone(), DaySet { name, days }))
    };
    entries.iter().filter_map(set).collect()
}

/// The calendars that `key` of a schedule names.
pub fn named(node: &Node, key: &str, around: &Around<'_>, report: &mut Report<'_>) -> Vec<DaySet> {
    let (mut sets, Some(known)) = (Vec::new(), &around.calendars) else { return vec![] };
    for item in node.get(key).map(Node::items).unwrap_or_default() {
        let Some(name) = item.text().filter(|_| !item.is_nothing()) else { continue };
        match known.get(name) {
            Some(set) => sets.push(set.clone()),
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
