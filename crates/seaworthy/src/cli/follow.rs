//! Following a run to its end, and its end as an object: the same for `run`, `drill` and `show`.
//!
//! It reads the journal only, so that a run driven by a server and one driven here look alike.

use std::sync::Arc;

use seaworthy_core::{input::plain, run::State};
use seaworthy_model::{
    entry::Stream,
    event::Event,
    id::RunId,
    matrix::Element,
    port::{Journal, StoreError},
    run::{Cause, Executed, Kind, Outcome, Verified},
    time::At,
};
use serde_json::{Value, json};

use super::story;
use crate::{
    out::Out,
    trouble::{Trouble, code},
};

/// All events of a run with their times.
///
/// # Errors
/// When the journal cannot be read, or holds an entry of a newer program.
pub async fn events(journal: &dyn Journal, run: RunId, after: u64) -> Result<Vec<(At, Event)>, Trouble> {
    let mut out = Vec::new();
    for entry in journal.stream(&Stream::run(run), after).await? {
        let event = entry.event().map_err(|e| Trouble::start(e.to_string()))?;
        out.extend(event.map(|event| (entry.header.at, event)));
    }
    Ok(out)
}

/// How many entries of a run have lost their body to retention.
///
/// # Errors
/// When the journal cannot be read.
pub async fn dropped(journal: &dyn Journal, run: RunId) -> Result<usize, Trouble> {
    let entries = journal.stream(&Stream::run(run), 0).await?;
    Ok(entries.iter().filter(|entry| entry.body.is_none()).count())
}

/// Prints a run as it goes on and returns its state at the end.
///
/// # Errors
/// When the journal cannot be read.
pub async fn follow(out: &Out, journal: &Arc<dyn Journal>, run: RunId) -> Result<State, Trouble> {
    let mut state = State::default();
    loop {
        let length = journal.frontier().await?.size;
        for (at, event) in events(journal.as_ref(), run, state.version).await? {
            state.apply(at, &event);
            if let Some(line) = story::line(out, &event) {
                out.line(&line);
            }
        }
        if state.ended.is_some() {
            return Ok(state);
        }
        match journal.past(length).await {
            Ok(_) => {}
            Err(StoreError::Unreachable { detail }) => {
                return Err(Trouble::start(format!("the journal went away ({detail})")));
            }
            Err(other) => return Err(other.into()),
        }
    }
}

/// Prints the end of a run and returns its exit code.
pub fn conclude(out: &Out, run: RunId, state: &State) -> u8 {
    let (Some(requested), Some(end)) = (&state.requested, &state.ended) else { return code::UNKNOWN };
    if requested.kind == Kind::Drill {
        let recovery = end.recovery.map(|r| format!("restored in {r}")).unwrap_or_else(|| "not restored".into());
        let objective = requested.objective.map(|o| format!(", objective {o}")).unwrap_or_default();
        out.line(&format!("  {recovery}{objective}"));
    }
    out.line(&story::verdict(out, &requested.process, requested.kind, end.executed, end.verified, &end.reason));
    out.line(&format!("  {run}  {}", end.duration));
    out.object(&if requested.kind == Kind::Drill { drill_object(run, state) } else { object(run, state) });
    exit_code(end.executed, end.verified)
}

/// Exit code of a verdict (contracts.md, section 6). Unproven is not a pass: verification could not say.
pub fn exit_code(executed: Executed, verified: Verified) -> u8 {
    match (executed, verified) {
        (_, Verified::Yes) => code::VERIFIED,
        (Executed::Failed | Executed::Cancelled, _) | (_, Verified::No) => code::FAILED,
        (_, Verified::Unknown | Verified::Unproven) => code::UNKNOWN,
    }
}

/// The object of `run --json` (docs/formats/json.md).
pub fn object(run: RunId, state: &State) -> Value {
    let (Some(requested), Some(end)) = (&state.requested, &state.ended) else {
        return json!({ "run_id": run.to_string(), "ended": false });
    };
    json!({
        "v": 1,
        "run_id": run.to_string(),
        "process": requested.process,
        "digest": requested.digest,
        "parent_run_id": match &requested.cause { Cause::Step { run, .. } => Some(run.to_string()), _ => None },
        "executed": end.executed.word(),
        "verified": end.verified.word(),
        "reason": end.reason,
        "duration_ms": end.duration.millis_up(),
        "steps": steps(state),
        "artifacts": state.artifacts.values().map(|a| json!({ "name": a.name, "bytes": a.bytes, "sha256": a.sha256, "place": a.place })).collect::<Vec<_>>(),
        "verifications": verifications(state),
        "heals": state.heals.iter().map(|h| json!({ "what": h.what, "outcome": h.outcome, "detail": h.detail })).collect::<Vec<_>>(),
    })
}

