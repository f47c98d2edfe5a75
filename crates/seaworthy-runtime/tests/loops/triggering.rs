//! What triggers wait for, in a world in which only the test lets time pass: ends of runs, files.

use seaworthy_model::{
    entry::{Stream, Via},
    event::{Event, SignalKind, SkipReason},
    port::{Arrivals, Arrived, Batch, Fut},
    run::Verified,
    schedule::Pause,
    time::Span,
    view::{EndedRun, ScheduleRow, SignalRow, ViewChange},
};
use seaworthy_runtime::{
    Stop,
    requests::Desk,
    run::Runs,
    trigger::{TRIGGERED_LIVE_MAX, Triggers},
};
use seaworthy_sim::Shelf;
use std::{path::PathBuf, sync::Arc};

use crate::kit::{World, load};

const INBOX: &str =
    "process: inbox\ntriggers: [{ file: 'in/*.csv', settled: 30s }]\nsteps: [{ id: one, run: 'true' }]\n";
const FILE: &str = "/nowhere/in/a.csv";

/// The loop in a life of its own: it remembers nothing of the one before.
fn triggers(world: &World, shelf: &Arc<Shelf>) -> Triggers {
    let runs = Runs::new(world.ports.clone(), Stop::default());
    Triggers::new(
        Desk { ports: world.ports.clone(), runs, pings: Default::default() },
        world.archive.clone(),
        None,
        shelf.clone(),
        "/nowhere".into(),
    )
}

#[tokio::test]
async fn a_file_fires_once_when_it_has_been_the_same_for_long_enough_and_again_when_it_is_another() {
    let world = World::new("", &[INBOX]);
    world.record().await;
    let (shelf, mut life) = (Arc::new(Shelf::default()), 1);
    let mut loops = triggers(&world, &shelf);
    let now = || world.ports.clock.now();
    // What happens, how long after the thing before, and how often it has fired then.
    let course: [(&str, u64, u64, usize); 9] = [
        ("begun", 0, 10, 0),
        ("looked at", 29, 10, 0),
        ("written on", 29, 4_096, 0),
        ("looked at", 29, 4_096, 0),
        ("settled", 1, 4_096, 1),
        ("looked at", 600, 4_096, 1),
        ("restart", 600, 4_096, 1),
        ("written on", 5, 5_000, 1),
        ("settled", 30, 5_000, 2),
    ];
    for (what, after, bytes, fired) in course {
        world.pass(Span::seconds(after)).await;
        match what {
            "begun" | "written on" => shelf.put(FILE, bytes, now()),
            "restart" => {
                life += 1;
                loops = triggers(&world, &shelf);
            }
            _ => {}
        }
        loops.activate().await.unwrap();
        if what == "restart" {
            world.pass(Span::seconds(after)).await;
            loops.activate().await.unwrap();
        }
        assert_eq!(world.kinds("trigger_fired").await.len(), fired, "{what}, {bytes} bytes, life {life}");
    }
    shelf.take(FILE);
    world.pass(Span::seconds(60)).await;
    loops.activate().await.unwrap();
    assert_eq!(world.kinds("trigger_fired").await.len(), 2, "what is gone fires nothing");
}

#[tokio::test]
async fn files_beyond_the_runs_that_may_live_wait_and_are_not_lost() {
    let world = World::new("", &[INBOX]);
    world.record().await;
    let shelf = Arc::new(Shelf::default());
    let (more, now) = (TRIGGERED_LIVE_MAX + 50, world.ports.clock.now());
    for n in 0..more {
        shelf.put(format!("/nowhere/in/{n:03}.csv"), 1, now);
    }
    let mut loops = triggers(&world, &shelf);
    for _ in 0..3 {
        loops.activate().await.unwrap();
        world.pass(Span::seconds(30)).await;
    }
    assert_eq!(world.kinds("trigger_fired").await.len(), TRIGGERED_LIVE_MAX);
    let row = world.verified("other", world.ports.clock.now()).await;
    let mut batch = Batch::by(world.ports.actor, Via::Node);
    for live in world.ports.views.live_runs().await.unwrap() {
        let ended = EndedRun { run: live.run, process: live.process, ..row.clone() };
        batch.views.push(ViewChange::RunEnded(Box::new(ended)));
    }
    world.ports.journal.append(batch).await.unwrap();
    // Also after a restart: nothing says that they are done with.
    let mut loops = triggers(&world, &shelf);
    for _ in 0..2 {
        loops.activate().await.unwrap();
        world.pass(Span::seconds(30)).await;
    }
    assert_eq!(world.kinds("trigger_fired").await.len(), more);
    assert_eq!(world.kinds("trigger_held").await.len(), 0);
}

