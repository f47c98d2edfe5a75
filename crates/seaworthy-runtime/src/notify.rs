//! The notify loop: sends what is due, tries again with patience, and records every try.
//!
//! State change and notification are two records and two loops: either may crash without the other lying.
//! This module must not decide whether there is something to tell (core does).

use seaworthy_model::{
    entry::{Stream, Via},
    event::{Event, SendOutcome},
    id::SignalId,
    port::{Address, Batch, Message, SendError, StoreError},
    site::{Outlet, SecretPlace, Site},
    time::Span,
    view::{MessageRow, OutboxRow, ViewChange},
};
use serde::{Deserialize, Serialize};
use tracing::{error, info, warn};

use crate::ports::{Ports, Stop};

/// Longest sleep; due rows and nudges end it sooner.
const SLEEP_MAX: Span = Span::seconds(15);
/// Rows sent in one activation.
const BATCH: usize = 16;
/// Limit of one try.
const SEND_TIMEOUT: Span = Span::seconds(20);
/// Waits between tries of one outlet; after the last it is given up and shown as such.
const WAITS: [Span; 9] = [
    Span::seconds(5),
    Span::seconds(15),
    Span::seconds(60),
    Span::seconds(300),
    Span::seconds(900),
    Span::seconds(3600),
    Span::seconds(4 * 3600),
    Span::seconds(12 * 3600),
    Span::seconds(24 * 3600),
];

/// What an outbox row of kind `tell` carries.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Parcel {
    route: String,
    /// Index in the route's outlets when it was queued.
    outlet: usize,
    /// Outlets of the same message that are still to be tried, this one included, when it was queued.
    outlets: usize,
    message: Message,
    signal: Option<SignalId>,
}

/// Adds a message to a batch: the record that it is due, its row, and one outbox row per outlet.
/// A route that is not there is recorded as not told at once: silence must be visible.
pub fn queue(ports: &Ports, site: &Site, batch: &mut Batch, route: String, message: Message, signal: Option<SignalId>) {
    let (ids, now) = (ports.ids(), ports.clock.now());
    let outlets = site.routes.get(&route).map_or(0, |r| r.outlets.len());
    let mut events = vec![Event::MessageDue {
        message: message.id,
        route: route.clone(),
        occasion: message.occasion,
        process: message.process.clone(),
        run: message.run,
        signal,
    }];
    let mut row = row(&message, &route, signal);
    if outlets == 0 {
        let detail = format!("there is no route `{route}` in the site file");
        row.ended_at = Some(now);
        row.detail = detail.clone();
        events.push(Event::MessageEnded { message: message.id, told: false, detail });
    }
    for outlet in 0..outlets {
        let parcel = Parcel { route: route.clone(), outlet, outlets, message: message.clone(), signal };
        let payload = serde_json::to_string(&parcel).expect("a parcel has only string keys");
        let key = format!("{}/{outlet}", message.id);
        batch.outbox_add.push(OutboxRow { key, kind: "tell".into(), payload, attempts: 0, next_at: now });
    }
    batch.writes.push(ids.write(Stream::of("message", message.id), Some(0), now, events));
    batch.views.push(ViewChange::Message(row));
}

fn row(message: &Message, route: &str, signal: Option<SignalId>) -> MessageRow {
    MessageRow {
        message: message.id,
        route: route.to_owned(),
        occasion: message.occasion,
        process: message.process.clone(),
        run: message.run,
        signal,
        due_at: message.at,
        ended_at: None,
        told: false,
        attempts: 0,
        detail: String::new(),
    }
}

/// Runs until stopping is asked for.
pub async fn run(ports: Ports, stop: Stop) {
    while !stop.is_asked() {
        let activated = tokio::select! {
            activated = activate(&ports) => activated,
            // A send that is cut short stays due and goes out again with the same id.
            () = stop.asked() => return,
        };
        match activated {
            Ok(n) if n == BATCH => continue,
            Ok(_) => {}
            Err(trouble) => error!("messages could not be looked at: {trouble}"),
        }
        let next = ports.journal.outbox_next().await.ok().flatten();
        let sleep = next.map_or(SLEEP_MAX, |at| at.since(ports.clock.now())).min(SLEEP_MAX);
        tokio::select! {
            // At least a moment, so that trouble with the journal cannot spin.
            () = ports.clock.sleep(sleep.max(Span::from_millis(50))) => {}
            () = ports.nudges.notify.notified() => {}
            () = stop.asked() => {}
        }
    }
}

/// Sends what is due now; returns how many rows were tried. Rows of one activation go out at the same time, so
/// that one hanging outlet does not hold up the others.
///
/// # Errors
/// When the journal cannot be read or written.
pub async fn activate(ports: &Ports) -> Result<usize, StoreError> {
    let due = ports.journal.outbox(ports.clock.now(), BATCH).await?;
    let mut sends = tokio::task::JoinSet::new();
    let count = due.len();
    for row in due {
        let ports = ports.clone();
        sends.spawn(async move { one(&ports, row).await });
    }
    while let Some(done) = sends.join_next().await {
        match done {
            Ok(result) => result?,
            Err(panic) => error!("a message could not be sent: {panic}"),
        }
    }
    Ok(count)
}

