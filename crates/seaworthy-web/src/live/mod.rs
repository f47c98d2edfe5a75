//! Changes while they happen, as server-sent events: fragments rendered by the same templates as the pages.
//!
//! Each event carries the journal position that it is true for as its id. A client that comes back with
//! `Last-Event-ID` gets what the page shows now if the journal has grown since, and nothing if it has not.
//! Bounded: at most [`LIVE_MAX`] connections, about four updates per second each, and a client that does not
//! read is dropped and comes back by itself. This module must not know how a page is made.

pub mod feed;
mod output;

use std::{
    collections::BTreeMap,
    convert::Infallible,
    hash::{DefaultHasher, Hash, Hasher},
};

use axum::{
    Extension,
    extract::{Query, State as Extract},
    http::{HeaderMap, StatusCode},
    response::{
        IntoResponse, Response,
        sse::{Event, Sse},
    },
};
use seaworthy_model::{access::Action, id::RunId, time::Span};
use serde::Deserialize;
use tokio::sync::mpsc;

use self::feed::Feed;
use crate::{
    app::{App, Fault, LIVE_MAX, Shared},
    door::{About, Asker, Declared, Needs, run as of_run},
    page::{Region, overview, process, run},
    who::Caller,
};

/// Time between two updates of one client, at least.
const UPDATE_SPACING: Span = Span::from_millis(250);
/// An update may take at most one part in this many of the time: large pages are updated less often.
const UPDATE_SHARE: u64 = 10;
/// A sign of life, so that the page can say how fresh it is.
pub const BEAT: Span = Span::from_millis(2_000);
/// Events of one update, at most; while any of them waits, a client gets no further update, so updates coalesce.
const WAITING_MAX: usize = 64;
/// A connection lives no longer than this: who comes back is asked anew what they may.
const LIVE_TIME_MAX: Span = Span::from_millis(55_000);
/// A client that has not taken an update for so long is dropped, and comes back by itself if it lives.
const SLOW_MAX: Span = Span::from_millis(20_000);

pub fn routes() -> Vec<Declared> {
    vec![
        Declared::get("/live", Needs::Right(Action::See, About::Page), page),
        Declared::get("/runs/{id}/live/{step}/{attempt}", of_run(Action::Output), output::follow),
    ]
}

#[derive(Deserialize)]
struct Wanted {
    page: String,
    from: Option<u64>,
}

/// What is followed.
enum Subject {
    Overview,
    Process(String),
    Run(RunId),
}

impl Subject {
    fn parse(text: &str) -> Option<Subject> {
        match text.split_once('/') {
            None if text == "overview" => Some(Subject::Overview),
            Some(("process", name)) => Some(Subject::Process(name.to_owned())),
            Some(("run", id)) => id.parse().ok().map(Subject::Run),
            _ => None,
        }
    }

    async fn regions(&self, app: &App, asker: &Asker) -> Result<(u64, Vec<Region>), Fault> {
        match self {
            Subject::Overview => overview::regions(app, asker).await,
            Subject::Process(name) => process::regions(app, name).await,
            Subject::Run(run) => run::regions(app, *run).await,
        }
    }
}

async fn page(
    Extract(app): Extract<Shared>,
    caller: Option<Extension<Caller>>,
    asker: Asker,
    Query(wanted): Query<Wanted>,
    headers: HeaderMap,
) -> Response {
    let Some(subject) = Subject::parse(&wanted.page) else {
        return (StatusCode::NOT_FOUND, "follow overview, process/NAME or run/ID\n").into_response();
    };
    let since = last_event_id(&headers).or(wanted.from).unwrap_or(0);
    // A program with a token has no pages that are its own.
    let caller = caller.map_or_else(|| Caller::anybody(asker.who.actor), |Extension(caller)| caller);
    open(app, move |app, send| async move {
        // An error means that the client is gone, too slow, or that the page cannot be made: it comes back by itself.
        let _ = follow(&app, (&caller, &asker), &subject, since, &send).await;
    })
}

/// Position that a returning client has seen.
fn last_event_id(headers: &HeaderMap) -> Option<u64> {
    headers.get("last-event-id")?.to_str().ok()?.parse().ok()
}

/// Starts a bounded live connection, or says that there are too many.
pub fn open<W, F>(app: Shared, work: W) -> Response
where
    W: FnOnce(Shared, mpsc::Sender<Result<Event, Infallible>>) -> F,
    F: Future<Output = ()> + Send + 'static,
{
    let Ok(place) = app.live_places.clone().try_acquire_owned() else {
        let sentence = format!("{LIVE_MAX} pages are followed already; this one is shown without live changes\n");
        return (StatusCode::SERVICE_UNAVAILABLE, [("retry-after", "10")], sentence).into_response();
    };
    let (send, receive) = mpsc::channel(WAITING_MAX);
    let over = app.web.clock.sleep(LIVE_TIME_MAX);
    let work = work(app, send);
    tokio::spawn(async move {
        tokio::select! {
            () = work => {}
            () = over => {}
        }
        drop(place);
    });
    // A proxy that collects an answer before it passes it on would make the page look dead.
    ([("x-accel-buffering", "no")], Sse::new(Feed(receive))).into_response()
}

/// The client is gone or does not read.
struct Gone;

