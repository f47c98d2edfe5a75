//! A message is sent once as long as nothing crashes, whoever else sends and whatever the disk does.

use std::{collections::BTreeSet, sync::Arc, sync::atomic::Ordering::SeqCst};

use seaworthy_model::{
    entry::{Stream, Via},
    event::{Event, SendOutcome},
    id::{MessageId, RunId},
    port::{Batch, Definitions as _, Message, SendError},
    process::Occasion,
    time::Span,
};
use seaworthy_runtime::{
    Stop,
    notify::{self, Sender},
};

use crate::kit::{START, World};

const ROUTE: &str = "routes:\n  oncall: { command: 'true' }\n";

async fn queue(world: &World, run: Option<RunId>) -> MessageId {
    let message = Message {
        id: world.ports.ids().message(),
        occasion: Occasion::Failed,
        site: "test".into(),
        process: "dump".into(),
        subject: "dump: FAILED".into(),
        text: "it failed".into(),
        expected: vec![],
        seen: vec![],
        tried: vec![],
        procedure: None,
        link: None,
        run,
        at: START,
    };
    let id = message.id;
    let mut batch = Batch::by(world.ports.actor, Via::Node);
    notify::queue(&world.ports, &world.in_force.current().site, &mut batch, "oncall".into(), message, None);
    world.ports.journal.append(batch).await.unwrap();
    id
}

fn heard(world: &World) -> Vec<MessageId> {
    world.ear.heard.lock().unwrap().iter().map(|message| message.id).collect()
}

#[tokio::test]
async fn a_disk_that_fills_up_while_a_message_goes_out_does_not_send_it_again() {
    let world = World::new(ROUTE, &[]);
    let disk = world.disk.clone();
    *world.ear.answer.lock().unwrap() = Arc::new(move |_| {
        disk.full.store(true, SeqCst);
        Ok("taken".into())
    });
    let id = queue(&world, None).await;
    let stop = Stop::default();
    let loops = tokio::spawn(notify::run(world.ports.clone(), stop.clone()));
    for _ in 0..300 {
        world.pass(Span::seconds(1)).await;
    }
    assert_eq!(heard(&world), [id], "five minutes of a full disk");
    assert!(world.kinds("message_tried").await.is_empty());
    world.disk.full.store(false, SeqCst);
    for _ in 0..60 {
        world.pass(Span::seconds(1)).await;
    }
    assert_eq!(heard(&world), [id]);
    let ended = world.kinds("message_ended").await;
    assert!(matches!(ended[..], [Event::MessageEnded { told: true, .. }]), "{ended:?}");
    stop.now();
    loops.await.unwrap();
}

#[tokio::test]
async fn what_could_not_be_recorded_when_stopping_is_not_sent_again_by_the_same_sender() {
    let world = World::new(ROUTE, &[]);
    let disk = world.disk.clone();
    *world.ear.answer.lock().unwrap() = Arc::new(move |_| {
        disk.full.store(true, SeqCst);
        Ok("taken".into())
    });
    let (id, stop) = (queue(&world, None).await, Stop::default());
    let mut sender = Sender::new(world.ports.clone(), stop.clone());
    {
        let activated = sender.activate();
        tokio::pin!(activated);
        tokio::select! {
            ended = &mut activated => panic!("it waits for space: {ended:?}"),
            () = world.settle() => {}
        }
        stop.now();
        activated.await.expect_err("no space");
    }
    world.pass(Span::seconds(3600)).await;
    sender.activate().await.expect_err("still no space");
    world.disk.full.store(false, SeqCst);
    assert_eq!(sender.activate().await, Ok(0), "only the record was owed");
    assert_eq!((heard(&world), world.kinds("message_ended").await.len()), (vec![id], 1));
}

#[tokio::test]
async fn of_nodes_that_send_at_the_same_time_one_sends_a_message() {
    let world = World::new(ROUTE, &[]);
    let mut due = BTreeSet::new();
    for _ in 0..40 {
        due.insert(queue(&world, None).await);
    }
    let mut nodes: Vec<Sender> = (0..4).map(|_| Sender::new(world.ports.clone(), Stop::default())).collect();
    let [a, b, c, d] = &mut nodes[..] else { panic!("four") };
    for _ in 0..6 {
        let (a, b, c, d) = tokio::join!(a.activate(), b.activate(), c.activate(), d.activate());
        assert!([a, b, c, d].iter().all(Result::is_ok), "who comes too late takes what is left");
    }
    assert_eq!(heard(&world).len(), 40, "each once");
    assert_eq!(heard(&world).into_iter().collect::<BTreeSet<_>>(), due);
    assert_eq!(world.kinds("message_ended").await.len(), 40);
}

