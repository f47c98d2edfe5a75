//! A clock on the wall that is set back holds nothing up for longer than it was meant to wait.

use seaworthy_core::run::{Next, Plan, State, next};
use seaworthy_model::{
    event::Event,
    process::Process,
    run::{Cause, Kind, Usual, Verified},
    time::{At, Span},
};

#[test]
fn a_wait_that_has_not_begun_yet_is_over() {
    let heal = serde_json::json!([{ "retry": { "times": 1, "backoff": { "shortest": 1, "longest": 1 } } }]);
    let process: Process = serde_json::from_value(serde_json::json!({
        "name": "p", "tier": "C", "env": {}, "secrets": [], "verify": [], "heal": heal, "keep": 1,
        "steps": [{ "id": "one", "action": "noop", "needs": [], "effect": "read", "makes": [], "env": {}, "secrets": [] }],
    }))
    .unwrap();
    let plan = Plan::of(&process, Kind::Run).unwrap();
    let requested = Event::RunRequested {
        process: "p".into(),
        kind: Kind::Run,
        digest: "d".into(),
        cause: Cause::Person,
        usual: Usual::default(),
        artifact: None,
        objective: None,
        inputs: Default::default(),
    };
    let day = Span::seconds(24 * 3600);
    let began = At(0) + day;
    let until = began + Span::seconds(10);
    let events = [
        requested,
        Event::VerificationEnded { round: 0, verified: Verified::No },
        Event::HealStarted { rung: 0, what: "retry".into(), again: vec!["one".into()] },
        Event::Waiting { until, why: "retry 1 of 1".into() },
    ];
    let state = State::fold(events.iter().map(|event| (began, event)));
    let asked = |now: At| next(&plan, &state, now, &mut || 0);
    assert_eq!(asked(began), Next::Wait(until), "it waits");
    assert_eq!(asked(began + Span::seconds(9)), Next::Wait(until));
    assert!(!matches!(asked(until), Next::Wait(_)), "it has waited");
    assert!(!matches!(asked(began - day), Next::Wait(_)), "a day more would be none of its own");
}
