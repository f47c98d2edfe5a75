//! Kept output of an attempt: as raw text, and as the log that a run's page shows while it grows.
//!
//! This module must not know how output is kept; it reads the port in bounded pieces.

use axum::{
    body::Body,
    extract::{Path, Query, State as Extract},
    http::header,
    response::{IntoResponse, Response},
};
use seaworthy_model::{
    id::RunId,
    port::{OutputKey, Std},
};
use serde::Deserialize;
use tokio::sync::mpsc;

use super::run::{self, output_href};
use crate::{
    app::{App, Fault, Shared},
    live::feed::Feed,
    show,
    story::Attempt,
};

/// Bytes read at once.
pub const PIECE: usize = 64 * 1024;
/// Bytes of a growing log that are written into the page; the script, or the raw text, has the rest.
const PAGE_BYTES_MAX: usize = 128 * 1024;
/// Pieces of a raw answer that wait for a slow reader.
const WAITING_MAX: usize = 4;

/// The log of the attempt that goes on.
pub struct Log {
    key: OutputKey,
    pub step: String,
    pub attempt: u32,
    /// Address of the live pieces.
    pub live: String,
    /// Address of the raw text.
    pub raw: String,
    pub lines: Vec<(&'static str, String)>,
    /// Where the live pieces go on.
    pub next: u64,
    /// Milliseconds since 1970 of the newest piece; 0 if there is none.
    pub last: i64,
}

impl Log {
    pub fn of(base: &str, run: RunId, attempt: &Attempt) -> Log {
        Log {
            key: OutputKey { run, step: attempt.step.clone(), attempt: attempt.attempt },
            step: attempt.step.clone(),
            attempt: attempt.attempt,
            live: format!("{base}/runs/{run}/live/{}/{}", show::segment(&attempt.step), attempt.attempt),
            raw: output_href(base, run, &attempt.step, attempt.attempt),
            lines: vec![],
            next: 0,
            last: 0,
        }
    }

    /// Reads the backlog, so that the page is complete without script.
    pub async fn fill(&mut self, app: &App) {
        let mut read = 0;
        while read < PAGE_BYTES_MAX {
            let Ok(part) = app.web.outputs.read(&self.key, self.next, PIECE).await else { return };
            if part.chunks.is_empty() {
                return;
            }
            self.next = part.next;
            for chunk in part.chunks {
                read += chunk.bytes.len();
                self.last = chunk.at.millis();
                self.lines.push((voice(chunk.stream), show::plain(&String::from_utf8_lossy(&chunk.bytes))));
            }
        }
    }
}

/// Class of a piece of output.
pub fn voice(stream: Std) -> &'static str {
    match stream {
        Std::Out => "out",
        Std::Err => "err",
        Std::Note => "note",
    }
}

#[derive(Deserialize)]
pub struct Wanted {
    /// `out`, `err`; anything else: both and our remarks.
    #[serde(default)]
    stream: String,
}

/// All that is kept until now, as it was written.
pub async fn raw(
    Extract(app): Extract<Shared>,
    Path((id, step, attempt)): Path<(String, String, u32)>,
    Query(wanted): Query<Wanted>,
) -> Response {
    let key = match key(&app, &id, step, attempt).await {
        Ok(key) => key,
        Err(fault) => return app.page(Err(fault)),
    };
    pour(&app, key, wanted.stream)
}

/// The text of an attempt as it flows; `stream` as in the address of the page.
pub fn pour(app: &Shared, key: OutputKey, stream: String) -> Response {
    let app = app.clone();
    let (send, receive) = mpsc::channel(WAITING_MAX);
    tokio::spawn(async move {
        let mut from = 0;
        loop {
            let part = match app.web.outputs.read(&key, from, PIECE).await {
                Ok(part) => part,
                Err(error) => {
                    // The status has gone out; an error in the body tells the reader that the text is not whole.
                    let _ = send.send(Err(error)).await;
                    return;
                }
            };
            if part.chunks.is_empty() || part.next <= from {
                return;
            }
            from = part.next;
            let keep = |from: Std| match stream.as_str() {
                "out" => from == Std::Out,
                "err" => from == Std::Err,
                _ => true,
            };
            let bytes: Vec<u8> = part.chunks.into_iter().filter(|c| keep(c.stream)).flat_map(|c| c.bytes).collect();
            if !bytes.is_empty() && send.send(Ok(bytes)).await.is_err() {
                return;
            }
        }
    });
    ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], Body::from_stream(Feed(receive))).into_response()
}

/// The key of an attempt that exists.
///
/// # Errors
/// [`Fault`] that says which attempts there are.
pub async fn key(app: &App, id: &str, step: String, attempt: u32) -> Result<OutputKey, Fault> {
    let run = run::find(app, id).await?;
    let (story, _) = run::story(app, run).await?;
    if story.attempts.iter().any(|known| known.step == step && known.attempt == attempt) {
        return Ok(OutputKey { run, step, attempt });
    }
    let known: Vec<String> = story.attempts.iter().take(20).map(|a| format!("{}/{}", a.step, a.attempt)).collect();
    Err(Fault::missing(format!("this run has no attempt {attempt} of step `{step}`; it has: {}", known.join(", "))))
}
