//! The trigger: cron, calendar or interval, time zone, missed and overlapping occurrences.
//!
//! This module must not know calendars: core reads the expression, here its problems get their place.

use seaworthy_core::schedule::{Hold, Holds, JITTER_MAX, Part, Timetable, split_zone, zone_exists};
use seaworthy_model::{
    event::SkipReason,
    process::{Missed, Overlap, Schedule, When},
    time::{At, Span},
};

use crate::{inside::inside, scalar, source::Report, tree::Node};

use super::{Around, calendar, span, text};

/// Days with an occurrence that are looked at for one that no calendar leaves out: ten years of a daily one.
const DAYS_LOOKED_AT: usize = 3_653;
/// 2026-01-01T00:00:00Z; a constant, so that a file that loads today loads tomorrow.
const LOOK_FROM: At = At(1_767_225_600_000_000_000);
const DAY: Span = Span::seconds(20 * 3600);

/// What a schedule of the process `name` says. `None` if it does not say when.
pub fn schedule(node: &Node, name: &str, around: &Around<'_>, report: &mut Report<'_>) -> Option<Schedule> {
    let mut timezone = zone(node, report);
    let mut whens = Vec::new();
    if let Some(every) = node.get("every") {
        let span = span(node, "every")?;
        let anchor = anchor(node, timezone.as_deref().unwrap_or("UTC"), report);
        whens.push((When::Every { span, anchor }, every));
    }
    for expression in node.get("cron").map(Node::items).unwrap_or_default() {
        whens.push((When::Cron(written(expression)?.to_owned()), expression));
    }
    for expression in node.get("calendar").map(Node::items).unwrap_or_default() {
        let text = written(expression)?;
        let (rest, own) = split_zone(text);
        if let Some(own) = own {
            timezone = own_zone(own, (expression, text), node, report);
        }
        whens.push((When::Calendar(rest.to_owned()), expression));
    }
    let jitter = jitter(node, report);
    let any = |when: &When| matches!(when, When::Cron(text) if text.contains('~'));
    let spread_by = (jitter.is_some() || whens.iter().any(|(when, _)| any(when))).then(|| name.to_owned());
    let schedule = Schedule {
        missed: match text(node, "missed").as_deref() {
            Some("skip") => Missed::Skip,
            Some("all") => Missed::All,
            _ => Missed::Latest,
        },
        within: span(node, "within"),
        overlap: overlap(node),
        jitter,
        spread_by,
        except: calendar::named(node, "except", around, report),
        only: calendar::named(node, "only", around, report),
        blackouts: calendar::blackouts(node, timezone.as_deref().unwrap_or("UTC"), report),
        ..Schedule::new(whens.first()?.0.clone(), timezone.as_deref().unwrap_or("UTC"))
    };
    for (when, at) in &whens {
        let alone = Schedule { when: when.clone(), ..schedule.clone() };
        if let Err(problem) = Timetable::parse(&alone)
            && (problem.about == Part::When || timezone.is_some())
        {
            let place = inside(at, problem.at, problem.len, report);
            report.error("bad-schedule", place, problem.message, problem.help);
        }
    }
    let calendars = node.get("except").or_else(|| node.get("only"));
    if let (Ok(timetable), Some(key)) = (Timetable::parse(&schedule), calendars)
        && left_out(&schedule, &timetable)
    {
        let message = "its calendars leave out every occurrence of the next years: it never runs";
        report.error(
            "bad-schedule",
            key.place,
            message,
            "look at `except` and `only`, and at the days of their calendars",
        );
    }
    let when = match whens.len() {
        1 => schedule.when,
        _ => When::Any(whens.into_iter().map(|(when, _)| when).collect()),
    };
    Some(Schedule { when, ..schedule })
}

/// Whether the calendars leave every occurrence out, as far as a look at many of them can tell.
fn left_out(schedule: &Schedule, timetable: &Timetable) -> bool {
    let holds = Holds::of(schedule, &[], None);
    // Blackouts pass; calendars stay.
    let calendar = |at: At| matches!(holds.on(timetable, at), Some((Hold::Skip(SkipReason::Calendar), _)));
    let mut days = std::iter::successors(timetable.next_after(LOOK_FROM), |at| timetable.next_after(*at + DAY));
    let mut looked = 0;
    days.by_ref().take(DAYS_LOOKED_AT).all(|at| {
        looked += 1;
        calendar(at)
    }) && looked > 0
}

fn written(expression: &Node) -> Option<&str> {
    expression.text().filter(|text| !text.trim().is_empty())
}

/// The zone that a calendar expression names at its end, as systemd allows. One schedule has one zone.
fn own_zone(own: &str, (expression, text): (&Node, &str), node: &Node, report: &mut Report<'_>) -> Option<String> {
    let place = inside(expression, text.trim_end().len() - own.len(), own.len(), report);
    if let Err(problem) = zone_exists(own) {
        report.error("bad-timezone", place, problem.message, problem.help);
        return None;
    }
    let alone = node.get("calendar").is_some_and(|all| all.items().len() == 1) && node.get("timezone").is_none();
    if !alone {
        let help = "write it once, under `timezone:`; what is due in another zone is another process";
        report.error("two-zones", place, "one schedule has one time zone", help);
    }
    Some(own.to_owned())
}

fn jitter(node: &Node, report: &mut Report<'_>) -> Option<Span> {
    let jitter = span(node, "jitter")?;
    if !(Span::seconds(1)..=JITTER_MAX).contains(&jitter) {
        let place = node.get("jitter").map_or(node.place, |value| value.place);
        let message = format!("a jitter of {jitter} is out of bounds");
        report.error("wrong-value", place, message, format!("write one from 1s to {JITTER_MAX}"));
    }
    Some(jitter)
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
