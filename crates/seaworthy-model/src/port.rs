//! The ports: what one room may ask of another. Adapters answer them; only the binary knows both.
//!
//! Futures are boxed so that no runtime is named here. Every method may be called at the same time from
//! several tasks. Dropping a future gives up the request; what that means is said where it matters.

mod account;
mod ask;
mod identify;

use std::{future::Future, path::PathBuf, pin::Pin, sync::Arc};

pub use self::account::{Accounts, Busy, Done, Door, DoorAsk, Entered, Entering, Fresh, Guest, Proofs, Visitor};
pub use self::ask::{Answer, Ask, HookAnswer, HookCall, Requests};
pub use self::{
    identify::Identify,
    retain::{Archive, Leftovers},
    store_error::StoreError,
    tokens::{ANSWER_AGE_MAX, ANSWERS_MAX, Begun, TokenMade, TokenRequests, TokenWish, Tokens},
};
pub use crate::order::{LookOrder, Order, Secret};
use crate::{
    account::DoorChange,
    checkpoint::Checkpoint,
    entry::{Draft, Entry, Stream, Via},
    id::{ActorId, MessageId, NodeId, RunId},
    process::{Look, Occasion},
    run::{Acted, Artifact, HostSnapshot, Kind, Observation, Output},
    site::{Loaded, Outlet, SecretPlace, SmtpServer},
    time::{At, Span},
    tree::Frontier,
    view::{
        EndedRun, LiveRun, MessageRow, OutboxRow, ProcessView, Raised, RunQuery, ScheduleRow, SignalRow, SkippedRow,
        ViewChange,
    },
};

mod retain;
mod store_error;
mod tokens;

/// A boxed future.
pub type Fut<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

// ---------------------------------------------------------------- time and chance

/// The only door to time.
pub trait Clock: Send + Sync {
    /// Wall clock. May step.
    fn now(&self) -> At;
    /// Since an arbitrary start; never steps. For deadlines.
    fn elapsed(&self) -> Span;
    /// Returns when the monotonic clock has advanced by `span`.
    fn sleep(&self, span: Span) -> Fut<'static, ()>;
}

/// The only door to randomness.
pub trait Chance: Send + Sync {
    /// Fills `bytes` evenly.
    fn fill(&self, bytes: &mut [u8]);
}

// ---------------------------------------------------------------- journal

/// Entries for one stream.
#[derive(Debug, Clone, PartialEq)]
pub struct Write {
    pub stream: Stream,
    /// Version the stream must have now (0: it must not exist). `None`: whatever it has.
    pub expected: Option<u64>,
    pub drafts: Vec<Draft>,
}

/// What happens together or not at all.
#[derive(Debug, Clone, PartialEq)]
pub struct Batch {
    pub actor: ActorId,
    pub via: Via,
    pub writes: Vec<Write>,
    pub views: Vec<ViewChange>,
    /// `(process, nominal)` pairs that must be new.
    pub occurrences: Vec<(String, At)>,
    pub outbox_add: Vec<OutboxRow>,
    /// Rows to take before their effect is tried: key, attempts with this one, and when they are due again should nobody
    /// say how it ended. Refused unless each row exists with one attempt less, so that of several only one takes it.
    pub outbox_claim: Vec<(String, u32, At)>,
    /// Replaces attempts and next time of rows that exist.
    pub outbox_later: Vec<(String, u32, At)>,
    pub outbox_done: Vec<String>,
    /// Bodies to drop, by position; the tombstones are among `writes`.
    pub drop_bodies: Vec<u64>,
    /// Personal texts to keep: actor, salt in hex, name.
    pub people: Vec<(ActorId, String, String)>,
    /// Changes of accounts, sessions and links, in this order.
    pub door: Vec<DoorChange>,
}

impl Batch {
    /// Nothing yet, on behalf of `actor`.
    pub fn by(actor: ActorId, via: Via) -> Self {
        Self {
            actor,
            via,
            writes: vec![],
            views: vec![],
            occurrences: vec![],
            outbox_add: vec![],
            outbox_claim: vec![],
            outbox_later: vec![],
            outbox_done: vec![],
            drop_bodies: vec![],
            people: vec![],
            door: vec![],
        }
    }
}

