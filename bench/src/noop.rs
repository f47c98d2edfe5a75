//! Durable runs of one `noop` step per second, one at a time and many in flight, next to the raw commit rate.
//!
//! A run is requested, driven to its end and waited for. Engine and limit take turns on the same disk, each round
//! as many commits as the other made, and the order changes from round to round.

use std::{
    path::Path,
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::{
    Ask,
    engine::{self, Engine, Scratch},
    figure::{Samples, machine, ratios, round},
    peer,
    raw::Raw,
};

const OPS: &str = "process: noop\nsteps:\n  - id: nothing\n    noop: true\n";
/// What `noop-one` is to reach of the raw commit rate.
const TARGET: f64 = 0.6;
/// Runs of one round, one at a time.
const RUNS: usize = 100;
/// Commits after which a plain write-ahead log is begun anew.
const LOG_COMMITS: usize = 1_200;
/// Runs in flight, and of one round, for `noop-many`.
const IN_FLIGHT: usize = 256;
const RUNS_MANY: usize = 4_096;
/// What `noop-many` is to reach of the limit, and how many times the peer.
const TARGET_MANY: f64 = 0.2;
const TARGET_PEER: f64 = 100.0;
/// The peer: a library that keeps durable workflows in SQLite. Workflows of one round.
const PEER: &str = "dbos==3.4.0";
const PEER_RUNS: usize = 60;
/// Longest time of one round.
const ROUND_MOST: Duration = Duration::from_secs(120);

fn open(folder: &Path) -> Result<Engine, String> {
    Engine::open(folder, engine::load(folder, OPS)?)
}

/// `noop-one`.
pub fn one(ask: &Ask) -> Result<Value, String> {
    let scratch = Scratch::new(ask)?;
    let folder = scratch.0.clone();
    let rounds = ask.rounds.unwrap_or(if ask.quick { 9 } else { 41 });
    let (runs, limit, per_run) = engine::carry_out(async move {
        let engine = open(&folder)?;
        let raw = Raw::open(&folder.join("raw.db"))?;
        // Warm both, and learn how many commits a run is.
        let commits = sequence(&engine, RUNS).await?.1;
        let per_run = commits as f64 / RUNS as f64;
        // Both logs have been round once: from then on they are overwritten and no longer grow.
        raw.commits(LOG_COMMITS)?;
        sequence(&engine, LOG_COMMITS / 4).await?;
        let (mut runs, mut limit) = (Samples::default(), Samples::default());
        for turn in 0..rounds {
            let same = (per_run * RUNS as f64).round() as usize;
            if turn % 2 == 0 {
                runs.0.push(sequence(&engine, RUNS).await?.0);
                limit.0.push(raw.commits(same)? / per_run);
            } else {
                limit.0.push(raw.commits(same)? / per_run);
                runs.0.push(sequence(&engine, RUNS).await?.0);
            }
        }
        engine.close();
        Ok::<_, String>((runs, limit, per_run))
    })?;
    let ratio = ratios(&runs, &limit);
    Ok(json!({
        "figure": "noop-one", "value": round(runs.median()), "unit": "runs/s",
        "limit": "raw commits/s of the same disk, divided by the commits of a run", "limit_value": round(limit.median()),
        "ratio": round(ratio.median()), "target": TARGET, "met": ratio.median() >= TARGET,
        "commits_per_run": round(per_run), "runs": runs.few(), "limits": limit.few(), "ratios": ratio.few(),
        "machine": machine(&scratch.0),
    }))
}

/// Runs one after the other; runs per second and commits made.
async fn sequence(engine: &Engine, count: usize) -> Result<(f64, u64), String> {
    let before = engine.tally.appends.load(Ordering::Relaxed);
    let began = Instant::now();
    for _ in 0..count {
        engine.ask("noop").await?;
        engine.runs.drained().await;
    }
    let rate = count as f64 / began.elapsed().as_secs_f64();
    Ok((rate, engine.tally.appends.load(Ordering::Relaxed) - before))
}

/// `noop-many`.
pub fn many(ask: &Ask) -> Result<Value, String> {
    let scratch = Scratch::new(ask)?;
    let folder = scratch.0.clone();
    let rounds = ask.rounds.unwrap_or(if ask.quick { 3 } else { 11 });
    let (runs, limit, peer, per_run) = engine::carry_out(async move {
        let engine = open(&folder)?;
        let per_run = crowd(&engine, RUNS_MANY / 4).await?.1;
        let raw = || Raw::open(&folder.join("raw.db"));
        let (mut runs, mut limit, mut peer) = (Samples::default(), Samples::default(), Ok(Samples::default()));
        for turn in 0..rounds {
            let same = (per_run * RUNS_MANY as f64).round() as usize;
            if turn % 2 == 0 {
                runs.0.push(crowd(&engine, RUNS_MANY).await?.0);
                limit.0.push(raw()?.shared(same, IN_FLIGHT).await? / per_run);
            } else {
                limit.0.push(raw()?.shared(same, IN_FLIGHT).await? / per_run);
                runs.0.push(crowd(&engine, RUNS_MANY).await?.0);
            }
            peer = peer.and_then(|all| one_of_the_peer(&folder, all));
        }
        engine.close();
        Ok::<_, String>((runs, limit, peer, per_run))
    })?;
    let ratio = ratios(&runs, &limit);
    let times = peer.as_ref().ok().map(|peer| ratios(&runs, peer).median());
    let met = ratio.median() >= TARGET_MANY && times.is_some_and(|times| times >= TARGET_PEER);
    Ok(json!({
        "figure": "noop-many", "value": round(runs.median()), "unit": "runs/s", "in_flight": IN_FLIGHT,
        "limit": "plain inserts/s that share commits in the same way, divided by the entries of a run",
        "limit_value": round(limit.median()), "ratio": round(ratio.median()), "entries_per_run": round(per_run),
        "target": TARGET_MANY, "met": met, "peer": PEER, "peer_target": TARGET_PEER,
        "peer_ratio": times.map(round), "peers": peer.map_or_else(Value::String, |peer| peer.few()),
        "runs": runs.few(), "limits": limit.few(), "ratios": ratio.few(), "machine": machine(&scratch.0),
    }))
}

/// One round of the peer beside those before it. Without the peer: why.
fn one_of_the_peer(folder: &Path, mut all: Samples) -> Result<Samples, String> {
    let (place, count) = (folder.display().to_string(), PEER_RUNS.to_string());
    let said = peer::python(&[PEER], include_str!("noop_peer.py"), &[&place, &count])?;
    all.0.push(said["rate"].as_f64().ok_or_else(|| format!("the peer said no rate but {said}"))?);
    Ok(all)
}

/// Keeps [`IN_FLIGHT`] runs in flight until `count` have ended; runs per second and entries of each.
async fn crowd(engine: &Engine, count: usize) -> Result<(f64, f64), String> {
    let (ended, entries) = (engine.tally.ended.load(Ordering::Acquire), engine.tally.entries.load(Ordering::Relaxed));
    engine.tally.free.forget_permits(usize::MAX);
    engine.tally.free.add_permits(IN_FLIGHT);
    let began = Instant::now();
    let mut asked = tokio::task::JoinSet::new();
    for _ in 0..count {
        let permit = engine.tally.free.acquire().await.map_err(|e| e.to_string())?;
        // The run's end gives it back.
        permit.forget();
        let desk = engine.desk.clone();
        asked.spawn(async move { engine::ask(&desk, "noop").await.map(drop) });
    }
    while let Some(done) = asked.join_next().await {
        done.map_err(|e| e.to_string())??;
    }
    engine.ended(ended + count as u64, ROUND_MOST).await?;
    let rate = count as f64 / began.elapsed().as_secs_f64();
    let entries = engine.tally.entries.load(Ordering::Relaxed) - entries;
    Ok((rate, entries as f64 / count as f64))
}
