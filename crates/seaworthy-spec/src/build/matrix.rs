//! Steps over a list: the list, and whether it can be one.
//!
//! This module must not know how elements are named or done.

use seaworthy_core::run::{PLACE, elements};
use seaworthy_model::{
    input::Form,
    matrix::{ELEMENT, Matrix, Over},
};

use crate::{
    nearest::advice,
    source::{Place, Report},
    tree::{Data, Node},
};

use super::{step::Known, text};

const HELP: &str = "write a list, `inputs.NAME`, or `steps.ID.outputs.NAME`";

/// What `matrix` says; `None` if it is not there, or names no list.
pub fn matrix(item: &Node) -> Option<Matrix> {
    let node = item.get("matrix")?;
    Some(Matrix {
        over: over(list(node)?)?,
        parallel: text(node, "parallel").and_then(|n| n.parse().ok()),
        stop: text(node, "after_failure").as_deref() == Some("stop"),
    })
}

/// The list, alone or below `over`.
fn list(node: &Node) -> Option<&Node> {
    if matches!(node.data, Data::Map(_)) { node.get("over") } else { Some(node) }
}

fn over(node: &Node) -> Option<Over> {
    let Some(name) = node.text() else {
        return Some(Over::These(node.items().iter().filter_map(Node::text).map(str::to_owned).collect()));
    };
    match name.split('.').collect::<Vec<_>>().as_slice() {
        ["inputs", name] => Some(Over::Input((*name).to_owned())),
        ["steps", step, "outputs", name] => Some(Over::Output { step: (*step).to_owned(), name: (*name).to_owned() }),
        _ => None,
    }
}

/// Tells what is wrong with the list of the step at `at`, and with what is done over it.
pub fn weigh(known: &Known<'_>, at: usize, prefix: &str, report: &mut Report<'_>) {
    let (step, item) = (&known.steps[at], &known.items[at]);
    let Some(node) = item.get("matrix") else { return };
    if prefix == "after" {
        let message = "what cleans up after a drill is not done over a list";
        report.error("bad-matrix", item.key_place("matrix"), message, "write a loop in its command");
    }
    let Some(value) = list(node) else { return };
    match step.matrix.as_ref().map(|matrix| &matrix.over) {
        None => {
            let said = value.text().unwrap_or_default();
            report.error("bad-matrix", value.place, format!("`{said}` is no list"), HELP);
        }
        Some(Over::These(values)) => these(&step.id, values, value, report),
        Some(Over::Input(name)) => input(known, name, value.place, report),
        Some(Over::Output { step, name }) => output(known, at, (step, name), value.place, report),
    }
    for name in item.get("makes").map(Node::items).unwrap_or_default() {
        if let Some(artifact) = name.text().filter(|artifact| !artifact.contains(PLACE)) {
            let message = format!("every element would make `{artifact}`");
            report.error("shared-artifact", name.place, message, format!("write {PLACE} in its name"));
        }
    }
    if let Some(value) = item.get("env").and_then(|env| env.get(ELEMENT)) {
        let message = format!("`{ELEMENT}` is set for each element already");
        report.error("reserved-name", value.place, message, "take another name");
    }
}

fn these(step: &str, values: &[String], list: &Node, report: &mut Report<'_>) {
    let twice = values.iter().enumerate().find(|(at, value)| values[..*at].contains(value));
    if let Some((at, value)) = twice {
        let place = list.items().get(at).map_or(list.place, |item| item.place);
        report.error("duplicate-element", place, format!("`{value}` is in this list twice"), "keep one of them");
    } else if let Err(why) = elements(step, values.to_vec()) {
        report.error("bad-matrix", list.place, why, "write elements of one line each");
    }
}

fn input(known: &Known<'_>, name: &str, place: Place, report: &mut Report<'_>) {
    let inputs = known.given.inputs;
    match inputs.iter().find(|input| input.name == name) {
        Some(input) if input.form == Form::List => {}
        Some(input) => {
            let message = format!("the input `{name}` is {}, and a matrix needs a list", word(&input.form));
            report.error("bad-matrix", place, message, "declare it with `type: list`");
        }
        None => {
            let all: Vec<&str> = inputs.iter().map(|input| input.name.as_str()).collect();
            let message = format!("there is no input `{name}`");
            report.error("bad-matrix", place, message, advice(name, &all));
        }
    }
}

fn output(known: &Known<'_>, at: usize, (id, name): (&str, &str), place: Place, report: &mut Report<'_>) {
    let before = known.before(at);
    let Some(step) = before.iter().map(|at| &known.steps[*at]).find(|step| step.id == id) else {
        let message = format!("step `{id}` is not among the steps that this one needs");
        return report.error("bad-matrix", place, message, format!("add `needs: [{id}]`"));
    };
    match step.outputs.get(name) {
        Some(form) if *form == Form::List || step.matrix.is_some() => {}
        Some(form) => {
            let message = format!("the output `{name}` of step `{id}` is {}, and a matrix needs a list", word(form));
            report.error("bad-matrix", place, message, "declare it with `type: list`");
        }
        None => {
            let all: Vec<&str> = step.outputs.keys().map(String::as_str).collect();
            let message = format!("step `{id}` hands on no `{name}`");
            report.error("bad-matrix", place, message, advice(name, &all));
        }
    }
}

fn word(form: &Form) -> String {
    format!("of `type: {}`", form.word())
}
