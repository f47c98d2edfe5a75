//! What comes next in a run. Total and replayable: it takes the state, the time and a draw of chance.
//!
//! The runtime asks, carries out the answer, appends what came of it, and asks again. This module must not
//! know how long anything takes.

use std::collections::BTreeMap;

use seaworthy_model::{
    event::Event,
    process::{Action, Check, Command, Effect, Look, Rung, Step},
    run::{Acted, Executed, Heal, HealOutcome, Kind, Outcome, Output, Verdict, Verified},
    time::{At, Span},
};

use super::{
    Plan, State, judge, ladder, settle,
    state::{Requested, Standing},
};

/// How often a step that may be repeated is started again after unknown ends.
const UNKNOWN_REPEATS_MAX: u32 = 3;

/// Something to act on once. `event` is to be durable before it starts.
#[derive(Debug, Clone, PartialEq)]
pub struct Act {
    /// Id of the step; `heal.N` for a rung, `after.ID` for clean-up.
    pub step: String,
    pub attempt: u32,
    pub command: Command,
    pub timeout: Option<Span>,
    pub env: BTreeMap<String, String>,
    pub secrets: Vec<String>,
    pub event: Event,
}

/// The answer.
#[derive(Debug, Clone, PartialEq)]
pub enum Next {
    /// Append these and ask again.
    Record(Vec<Event>),
    Act(Box<Act>),
    /// Look whether the step made this artifact.
    Collect {
        step: String,
        name: String,
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
    Ended,
}

/// What comes next. `draw` gives evenly spread 64-bit numbers.
pub fn next(plan: &Plan, state: &State, now: At, draw: &mut dyn FnMut() -> u64) -> Next {
    if state.ended.is_some() {
        return Next::Ended;
    }
    let Some(requested) = &state.requested else { return Next::Ended };
    if let Some(reason) = &state.cancel {
        return finish(plan, state, now, Executed::Cancelled, Verified::No, format!("cancelled: {reason}"));
    }
    if let Some(until) = state.waiting.filter(|until| now < *until) {
        return Next::Wait(until);
    }
    match state.pass {
        None => forward(plan, state, requested, now),
        Some(Verified::Yes) if state.heal_open => close_heal(plan, state, HealOutcome::Healed),
        Some(Verified::Yes) => {
            let reason = state.heals.last().map_or(String::new(), |h| format!("healed by {}: {}", h.what, h.detail));
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

/// The steps of the present pass, then its verification.
fn forward(plan: &Plan, state: &State, requested: &Requested, now: At) -> Next {
    if state.heal_open
        && let Some(Rung::Run { command, timeout }) = plan.heal.get(state.rung as usize)
    {
        let id = format!("heal.{}", state.rung);
        if state.count(&id) == 0 {
            return act(plan, state, &id, command.clone(), *timeout, None);
        }
    }
    for step in &plan.steps {
        match state.standing(&step.id) {
            Standing::Done => {
                if let Some(name) = uncollected(state, step) {
                    return Next::Collect { step: step.id.clone(), name };
                }
            }
            Standing::Fresh => return start(plan, state, step),
            Standing::Failed(_) => return no_verification(plan, state, &step.id),
            Standing::Running => return Next::Wait(now + Span::seconds(1)),
            Standing::Unknown if step.effect == Effect::Once => return look_first(plan, state, requested, step, now),
            Standing::Unknown if state.count(&step.id) > UNKNOWN_REPEATS_MAX => {
                return finish(
                    plan,
                    state,
                    now,
                    Executed::Unknown,
                    Verified::Unknown,
                    format!("step {} ended unknown {} times", step.id, state.count(&step.id)),
                );
            }
            Standing::Unknown => return start(plan, state, step),
        }
    }
    if plan.verify.is_empty() {
        return finish(plan, state, now, Executed::Ok, Verified::Unproven, "there is no verification".into());
    }
    match look_round(plan, state, requested, &plan.verify.iter().collect::<Vec<_>>()) {
        Some(next) => next,
        None => {
            let verified = verdict(plan, state);
            Next::Record(vec![Event::VerificationEnded { round: state.rounds, verified }])
        }
    }
}

fn start(plan: &Plan, state: &State, step: &Step) -> Next {
    match &step.action {
        Action::Run(command) => act(plan, state, &step.id, command.clone(), step.timeout, Some(step)),
        Action::Noop => {
            let attempt = state.count(&step.id) + 1;
            let key = key(&step.id, attempt);
            Next::Record(vec![
                Event::AttemptStarted { step: step.id.clone(), attempt, key },
                Event::AttemptEnded { step: step.id.clone(), attempt, acted: nothing() },
            ])
        }
    }
}

fn act(plan: &Plan, state: &State, id: &str, command: Command, timeout: Option<Span>, step: Option<&Step>) -> Next {
    let attempt = state.count(id) + 1;
    let mut env = plan.env.clone();
    let mut secrets = plan.secrets.clone();
    if let Some(step) = step {
        env.extend(step.env.clone());
        secrets.extend(step.secrets.iter().filter(|s| !plan.secrets.contains(s)).cloned());
    }
    let event = Event::AttemptStarted { step: id.to_owned(), attempt, key: key(id, attempt) };
    Next::Act(Box::new(Act { step: id.to_owned(), attempt, command, timeout, env, secrets, event }))
}

/// Idempotency key of an attempt, apart from the run's id, which the runtime puts in front.
fn key(step: &str, attempt: u32) -> String {
    format!("{step}/{attempt}")
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

fn uncollected(state: &State, step: &Step) -> Option<String> {
    let last = state.last(&step.id)?;
    step.makes.iter().find(|name| !last.made.contains_key(*name)).cloned()
}

/// A failed step: verification is not run, its checks are skipped and verified is no.
fn no_verification(plan: &Plan, state: &State, step: &str) -> Next {
    let reason = format!("step {step} failed");
    let mut events: Vec<Event> = plan
        .verify
        .iter()
        .map(|check| Event::Checked { judged: judge::passed_over(check, state.rounds, reason.clone()) })
        .collect();
    events.push(Event::VerificationEnded { round: state.rounds, verified: Verified::No });
    Next::Record(events)
}

/// The next of these checks in the open round, or `None` when all were judged.
fn look_round(plan: &Plan, state: &State, requested: &Requested, checks: &[&Check]) -> Option<Next> {
    let round = state.rounds;
    let check = *checks.iter().find(|check| !state.open_round().any(|judged| judged.check == check.id))?;
    let usual = &requested.usual;
    if matches!(check.look, Look::Duration { .. }) {
        let steps = || plan.steps.iter().map(|s| &s.id);
        let judged = match state.untimed(steps()) {
            Some(step) => {
                let reason = format!("nobody saw the end of step {step}, so nobody knows how long it took");
                judge::passed_over(check, round, reason)
            }
            None => judge::judge_duration(check, round, state.acting(steps()), usual),
        };
        return Some(Next::Record(vec![Event::Checked { judged }]));
    }
    Some(Next::Look { check: Box::new(check.clone()), round })
}

/// A `once` step whose end nobody knows is looked at before anything is repeated.
fn look_first(plan: &Plan, state: &State, requested: &Requested, step: &Step, now: At) -> Next {
    if let Some((_, reason)) = state.last(&step.id).and_then(|last| last.settled.as_ref()) {
        let reason =
            format!("nobody knows whether step {} happened: {reason}; look yourself before running it again", step.id);
        return finish(plan, state, now, Executed::Unknown, Verified::Unknown, reason);
    }
    let witnesses = settle::witnesses(plan, step);
    if let Some(next) = look_round(plan, state, requested, &witnesses) {
        return next;
    }
    let (happened, reason) = settle::weigh(plan, state, step, &witnesses);
    Next::Record(vec![Event::StepSettled { step: step.id.clone(), happened, reason }])
}

/// The verdict of a complete round: one check that proves data must have said yes, and none anything else.
fn verdict(plan: &Plan, state: &State) -> Verified {
    let judged: Vec<_> = state.open_round().collect();
    if judged.iter().any(|j| j.verdict == Verdict::No) {
        return Verified::No;
    }
    if judged.iter().any(|j| matches!(j.verdict, Verdict::Unknown { .. })) {
        return Verified::Unknown;
    }
    let proven = plan
        .verify
        .iter()
        .filter(|check| check.proves)
        .any(|check| judged.iter().any(|j| j.check == check.id && j.verdict == Verdict::Yes));
    if proven { Verified::Yes } else { Verified::Unknown }
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

/// Clean-up, then the end.
fn finish(plan: &Plan, state: &State, now: At, executed: Executed, verified: Verified, reason: String) -> Next {
    for step in &plan.after {
        let again = match state.standing(&step.id) {
            Standing::Fresh => true,
            // Nothing is looked at after the clean-up, so a `once` step of it is left to a person.
            Standing::Unknown => step.effect != Effect::Once && state.count(&step.id) <= UNKNOWN_REPEATS_MAX,
            _ => false,
        };
        if again {
            return start(plan, state, step);
        }
    }
    let unclean = plan.after.iter().find_map(|step| match state.standing(&step.id) {
        Standing::Failed(why) => Some(format!("{} failed: {why}", step.id)),
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
    } else if standings.iter().all(|s| *s == Standing::Done) {
        Executed::Ok
    } else {
        Executed::Unknown
    }
}

/// One line that says what is wrong: the failed step, else the first check that did not say yes.
pub(super) fn trouble(plan: &Plan, state: &State) -> String {
    for step in &plan.steps {
        if let Standing::Failed(why) = state.standing(&step.id) {
            return format!("step {}: {why}", step.id);
        }
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

/// What to record when a node takes up a run that another life of it left: what was in flight is unknown.
pub fn interrupted(state: &State, why: &str) -> Vec<Event> {
    let mut events = Vec::new();
    for (step, attempts) in &state.attempts {
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
