//! Steps of two definitions. What is done changes daily; only that a step may be repeated which might not,
//! or go on for much longer, is weaker.
//!
//! This module must not know why a step is done.

use seaworthy_model::process::{Action, Effect, Step};

use super::{Difference, checks, names, rhythm};

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
    if old.env != new.env {
        out.push(Difference::shown(format!("{place}step `{id}`: env changed: {}", names(&old.env, &new.env))));
    }
    if out.len() == known && (Step { id: old.id.clone(), ..new.clone() }) != *old {
        out.push(Difference::shown(format!("{place}step `{id}` changed")));
    }
}

fn word(effect: Effect) -> &'static str {
    match effect {
        Effect::Read => "read",
        Effect::Idempotent => "idempotent",
        Effect::Once => "once",
    }
}
