//! The watcher's rules, one function each. A limit that is reached to the nanosecond still holds.
//!
//! Must not know signals, nor what was said before: each answer follows from the facts alone.

use seaworthy_model::{
    event::{SignalKind, SkipReason},
    id::RunId,
    run::{Cause, Kind, Verified},
    time::{At, Span},
};

use super::{Finding, MISSED_APART, MISSED_MAX, PAUSED_LONG, Sight, WatchFacts, artifact_to_look_at};
use crate::schedule::{Holds, Timetable, utc};

/// Most nominal times that something keeps from running and that are looked past at once.
const HELD_MAX: usize = 1_000;

/// The smallest step of time: right after a limit.
const TICK: Span = Span(1);

/// What is dated later than this from now was dated by a clock that was ahead.
const AHEAD_MAX: Span = Span::seconds(60);

/// A start from outside may be this much ahead of the nominal time that it is for: two clocks never agree.
const PINGED_AHEAD_MAX: Span = Span::seconds(60);
/// Nominal times that are looked through for the one that a start from outside was for.
const PINGED_NOMINALS_MAX: usize = 10_000;

/// A run that started, live or ended.
struct Started {
    run: RunId,
    at: At,
    /// Of its occurrence, if a schedule made it.
    nominal: Option<At>,
}

/// Runs (not drills) of the process that have started.
fn started(facts: &WatchFacts<'_>) -> Vec<Started> {
    let nominal = |cause: &Cause| match cause {
        Cause::Schedule { nominal } => Some(*nominal),
        Cause::Person
        | Cause::Due
        | Cause::Trigger { .. }
        | Cause::Step { .. }
        | Cause::Exec { .. }
        | Cause::Ping { .. } => None,
    };
    let live = facts.live.iter().filter(|run| run.kind == Kind::Run && run.process == facts.process.name);
    let live = live.filter_map(|run| Some((run.run, run.claimed_at?, nominal(&run.cause))));
    let ended = facts.ended.iter().filter(|run| run.kind == Kind::Run && run.process == facts.process.name);
    let ended = ended.filter_map(|run| Some((run.run, run.started_at?, nominal(&run.cause))));
    live.chain(ended).map(|(run, at, nominal)| Started { run, at, nominal }).collect()
}

/// `2026-03-29T01:00:00Z (2026-03-29 03:00 Europe/Berlin (+02:00))`
fn both(timetable: &Timetable, t: At) -> String {
    format!("{} ({})", utc(t), timetable.local(t))
}

/// Without a schedule there is no local time to give.
fn shown(facts: &WatchFacts<'_>, t: At) -> String {
    facts.timetable.map_or_else(|| utc(t), |timetable| both(timetable, t))
}

pub(super) fn missed(facts: &WatchFacts<'_>, timetable: &Timetable, within: Span) -> Vec<Sight> {
    let started = started(facts);
    // A start that a clock that was ahead has dated serves its own nominal time alone: nobody is silent until its date.
    let last_start = started.iter().map(|run| run.at).filter(|at| *at <= facts.now + AHEAD_MAX).max();
    let overlapped = |nominal: At| {
        let meant = |reason| {
            use SkipReason::{Blackout, Calendar, Overlap, Paused, QueueFull};
            matches!(reason, Overlap | QueueFull | Calendar | Blackout | Paused)
        };
        facts.skipped.iter().any(|row| row.nominal == nominal && meant(row.reason))
    };
    let holds = facts.process.schedule.as_ref().map(|own| Holds::of(own, facts.blackouts, facts.pause));
    let held = |nominal: At| holds.is_some_and(|holds| holds.on(timetable, nominal).is_some());
    let served = |nominal: At| started.iter().any(|run| run.nominal == Some(nominal));
    let mut sights = Vec::new();
    // A start serves every nominal time up to it.
    let mut after = last_start.map_or(facts.in_force_since, |start| {
        // What starts outside goes by a clock of its own, which may be ahead of ours.
        let ahead = if facts.process.pinged { slack(timetable, start) } else { Span::ZERO };
        (start + ahead).max(facts.in_force_since)
    });
    // Whoever recorded a skip was there, and recorded all that was due before: rows that were not given count too.
    if let Some(oldest) = facts.skipped.iter().map(|row| row.nominal).min() {
        after = after.max(oldest - TICK);
    }
    let mut held_so_far = 0;
    while sights.len() < MISSED_MAX {
        let Some(nominal) = timetable.next_after(after) else { break };
        after = nominal;
        // Each turn here uses up a row of the facts. A clock that was set may serve a nominal time before it comes.
        if overlapped(nominal) || served(nominal) {
            continue;
        }
        if held(nominal) {
            held_so_far += 1;
            if held_so_far < HELD_MAX {
                continue;
            }
            // Nothing is wrong up to here; what comes after it is looked at when it comes.
            sights.push(Sight::Then(nominal + within + TICK));
            break;
        }
        let limit = nominal + within;
        if facts.now <= limit {
            sights.push(Sight::Then(limit + TICK));
            break;
        }
        sights.push(Sight::Wrong(missed_at(facts, timetable, nominal, within, last_start)));
        after = nominal + MISSED_APART;
    }
    sights
}

