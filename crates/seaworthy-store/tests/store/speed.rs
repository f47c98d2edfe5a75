//! How fast it is, beside the limit of the same disk in the same minute. Printed, not asserted: the machine is shared.
//!
//! `SEAWORTHY_STORE_RUNS=100000` fills the long journal as the figures want it; the default keeps the test short.

use std::{
    env,
    path::Path,
    time::{Duration, Instant},
};

use seaworthy_model::{
    entry::Stream,
    port::{Batch, Journal as _, Views as _, Write},
    view::{EndedRun, LiveRun, RunQuery, ViewChange},
};
use seaworthy_store::sqlite::Sqlite;

use crate::world::{Folder, batch, draft, ended, live, open, said};

const COMMITS: u32 = 600;
const IN_FLIGHT: u32 = 64;

fn per_second(count: u32, took: Duration) -> f64 {
    f64::from(count) / took.as_secs_f64()
}

/// The limit: one small row per commit, the same settings, nothing else.
struct Raw(rusqlite::Connection);

impl Raw {
    fn new(file: &Path) -> Raw {
        let conn = rusqlite::Connection::open(file).unwrap();
        let tables = "create table t (n integer primary key, x)";
        conn.execute_batch(&format!("pragma journal_mode=wal; pragma synchronous=full; {tables}")).unwrap();
        Raw(conn)
    }

    fn commit(&self, n: u32) {
        self.0.prepare_cached("insert into t values ($1, $2)").unwrap().execute((n, "x".repeat(200))).unwrap();
    }
}

/// What a run's ordinary step writes: one entry and its live row.
fn step(row: &LiveRun) -> Batch {
    let one = Write { stream: Stream::run(row.run), expected: None, drafts: vec![draft(said("a step of a run"))] };
    Batch { writes: vec![one], views: vec![ViewChange::RunLive(row.clone())], ..batch() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn appends_per_second_beside_the_raw_commit_rate() {
    let folder = Folder::new();
    let store = open(&folder.file());
    let row = live("p");
    store.append(step(&row)).await.unwrap();
    let raw = Raw::new(&folder.0.join("raw.db"));
    // Turn by turn, so that what else the machine does meets both alike.
    let (mut commits, mut appends) = (Duration::ZERO, Duration::ZERO);
    for n in 0..COMMITS {
        let began = Instant::now();
        raw.commit(n);
        commits += began.elapsed();
        let began = Instant::now();
        store.append(step(&row)).await.unwrap();
        appends += began.elapsed();
    }
    let (commits, appends) = (per_second(COMMITS, commits), per_second(COMMITS, appends));
    let began = Instant::now();
    let tasks: Vec<_> = (0..IN_FLIGHT)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move {
                let row = live("p");
                for _ in 0..50 {
                    store.append(step(&row)).await.unwrap();
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let many = per_second(IN_FLIGHT * 50, began.elapsed());
    println!("raw commits/s {commits:.0}, appends/s one at a time {appends:.0}, ratio {:.2}", appends / commits);
    println!("appends/s with {IN_FLIGHT} in flight {many:.0}");
    assert_eq!(store.frontier().await.unwrap().size, u64::from(1 + COMMITS + IN_FLIGHT * 50));
}

/// Four entries and a summary per run, a thousand runs per batch.
async fn fill(store: &Sqlite, runs: usize) {
    for part in 0..runs / 1_000 {
        let rows: Vec<EndedRun> =
            (0..1_000).map(|n| ended(&format!("process-{}", n % 50), (part * 1_000 + n) as i64)).collect();
        let drafts = || (0..4).map(|_| draft(said("a line of some length, as bodies have"))).collect();
        let writes = rows.iter().map(|row| Write { stream: Stream::run(row.run), expected: Some(0), drafts: drafts() });
        let writes = writes.collect();
        let views = rows.into_iter().map(|row| ViewChange::RunEnded(Box::new(row))).collect();
        store.append(Batch { writes, views, ..batch() }).await.unwrap();
    }
}

fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|l| l.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

#[tokio::test]
async fn a_long_journal_opens_and_answers_quickly() {
    let runs: usize = env::var("SEAWORTHY_STORE_RUNS").ok().and_then(|n| n.parse().ok()).unwrap_or(3_000);
    let folder = Folder::new();
    let store = open(&folder.file());
    let began = Instant::now();
    fill(&store, runs).await;
    println!("{runs} runs written in {:?}", began.elapsed());
    store.close();
    let bytes = std::fs::metadata(folder.file()).unwrap().len();
    println!("{} bytes per run of four entries", bytes / runs as u64);

    let (before, began) = (resident_kib(), Instant::now());
    let store = open(&folder.file());
    println!("opened in {:?}", began.elapsed());
    let timed = |what: &'static str, began: Instant| println!("{what} in {:?}", began.elapsed());
    let began = Instant::now();
    let newest = store.ended_runs(RunQuery { limit: 50, ..RunQuery::default() }).await.unwrap();
    timed("newest 50 runs", began);
    let began = Instant::now();
    for n in 0..50 {
        store.process(&format!("process-{n}")).await.unwrap();
    }
    timed("50 process views", began);
    let began = Instant::now();
    assert_eq!(store.ended_count().await, Ok(runs as u64));
    timed("count of runs", began);
    println!("resident memory grew by {} KiB", resident_kib().saturating_sub(before));
    assert_eq!(newest[0].ended_at.0, runs as i64 - 1);
}