#[tokio::test]
async fn a_short_lived_node_sends_the_messages_of_its_own_run_only() {
    let world = World::new(ROUTE, &[]);
    let (own, other) = (world.ports.ids().run(), world.ports.ids().run());
    for _ in 0..20 {
        queue(&world, Some(other)).await;
    }
    queue(&world, None).await;
    let mine = queue(&world, Some(own)).await;
    let mut sender = Sender::of_run(world.ports.clone(), Stop::default(), own);
    assert_eq!(sender.activate().await, Ok(1));
    assert_eq!(sender.activate().await, Ok(0));
    assert_eq!(heard(&world), [mine]);
}

#[tokio::test]
async fn a_message_has_ended_when_each_of_its_outlets_has() {
    let world = World::new("routes:\n  oncall: { command: 'true', webhook: 'http://127.0.0.1:9/hook' }\n", &[]);
    let id = queue(&world, None).await;
    // An earlier life sent by the outlet here twice, as after a crash, and never the other.
    let place = world.in_force.current().site.routes["oncall"].outlets.iter().position(|o| o.kind() == "webhook");
    let outlet = format!("webhook {}", place.unwrap() + 1);
    let sent = |attempt| Event::MessageTried {
        message: id,
        outlet: outlet.clone(),
        attempt,
        outcome: SendOutcome::Sent { receipt: "taken".into() },
    };
    let mut batch = Batch::by(world.ports.actor, Via::Node);
    batch.writes.push(world.ports.ids().write(Stream::of("message", id), None, START, [sent(1), sent(2)]));
    batch.outbox_done.push(format!("{id}/{}", place.unwrap()));
    world.ports.journal.append(batch).await.unwrap();
    *world.ear.answer.lock().unwrap() = Arc::new(|_| Err(SendError { retry: true, reason: "not now".into() }));
    let mut sender = Sender::new(world.ports.clone(), Stop::default());
    assert_eq!(sender.activate().await, Ok(1));
    assert!(world.kinds("message_ended").await.is_empty(), "one outlet is still to be tried");
    *world.ear.answer.lock().unwrap() = Arc::new(|_| Ok("taken".into()));
    world.pass(Span::seconds(5)).await;
    assert_eq!(sender.activate().await, Ok(1));
    assert_eq!(world.kinds("message_ended").await.len(), 1);
}

#[tokio::test]
async fn a_clock_that_is_set_back_holds_no_message_up() {
    let world = World::new(ROUTE, &[]);
    *world.ear.answer.lock().unwrap() = Arc::new(|_| Err(SendError { retry: true, reason: "busy".into() }));
    let id = queue(&world, None).await;
    let mut sender = Sender::new(world.ports.clone(), Stop::default());
    assert_eq!(sender.activate().await, Ok(1));
    *world.ear.answer.lock().unwrap() = Arc::new(|_| Ok("taken".into()));
    let day = Span::seconds(24 * 3600);
    world.hands.set_back(Span(31 * day.0));
    assert_eq!(sender.activate().await, Ok(0), "its wait of five seconds goes on");
    world.pass(Span::seconds(5)).await;
    assert_eq!(sender.activate().await, Ok(1));
    assert_eq!(heard(&world), [id, id]);
    // While nobody was there.
    let id = queue(&world, None).await;
    world.hands.set_back(Span(31 * day.0));
    let mut sender = Sender::new(world.ports.clone(), Stop::default());
    assert_eq!(sender.activate().await, Ok(0), "somebody else may be sending it");
    world.pass(Span::seconds(60)).await;
    assert_eq!(sender.activate().await, Ok(1));
    assert_eq!(heard(&world)[2..], [id]);
}

#[tokio::test]
async fn stopping_gives_back_what_is_under_way() {
    let world = World::new(ROUTE, &[]);
    *world.ear.answer.lock().unwrap() = Arc::new(|_| panic!("nobody hears it"));
    let (id, stop) = (queue(&world, None).await, Stop::default());
    stop.now();
    // The send yields first, so the stop comes in between.
    assert_eq!(Sender::new(world.ports.clone(), stop).activate().await, Ok(1));
    assert!(heard(&world).is_empty());
    *world.ear.answer.lock().unwrap() = Arc::new(|_| Ok("taken".into()));
    assert_eq!(
        Sender::new(world.ports.clone(), Stop::default()).activate().await,
        Ok(1),
        "at once, not after the claim"
    );
    assert_eq!(heard(&world), [id]);
}
