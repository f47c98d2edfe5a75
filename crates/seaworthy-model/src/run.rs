//! The words of a run: what was tried, what was seen, and the two verdicts.
//!
//! This module must not decide anything; core does.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    id::RunId,
    time::{At, Span},
    trigger::Triggered,
    value::{Facts, Value},
};

/// What is being run of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    Run,
    /// The restore drill.
    Drill,
}

/// Why a run exists.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// One occurrence; nominal time.
    Schedule {
        nominal: At,
    },
    Person,
    /// A drill that became due.
    Due,
    /// A call from outside, another process, a signal or a file.
    Trigger {
        by: Triggered,
    },
    /// A step of another run waits for its verdict. `depth`: how many runs stand above it.
    Step {
        run: RunId,
        step: String,
        depth: u32,
    },
    /// A command outside that `exec` was put in front of. Its program only: what is given to it may hold a secret.
    Exec {
        program: String,
    },
    /// A ping, with the id that its sender gave this run, if any.
    Ping {
        rid: Option<String>,
    },
}

/// Longest quotation of what something said, in characters.
const QUOTED_CHARS_MAX: usize = 300;

/// The last line that says something, fit for one line of ours: without control characters, and cut.
pub fn last_words(text: &str) -> Option<String> {
    let plain = |line: &str| -> String { line.chars().filter(|c| !c.is_control()).collect() };
    let lines = text.split(['\n', '\r']).rev().map(plain);
    let last = lines.map(|line| line.trim().to_owned()).find(|line| !line.is_empty())?;
    Some(last.chars().take(QUOTED_CHARS_MAX).collect())
}

/// The end of one attempt, as far as the actor can know it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    Done,
    NotDone,
    /// Started, and nobody knows how it ended.
    Unknown,
}

/// First verdict: what the actor says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Executed {
    Ok,
    Failed,
    Cancelled,
    Unknown,
}

/// Second verdict: what somebody else saw. Green means `Yes` and nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verified {
    Yes,
    No,
    /// Verification could not say.
    Unknown,
    /// There is no `verify`.
    Unproven,
}

impl Executed {
    pub fn word(self) -> &'static str {
        match self {
            Executed::Ok => "ok",
            Executed::Failed => "failed",
            Executed::Cancelled => "cancelled",
            Executed::Unknown => "unknown",
        }
    }
}

impl Verified {
    pub fn word(self) -> &'static str {
        match self {
            Verified::Yes => "yes",
            Verified::No => "no",
            Verified::Unknown => "unknown",
            Verified::Unproven => "unproven",
        }
    }
}

/// How one check ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    Yes,
    No,
    /// The probe could not look, or the condition could not be evaluated.
    Unknown {
        reason: String,
    },
    /// Never counts as a pass.
    Skipped {
        reason: String,
    },
}

impl Verdict {
    pub fn word(&self) -> &'static str {
        match self {
            Verdict::Yes => "yes",
            Verdict::No => "no",
            Verdict::Unknown { .. } => "unknown",
            Verdict::Skipped { .. } => "skipped",
        }
    }
}

/// A look that came to its end. `source` names the probe and never a provider.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Observation {
    /// `probe/NAME`, or `journal` for what the record itself says.
    pub source: String,
    pub facts: Facts,
    pub took: Span,
    /// Bytes that did not fit and were left out of `facts`.
    pub dropped: u64,
}

/// Sources with this prefix acted; `append` refuses a `yes` that rests on one.
pub const ACTOR_PREFIX: &str = "act/";

/// A check of one round of verification, judged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Judged {
    /// Id of the check.
    pub check: String,
    /// 0 is the first verification; each heal is followed by another round.
    pub round: u32,
    pub verdict: Verdict,
    /// The condition as people read it, with `usual` filled in.
    pub expected: String,
    /// What was seen, short enough for one line.
    pub observed: String,
    pub observation: Option<Observation>,
}

impl Judged {
    /// A no of something that looked: a command that failed and printed nothing may not have come to look at all.
    pub fn denies(&self) -> bool {
        let Some(seen) = self.observation.as_ref().filter(|_| self.verdict == Verdict::No) else { return false };
        let failed = matches!(seen.facts.get("exit"), Some(Value::Int(exit)) if *exit != 0);
        !(failed && matches!(seen.facts.get("stdout"), Some(Value::Text(said)) if said.trim().is_empty()))
    }
}

/// A thing a step made, looked at right after the step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Artifact {
    pub name: String,
    pub bytes: u64,
    /// Hex. Of a folder: over a sorted list of its files, which the platform documents.
    pub sha256: Option<String>,
    pub modified: At,
    /// Absolute path at the time.
    pub place: String,
}

/// Kept output of one stream of one attempt.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Output {
    /// All bytes that were written, masked.
    pub bytes: u64,
    /// Bytes left out between head and tail.
    pub dropped: u64,
    /// SHA-256 in hex of all masked bytes, the dropped ones included.
    pub sha256: String,
    /// The last bytes as text (invalid UTF-8 replaced), at most 2 KiB, for messages and pages.
    pub last: String,
}

/// What the provider reports when an attempt has ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acted {
    pub outcome: Outcome,
    pub exit: Option<i32>,
    pub signal: Option<i32>,
    /// A sentence when it is not `Done`: what was tried on what and what to do next.
    pub reason: Option<String>,
    pub took: Span,
    pub stdout: Output,
    pub stderr: Output,
    /// Which layer held the processes: `cgroup`, `scope`, `subreaper` or `session`; `nothing` if none was started,
    /// `nobody` if the one who held them was lost.
    pub held_by: String,
    /// Proven that no process of the attempt is left. `None`: could not be looked at.
    pub empty: Option<bool>,
}

/// One thing a ladder tried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heal {
    /// `retry`, `run` or `tell`.
    pub what: String,
    /// Index of the rung in the ladder; the implicit last rung has the ladder's length.
    pub rung: u32,
    pub outcome: HealOutcome,
    pub detail: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HealOutcome {
    /// Tried; verification follows.
    Tried,
    /// Verification said yes after it.
    Healed,
    /// Verification said no after it, or it could not be carried out.
    NotHealed,
    /// A person was told.
    Told,
}

/// What was usual for a process when a run of it started: centre and spread by measure.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Usual {
    /// Verified runs that it was computed from; under 5 a check that names `usual` is skipped.
    pub runs: u32,
    /// By measure name: `duration`, `size:ARTIFACT`, `value:CHECK ID`, `rows:CHECK ID`.
    pub centre: BTreeMap<String, f64>,
    /// Median absolute deviation, same names.
    pub spread: BTreeMap<String, f64>,
}

/// Verified runs needed before `usual` speaks (contracts, section 3).
pub const USUAL_RUNS_MIN: u32 = 5;
/// Verified runs that `usual` looks back on.
pub const USUAL_RUNS_MAX: u32 = 20;

/// The host at the moment of a failure.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct HostSnapshot {
    pub host: String,
    pub load: [f64; 3],
    pub memory_total: u64,
    pub memory_available: u64,
    pub swap_used: u64,
    pub disks: Vec<Disk>,
    /// The largest by memory and the busiest, at most 20. Names only, never arguments.
    pub processes: Vec<HostProcess>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Disk {
    pub mount: String,
    pub bytes_total: u64,
    pub bytes_free: u64,
    pub inodes_free: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HostProcess {
    pub pid: u32,
    pub name: String,
    pub state: String,
    pub memory: u64,
    pub cpu: Span,
}
