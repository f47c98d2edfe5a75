//! What the memory holds, and how a batch changes it: all is checked first, then nothing can fail.
//!
//! This module must not know futures or locks.

use std::collections::{BTreeMap, BTreeSet};

use seaworthy_model::{
    account::{Account, Link, Session},
    entry::{Entry, Stream},
    id::{ActorId, MessageId, RunId, SignalId, TokenId},
    port::{StoreError, Writer},
    time::At,
    token::TokenRow,
    tree::{Frontier, Hash},
    view::{EndedRun, LiveRun, MessageRow, OutboxRow, ScheduleRow, SignalRow, SkippedRow, ViewChange},
};

use crate::{
    admit::{Admitted, borne_out, droppable, ended_twice, not_ended, taken},
    claim::Past,
};

/// A request that may come again.
#[derive(Clone)]
pub(super) struct Asked {
    pub at: At,
    /// Hash of the request.
    pub digest: String,
    /// Status and body.
    pub answer: Option<(u16, String)>,
}

/// One store's content.
#[derive(Default, Clone)]
pub(super) struct State {
    pub entries: Vec<Entry>,
    pub tree: Frontier,
    /// Places in `entries`, one per version.
    pub streams: BTreeMap<Stream, Vec<usize>>,
    pub occurrences: BTreeSet<(String, At)>,
    pub checkpoints: BTreeMap<u64, String>,
    pub outbox: BTreeMap<String, OutboxRow>,
    /// Name and salt.
    pub people: BTreeMap<ActorId, (String, String)>,
    pub accounts: BTreeMap<ActorId, Account>,
    pub sessions: BTreeMap<Hash, Session>,
    pub links: BTreeMap<Hash, Link>,
    pub live: BTreeMap<RunId, LiveRun>,
    /// By their place in the order in which they ended.
    pub ended: BTreeMap<u64, EndedRun>,
    pub places: BTreeMap<RunId, u64>,
    pub schedules: BTreeMap<String, ScheduleRow>,
    pub skipped: BTreeMap<(At, String), SkippedRow>,
    pub signals: BTreeMap<SignalId, SignalRow>,
    pub messages: BTreeMap<MessageId, MessageRow>,
    pub tokens: BTreeMap<TokenId, TokenRow>,
    /// By key.
    pub answered: BTreeMap<String, Asked>,
}

impl State {
    /// All of the batch or nothing.
    pub(super) fn append(&mut self, writer: Writer, batch: Admitted) -> Result<u64, StoreError> {
        self.check(&batch)?;
        let door = self.door(&batch)?;
        for position in &batch.drop_bodies {
            if let Some(entry) = usize::try_from(*position).ok().and_then(|at| self.entries.get_mut(at)) {
                entry.body = None;
            }
        }
        self.enter(writer, &batch);
        self.occurrences.extend(batch.occurrences);
        for change in batch.views {
            self.view(change);
        }
        for (key, attempts, next_at) in batch.outbox_claim {
            if let Some(row) = self.outbox.get_mut(&key) {
                (row.attempts, row.next_at) = (attempts, next_at);
            }
        }
        for row in batch.outbox_add {
            self.outbox.entry(row.key.clone()).or_insert(row);
        }
        for (key, attempts, next_at) in batch.outbox_later {
            if let Some(row) = self.outbox.get_mut(&key) {
                (row.attempts, row.next_at) = (attempts, next_at);
            }
        }
        for key in batch.outbox_done {
            self.outbox.remove(&key);
        }
        for (actor, salt, name) in batch.people {
            self.people.insert(actor, (name, salt));
        }
        (self.accounts, self.sessions, self.links) = door;
        Ok(self.tree.size)
    }

    fn check(&self, batch: &Admitted) -> Result<(), StoreError> {
        for position in &batch.drop_bodies {
            droppable(*position, self.tree.size)?;
        }
        let mut heads: BTreeMap<&Stream, u64> = BTreeMap::new();
        for write in &batch.writes {
            let head = heads.entry(&write.stream).or_insert_with(|| self.head(&write.stream));
            if let Some(expected) = write.expected
                && expected != *head
            {
                return Err(StoreError::Conflict { stream: write.stream.to_string(), expected, found: *head });
            }
            *head += write.entries.len() as u64;
        }
        self.claims(batch)?;
        let mut new = BTreeSet::new();
        for occurrence in &batch.occurrences {
            if self.occurrences.contains(occurrence) || !new.insert(occurrence) {
                let (process, nominal) = occurrence.clone();
                return Err(StoreError::Duplicate { process, nominal });
            }
        }
        let mut new = BTreeSet::new();
        for change in &batch.views {
            if let ViewChange::RunEnded(row) = change
                && (self.places.contains_key(&row.run) || !new.insert(row.run))
            {
                return Err(ended_twice(row.run));
            }
            if let ViewChange::RunResumed(row) = change
                && !self.places.contains_key(&row.run)
            {
                return Err(not_ended(row.run));
            }
        }
        self.check_claims(batch)
    }

