//! `POST /hook/NAME`: a signed call from outside that starts a process. A file of its own, apart from the pages.
//!
//! This module must not judge a signature nor decide what a call starts: the port answers.

use axum::{
    Json,
    body::Bytes,
    extract::{DefaultBodyLimit, Path, Request, State as Extract},
    http::{HeaderMap, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
};
use seaworthy_model::port::{HookAnswer, HookCall};
use serde_json::json;

use crate::{
    app::Shared,
    door::{Declared, Needs},
};

/// Largest body of a call.
pub const HOOK_BODY_BYTES_MAX: usize = 1024 * 1024;
/// Longest header that is looked at.
const HEADER_BYTES_MAX: usize = 1_024;

pub fn routes() -> Vec<Declared> {
    let called = Declared::post("/hook/{name}", Needs::Secret("the signature says who calls"), called);
    vec![called.around(|handler| {
        handler.layer(DefaultBodyLimit::max(HOOK_BODY_BYTES_MAX)).layer(middleware::from_fn(not_too_long))
    })]
}

/// Whether an address is one of these, with or without the base path: programs call it, so no form of ours has to.
pub fn is_hook(base: &str, path: &str) -> bool {
    let inside = path.strip_prefix(base).filter(|_| !base.is_empty()).unwrap_or(path);
    inside.strip_prefix("/hook/").is_some_and(|name| !name.is_empty() && !name.contains('/'))
}

/// Refuses what says that it is too long before any of it is read.
async fn not_too_long(request: Request, next: Next) -> Response {
    let said = request.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if said.is_some_and(|bytes| bytes > HOOK_BODY_BYTES_MAX as u64) {
        return answer(
            StatusCode::PAYLOAD_TOO_LARGE,
            json!({ "error": format!("at most {HOOK_BODY_BYTES_MAX} bytes") }),
        );
    }
    next.run(request).await
}

fn answer(status: StatusCode, body: serde_json::Value) -> Response {
    (status, Json(body)).into_response()
}

async fn called(Extract(app): Extract<Shared>, Path(name): Path<String>, headers: HeaderMap, body: Bytes) -> Response {
    let text = |name: &str| {
        let value = headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        if value.len() > HEADER_BYTES_MAX { String::new() } else { value.to_owned() }
    };
    let ours = text("seaworthy-signature");
    let signature = if ours.is_empty() { text("x-hub-signature-256") } else { ours };
    let call = HookCall { name, signature, key: text("idempotency-key"), body: body.to_vec() };
    match app.web.requests.called(call).await {
        Ok(HookAnswer::Started { run, again: false }) => {
            answer(StatusCode::ACCEPTED, json!({ "run_id": run, "again": false }))
        }
        Ok(HookAnswer::Started { run, again: true }) => answer(StatusCode::OK, json!({ "run_id": run, "again": true })),
        Ok(HookAnswer::Unknown) => answer(StatusCode::NOT_FOUND, json!({ "error": "there is no such webhook" })),
        Ok(HookAnswer::Forged { reason }) => answer(StatusCode::UNAUTHORIZED, json!({ "error": reason })),
        Ok(HookAnswer::Held { reason }) => answer(StatusCode::SERVICE_UNAVAILABLE, json!({ "error": reason })),
        Err(trouble) => {
            tracing::warn!("a call could not be taken: {trouble}");
            answer(StatusCode::SERVICE_UNAVAILABLE, json!({ "error": "the journal cannot be written now; try again" }))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::is_hook;

    #[test]
    fn only_hooks_are_hooks() {
        for (base, path) in [("", "/hook/deploy"), ("/base", "/base/hook/deploy"), ("/base", "/hook/deploy")] {
            assert!(is_hook(base, path), "{path}");
        }
        let others = ["/hook", "/hook/", "/hooks/x", "/processes/hook/run", "/processes/hook", "/", "/hook/x/y"];
        for path in others {
            assert!(!is_hook("", path), "{path}");
        }
    }
}
