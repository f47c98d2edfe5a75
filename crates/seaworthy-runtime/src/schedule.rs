//! The schedule loop: turns due occurrences into runs, and records every one that does not become a run.
//!
//! One batch per process and activation; the unique occurrence keeps two nodes from starting it twice.
//! This module must not decide what is due (core does) nor drive a run.

mod agenda;

use std::{collections::BTreeMap, sync::Arc};

use seaworthy_core::schedule::{Act, Decision, Holds, Timetable, decide, utc};
use seaworthy_model::{
    entry::{Stream, Via},
    event::{Event, SkipReason},
    id::RunId,
    port::{Batch, StoreError},
    process::Process,
    run::{Cause, Kind},
    schedule::SetBack,
    site::Pinned,
    time::{At, Span},
    view::{LiveRun, ScheduleRow, SkippedRow, ViewChange},
};
use tokio::task::JoinSet;
use tracing::{error, warn};

pub use agenda::Agenda;

use crate::{
    ports::{Ports, Stop},
    requests::{Desk, Fresh, request},
    writing::takes_entries_again,
};

/// Longest sleep: a stepped wall clock is noticed at the latest then.
const SLEEP_MAX: Span = Span::seconds(2);

/// Runs until stopping is asked for.
pub async fn run(desk: Desk, stop: Stop) {
    let nudge = desk.ports.nudges.schedule.clone();
    let mut agenda = Agenda::default();
    let mut trouble_since = None;
    while !stop.is_asked() {
        let mut activated = activate(&desk, &mut agenda).await;
        if let (Ok(_), Some(since)) = (&activated, trouble_since) {
            match takes_entries_again(&desk.ports, since).await {
                Ok(()) => trouble_since = None,
                Err(trouble) => activated = Err(trouble),
            }
        }
        let next = match activated {
            Ok(next) => next,
            Err(trouble) => {
                error!("schedules could not be looked at: {trouble}");
                if matches!(trouble, StoreError::Full { .. }) {
                    trouble_since.get_or_insert(desk.ports.clock.now());
                }
                None
            }
        };
        let now = desk.ports.clock.now();
        let sleep = next.map_or(SLEEP_MAX, |at| at.since(now)).min(SLEEP_MAX);
        tokio::select! {
            biased;
            () = stop.asked() => {}
            () = nudge.notified() => {}
            () = desk.ports.clock.sleep(sleep) => {}
        }
    }
}

/// Looks at every schedule that may have something due; returns when the next occurrence is due.
///
/// # Errors
/// When the journal cannot be read or written.
pub async fn activate(desk: &Desk, agenda: &mut Agenda) -> Result<Option<At>, StoreError> {
    let loaded = desk.ports.definitions.current();
    let now = desk.ports.clock.now();
    // A pause is written into the rows that are read and written here.
    let _rows = desk.runs.rows.read().await;
    let due = agenda.due(&loaded, now);
    if due.is_empty() {
        return Ok(agenda.next());
    }
    let mut live: BTreeMap<String, Vec<LiveRun>> = BTreeMap::new();
    for row in desk.ports.views.live_runs().await? {
        if row.kind == Kind::Run {
            live.entry(row.process.clone()).or_default().push(row);
        }
    }
    let mut looks = JoinSet::new();
    for pinned in due {
        let (desk, live) = (desk.clone(), live.remove(&pinned.process.name).unwrap_or_default());
        looks.spawn(async move { (pinned.clone(), one(&desk, pinned, live).await) });
    }
    // All of them come to their end before trouble is told: one that is dropped between its append and the start of
    // its run would leave a run that nobody drives.
    let mut first = None;
    while let Some(done) = looks.join_next().await {
        match done {
            Ok((pinned, Ok((next, queued)))) => agenda.looked(&pinned, next, queued),
            Ok((pinned, Err(StoreError::Conflict { .. } | StoreError::Duplicate { .. }))) => agenda.failed(&pinned),
            Ok((pinned, Err(other))) => {
                agenda.failed(&pinned);
                first.get_or_insert(other);
            }
            Err(panic) => error!("a schedule could not be looked at: {panic}"),
        }
    }
    first.map_or_else(|| Ok(agenda.next()), Err)
}

