//! The watcher says what is wrong when it is, in the right name, and waits for nobody.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, Ordering::SeqCst},
};

use seaworthy_model::{
    entry::Via,
    event::{Event, SignalKind, SkipReason},
    port::{Batch, Definitions as _},
    time::{At, Span},
    view::{Raised, SkippedRow, ViewChange},
};
use seaworthy_runtime::{
    Stop,
    requests::Desk,
    run::Runs,
    schedule::{self, Agenda},
    watch::Watcher,
};

use crate::kit::{START, World, load};

const ROUTES: &str = "routes:\n  oncall: { command: 'true' }\n  others: { command: 'true' }\n";
const TELL: &str = "tell: { when: [missed, late, long, unverified], route: oncall }\n";

fn process(name: &str, step: &str, more: &str) -> String {
    format!("process: {name}\nsteps:\n  - {{ id: one, run: '{step}' }}\n{more}")
}

fn watcher(world: &World, alive: &Arc<AtomicBool>) -> Watcher {
    let (ports, alive) = (world.ports.clone(), alive.clone());
    Watcher::new(ports.clone(), ports.views.clone(), ports.journal.clone(), Arc::new(move || Some(alive.load(SeqCst))))
}

fn living() -> Arc<AtomicBool> {
    Arc::new(AtomicBool::new(true))
}

async fn change(world: &World, ops: &[&str]) {
    world.in_force.replace(load(ROUTES, ops));
    world.record().await;
}

async fn open(world: &World) -> Vec<SignalKind> {
    world.ports.views.signals(Raised::Open, 100).await.unwrap().into_iter().map(|row| row.kind).collect()
}

fn desk(world: &World) -> Desk {
    Desk {
        ports: world.ports.clone(),
        runs: Runs::new(world.ports.clone(), Stop::default()),
        pings: Default::default(),
    }
}

#[tokio::test]
async fn another_word_of_the_file_does_not_end_a_missed_alarm() {
    let watch = format!("schedule: {{ every: 1h, missed: skip }}\nwatch: {{ start_within: 1m }}\n{TELL}");
    let world = World::new(ROUTES, &[&process("dump", "one", &watch)]);
    let (desk, mut agenda, alive) = (desk(&world), Agenda::default(), living());
    let mut watcher = watcher(&world, &alive);
    world.record().await;
    schedule::activate(&desk, &mut agenda).await.unwrap();
    watcher.activate().await.unwrap();
    assert!(open(&world).await.is_empty());
    world.pass(Span::seconds(3000)).await;
    watcher.activate().await.unwrap();
    assert!(open(&world).await.contains(&SignalKind::Missed));
    change(&world, &[&process("dump", "another word", &watch)]).await;
    watcher.activate().await.unwrap();
    assert!(world.kinds("signal_cleared").await.is_empty(), "before the schedules were looked at");
    schedule::activate(&desk, &mut agenda).await.unwrap();
    watcher.activate().await.unwrap();
    assert!(world.kinds("signal_cleared").await.is_empty(), "and after");
    assert!(open(&world).await.contains(&SignalKind::Missed));
}

#[tokio::test]
async fn what_a_trigger_was_held_from_does_not_hide_that_nothing_started() {
    let watch = format!("schedule: {{ every: 1h, missed: skip }}\nwatch: {{ start_within: 1m }}\n{TELL}");
    let world = World::new(ROUTES, &[&process("dump", "one", &watch)]);
    let mut watcher = watcher(&world, &living());
    world.record().await;
    watcher.activate().await.unwrap();
    world.pass(Span::seconds(3000)).await;
    let held = SkippedRow {
        process: "dump".into(),
        nominal: world.ports.clock.now(),
        reason: SkipReason::Blackout,
        detail: "it was over since".into(),
        count: 1,
        trigger: "file in/a.csv".into(),
    };
    let mut batch = Batch::by(world.ports.actor, Via::Robot);
    batch.views.push(ViewChange::Skipped(held));
    world.ports.journal.append(batch).await.unwrap();
    watcher.activate().await.unwrap();
    assert!(open(&world).await.contains(&SignalKind::Missed));
}

#[tokio::test]
async fn a_drill_without_a_schedule_is_overdue_whatever_is_edited() {
    let drill = "verify:\n  - { command: 'echo data', expect: 'stdout.contains(\"data\")' }\ndrill:\n  restore:\n    every: 1h\n    steps: [{ id: back, run: 'true' }]\n    verify: [{ command: 'echo data', expect: 'stdout.contains(\"data\")' }]\n";
    let more = format!("{drill}{TELL}");
    let world = World::new(ROUTES, &[&process("dump", "one", &more)]);
    let alive = living();
    let mut watcher = watcher(&world, &alive);
    watcher.activate().await.unwrap();
    for n in 0..3 {
        world.pass(Span::seconds(1500)).await;
        change(&world, &[&process("dump", &format!("word {n}"), &more)]).await;
        watcher.activate().await.unwrap();
    }
    assert_eq!(open(&world).await, [SignalKind::DrillOverdue], "75 minutes, edited every 25");
}

#[tokio::test]
async fn a_node_is_silent_when_it_was_away_for_fifteen_seconds_on_end() {
    let world = World::new(ROUTES, &[&process("dump", "one", TELL)]);
    let alive = Arc::new(AtomicBool::new(false));
    let mut watcher = watcher(&world, &alive);
    for _ in 0..3 {
        for _ in 0..15 {
            watcher.activate().await.unwrap();
            assert!(open(&world).await.is_empty());
            world.pass(Span::seconds(1)).await;
        }
        alive.store(true, SeqCst);
        watcher.activate().await.unwrap();
        alive.store(false, SeqCst);
    }
    for _ in 0..17 {
        watcher.activate().await.unwrap();
        world.pass(Span::seconds(1)).await;
    }
    assert_eq!(open(&world).await, [SignalKind::NodeSilent]);
    assert_eq!(world.kinds("message_due").await.len(), 1);
    alive.store(true, SeqCst);
    watcher.activate().await.unwrap();
    assert_eq!(world.kinds("message_due").await.len(), 2, "it is over");
}