/// Append-only history. The only place where state changes.
pub trait Journal: Send + Sync {
    /// Writes the batch durably, in one transaction, and returns the position after its last entry.
    /// When it returns `Ok` a power cut loses nothing of it. A dropped future may or may not have written.
    fn append(&self, batch: Batch) -> Fut<'_, Result<u64, StoreError>>;
    /// Entries of one stream with a version above `after`, oldest first.
    fn stream(&self, stream: &Stream, after: u64) -> Fut<'_, Result<Vec<Entry>, StoreError>>;
    /// Entries from `position` on, oldest first, at most `limit` (1,000 at most).
    fn from(&self, position: u64, limit: usize) -> Fut<'_, Result<Vec<Entry>, StoreError>>;
    /// Returns the journal's length once it is more than `position`.
    fn past(&self, position: u64) -> Fut<'_, Result<u64, StoreError>>;
    /// Size and peaks of the tree as of the last commit.
    fn frontier(&self) -> Fut<'_, Result<Frontier, StoreError>>;
    /// Keeps a signed checkpoint. Calling it twice with one size keeps the first.
    fn seal(&self, checkpoint: Checkpoint, note: String) -> Fut<'_, Result<(), StoreError>>;
    /// Notes of checkpoints with a size of at least `from`, oldest first, at most `limit`.
    fn checkpoints(&self, from: u64, limit: usize) -> Fut<'_, Result<Vec<String>, StoreError>>;
    /// Outbox rows that are due, oldest first.
    fn outbox(&self, now: At, limit: usize) -> Fut<'_, Result<Vec<OutboxRow>, StoreError>>;
    /// When the next outbox row is due.
    fn outbox_next(&self) -> Fut<'_, Result<Option<At>, StoreError>>;
    /// Name and salt of an actor, unless erased.
    fn person(&self, actor: ActorId) -> Fut<'_, Result<Option<(String, String)>, StoreError>>;
    /// Removes name and salt of an actor for good.
    fn erase_person(&self, actor: ActorId) -> Fut<'_, Result<(), StoreError>>;
}

/// Read-only rows for pages, verbs and loops. May lag behind the journal by one commit, never more.
pub trait Views: Send + Sync {
    fn live_runs(&self) -> Fut<'_, Result<Vec<LiveRun>, StoreError>>;
    /// Newest first: by the order in which they ended in the journal, whatever the clock said by then.
    fn ended_runs(&self, query: RunQuery) -> Fut<'_, Result<Vec<EndedRun>, StoreError>>;
    fn ended_run(&self, run: RunId) -> Fut<'_, Result<Option<EndedRun>, StoreError>>;
    /// One bounded query per process, whatever the number of runs.
    fn process(&self, name: &str) -> Fut<'_, Result<ProcessView, StoreError>>;
    /// Measures of the last `limit` verified runs, newest first.
    fn verified_measures(&self, process: &str, kind: Kind, limit: usize) -> Fut<'_, Result<Vec<EndedRun>, StoreError>>;
    fn schedule(&self, process: &str) -> Fut<'_, Result<Option<ScheduleRow>, StoreError>>;
    /// Newest first. `None`: of all processes.
    fn skipped(&self, process: Option<&str>, limit: usize) -> Fut<'_, Result<Vec<SkippedRow>, StoreError>>;
    /// Newest first.
    fn signals(&self, which: Raised, limit: usize) -> Fut<'_, Result<Vec<SignalRow>, StoreError>>;
    /// Newest first; of one run if given.
    fn messages(&self, run: Option<RunId>, limit: usize) -> Fut<'_, Result<Vec<MessageRow>, StoreError>>;
    /// Full ids that start with these characters after the prefix, at most 10.
    fn runs_like(&self, text: &str) -> Fut<'_, Result<Vec<RunId>, StoreError>>;
    /// How many runs have ended in all.
    fn ended_count(&self) -> Fut<'_, Result<u64, StoreError>>;
}

// ---------------------------------------------------------------- act

/// Names the kept output of one attempt: `RUN/STEP.ATTEMPT`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OutputKey {
    pub run: RunId,
    pub step: String,
    pub attempt: u32,
}

