//! What is recorded of triggers.
//!
//! This module must not know how anything is noticed.

use serde::{Deserialize, Serialize};

use crate::{id::RunId, trigger::Triggered};

/// What triggers a process was noticed and has its run. The body of a call is kept beside the run, not here.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TriggerFired {
    pub process: String,
    pub run: RunId,
    pub by: Triggered,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
}

/// It was noticed, and something kept the process from starting.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TriggerHeld {
    pub by: Triggered,
    pub reason: String,
}

/// Ends of runs of `of` up to this place in their order have fired, if they were to. A restart goes on from here.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TriggerLooked {
    pub of: String,
    pub through: u64,
}

/// Files that lay there before the process waited for this path, by the beginnings of their keys: they do not fire.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TriggerNoted {
    pub path: String,
    pub files: Vec<String>,
}
