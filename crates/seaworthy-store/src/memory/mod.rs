//! The ports in memory, for simulation and tests: the same promises, nothing on disk, nothing by chance.
//!
//! This folder must not know other adapters. Everything is ordered, so that one seed gives one history.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use seaworthy_model::{
    checkpoint::Checkpoint,
    entry::{Entry, Stream},
    id::ActorId,
    port::{Batch, Fut, Journal, StoreError, Writer},
    time::At,
    tree::Frontier,
    view::OutboxRow,
};
use tokio::sync::watch;

use crate::{
    Opened, ROWS_MAX,
    admit::{Admitted, sealable},
};

mod account;
mod archive;
mod state;
mod token;
mod view;

use state::State;

/// A store that is gone with its last clone. Cheap to clone; all clones are one store.
#[derive(Clone)]
pub struct Memory {
    writer: Writer,
    shared: Arc<Shared>,
}

struct Shared {
    /// A plain mutex: nothing is awaited while it is held.
    state: Mutex<State>,
    length: watch::Sender<u64>,
}

impl Memory {
    /// An empty store whose entries carry `writer`.
    pub fn new(writer: Writer) -> Memory {
        Memory { writer, shared: Arc::new(Shared { state: Mutex::default(), length: watch::Sender::new(0) }) }
    }

    /// The same store after a restart: what follows carries `writer`, what was there stays. As after a kill, what
    /// the old one does from now on is lost.
    pub fn reopened(&self, writer: Writer) -> Memory {
        let state = self.state().clone();
        let length = watch::Sender::new(state.tree.size);
        Memory { writer, shared: Arc::new(Shared { state: Mutex::new(state), length }) }
    }

    /// The same store for another node: both write to it, each under its own name.
    pub fn beside(&self, writer: Writer) -> Memory {
        Memory { writer, shared: self.shared.clone() }
    }

    /// Node and epoch that its entries carry.
    pub fn writer(&self) -> Writer {
        self.writer
    }

    /// Both ports of this store.
    pub fn opened(&self) -> Opened {
        Opened {
            journal: Arc::new(self.clone()),
            views: Arc::new(self.clone()),
            archive: Arc::new(self.clone()),
            accounts: Arc::new(self.clone()),
            tokens: Arc::new(self.clone()),
            writer: self.writer(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An answer that needs no waiting.
fn ready<'a, T: Send + 'a>(answer: Result<T, StoreError>) -> Fut<'a, Result<T, StoreError>> {
    Box::pin(std::future::ready(answer))
}

impl Journal for Memory {
    fn append(&self, batch: Batch) -> Fut<'_, Result<u64, StoreError>> {
        Box::pin(async move {
            let batch = Admitted::admit(batch)?;
            let length = self.state().append(self.writer, batch)?;
            self.shared.length.send_if_modified(|known| std::mem::replace(known, length) != length);
            Ok(length)
        })
    }

    fn stream(&self, stream: &Stream, after: u64) -> Fut<'_, Result<Vec<Entry>, StoreError>> {
        let state = self.state();
        let after = usize::try_from(after).unwrap_or(usize::MAX);
        let positions = state.streams.get(stream).and_then(|all| all.get(after..)).unwrap_or_default();
        ready(Ok(positions.iter().filter_map(|at| state.entries.get(*at)).cloned().collect()))
    }

    fn from(&self, position: u64, limit: usize) -> Fut<'_, Result<Vec<Entry>, StoreError>> {
        let first = usize::try_from(position).unwrap_or(usize::MAX);
        ready(Ok(self.state().entries.iter().skip(first).take(limit.min(ROWS_MAX)).cloned().collect()))
    }

    fn past(&self, position: u64) -> Fut<'_, Result<u64, StoreError>> {
        let mut length = self.shared.length.subscribe();
        Box::pin(async move {
            let closed = |_| StoreError::Unreachable { detail: "it was closed".to_owned() };
            length.wait_for(|length| *length > position).await.map(|length| *length).map_err(closed)
        })
    }

    fn frontier(&self) -> Fut<'_, Result<Frontier, StoreError>> {
        ready(Ok(self.state().tree.clone()))
    }

    fn seal(&self, checkpoint: Checkpoint, note: String) -> Fut<'_, Result<(), StoreError>> {
        Box::pin(async move {
            let mut state = self.state();
            sealable(&state.tree, &checkpoint)?;
            state.checkpoints.entry(checkpoint.size).or_insert(note);
            Ok(())
        })
    }

    fn checkpoints(&self, from: u64, limit: usize) -> Fut<'_, Result<Vec<String>, StoreError>> {
        ready(Ok(self.state().checkpoints.range(from..).take(limit.min(ROWS_MAX)).map(|(_, n)| n.clone()).collect()))
    }

    fn outbox(&self, now: At, limit: usize) -> Fut<'_, Result<Vec<OutboxRow>, StoreError>> {
        let state = self.state();
        let mut due: Vec<_> = state.outbox.values().filter(|row| row.next_at <= now).cloned().collect();
        due.sort_by(|a, b| (a.next_at, &a.key).cmp(&(b.next_at, &b.key)));
        due.truncate(limit.min(ROWS_MAX));
        ready(Ok(due))
    }

    fn outbox_next(&self) -> Fut<'_, Result<Option<At>, StoreError>> {
        ready(Ok(self.state().outbox.values().map(|row| row.next_at).min()))
    }

    fn person(&self, actor: ActorId) -> Fut<'_, Result<Option<(String, String)>, StoreError>> {
        ready(Ok(self.state().people.get(&actor).cloned()))
    }

    fn erase_person(&self, actor: ActorId) -> Fut<'_, Result<(), StoreError>> {
        Box::pin(async move {
            self.state().people.remove(&actor);
            Ok(())
        })
    }
}
