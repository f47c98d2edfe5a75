//! How long what a run left behind is kept.
//!
//! This module must not know what is needed in spite of it (core decides) nor how anything is removed.

use serde::{Deserialize, Serialize};

use crate::{id::RunId, time::Span};

/// How long outputs and snapshots are kept if nobody says; bodies are kept for ever then.
pub const KEEP_FOR: Span = Span::seconds(90 * 24 * 3600);
/// Newest runs that are kept whole if nobody says.
pub const WHOLE_DEFAULT: u32 = 20;
/// Most runs that can be kept whole whatever their age.
pub const WHOLE_MAX: u32 = 1_000;

/// What a process or a site says; what it does not say is left to the next one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retention {
    /// So many newest runs keep outputs, bodies and snapshots whatever their age.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runs: Option<u32>,
    /// Age at which artifacts go. Without it their number counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifacts: Option<Span>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outputs: Option<Span>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bodies: Option<Span>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snapshots: Option<Span>,
}

/// What a site says for all of its processes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SiteRetention {
    #[serde(default)]
    pub each: Retention,
    /// Bytes that all kept artifacts and outputs and the journal may take together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_most: Option<u64>,
}

impl Retention {
    /// What this one says, and where it says nothing what the other does.
    pub fn or(self, other: Retention) -> Retention {
        Retention {
            runs: self.runs.or(other.runs),
            artifacts: self.artifacts.or(other.artifacts),
            outputs: self.outputs.or(other.outputs),
            bodies: self.bodies.or(other.bodies),
            snapshots: self.snapshots.or(other.snapshots),
        }
    }
}

/// Bytes of a run on disk.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Weight {
    pub artifacts: u64,
    pub outputs: u64,
}

/// The journal's file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Room {
    pub bytes: u64,
    /// Of these, free for what comes next.
    pub free: u64,
}

/// What of which runs is about to be removed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FilesDropped {
    pub what: String,
    pub runs: Vec<RunId>,
    pub why: String,
}