fn missed_at(
    facts: &WatchFacts<'_>,
    timetable: &Timetable,
    nominal: At,
    within: Span,
    last_start: Option<At>,
) -> Finding {
    let name = &facts.process.name;
    let request = facts.live.iter().find(|run| run.cause == Cause::Schedule { nominal } && run.claimed_at.is_none());
    let skipped = facts.skipped.iter().find(|row| row.nominal == nominal);
    let why = match (request, skipped) {
        (Some(run), _) => format!("; {} was requested but no node took it", run.run),
        (None, Some(row)) => format!("; it was skipped: {}", row.reason.word()),
        (None, None) => String::new(),
    };
    let last =
        last_start.map_or("it never started".to_owned(), |at| format!("its last start was {}", both(timetable, at)));
    Finding {
        key: format!("missed/{name}/{}", utc(nominal)),
        kind: SignalKind::Missed,
        nominal: Some(nominal),
        run: request.map(|run| run.run),
        expected: format!("`{name}` starts within {within} of {}", both(timetable, nominal)),
        seen: format!("nothing had started by {}; {last}{why}", both(timetable, facts.now)),
    }
}

/// How far ahead of a nominal time a start from outside may be and still be the one for it.
fn slack(timetable: &Timetable, at: At) -> Span {
    PINGED_AHEAD_MAX.min(Span(timetable.period_after(at).0 / 2))
}

/// The nominal time that a start from outside was for: the newest one since the start before it.
fn served(timetable: &Timetable, before: At, at: At) -> Option<At> {
    let (mut after, mut found) = (before + slack(timetable, before), None);
    let until = at + slack(timetable, at);
    for _ in 0..PINGED_NOMINALS_MAX {
        match timetable.next_after(after).filter(|nominal| *nominal <= until) {
            Some(nominal) => (after, found) = (nominal, Some(nominal)),
            None => break,
        }
    }
    found
}

pub(super) fn late(facts: &WatchFacts<'_>, timetable: &Timetable, within: Span) -> Vec<Sight> {
    let name = &facts.process.name;
    let mut started = started(facts);
    started.retain(|run| run.at <= facts.now + AHEAD_MAX);
    started.sort_by_key(|run| run.at);
    let before = started.iter().rev().nth(1).map_or(facts.in_force_since, |run| run.at);
    let Some(run) = started.pop() else { return vec![] };
    let nominal = match facts.process.pinged {
        true => served(timetable, before.max(facts.in_force_since), run.at),
        false => run.nominal,
    };
    let Some(nominal) = nominal else { return vec![] };
    if run.at <= nominal + within || nominal <= facts.in_force_since {
        return vec![];
    }
    vec![Sight::Wrong(Finding {
        key: format!("late/{name}/{}", utc(nominal)),
        kind: SignalKind::Late,
        nominal: Some(nominal),
        run: Some(run.run),
        expected: format!("`{name}` starts within {within} of {}", both(timetable, nominal)),
        seen: format!("it started {} late, at {}", run.at.since(nominal), both(timetable, run.at)),
    })]
}

