//! Rows that pages and verbs read. Folded from events; a row never decides.
//!
//! This module must not know SQL nor HTML.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    event::{SignalKind, SkipReason},
    id::{MessageId, RunId, SignalId},
    process::Occasion,
    run::{Artifact, Cause, Executed, Kind, Verified},
    schedule::Pause,
    time::{At, Span},
    token::TokenRow,
};

/// A run that has not ended: narrow, rewritten as the run goes on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LiveRun {
    pub run: RunId,
    pub process: String,
    pub kind: Kind,
    pub cause: Cause,
    pub requested_at: At,
    pub claimed_at: Option<At>,
    pub fence: u64,
    /// What it is doing, in words: `step dump, attempt 2`, `verifying, round 1`, `waiting until …`.
    pub doing: String,
    /// Verification said no at least once.
    pub troubled: bool,
}

/// A run that has ended: wide, inserted once.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EndedRun {
    pub run: RunId,
    pub process: String,
    pub kind: Kind,
    pub digest: String,
    pub cause: Cause,
    pub requested_at: At,
    pub started_at: Option<At>,
    pub ended_at: At,
    pub executed: Executed,
    pub verified: Verified,
    /// One line: why it is not verified, or what was healed.
    pub reason: String,
    pub duration: Span,
    /// Drills: measured recovery time and its objective.
    pub recovery: Option<Span>,
    pub objective: Option<Span>,
    pub heals: u32,
    pub artifacts: Vec<Artifact>,
    /// Measures for `usual`, by name (see [`crate::run::Usual`]).
    pub measures: BTreeMap<String, f64>,
}

/// Which ended runs to read. Newest first, by the order in which they ended in the journal.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunQuery {
    pub process: Option<String>,
    pub kind: Option<Kind>,
    pub verified: Option<Verified>,
    /// Only runs that ended before this one (for paging).
    pub before: Option<RunId>,
    /// 1,000 at most.
    pub limit: usize,
}

/// What is known of a process without reading all its runs.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ProcessView {
    /// Last 20 runs of `Kind::Run`, newest first.
    pub runs: Vec<EndedRun>,
    /// Last 20 drills, newest first.
    pub drills: Vec<EndedRun>,
    pub last_verified: Option<EndedRun>,
    pub last_verified_drill: Option<EndedRun>,
}

/// The journal's memory of one schedule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ScheduleRow {
    pub process: String,
    /// Digest of the definition whose schedule is in force.
    pub digest: String,
    /// Since when it is in force.
    pub since: At,
    /// No occurrence at or before this time is looked at again.
    pub cursor: At,
    /// Occurrences that wait for the live run to end, oldest first.
    pub queued: Vec<At>,
    /// The last pause, over or not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pause: Option<Pause>,
}

/// An occurrence, or what would have triggered a run, that did not become one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SkippedRow {
    pub process: String,
    pub nominal: At,
    pub reason: SkipReason,
    /// What exactly kept it from running, where the reason leaves that open.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
    /// More than one where they were recorded together.
    pub count: u64,
    /// What would have started it, in words; empty for its schedule.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub trigger: String,
}

/// Something that may be wrong, as last known.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SignalRow {
    pub signal: SignalId,
    /// Deduplicates: one open signal per key.
    pub key: String,
    pub process: String,
    pub kind: SignalKind,
    pub raised_at: At,
    pub cleared_at: Option<At>,
    pub nominal: Option<At>,
    pub run: Option<RunId>,
    pub expected: String,
    pub seen: String,
}

/// Which signals are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Raised {
    All,
    Open,
    /// Raised before this one, for paging.
    Before(At, SignalId),
}

impl SignalRow {
    /// The signals before this one.
    pub fn before(&self) -> Raised {
        Raised::Before(self.raised_at, self.signal)
    }
}

/// Somebody told, or to be told.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MessageRow {
    pub message: MessageId,
    pub route: String,
    pub occasion: Occasion,
    pub process: String,
    pub run: Option<RunId>,
    pub signal: Option<SignalId>,
    pub due_at: At,
    /// `None` while it is on its way.
    pub ended_at: Option<At>,
    pub told: bool,
    pub attempts: u32,
    pub detail: String,
}

/// A change of a view row, in the transaction of the entries it was folded from.
#[derive(Debug, Clone, PartialEq)]
pub enum ViewChange {
    RunLive(LiveRun),
    /// Inserts the summary and removes the live row.
    RunEnded(Box<EndedRun>),
    /// Removes the summary of a run that goes on and brings back its live row. Refused if it has not ended.
    RunResumed(LiveRun),
    Schedule(ScheduleRow),
    Skipped(SkippedRow),
    Signal(SignalRow),
    Message(MessageRow),
    /// A token that was made, or revoked. When it was used last is not touched.
    Token(TokenRow),
}

/// Bookkeeping for one effect that is still to be had. Deletable; not history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboxRow {
    /// Unique; the idempotency key of the effect.
    pub key: String,
    /// `tell`.
    pub kind: String,
    pub payload: String,
    pub attempts: u32,
    pub next_at: At,
}
