//! The story of one run, folded from the entries of its stream: what was asked, tried, made, seen, said.
//!
//! Pure. It orders what was recorded and judges nothing. This module must not know HTML.

use std::collections::BTreeMap;

use seaworthy_core::input::plain;
use seaworthy_model::{
    entry::Entry,
    event::{DrillArtifact, Event},
    id::RunId,
    matrix::{Element, Expanded},
    run::{Acted, Artifact, Cause, Executed, Heal, HostSnapshot, Judged, Kind, Usual, Verified},
    step::{Asked, unnamed},
    time::{At, Span},
    value::Facts,
};

/// One try of a step.
#[derive(Debug, Clone)]
pub struct Attempt {
    pub step: String,
    pub attempt: u32,
    pub started_at: At,
    /// The run that it is.
    pub child: Option<RunId>,
    /// `None` while it goes on, or when nobody saw its end.
    pub ended: Option<(At, Acted)>,
}

/// An artifact that was to be made.
#[derive(Debug, Clone)]
pub struct Made {
    pub step: String,
    pub name: String,
    /// `Err`: where it was looked for and why it is not there.
    pub found: Result<Artifact, (String, String)>,
}

/// How it ended.
#[derive(Debug, Clone)]
pub struct End {
    pub at: At,
    pub executed: Executed,
    pub verified: Verified,
    pub reason: String,
    pub duration: Span,
    pub recovery: Option<Span>,
}

/// One run, top-down.
#[derive(Debug, Clone)]
pub struct Story {
    pub run: RunId,
    pub process: String,
    pub kind: Kind,
    pub digest: String,
    pub cause: Cause,
    pub usual: Usual,
    pub artifact: Option<DrillArtifact>,
    pub objective: Option<Span>,
    pub inputs: Facts,
    pub requested_at: At,
    pub claimed_at: Option<At>,
    pub attempts: Vec<Attempt>,
    pub made: Vec<Made>,
    pub checks: Vec<(At, Judged)>,
    pub rounds: Vec<(At, u32, Verified)>,
    pub heals: Vec<(At, Heal)>,
    /// Unknown ends that were looked at: time, step, whether it had happened, why.
    pub settled: Vec<(At, String, Option<bool>, String)>,
    /// Steps that wait for a person now, until when, and what is to be said of who may answer.
    pub asked: Vec<(String, At, String)>,
    /// Steps over a list, with what the list came to.
    pub lists: BTreeMap<String, Vec<Element>>,
    /// What else happened to steps: when, to what, a word, and why.
    pub remarks: Vec<(At, String, &'static str, String)>,
    /// Rungs that began: time and index.
    pub rungs: Vec<(At, u32)>,
    /// Waits: since, until, why.
    pub waits: Vec<(At, At, String)>,
    pub hosts: Vec<(At, HostSnapshot)>,
    pub cancel: Option<(At, String)>,
    pub end: Option<End>,
    /// Entries that this program cannot read, in words.
    pub unreadable: Vec<String>,
}

impl Story {
    /// Folds the entries of one run's stream. `None` when no readable request is among them.
    pub fn fold(run: RunId, entries: &[Entry]) -> Option<Story> {
        let mut story = None;
        let mut unreadable = Vec::new();
        for entry in entries {
            match entry.event() {
                Err(unknown) => unreadable.push(unknown.to_string()),
                Ok(None) => unreadable.push(format!(
                    "the body of entry {} ({}) was dropped by retention; its header stays",
                    entry.position, entry.header.kind
                )),
                Ok(Some(event)) => match &mut story {
                    None => story = Story::begin(run, entry.header.at, event),
                    Some(story) => story.add(entry.header.at, event),
                },
            }
        }
        story.map(|story| Story { unreadable, ..story })
    }

    fn begin(run: RunId, at: At, event: Event) -> Option<Story> {
        let Event::RunRequested { process, kind, digest, cause, usual, artifact, objective, inputs } = event else {
            return None;
        };
        Some(Story {
            run,
            process,
            kind,
            digest,
            cause,
            usual,
            artifact,
            objective,
            inputs,
            requested_at: at,
            claimed_at: None,
            lists: BTreeMap::new(),
            attempts: vec![],
            made: vec![],
            checks: vec![],
            rounds: vec![],
            heals: vec![],
            settled: vec![],
            remarks: vec![],
            asked: vec![],
            rungs: vec![],
            waits: vec![],
            hosts: vec![],
            cancel: None,
            end: None,
            unreadable: vec![],
        })
    }

