//! Simulation of the decisions alone, without loops: random processes in a world that fails, lies and loses power, one seed each.
//!
//! The world keeps its own truth. After every run the invariants are held against that truth and not against what
//! the run says of itself. A failing seed is named with the command that repeats it.

use std::collections::BTreeMap;

use seaworthy_core::{
    run::{Next, PARALLEL_DEFAULT, Plan, State, ended, interrupted, judge, next, unable},
    tell,
};
use seaworthy_model::{
    entry::acceptable,
    event::Event,
    id::RunId,
    process::{Action, Backoff, Check, Command, Effect, Line, Look, Process, Rung, Step, Tell},
    run::{
        Acted, Artifact, Cause, Executed, HealOutcome, HostSnapshot, Kind, Observation, Outcome, Output, Usual,
        Verified,
    },
    time::{At, Span},
    value::{Facts, Value},
};
use seaworthy_sim::Dice;

/// Seeds of the short tier; `SEAWORTHY_SEEDS` asks for more, `SEAWORTHY_SEED` for exactly one.
const SEEDS: u64 = 1_000;
/// Decisions after which a run counts as never ending.
const DECISIONS_MAX: u32 = 2_000;

/// What really is, whatever anybody says.
#[derive(Default)]
struct Truth {
    /// How often the effect of a step happened.
    happened: BTreeMap<String, u32>,
    /// Whether what the step made last is whole.
    whole: BTreeMap<String, bool>,
    /// Steps whose effect was there when the run asked whether it happened, by the answer it wrote down.
    settled: Vec<(String, Option<bool>, u32)>,
}

fn command() -> Command {
    Command { line: Line::Args(vec!["x".into()]) }
}

/// A check that sees whether the effect of a step is there and whole.
fn check(id: &str, of: Option<String>) -> Check {
    Check {
        id: format!("look {id}"),
        look: Look::Command { command: Command { line: Line::Args(vec![id.into()]) }, artifact: None },
        expect: Some("stdout == \"whole\"".into()),
        proves: true,
        of,
        timeout: Span::seconds(9),
    }
}

/// A random process: one to four steps in a chain or side by side, a random ladder, and a check for each step or
/// only for what the last one leaves behind. Some checks, all or none say which step they are about.
fn process(dice: &mut Dice) -> Process {
    let count = 1 + dice.below(4);
    let only_last = dice.percent(30);
    let named = [0, 50, 100][dice.below(3) as usize];
    let mut steps = Vec::new();
    let mut verify = Vec::new();
    for n in 0..count {
        let id = format!("s{n}");
        let needs = if n > 0 && dice.percent(60) { vec![format!("s{}", dice.below(n))] } else { vec![] };
        let effect = [Effect::Read, Effect::Idempotent, Effect::Once][dice.below(3) as usize];
        if !only_last || n + 1 == count {
            verify.push(check(&id, dice.percent(named).then(|| id.clone())));
        }
        let makes = if dice.percent(50) { vec![format!("a{n}")] } else { vec![] };
        steps.push(Step { needs, effect, makes, ..Step::new(id, Action::Run(command())) });
    }
    let backoff = Backoff { shortest: Span::seconds(1), longest: Span::seconds(60) };
    let mut heal = Vec::new();
    for _ in 0..dice.below(4) {
        heal.push(match dice.below(3) {
            0 => Rung::Retry { times: 1 + dice.below(3) as u32, backoff },
            1 => Rung::Run { command: command(), timeout: None },
            _ => Rung::Tell { route: format!("route-{}", dice.below(2)) },
        });
    }
    Process {
        steps,
        verify,
        heal,
        tell: Some(Tell { when: vec![], route: "last".into(), procedure: None }),
        keep: 1,
        parallel: [None, Some(1), Some(2), Some(3)][dice.below(4) as usize],
        ..Process::named("p")
    }
}

struct Sim {
    dice: Dice,
    process: Process,
    plan: Plan,
    state: State,
    truth: Truth,
    now: At,
    told: Vec<String>,
    crashes: u64,
    /// What runs now.
    under: Vec<(String, u32)>,
    written: Vec<(At, Event)>,
}

