//! Runs told as stories: a plan, a world that answers, and the trace of what was decided.

use std::collections::BTreeMap;

use expect_test::{Expect, expect};
use seaworthy_model::{
    event::Event,
    process::{Action, Backoff, Bound, Check, Command, Effect, Line, Look, Process, Rung, Step, Tell, Tier},
    run::{Acted, Artifact, Cause, HostSnapshot, Kind, Observation, Outcome, Output, Usual},
    time::{At, Span},
    value::{Facts, Value},
};

use super::{Next, Plan, State, interrupted, judge, next, unable};
use crate::tell;

fn step(id: &str, effect: Effect, makes: &[&str]) -> Step {
    let line = Line::Shell { script: format!("do {id}"), shell: vec!["sh".into(), "-c".into()] };
    Step {
        id: id.into(),
        action: Action::Run(Command { line }),
        needs: vec![],
        timeout: None,
        effect,
        makes: makes.iter().map(|m| (*m).into()).collect(),
        env: BTreeMap::new(),
        secrets: vec![],
    }
}

fn check(id: &str, look: Look, expect: Option<&str>) -> Check {
    Check { id: id.into(), look, expect: expect.map(Into::into), timeout: Span::seconds(60) }
}

fn command(text: &str) -> Command {
    Command { line: Line::Args(vec![text.into()]) }
}

/// One step that makes `dump`, checked for size and content, with two retries and a route.
fn backup() -> Process {
    Process {
        name: "backup".into(),
        about: None,
        service: None,
        team: None,
        tier: Tier::C,
        schedule: None,
        env: BTreeMap::new(),
        secrets: vec![],
        steps: vec![step("dump", Effect::Idempotent, &["dump"])],
        verify: vec![
            check("artifact dump", Look::Artifact { name: "dump".into() }, Some("size > 1KiB")),
            check(
                "command 1",
                Look::Command { command: command("look"), artifact: Some("dump".into()) },
                Some("stdout.contains(\"orders\")"),
            ),
        ],
        heal: vec![
            Rung::Retry { times: 2, backoff: Backoff { shortest: Span::seconds(60), longest: Span::seconds(600) } },
            Rung::Tell { route: "oncall".into() },
        ],
        watch: None,
        tell: Some(Tell { when: vec![], route: "oncall".into(), procedure: None }),
        drill: None,
        keep: 7,
    }
}

/// How the world answers.
struct World {
    /// Outcome, exit and seconds of the n-th act of a step, the last one for ever.
    acts: BTreeMap<&'static str, Vec<(Outcome, u64)>>,
    /// Bytes of `dump` after the n-th act of it; 0: it is missing.
    sizes: Vec<u64>,
    /// What the command probe prints at the n-th look; `None`: it cannot look.
    prints: Vec<Option<&'static str>>,
    usual: Usual,
    /// The node dies right after this many things were recorded.
    dies_after: Option<usize>,
}

impl World {
    fn good() -> Self {
        World {
            acts: BTreeMap::from([("dump", vec![(Outcome::Done, 5)])]),
            sizes: vec![4096],
            prints: vec![Some("orders")],
            usual: Usual::default(),
            dies_after: None,
        }
    }
}

fn nth<T: Copy>(all: &[T], n: usize) -> T {
    all[n.min(all.len() - 1)]
}

fn acted(outcome: Outcome, seconds: u64) -> Acted {
    Acted {
        outcome,
        exit: Some(i32::from(outcome != Outcome::Done)),
        signal: None,
        reason: (outcome != Outcome::Done).then(|| "exit 1: no space left on device".to_owned()),
        took: Span::seconds(seconds),
        stdout: Output::default(),
        stderr: Output::default(),
        held_by: "session".into(),
        empty: Some(true),
    }
}

