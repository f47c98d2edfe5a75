//! Runs that somebody else starts: their begin and their end become entries, and verification follows as for any run.
//!
//! This module must not know how anybody tells of them: `exec` has the command in its hands, a ping is a word from afar.

use std::sync::Arc;

use seaworthy_core::run::{State, live};
use seaworthy_model::{
    entry::{Stream, Via},
    event::Event,
    id::{ActorId, RunId},
    port::{Batch, StoreError},
    process::{OUTSIDE, Process},
    run::{Acted, Cause, Kind},
    site::{Loaded, Pinned},
    view::ViewChange,
};

use crate::{
    ports::Ports,
    reload::{last_recorded, recorded},
    requests::{Fresh, request},
};

/// The number of the one attempt of such a run.
pub const ATTEMPT: u32 = 1;

/// A definition as it holds for what is started outside: whatever the file says of steps, they are not done here.
pub fn as_outside(process: &Process) -> Process {
    Process { pinged: true, observed: None, steps: vec![], ..process.clone() }
}

/// Sees to it that the journal has this definition, and puts it beside the others. Of a name that is in force already
/// it is only another form: what is in force, and what waits to be, stays.
///
/// # Errors
/// When the journal cannot be read or written.
pub async fn define(
    ports: &Ports,
    loaded: &Loaded,
    process: Process,
    file: &str,
) -> Result<(Loaded, Arc<Pinned>), StoreError> {
    let (name, digest) = (process.name.clone(), process.digest());
    let known = loaded.processes.get(&name).is_some_and(|pinned| pinned.digest == digest);
    if !known && recorded(ports, &name, &digest).await?.is_none() {
        let (digest, definition) = (digest.clone(), process.canonical());
        let in_force = loaded.processes.contains_key(&name) || last_recorded(ports, &name).await?.is_some();
        let event = if in_force {
            Event::OutsideDefined { digest, definition }
        } else {
            Event::ProcessLoaded { digest, definition, file: file.to_owned() }
        };
        let mut batch = Batch::by(ports.actor, Via::Node);
        batch.writes.push(ports.ids().write(Stream::process(&name), None, ports.clock.now(), [event]));
        ports.journal.append(batch).await?;
    }
    let pinned = Pinned { digest, missing: process.missing(), file: file.to_owned(), broken: None, process };
    let pinned = Arc::new(pinned);
    let mut loaded = loaded.clone();
    loaded.processes.insert(name, pinned.clone());
    Ok((loaded, pinned))
}

/// Prepares the entries of a run that begins outside now. The inner error is a sentence for who told of it.
///
/// # Errors
/// When the journal cannot be read.
pub async fn begin(
    ports: &Ports,
    pinned: &Pinned,
    cause: Cause,
    actor: ActorId,
    via: Via,
) -> Result<Result<(Fresh, Batch), String>, StoreError> {
    let (mut fresh, mut batch) = match request(ports, pinned, Kind::Run, cause, actor, via).await? {
        Ok(made) => made,
        Err(reason) => return Ok(Err(reason)),
    };
    let now = ports.clock.now();
    let key = format!("{OUTSIDE}/{ATTEMPT}");
    let begun = [
        Event::RunClaimed { fence: ports.writer.epoch },
        Event::AttemptStarted { step: OUTSIDE.to_owned(), attempt: ATTEMPT, key },
    ];
    for event in begun {
        fresh.state.apply(now, &event);
        batch.writes[0].drafts.push(ports.ids().draft(now, event));
    }
    batch.views = live(fresh.run, &fresh.state).map(ViewChange::RunLive).into_iter().collect();
    Ok(Ok((fresh, batch)))
}

/// Adds to `batch` that it ended so, right after its begin: for what is only told of when it is over.
pub fn ended_too(ports: &Ports, fresh: &mut Fresh, batch: &mut Batch, acted: Acted) {
    let now = ports.clock.now();
    let event = Event::AttemptEnded { step: OUTSIDE.to_owned(), attempt: ATTEMPT, acted };
    fresh.state.apply(now, &event);
    batch.writes[0].drafts.push(ports.ids().draft(now, event));
    batch.views = live(fresh.run, &fresh.state).map(ViewChange::RunLive).into_iter().collect();
}

/// The entry of its end; whoever drives the run goes on from there.
pub fn end(ports: &Ports, run: RunId, acted: Acted, actor: ActorId, via: Via) -> Batch {
    let mut batch = Batch::by(actor, via);
    let event = Event::AttemptEnded { step: OUTSIDE.to_owned(), attempt: ATTEMPT, acted };
    batch.writes.push(ports.ids().write(Stream::run(run), None, ports.clock.now(), [event]));
    batch
}

/// Whether a run of this state still waits for a word from outside.
pub fn is_open(state: &State) -> bool {
    state.ended.is_none() && state.running().any(|(step, _)| step == OUTSIDE)
}
