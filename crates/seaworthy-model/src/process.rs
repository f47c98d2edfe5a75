//! A process as its file defines it: seven facets, immutable, named by the hash of its content.
//!
//! This module must not know YAML (spec reads it) nor what happens with a definition (core decides).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::{input::Input, retain::Retention, time::Span, trigger::Trigger};
pub use crate::{
    schedule::{Missed, Overlap, Schedule, When},
    step::{Action, Command, Duty, Effect, Limits, Line, OUTSIDE, Proof, Step},
};

/// Runs that keep their artifacts if the file does not say.
pub const KEEP_DEFAULT: u32 = 7;

/// An operation with its seven facets: trigger, steps, verify, heal, watch, tell, drill.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Process {
    pub name: String,
    pub about: Option<String>,
    pub service: Option<String>,
    pub team: Option<String>,
    pub tier: Tier,
    pub schedule: Option<Schedule>,
    pub env: BTreeMap<String, String>,
    /// Names only; the site file says where each comes from.
    pub secrets: Vec<String>,
    pub steps: Vec<Step>,
    pub verify: Vec<Check>,
    pub heal: Vec<Rung>,
    pub watch: Option<Watch>,
    pub tell: Option<Tell>,
    pub drill: Option<Drill>,
    /// What starts it besides its schedule and people.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub triggers: Vec<Trigger>,
    /// Names of locks, sorted: two runs with a common one never act at the same time on this site.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub locks: Vec<String>,
    /// How long a run waits for them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lock_wait: Option<Span>,
    /// How many runs keep their artifacts.
    pub keep: u32,
    /// How long what runs left behind is kept, where the file says more than that number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retain: Option<Retention>,
    /// Somebody else runs it, and this says who and where that stands. It has no steps and is never run from here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed: Option<String>,
    /// What a run of it is asked for, in the order of the file.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inputs: Vec<Input>,
    /// Something outside starts it and tells us, by `exec` or a ping; the schedule says when that is expected.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub pinged: bool,
    /// Steps that may be under way at the same time. If the file does not say: see `core::run::Plan`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parallel: Option<u32>,
    /// A run is stopped after this long, verification and healing included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Span>,
    /// What the processes of one command may use, unless its step says otherwise.
    #[serde(default, skip_serializing_if = "Limits::is_none")]
    pub limits: Limits,
}

/// Sets the windows of the controls. A is the most critical.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Tier {
    A,
    B,
    C,
}

/// A look at the result by a probe that is not the actor.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Check {
    /// Unique in its list and stable over edits elsewhere: `artifact orders.dump`, `command 1`, `sql 1`, `duration`.
    pub id: String,
    pub look: Look,
    /// Source text of the condition, already type-checked. `None` for `duration`, which carries its own bounds.
    pub expect: Option<String>,
    /// Whether a yes of this check proves data (contracts, section 3); weighed once, when the file is read.
    pub proves: bool,
    /// The step that this check is about: after an unknown end of a `once` step only its own checks settle whether it
    /// happened. Absent in the canonical text if there is none, so definitions without it keep their digest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<String>,
    /// Limit of one look.
    pub timeout: Span,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Look {
    Artifact {
        name: String,
    },
    /// `artifact` is what `ARTIFACT` points to; in a drill it is the newest verified one and this is `None`.
    Command {
        command: Command,
        artifact: Option<String>,
    },
    /// `url`: `postgresql://…` or `sqlite:PATH`; `$NAME` of the command environment is replaced in it.
    Sql {
        query: String,
        url: String,
        artifact: Option<String>,
    },
    Http {
        url: String,
        method: String,
        headers: BTreeMap<String, String>,
        body: Option<String>,
    },
    /// Judged from the run's own record, no probe.
    Duration {
        at_least: Option<Bound>,
        at_most: Option<Bound>,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bound {
    Span(Span),
    /// Per cent of the usual duration.
    OfUsual(f64),
}

/// One rung of the healing ladder, tried in order until verification says yes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rung {
    Retry { times: u32, backoff: Backoff },
    Run { command: Command, timeout: Option<Span> },
    Tell { route: String },
}

/// Full jitter: the n-th wait is drawn evenly from 0 to min(longest, shortest * 2^n), never under `shortest / 2`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backoff {
    pub shortest: Span,
    pub longest: Span,
}

