//! What is old and not needed goes in small steps, behind its tombstone, and a torn step is finished by the next.

use std::sync::atomic::Ordering::SeqCst;

use seaworthy_core::{audit::Walk, retain::What};
use seaworthy_model::{
    entry::{Entry, Stream, Via},
    event::Event,
    id::RunId,
    port::{Answer, Ask, Batch, Journal, Requests as _},
    retain::Weight,
    run::{Cause, HostSnapshot, Kind, Usual, Verified},
    time::{At, Span},
    view::{EndedRun, RunQuery, ViewChange},
};
use seaworthy_runtime::{
    Stop,
    requests::Desk,
    retain::{Kept, Retainer, survey},
    run::Runs,
};
use seaworthy_store::sqlite::Sqlite;

use crate::kit::{START, World};

const DAY: Span = Span::seconds(86_400);
const KEEP: &str = "keep: { runs: 2, outputs: 10d, bodies: 20d, snapshots: 10d }";

fn process(name: &str, more: &str) -> String {
    format!("process: {name}\nsteps:\n  - {{ run: x }}\n{more}\n")
}

/// A run with six entries that ended at this time, its row, and something on disk.
async fn ended(world: &World, process: &str, at: At, verified: Verified, weight: Weight) -> EndedRun {
    let (batch, row) = whole(world, process, at, verified);
    world.ports.journal.append(batch).await.unwrap();
    world.rest.weights.lock().unwrap().insert(row.run, weight);
    row
}

fn whole(world: &World, process: &str, at: At, verified: Verified) -> (Batch, EndedRun) {
    let row = EndedRun {
        run: RunId::new(at, &rest(world)),
        process: process.into(),
        kind: Kind::Run,
        digest: String::new(),
        cause: Cause::Person,
        requested_at: at,
        started_at: Some(at),
        ended_at: at,
        executed: seaworthy_model::run::Executed::Ok,
        verified,
        reason: String::new(),
        duration: Span::ZERO,
        recovery: None,
        objective: None,
        heals: 0,
        artifacts: vec![],
        measures: Default::default(),
    };
    let events = [
        Event::RunRequested {
            process: process.into(),
            kind: Kind::Run,
            digest: String::new(),
            cause: Cause::Person,
            usual: Usual::default(),
            artifact: None,
            objective: None,
            inputs: Default::default(),
        },
        Event::RunClaimed { fence: 1 },
        Event::AttemptStarted { step: "step-1".into(), attempt: 1, key: "k".into() },
        Event::HostSeen {
            snapshot: HostSnapshot { host: "a host with a name of some length".into(), ..Default::default() },
        },
        Event::Waiting { until: at, why: "for nothing, at some length, so that a body has a size".into() },
        Event::NodeStopped { reason: "the end of it".into() },
    ];
    let mut batch = Batch::by(world.ports.actor, Via::Node);
    batch.writes.push(world.ports.ids().write(Stream::run(row.run), Some(0), at, events));
    batch.views.push(ViewChange::RunEnded(Box::new(row.clone())));
    (batch, row)
}

fn kept(world: &World) -> Kept {
    Kept { archive: world.archive.clone(), leftovers: world.rest.clone() }
}

fn life(world: &World) -> Retainer {
    Retainer::new(world.ports.clone(), kept(world), None)
}

fn rest(world: &World) -> [u8; 10] {
    let mut bytes = [0; 10];
    world.ports.chance.fill(&mut bytes);
    bytes
}

/// Which entries of a run still have a body, by type.
async fn bodies(world: &World, run: RunId) -> String {
    let entries = world.ports.journal.stream(&Stream::run(run), 0).await.unwrap();
    entries.iter().filter(|e| e.body.is_some()).map(|e| e.header.kind.clone()).collect::<Vec<_>>().join(" ")
}

const WHOLE: &str = "run_requested run_claimed attempt_started host_seen waiting node_stopped";

async fn all(journal: &dyn Journal) -> Vec<Entry> {
    let mut all: Vec<Entry> = Vec::new();
    loop {
        let page = journal.from(all.len() as u64, 1_000).await.unwrap();
        if page.is_empty() {
            return all;
        }
        all.extend(page);
    }
}

async fn intact(journal: &dyn Journal) -> u64 {
    let mut walk = Walk::new(vec![], &|_, _, _| true);
    for entry in all(journal).await {
        walk.entry(&entry);
    }
    let report = walk.finish(&journal.frontier().await.unwrap());
    assert!(report.ok(), "{:?}", report.problems);
    report.bodies_dropped
}

const FILES: Weight = Weight { artifacts: 0, outputs: 100 };

