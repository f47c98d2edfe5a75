//! Start lateness when 1,000 processes are due at the same second, next to a loop that starts the same commands.
//!
//! The schedule loop, the run loop and the provider are the real ones. Lateness is from the nominal time to the
//! command's first instruction; the plain loop has as many starters as the engine lets act at the same time.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use seaworthy_model::{
    port::Clock as _,
    process::{Missed, Overlap, Schedule, When},
    site::Loaded,
    time::{At, Span},
    view::RunQuery,
};
use seaworthy_runtime::{Stop, run::ACTING_MAX, schedule};
use serde_json::{Value, json};

use crate::{
    Ask,
    engine::{self, Engine, Scratch, System},
    exec::{below, ops},
    figure::{Samples, machine, round},
    raw, stamp,
};

/// Processes that are due together.
const PROCESSES: usize = 1_000;
/// Time to set the schedules before they are due.
const AHEAD: Span = Span::seconds(15);
/// Longest time until all have ended.
const BURST_MOST: Duration = Duration::from_secs(300);

/// `burst`.
pub fn burst(ask: &Ask) -> Result<Value, String> {
    let scratch = Scratch::new(ask)?;
    let rounds = ask.rounds.unwrap_or(if ask.quick { 1 } else { 3 });
    let (mut late, mut plain) = (Samples::default(), Samples::default());
    let mut each = Vec::new();
    for round in 0..rounds {
        let stamps = below(&scratch, &format!("stamps-{round}"))?;
        let (ours, theirs) = (engine_round(&scratch, &stamps, round)?, plain_round(&stamps)?);
        each.push(json!({ "engine_ms": ours.many(), "plain_ms": theirs.many() }));
        late.0.extend(ours.0);
        plain.0.extend(theirs.0);
    }
    Ok(json!({
        "figure": "burst", "value": round(late.at(0.99)), "unit": "ms late at p99", "processes": PROCESSES,
        "limit": "a plain loop with as many starters", "starters": ACTING_MAX, "limit_value": round(plain.at(0.99)),
        "ratio": round(late.at(0.99) / plain.at(0.99)), "engine_ms": late.many(), "plain_ms": plain.many(),
        "rounds": each, "machine": machine(&scratch.0),
    }))
}

fn engine_round(scratch: &Scratch, stamps: &Path, round: usize) -> Result<Samples, String> {
    let data = below(scratch, &format!("data-{round}"))?;
    let mut loaded = engine::load(&scratch.0, &ops(stamps, PROCESSES)?)?;
    let nominal = System.now() + AHEAD;
    due_at(&mut loaded, nominal);
    let stamps = stamps.to_path_buf();
    engine::carry_out(async move {
        let engine = Engine::open(&data, loaded)?;
        let stop = Stop::default();
        let schedules = tokio::spawn(schedule::run(engine.desk.clone(), stop.clone()));
        engine.ended(PROCESSES as u64, BURST_MOST).await?;
        stop.now();
        schedules.await.map_err(|e| e.to_string())?;
        let query = RunQuery { limit: PROCESSES, ..RunQuery::default() };
        let runs = engine.ports.views.ended_runs(query).await.map_err(engine::said)?;
        let mut late = Samples::default();
        for run in runs {
            let at = stamp::read(&stamps, &run.run.to_string())?;
            late.0.push(At(at).since(nominal).0 as f64 / 1e6);
        }
        engine.close();
        match late.0.len() {
            PROCESSES => Ok(late),
            other => Err(format!("{other} of {PROCESSES} processes ran")),
        }
    })
}

/// Gives every process a schedule that is due at `nominal` and not again while we look.
fn due_at(loaded: &mut Loaded, nominal: At) {
    for pinned in loaded.processes.values_mut() {
        let when = When::Every { span: Span::seconds(24 * 3600), anchor: nominal };
        let (missed, overlap) = (Missed::Latest, Overlap::Forbid);
        let pinned = Arc::make_mut(pinned);
        pinned.process.schedule = Some(Schedule { missed, overlap, ..Schedule::new(when, "UTC") });
        pinned.digest = pinned.process.digest();
    }
}

/// All due now; as many threads as the engine has places for commands take them one by one.
fn plain_round(stamps: &Path) -> Result<Samples, String> {
    let next = AtomicUsize::new(0);
    let due = stamp::now();
    let starter = || {
        loop {
            let n = next.fetch_add(1, Ordering::Relaxed);
            if n >= PROCESSES {
                return Ok(());
            }
            raw::spawn(stamps, &format!("plain-{n}"))?;
        }
    };
    std::thread::scope(|scope| {
        let starters: Vec<_> = (0..ACTING_MAX).map(|_| scope.spawn(starter)).collect();
        let ended = starters.into_iter().map(|one| one.join().map_err(|_| "a starter ended in a panic".to_owned())?);
        ended.collect::<Result<(), String>>()
    })?;
    let late = (0..PROCESSES).map(|n| Ok((stamp::read(stamps, &format!("plain-{n}"))? - due) as f64 / 1e6));
    Ok(Samples(late.collect::<Result<_, String>>()?))
}
