//! A trigger fires: one run per key, whatever happens in between.
//!
//! The key's own stream in the journal is what is unique. This module must not know how anything was noticed.

use seaworthy_core::schedule::{Hold, Holds};
use seaworthy_model::{
    entry::{Entry, Stream, Via},
    event::{Event, SkipReason, TriggerFired, TriggerHeld},
    id::RunId,
    port::{Batch, StoreError},
    process::{Schedule, When, hex},
    run::{Cause, Kind},
    site::Pinned,
    trigger::Triggered,
    view::{SkippedRow, ViewChange},
};
use sha2::{Digest as _, Sha256};
use tracing::info;

use crate::requests::{Desk, forget, request};

/// Most runs of one process that live while one more is started by a trigger.
pub const TRIGGERED_LIVE_MAX: usize = 100;

/// Most rows apart of what one thing held of a process; of more they say how many.
const HELD_APART: usize = 50;
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
        let (streams, before) = match known(desk, name, keys).await? {
            Known::Run(run) => return Ok(Fired::Again(run)),
            Known::Not(streams, before) => (streams, before),
        };
        if let Some(held) = held(desk, pinned).await? {
            return hold(desk, name, by, streams.first(), before, held).await;
        }
        let live = ports.views.live_runs().await?.iter().filter(|row| row.process == *name).count();
        if live >= TRIGGERED_LIVE_MAX {
            return Ok(Fired::Full(format!("{live} runs of it are live; wait until some have ended")));
        }
        let cause = Cause::Trigger { by: by.clone() };
        let (fresh, mut batch) = match request(ports, pinned, Kind::Run, cause, ports.actor, Via::Robot).await? {
            Ok(made) => made,
            Err(why) => {
                return hold(desk, name, by, streams.first(), before, (SkipReason::Refused, why)).await;
            }
        };
        let run = fresh.run;
        let digest = body.as_ref().map(|body| hex(&Sha256::digest(body)));
        if let Some(body) = body.clone()
            && let Err(trouble) = ports.places.body(run, Some(body)).await
        {
            forget(ports, run).await;
            return Ok(Fired::Held(format!(
                "the body of the call could not be kept ({trouble}); look at the data folder's space"
            )));
        }
        for (stream, version) in &streams {
            let bytes = body.as_ref().map(|body| body.len() as u64);
            let event = Event::TriggerFired(TriggerFired {
                process: name.clone(),
                run,
                by: by.clone(),
                bytes,
                sha256: digest.clone(),
            });
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

/// What the journal knows of the keys.
enum Known {
    Run(RunId),
    /// Their streams with the versions of now, and what held it last.
    Not(Vec<(Stream, u64)>, Option<TriggerHeld>),
}

async fn known(desk: &Desk, name: &str, keys: &[String]) -> Result<Known, StoreError> {
    let (mut streams, mut before) = (Vec::with_capacity(keys.len()), None);
    for key in keys {
        let stream = Stream::of("trigger", format!("{name}/{key}"));
        let entries = desk.ports.journal.stream(&stream, 0).await?;
        for entry in &entries {
            if let Ok(Some(Event::TriggerFired(fired))) = entry.event() {
                return Ok(Known::Run(fired.run));
            }
        }
        if let Some(Ok(Some(Event::TriggerHeld(held)))) = entries.last().map(Entry::event) {
            before = Some(held);
        }
        streams.push((stream, entries.last().map_or(0, |entry| entry.header.version)));
    }
    Ok(Known::Not(streams, before))
}

/// As [`fire`] of what is noticed again and again: what was held once does not fire when the pause is over. Whether it is
/// done with; with as many live runs as there may be it is not, and the next look tries again.
pub(super) async fn fire_once(desk: &Desk, pinned: &Pinned, by: &Triggered, key: String) -> Result<bool, StoreError> {
    let stream = Stream::of("trigger", format!("{}/{key}", pinned.process.name));
    if !desk.ports.journal.stream(&stream, 0).await?.is_empty() {
        return Ok(true);
    }
    Ok(!matches!(fire(desk, pinned, by, &[key], None).await?, Fired::Full(_)))
}

/// A pause or a blackout.
async fn held(desk: &Desk, pinned: &Pinned) -> Result<Option<(SkipReason, String)>, StoreError> {
    let ports = &desk.ports;
    let (name, loaded) = (&pinned.process.name, ports.definitions.current());
    let pause = ports.views.schedule(name).await?.and_then(|row| row.pause);
    let none = Schedule::new(When::Any(vec![]), "UTC");
    let schedule = pinned.process.schedule.as_ref().unwrap_or(&none);
    let holds = Holds::of(schedule, &loaded.site.blackouts, pause.as_ref());
    Ok(holds.at(ports.clock.now()).map(|(hold, why)| match hold {
        Hold::Skip(reason) => (reason, why),
        // What a schedule makes up for afterwards: a trigger does not.
        Hold::Later(_) => (SkipReason::Blackout, why),
    }))
}

/// Nothing that triggered in vain does so in silence: an entry, and a row for people. Said once of whoever tries again.
pub(super) async fn hold(
    desk: &Desk,
    name: &str,
    by: &Triggered,
    stream: Option<&(Stream, u64)>,
    before: Option<TriggerHeld>,
    (reason, why): (SkipReason, String),
) -> Result<Fired, StoreError> {
    let ports = &desk.ports;
    let held = TriggerHeld { by: by.clone(), reason: why.clone() };
    let Some((stream, _)) = stream.filter(|_| before.as_ref() != Some(&held)) else { return Ok(Fired::Held(why)) };
    let now = ports.clock.now();
    let mut batch = Batch::by(ports.actor, Via::Robot);
    batch.writes.push(ports.ids().write(stream.clone(), None, now, [Event::TriggerHeld(held)]));
    let (process, trigger, detail) = (name.to_owned(), by.words(), why.clone());
    let row = SkippedRow { process, nominal: now, reason, detail, count: 1, trigger };
    let rows = ports.views.skipped(Some(name), HELD_APART).await?;
    let same = |other: &SkippedRow| !other.trigger.is_empty() && other.reason == reason && other.detail == row.detail;
    let row = match rows.first() {
        // A moment has one row.
        Some(newest)
            if same(newest) && (newest.nominal == now || rows.len() == HELD_APART && rows.iter().all(same)) =>
        {
            SkippedRow { nominal: newest.nominal, count: newest.count + 1, ..row }
        }
        _ => row,
    };
    batch.views.push(ViewChange::Skipped(row));
    ports.journal.append(batch).await?;
    Ok(Fired::Held(why))
}
