//! Stories of steps that must not be done twice.

use expect_test::expect;
use seaworthy_model::process::{Effect, Process};

use super::{
    story,
    world::{World, backup, step},
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
