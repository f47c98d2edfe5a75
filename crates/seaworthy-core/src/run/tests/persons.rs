//! Steps that a person does, in what is known of a run.

use seaworthy_model::{
    event::Event,
    id::{ActorId, RunId},
    process::{Action, Duty, Effect, Process, Proof, Step},
    run::{Acted, Executed, Kind, Outcome, Verified},
    time::{At, Span},
};

use super::{
    super::{Next, Plan, State, ended, next, next::nothing},
    together::ask,
    world::step,
};

#[test]
fn the_time_that_a_person_takes_is_not_how_long_the_process_takes() {
    let duty = Duty {
        text: "store it".into(),
        procedure: None,
        route: None,
        within: Span::seconds(86_400),
        evidence: Proof::Text,
    };
    let store = Step { needs: vec!["make".into()], ..Step::new("store", Action::Human(duty)) };
    let process = Process { steps: vec![step("make", Effect::Idempotent, &[]), store], ..Process::named("tape") };
    let plan = Plan::of(&process, Kind::Run).unwrap();
    let mut state = State::default();
    ask(&process, &mut state);
    let at = |seconds| At(0) + Span::seconds(seconds);
    let attempt = 1;
    state.apply(at(0), &Event::AttemptStarted { step: "make".into(), attempt, key: "make/1".into() });
    let acted = Acted { outcome: Outcome::Done, took: Span::seconds(5), ..nothing() };
    state.apply(at(5), &Event::AttemptEnded { step: "make".into(), attempt, acted });
    for now in [5, 3_605] {
        let Next::Record(events) = next(&plan, &state, at(now), &mut || 0) else { panic!("nothing to record") };
        events.iter().for_each(|event| state.apply(at(now), event));
        if now == 5 {
            let by = ActorId::new(At(0), &[1; 10]);
            let (step, evidence) = ("store".to_owned(), "shelf 2".to_owned());
            state.apply(at(3_600), &Event::PersonAnswered { step, yes: true, evidence, by });
        }
    }
    let took = state.last("store").and_then(|last| last.ended.as_ref()).map(|(_, acted)| acted.took);
    assert_eq!(took, Some(Span::seconds(3_595)), "it is on record how long it took");
    let (executed, verified, reason) = (Executed::Ok, Verified::Unproven, String::new());
    let duration = Span::seconds(3_605);
    state.apply(at(3_605), &Event::RunEnded { executed, verified, reason, duration, recovery: None });
    let row = ended(RunId::new(At(1), &[1; 10]), Some(&plan), &state).unwrap();
    assert_eq!(row.measures["duration"], 5e9);
}
