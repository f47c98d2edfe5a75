//! Steps: ids, what they need, what they make; cycles.
//!
//! This module must not know in which order steps are started.

use std::collections::{BTreeMap, BTreeSet};

use seaworthy_core::{
    expect::{Scope, compile},
    input::variable,
    run::makes,
};
use seaworthy_model::{
    input::{Form, Input},
    process::{Action, Duty, Effect, Limits, Proof, Step},
    time::Span,
};

use crate::{
    diagnostic::quoted,
    inside::inside,
    nearest::advice,
    scalar,
    source::{Place, Report},
    tree::Node,
};

use super::{
    Around,
    action::{Done, done},
    command, command_lint,
    input::form,
    map, matrix, span, text, texts,
};

/// What is around a list of steps.
pub struct Given<'s> {
    pub inputs: &'s [Input],
    /// A list in which nothing is needed is done one after the other.
    pub in_sequence: bool,
    /// Names and files that steps may refer to.
    pub around: Option<&'s Around<'s>>,
    /// The process has a route that is told.
    pub told: bool,
}

/// The steps of a list. `prefix` names those without an id: `step-1`, `step-2` …; `taken` holds ids and artifacts of
/// lists that run in the same place before, which must differ but cannot be needed.
pub fn steps(
    list: Option<&Node>,
    prefix: &str,
    taken: &[Step],
    given: &Given<'_>,
    report: &mut Report<'_>,
) -> Vec<Step> {
    let items = list.map(Node::items).unwrap_or_default();
    let steps: Vec<Step> = items.iter().zip(1..).map(|(item, n)| step(item, prefix, n, given, report)).collect();
    let mut made: BTreeMap<String, &str> = BTreeMap::new();
    let mut index: BTreeMap<&str, usize> = BTreeMap::new();
    let mut ids: BTreeSet<&str> = BTreeSet::new();
    for step in taken {
        ids.insert(&step.id);
        made.extend(makes(step).into_iter().map(|name| (name, step.id.as_str())));
    }
    for (at, (step, item)) in steps.iter().zip(items).enumerate() {
        index.insert(&step.id, at);
        if step.id.contains('.') {
            let place = item.get("id").map_or(item.place, |id| id.place);
            let message = format!("the id of a step has no dot, and `{}` has", step.id);
            report.error("reserved-id", place, message, "write a dash; `heal.N` and `after.ID` are names of ours");
        }
        if !ids.insert(&step.id) {
            let place = item.get("id").map_or(item.place, |id| id.place);
            report.error("duplicate-id", place, format!("two steps have the id `{}`", step.id), "rename one of them");
        }
        let written: Vec<Place> =
            item.get("makes").map(Node::items).unwrap_or_default().iter().map(|name| name.place).collect();
        for (nth, artifact) in makes(step).into_iter().enumerate() {
            let place = written[nth % written.len()];
            if let Some(other) = made.get(&artifact).filter(|other| **other != step.id || step.matrix.is_none()) {
                let message = format!("`{artifact}` is made by step `{other}` already");
                report.error("duplicate-artifact", place, message, "give it another name");
            }
            made.insert(artifact, &step.id);
        }
    }
    variables(&steps, items, taken, report);
    for item in items {
        needs(item, &index, report);
    }
    cycles(&steps, items, &index, report);
    let known = Known { steps: &steps, items, index: &index, given };
    conditions(&known, report);
    for at in 0..steps.len() {
        matrix::weigh(&known, at, prefix, report);
    }
    steps
}

