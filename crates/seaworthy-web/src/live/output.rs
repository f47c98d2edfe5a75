//! The output of one attempt while it grows, as pieces of text that the script shows as text, never as HTML.
//!
//! The id of each event is the cursor after it, so a client that comes back goes on where it was; a character
//! that was cut in two by the break is shown as a replacement mark. This module must not know how output is kept.

use axum::{
    Extension,
    extract::{Path, Query, State as Extract},
    http::HeaderMap,
    response::{IntoResponse, Response, sse::Event},
};
use seaworthy_model::{
    port::{Chunk, OutputKey, Std},
    time::Span,
};
use serde::Deserialize;
use tokio::sync::mpsc;

use super::{BEAT, Gone, beat, last_event_id, open};
use crate::{
    app::{App, Shared},
    door::Asker,
    page::output::{PIECE, key, voice},
    show,
    who::Caller,
};

/// Time between two looks at output that grows.
const LOOK: Span = Span::from_millis(200);
/// Pieces that may wait for a slow client; here it is waited for, since a log must be whole.
const LOOKS_PER_RUN_CHECK: u32 = 25;

#[derive(Deserialize)]
pub struct Wanted {
    from: Option<u64>,
}

pub async fn follow(
    Extract(app): Extract<Shared>,
    caller: Option<Extension<Caller>>,
    asker: Asker,
    Path((id, step, attempt)): Path<(String, String, u32)>,
    Query(wanted): Query<Wanted>,
    headers: HeaderMap,
) -> Response {
    let key = match key(&app, &id, step, attempt).await {
        Ok(key) => key,
        Err(fault) => return (fault.status, fault.sentence + "\n").into_response(),
    };
    let from = last_event_id(&headers).or(wanted.from).unwrap_or(0);
    let caller = caller.map_or_else(|| Caller::anybody(asker.who.actor), |Extension(caller)| caller);
    open(app, move |app, send| async move {
        // An error means that the client has left.
        let _ = pour(&app, &caller, &key, from, &send).await;
    })
}

type Pipe = mpsc::Sender<Result<Event, std::convert::Infallible>>;

async fn pour(app: &App, caller: &Caller, key: &OutputKey, mut from: u64, send: &Pipe) -> Result<(), Gone> {
    let clock = &app.web.clock;
    let (mut out, mut err) = (Text::default(), Text::default());
    let mut last_beat = clock.elapsed();
    let mut quiet = 0u32;
    loop {
        let part = app.web.outputs.read(key, from, PIECE).await.map_err(|_| Gone)?;
        let nothing = part.chunks.is_empty();
        from = part.next;
        for chunk in &part.chunks {
            let text = match chunk.stream {
                Std::Err => err.decode(&chunk.bytes),
                _ => out.decode(&chunk.bytes),
            };
            // A log must be whole, so a slow reader is waited for; what is kept does not grow by that.
            send.send(Ok(piece(chunk, &text, from))).await.map_err(|_| Gone)?;
        }
        if part.ended && nothing {
            return send.send(Ok(Event::default().event("end").data("ended"))).await.map_err(|_| Gone);
        }
        if nothing {
            quiet += 1;
            // Output that was never kept does not say that it has ended; the run's end does.
            if quiet.is_multiple_of(LOOKS_PER_RUN_CHECK)
                && matches!(app.web.views.ended_run(key.run).await, Ok(Some(_)) | Err(_))
            {
                return send.send(Ok(Event::default().event("end").data("run ended"))).await.map_err(|_| Gone);
            }
            tokio::select! {
                () = clock.sleep(LOOK) => {}
                () = send.closed() => return Err(Gone),
            }
        }
        if clock.elapsed().0.saturating_sub(last_beat.0) >= BEAT.0 {
            if !caller.still_in(app).await {
                return Err(Gone);
            }
            send.send(Ok(beat(app, from))).await.map_err(|_| Gone)?;
            last_beat = clock.elapsed();
        }
    }
}

fn piece(chunk: &Chunk, text: &str, next: u64) -> Event {
    let data = serde_json::json!({ "voice": voice(chunk.stream), "at": chunk.at.millis(), "text": show::plain(text) });
    Event::default().event("piece").id(next.to_string()).data(data.to_string())
}

/// Bytes to text over the borders of chunks.
#[derive(Default)]
struct Text {
    /// Beginning of a character whose rest is still to come: at most three bytes.
    open: Vec<u8>,
}

impl Text {
    fn decode(&mut self, bytes: &[u8]) -> String {
        let mut all = std::mem::take(&mut self.open);
        all.extend_from_slice(bytes);
        let cut = unfinished(&all);
        self.open = all.split_off(all.len() - cut);
        String::from_utf8_lossy(&all).into_owned()
    }
}

/// How many bytes at the end begin a character that is not complete.
fn unfinished(bytes: &[u8]) -> usize {
    for back in 1..=bytes.len().min(3) {
        let byte = bytes[bytes.len() - back];
        let wants = match byte {
            0xc2..=0xdf => 2,
            0xe0..=0xef => 3,
            0xf0..=0xf4 => 4,
            0x80..=0xbf => continue,
            _ => return 0,
        };
        return if wants > back { back } else { 0 };
    }
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_character_cut_in_two_is_shown_whole() {
        for text in ["grüße", "€uro 😀 end", "plain"] {
            for cut in 0..=text.len() {
                let (head, tail) = text.as_bytes().split_at(cut);
                let mut decoder = Text::default();
                let whole = decoder.decode(head) + &decoder.decode(tail);
                assert_eq!(whole, text, "cut at {cut}");
            }
        }
    }

    #[test]
    fn bytes_that_are_no_text_are_marked_and_lose_nothing_else() {
        let mut decoder = Text::default();
        assert_eq!(decoder.decode(b"a\xffb"), "a\u{fffd}b");
    }
}
