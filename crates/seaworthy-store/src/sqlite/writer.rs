//! The one writer: a thread of its own that commits what has gathered with one sync of the disk.
//!
//! This module must not know what a batch means. What power loss between any two lines leaves: the file as of
//! the last commit, because an answer is sent only after its commit returned.

use std::{
    cell::Cell,
    sync::{Arc, Mutex, mpsc},
    thread::JoinHandle,
    time::Duration,
};

use rusqlite::Connection;
use seaworthy_model::{
    checkpoint::Checkpoint,
    id::{ActorId, TokenId},
    port::{StoreError, Writer},
    time::At,
    tree::Frontier,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot, watch};

use super::{
    apply,
    error::of,
    read::{BUSY_MS, frontier},
    token,
};
use crate::admit::Admitted;

/// Requests that wait for the writer; more wait in their callers.
const QUEUE_MAX: usize = 1_024;
/// Requests that share one commit.
const GROUP_MAX: usize = 256;

/// What the writer is asked for.
pub(super) enum Work {
    Append(Box<Admitted>),
    Seal(Box<Checkpoint>, String),
    Erase(ActorId),
    /// Gives some free pages back to the system.
    GiveBack,
    Used(TokenId, At),
    /// Key, hash of the request, and when.
    Begin(String, String, At),
    /// Key, status and body.
    Answer(String, u16, String),
}

type Answer = Result<u64, StoreError>;

impl Work {
    fn erases(&self) -> bool {
        match self {
            Work::Append(batch) => !batch.drop_bodies.is_empty(),
            Work::Erase(_) => true,
            Work::Seal(..) | Work::GiveBack | Work::Used(..) | Work::Begin(..) | Work::Answer(..) => false,
        }
    }
}

struct Job {
    work: Work,
    answer: oneshot::Sender<Answer>,
    /// Given back when the job is gone: this is what bounds the queue.
    _slot: OwnedSemaphorePermit,
}

enum Order {
    Do(Job),
    Close,
}

/// The callers' side of the writer.
pub(super) struct Pen {
    orders: mpsc::Sender<Order>,
    slots: Arc<Semaphore>,
    length: watch::Receiver<u64>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Pen {
    /// Starts the thread. `conn` is the only connection of this process that writes.
    pub(super) fn start(conn: Connection, writer: Writer, length: u64) -> Result<Pen, StoreError> {
        let (orders, inbox) = mpsc::channel();
        let (publish, length) = watch::channel(length);
        let thread = std::thread::Builder::new()
            .name("journal".to_owned())
            .spawn(move || Hand { conn, writer, publish, owed: Cell::new(false) }.run(&inbox))
            .map_err(|e| StoreError::Unreachable { detail: format!("its thread did not start: {e}") })?;
        let slots = Arc::new(Semaphore::new(QUEUE_MAX));
        Ok(Pen { orders, slots, length, thread: Mutex::new(Some(thread)) })
    }

    /// Hands the work over and waits until it is durable.
    pub(super) async fn ask(&self, work: Work) -> Answer {
        let slot = Arc::clone(&self.slots).acquire_owned().await.map_err(|_| closed())?;
        let (answer, answered) = oneshot::channel();
        self.orders.send(Order::Do(Job { work, answer, _slot: slot })).map_err(|_| closed())?;
        answered.await.map_err(|_| closed())?
    }

    /// The length of the journal once it is more than `position`.
    pub(super) async fn past(&self, position: u64) -> Answer {
        let mut length = self.length.clone();
        length.wait_for(|length| *length > position).await.map(|length| *length).map_err(|_| closed())
    }

    /// Writes what was asked for so far, empties the write-ahead log and ends the thread. May be called twice.
    pub(super) fn close(&self) {
        let thread = self.thread.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take();
        if let Some(thread) = thread
            && self.orders.send(Order::Close).is_ok()
            && thread.join().is_err()
        {
            tracing::error!("the journal's writer ended in a panic; what it acknowledged is on disk");
        }
    }
}

impl Drop for Pen {
    fn drop(&mut self) {
        self.close();
    }
}

fn closed() -> StoreError {
    StoreError::Unreachable { detail: "it was closed".to_owned() }
}

/// The thread's side.
struct Hand {
    conn: Connection,
    writer: Writer,
    publish: watch::Sender<u64>,
    /// Something was erased that the log may still hold.
    owed: Cell<bool>,
}

impl Hand {
    fn run(self, inbox: &mpsc::Receiver<Order>) {
        let mut open = true;
        // After the order to close, go on only with what is there.
        while let Some(first) = if open { inbox.recv().ok() } else { inbox.try_recv().ok() } {
            let mut group = Vec::new();
            for order in std::iter::once(first).chain(inbox.try_iter().take(GROUP_MAX - 1)) {
                match order {
                    Order::Do(job) => group.push(job),
                    Order::Close => open = false,
                }
            }
            if !group.is_empty() {
                self.group(group);
            }
        }
        self.empty_log();
    }

