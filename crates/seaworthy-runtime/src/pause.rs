//! Pauses: a person says that a process starts nothing by itself for a while, and that it does again.
//!
//! The end is part of the pause: nobody has to remember it. This module must not decide what a pause keeps from
//! running (core does).

use seaworthy_core::schedule::{PAUSE_MAX, utc};
use seaworthy_model::{
    entry::{Stream, Via},
    event::Event,
    id::ActorId,
    port::{Answer, Batch, StoreError},
    schedule::Pause,
    time::{At, Span},
    view::{ScheduleRow, ViewChange},
};

use crate::requests::{Desk, unknown};

/// Longest reason of a pause, in characters.
const REASON_CHARS_MAX: usize = 500;

/// Pauses a process, or gives its pause another end.
pub(crate) async fn pause(
    desk: &Desk,
    name: &str,
    until: At,
    reason: &str,
    (actor, via): (ActorId, Via),
) -> Result<Answer, StoreError> {
    let (ports, reason) = (&desk.ports, reason.trim());
    let loaded = ports.definitions.current();
    if !loaded.processes.contains_key(name) {
        return Ok(Answer::Refused { reason: unknown(name, &loaded) });
    }
    let now = ports.clock.now();
    if let Some(wrong) = wrong(until, reason, now) {
        return Ok(Answer::Refused { reason: wrong });
    }
    let _rows = desk.runs.rows.write().await;
    let row = ports.views.schedule(name).await?;
    let before = row.as_ref().and_then(|row| row.pause.as_ref()).filter(|pause| pause.holds(now));
    let pause = Pause {
        since: before.map_or(now, |pause| pause.since),
        until,
        reason: reason.to_owned(),
        extended: before.map_or(0, |pause| pause.extended + 1),
    };
    let event = Event::ProcessPaused { until, reason: reason.to_owned(), extends: before.is_some() };
    write(desk, name, row, pause, event, (actor, via)).await?;
    Ok(Answer::Done { detail: format!("`{name}` is paused until {}: {reason}", utc(until)) })
}

fn wrong(until: At, reason: &str, now: At) -> Option<String> {
    if reason.is_empty() || reason.chars().count() > REASON_CHARS_MAX {
        return Some(format!("a pause needs a reason of at most {REASON_CHARS_MAX} characters, for those who find it"));
    }
    if until <= now {
        return Some(format!("{} is over already; a pause ends in the future", utc(until)));
    }
    // A moment passes between asking and being asked.
    (until > now + PAUSE_MAX + Span::seconds(1)).then(|| {
        format!("a pause lasts at most {PAUSE_MAX}; extend it when its end comes near, so that somebody looks")
    })
}

/// Ends a pause before its time.
pub(crate) async fn resume(
    desk: &Desk,
    name: &str,
    reason: &str,
    (actor, via): (ActorId, Via),
) -> Result<Answer, StoreError> {
    let ports = &desk.ports;
    let now = ports.clock.now();
    let _rows = desk.runs.rows.write().await;
    let row = ports.views.schedule(name).await?;
    let Some(pause) = row.as_ref().and_then(|row| row.pause.clone()).filter(|pause| pause.holds(now)) else {
        let loaded = ports.definitions.current();
        let known = loaded.processes.contains_key(name);
        let reason = if known { format!("`{name}` is not paused") } else { unknown(name, &loaded) };
        return Ok(Answer::Refused { reason });
    };
    let event = Event::ProcessResumed { reason: reason.trim().chars().take(REASON_CHARS_MAX).collect() };
    write(desk, name, row, Pause { until: now, ..pause }, event, (actor, via)).await?;
    Ok(Answer::Done { detail: format!("`{name}` is not paused any more") })
}

async fn write(
    desk: &Desk,
    name: &str,
    row: Option<ScheduleRow>,
    pause: Pause,
    event: Event,
    (actor, via): (ActorId, Via),
) -> Result<(), StoreError> {
    let (ports, now) = (&desk.ports, desk.ports.clock.now());
    let row = row.unwrap_or_else(|| ScheduleRow {
        process: name.to_owned(),
        digest: String::new(),
        since: now,
        cursor: now,
        queued: vec![],
        pause: None,
    });
    let mut batch = Batch::by(actor, via);
    batch.writes.push(ports.ids().write(Stream::process(name), None, now, [event]));
    batch.views.push(ViewChange::Schedule(ScheduleRow { pause: Some(pause), ..row }));
    ports.journal.append(batch).await?;
    ports.nudges.all();
    Ok(())
}
