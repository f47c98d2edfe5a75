//! What a drill restores.
//!
//! This module must not know who restores it.

use serde::{Deserialize, Serialize};

use crate::id::RunId;

/// Which artifact a drill restores, fixed when the drill is requested.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DrillArtifact {
    pub from_run: RunId,
    pub name: String,
    pub place: String,
    pub bytes: u64,
    pub sha256: Option<String>,
}