    fn add(&mut self, at: At, event: Event) {
        match event {
            Event::RunClaimed { .. } => self.claimed_at = self.claimed_at.or(Some(at)),
            Event::AttemptStarted { step, attempt, .. } => {
                self.attempts.push(Attempt { step, attempt, started_at: at, child: None, ended: None });
            }
            Event::ChildBegun(begun) => {
                if let Some(open) = self.attempt(&begun.step, begun.attempt) {
                    open.child = Some(begun.run);
                }
            }
            Event::AttemptEnded { step, attempt, acted } => self.ended(at, step, attempt, acted),
            Event::ArtifactMade { step, artifact } => {
                self.made.push(Made { step, name: artifact.name.clone(), found: Ok(artifact) });
            }
            Event::ArtifactMissing { step, name, looked_at, reason } => {
                self.made.push(Made { step, name, found: Err((looked_at, reason)) });
            }
            Event::Waiting { until, why } => self.waits.push((at, until, why)),
            Event::Checked { judged } => self.checks.push((at, judged)),
            Event::VerificationEnded { round, verified } => self.rounds.push((at, round, verified)),
            Event::HealTried { heal } => self.heals.push((at, heal)),
            Event::HealStarted { rung, .. } => self.rungs.push((at, rung)),
            Event::RunResumed { again, look } => {
                self.end = None;
                self.cancel = None;
                let word = |ids: &[String]| if ids.is_empty() { "none".to_owned() } else { ids.join(", ") };
                let detail = format!("again: {}; looked at first: {}", word(&again), word(&look));
                self.remarks.push((at, "the run".to_owned(), "resumed", detail));
            }
            Event::PersonAsked(Asked { step, until, outside, .. }) => {
                self.asked.retain(|(other, ..)| *other != step);
                let outside = outside.map(|by| format!("; {}", unnamed(&by))).unwrap_or_default();
                self.asked.push((step.clone(), until, outside.clone()));
                self.remarks.push((at, format!("step {step}"), "asked", format!("it waits for a person{outside}")));
            }
            Event::PersonAnswered { step, yes, evidence, by } => {
                self.asked.retain(|(other, ..)| *other != step);
                let word = if yes { "signed" } else { "refused" };
                self.remarks.push((at, format!("step {step}"), word, format!("{evidence} (by {by})")));
            }
            Event::StepTaken { step, from, .. } => {
                self.say(at, &step, "taken over", format!("done in {from}"));
            }
            Event::ArtifactUnseen { step, reason, .. } => self.say(at, &step, "not looked at", reason),
            Event::StepExpanded(list) => self.expand(at, list),
            Event::StepSkipped { step, reason } => self.say(at, &step, "skipped", reason),
            Event::OutputsTaken { step, outputs } => {
                let all: Vec<String> =
                    outputs.iter().map(|(name, value)| format!("{name} = {}", plain(value))).collect();
                self.remarks.push((at, format!("{step} handed on"), "", all.join("; ").replace('\n', ", ")));
            }
            Event::OutputsRefused { step, reason } => {
                self.remarks.push((at, format!("what {step} hands on"), "refused", reason));
            }
            Event::RunExpired { limit } => {
                self.remarks.push((at, "the run".to_owned(), "stopped", format!("it is over its timeout of {limit}")));
            }
            Event::StepSettled { step, happened, reason } => self.settled.push((at, step, happened, reason)),
            Event::HostSeen { snapshot } => self.hosts.push((at, snapshot)),
            Event::CancelRequested { reason } => self.cancel = Some((at, reason)),
            Event::RunEnded { executed, verified, reason, duration, recovery } => {
                self.end = Some(End { at, executed, verified, reason, duration, recovery });
            }
            _ => {}
        }
    }

    fn expand(&mut self, at: At, list: Expanded) {
        self.say(at, &list.step, "begins", list.words());
        self.lists.insert(list.step, list.elements);
    }

    fn attempt(&mut self, step: &str, number: u32) -> Option<&mut Attempt> {
        self.attempts.iter_mut().rev().find(|attempt| attempt.step == step && attempt.attempt == number)
    }

    fn ended(&mut self, at: At, step: String, attempt: u32, acted: Acted) {
        if let Some(open) = self.attempt(&step, attempt) {
            open.ended = Some((at, acted));
            return;
        }
        let started_at = At(at.0.saturating_sub_unsigned(acted.took.0));
        self.attempts.push(Attempt { step, attempt, started_at, child: None, ended: Some((at, acted)) });
    }

    fn say(&mut self, at: At, step: &str, word: &'static str, detail: String) {
        self.remarks.push((at, format!("step {step}"), word, detail));
    }

    /// Start of the clock that people look at: the claim, or else the request.
    pub fn started_at(&self) -> At {
        self.claimed_at.unwrap_or(self.requested_at)
    }

    /// The attempt that goes on now.
    pub fn going_on(&self) -> Option<&Attempt> {
        if self.end.is_some() {
            return None;
        }
        self.attempts.iter().rev().find(|attempt| attempt.ended.is_none())
    }

    /// Checks of the last round that was looked at.
    pub fn last_round(&self) -> impl Iterator<Item = &(At, Judged)> {
        let round = self.checks.iter().map(|(_, judged)| judged.round).max().unwrap_or(0);
        self.checks.iter().filter(move |(_, judged)| judged.round == round)
    }

    /// Verification said no at least once.
    pub fn troubled(&self) -> bool {
        self.rounds.iter().any(|(_, _, verified)| *verified == Verified::No)
    }

    /// What it is doing, in words.
    pub fn doing(&self) -> String {
        if let Some(attempt) = self.going_on() {
            return format!("step {}, attempt {}", attempt.step, attempt.attempt);
        }
        match (self.claimed_at, self.checks.len(), self.attempts.len()) {
            (None, ..) => "waiting for a node to take it".to_owned(),
            (_, 0, 0) => "taken, about to start".to_owned(),
            (_, 0, _) => "between steps".to_owned(),
            _ => "verifying or healing".to_owned(),
        }
    }
}