impl Sim {
    fn new(seed: u64) -> Sim {
        let mut dice = Dice::new(seed);
        let process = process(&mut dice);
        let plan = Plan::of(&process, Kind::Run).expect("a run has a plan");
        let crashes = dice.below(4);
        let mut sim = Sim {
            dice,
            process,
            plan,
            state: State::default(),
            truth: Truth::default(),
            now: At(0),
            told: vec![],
            crashes,
            under: vec![],
            written: vec![],
        };
        sim.write(vec![
            Event::RunRequested {
                process: "p".into(),
                kind: Kind::Run,
                digest: "d".into(),
                cause: Cause::Person,
                usual: Usual::default(),
                artifact: None,
                objective: None,
                inputs: Default::default(),
            },
            Event::RunClaimed { fence: 1 },
        ]);
        sim
    }

    /// The only commit point: the rules of the journal hold, and routes are told of what is durable.
    fn write(&mut self, events: Vec<Event>) {
        acceptable(&events).expect("the journal takes what is decided");
        for event in &events {
            if let Event::StepSettled { step, happened, .. } = event {
                let times = self.truth.happened.get(step).copied().unwrap_or(0);
                self.truth.settled.push((step.clone(), *happened, times));
            }
            self.now = self.now + Span::from_millis(1);
            self.state.apply(self.now, event);
            self.written.push((self.now, event.clone()));
        }
        let routes = tell::routes(&self.process, &self.plan, &self.state, &events);
        self.told.extend(routes.into_iter().map(|(route, _)| route));
    }

    /// Power may go here. What was in flight is then unknown.
    fn power_goes(&mut self) -> bool {
        let goes = self.crashes > 0 && self.dice.percent(20);
        if goes {
            self.crashes -= 1;
            self.under.clear();
            let events = interrupted(&self.state, "the power went");
            self.write(events);
        }
        goes
    }

    fn play(&mut self) {
        for _ in 0..DECISIONS_MAX {
            let draw = self.dice.roll();
            match next(&self.plan, &self.state, self.now, &mut || draw) {
                Next::Ended => return,
                Next::Record(events) => self.write(events),
                Next::Wait(until) => self.now = until,
                Next::Snapshot => self.write(vec![Event::HostSeen { snapshot: HostSnapshot::default() }]),
                Next::Collect { step, name, .. } => {
                    let artifact = Artifact { name, bytes: 1, sha256: None, modified: self.now, place: "/".into() };
                    self.write(vec![Event::ArtifactMade { step, artifact }]);
                }
                Next::Look { check, round } => self.look(&check, round),
                Next::Act(act) => {
                    self.write(vec![act.event.clone()]);
                    self.under.push((act.step, act.attempt));
                    let most = self.process.parallel.unwrap_or(PARALLEL_DEFAULT) as usize;
                    assert!(self.under.len() <= most, "more at the same time than the process allows");
                }
                Next::Attend(_) => {
                    assert!(!self.under.is_empty(), "waits for what does not run");
                    let at = self.dice.below(self.under.len() as u64) as usize;
                    let (step, attempt) = self.under.remove(at);
                    self.act(&step, attempt);
                }
                Next::Stop => unreachable!("nobody cancels here"),
                Next::Take { .. } => unreachable!("nothing is handed on here"),
                Next::Call(_) => unreachable!("nothing is called here"),
            }
        }
        let last: Vec<&Event> = self.written.iter().rev().take(12).map(|(_, e)| e).collect();
        panic!("the run does not end; ladder {:?}; last, newest first: {last:?}", self.process.heal);
    }

    fn act(&mut self, step: &str, attempt: u32) {
        if self.power_goes() {
            return;
        }
        let works = self.dice.percent(70);
        let lies = self.dice.percent(20);
        *self.truth.happened.entry(step.into()).or_default() += u32::from(works);
        if works || lies {
            self.truth.whole.insert(step.into(), works);
        }
        if self.power_goes() {
            return;
        }
        let outcome = if works || lies { Outcome::Done } else { Outcome::NotDone };
        let acted = Acted {
            outcome,
            exit: Some(0),
            signal: None,
            reason: (outcome != Outcome::Done).then(|| "exit 1".into()),
            took: Span::seconds(1),
            stdout: Output::default(),
            stderr: Output::default(),
            held_by: "sim".into(),
            empty: Some(true),
        };
        self.write(vec![Event::AttemptEnded { step: step.into(), attempt, acted }]);
    }