#[tokio::test]
async fn what_lay_there_before_is_noted_and_starts_nothing_until_it_is_another_also_after_a_restart() {
    let world = World::new("", &[INBOX]);
    let shelf = Arc::new(Shelf::default());
    shelf.put(FILE, 10, world.ports.clock.now());
    shelf.put("/nowhere/in/b.csv", 10, world.ports.clock.now());
    world.pass(Span::seconds(1)).await;
    world.record().await;
    world.pass(Span::seconds(1)).await;
    // It came after the trigger, and before anybody looked.
    shelf.put("/nowhere/in/c.csv", 10, world.ports.clock.now());
    let fired = async |life: &mut Triggers| {
        for _ in 0..2 {
            life.activate().await.unwrap();
            world.pass(Span::seconds(30)).await;
        }
        world.kinds("trigger_fired").await.len()
    };
    assert_eq!(fired(&mut triggers(&world, &shelf)).await, 1);
    let mut life = triggers(&world, &shelf);
    assert_eq!(fired(&mut life).await, 1, "the next life knows what was noted");
    shelf.put(FILE, 11, world.ports.clock.now());
    assert_eq!(fired(&mut life).await, 2, "what is written on is another");
    // A word beside the trigger is changed: what waited goes on waiting.
    shelf.put("/nowhere/in/d.csv", 10, world.ports.clock.now());
    world.pass(Span::seconds(1)).await;
    world.in_force.replace(load("", &[&format!("{INBOX}about: Something.\n")]));
    world.record().await;
    assert_eq!(fired(&mut life).await, 3, "it came while the trigger was the same");
    assert_eq!(world.kinds("trigger_noted").await.len(), 1);
}

const AFTER: &str =
    "process: after\ntriggers: [{ process: other, when: unverified }]\nsteps: [{ id: one, run: 'true' }]\n";
const OTHER: &str = "process: other\nsteps: [{ id: one, run: 'true' }]\n";

/// So many runs of `other` end, each as the closure says.
async fn ended(world: &World, count: usize, how: impl Fn(usize) -> Verified) {
    let first = world.verified("other", world.ports.clock.now()).await;
    let mut batch = Batch::by(world.ports.actor, Via::Node);
    for n in 1..count {
        let row = EndedRun { run: world.ports.ids().run(), verified: how(n), ..first.clone() };
        batch.views.push(ViewChange::RunEnded(Box::new(row)));
    }
    world.ports.journal.append(batch).await.unwrap();
}

#[tokio::test]
async fn no_end_of_a_run_is_missed_however_many_follow_it_and_a_restart_repeats_none() {
    let world = World::new("", &[AFTER, OTHER]);
    ended(&world, 20, |_| Verified::No).await;
    world.pass(Span::seconds(1)).await;
    world.record().await;
    let shelf = Arc::new(Shelf::default());
    let fired = async || world.kinds("trigger_fired").await.len();
    let mut life = triggers(&world, &shelf);
    life.activate().await.unwrap();
    assert_eq!(fired().await, 0, "what ended before it waited starts nothing");
    let oldest = |n| if n <= 3 { Verified::No } else { Verified::Yes };
    ended(&world, 1_500, oldest).await;
    life.activate().await.unwrap();
    assert_eq!(fired().await, 3, "the oldest of many");
    let mut life = triggers(&world, &shelf);
    ended(&world, 1_500, oldest).await;
    life.activate().await.unwrap();
    assert_eq!(fired().await, 6, "also those from before a restart");
    triggers(&world, &shelf).activate().await.unwrap();
    assert_eq!(fired().await, 6);
    let said = world.kinds("trigger_looked").await;
    assert!(said.len() < 20, "one for each 200 ends: {}", said.len());
    assert!(said.iter().all(|event| matches!(event, Event::TriggerLooked(looked) if looked.of == "other")));
}

#[tokio::test]
async fn what_ended_while_a_trigger_was_away_starts_nothing_when_it_comes_back() {
    let world = World::new("", &[AFTER, OTHER]);
    world.record().await;
    let shelf = Arc::new(Shelf::default());
    let mut life = triggers(&world, &shelf);
    let fired = async |life: &mut Triggers| {
        world.pass(Span::seconds(60)).await;
        life.activate().await.unwrap();
        world.kinds("trigger_fired").await.len()
    };
    ended(&world, 3, |_| Verified::No).await;
    assert_eq!(fired(&mut life).await, 2);
    let removed = Event::ProcessRemoved { file: "ops/0.yaml".into() };
    let mut batch = Batch::by(world.ports.actor, Via::Node);
    batch.writes.push(world.ports.ids().write(Stream::process("after"), None, world.ports.clock.now(), [removed]));
    world.ports.journal.append(batch).await.unwrap();
    world.in_force.replace(load("", &[OTHER]));
    assert_eq!(fired(&mut life).await, 2);
    ended(&world, 6, |_| Verified::No).await;
    assert_eq!(fired(&mut life).await, 2, "nobody waits");
    world.in_force.replace(load("", &[AFTER, OTHER]));
    world.record().await;
    assert_eq!(fired(&mut life).await, 2, "the same definition is back, and waits from now on");
    ended(&world, 2, |_| Verified::No).await;
    assert_eq!(fired(&mut life).await, 3);
}

/// A folder that does not answer, and others that do.
struct Stuck(Arc<Shelf>);

impl Arrivals for Stuck {
    fn arrived(&self, pattern: PathBuf) -> Fut<'_, std::io::Result<Vec<Arrived>>> {
        if pattern.starts_with("/nowhere/stuck") { Box::pin(std::future::pending()) } else { self.0.arrived(pattern) }
    }
}

