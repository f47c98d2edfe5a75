//! Runs: green only if it is true, no effect twice that must happen once, rows as their streams say.
//!
//! The state is folded here from the entries alone, beside whatever the loops hold.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use seaworthy_core::run::{Plan, State, ended, live};
use seaworthy_model::{
    entry::Entry,
    event::Event,
    id::RunId,
    process::{Check, Effect, Line, Look, Process},
    run::{Cause, Executed, Kind, Outcome, Verdict, Verified},
    time::At,
    view::{EndedRun, LiveRun},
};

use super::{Stats, ledger::Definitions};
use crate::world::World;

/// Attempts of one step after which a ladder counts as one without an end.
const ATTEMPTS_MAX: u32 = 40;

/// One run as its stream tells it.
#[derive(Default)]
struct Story {
    state: State,
    process: Option<Arc<Process>>,
    plan: Option<Plan>,
    /// The newest entry changes no row: a person cancels, and the run has not taken it in.
    row_is_behind: bool,
    /// How often a look said that this step had not happened.
    refuted: BTreeMap<String, u32>,
    /// Whole effects so far.
    effects: BTreeMap<String, u32>,
    messages: u32,
}

/// All runs of a journal.
#[derive(Default)]
pub struct Runs {
    stories: BTreeMap<RunId, Story>,
    occurrences: BTreeSet<(String, At)>,
    settled: u64,
}

impl Runs {
    /// Takes in one entry.
    pub fn entry(&mut self, entry: &Entry, event: &Event, definitions: &Definitions) -> Result<(), String> {
        if let Event::MessageDue { run: Some(run), .. } = event {
            self.stories.entry(*run).or_default().messages += 1;
        }
        let stream = entry.header.stream.as_str();
        let Some(run) = stream.strip_prefix("run/").and_then(|run| run.parse::<RunId>().ok()) else { return Ok(()) };
        let story = self.stories.entry(run).or_default();
        if story.state.ended.is_some() && !matches!(event, Event::CancelRequested { .. }) {
            return Err(format!("(2) {run} goes on after its end"));
        }
        match event {
            Event::RunRequested { process, kind, digest, cause, .. } => {
                story.process = definitions.get(digest).cloned();
                story.plan = story.process.as_deref().and_then(|process| Plan::of(process, *kind));
                if let Cause::Schedule { nominal } = cause
                    && !self.occurrences.insert((process.clone(), *nominal))
                {
                    return Err(format!("(2) the occurrence of {process} at {} has a second run, {run}", nominal.0));
                }
            }
            Event::AttemptStarted { step, attempt, .. } => {
                let before = story.state.count(step);
                if *attempt != before + 1 || *attempt > ATTEMPTS_MAX {
                    return Err(format!("(3) {run}/{step} begins attempt {attempt} after {before}"));
                }
            }
            Event::Checked { judged } if judged.verdict == Verdict::Yes => {
                let source = judged.observation.as_ref().map_or("", |seen| seen.source.as_str());
                if source.is_empty() || source.starts_with("act/") {
                    return Err(format!("(1) {run}: `{}` says yes on the word of `{source}`", judged.check));
                }
            }
            Event::StepSettled { step, happened, .. } => {
                self.settled += 1;
                if *happened == Some(false) {
                    *story.refuted.entry(step.clone()).or_default() += 1;
                }
            }
            _ => {}
        }
        story.row_is_behind = matches!(event, Event::CancelRequested { .. });
        story.state.apply(entry.header.at, event);
        Ok(())
    }

    /// Holds the ends among these runs against the truth.
    pub fn ended(&self, fresh: &BTreeSet<RunId>, world: &World) -> Result<(), String> {
        for run in fresh {
            let Some(story) = self.stories.get(run) else { continue };
            let Some(end) = &story.state.ended else { continue };
            if !world.truth().living(|command| command.key.run == *run).is_empty() {
                return Err(format!("(3) {run} has ended, and a command of it lives"));
            }
            if end.verified == Verified::Yes {
                story.green_is_true(*run, end.executed, world)?;
            }
            story.who_is_to_be_told(*run)?;
        }
        Ok(())
    }

    /// Holds what has happened in the world against what may; `from` is how many effects were held before.
    pub fn effects(&mut self, world: &World, from: usize) -> Result<usize, String> {
        let truth = world.truth();
        for effect in &truth.effects[from..] {
            let story = self.stories.entry(effect.run).or_default();
            let times = story.effects.entry(effect.step.clone()).or_default();
            *times += 1;
            let steps = story.process.as_ref().map_or(&[][..], |process| &process.steps);
            let once = steps.iter().any(|step| step.id == effect.step && step.effect == Effect::Once);
            let allowed = 1 + story.refuted.get(&effect.step).copied().unwrap_or(0);
            if once && *times > allowed {
                return Err(format!("(3) {}/{} must happen once and happened {times} times", effect.run, effect.step));
            }
            let of_run = |look: &&crate::world::Look| look.run == effect.run && look.step == effect.step;
            if once && *times > 1 && truth.looks.iter().filter(of_run).all(|look| look.told == look.truth) {
                return Err(format!("(3) {}/{} happened twice, and no look had lied", effect.run, effect.step));
            }
            if *times > ATTEMPTS_MAX {
                return Err(format!("(3) {}/{} happened {times} times", effect.run, effect.step));
            }
        }
        Ok(truth.effects.len())
    }

