//! Steps that go on without the yes that they waited for, though the step that asks for it still stands in the file.
//!
//! This module must not know who may agree.

use std::collections::BTreeSet;

use seaworthy_model::{
    process::{Action, Process, Step},
    run::Kind,
};

use super::Difference;
use crate::run::Plan;

/// Compares what comes before what, in runs and in drills.
pub(super) fn compare(old: &Process, new: &Process, out: &mut Vec<Difference>) {
    for (place, kind) in [("", Kind::Run), ("restore drill: ", Kind::Drill)] {
        if let (Some(old), Some(new)) = (Plan::of(old, kind), Plan::of(new, kind)) {
            lost(place, &old, &new, out);
            despite(place, &old, &new, out);
        }
    }
}

fn agrees(step: &Step) -> bool {
    matches!(step.action, Action::Approve(_))
}

/// What became of a step: under its name, else under another one if it does the same.
fn now<'a>(step: &Step, old: &Plan, new: &'a Plan) -> Option<&'a Step> {
    let fresh = |other: &&Step| old.defined.iter().all(|before| before.id != other.id);
    let named = new.defined.iter().find(|other| other.id == step.id);
    named.or_else(|| new.defined.iter().filter(fresh).find(|other| other.action == step.action))
}

fn lost(place: &str, old: &Plan, new: &Plan, out: &mut Vec<Difference>) {
    for gate in old.defined.iter().filter(|step| agrees(step)) {
        // That nobody is asked any more is said of the step itself.
        let Some(same) = now(gate, old, new).filter(|step| agrees(step)) else { continue };
        let behind = |plan: &Plan, gate: &Step, step: &Step| plan.ahead(&step.id).iter().any(|s| s.id == gate.id);
        let before: Vec<&Step> = old.defined.iter().filter(|step| behind(old, gate, step)).collect();
        let kept = before.iter().filter_map(|step| now(step, old, new));
        let free: BTreeSet<&str> = kept.filter(|s| !behind(new, same, s)).map(|s| s.id.as_str()).collect();
        for step in &free {
            let text = format!("{place}step `{step}` does not wait for the yes to `{}` any more", same.id);
            out.push(Difference::weaker(text));
        }
        let nothing = !new.defined.iter().any(|step| behind(new, same, step));
        if free.is_empty() && nothing && !before.is_empty() {
            out.push(Difference::weaker(format!("{place}nothing waits for the yes to `{}` any more", same.id)));
        }
        let may_be_skipped = |plan: &Plan, gate: &Step| {
            !gate.despite_skipped && plan.ahead(&gate.id).iter().any(|step| step.when.is_some())
        };
        if !may_be_skipped(old, gate) && may_be_skipped(new, same) {
            let text = format!("{place}step `{}` asks nobody now if a step that it needs is skipped", same.id);
            out.push(Difference::weaker(text));
        }
    }
}

/// A step that is done although what it needs was skipped is done without a yes if that was skipped.
fn despite(place: &str, old: &Plan, new: &Plan, out: &mut Vec<Difference>) {
    for step in old.defined.iter().filter(|step| !step.despite_skipped) {
        let Some(same) = now(step, old, new).filter(|step| step.despite_skipped) else { continue };
        if let Some(gate) = new.ahead(&same.id).into_iter().find(|step| agrees(step)) {
            let text = format!("{place}step `{}` is done now also if nobody is asked by `{}`", same.id, gate.id);
            out.push(Difference::weaker(text));
        }
    }
}
