//! Checks of two definitions: which has which successor, and which says yes more easily.
//!
//! A check's successor is the same check, else the one of its id, else one of its kind that is new. A check without a
//! successor is lost. This module must not know what a look would see.

use seaworthy_model::process::{Bound, Check, Command, Line, Look};

use super::{
    Difference,
    reads::{Made, unread},
};
use crate::expect::looser;

/// Compares two lists of checks; `place` names them.
pub(super) fn compare(place: &str, old: &[Check], new: &[Check], made: &Made, out: &mut Vec<Difference>) {
    if !old.is_empty() && new.is_empty() {
        out.push(Difference::weaker(format!("{place} removed: {} are gone", counted(old.len()))));
        return;
    }
    let same = |a: &Check, b: &Check| a.look == b.look && a.expect == b.expect && a.of == b.of;
    let mut fresh: Vec<&Check> = new.iter().collect();
    let mut left: Vec<&Check> = Vec::new();
    for check in old {
        match fresh.iter().position(|other| same(other, check)) {
            Some(at) => drop(fresh.remove(at)),
            None => left.push(check),
        }
    }
    type Rule = fn(&Check, &Check) -> bool;
    let rules: [Rule; 2] = [|a, b| a.id == b.id && kind(a) == kind(b), |a, b| kind(a) == kind(b)];
    for rule in rules {
        left.retain(|check| match fresh.iter().position(|other| rule(check, other)) {
            Some(at) => {
                changed(place, check, fresh.remove(at), made, out);
                false
            }
            None => true,
        });
    }
    out.extend(
        left.iter().map(|check| Difference::weaker(format!("{place} lost check `{}`{}", check.id, wanted(check)))),
    );
    out.extend(fresh.iter().map(|check| Difference::shown(format!("{place} gained check `{}`", check.id))));
}

/// What it asked for: a number alone tells nobody what is lost.
fn wanted(check: &Check) -> String {
    check.expect.as_ref().map_or_else(String::new, |expect| format!(", which expected `{expect}`"))
}

fn counted(n: usize) -> String {
    if n == 1 { "its check".to_owned() } else { format!("its {n} checks") }
}

fn kind(check: &Check) -> std::mem::Discriminant<Look> {
    std::mem::discriminant(&check.look)
}

fn changed(place: &str, old: &Check, new: &Check, made: &Made, out: &mut Vec<Difference>) {
    let id = &old.id;
    if old.proves && !new.proves {
        out.push(Difference::weaker(format!("{place}: check `{id}` does not prove data any more")));
    }
    if let (Look::Duration { .. }, Look::Duration { .. }) = (&old.look, &new.look) {
        return duration(place, &old.look, &new.look, out);
    }
    if old.look != new.look {
        let (after, before) = (look(new), look(old));
        out.push(Difference::shown(if after == before {
            format!("{place}: check `{id}` looks elsewhere")
        } else {
            format!("{place}: check `{id}` looks at {after} instead of {before}")
        }));
        let lost = unread(&old.look, &new.look, made).filter(|_| old.proves);
        out.extend(lost.map(|lost| Difference::weaker(format!("{place}: check `{id}` {lost}"))));
    }
    match (&old.expect, &new.expect) {
        (Some(before), Some(after)) if before != after => {
            out.push(Difference::shown(format!("{place}: check `{id}` expects `{after}` instead of `{before}`")));
            let less = looser(before, after);
            out.extend(less.iter().map(|what| Difference::weaker(format!("{place}: check `{id}`: {what}"))));
        }
        (Some(before), None) => {
            out.push(Difference::weaker(format!("{place}: check `{id}` lost its condition `{before}`")));
        }
        _ => {}
    }
    if old.of != new.of {
        let text = format!("{place}: check `{id}` says whether another step happened");
        let lost = old.of.is_some() && new.of.is_none();
        out.push(if lost { Difference::weaker(format!("{text}, or none")) } else { Difference::shown(text) });
    }
}

fn look(check: &Check) -> String {
    if let Look::Artifact { name } = &check.look {
        format!("artifact `{name}`")
    } else if let Look::Command { command, .. } = &check.look {
        format!("`{}`", line(command))
    } else if let Look::Sql { query, .. } = &check.look {
        format!("`{query}`")
    } else {
        // An address may carry a token, so it is not shown.
        "another thing".to_owned()
    }
}

/// The command as its file has it, short enough for a line.
pub(super) fn line(command: &Command) -> String {
    let text = match &command.line {
        Line::Shell { script, .. } => script.clone(),
        Line::Args(all) => all.join(" "),
    };
    let flat: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match flat.char_indices().nth(LINE_CHARS_MAX) {
        Some((at, _)) => format!("{}…", &flat[..at]),
        None => flat,
    }
}

/// Most characters of a command that a difference quotes.
const LINE_CHARS_MAX: usize = 100;

fn duration(place: &str, old: &Look, new: &Look, out: &mut Vec<Difference>) {
    let (
        Look::Duration { at_least: old_low, at_most: old_high },
        Look::Duration { at_least: new_low, at_most: new_high },
    ) = (old, new)
    else {
        return;
    };
    for (what, old, new, upper) in [("at_least", old_low, new_low, false), ("at_most", old_high, new_high, true)] {
        if old == new {
            continue;
        }
        let text = format!("{place}: duration {what} from {} to {}", bound(*old), bound(*new));
        let weaker = match (old, new) {
            (Some(_), None) => true,
            (Some(Bound::Span(a)), Some(Bound::Span(b))) => (b > a) == upper,
            (Some(Bound::OfUsual(a)), Some(Bound::OfUsual(b))) => (b > a) == upper,
            _ => false,
        };
        out.push(Difference { text, weaker });
    }
}

fn bound(bound: Option<Bound>) -> String {
    match bound {
        None => "none".to_owned(),
        Some(Bound::Span(span)) => span.to_string(),
        Some(Bound::OfUsual(percent)) => format!("{percent}% of usual"),
    }
}
