//! The run loop: takes runs up, asks core what comes next, carries it out, and appends what came of it.
//!
//! Fresh start, crash and take-over are one path: fold the stream, ask `next`. This module must not decide.

mod acting;
mod child;
mod drive;
mod locks;
mod looking;
mod surroundings;
mod under;

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use seaworthy_core::{lock::Book, run::State};
use seaworthy_model::{entry::Stream, id::RunId, port::StoreError, process::Process, time::Span, view::LiveRun};
use tokio::sync::{Notify, RwLock, Semaphore};
use tracing::{error, info, warn};

pub(crate) use drive::read;

use crate::{
    ports::{Ports, Stop},
    requests::Fresh,
};

/// Commands of one node that may be under way at the same time; more wait, and are not begun on record. The keeper holds
/// 4,096 and opens three files for each. What an earlier life left is taken up whatever their number.
pub const ACTING_MAX: usize = 256;
/// Looks of one node at the same time: each may hold a thread and some of the journal's readers.
pub const LOOKING_MAX: usize = 64;

/// Old definitions that are remembered; one that was forgotten is read from the journal again.
const OLD_MAX: usize = 64;

/// The runs that this node drives.
pub struct Runs {
    ports: Ports,
    stop: Stop,
    acting: Arc<Semaphore>,
    looking: Arc<Semaphore>,
    driven: Mutex<BTreeMap<RunId, Arc<Notify>>>,
    /// Definitions by digest that are no longer the current ones, [`OLD_MAX`] at most.
    old: Mutex<BTreeMap<String, Arc<Process>>>,
    idle: Notify,
    /// Of the driven ones: those that only wait for a word from outside.
    waiting: AtomicUsize,
    /// Held for writing by who pauses, for reading by the schedule loop, so that no row is written over.
    pub(crate) rows: RwLock<()>,
    /// What was last known of each lock that a run here wanted. Forgetting it costs a read.
    books: tokio::sync::Mutex<BTreeMap<String, Book>>,
    /// Nodes that hold a lock and are dead, and since when on the clock that never steps.
    dead: tokio::sync::Mutex<BTreeMap<u64, Span>>,
}

impl Runs {
    pub fn new(ports: Ports, stop: Stop) -> Arc<Self> {
        Arc::new(Self {
            ports,
            stop,
            acting: Arc::new(Semaphore::new(ACTING_MAX)),
            looking: Arc::new(Semaphore::new(LOOKING_MAX)),
            driven: Mutex::default(),
            old: Mutex::default(),
            idle: Notify::new(),
            waiting: AtomicUsize::new(0),
            rows: RwLock::new(()),
            books: Default::default(),
            dead: Default::default(),
        })
    }

    /// Drives a run to its end in the background. Calling it twice for one run is harmless.
    pub fn take_up(self: &Arc<Self>, run: RunId) {
        self.drive(run, None);
    }

    /// As [`Runs::take_up`], for a run whose request has just become durable: nothing needs to be read back. Should
    /// anyone have written to it since, the first append notices by the version and reads again.
    pub fn begin(self: &Arc<Self>, fresh: Fresh) {
        self.drive(fresh.run, Some(fresh.state));
    }

    fn drive(self: &Arc<Self>, run: RunId, known: Option<State>) {
        let nudge = Arc::new(Notify::new());
        {
            let mut driven = self.driven.lock().unwrap_or_else(PoisonError::into_inner);
            if driven.contains_key(&run) {
                return;
            }
            driven.insert(run, nudge.clone());
        }
        let runs = self.clone();
        tokio::spawn(async move {
            let _driven = Driven { runs: &runs, run };
            if let Err(trouble) = drive::drive(&runs, run, nudge, known).await {
                error!(%run, "the run is left as it is: {trouble}");
            }
        });
    }

    /// Takes up what [`Runs::left`] found.
    pub fn adopt(self: &Arc<Self>, left: Vec<LiveRun>) {
        for row in left {
            info!(run = %row.run, process = row.process, "taking up `{}` of `{}`, left while {}", row.run, row.process, row.doing);
            self.take_up(row.run);
        }
    }

