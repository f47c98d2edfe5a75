//! What happens around runs: older artifacts go, and whoever has to hear of an end does.

use std::{collections::BTreeSet, sync::atomic::Ordering::SeqCst};

use seaworthy_model::{
    entry::{Stream, Via},
    event::{DrillArtifact, Event},
    id::RunId,
    port::{Answer, Ask, Batch, Definitions as _, Requests as _},
    run::{Acted, Cause, Executed, Kind, Outcome, Output, Verified},
    time::{At, Span},
    trigger::Triggered,
    view::{EndedRun, LiveRun, ViewChange},
};
use seaworthy_runtime::{
    Stop, prune,
    requests::Desk,
    run::{ACTING_MAX, Runs},
    schedule::{self, Agenda},
};

use crate::kit::{self, START, World};

const KEEPS: &str =
    "process: dump\nkeep: 2\nsteps:\n  - { id: one, run: 'true', makes: dump }\ntell: { route: oncall }\n";
const ROUTE: &str = "routes:\n  oncall: { command: 'true' }\n";

fn requested(world: &World, kind: Kind, artifact: Option<DrillArtifact>) -> Event {
    let cause = Cause::Person;
    let digest = world.in_force.current().processes["dump"].digest.replace(char::is_numeric, "x");
    let usual = seaworthy_core::run::usual(&[]);
    Event::RunRequested {
        process: "dump".into(),
        kind,
        digest,
        cause,
        usual,
        artifact,
        objective: None,
        inputs: Default::default(),
    }
}

#[tokio::test]
async fn older_artifacts_go_however_many_were_left_and_also_while_a_drill_restores_one() {
    let world = World::new(ROUTE, &[KEEPS]);
    let mut all: Vec<RunId> = Vec::new();
    for n in 0..100 {
        all.push(world.verified("dump", START + Span::seconds(n)).await.run);
    }
    world.rest.folders.lock().unwrap().extend(&all);
    let (drill, restored) = (world.ports.ids().run(), all[40]);
    let artifact =
        DrillArtifact { from_run: restored, name: "dump".into(), place: String::new(), bytes: 1, sha256: None };
    let mut batch = Batch::by(world.ports.actor, Via::Node);
    let event = requested(&world, Kind::Drill, Some(artifact));
    batch.writes.push(world.ports.ids().write(Stream::run(drill), Some(0), START, [event]));
    batch.views.push(ViewChange::RunLive(LiveRun {
        run: drill,
        process: "dump".into(),
        kind: Kind::Drill,
        cause: Cause::Person,
        requested_at: START,
        claimed_at: None,
        fence: 0,
        doing: "waiting".into(),
        troubled: false,
    }));
    world.ports.journal.append(batch).await.unwrap();
    let process = world.in_force.current().processes["dump"].process.clone();
    prune::older(&world.ports, &process).await.unwrap();
    let kept = BTreeSet::from([all[98], all[99], restored]);
    assert_eq!(*world.rest.folders.lock().unwrap(), kept, "the newest two and the one that is restored");
}

#[tokio::test]
async fn artifacts_that_are_needed_stay_beyond_keep_and_what_goes_is_on_record_before() {
    let world = World::new(ROUTE, &[&KEEPS.replace("keep: 2", "keep: 1")]);
    let row = world.verified("dump", START).await;
    let unknown = EndedRun { run: world.ports.ids().run(), verified: Verified::Unknown, ..row.clone() };
    let mut batch = Batch::by(world.ports.actor, Via::Node);
    batch.views.push(ViewChange::RunEnded(Box::new(unknown.clone())));
    world.ports.journal.append(batch).await.unwrap();
    let process = world.in_force.current().processes["dump"].process.clone();
    let second = world.verified("dump", START + Span::seconds(2)).await.run;
    let third = world.verified("dump", START + Span::seconds(3)).await.run;
    *world.rest.folders.lock().unwrap() = BTreeSet::from([row.run, unknown.run, second, third]);
    world.disk.full.store(true, SeqCst);
    prune::older(&world.ports, &process).await.expect_err("what cannot be recorded is not removed");
    assert_eq!(world.rest.folders.lock().unwrap().len(), 4);
    world.disk.full.store(false, SeqCst);
    prune::older(&world.ports, &process).await.unwrap();
    let kept = BTreeSet::from([unknown.run, third]);
    assert_eq!(*world.rest.folders.lock().unwrap(), kept, "the newest, and the one of which nobody knows how it ended");
    let gone = world.kinds("files_dropped").await;
    let [Event::FilesDropped(dropped)] = &gone[..] else { panic!("{gone:?}") };
    assert_eq!((dropped.what.as_str(), &dropped.runs), ("artifacts", &vec![second, row.run]));
}