/// Limits that the watcher keeps, which does not ask the runner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watch {
    pub start_within: Option<Span>,
    pub finish_within: Option<Span>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tell {
    pub when: Vec<Occasion>,
    pub route: String,
    /// Path of the Markdown file, relative to the site's folder.
    pub procedure: Option<String>,
}

/// What a route may be told about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Occasion {
    Failed,
    Unverified,
    Unknown,
    Missed,
    Late,
    Long,
    Healed,
    /// A step waits for a person; told whatever `when` says.
    Asked,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Drill {
    pub restore: Option<RestoreDrill>,
    pub people: Option<PeopleDrill>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RestoreDrill {
    pub every: Option<Span>,
    /// Objective; measured on every drill.
    pub recovery_time: Option<Span>,
    pub steps: Vec<Step>,
    pub verify: Vec<Check>,
    /// Clean-up, run even after failure.
    pub after: Vec<Step>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeopleDrill {
    pub every: Span,
    pub by: String,
    pub follow: String,
}

/// The seven facets, in the order of the design page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Facet {
    Trigger,
    Steps,
    Verify,
    Heal,
    Watch,
    Tell,
    Drill,
}

impl Facet {
    /// All seven.
    pub const ALL: [Facet; 7] =
        [Facet::Trigger, Facet::Steps, Facet::Verify, Facet::Heal, Facet::Watch, Facet::Tell, Facet::Drill];

    /// The word that files and pages use.
    pub fn word(self) -> &'static str {
        match self {
            Facet::Trigger => "trigger",
            Facet::Steps => "steps",
            Facet::Verify => "verify",
            Facet::Heal => "heal",
            Facet::Watch => "watch",
            Facet::Tell => "tell",
            Facet::Drill => "drill",
        }
    }
}

impl Process {
    /// The schedule that fires from here. That of an observed or pinged process says when somebody else runs it.
    pub fn fires(&self) -> Option<&Schedule> {
        self.schedule.as_ref().filter(|_| self.observed.is_none() && !self.pinged)
    }

    /// The schedule by which starts are expected, from here or from outside. Of an observed process nobody tells.
    pub fn expects(&self) -> Option<&Schedule> {
        self.schedule.as_ref().filter(|_| self.observed.is_none())
    }

    /// A process that says nothing else.
    pub fn named(name: impl Into<String>) -> Process {
        Process {
            name: name.into(),
            about: None,
            service: None,
            team: None,
            tier: Tier::C,
            schedule: None,
            env: BTreeMap::new(),
            secrets: vec![],
            steps: vec![],
            verify: vec![],
            heal: vec![],
            watch: None,
            tell: None,
            drill: None,
            triggers: vec![],
            locks: vec![],
            lock_wait: None,
            keep: KEEP_DEFAULT,
            retain: None,
            inputs: vec![],
            parallel: None,
            timeout: None,
            limits: Limits::default(),
            observed: None,
            pinged: false,
        }
    }

    /// The facets that this definition lacks. Without `verify` the process is *unproven*.
    pub fn missing(&self) -> Vec<Facet> {
        Facet::ALL
            .into_iter()
            .filter(|facet| match facet {
                Facet::Trigger => self.schedule.is_none() && self.triggers.is_empty(),
                Facet::Steps => self.steps.is_empty() && !self.pinged,
                Facet::Verify => self.verify.is_empty(),
                Facet::Heal => self.heal.is_empty(),
                Facet::Watch => self.watch.is_none(),
                Facet::Tell => self.tell.is_none(),
                Facet::Drill => self.drill.is_none(),
            })
            .collect()
    }

    /// Canonical bytes: JSON of this struct in field order. What the digest is taken over.
    pub fn canonical(&self) -> String {
        serde_json::to_string(self).expect("a definition has only string keys and finite numbers")
    }

    /// The name of this exact definition: SHA-256 of its canonical bytes, in hex.
    pub fn digest(&self) -> String {
        hex(&Sha256::digest(self.canonical().as_bytes()))
    }
}

/// Lower-case hex.
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |half: u8| char::from(DIGITS[usize::from(half)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}
