//! A server's life: files, what an earlier life left, the loops, and an end in order if it comes to that.
//!
//! The order is that of `crates/seaworthy/src/role/server.rs`. This module must not decide anything.

use std::{
    future::Future,
    sync::{Arc, atomic::Ordering::SeqCst},
};

use seaworthy_model::{
    entry::{Stream, Via},
    event::Event,
    port::{Batch, Clock as _, StoreError},
    time::Span,
};
use seaworthy_runtime::{Ports, Stop, drill, notify, reload, requests::Desk, run::Runs, schedule, seal};
use tokio::task::JoinSet;

use super::{Life, Pulse, Role};
use crate::{
    shore::{House, Shore},
    world::{Hands, Time},
};

const DRAIN: Span = Span::seconds(10);
const CUT: Span = Span::seconds(16);
const ENDING: Span = Span::seconds(5);
const ADOPT_EVERY: Span = Span::seconds(5);

impl Life {
    /// Starts a server. `Err` is a sentence: it could not start.
    pub fn server(shore: &Shore) -> Result<Life, String> {
        let pulse = Pulse::default();
        let house = shore.house(&pulse)?;
        let mut life = Life::new(shore, Role::Server, house.ports.writer.epoch, pulse, house.disk.clone());
        let claiming = life.stop.clone();
        let stop = Stop::default();
        let runs = Runs::new(house.ports.clone(), stop.clone());
        let desk = Desk { ports: house.ports.clone(), runs, pings: Arc::default() };
        life.desk = Some(desk.clone());
        let (shore, over) = (shore.clone(), life.over.clone());
        life.spawn(async move {
            if let Err(trouble) = serve(&shore, house, desk, claiming, stop).await {
                shore.world.note(format!("the server ends: {trouble}"));
            }
            over.store(true, SeqCst);
        });
        Ok(life)
    }
}

async fn serve(shore: &Shore, house: House, desk: Desk, claiming: Stop, stop: Stop) -> Result<(), StoreError> {
    let ports = house.ports.clone();
    reload::record(&ports, &house.outcome).await?;
    shore.keep(&house.outcome.loaded);
    let (host, version) = ("sim".to_owned(), "0".to_owned());
    record(&ports, Event::NodeStarted { host, version, format: seaworthy_store::FORMAT, listen: None }).await?;
    let mut tasks = JoinSet::new();
    loops(shore, &house, &desk, &claiming, &mut tasks);
    claiming.asked().await;
    let time = shore.world.time();
    within(time, DRAIN, desk.runs.drained()).await;
    stop.now();
    within(time, CUT, desk.runs.drained()).await;
    within(time, ENDING, async { while tasks.join_next().await.is_some() {} }).await;
    record(&ports, Event::NodeStopped { reason: "asked".into() }).await?;
    seal::seal(&ports).await?;
    Ok(())
}

fn loops(shore: &Shore, house: &House, desk: &Desk, stop: &Stop, tasks: &mut JoinSet<()>) {
    let ports = &house.ports;
    tasks.spawn(notify::run(ports.clone(), stop.clone()));
    tasks.spawn(seal::run(ports.clone(), stop.clone()));
    let keeping = shore.clone();
    let keep = move |loaded: &_| keeping.keep(loaded);
    tasks.spawn(reload::run(ports.clone(), shore.texts.clone(), house.in_force.clone(), keep, stop.clone()));
    let (desk, stop, hands, time) = (desk.clone(), stop.clone(), house.hands.clone(), shore.world.time().clone());
    tasks.spawn(async move {
        // Commands of runs that have ended meanwhile may be left as well.
        let left = desk.runs.left().await;
        hands.sweep().await;
        if let Ok(left) = left {
            desk.runs.adopt(left);
        }
        let adopting = async {
            while !stop.is_asked() {
                tokio::select! {
                    biased;
                    () = stop.asked() => return,
                    () = time.sleep(ADOPT_EVERY) => {}
                }
                adopt(&desk, &hands).await;
            }
        };
        tokio::join!(schedule::run(desk.clone(), stop.clone()), drill::run(desk.clone(), stop.clone()), adopting);
    });
}

/// Takes up what dead nodes left, after the end of what their commands left.
async fn adopt(desk: &Desk, hands: &Arc<Hands>) {
    if let Ok(left) = desk.runs.left().await
        && !left.is_empty()
    {
        hands.sweep().await;
        desk.runs.adopt(left);
    }
}

pub(super) async fn record(ports: &Ports, event: Event) -> Result<(), StoreError> {
    let mut batch = Batch::by(ports.actor, Via::Node);
    batch.writes.push(ports.ids().write(Stream::site(), None, ports.clock.now(), [event]));
    ports.journal.append(batch).await.map(|_| ())
}

/// Waits for it, but not longer than this.
pub(super) async fn within(time: &Time, span: Span, what: impl Future<Output = ()>) {
    tokio::select! {
        biased;
        () = what => {}
        () = time.sleep(span) => {}
    }
}
