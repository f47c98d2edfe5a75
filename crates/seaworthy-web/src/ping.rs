//! Addresses that something outside asks for to say how it goes, in the form of Healthchecks:
//! `/ping/UUID`, `/ping/UUID/start` …, and `/ping/KEY/NAME` ….
//!
//! Here the key is read out of the address and hashed; nothing else learns it. This module must not decide what a ping
//! leads to.

use axum::{
    body::Body,
    extract::{Path, Query, State as Extract},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use seaworthy_model::{
    entry::Via,
    ping::{BODY_BYTES_MAX, Ping, PingKey, RID_BYTES_MAX, Told},
    port::{Answer, Ask},
};
use serde::Deserialize;

use crate::{
    app::Shared,
    door::{Declared, Needs},
};

/// Bytes of a body that are read at all; beyond that the sender is answered without being listened to.
const READ_BYTES_MAX: usize = 1024 * 1024;

/// Every form of an address; HEAD is answered as GET.
pub fn routes() -> Vec<Declared> {
    let key = Needs::Secret("the address is the secret");
    vec![
        Declared::get("/ping/{key}", key, one),
        Declared::post("/ping/{key}", key, one),
        Declared::get("/ping/{key}/{second}", key, two),
        Declared::post("/ping/{key}/{second}", key, two),
        Declared::get("/ping/{key}/{second}/{third}", key, three),
        Declared::post("/ping/{key}/{second}/{third}", key, three),
    ]
}

/// Whether a request is a ping: those come from anywhere, since their address is a secret.
pub fn is_ping(base: &str, path: &str) -> bool {
    path.strip_prefix(base).unwrap_or(path).starts_with("/ping/") || path.starts_with("/ping/")
}

#[derive(Deserialize)]
struct Given {
    rid: Option<String>,
}

async fn one(app: Extract<Shared>, Path(key): Path<String>, given: Query<Given>, body: Body) -> Response {
    take(app, &key, None, Some(Told::Success), given, body).await
}

async fn two(
    app: Extract<Shared>,
    Path((key, second)): Path<(String, String)>,
    given: Query<Given>,
    body: Body,
) -> Response {
    // A name that is also a word of ours is told apart as Healthchecks does: a UUID is followed by a word, a key by a name.
    match key.len() {
        36 => take(app, &key, None, told(&second), given, body).await,
        _ => take(app, &key, Some(second), Some(Told::Success), given, body).await,
    }
}

async fn three(
    app: Extract<Shared>,
    Path((key, slug, third)): Path<(String, String, String)>,
    given: Query<Given>,
    body: Body,
) -> Response {
    take(app, &key, Some(slug), told(&third), given, body).await
}

fn told(word: &str) -> Option<Told> {
    match word {
        "start" => Some(Told::Start),
        "fail" => Some(Told::Fail),
        "log" => Some(Told::Log),
        code if code.len() <= 3 && code.bytes().all(|byte| byte.is_ascii_digit()) => code.parse().ok().map(Told::Exit),
        _ => None,
    }
}

async fn take(
    Extract(app): Extract<Shared>,
    key: &str,
    slug: Option<String>,
    told: Option<Told>,
    Query(given): Query<Given>,
    body: Body,
) -> Response {
    let Some(told) = told else {
        return plain(StatusCode::BAD_REQUEST, "after the key comes start, fail, log or an exit code from 0 to 255");
    };
    let rid = given.rid.filter(|rid| !rid.is_empty());
    if rid.as_ref().is_some_and(|rid| rid.len() > RID_BYTES_MAX || rid.chars().any(char::is_control)) {
        return plain(StatusCode::BAD_REQUEST, &format!("`rid` has more than {RID_BYTES_MAX} bytes, or is no text"));
    }
    let Some(key) = PingKey::parse(key) else { return plain(StatusCode::NOT_FOUND, "not found") };
    let (body, dropped) = read(body).await;
    let ping = Ping { digest: key.digest(), slug, told, rid, body, dropped };
    match app.web.requests.ask(Ask::Ping(ping), app.web.actor, Via::Robot).await {
        Ok(Answer::Done { .. } | Answer::Started { .. }) => plain(StatusCode::OK, "OK"),
        Ok(Answer::Refused { .. }) => plain(StatusCode::NOT_FOUND, "not found"),
        Ok(Answer::TooMany { reason }) => plain(StatusCode::TOO_MANY_REQUESTS, &reason),
        Err(trouble) => {
            tracing::warn!("a ping could not be taken: {trouble}");
            plain(StatusCode::SERVICE_UNAVAILABLE, "it could not be recorded; try again")
        }
    }
}

/// The first bytes of a body, and how many more there were among those that were read.
async fn read(body: Body) -> (Vec<u8>, u64) {
    let (mut kept, mut dropped, mut body) = (Vec::new(), 0_u64, std::pin::pin!(body));
    loop {
        let frame = std::future::poll_fn(|context| axum::body::HttpBody::poll_frame(body.as_mut(), context)).await;
        // A sender that breaks off has said what it said.
        let Some(Ok(frame)) = frame else { break };
        let Ok(bytes) = frame.into_data() else { continue };
        let room = BODY_BYTES_MAX - kept.len();
        kept.extend_from_slice(&bytes[..bytes.len().min(room)]);
        dropped += bytes.len().saturating_sub(room) as u64;
        if kept.len() + usize::try_from(dropped).unwrap_or(usize::MAX) > READ_BYTES_MAX {
            break;
        }
    }
    (kept, dropped)
}

fn plain(status: StatusCode, text: &str) -> Response {
    let limit = BODY_BYTES_MAX.to_string();
    let headers = [(header::CONTENT_TYPE, "text/plain; charset=utf-8".to_owned())];
    (status, headers, [("ping-body-limit", limit)], text.to_owned()).into_response()
}
