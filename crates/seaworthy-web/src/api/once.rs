//! `Idempotency-Key`: a request that comes again under its key is answered as before and done once.
//!
//! The key is taken durably before anything is done. After a crash between the two nobody knows whether it was done,
//! and that is what a repetition is told. This module must not know any single operation.

use axum::{
    body::to_bytes,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use seaworthy_model::{port::Begun, process::hex};
use sha2::{Digest as _, Sha256};

use super::{
    declare::{Call, Operation},
    problem::Problem,
    serve::{is_kept, written},
};

pub const HEADER: &str = "idempotency-key";
/// Longest key.
const KEY_BYTES_MAX: usize = 255;

/// Does it, or answers as before.
///
/// # Errors
/// [`Problem`] when the key cannot be used for this.
pub async fn answer(operation: &Operation, call: Call, body: &[u8]) -> Result<Response, Problem> {
    let bad = |sentence: &str| Problem::new(StatusCode::BAD_REQUEST, "idempotency_key", sentence);
    let given = call.headers.get(HEADER).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    if given.is_empty() || given.len() > KEY_BYTES_MAX || !given.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(bad("an `Idempotency-Key` has 1 to 255 characters of ASCII that can be seen"));
    }
    if !is_kept(operation.gives) {
        return Err(bad("this answer holds a secret and is not kept, so it cannot be given again; leave the key out"));
    }
    let Some(tokens) = call.app.web.answers.clone() else {
        return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "answers are not kept here now"));
    };
    // A key is its caller's own, so nobody reads another's answer by guessing it.
    let through = call.asker.who.through.as_ref().map(|through| through.token.to_string()).unwrap_or_default();
    let key = hash(&[call.asker.who.actor.to_string().as_bytes(), through.as_bytes(), given.as_bytes()]);
    let path: String = call.path.iter().map(|(name, value)| format!("{name}={value}\n")).collect();
    let request = hash(&[operation.id.as_bytes(), path.as_bytes(), body]);
    match tokens.begin(&key, &request, call.app.now()).await.map_err(crate::app::Fault::from)? {
        Begun::New => {}
        Begun::Answered { status, body } => return Ok(again(status, body)),
        Begun::Other => {
            let sentence =
                "this `Idempotency-Key` was used for another request; take a new one for each thing you want";
            return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "idempotency_key_reused", sentence));
        }
        Begun::Open => {
            let sentence = "a request under this `Idempotency-Key` was begun and not answered: it goes on, or it was cut off and nobody knows whether it was done. Look before you ask anew under another key";
            return Err(Problem::new(StatusCode::CONFLICT, "idempotency_unknown", sentence));
        }
    }
    let response = match (operation.act)(call).await {
        Ok(reply) => written(reply),
        // Whether something was done is not known then: the key stays open.
        Err(problem) if problem.status.is_server_error() => return Err(problem),
        Err(problem) => problem.into_response(),
    };
    let (head, body) = response.into_parts();
    let bytes = to_bytes(body, usize::MAX).await.unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes).into_owned();
    if let Err(trouble) = tokens.answer(&key, head.status.as_u16(), &text).await {
        tracing::warn!("an answer could not be kept: {trouble}");
    }
    Ok(Response::from_parts(head, bytes.into()))
}

fn again(status: u16, body: String) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
    let kind = if status.is_success() { "application/json" } else { "application/problem+json" };
    let mut response = (status, body).into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response.headers_mut().insert("idempotent-replayed", HeaderValue::from_static("true"));
    response
}

/// Of parts that cannot run into each other.
fn hash(parts: &[&[u8]]) -> String {
    let each = parts.iter().fold(Sha256::new(), |all, part| all.chain_update(Sha256::digest(part)));
    hex(&each.finalize())
}