fn step(item: &Node, prefix: &str, number: usize, given: &Given<'_>, report: &mut Report<'_>) -> Step {
    command_lint(item, "run", report);
    let id = text(item, "id").unwrap_or_else(|| format!("{prefix}-{number}"));
    let Done { action, timeout, effect } = done(item, report).unwrap_or_else(|| {
        let action = action(item, given, report);
        Done { action, timeout: None, effect: Effect::Idempotent }
    });
    Step {
        needs: texts(item, "needs"),
        timeout: span(item, "timeout").or(timeout),
        effect: match text(item, "effect").as_deref() {
            Some("read") => Effect::Read,
            Some("idempotent") => Effect::Idempotent,
            Some("once") => Effect::Once,
            _ => effect,
        },
        makes: texts(item, "makes"),
        env: map(item, "env"),
        secrets: texts(item, "secrets"),
        when: text(item, "when"),
        despite_skipped: item.get("despite").is_some(),
        outputs: outputs(item, report),
        limits: limits(item),
        matrix: matrix::matrix(item),
        ..Step::new(id, action)
    }
}

/// Time for an answer if the file does not say.
pub const ANSWER_WITHIN: Span = Span::seconds(24 * 3600);

fn action(item: &Node, given: &Given<'_>, report: &mut Report<'_>) -> Action {
    let duty = |text: String, report: &mut Report<'_>| {
        let known = |key: &str, report: &mut Report<'_>| {
            let (node, around) = (item.get(key)?, given.around?);
            if key == "route" { around.route(node, report) } else { around.file(node, report) }
        };
        let (route, procedure) = (known("route", report), known("procedure", report));
        if route.is_none() && item.get("route").is_none() && !given.told {
            let place = item.key_place("id");
            report.finding(
                "nobody-told",
                place,
                "nobody is told that this step waits for a person",
                "add `route:`, or `tell:` to the process",
            );
        }
        let evidence = match self::text(item, "evidence").as_deref() {
            Some("none") => Proof::None,
            Some("link") => Proof::Link,
            Some("file") => Proof::File,
            _ => Proof::Text,
        };
        Duty { text, procedure, route, within: span(item, "within").unwrap_or(ANSWER_WITHIN), evidence }
    };
    match (command(item, "run"), text(item, "human"), text(item, "approve")) {
        (Some(command), ..) => Action::Run(command),
        (_, Some(text), _) => Action::Human(duty(text, report)),
        (_, _, Some(text)) => Action::Approve(Duty { evidence: Proof::None, ..duty(text, report) }),
        _ => Action::Noop,
    }
}

fn outputs(item: &Node, report: &mut Report<'_>) -> BTreeMap<String, Form> {
    let entries = item.get("outputs").map(Node::entries).unwrap_or_default();
    entries.iter().filter_map(|(name, node)| Some((name.text()?.to_owned(), form(node, report)?))).collect()
}

/// What `limits` says.
pub fn limits(owner: &Node) -> Limits {
    let Some(node) = owner.get("limits") else { return Limits::default() };
    let number = |key: &str| node.get(key).and_then(Node::text).and_then(|n| n.parse().ok());
    let size = |key: &str| node.get(key).and_then(Node::text).and_then(|text| scalar::size(text).ok());
    Limits {
        memory: size("memory"),
        cpu_time: span(node, "cpu_time"),
        open_files: number("open_files"),
        file_size: size("file_size"),
        processes: number("processes"),
    }
}

/// Each output has a variable of its own: of two that shared one a command would see either.
fn variables(steps: &[Step], items: &[Node], taken: &[Step], report: &mut Report<'_>) {
    let of = |step: &Step, name: &str| variable("OUTPUT", &format!("{}_{name}", step.id));
    let mut seen: BTreeMap<String, String> = BTreeMap::new();
    for step in taken {
        seen.extend(step.outputs.keys().map(|name| (of(step, name), format!("{name}` of step `{}", step.id))));
    }
    for (step, item) in steps.iter().zip(items) {
        for (key, _) in item.get("outputs").map(Node::entries).unwrap_or_default() {
            let Some(name) = key.text() else { continue };
            let variable = of(step, name);
            let said = format!("{name}` of step `{}", step.id);
            if let Some(other) = seen.insert(variable.clone(), said.clone()).filter(|other| *other != said) {
                let message = format!("`{other}` and `{said}` are one variable, {variable}");
                report.error("duplicate-name", key.place, message, "rename one of them, or its step");
            }
        }
    }
}

