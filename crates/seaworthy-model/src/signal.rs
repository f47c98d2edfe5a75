//! What a signal may be about.
//!
//! This module must not know what raises one nor who is told.

use serde::{Deserialize, Serialize};

use crate::process::Occasion;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SignalKind {
    /// Nothing started within the limit.
    Missed,
    /// It started, but after the limit.
    Late,
    /// It runs, or ran, longer than the limit.
    Long,
    /// A drill is overdue.
    DrillOverdue,
    /// The record says verified, the artifact on disk says otherwise.
    ArtifactGone,
    /// The watched node is not there.
    NodeSilent,
    /// The branch that the site's files come from cannot be read for long.
    BranchLost,
    /// A process is paused, and has been for long.
    PausedLong,
}

impl SignalKind {
    pub fn word(self) -> &'static str {
        match self {
            SignalKind::Missed => "missed",
            SignalKind::Late => "started late",
            SignalKind::Long => "ran too long",
            SignalKind::DrillOverdue => "drill overdue",
            SignalKind::ArtifactGone => "artifact gone",
            SignalKind::NodeSilent => "node silent",
            SignalKind::BranchLost => "branch lost",
            SignalKind::PausedLong => "paused for long",
        }
    }

    /// The occasion that a route subscribes to.
    pub fn occasion(self) -> Occasion {
        match self {
            SignalKind::Missed
            | SignalKind::DrillOverdue
            | SignalKind::NodeSilent
            | SignalKind::BranchLost
            | SignalKind::PausedLong => Occasion::Missed,
            SignalKind::Late => Occasion::Late,
            SignalKind::Long => Occasion::Long,
            SignalKind::ArtifactGone => Occasion::Unverified,
        }
    }
}
