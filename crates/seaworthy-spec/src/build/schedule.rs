//! The trigger: cron or interval, time zone, missed and overlapping occurrences.
//!
//! This module must not know calendars: core reads the expression, here its problems get their place.

use seaworthy_core::schedule::{Part, Timetable, zone_exists};
use seaworthy_model::{
    process::{Missed, Overlap, Schedule, When},
    time::At,
};

use crate::{inside::inside, scalar, source::Report, tree::Node};

use super::{span, text};

/// What a schedule says. `None` if it does not say when.
pub fn schedule(node: &Node, report: &mut Report<'_>) -> Option<Schedule> {
    let timezone = zone(node, report);
    let (when, at) = match (node.get("cron"), node.get("every")) {
        (Some(cron), _) => (When::Cron(cron.text().filter(|text| !text.trim().is_empty())?.to_owned()), cron),
        (None, Some(every)) => {
            let span = span(node, "every")?;
            (When::Every { span, anchor: anchor(node, timezone.as_deref().unwrap_or("UTC"), report) }, every)
        }
        (None, None) => return None,
    };
    let judged = timezone.is_some();
    let schedule = Schedule {
        when,
        timezone: timezone.unwrap_or_else(|| "UTC".to_owned()),
        missed: match text(node, "missed").as_deref() {
            Some("skip") => Missed::Skip,
            Some("all") => Missed::All,
            _ => Missed::Latest,
        },
        within: span(node, "within"),
        overlap: overlap(node),
    };
    if let Err(problem) = Timetable::parse(&schedule)
        && (problem.about == Part::When || judged)
    {
        let place = inside(at, problem.at, problem.len, report);
        report.error("bad-schedule", place, problem.message, problem.help);
    }
    Some(schedule)
}

/// The zone; `None` if it is wrong, which has been told then.
fn zone(node: &Node, report: &mut Report<'_>) -> Option<String> {
    let Some(value) = node.get("timezone") else { return Some("UTC".to_owned()) };
    let name = value.text().filter(|name| !name.trim().is_empty() && !value.is_nothing())?;
    if let Err(problem) = zone_exists(name) {
        let place = inside(value, problem.at, problem.len, report);
        report.error("bad-timezone", place, problem.message, problem.help);
        return None;
    }
    Some(name.to_owned())
}

fn anchor(node: &Node, zone: &str, report: &mut Report<'_>) -> At {
    let Some(value) = node.get("anchor") else { return At(0) };
    match value.text().map(|text| scalar::instant(text, zone)) {
        Some(Ok(at)) => at,
        // `conform` has told it, unless only this zone makes it wrong.
        Some(Err(wrong)) if scalar::instant(value.text().unwrap_or_default(), "UTC").is_ok() => {
            report.error(wrong.code, value.place, wrong.message, wrong.help);
            At(0)
        }
        _ => At(0),
    }
}

fn overlap(node: &Node) -> Overlap {
    let Some(value) = node.get("overlap") else { return Overlap::Forbid };
    let said = match value.text() {
        Some(text) => scalar::overlap(text).ok(),
        None => value.get("queue").and_then(Node::text).and_then(|n| n.parse().ok()).map(Overlap::Queue),
    };
    said.unwrap_or(Overlap::Forbid)
}
