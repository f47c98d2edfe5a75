//! The probe of the simulated world: sees what really is, sometimes cannot look, and seldom lies; lies are listed.
//!
//! This module must not know conditions.

use seaworthy_model::{
    id::RunId,
    port::{Clock as _, Fut, LookOrder, Probe},
    process::{Line, Look},
    run::Observation,
    time::Span,
    value::{Facts, Value},
};

use super::{World, truth};
use crate::{life::Pulse, mutant::Mutant};

/// Looks at the simulated world, for one life of a node.
pub struct Eyes {
    pub world: World,
    pub pulse: Pulse,
}

impl Probe for Eyes {
    fn name(&self) -> &'static str {
        "sim"
    }

    fn takes(&self, _: &Look) -> bool {
        true
    }

    fn look<'a>(&'a self, order: &'a LookOrder) -> Fut<'a, Result<Observation, String>> {
        Box::pin(async move {
            if self.pulse.is_dead() {
                return std::future::pending().await;
            }
            let world = &self.world;
            let began = world.time().elapsed();
            let quick = world.dice().percent(50);
            let delay = if quick { 0 } else { world.dice().between(0, 1_500) };
            world.time().sleep(Span::from_millis(delay)).await;
            let (run, step) = subject(order).ok_or("nobody said what to look at (simulated)")?;
            if world.fault(2, || format!("a look at {run}/{step} hangs")) {
                world.time().sleep(order.timeout).await;
                return Err(format!("it took longer than {} (simulated)", order.timeout));
            }
            if world.fault(4, || format!("a look at {run}/{step} cannot be made")) {
                return Err("connection refused (simulated)".into());
            }
            let truth = world.truth().is_whole(run, &step);
            let mut told = truth != world.fault(1, || format!("a look at {run}/{step} lies"));
            if world.is(Mutant::VerdictFromExitCode) {
                told = true;
            }
            if !world.is(Mutant::VerdictFromExitCode) {
                world.truth().looks.push(truth::Look { run, step: step.clone(), told, truth });
            }
            let took = Span(world.time().elapsed().0 - began.0);
            Ok(Observation { source: "probe/sim".into(), facts: facts(&order.look, told), took, dropped: 0 })
        })
    }
}

/// What is looked at: `see STEP` of this run, or the artifact `aN` that step `sN` of some run makes.
fn subject(order: &LookOrder) -> Option<(RunId, String)> {
    let own = order.env.iter().find(|(name, _)| name == "SEAWORTHY_RUN").and_then(|(_, run)| run.parse().ok());
    match &order.look {
        Look::Command { command, .. } => {
            let Line::Shell { script, .. } = &command.line else { return None };
            Some((own?, script.trim().strip_prefix("see ")?.to_owned()))
        }
        Look::Artifact { .. } => {
            let path = order.artifact.as_ref()?;
            let name = path.file_name()?.to_str()?;
            let run = path.parent()?.file_name()?.to_str()?.parse().ok()?;
            Some((run, format!("s{}", name.strip_prefix('a')?)))
        }
        _ => None,
    }
}

fn facts(look: &Look, whole: bool) -> Facts {
    let text = |text: &str| Value::Text(text.into());
    match look {
        Look::Artifact { name } => Facts::from([
            ("name".into(), text(name)),
            ("exists".into(), Value::Bool(true)),
            ("size".into(), Value::Int(if whole { 4096 } else { 512 })),
            ("sha256".into(), text(if whole { "aa" } else { "bb" })),
            ("age".into(), Value::Duration(0)),
        ]),
        _ => Facts::from([
            ("exit".into(), Value::Int(0)),
            ("stdout".into(), text(if whole { "whole" } else { "nothing" })),
            ("stderr".into(), text("")),
        ]),
    }
}
