//! The fields of the form that asks for a run: one for each input of the process.
//!
//! This module must not judge what is written in them: the port answers.

use seaworthy_core::input::plain;
use seaworthy_model::{
    input::{Form, Input},
    value::Value,
};

use super::ask::INPUT_PREFIX;

pub struct Field {
    pub name: String,
    pub label: String,
    pub about: String,
    /// The words to choose from; empty: any text.
    pub words: Vec<String>,
    pub value: String,
    pub required: bool,
}

impl Field {
    pub fn of(input: &Input) -> Field {
        let words = match &input.form {
            Form::Choice { of } => of.clone(),
            Form::Bool => vec!["true".to_owned(), "false".to_owned()],
            _ => vec![],
        };
        Field {
            name: format!("{INPUT_PREFIX}{}", input.name),
            label: format!("{} ({})", input.name, input.form.word()),
            about: input.about.clone().unwrap_or_default(),
            words,
            value: input.default.as_ref().map(written).unwrap_or_default(),
            required: input.default.is_none(),
        }
    }
}

/// A value as a person writes it again: a length of time needs its unit.
pub fn written(value: &Value) -> String {
    match value {
        Value::Duration(_) => format!("{}s", plain(value)),
        other => plain(other).replace('\n', ", "),
    }
}