/// All steps of a list, with what stands in the file.
pub struct Known<'s> {
    pub steps: &'s [Step],
    pub items: &'s [Node],
    pub index: &'s BTreeMap<&'s str, usize>,
    pub given: &'s Given<'s>,
}

impl Known<'_> {
    /// What is done when the step at `at` begins: all that it needs, directly or not.
    pub fn before(&self, at: usize) -> BTreeSet<usize> {
        let (mut found, mut open) = (BTreeSet::new(), vec![at]);
        if self.given.in_sequence && self.steps.iter().all(|step| step.needs.is_empty()) {
            open.extend(0..at);
        }
        while let Some(next) = open.pop() {
            if found.insert(next) {
                open.extend(self.steps[next].needs.iter().filter_map(|id| self.index.get(id.as_str()).copied()));
            }
        }
        found.remove(&at);
        found
    }
}

/// Type-checks `when` with the parser that decides later. A condition speaks of what its step needs: of anything else
/// nobody knows whether it is done by then.
fn conditions(known: &Known<'_>, report: &mut Report<'_>) {
    for (at, (step, item)) in known.steps.iter().zip(known.items).enumerate() {
        let (Some(source), Some(value)) = (&step.when, item.get("when")) else { continue };
        let scope = Scope::of_step(known.given.inputs, known.before(at).iter().map(|at| &known.steps[*at]));
        for problem in compile(source, &scope).err().unwrap_or_default() {
            let place = inside(value, problem.at, problem.len, report);
            report.error("bad-when", place, problem.message, problem.help);
        }
    }
}

fn needs(item: &Node, index: &BTreeMap<&str, usize>, report: &mut Report<'_>) {
    let mut seen = Vec::new();
    for need in item.get("needs").map(Node::items).unwrap_or_default() {
        let Some(id) = need.text() else { continue };
        if !index.contains_key(id) {
            let known: Vec<&str> = index.keys().copied().take(20).collect();
            let help = advice(id, &known);
            report.error("unknown-step", need.place, format!("there is no step `{id}`"), help);
        }
        if seen.contains(&id) {
            report.warning("duplicate-need", need.place, format!("{} is named twice", quoted(id)), "keep one of them");
        }
        seen.push(id);
    }
}

/// Tells the first cycle of `needs`: without a start none of its steps ever runs.
fn cycles(steps: &[Step], items: &[Node], index: &BTreeMap<&str, usize>, report: &mut Report<'_>) {
    let needed =
        |at: usize| steps[at].needs.iter().filter_map(|id| index.get(id.as_str())).filter(|n| **n < steps.len());
    // Steps that can run, in waves: a step can when all that it needs can.
    let mut waits: Vec<usize> = (0..steps.len()).map(|at| needed(at).count()).collect();
    let mut after: Vec<Vec<usize>> = vec![Vec::new(); steps.len()];
    for at in 0..steps.len() {
        needed(at).for_each(|n| after[*n].push(at));
    }
    let mut ready: Vec<usize> = (0..steps.len()).filter(|at| waits[*at] == 0).collect();
    while let Some(at) = ready.pop() {
        for next in &after[at] {
            waits[*next] -= 1;
            if waits[*next] == 0 {
                ready.push(*next);
            }
        }
    }
    let Some(start) = waits.iter().position(|waits| *waits > 0) else { return };
    // Every step that waits needs one that waits: following them must come back.
    let mut path = vec![start];
    let round = loop {
        let Some(next) = needed(path[path.len() - 1]).find(|n| waits[**n] > 0) else { return };
        if let Some(from) = path.iter().position(|at| at == next) {
            break &path[from..];
        }
        path.push(*next);
    };
    let mut names: Vec<String> = round.iter().map(|at| format!("`{}`", steps[*at].id)).collect();
    names.push(names[0].clone());
    let place = items[round[0]].key_place("needs");
    let message = format!("these steps wait for each other: {}", names.join(" needs "));
    report.error("cycle", place, message, "leave one of these needs out");
}