async fn one(desk: &Desk, pinned: Arc<Pinned>, live: Vec<LiveRun>) -> Result<(Option<At>, bool), StoreError> {
    let ports = &desk.ports;
    let now = ports.clock.now();
    let Some(row) = in_force(ports, &pinned, now).await? else { return Ok((None, false)) };
    let Some((schedule, timetable)) = timetable(&pinned.process) else { return Ok((None, false)) };
    let count = u32::try_from(live.len()).unwrap_or(u32::MAX);
    let loaded = ports.definitions.current();
    let holds = Holds::of(schedule, &loaded.site.blackouts, row.pause.as_ref());
    let decision = decide(schedule, &timetable, &row, holds, count, now);
    let why = |nominal| holds.on(&timetable, nominal).or_else(|| holds.at(now)).map_or(String::new(), |(_, why)| why);
    let mut gone: Vec<At> = Vec::new();
    loop {
        let mut plan = Plan::of(ports, &pinned, &row, &decision, &why, &gone).await?;
        let waiting = !plan.row.queued.is_empty();
        // A quiet advance of the cursor is not worth a write: the row is written with the next act.
        if plan.batch.views.is_empty() {
            return Ok((decision.next, waiting));
        }
        // With the occurrence that waits for it: a power cut between both would leave it waiting for a run that nobody stops.
        let replaced: Vec<RunId> = live.iter().filter(|_| plan.replaces).map(|row| row.run).collect();
        for run in &replaced {
            let event = Event::CancelRequested { reason: "replaced by the next occurrence".into() };
            plan.batch.writes.push(ports.ids().write(Stream::run(*run), None, now, [event]));
        }
        match ports.journal.append(plan.batch).await {
            // Another node, or this one before the clock was set back, has it already.
            Err(StoreError::Duplicate { nominal, .. }) if !gone.contains(&nominal) => gone.push(nominal),
            Err(other) => return Err(other),
            Ok(_) => {
                replaced.into_iter().for_each(|run| desk.runs.nudge(run));
                for fresh in plan.started {
                    desk.runs.begin(fresh);
                }
                return Ok((decision.next, waiting));
            }
        }
    }
}

/// What one activation of one schedule writes.
struct Plan {
    batch: Batch,
    events: Vec<Event>,
    row: ScheduleRow,
    started: Vec<Fresh>,
    replaces: bool,
}

