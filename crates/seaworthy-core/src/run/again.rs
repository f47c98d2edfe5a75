//! A run that has ended and is to go on, or of which a part is to be done once more: which steps, and what is kept.
//!
//! Only a person asks for it. A step that must happen once is never repeated on that word alone. This module must not
//! know who asked.

use seaworthy_model::{
    event::Event,
    id::RunId,
    matrix::Expanded,
    process::{Action, Effect},
    run::{Executed, Heal, Kind},
};

use super::{Plan, State, forward::lost, state::Standing};

impl State {
    /// What was tried since the run began, or went on after an end.
    pub fn heals_now(&self) -> &[Heal] {
        self.heals.get(self.told_of..).unwrap_or_default()
    }
}

/// Goes on with a run that ended failed, unknown or cancelled: at the steps that are not done.
///
/// # Errors
/// Why it cannot go on.
pub fn resume(run: RunId, plan: &Plan, state: &State) -> Result<Event, String> {
    let Some(end) = &state.ended else { return Err(format!("{run} has not ended; look at it: seaworthy show {run}")) };
    if plan.kind == Kind::Drill {
        return Err(format!("{run} is a drill; rehearse it anew: seaworthy drill {}", plan.process));
    }
    if end.executed == Executed::Ok {
        let process = &plan.process;
        return Err(format!(
            "all steps of {run} were done, there is nothing to go on with; run it anew: seaworthy run {process}"
        ));
    }
    let plan = &*plan.grown(state);
    let (mut again, mut look) = (Vec::new(), Vec::new());
    for step in &plan.steps {
        // It did its part: only the look at what it made was not over in time, and is made again.
        if state.last(&step.id).is_some_and(|last| last.unseen.is_some()) {
            continue;
        }
        match (state.standing(&step.id), step.effect) {
            (Standing::Done | Standing::Skipped | Standing::Fresh, _) => {}
            (_, Effect::Once) => look.push(step.id.clone()),
            _ => again.push(step.id.clone()),
        }
    }
    Ok(Event::RunResumed { again, look })
}

/// What a new run takes over of an ended one when it begins at `from`: a step each, with what it made.
///
/// # Errors
/// Why that cannot be done.
pub fn rerun(
    run: RunId,
    old: &Plan,
    new: &Plan,
    state: &State,
    from: &str,
) -> Result<Vec<(Event, Vec<String>)>, String> {
    if state.ended.is_none() || old.kind == Kind::Drill {
        return Err(format!("{run} is a drill, or has not ended; only an ended run can be repeated in part"));
    }
    let (old, new) = (&*old.grown(state), &*new.grown(state));
    if !new.steps.iter().chain(&new.defined).any(|step| step.id == from) {
        let known: Vec<&str> = new.steps.iter().map(|step| step.id.as_str()).collect();
        return Err(format!("`{}` has no step `{from}`; there are: {}", new.process, known.join(", ")));
    }
    let repeated = repeated(old, new, state, from);
    let mut taken = Vec::new();
    for list in new.defined.iter().filter(|step| step.matrix.is_some() && !repeated.contains(&step.id)) {
        let elements = state.expanded.get(&list.id).cloned();
        let known = elements.map(|elements| Expanded { step: list.id.clone(), elements });
        taken.extend(known.map(|known| (Event::StepExpanded(known), vec![])));
    }
    for step in new.steps.iter().filter(|step| step.matrix.is_none()) {
        let before = old.steps.iter().find(|other| other.id == step.id);
        let standing = state.standing(&step.id);
        // What was not done is done by the new run, wherever it stands. A yes was given to that run and is no yes to this
        // one: it is asked for anew.
        let left = standing != Standing::Done || matches!(step.action, Action::Approve(_));
        if left || repeated.contains(&step.id) {
            if step.effect == Effect::Once && !matches!(standing, Standing::Fresh | Standing::Skipped) {
                return Err(format!(
                    "step {} must happen once and was begun in {run}; begin at a step after it, or go on with that run: seaworthy resume {run}",
                    step.id
                ));
            }
            continue;
        }
        if before != Some(step) {
            return Err(format!(
                "step {} is defined otherwise now than in {run}; begin at it: --from {}",
                step.id,
                new.name_in_file(&step.id)
            ));
        }
        if let Some(why) = lost(state, &step.id) {
            return Err(format!(
                "step {} happened in {run}, but what it hands on is not known ({why}); write that down and go on with that run: seaworthy resume {run}",
                step.id
            ));
        }
        let outputs = state.outputs.get(&step.id).cloned().unwrap_or_default();
        taken.push((Event::StepTaken { step: step.id.clone(), from: run, outputs }, step.makes.clone()));
    }
    Ok(taken)
}

/// What is done anew from a step on. Of one that is done over a list and was not done for all of it: the elements that
/// were not, unless it is defined otherwise by now.
fn repeated(old: &Plan, new: &Plan, state: &State, from: &str) -> Vec<String> {
    let all = new.after_and(from);
    let Some(elements) = state.expanded.get(from) else { return all };
    let done = |id: &str| state.standing(id) == Standing::Done;
    let before = |id: &str| old.steps.iter().find(|step| step.id == id);
    let now = |id: &str| new.steps.iter().find(|step| step.id == id);
    let stands = |id: &str| done(id) && before(id) == now(id);
    let kept: Vec<&str> = elements.iter().map(|element| element.id.as_str()).filter(|id| stands(id)).collect();
    if kept.is_empty() || elements.iter().all(|element| done(&element.id)) {
        return all;
    }
    all.into_iter().filter(|id| id != from && !kept.contains(&id.as_str())).collect()
}
