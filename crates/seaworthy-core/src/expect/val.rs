//! Values during an evaluation: shared, so that passing one on costs nothing, whatever its length.
//!
//! This module must not know the tree.

use std::{collections::BTreeMap, sync::Arc};

use seaworthy_model::value::Value;

use super::LIST_MAX;

/// Deepest nesting of lists and maps in a fact. JSON text has the same limit in its parser (128).
const VALUE_DEPTH_MAX: usize = 128;

#[derive(Debug, Clone)]
pub(super) enum Val {
    Null,
    Bool(bool),
    Int(i64),
    Decimal(f64),
    Text(Arc<str>),
    /// Nanoseconds.
    Duration(i64),
    List(Arc<[Val]>),
    Map(Arc<BTreeMap<Arc<str>, Val>>),
}

impl Val {
    pub(super) fn text(text: &str) -> Val {
        Val::Text(Arc::from(text))
    }

    /// Takes over a fact.
    ///
    /// # Errors
    /// The end of a sentence about it, if it is over a limit.
    pub(super) fn of(value: &Value) -> Result<Val, String> {
        Val::of_at(value, 0)
    }

    fn of_at(value: &Value, depth: usize) -> Result<Val, String> {
        if depth > VALUE_DEPTH_MAX {
            return Err(format!("is nested deeper than {VALUE_DEPTH_MAX}"));
        }
        Ok(match value {
            Value::Null => Val::Null,
            Value::Bool(b) => Val::Bool(*b),
            Value::Int(n) => Val::Int(*n),
            Value::Decimal(n) => Val::Decimal(*n),
            Value::Text(text) => Val::text(text),
            Value::Duration(n) => Val::Duration(*n),
            Value::List(items) => {
                Val::list(items.iter().map(|item| Val::of_at(item, depth + 1)).collect::<Result<_, _>>()?)?
            }
            Value::Map(map) => {
                let pairs = map.iter().map(|(key, item)| Ok((Arc::from(key.as_str()), Val::of_at(item, depth + 1)?)));
                Val::Map(Arc::new(pairs.collect::<Result<_, String>>()?))
            }
        })
    }

    /// Takes over parsed JSON: a number is whole if it is written so and fits into 64 bits.
    ///
    /// # Errors
    /// The end of a sentence about it, if it is over a limit.
    pub(super) fn of_json(json: &serde_json::Value) -> Result<Val, String> {
        use serde_json::Value as Json;
        Ok(match json {
            Json::Null => Val::Null,
            Json::Bool(b) => Val::Bool(*b),
            Json::Number(n) => match n.as_i64() {
                Some(n) => Val::Int(n),
                None => Val::Decimal(n.as_f64().unwrap_or(f64::NAN)),
            },
            Json::String(text) => Val::text(text),
            Json::Array(items) => Val::list(items.iter().map(Val::of_json).collect::<Result<_, _>>()?)?,
            Json::Object(map) => {
                let pairs = map.iter().map(|(key, item)| Ok((Arc::from(key.as_str()), Val::of_json(item)?)));
                Val::Map(Arc::new(pairs.collect::<Result<_, String>>()?))
            }
        })
    }

    /// # Errors
    /// The end of a sentence about it, if it is longer than [`LIST_MAX`].
    pub(super) fn list(items: Vec<Val>) -> Result<Val, String> {
        if items.len() > LIST_MAX {
            return Err(format!("has {} items; at most {LIST_MAX} are looked at", items.len()));
        }
        Ok(Val::List(items.into()))
    }

    /// The word for its kind, with article.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Val::Null => "null",
            Val::Bool(_) => "a yes or no",
            Val::Int(_) => "a whole number",
            Val::Decimal(_) => "a decimal number",
            Val::Text(_) => "text",
            Val::Duration(_) => "a length of time",
            Val::List(_) => "a list",
            Val::Map(_) => "a map",
        }
    }

    /// A number as a decimal one.
    pub(super) fn number(&self) -> Option<f64> {
        match self {
            Val::Int(n) => Some(*n as f64),
            Val::Decimal(n) => Some(*n),
            _ => None,
        }
    }

    /// Equality as CEL has it: numbers by value, different kinds are unequal.
    pub(super) fn equals(&self, other: &Val) -> bool {
        match (self, other) {
            (Val::Null, Val::Null) => true,
            (Val::Bool(a), Val::Bool(b)) => a == b,
            (Val::Int(a), Val::Int(b)) | (Val::Duration(a), Val::Duration(b)) => a == b,
            (Val::Text(a), Val::Text(b)) => a == b,
            (Val::List(a), Val::List(b)) => a.len() == b.len() && a.iter().zip(b.iter()).all(|(a, b)| a.equals(b)),
            (Val::Map(a), Val::Map(b)) => {
                a.len() == b.len() && a.iter().zip(b.iter()).all(|((j, a), (k, b))| j == k && a.equals(b))
            }
            _ => matches!((self.number(), other.number()), (Some(a), Some(b)) if a == b),
        }
    }

    /// Whether asking for equality makes sense: one kind, or one of the two is null.
    pub(super) fn comparable(&self, other: &Val) -> bool {
        let both_numbers = self.number().is_some() && other.number().is_some();
        both_numbers
            || matches!(self, Val::Null)
            || matches!(other, Val::Null)
            || std::mem::discriminant(self) == std::mem::discriminant(other)
    }

    /// Items in it, for the cost of going through it; nested ones too.
    pub(super) fn weight(&self) -> u64 {
        match self {
            Val::List(items) => 1 + items.iter().map(Val::weight).sum::<u64>(),
            Val::Map(map) => 1 + map.values().map(Val::weight).sum::<u64>(),
            Val::Text(text) => 1 + text.len() as u64 / 64,
            _ => 1,
        }
    }
}
