//! The lower parts of a run's page: what was tried, who was told, what verification
//! and healing said, and the attempts.
//!
//! This module must not read anything.

use seaworthy_model::{
    id::RunId,
    matrix::Element,
    process::{Action, Occasion, Process, Step},
    run::{HealOutcome, Kind, Outcome},
    time::At,
    view::MessageRow,
};

use super::verdict::ended;
use crate::{
    moment::{Age, Second},
    plot::attempt_anchor,
    shape::State,
    show,
    story::{Attempt, Story},
    words::Words,
};

pub struct Tried {
    pub at: Second,
    pub what: String,
    pub outcome: &'static str,
    pub detail: Words,
}

pub fn tried(story: &Story, now: At) -> Vec<Tried> {
    let heals = story.heals.iter().map(|(at, heal)| {
        let outcome = match heal.outcome {
            HealOutcome::Tried => "tried",
            HealOutcome::Healed => "healed",
            HealOutcome::NotHealed => "not healed",
            HealOutcome::Told => "told",
        };
        (*at, heal.what.clone(), outcome, heal.detail.clone())
    });
    let waits = story.waits.iter().map(|(at, until, why)| {
        let what = format!("waited {}", until.since(*at));
        (*at, what, "", why.clone())
    });
    // What no retry policy can know is looked at first: an unknown end is settled before anything is repeated.
    let settled = story.settled.iter().map(|(at, step, happened, reason)| {
        let said = match happened {
            Some(true) => "it had happened",
            Some(false) => "it had not happened",
            None => "nobody can say",
        };
        (*at, format!("looked whether {step} happened"), said, reason.clone())
    });
    let mut all: Vec<_> = heals.chain(waits).chain(settled).chain(story.remarks.iter().cloned()).collect();
    all.sort_by_key(|(at, ..)| *at);
    all.into_iter()
        .map(|(at, what, outcome, detail)| Tried { at: Second { at, now }, what, outcome, detail: detail.into() })
        .collect()
}

/// A remark of verification or healing, beside the output of the steps.
pub struct Voice {
    pub at: Second,
    pub who: &'static str,
    pub state: State,
    pub text: String,
}

/// Of a run that goes on: what was said since its last attempt began, oldest first.
pub fn voices(story: &Story, now: At) -> Vec<Voice> {
    let Some(since) = story.attempts.last().filter(|_| story.end.is_none()).map(|last| last.started_at) else {
        return vec![];
    };
    let checks = story.checks.iter().map(|(at, judged)| {
        let text = format!("{}: {}, seen {}", judged.check, judged.verdict.word(), judged.observed);
        (*at, "verify", State::of_check(&judged.verdict), text)
    });
    let waits = story.waits.iter().map(|(at, until, why)| {
        (*at, "heal", State::Cancelled, format!("waiting until {} UTC: {why}", show::clock(*until)))
    });
    let heals =
        story.heals.iter().map(|(at, heal)| (*at, "heal", State::Troubled, format!("{}: {}", heal.what, heal.detail)));
    let mut all: Vec<_> = checks.chain(waits).chain(heals).filter(|(at, ..)| *at >= since).collect();
    all.sort_by_key(|(at, ..)| *at);
    all.into_iter().map(|(at, who, state, text)| Voice { at: Second { at, now }, who, state, text }).collect()
}

pub struct Told {
    pub at: Second,
    pub state: State,
    pub word: &'static str,
    pub route: String,
    pub occasion: &'static str,
    pub detail: Words,
}

impl Told {
    pub fn of(row: &MessageRow, now: At) -> Told {
        let (state, word) = match (row.ended_at, row.told) {
            (Some(_), true) => (State::Held, "told"),
            (Some(_), false) => (State::Failed, "could not be told"),
            (None, _) if row.attempts > 0 => (State::Warn, "not told yet"),
            (None, _) => (State::Live, "on its way"),
        };
        Told {
            at: Second { at: row.ended_at.unwrap_or(row.due_at), now },
            state,
            word,
            route: row.route.clone(),
            occasion: occasion(row.occasion),
            detail: match row.attempts {
                0 | 1 => row.detail.clone(),
                n => format!("{n} attempts; {}", row.detail),
            }
            .into(),
        }
    }
}

