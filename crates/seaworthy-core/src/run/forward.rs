//! The steps of the present pass, then its verification: what may be started beside what runs, and what may not.
//!
//! Steps start in plan order as soon as what they need is done, so many at a time as the process allows. After a step
//! failed, or ended in a way that nobody knows and that must be looked at first, nothing new starts and what runs is
//! let end. This module must not know ladders.

use std::collections::BTreeSet;

use seaworthy_model::{
    deed::Deed,
    event::Event,
    process::{Action, Check, Effect, Look, Rung, Step},
    run::{Executed, Verdict, Verified},
    time::{At, Span},
};

use super::{
    Act, Call, Next, Plan, State, condition, judge, matrix,
    next::{UNKNOWN_REPEATS_MAX, finish, nothing},
    person, settle,
    state::{Requested, Standing},
};

/// What comes next in a pass whose verification has not ended.
pub(super) fn forward(plan: &Plan, state: &State, requested: &Requested, now: At, deadline: Option<At>) -> Next {
    if let Some(next) = rung(plan, state, deadline) {
        return next;
    }
    let standings: Vec<Standing> = plan.steps.iter().map(|step| state.standing(&step.id)).collect();
    for (step, standing) in plan.steps.iter().zip(&standings).filter(|(step, _)| step.matrix.is_none()) {
        if *standing == Standing::Done
            && let Some(name) = uncollected(state, step)
        {
            return Next::Collect { step: step.id.clone(), name, within: step.timeout };
        }
        if *standing == Standing::Done
            && !step.outputs.is_empty()
            && state.last(&step.id).is_some_and(|l| l.handed.is_none())
        {
            return Next::Take { step: step.id.clone(), attempt: state.count(&step.id), outputs: step.outputs.clone() };
        }
    }
    let running = standings.iter().filter(|standing| **standing == Standing::Running).count();
    let until = match person::answered(plan, state, &standings, now) {
        Ok(next) => return next,
        Err(until) => until,
    };
    let deadline = until.into_iter().chain(deadline).min();
    let halted = halted(plan, state, &standings);
    let only = halted.map(|at| others(plan, &standings, at));
    if running < plan.parallel
        && let Some(at) = ready(plan, &standings, only.as_ref())
    {
        return condition::skip(plan, state, requested, at).unwrap_or_else(|| start(plan, state, &plan.steps[at], now));
    }
    if running > 0 {
        return Next::Attend(deadline);
    }
    if let Some(at) = halted {
        return halt(plan, state, requested, at, now);
    }
    if let Some(until) = deadline.filter(|_| until.is_some()) {
        return Next::Wait(until);
    }
    // Only steps that wait for each other are left. Spec has refused them; better in file order than not at all.
    if let Some(at) = standings.iter().position(|standing| !matches!(standing, Standing::Done | Standing::Skipped)) {
        return start(plan, state, &plan.steps[at], now);
    }
    verification(plan, state, requested, now)
}

/// A rung that acts comes before the steps.
fn rung(plan: &Plan, state: &State, deadline: Option<At>) -> Option<Next> {
    let Some(Rung::Run { command, timeout }) = plan.heal.get(state.rung as usize).filter(|_| state.heal_open) else {
        return None;
    };
    let id = format!("heal.{}", state.rung);
    match state.standing(&id) {
        Standing::Fresh if state.count(&id) == 0 => {
            Some(act(plan, state, &id, Deed::Run(command.clone()), *timeout, None))
        }
        Standing::Running => Some(Next::Attend(deadline)),
        _ => None,
    }
}

/// The step that keeps others from starting: first one whose end must be looked into, then one that failed.
fn halted(plan: &Plan, state: &State, standings: &[Standing]) -> Option<usize> {
    let unsettled = |at: usize| {
        let step = &plan.steps[at];
        step.effect == Effect::Once || state.unknown_ends(&step.id) > UNKNOWN_REPEATS_MAX
    };
    let unknown = standings.iter().enumerate().position(|(at, s)| *s == Standing::Unknown && unsettled(at));
    let failed = || standings.iter().position(|s| matches!(s, Standing::Failed(_)));
    let open = || standings.iter().any(|s| !matches!(s, Standing::Done | Standing::Skipped));
    unknown
        .or_else(failed)
        .or_else(|| plan.steps.iter().position(|step| lost(state, &step.id).is_some()).filter(|_| open()))
}

/// Why nobody knows what a step hands on that happened although nobody saw its end: it is not repeated for that.
pub(super) fn lost<'s>(state: &'s State, step: &str) -> Option<&'s String> {
    let last = state.last(step).filter(|last| matches!(last.settled, Some((Some(true), _))))?;
    last.handed.as_ref()?.as_ref().err()
}

fn halt(plan: &Plan, state: &State, requested: &Requested, at: usize, now: At) -> Next {
    let step = &plan.steps[at];
    match state.standing(&step.id) {
        Standing::Failed(_) => no_verification(plan, state, &step.id),
        Standing::Done => {
            let why = lost(state, &step.id).map_or("no reason given", |why| why);
            let reason = format!(
                "step {} happened, but what it hands on to the steps after it is not known ({why}): write it as NAME=VALUE lines into handed/{}.{} of the run's folder, and go on: seaworthy resume",
                step.id,
                step.id,
                state.count(&step.id)
            );
            finish(plan, state, now, Executed::Unknown, Verified::Unknown, reason)
        }
        _ if step.effect == Effect::Once => look_first(plan, state, requested, step, now),
        _ => {
            let reason = format!("step {} ended unknown {} times", step.id, state.unknown_ends(&step.id));
            finish(plan, state, now, Executed::Unknown, Verified::Unknown, reason)
        }
    }
}