    /// Live runs that no living node drives: after a start, what an earlier life left. Between finding and adopting
    /// them the commands of their dead nodes are to be ended, in this order: who dies later is found the next time.
    ///
    /// # Errors
    /// When the journal cannot be read, or it cannot be known who lives.
    pub async fn left(&self) -> Result<Vec<LiveRun>, StoreError> {
        let mut left = Vec::new();
        for row in self.ports.views.live_runs().await? {
            if self.drives(row.run) {
                continue;
            }
            // Not claimed yet: it is for the node that requested it.
            let holder = match row.fence {
                0 => self.ports.journal.stream(&Stream::run(row.run), 0).await?.first().map_or(0, |e| e.header.epoch),
                fence => fence,
            };
            // Looked at after the row was read: who has died since has left it too.
            let dead = || (self.ports.living)().map(|living| !living.contains(&holder));
            if holder == self.ports.writer.epoch || dead().map_err(|detail| StoreError::Unreachable { detail })? {
                left.push(row);
            }
        }
        Ok(left)
    }

    /// Wakes one run, because something was appended to its stream.
    pub fn nudge(&self, run: RunId) {
        if let Some(nudge) = self.driven.lock().unwrap_or_else(PoisonError::into_inner).get(&run) {
            nudge.notify_one();
        }
    }

    /// Whether this node drives the run.
    pub fn drives(&self, run: RunId) -> bool {
        self.driven.lock().unwrap_or_else(PoisonError::into_inner).contains_key(&run)
    }

    /// How many runs this node drives.
    pub fn count(&self) -> usize {
        self.driven.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Returns when this node drives no run any more but those that only wait for a word from outside.
    pub async fn drained(&self) {
        loop {
            let idle = self.idle.notified();
            tokio::pin!(idle);
            idle.as_mut().enable();
            if self.count() <= self.waiting.load(Ordering::Relaxed) {
                return;
            }
            idle.await;
        }
    }

    /// Counts one run as waiting for a word from outside, for as long as the answer lives.
    fn waits_outside(&self) -> Waiting<'_> {
        self.waiting.fetch_add(1, Ordering::Relaxed);
        self.idle.notify_waiters();
        Waiting(self)
    }

    /// The definition that a run was pinned to: the current one, or the one the journal keeps.
    pub(crate) async fn definition(&self, name: &str, digest: &str) -> Result<Option<Arc<Process>>, StoreError> {
        if let Some(pinned) = self.ports.definitions.current().processes.get(name).filter(|p| p.digest == digest) {
            return Ok(Some(Arc::new(pinned.process.clone())));
        }
        if let Some(found) = self.old.lock().unwrap_or_else(PoisonError::into_inner).get(digest) {
            return Ok(Some(found.clone()));
        }
        let found = crate::reload::recorded(&self.ports, name, digest).await?.map(Arc::new);
        match &found {
            Some(process) => {
                let mut old = self.old.lock().unwrap_or_else(PoisonError::into_inner);
                if old.len() >= OLD_MAX {
                    old.pop_first();
                }
                old.insert(digest.to_owned(), process.clone());
            }
            None => warn!(process = name, digest, "the definition of `{name}` at {digest} is not in the journal"),
        }
        Ok(found)
    }
}

/// A run is driven while this lives: also one whose course panics is left for [`Runs::left`] to find.
struct Driven<'r> {
    runs: &'r Runs,
    run: RunId,
}

impl Drop for Driven<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            error!(run = %self.run, "a fault in the program ended the course of {}; it is taken up again", self.run);
        }
        self.runs.driven.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.run);
        self.runs.idle.notify_waiters();
        self.runs.ports.nudges.all();
    }
}

/// A run that waits for a word from outside is counted as such while this lives.
struct Waiting<'r>(&'r Runs);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}
