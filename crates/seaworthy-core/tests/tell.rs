//! Who is told, and about what, whatever else happens in the same breath.

use seaworthy_core::{
    run::{Plan, State},
    tell::routes,
};
use seaworthy_model::{
    event::Event,
    process::{Occasion, Process},
    run::{Cause, Heal, HealOutcome, Kind, Usual, Verified},
    time::At,
};

/// A process whose ladder tells a person before it tries again.
fn process() -> Process {
    let heal = serde_json::json!([
        { "tell": { "route": "oncall" } },
        { "retry": { "times": 1, "backoff": { "shortest": 1, "longest": 1 } } },
    ]);
    serde_json::from_value(serde_json::json!({
        "name": "p", "tier": "C", "env": {}, "secrets": [], "steps": [], "verify": [], "heal": heal, "keep": 1,
        "tell": { "when": [], "route": "boss" },
    }))
    .expect("it is one")
}

#[test]
fn a_rung_that_tells_a_person_tells_also_when_the_next_rung_is_opened_at_once() {
    let (process, now) = (process(), At(1));
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
    let before = [requested, Event::VerificationEnded { round: 0, verified: Verified::No }];
    let told = Heal { what: "tell".into(), rung: 0, outcome: HealOutcome::Told, detail: "oncall".into() };
    let together = [
        Event::HealTried { heal: told },
        Event::HealStarted { rung: 1, what: "retry".into(), again: vec![] },
        Event::Waiting { until: now, why: "retry".into() },
    ];
    let state = State::fold(before.iter().chain(&together).map(|event| (now, event)));
    assert_eq!(routes(&process, &plan, &state, &together), [("oncall".to_owned(), Occasion::Unverified)]);
    let apart = State::fold(before.iter().chain(&together[..1]).map(|event| (now, event)));
    assert_eq!(routes(&process, &plan, &apart, &together[..1]), [("oncall".to_owned(), Occasion::Unverified)]);
}
