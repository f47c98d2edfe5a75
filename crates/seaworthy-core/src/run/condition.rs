//! Whether a step is done at all: its `when`, and steps that it needs and that were skipped.
//!
//! Asked when the step could start. Once, since a skip is an event; a yes is the start itself. This module must not know
//! how a step is started.

use std::collections::BTreeMap;

use seaworthy_model::{
    event::Event,
    input::Form,
    process::{Check, Step},
    run::Outcome,
    value::{Facts, Value},
};

use super::{
    Next, Plan, State, matrix,
    next::nothing,
    state::{Requested, Standing},
};
use crate::{
    expect::{Scope, compile},
    input::handed,
};

/// The end of a step that is not to start: skipped, or failed since its condition has no answer. `None`: start it.
pub(super) fn skip(plan: &Plan, state: &State, requested: &Requested, at: usize) -> Option<Next> {
    let (step, home) = (&plan.steps[at], plan.home(at));
    let skipped = |need: &&usize| state.standing(&plan.defined[**need].id) == Standing::Skipped;
    if !step.despite_skipped
        && let Some(need) = plan.needs(home).iter().find(skipped)
    {
        let reason = format!("step {}, which it needs, was skipped", plan.defined[*need].id);
        return Some(Next::Record(vec![Event::StepSkipped { step: step.id.clone(), reason }]));
    }
    let source = step.when.as_deref()?;
    match met(plan, state, requested, home, source) {
        Ok(None) => None,
        Ok(Some(seen)) => {
            let reason = format!("its condition is not met: expected {source}, seen {seen}");
            Some(Next::Record(vec![Event::StepSkipped { step: step.id.clone(), reason }]))
        }
        Err(why) => Some(Next::Record(failed(state, step, format!("whether it is to be done cannot be said: {why}")))),
    }
}

/// `None`: it is met. Else what was seen instead.
fn met(plan: &Plan, state: &State, requested: &Requested, home: usize, source: &str) -> Result<Option<String>, String> {
    let needed = plan.before(home);
    let scope = Scope::of_step(&plan.inputs, needed.iter().map(|at| &plan.defined[*at]));
    let condition = compile(source, &scope).map_err(|problems| {
        let first = problems.first().map_or("no reason given", |problem| problem.message.as_str());
        format!("the condition `{source}` cannot be used: {first}")
    })?;
    let handed = matrix::handed(plan, state);
    let step = |at: &usize| {
        let id = &plan.defined[*at].id;
        let outcome = if state.standing(id) == Standing::Skipped { "skipped" } else { "done" };
        let outputs = handed.get(id).cloned().unwrap_or_default();
        let known = [("outcome".to_owned(), Value::Text(outcome.into())), ("outputs".to_owned(), Value::Map(outputs))];
        (id.clone(), Value::Map(known.into()))
    };
    let facts = Facts::from([
        ("inputs".to_owned(), Value::Map(requested.inputs.clone())),
        ("steps".to_owned(), Value::Map(needed.iter().map(step).collect())),
    ]);
    match condition.evaluate(&facts, &Facts::new())? {
        true => Ok(None),
        false => Ok(Some(condition.explain(&facts, &Facts::new()).observed)),
    }
}

/// An attempt that ended before it began.
pub(super) fn failed(state: &State, step: &Step, reason: String) -> Vec<Event> {
    let (id, attempt) = (step.id.clone(), state.count(&step.id) + 1);
    let acted = seaworthy_model::run::Acted { outcome: Outcome::NotDone, reason: Some(reason), ..nothing() };
    vec![
        Event::AttemptStarted { step: id.clone(), attempt, key: format!("{id}/{attempt}") },
        Event::AttemptEnded { step: id, attempt, acted },
    ]
}

/// Why a check has nothing to look at: what it is about was not done on purpose. Never a pass.
pub(super) fn nothing_to_see(plan: &Plan, state: &State, check: &Check) -> Option<String> {
    let maker = Plan::artifact_of(check).and_then(|artifact| plan.maker(artifact)).map(|step| &step.id);
    let about = check.of.iter().chain(maker).find(|id| state.standing(id) == Standing::Skipped)?;
    Some(format!("step {about} was skipped"))
}

/// What comes of what an attempt handed on.
pub fn taken(step: String, declared: &BTreeMap<String, Form>, read: Result<String, String>) -> Event {
    match read.and_then(|text| handed(declared, &text)) {
        Ok(outputs) => Event::OutputsTaken { step, outputs },
        Err(reason) => Event::OutputsRefused { step, reason },
    }
}
