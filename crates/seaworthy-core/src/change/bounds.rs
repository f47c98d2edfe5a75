//! What keeps runs apart, starts them and bounds them: locks, triggers, inputs, how many at a time, limits.
//!
//! This module must not know steps nor schedules.

use seaworthy_model::{
    process::{Limits, Process},
    time::Span,
    trigger::Trigger,
};

use super::{Difference, rhythm};

pub(super) fn compare(old: &Process, new: &Process, out: &mut Vec<Difference>) {
    let lost = old.locks.iter().filter(|name| !new.locks.contains(name));
    out.extend(lost.map(|name| Difference::weaker(format!("lock `{name}` is not taken any more"))));
    let gained = new.locks.iter().filter(|name| !old.locks.contains(name));
    out.extend(gained.map(|name| Difference::shown(format!("lock `{name}` is taken now"))));
    if old.lock_wait != new.lock_wait {
        let shown = |span: Option<Span>| span.map_or("without an end".to_owned(), |span| span.to_string());
        let (before, after) = (shown(old.lock_wait), shown(new.lock_wait));
        out.push(Difference::shown(format!("locks are waited for {after} instead of {before}")));
    }
    triggers(&old.triggers, &new.triggers, out);
    inputs(old, new, out);
    if old.parallel != new.parallel {
        let shown = |n: Option<u32>| n.map_or("not said".to_owned(), |n| n.to_string());
        out.push(Difference::shown(format!("parallel from {} to {}", shown(old.parallel), shown(new.parallel))));
    }
    if !old.pinged && new.pinged {
        out.push(Difference::weaker("not run from here any more: something outside starts it"));
    } else if old.pinged && !new.pinged {
        out.push(Difference::shown("run from here: nothing outside starts it any more"));
    }
    limits("", &old.limits, &new.limits, out);
}

fn triggers(old: &[Trigger], new: &[Trigger], out: &mut Vec<Difference>) {
    if !old.is_empty() && new.is_empty() {
        let all: Vec<String> = old.iter().map(named).collect();
        out.push(Difference::weaker(format!("triggers removed: nothing starts it at {} any more", all.join(", "))));
        return;
    }
    let lost = old.iter().filter(|trigger| !new.contains(trigger));
    out.extend(lost.map(|trigger| Difference::shown(format!("trigger {} removed", named(trigger)))));
    let gained = new.iter().filter(|trigger| !old.contains(trigger));
    out.extend(gained.map(|trigger| Difference::shown(format!("trigger {} added", named(trigger)))));
}

fn named(trigger: &Trigger) -> String {
    match trigger {
        Trigger::Webhook { name, .. } => format!("webhook `{name}`"),
        Trigger::Process { name, when } => format!("process `{name}` {when:?}").to_lowercase(),
        Trigger::Signal { of: Some(of), .. } => format!("signal of `{of}`"),
        Trigger::Signal { of: None, .. } => "signal".to_owned(),
        Trigger::File { path, .. } => format!("file `{path}`"),
    }
}

fn inputs(old: &Process, new: &Process, out: &mut Vec<Difference>) {
    for input in &old.inputs {
        match new.inputs.iter().find(|other| other.name == input.name) {
            None => out.push(Difference::shown(format!("input `{}` removed", input.name))),
            Some(other) if other != input => {
                out.push(Difference::shown(format!("input `{}` changed", input.name)));
            }
            Some(_) => {}
        }
    }
    let added = new.inputs.iter().filter(|input| old.inputs.iter().all(|other| other.name != input.name));
    out.extend(added.map(|input| Difference::shown(format!("input `{}` added", input.name))));
    let order = |process: &Process| process.inputs.iter().map(|input| input.name.clone()).collect::<Vec<_>>();
    let (mut before, mut after) = (order(old), order(new));
    if before != after {
        before.sort();
        after.sort();
        if before == after {
            out.push(Difference::shown("inputs: their order changed"));
        }
    }
}

/// Limits that are gone, or many times as high, are weaker.
pub(super) fn limits(place: &str, old: &Limits, new: &Limits, out: &mut Vec<Difference>) {
    let numbers = [
        ("memory", old.memory, new.memory),
        ("open_files", old.open_files, new.open_files),
        ("file_size", old.file_size, new.file_size),
        ("processes", old.processes, new.processes),
    ];
    let shown = |n: Option<u64>| n.map_or("none".to_owned(), |n| n.to_string());
    for (what, old, new) in numbers.into_iter().filter(|(_, old, new)| old != new) {
        let text = format!("{place}limit of {what} from {} to {}", shown(old), shown(new));
        out.push(Difference { text, weaker: rhythm::many_more(old, new) });
    }
    out.extend(rhythm::timeout(&format!("{place}limit of cpu_time"), old.cpu_time, new.cpu_time));
}