fn occasion(occasion: Occasion) -> &'static str {
    match occasion {
        Occasion::Failed => "failed",
        Occasion::Unverified => "unverified",
        Occasion::Unknown => "unknown",
        Occasion::Missed => "missed",
        Occasion::Late => "late",
        Occasion::Long => "long",
        Occasion::Healed => "healed",
        Occasion::Asked => "asked",
    }
}

pub struct AttemptView {
    pub anchor: String,
    pub step: String,
    pub attempt: u32,
    /// Where the run is that it is: address and id.
    pub child: Option<(String, String)>,
    /// What kind of step it is; empty for a command.
    pub kind: String,
    pub state: State,
    pub word: String,
    pub took: String,
    /// Of an attempt that goes on. Coarse, so that the part of the page is not replaced each second.
    pub since: Option<Age>,
    pub reason: Words,
    pub out: Kept,
    pub err: Kept,
    /// How its processes were held, and whether any is left.
    pub held: String,
    pub open: bool,
}

/// What is kept of one stream.
pub struct Kept {
    pub href: String,
    pub size: String,
    pub last: String,
    /// `last` is not all of it.
    pub cut: bool,
    pub sha256: String,
}

impl Kept {
    fn of(href: String, output: &seaworthy_model::run::Output) -> Kept {
        let left_out = match output.dropped {
            0 => String::new(),
            n => format!(", {} left out", show::bytes(n)),
        };
        Kept {
            href,
            size: format!("{}{left_out}", show::bytes(output.bytes)),
            last: show::plain(&output.last),
            cut: output.bytes > output.last.len() as u64,
            sha256: output.sha256.clone(),
        }
    }
}

/// Address of the kept output of an attempt.
pub fn output_href(base: &str, run: RunId, step: &str, attempt: u32) -> String {
    format!("{base}/runs/{run}/output/{}/{attempt}", show::segment(step))
}

/// Where a run that has ended may be begun once more: at a step of the definition in force, or at an element that was not
/// done. Offered first is what was not done.
pub fn froms(story: &Story, process: &Process) -> Vec<(String, bool)> {
    if story.end.is_none() || story.kind == Kind::Drill || process.pinged {
        return vec![];
    }
    let done = |id: &str| {
        let last = story.attempts.iter().rev().find(|attempt| attempt.step == id);
        last.is_some_and(|last| last.ended.as_ref().is_some_and(|(_, acted)| acted.outcome == Outcome::Done))
    };
    let mut froms = vec![];
    for step in &process.steps {
        let elements = story.lists.get(&step.id).filter(|_| step.matrix.is_some());
        let open: Vec<&str> =
            elements.into_iter().flatten().map(|element| element.id.as_str()).filter(|id| !done(id)).collect();
        let whole = if elements.is_some() { open.is_empty() } else { done(&step.id) };
        froms.push((step.id.clone(), !whole));
        froms.extend(open.into_iter().map(|id| (id.to_owned(), false)));
    }
    let first = froms.iter().position(|(_, open)| *open).unwrap_or(0);
    froms.iter_mut().enumerate().for_each(|(at, (_, offered))| *offered = at == first);
    froms
}

/// Attempts that stand together: those of one step over a list, or one that is of none.
#[derive(Default)]
pub struct Group {
    /// Of a list: the step, and what became of how many elements.
    pub list: Option<(String, String)>,
    pub attempts: Vec<AttemptView>,
}

/// `steps` are those of the definition that the run was pinned to, as far as it is in force.
pub fn attempts(base: &str, story: &Story, steps: &[Step], now: At) -> Vec<Group> {
    let last = story.attempts.len();
    let of = |id: &str| story.lists.iter().find(|(_, all)| all.iter().any(|element| element.id == id));
    let headed = |(step, all): (&String, &Vec<Element>)| Some((step.clone(), standing(story, all)));
    let mut groups: Vec<Group> = vec![];
    for (nth, a) in story.attempts.iter().enumerate() {
        let view = AttemptView { kind: kind(steps, a), ..attempt(base, story.run, a, nth + 1 == last, now) };
        let list = of(&a.step).and_then(headed);
        match groups.iter_mut().find(|group| list.is_some() && group.list == list) {
            Some(group) => group.attempts.push(view),
            None => groups.push(Group { list, attempts: vec![view] }),
        }
    }
    let empty = story.lists.iter().filter(|(_, all)| all.is_empty());
    groups.extend(empty.map(|list| Group { list: headed(list), attempts: vec![] }));
    groups
}

