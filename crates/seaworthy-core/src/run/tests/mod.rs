//! Runs told as stories: a plan, a world that answers, and the trace of what was decided.

mod cleaning;
mod conditions;
mod ends;
mod lists;
mod once;
mod persons;
mod settling;
mod together;
mod world;

use std::collections::BTreeMap;

use expect_test::{Expect, expect};
use seaworthy_model::{
    process::{Bound, Effect, Look, Process, Rung},
    run::{Outcome, Usual},
};

use world::{World, backup, check, command, play};

fn story(process: &Process, world: World, expected: Expect) {
    expected.assert_eq(&play(process, &world));
}

#[test]
fn a_good_backup_is_verified() {
    story(
        &backup(),
        World::good(),
        expect![[r#"
        act dump 1
          dump Done
        look artifact dump: yes; expected size > 1KiB; size 4 KiB
        look command 1: yes; expected stdout.contains("orders"); stdout "orders"
        verified yes (round 0)
        END executed ok verified yes: 
    "#]],
    );
}

#[test]
fn the_lying_backup_walks_the_ladder_and_is_never_verified() {
    story(
        &backup(),
        World { sizes: vec![1], ..World::good() },
        expect![[r#"
        act dump 1
          dump Done
        look artifact dump: no; expected size > 1KiB; size 1 B
        look command 1: yes; expected stdout.contains("orders"); stdout "orders"
        verified no (round 0)
        heal retry, again ["dump"]
        wait: retry 1 of 2 after 44.9s
        act dump 2
          dump Done
        look artifact dump: no; expected size > 1KiB; size 1 B
        look command 1: yes; expected stdout.contains("orders"); stdout "orders"
        verified no (round 1)
        heal retry NotHealed: try 1 of 2
        heal retry, again ["dump"]
        wait: retry 2 of 2 after 1m 14s
        act dump 3
          dump Done
        look artifact dump: no; expected size > 1KiB; size 1 B
        look command 1: yes; expected stdout.contains("orders"); stdout "orders"
        verified no (round 2)
        heal retry NotHealed: try 2 of 2
        tell oncall: Unverified
        heal tell Told: oncall
        END executed ok verified no: artifact dump: expected size > 1KiB, seen size 1 B
    "#]],
    );
}

#[test]
fn a_backup_that_fails_verification_once_is_healed() {
    story(
        &backup(),
        World { sizes: vec![10, 4096], ..World::good() },
        expect![[r#"
        act dump 1
          dump Done
        look artifact dump: no; expected size > 1KiB; size 10 B
        look command 1: yes; expected stdout.contains("orders"); stdout "orders"
        verified no (round 0)
        heal retry, again ["dump"]
        wait: retry 1 of 2 after 44.9s
        act dump 2
          dump Done
        look artifact dump: yes; expected size > 1KiB; size 4 KiB
        look command 1: yes; expected stdout.contains("orders"); stdout "orders"
        verified yes (round 1)
        heal retry Healed: try 1 of 2
        END executed ok verified yes: healed by retry: try 1 of 2
    "#]],
    );
}

#[test]
fn a_failed_step_skips_verification_and_is_retried() {
    let acts = BTreeMap::from([("dump", vec![(Outcome::NotDone, 1), (Outcome::Done, 5)])]);
    story(
        &backup(),
        World { acts, ..World::good() },
        expect![[r#"
        act dump 1
          dump NotDone
        look artifact dump: skipped (step dump failed); expected size > 1KiB; not looked at
        look command 1: skipped (step dump failed); expected stdout.contains("orders"); not looked at
        verified no (round 0)
        heal retry, again ["dump"]
        wait: retry 1 of 2 after 44.9s
        act dump 2
          dump Done
        look artifact dump: yes; expected size > 1KiB; size 4 KiB
        look command 1: yes; expected stdout.contains("orders"); stdout "orders"
        verified yes (round 1)
        heal retry Healed: try 1 of 2
        END executed ok verified yes: healed by retry: try 1 of 2
    "#]],
    );
}

#[test]
fn an_artifact_that_is_not_made_fails_its_step() {
    story(
        &backup(),
        World { sizes: vec![0], ..World::good() },
        expect![[r#"
        act dump 1
          dump Done
          missing: `dump` is not there
        look artifact dump: skipped (step dump failed); expected size > 1KiB; not looked at
        look command 1: skipped (step dump failed); expected stdout.contains("orders"); not looked at
        verified no (round 0)
        heal retry, again ["dump"]
        wait: retry 1 of 2 after 44.9s
        act dump 2
          dump Done
          missing: `dump` is not there
        look artifact dump: skipped (step dump failed); expected size > 1KiB; not looked at
        look command 1: skipped (step dump failed); expected stdout.contains("orders"); not looked at
        verified no (round 1)
        heal retry NotHealed: try 1 of 2
        heal retry, again ["dump"]
        wait: retry 2 of 2 after 1m 14s
        act dump 3
          dump Done
          missing: `dump` is not there
        look artifact dump: skipped (step dump failed); expected size > 1KiB; not looked at
        look command 1: skipped (step dump failed); expected stdout.contains("orders"); not looked at
        verified no (round 2)
        heal retry NotHealed: try 2 of 2
        tell oncall: Failed
        heal tell Told: oncall
        END executed failed verified no: step dump: `dump` is not there
    "#]],
    );
}

#[test]
fn a_probe_that_cannot_look_leaves_the_run_unknown() {
    story(
        &backup(),
        World { prints: vec![None], ..World::good() },
        expect![[r#"
        act dump 1
          dump Done
        look artifact dump: yes; expected size > 1KiB; size 4 KiB
        look command 1: unknown; expected stdout.contains("orders"); could not look: connection refused
        verified unknown (round 0)
        tell oncall: Unknown
        END executed ok verified unknown: command 1: could not look: connection refused
    "#]],
    );
}

#[test]
fn a_step_that_may_be_repeated_is_started_again_after_a_crash() {
    story(
        &backup(),
        World { dies_after: Some(3), ..World::good() },
        expect![[r#"
        act dump 1
        *** the node dies and starts again
          dump Unknown
        act dump 2
          dump Done
        look artifact dump: yes; expected size > 1KiB; size 4 KiB
        look command 1: yes; expected stdout.contains("orders"); stdout "orders"
        verified yes (round 0)
        END executed ok verified yes: 
    "#]],
    );
}

#[test]
fn too_fast_is_also_wrong_once_it_is_known_what_is_usual() {
    let mut process = backup();
    process.heal.clear();
    let look = Look::Duration { at_least: Some(Bound::OfUsual(20.0)), at_most: Some(Bound::OfUsual(300.0)) };
    process.verify.push(check("duration", look, None));
    story(
        &process,
        World::good(),
        expect![[r#"
        act dump 1
          dump Done
        look artifact dump: yes; expected size > 1KiB; size 4 KiB
        look command 1: yes; expected stdout.contains("orders"); stdout "orders"
        look duration: skipped (learning: 0 of 5 verified runs); expected duration from 20% of usual to 300% of usual; not looked at
        verified yes (round 0)
        END executed ok verified yes: 
    "#]],
    );
    let usual = Usual { runs: 9, centre: BTreeMap::from([("duration".into(), 60e9)]), ..Usual::default() };
    story(
        &process,
        World { usual, ..World::good() },
        expect![[r#"
        act dump 1
          dump Done
        look artifact dump: yes; expected size > 1KiB; size 4 KiB
        look command 1: yes; expected stdout.contains("orders"); stdout "orders"
        look duration: no; expected duration from 12s (20% of usual) to 3m (300% of usual); duration 5s, too fast
        verified no (round 0)
        END executed ok verified no: duration: expected duration from 12s (20% of usual) to 3m (300% of usual), seen duration 5s, too fast
    "#]],
    );
}

#[test]
fn a_rung_that_acts_is_followed_by_verification_only() {
    let mut process = backup();
    process.heal = vec![Rung::Run { command: command("free-space"), timeout: None }];
    story(
        &process,
        World { prints: vec![Some("no"), Some("orders")], ..World::good() },
        expect![[r#"
        act dump 1
          dump Done
        look artifact dump: yes; expected size > 1KiB; size 4 KiB
        look command 1: no; expected stdout.contains("orders"); stdout "no"
        verified no (round 0)
        heal run, again []
        act heal.0 1
          heal.0 Done
        look artifact dump: yes; expected size > 1KiB; size 4 KiB
        look command 1: yes; expected stdout.contains("orders"); stdout "orders"
        verified yes (round 1)
        heal run Healed: free-space
        END executed ok verified yes: healed by run: free-space
    "#]],
    );
}

#[test]
fn without_verification_a_run_is_unproven() {
    story(
        &Process { verify: vec![], ..backup() },
        World::good(),
        expect![[r#"
        act dump 1
          dump Done
        END executed ok verified unproven: there is no verification
    "#]],
    );
}

#[test]
fn what_a_rung_made_anew_is_looked_for_again() {
    let mut process = backup();
    process.heal = vec![Rung::Run { command: command("dump-again"), timeout: None }];
    story(
        &process,
        World { sizes: vec![1, 4096], ..World::good() },
        expect![[r#"
        act dump 1
          dump Done
        look artifact dump: no; expected size > 1KiB; size 1 B
        look command 1: yes; expected stdout.contains("orders"); stdout "orders"
        verified no (round 0)
        heal run, again []
        act heal.0 1
          heal.0 Done
        look artifact dump: yes; expected size > 1KiB; size 4 KiB
        look command 1: yes; expected stdout.contains("orders"); stdout "orders"
        verified yes (round 1)
        heal run Healed: dump-again
        END executed ok verified yes: healed by run: dump-again
    "#]],
    );
}

#[test]
fn what_a_rung_removed_is_not_taken_for_there() {
    let mut process = backup();
    process.heal = vec![Rung::Run { command: command("free-space"), timeout: None }];
    story(
        &process,
        World { sizes: vec![1, 0], ..World::good() },
        expect![[r#"
        act dump 1
          dump Done
        look artifact dump: no; expected size > 1KiB; size 1 B
        look command 1: yes; expected stdout.contains("orders"); stdout "orders"
        verified no (round 0)
        heal run, again []
        act heal.0 1
          heal.0 Done
          missing: `dump` is not there
        look artifact dump: skipped (step dump failed); expected size > 1KiB; not looked at
        look command 1: skipped (step dump failed); expected stdout.contains("orders"); not looked at
        verified no (round 1)
        heal run NotHealed: free-space
        tell oncall: Failed
        END executed failed verified no: step dump: `dump` is not there
    "#]],
    );
}

#[test]
fn a_once_step_whose_artifact_a_rung_made_is_done() {
    let mut process = backup();
    process.steps[0].effect = Effect::Once;
    process.heal = vec![Rung::Run { command: command("fetch-again"), timeout: None }];
    story(
        &process,
        World { sizes: vec![0, 4096], ..World::good() },
        expect![[r#"
        act dump 1
          dump Done
          missing: `dump` is not there
        look artifact dump: skipped (step dump failed); expected size > 1KiB; not looked at
        look command 1: skipped (step dump failed); expected stdout.contains("orders"); not looked at
        verified no (round 0)
        heal run, again []
        act heal.0 1
          heal.0 Done
        look artifact dump: yes; expected size > 1KiB; size 4 KiB
        look command 1: yes; expected stdout.contains("orders"); stdout "orders"
        verified yes (round 1)
        heal run Healed: fetch-again
        END executed ok verified yes: healed by run: fetch-again
    "#]],
    );
}
