//! The notifier of the simulated world: who hears what, who does not, and whose yes is lost on the way.
//!
//! This module must not know why somebody is told.

use seaworthy_model::{
    port::{Address, Clock as _, Fut, Message, Notifier, SendError},
    process::Line,
    site::Outlet,
    time::Span,
};

use super::{World, truth::Heard};
use crate::{life::Pulse, mutant::Mutant};

/// Hears, for one life of a node.
pub struct Ears {
    pub world: World,
    pub pulse: Pulse,
}

impl Notifier for Ears {
    fn kind(&self) -> &'static str {
        "command"
    }

    fn send<'a>(&'a self, to: &'a Address, message: &'a Message) -> Fut<'a, Result<String, SendError>> {
        Box::pin(async move {
            if self.pulse.is_dead() {
                return std::future::pending().await;
            }
            let world = &self.world;
            let delay = world.dice().between(0, 2_000);
            world.time().sleep(Span::from_millis(delay)).await;
            let id = message.id;
            let refused = |retry, reason: &str| Err(SendError { retry, reason: format!("{reason} (simulated)") });
            if world.fault(3, || format!("telling {id} hangs")) {
                return std::future::pending().await;
            }
            if world.fault(12, || format!("telling {id} is refused")) {
                return refused(true, "try later");
            }
            if world.fault(2, || format!("telling {id} is refused for good")) {
                return refused(false, "no such person");
            }
            if !world.is(Mutant::ToldWithoutTelling) {
                let outlet = outlet(&to.outlet);
                world.truth().heard.push(Heard { message: id, outlet });
            }
            if world.fault(4, || format!("{id} is heard, and the yes is lost")) {
                return refused(true, "no answer");
            }
            Ok("heard".into())
        })
    }
}

fn outlet(outlet: &Outlet) -> String {
    match outlet {
        Outlet::Command { command } => match &command.line {
            Line::Shell { script, .. } => script.clone(),
            Line::Args(args) => args.join(" "),
        },
        other => other.kind().to_owned(),
    }
}