/// `3 elements: 2 done, 1 not done`.
fn standing(story: &Story, elements: &[Element]) -> String {
    let last = |element: &Element| story.attempts.iter().rev().find(|attempt| attempt.step == element.id);
    let mut counts = [("done", 0), ("not done", 0), ("end unknown", 0), ("going on", 0), ("not begun", 0)];
    for element in elements {
        let at = match last(element).map(|attempt| attempt.ended.as_ref().map(|(_, acted)| acted.outcome)) {
            Some(Some(Outcome::Done)) => 0,
            Some(Some(Outcome::NotDone)) => 1,
            Some(Some(Outcome::Unknown)) => 2,
            Some(None) => 3,
            None => 4,
        };
        counts[at].1 += 1;
    }
    let seen: Vec<String> = counts.iter().filter(|(_, n)| *n > 0).map(|(word, n)| format!("{n} {word}")).collect();
    match elements.len() {
        0 => "no element: there was nothing to do".to_owned(),
        n => format!("{}: {}", show::counted(n, "element", "elements"), seen.join(", ")),
    }
}

/// What kind of step it is, where that is not a command.
fn kind(steps: &[Step], a: &Attempt) -> String {
    // An element of a list is of the kind of its step.
    let id = a.step.split('[').next().unwrap_or_default();
    match steps.iter().find(|step| step.id == id).map(|step| &step.action) {
        Some(Action::Http(request)) => format!("http {} {}", request.method, show::address(&request.url)),
        Some(Action::Sql(all)) => {
            let count = show::counted(all.statements.len(), "statement", "statements");
            format!("sql {count} on {}", show::address(&all.url))
        }
        Some(Action::Process(callee)) => format!("process {}", callee.process),
        Some(Action::Human(_)) => "human".to_owned(),
        Some(Action::Approve(_)) => "approve".to_owned(),
        Some(Action::Run(_) | Action::Noop | Action::Outside) | None => String::new(),
    }
}

fn attempt(base: &str, run: RunId, a: &Attempt, is_last: bool, now: At) -> AttemptView {
    let acted = a.ended.as_ref().map(|(_, acted)| acted);
    let state = State::of_attempt(acted.map(|acted| acted.outcome));
    let href = output_href(base, run, &a.step, a.attempt);
    let none = seaworthy_model::run::Output::default();
    let (out, err) = acted.map_or((&none, &none), |acted| (&acted.stdout, &acted.stderr));
    AttemptView {
        anchor: attempt_anchor(&a.step, a.attempt),
        step: a.step.clone(),
        attempt: a.attempt,
        kind: String::new(),
        child: a.child.map(|child| (format!("{base}/runs/{child}"), child.to_string())),
        state,
        word: match acted {
            None => "no end yet".to_owned(),
            Some(acted) => ended(acted),
        },
        // A ping that had no start: nobody knows.
        took: acted.filter(|acted| acted.took.0 > 0).map(|acted| acted.took.to_string()).unwrap_or_default(),
        since: acted.is_none().then_some(Age { at: a.started_at, now }),
        reason: acted.and_then(|acted| acted.reason.clone()).unwrap_or_default().into(),
        out: Kept::of(format!("{href}?stream=out"), out),
        err: Kept::of(format!("{href}?stream=err"), err),
        // What a run of its own printed, and what held it, stands there.
        held: acted.filter(|_| a.child.is_none()).map_or(String::new(), |acted| {
            let left = match acted.empty {
                Some(true) => "none of its processes is left",
                Some(false) => "some of its processes are left",
                None => "whether any is left was not looked at",
            };
            format!("held by {}; {left}", acted.held_by)
        }),
        open: is_last || state.is_trouble(),
    }
}