#[tokio::test]
async fn a_run_whose_course_panics_is_not_taken_for_driven_and_is_adopted_again() {
    let world = World::new(ROUTE, &[KEEPS]);
    let run = left_by_another(&world).await;
    *world.rest.record.lock().unwrap() = None;
    let runs = Runs::new(world.ports.clone(), Stop::default());
    world.disk.cursed.store(true, SeqCst);
    runs.take_up(run);
    world.settle().await;
    world.disk.cursed.store(false, SeqCst);
    assert_eq!((runs.drives(run), runs.count()), (false, 0));
    runs.drained().await;
    runs.take_up(run);
    world.settle().await;
    assert!(world.kinds("attempt_ended").await.len() == 1, "{:?}", world.events().await);
}

#[tokio::test]
async fn a_step_that_a_call_started_refuses_to_act_without_the_body_of_the_call() {
    let world = World::new("", &["process: dump\nsteps:\n  - { id: one, run: 'true' }\n"]);
    let run = world.ports.ids().run();
    let Event::RunRequested { process, kind, usual, .. } = requested(&world, Kind::Run, None) else { panic!() };
    let digest = world.in_force.current().processes["dump"].digest.clone();
    let cause = Cause::Trigger { by: Triggered::Webhook { name: "deploy".into() } };
    let (artifact, objective, inputs) = (None, None, Default::default());
    let event = Event::RunRequested { process, kind, digest, cause, usual, artifact, objective, inputs };
    let mut batch = Batch::by(world.ports.actor, Via::Node);
    batch.writes.push(world.ports.ids().write(Stream::run(run), Some(0), START, [event]));
    world.ports.journal.append(batch).await.unwrap();
    let runs = Runs::new(world.ports.clone(), Stop::default());
    runs.take_up(run);
    world.settle().await;
    let ended = world.kinds("attempt_ended").await;
    let [Event::AttemptEnded { acted, .. }] = &ended[..] else { panic!("{ended:?}") };
    let reason = acted.reason.as_deref().unwrap_or_default();
    assert!(acted.outcome == Outcome::NotDone && reason.ends_with("as after a restore; call again"), "{acted:?}");
}

