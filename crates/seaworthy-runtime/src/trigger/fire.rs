//! A trigger fires: one run per key, whatever happens in between.
//!
//! The key's own stream in the journal is what is unique. This module must not know how anything was noticed.

use seaworthy_core::schedule::Holds;
use seaworthy_model::{
    entry::{Stream, Via},
    event::Event,
    id::RunId,
    port::{Batch, StoreError},
    process::{Schedule, When, hex},
    run::{Cause, Kind},
    site::Pinned,
    trigger::Triggered,
};
use sha2::{Digest as _, Sha256};
use tracing::info;

use crate::requests::{Desk, forget, request};

/// Most runs of one process that live while one more is started by a trigger.
pub const TRIGGERED_LIVE_MAX: usize = 100;

/// How often it is tried while others fire with the same key.
const TRIES: usize = 3;

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fired {
    Started(RunId),
    /// It had fired before: this is the run of then.
    Again(RunId),
    /// Something keeps the process from starting: why.
    Held(String),
    /// As many of its runs live as may: why. Nothing is recorded, since it fires when some of them have ended.
    Full(String),
}

/// Starts a run of the process, unless one of the keys has one already. `body` is given to its steps as a file.
///
/// # Errors
/// When the journal cannot be read or written.
pub(crate) async fn fire(
    desk: &Desk,
    pinned: &Pinned,
    by: &Triggered,
    keys: &[String],
    body: Option<Vec<u8>>,
) -> Result<Fired, StoreError> {
    let ports = &desk.ports;
    let name = &pinned.process.name;
    // A conflict says that another one has fired it meanwhile: then its run is found.
    for _ in 0..TRIES {
        let mut streams = Vec::with_capacity(keys.len());
        for key in keys {
            let stream = Stream::of("trigger", format!("{name}/{key}"));
            let entries = ports.journal.stream(&stream, 0).await?;
            for entry in &entries {
                if let Ok(Some(Event::TriggerFired { run, .. })) = entry.event() {
                    return Ok(Fired::Again(run));
                }
            }
            streams.push((stream, entries.last().map_or(0, |entry| entry.header.version)));
        }
        if let Some(why) = held(desk, pinned).await? {
            return hold(desk, by, &streams, why).await;
        }
        let live = ports.views.live_runs().await?.iter().filter(|row| row.process == *name).count();
        if live >= TRIGGERED_LIVE_MAX {
            return Ok(Fired::Full(format!("{live} runs of it are live; wait until some have ended")));
        }
        let cause = Cause::Trigger { by: by.clone() };
        let (fresh, mut batch) = match request(ports, pinned, Kind::Run, cause, ports.actor, Via::Robot).await? {
            Ok(made) => made,
            Err(reason) => return hold(desk, by, &streams, reason).await,
        };
        let run = fresh.run;
        let digest = body.as_ref().map(|body| hex(&Sha256::digest(body)));
        if let Some(body) = body.clone()
            && let Err(trouble) = ports.places.body(run, Some(body)).await
        {
            return Ok(Fired::Held(format!(
                "the body of the call could not be kept ({trouble}); look at the data folder's space"
            )));
        }
        for (stream, version) in &streams {
            let bytes = body.as_ref().map(|body| body.len() as u64);
            let event =
                Event::TriggerFired { process: name.clone(), run, by: by.clone(), bytes, sha256: digest.clone() };
            batch.writes.push(ports.ids().write(stream.clone(), Some(*version), ports.clock.now(), [event]));
        }
        match ports.journal.append(batch).await {
            Ok(_) => {
                info!(%run, process = name, "`{name}` is started by {}", by.words());
                desk.runs.begin(fresh);
                return Ok(Fired::Started(run));
            }
            Err(StoreError::Conflict { .. }) => forget(ports, run).await,
            Err(other) => {
                forget(ports, run).await;
                return Err(other);
            }
        }
    }
    Ok(Fired::Held("others fired it at the same moment; try again".to_owned()))
}

/// A pause or a blackout.
async fn held(desk: &Desk, pinned: &Pinned) -> Result<Option<String>, StoreError> {
    let ports = &desk.ports;
    let (name, loaded) = (&pinned.process.name, ports.definitions.current());
    let pause = ports.views.schedule(name).await?.and_then(|row| row.pause);
    let none = Schedule::new(When::Any(vec![]), "UTC");
    let schedule = pinned.process.schedule.as_ref().unwrap_or(&none);
    Ok(Holds::of(schedule, &loaded.site.blackouts, pause.as_ref()).at(ports.clock.now()).map(|(_, why)| why))
}

/// Nothing that triggered in vain does so in silence.
async fn hold(desk: &Desk, by: &Triggered, streams: &[(Stream, u64)], why: String) -> Result<Fired, StoreError> {
    let ports = &desk.ports;
    let Some((stream, _)) = streams.first() else { return Ok(Fired::Held(why)) };
    let mut batch = Batch::by(ports.actor, Via::Robot);
    let event = Event::TriggerHeld { by: by.clone(), reason: why.clone() };
    batch.writes.push(ports.ids().write(stream.clone(), None, ports.clock.now(), [event]));
    ports.journal.append(batch).await?;
    Ok(Fired::Held(why))
}
