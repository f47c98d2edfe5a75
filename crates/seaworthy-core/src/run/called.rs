//! What the verdict of a run means for the step that waited for it. Verified counts, not executed.
//!
//! This module must not know how it was waited for.

use std::collections::BTreeMap;

use seaworthy_model::{
    input::{Form, HANDED_BYTES_MAX},
    run::{Acted, Executed, Outcome, Verified},
    time::Span,
    value::Facts,
    view::EndedRun,
};

use super::{Plan, State, matrix::handed, next::nothing};
use crate::input::written;

/// The end of the attempt. `over`: the run was stopped because the step may take no longer than this.
pub fn called(run: &EndedRun, over: Option<Span>) -> Acted {
    let (id, process) = (run.run, &run.process);
    let why = |what: &str| {
        let rest = if run.reason.is_empty() { String::new() } else { format!(": {}", run.reason) };
        Some(format!("{id} of `{process}` {what}{rest}"))
    };
    let (outcome, reason) = match (run.verified, over) {
        (Verified::Yes, _) => (Outcome::Done, None),
        (_, Some(limit)) => {
            (Outcome::NotDone, Some(format!("{id} of `{process}` took longer than {limit} and was stopped")))
        }
        (Verified::No, _) if run.executed == Executed::Cancelled => (Outcome::NotDone, why("was stopped")),
        (Verified::No, _) => (Outcome::NotDone, why("is not verified")),
        (Verified::Unknown, _) => (Outcome::Unknown, why("ended, and nobody knows whether well")),
        (Verified::Unproven, _) => (Outcome::NotDone, why("proves nothing: give that process `verify`")),
    };
    let took = run.ended_at.since(run.requested_at);
    Acted { outcome, reason, took, held_by: "its own run".into(), ..nothing() }
}

/// What a step hands on of the run that it was, as text: each value is handed on there by one step.
///
/// # Errors
/// A sentence.
pub fn hands_on(plan: &Plan, state: &State, declared: &BTreeMap<String, Form>) -> Result<String, String> {
    let (process, all) = (&plan.process, handed(plan, state));
    let mut values = Facts::new();
    for name in declared.keys() {
        let mut found = all.values().filter_map(|outputs| outputs.get(name));
        match (found.next(), found.next()) {
            (Some(value), None) => drop(values.insert(name.clone(), value.clone())),
            (None, _) => return Err(format!("`{process}` handed on no `{name}`: the step that would was skipped")),
            (Some(_), Some(_)) => return Err(format!("more than one step of `{process}` handed on `{name}`")),
        }
    }
    let text = serde_json::json!(written(&values)).to_string();
    if text.len() > HANDED_BYTES_MAX {
        return Err(format!("`{process}` handed on {} bytes, {HANDED_BYTES_MAX} are the limit", text.len()));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use seaworthy_model::{
        id::RunId,
        run::{Cause, Kind},
        time::At,
    };

    fn ended(executed: Executed, verified: Verified) -> EndedRun {
        EndedRun {
            run: RunId::new(At(0), &[1; 10]),
            process: "child".into(),
            kind: Kind::Run,
            digest: String::new(),
            cause: Cause::Person,
            requested_at: At(0),
            started_at: None,
            ended_at: At(2_000_000_000),
            executed,
            verified,
            reason: "it said so".into(),
            duration: Span::ZERO,
            recovery: None,
            objective: None,
            heals: 0,
            artifacts: vec![],
            measures: Default::default(),
        }
    }

    #[test]
    fn only_a_verified_run_makes_its_step_done() {
        for (executed, verified, outcome) in [
            (Executed::Ok, Verified::Yes, Outcome::Done),
            (Executed::Ok, Verified::No, Outcome::NotDone),
            (Executed::Ok, Verified::Unproven, Outcome::NotDone),
            (Executed::Cancelled, Verified::No, Outcome::NotDone),
            (Executed::Ok, Verified::Unknown, Outcome::Unknown),
            (Executed::Unknown, Verified::Unknown, Outcome::Unknown),
        ] {
            let acted = called(&ended(executed, verified), None);
            assert_eq!((acted.outcome, acted.took), (outcome, Span::seconds(2)), "{executed:?} {verified:?}");
            assert_eq!(acted.reason.is_none(), outcome == Outcome::Done);
        }
        let over = called(&ended(Executed::Cancelled, Verified::No), Some(Span::seconds(1)));
        assert!(over.reason.is_some_and(|reason| reason.contains("took longer than 1s")));
    }
}
