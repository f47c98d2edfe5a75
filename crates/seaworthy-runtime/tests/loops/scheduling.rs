//! What a schedule writes together, when the disk takes a part of it only.

use seaworthy_model::{entry::Stream, time::Span};
use seaworthy_runtime::{
    Stop,
    requests::Desk,
    run::Runs,
    schedule::{Agenda, activate},
};

use crate::kit::World;

const TICK: &str = "process: tick\nschedule: { every: 10s, overlap: replace }\nsteps: [{ id: one, run: 'true' }]\n";

/// Had the one been durable without the other, an occurrence would wait for a run that nobody stops.
#[tokio::test]
async fn an_occurrence_that_replaces_a_run_and_the_order_to_stop_that_run_are_one_entry_or_none() {
    let world = World::new("", &[TICK]);
    world.record().await;
    let runs = Runs::new(world.ports.clone(), Stop::default());
    let desk = Desk { ports: world.ports.clone(), runs, pings: Default::default() };
    let mut agenda = Agenda::default();
    activate(&desk, &mut agenda).await.unwrap();
    world.pass(Span::seconds(10)).await;
    activate(&desk, &mut agenda).await.unwrap();
    world.settle().await;
    assert_eq!(world.kinds("attempt_started").await.len(), 1);
    let run = desk.ports.views.live_runs().await.unwrap()[0].run;
    *world.disk.full_for.lock().unwrap() = Some(Stream::run(run));
    world.pass(Span::seconds(10)).await;
    activate(&desk, &mut agenda).await.unwrap_err();
    assert_eq!(world.kinds("occurrence_queued").await.len(), 0, "it would wait for what nobody stops");
    *world.disk.full_for.lock().unwrap() = None;
    activate(&desk, &mut agenda).await.unwrap();
    assert_eq!(world.kinds("occurrence_queued").await.len(), 1);
    assert_eq!(world.kinds("cancel_requested").await.len(), 1);
}
