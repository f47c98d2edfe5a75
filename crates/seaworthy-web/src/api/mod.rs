//! The API under `/api/v1`: everything that a page or a verb does, as JSON; and what machines ask: health, readiness,
//! metrics.
//!
//! One more operation is one more value in the list of its file. Field names are those of the verbs (`run_id process
//! executed verified …`); fields ending in `_ms` are rounded up and at least 1; times are RFC 3339 in UTC. This module
//! must not know HTML.

mod book;
pub mod declare;
mod given;
mod once;
pub mod openapi;
mod people;
pub mod problem;
mod process;
pub mod rate;
mod run;
mod serve;
mod shapes;
mod site;
mod token;
mod wish;

use std::sync::Arc;

use axum::{
    extract::{Request, State as Extract},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use seaworthy_core::access::Refusal;
use seaworthy_model::access::Action;
use serde_json::json;

use self::{
    declare::{Operation, ROOT},
    problem::Problem,
};
use crate::{
    app::Shared,
    door::{Asker, Declared, Needs, any},
};

/// Every operation, in the order of the document.
pub fn operations() -> Vec<Operation> {
    let parts = [
        site::operations(),
        process::operations(),
        run::operations(),
        book::operations(),
        people::operations(),
        token::operations(),
    ];
    parts.into_iter().flatten().collect()
}

pub fn routes() -> Vec<Declared> {
    let alive = Needs::Open("whether it lives and can work is asked by what starts it, which has no account");
    let mut all: Vec<Declared> = operations().into_iter().map(declared).collect();
    all.extend([
        Declared::get("/healthz", alive, health),
        Declared::get("/readyz", alive, ready),
        Declared::get("/metrics", any(Action::See), metrics),
    ]);
    all
}

fn declared(operation: Operation) -> Declared {
    let (method, path, needs) = (operation.method.clone(), format!("{ROOT}{}", operation.path), operation.needs);
    let operation = Arc::new(operation);
    let handler = move |Extract(app): Extract<Shared>, asker: Asker, request: Request| {
        serve::serve(operation.clone(), app, asker, request)
    };
    if method == axum::http::Method::GET {
        Declared::get(path, needs, handler)
    } else {
        Declared::post(path, needs, handler)
    }
}

/// A refusal that an operation itself has to tell.
fn refused(refusal: &Refusal) -> Problem {
    let more = json!({ "missing": refusal.missing, "why": refusal.why.word(), "grantors": refusal.grantors });
    Problem { more, ..Problem::new(StatusCode::FORBIDDEN, "right_missing", refusal.to_string()) }
}

/// The process answers.
pub async fn health() -> &'static str {
    "ok\n"
}

/// Whether it can do its work.
pub async fn ready(Extract(app): Extract<Shared>) -> Response {
    match (app.web.ready)() {
        Ok(()) => "ready\n".into_response(),
        Err(sentence) => (StatusCode::SERVICE_UNAVAILABLE, sentence + "\n").into_response(),
    }
}

pub async fn metrics(Extract(app): Extract<Shared>) -> Response {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], (app.web.metrics)()).into_response()
}
