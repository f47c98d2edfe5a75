//! What steps that run other processes mean over all files: who is run, by whom, with what, and how deep.
//!
//! This module must not know how a run is waited for.

use std::collections::{BTreeMap, BTreeSet};

use seaworthy_core::input::read;
use seaworthy_model::{
    deed::{CALLS_DEEP_MAX, Callee},
    input::Form,
    process::{Action, Process, Step},
};

use super::trigger::{Misfit, Spot, way};
use crate::nearest::advice;

/// Who runs whom.
pub(super) type Calls<'p> = BTreeMap<&'p str, Vec<&'p str>>;

/// The processes that steps of a process run.
pub(super) fn callees(process: &Process) -> impl Iterator<Item = (usize, &Callee)> {
    process.steps.iter().enumerate().filter_map(|(at, step)| match &step.action {
        Action::Process(callee) => Some((at, callee)),
        _ => None,
    })
}

/// Who runs whom, over all files.
pub(super) fn calls(processes: &[(String, Process)]) -> Calls<'_> {
    let mut calls = Calls::new();
    for (_, process) in processes {
        for (_, callee) in callees(process) {
            calls.entry(&process.name).or_default().push(&callee.process);
        }
    }
    calls
}

/// Everything that is wrong with a step in view of all files. `known` are all names, those of broken files too.
pub fn misfits(processes: &[(String, Process)], known: &BTreeSet<String>) -> Vec<Misfit> {
    let calls = calls(processes);
    if calls.is_empty() {
        return vec![];
    }
    let by: BTreeMap<&str, &Process> = processes.iter().map(|(_, process)| (process.name.as_str(), process)).collect();
    let deep = deep(&calls);
    let mut out = Vec::new();
    for (_, process) in processes {
        for (index, callee) in callees(process) {
            let child = by.get(callee.process.as_str());
            let found = wrong(process, callee, &by, known, &calls, &deep)
                .map(|wrong| (Spot::value("process"), wrong))
                .or_else(|| inputs(child?, callee))
                .or_else(|| outputs(child?, &process.steps[index]));
            if let Some((spot, (code, message, help))) = found {
                out.push(Misfit { process: process.name.clone(), list: "steps", index, spot, code, message, help });
            }
        }
    }
    out
}

