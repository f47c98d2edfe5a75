//! The part of driving a run that takes its named locks: all at once, before it acts, or it waits in line.
//!
//! The lock's stream in the journal is the truth, whoever asks: a server or a verb. This module must not decide who
//! is first (core does).

use std::collections::BTreeSet;

use seaworthy_core::{
    lock::{Book, Claim},
    run::live,
    schedule::utc,
};
use seaworthy_model::{
    entry::{Stream, Via},
    event::Event,
    id::RunId,
    port::{Batch, StoreError, Write},
    time::{At, Span},
    view::ViewChange,
};
use tracing::info;

use super::{
    Runs,
    drive::{Drive, read},
};

/// How long a run waits for its locks unless its process says otherwise.
pub const LOCK_WAIT: Span = Span::seconds(6 * 3600);
/// A node that died gives its runs' places back after this long, unless another one takes its runs up. A run of it with
/// an attempt that nobody saw end keeps its locks, since its command may have outlived the node: whoever waits for them
/// takes the run up.
const DEAD_AFTER: Span = Span::seconds(30);
/// Longest time between two looks; the end of a run of this node wakes earlier.
const LOOK_EVERY: Span = Span::seconds(1);

impl Runs {
    /// What is known of a lock now.
    async fn book(&self, lock: &str) -> Result<Book, StoreError> {
        let known = self.books.lock().await.get(lock).cloned();
        let mut book = known.unwrap_or_default();
        for entry in self.ports.journal.stream(&Stream::of("lock", lock), book.version).await? {
            if let Ok(Some(event)) = entry.event() {
                book.apply(entry.header.version, entry.header.at, entry.header.epoch, &event);
            }
        }
        Ok(book)
    }

    /// Who of these has ended, or died for long enough and surely acts no more, is not there. With it the runs of the dead
    /// that may still act.
    async fn there(&self) -> Result<(impl Fn(&Claim) -> bool + use<>, BTreeSet<RunId>), StoreError> {
        let live: BTreeSet<RunId> = self.ports.views.live_runs().await?.into_iter().map(|row| row.run).collect();
        // Looked at after the rows: who has died since is still taken for alive.
        let mut living = (self.ports.living)().map_err(|detail| StoreError::Unreachable { detail })?;
        living.insert(self.ports.writer.epoch);
        let now = self.ports.clock.elapsed();
        let mut dead = self.dead.lock().await;
        dead.retain(|epoch, _| !living.contains(epoch));
        let books: Vec<Book> = self.books.lock().await.values().cloned().collect();
        let mut gone = BTreeSet::new();
        for claim in books.iter().flat_map(|book| book.holder.iter().chain(&book.waiting)) {
            if !living.contains(&claim.epoch) {
                let since = *dead.entry(claim.epoch).or_insert(now);
                if now.0.saturating_sub(since.0) >= DEAD_AFTER.0 {
                    gone.insert(claim.epoch);
                }
            }
        }
        let mut acting = BTreeSet::new();
        for held in books.iter().filter_map(|book| book.holder.as_ref()) {
            let left = live.contains(&held.run) && gone.contains(&held.epoch);
            if left && read(self, held.run).await?.0.running().next().is_some() {
                acting.insert(held.run);
            }
        }
        let left = acting.clone();
        let there = move |claim: &Claim| {
            live.contains(&claim.run) && (!gone.contains(&claim.epoch) || acting.contains(&claim.run))
        };
        Ok((there, left))
    }
}