#[tokio::test]
async fn a_folder_that_does_not_answer_keeps_nothing_else_from_starting_and_is_told_once() {
    let stuck = INBOX.replace("in/*.csv", "stuck/*.csv").replace("inbox", "astuck");
    let world = World::new("", &[&stuck, INBOX]);
    world.record().await;
    let shelf = Arc::new(Shelf::default());
    let runs = Runs::new(world.ports.clone(), Stop::default());
    let desk = Desk { ports: world.ports.clone(), runs, pings: Default::default() };
    let mut life = Triggers::new(desk, world.archive.clone(), None, Arc::new(Stuck(shelf.clone())), "/nowhere".into());
    shelf.put(FILE, 10, world.ports.clock.now());
    for _ in 0..3 {
        let mut look = std::pin::pin!(life.activate());
        loop {
            tokio::select! {
                biased;
                looked = &mut look => break looked.unwrap(),
                () = world.pass(Span::seconds(10)) => {}
            }
        }
        world.pass(Span::seconds(30)).await;
    }
    assert_eq!(world.kinds("trigger_fired").await.len(), 1, "the other folder answers");
    let rows = world.ports.views.skipped(Some("astuck"), 10).await.unwrap();
    assert_eq!(rows.len(), 1, "{rows:?}");
    assert!(rows[0].detail.contains("has not answered") && rows[0].trigger.contains("stuck/*.csv"), "{rows:?}");
}

#[tokio::test]
async fn no_signal_is_missed_however_many_follow_it_and_a_restart_repeats_none() {
    let waits = "process: mender\ntriggers: [{ signal: missed, of: other }]\nsteps: [{ id: one, run: 'true' }]\n";
    let world = World::new("", &[waits, OTHER]);
    world.record().await;
    let life = |world: &World| {
        let runs = Runs::new(world.ports.clone(), Stop::default());
        let desk = Desk { ports: world.ports.clone(), runs, pings: Default::default() };
        let (views, shelf) = (world.ports.views.clone(), Arc::new(Shelf::default()));
        Triggers::new(desk, world.archive.clone(), Some(views), shelf, "/nowhere".into())
    };
    let raise = async |count: usize| {
        let mut batch = Batch::by(world.ports.actor, Via::Node);
        for n in 0..count {
            batch.views.push(ViewChange::Signal(SignalRow {
                signal: world.ports.ids().signal(),
                key: n.to_string(),
                process: if n == 0 { "other" } else { "many" }.into(),
                kind: SignalKind::Missed,
                raised_at: world.ports.clock.now(),
                cleared_at: None,
                nominal: None,
                run: None,
                expected: String::new(),
                seen: String::new(),
            }));
        }
        world.ports.journal.append(batch).await.unwrap();
    };
    let fired = async || world.kinds("trigger_fired").await.len();
    let mut first = life(&world);
    raise(2_500).await;
    first.activate().await.unwrap();
    assert_eq!(fired().await, 1, "the oldest of many at one moment");
    world.pass(Span::seconds(60)).await;
    raise(2_500).await;
    first.activate().await.unwrap();
    assert_eq!(fired().await, 2);
    for mut again in [first, life(&world)] {
        again.activate().await.unwrap();
        assert_eq!(fired().await, 2);
    }
}

#[tokio::test]
async fn what_a_pause_held_is_a_row_for_people_and_does_not_fire_afterwards() {
    let world = World::new("", &[AFTER, OTHER]);
    world.record().await;
    let (shelf, now) = (Arc::new(Shelf::default()), world.ports.clock.now());
    let mut life = triggers(&world, &shelf);
    life.activate().await.unwrap();
    let pause = Pause { since: now, until: now + Span::seconds(60), reason: "disks".into(), extended: 0 };
    let row = ScheduleRow {
        process: "after".into(),
        digest: String::new(),
        since: now,
        cursor: now,
        queued: vec![],
        pause: Some(pause),
    };
    let mut batch = Batch::by(world.ports.actor, Via::Node);
    batch.views.push(ViewChange::Schedule(row));
    world.ports.journal.append(batch).await.unwrap();
    ended(&world, 80, |_| Verified::No).await;
    life.activate().await.unwrap();
    assert_eq!(world.kinds("trigger_held").await.len(), 79, "each has its entry");
    let rows = world.ports.views.skipped(Some("after"), 1_000).await.unwrap();
    assert_eq!(rows.iter().map(|row| row.count).sum::<u64>(), 79);
    assert!(rows.len() <= 50, "of many the last row says how many: {}", rows.len());
    assert!(rows[0].reason == SkipReason::Paused && rows[0].detail.contains("disks"), "{rows:?}");
    assert!(rows[0].trigger.contains("of other"), "{rows:?}");
    world.pass(Span::seconds(120)).await;
    for mut life in [life, triggers(&world, &shelf)] {
        life.activate().await.unwrap();
        assert_eq!(world.kinds("trigger_fired").await.len(), 0);
    }
}