/// Acts. The one who acts is never the one who verifies.
pub trait Provider: Send + Sync {
    /// `local`, later `docker` …
    fn name(&self) -> &'static str;
    /// Carries out the order once. Never fails: what went wrong is in the answer. Dropping the future only stops
    /// waiting: the attempt goes on, until it ends, is stopped, or (unless it [outlives](Provider::outlives) us) this
    /// program ends.
    fn act<'a>(&'a self, order: &'a Order) -> Fut<'a, Acted>;
    /// Ends an attempt: TERM to all of its processes, a grace, KILL, proof. Whoever waits in `act` or `adopt` is
    /// answered with what came of it. Returns when nothing of it is held any more: its processes have ended, or could
    /// not be ended. Until then it must neither be repeated nor called stopped. At once where nothing is held.
    fn stop<'a>(&'a self, attempt: &'a OutputKey) -> Fut<'a, ()>;
    /// Takes up an attempt that was begun before: waits for its end if it is still held, or answers with the end that
    /// is on record. `None`: nothing is known of it, so nobody knows how it ended.
    fn adopt<'a>(&'a self, attempt: &'a OutputKey) -> Fut<'a, Option<Acted>>;
    /// The end of this attempt is durable elsewhere and need not be kept on record any longer. May be called twice.
    fn noted(&self, attempt: &OutputKey) {
        let _ = attempt;
    }
    /// Whether what it carries out goes on when this program ends, to be adopted by the next.
    fn outlives(&self) -> bool {
        false
    }
}

/// A piece of kept output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk {
    pub stream: Std,
    /// When we read it.
    pub at: At,
    pub bytes: Vec<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Std {
    Out,
    Err,
    /// A remark of ours, such as how many bytes were left out.
    Note,
}

/// Where to go on, and what is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutputPart {
    pub chunks: Vec<Chunk>,
    /// Give this as `from` next time.
    pub next: u64,
    /// Nothing will follow.
    pub ended: bool,
}

/// Kept output, readable while it grows.
pub trait Outputs: Send + Sync {
    /// At most about `max` bytes from the cursor `from` (0 is the start). Unknown keys read as empty and not ended.
    fn read(&self, key: &OutputKey, from: u64, max: usize) -> Fut<'_, std::io::Result<OutputPart>>;
}

/// Most files of one pattern that are told; the first by name.
pub const ARRIVED_MAX: usize = 50_000;

/// A file that somebody put somewhere, as it looks from outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrived {
    pub path: PathBuf,
    pub bytes: u64,
    pub modified: At,
    /// When it was last touched in any way: written, moved here, renamed. Nobody can set it back.
    pub changed: At,
    pub inode: u64,
}

/// Sees what somebody put somewhere.
pub trait Arrivals: Send + Sync {
    /// The plain files that fit a path whose last part may hold `*` and `?`, by name, at most
    /// [`ARRIVED_MAX`]. A name that begins with a dot fits no pattern that does not. A folder that is not there has none.
    fn arrived(&self, pattern: PathBuf) -> Fut<'_, std::io::Result<Vec<Arrived>>>;
}

