//! Problem details (RFC 9457): how the API says that something cannot be done, and what to do next.
//!
//! This module must not know operations.

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

use crate::app::Fault;

/// One problem. `kind` is its stable name, the sentence is for people.
#[derive(Debug)]
pub struct Problem {
    pub status: StatusCode,
    pub kind: &'static str,
    pub sentence: String,
    /// Further members, an object.
    pub more: Value,
}

impl Problem {
    pub fn new(status: StatusCode, kind: &'static str, sentence: impl Into<String>) -> Problem {
        Problem { status, kind, sentence: sentence.into(), more: json!({}) }
    }
}

/// Whether an address belongs to the API.
pub fn is_api(path: &str) -> bool {
    path.contains("/api/")
}

impl From<Fault> for Problem {
    fn from(fault: Fault) -> Problem {
        let kind = match fault.status {
            StatusCode::NOT_FOUND => "not_found",
            StatusCode::CONFLICT | StatusCode::FORBIDDEN => "refused",
            StatusCode::SERVICE_UNAVAILABLE => "unavailable",
            _ => "failed",
        };
        Problem::new(fault.status, kind, fault.sentence)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut body = json!({
            "type": format!("urn:seaworthy:problem:{}", self.kind),
            "title": self.kind.replace('_', " "),
            "status": self.status.as_u16(),
            "detail": self.sentence,
        });
        if let (Value::Object(body), Value::Object(more)) = (&mut body, self.more) {
            body.extend(more);
        }
        let mut response = (self.status, body.to_string()).into_response();
        let kind = HeaderValue::from_static("application/problem+json");
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
        response
    }
}