    fn check_claims(&self, batch: &Admitted) -> Result<(), StoreError> {
        let mut claimed: BTreeMap<&str, u32> = BTreeMap::new();
        for (key, attempts, _) in &batch.outbox_claim {
            let known = claimed.get(key.as_str()).copied().or_else(|| self.outbox.get(key).map(|row| row.attempts));
            if known.is_none() || known != attempts.checked_sub(1) {
                return Err(taken(key));
            }
            claimed.insert(key, *attempts);
        }
        Ok(())
    }

    /// What entries claim rests on those before them, in this batch or on record.
    fn claims(&self, batch: &Admitted) -> Result<(), StoreError> {
        for (at, write) in batch.writes.iter().enumerate() {
            let claims = write.entries.iter().enumerate().filter_map(|(n, sealed)| Some((n, sealed.claim.as_ref()?)));
            for (n, claim) in claims {
                let elsewhere = claim.elsewhere();
                let stream = elsewhere.as_ref().unwrap_or(&write.stream);
                let earlier = batch.writes[..at].iter().rev().filter(|other| other.stream == *stream);
                let n = if *stream == write.stream { n } else { 0 };
                let new = write.entries[..n].iter().rev().chain(earlier.flat_map(|other| other.entries.iter().rev()));
                let actor = batch.actor;
                let new = new.map(|sealed| {
                    let (kind, body) = (sealed.kind.clone(), Some(sealed.body.clone()));
                    Past { kind, v: sealed.v, body, actor }
                });
                let old = self.streams.get(stream).into_iter().flatten().rev();
                let old = old.filter_map(|at| self.entries.get(*at));
                let old = old.map(|entry| {
                    let (kind, body) = (entry.header.kind.clone(), entry.body.clone());
                    Past { kind, v: entry.header.v, body, actor: entry.header.actor }
                });
                let mut before = new.chain(old);
                borne_out(claim, &write.stream, || Ok(before.next()))?;
            }
        }
        Ok(())
    }

    fn head(&self, stream: &Stream) -> u64 {
        self.streams.get(stream).map_or(0, |all| all.len() as u64)
    }

    fn enter(&mut self, writer: Writer, batch: &Admitted) {
        for write in &batch.writes {
            for sealed in &write.entries {
                let header = batch.header(sealed, &write.stream, self.head(&write.stream) + 1, writer);
                self.streams.entry(write.stream.clone()).or_default().push(self.entries.len());
                let position = self.tree.size;
                self.tree.push(header.leaf());
                self.entries.push(Entry { position, header, body: Some(sealed.body.clone()) });
            }
        }
    }

    fn view(&mut self, change: ViewChange) {
        match change {
            ViewChange::RunLive(row) => drop(self.live.insert(row.run, row)),
            ViewChange::RunEnded(row) => {
                self.live.remove(&row.run);
                let place = self.ended.last_key_value().map_or(0, |(last, _)| *last) + 1;
                self.places.insert(row.run, place);
                self.ended.insert(place, *row);
            }
            ViewChange::RunResumed(row) => {
                if let Some(place) = self.places.remove(&row.run) {
                    self.ended.remove(&place);
                }
                self.live.insert(row.run, row);
            }
            ViewChange::Schedule(row) => drop(self.schedules.insert(row.process.clone(), row)),
            ViewChange::Skipped(row) => drop(self.skipped.insert((row.nominal, row.process.clone()), row)),
            ViewChange::Signal(row) => drop(self.signals.insert(row.signal, row)),
            ViewChange::Message(row) => drop(self.messages.insert(row.message, row)),
            ViewChange::Token(row) => {
                let used_at = self.tokens.get(&row.token).and_then(|known| known.used_at);
                self.tokens.insert(row.token, TokenRow { used_at, ..row });
            }
        }
    }
}