/// Looks at artifacts and keeps the folders of runs.
pub trait Places: Send + Sync {
    /// Makes (or finds) the private work folder of a run.
    fn workdir(&self, run: RunId) -> Fut<'_, std::io::Result<PathBuf>>;
    /// Size, SHA-256 and time of what is there now. `Err` says in a sentence what is not as it should be. All of it is
    /// read, which may take hours: dropping the future ends the reading soon.
    fn artifact(&self, workdir: &std::path::Path, name: &str) -> Fut<'_, Result<Artifact, String>>;
    /// Makes room for what an attempt hands on and returns the file that it may write: `OUTPUTS`.
    fn handing(&self, attempt: OutputKey) -> Fut<'_, std::io::Result<PathBuf>>;
    /// What an attempt wrote there, secrets masked; empty if nothing. `Err` says in a sentence why it cannot be taken,
    /// such as more than [`HANDED_BYTES_MAX`](crate::input::HANDED_BYTES_MAX).
    fn handed(&self, attempt: OutputKey, hidden: Vec<Secret>) -> Fut<'_, Result<String, String>>;
    /// Copies what one run made into the work folder of another. `Err` says in a sentence why it cannot.
    fn carry(&self, from: RunId, to: RunId, name: &str) -> Fut<'_, Result<(), String>>;
    /// Whether anything is left in a run's work folder. `true` where that cannot be known.
    fn left_over(&self, run: RunId) -> Fut<'_, bool> {
        let _ = run;
        Box::pin(std::future::ready(true))
    }
    /// Removes what a run left behind, but the named artifacts. May be called twice.
    fn tidy(&self, run: RunId, keep: Vec<String>) -> Fut<'_, std::io::Result<()>>;
    /// Removes all of a run's folder and outputs. May be called twice.
    fn remove(&self, run: RunId) -> Fut<'_, std::io::Result<()>>;
    /// Keeps, under the name of an attempt that somebody else carried out, what that one said.
    fn keep<'a>(&'a self, attempt: &'a OutputKey, said: Vec<u8>, hidden: Vec<Secret>) -> Fut<'a, Output> {
        let _ = (attempt, said, hidden);
        Box::pin(std::future::ready(Output::default()))
    }
    /// Where the body of the call that started a run is; with `keep` it is kept first, for the run's steps alone.
    fn body(&self, run: RunId, keep: Option<Vec<u8>>) -> Fut<'_, std::io::Result<Option<PathBuf>>> {
        let _ = (run, keep);
        Box::pin(std::future::ready(Ok(None)))
    }
    /// Evidence at the moment of a failure.
    fn snapshot(&self) -> Fut<'_, HostSnapshot>;
}

/// Fetches secrets when they are needed and never before.
pub trait Secrets: Send + Sync {
    /// The value, or a sentence that names the secret, where it was looked for and what to do, never the value.
    fn get(&self, name: &str, place: &SecretPlace, folder: &std::path::Path) -> Fut<'_, Result<Secret, String>>;
}

// ---------------------------------------------------------------- look

/// Looks at the world. Changes nothing that it can help.
pub trait Probe: Send + Sync {
    /// Source of its observations: `probe/NAME`.
    fn name(&self) -> &'static str;
    /// Whether this probe carries out this look.
    fn takes(&self, look: &Look) -> bool;
    /// A look that ran to its end is an observation, whatever it saw. `Err` is a sentence: it could not look.
    /// Never takes longer than the order's limit plus one second.
    fn look<'a>(&'a self, order: &'a LookOrder) -> Fut<'a, Result<Observation, String>>;
}

// ---------------------------------------------------------------- tell

/// What somebody is told, already in words.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Message {
    pub id: MessageId,
    pub occasion: Occasion,
    pub site: String,
    pub process: String,
    pub subject: String,
    /// Plain text, lines under 100 characters.
    pub text: String,
    pub expected: Vec<String>,
    pub seen: Vec<String>,
    pub tried: Vec<String>,
    pub procedure: Option<String>,
    pub link: Option<String>,
    pub run: Option<RunId>,
    pub at: At,
}

/// Where a message goes, with what the outlet needs.
#[derive(Debug, Clone)]
pub struct Address {
    pub outlet: Outlet,
    pub smtp: Option<SmtpServer>,
    pub secrets: Vec<Secret>,
    pub folder: PathBuf,
    pub timeout: Span,
}

/// Why a message did not go out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SendError {
    /// Whether trying again can help.
    pub retry: bool,
    /// What was tried on what and what to do next; no secret.
    pub reason: String,
}

/// Tells somebody.
pub trait Notifier: Send + Sync {
    /// The key of the outlet that it serves: `smtp`, `webhook`, `command`.
    fn kind(&self) -> &'static str;
    /// Sends once; the message id is the idempotency key. Returns a receipt in words.
    fn send<'a>(&'a self, to: &'a Address, message: &'a Message) -> Fut<'a, Result<String, SendError>>;
}

// ---------------------------------------------------------------- faces

/// The definitions in force.
pub trait Definitions: Send + Sync {
    fn current(&self) -> Arc<Loaded>;
}

/// Signs checkpoints.
pub trait Signer: Send + Sync {
    /// Public key.
    fn key(&self) -> [u8; 32];
    /// Ed25519 over the bytes.
    fn sign(&self, bytes: &[u8]) -> [u8; 64];
}

/// Who writes: the node and its epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Writer {
    pub node: NodeId,
    pub epoch: u64,
}
