//! Steps of two definitions. What is done changes daily; only that a step may be repeated which might not, may go on for
//! much longer, or is done in fewer cases, is weaker.
//!
//! This module must not know why a step is done.

use seaworthy_model::process::{Action, Effect, Step};

use super::{Difference, checks, names, rhythm};
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
            None => out.push(Difference::shown(format!("{place}step `{}` removed", step.id))),
        }
    }
    out.extend(fresh.iter().map(|step| Difference::shown(format!("{place}step `{}` added", step.id))));
}

fn changed(place: &str, old: &Step, new: &Step, out: &mut Vec<Difference>) {
    let (known, id) = (out.len(), &new.id);
    if old.action != new.action {
        out.push(Difference::shown(match (&old.action, &new.action) {
            (Action::Run(before), Action::Run(after)) => {
                let (before, after) = (checks::line(before), checks::line(after));
                format!("{place}step `{id}` runs `{after}` instead of `{before}`")
            }
            _ => format!("{place}step `{id}` does something else"),
        }));
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
    if old.matrix != new.matrix {
        out.push(Difference::shown(format!("{place}step `{id}`: over what list it is done changed")));
    }
    if old.env != new.env {
        out.push(Difference::shown(format!("{place}step `{id}`: env changed: {}", names(&old.env, &new.env))));
    }
    if out.len() == known && (Step { id: old.id.clone(), ..new.clone() }) != *old {
        out.push(Difference::shown(format!("{place}step `{id}` changed")));
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
