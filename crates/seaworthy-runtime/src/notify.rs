//! The notify loop: sends what is due, tries again with patience, and records every try.
//!
//! State change and notification are two records and two loops: either may crash without the other lying. What is due
//! is claimed in the journal before it is sent, so that of several nodes one sends it, and nothing is sent while the
//! journal cannot say so. This module must not decide whether there is something to tell (core does).

mod tried;
mod turn;

use seaworthy_model::{
    entry::{Stream, Via},
    event::{Event, SendOutcome},
    id::{RunId, SignalId},
    port::{Address, Batch, Message, SendError, StoreError},
    site::{Outlet, SecretPlace, Site},
    time::{At, Span},
    view::{MessageRow, OutboxRow, ViewChange},
};
use serde::{Deserialize, Serialize};
use tokio::task::JoinSet;
use tracing::{error, info, warn};

use self::tried::Tried;
use crate::ports::{Ports, Stop};

/// Longest sleep; due rows and nudges end it sooner.
const SLEEP_MAX: Span = Span::seconds(15);
/// Wait after trouble with the journal.
const TROUBLE_WAIT: Span = Span::seconds(1);
/// Rows sent in one activation.
const BATCH: usize = 16;
/// Rows that are looked through for those of one run.
const LOOK_MAX: usize = 1_000;
/// Claims that others may spoil before an activation leaves the rest to them.
const CLAIM_TRIES: usize = 8;
/// Limit of one try.
const SEND_TIMEOUT: Span = Span::seconds(20);
/// Limit of one try with all around it, such as fetching a secret; then it is given up as failed.
const TRY_MAX: Span = Span::seconds(25);
/// A claim holds for this long: a try and time to record it. After a crash the message goes out again then.
const CLAIM: Span = Span::seconds(40);
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
    let mut sender = Sender::new(ports.clone(), stop.clone());
    while !stop.is_asked() {
        let sleep = match sender.activate().await {
            Ok(BATCH) => continue,
            Ok(_) => {
                let next = ports.journal.outbox_next().await.ok().flatten();
                // At least a moment, so that a row that cannot be claimed cannot spin.
                next.map_or(SLEEP_MAX, |at| at.since(ports.clock.now())).min(SLEEP_MAX).max(Span::from_millis(50))
            }
            Err(trouble) => {
                error!("messages could not be sent or recorded: {trouble}");
                TROUBLE_WAIT
            }
        };
        tokio::select! {
            biased;
            () = stop.asked() => {}
            () = ports.nudges.notify.notified() => {}
            () = ports.clock.sleep(sleep) => {}
        }
    }
}

/// Sends what is due, activation by activation.
pub struct Sender {
    ports: Ports,
    stop: Stop,
    /// Only messages about this run.
    only: Option<RunId>,
    /// What was tried and could not be recorded: nothing else is sent before it is.
    owed: Vec<Tried>,
    /// The clock on the wall when it was looked at last.
    last: Option<At>,
}

impl Sender {
    /// Of all messages. A send that is cut short by `stop` stays due and goes out again with the same id.
    pub fn new(ports: Ports, stop: Stop) -> Self {
        Self { ports, stop, only: None, owed: Vec::new(), last: None }
    }

    /// Of the messages about one run; all others are another node's.
    pub fn of_run(ports: Ports, stop: Stop, run: RunId) -> Self {
        Self { only: Some(run), ..Self::new(ports, stop) }
    }

    /// Sends what is due now; returns how many rows were tried. Rows of one activation go out at the same time, so
    /// that one hanging outlet does not hold up the others.
    ///
    /// # Errors
    /// When the journal cannot be read or written. What was sent by then is remembered and recorded the next time.
    pub async fn activate(&mut self) -> Result<usize, StoreError> {
        while let Some(tried) = self.owed.pop() {
            if let Err(trouble) = tried.record(&self.ports, &self.stop).await {
                self.owed.push(tried);
                return Err(trouble);
            }
        }
        self.turn().await?;
        let claimed = self.claim().await?;
        let count = claimed.len();
        let mut sends = JoinSet::new();
        for (row, parcel) in claimed {
            let (ports, stop) = (self.ports.clone(), self.stop.clone());
            sends.spawn(async move {
                let Some(tried) = one(&ports, &stop, row, parcel).await? else { return Ok(()) };
                tried.record(&ports, &stop).await.map_err(|trouble| (Some(tried), trouble))
            });
        }
        let mut first = None;
        while let Some(done) = sends.join_next().await {
            match done {
                Ok(Ok(())) => {}
                Ok(Err((tried, trouble))) => {
                    self.owed.extend(tried);
                    first.get_or_insert(trouble);
                }
                Err(panic) => error!("a message could not be sent: {panic}"),
            }
        }
        first.map_or(Ok(count), Err)
    }

    /// Takes rows that are due, all with one write, so that nobody else sends them.
    async fn claim(&self) -> Result<Vec<(OutboxRow, Parcel)>, StoreError> {
        let limit = if self.only.is_some() { LOOK_MAX } else { BATCH };
        for _ in 0..CLAIM_TRIES {
            let now = self.ports.clock.now();
            let mut batch = Batch::by(self.ports.actor, Via::Node);
            let mut claimed = Vec::new();
            for row in self.ports.journal.outbox(now, limit).await? {
                match serde_json::from_str::<Parcel>(&row.payload) {
                    Ok(parcel) if self.only.is_none_or(|run| parcel.message.run == Some(run)) => {
                        batch.outbox_claim.push((row.key.clone(), row.attempts.saturating_add(1), now + CLAIM));
                        claimed.push((row, parcel));
                    }
                    Ok(_) => {}
                    Err(trouble) => {
                        error!(key = row.key, "an outbox row cannot be read and is dropped: {trouble}");
                        batch.outbox_done.push(row.key);
                    }
                }
                if claimed.len() == BATCH {
                    break;
                }
            }
            if batch.outbox_claim.is_empty() && batch.outbox_done.is_empty() {
                return Ok(claimed);
            }
            match self.ports.journal.append(batch).await {
                // Another has taken one of them: what it left is read again.
                Err(StoreError::Refused { .. }) => {}
                Err(other) => return Err(other),
                Ok(_) => return Ok(claimed),
            }
        }
        Ok(Vec::new())
    }
}

/// Tries one row that is claimed. `None`: stopping came first, and the claim is given back.
async fn one(
    ports: &Ports,
    stop: &Stop,
    row: OutboxRow,
    parcel: Parcel,
) -> Result<Option<Tried>, (Option<Tried>, StoreError)> {
    let result = tokio::select! {
        biased;
        result = send(ports, &parcel) => result,
        () = ports.clock.sleep(TRY_MAX) => {
            Err(("route", SendError { retry: true, reason: format!("it took longer than {TRY_MAX}") }))
        }
        () = stop.asked() => {
            let mut batch = Batch::by(ports.actor, Via::Node);
            batch.outbox_later.push((row.key, row.attempts, row.next_at));
            return ports.journal.append(batch).await.map(|_| None).map_err(|trouble| (None, trouble));
        }
    };
    let (now, id) = (ports.clock.now(), parcel.message.id);
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
    Ok(Some(Tried { key: row.key, attempt: row.attempts.saturating_add(1), kind, outcome, parcel }))
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