impl Plan {
    /// Turns a decision into entries; starts of `gone` nominal times are left out.
    async fn of(
        ports: &Ports,
        pinned: &Pinned,
        row: &ScheduleRow,
        decision: &Decision,
        why: &(dyn Fn(At) -> String + Sync),
        gone: &[At],
    ) -> Result<Plan, StoreError> {
        let batch = Batch::by(ports.actor, Via::Node);
        let cursor = decision.cursor;
        let next = ScheduleRow { cursor, ..row.clone() };
        let mut plan = Plan { batch, events: vec![], row: next, started: vec![], replaces: false };
        for act in &decision.acts {
            match act {
                Act::Start { nominal } if gone.contains(nominal) => plan.row.queued.retain(|q| q != nominal),
                Act::Start { nominal } => plan.start(ports, pinned, *nominal).await?,
                Act::Replace { nominal } | Act::Queue { nominal } => {
                    plan.replaces |= matches!(act, Act::Replace { .. });
                    plan.row.queued.push(*nominal);
                    plan.events.push(Event::OccurrenceQueued { nominal: *nominal });
                }
                Act::Skip { nominal, reason } => {
                    plan.row.queued.retain(|q| q != nominal);
                    let held = matches!(reason, SkipReason::Calendar | SkipReason::Blackout | SkipReason::Paused);
                    let detail = if held { why(*nominal) } else { String::new() };
                    let event = Event::OccurrenceSkipped { nominal: *nominal, reason: *reason, detail: detail.clone() };
                    plan.events.push(event);
                    plan.skipped(&pinned.process.name, *nominal, *reason, detail, 1);
                }
                Act::SkipMany { count, first, last, reason } => {
                    let event =
                        Event::OccurrencesSkipped { count: *count, first: *first, last: *last, reason: *reason };
                    plan.events.push(event);
                    plan.skipped(&pinned.process.name, *last, *reason, String::new(), *count);
                }
            }
        }
        // After the clock was set back the old cursor would hold everything up until its time comes again.
        let back = cursor < row.cursor;
        if back {
            warn!("the clock was set back by {}; `{}` is planned anew", row.cursor.since(cursor), row.process);
            plan.row.since = row.since.min(cursor);
            plan.events.insert(0, Event::ClockSetBack(SetBack { from: row.cursor, to: cursor }));
            let detail = format!("it was planned up to {}, which lies ahead; planned anew", utc(row.cursor));
            plan.skipped(&pinned.process.name, cursor, SkipReason::ClockStep, detail, 0);
        }
        if !plan.events.is_empty() {
            let events = std::mem::take(&mut plan.events);
            let write = ports.ids().write(Stream::schedule(&pinned.process.name), None, ports.clock.now(), events);
            plan.batch.writes.push(write);
        }
        if !plan.batch.writes.is_empty() || !gone.is_empty() {
            plan.batch.views.push(ViewChange::Schedule(plan.row.clone()));
        }
        Ok(plan)
    }

    async fn start(&mut self, ports: &Ports, pinned: &Pinned, nominal: At) -> Result<(), StoreError> {
        let cause = Cause::Schedule { nominal };
        match request(ports, pinned, Kind::Run, cause, ports.actor, Via::Node).await? {
            Ok((fresh, batch)) => {
                self.batch.writes.extend(batch.writes);
                self.batch.views.extend(batch.views);
                self.batch.occurrences.push((pinned.process.name.clone(), nominal));
                self.events.push(Event::OccurrenceDue { nominal, run: fresh.run });
                self.started.push(fresh);
            }
            Err(reason) => warn!("`{}` was due and could not be requested: {reason}", pinned.process.name),
        }
        self.row.queued.retain(|q| *q != nominal);
        Ok(())
    }

    fn skipped(&mut self, process: &str, nominal: At, reason: SkipReason, detail: String, count: u64) {
        let row = SkippedRow { process: process.to_owned(), nominal, reason, detail, count, trigger: String::new() };
        self.batch.views.push(ViewChange::Skipped(row));
    }
}

/// A definition's schedule, ready to be asked. Spec has checked it; a definition of an older program may still fail.
fn timetable(process: &Process) -> Option<(&seaworthy_model::process::Schedule, Timetable)> {
    let schedule = process.fires()?;
    match Timetable::parse(schedule) {
        Ok(timetable) => Some((schedule, timetable)),
        Err(problem) => {
            error!("the schedule of `{}` cannot be used: {}", process.name, problem.message);
            None
        }
    }
}

