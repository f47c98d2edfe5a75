//! Steps that a person does, in what is known of a run.

use std::collections::BTreeSet;

use seaworthy_model::{
    event::Event,
    id::{ActorId, RunId},
    process::{Action, Duty, Effect, Process, Proof, Step},
    run::{Acted, Executed, Kind, Outcome, Verified},
    time::{At, Span},
};

use super::{
    super::{Next, Plan, Said, State, ended, next, next::nothing, rerun, sign},
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

fn duty() -> Duty {
    Duty { text: "x".into(), procedure: None, route: None, within: Span::seconds(60), evidence: Proof::None }
}

fn after(needs: &[&str], step: Step) -> Step {
    Step { needs: needs.iter().map(|need| (*need).to_owned()).collect(), ..step }
}

/// One does it, another agrees, it is carried out and looked after.
fn deploy() -> Process {
    let hand = after(&[], Step::new("hand", Action::Human(duty())));
    let ok = after(&["hand"], Step::new("ok", Action::Approve(duty())));
    let put = after(&["ok"], step("put", Effect::Once, &[]));
    let tidy = after(&["put"], step("tidy", Effect::Idempotent, &[]));
    Process { steps: vec![hand, ok, put, tidy], ..Process::named("deploy") }
}

fn person(n: u8) -> ActorId {
    ActorId::new(At(0), &[n; 10])
}

/// Takes in what comes next, as long as it needs nobody outside.
fn go(plan: &Plan, state: &mut State, now: At) -> Next {
    loop {
        match next(plan, state, now, &mut || 0) {
            Next::Record(events) => events.iter().for_each(|event| state.apply(now, event)),
            other => return other,
        }
    }
}

fn say(plan: &Plan, state: &mut State, (step, by): (&str, u8), at: At, barred: &[u8]) -> Result<(), String> {
    let barred: BTreeSet<ActorId> = barred.iter().map(|n| person(*n)).collect();
    let event = sign(plan, state, step, Said { yes: true, evidence: "", by: person(by), at }, &barred)?;
    state.apply(at, &event);
    Ok(())
}

#[test]
fn an_answer_after_its_time_does_not_count_though_nobody_noticed_yet_that_it_is_over() {
    let process = deploy();
    let plan = Plan::of(&process, Kind::Run).unwrap();
    let mut state = State::default();
    ask(&process, &mut state);
    let until = At(0) + Span::seconds(60);
    assert_eq!(go(&plan, &mut state, At(0)), Next::Wait(until));
    let late = say(&plan, &mut state, ("hand", 2), until, &[]).unwrap_err();
    assert!(late.contains("within 1m; what comes later"), "{late}");
    say(&plan, &mut state, ("hand", 2), At(until.0 - 1), &[]).expect("a moment before");
}

#[test]
fn who_did_a_step_by_hand_or_is_barred_cannot_agree_and_anybody_may_say_no() {
    let process = deploy();
    let plan = Plan::of(&process, Kind::Run).unwrap();
    let mut state = State::default();
    ask(&process, &mut state);
    go(&plan, &mut state, At(0));
    say(&plan, &mut state, ("hand", 2), At(1), &[1, 2]).expect("what a person does may be done by whoever asked");
    go(&plan, &mut state, At(2));
    for (by, barred) in [(2, &[1][..]), (1, &[1]), (3, &[1, 3])] {
        let refused = say(&plan, &mut state, ("ok", by), At(3), barred).unwrap_err();
        assert!(refused.contains("another person"), "{by}: {refused}");
    }
    let no = Said { yes: false, evidence: "not now", by: person(2), at: At(3) };
    assert!(sign(&plan, &state, "ok", no, &[person(2)].into()).is_ok());
    say(&plan, &mut state, ("ok", 3), At(3), &[1]).expect("another one may");
}

#[test]
fn a_yes_is_not_taken_over_by_another_run_and_nothing_behind_it_goes_without_one() {
    let process = deploy();
    let plan = Plan::of(&process, Kind::Run).unwrap();
    let mut state = State::default();
    ask(&process, &mut state);
    go(&plan, &mut state, At(0));
    say(&plan, &mut state, ("hand", 2), At(1), &[]).unwrap();
    go(&plan, &mut state, At(2));
    say(&plan, &mut state, ("ok", 3), At(3), &[]).unwrap();
    for (id, outcome) in [("put", Outcome::Done), ("tidy", Outcome::NotDone)] {
        let Next::Act(_) = go(&plan, &mut state, At(4)) else { panic!("{id} does not start") };
        state.apply(At(4), &Event::AttemptStarted { step: id.into(), attempt: 1, key: "k".into() });
        let acted = Acted { outcome, ..nothing() };
        state.apply(At(5), &Event::AttemptEnded { step: id.into(), attempt: 1, acted });
    }
    let (executed, verified, reason) = (Executed::Failed, Verified::Unproven, String::new());
    state.apply(At(6), &Event::RunEnded { executed, verified, reason, duration: Span::ZERO, recovery: None });
    let taken = rerun(RunId::new(At(1), &[1; 10]), &plan, &plan, &state, "tidy").unwrap();
    let mut again = State::default();
    ask(&process, &mut again);
    taken.iter().for_each(|(event, _)| again.apply(At(7), event));
    let steps: Vec<&String> = again.attempts.keys().collect();
    assert_eq!(steps, ["hand", "put"], "what was done by hand stands, what was agreed to does not");
    assert!(matches!(go(&plan, &mut again, At(8)), Next::Wait(_)), "tidy waits for the yes that is asked for anew");
    say(&plan, &mut again, ("ok", 3), At(9), &[]).unwrap();
    assert!(matches!(go(&plan, &mut again, At(9)), Next::Act(_)));
}