async fn one(ports: &Ports, row: OutboxRow) -> Result<(), StoreError> {
    let mut batch = Batch::by(ports.actor, Via::Node);
    let parcel: Parcel = match serde_json::from_str(&row.payload) {
        Ok(parcel) => parcel,
        Err(trouble) => {
            error!(key = row.key, "an outbox row cannot be read and is dropped: {trouble}");
            batch.outbox_done.push(row.key);
            return ports.journal.append(batch).await.map(|_| ());
        }
    };
    let attempt = row.attempts + 1;
    let result = send(ports, &parcel).await;
    let now = ports.clock.now();
    let id = parcel.message.id;
    let (kind, outcome) = match result {
        Ok((kind, receipt)) => {
            info!(message = %id, route = parcel.route, "told `{}` about `{}` by {kind}", parcel.route, parcel.message.process);
            (kind, SendOutcome::Sent { receipt })
        }
        Err((kind, error)) => match WAITS.get(row.attempts as usize).filter(|_| error.retry) {
            Some(wait) => {
                warn!(message = %id, "`{}` could not be told by {kind}, next try in {wait}: {}", parcel.route, error.reason);
                (kind, SendOutcome::Retry { reason: error.reason, at: now + *wait })
            }
            None => {
                error!(message = %id, "`{}` was not told by {kind}: {}", parcel.route, error.reason);
                (kind, SendOutcome::GivenUp { reason: error.reason })
            }
        },
    };
    record(ports, batch, row.key, &parcel, attempt, kind, outcome).await
}

async fn record(
    ports: &Ports,
    mut batch: Batch,
    key: String,
    parcel: &Parcel,
    attempt: u32,
    kind: &str,
    outcome: SendOutcome,
) -> Result<(), StoreError> {
    let (ids, now, id) = (ports.ids(), ports.clock.now(), parcel.message.id);
    let outlet = format!("{kind} {}", parcel.outlet + 1);
    // Two outlets of one message may end at the same moment; the one that loses reads again.
    loop {
        let entries = ports.journal.stream(&Stream::of("message", id), 0).await?;
        let events: Vec<Event> = entries.iter().filter_map(|e| e.event().ok().flatten()).collect();
        let version = entries.last().map_or(0, |e| e.header.version);
        let (mut tries, mut ended, mut sent) = (0u32, 0usize, false);
        for event in &events {
            if let Event::MessageTried { outcome, .. } = event {
                tries += 1;
                ended += usize::from(!matches!(outcome, SendOutcome::Retry { .. }));
                sent |= matches!(outcome, SendOutcome::Sent { .. });
            }
        }
        let final_now = !matches!(outcome, SendOutcome::Retry { .. });
        sent |= matches!(outcome, SendOutcome::Sent { .. });
        let detail = match &outcome {
            SendOutcome::Sent { receipt } => receipt.clone(),
            SendOutcome::Retry { reason, .. } | SendOutcome::GivenUp { reason } => reason.clone(),
        };
        let mut written = batch.clone();
        match &outcome {
            SendOutcome::Retry { at, .. } => written.outbox_later.push((key.clone(), attempt, *at)),
            _ => written.outbox_done.push(key.clone()),
        }
        let mut new =
            vec![Event::MessageTried { message: id, outlet: outlet.clone(), attempt, outcome: outcome.clone() }];
        let mut row = row(&parcel.message, &parcel.route, parcel.signal);
        (row.attempts, row.told, row.detail) = (tries + 1, sent, detail.clone());
        if final_now && ended + 1 >= parcel.outlets {
            row.ended_at = Some(now);
            new.push(Event::MessageEnded { message: id, told: sent, detail });
        }
        written.views.push(ViewChange::Message(row));
        written.writes.push(ids.write(Stream::of("message", id), Some(version), now, new));
        match ports.journal.append(written).await {
            Err(StoreError::Conflict { .. }) => batch = Batch::by(ports.actor, Via::Node),
            other => return other.map(|_| ()),
        }
    }
}

async fn send(ports: &Ports, parcel: &Parcel) -> Result<(&'static str, String), (&'static str, SendError)> {
    let loaded = ports.definitions.current();
    let gone = |reason: String| ("route", SendError { retry: false, reason });
    let route = loaded
        .site
        .routes
        .get(&parcel.route)
        .ok_or_else(|| gone(format!("the route `{}` is gone from the site file", parcel.route)))?;
    let outlet = route
        .outlets
        .get(parcel.outlet)
        .ok_or_else(|| gone(format!("the route `{}` has fewer outlets now", parcel.route)))?;
    let kind = outlet.kind();
    let notifier = ports.notifiers.iter().find(|n| n.kind() == kind);
    let notifier = notifier.ok_or_else(|| gone(format!("nothing here can send by {kind}")))?;
    let name = match outlet {
        Outlet::Webhook { secret, .. } => secret.clone(),
        Outlet::Smtp { .. } => loaded.site.smtp.as_ref().and_then(|s| s.password.clone()),
        Outlet::Command { .. } => None,
    };
    let mut secrets = Vec::new();
    if let Some(name) = name {
        let place = loaded.site.secrets.get(&name).cloned().unwrap_or_else(|| SecretPlace::Env(name.clone()));
        let found = ports.secrets.get(&name, &place, &loaded.folder).await;
        secrets.push(found.map_err(|reason| (kind, SendError { retry: true, reason }))?);
    }
    let smtp = loaded.site.smtp.clone();
    let address =
        Address { outlet: outlet.clone(), smtp, secrets, folder: loaded.folder.clone(), timeout: SEND_TIMEOUT };
    match notifier.send(&address, &parcel.message).await {
        Ok(receipt) => Ok((kind, receipt)),
        Err(error) => Err((kind, error)),
    }
}
