//! Stories of steps that must not be done twice.

use expect_test::expect;
use seaworthy_model::{
    deed::Request,
    event::Event,
    process::{Action, Bound, Check, Effect, Look, Process},
    run::{Acted, Cause, Kind, Outcome, Usual},
    time::{At, Span},
};

use super::{
    super::{Next, Plan, State, next},
    story,
    world::{World, backup, check, step},
};

fn once() -> Process {
    Process { steps: vec![step("dump", Effect::Once, &["dump"])], ..backup() }
}

#[test]
fn a_once_step_that_happened_before_the_crash_is_not_repeated() {
    let mut process = once();
    process.steps[0].makes.clear();
    process.verify.remove(0);
    story(
        &process,
        World { dies_after: Some(3), ..World::good() },
        expect![[r#"
        act dump 1
        *** the node dies and starts again
          dump Unknown
        look command 1: yes; expected stdout.contains("orders"); stdout "orders"
        settled dump: Some(true), every check says yes
        look command 1: yes; expected stdout.contains("orders"); stdout "orders"
        verified yes (round 1)
        END executed ok verified yes: 
    "#]],
    );
}

#[test]
fn a_once_step_that_did_not_happen_is_done_after_looking() {
    let mut process = once();
    process.steps[0].makes.clear();
    process.verify.remove(0);
    story(
        &process,
        World { dies_after: Some(3), prints: vec![Some("nothing"), Some("orders")], ..World::good() },
        expect![[r#"
        act dump 1
        *** the node dies and starts again
          dump Unknown
        look command 1: no; expected stdout.contains("orders"); stdout "nothing"
        settled dump: Some(false), every check says no
        act dump 2
          dump Done
        look command 1: yes; expected stdout.contains("orders"); stdout "orders"
        verified yes (round 1)
        END executed ok verified yes: 
    "#]],
    );
}

#[test]
fn a_no_is_no_proof_while_what_was_asked_for_may_still_come() {
    let mut process = once();
    process.steps[0].makes.clear();
    process.verify.remove(0);
    let world = || World { dies_after: Some(3), prints: vec![Some("nothing"), Some("orders")], ..World::good() };
    story(
        &process,
        World { leaves: true, ..world() },
        expect![[r#"
        act dump 1
        *** the node dies and starts again
          dump Unknown
        look command 1: no; expected stdout.contains("orders"); stdout "nothing"
        settled dump: None, every check says no, but it is not proven that nothing of it is left
        tell oncall: Unknown
        END executed unknown verified unknown: nobody knows whether step dump happened: every check says no, but it is not proven that nothing of it is left; look yourself before running it again
    "#]],
    );
    process.steps[0].action = Action::Http(Request {
        url: "http://x/charge".into(),
        method: "POST".into(),
        headers: Default::default(),
        body: None,
        status: vec![],
        redirects: 0,
    });
    story(
        &process,
        world(),
        expect![[r#"
        act dump 1
        *** the node dies and starts again
          dump Unknown
        look command 1: no; expected stdout.contains("orders"); stdout "nothing"
        settled dump: None, every check says no, but whoever was asked may still be at work
        tell oncall: Unknown
        END executed unknown verified unknown: nobody knows whether step dump happened: every check says no, but whoever was asked may still be at work; look yourself before running it again
    "#]],
    );
}

#[test]
fn a_once_step_that_cannot_be_settled_is_left_to_a_person() {
    story(
        &once(),
        World { dies_after: Some(3), ..World::good() },
        expect![[r#"
        act dump 1
        *** the node dies and starts again
          dump Unknown
        look artifact dump: no; expected size > 1KiB; size 0 B
        look command 1: yes; expected stdout.contains("orders"); stdout "orders"
        settled dump: None, the checks do not agree, or could not look
        tell oncall: Unknown
        END executed unknown verified unknown: nobody knows whether step dump happened: the checks do not agree, or could not look; look yourself before running it again
    "#]],
    );
}

#[test]
fn a_once_step_is_never_repeated_by_the_ladder() {
    story(
        &once(),
        World { sizes: vec![1], ..World::good() },
        expect![[r#"
        act dump 1
          dump Done
        look artifact dump: no; expected size > 1KiB; size 1 B
        look command 1: yes; expected stdout.contains("orders"); stdout "orders"
        verified no (round 0)
        heal retry NotHealed: nothing may be repeated: a `once` step is not done twice
        tell oncall: Unverified
        heal tell Told: oncall
        END executed ok verified no: artifact dump: expected size > 1KiB, seen size 1 B
    "#]],
    );
}

#[test]
fn two_retries_over_a_once_step_end_at_a_person() {
    let mut process = once();
    let retry = process.heal[0].clone();
    process.heal.insert(1, retry);
    story(
        &process,
        World { sizes: vec![1], ..World::good() },
        expect![[r#"
        act dump 1
          dump Done
        look artifact dump: no; expected size > 1KiB; size 1 B
        look command 1: yes; expected stdout.contains("orders"); stdout "orders"
        verified no (round 0)
        heal retry NotHealed: nothing may be repeated: a `once` step is not done twice
        heal retry NotHealed: nothing may be repeated: a `once` step is not done twice
        tell oncall: Unverified
        heal tell Told: oncall
        END executed ok verified no: artifact dump: expected size > 1KiB, seen size 1 B
    "#]],
    );
}

/// `dump` (once), then `receipt`; one check, which prints what the world says.
fn charge_then_receipt() -> Process {
    let steps = vec![step("dump", Effect::Once, &[]), step("receipt", Effect::Idempotent, &[])];
    Process { steps, verify: vec![backup().verify.remove(1)], ..backup() }
}

fn about(id: &str, of: Option<&str>) -> Check {
    Check { id: id.into(), of: of.map(Into::into), ..backup().verify.remove(1) }
}

#[test]
fn a_no_while_other_steps_are_open_does_not_say_that_a_once_step_did_not_happen() {
    story(
        &charge_then_receipt(),
        World { dies_after: Some(3), prints: vec![Some("nothing")], ..World::good() },
        expect![[r#"
            act dump 1
            *** the node dies and starts again
              dump Unknown
            look command 1: no; expected stdout.contains("orders"); stdout "nothing"
            settled dump: None, every check says no, but step receipt is not done either, and they may be about that
            tell oncall: Unknown
            END executed unknown verified unknown: nobody knows whether step dump happened: every check says no, but step receipt is not done either, and they may be about that; look yourself before running it again
        "#]],
    );
}

#[test]
fn a_no_about_the_last_open_step_says_that_it_did_not_happen() {
    let mut process = charge_then_receipt();
    process.steps.reverse();
    story(
        &process,
        World { dies_after: Some(5), prints: vec![Some("nothing"), Some("orders")], ..World::good() },
        expect![[r#"
            act receipt 1
              receipt Done
            act dump 1
            *** the node dies and starts again
              dump Unknown
            look command 1: no; expected stdout.contains("orders"); stdout "nothing"
            settled dump: Some(false), every check says no
            act dump 2
              dump Done
            look command 1: yes; expected stdout.contains("orders"); stdout "orders"
            verified yes (round 1)
            END executed ok verified yes: 
        "#]],
    );
}

#[test]
fn a_check_of_the_step_settles_it_whatever_is_still_open() {
    let verify = vec![about("receipt is there", None), about("charge is there", Some("dump"))];
    let process = Process { verify, ..charge_then_receipt() };
    let world = |first| World { dies_after: Some(3), prints: vec![Some(first), Some("orders")], ..World::good() };
    story(
        &process,
        world("nothing"),
        expect![[r#"
        act dump 1
        *** the node dies and starts again
          dump Unknown
        look charge is there: no; expected stdout.contains("orders"); stdout "nothing"
        settled dump: Some(false), every check of dump says no
        act dump 2
          dump Done
        act receipt 1
          receipt Done
        look receipt is there: yes; expected stdout.contains("orders"); stdout "orders"
        look charge is there: yes; expected stdout.contains("orders"); stdout "orders"
        verified yes (round 1)
        END executed ok verified yes: 
    "#]],
    );
    story(
        &process,
        world("orders"),
        expect![[r#"
        act dump 1
        *** the node dies and starts again
          dump Unknown
        look charge is there: yes; expected stdout.contains("orders"); stdout "orders"
        settled dump: Some(true), every check of dump says yes
        act receipt 1
          receipt Done
        look receipt is there: yes; expected stdout.contains("orders"); stdout "orders"
        look charge is there: yes; expected stdout.contains("orders"); stdout "orders"
        verified yes (round 1)
        END executed ok verified yes: 
    "#]],
    );
}

#[test]
fn a_check_of_another_step_does_not_settle_this_one() {
    let mut process = charge_then_receipt();
    process.steps.reverse();
    process.verify = vec![about("receipt is there", Some("receipt"))];
    story(
        &process,
        World { dies_after: Some(5), prints: vec![Some("nothing")], ..World::good() },
        expect![[r#"
        act receipt 1
          receipt Done
        act dump 1
        *** the node dies and starts again
          dump Unknown
        settled dump: None, no check could look at what it should have done
        tell oncall: Unknown
        END executed unknown verified unknown: nobody knows whether step dump happened: no check could look at what it should have done; look yourself before running it again
    "#]],
    );
}

#[test]
fn the_time_that_nobody_took_neither_settles_nor_fails() {
    let mut process = charge_then_receipt();
    let at_least = Some(Bound::Span(Span::seconds(2)));
    process.verify.push(check("duration", Look::Duration { at_least, at_most: None }, None));
    story(
        &process,
        World { dies_after: Some(3), ..World::good() },
        expect![[r#"
        act dump 1
        *** the node dies and starts again
          dump Unknown
        look command 1: yes; expected stdout.contains("orders"); stdout "orders"
        settled dump: Some(true), every check says yes
        act receipt 1
          receipt Done
        look command 1: yes; expected stdout.contains("orders"); stdout "orders"
        look duration: skipped (nobody saw the end of step dump, so nobody knows how long it took); expected duration at least 2s; not looked at
        verified yes (round 1)
        END executed ok verified yes: 
    "#]],
    );
    process.steps.pop();
    let prints = vec![Some("nothing"), Some("orders")];
    story(
        &process,
        World { dies_after: Some(3), prints, ..World::good() },
        expect![[r#"
        act dump 1
        *** the node dies and starts again
          dump Unknown
        look command 1: no; expected stdout.contains("orders"); stdout "nothing"
        settled dump: Some(false), every check says no
        act dump 2
          dump Done
        look command 1: yes; expected stdout.contains("orders"); stdout "orders"
        look duration: yes; expected duration at least 2s; duration 5s
        verified yes (round 1)
        END executed ok verified yes: 
    "#]],
    );
}

#[test]
fn a_clean_up_that_must_happen_once_is_not_repeated_blindly() {
    let mut plan = Plan::of(&backup(), Kind::Run).unwrap();
    plan.after = vec![step("after.drop", Effect::Once, &[])];
    let acted = Acted { outcome: Outcome::Unknown, ..super::super::next::nothing() };
    let (usual, cause, step) = (Usual::default(), Cause::Person, "after.drop".to_owned());
    let (process, digest) = ("backup".to_owned(), "d".to_owned());
    let events = [
        Event::RunRequested {
            process,
            kind: Kind::Run,
            digest,
            cause,
            usual,
            artifact: None,
            objective: None,
            inputs: Default::default(),
        },
        Event::CancelRequested { reason: "enough".into() },
        Event::AttemptStarted { step: step.clone(), attempt: 1, key: step.clone() },
        Event::AttemptEnded { step, attempt: 1, acted },
    ];
    let state = State::fold(events.iter().map(|event| (At(0), event)));
    let Next::Record(last) = next(&plan, &state, At(0), &mut || 0) else { panic!("it was started again") };
    let [Event::RunEnded { reason, .. }] = &last[..] else { panic!("{last:?}") };
    assert_eq!(reason, "cancelled: enough; nobody knows whether after.drop happened, look yourself");
}
