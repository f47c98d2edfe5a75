//! Steps that are not done on purpose, and values that steps hand on.

use expect_test::{Expect, expect};
use seaworthy_model::{
    event::Event,
    input::{Form, Input},
    process::{Check, Effect, Look, Process, Step},
    run::{Acted, Cause, Kind, Outcome, Usual, Verdict},
    time::At,
    value::{Facts, Value},
};

use super::{
    super::{Next, Plan, State, next, next::nothing, taken},
    world::{check, command, step},
};

fn process() -> Process {
    let of = |id: &str, needs: &[&str], when: Option<&str>| Step {
        needs: needs.iter().map(|n| (*n).into()).collect(),
        when: when.map(Into::into),
        ..step(id, Effect::Idempotent, &[])
    };
    let count = Step {
        outputs: [("tables".to_owned(), Form::Whole { min: None, max: None })].into(),
        ..of("count", &[], None)
    };
    let dump = Step {
        makes: vec!["dump".into()],
        ..of("dump", &["count"], Some("steps.count.outputs.tables > inputs.least"))
    };
    let report = Step { despite_skipped: true, ..of("report", &["ship"], None) };
    let whole = Form::Whole { min: None, max: None };
    let least = Input { name: "least".into(), about: None, form: whole, default: Some(Value::Int(0)) };
    Process {
        inputs: vec![least],
        steps: vec![count, dump, of("ship", &["dump"], None), report],
        verify: vec![
            check("artifact dump", Look::Artifact { name: "dump".into() }, Some("size > 1KiB")),
            Check { of: Some("ship".into()), ..check("command 1", look(), Some("stdout == \"x\"")) },
        ],
        ..Process::named("p")
    }
}

fn look() -> Look {
    Look::Command { command: command("look"), artifact: None }
}

/// Plays a run in which `count` writes this, and tells what was decided.
fn play(process: &Process, written: &str) -> String {
    let plan = Plan::of(process, Kind::Run).unwrap();
    let (mut state, mut trace) = (State::default(), String::new());
    let (artifact, objective, cause, digest) = (None, None, Cause::Person, "d".to_owned());
    let inputs = Facts::from([("least".to_owned(), Value::Int(0))]);
    let (name, usual, kind) = (process.name.clone(), Usual::default(), Kind::Run);
    state.apply(At(0), &Event::RunRequested { process: name, kind, digest, cause, usual, artifact, objective, inputs });
    state.apply(At(0), &Event::RunClaimed { fence: 1 });
    for _ in 0..100 {
        let events = match next(&plan, &state, At(0), &mut || 0) {
            Next::Ended => return trace,
            Next::Record(events) => events,
            Next::Act(act) => {
                trace += &format!("{} is done\n", act.step);
                let acted = Acted { outcome: Outcome::Done, ..nothing() };
                vec![act.event, Event::AttemptEnded { step: act.step, attempt: act.attempt, acted }]
            }
            Next::Take { step, outputs, .. } => vec![taken(step, &outputs, Ok(written.to_owned()))],
            Next::Collect { step, name, .. } => {
                let reason = "not of this story".to_owned();
                vec![Event::ArtifactMissing { step, name, looked_at: String::new(), reason }]
            }
            Next::Snapshot => vec![Event::HostSeen { snapshot: Default::default() }],
            other => panic!("not of this story: {other:?}"),
        };
        for event in &events {
            state.apply(At(0), event);
            match event {
                Event::StepSkipped { step, reason } => trace += &format!("{step} is skipped: {reason}\n"),
                Event::OutputsRefused { step, reason } => trace += &format!("{step} fails: {reason}\n"),
                Event::Checked { judged } => {
                    let Verdict::Skipped { reason } = &judged.verdict else { panic!("{judged:?} was to be skipped") };
                    trace += &format!("check {} is skipped: {reason}\n", judged.check);
                }
                Event::RunEnded { executed, verified, reason, .. } => {
                    trace += &format!("END executed {} verified {}: {reason}\n", executed.word(), verified.word());
                }
                _ => {}
            }
        }
    }
    panic!("the run does not end:\n{trace}");
}

fn story(process: &Process, written: &str, expected: Expect) {
    expected.assert_eq(&play(process, written));
}

#[test]
fn a_skipped_step_takes_what_needs_it_along_and_its_checks_are_no_pass() {
    story(
        &process(),
        "tables=0\n",
        expect![[r#"
        count is done
        dump is skipped: its condition is not met: expected steps.count.outputs.tables > inputs.least, seen steps.count.outputs.tables 0, inputs.least 0
        ship is skipped: step dump, which it needs, was skipped
        report is done
        check artifact dump is skipped: step dump was skipped
        check command 1 is skipped: step ship was skipped
        END executed ok verified unknown: no check that proves data could be carried out
    "#]],
    );
}

#[test]
fn an_output_that_is_missing_fails_its_step() {
    story(
        &process(),
        "",
        expect![[r#"
        count is done
        count fails: its outputs are not as declared: `tables` is missing: write a line tables=VALUE to the file $OUTPUTS
        check artifact dump is skipped: step count failed
        check command 1 is skipped: step count failed
        END executed failed verified no: step count: its outputs are not as declared: `tables` is missing: write a line tables=VALUE to the file $OUTPUTS
    "#]],
    );
}

#[test]
fn a_condition_without_an_answer_fails_its_step() {
    let mut process = process();
    process.steps[1].when = Some("1 / steps.count.outputs.tables > 0".into());
    story(
        &process,
        "tables=0",
        expect![[r#"
        count is done
        check artifact dump is skipped: step dump failed
        check command 1 is skipped: step dump failed
        END executed failed verified no: step dump: whether it is to be done cannot be said: `1 / steps.count.outputs.tables` divides by zero
    "#]],
    );
}
