//! Named locks when the node of their holder has died.

use seaworthy_model::{
    entry::Via,
    port::{Answer, Ask, Requests as _},
    time::Span,
};
use seaworthy_runtime::{Ports, Stop, requests::Desk, run::Runs};

use crate::kit::World;

const HOLDER: &str = "process: holder\nlocks: [db]\nsteps:\n  - { id: one, run: 'true' }\n";
const OTHER: &str = "process: other\nlocks: [db]\nsteps:\n  - { id: one, run: 'true' }\n";

async fn asked(desk: &Desk, process: &str) {
    let ask = Ask::Run { process: process.into(), inputs: Default::default() };
    let answer = desk.ask(ask, desk.ports.actor, Via::Cli).await.unwrap();
    assert!(matches!(answer, Answer::Started { .. }), "{answer:?}");
}

/// A command may have outlived its node: its run keeps the lock however long the node is dead, until it has ended.
#[tokio::test]
async fn a_lock_is_not_given_away_while_an_attempt_of_a_dead_node_may_still_act() {
    let world = World::new("", &[HOLDER, OTHER]);
    world.record().await;
    let runs = Runs::new(world.ports.clone(), Stop::default());
    let desk = Desk { ports: world.ports.clone(), runs, pings: Default::default() };
    asked(&desk, "holder").await;
    world.settle().await;
    assert_eq!(world.kinds("attempt_started").await.len(), 1);
    // For another node the first one's life is over: nobody of its epoch lives.
    let mut writer = world.ports.writer;
    writer.epoch += 1;
    let ports = Ports { writer, ..world.ports.clone() };
    let second = Desk { runs: Runs::new(ports.clone(), Stop::default()), ports, pings: Default::default() };
    asked(&second, "other").await;
    for _ in 0..120 {
        world.pass(Span::seconds(1)).await;
    }
    assert_eq!(world.kinds("attempt_started").await.len(), 1, "both act at the same time");
    assert_eq!(world.kinds("lock_awaited").await.len(), 1, "it says for whom it waits");
}
