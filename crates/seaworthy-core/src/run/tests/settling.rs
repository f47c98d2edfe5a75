//! Stories of who may say whether a `once` step happened, and of unknown ends that are counted.

use expect_test::expect;
use seaworthy_model::{
    process::{Effect, Process},
    run::Outcome,
};

use super::{
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
