//! Tests of the condition language.

mod diagnostic;
mod explained;
mod language;
mod limit;
mod oracle;
mod unreadable;

use std::collections::BTreeMap;

use seaworthy_model::{
    process::{Command, Line, Look},
    value::{Facts, Value},
};

use super::{Expect, Problem, Scope, compile};

pub(super) fn artifact() -> Scope {
    Scope::of(&Look::Artifact { name: "orders.dump".into() })
}

pub(super) fn command() -> Scope {
    let line = Line::Args(vec!["pg_restore".into()]);
    Scope::of(&Look::Command { command: Command { line }, artifact: None })
}

pub(super) fn sql() -> Scope {
    Scope::of(&Look::Sql { query: "select 1".into(), url: "sqlite:a".into(), artifact: None })
}

pub(super) fn http() -> Scope {
    let (url, method) = ("http://127.0.0.1/".into(), "GET".into());
    Scope::of(&Look::Http { url, method, headers: BTreeMap::new(), body: None })
}

pub(super) fn facts<const N: usize>(pairs: [(&str, Value); N]) -> Facts {
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

pub(super) fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

/// Nanoseconds of minutes.
pub(super) fn minutes(n: i64) -> Value {
    Value::Duration(n * 60_000_000_000)
}

pub(super) fn compiled(source: &str, scope: &Scope) -> Expect {
    compile(source, scope).unwrap_or_else(|problems| panic!("{source}\n{problems:#?}"))
}

pub(super) fn problems(source: &str, scope: &Scope) -> Vec<Problem> {
    compile(source, scope).err().unwrap_or_default()
}
