//! From a request to an operation and back: read, held against its declaration, answered once per key, tagged.
//!
//! The door has asked for the right before. This module must not know any single operation.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    body::{Body, to_bytes},
    extract::{FromRequestParts as _, RawPathParams, Request},
    http::{HeaderMap, HeaderValue, StatusCode, header, request::Parts},
    response::{IntoResponse as _, Response},
};
use seaworthy_model::{process::hex, time::Span};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use super::{
    declare::{Call, Gives, Operation, Reply},
    given::{self, Wrong},
    once,
    problem::Problem,
    rate,
};
use crate::{app::Shared, door::Asker, who::Caller};

/// Largest body of a request.
pub const BODY_BYTES_MAX: usize = 64 * 1024;
/// A body that has not come by then is not waited for.
const BODY_WITHIN: Span = Span::seconds(10);
/// Longest parameters of an address.
const QUERY_BYTES_MAX: usize = 8 * 1024;

/// Carries out one request.
pub async fn serve(operation: Arc<Operation>, app: Shared, asker: Asker, request: Request) -> Response {
    let budget = match rate::take(&app, &asker) {
        Ok(budget) => budget,
        Err(budget) => return budget.written(too_many(&budget).into_response()),
    };
    let answer = match call(&operation, app, asker, request).await {
        Ok((call, body)) => answer(&operation, call, &body).await,
        Err(problem) => problem.into_response(),
    };
    budget.written(answer)
}

fn too_many(budget: &rate::Budget) -> Problem {
    let sentence =
        format!("more than {} requests within {} s; ask again in {} s", rate::QUOTA, rate::WINDOW_SECONDS, budget.wait);
    Problem::new(StatusCode::TOO_MANY_REQUESTS, "too_many", sentence)
}

/// Reads the request; its raw body, for comparing it with one that comes again.
async fn call(operation: &Operation, app: Shared, asker: Asker, request: Request) -> Result<(Call, Vec<u8>), Problem> {
    let (mut parts, body) = request.into_parts();
    let text = parts.uri.query().unwrap_or_default();
    if text.len() > QUERY_BYTES_MAX {
        let sentence = format!("the parameters of an address have at most {QUERY_BYTES_MAX} bytes");
        return Err(Problem::new(StatusCode::URI_TOO_LONG, "too_long", sentence));
    }
    let query = given::query(operation.query, text).map_err(|wrong| invalid(&wrong))?;
    let path = path(&mut parts).await;
    let bytes = if operation.writes() { read(&app, &parts, body).await? } else { Vec::new() };
    let body = match operation.body {
        None => Map::new(),
        Some(shape) => {
            let body = parse(&parts, &bytes)?;
            let wrong = given::object(shape, &body);
            if !wrong.is_empty() {
                return Err(invalid(&wrong));
            }
            body
        }
    };
    let caller = parts.extensions.get::<Caller>().cloned();
    let (path, query, body, headers) = (Arc::new(path), Arc::new(query), Arc::new(body), Arc::new(parts.headers));
    Ok((Call { app, asker, path, query, body, headers, caller }, bytes))
}

async fn path(parts: &mut Parts) -> BTreeMap<String, String> {
    let params = RawPathParams::from_request_parts(parts, &()).await;
    params.map(|all| all.iter().map(|(k, v)| (k.to_owned(), v.to_owned())).collect()).unwrap_or_default()
}

fn invalid(wrong: &[Wrong]) -> Problem {
    let first: Vec<String> = wrong.iter().map(|one| format!("{} {}", one.at, one.what)).collect();
    let all: Vec<Value> = wrong.iter().map(|one| json!({ "at": one.at, "what": one.what })).collect();
    let more = json!({ "errors": all });
    Problem { more, ..Problem::new(StatusCode::BAD_REQUEST, "invalid", first.join("; ")) }
}

/// The body within its bounds of size and time.
async fn read(app: &Shared, parts: &Parts, body: Body) -> Result<Vec<u8>, Problem> {
    let too_large = || {
        let sentence = format!("a request of the API has at most {BODY_BYTES_MAX} bytes");
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", sentence)
    };
    let said = parts.headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if said.is_some_and(|bytes| bytes > BODY_BYTES_MAX as u64) {
        return Err(too_large());
    }
    tokio::select! {
        read = to_bytes(body, BODY_BYTES_MAX) => read.map(|bytes| bytes.to_vec()).map_err(|_| too_large()),
        () = app.web.clock.sleep(BODY_WITHIN) => {
            Err(Problem::new(StatusCode::REQUEST_TIMEOUT, "too_slow", "the body did not come within ten seconds; nothing was done"))
        }
    }
}

