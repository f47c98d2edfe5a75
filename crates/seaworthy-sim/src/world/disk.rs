//! The journal on a disk of the simulated world: slow at times, full at times, and the place where the power goes.
//!
//! An append may be the last thing of a life: before it is durable, or after, when nobody hears of it any more.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicU64, Ordering::SeqCst},
};

use seaworthy_model::{
    checkpoint::Checkpoint,
    entry::{Entry, Stream},
    id::ActorId,
    port::{Batch, Clock as _, Fut, Journal, StoreError},
    time::{At, Span},
    tree::Frontier,
    view::OutboxRow,
};

use super::World;
use crate::{Dice, life::Pulse, mutant};

/// When the power goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Crash {
    /// What was to be written is lost.
    Before,
    /// It is durable, and who wrote it never hears of that.
    After,
}

/// The journal as one life sees it.
pub struct Disk {
    inner: Arc<dyn Journal>,
    world: World,
    pulse: Pulse,
    dice: Mutex<Dice>,
    appends: AtomicU64,
    /// At which append the power goes, counted from now.
    crash: Mutex<Option<(u64, Crash)>>,
}

impl Disk {
    pub fn new(inner: Arc<dyn Journal>, world: &World, pulse: &Pulse) -> Disk {
        let dice = Mutex::new(world.dice().apart());
        let (world, pulse) = (world.clone(), pulse.clone());
        Disk { inner, world, pulse, dice, appends: AtomicU64::new(0), crash: Mutex::default() }
    }

    /// The power goes at the `nth` append from now.
    pub fn crash_at(&self, nth: u64, crash: Crash) {
        let at = self.appends.load(SeqCst) + nth;
        *self.crash.lock().unwrap_or_else(PoisonError::into_inner) = Some((at, crash));
    }

    /// Whether the power goes now.
    fn crashes(&self, count: u64) -> Option<Crash> {
        let planned = *self.crash.lock().unwrap_or_else(PoisonError::into_inner);
        planned.filter(|(at, _)| *at <= count && !self.world.is_calm()).map(|(_, crash)| crash)
    }

    async fn linger(&self) {
        let millis = {
            let mut dice = self.dice.lock().unwrap_or_else(PoisonError::into_inner);
            match dice.below(100) {
                0 if !self.world.is_calm() => dice.between(500, 3_000),
                1..=15 => dice.between(1, 40),
                _ => 0,
            }
        };
        if millis > 0 {
            self.world.time().sleep(Span::from_millis(millis)).await;
        }
    }

    async fn write(&self, batch: Batch) -> Result<u64, StoreError> {
        self.linger().await;
        if self.pulse.is_dead() {
            return std::future::pending().await;
        }
        if self.world.disk_is_full() {
            return Err(StoreError::Full { detail: "simulated".into() });
        }
        let count = self.appends.fetch_add(1, SeqCst) + 1;
        let crash = self.crashes(count);
        if crash == Some(Crash::Before) {
            return self.die("before an append was durable").await;
        }
        let answer = match mutant::batch(&self.world, batch) {
            Some(batch) => self.inner.append(batch).await,
            None => self.inner.frontier().await.map(|tree| tree.size),
        };
        if crash == Some(Crash::After) {
            return self.die("after an append was durable, before anybody heard of it").await;
        }
        self.linger().await;
        answer
    }

    async fn die<T>(&self, when: &str) -> T {
        self.world.note(format!("the power goes {when}"));
        self.pulse.die();
        std::future::pending().await
    }
}

impl Journal for Disk {
    fn append(&self, batch: Batch) -> Fut<'_, Result<u64, StoreError>> {
        Box::pin(self.write(batch))
    }
    fn stream(&self, stream: &Stream, after: u64) -> Fut<'_, Result<Vec<Entry>, StoreError>> {
        self.inner.stream(stream, after)
    }
    fn from(&self, position: u64, limit: usize) -> Fut<'_, Result<Vec<Entry>, StoreError>> {
        self.inner.from(position, limit)
    }
    fn past(&self, position: u64) -> Fut<'_, Result<u64, StoreError>> {
        self.inner.past(position)
    }
    fn frontier(&self) -> Fut<'_, Result<Frontier, StoreError>> {
        self.inner.frontier()
    }
    fn seal(&self, checkpoint: Checkpoint, note: String) -> Fut<'_, Result<(), StoreError>> {
        if self.pulse.is_dead() {
            return Box::pin(std::future::pending());
        }
        if self.world.disk_is_full() {
            return Box::pin(std::future::ready(Err(StoreError::Full { detail: "simulated".into() })));
        }
        self.inner.seal(checkpoint, note)
    }
    fn checkpoints(&self, from: u64, limit: usize) -> Fut<'_, Result<Vec<String>, StoreError>> {
        self.inner.checkpoints(from, limit)
    }
    fn outbox(&self, now: At, limit: usize) -> Fut<'_, Result<Vec<OutboxRow>, StoreError>> {
        self.inner.outbox(now, limit)
    }
    fn outbox_next(&self) -> Fut<'_, Result<Option<At>, StoreError>> {
        self.inner.outbox_next()
    }
    fn person(&self, actor: ActorId) -> Fut<'_, Result<Option<(String, String)>, StoreError>> {
        self.inner.person(actor)
    }
    fn erase_person(&self, actor: ActorId) -> Fut<'_, Result<(), StoreError>> {
        self.inner.erase_person(actor)
    }
}