impl Drive<'_> {
    /// Whether the run holds its locks and may act. If not, it has waited a while, or something else is to be done.
    pub(super) async fn locked(&mut self) -> Result<bool, StoreError> {
        if self.locked || self.process.locks.is_empty() {
            return Ok(true);
        }
        if !self.commit_alone().await? {
            return Ok(false);
        }
        let Some(before) = self.take_locks().await? else { return Ok(self.locked) };
        let now = self.runs.ports.clock.now();
        let wait = self.process.lock_wait.unwrap_or(LOCK_WAIT);
        let until = self.state.awaits.as_ref().map_or(now + wait, |awaits| awaits.until);
        let (lock, claim) = before;
        if self.state.is_called_off() {
            // What is left is to clean up, and that waits for its turn however long it takes.
            self.line(now + LOOK_EVERY).await?;
            return Ok(false);
        }
        if now >= until {
            let reason = format!(
                "waited {wait} for the lock `{lock}`, which {} of `{}` has had since {}; see why it takes so long, or set `lock_wait`",
                claim.run,
                claim.process,
                utc(claim.since)
            );
            self.note(Event::CancelRequested { reason });
            return Ok(false);
        }
        if self.state.awaits.as_ref().is_none_or(|awaits| awaits.holder != claim.run || awaits.lock != lock) {
            info!(run = %self.run, "waiting for the lock `{lock}`, held by {} of `{}`", claim.run, claim.process);
            self.note(Event::LockAwaited {
                lock,
                holder: claim.run,
                process: claim.process,
                since: claim.since,
                until,
            });
            self.commit().await?;
        }
        self.line(until).await?;
        Ok(false)
    }

    /// Stands in line for a while.
    async fn line(&mut self, until: At) -> Result<(), StoreError> {
        let clock = self.runs.ports.clock.clone();
        let (nudge, now) = (self.nudge.clone(), clock.now());
        tokio::select! {
            biased;
            () = self.runs.stop.asked() => {}
            () = nudge.notified() => self.read_again().await?,
            () = self.runs.idle.notified() => {}
            () = clock.sleep(until.since(now).min(LOOK_EVERY)) => {}
        }
        Ok(())
    }

    /// Takes all locks at once if nobody is before this run at any of them; else asks for them all, so that its place
    /// in line is the same everywhere, and says who is before it.
    pub(super) async fn take_locks(&mut self) -> Result<Option<(String, Claim)>, StoreError> {
        let ports = self.runs.ports.clone();
        let (locks, run, epoch) = (self.process.locks.clone(), self.run, ports.writer.epoch);
        let mut books = Vec::with_capacity(locks.len());
        for lock in &locks {
            let book = self.runs.book(lock).await?;
            self.runs.books.lock().await.insert(lock.clone(), book.clone());
            books.push((lock.clone(), book));
        }
        let (there, left) = self.runs.there().await?;
        for (lock, book) in &mut books {
            book.forget(&there);
            self.runs.books.lock().await.insert(lock.clone(), book.clone());
        }
        let before = books.iter().find_map(|(lock, book)| Some((lock.clone(), book.before(run, &there)?.clone())));
        // Where there is no server nobody else would ever see the end of what it acts.
        before
            .iter()
            .filter(|(_, claim)| left.contains(&claim.run))
            .for_each(|(_, claim)| self.runs.take_up(claim.run));
        let asked = books.iter().all(|(_, book)| book.asked(run, epoch));
        if before.is_some() && asked {
            return Ok(before);
        }
        let (now, ids, process) = (ports.clock.now(), ports.ids(), self.plan.process.clone());
        let mut batch = Batch::by(ports.actor, Via::Node);
        for (lock, book) in &books {
            let process = process.clone();
            let event =
                if before.is_some() { Event::LockWanted { run, process } } else { Event::LockTaken { run, process } };
            batch.writes.push(ids.write(Stream::of("lock", lock), Some(book.version), now, [event]));
        }
        if before.is_none() {
            let taken = Event::LocksTaken { locks: locks.clone() };
            let mut state = self.state.clone();
            state.apply(now, &taken);
            let drafts = vec![ids.draft(now, taken)];
            batch.writes.push(Write { stream: Stream::run(run), expected: Some(self.version), drafts });
            batch.views.extend(live(run, &state).map(ViewChange::RunLive));
            match ports.journal.append(batch).await {
                Ok(_) => (self.state, self.version, self.locked) = (state, self.version + 1, true),
                // Somebody else was first, here or at a lock: look again.
                Err(StoreError::Conflict { .. }) => self.read_again().await?,
                Err(other) => return Err(other),
            }
            return Ok(None);
        }
        match ports.journal.append(batch).await {
            Ok(_) | Err(StoreError::Conflict { .. }) => Ok(before),
            Err(other) => Err(other),
        }
    }
}
