//! What comes next in a run. Total and replayable: it takes the state, the time and a draw of chance.
//!
//! The runtime asks, carries out the answer, appends what came of it, and asks again. What acts goes on meanwhile: an
//! attempt without an end is part of the state, and the answer is what may be started beside it. This module must not
//! know how long anything takes.

use std::collections::BTreeMap;

use seaworthy_model::{
    deed::{Callee, Deed},
    event::Event,
    input::Form,
    process::{Check, Effect, Limits, OUTSIDE, Rung, Step},
    run::{Acted, Cause, Executed, Heal, HealOutcome, Kind, Outcome, Output, Verdict, Verified},
    time::{At, Span},
};

use super::{
    Plan, State,
    forward::{forward, start},
    ladder,
    state::Standing,
};

/// How often a step that may be repeated is started again after unknown ends.
pub(super) const UNKNOWN_REPEATS_MAX: u32 = 3;

/// Something to act on once. `event` is to be durable before it starts.
#[derive(Debug, Clone, PartialEq)]
pub struct Act {
    /// Id of the step; `heal.N` for a rung, `after.ID` for clean-up.
    pub step: String,
    pub attempt: u32,
    pub deed: Deed,
    pub timeout: Option<Span>,
    pub limits: Limits,
    pub env: BTreeMap<String, String>,
    pub secrets: Vec<String>,
    pub event: Event,
}

/// Another process to run as a step. `event` is to be durable together with that run's request.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    pub step: String,
    pub attempt: u32,
    pub callee: Callee,
    pub env: BTreeMap<String, String>,
    pub event: Event,
}

/// The answer.
#[derive(Debug, Clone, PartialEq)]
pub enum Next {
    /// Append these and ask again.
    Record(Vec<Event>),
    Act(Box<Act>),
    /// Begin another run and go on beside it.
    Call(Box<Call>),
    /// Look whether the step made this artifact, for so long at most.
    Collect {
        step: String,
        name: String,
        within: Option<Span>,
    },
    /// Read what the attempt hands on, and take it in as it declares.
    Take {
        step: String,
        attempt: u32,
        outputs: BTreeMap<String, Form>,
    },
    /// Look with a probe, then `judge`.
    Look {
        check: Box<Check>,
        round: u32,
    },
    /// Take evidence of the host.
    Snapshot,
    /// Nothing to do before this time.
    Wait(At),
    /// Nothing may be started beside what runs. Ask again when an attempt has ended, at this time at the latest.
    Attend(Option<At>),
    /// End what runs, and ask again when it has ended.
    Stop,
    Ended,
}

/// What comes next. `draw` gives evenly spread 64-bit numbers.
pub fn next(plan: &Plan, state: &State, now: At, draw: &mut dyn FnMut() -> u64) -> Next {
    let plan = &*plan.grown(state);
    if state.ended.is_some() {
        return Next::Ended;
    }
    let Some(requested) = &state.requested else { return Next::Ended };
    if let Some((executed, reason)) = called_off(state) {
        let spared = |step: &str| !state.unclean && plan.after.iter().any(|after| after.id == step);
        if state.running().any(|(step, _)| !spared(step)) {
            return Next::Stop;
        }
        return finish(plan, state, now, executed, Verified::No, reason);
    }
    let deadline = deadline(plan, state);
    if let (Some(limit), true) = (plan.timeout, deadline.is_some_and(|at| now >= at)) {
        return Next::Record(vec![Event::RunExpired { limit }]);
    }
    // Before it began: the clock was set back, and the wait would grow by as much.
    let began = state.waiting_since.is_none_or(|since| since <= now);
    if let Some(until) = state.waiting.filter(|until| began && now < *until) {
        return Next::Wait(deadline.map_or(until, |at| at.min(until)));
    }
    match state.pass {
        None => forward(plan, state, requested, now, deadline),
        Some(Verified::Yes) if state.heal_open => close_heal(plan, state, HealOutcome::Healed),
        Some(Verified::Yes) => {
            let reason =
                state.heals_now().last().map_or(String::new(), |h| format!("healed by {}: {}", h.what, h.detail));
            finish(plan, state, now, Executed::Ok, Verified::Yes, reason)
        }
        Some(Verified::Unproven) => finish(plan, state, now, Executed::Ok, Verified::Unproven, String::new()),
        Some(Verified::No) if state.snapshot.is_none() => Next::Snapshot,
        Some(_) if state.heal_open => close_heal(plan, state, HealOutcome::NotHealed),
        Some(Verified::Unknown) => {
            finish(plan, state, now, executed(plan, state), Verified::Unknown, trouble(plan, state))
        }
        Some(Verified::No) => match ladder::climb(plan, state, now, draw) {
            Some(events) => Next::Record(events),
            None => finish(plan, state, now, executed(plan, state), Verified::No, trouble(plan, state)),
        },
    }
}

impl State {
    /// Whether nothing more of the run is wanted.
    pub fn is_called_off(&self) -> bool {
        called_off(self).is_some()
    }
}

/// Why nothing more of the run is wanted, if so, and what that makes of it.
fn called_off(state: &State) -> Option<(Executed, String)> {
    let cancelled = state.cancel.as_ref().map(|reason| (Executed::Cancelled, format!("cancelled: {reason}")));
    let expired = state.expired.map(|limit| {
        (Executed::Failed, format!("it took longer than its timeout of {limit}: find out what is slow, or raise it"))
    });
    cancelled.or(expired)
}

/// When the run has taken longer than it may; `None` if nothing limits it or its verdict is there.
pub fn deadline(plan: &Plan, state: &State) -> Option<At> {
    let over = matches!(state.pass, Some(Verified::Yes | Verified::Unproven));
    let begun = state.claimed_at.filter(|_| !over)?;
    Some(begun + plan.timeout?)
}

