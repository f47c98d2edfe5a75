//! A short-lived node: a person runs a process without asking the server, follows it, and goes.
//!
//! The order is that of `crates/seaworthy/src/cli/run.rs`. This module must not decide anything.

use std::sync::{Arc, atomic::Ordering::SeqCst};

use seaworthy_model::{
    entry::Via,
    port::{Answer, Ask, Requests as _, StoreError},
    time::Span,
};
use seaworthy_runtime::{Stop, notify::Sender, reload, requests::Desk, run::Runs, seal};

use super::{Life, Pulse, Role, serve::within};
use crate::shore::{House, Shore};

/// How long a short-lived node goes on sending messages after its run has ended.
const MESSAGES_WITHIN: Span = Span::seconds(30);

/// What a person wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wish {
    Run(String),
    Drill(String),
}

impl Wish {
    pub fn ask(&self) -> Ask {
        match self {
            Wish::Run(process) => Ask::Run { process: process.clone(), inputs: Default::default() },
            Wish::Drill(process) => Ask::Drill { process: process.clone() },
        }
    }
}

impl Life {
    /// Starts a short-lived node for one run.
    pub fn verb(shore: &Shore, wish: Wish) -> Result<Life, String> {
        let pulse = Pulse::default();
        let house = shore.house(&pulse)?;
        let life = Life::new(shore, Role::Verb, house.ports.writer.epoch, pulse, house.disk.clone());
        let (shore, over) = (shore.clone(), life.over.clone());
        life.spawn(async move {
            if let Err(trouble) = course(&shore, &house, &wish).await {
                shore.world.note(format!("the verb ends: {trouble}"));
            }
            over.store(true, SeqCst);
        });
        Ok(life)
    }
}

async fn course(shore: &Shore, house: &House, wish: &Wish) -> Result<(), StoreError> {
    let ports = &house.ports;
    reload::record(ports, &house.outcome).await?;
    shore.keep(&house.outcome.loaded);
    house.hands.sweep().await;
    let runs = Runs::new(ports.clone(), Stop::default());
    let desk = Desk { ports: ports.clone(), runs: runs.clone(), pings: Arc::default() };
    if let Answer::Started { run, .. } = desk.ask(wish.ask(), ports.actor, Via::Cli).await? {
        shore.world.accepted().push(run);
        let over = Stop::default();
        tokio::spawn(seal::run(ports.clone(), over.clone()));
        runs.drained().await;
        let mut sender = Sender::of_run(ports.clone(), Stop::default(), run);
        let sending = async move { while sender.activate().await.is_ok_and(|tried| tried > 0) {} };
        within(shore.world.time(), MESSAGES_WITHIN, sending).await;
        over.now();
    }
    seal::seal(ports).await.map(|_| ())
}
