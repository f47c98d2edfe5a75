//! One process document into the model.
//!
//! This module must not know other documents: what they offer comes in as `Around`.

use seaworthy_core::run::makes;
use seaworthy_model::process::{Process, Tier};

use crate::{source::Report, tree::Node};

use super::{
    Around,
    check::{Looked, checks},
    drill::drill,
    heal::{heal, tell, watch},
    input::inputs,
    keep::keep,
    lint::lint,
    map,
    schedule::schedule,
    span,
    step::{Given, limits, steps},
    text, texts,
};

/// The process of a document; `None` without a name. Use it only if the report has no error.
pub fn process(document: &Node, around: &Around<'_>, report: &mut Report<'_>) -> Option<Process> {
    let name = text(document, "process")?;
    let inputs = inputs(document, report);
    let given = Given {
        inputs: &inputs,
        in_sequence: document.get("parallel").is_none(),
        around: Some(around),
        told: document.get("tell").is_some(),
    };
    let steps = steps(document.get("steps"), "step", &[], &given, report);
    let made: Vec<String> = steps.iter().flat_map(makes).collect();
    let mut process = Process {
        about: text(document, "about"),
        service: text(document, "service"),
        team: document.get("team").and_then(|team| around.team(team, report)),
        tier: match text(document, "tier").as_deref() {
            Some("A") => Tier::A,
            Some("B") => Tier::B,
            _ => Tier::C,
        },
        schedule: document.get("schedule").and_then(|node| schedule(node, &name, around, report)),
        env: map(document, "env"),
        secrets: texts(document, "secrets"),
        verify: checks(document, &Looked { made: &made, steps: &steps, drill: false }, report),
        heal: heal(document, around, report),
        watch: watch(document),
        tell: tell(document, around, report),
        drill: drill(document, &made, around, report),
        triggers: super::trigger::triggers(document, report),
        locks: locks(document),
        lock_wait: span(document, "lock_wait"),
        observed: text(document, "observed"),
        pinged: text(document, "pinged").as_deref() == Some("true"),
        inputs,
        limits: limits(document),
        parallel: text(document, "parallel").and_then(|n| n.parse().ok()),
        timeout: span(document, "timeout"),
        steps,
        ..Process::named(name)
    };
    keep(document, &mut process);
    lint(document, &process, report);
    Some(process)
}

/// `lock` and `locks` together, in the order in which they are taken.
fn locks(document: &Node) -> Vec<String> {
    let mut names: Vec<String> = text(document, "lock").into_iter().chain(texts(document, "locks")).collect();
    names.sort_unstable();
    names.dedup();
    names
}