fn tell(send: &mpsc::Sender<Result<Event, Infallible>>, event: Event) -> Result<(), Gone> {
    send.try_send(Ok(event)).map_err(|_| Gone)
}

async fn follow(
    app: &App,
    (caller, asker): (&Caller, &Asker),
    subject: &Subject,
    since: u64,
    send: &mpsc::Sender<Result<Event, Infallible>>,
) -> Result<(), Gone> {
    let clock = &app.web.clock;
    let (mut position, regions) = subject.regions(app, asker).await.map_err(|_| Gone)?;
    let mut shown = Shown::default();
    let first = shown.changes(&regions);
    if position != since {
        for change in first {
            tell(send, fragment(app, caller, position, &change))?;
        }
    }
    tell(send, beat(app, position))?;
    let mut last_beat = clock.elapsed();
    let mut behind_since = None;
    loop {
        if send.capacity() < WAITING_MAX {
            let since = *behind_since.get_or_insert(clock.elapsed());
            if send.is_closed() || clock.elapsed().0.saturating_sub(since.0) > SLOW_MAX.0 {
                return Err(Gone);
            }
            clock.sleep(UPDATE_SPACING).await;
            continue;
        }
        behind_since = None;
        let until_beat = Span(BEAT.0.saturating_sub(clock.elapsed().0.saturating_sub(last_beat.0)));
        tokio::select! {
            grown = app.web.journal.past(position) => {
                grown.map_err(|_| Gone)?;
                let began = clock.elapsed();
                let (at, regions) = subject.regions(app, asker).await.map_err(|_| Gone)?;
                for change in shown.changes(&regions) {
                    tell(send, fragment(app, caller, at, &change))?;
                }
                position = at;
                let cost = clock.elapsed().0.saturating_sub(began.0);
                clock.sleep(Span(UPDATE_SPACING.0.max(cost.saturating_mul(UPDATE_SHARE)))).await;
            }
            () = clock.sleep(until_beat) => {}
            () = send.closed() => return Err(Gone),
        }
        if clock.elapsed().0.saturating_sub(last_beat.0) >= BEAT.0 {
            if !caller.still_in(app).await {
                return Err(Gone);
            }
            tell(send, beat(app, position))?;
            last_beat = clock.elapsed();
        }
    }
}

fn fragment(app: &App, caller: &Caller, position: u64, region: &Region) -> Event {
    // Built by hand where the text is ours, so that a name with quotes stays data.
    let data = serde_json::json!({ "target": region.target, "html": caller.personal(&region.html, &app.web.base) });
    Event::default().event("fragment").id(position.to_string()).data(data.to_string())
}

fn beat(app: &App, position: u64) -> Event {
    Event::default().event("beat").id(position.to_string()).data(app.now().millis().to_string())
}

/// What a client has been shown, by hash.
#[derive(Default)]
struct Shown {
    by_target: BTreeMap<String, u64>,
    /// Order of the rows of each region that has rows.
    order: BTreeMap<String, Vec<String>>,
}

impl Shown {
    /// What differs from what was shown. A region with rows is sent row by row while their order stays.
    fn changes(&mut self, regions: &[Region]) -> Vec<Region> {
        let mut changes = Vec::new();
        for region in regions {
            let order: Vec<String> = region.rows.iter().map(|row| row.target.clone()).collect();
            let same_order =
                self.order.insert(region.target.clone(), order.clone()).is_some_and(|known| known == order);
            let whole_is_new = self.is_new(region);
            let rows: Vec<&Region> = region.rows.iter().filter(|row| self.is_new(row)).collect();
            if !whole_is_new {
                continue;
            }
            if same_order && !rows.is_empty() {
                changes.extend(rows.into_iter().map(copy));
            } else {
                changes.push(copy(region));
            }
        }
        changes
    }

    fn is_new(&mut self, region: &Region) -> bool {
        let mut hasher = DefaultHasher::new();
        region.html.hash(&mut hasher);
        let hash = hasher.finish();
        self.by_target.insert(region.target.clone(), hash) != Some(hash)
    }
}

fn copy(region: &Region) -> Region {
    Region { target: region.target.clone(), html: region.html.clone(), rows: vec![] }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(rows: &[(&str, &str)]) -> Region {
        let rows: Vec<Region> =
            rows.iter().map(|(t, h)| Region { target: (*t).into(), html: (*h).into(), rows: vec![] }).collect();
        let html = rows.iter().map(|row| row.html.as_str()).collect();
        Region { target: "list".into(), html, rows }
    }

    #[test]
    fn only_rows_that_changed_are_sent_while_their_order_stays() {
        let mut shown = Shown::default();
        let targets = |changes: Vec<Region>| changes.into_iter().map(|c| c.target).collect::<Vec<_>>();
        assert_eq!(targets(shown.changes(&[list(&[("a", "1"), ("b", "1")])])), ["list"]);
        assert_eq!(targets(shown.changes(&[list(&[("a", "1"), ("b", "1")])])), Vec::<String>::new());
        assert_eq!(targets(shown.changes(&[list(&[("a", "1"), ("b", "2")])])), ["b"]);
        assert_eq!(targets(shown.changes(&[list(&[("b", "2"), ("a", "1")])])), ["list"]);
        assert_eq!(targets(shown.changes(&[list(&[("b", "2")])])), ["list"]);
    }
}