    fn look(&mut self, check: &Check, round: u32) {
        if self.power_goes() {
            return;
        }
        let step = check.id.trim_start_matches("look ");
        let judged = if self.dice.percent(5) {
            unable(check, round, "connection refused".into())
        } else {
            let whole = self.truth.whole.get(step).copied().unwrap_or(false);
            let text = if whole { "whole" } else { "nothing" };
            let facts = Facts::from([("stdout".into(), Value::Text(text.into()))]);
            let seen = Observation { source: "probe/sim".into(), facts, took: Span::ZERO, dropped: 0 };
            judge(check, round, seen, &Usual::default())
        };
        self.write(vec![Event::Checked { judged }]);
    }

    fn hold(&self) {
        let end = self.state.ended.as_ref().expect("a run that stops has ended");
        if end.verified == Verified::Yes {
            assert_eq!(end.executed, Executed::Ok, "verified without being executed");
            for check in &self.process.verify {
                let step = check.id.trim_start_matches("look ");
                assert_eq!(self.truth.whole.get(step), Some(&true), "verified, but {step} is not whole");
            }
        } else {
            assert!(!self.told.is_empty() || self.process.heal.is_empty(), "a ladder that failed told nobody");
        }
        for step in self.process.steps.iter().filter(|s| s.effect == Effect::Once) {
            let again =
                self.truth.settled.iter().filter(|(id, happened, _)| *id == step.id && *happened == Some(false));
            // A no of every check, while the effect had happened: only a look that saw nothing may say so.
            let allowed = 1 + again.count();
            let times = self.truth.happened.get(&step.id).copied().unwrap_or(0) as usize;
            assert!(times <= allowed, "once step {} happened {times} times", step.id);
            for (_, happened, times) in self.truth.settled.iter().filter(|(id, ..)| *id == step.id) {
                assert!(
                    *happened != Some(false) || *times == 0,
                    "{} was to be repeated although it had happened",
                    step.id
                );
            }
        }
        for step in &self.process.steps {
            assert!(self.state.count(&step.id) <= 40, "{} was tried {} times", step.id, self.state.count(&step.id));
        }
        let row = ended(RunId::new(At(0), &[1; 10]), Some(&self.plan), &self.state).expect("it has ended");
        let unseen = self.process.steps.iter().any(|step| {
            let last = self.state.last(&step.id).and_then(|last| last.ended.as_ref());
            last.is_some_and(|(_, acted)| acted.outcome == Outcome::Unknown)
        });
        assert_eq!(row.measures.contains_key("duration"), !unseen, "a time is learnt if it was seen, and only then");
        let told = self.state.heals.iter().filter(|h| h.outcome == HealOutcome::Told).count();
        assert!(self.told.len() <= told + 1, "told more often than recorded");
        let replayed = State::fold(self.written.iter().map(|(at, event)| (*at, event)));
        assert_eq!(replayed, self.state, "folding the same events again gives another state");
    }
}

#[test]
fn no_seed_breaks_the_invariants_of_a_run() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let seeds = match number("SEAWORTHY_SEED") {
        Some(one) => one..one + 1,
        None => 0..number("SEAWORTHY_SEEDS").unwrap_or(SEEDS),
    };
    let (mut ends, mut crashed) = (BTreeMap::new(), 0);
    for seed in seeds.clone() {
        let outcome = std::panic::catch_unwind(|| {
            let mut sim = Sim::new(seed);
            let planned = sim.crashes;
            sim.play();
            sim.hold();
            let end = sim.state.ended.expect("held above");
            (format!("{} / {}", end.executed.word(), end.verified.word()), planned - sim.crashes)
        });
        match outcome {
            Ok((end, crashes)) => {
                *ends.entry(end).or_insert(0u64) += 1;
                crashed += crashes;
            }
            Err(_) => panic!("repeat with: SEAWORTHY_SEED={seed} cargo test -p seaworthy-sim --test decisions"),
        }
    }
    if seeds.end - seeds.start >= SEEDS {
        // The world must have been rough enough to prove something.
        for end in ["ok / yes", "ok / no", "failed / no", "unknown / unknown"] {
            assert!(ends.contains_key(end), "no seed ended {end}: {ends:?}");
        }
        assert!(crashed > SEEDS / 4, "only {crashed} crashes");
    }
}
