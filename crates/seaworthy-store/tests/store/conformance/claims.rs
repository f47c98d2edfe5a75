//! What `append` wants to see before it takes a green entry.

use seaworthy_model::{
    entry::{Stream, Via},
    event::Event,
    id::ActorId,
    port::{Batch, StoreError, Write},
    run::{Cause, Executed, Judged, Kind, Observation, Verdict, Verified},
    step::Asked,
    time::{At, Span},
    value::Value,
};

use crate::world::{World, actor, assert_whole, batch, draft, run, said, stream};

fn checked(round: u32, verdict: Verdict) -> Event {
    let seen = Observation { source: "probe/command".into(), facts: [].into(), took: Span::ZERO, dropped: 0 };
    let looked = matches!(verdict, Verdict::Yes | Verdict::No);
    Event::Checked {
        judged: Judged {
            check: "command 1".to_owned(),
            round,
            verdict,
            expected: String::new(),
            observed: String::new(),
            observation: looked.then_some(seen),
        },
    }
}

/// A no of a command that failed.
fn failed_saying(stdout: &str) -> Event {
    let Event::Checked { mut judged } = checked(0, Verdict::No) else { unreachable!("it was made above") };
    let facts = [("exit".to_owned(), Value::Int(2)), ("stdout".to_owned(), Value::Text(stdout.to_owned()))];
    if let Some(seen) = &mut judged.observation {
        seen.facts = facts.into();
    }
    Event::Checked { judged }
}

fn skipped(round: u32) -> Event {
    checked(round, Verdict::Skipped { reason: "learning".to_owned() })
}

fn round(round: u32, verified: Verified) -> Event {
    Event::VerificationEnded { round, verified }
}

fn settled(happened: Option<bool>) -> Event {
    Event::StepSettled { step: "pay".to_owned(), happened, reason: String::new() }
}

fn end(verified: Verified) -> Event {
    Event::RunEnded { executed: Executed::Ok, verified, reason: String::new(), duration: Span::ZERO, recovery: None }
}

fn writes(name: &str, events: Vec<Event>) -> Write {
    Write { stream: stream(name), expected: None, drafts: events.into_iter().map(draft).collect() }
}

async fn tell(w: &World, name: &str, events: Vec<Event>) -> Result<u64, StoreError> {
    w.journal.append(Batch { writes: vec![writes(name, events)], ..batch() }).await
}

async fn refused(w: &World, name: &str, event: Event) {
    let before = w.length().await;
    let answer = tell(w, name, vec![said("beside"), event.clone()]).await;
    let Err(StoreError::Refused { rule }) = answer else { panic!("{event:?} was taken: {answer:?}") };
    assert!(rule.contains(stream(name).as_str()), "{rule}");
    assert_eq!(w.length().await, before, "nothing of it is written");
}

pub async fn a_verification_without_a_yes_on_record_is_refused(w: &World) {
    refused(w, "a", round(0, Verified::Yes)).await;
    tell(w, "a", vec![skipped(0)]).await.unwrap();
    refused(w, "a", round(0, Verified::Yes)).await;
    tell(w, "a", vec![checked(0, Verdict::Yes), said("between"), skipped(0)]).await.unwrap();
    tell(w, "a", vec![round(0, Verified::Yes)]).await.unwrap();
    tell(w, "b", vec![checked(0, Verdict::No), checked(0, Verdict::Yes)]).await.unwrap();
    refused(w, "b", round(0, Verified::Yes)).await;
    tell(w, "b", vec![round(0, Verified::No)]).await.expect("what is not green claims nothing");
    assert_whole(&*w.journal).await;
}

pub async fn a_run_does_not_end_verified_without_a_verification(w: &World) {
    refused(w, "a", end(Verified::Yes)).await;
    tell(w, "a", vec![checked(0, Verdict::Yes)]).await.unwrap();
    refused(w, "a", end(Verified::Yes)).await;
    tell(w, "a", vec![round(0, Verified::Yes)]).await.unwrap();
    tell(w, "a", vec![said("between")]).await.unwrap();
    tell(w, "a", vec![end(Verified::Yes)]).await.unwrap();
    tell(w, "b", vec![checked(0, Verdict::Yes), round(0, Verified::Yes), round(1, Verified::No)]).await.unwrap();
    refused(w, "b", end(Verified::Yes)).await;
    for (name, verified) in [("c", Verified::No), ("d", Verified::Unknown), ("e", Verified::Unproven)] {
        tell(w, name, vec![end(verified)]).await.expect("what is not green claims nothing");
    }
}