fn close_heal(plan: &Plan, state: &State, outcome: HealOutcome) -> Next {
    let what = plan.heal.get(state.rung as usize).map_or("retry", ladder::word);
    let detail = match plan.heal.get(state.rung as usize) {
        Some(Rung::Retry { times, .. }) => format!("try {} of {times}", state.tries),
        Some(Rung::Run { command, .. }) => ladder::command_text(command),
        _ => String::new(),
    };
    Next::Record(vec![Event::HealTried { heal: Heal { what: what.into(), rung: state.rung, outcome, detail } }])
}

pub(super) fn nothing() -> Acted {
    Acted {
        outcome: Outcome::Done,
        exit: None,
        signal: None,
        reason: None,
        took: Span::ZERO,
        stdout: Output::default(),
        stderr: Output::default(),
        held_by: "nothing".into(),
        empty: Some(true),
    }
}

/// Clean-up, then the end.
pub(super) fn finish(
    plan: &Plan,
    state: &State,
    now: At,
    executed: Executed,
    verified: Verified,
    reason: String,
) -> Next {
    // Nothing was begun, so there is nothing to clean up.
    let begun = !state.attempts.is_empty();
    for step in plan.after.iter().filter(|_| begun) {
        let again = match state.standing(&step.id) {
            Standing::Fresh | Standing::Unknown if state.unclean => false,
            Standing::Fresh => true,
            Standing::Running => return Next::Attend(None),
            // Nothing is looked at after the clean-up, so a `once` step of it is left to a person.
            Standing::Unknown => step.effect != Effect::Once && state.unknown_ends(&step.id) <= UNKNOWN_REPEATS_MAX,
            _ => false,
        };
        if again {
            return start(plan, state, step, now);
        }
    }
    let unclean = plan.after.iter().find_map(|step| match state.standing(&step.id) {
        Standing::Failed(why) => Some(format!("{} failed: {why}", step.id)),
        Standing::Fresh if begun => Some(format!("the clean-up was cancelled before {}, do it yourself", step.id)),
        Standing::Unknown => Some(format!("nobody knows whether {} happened, look yourself", step.id)),
        _ => None,
    });
    let reason = match (reason.is_empty(), unclean) {
        (_, None) => reason,
        (true, Some(unclean)) => unclean,
        (false, Some(unclean)) => format!("{reason}; {unclean}"),
    };
    let began = state.first_started().unwrap_or(now);
    let recovery = match (plan.kind, state.verified_at) {
        (Kind::Drill, Some(at)) => Some(at.since(began)),
        _ => None,
    };
    Next::Record(vec![Event::RunEnded { executed, verified, reason, duration: now.since(began), recovery }])
}

fn executed(plan: &Plan, state: &State) -> Executed {
    let standings: Vec<Standing> = plan.steps.iter().map(|s| state.standing(&s.id)).collect();
    if standings.iter().any(|s| matches!(s, Standing::Failed(_))) {
        Executed::Failed
    } else if standings.iter().all(|s| matches!(s, Standing::Done | Standing::Skipped)) {
        Executed::Ok
    } else {
        Executed::Unknown
    }
}

/// One line that says what is wrong: the failed step, else the first check that did not say yes.
pub(super) fn trouble(plan: &Plan, state: &State) -> String {
    let standing = |step: &Step| if let Standing::Failed(why) = state.standing(&step.id) { Some(why) } else { None };
    let mut failed = plan.steps.iter().filter_map(|step| Some((step, standing(step)?)));
    if let Some((step, why)) = failed.next() {
        let more = failed.map(|(step, _)| step.id.as_str()).collect::<Vec<_>>();
        let more = if more.is_empty() { String::new() } else { format!("; failed as well: {}", named(&more)) };
        return format!("step {}: {why}{more}", step.id);
    }
    let worst = state
        .last_round()
        .find(|j| j.verdict == Verdict::No)
        .or_else(|| state.last_round().find(|j| matches!(j.verdict, Verdict::Unknown { .. })));
    match worst {
        Some(judged) if judged.verdict == Verdict::No => {
            format!("{}: expected {}, seen {}", judged.check, judged.expected, judged.observed)
        }
        Some(judged) => format!("{}: {}", judged.check, judged.observed),
        None => "no check that proves data could be carried out".into(),
    }
}

/// Steps that a reason names one by one.
const NAMED_MAX: usize = 5;

fn named(steps: &[&str]) -> String {
    let first = steps[..steps.len().min(NAMED_MAX)].join(", ");
    let left = steps.len().saturating_sub(NAMED_MAX);
    if left > 0 { format!("{first} and {left} more") } else { first }
}

/// What to record when a node takes up a run that another life of it left: what was in flight is unknown.
pub fn interrupted(state: &State, why: &str) -> Vec<Event> {
    let mut events = Vec::new();
    // What tells us by pings goes on outside, whoever of us stops.
    let pinged = state.requested.as_ref().is_some_and(|asked| matches!(asked.cause, Cause::Ping { .. }));
    for (step, attempts) in state.attempts.iter().filter(|(step, _)| !(pinged && *step == OUTSIDE)) {
        if let Some(last) = attempts.last().filter(|last| last.ended.is_none()) {
            let acted = Acted {
                outcome: Outcome::Unknown,
                reason: Some(format!("the end is unknown: {why}")),
                held_by: "nobody".into(),
                empty: None,
                ..nothing()
            };
            events.push(Event::AttemptEnded { step: step.clone(), attempt: last.number, acted });
        }
    }
    events
}