#[tokio::test]
async fn each_part_goes_at_its_own_age_and_the_tombstone_says_so() {
    let world = World::new("", &[&process("a", KEEP)]);
    let mut runs = Vec::new();
    for n in 0..5 {
        runs.push(ended(&world, "a", START + Span(DAY.0 * n), Verified::No, FILES).await.run);
    }
    let mut retainer = life(&world);
    assert_eq!(retainer.step().await.unwrap().bodies, 0, "nothing is old");
    // Two are older than ten days; of the last two everything is kept whatever its age.
    world.pass(Span(DAY.0 * 12)).await;
    let step = retainer.step().await.unwrap();
    assert_eq!((step.bodies, step.outputs), (3, 3), "snapshots and outputs of three");
    assert_eq!(bodies(&world, runs[0]).await, WHOLE.replace("host_seen ", ""));
    assert_eq!(bodies(&world, runs[3]).await, WHOLE, "among the two newest");
    world.pass(Span(DAY.0 * 30)).await;
    // A new life remembers how far the last one came.
    let mut retainer = life(&world);
    assert_eq!(retainer.step().await.unwrap().bodies, 9);
    for run in &runs[..3] {
        assert_eq!(bodies(&world, *run).await, "run_requested run_claimed");
    }
    assert_eq!(bodies(&world, runs[4]).await, WHOLE);
    assert_eq!(retainer.step().await.unwrap().bodies, 0);
    assert_eq!(intact(&*world.ports.journal).await, 12);
    assert_eq!(world.kinds("files_dropped").await.len(), 1);
    let loaded = world.ports.definitions.current();
    let from = (&*world.ports.journal, &*world.ports.views, None);
    let found = survey(from, &kept(&world), &loaded, world.ports.clock.now()).await.unwrap();
    let part = &found.processes[0].parts[&What::Bodies];
    assert_eq!((part.gone, part.runs, part.stays.values().sum::<u64>()), (3, 0, 2));
}

#[tokio::test]
async fn what_is_needed_stays_until_it_is_not() {
    let world = World::new("", &[&process("a", KEEP)]);
    let proof = ended(&world, "a", START, Verified::Yes, FILES).await.run;
    let unsettled = ended(&world, "a", START + Span(1), Verified::Unknown, FILES).await.run;
    for n in 2..5 {
        ended(&world, "a", START + Span(n), Verified::No, FILES).await;
    }
    world.pass(Span(DAY.0 * 40)).await;
    let mut retainer = life(&world);
    assert_eq!(retainer.step().await.unwrap().outputs, 1);
    for run in [proof, unsettled] {
        assert_eq!(bodies(&world, run).await, WHOLE);
        assert_eq!(world.rest.weights.lock().unwrap()[&run], FILES);
    }
    // It is the newest proof no longer; but one of those that say what is usual.
    ended(&world, "a", START + Span(DAY.0 * 40), Verified::Yes, FILES).await;
    for n in 0..2 {
        let step = retainer.step().await.unwrap();
        assert_eq!(step.outputs, if n == 0 { 2 } else { 0 });
        assert_eq!(bodies(&world, proof).await, WHOLE.replace("host_seen ", ""), "the snapshot says nothing of usual");
        retainer = life(&world);
    }
    for n in 0..20 {
        ended(&world, "a", START + Span(DAY.0 * 40 + 1 + n), Verified::Yes, FILES).await;
    }
    assert!(retainer.step().await.unwrap().bodies > 0);
    assert_eq!(bodies(&world, proof).await, "run_requested run_claimed");
    assert_eq!(bodies(&world, unsettled).await, WHOLE, "nobody knows how it ended");
}

#[tokio::test]
async fn a_step_that_was_torn_is_finished_by_the_next() {
    let world = World::new("", &[&process("a", KEEP)]);
    for n in 0..4 {
        ended(&world, "a", START + Span(n), Verified::No, FILES).await;
    }
    world.pass(Span(DAY.0 * 40)).await;
    let mut retainer = life(&world);
    // The tombstone cannot be written: nothing goes.
    world.disk.full.store(true, SeqCst);
    assert!(retainer.step().await.is_err());
    assert!(world.rest.weights.lock().unwrap().values().all(|weight| *weight == FILES));
    assert_eq!(intact(&*world.ports.journal).await, 0);
    world.disk.full.store(false, SeqCst);
    // It is written, but its files cannot be removed.
    world.rest.stuck.store(true, SeqCst);
    assert!(life(&world).step().await.is_err());
    assert_eq!(world.kinds("files_dropped").await.len(), 1);
    assert!(world.rest.weights.lock().unwrap().values().all(|weight| *weight == FILES));
    world.rest.stuck.store(false, SeqCst);
    assert_eq!(life(&world).step().await.unwrap().outputs, 2);
    assert_eq!(intact(&*world.ports.journal).await, 8);
}