pub async fn a_step_is_settled_only_by_checks_on_record(w: &World) {
    for happened in [true, false] {
        refused(w, "a", settled(Some(happened))).await;
    }
    tell(w, "a", vec![checked(0, Verdict::No)]).await.unwrap();
    refused(w, "a", settled(Some(true))).await;
    tell(w, "a", vec![settled(Some(false))]).await.unwrap();
    refused(w, "a", settled(Some(false))).await;
    tell(w, "a", vec![checked(1, Verdict::Yes), settled(Some(true))]).await.unwrap();
    tell(w, "a", vec![checked(2, Verdict::Yes), checked(2, Verdict::No)]).await.unwrap();
    for happened in [true, false] {
        refused(w, "a", settled(Some(happened))).await;
    }
    tell(w, "a", vec![settled(None)]).await.expect("not knowing claims nothing");
    for (said, bears) in [("", false), ("0", true)] {
        tell(w, "b", vec![failed_saying(said)]).await.unwrap();
        if bears {
            tell(w, "b", vec![settled(Some(false))]).await.expect("a count of nothing says no");
        } else {
            refused(w, "b", settled(Some(false))).await;
            tell(w, "b", vec![settled(None)]).await.unwrap();
        }
    }
}

pub async fn what_bears_a_claim_out_may_come_in_the_same_batch(w: &World) {
    let whole = vec![checked(0, Verdict::Yes), round(0, Verified::Yes), end(Verified::Yes)];
    tell(w, "a", whole).await.unwrap();
    let parts = vec![
        writes("b", vec![checked(0, Verdict::Yes)]),
        writes("c", vec![said("another stream")]),
        writes("b", vec![round(0, Verified::Yes)]),
        writes("b", vec![end(Verified::Yes)]),
    ];
    w.journal.append(Batch { writes: parts, ..batch() }).await.unwrap();
    refused(w, "d", end(Verified::Yes)).await;
    let late = tell(w, "d", vec![end(Verified::Yes), checked(0, Verdict::Yes), round(0, Verified::Yes)]).await;
    assert!(matches!(late, Err(StoreError::Refused { .. })), "what comes after bears nothing out: {late:?}");
    assert_whole(&*w.journal).await;
}

pub async fn a_claim_rests_on_its_own_stream_and_round(w: &World) {
    tell(w, "a", vec![checked(0, Verdict::Yes)]).await.unwrap();
    refused(w, "a", round(1, Verified::Yes)).await;
    refused(w, "b", round(0, Verified::Yes)).await;
    tell(w, "a", vec![round(0, Verified::Yes)]).await.unwrap();
    refused(w, "b", end(Verified::Yes)).await;
    refused(w, "a", round(0, Verified::Yes)).await;
}

fn requested() -> Event {
    Event::RunRequested {
        process: "pay".to_owned(),
        kind: Kind::Run,
        digest: "d".to_owned(),
        cause: Cause::Person,
        usual: Default::default(),
        artifact: None,
        objective: None,
        inputs: Default::default(),
    }
}

fn asked(other: bool) -> Event {
    Event::PersonAsked(Asked { step: "go".to_owned(), until: At(i64::MAX), other, barred: vec![], outside: None })
}

/// This person answers.
async fn answer(w: &World, name: &str, by: ActorId, yes: bool) -> Result<u64, StoreError> {
    let event = Event::PersonAnswered { step: "go".to_owned(), yes, evidence: String::new(), by };
    w.journal.append(Batch { writes: vec![writes(name, vec![event])], ..Batch::by(by, Via::Web) }).await
}