pub(super) fn long(facts: &WatchFacts<'_>, within: Span) -> Vec<Sight> {
    let name = &facts.process.name;
    let finding = |run: RunId, start: At, seen: String| {
        Sight::Wrong(Finding {
            key: format!("long/{name}/{run}"),
            kind: SignalKind::Long,
            nominal: None,
            run: Some(run),
            expected: format!("`{name}` finishes within {within} of its start at {}", shown(facts, start)),
            seen,
        })
    };
    let live = facts.live.iter().filter(|run| run.kind == Kind::Run && run.process == *name);
    let mut sights: Vec<Sight> = live
        .filter_map(|run| Some((run, run.claimed_at?)))
        .map(|(run, start)| {
            if facts.now <= start + within {
                return Sight::Then(start + within + TICK);
            }
            let so_far = facts.now.since(start);
            finding(run.run, start, format!("it is still running after {so_far}: {}", run.doing))
        })
        .collect();
    let ended = facts.ended.iter().filter(|run| run.kind == Kind::Run && run.process == *name);
    let last = ended.filter_map(|run| Some((run, run.started_at?))).next();
    if let Some((run, start)) = last.filter(|(run, start)| run.ended_at > *start + within) {
        let (took, end) = (run.ended_at.since(start), shown(facts, run.ended_at));
        sights.push(finding(run.run, start, format!("it ran for {took}, until {end}")));
    }
    sights
}

pub(super) fn paused_long(facts: &WatchFacts<'_>) -> Vec<Sight> {
    let name = &facts.process.name;
    let Some(pause) = facts.pause.filter(|pause| pause.holds(facts.now) && pause.extended > 0) else { return vec![] };
    let limit = pause.since + PAUSED_LONG;
    if facts.now <= limit {
        return vec![Sight::Then(limit + TICK)];
    }
    vec![Sight::Wrong(Finding {
        key: format!("paused/{name}/{}", utc(pause.since)),
        kind: SignalKind::PausedLong,
        nominal: None,
        run: None,
        expected: format!("a pause of `{name}` ends within {PAUSED_LONG}, or the process is changed"),
        seen: format!(
            "paused since {}, extended {} times, now until {}: {}",
            shown(facts, pause.since),
            pause.extended,
            shown(facts, pause.until),
            pause.reason
        ),
    })]
}

pub(super) fn drill_overdue(facts: &WatchFacts<'_>) -> Vec<Sight> {
    let name = &facts.process.name;
    let restore = facts.process.drill.as_ref().and_then(|drill| drill.restore.as_ref());
    let Some(every) = restore.and_then(|restore| restore.every) else { return vec![] };
    let verified = |kind, run: &seaworthy_model::view::EndedRun| {
        run.kind == kind && run.verified == Verified::Yes && run.process == *name
    };
    let newest = facts.ended.iter().find(|run| verified(Kind::Drill, run)).map(|run| run.ended_at);
    // One that a clock that was ahead has dated says nothing of its age.
    let last = newest.filter(|at| *at <= facts.now + AHEAD_MAX);
    let due = last.unwrap_or(facts.in_force_since) + every;
    if facts.now <= due {
        return vec![Sight::Then(due + TICK)];
    }
    let seen = match newest {
        Some(last) if last > facts.now + AHEAD_MAX => {
            format!("the last verified drill is dated in the future: {}", shown(facts, last))
        }
        Some(last) => format!("the last verified drill ended at {}", shown(facts, last)),
        None => format!("there was no verified drill since {}", shown(facts, facts.in_force_since)),
    };
    vec![Sight::Wrong(Finding {
        key: format!("drill/{name}"),
        kind: SignalKind::DrillOverdue,
        nominal: None,
        run: None,
        expected: format!("a restore of `{name}` is rehearsed every {every}; one was due at {}", shown(facts, due)),
        seen,
    })]
}

pub(super) fn artifact_gone(facts: &WatchFacts<'_>) -> Vec<Sight> {
    let name = &facts.process.name;
    let (Some(seen), Some((run, record))) = (&facts.artifact, artifact_to_look_at(facts.ended)) else { return vec![] };
    let seen = match seen {
        Err(reason) => reason.clone(),
        Ok(now) if now.bytes != record.bytes => format!("it has {} bytes", now.bytes),
        Ok(now) if now.sha256 != record.sha256 => {
            format!(
                "it has the same size but SHA-256 {}",
                now.sha256.as_deref().unwrap_or("of a folder, which has none")
            )
        }
        Ok(_) => return vec![],
    };
    let hash = record.sha256.as_ref().map_or(String::new(), |hash| format!(" and SHA-256 {hash}"));
    vec![Sight::Wrong(Finding {
        key: format!("artifact/{name}/{}", run.run),
        kind: SignalKind::ArtifactGone,
        nominal: None,
        run: Some(run.run),
        expected: format!(
            "`{}` of {}, verified at {}, is at {} with {} bytes{hash}",
            record.name,
            run.run,
            shown(facts, run.ended_at),
            record.place,
            record.bytes
        ),
        seen: format!("looked at {}: {seen}", shown(facts, facts.now)),
    })]
}
