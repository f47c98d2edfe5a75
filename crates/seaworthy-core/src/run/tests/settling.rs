//! Stories of who may say whether a `once` step happened, and of unknown ends that are counted.

use expect_test::expect;
use seaworthy_model::{
    event::Event,
    id::RunId,
    input::Form,
    process::{Effect, Process},
    run::{Acted, Executed, Kind, Outcome, Verified},
    time::At,
    value::Value,
};

use super::{
    super::{Next, Plan, State, next, next::nothing, rerun, resume, taken},
    cleaning::requested,
    story,
    world::{World, backup, step},
};

/// `dump` (once), and one check, whose condition is this.
fn paid_if(expect: &str) -> Process {
    let mut process = Process { steps: vec![step("dump", Effect::Once, &[])], ..backup() };
    process.verify.remove(0);
    process.verify[0].expect = Some(expect.into());
    process
}

#[test]
fn a_look_that_failed_itself_does_not_say_that_nothing_was_done() {
    for exit in [2, 127] {
        story(
            &paid_if("stdout.trim() == \"1\""),
            World { dies_after: Some(3), prints: vec![Some("")], exit, ..World::good() },
            expect![[r#"
                act dump 1
                *** the node dies and starts again
                  dump Unknown
                look command 1: no; expected stdout.trim() == "1"; stdout.trim() ""
                settled dump: None, a command that was to look failed and printed nothing
                tell oncall: Unknown
                END executed unknown verified unknown: nobody knows whether step dump happened: a command that was to look failed and printed nothing; look yourself before running it again
            "#]],
        );
    }
}

#[test]
fn a_count_of_nothing_is_a_no_although_the_command_failed() {
    story(
        &paid_if("stdout.trim() == \"1\""),
        World { dies_after: Some(3), prints: vec![Some("0"), Some("1")], exit: 1, ..World::good() },
        expect![[r#"
            act dump 1
            *** the node dies and starts again
              dump Unknown
            look command 1: no; expected stdout.trim() == "1"; stdout.trim() "0"
            settled dump: Some(false), every check says no
            act dump 2
              dump Done
            look command 1: yes; expected stdout.trim() == "1"; stdout.trim() "1"
            verified yes (round 1)
            END executed ok verified yes: 
        "#]],
    );
}

#[test]
fn a_check_that_proves_no_data_settles_nothing() {
    let mut process = paid_if("exit == 0");
    process.verify[0].proves = false;
    for exit in [0, 1] {
        let world = World { dies_after: Some(3), prints: vec![Some("said")], exit, ..World::good() };
        let story = super::world::play(&process, &world);
        assert!(story.contains("settled dump: None, no check that proves data"), "{story}");
        assert!(!story.contains("act dump 2"), "{story}");
    }
}

#[test]
fn an_unknown_end_late_in_a_ladder_is_the_first_of_its_pass() {
    let mut process = Process { steps: vec![step("dump", Effect::Idempotent, &["dump"])], ..backup() };
    if let seaworthy_model::process::Rung::Retry { times, .. } = &mut process.heal[0] {
        *times = 4;
    }
    let acts = [Outcome::NotDone, Outcome::NotDone, Outcome::NotDone, Outcome::Unknown, Outcome::Done];
    let acts = acts.map(|outcome| (outcome, 1)).to_vec();
    let story = super::world::play(&process, &World { acts: [("dump", acts)].into(), ..World::good() });
    assert!(story.contains("act dump 5\n  dump Done") && story.contains("END executed ok verified yes"), "{story}");
}

/// `charge` (once) happened, nobody saw its end, and what it hands on cannot be read; `book` needs that.
fn charged() -> (Plan, State) {
    let mut charge = step("charge", Effect::Once, &[]);
    charge.outputs.insert("receipt".into(), Form::Text { pattern: None });
    let process = Process { steps: vec![charge, step("book", Effect::Once, &[])], ..backup() };
    let mut state = State::default();
    let key = "charge/1".to_owned();
    let unknown = Acted { outcome: Outcome::Unknown, ..nothing() };
    let refused = taken("charge".into(), &process.steps[0].outputs, Ok(String::new()));
    for event in [
        requested(),
        Event::AttemptStarted { step: "charge".into(), attempt: 1, key },
        Event::AttemptEnded { step: "charge".into(), attempt: 1, acted: unknown },
        Event::StepSettled { step: "charge".into(), happened: Some(true), reason: "every check says yes".into() },
        refused,
    ] {
        state.apply(At(0), &event);
    }
    (Plan::of(&process, Kind::Run).unwrap(), state)
}

#[test]
fn what_needs_the_outputs_of_a_step_whose_end_nobody_saw_is_not_begun_without_them() {
    let (plan, mut state) = charged();
    let Next::Record(last) = next(&plan, &state, At(0), &mut || 0) else { panic!("`book` begins") };
    let [Event::RunEnded { executed: Executed::Unknown, verified: Verified::Unknown, reason, .. }] = &last[..] else {
        panic!("{last:?}")
    };
    assert!(reason.contains("what it hands on to the steps after it is not known"), "{reason}");
    assert!(reason.contains("`receipt` is missing") && reason.contains("handed/charge.1"), "{reason}");
    state.apply(At(0), &last[0]);
    // Nor in another run, as if it had handed nothing on.
    let run = RunId::new(At(0), &[1; 10]);
    let refused = rerun(run, &plan, &plan, &state, "book").unwrap_err();
    assert!(refused.contains("what it hands on is not known"), "{refused}");
    // A person wrote it down: it is read again, and nothing is repeated.
    let resumed = resume(run, &plan, &state).unwrap();
    assert_eq!(resumed, Event::RunResumed { again: vec![], look: vec![] });
    state.apply(At(0), &resumed);
    let again = next(&plan, &state, At(0), &mut || 0);
    assert!(matches!(&again, Next::Take { step, attempt: 1, .. } if step == "charge"), "{again:?}");
    let outputs = [("receipt".to_owned(), Value::Text("r1".into()))].into();
    state.apply(At(0), &Event::OutputsTaken { step: "charge".into(), outputs });
    let then = next(&plan, &state, At(0), &mut || 0);
    assert!(matches!(&then, Next::Act(act) if act.step == "book"), "{then:?}");
}