/// The lists whose other elements go on although the step at `at` keeps all else from starting: places in `defined`.
fn others(plan: &Plan, standings: &[Standing], at: usize) -> BTreeSet<usize> {
    let failed = standings.iter().enumerate().filter(|(_, s)| matches!(s, Standing::Failed(_)));
    let goes_on = |home: &usize| plan.defined[*home].matrix.as_ref().is_some_and(|matrix| !matrix.stop);
    let homes: BTreeSet<usize> = failed.map(|(at, _)| plan.home(at)).collect();
    if matches!(standings[at], Standing::Failed(_)) && homes.iter().all(goes_on) { homes } else { BTreeSet::new() }
}

/// The first step in plan order that may start now; `only`: of these places in `defined`.
fn ready(plan: &Plan, standings: &[Standing], only: Option<&BTreeSet<usize>>) -> Option<usize> {
    let (mut open, mut running) = (vec![false; plan.defined.len()], vec![0; plan.defined.len()]);
    for (at, standing) in standings.iter().enumerate() {
        open[plan.home(at)] |= !matches!(standing, Standing::Done | Standing::Skipped);
        running[plan.home(at)] += u32::from(*standing == Standing::Running);
    }
    let room = |home: usize| {
        let most = plan.defined[home].matrix.as_ref().and_then(|matrix| matrix.parallel);
        most.is_none_or(|most| running[home] < most)
    };
    let first = open.iter().position(|open| *open);
    // What was taken over of another run must not lead past a yes that is asked for anew.
    let agreed = |home: usize| {
        let unasked = |at: &usize| open[*at] && matches!(plan.defined[*at].action, Action::Approve(_));
        !(0..open.len()).any(|at| unasked(&at)) || !plan.before(home).iter().any(unasked)
    };
    for (at, standing) in standings.iter().enumerate() {
        let home = plan.home(at);
        // In a sequence the elements of one list are side by side, and what stands after them waits for all.
        if plan.in_sequence && first.is_some_and(|first| first < home) {
            return None;
        }
        let startable = matches!(standing, Standing::Fresh | Standing::Unknown) && room(home);
        let needed = || plan.needs(home).iter().all(|need| !open[*need]) && agreed(home);
        if startable && only.is_none_or(|only| only.contains(&home)) && needed() {
            return Some(at);
        }
    }
    None
}

fn verification(plan: &Plan, state: &State, requested: &Requested, now: At) -> Next {
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

pub(super) fn start(plan: &Plan, state: &State, step: &Step, now: At) -> Next {
    if let (Some(list), Some(requested)) = (&step.matrix, &state.requested) {
        return matrix::expand(plan, state, requested, step, &list.over);
    }
    match &step.action {
        Action::Outside => {
            let reason = "somebody else starts it, and nobody saw how it ended; it is not repeated from here";
            finish(plan, state, now, Executed::Unknown, Verified::Unknown, reason.into())
        }
        Action::Human(duty) | Action::Approve(duty) => person::ask(step, duty, now),
        Action::Run(command) => act(plan, state, &step.id, Deed::Run(command.clone()), step.timeout, Some(step)),
        Action::Http(request) => act(plan, state, &step.id, Deed::Http(request.clone()), step.timeout, Some(step)),
        Action::Sql(all) => act(plan, state, &step.id, Deed::Sql(all.clone()), step.timeout, Some(step)),
        Action::Process(callee) => {
            let attempt = state.count(&step.id) + 1;
            let event = Event::AttemptStarted { step: step.id.clone(), attempt, key: key(&step.id, attempt) };
            let mut env = plan.env.clone();
            env.extend(step.env.clone());
            Next::Call(Box::new(Call { step: step.id.clone(), attempt, callee: callee.clone(), env, event }))
        }
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

fn act(plan: &Plan, state: &State, id: &str, deed: Deed, timeout: Option<Span>, step: Option<&Step>) -> Next {
    let attempt = state.count(id) + 1;
    let mut env = plan.env.clone();
    let mut secrets = plan.secrets.clone();
    if let Some(step) = step {
        env.extend(step.env.clone());
        secrets.extend(step.secrets.iter().filter(|s| !plan.secrets.contains(s)).cloned());
    }
    let event = Event::AttemptStarted { step: id.to_owned(), attempt, key: key(id, attempt) };
    let limits = step.map_or_else(|| plan.limits.clone(), |step| step.limits.within(&plan.limits));
    Next::Act(Box::new(Act { step: id.to_owned(), attempt, deed, timeout, limits, env, secrets, event }))
}

/// Idempotency key of an attempt, apart from the run's id, which the runtime puts in front.
fn key(step: &str, attempt: u32) -> String {
    format!("{step}/{attempt}")
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
    if let Some(reason) = condition::nothing_to_see(plan, state, check) {
        return Some(Next::Record(vec![Event::Checked { judged: judge::passed_over(check, round, reason) }]));
    }
    if matches!(check.look, Look::Duration { .. }) {
        let judged = match state.untimed(plan.timed()) {
            Some(step) => {
                let reason = format!("nobody saw the end of step {step}, so nobody knows how long it took");
                judge::passed_over(check, round, reason)
            }
            None => judge::judge_duration(check, round, state.acting(plan.timed()), usual),
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
    let (happened, reason) = match settle::weigh(plan, state, step, &witnesses) {
        // What never gives an answer is not asked for ever.
        (Some(false), reason) if state.unknown_ends(&step.id) > UNKNOWN_REPEATS_MAX => {
            let times = state.unknown_ends(&step.id);
            (None, format!("it was tried {times} times, and nobody ever saw its end ({reason})"))
        }
        weighed => weighed,
    };
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
