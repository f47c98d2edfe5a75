//! One action of a process, and what may be assumed about it.
//!
//! This module must not know who carries a step out nor when.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    deed::{Callee, Request, Statements},
    id::ActorId,
    input::Form,
    matrix::Matrix,
    time::{At, Span},
};

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
    /// Source text of the condition under which it is done, already type-checked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<String>,
    /// It is done although a step that it needs was skipped.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub despite_skipped: bool,
    /// Values that it hands on, by name. One that is missing fails the step.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub outputs: BTreeMap<String, Form>,
    /// What its processes may use.
    #[serde(default, skip_serializing_if = "Limits::is_none")]
    pub limits: Limits,
    /// It is done once for each element of a list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub matrix: Option<Matrix>,
}

/// What the processes of one command may use; each bound alone, absent where nothing is said.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Bytes of memory, of all of them together where that can be held.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<u64>,
    /// Time on a processor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_time: Option<Span>,
    /// Open files of one process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open_files: Option<u64>,
    /// Bytes of one file that is written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_size: Option<u64>,
    /// Processes and threads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub processes: Option<u64>,
}

impl Limits {
    /// Whether nothing is said.
    pub fn is_none(&self) -> bool {
        *self == Limits::default()
    }

    /// These, and `outer` where these say nothing.
    pub fn within(&self, outer: &Limits) -> Limits {
        Limits {
            memory: self.memory.or(outer.memory),
            cpu_time: self.cpu_time.or(outer.cpu_time),
            open_files: self.open_files.or(outer.open_files),
            file_size: self.file_size.or(outer.file_size),
            processes: self.processes.or(outer.processes),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    Run(Command),
    /// Sends a request; the answer is its output.
    Http(Request),
    /// Carries statements out on a database; their rows are its output.
    Sql(Statements),
    /// Runs another process and waits for its verdict.
    Process(Callee),
    /// Does nothing, durably. For measuring the engine.
    Noop,
    /// A person does it and signs for it.
    Human(Duty),
    /// A person other than the one who asked for the run agrees.
    Approve(Duty),
    /// Carried out by somebody else, who tells of it. No file says this: it is what a pinged process does.
    Outside,
}

/// What a person is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Duty {
    /// Instructions, or what is to be agreed to.
    pub text: String,
    /// Path of the Markdown file to follow, relative to the site's folder.
    pub procedure: Option<String>,
    /// Who is told; else the route of the process.
    pub route: Option<String>,
    /// After this long without an answer the step has failed.
    pub within: Span,
    pub evidence: Proof,
}

/// A step waits for a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    pub step: String,
    /// Without an answer by then it has failed.
    pub until: At,
    /// A yes is to be that of another person than the one who asked for the run.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub other: bool,
    /// Whose yes does not count besides that of the requester: who asked for what led to this run, or did something by
    /// hand on the way to it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub barred: Vec<ActorId>,
    /// What started it, or what led to it, from outside: nobody knows which person that was, so their yes would count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outside: Option<String>,
}

/// What is said of a question to which whoever started the run could say yes.
pub fn unnamed(outside: &str) -> String {
    format!("nobody knows which person stands behind {outside}: a yes is to be another's")
}

/// What a sign-off must bring along.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Proof {
    None,
    Text,
    /// An address that begins with http:// or https://.
    Link,
    /// The SHA-256 of a file.
    File,
}

impl Proof {
    /// The word that files use.
    pub fn word(self) -> &'static str {
        match self {
            Proof::None => "none",
            Proof::Text => "text",
            Proof::Link => "link",
            Proof::File => "file",
        }
    }
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
            when: None,
            despite_skipped: false,
            outputs: BTreeMap::new(),
            limits: Limits::default(),
            matrix: None,
        }
    }
}