fn parse(parts: &Parts, bytes: &[u8]) -> Result<Map<String, Value>, Problem> {
    let kind = parts.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    if bytes.is_empty() {
        return Ok(Map::new());
    }
    if !kind.eq_ignore_ascii_case("application/json") {
        let sentence = "send the body as `Content-Type: application/json`";
        return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "not_json", sentence));
    }
    match serde_json::from_slice(bytes) {
        Ok(Value::Object(map)) => Ok(map),
        Ok(_) => Err(Problem::new(StatusCode::BAD_REQUEST, "invalid", "the body is not a JSON object")),
        Err(why) => Err(Problem::new(StatusCode::BAD_REQUEST, "invalid", format!("the body is not JSON: {why}"))),
    }
}

async fn answer(operation: &Operation, call: Call, body: &[u8]) -> Response {
    if let Err(problem) = unchanged(operation, &call).await {
        return problem.into_response();
    }
    let headers = call.headers.clone();
    let done = if operation.writes() && headers.contains_key(once::HEADER) {
        once::answer(operation, call, body).await
    } else {
        (operation.act)(call).await.map(written)
    };
    match done {
        Ok(response) if operation.writes() => response,
        Ok(response) => tagged(response, &headers).await,
        Err(problem) => problem.into_response(),
    }
}

/// Holds `If-Match` against what the operation is about to change.
async fn unchanged(operation: &Operation, call: &Call) -> Result<(), Problem> {
    let Some(wanted) = call.headers.get(header::IF_MATCH) else { return Ok(()) };
    let failed = |sentence: &str| Problem::new(StatusCode::PRECONDITION_FAILED, "changed", sentence);
    let Some(read) = operation.matches else {
        return Err(failed("there is nothing here that `If-Match` could be held against; leave it out"));
    };
    match read(call.clone()).await? {
        Reply::Json(_, json) if names(wanted, &tag(json.to_string().as_bytes())) => Ok(()),
        _ => {
            Err(failed("it is not any more what you looked at; look again and ask again if it still is what you want"))
        }
    }
}

/// An answer as bytes.
pub fn written(reply: Reply) -> Response {
    match reply {
        Reply::Json(status, json) => {
            let kind = HeaderValue::from_static("application/json");
            (status, [(header::CONTENT_TYPE, kind)], json.to_string()).into_response()
        }
        Reply::Whole(response) => *response,
    }
}

/// A strong tag for what is read, and nothing but that if the caller has it already.
async fn tagged(response: Response, asked: &HeaderMap) -> Response {
    let json = response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind == "application/json");
    if !json || response.status() != StatusCode::OK {
        return response;
    }
    let (mut head, body) = response.into_parts();
    // It was written by us a moment ago, as one piece.
    let Ok(bytes) = to_bytes(body, usize::MAX).await else {
        return Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "failed", "the answer could not be written")
            .into_response();
    };
    let tag = tag(&bytes);
    if let Ok(value) = HeaderValue::from_str(&tag) {
        head.headers.insert(header::ETAG, value);
    }
    if asked.get(header::IF_NONE_MATCH).is_some_and(|known| names(known, &tag)) {
        head.status = StatusCode::NOT_MODIFIED;
        head.headers.remove(header::CONTENT_TYPE);
        return Response::from_parts(head, Body::empty());
    }
    Response::from_parts(head, Body::from(bytes))
}

fn tag(bytes: &[u8]) -> String {
    format!("\"{}\"", &hex(&Sha256::digest(bytes))[..32])
}

/// Whether a list of tags names this one.
fn names(list: &HeaderValue, tag: &str) -> bool {
    list.to_str().is_ok_and(|text| text.split(',').map(str::trim).any(|one| one == "*" || one == tag))
}

/// Whether an answer may be kept to be given again.
pub fn is_kept(gives: Gives) -> bool {
    matches!(gives, Gives::Json(..))
}
