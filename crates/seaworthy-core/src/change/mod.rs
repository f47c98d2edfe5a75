//! The difference between two definitions of a process, or two settings of a site, in words, and which make it weaker.
//!
//! Weaker is what takes away a proof, a limit, a rehearsal, an attempt to heal or somebody who is told, and what makes
//! a step repeatable that was not; so is a check that reads something else, and what hardly ever comes or never ends. Such
//! a change waits for a person; all others apply at once. Commands, steps, schedules, environments and texts change daily
//! and are only shown.
//!
//! This module must not know files, git, nor who confirms.

mod actions;
mod book;
mod bounds;
mod checks;
mod facets;
mod gates;
mod reads;
mod rhythm;
mod settings;
mod steps;

use seaworthy_model::{
    process::{Missed, Overlap, Process, Schedule, When},
    time::Span,
};

use crate::{
    retain::{Policy, What},
    schedule::{longer, silences, utc},
};

pub use book::{Book, Decision, Standing, decide};
pub use settings::settings;

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// For people: `verify lost check `command 1``.
    pub text: String,
    /// Whether something is lost that a person has to agree to.
    pub weaker: bool,
}

impl Difference {
    fn shown(text: impl Into<String>) -> Difference {
        Difference { text: text.into(), weaker: false }
    }

    fn weaker(text: impl Into<String>) -> Difference {
        Difference { text: text.into(), weaker: true }
    }
}

/// What changes between what is in force and what would be: weaker ones first, then in the order of the file.
/// `None` on the left is a new process, on the right one that is removed.
pub fn differences(old: Option<&Process>, new: Option<&Process>) -> Vec<Difference> {
    let (old, new) = match (old, new) {
        (None, None) => return Vec::new(),
        (None, Some(_)) => return vec![Difference::shown("process added")],
        (Some(_), None) => return vec![Difference::weaker("process removed")],
        (Some(old), Some(new)) => (old, new),
    };
    let mut out = Vec::new();
    head(old, new, &mut out);
    schedule(old.schedule.as_ref(), new.schedule.as_ref(), &mut out);
    bounds::compare(old, new, &mut out);
    steps::compare("", &old.steps, &new.steps, &mut out);
    gates::compare(old, new, &mut out);
    let made = reads::made(new);
    checks::compare("verify", &old.verify, &new.verify, &made, &mut out);
    facets::heal(&old.heal, &new.heal, new.watch.and_then(|watch| watch.finish_within), &mut out);
    facets::watch(old.watch, new.watch, &mut out);
    facets::tell(old.tell.as_ref(), new.tell.as_ref(), &mut out);
    facets::drill(old.drill.as_ref(), new.drill.as_ref(), &made, &mut out);
    if out.is_empty() && old != new {
        out.push(Difference::shown("something else of the definition changed"));
    }
    out.sort_by_key(|difference| !difference.weaker);
    out
}

/// The differences that make it weaker, and the others, as texts.
pub fn split(all: Vec<Difference>) -> (Vec<String>, Vec<String>) {
    let (weaker, other): (Vec<_>, Vec<_>) = all.into_iter().partition(|difference| difference.weaker);
    let texts = |all: Vec<Difference>| all.into_iter().map(|difference| difference.text).collect();
    (texts(weaker), texts(other))
}

fn head(old: &Process, new: &Process, out: &mut Vec<Difference>) {
    let texts =
        [("about", &old.about, &new.about), ("service", &old.service, &new.service), ("team", &old.team, &new.team)];
    for (what, old, new) in texts {
        if old != new {
            out.push(Difference::shown(format!("{what} from {} to {}", named(old), named(new))));
        }
    }
    match (&old.observed, &new.observed) {
        (None, Some(by)) => out.push(Difference::weaker(format!("not run from here any more, only observed: {by}"))),
        (Some(by), None) => out.push(Difference::shown(format!("run from here, not only observed any more: {by}"))),
        (Some(old), Some(new)) if old != new => {
            out.push(Difference::shown(format!("observed from `{old}` to `{new}`")));
        }
        _ => {}
    }
    if old.tier != new.tier {
        out.push(Difference::shown(format!("tier from {:?} to {:?}", old.tier, new.tier)));
    }
    if old.env != new.env {
        out.push(Difference::shown(format!("env changed: {}", names(&old.env, &new.env))));
    }
    if old.secrets != new.secrets {
        out.push(Difference::shown(format!(
            "secrets from [{}] to [{}]",
            old.secrets.join(", "),
            new.secrets.join(", ")
        )));
    }
    out.extend(rhythm::timeout("timeout", old.timeout, new.timeout));
    retain(Policy::of(old.retain, None), Policy::of(new.retain, None), out);
    if new.keep < old.keep {
        let text = format!("keep from {} to {}: older artifacts go for good", old.keep, new.keep);
        out.push(Difference::weaker(text));
    } else if new.keep > old.keep {
        out.push(Difference::shown(format!("keep from {} to {}", old.keep, new.keep)));
    }
}

