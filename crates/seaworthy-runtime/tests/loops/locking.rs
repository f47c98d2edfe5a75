//! Named locks when the node of their holder has died.

use std::sync::Arc;

use seaworthy_model::{
    entry::Via,
    port::{Answer, Ask, Fut, Order, OutputKey, Provider, Requests as _},
    run::Acted,
    time::Span,
};
use seaworthy_runtime::{Ports, Stop, requests::Desk, run::Runs};

use crate::{
    kit::{Rest, START, World},
    runs::not_done,
};

const HOLDER: &str = "process: holder\nlocks: [db]\nsteps:\n  - { id: one, run: 'true' }\n";
const OTHER: &str = "process: other\nlocks: [db]\nsteps:\n  - { id: one, run: 'true' }\n";
const DRILLED: &str = "process: drilled\nlocks: [db]\nlock_wait: 10s\nsteps:\n  - { id: one, run: 'true', makes: drilled }\nverify:\n  - { artifact: drilled, expect: 'sha256 != \"\"' }\ndrill:\n  restore:\n    steps: [{ id: restore, run: 'true' }]\n    verify: [{ command: look, expect: 'stdout == \"1\"' }]\n    after: [{ id: drop, run: 'true' }]\n";

/// Attempts of an earlier life go on until the test lets them end.
struct Holding(Arc<Rest>);

impl Provider for Holding {
    fn name(&self) -> &'static str {
        "holding"
    }
    fn act<'a>(&'a self, order: &'a Order) -> Fut<'a, Acted> {
        self.0.act(order)
    }
    fn stop<'a>(&'a self, attempt: &'a OutputKey) -> Fut<'a, ()> {
        self.0.stop(attempt)
    }
    fn adopt<'a>(&'a self, attempt: &'a OutputKey) -> Fut<'a, Option<Acted>> {
        Box::pin(async move {
            self.0.ends.notified().await;
            self.0.adopt(attempt).await
        })
    }
    fn noted(&self, attempt: &OutputKey) {
        self.0.noted(attempt);
    }
}

async fn asked(desk: &Desk, process: &str) {
    let ask = Ask::Run { process: process.into(), inputs: Default::default() };
    let answer = desk.ask(ask, desk.ports.actor, Via::Cli).await.unwrap();
    assert!(matches!(answer, Answer::Started { .. }), "{answer:?}");
}

/// A command may have outlived its node: its run keeps the lock however long the node is dead, until it has ended. Who
/// waits for the lock sees to that, where there is no server.
#[tokio::test]
async fn who_waits_for_a_lock_of_a_dead_node_takes_up_what_may_still_act() {
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
    let provider = Arc::new(Holding(world.rest.clone()));
    let ports = Ports { writer, provider, ..world.ports.clone() };
    let second = Desk { runs: Runs::new(ports.clone(), Stop::default()), ports, pings: Default::default() };
    asked(&second, "other").await;
    for _ in 0..120 {
        world.pass(Span::seconds(1)).await;
    }
    assert_eq!(world.kinds("attempt_started").await.len(), 1, "both act at the same time");
    assert_eq!(world.kinds("lock_awaited").await.len(), 1, "it says for whom it waits");
    assert_eq!(world.kinds("run_claimed").await.len(), 3, "and takes that run up");
    *world.rest.record.lock().unwrap() = Some(not_done());
    world.rest.ends.notify_waiters();
    for _ in 0..5 {
        world.pass(Span::seconds(1)).await;
    }
    assert_eq!(world.kinds("attempt_ended").await.len(), 1, "its end is on record");
    assert_eq!(world.kinds("attempt_started").await.len(), 2, "then the other one acts");
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
