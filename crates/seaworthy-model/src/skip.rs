//! Why an occurrence did not become a run.
//!
//! This module must not know who decides it.

use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SkipReason {
    /// Nobody was there, and the missed policy says no.
    Downtime,
    /// A run was still live.
    Overlap,
    /// The queue was full.
    QueueFull,
    /// Older than `within`.
    Expired,
    /// The clock was set back: what was due while it was ahead is not known, and the schedule was planned anew.
    ClockStep,
    /// A calendar of the schedule leaves its day out.
    Calendar,
    /// It was due in a blackout.
    Blackout,
    /// The process was paused.
    Paused,
    /// It could not be started as it is, by this.
    Refused,
}

impl SkipReason {
    pub fn word(self) -> &'static str {
        match self {
            SkipReason::Downtime => "downtime",
            SkipReason::Overlap => "overlap",
            SkipReason::QueueFull => "queue full",
            SkipReason::Expired => "expired",
            SkipReason::ClockStep => "clock step",
            SkipReason::Calendar => "calendar",
            SkipReason::Blackout => "blackout",
            SkipReason::Paused => "paused",
            SkipReason::Refused => "refused",
        }
    }
}