#[tokio::test]
async fn a_rerun_that_is_refused_or_cannot_be_recorded_leaves_no_copies() {
    let world = World::new(
        "",
        &["process: dump\nsteps:\n  - { id: one, run: 'true', makes: dump }\n  - { id: two, run: 'true' }\n"],
    );
    let run = world.ports.ids().run();
    let mut batch = Batch::by(world.ports.actor, Via::Node);
    let acted = |outcome| Acted {
        outcome,
        exit: Some(0),
        signal: None,
        reason: None,
        took: Span::seconds(1),
        stdout: Output::default(),
        stderr: Output::default(),
        held_by: "subreaper".into(),
        empty: Some(true),
    };
    let started = |step: &str| Event::AttemptStarted { step: step.into(), attempt: 1, key: format!("{step}/1") };
    let ended = |step: &str, outcome| Event::AttemptEnded { step: step.into(), attempt: 1, acted: acted(outcome) };
    let Event::RunRequested { process, kind, cause, usual, .. } = requested(&world, Kind::Run, None) else { panic!() };
    let digest = world.in_force.current().processes["dump"].digest.clone();
    let (artifact, objective, inputs) = (None, None, Default::default());
    let events = [
        Event::RunRequested { process, kind, digest, cause, usual, artifact, objective, inputs },
        Event::RunClaimed { fence: 1 },
        started("one"),
        ended("one", Outcome::Done),
        started("two"),
        ended("two", Outcome::NotDone),
        Event::RunEnded {
            executed: Executed::Failed,
            verified: Verified::Unproven,
            reason: String::new(),
            duration: Span::seconds(2),
            recovery: None,
        },
    ];
    batch.writes.push(world.ports.ids().write(Stream::run(run), Some(0), START, events));
    world.ports.journal.append(batch).await.unwrap();
    let runs = Runs::new(world.ports.clone(), Stop::default());
    let desk = Desk { ports: world.ports.clone(), runs, pings: Default::default() };
    let again = || desk.ask(Ask::Rerun { run, from: "two".into() }, world.ports.actor, Via::Cli);
    world.rest.carry_fails.store(true, SeqCst);
    let answer = again().await.unwrap();
    assert!(matches!(&answer, Answer::Refused { reason } if reason.contains("by the test")), "{answer:?}");
    assert!(world.rest.folders.lock().unwrap().is_empty(), "a refusal leaves no folder without a run");
    world.rest.carry_fails.store(false, SeqCst);
    world.disk.full.store(true, SeqCst);
    again().await.expect_err("the disk is full");
    assert!(world.rest.folders.lock().unwrap().is_empty(), "nor does a request that was never recorded");
    world.disk.full.store(false, SeqCst);
    let answer = again().await.unwrap();
    let Answer::Started { run: new, .. } = answer else { panic!("{answer:?}") };
    assert_eq!(*world.rest.folders.lock().unwrap(), BTreeSet::from([new]));
}

#[tokio::test]
async fn a_run_that_ends_for_want_of_its_definition_is_told() {
    let world = World::new(ROUTE, &[KEEPS]);
    let run = world.ports.ids().run();
    let mut batch = Batch::by(world.ports.actor, Via::Node);
    let event = requested(&world, Kind::Run, None);
    batch.writes.push(world.ports.ids().write(Stream::run(run), Some(0), At(START.0 + 1), [event]));
    world.ports.journal.append(batch).await.unwrap();
    let runs = Runs::new(world.ports.clone(), Stop::default());
    runs.take_up(run);
    runs.drained().await;
    assert_eq!(world.kinds("run_ended").await.len(), 1);
    let due = world.kinds("message_due").await;
    assert!(
        matches!(&due[..], [Event::MessageDue { route, run: Some(of), .. }] if route == "oncall" && *of == run),
        "{due:?}"
    );
}

/// A run of `dump` whose first attempt was begun by another node that is dead now.
async fn left_by_another(world: &World) -> RunId {
    let run = world.ports.ids().run();
    let mut batch = Batch::by(world.ports.actor, Via::Node);
    let digest = world.in_force.current().processes["dump"].digest.clone();
    let usual = seaworthy_core::run::usual(&[]);
    let cause = Cause::Person;
    let process = "dump".to_owned();
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
        Event::RunClaimed { fence: 99 },
        Event::AttemptStarted { step: "one".into(), attempt: 1, key: "one/1".into() },
    ];
    batch.writes.push(world.ports.ids().write(Stream::run(run), Some(0), At(START.0 + 1), events));
    world.ports.journal.append(batch).await.unwrap();
    run
}