type Wrong = (&'static str, String, String);

fn wrong(
    process: &Process,
    callee: &Callee,
    by: &BTreeMap<&str, &Process>,
    known: &BTreeSet<String>,
    calls: &Calls<'_>,
    deep: &BTreeMap<&str, u32>,
) -> Option<Wrong> {
    let name = callee.process.as_str();
    if !known.contains(name) {
        let names: Vec<&str> = known.iter().map(String::as_str).collect();
        return Some(("unknown-process", format!("there is no process `{name}`"), advice(name, &names)));
    }
    if let Some(mut path) = way(calls, name, &process.name) {
        // From this one and back to it.
        path.pop();
        path.insert(0, &process.name);
        let message = format!("these processes wait for each other for ever: {}", path.join(" -> "));
        return Some(("call-cycle", message, "take one of these steps out".into()));
    }
    if deep.get(process.name.as_str()).is_some_and(|depth| *depth > CALLS_DEEP_MAX) {
        let message = format!("more than {CALLS_DEEP_MAX} processes stand below this one");
        return Some(("too-deep", message, "make the chain of processes shorter".into()));
    }
    // The child's own file may be the broken one; it says so itself.
    let child = by.get(name)?;
    if child.observed.is_some() || child.pinged {
        let message = format!("`{name}` is started outside, and a step would run it from here");
        return Some(("called-outside", message, "run it from here, or take this step out".into()));
    }
    if child.verify.is_empty() {
        let message = format!("the verdict of `{name}` is this step's outcome, and it has no `verify`");
        return Some(("unproven-callee", message, format!("give `{name}` a `verify:`")));
    }
    let below = std::iter::once(name).chain(below(calls, name));
    for other in below.filter_map(|name| by.get(name)) {
        if let Some(lock) = other.locks.iter().find(|lock| process.locks.contains(lock)) {
            let message = format!("`{}` waits for the lock `{lock}`, which this process holds meanwhile", other.name);
            return Some(("lock-within", message, "give the lock to one of them only".into()));
        }
    }
    None
}

fn inputs(child: &Process, callee: &Callee) -> Option<(Spot, Wrong)> {
    let (name, at) = (&child.name, |key: &str| vec!["inputs".to_owned(), key.to_owned()]);
    for (key, text) in &callee.inputs {
        let Some(input) = child.inputs.iter().find(|input| input.name == *key) else {
            let known: Vec<&str> = child.inputs.iter().map(|input| input.name.as_str()).collect();
            let help = if known.is_empty() { "take it out".into() } else { advice(key, &known) };
            return Some((Spot::Key(at(key)), ("unknown-input", format!("`{name}` has no input `{key}`"), help)));
        };
        if !text.contains('$')
            && let Err(why) = read(&input.form, text)
        {
            let message = format!("input `{key}` of `{name}`: {why}");
            return Some((Spot::Value(at(key)), ("bad-input", message, "write another value".into())));
        }
    }
    let missing = child.inputs.iter().find(|i| i.default.is_none() && !callee.inputs.contains_key(&i.name))?;
    let message = format!("`{name}` needs the input `{}`, which has no default", missing.name);
    Some((Spot::value("process"), ("missing-input", message, format!("add `inputs: {{ {}: … }}`", missing.name))))
}

/// What a step hands on of its run is handed on there by one step, in the same form.
fn outputs(child: &Process, step: &Step) -> Option<(Spot, Wrong)> {
    let (name, at) = (&child.name, |key: &str| vec!["outputs".to_owned(), key.to_owned()]);
    for (key, form) in &step.outputs {
        let from: Vec<&Step> = child.steps.iter().filter(|step| step.outputs.contains_key(key)).collect();
        let [one] = from.as_slice() else {
            let known: Vec<&str> =
                child.steps.iter().flat_map(|step| step.outputs.keys().map(String::as_str)).collect();
            let ids: Vec<String> = from.iter().map(|step| format!("`{}`", step.id)).collect();
            let (message, help) = match ids.as_slice() {
                [] if known.is_empty() => (format!("no step of `{name}` hands anything on"), "take it out".into()),
                [] => (format!("no step of `{name}` hands on `{key}`"), advice(key, &known)),
                ids => {
                    let message = format!("more than one step of `{name}` hands on `{key}`: {}", ids.join(", "));
                    (message, "give each a name of its own".into())
                }
            };
            return Some((Spot::Key(at(key)), ("unknown-output", message, help)));
        };
        let there = if one.matrix.is_some() { Form::List.word() } else { one.outputs[key].word() };
        if form.word() != there {
            let message = format!("step `{}` of `{name}` hands `{key}` on as {there}", one.id);
            return Some((Spot::Value(at(key)), ("bad-output", message, format!("write `{there}`"))));
        }
    }
    None
}

/// How many stand below each in its longest chain, counted just past the limit; in a cycle too.
fn deep<'p>(calls: &Calls<'p>) -> BTreeMap<&'p str, u32> {
    let mut deep: BTreeMap<&str, u32> = BTreeMap::new();
    for _ in 0..=CALLS_DEEP_MAX {
        for (from, to) in calls {
            let below = to.iter().map(|name| deep.get(name).copied().unwrap_or(0) + 1).max().unwrap_or(0);
            deep.insert(from, below);
        }
    }
    deep
}

/// All that are run by this one, directly or not.
fn below<'p>(calls: &Calls<'p>, name: &str) -> BTreeSet<&'p str> {
    let mut found = BTreeSet::new();
    let mut open: Vec<&str> = calls.get(name).into_iter().flatten().copied().collect();
    while let Some(one) = open.pop() {
        if found.insert(one) {
            open.extend(calls.get(one).into_iter().flatten().copied());
        }
    }
    // Names of the table live as long as the table's.
    calls.values().flatten().copied().filter(|name| found.contains(name)).collect()
}
