//! What somebody is told, in words: expected, seen, tried, what to do now, and where to look.
//!
//! This module decides whether there is something to say and says it. It must not know how a message
//! travels, and it never repeats a secret: it only uses text that was masked before it was recorded.

mod person;

pub use person::{about_duty, duties};

use seaworthy_model::{
    event::Event,
    id::{MessageId, RunId},
    port::Message,
    process::{Occasion, Process},
    run::{Executed, HealOutcome, Kind, Verdict, Verified},
    site::Site,
    time::At,
    view::SignalRow,
};

use crate::{
    run::{Plan, State},
    schedule::utc,
};

/// Lines of output that a message quotes at most.
const OUTPUT_LINES_MAX: usize = 8;

/// What the end of a run is called by `tell.when`; `None`: nothing to tell.
pub fn occasion(state: &State) -> Option<Occasion> {
    let end = state.ended.as_ref();
    let executed = end.map(|e| e.executed);
    match end.map(|e| e.verified).or(state.pass)? {
        Verified::Yes if state.heals_now().iter().any(|h| h.outcome == HealOutcome::Healed) => Some(Occasion::Healed),
        Verified::Yes | Verified::Unproven => None,
        _ if executed == Some(Executed::Cancelled) => None,
        Verified::Unknown => Some(Occasion::Unknown),
        Verified::No if executed == Some(Executed::Failed) || a_step_failed(state) => Some(Occasion::Failed),
        Verified::No => Some(Occasion::Unverified),
    }
}

fn a_step_failed(state: &State) -> bool {
    let mut checks = state.last_round().peekable();
    checks.peek().is_some()
        && checks.all(|j| matches!(&j.verdict, Verdict::Skipped { reason } if reason.starts_with("step ")))
}

/// Routes that are due after these events of a run, in order, each once.
///
/// A `tell` rung names its own route. `tell.route` is the implicit last rung: it is told at the end if the
/// occasion is among `tell.when`, or if a ladder without a rung of its own for people has failed.
///
/// `state` has all of these events in it, also those after a rung for people: the next rung may have been opened in the
/// same breath. A rung is tried only after a *no*, so what it tells about does not depend on what came next.
pub fn routes(process: &Process, plan: &Plan, state: &State, events: &[Event]) -> Vec<(String, Occasion)> {
    let mut out = Vec::new();
    let at_the_end = occasion(state);
    let on_the_ladder = if a_step_failed(state) { Occasion::Failed } else { Occasion::Unverified };
    for event in events {
        match event {
            Event::HealTried { heal } if heal.outcome == HealOutcome::Told => {
                out.push((heal.detail.clone(), at_the_end.unwrap_or(on_the_ladder)));
            }
            Event::RunEnded { .. } => {
                let (Some(tell), Some(occasion)) = (&process.tell, at_the_end) else { continue };
                let told = state.heals_now().iter().any(|h| h.outcome == HealOutcome::Told && h.detail == tell.route);
                let bad = occasion != Occasion::Healed;
                let last_rung =
                    bad && !plan.heal.is_empty() && !state.heals_now().iter().any(|h| h.outcome == HealOutcome::Told);
                if !told && (tell.when.contains(&occasion) || last_rung) {
                    out.push((tell.route.clone(), occasion));
                }
            }
            _ => {}
        }
    }
    out
}

/// What a message about a run speaks of.
#[derive(Debug, Clone, Copy)]
pub struct About<'a> {
    pub site: &'a Site,
    pub process: &'a Process,
    pub plan: &'a Plan,
    pub run: RunId,
    pub state: &'a State,
}

/// The message about a run.
pub fn about_run(about: About<'_>, occasion: Occasion, id: MessageId, now: At) -> Message {
    let About { site, process, plan, run, state } = about;
    let what = match plan.kind {
        Kind::Run => process.name.clone(),
        Kind::Drill => format!("restore drill of {}", process.name),
    };
    let word = match occasion {
        Occasion::Failed => "FAILED",
        Occasion::Unverified => "NOT VERIFIED",
        Occasion::Unknown => "UNKNOWN",
        Occasion::Healed => "healed and verified",
        Occasion::Missed => "MISSED",
        Occasion::Late => "STARTED LATE",
        Occasion::Long => "RUNS TOO LONG",
        Occasion::Asked => "waits for a person",
    };
    let (expected, seen) = expectations(plan, state);
    let tried: Vec<String> =
        state.heals.iter().map(|h| format!("{} {}: {}", h.what, h.detail, heal_word(h.outcome))).collect();
    let reason = state.ended.as_ref().map(|e| e.reason.clone()).filter(|r| !r.is_empty());
    let headline = reason.clone().or_else(|| seen.first().cloned()).unwrap_or_default();
    let link = site.public_url.as_ref().map(|url| format!("{}/runs/{run}", url.trim_end_matches('/')));
    let procedure = process.tell.as_ref().and_then(|t| t.procedure.clone());
    let mut text = format!("{what}: {word}\n{}\n", started(state));
    section(&mut text, "What", reason.as_slice());
    section(&mut text, "Expected", &expected);
    section(&mut text, "Seen", &seen);
    section(&mut text, "Tried", if tried.is_empty() { &[] } else { &tried });
    section(&mut text, "Last words of the command", &last_words(state));
    section(&mut text, "Do now", procedure.as_slice());
    section(&mut text, "Look", link.as_slice());
    Message {
        id,
        occasion,
        site: site.name.clone(),
        process: process.name.clone(),
        subject: one_line(&format!("[{}] {what} {word}: {headline}", site.name)),
        text,
        expected,
        seen,
        tried,
        procedure,
        link,
        run: Some(run),
        at: now,
    }
}