pub async fn nobody_agrees_to_what_they_asked_for(w: &World) {
    let (requester, other) = (actor(), actor());
    let request = |name: &str, of: bool| Batch {
        writes: vec![writes(name, vec![requested(), asked(of)])],
        ..Batch::by(requester, Via::Cli)
    };
    w.journal.append(request("a", true)).await.unwrap();
    let before = w.length().await;
    let own = answer(w, "a", requester, true).await;
    let Err(StoreError::Refused { rule }) = own else { panic!("it was taken: {own:?}") };
    assert!(rule.contains("another person") && rule.contains("`go`"), "{rule}");
    assert_eq!(w.length().await, before, "nothing of it is written");
    answer(w, "a", other, true).await.expect("another one may");
    w.journal.append(request("b", true)).await.unwrap();
    answer(w, "b", requester, false).await.expect("to say no to it is nobody's privilege");
    w.journal.append(request("c", false)).await.unwrap();
    answer(w, "c", requester, true).await.expect("what a person does may be done by whoever asked for it");
}

pub async fn an_answer_needs_a_question_and_is_given_once_in_ones_own_name(w: &World) {
    let (one, other) = (actor(), actor());
    tell(w, "a", vec![requested()]).await.unwrap();
    assert!(answer(w, "a", one, true).await.is_err(), "nobody was asked");
    tell(w, "b", vec![asked(true)]).await.unwrap();
    assert!(answer(w, "b", one, true).await.is_err(), "nobody knows who asked for the run");
    tell(w, "a", vec![asked(true)]).await.unwrap();
    let event = Event::PersonAnswered { step: "go".to_owned(), yes: true, evidence: String::new(), by: one };
    let forged = Batch { writes: vec![writes("a", vec![event])], ..Batch::by(other, Via::Web) };
    assert!(w.journal.append(forged).await.is_err(), "in another's name");
    answer(w, "a", one, true).await.unwrap();
    assert!(answer(w, "a", other, true).await.is_err(), "it was answered already");
    tell(w, "a", vec![asked(true)]).await.unwrap();
    answer(w, "a", other, true).await.expect("it was asked anew");
}

pub async fn nobody_agrees_to_what_they_led_to_or_did_by_hand_nor_after_its_time(w: &World) {
    let (requester, above, other) = (actor(), actor(), actor());
    let request = |name: &str, events: Vec<Event>| Batch {
        writes: vec![writes(name, [vec![requested()], events].concat())],
        ..Batch::by(requester, Via::Node)
    };
    let question = |step: &str, until: At, other: bool, barred: Vec<ActorId>| {
        Event::PersonAsked(Asked { step: step.to_owned(), until, other, barred, outside: None })
    };
    let go = |until: At| question("go", until, true, vec![above]);
    w.journal.append(request("a", vec![go(At(i64::MAX))])).await.unwrap();
    assert!(answer(w, "a", above, true).await.is_err(), "they asked for what led to it");
    answer(w, "a", other, true).await.expect("another one may");

    w.journal.append(request("b", vec![question("hand", At(i64::MAX), false, vec![]), said("between")])).await.unwrap();
    let did = Event::PersonAnswered { step: "hand".to_owned(), yes: true, evidence: String::new(), by: other };
    let by_hand = Batch { writes: vec![writes("b", vec![did])], ..Batch::by(other, Via::Web) };
    w.journal.append(by_hand).await.unwrap();
    tell(w, "b", vec![go(At(i64::MAX))]).await.unwrap();
    assert!(answer(w, "b", other, true).await.is_err(), "they did it themselves");
    answer(w, "b", other, false).await.expect("to say no to it is nobody's privilege");

    w.journal.append(request("c", vec![go(At(0))])).await.unwrap();
    for yes in [true, false] {
        assert!(answer(w, "c", other, yes).await.is_err(), "it is too late");
    }
}

pub async fn a_yes_is_not_taken_over_by_another_run(w: &World) {
    let from = run();
    let hand = Event::PersonAsked(Asked {
        step: "hand".to_owned(),
        until: At(9),
        other: false,
        barred: vec![],
        outside: None,
    });
    let write = Write {
        stream: Stream::run(from),
        expected: None,
        drafts: [requested(), asked(true), hand].into_iter().map(draft).collect(),
    };
    w.journal.append(Batch { writes: vec![write], ..batch() }).await.unwrap();
    let taken = |step: &str| Event::StepTaken { step: step.to_owned(), from, outputs: Default::default() };
    refused(w, "a", taken("go")).await;
    tell(w, "a", vec![taken("hand"), taken("make")]).await.expect("nobody had to agree to these");
}
