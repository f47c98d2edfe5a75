//! What a run may be given: named values with a declared form. Recorded, so never a secret.
//!
//! This module must not know how a value is read from text (core does).

use serde::{Deserialize, Serialize};

use crate::{time::Span, value::Value};

/// One value that a run is asked for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Input {
    pub name: String,
    pub about: Option<String>,
    pub form: Form,
    /// Without one it must be given.
    pub default: Option<Value>,
}

/// What a value may be. Bounds are inclusive.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Form {
    /// `pattern` describes all of it.
    Text {
        pattern: Option<String>,
    },
    Whole {
        min: Option<i64>,
        max: Option<i64>,
    },
    Number {
        min: Option<f64>,
        max: Option<f64>,
    },
    Bool,
    Choice {
        of: Vec<String>,
    },
    Duration {
        min: Option<Span>,
        max: Option<Span>,
    },
    /// Bytes.
    Size {
        min: Option<u64>,
        max: Option<u64>,
    },
    /// Of texts.
    List,
}

impl Form {
    /// The word that files use.
    pub fn word(&self) -> &'static str {
        match self {
            Form::Text { .. } => "text",
            Form::Whole { .. } => "whole",
            Form::Number { .. } => "number",
            Form::Bool => "bool",
            Form::Choice { .. } => "choice",
            Form::Duration { .. } => "duration",
            Form::Size { .. } => "size",
            Form::List => "list",
        }
    }
}

/// Bytes of all that one attempt hands on; more fail it.
pub const HANDED_BYTES_MAX: usize = 64 * 1024;

/// Bytes of one text that is given; more are refused.
pub const GIVEN_BYTES_MAX: usize = 4 * 1024;
