//! Heal, watch, tell and drill of two definitions.
//!
//! This module must not know checks nor steps: drills hand theirs over.

use seaworthy_model::{
    process::{Drill, Occasion, PeopleDrill, RestoreDrill, Rung, Tell, Watch},
    time::Span,
};

use super::{Difference, checks, reads::Made, rhythm, steps};

/// Rungs of a ladder, matched in order by their kind. `within`: when a run is too long.
pub(super) fn heal(old: &[Rung], new: &[Rung], within: Option<Span>, out: &mut Vec<Difference>) {
    if old == new {
        return;
    }
    if new.is_empty() {
        out.push(Difference::weaker("heal removed: nothing is tried any more"));
        return;
    }
    let mut fresh: Vec<&Rung> = new.iter().collect();
    let mut left: Vec<&Rung> = Vec::new();
    for rung in old {
        match fresh.iter().position(|other| *other == rung) {
            Some(at) => drop(fresh.remove(at)),
            None => left.push(rung),
        }
    }
    for rung in left {
        match fresh.iter().position(|other| std::mem::discriminant(*other) == std::mem::discriminant(rung)) {
            Some(at) => rung_changed(rung, fresh.remove(at), within, out),
            None => out.push(Difference::weaker(format!("heal lost rung {}", shown(rung)))),
        }
    }
    out.extend(fresh.iter().map(|rung| Difference::shown(format!("heal gained rung {}", shown(rung)))));
    if out.is_empty() {
        out.push(Difference::shown("heal: the order of the rungs changed"));
    }
}

fn rung_changed(old: &Rung, new: &Rung, within: Option<Span>, out: &mut Vec<Difference>) {
    let text = format!("heal: rung {} became {}", shown(old), shown(new));
    let fewer = matches!((old, new), (Rung::Retry { times: a, .. }, Rung::Retry { times: b, .. }) if b < a);
    let elsewhere = matches!((old, new), (Rung::Tell { .. }, Rung::Tell { .. }));
    out.push(Difference { text, weaker: fewer || elsewhere || rhythm::too_slow(old, new, within) });
}

fn shown(rung: &Rung) -> String {
    match rung {
        Rung::Retry { times, backoff } => {
            format!("`retry: {{ times: {times}, backoff: {}..{} }}`", backoff.shortest, backoff.longest)
        }
        Rung::Run { command, .. } => format!("`run: {}`", checks::line(command)),
        Rung::Tell { route } => format!("`tell: {route}`"),
    }
}

/// Limits that the watcher keeps.
pub(super) fn watch(old: Option<Watch>, new: Option<Watch>, out: &mut Vec<Difference>) {
    let of = |watch: Option<Watch>| watch.map_or((None, None), |w| (w.start_within, w.finish_within));
    let ((old_start, old_finish), (new_start, new_finish)) = (of(old), of(new));
    limit("watch: start_within", old_start, new_start, out);
    limit("watch: finish_within", old_finish, new_finish, out);
}

/// A limit of time: none, or a longer one, is weaker.
fn limit(what: &str, old: Option<Span>, new: Option<Span>, out: &mut Vec<Difference>) {
    match (old, new) {
        (Some(old), None) => out.push(Difference::weaker(format!("{what} of {old} removed"))),
        (None, Some(new)) => out.push(Difference::shown(format!("{what} of {new} added"))),
        (Some(old), Some(new)) if old != new => {
            out.push(Difference { text: format!("{what} from {old} to {new}"), weaker: new > old });
        }
        _ => {}
    }
}

/// Who is told, and about what.
pub(super) fn tell(old: Option<&Tell>, new: Option<&Tell>, out: &mut Vec<Difference>) {
    let (old, new) = match (old, new) {
        (None, None) => return,
        (Some(old), None) => {
            out.push(Difference::weaker(format!("tell removed: `{}` is not told any more", old.route)));
            return;
        }
        (None, Some(new)) => {
            out.push(Difference::shown(format!("tell added: `{}` is told", new.route)));
            return;
        }
        (Some(old), Some(new)) => (old, new),
    };
    let only = |a: &Tell, b: &Tell| -> Vec<String> {
        a.when.iter().filter(|occasion| !b.when.contains(occasion)).map(|occasion| word(*occasion)).collect()
    };
    let (lost, gained) = (only(old, new), only(new, old));
    if !lost.is_empty() {
        out.push(Difference::weaker(format!("tell: not told any more when {}", lost.join(", "))));
    }
    if !gained.is_empty() {
        out.push(Difference::shown(format!("tell: also told when {}", gained.join(", "))));
    }
    if old.route != new.route {
        // Whether the other one reaches anybody who looks, nobody can say here.
        out.push(Difference::weaker(format!("tell: `{}` is not told any more, but `{}`", old.route, new.route)));
    }
    if old.procedure != new.procedure {
        let (before, after) = (super::named(&old.procedure), super::named(&new.procedure));
        out.push(Difference::shown(format!("tell: procedure from {before} to {after}")));
    }
}

/// As files write it.
fn word(occasion: Occasion) -> String {
    serde_json::to_value(occasion).ok().and_then(|word| word.as_str().map(str::to_owned)).unwrap_or_default()
}

/// Rehearsals.
pub(super) fn drill(old: Option<&Drill>, new: Option<&Drill>, made: &Made, out: &mut Vec<Difference>) {
    restore(old.and_then(|d| d.restore.as_ref()), new.and_then(|d| d.restore.as_ref()), made, out);
    people(old.and_then(|d| d.people.as_ref()), new.and_then(|d| d.people.as_ref()), out);
}

fn restore(old: Option<&RestoreDrill>, new: Option<&RestoreDrill>, made: &Made, out: &mut Vec<Difference>) {
    let (old, new) = match (old, new) {
        (None, None) => return,
        (Some(_), None) => {
            out.push(Difference::weaker("restore drill removed: nobody rehearses it any more"));
            return;
        }
        (None, Some(_)) => {
            out.push(Difference::shown("restore drill added"));
            return;
        }
        (Some(old), Some(new)) => (old, new),
    };
    limit("restore drill: every", old.every, new.every, out);
    limit("restore drill: recovery_time", old.recovery_time, new.recovery_time, out);
    steps::compare("restore drill: ", &old.steps, &new.steps, out);
    checks::compare("restore drill: verify", &old.verify, &new.verify, made, out);
    if old.after != new.after {
        out.push(Difference::shown("restore drill: the clean-up changed"));
    }
}

fn people(old: Option<&PeopleDrill>, new: Option<&PeopleDrill>, out: &mut Vec<Difference>) {
    match (old, new) {
        (Some(_), None) => out.push(Difference::weaker("people drill removed: nobody rehearses it any more")),
        (None, Some(_)) => out.push(Difference::shown("people drill added")),
        (Some(old), Some(new)) if old != new => {
            limit("people drill: every", Some(old.every), Some(new.every), out);
            if (&old.by, &old.follow) != (&new.by, &new.follow) {
                let (before, after) =
                    (format!("{} by {}", old.follow, old.by), format!("{} by {}", new.follow, new.by));
                out.push(Difference::shown(format!("people drill: from {before} to {after}")));
            }
        }
        _ => {}
    }
}
