//! Errors of verbs: one sentence, one exit code.
//!
//! This module must not print; `main` does.

use std::fmt;

/// Exit codes (contracts.md, section 6).
pub mod code {
    pub const VERIFIED: u8 = 0;
    pub const FAILED: u8 = 1;
    pub const NOT_STARTED: u8 = 2;
    pub const UNKNOWN: u8 = 3;
    pub const REFUSED: u8 = 4;
    pub const STILL_RUNNING: u8 = 5;
}

/// What went wrong with a verb: what was tried on what, and what to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    pub code: u8,
    pub text: String,
}

impl Trouble {
    /// It could not start: bad configuration, unreachable, unknown name.
    pub fn start(text: impl Into<String>) -> Self {
        Trouble { code: code::NOT_STARTED, text: text.into() }
    }

    /// It was done and failed.
    pub fn failed(text: impl Into<String>) -> Self {
        Trouble { code: code::FAILED, text: text.into() }
    }

    /// A guard said no.
    pub fn refused(text: impl Into<String>) -> Self {
        Trouble { code: code::REFUSED, text: text.into() }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl From<seaworthy_model::port::StoreError> for Trouble {
    fn from(error: seaworthy_model::port::StoreError) -> Self {
        Trouble::start(error.to_string())
    }
}
