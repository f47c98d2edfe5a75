//! Files that triggers wait for, in a world in which only the test lets time pass.

use seaworthy_model::time::Span;
use seaworthy_runtime::{Stop, requests::Desk, run::Runs, trigger::Triggers};
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
