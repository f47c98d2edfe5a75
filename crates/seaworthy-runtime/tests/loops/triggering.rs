//! Files that triggers wait for, in a world in which only the test lets time pass.

use seaworthy_model::{
    entry::Via,
    port::Batch,
    time::Span,
    view::{EndedRun, ViewChange},
};
use seaworthy_runtime::{
    Stop,
    requests::Desk,
    run::Runs,
    trigger::{TRIGGERED_LIVE_MAX, Triggers},
};
use seaworthy_sim::Shelf;
use std::sync::Arc;

use crate::kit::World;

const INBOX: &str =
    "process: inbox\ntriggers: [{ file: 'in/*.csv', settled: 30s }]\nsteps: [{ id: one, run: 'true' }]\n";
const FILE: &str = "/nowhere/in/a.csv";

/// The loop in a life of its own: it remembers nothing of the one before.
fn triggers(world: &World, shelf: &Arc<Shelf>) -> Triggers {
    let runs = Runs::new(world.ports.clone(), Stop::default());
    Triggers::new(Desk { ports: world.ports.clone(), runs, pings: Default::default() }, None, shelf.clone())
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
