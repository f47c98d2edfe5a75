//! How a refusal is told: a page for a person, a problem for a program, the same sentence in both.
//!
//! This module must not decide.

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use seaworthy_core::access::{Refusal, Why};
use serde_json::json;

use super::who::Unknown;
use crate::{
    api::problem::{Problem, is_api},
    app::{App, Fault},
};

/// What the refusal of a right looks like.
pub fn refused(app: &App, path: &str, refusal: &Refusal) -> Response {
    let status = match refusal.why {
        Why::NotSignedIn | Why::Expired => StatusCode::UNAUTHORIZED,
        _ => StatusCode::FORBIDDEN,
    };
    let more = json!({ "missing": refusal.missing, "why": refusal.why.word(), "grantors": refusal.grantors });
    tell(app, path, status, "right_missing", refusal.to_string(), more)
}

/// A program came without anything that says who asks.
pub fn nobody(app: &App, path: &str) -> Response {
    let sentence = "sign in first, or send a token as `Authorization: Bearer swt_…`: nobody is signed in here, or the session has ended";
    tell(app, path, StatusCode::UNAUTHORIZED, "not_signed_in", sentence.to_owned(), json!({ "why": "not_signed_in" }))
}

/// What was shown proves nothing.
pub fn unknown(app: &App, path: &str, why: Unknown) -> Response {
    let (status, kind, sentence) = match why {
        Unknown::Token => (StatusCode::UNAUTHORIZED, "token_unknown", "this token is not known here, or not any more"),
        Unknown::Session => {
            (StatusCode::FORBIDDEN, "not_a_person", "no token may do this: it is for a person who signs in")
        }
        Unknown::Scheme => (
            StatusCode::UNAUTHORIZED,
            "token_unknown",
            "only `Authorization: Bearer swt_…` is understood here; send a token that way",
        ),
        Unknown::Store(fault) => return tell(app, path, fault.status, "unavailable", fault.sentence, json!({})),
    };
    tell(app, path, status, kind, sentence.to_owned(), json!({ "why": kind }))
}

fn tell(
    app: &App,
    path: &str,
    status: StatusCode,
    kind: &'static str,
    sentence: String,
    more: serde_json::Value,
) -> Response {
    let mut response = if is_api(path) {
        Problem { status, kind, sentence, more }.into_response()
    } else {
        app.page(Err(Fault { status, sentence }))
    };
    if status == StatusCode::UNAUTHORIZED {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"seaworthy\""));
    }
    response
}
