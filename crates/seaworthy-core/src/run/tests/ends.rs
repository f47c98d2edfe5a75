//! Ends that are not the last one, ends of what never began, and whose word ends a doubt about one element of a list.

use seaworthy_model::{
    event::Event,
    matrix::{Expanded, Matrix, Over},
    process::{Effect, Occasion, Process, Step, Tell},
    run::{Cause, Executed, Heal, HealOutcome, Kind, Observation, Outcome, Usual, Verified},
    time::{At, Span},
    value::{Facts, Value},
};

use super::{
    super::{Next, Plan, State, judge, matrix::elements, next, next::nothing, settle::weigh},
    world::{backup, step},
};
use crate::tell::routes;

fn requested(kind: Kind) -> Event {
    Event::RunRequested {
        process: "backup".into(),
        kind,
        digest: "d".into(),
        cause: Cause::Person,
        usual: Usual::default(),
        artifact: None,
        objective: None,
        inputs: Default::default(),
    }
}

fn state(events: &[Event]) -> State {
    State::fold(events.iter().map(|event| (At(0), event)))
}

#[test]
fn a_run_that_went_on_tells_of_its_next_end_too() {
    let tell = Tell { when: vec![Occasion::Unknown], route: "oncall".into(), procedure: None };
    let process = Process { tell: Some(tell), ..backup() };
    let plan = Plan::of(&process, Kind::Run).unwrap();
    let told = Heal { what: "tell".into(), rung: 1, outcome: HealOutcome::Told, detail: "oncall".into() };
    let end = |executed, verified| {
        let (reason, duration) = (String::new(), Span::ZERO);
        Event::RunEnded { executed, verified, reason, duration, recovery: None }
    };
    let last = end(Executed::Unknown, Verified::Unknown);
    let first = [requested(Kind::Run), Event::HealTried { heal: told }, last.clone()];
    assert_eq!(routes(&process, &plan, &state(&first), &first[2..]), [], "a rung has told of this end");
    let goes_on = [Event::RunResumed { again: vec![], look: vec![] }, last];
    let all: Vec<Event> = first.into_iter().chain(goes_on).collect();
    assert_eq!(routes(&process, &plan, &state(&all), &all[4..]), [("oncall".to_owned(), Occasion::Unknown)]);
}

#[test]
fn what_never_began_is_not_cleaned_up() {
    let mut plan = Plan::of(&backup(), Kind::Run).unwrap();
    plan.after = vec![step("after.drop", Effect::Idempotent, &[])];
    let called_off = [requested(Kind::Run), Event::CancelRequested { reason: "enough".into() }];
    let next = next(&plan, &state(&called_off), At(0), &mut || 0);
    let Next::Record(events) = next else { panic!("it acts: {next:?}") };
    assert!(matches!(events[..], [Event::RunEnded { executed: Executed::Cancelled, .. }]), "{events:?}");
}

/// `pay` is done for two elements: the first says that it is done, of the second nobody saw the end, and the check of all says
/// no. The first may have lied.
#[test]
fn a_no_about_a_whole_list_does_not_say_that_one_element_did_not_happen() {
    let over = Over::These(vec!["x".into(), "y".into()]);
    let pay = Step { matrix: Some(Matrix { over, parallel: None, stop: false }), ..step("pay", Effect::Once, &[]) };
    let mut process = Process { steps: vec![pay], ..backup() };
    process.verify.remove(0);
    process.verify[0].of = Some("pay".into());
    let values: Vec<String> = vec!["x".into(), "y".into()];
    let list = Expanded { step: "pay".into(), elements: elements("pay", values).unwrap() };
    let of = |id: &str, outcome| {
        let acted = seaworthy_model::run::Acted { outcome, ..nothing() };
        let begun = Event::AttemptStarted { step: id.into(), attempt: 1, key: id.into() };
        [begun, Event::AttemptEnded { step: id.into(), attempt: 1, acted }]
    };
    let facts = Facts::from([("stdout".into(), Value::Text("nothing".into())), ("exit".into(), Value::Int(0))]);
    let seen = Observation { source: "probe/test".into(), facts, took: Span::ZERO, dropped: 0 };
    let no = Event::Checked { judged: judge(&process.verify[0], 0, seen, &Usual::default()) };
    let mut events = vec![requested(Kind::Run), Event::StepExpanded(list)];
    events.extend(of("pay[x]", Outcome::Done));
    events.extend(of("pay[y]", Outcome::Unknown));
    events.push(no);
    let state = state(&events);
    let plan = Plan::of(&process, Kind::Run).unwrap().grown(&state).into_owned();
    let step = plan.steps.iter().find(|step| step.id == "pay[y]").unwrap();
    let (happened, why) = weigh(&plan, &state, step, &plan.verify.iter().collect::<Vec<_>>());
    assert_eq!((happened, why.contains("about all of pay")), (None, true), "{why}");
}