fn steps(state: &State) -> Vec<Value> {
    let mut all: Vec<_> = state.attempts.iter().collect();
    all.sort_by_key(|(_, attempts)| attempts.first().map(|a| a.started_at));
    all.into_iter()
        .filter(|(id, _)| !state.skipped.contains_key(*id))
        .map(|(id, attempts)| {
            let last = attempts.last().and_then(|a| a.ended.as_ref()).map(|(_, acted)| acted);
            let outcome = match last.map(|a| a.outcome) {
                Some(Outcome::Done) => "done",
                Some(Outcome::NotDone) => "not_done",
                Some(Outcome::Unknown) => "unknown",
                None => "running",
            };
            let mut step = json!({ "id": id, "outcome": outcome, "attempts": attempts.len(), "exit": last.and_then(|a| a.exit), "reason": last.and_then(|a| a.reason.clone()), "outputs": outputs(state, id), "child_run_id": attempts.last().and_then(|a| a.child).map(|child| child.to_string()) });
            if let (Some((of, element)), Value::Object(step)) = (element(state, id), &mut step) {
                step.extend([("of".to_owned(), of.into()), ("element".to_owned(), element.into())]);
            }
            step
        })
        .chain(state.expanded.iter().map(|(id, elements)| list(state, id, elements)))
        .chain(state.skipped.iter().map(|(id, reason)| {
            json!({ "id": id, "outcome": "skipped", "attempts": 0, "exit": null, "reason": reason, "outputs": {} })
        }))
        .collect()
}

/// Of which list this step is an element, and which.
fn element<'s>(state: &'s State, id: &str) -> Option<(&'s str, &'s str)> {
    state.expanded.iter().find_map(|(of, elements)| {
        let element = elements.iter().find(|element| element.id == id)?;
        Some((of.as_str(), element.value.as_str()))
    })
}

/// A step over a list: done when all its elements are, and none at all is done too.
fn list(state: &State, id: &str, elements: &[Element]) -> Value {
    let last = |element: &Element| {
        let ended = state.attempts.get(&element.id)?.last()?.ended.as_ref()?;
        Some(ended.1.outcome)
    };
    let is = |outcome: Outcome| elements.iter().any(|element| last(element) == Some(outcome));
    let outcome = match (is(Outcome::NotDone), is(Outcome::Unknown)) {
        (true, _) => "not_done",
        (false, true) => "unknown",
        _ if elements.iter().any(|element| last(element).is_none()) => "not_all_begun",
        _ => "done",
    };
    let ids: Vec<&str> = elements.iter().map(|element| element.id.as_str()).collect();
    json!({ "id": id, "outcome": outcome, "attempts": 0, "exit": null, "reason": null, "outputs": {}, "elements": ids })
}

/// What a step handed on, as its readers see it.
fn outputs(state: &State, step: &str) -> Value {
    let handed = state.outputs.get(step).into_iter().flatten();
    Value::Object(handed.map(|(name, value)| (name.clone(), Value::String(plain(value)))).collect())
}

fn verifications(state: &State) -> Vec<Value> {
    state
        .checks
        .iter()
        .map(|j| json!({ "what": j.check, "round": j.round, "outcome": j.verdict.word(), "expected": j.expected, "observed": j.observed, "source": j.observation.as_ref().map(|o| o.source.clone()) }))
        .collect()
}

fn drill_object(run: RunId, state: &State) -> Value {
    let (Some(requested), Some(end)) = (&state.requested, &state.ended) else {
        return json!({ "drill_id": run.to_string(), "ended": false });
    };
    json!({
        "v": 1,
        "drill_id": run.to_string(),
        "process": requested.process,
        "executed": end.executed.word(),
        "verified": end.verified.word(),
        "reason": end.reason,
        "recovery_time_ms": end.recovery.map(|r| r.millis_up()),
        "objective_ms": requested.objective.map(|o| o.millis_up()),
        "within_objective": end.recovery.zip(requested.objective).map(|(r, o)| r <= o),
        "artifact": requested.artifact.as_ref().map(|a| json!({ "name": a.name, "bytes": a.bytes, "sha256": a.sha256, "from_run": a.from_run.to_string() })),
        "steps": steps(state),
        "verifications": verifications(state),
    })
}
