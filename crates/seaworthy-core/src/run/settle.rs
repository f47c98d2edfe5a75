//! Whether a `once` step happened whose end nobody knows: who may say so, and what their word is worth.
//!
//! This module must not act on the answer; `next` does.

use seaworthy_model::{
    process::{Action, Check, Look, Step},
    run::{Judged, Verdict},
};

use super::{Plan, State, state::Standing};

/// The checks that are asked: those about this step if there are any, else those about none in particular. How long
/// something took says nothing of an end that nobody saw.
pub(super) fn witnesses<'a>(plan: &'a Plan, step: &Step) -> Vec<&'a Check> {
    let about = |of: Option<&str>| -> Vec<&'a Check> {
        let looks = plan.verify.iter().filter(|check| !matches!(check.look, Look::Duration { .. }));
        looks.filter(|check| check.of.as_deref() == of).collect()
    };
    let own = about(Some(plan.name_in_file(&step.id)));
    if own.is_empty() { about(None) } else { own }
}

/// What the witnesses of the open round say together, and why. `None`: they cannot say.
///
/// One of them has to prove data: an exit code alone says neither. A yes is a yes. A command that was to look, failed and
/// printed nothing (the database is not up yet) has not said no. A no of checks that are about no step in particular may be about what another step has not done
/// yet, so it only counts when this step is the last open one. Checks about a step that is done over a list are about all
/// its elements, and that the others are done is only their actors' word: a no never says which of them it is about.
pub(super) fn weigh(plan: &Plan, state: &State, step: &Step, witnesses: &[&Check]) -> (Option<bool>, String) {
    let own = witnesses.iter().any(|check| check.of.is_some());
    let who = if own { format!("every check of {}", step.id) } else { "every check".to_owned() };
    let of = |judged: &Judged| witnesses.iter().find(|check| check.id == judged.check);
    let looked: Vec<(&Judged, bool)> = state
        .open_round()
        .filter(|judged| !matches!(judged.verdict, Verdict::Skipped { .. }))
        .filter_map(|judged| Some((judged, of(judged)?.proves)))
        .collect();
    let all = |verdict: Verdict| looked.iter().all(|(judged, _)| judged.verdict == verdict);
    if looked.is_empty() {
        return (None, "no check could look at what it should have done".into());
    }
    if !all(Verdict::Yes) && !all(Verdict::No) {
        return (None, "the checks do not agree, or could not look".into());
    }
    if !looked.iter().any(|(_, proves)| *proves) {
        return (None, "no check that proves data could look at what it should have done".into());
    }
    if all(Verdict::Yes) {
        return (Some(true), format!("{who} says yes"));
    }
    if !looked.iter().all(|(judged, _)| judged.denies()) {
        return (None, "a command that was to look failed and printed nothing".into());
    }
    let done = |other: &Step| matches!(state.standing(&other.id), Standing::Done | Standing::Skipped);
    let file = plan.name_in_file(&step.id);
    let meant = |other: &Step| !own || plan.name_in_file(&other.id) == file;
    let beside = plan.steps.iter().find(|other| other.id != step.id && plan.name_in_file(&other.id) == file);
    let open = plan.steps.iter().find(|other| other.id != step.id && meant(other) && !done(other));
    match (open, still_under_way(state, step)) {
        _ if beside.is_some() => {
            (None, format!("every check says no, but they are about all of {file}, not about this one alone"))
        }
        (Some(open), _) => {
            (None, format!("every check says no, but step {} is not done either, and they may be about that", open.id))
        }
        (None, Some(why)) => (None, format!("{who} says no, but {why}")),
        (None, None) => (Some(false), format!("{who} says no")),
    }
}

/// Why what was asked for may still come: then a no of this moment is no proof that it did not happen. An answer that did
/// not come says nothing of the one who was asked, and a process that nobody could look for may live on.
fn still_under_way(state: &State, step: &Step) -> Option<String> {
    let proven =
        state.last(&step.id).and_then(|last| last.ended.as_ref()).is_some_and(|(_, acted)| acted.empty == Some(true));
    match &step.action {
        Action::Http(_) | Action::Sql(_) => Some("whoever was asked may still be at work".to_owned()),
        Action::Run(_) if !proven => Some("it is not proven that nothing of it is left".to_owned()),
        _ => None,
    }
}
