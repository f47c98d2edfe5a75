//! Branches of one run side by side: what starts when, told with the second in which it happens.

use std::collections::BTreeMap;

use expect_test::{Expect, expect};
use seaworthy_model::{
    event::Event,
    process::{Effect, Process, Step},
    run::{Acted, Cause, Kind, Outcome, Usual},
    time::{At, Span},
};

use super::{
    super::{Next, Plan, State, next, next::nothing, taken},
    world::step,
};

/// A step that needs these.
pub(super) fn after(id: &str, needs: &[&str]) -> Step {
    Step { needs: needs.iter().map(|n| (*n).into()).collect(), ..step(id, Effect::Idempotent, &[]) }
}

pub(super) fn process(steps: Vec<Step>) -> Process {
    Process { steps, ..Process::named("graph") }
}

/// A run of it is asked for and begun.
pub(super) fn ask(process: &Process, state: &mut State) {
    let usual = Usual::default();
    let (digest, cause) = ("d".to_owned(), Cause::Person);
    let (artifact, objective, name) = (None, None, process.name.clone());
    let asked = Event::RunRequested {
        process: name,
        kind: Kind::Run,
        digest,
        cause,
        usual,
        artifact,
        objective,
        inputs: Default::default(),
    };
    state.apply(At(0), &asked);
    state.apply(At(0), &Event::RunClaimed { fence: 1 });
}

/// The line of what was decided, if it is of these stories.
fn told(second: u64, event: &Event) -> String {
    match event {
        Event::RunEnded { executed, reason, duration, .. } => {
            format!("{second}s END executed {} after {duration}: {reason}\n", executed.word())
        }
        Event::StepExpanded(list) => format!("{second}s {} {}\n", list.step, list.words()),
        Event::AttemptEnded { step, acted, .. } => {
            format!("{second}s   {step} {:?} {}\n", acted.outcome, acted.reason.as_deref().unwrap_or(""))
        }
        Event::OutputsRefused { step, reason } => format!("{second}s   {step} refused: {reason}\n"),
        _ => String::new(),
    }
}

/// Plays a run in which each step takes its seconds and ends so; one that is not named takes one and is done.
fn play(process: &Process, acts: &[(&str, u64, Outcome)], cancel_at: Option<u64>) -> String {
    play_on(process, acts, cancel_at, &[]).0
}

/// The same, with what steps write to hand on; also gives the end of it.
pub(super) fn play_on(
    process: &Process,
    acts: &[(&str, u64, Outcome)],
    cancel_at: Option<u64>,
    handed: &[(&str, &str)],
) -> (String, State) {
    let plan = Plan::of(process, Kind::Run).unwrap();
    let acts: BTreeMap<&str, (u64, Outcome)> = acts.iter().map(|(id, s, outcome)| (*id, (*s, *outcome))).collect();
    let (mut state, mut now, mut trace) = (State::default(), At(0), String::new());
    let mut under: Vec<(At, String, u32, Outcome)> = vec![];
    ask(process, &mut state);
    let mut cancel = cancel_at.map(|s| At(0) + Span::seconds(s));
    for _ in 0..10_000 {
        let second = now.since(At(0)).0 / 1_000_000_000;
        match next(&plan, &state, now, &mut || 0) {
            Next::Ended => return (trace, state),
            Next::Act(act) => {
                let (seconds, outcome) = acts.get(act.step.as_str()).copied().unwrap_or((1, Outcome::Done));
                trace += &format!("{second}s {} starts\n", act.step);
                state.apply(now, &act.event);
                under.push((now + Span::seconds(seconds), act.step, act.attempt, outcome));
            }
            Next::Attend(until) => {
                let first = under.iter().map(|(at, ..)| *at).min().expect("something runs");
                now = first.min(until.unwrap_or(first)).min(cancel.unwrap_or(first));
                if let Some(at) = cancel.filter(|at| *at <= now) {
                    cancel = None;
                    state.apply(at, &Event::CancelRequested { reason: "enough".into() });
                } else if let Some(at) = under.iter().position(|(at, ..)| *at <= now) {
                    let (_, step, attempt, outcome) = under.remove(at);
                    let second = now.since(At(0)).0 / 1_000_000_000;
                    trace += &format!("{second}s   {step} {outcome:?}\n");
                    let acted = Acted { outcome, reason: Some("exit 1".into()), ..nothing() };
                    state.apply(now, &Event::AttemptEnded { step, attempt, acted });
                }
            }
            Next::Stop => {
                trace += &format!("{second}s stopped: {}\n", under.len());
                for (_, step, attempt, _) in under.drain(..) {
                    let acted = Acted { outcome: Outcome::NotDone, ..nothing() };
                    state.apply(now, &Event::AttemptEnded { step, attempt, acted });
                }
            }
            Next::Record(events) => {
                for event in &events {
                    trace += &told(second, event);
                    state.apply(now, event);
                }
            }
            Next::Wait(until) => now = until,
            Next::Take { step, outputs, .. } => {
                let said = handed.iter().find(|(id, _)| *id == step).map_or("", |(_, said)| said);
                let event = taken(step, &outputs, Ok(said.to_owned()));
                trace += &told(second, &event);
                state.apply(now, &event);
            }
            Next::Snapshot => state.apply(now, &Event::HostSeen { snapshot: Default::default() }),
            other => panic!("not of this story: {other:?}"),
        }
    }
    panic!("the run does not end:\n{trace}");
}

