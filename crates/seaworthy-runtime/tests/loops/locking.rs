//! Named locks when the node of their holder has died.

use seaworthy_model::{
    entry::Via,
    port::{Answer, Ask, Requests as _},
    time::Span,
};
use seaworthy_runtime::{Ports, Stop, requests::Desk, run::Runs};

use crate::kit::{START, World};

const HOLDER: &str = "process: holder\nlocks: [db]\nsteps:\n  - { id: one, run: 'true' }\n";
const OTHER: &str = "process: other\nlocks: [db]\nsteps:\n  - { id: one, run: 'true' }\n";

const DRILLED: &str = "process: drilled\nlocks: [db]\nlock_wait: 10s\nsteps:\n  - { id: one, run: 'true', makes: drilled }\nverify:\n  - { artifact: drilled, expect: 'sha256 != \"\"' }\ndrill:\n  restore:\n    steps: [{ id: restore, run: 'true' }]\n    verify: [{ command: look, expect: 'stdout == \"1\"' }]\n    after: [{ id: drop, run: 'true' }]\n";

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

/// What has a clean-up and waited for its lock in vain ends, instead of asking for its own end again and again.
#[tokio::test]
async fn a_drill_that_waited_too_long_for_its_lock_is_cancelled_once() {
    let world = World::new("", &[HOLDER, DRILLED]);
    world.record().await;
    world.verified("drilled", START).await;
    let runs = Runs::new(world.ports.clone(), Stop::default());
    let desk = Desk { ports: world.ports.clone(), runs, pings: Default::default() };
    asked(&desk, "holder").await;
    world.settle().await;
    let ask = Ask::Drill { process: "drilled".into() };
    let answer = desk.ask(ask, desk.ports.actor, Via::Cli).await.unwrap();
    assert!(matches!(answer, Answer::Started { .. }), "{answer:?}");
    for _ in 0..12 {
        world.pass(Span::seconds(1)).await;
    }
    let ends = world.kinds("run_ended").await.len();
    assert_eq!((world.kinds("cancel_requested").await.len(), ends), (1, 1));
}