    /// One transaction for all; each is answered for itself.
    fn group(&self, group: Vec<Job>) {
        let answers = self.commit(&group).unwrap_or_else(|error| {
            self.take_back();
            vec![Err(error); group.len()]
        });
        // What was erased must not stay readable in the log.
        if group.iter().any(|job| job.work.erases()) {
            self.owed.set(true);
        }
        if self.owed.get() {
            self.owed.set(!self.empty_log());
        }
        for (job, answer) in group.into_iter().zip(answers) {
            // A caller who is gone has given up the answer, not the write.
            drop(job.answer.send(answer));
        }
    }

    /// `Err` is about all of them: nothing of the group is written. Refusals are rare, so a group is tried without
    /// savepoints first (one would copy every page that its job touches); if one is refused, all is done again with them.
    fn commit(&self, group: &[Job]) -> Result<Vec<Answer>, StoreError> {
        match self.attempt(group, false) {
            Err(error) if is_its_own(&error) && group.len() > 1 => {
                self.take_back();
                self.attempt(group, true)
            }
            answers => answers,
        }
    }

    /// With `apart` a job that is refused is taken back alone; without, its refusal is the `Err`.
    fn attempt(&self, group: &[Job], apart: bool) -> Result<Vec<Answer>, StoreError> {
        self.step("begin immediate")?;
        let before = frontier(&self.conn)?;
        let mut tree = before.clone();
        let mut answers = Vec::with_capacity(group.len());
        for job in group {
            let mut grown = tree.clone();
            if apart {
                self.step("savepoint job")?;
            }
            let answer = self.work(&mut grown, &job.work);
            match &answer {
                Ok(_) => tree = grown,
                Err(error) if is_its_own(error) && apart => self.step("rollback to job")?,
                Err(error) => return Err(error.clone()),
            }
            if apart {
                self.step("release job")?;
            }
            answers.push(answer);
        }
        if tree != before {
            apply::frontier(&self.conn, &tree)?;
        }
        self.step("commit")?;
        self.publish.send_if_modified(|length| std::mem::replace(length, tree.size) != tree.size);
        Ok(answers)
    }

    fn work(&self, tree: &mut Frontier, work: &Work) -> Answer {
        match work {
            Work::Append(batch) => apply::append(&self.conn, tree, self.writer, batch),
            Work::Seal(checkpoint, note) => apply::seal(&self.conn, tree, checkpoint, note).map(|()| tree.size),
            Work::Erase(actor) => apply::erase(&self.conn, *actor).map(|()| tree.size),
            Work::GiveBack => apply::give_back(&self.conn).map(|()| tree.size),
            Work::Used(token, at) => token::used(&self.conn, *token, *at).map(|()| tree.size),
            Work::Begin(key, digest, at) => token::begin(&self.conn, key, digest, *at),
            Work::Answer(key, status, body) => token::answer(&self.conn, key, *status, body).map(|()| tree.size),
        }
    }

    fn step(&self, text: &str) -> Result<(), StoreError> {
        self.conn.prepare_cached(text).and_then(|mut s| s.execute([])).map(drop).map_err(of)
    }

    /// SQLite may have taken the transaction back by itself (full disk, broken disk).
    fn take_back(&self) {
        if !self.conn.is_autocommit()
            && let Err(error) = self.step("rollback")
        {
            tracing::error!(%error, "the journal could not take back a transaction that failed");
        }
    }

    /// Moves the write-ahead log into the file and shortens it to nothing. `false` if a reader (a copy that is being
    /// taken, say) was in the way: it is not waited for, since every append would wait with us.
    fn empty_log(&self) -> bool {
        let emptied = self.conn.busy_timeout(Duration::ZERO).and_then(|()| {
            self.conn.query_row("pragma wal_checkpoint(truncate)", [], |row| Ok(row.get::<_, i64>(0)? == 0))
        });
        let patient = self.conn.busy_timeout(Duration::from_millis(BUSY_MS));
        emptied.and_then(|emptied| patient.map(|()| emptied)).unwrap_or_else(|error| {
            tracing::warn!(%error, "the journal's write-ahead log stays for now");
            false
        })
    }
}

/// Whether the error is about one job only, so that the others of its group go on.
fn is_its_own(error: &StoreError) -> bool {
    matches!(error, StoreError::Conflict { .. } | StoreError::Duplicate { .. } | StoreError::Refused { .. })
}
