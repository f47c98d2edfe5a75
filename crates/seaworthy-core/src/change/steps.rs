//! Steps of two definitions. What is done changes daily; only that nobody is asked any more, that a step may be repeated
//! which might not, may go on for much longer, or is done in fewer cases, is weaker.
//!
//! This module must not know why a step is done.

use seaworthy_model::process::{Action, Effect, Step};

use super::{Difference, actions, bounds, names, rhythm};
use crate::expect::looser;

/// Compares two lists of steps; `place` stands before each text.
pub(super) fn compare(place: &str, old: &[Step], new: &[Step], out: &mut Vec<Difference>) {
    let mut fresh: Vec<&Step> = new.iter().collect();
    let mut gone: Vec<&Step> = Vec::new();
    for step in old {
        match fresh.iter().position(|other| other.id == step.id) {
            Some(at) => changed(place, step, fresh.remove(at), out),
            None => gone.push(step),
        }
    }
    for step in gone {
        // Under another name it is the same step if it does the same.
        match fresh.iter().position(|other| other.action == step.action) {
            Some(at) => {
                let other = fresh.remove(at);
                out.push(Difference::shown(format!("{place}step `{}` is called `{}` now", step.id, other.id)));
                changed(place, step, other, out);
            }
            None => out.push(match actions::taken(&step.action) {
                Some(loss) => Difference::weaker(format!("{place}step `{}` removed: {loss}", step.id)),
                None => Difference::shown(format!("{place}step `{}` removed", step.id)),
            }),
        }
    }
    out.extend(fresh.iter().map(|step| Difference::shown(format!("{place}step `{}` added", step.id))));
}

fn changed(place: &str, old: &Step, new: &Step, out: &mut Vec<Difference>) {
    let (known, id) = (out.len(), &new.id);
    if old.action != new.action {
        actions::compare(&format!("{place}step `{id}`"), &old.action, &new.action, out);
    }
    if old.effect != new.effect {
        let text = format!("{place}step `{id}`: effect from {} to {}", word(old.effect), word(new.effect));
        out.push(Difference { text, weaker: old.effect == Effect::Once });
    }
    out.extend(rhythm::timeout(&format!("{place}step `{id}`: timeout"), old.timeout, new.timeout));
    if old.needs != new.needs {
        let (before, after) = (old.needs.join(", "), new.needs.join(", "));
        out.push(Difference::shown(format!("{place}step `{id}`: needs from [{before}] to [{after}]")));
    }
    if old.makes != new.makes {
        let (before, after) = (old.makes.join(", "), new.makes.join(", "));
        out.push(Difference::shown(format!("{place}step `{id}`: makes from [{before}] to [{after}]")));
    }
    out.extend(when(place, old, new));
    if old.despite_skipped != new.despite_skipped {
        let (text, weaker) = match new.despite_skipped {
            true => ("is done now although a step that it needs was skipped", false),
            false => ("is skipped now when a step that it needs was skipped", true),
        };
        out.push(Difference { text: format!("{place}step `{id}` {text}"), weaker });
    }
    list(&format!("{place}step `{id}`"), old, new, out);
    if old.secrets != new.secrets {
        let (before, after) = (old.secrets.join(", "), new.secrets.join(", "));
        out.push(Difference::shown(format!("{place}step `{id}`: secrets from [{before}] to [{after}]")));
    }
    if old.outputs != new.outputs {
        out.push(Difference::shown(format!("{place}step `{id}`: what it hands on changed")));
    }
    bounds::limits(&format!("{place}step `{id}`: "), &old.limits, &new.limits, out);
    if old.env != new.env {
        out.push(Difference::shown(format!("{place}step `{id}`: env changed: {}", names(&old.env, &new.env))));
    }
    if out.len() == known && (Step { id: old.id.clone(), ..new.clone() }) != *old {
        out.push(Difference::shown(format!("{place}step `{id}` changed")));
    }
}

/// For no element nobody is asked, and nobody's yes is waited for.
fn list(step: &str, old: &Step, new: &Step, out: &mut Vec<Difference>) {
    let over = |step: &Step| step.matrix.as_ref().map(|matrix| matrix.over.clone());
    if over(old) != over(new) {
        let asks = matches!(new.action, Action::Human(_) | Action::Approve(_)) && new.matrix.is_some();
        out.push(Difference { text: format!("{step}: over what list it is done changed"), weaker: asks });
    }
    let (Some(old), Some(new)) = (&old.matrix, &new.matrix) else { return };
    if old.stop != new.stop {
        let text = if new.stop { "stops now when an element failed" } else { "goes on now after an element failed" };
        out.push(Difference { text: format!("{step} {text}"), weaker: old.stop });
    }
    if old.parallel != new.parallel {
        out.push(Difference::shown(format!("{step}: how many elements are under way at a time changed")));
    }
}

/// A condition that is new, or not surely asks for less than before, may leave the step out where it was done.
fn when(place: &str, old: &Step, new: &Step) -> Option<Difference> {
    let id = &new.id;
    match (&old.when, &new.when) {
        (Some(before), None) => {
            Some(Difference::shown(format!("{place}step `{id}` is done always, not only when `{before}`")))
        }
        (None, Some(after)) => {
            Some(Difference::weaker(format!("{place}step `{id}` is done only when `{after}`, it was done always")))
        }
        (Some(before), Some(after)) if before != after => {
            let text = format!("{place}step `{id}` is done when `{after}` instead of `{before}`");
            let wider = !looser(before, after).is_empty() && looser(after, before).is_empty();
            Some(Difference { text, weaker: !wider })
        }
        _ => None,
    }
}

fn word(effect: Effect) -> &'static str {
    match effect {
        Effect::Read => "read",
        Effect::Idempotent => "idempotent",
        Effect::Once => "once",
    }
}
