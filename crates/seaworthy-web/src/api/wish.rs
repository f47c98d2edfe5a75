//! What a caller asks of the desk, in the name of the one who asks, and what the desk answers.
//!
//! This module must not decide.

use axum::http::StatusCode;
use seaworthy_model::port::{Answer, Ask};
use serde_json::json;

use super::{
    declare::{Call, Reply},
    problem::Problem,
};
use crate::app::Fault;

async fn ask(call: &Call, ask: Ask) -> Result<Answer, Problem> {
    let who = &call.asker.who;
    match call.app.web.requests.ask(ask, who.actor, who.via()).await.map_err(Fault::from)? {
        Answer::Refused { reason } => Err(Fault::refused(reason).into()),
        Answer::TooMany { reason } => Err(Problem::new(StatusCode::TOO_MANY_REQUESTS, "too_many", reason)),
        answer => Ok(answer),
    }
}

/// Something that starts a run.
pub async fn asked(call: &Call, wish: Ask) -> Result<Reply, Problem> {
    match ask(call, wish).await? {
        Answer::Started { run, digest } => {
            Ok(Reply::Json(StatusCode::ACCEPTED, json!({ "run_id": run, "digest": digest })))
        }
        Answer::Done { detail } | Answer::Refused { reason: detail } | Answer::TooMany { reason: detail } => {
            Err(Fault::refused(detail).into())
        }
    }
}

/// Something that is done when it is answered.
pub async fn done(call: &Call, wish: Ask) -> Result<Reply, Problem> {
    let detail = match ask(call, wish).await? {
        Answer::Done { detail } => detail,
        Answer::Started { run, .. } => format!("{run} was started"),
        Answer::Refused { reason } | Answer::TooMany { reason } => reason,
    };
    Ok(Reply::ok(json!({ "detail": detail })))
}
