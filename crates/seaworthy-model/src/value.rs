//! Values that probes observe and that `expect` speaks about.
//!
//! This module must not know expressions: core evaluates, probes produce.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// One observed value. Sizes are whole bytes; lengths of time are nanoseconds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Value {
    Null,
    Bool(bool),
    Int(i64),
    Decimal(f64),
    Text(String),
    /// Nanoseconds; may be negative (an artifact dated in the future has a negative age).
    Duration(i64),
    List(Vec<Value>),
    Map(BTreeMap<String, Value>),
}

/// What a look saw, by the names that `expect` can use:
/// `exit stdout stderr value rows status body size age sha256 duration`.
pub type Facts = BTreeMap<String, Value>;

/// Largest observation that is kept inline in an entry, in bytes of text; the rest is cut and said so.
pub const OBSERVATION_BYTES_MAX: usize = 64 * 1024;

impl Value {
    /// The number in it, if it is one; lengths of time in nanoseconds.
    pub fn number(&self) -> Option<f64> {
        match self {
            Value::Int(n) => Some(*n as f64),
            Value::Decimal(n) => Some(*n),
            Value::Duration(n) => Some(*n as f64),
            _ => None,
        }
    }
}
