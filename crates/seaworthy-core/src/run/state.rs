//! What is known of a run: the fold of its entries.
//!
//! This module must not decide; it only remembers. The same events give the same state for ever.

use std::collections::{BTreeMap, BTreeSet};

use super::{Plan, attempt::Attempt, next::nothing, person::Asked};
use seaworthy_model::{
    event::{DrillArtifact, Event},
    id::ActorId,
    matrix::{Element, Expanded},
    run::{Artifact, Cause, Executed, Heal, HostSnapshot, Judged, Kind, Outcome, Usual, Verified},
    step,
    time::{At, Span},
    value::Facts,
};

use super::awaited::Awaited;

/// How the run was asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Requested {
    pub at: At,
    pub process: String,
    pub kind: Kind,
    pub digest: String,
    pub cause: Cause,
    pub usual: Usual,
    pub artifact: Option<DrillArtifact>,
    pub objective: Option<Span>,
    pub inputs: Facts,
}

/// How a step stands in the present pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Standing {
    Fresh,
    Running,
    Done,
    /// The sentence to show.
    Failed(String),
    Unknown,
    /// Not done, on purpose.
    Skipped,
    /// For a person.
    Waiting,
}

/// The fold.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct State {
    /// Entries folded so far; equals the stream's version.
    pub version: u64,
    pub requested: Option<Requested>,
    pub fence: u64,
    pub claimed_at: Option<At>,
    pub attempts: BTreeMap<String, Vec<Attempt>>,
    /// Per step: attempts before this one belong to an earlier pass.
    pass_from: BTreeMap<String, usize>,
    pub artifacts: BTreeMap<String, Artifact>,
    /// Steps that are not done on purpose, and why.
    pub skipped: BTreeMap<String, String>,
    /// Steps over a list, with what the list came to.
    pub expanded: BTreeMap<String, Vec<Element>>,
    /// How often one of these became known, or was given up.
    pub(super) lists: u64,
    /// Steps that wait for a person, or waited.
    pub asked: BTreeMap<String, Asked>,
    /// Who answered for steps that a person does, in any pass.
    pub signers: BTreeSet<ActorId>,
    /// What steps hand on, by step.
    pub outputs: BTreeMap<String, Facts>,
    /// Rounds of looking that are complete.
    pub rounds: u32,
    /// All that was judged, in order.
    pub checks: Vec<Judged>,
    /// Verdict of the present pass, once its verification has ended.
    pub pass: Option<Verified>,
    pub waiting: Option<At>,
    /// When that wait began, as the clock on the wall was then.
    pub waiting_since: Option<At>,
    /// The lock that is waited for.
    pub awaits: Option<Awaited>,
    pub rung: u32,
    pub tries: u32,
    pub heal_open: bool,
    pub heals: Vec<Heal>,
    /// Of these, how many came before the run went on.
    pub(super) told_of: usize,
    pub snapshot: Option<HostSnapshot>,
    pub cancel: Option<String>,
    /// It was cancelled once more while it cleaned up: that is not gone on with either.
    pub(super) unclean: bool,
    /// The run took longer than it may: its limit.
    pub expired: Option<Span>,
    pub ended: Option<Ended>,
    /// When verification first said yes.
    pub verified_at: Option<At>,
}

/// The end of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct Ended {
    pub at: At,
    pub executed: Executed,
    pub verified: Verified,
    pub reason: String,
    pub duration: Span,
    pub recovery: Option<Span>,
}