    /// (5) Rows say what the stream says.
    pub fn compare(&self, run: RunId, row: Option<&LiveRun>, wide: Option<&EndedRun>) -> Result<(), String> {
        let Some(story) = self.stories.get(&run) else { return Ok(()) };
        let (folded, folded_wide) = (live(run, &story.state), ended(run, story.plan.as_ref(), &story.state));
        if folded_wide.is_none() && !story.row_is_behind && row != folded.as_ref() {
            return Err(format!("(8) {run}: the row says {row:?}, its stream says {folded:?}"));
        }
        if wide != folded_wide.as_ref() {
            return Err(format!("(5) {run}: the row of its end says {wide:?}, its stream says {folded_wide:?}"));
        }
        Ok(())
    }

    /// Runs that have not ended.
    pub fn live(&self) -> impl Iterator<Item = RunId> + '_ {
        let open = |story: &Story| story.state.requested.is_some() && story.state.ended.is_none();
        self.stories.iter().filter(move |(_, story)| open(story)).map(|(run, _)| *run)
    }

    pub fn knows(&self, run: RunId) -> bool {
        self.stories.get(&run).is_some_and(|story| story.state.requested.is_some())
    }

    /// Adds what came of the runs.
    pub fn count(&self, stats: &mut Stats) {
        stats.settled = self.settled;
        for story in self.stories.values() {
            let Some(end) = &story.state.ended else { continue };
            let words = format!("{} / {}", end.executed.word(), end.verified.word());
            *stats.ends.entry(words).or_default() += 1;
            stats.drills += u64::from(story.state.requested.as_ref().is_some_and(|r| r.kind == Kind::Drill));
        }
    }
}

impl Story {
    /// (1) Whatever was checked is so, unless a look lied about it.
    fn green_is_true(&self, run: RunId, executed: Executed, world: &World) -> Result<(), String> {
        if executed != Executed::Ok {
            return Err(format!("(1) {run} is verified and executed {}", executed.word()));
        }
        let Some(plan) = &self.plan else { return Err(format!("(1) {run} is verified without a definition")) };
        for check in &plan.verify {
            let Some((of, step)) = self.subject(run, check) else { continue };
            let truth = world.truth();
            let lied = truth.looks.iter().any(|look| (look.run, &look.step) == (of, &step) && look.told != look.truth);
            if !truth.is_whole(of, &step) && !lied {
                return Err(format!("(1) {run} is verified, but what {step} of {of} makes is not whole"));
            }
        }
        for step in &plan.steps {
            let last = self.state.last(&step.id).and_then(|last| last.ended.as_ref());
            if last.is_none_or(|(_, acted)| acted.outcome == Outcome::NotDone) {
                return Err(format!("(1) {run} is verified, but step {} was not done", step.id));
            }
        }
        Ok(())
    }

    /// Whose work a check looks at.
    fn subject(&self, run: RunId, check: &Check) -> Option<(RunId, String)> {
        let requested = self.state.requested.as_ref()?;
        match &check.look {
            Look::Command { command, .. } => {
                let Line::Shell { script, .. } = &command.line else { return None };
                Some((run, script.strip_prefix("see ")?.to_owned()))
            }
            Look::Artifact { name } => {
                let of = requested.artifact.as_ref().map_or(run, |artifact| artifact.from_run);
                Some((of, format!("s{}", name.strip_prefix('a')?)))
            }
            _ => None,
        }
    }

    /// (7) Whoever wants to hear of such an end has a message on its way. Decided here once more, from the words of the
    /// file alone.
    fn who_is_to_be_told(&self, run: RunId) -> Result<(), String> {
        let Some(end) = &self.state.ended else { return Ok(()) };
        let Some(tell) = self.process.as_ref().and_then(|process| process.tell.as_ref()) else { return Ok(()) };
        let bad = matches!(end.verified, Verified::No | Verified::Unknown) && end.executed != Executed::Cancelled;
        let all = tell.when.len() >= 7;
        if bad && all && self.messages == 0 {
            let words = format!("{} / {}", end.executed.word(), end.verified.word());
            return Err(format!("(7) {run} ended {words}, and `{}` is not to be told", tell.route));
        }
        Ok(())
    }
}
