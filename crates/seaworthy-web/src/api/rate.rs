//! How much one caller may ask for: so many requests in a window, told in the headers of every answer
//! (draft-ietf-httpapi-ratelimit-headers).
//!
//! One caller cannot use up another's. This module must not know any operation.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use axum::{http::HeaderValue, response::Response};
use seaworthy_model::time::Span;

use crate::{app::App, door::Asker};

/// Requests of one caller in one window.
pub const QUOTA: u32 = 600;
pub const WINDOW_SECONDS: u64 = 60;
/// Callers that are counted; when there are more those whose window is over are forgotten.
const CALLERS_MAX: usize = 10_000;

/// Windows by caller: when each began, and how many came.
#[derive(Default)]
pub struct Rates(Mutex<BTreeMap<String, (Span, u32)>>);

/// What is left.
pub struct Budget {
    left: u32,
    /// Seconds until all of it is there again.
    pub wait: u64,
}

/// Counts one request.
///
/// # Errors
/// The empty budget.
pub fn take(app: &App, asker: &Asker) -> Result<Budget, Budget> {
    let who = &asker.who;
    let caller = who.through.as_ref().map_or_else(|| who.actor.to_string(), |through| through.token.to_string());
    app.rates.take(caller, app.web.clock.elapsed())
}

impl Rates {
    fn take(&self, caller: String, now: Span) -> Result<Budget, Budget> {
        let window = Span::seconds(WINDOW_SECONDS);
        let over = |began: Span| now.0.saturating_sub(began.0) >= window.0;
        // Counts only: a panic elsewhere spoils nothing.
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= CALLERS_MAX && !all.contains_key(&caller) {
            all.retain(|_, (began, _)| !over(*began));
        }
        let seen = all.entry(caller).or_insert((now, 0));
        if over(seen.0) {
            *seen = (now, 0);
        }
        let wait = (seen.0.0 + window.0).saturating_sub(now.0).div_ceil(1_000_000_000);
        if seen.1 >= QUOTA {
            return Err(Budget { left: 0, wait });
        }
        seen.1 += 1;
        Ok(Budget { left: QUOTA - seen.1, wait })
    }
}

impl Budget {
    /// Says it in the headers.
    pub fn written(&self, mut response: Response) -> Response {
        let policy = format!("\"requests\";q={QUOTA};w={WINDOW_SECONDS}");
        let left = format!("\"requests\";r={};t={}", self.left, self.wait);
        for (name, text) in [("ratelimit-policy", policy), ("ratelimit", left)] {
            if let Ok(value) = HeaderValue::from_str(&text) {
                response.headers_mut().insert(name, value);
            }
        }
        if response.status() == axum::http::StatusCode::TOO_MANY_REQUESTS {
            response.headers_mut().insert("retry-after", HeaderValue::from(self.wait.max(1)));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_caller_cannot_use_up_anothers_requests_and_time_gives_them_back() {
        let rates = Rates::default();
        let at = Span::seconds;
        for _ in 0..QUOTA {
            assert!(rates.take("a".into(), at(5)).is_ok());
        }
        assert_eq!(rates.take("a".into(), at(6)).map_err(|b| b.wait).err(), Some(59));
        assert_eq!(rates.take("b".into(), at(6)).map(|b| b.left).ok(), Some(QUOTA - 1));
        assert_eq!(rates.take("a".into(), at(65)).map(|b| b.left).ok(), Some(QUOTA - 1));
    }
}
