//! The body of a request has to arrive within a time: whoever sends a byte a minute holds nothing for long.
//!
//! This module must not know what is sent, nor how much it may be.

use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    body::{Body, Bytes},
    extract::Request,
    middleware::Next,
    response::Response,
};
use http_body::{Body as Parts, Frame, SizeHint};
use tokio::time::{Sleep, sleep};

/// From the head of a request to the last byte of its body.
pub const BODY_WITHIN: Duration = Duration::from_secs(30);

/// Runs around every request.
pub async fn deadline(request: Request, next: Next) -> Response {
    next.run(within(request, BODY_WITHIN)).await
}

fn within(request: Request, limit: Duration) -> Request {
    // Most requests have none, and need no clock.
    if request.body().is_end_stream() {
        return request;
    }
    request.map(|body| Body::new(Limited { body, limit, end: Box::pin(sleep(limit)) }))
}

struct Limited {
    body: Body,
    limit: Duration,
    end: Pin<Box<Sleep>>,
}

impl Parts for Limited {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if self.end.as_mut().poll(context).is_ready() {
            let sentence = format!("what was sent did not arrive within {:?}", self.limit);
            return Poll::Ready(Some(Err(axum::Error::new(std::io::Error::other(sentence)))));
        }
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use axum::body::to_bytes;

    use super::*;

    struct Slow;

    impl Parts for Slow {
        type Data = Bytes;
        type Error = axum::Error;
        fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
            Poll::Pending
        }
    }

    #[tokio::test]
    async fn a_body_that_does_not_come_is_an_error_and_not_an_end() {
        let request = within(Request::new(Body::new(Slow)), Duration::from_millis(20));
        let error = to_bytes(request.into_body(), 100).await.unwrap_err();
        assert!(error.to_string().contains("did not arrive within 20ms"), "{error}");
        let quick = within(Request::new(Body::from("all of it")), BODY_WITHIN);
        assert_eq!(to_bytes(quick.into_body(), 100).await.unwrap(), "all of it");
    }
}
