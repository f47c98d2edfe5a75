//! Worlds to test in: stores that are gone afterwards, and things to write into them.
//!
//! Must not know any adapter's inside. Ids come from a counter, so that no two are equal.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use seaworthy_model::{
    entry::{Draft, Entry, Stream, Via},
    event::Event,
    id::{ActorId, EntryId, MessageId, NodeId, RunId, SignalId},
    port::{Accounts, Archive, Batch, Journal, Tokens, Views, Write, Writer},
    run::{Cause, Executed, Kind, Verified},
    time::{At, Span},
    tree::{Frontier, Hash, root},
    view::{EndedRun, LiveRun, OutboxRow},
};
use seaworthy_store::{Opened, memory::Memory, sqlite::Sqlite};

static COUNT: AtomicU64 = AtomicU64::new(1);

fn count() -> u64 {
    COUNT.fetch_add(1, Relaxed)
}

/// An id's parts: the time grows, the rest tells processes apart (a killed child's ids are not used again).
fn parts() -> (At, [u8; 10]) {
    let mut rest = [7; 10];
    rest[6..].copy_from_slice(&std::process::id().to_be_bytes());
    (At(i64::try_from(count()).unwrap() * 1_000_000), rest)
}

pub fn run() -> RunId {
    let (at, rest) = parts();
    RunId::new(at, &rest)
}

pub fn signal() -> SignalId {
    let (at, rest) = parts();
    SignalId::new(at, &rest)
}

pub fn message() -> MessageId {
    let (at, rest) = parts();
    MessageId::new(at, &rest)
}

pub fn actor() -> ActorId {
    let (at, rest) = parts();
    ActorId::new(at, &rest)
}

pub fn node() -> NodeId {
    let (at, rest) = parts();
    NodeId::new(at, &rest)
}

/// A folder that is removed in the end.
pub struct Folder(pub PathBuf);

impl Folder {
    pub fn new() -> Folder {
        Folder::within(&std::env::temp_dir())
    }

    /// In memory where the host has such a place: commits follow each other so fast that races show.
    pub fn fast() -> Folder {
        let memory = Path::new("/dev/shm");
        Folder::within(if memory.is_dir() { memory } else { Path::new("/tmp") })
    }

    fn within(place: &Path) -> Folder {
        let folder = place.join(format!("seaworthy-store-{}-{}", std::process::id(), count()));
        std::fs::create_dir_all(&folder).unwrap();
        Folder(folder)
    }

    pub fn file(&self) -> PathBuf {
        self.0.join("store.db")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

pub fn open(file: &Path) -> Sqlite {
    Sqlite::open(file, node).unwrap()
}

/// One store of any kind.
pub struct World {
    pub journal: Arc<dyn Journal>,
    pub views: Arc<dyn Views>,
    pub archive: Arc<dyn Archive>,
    pub accounts: Arc<dyn Accounts>,
    pub tokens: Arc<dyn Tokens>,
    pub writer: Writer,
    _folder: Option<Folder>,
}

impl World {
    fn of(opened: Opened, folder: Option<Folder>) -> World {
        World {
            journal: opened.journal,
            views: opened.views,
            archive: opened.archive,
            accounts: opened.accounts,
            tokens: opened.tokens,
            writer: opened.writer,
            _folder: folder,
        }
    }

    pub fn memory() -> World {
        World::of(Memory::new(Writer { node: node(), epoch: 1 }).opened(), None)
    }

    pub fn sqlite() -> World {
        let folder = Folder::new();
        World::of(open(&folder.file()).opened(), Some(folder))
    }

    pub async fn length(&self) -> u64 {
        self.journal.frontier().await.unwrap().size
    }
}

pub fn stream(name: &str) -> Stream {
    Stream::process(name)
}

pub fn said(words: &str) -> Event {
    Event::NodeStopped { reason: words.to_owned() }
}

pub fn draft(event: Event) -> Draft {
    let (at, rest) = parts();
    Draft { id: EntryId::new(at, &rest), at, event }
}

pub fn batch() -> Batch {
    Batch::by(actor(), Via::Node)
}

pub fn write(name: &str, expected: Option<u64>, words: &[&str]) -> Write {
    Write { stream: stream(name), expected, drafts: words.iter().map(|w| draft(said(w))).collect() }
}

/// A batch that says something in one stream.
pub fn saying(name: &str, expected: Option<u64>, words: &[&str]) -> Batch {
    Batch { writes: vec![write(name, expected, words)], ..batch() }
}

pub fn live(process: &str) -> LiveRun {
    LiveRun {
        run: run(),
        process: process.to_owned(),
        kind: Kind::Run,
        cause: Cause::Person,
        requested_at: At(5),
        claimed_at: None,
        fence: 0,
        doing: "waiting".to_owned(),
        troubled: false,
    }
}

pub fn ended(process: &str, ended_at: i64) -> EndedRun {
    EndedRun {
        run: run(),
        process: process.to_owned(),
        kind: Kind::Run,
        digest: "d1".to_owned(),
        cause: Cause::Schedule { nominal: At(1) },
        requested_at: At(1),
        started_at: Some(At(2)),
        ended_at: At(ended_at),
        executed: Executed::Ok,
        verified: Verified::Yes,
        reason: String::new(),
        duration: Span::seconds(3),
        recovery: None,
        objective: None,
        heals: 0,
        artifacts: vec![],
        measures: [("duration".to_owned(), 2.5)].into(),
    }
}

pub fn effect(key: &str, next_at: i64) -> OutboxRow {
    OutboxRow {
        key: key.to_owned(),
        kind: "tell".to_owned(),
        payload: "{}".to_owned(),
        attempts: 0,
        next_at: At(next_at),
    }
}

/// Every entry, read in pages.
pub async fn entries(journal: &dyn Journal) -> Vec<Entry> {
    let mut all: Vec<Entry> = Vec::new();
    loop {
        let page = journal.from(all.len() as u64, 1_000).await.unwrap();
        if page.is_empty() {
            return all;
        }
        all.extend(page);
    }
}

/// Looks at the whole journal as an auditor would: places, versions, bodies, and the tree from the headers alone.
pub async fn assert_whole(journal: &dyn Journal) -> Frontier {
    let all = entries(journal).await;
    let tree = journal.frontier().await.unwrap();
    assert_eq!(tree.size, all.len() as u64, "the tree covers every entry");
    let mut versions = std::collections::BTreeMap::new();
    for (place, entry) in all.iter().enumerate() {
        assert_eq!(entry.position, place as u64, "positions have no gap");
        let version = versions.entry(entry.header.stream.clone()).or_insert(0);
        *version += 1;
        assert_eq!(entry.header.version, *version, "versions of {} have no gap", entry.header.stream);
        assert!(entry.body_is_whole(), "body {place} is the one that was written");
    }
    let leaves: Vec<Hash> = all.iter().map(|entry| entry.header.leaf()).collect();
    assert_eq!(tree.root(), root(&leaves), "the root is the root over the headers");
    tree
}
