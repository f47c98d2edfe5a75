//! What a provider carries out once: a command, a request, statements; and a process that a step runs.
//!
//! This module must not know who carries it out nor how. `$NAME` stands for a value of the step's environment.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{id::RunId, step::Command};

/// One thing to carry out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Deed {
    Run(Command),
    Http(Request),
    Sql(Statements),
}

/// An HTTP request that acts. Names in `url`, `headers` and `body` are replaced when it is sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    pub method: String,
    pub url: String,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// Answers that mean that it is done; empty: 200 to 299.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub status: Vec<u16>,
    /// How often another address is asked instead. 0 unless it only reads.
    pub redirects: u32,
}

/// Statements on a database. Names in `url` and `params` are replaced when they are sent, never in the statements.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statements {
    /// `postgresql://…` or `sqlite:PATH`.
    pub url: String,
    /// In one transaction, in this order.
    pub statements: Vec<String>,
    /// What `$1`, `$2` … stand for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub params: Vec<String>,
    /// The only one, and not in a transaction.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub alone: bool,
}

/// A process that a step runs. Names in the values of its inputs are replaced when it is begun.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Callee {
    pub process: String,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub inputs: BTreeMap<String, String>,
}

/// Which run an attempt waits for, written together with that run's request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChildBegun {
    pub step: String,
    pub attempt: u32,
    pub run: RunId,
    pub process: String,
}

/// Longest chain of processes that run each other.
pub const CALLS_DEEP_MAX: u32 = 8;

impl Request {
    /// Whether the request asks for nothing to be changed (RFC 9110, section 9.2.1).
    pub fn only_reads(method: &str) -> bool {
        matches!(method, "GET" | "HEAD" | "OPTIONS")
    }
}

impl Deed {
    /// The command, if it is one.
    pub fn command(&self) -> Option<&Command> {
        match self {
            Deed::Run(command) => Some(command),
            Deed::Http(_) | Deed::Sql(_) => None,
        }
    }
}
