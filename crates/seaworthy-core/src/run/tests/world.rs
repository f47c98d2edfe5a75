//! The world that the stories are played in: how it answers, and the trace of what was decided.

use std::collections::BTreeMap;

use seaworthy_model::{
    event::Event,
    process::{Action, Backoff, Check, Command, Effect, Line, Look, Process, Rung, Step, Tell},
    run::{Acted, Artifact, Cause, HostSnapshot, Kind, Observation, Outcome, Output, Usual},
    time::{At, Span},
    value::{Facts, Value},
};

use super::super::{Next, Plan, State, interrupted, judge, next, unable};
use crate::tell;

pub fn step(id: &str, effect: Effect, makes: &[&str]) -> Step {
    let line = Line::Shell { script: format!("do {id}"), shell: vec!["sh".into(), "-c".into()] };
    let makes = makes.iter().map(|m| (*m).into()).collect();
    Step { effect, makes, ..Step::new(id, Action::Run(Command { line })) }
}

pub fn check(id: &str, look: Look, expect: Option<&str>) -> Check {
    let proves = expect.is_some_and(|text| text.contains("stdout"));
    Check { id: id.into(), look, expect: expect.map(Into::into), proves, of: None, timeout: Span::seconds(60) }
}

pub fn command(text: &str) -> Command {
    Command { line: Line::Args(vec![text.into()]) }
}

/// One step that makes `dump`, checked for size and content, with two retries and a route.
pub fn backup() -> Process {
    Process {
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
        tell: Some(Tell { when: vec![], route: "oncall".into(), procedure: None }),
        ..Process::named("backup")
    }
}

/// How the world answers.
pub struct World {
    /// Outcome, exit and seconds of the n-th act of a step, the last one for ever.
    pub acts: BTreeMap<&'static str, Vec<(Outcome, u64)>>,
    /// Bytes of `dump` after the n-th act of it or of the first rung; 0: it is missing.
    pub sizes: Vec<u64>,
    /// What the command probe prints at the n-th look; `None`: it cannot look.
    pub prints: Vec<Option<&'static str>>,
    /// With which code that command ends.
    pub exit: i64,
    pub usual: Usual,
    /// The node dies right after this many things were recorded.
    pub dies_after: Option<usize>,
    /// Then it is not proven that nothing is left of what it ran.
    pub leaves: bool,
}

impl World {
    pub fn good() -> Self {
        World {
            acts: BTreeMap::from([("dump", vec![(Outcome::Done, 5)])]),
            sizes: vec![4096],
            prints: vec![Some("orders")],
            exit: 0,
            usual: Usual::default(),
            dies_after: None,
            leaves: false,
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

/// A run being played.
struct Play<'a> {
    process: &'a Process,
    world: &'a World,
    plan: Plan,
    state: State,
    trace: String,
    now: At,
    looks: usize,
    died: bool,
}

/// Plays the run to its end and returns the trace.
pub fn play(process: &Process, world: &World) -> String {
    let plan = Plan::of(process, Kind::Run).unwrap();
    let (state, trace) = (State::default(), String::new());
    let mut play = Play { process, world, plan, state, trace, now: At(0), looks: 0, died: false };
    play.record(Event::RunRequested {
        process: process.name.clone(),
        kind: Kind::Run,
        digest: "d".into(),
        cause: Cause::Person,
        usual: world.usual.clone(),
        artifact: None,
        objective: None,
        inputs: Default::default(),
    });
    play.record(Event::RunClaimed { fence: 1 });
    for _ in 0..200 {
        if play.dies_now() {
            for mut event in interrupted(&play.state, "the node died") {
                if let Event::AttemptEnded { acted, .. } = &mut event {
                    acted.empty = (!world.leaves).then_some(true);
                }
                play.record(event);
            }
        }
        match next(&play.plan, &play.state, play.now, &mut || u64::MAX / 2) {
            Next::Ended => return play.trace,
            other => play.step(other),
        }
    }
    panic!("the run does not end:\n{}", play.trace);
}

impl Play<'_> {
    fn record(&mut self, event: Event) {
        self.state.apply(self.now, &event);
        let line = line(&event);
        if !line.is_empty() {
            self.trace.push_str(&line);
            self.trace.push('\n');
        }
    }

    fn dies_now(&mut self) -> bool {
        let dies = self.world.dies_after.is_some_and(|n| self.state.version as usize >= n) && !self.died;
        if dies {
            self.died = true;
            self.trace.push_str("*** the node dies and starts again\n");
        }
        dies
    }

    fn step(&mut self, next: Next) {
        let events = match next {
            Next::Record(events) => events,
            Next::Act(act) => {
                self.record(act.event.clone());
                if self.world.dies_after.is_some_and(|n| self.state.version as usize >= n) && !self.died {
                    return;
                }
                let list = self.world.acts.get(act.step.as_str()).cloned().unwrap_or(vec![(Outcome::Done, 1)]);
                let (outcome, seconds) = nth(&list, act.attempt as usize - 1);
                self.now = self.now + Span::seconds(seconds);
                vec![Event::AttemptEnded { step: act.step, attempt: act.attempt, acted: acted(outcome, seconds) }]
            }
            Next::Collect { step, name, .. } => vec![self.collect(step, name)],
            Next::Look { check, round } => vec![self.look(&check, round)],
            Next::Snapshot => vec![Event::HostSeen { snapshot: HostSnapshot::default() }],
            Next::Wait(until) => {
                self.now = until;
                return;
            }
            Next::Attend(_) | Next::Stop | Next::Take { .. } | Next::Call(_) => {
                unreachable!("here an act ends before the next question")
            }
            Next::Ended => return,
        };
        let mut after = self.state.clone();
        events.iter().for_each(|e| after.apply(self.now, e));
        for (route, occasion) in tell::routes(self.process, &self.plan, &after, &events) {
            self.trace.push_str(&format!("tell {route}: {occasion:?}\n"));
        }
        events.into_iter().for_each(|event| self.record(event));
    }

    fn collect(&self, step: String, name: String) -> Event {
        let acts = self.state.count("dump") + self.state.count("heal.0");
        match nth(&self.world.sizes, acts as usize - 1) {
            0 => Event::ArtifactMissing { step, name, looked_at: "/w".into(), reason: "`dump` is not there".into() },
            bytes => {
                let artifact = Artifact { name, bytes, sha256: None, modified: self.now, place: "/w/dump".into() };
                Event::ArtifactMade { step, artifact }
            }
        }
    }

    fn look(&mut self, check: &Check, round: u32) -> Event {
        let bytes = self.state.artifacts.get("dump").map_or(0, |a| a.bytes);
        let facts = match &check.look {
            Look::Artifact { .. } => Some(Facts::from([("size".into(), Value::Int(bytes as i64))])),
            _ => {
                self.looks += 1;
                let print = nth(&self.world.prints, self.looks - 1);
                let exit = ("exit".to_owned(), Value::Int(self.world.exit));
                print.map(|text| Facts::from([("stdout".into(), Value::Text(text.into())), exit]))
            }
        };
        let judged = match facts {
            Some(facts) => {
                let seen = Observation { source: "probe/test".into(), facts, took: Span::ZERO, dropped: 0 };
                judge(check, round, seen, &self.world.usual)
            }
            None => unable(check, round, "connection refused".into()),
        };
        let event = Event::Checked { judged };
        seaworthy_model::entry::acceptable(std::slice::from_ref(&event)).unwrap();
        event
    }
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