impl State {
    /// The state after all of these.
    pub fn fold<'a>(events: impl IntoIterator<Item = (At, &'a Event)>) -> State {
        let mut state = State::default();
        for (at, event) in events {
            state.apply(at, event);
        }
        state
    }

    /// Takes in one more event.
    pub fn apply(&mut self, at: At, event: &Event) {
        self.version += 1;
        match event {
            Event::RunRequested { process, kind, digest, cause, usual, artifact, objective, inputs } => {
                self.requested = Some(Requested {
                    at,
                    process: process.clone(),
                    kind: *kind,
                    digest: digest.clone(),
                    cause: cause.clone(),
                    usual: usual.clone(),
                    artifact: artifact.clone(),
                    objective: *objective,
                    inputs: inputs.clone(),
                });
            }
            Event::RunClaimed { fence } => {
                self.fence = *fence;
                self.claimed_at.get_or_insert(at);
            }
            Event::Waiting { until, .. } => (self.waiting, self.waiting_since) = (Some(*until), Some(at)),
            Event::LockAwaited { .. } | Event::LocksTaken { .. } => self.awaits = Awaited::of(event),
            Event::HostSeen { snapshot } => self.snapshot = Some(snapshot.clone()),
            Event::RunResumed { again, look } => self.resume(again, look),
            Event::CancelRequested { reason } => {
                self.unclean |= self.cancel.is_some() && self.running().any(|(step, _)| step.starts_with("after."));
                self.cancel = Some(reason.clone());
            }
            Event::RunExpired { limit } => self.expired = Some(*limit),
            Event::RunEnded { executed, verified, reason, duration, recovery } => {
                self.ended = Some(Ended {
                    at,
                    executed: *executed,
                    verified: *verified,
                    reason: reason.clone(),
                    duration: *duration,
                    recovery: *recovery,
                });
            }
            other => {
                self.apply_step(at, other);
                self.apply_person(at, other);
                self.apply_verification(at, other);
            }
        }
    }

    fn apply_step(&mut self, at: At, event: &Event) {
        match event {
            Event::AttemptStarted { step, attempt, .. } => {
                self.waiting = None;
                self.attempts.entry(step.clone()).or_default().push(Attempt::begun(*attempt, at));
            }
            Event::ChildBegun(begun) => {
                if let Some(last) = self.last_mut(&begun.step) {
                    last.child = Some(begun.run);
                }
            }
            Event::AttemptEnded { step, acted, .. } => {
                if let Some(last) = self.last_mut(step) {
                    last.ended = Some((at, acted.clone()));
                }
            }
            Event::ArtifactMade { step, artifact } => {
                self.artifacts.insert(artifact.name.clone(), artifact.clone());
                if let Some(last) = self.last_mut(step) {
                    last.made.insert(artifact.name.clone(), Ok(()));
                }
            }
            Event::ArtifactMissing { step, name, reason, .. } => {
                self.artifacts.remove(name);
                if let Some(last) = self.last_mut(step) {
                    last.made.insert(name.clone(), Err(reason.clone()));
                }
            }
            Event::ArtifactUnseen { step, name, reason } => {
                self.artifacts.remove(name);
                if let Some(last) = self.last_mut(step) {
                    last.unseen = Some(reason.clone());
                }
            }
            Event::StepTaken { step, outputs, .. } => {
                let ended = Some((at, nothing()));
                let taken = Attempt { ended, handed: Some(Ok(())), ..Attempt::begun(0, at) };
                self.attempts.entry(step.clone()).or_default().push(taken);
                self.outputs.insert(step.clone(), outputs.clone());
            }
            Event::StepSkipped { step, reason } => {
                self.waiting = None;
                self.skipped.insert(step.clone(), reason.clone());
            }
            Event::StepExpanded(list) => self.expand(list),
            Event::OutputsTaken { step, outputs } => {
                self.outputs.insert(step.clone(), outputs.clone());
                if let Some(last) = self.last_mut(step) {
                    last.handed = Some(Ok(()));
                }
            }
            Event::OutputsRefused { step, reason } => {
                if let Some(last) = self.last_mut(step) {
                    last.handed = Some(Err(reason.clone()));
                }
            }
            Event::StepSettled { step, happened, reason } => {
                self.rounds += 1;
                if let Some(last) = self.last_mut(step) {
                    last.settled = Some((*happened, reason.clone()));
                }
            }
            _ => {}
        }
    }

    fn apply_person(&mut self, at: At, event: &Event) {
        match event {
            Event::PersonAsked(step::Asked { step, until, other, .. }) => {
                self.waiting = None;
                self.asked.insert(step.clone(), Asked { at, until: *until, other: *other, answer: None });
            }
            Event::PersonAnswered { step, yes, evidence, by } => {
                if let Some(asked) = self.asked.get_mut(step) {
                    if !asked.other {
                        self.signers.insert(*by);
                    }
                    asked.answer = Some((at, *yes, evidence.clone(), *by));
                }
            }
            _ => {}
        }
    }

    fn expand(&mut self, list: &Expanded) {
        self.waiting = None;
        self.lists += 1;
        self.expanded.insert(list.step.clone(), list.elements.clone());
    }

    fn resume(&mut self, again: &[String], look: &[String]) {
        (self.ended, self.cancel, self.expired, self.pass, self.waiting) = (None, None, None, None, None);
        (self.rung, self.tries, self.heal_open, self.claimed_at, self.unclean) = (0, 0, false, None, false);
        self.told_of = self.heals.len();
        self.rounds += 1;
        self.repeat(again);
        for step in look {
            if let Some(last) = self.last_mut(step) {
                last.settled = None;
                if let Some((_, acted)) = &mut last.ended {
                    acted.outcome = Outcome::Unknown;
                }
            }
        }
        // What was seen of artifacts then may be otherwise now.
        self.attempts.values_mut().filter_map(|all| all.last_mut()).for_each(Attempt::look_again);
    }

    /// These are done anew: what they were is of an earlier pass.
    fn repeat(&mut self, steps: &[String]) {
        for step in steps {
            let attempts = self.attempts.get(step).map_or(0, Vec::len);
            self.pass_from.insert(step.clone(), attempts);
            self.skipped.remove(step);
            self.asked.remove(step);
            self.outputs.remove(step);
            self.lists += u64::from(self.expanded.remove(step).is_some());
        }
    }

    fn apply_verification(&mut self, at: At, event: &Event) {
        match event {
            Event::Checked { judged } => self.checks.push(judged.clone()),
            Event::VerificationEnded { verified, .. } => {
                self.rounds += 1;
                self.pass = Some(*verified);
                if *verified == Verified::Yes {
                    self.verified_at.get_or_insert(at);
                }
            }
            Event::HealStarted { rung, again, what } => {
                if *rung != self.rung {
                    (self.rung, self.tries) = (*rung, 0);
                }
                self.tries += 1;
                self.heal_open = true;
                self.pass = None;
                self.repeat(again);
                // A rung that acts may have made anything anew, or removed it: what was seen before is no longer known.
                if what == "run" {
                    self.attempts.values_mut().filter_map(|all| all.last_mut()).for_each(Attempt::look_again);
                }
            }
            Event::HealTried { heal } => {
                // A rung that was never opened (a person told, nothing that may be repeated) is behind us at once.
                if !self.heal_open {
                    (self.rung, self.tries) = (heal.rung + 1, 0);
                }
                self.heal_open = false;
                self.heals.push(heal.clone());
            }
            _ => {}
        }
    }

    fn last_mut(&mut self, step: &str) -> Option<&mut Attempt> {
        self.attempts.get_mut(step).and_then(|all| all.last_mut())
    }

    /// Attempts of a step so far, over all passes.
    pub fn count(&self, step: &str) -> u32 {
        self.attempts.get(step).map_or(0, |all| u32::try_from(all.len()).unwrap_or(u32::MAX))
    }

    /// Attempts of a step in the present pass whose end nobody knows.
    pub(super) fn unknown_ends(&self, step: &str) -> u32 {
        let from = self.pass_from.get(step).copied().unwrap_or(0);
        let pass = self.attempts.get(step).and_then(|all| all.get(from..)).unwrap_or_default();
        let unknown = |attempt: &&Attempt| attempt.ended.as_ref().is_some_and(|(_, a)| a.outcome == Outcome::Unknown);
        u32::try_from(pass.iter().filter(unknown).count()).unwrap_or(u32::MAX)
    }

    /// The last attempt of a step in the present pass.
    pub fn last(&self, step: &str) -> Option<&Attempt> {
        let from = self.pass_from.get(step).copied().unwrap_or(0);
        self.attempts.get(step)?.get(from..)?.last()
    }

    /// How a step stands in the present pass.
    pub(super) fn standing(&self, step: &str) -> Standing {
        if self.skipped.contains_key(step) {
            return Standing::Skipped;
        }
        let Some(last) = self.last(step) else {
            return if self.asked.contains_key(step) { Standing::Waiting } else { Standing::Fresh };
        };
        let Some((_, acted)) = &last.ended else { return Standing::Running };
        match (acted.outcome, &last.settled) {
            (Outcome::Unknown, Some((Some(true), _))) => Standing::Done,
            (Outcome::Unknown, Some((Some(false), _))) => Standing::Fresh,
            (Outcome::Unknown, _) => Standing::Unknown,
            (Outcome::NotDone, _) => Standing::Failed(acted.reason.clone().unwrap_or_else(|| "not done".into())),
            (Outcome::Done, _) => match last.trouble() {
                Some(reason) => Standing::Failed(reason.clone()),
                None => Standing::Done,
            },
        }
    }

    /// What was judged in the round that is open now.
    pub fn open_round(&self) -> impl Iterator<Item = &Judged> {
        self.checks.iter().filter(|judged| judged.round == self.rounds)
    }

    /// What was judged in the last complete round.
    pub fn last_round(&self) -> impl Iterator<Item = &Judged> {
        let last = self.rounds.checked_sub(1);
        self.checks.iter().filter(move |judged| Some(judged.round) == last)
    }

    /// What steps that were done make and nobody looked at to the end: it is looked at when the run goes on.
    pub fn unlooked<'a>(&'a self, plan: &'a Plan) -> impl Iterator<Item = &'a String> {
        plan.steps.iter().flat_map(|step| {
            let last = self.last(&step.id);
            let done = last.filter(|last| last.ended.as_ref().is_some_and(|(_, acted)| acted.outcome == Outcome::Done));
            step.makes.iter().filter(move |name| done.is_some_and(|last| !last.made.contains_key(*name)))
        })
    }

    /// Steps with an attempt that has not ended, with its number.
    pub fn running(&self) -> impl Iterator<Item = (&str, u32)> {
        self.attempts.iter().filter_map(|(step, all)| {
            let last = all.last().filter(|attempt| attempt.ended.is_none())?;
            Some((step.as_str(), last.number))
        })
    }
}