#[tokio::test]
async fn an_attempt_of_an_earlier_life_whose_end_is_on_record_is_adopted_and_not_repeated() {
    let once = "process: dump\nsteps:\n  - { id: one, run: 'true', effect: once }\n\
        verify:\n  - { command: cat paid, expect: 'stdout.contains(\"yes\")' }\n";
    for (record, executed) in [(Some(Outcome::Done), Executed::Ok), (None, Executed::Unknown)] {
        let world = World::new("", &[once]);
        *world.rest.record.lock().unwrap() = record.map(|outcome| Acted {
            outcome,
            exit: Some(0),
            signal: None,
            reason: None,
            took: Span::seconds(6 * 3600),
            stdout: Output::default(),
            stderr: Output::default(),
            held_by: "subreaper".into(),
            empty: Some(true),
        });
        let run = left_by_another(&world).await;
        let runs = Runs::new(world.ports.clone(), Stop::default());
        runs.take_up(run);
        runs.drained().await;
        assert_eq!(world.kinds("attempt_started").await.len(), 1, "it is not repeated");
        let ended = world.kinds("run_ended").await;
        assert!(matches!(&ended[..], [Event::RunEnded { executed: seen, .. }] if *seen == executed), "{ended:?}");
        let noted = world.rest.noted.lock().unwrap().len();
        assert_eq!(noted, 1, "what is durable in the journal need not be kept");
    }
}

#[tokio::test]
async fn trouble_with_one_schedule_leaves_no_run_of_another_that_nobody_drives() {
    let ops = ["bad", "good"].map(|name| {
        format!("process: {name}\nschedule: {{ every: 1h, missed: latest }}\nsteps:\n  - {{ id: one, run: 'true' }}\n")
    });
    let world = World::new("", &ops.each_ref().map(String::as_str));
    let desk = Desk {
        ports: world.ports.clone(),
        runs: Runs::new(world.ports.clone(), Stop::default()),
        pings: Default::default(),
    };
    let mut agenda = Agenda::default();
    schedule::activate(&desk, &mut agenda).await.unwrap();
    world.pass(Span::seconds(3600)).await;
    *world.disk.full_for.lock().unwrap() = Some(Stream::schedule("bad"));
    schedule::activate(&desk, &mut agenda).await.expect_err("no space for one of them");
    world.settle().await;
    assert_eq!(world.kinds("run_requested").await.len(), 1);
    assert_eq!(world.kinds("run_claimed").await.len(), 1, "it is driven");
}

#[tokio::test]
async fn what_was_due_before_a_process_was_removed_has_a_record() {
    let hourly = "process: dump\nschedule: { every: 1h }\nsteps:\n  - { run: 'true' }\n";
    let world = World::new("", &[hourly]);
    let runs = Runs::new(world.ports.clone(), Stop::default());
    let desk = Desk { ports: world.ports.clone(), runs, pings: Default::default() };
    world.record().await;
    schedule::activate(&desk, &mut Agenda::default()).await.unwrap();
    // Nobody is there for three hours, and when somebody is again the file is gone.
    world.pass(Span::seconds(3 * 3600)).await;
    let mut batch = Batch::by(world.ports.actor, Via::Node);
    schedule::forget(&world.ports, "dump", &mut batch).await.unwrap();
    world.ports.journal.append(batch).await.unwrap();
    assert_eq!(world.kinds("occurrence_skipped").await.len(), 3, "{:?}", world.events().await);
    let mut batch = Batch::by(world.ports.actor, Via::Node);
    schedule::forget(&world.ports, "dump", &mut batch).await.unwrap();
    assert!(batch.writes.is_empty(), "once");
}