#[tokio::test]
async fn what_does_not_fit_under_the_limit_goes_from_the_oldest_on_or_is_told() {
    let world = World::new("retention: { at_most: 250B }\n", &[&process("a", "keep: { outputs: 900d }")]);
    let mut runs = Vec::new();
    for n in 0..4 {
        runs.push(ended(&world, "a", START + Span(n), Verified::No, FILES).await.run);
    }
    let proof = ended(&world, "a", START + Span(9), Verified::Yes, Weight { artifacts: 200, outputs: 10 }).await.run;
    let step = life(&world).step().await.unwrap();
    assert_eq!((step.outputs, step.artifacts, step.over), (4, 0, 0));
    let left: u64 = world.rest.weights.lock().unwrap().values().map(|w| w.artifacts + w.outputs).sum();
    assert_eq!(left, 210);
    world.rest.weights.lock().unwrap().insert(proof, Weight { artifacts: 900, outputs: 10 });
    let step = life(&world).step().await.unwrap();
    assert_eq!((step.outputs, step.artifacts, step.over), (0, 0, 660), "the newest proof is not dropped for room");
}

/// A real file with many runs: it stays as large as what is kept, and every question is still answered.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_file_of_fifty_thousand_runs_is_bounded_and_still_answers() {
    let long = std::env::var_os("SEAWORTHY_LONG").is_some();
    let (runs, piece) = if long { (50_000, 500) } else { (10_000, 500) };
    let folder = std::env::temp_dir().join(format!("seaworthy-retain-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let mut world = World::new("", &[&process("a", "keep: { runs: 10, bodies: 1d, snapshots: 1d }")]);
    let store = Sqlite::open(&folder.join("journal.db"), || world.ports.writer.node).unwrap();
    world.ports.journal = store.opened().journal;
    world.ports.views = store.opened().views;
    world.archive = store.opened().archive;
    let mut retainer = life(&world);
    let (mut sizes, mut first) = (Vec::new(), None);
    for n in 0..runs / piece {
        let mut batch = Batch::by(world.ports.actor, Via::Node);
        for m in 0..piece {
            // One a minute, verified now and then.
            let at = START + Span::seconds(60 * (n * piece + m));
            let (one, row) = whole(&world, "a", at, if m % 7 == 0 { Verified::Yes } else { Verified::No });
            first.get_or_insert(row.run);
            batch.writes.extend(one.writes);
            batch.views.extend(one.views);
        }
        world.ports.journal.append(batch).await.unwrap();
        world.pass(Span::seconds(60 * piece)).await;
        while retainer.step().await.unwrap().more {}
        let room = world.archive.give_back().await.unwrap();
        sizes.push(room.bytes - room.free);
    }
    let report = intact(&*world.ports.journal).await;
    assert!(report > (runs - 3_000) * 4, "{report} bodies went");
    // Headers and rows stay for ever: what each run adds in the end is theirs alone.
    let half = sizes.len() / 2;
    let each = (sizes[sizes.len() - 1] - sizes[half]) / (piece * (sizes.len() - 1 - half) as u64);
    println!("{runs} runs: {} MiB, {each} bytes for each run that is over", sizes[sizes.len() - 1] >> 20);
    assert!(each < 6_000, "{each} bytes for each run stay");
    assert_eq!(world.ports.views.ended_count().await.unwrap(), runs);
    assert_eq!(bodies(&world, first.unwrap()).await, "run_requested run_claimed");
    let query = RunQuery { process: Some("a".into()), limit: 20, ..RunQuery::default() };
    assert_eq!(world.ports.views.ended_runs(query).await.unwrap().len(), 20);
    store.close();
    let _ = std::fs::remove_dir_all(&folder);
}

/// Without its bodies every step of a run looks as if it had never begun: going on would do all of them once more.
#[tokio::test]
async fn a_run_whose_steps_are_not_kept_any_more_neither_goes_on_nor_is_repeated_in_part() {
    let world = World::new("", &[&process("a", KEEP)]);
    let run = ended(&world, "a", START, Verified::No, FILES).await.run;
    for _ in 0..2 {
        ended(&world, "a", START + DAY, Verified::No, FILES).await;
    }
    world.pass(Span(DAY.0 * 30)).await;
    assert!(life(&world).step().await.unwrap().bodies > 0);
    let runs = Runs::new(world.ports.clone(), Stop::default());
    let desk = Desk { ports: world.ports.clone(), runs, pings: Default::default() };
    for ask in [Ask::GoOn { run }, Ask::Rerun { run, from: "step-1".into() }] {
        let answer = desk.ask(ask, desk.ports.actor, Via::Cli).await.unwrap();
        let Answer::Refused { reason } = answer else { panic!("{answer:?}") };
        assert!(reason.contains("is not kept any more") && reason.contains("seaworthy run a"), "{reason}");
    }
}
