//! What came of one try to send a message.
//!
//! This module must not know who sends.

use serde::{Deserialize, Serialize};

use crate::time::At;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SendOutcome {
    Sent {
        receipt: String,
    },
    /// Will be tried again at this time.
    Retry {
        reason: String,
        at: At,
    },
    /// Will not be tried again.
    GivenUp {
        reason: String,
    },
}
