//! A try that was made: what came of it, and how it gets into the record.
//!
//! This module must not send anything.

use std::collections::BTreeSet;

use seaworthy_model::{
    entry::{Entry, Stream, Via},
    event::{Event, SendOutcome},
    port::{Batch, StoreError},
    time::At,
    view::ViewChange,
};

use super::{Parcel, row};
use crate::{
    ports::{Ports, Stop},
    writing::append_patiently,
};

/// One try of one outlet.
pub(super) struct Tried {
    pub key: String,
    pub attempt: u32,
    pub kind: &'static str,
    pub outcome: SendOutcome,
    pub parcel: Parcel,
}

/// What a message's stream says so far.
#[derive(Default)]
struct Story {
    version: u64,
    tries: u32,
    /// Places in the route of the outlets that have ended. A crash may have one end twice; it counts once.
    ended: BTreeSet<String>,
    sent: bool,
    ended_at: Option<At>,
}

impl Story {
    fn of(entries: &[Entry]) -> Story {
        let mut story = Story { version: entries.last().map_or(0, |e| e.header.version), ..Story::default() };
        for entry in entries {
            match entry.event() {
                Ok(Some(Event::MessageTried { outlet, outcome, .. })) => story.tried(&outlet, &outcome),
                Ok(Some(Event::MessageEnded { .. })) => story.ended_at = Some(entry.header.at),
                _ => {}
            }
        }
        story
    }

    fn tried(&mut self, outlet: &str, outcome: &SendOutcome) {
        self.tries = self.tries.saturating_add(1);
        self.sent |= matches!(outcome, SendOutcome::Sent { .. });
        // By its place alone: its kind may be another after the site file was changed.
        if !matches!(outcome, SendOutcome::Retry { .. }) {
            self.ended.insert(outlet.rsplit(' ').next().unwrap_or(outlet).to_owned());
        }
    }
}

impl Tried {
    /// Makes it durable, waiting as long as there is no space: what was sent must not be sent again for want of a
    /// record.
    ///
    /// # Errors
    /// As the journal; `Full` and `Unreachable` only after stopping was asked for.
    pub async fn record(&self, ports: &Ports, stop: &Stop) -> Result<(), StoreError> {
        let (ids, now, parcel) = (ports.ids(), ports.clock.now(), &self.parcel);
        let (id, outlet) = (parcel.message.id, format!("{} {}", self.kind, parcel.outlet + 1));
        // Two outlets of one message may end at the same moment; the one that loses reads again.
        loop {
            let mut story = Story::of(&ports.journal.stream(&Stream::of("message", id), 0).await?);
            let version = story.version;
            story.tried(&outlet, &self.outcome);
            let mut batch = Batch::by(ports.actor, Via::Node);
            let detail = match &self.outcome {
                SendOutcome::Sent { receipt } => receipt.clone(),
                SendOutcome::Retry { reason, .. } | SendOutcome::GivenUp { reason } => reason.clone(),
            };
            match &self.outcome {
                SendOutcome::Retry { at, .. } => batch.outbox_later.push((self.key.clone(), self.attempt, *at)),
                _ => batch.outbox_done.push(self.key.clone()),
            }
            let (attempt, outcome) = (self.attempt, self.outcome.clone());
            let mut events = vec![Event::MessageTried { message: id, outlet: outlet.clone(), attempt, outcome }];
            let mut row = row(&parcel.message, &parcel.route, parcel.signal);
            (row.attempts, row.told, row.detail) = (story.tries, story.sent, detail.clone());
            row.ended_at = story.ended_at;
            if story.ended_at.is_none() && story.ended.len() >= parcel.outlets {
                row.ended_at = Some(now);
                events.push(Event::MessageEnded { message: id, told: story.sent, detail });
            }
            batch.views.push(ViewChange::Message(row));
            batch.writes.push(ids.write(Stream::of("message", id), Some(version), now, events));
            match append_patiently(ports, stop, batch).await {
                Err(StoreError::Conflict { .. }) => {}
                other => return other.map(|_| ()),
            }
        }
    }
}
