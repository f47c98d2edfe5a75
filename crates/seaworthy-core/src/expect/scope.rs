//! Types, and which names a condition may use for which look.
//!
//! This module must not know the language's syntax.

use std::{collections::BTreeMap, fmt};

use seaworthy_model::{
    input::{Form, Input},
    process::{Look, Step},
};

/// The type of a part of a condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Type {
    Bool,
    Int,
    /// A number that may be decimal; whole ones are accepted wherever it is.
    Decimal,
    Text,
    Duration,
    List(Box<Type>),
    /// Known names with a type each; the text says among what one that is missing was looked for.
    Map(BTreeMap<String, Type>, &'static str),
    /// Known only when evaluated: an SQL value, JSON.
    Dynamic,
    Null,
}

impl Type {
    /// The type of a declared value.
    fn of(form: &Form) -> Type {
        match form {
            Form::Text { .. } | Form::Choice { .. } => Type::Text,
            Form::Whole { .. } | Form::Size { .. } => Type::Int,
            Form::Number { .. } => Type::Decimal,
            Form::Bool => Type::Bool,
            Form::Duration { .. } => Type::Duration,
            Form::List => Type::List(Box::new(Type::Text)),
        }
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Type::Bool => "a yes or no",
            Type::Int => "a whole number",
            Type::Decimal => "a number",
            Type::Text => "text",
            Type::Duration => "a length of time",
            Type::List(_) => "a list",
            Type::Map(..) => "a group of values",
            Type::Dynamic => "a value of any kind",
            Type::Null => "null",
        })
    }
}

/// The names that a condition may use, with their types.
#[derive(Debug, Clone)]
pub struct Scope {
    /// What the look is called in a sentence.
    pub(super) look: &'static str,
    pub(super) names: BTreeMap<&'static str, Type>,
    pub(super) usual: BTreeMap<&'static str, Type>,
}

const ARTIFACT: &str = "an artifact";
const COMMAND: &str = "a command";
const SQL: &str = "an SQL query";
const HTTP: &str = "an HTTP request";
const DURATION: &str = "the duration";

/// Look, name, its type, and its type after `usual.` if the history has it.
fn table() -> [(&'static str, &'static str, Type, Option<Type>); 14] {
    use Type::{Decimal, Duration, Dynamic, Int, Text};
    [
        (ARTIFACT, "size", Int, Some(Decimal)),
        (ARTIFACT, "age", Duration, None),
        (ARTIFACT, "sha256", Text, None),
        (COMMAND, "exit", Int, None),
        (COMMAND, "stdout", Text, None),
        (COMMAND, "stderr", Text, None),
        (COMMAND, "duration", Duration, Some(Duration)),
        (SQL, "value", Dynamic, Some(Decimal)),
        (SQL, "rows", Type::List(Box::new(Dynamic)), Some(Decimal)),
        (SQL, "duration", Duration, Some(Duration)),
        (HTTP, "status", Int, None),
        (HTTP, "body", Text, None),
        (HTTP, "duration", Duration, Some(Duration)),
        (DURATION, "duration", Duration, Some(Duration)),
    ]
}

impl Scope {
    /// The names of one kind of look. `rows` is a list of maps by column name, `value` the first column of the first
    /// row; `usual.rows` is the usual number of rows.
    pub fn of(look: &Look) -> Scope {
        let word = match look {
            Look::Artifact { .. } => ARTIFACT,
            Look::Command { .. } => COMMAND,
            Look::Sql { .. } => SQL,
            Look::Http { .. } => HTTP,
            Look::Duration { .. } => DURATION,
        };
        let mut scope = Scope { look: word, names: BTreeMap::new(), usual: BTreeMap::new() };
        for (owner, name, seen, usual) in table() {
            if owner == word {
                scope.names.insert(name, seen);
                scope.usual.extend(usual.map(|usual| (name, usual)));
            }
        }
        scope
    }

    /// The names of a step's `when`: `inputs.NAME`, and of each step that it needs, directly or not,
    /// `steps.ID.outcome` (`done` or `skipped`) and `steps.ID.outputs.NAME`.
    pub fn of_step<'a>(inputs: &[Input], needed: impl Iterator<Item = &'a Step>) -> Scope {
        let inputs = inputs.iter().map(|input| (input.name.clone(), Type::of(&input.form))).collect();
        let step = |step: &Step| {
            // What is done over a list hands on a list.
            let many = step.matrix.is_some();
            let of = |form: &Form| Type::of(if many { &Form::List } else { form });
            let outputs = step.outputs.iter().map(|(name, form)| (name.clone(), of(form))).collect();
            let fields = [
                ("outcome".to_owned(), Type::Text),
                ("outputs".to_owned(), Type::Map(outputs, "what that step hands on")),
            ];
            (step.id.clone(), Type::Map(fields.into(), "what is known of a step"))
        };
        let steps = needed.map(step).collect();
        let names = [
            ("inputs", Type::Map(inputs, "the inputs of this process")),
            ("steps", Type::Map(steps, "the steps that this one needs")),
        ];
        Scope { look: "a step", names: names.into(), usual: BTreeMap::new() }
    }

    /// The looks that do know `name`.
    pub(super) fn owners(name: &str) -> Vec<&'static str> {
        table().into_iter().filter(|row| row.1 == name && row.0 != DURATION).map(|row| row.0).collect()
    }

    /// All names in a sentence: `size, age, sha256 and usual.size`.
    pub(super) fn listed(&self) -> String {
        let names = self.names.keys().map(|name| (*name).to_owned());
        let all: Vec<String> = names.chain(self.usual.keys().map(|name| format!("usual.{name}"))).collect();
        match all.split_last() {
            Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
            _ => all.concat(),
        }
    }
}