/// Plays the run to its end and returns the trace.
fn play(process: &Process, world: &World) -> String {
    let plan = Plan::of(process, Kind::Run).unwrap();
    let mut state = State::default();
    let mut trace = String::new();
    let mut now = At(0);
    let mut looks = 0;
    let mut died = false;
    let record = |state: &mut State, trace: &mut String, now: At, event: Event| {
        state.apply(now, &event);
        let line = line(&event);
        if !line.is_empty() {
            trace.push_str(&line);
            trace.push('\n');
        }
    };
    let requested = Event::RunRequested {
        process: process.name.clone(),
        kind: Kind::Run,
        digest: "d".into(),
        cause: Cause::Person,
        usual: world.usual.clone(),
        artifact: None,
        objective: None,
    };
    record(&mut state, &mut trace, now, requested);
    record(&mut state, &mut trace, now, Event::RunClaimed { fence: 1 });
    for _ in 0..200 {
        if world.dies_after.is_some_and(|n| state.version as usize >= n) && !died {
            died = true;
            trace.push_str("*** the node dies and starts again\n");
            for event in interrupted(&state, "the node died") {
                record(&mut state, &mut trace, now, event);
            }
        }
        let events = match next(&plan, &state, now, &mut || u64::MAX / 2) {
            Next::Record(events) => events,
            Next::Act(act) => {
                record(&mut state, &mut trace, now, act.event.clone());
                if world.dies_after.is_some_and(|n| state.version as usize >= n) && !died {
                    continue;
                }
                let list = world.acts.get(act.step.as_str()).cloned().unwrap_or(vec![(Outcome::Done, 1)]);
                let (outcome, seconds) = nth(&list, act.attempt as usize - 1);
                now = now + Span::seconds(seconds);
                vec![Event::AttemptEnded { step: act.step, attempt: act.attempt, acted: acted(outcome, seconds) }]
            }
            Next::Collect { step, name } => {
                let bytes = nth(&world.sizes, state.count("dump") as usize - 1);
                vec![if bytes == 0 {
                    Event::ArtifactMissing { step, name, looked_at: "/w".into(), reason: "`dump` is not there".into() }
                } else {
                    let artifact = Artifact { name, bytes, sha256: None, modified: now, place: "/w/dump".into() };
                    Event::ArtifactMade { step, artifact }
                }]
            }
            Next::Look { check, round } => {
                let bytes = state.artifacts.get("dump").map_or(0, |a| a.bytes);
                let facts = match &check.look {
                    Look::Artifact { .. } => Some(Facts::from([("size".into(), Value::Int(bytes as i64))])),
                    _ => {
                        looks += 1;
                        nth(&world.prints, looks - 1)
                            .map(|text| Facts::from([("stdout".into(), Value::Text(text.into()))]))
                    }
                };
                let judged = match facts {
                    Some(facts) => judge(
                        &check,
                        round,
                        Observation { source: "probe/test".into(), facts, took: Span::ZERO, dropped: 0 },
                        &world.usual,
                    ),
                    None => unable(&check, round, "connection refused".into()),
                };
                seaworthy_model::entry::acceptable(&[Event::Checked { judged: judged.clone() }]).unwrap();
                vec![Event::Checked { judged }]
            }
            Next::Snapshot => vec![Event::HostSeen { snapshot: HostSnapshot::default() }],
            Next::Wait(until) => {
                now = until;
                continue;
            }
            Next::Ended => {
                let events: Vec<Event> = vec![];
                assert!(tell::routes(process, &plan, &state, &events).is_empty());
                return trace;
            }
        };
        for (route, occasion) in {
            let mut after = state.clone();
            events.iter().for_each(|e| after.apply(now, e));
            tell::routes(process, &plan, &after, &events)
        } {
            trace.push_str(&format!("tell {route}: {occasion:?}\n"));
        }
        for event in events {
            record(&mut state, &mut trace, now, event);
        }
    }
    panic!("the run does not end:\n{trace}");
}

fn line(event: &Event) -> String {
    match event {
        Event::AttemptStarted { step, attempt, .. } => format!("act {step} {attempt}"),
        Event::AttemptEnded { step, acted, .. } => format!("  {step} {:?}", acted.outcome),
        Event::ArtifactMissing { reason, .. } => format!("  missing: {reason}"),
        Event::Checked { judged } => {
            let why = match &judged.verdict {
                seaworthy_model::run::Verdict::Skipped { reason } => format!(" ({reason})"),
                _ => String::new(),
            };
            format!(
                "look {}: {}{why}; expected {}; {}",
                judged.check,
                judged.verdict.word(),
                judged.expected,
                judged.observed
            )
        }
        Event::VerificationEnded { round, verified } => format!("verified {} (round {round})", verified.word()),
        Event::HealStarted { what, again, .. } => format!("heal {what}, again {again:?}"),
        Event::HealTried { heal } => format!("heal {} {:?}: {}", heal.what, heal.outcome, heal.detail),
        Event::Waiting { why, .. } => format!("wait: {why}"),
        Event::StepSettled { step, happened, reason } => format!("settled {step}: {happened:?}, {reason}"),
        Event::RunEnded { executed, verified, reason, .. } => {
            format!("END executed {} verified {}: {reason}", executed.word(), verified.word())
        }
        _ => String::new(),
    }
}

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