/// How long what is kept: less is weaker, since what goes does not come back.
fn retain(old: Policy, new: Policy, out: &mut Vec<Difference>) {
    for what in What::ALL {
        let (before, after) = (old.age(what), new.age(what));
        if before == after {
            continue;
        }
        let shown = |age: Option<Span>| age.map_or("for ever".to_owned(), |age| age.to_string());
        // Artifacts without an age are counted.
        let shorter = match (before, after) {
            (None, Some(_)) => what != What::Artifacts,
            (Some(before), Some(after)) => after < before,
            _ => false,
        };
        let text = format!("keep: {} from {} to {}", what.word(), shown(before), shown(after));
        out.push(Difference { text, weaker: shorter });
    }
    if old.whole != new.whole {
        let text = format!("keep: whole runs from {} to {}", old.whole, new.whole);
        out.push(Difference { text, weaker: new.whole < old.whole });
    }
}

fn named(text: &Option<String>) -> String {
    text.as_ref().map_or("none".to_owned(), |text| format!("`{text}`"))
}

/// Names of variables whose values differ. Values are not shown: somebody may have written a secret there.
fn names(old: &std::collections::BTreeMap<String, String>, new: &std::collections::BTreeMap<String, String>) -> String {
    let mut all: Vec<&str> =
        old.keys().chain(new.keys()).filter(|n| old.get(*n) != new.get(*n)).map(|n| n.as_str()).collect();
    all.sort_unstable();
    all.dedup();
    all.join(", ")
}

fn schedule(old: Option<&Schedule>, new: Option<&Schedule>, out: &mut Vec<Difference>) {
    if let (Some(old), Some(new)) = (old, new) {
        around(old, new, out);
    }
    match (old, new) {
        (Some(old), None) => {
            out.push(Difference::weaker(format!("schedule removed: it was {}", when(old))));
        }
        (None, Some(new)) => out.push(Difference::shown(format!("schedule added: {}", when(new)))),
        (Some(old), Some(new)) if old.when != new.when || old.timezone != new.timezone => {
            let text = format!("schedule from {} to {}", when(old), when(new));
            out.push(match rhythm::rarer(old, new) {
                Some(how) => Difference::weaker(format!("{text}: {how}")),
                None => Difference::shown(text),
            });
        }
        _ => {}
    }
}

/// What becomes of occurrences that are missed, that meet a live run, or that fall on certain days.
fn around(old: &Schedule, new: &Schedule, out: &mut Vec<Difference>) {
    if old.overlap != new.overlap {
        let shown = |overlap: Overlap| format!("{overlap:?}").to_lowercase();
        let text = format!("schedule: overlap from {} to {}", shown(old.overlap), shown(new.overlap));
        out.push(Difference { text, weaker: new.overlap == Overlap::Allow });
    }
    if old.missed != new.missed {
        let shown = |missed: Missed| format!("{missed:?}").to_lowercase();
        out.push(Difference::shown(format!("schedule: missed from {} to {}", shown(old.missed), shown(new.missed))));
    }
    let parts = [
        ("how late a missed one may run", old.within != new.within),
        ("its jitter", (old.jitter, &old.spread_by) != (new.jitter, &new.spread_by)),
        ("the days on which it does not run", (&old.except, &old.only) != (&new.except, &new.only)),
        ("its blackouts", old.blackouts != new.blackouts),
    ];
    for (what, _) in parts.into_iter().filter(|(_, changed)| *changed) {
        out.push(Difference::shown(format!("schedule: {what} changed")));
    }
    if parts[2].1 || parts[3].1 {
        let piece = longer(&silences(Some(old), &[]), &silences(Some(new), &[]));
        out.extend(piece.map(|(from, until)| {
            let text = "schedule: days that are left out and blackouts let nothing run from";
            Difference::weaker(format!("{text} {} to {}", utc(from), utc(until)))
        }));
    }
}

fn when(schedule: &Schedule) -> String {
    if let When::Cron(text) = &schedule.when {
        format!("`{text}` {}", schedule.timezone)
    } else if let When::Every { span, .. } = &schedule.when {
        format!("every {span}")
    } else {
        format!("{:?} {}", schedule.when, schedule.timezone)
    }
}
