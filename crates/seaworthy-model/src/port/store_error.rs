//! Why a journal could not do what was asked, as sentences.
//!
//! This module must not know a store.

use crate::time::At;

/// Why the journal could not do what was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreError {
    /// Somebody else wrote to the stream first: read again and decide again.
    Conflict { stream: String, expected: u64, found: u64 },
    /// The occurrence exists already.
    Duplicate { process: String, nominal: At },
    /// A rule of the journal forbids it (invariant 1).
    Refused { rule: String },
    /// No space is left. Nothing was written; try again after space was made.
    Full { detail: String },
    /// Made by a newer program.
    Newer { found: u32, known: u32 },
    /// The store is not what it should be.
    Broken { detail: String },
    /// The store cannot be reached now.
    Unreachable { detail: String },
}

impl std::fmt::Display for StoreError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            StoreError::Conflict { stream, expected, found } => {
                write!(f, "stream `{stream}` is at version {found}, not {expected}: somebody else wrote first")
            }
            StoreError::Duplicate { process, nominal } => {
                write!(f, "the occurrence of `{process}` at {} has a run already", nominal.0)
            }
            StoreError::Refused { rule } => write!(f, "the journal refuses this: {rule}"),
            StoreError::Full { detail } => write!(
                f,
                "no space is left for the journal ({detail}); make space, nothing was lost and writing goes on by itself"
            ),
            StoreError::Newer { found, known } => {
                write!(f, "the data folder has format {found}, this program knows up to {known}; use a newer program")
            }
            StoreError::Broken { detail } => {
                write!(f, "the journal is damaged ({detail}); restore the last backup with `seaworthy restore`")
            }
            StoreError::Unreachable { detail } => write!(f, "the journal cannot be reached ({detail})"),
        }
    }
}

impl std::error::Error for StoreError {}