#[tokio::test]
async fn an_observed_process_is_never_started_by_whoever_asks_and_being_taken_over_invents_no_history() {
    let observed = "process: dump\nschedule: { every: 1h }\nobserved: cron, /etc/cron.d/dump line 3\n";
    let world = World::new("", &[observed]);
    let stop = Stop::default();
    let desk =
        Desk { ports: world.ports.clone(), runs: Runs::new(world.ports.clone(), stop), pings: Default::default() };
    let mut agenda = Agenda::default();
    for _ in 0..3 {
        schedule::activate(&desk, &mut agenda).await.unwrap();
        world.pass(Span::seconds(3600)).await;
    }
    seaworthy_runtime::drill::activate(&desk).await.unwrap();
    for ask in [Ask::Run { process: "dump".into(), inputs: Default::default() }, Ask::Drill { process: "dump".into() }]
    {
        let answer = desk.ask(ask, world.ports.actor, Via::Cli).await.unwrap();
        let Answer::Refused { reason } = answer else { panic!("{answer:?}") };
        assert!(
            reason.starts_with("`dump` is observed, not run from here (cron, /etc/cron.d/dump line 3)"),
            "{reason}"
        );
    }
    assert!(world.events().await.is_empty(), "{:?}", world.events().await);
    // Taken over: what was due while somebody else ran it is nobody's downtime.
    world.in_force.replace(kit::load("", &["process: dump\nschedule: { every: 1h }\nsteps:\n  - { run: 'true' }\n"]));
    schedule::activate(&desk, &mut agenda).await.unwrap();
    assert_eq!(world.kinds("run_requested").await.len(), 0);
    assert_eq!(world.kinds("occurrence_skipped").await.len(), 0);
    world.record().await;
    world.pass(Span::seconds(3600)).await;
    schedule::activate(&desk, &mut agenda).await.unwrap();
    assert_eq!(world.kinds("run_requested").await.len(), 1);
    // Given back: nothing is due from here any more.
    world.in_force.replace(kit::load("", &[observed]));
    for _ in 0..3 {
        world.pass(Span::seconds(3600)).await;
        schedule::activate(&desk, &mut agenda).await.unwrap();
    }
    assert_eq!(world.kinds("run_requested").await.len(), 1);
}

pub fn not_done() -> Acted {
    let (took, none) = (Span::ZERO, Output::default());
    let (outcome, held_by, empty) = (Outcome::NotDone, "nothing".to_owned(), Some(true));
    Acted {
        outcome,
        exit: Some(1),
        signal: None,
        reason: None,
        took,
        stdout: none.clone(),
        stderr: none,
        held_by,
        empty,
    }
}

#[tokio::test]
async fn a_run_that_waits_for_its_turn_is_claimed_with_its_first_attempt_and_not_before() {
    let world = World::new("", &["process: dump\nsteps:\n  - { id: one, run: 'true' }\n"]);
    let runs = Runs::new(world.ports.clone(), Stop::default());
    let desk = Desk { ports: world.ports.clone(), runs, pings: Default::default() };
    for _ in 0..=ACTING_MAX {
        let ask = Ask::Run { process: "dump".into(), inputs: Default::default() };
        desk.ask(ask, world.ports.actor, Via::Cli).await.unwrap();
    }
    world.settle().await;
    let mut seen = Vec::new();
    for kind in ["run_requested", "run_claimed", "attempt_started"] {
        seen.push(world.kinds(kind).await.len());
    }
    assert_eq!(seen, [ACTING_MAX + 1, ACTING_MAX, ACTING_MAX], "all but one have begun");
    let waits = world.ports.views.live_runs().await.unwrap().into_iter().filter(|row| row.claimed_at.is_none());
    assert_eq!(waits.map(|row| row.doing).collect::<Vec<_>>(), ["waiting to be taken up"]);
    *world.rest.record.lock().unwrap() = Some(not_done());
    world.pass(Span::seconds(600)).await;
    world.rest.ends.notify_one();
    world.settle().await;
    let entries = world.ports.journal.from(0, 1_000).await.unwrap();
    let last = |kind: &str| {
        let all = entries.iter().filter(|entry| entry.event().unwrap().is_some_and(|event| event.encode().0 == kind));
        let all: Vec<At> = all.map(|entry| entry.header.at).collect();
        (all.len(), all.last().copied())
    };
    let begun = (ACTING_MAX + 1, Some(START + Span::seconds(600)));
    assert_eq!(last("attempt_started"), begun, "a place is free");
    assert_eq!(last("run_claimed"), begun, "the wait for a place is no part of the run");
}
