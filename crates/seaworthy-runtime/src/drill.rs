//! The drill loop: requests restore drills that are due.
//!
//! A drill is due `every` after the last verified one, at once when there was none and something verified is
//! there to restore, and a day at most after one that failed. This module must not carry drills out.

use seaworthy_model::{
    entry::Via,
    port::StoreError,
    process::RestoreDrill,
    run::{Cause, Kind},
    time::{At, Span},
    view::ProcessView,
};
use tracing::error;

use crate::{
    ports::Stop,
    requests::{Desk, request},
};

/// Longest sleep between looks; runs that end nudge.
const SLEEP_MAX: Span = Span::seconds(30);
/// What is dated later than this from now was dated by a clock that was ahead.
const AHEAD: Span = Span::seconds(60);
/// A failed drill is tried again after this, or after `every` if that is shorter.
const AGAIN_AFTER_FAILURE: Span = Span::seconds(24 * 3600);

/// Runs until stopping is asked for.
pub async fn run(desk: Desk, stop: Stop) {
    let nudge = desk.ports.nudges.drill.clone();
    while !stop.is_asked() {
        if let Err(trouble) = activate(&desk).await {
            error!("drills could not be looked at: {trouble}");
        }
        tokio::select! {
            biased;
            () = stop.asked() => {}
            () = nudge.notified() => {}
            () = desk.ports.clock.sleep(SLEEP_MAX) => {}
        }
    }
}

/// When the next drill of a process is due; `None`: nothing verified to restore yet, or no schedule for it.
/// A drill that a clock that was ahead has dated proves nothing of its age: the next is due now.
pub fn due(drill: &RestoreDrill, view: &ProcessView, now: At) -> Option<At> {
    let every = drill.every?;
    let first = view.last_verified.as_ref()?;
    if view.drills.first().unwrap_or(first).ended_at > now + AHEAD {
        return Some(now);
    }
    let Some(last) = view.drills.first() else { return Some(first.ended_at) };
    match &view.last_verified_drill {
        Some(good) if good.run == last.run => Some(last.requested_at + every),
        _ => Some(last.ended_at + every.min(AGAIN_AFTER_FAILURE)),
    }
}

/// Looks at every process once.
///
/// # Errors
/// When the journal cannot be read or written.
pub async fn activate(desk: &Desk) -> Result<(), StoreError> {
    let ports = &desk.ports;
    let loaded = ports.definitions.current();
    let live = ports.views.live_runs().await?;
    for pinned in loaded.processes.values() {
        let name = &pinned.process.name;
        let Some(drill) = pinned.process.drill.as_ref().and_then(|d| d.restore.as_ref()) else { continue };
        if drill.every.is_none() || live.iter().any(|row| row.kind == Kind::Drill && row.process == *name) {
            continue;
        }
        let view = ports.views.process(name).await?;
        let now = ports.clock.now();
        if due(drill, &view, now).is_none_or(|at| at > now) {
            continue;
        }
        if let Ok((fresh, batch)) = request(ports, pinned, Kind::Drill, Cause::Due, ports.actor, Via::Node).await? {
            ports.journal.append(batch).await?;
            desk.runs.begin(fresh);
        }
    }
    Ok(())
}
