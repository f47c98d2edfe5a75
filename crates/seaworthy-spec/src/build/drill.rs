//! Drills: the restore that a machine rehearses, the procedure that a person rehearses.
//!
//! This module must not know when a drill is due.

use seaworthy_core::run::makes;
use seaworthy_model::process::{Action, Drill, PeopleDrill, RestoreDrill};

use crate::{shell, source::Report, tree::Node};

use super::{
    Around,
    check::{Looked, checks},
    span,
    step::{Given, steps},
    text,
};

/// What `drill` says; `made` are the artifacts of the process.
pub fn drill(process: &Node, made: &[String], around: &Around<'_>, report: &mut Report<'_>) -> Option<Drill> {
    let node = process.get("drill")?;
    let restore = node.get("restore").map(|node| restore(node, made, process.get("parallel").is_none(), report));
    let people = node.get("people").and_then(|node| people(node, around, report));
    Some(Drill { restore, people })
}

fn restore(node: &Node, made: &[String], in_sequence: bool, report: &mut Report<'_>) -> RestoreDrill {
    let given = Given { inputs: &[], in_sequence, around: None, told: true };
    let first = steps(node.get("steps"), "step", &[], &given, report);
    let after = steps(node.get("after"), "after", &first, &given, report);
    for (list, steps) in [("steps", &first), ("after", &after)] {
        let items = node.get(list).map(Node::items).unwrap_or_default();
        for (item, step) in items.iter().zip(steps) {
            if matches!(step.action, Action::Process(_)) {
                let help = "write what is to be restored as a command";
                report.error("drill-calls", item.place, "a drill restores by itself and runs no other process", help);
            }
        }
    }
    let mut known = made.to_vec();
    known.extend(first.iter().flat_map(makes));
    let verify = checks(node, &Looked { made: &known, steps: &first, drill: true }, report);
    if made.is_empty() {
        needs_artifact(node, report);
    }
    RestoreDrill { every: span(node, "every"), recovery_time: span(node, "recovery_time"), steps: first, verify, after }
}

/// A drill that uses `$ARTIFACT` of a process that makes none can never start.
fn needs_artifact(node: &Node, report: &mut Report<'_>) {
    for (list, key) in [("steps", "run"), ("verify", "command"), ("verify", "url"), ("after", "run")] {
        for item in node.get(list).map(Node::items).unwrap_or_default() {
            let Some(value) = item.get(key) else { continue };
            let uses = value.items().iter().filter_map(Node::text).flat_map(shell::uses);
            if uses.into_iter().any(|used| used.name == "ARTIFACT") {
                let message = "`$ARTIFACT` points to nothing: no step of the process makes an artifact";
                report.error("no-artifact", value.place, message, "name it in the step that makes it: `makes:`");
            }
        }
    }
}

fn people(node: &Node, around: &Around<'_>, report: &mut Report<'_>) -> Option<PeopleDrill> {
    let follow = node.get("follow").and_then(|file| around.file(file, report));
    let by = text(node, "by").unwrap_or_else(|| "someone-else".to_owned());
    Some(PeopleDrill { every: span(node, "every")?, by, follow: follow? })
}
