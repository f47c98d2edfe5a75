//! One action of a process, and what may be assumed about it.
//!
//! This module must not know who carries a step out nor when.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::time::Span;

/// One action of a process.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Step {
    pub id: String,
    pub action: Action,
    /// Ids of steps that must be done before.
    pub needs: Vec<String>,
    pub timeout: Option<Span>,
    pub effect: Effect,
    /// Artifact names, relative to the run's work folder.
    pub makes: Vec<String>,
    pub env: BTreeMap<String, String>,
    pub secrets: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    Run(Command),
    /// Does nothing, durably. For measuring the engine.
    Noop,
    /// Carried out by somebody else, who tells of it. No file says this: it is what a pinged process does.
    Outside,
}

/// Id of the one step of a pinged process.
pub const OUTSIDE: &str = "outside";

/// What may be assumed about repeating a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// Changes nothing.
    Read,
    /// May be repeated.
    Idempotent,
    /// Never repeated blindly: after an unknown end, `verify` says whether it happened.
    Once,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Command {
    pub line: Line,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Line {
    /// Given to `shell` as its last argument; `["sh", "-c"]` unless the file says otherwise.
    Shell { script: String, shell: Vec<String> },
    /// Program and arguments, no shell.
    Args(Vec<String>),
}

impl Step {
    /// A step that says nothing else.
    pub fn new(id: impl Into<String>, action: Action) -> Step {
        Step {
            id: id.into(),
            action,
            needs: vec![],
            timeout: None,
            effect: Effect::Idempotent,
            makes: vec![],
            env: BTreeMap::new(),
            secrets: vec![],
        }
    }
}