/// The row of a schedule, after making the present definition the one in force. A changed schedule never invents
/// history: what was due until now is judged by the definition that was in force then.
/// `None`: there is no schedule, and never was one.
async fn in_force(ports: &Ports, pinned: &Pinned, now: At) -> Result<Option<ScheduleRow>, StoreError> {
    let name = &pinned.process.name;
    let row = ports.views.schedule(name).await?;
    if let Some(row) = &row
        && row.digest == pinned.digest
    {
        return Ok(Some(row.clone()));
    }
    if row.is_none() && pinned.process.fires().is_none() {
        return Ok(None);
    }
    let mut events = Vec::new();
    let mut batch = Batch::by(ports.actor, Via::Node);
    let (mut since, mut cursor) = (now, now);
    let (mut queued, mut pause) = (Vec::new(), None);
    if let Some(row) = row {
        let before = crate::reload::recorded(ports, name, &row.digest).await?;
        if before.as_ref().is_some_and(|b| b.fires() == pinned.process.fires()) {
            // Another word of the file was changed: what is missing is missing still.
            (since, cursor) = (row.since, row.cursor);
        } else if let Some(before) = &before {
            // The queue goes on under the new schedule.
            missed_until(ports, now, before, &row, &mut events, &mut batch);
        }
        (queued, pause) = (row.queued, row.pause);
        if pinned.process.fires().is_none() {
            unqueue(name, std::mem::take(&mut queued), &mut events, &mut batch);
        }
    }
    events.push(Event::ScheduleSet { digest: pinned.digest.clone(), since: cursor });
    batch.writes.push(ports.ids().write(Stream::schedule(name), None, now, events));
    let row = ScheduleRow { process: name.clone(), digest: pinned.digest.clone(), since, cursor, queued, pause };
    batch.views.push(ViewChange::Schedule(row.clone()));
    ports.journal.append(batch).await?;
    Ok(Some(row))
}

/// A process is gone: what was due until now was missed, and the time until it comes back, if it does, is nobody's
/// downtime.
///
/// # Errors
/// When the journal cannot be read.
pub async fn forget(ports: &Ports, name: &str, batch: &mut Batch) -> Result<(), StoreError> {
    let Some(row) = ports.views.schedule(name).await? else { return Ok(()) };
    let (now, mut events) = (ports.clock.now(), Vec::new());
    if let Some(before) = crate::reload::recorded(ports, name, &row.digest).await? {
        missed_until(ports, now, &before, &row, &mut events, batch);
    }
    unqueue(name, row.queued.clone(), &mut events, batch);
    if !events.is_empty() {
        batch.writes.push(ports.ids().write(Stream::schedule(name), None, now, events));
    }
    let row = ScheduleRow { digest: String::new(), since: now, cursor: now, queued: vec![], ..row };
    batch.views.push(ViewChange::Schedule(row));
    Ok(())
}

/// What was due under a schedule until it ceased to be in force, and was not decided on by then.
fn missed_until(
    ports: &Ports,
    now: At,
    before: &Process,
    row: &ScheduleRow,
    events: &mut Vec<Event>,
    batch: &mut Batch,
) {
    let Some((schedule, timetable)) = timetable(before) else { return };
    let unqueued = ScheduleRow { queued: vec![], ..row.clone() };
    let loaded = ports.definitions.current();
    let holds = Holds::of(schedule, &loaded.site.blackouts, row.pause.as_ref());
    for act in decide(schedule, &timetable, &unqueued, holds, 0, now).acts {
        record_missed(&before.name, &act, events, batch);
    }
}

/// What waits for the end of a run when there is no schedule any more never becomes a run.
fn unqueue(process: &str, queued: Vec<At>, events: &mut Vec<Event>, batch: &mut Batch) {
    for nominal in queued {
        record_missed(process, &Act::Skip { nominal, reason: SkipReason::Overlap }, events, batch);
    }
}

/// Under a schedule that is no longer in force nothing is started any more; what was due is recorded as skipped.
fn record_missed(process: &str, act: &Act, events: &mut Vec<Event>, batch: &mut Batch) {
    let (nominal, reason, count) = match act {
        Act::Start { nominal } | Act::Queue { nominal } | Act::Replace { nominal } => {
            (*nominal, SkipReason::Downtime, 1)
        }
        Act::Skip { nominal, reason } => (*nominal, *reason, 1),
        Act::SkipMany { count, last, reason, .. } => (*last, *reason, *count),
    };
    events.push(match act {
        Act::SkipMany { count, first, last, reason } => {
            Event::OccurrencesSkipped { count: *count, first: *first, last: *last, reason: *reason }
        }
        _ => Event::OccurrenceSkipped { nominal, reason, detail: String::new() },
    });
    let row = SkippedRow {
        process: process.to_owned(),
        nominal,
        reason,
        detail: String::new(),
        count,
        trigger: String::new(),
    };
    batch.views.push(ViewChange::Skipped(row));
}
