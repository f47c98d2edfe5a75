//! What is on record: signals, messages, occurrences that did not run, and the journal's entries, also while they come.
//!
//! This module must not interpret an entry.

use std::convert::Infallible;

use axum::{
    http::StatusCode,
    response::{IntoResponse as _, sse::Event},
};
use seaworthy_model::{
    access::Action,
    entry::Entry,
    port::StoreError,
    view::{Raised, SignalRow},
};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::{
    declare::{Call, Field, Gives, Kind, Operation, Reply, may},
    problem::Problem,
    shapes::{ENTRIES, MESSAGES, SIGNALS, SKIPPED},
};
use crate::{
    app::{App, Fault},
    door::{any, site},
    live, show,
};

/// Rows of one answer, when none is asked for and at most.
const ROWS_DEFAULT: u64 = 100;
const ROWS_MAX: u64 = 1_000;
/// Entries that are read at once for a stream.
const BATCH: usize = 200;

static ROWS: &[Field] = &[may("limit", Kind::Whole { min: 1, max: ROWS_MAX }, "100 if absent.")];
static SIGNAL_ROWS: &[Field] = &[
    may("open", Kind::Flag, "Only those that are not cleared."),
    may("limit", Kind::Whole { min: 1, max: ROWS_MAX }, "100 if absent."),
];
static ENTRY_ROWS: &[Field] = &[
    may("from", Kind::Whole { min: 0, max: i64::MAX as u64 }, "Position of the first; 0 if absent."),
    may("limit", Kind::Whole { min: 1, max: ROWS_MAX }, "100 if absent."),
];
static FROM: &[Field] = &[may(
    "from",
    Kind::Whole { min: 0, max: i64::MAX as u64 },
    "Position of the first; those that come from now on if absent. `Last-Event-ID` goes before it.",
)];

pub fn operations() -> Vec<Operation> {
    let ok = |shape| Gives::Json(StatusCode::OK, shape);
    vec![
        Operation::get(
            "/signals",
            "listSignals",
            any(Action::See),
            "What may be wrong, newest first.",
            ok(&SIGNALS),
            |c| Box::pin(signals(c)),
        )
        .with_query(SIGNAL_ROWS),
        Operation::get(
            "/messages",
            "listMessages",
            any(Action::See),
            "Who was told what, newest first.",
            ok(&MESSAGES),
            |c| Box::pin(messages(c)),
        )
        .with_query(ROWS),
        Operation::get(
            "/skipped",
            "listSkipped",
            any(Action::See),
            "Occurrences that did not become a run, and why.",
            ok(&SKIPPED),
            |c| Box::pin(skipped(c)),
        )
        .with_query(ROWS),
        Operation::get(
            "/entries",
            "listEntries",
            site(Action::Journal),
            "Entries of the journal, oldest first.",
            ok(&ENTRIES),
            |c| Box::pin(entries(c)),
        )
        .with_query(ENTRY_ROWS),
        Operation::get(
            "/entries/stream",
            "followEntries",
            site(Action::Journal),
            "Entries as they come, as server-sent events whose id is the position; `Last-Event-ID` goes on behind it.",
            Gives::Events,
            |c| Box::pin(stream(c)),
        )
        .with_query(FROM),
    ]
}

fn limit(call: &Call) -> usize {
    usize::try_from(call.whole("limit").unwrap_or(ROWS_DEFAULT)).unwrap_or(0)
}

/// Whether the caller may see what is about a process; what is about none that is loaded is the site's.
fn sees(call: &Call, name: &str) -> bool {
    match call.app.web.definitions.current().processes.get(name) {
        Some(pinned) => call.asker.may(Action::See, &pinned.process),
        None => call.asker.may_here(Action::See),
    }
}

/// A signal, open or cleared.
pub fn signal_json(row: &SignalRow) -> Value {
    json!({
        "signal_id": row.signal, "process": row.process, "kind": row.kind, "run_id": row.run,
        "raised_at": show::iso(row.raised_at), "cleared_at": row.cleared_at.map(show::iso),
        "expected": row.expected, "seen": row.seen,
    })
}

async fn signals(call: Call) -> Result<Reply, Problem> {
    let which = if call.flag("open") { Raised::Open } else { Raised::All };
    let all = call.app.watch().signals(which, limit(&call)).await.map_err(Fault::from)?;
    let all: Vec<Value> = all.iter().filter(|row| sees(&call, &row.process)).map(signal_json).collect();
    Ok(Reply::ok(json!({ "signals": all })))
}