fn story(process: &Process, acts: &[(&str, u64, Outcome)], expected: Expect) {
    expected.assert_eq(&play(process, acts, None));
}

fn diamond() -> Process {
    process(vec![
        after("fetch", &[]),
        after("left", &["fetch"]),
        after("right", &["fetch"]),
        after("join", &["left", "right"]),
    ])
}

#[test]
fn branches_run_side_by_side_and_a_join_waits_for_both() {
    story(
        &diamond(),
        &[("left", 5, Outcome::Done), ("right", 2, Outcome::Done)],
        expect![[r#"
        0s fetch starts
        1s   fetch Done
        1s left starts
        1s right starts
        3s   right Done
        6s   left Done
        6s join starts
        7s   join Done
        7s END executed ok after 7s: there is no verification
    "#]],
    );
}

#[test]
fn a_list_in_which_nothing_is_needed_is_done_one_after_the_other() {
    let steps = || ["a", "b", "c"].map(|id| after(id, &[])).to_vec();
    story(
        &process(steps()),
        &[],
        expect![[r#"
        0s a starts
        1s   a Done
        1s b starts
        2s   b Done
        2s c starts
        3s   c Done
        3s END executed ok after 3s: there is no verification
    "#]],
    );
    // Asked for, they go side by side, two at a time.
    story(
        &Process { parallel: Some(2), ..process(steps()) },
        &[],
        expect![[r#"
        0s a starts
        0s b starts
        1s   a Done
        1s c starts
        1s   b Done
        2s   c Done
        2s END executed ok after 2s: there is no verification
    "#]],
    );
}

#[test]
fn after_a_failure_nothing_new_starts_and_what_runs_is_let_end() {
    let mut steps = diamond().steps;
    steps.push(after("late", &["right"]));
    let acts = [("left", 3, Outcome::NotDone), ("right", 5, Outcome::Done)];
    story(
        &process(steps),
        &acts,
        expect![[r#"
        0s fetch starts
        1s   fetch Done
        1s left starts
        1s right starts
        4s   left NotDone
        6s   right Done
        6s END executed failed after 6s: step left: exit 1
    "#]],
    );
}

#[test]
fn a_branch_that_nobody_saw_the_end_of_is_started_again_beside_the_other() {
    let process = diamond();
    let acts = [("left", 2, Outcome::Unknown), ("right", 9, Outcome::Done)];
    let trace = play(&process, &acts, None);
    assert!(trace.contains("3s   left Unknown\n3s left starts"), "{trace}");
}

#[test]
fn cancelling_ends_all_that_runs() {
    expect![[r#"
        0s fetch starts
        1s   fetch Done
        1s left starts
        1s right starts
        7s stopped: 2
        7s END executed cancelled after 7s: cancelled: enough
    "#]]
    .assert_eq(&play(&diamond(), &[("left", 50, Outcome::Done), ("right", 60, Outcome::Done)], Some(7)));
}

#[test]
fn a_run_that_takes_too_long_is_stopped() {
    let process = Process { timeout: Some(Span::seconds(10)), ..diamond() };
    story(
        &process,
        &[("left", 3, Outcome::Done), ("right", 60, Outcome::Done)],
        expect![[r#"
        0s fetch starts
        1s   fetch Done
        1s left starts
        1s right starts
        4s   left Done
        10s stopped: 1
        10s END executed failed after 10s: it took longer than its timeout of 10s: find out what is slow, or raise it
    "#]],
    );
}

#[test]
fn a_thousand_steps_that_need_each_other_densely_are_decided_in_a_moment() {
    let ids: Vec<String> = (0..1_000).map(|n| format!("s{n}")).collect();
    let steps = ids.iter().enumerate().map(|(n, id)| {
        let needs: Vec<&str> = ids[n.saturating_sub(50)..n].iter().map(String::as_str).collect();
        after(id, &needs)
    });
    let trace = play(&process(steps.collect()), &[], None);
    assert!(trace.ends_with("1000s END executed ok after 16m 40s: there is no verification\n"), "{}", trace.len());
}
