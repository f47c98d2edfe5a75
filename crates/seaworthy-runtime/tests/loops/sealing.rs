//! When the tree head is signed: at once, every minute, and at the end. Must not know how a signature is made.

use seaworthy_model::{checkpoint::Checkpoint, time::Span};
use seaworthy_runtime::{Stop, seal};

use crate::kit::World;

const ONE: &str = "process: dump\nsteps:\n  - { id: one, run: 'true' }\n";
const TWO: &str = "process: sweep\nsteps:\n  - { id: one, run: 'true' }\n";

async fn sizes(world: &World) -> Vec<u64> {
    let notes = world.ports.journal.checkpoints(0, 100).await.unwrap();
    notes.iter().map(|note| Checkpoint::parse(note).unwrap().0.size).collect()
}

#[tokio::test]
async fn what_an_earlier_life_left_unsealed_is_sealed_at_once_and_the_rest_at_the_end() {
    let world = World::new("", &[ONE, TWO]);
    world.record().await;
    let stop = Stop::default();
    let sealing = tokio::spawn(seal::run(world.ports.clone(), stop.clone()));
    world.settle().await;
    assert_eq!(sizes(&world).await, [2], "before any time has passed");
    world.record().await;
    world.pass(Span::seconds(60)).await;
    assert_eq!(sizes(&world).await, [2, 4], "a minute later");
    world.record().await;
    stop.now();
    sealing.await.unwrap();
    assert_eq!(sizes(&world).await, [2, 4, 6], "at the end");
}