/// The message about a signal; `cleared` says that it is over.
pub fn about_signal(
    site: &Site,
    process: &Process,
    signal: &SignalRow,
    cleared: bool,
    id: MessageId,
    now: At,
) -> Message {
    let word = if cleared { "over" } else { signal.kind.word() };
    let link = site.public_url.as_ref().map(|url| format!("{}/processes/{}", url.trim_end_matches('/'), process.name));
    let procedure = process.tell.as_ref().and_then(|t| t.procedure.clone());
    let (expected, seen) = (vec![signal.expected.clone()], vec![signal.seen.clone()]);
    let what = if signal.process.is_empty() { "the server" } else { &process.name };
    let mut text = format!("{what}: {word}\nnoticed by the watcher at {}\n", utc(now));
    section(&mut text, "Expected", &expected);
    section(&mut text, "Seen", &seen);
    section(&mut text, "Do now", procedure.as_slice());
    section(&mut text, "Look", link.as_slice());
    Message {
        id,
        occasion: signal.kind.occasion(),
        site: site.name.clone(),
        process: process.name.clone(),
        subject: one_line(&format!("[{}] {what} {word}: {}", site.name, signal.seen)),
        text,
        expected,
        seen,
        tried: Vec::new(),
        procedure,
        link,
        run: signal.run,
        at: now,
    }
}

fn expectations(plan: &Plan, state: &State) -> (Vec<String>, Vec<String>) {
    let bad = |v: &Verdict| matches!(v, Verdict::No | Verdict::Unknown { .. });
    let judged: Vec<_> = state.last_round().filter(|j| bad(&j.verdict)).collect();
    if !judged.is_empty() {
        let line = |check: &str, text: &str| format!("{check}: {text}");
        return (
            judged.iter().map(|j| line(&j.check, &j.expected)).collect(),
            judged.iter().map(|j| line(&j.check, &j.observed)).collect(),
        );
    }
    for step in &plan.steps {
        let Some(last) = state.last(&step.id) else { continue };
        let failed = last.ended.as_ref().and_then(|(_, acted)| acted.reason.clone());
        let missing = last.made.values().find_map(|m| m.as_ref().err().cloned());
        if let Some(seen) = failed.or(missing) {
            return (vec![format!("step {} is done", step.id)], vec![format!("step {}: {seen}", step.id)]);
        }
    }
    (Vec::new(), Vec::new())
}

fn last_words(state: &State) -> Vec<String> {
    let failed =
        state.attempts.values().flatten().filter_map(|a| a.ended.as_ref()).filter(|(_, acted)| acted.reason.is_some());
    let Some((_, acted)) = failed.max_by_key(|(at, _)| *at) else { return Vec::new() };
    let lines: Vec<&str> = acted.stderr.last.lines().filter(|l| !l.trim().is_empty()).collect();
    lines[lines.len().saturating_sub(OUTPUT_LINES_MAX)..].iter().map(|l| one_line(l)).collect()
}

fn started(state: &State) -> String {
    match (state.first_started(), &state.ended) {
        (Some(at), Some(end)) => format!("started {}, took {}", utc(at), end.duration),
        (Some(at), None) => format!("started {}, not ended", utc(at)),
        (None, _) => "nothing was started".into(),
    }
}

fn heal_word(outcome: HealOutcome) -> &'static str {
    match outcome {
        HealOutcome::Tried => "tried",
        HealOutcome::Healed => "healed",
        HealOutcome::NotHealed => "not healed",
        HealOutcome::Told => "told",
    }
}

fn section(text: &mut String, title: &str, lines: &[String]) {
    if lines.is_empty() {
        return;
    }
    text.push('\n');
    text.push_str(title);
    text.push_str(":\n");
    for line in lines {
        text.push_str("  ");
        text.push_str(line);
        text.push('\n');
    }
}

/// Control characters out, 160 characters at most: it may end up in a header line.
fn one_line(text: &str) -> String {
    let clean: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    if clean.chars().count() <= 160 { clean } else { clean.chars().take(159).chain(['…']).collect() }
}
