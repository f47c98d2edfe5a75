//! The rows that others read: a narrow one while the run lives, a wide one when it has ended.
//!
//! This module must not know how rows are stored or shown.

use std::collections::BTreeMap;

use seaworthy_model::{
    id::RunId,
    process::{Check, Look},
    run::{Kind, Verified},
    value::Value,
    view::{EndedRun, LiveRun},
};

use super::{Plan, State, judge};
use crate::schedule::utc;

/// The row of a run that has not ended; `None` if nothing is known of it.
pub fn live(run: RunId, state: &State) -> Option<LiveRun> {
    let requested = state.requested.as_ref()?;
    Some(LiveRun {
        run,
        process: requested.process.clone(),
        kind: requested.kind,
        cause: requested.cause.clone(),
        requested_at: requested.at,
        claimed_at: state.claimed_at,
        fence: state.fence,
        doing: doing(state),
        troubled: state.rounds > 0 || !state.heals.is_empty(),
    })
}

/// Steps under way at the same time that are named one by one.
const DOING_NAMED_MAX: usize = 3;

fn doing(state: &State) -> String {
    let running: Vec<(&str, u32)> = state.running().collect();
    if let (true, Some(awaits)) = (running.is_empty(), &state.awaits) {
        let (lock, holder, process, since) = (&awaits.lock, awaits.holder, &awaits.process, utc(awaits.since));
        return format!("waiting for the lock `{lock}`, held by {holder} of {process} since {since}");
    }
    match (running.as_slice(), state.waiting) {
        ([(step, 1)], _) => format!("step {step}"),
        ([(step, n)], _) => format!("step {step}, attempt {n}"),
        ([], _) if state.asked.values().any(|asked| asked.answer.is_none()) => {
            let open = state.asked.iter().filter(|(_, asked)| asked.answer.is_none()).map(|(step, _)| step.as_str());
            format!("waiting for a person: {}", open.take(DOING_NAMED_MAX).collect::<Vec<_>>().join(", "))
        }
        ([], Some(_)) => "waiting before a retry".into(),
        ([], None) if state.claimed_at.is_none() => "waiting to be taken up".into(),
        ([], None) => format!("verifying, round {}", state.rounds + 1),
        (many, _) => {
            let named: Vec<&str> = many.iter().map(|(step, _)| *step).take(DOING_NAMED_MAX).collect();
            let more = many.len() - named.len();
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            format!("steps {}{more}", named.join(", "))
        }
    }
}

/// The row of a run that has ended; `None` while it has not.
pub fn ended(run: RunId, plan: Option<&Plan>, state: &State) -> Option<EndedRun> {
    let requested = state.requested.as_ref()?;
    let end = state.ended.as_ref()?;
    Some(EndedRun {
        run,
        process: requested.process.clone(),
        kind: requested.kind,
        digest: requested.digest.clone(),
        cause: requested.cause.clone(),
        requested_at: requested.at,
        started_at: state.first_started(),
        ended_at: end.at,
        executed: end.executed,
        verified: end.verified,
        reason: end.reason.clone(),
        duration: end.duration,
        recovery: end.recovery,
        objective: requested.objective.filter(|_| requested.kind == Kind::Drill),
        heals: u32::try_from(state.heals.iter().filter(|h| h.what != "tell").count()).unwrap_or(u32::MAX),
        artifacts: state.artifacts.values().cloned().collect(),
        measures: plan.map(|plan| measures(&plan.grown(state), state, end.verified)).unwrap_or_default(),
    })
}

/// What later runs call usual.
fn measures(plan: &Plan, state: &State, verified: Verified) -> BTreeMap<String, f64> {
    let mut out = BTreeMap::new();
    if state.untimed(plan.timed()).is_none() {
        out.insert("duration".to_owned(), state.acting(plan.timed()).0 as f64);
    }
    for artifact in state.artifacts.values() {
        out.insert(format!("size:{}", artifact.name), artifact.bytes as f64);
    }
    if verified != Verified::Yes {
        return out;
    }
    for judged in state.last_round() {
        let (Some(check), Some(seen)) = (plan.verify.iter().find(|c| c.id == judged.check), &judged.observation) else {
            continue;
        };
        for (name, number) in check_measures(check, &seen.facts) {
            out.insert(judge::measure(check, name), number);
        }
    }
    out
}

fn check_measures<'a>(check: &Check, facts: &'a seaworthy_model::value::Facts) -> Vec<(&'a str, f64)> {
    if matches!(check.look, Look::Duration { .. } | Look::Artifact { .. }) {
        return Vec::new();
    }
    let mut out = Vec::new();
    for (name, value) in facts {
        let number = match (name.as_str(), value) {
            ("rows", Value::List(rows)) => Some(rows.len() as f64),
            ("value" | "duration", value) => value.number(),
            ("status", value) => value.number(),
            _ => None,
        };
        out.extend(number.map(|n| (name.as_str(), n)));
    }
    out
}
