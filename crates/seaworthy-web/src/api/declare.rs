//! How an operation of the API is declared. Its address, its right, what it takes, what it gives and its place in the
//! OpenAPI document are one value, so that none of them can drift from the others.
//!
//! This module must not know any single operation.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    http::{HeaderMap, Method, StatusCode},
    response::Response,
};
use seaworthy_model::port::Fut;
use serde_json::{Map, Value};

use super::problem::Problem;
use crate::{
    app::Shared,
    door::{Asker, Needs},
    who::Caller,
};

/// Where the API is.
pub const ROOT: &str = "/api/v1";

/// One operation.
#[derive(Clone)]
pub struct Operation {
    /// Its name in the document.
    pub id: &'static str,
    pub method: Method,
    /// Below [`ROOT`].
    pub path: &'static str,
    pub needs: Needs,
    /// One sentence.
    pub about: &'static str,
    pub query: &'static [Field],
    /// What the JSON object of the request holds; `None`: a body is not looked at.
    pub body: Option<&'static Shape>,
    pub gives: Gives,
    pub act: Act,
    /// What `If-Match` is held against: the operation that reads what this one changes.
    pub matches: Option<Act>,
}

/// What carries an operation out.
pub type Act = fn(Call) -> Fut<'static, Result<Reply, Problem>>;

/// What an operation answers with.
#[derive(Clone, Copy)]
pub enum Gives {
    Json(StatusCode, &'static Shape),
    /// As `Json`, once: it holds a secret, so that it is not kept to be answered again.
    Secret(StatusCode, &'static Shape),
    /// A JSON document that describes itself.
    Document,
    /// Server-sent events.
    Events,
    /// Plain text.
    Text,
}

/// A JSON object with known members.
pub struct Shape {
    /// Unique.
    pub name: &'static str,
    pub fields: &'static [Field],
}

/// One member, or one parameter.
pub struct Field {
    pub name: &'static str,
    pub kind: Kind,
    pub need: Need,
    pub about: &'static str,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Need {
    Must,
    May,
    /// There, but perhaps `null`.
    Null,
}

/// What a value may be.
pub enum Kind {
    /// Characters, at most so many, and none of them a control character.
    Text(usize),
    /// `run_…` and the like; the start of an id is enough in requests where it says so.
    Id(&'static str),
    Whole {
        min: u64,
        max: u64,
    },
    Number,
    Flag,
    /// RFC 3339 in UTC.
    Time,
    /// `30d`, `1h30m`.
    Span,
    Word(&'static [&'static str]),
    List(&'static Kind, usize),
    /// Names of the caller's choice, with texts of at most so many characters.
    Texts(usize),
    Object(&'static Shape),
    /// Whatever it is.
    Any,
}

pub const fn must(name: &'static str, kind: Kind, about: &'static str) -> Field {
    Field { name, kind, need: Need::Must, about }
}

pub const fn may(name: &'static str, kind: Kind, about: &'static str) -> Field {
    Field { name, kind, need: Need::May, about }
}

pub const fn null(name: &'static str, kind: Kind, about: &'static str) -> Field {
    Field { name, kind, need: Need::Null, about }
}

/// A request that was let in and read.
#[derive(Clone)]
pub struct Call {
    pub app: Shared,
    pub asker: Asker,
    pub path: Arc<BTreeMap<String, String>>,
    pub query: Arc<Map<String, Value>>,
    pub body: Arc<Map<String, Value>>,
    pub headers: Arc<HeaderMap>,
    /// The login session, if one asks.
    pub caller: Option<Caller>,
}

impl Call {
    /// A part of the path.
    pub fn path(&self, name: &str) -> &str {
        self.path.get(name).map_or("", String::as_str)
    }

    /// A text of the body, or of the query.
    pub fn text(&self, name: &str) -> Option<String> {
        self.value(name)?.as_str().map(str::to_owned)
    }

    pub fn whole(&self, name: &str) -> Option<u64> {
        self.value(name)?.as_u64()
    }

    pub fn flag(&self, name: &str) -> bool {
        self.value(name).and_then(Value::as_bool).unwrap_or(false)
    }

    /// The texts of a list.
    pub fn texts(&self, name: &str) -> Vec<String> {
        let list = self.value(name).and_then(Value::as_array);
        list.into_iter().flatten().filter_map(|one| one.as_str().map(str::to_owned)).collect()
    }

    pub fn value(&self, name: &str) -> Option<&Value> {
        self.body.get(name).or_else(|| self.query.get(name))
    }
}

/// What came of it.
pub enum Reply {
    Json(StatusCode, Value),
    /// Something that is not JSON, such as a stream.
    Whole(Box<Response>),
}

impl Reply {
    pub fn ok(json: Value) -> Reply {
        Reply::Json(StatusCode::OK, json)
    }
}

impl Operation {
    pub fn get(
        path: &'static str,
        id: &'static str,
        needs: Needs,
        about: &'static str,
        gives: Gives,
        act: Act,
    ) -> Operation {
        let method = Method::GET;
        Operation { id, method, path, needs, about, query: &[], body: None, gives, act, matches: None }
    }

    pub fn post(
        path: &'static str,
        id: &'static str,
        needs: Needs,
        about: &'static str,
        gives: Gives,
        act: Act,
    ) -> Operation {
        Operation { method: Method::POST, ..Operation::get(path, id, needs, about, gives, act) }
    }

    pub fn with_query(self, query: &'static [Field]) -> Operation {
        Operation { query, ..self }
    }

    pub fn with_body(self, body: &'static Shape) -> Operation {
        Operation { body: Some(body), ..self }
    }

    pub fn matching(self, act: Act) -> Operation {
        Operation { matches: Some(act), ..self }
    }

    pub fn writes(&self) -> bool {
        self.method != Method::GET
    }
}