async fn messages(call: Call) -> Result<Reply, Problem> {
    let all = call.app.web.views.messages(None, limit(&call)).await.map_err(Fault::from)?;
    let one = |row: &seaworthy_model::view::MessageRow| {
        json!({
            "message_id": row.message, "route": row.route, "occasion": row.occasion, "process": row.process,
            "run_id": row.run, "due_at": show::iso(row.due_at), "ended_at": row.ended_at.map(show::iso),
            "told": row.told, "attempts": row.attempts, "detail": row.detail,
        })
    };
    let all: Vec<Value> = all.iter().filter(|row| sees(&call, &row.process)).map(one).collect();
    Ok(Reply::ok(json!({ "messages": all })))
}

async fn skipped(call: Call) -> Result<Reply, Problem> {
    let all = call.app.web.views.skipped(None, limit(&call)).await.map_err(Fault::from)?;
    let one = |row: &seaworthy_model::view::SkippedRow| {
        json!({
            "process": row.process, "nominal": show::iso(row.nominal), "reason": row.reason,
            "detail": row.detail, "count": row.count,
        })
    };
    let all: Vec<Value> = all.iter().filter(|row| sees(&call, &row.process)).map(one).collect();
    Ok(Reply::ok(json!({ "skipped": all })))
}

async fn entries(call: Call) -> Result<Reply, Problem> {
    let from = call.whole("from").unwrap_or(0);
    let all = call.app.web.journal.from(from, limit(&call)).await.map_err(Fault::from)?;
    let mut list = Vec::with_capacity(all.len());
    for entry in &all {
        list.push(entry_json(&call.app, entry).await.map_err(Fault::from)?);
    }
    let next = all.last().map_or(from, |entry| entry.position + 1);
    let size = call.app.web.journal.frontier().await.map_err(Fault::from)?.size;
    Ok(Reply::ok(json!({ "entries": list, "next": (next < size).then_some(next), "size": size })))
}

async fn entry_json(app: &App, entry: &Entry) -> Result<Value, StoreError> {
    let header = &entry.header;
    let name = app.web.journal.person(header.actor).await?.map(|(name, _)| name);
    let body = entry.body.as_deref().and_then(|body| serde_json::from_str::<Value>(body).ok());
    Ok(json!({
        "position": entry.position, "entry_id": header.id, "stream": header.stream.as_str(), "version": header.version,
        "type": header.kind, "at": show::iso(header.at), "actor": header.actor, "name": name, "via": header.via.word(),
        "body": body, "leaf": header.leaf(),
    }))
}

async fn stream(call: Call) -> Result<Reply, Problem> {
    let last = call.headers.get("last-event-id").and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    let from = match last.map(|last| last.saturating_add(1)).or_else(|| call.whole("from")) {
        Some(from) => from,
        None => call.app.web.journal.frontier().await.map_err(Fault::from)?.size,
    };
    let response = live::open(call.app.clone(), move |app, send| async move {
        // An error means that the reader has left, or that the journal cannot be read: it comes back by itself.
        let _ = follow(&app, from, &send).await;
    });
    Ok(Reply::Whole(Box::new(response.into_response())))
}

type Pipe = mpsc::Sender<Result<Event, Infallible>>;

/// Sends every entry once, in order; a slow reader is waited for.
async fn follow(app: &App, mut position: u64, send: &Pipe) -> Result<(), ()> {
    loop {
        let entries = app.web.journal.from(position, BATCH).await.map_err(drop)?;
        for entry in &entries {
            let data = entry_json(app, entry).await.map_err(drop)?.to_string();
            let event = Event::default().event("entry").id(entry.position.to_string()).data(data);
            send.send(Ok(event)).await.map_err(drop)?;
            position = entry.position + 1;
        }
        if !entries.is_empty() {
            continue;
        }
        tokio::select! {
            grown = app.web.journal.past(position) => drop(grown.map_err(drop)?),
            () = app.web.clock.sleep(live::BEAT) => {
                // A sign of life that is no entry, so that it moves no id.
                send.send(Ok(Event::default().comment("still here"))).await.map_err(drop)?;
            }
            () = send.closed() => return Err(()),
        }
    }
}
