//! How soon a server that was killed takes up, after its next start, the commands that went on without it.
//!
//! From exec of the server until the journal says of every run that the new server has claimed it. That nothing was
//! started twice is part of the figure.

use std::{
    fs,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use seaworthy_model::{
    entry::Stream,
    port::{Journal as _, Views as _},
    run::Kind,
    view::{EndedRun, LiveRun, RunQuery},
};
use seaworthy_store::sqlite::Sqlite;
use serde_json::{Value, json};

use crate::{
    Ask,
    engine::{Scratch, said},
    figure::{Samples, machine, round},
    served::Server,
};

/// Commands under way when the server is killed.
const COMMANDS: usize = 50;
/// The next server has this long, in milliseconds.
const TARGET_MS: f64 = 1_000.0;
/// Longest time that anything here may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// Between two looks at the journal.
const AGAIN: Duration = Duration::from_millis(2);

/// `adopt`.
pub fn adopt(ask: &Ask) -> Result<Value, String> {
    let scratch = Scratch::new(ask)?;
    let site = scratch.0.join("site");
    write(&site).map_err(|e| format!("the site cannot be written to {} ({e})", site.display()))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|e| e.to_string())?;
    let mut server = Server::start(&site)?;
    server.first("/healthz")?;
    for n in 0..COMMANDS {
        server.run(&site, &format!("long-{n:02}"))?;
    }
    let journal = site.join(".seaworthy/journal.db");
    let begun = |row: &LiveRun| row.doing.starts_with("step ");
    let before = until("all commands run", || runtime.block_on(live(&journal)), |rows| rows.iter().all(begun))?;
    let (mut took, mut ready) = (Samples::default(), Samples::default());
    let mut fence = before.iter().map(|row| row.fence).max().unwrap_or(0);
    for _ in 0..ask.rounds.unwrap_or(if ask.quick { 2 } else { 7 }) {
        server.kill()?;
        let began = Instant::now();
        server = Server::start(&site)?;
        let taken_up = |row: &LiveRun| row.fence > fence;
        let rows = until("all are taken up", || runtime.block_on(live(&journal)), |rows| rows.iter().all(taken_up))?;
        took.0.push(began.elapsed().as_secs_f64() * 1e3);
        fence = rows.iter().map(|row| row.fence).max().unwrap_or(fence);
        ready.0.push(server.first("/healthz")?.1);
    }
    fs::write(site.join("go"), "").map_err(|e| e.to_string())?;
    let all = until("all runs end", || runtime.block_on(ended(&journal)), |rows| rows.len() == COMMANDS)?;
    let attempts = runtime.block_on(attempts(&journal, &all))?;
    let whole = attempts == COMMANDS && all.iter().all(|row| row.executed.word() == "ok");
    server.stop()?;
    let value = took.median();
    Ok(json!({
        "figure": "adopt", "value": round(value), "unit": "ms until all are taken up", "commands": COMMANDS,
        "limit": null, "limit_value": null, "ratio": null, "target": TARGET_MS, "met": whole && value <= TARGET_MS,
        "attempts": attempts, "whole": whole, "taken_up_ms": took.few(), "healthz_ms": ready.few(),
        "machine": machine(&scratch.0),
    }))
}

/// Processes whose command goes on until it is let go.
fn write(site: &Path) -> std::io::Result<()> {
    fs::create_dir_all(site.join("ops"))?;
    fs::write(site.join("seaworthy.yaml"), "site: figures\n")?;
    let one =
        |n| format!("process: long-{n:02}\nsteps:\n  - id: work\n    run: while [ ! -e go ]; do sleep 0.5; done\n");
    fs::write(site.join("ops/long.yaml"), (0..COMMANDS).map(one).collect::<Vec<_>>().join("---\n"))
}

async fn live(journal: &Path) -> Result<Vec<LiveRun>, String> {
    let rows = open(journal)?.live_runs().await.map_err(said)?;
    Ok(rows.into_iter().filter(|row| row.kind == Kind::Run).collect())
}

async fn ended(journal: &Path) -> Result<Vec<EndedRun>, String> {
    let query = RunQuery { limit: COMMANDS, ..RunQuery::default() };
    open(journal)?.ended_runs(query).await.map_err(said)
}

/// How often something was started for these runs.
async fn attempts(journal: &Path, runs: &[EndedRun]) -> Result<usize, String> {
    let (store, mut count) = (open(journal)?, 0);
    for row in runs {
        let entries = store.stream(&Stream::run(row.run), 0).await.map_err(said)?;
        count += entries.iter().filter(|entry| entry.header.kind == "attempt_started").count();
    }
    Ok(count)
}

fn open(journal: &Path) -> Result<Sqlite, String> {
    Sqlite::open_readonly(journal).map_err(said)
}

/// Looks again and again until it is so.
fn until<T>(
    what: &str,
    look: impl Fn() -> Result<Vec<T>, String>,
    is_so: impl Fn(&[T]) -> bool,
) -> Result<Vec<T>, String> {
    let began = Instant::now();
    loop {
        let seen = look()?;
        if is_so(&seen) {
            return Ok(seen);
        }
        if began.elapsed() > PATIENCE {
            return Err(format!("it did not come to this within {} s: {what}", PATIENCE.as_secs()));
        }
        thread::sleep(AGAIN);
    }
}