#[tokio::test]
async fn a_branch_that_cannot_be_read_for_an_hour_is_a_signal_until_it_can() {
    let world = World::new(ROUTES, &[&process("dump", "one", TELL)]);
    let mut watcher = watcher(&world, &living());
    let lost = Arc::new(Mutex::new(Some((START, "no route to the host".to_owned()))));
    let said = lost.clone();
    watcher.branch = Arc::new(move || said.lock().unwrap().clone());
    watcher.activate().await.unwrap();
    assert!(open(&world).await.is_empty(), "its last good commit is in force");
    world.pass(Span::seconds(3_600)).await;
    watcher.activate().await.unwrap();
    assert_eq!(open(&world).await, [SignalKind::BranchLost]);
    watcher.activate().await.unwrap();
    assert_eq!(world.kinds("message_due").await.len(), 1, "told once");
    *lost.lock().unwrap() = None;
    watcher.activate().await.unwrap();
    assert!(open(&world).await.is_empty());
}

#[tokio::test]
async fn what_concerned_a_process_that_is_gone_is_told_in_nobody_elses_name() {
    let gone = process("gone", "one", &format!("watch: {{ finish_within: 1h }}\n{TELL}"));
    let other = process("other", "one", &TELL.replace("oncall", "others"));
    let world = World::new(ROUTES, &[&gone, &other]);
    let row = world.verified("gone", START).await;
    world.rest.artifacts.lock().unwrap().insert("gone".into(), Err("it is not there".into()));
    let alive = living();
    let mut watcher = watcher(&world, &alive);
    for _ in 0..2 {
        watcher.activate().await.unwrap();
        world.settle().await;
    }
    assert_eq!(open(&world).await, [SignalKind::ArtifactGone], "{row:?}");
    change(&world, &[&other]).await;
    watcher.activate().await.unwrap();
    assert!(open(&world).await.is_empty());
    let due = world.kinds("message_due").await;
    assert!(matches!(&due[..], [Event::MessageDue { process, .. }] if process == "gone"), "{due:?}");
}

#[tokio::test]
async fn artifacts_that_take_for_ever_hold_up_neither_the_watcher_nor_its_end() {
    let watch = format!("watch: {{ finish_within: 1h }}\n{TELL}");
    let files: Vec<String> = ["a", "b", "c", "quick"].iter().map(|name| process(name, "one", &watch)).collect();
    let files: Vec<&str> = files.iter().map(String::as_str).collect();
    let world = World::new(ROUTES, &files);
    for name in ["a", "b", "c"] {
        world.verified(name, START).await;
    }
    let row = world.verified("quick", At(START.0 - 1)).await;
    assert_eq!(world.in_force.current().processes.len(), 4);
    let (alive, stop) = (Arc::new(AtomicBool::new(false)), Stop::default());
    let looping = tokio::spawn(watcher(&world, &alive).run(stop.clone()));
    for _ in 0..20 {
        world.pass(Span::seconds(1)).await;
    }
    assert_eq!(world.rest.looks.load(SeqCst), 2, "two at a time");
    assert_eq!(open(&world).await, [SignalKind::NodeSilent], "it goes on meanwhile: {row:?}");
    for _ in 0..7 {
        world.pass(Span::seconds(3600)).await;
    }
    let gone = world.ports.views.signals(Raised::Open, 100).await.unwrap();
    let late = gone.iter().filter(|row| row.seen.contains("could not be looked at within 6h")).count();
    assert_eq!(late, 2, "{gone:?}");
    stop.now();
    looping.await.unwrap();
}

#[tokio::test]
async fn an_artifact_is_looked_at_again_in_time_and_what_was_seen_stays_until_then() {
    let world = World::new(ROUTES, &[&process("dump", "one", &format!("watch: {{ finish_within: 1h }}\n{TELL}"))]);
    let row = world.verified("dump", START).await;
    world.rest.artifacts.lock().unwrap().insert("dump".into(), Ok(row.artifacts[0].clone()));
    let alive = living();
    let stop = Stop::default();
    let looping = tokio::spawn(watcher(&world, &alive).run(stop.clone()));
    for _ in 0..500 {
        world.pass(Span::seconds(1)).await;
    }
    assert_eq!((world.rest.looks.load(SeqCst), open(&world).await.len()), (1, 0));
    world.rest.artifacts.lock().unwrap().insert("dump".into(), Err("it is not there".into()));
    for _ in 0..110 {
        world.pass(Span::seconds(1)).await;
    }
    assert_eq!((world.rest.looks.load(SeqCst), open(&world).await), (2, vec![SignalKind::ArtifactGone]));
    stop.now();
    looping.await.unwrap();
    // Whoever watches next does not take it back before it has looked.
    let mut next = watcher(&world, &alive);
    next.activate().await.unwrap();
    assert_eq!(open(&world).await, [SignalKind::ArtifactGone]);
    world.rest.artifacts.lock().unwrap().insert("dump".into(), Ok(row.artifacts[0].clone()));
    for _ in 0..2 {
        world.pass(Span::seconds(600)).await;
        next.activate().await.unwrap();
        world.settle().await;
    }
    next.activate().await.unwrap();
    assert!(open(&world).await.is_empty(), "it is back");
}
