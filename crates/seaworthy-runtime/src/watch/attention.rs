//! Which processes the watcher looks at again: those whose history grew, and those whose time has come. With a
//! thousand quiet processes a look costs nothing.
//!
//! This module must not know what is wrong with a process. Forgetting all it knows is harmless.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use seaworthy_model::{
    entry::Entry,
    event::Event,
    id::RunId,
    port::{Journal, StoreError, Views},
    site::Pinned,
    time::At,
};

/// Entries read at one time.
const PIECE: usize = 500;
/// Further behind than this, everything is looked at instead of reading what was missed.
const BEHIND_MAX: u64 = 20_000;

pub(super) struct Attention {
    journal: Arc<dyn Journal>,
    position: Option<u64>,
    /// Runs that have not ended, by process.
    runs: BTreeMap<RunId, String>,
    grown: BTreeSet<String>,
    next: BTreeMap<String, (String, At)>,
    last: Option<At>,
}

impl Attention {
    pub fn new(journal: Arc<dyn Journal>) -> Self {
        Self {
            journal,
            position: None,
            runs: BTreeMap::new(),
            grown: BTreeSet::new(),
            next: BTreeMap::new(),
            last: None,
        }
    }

    /// Takes in what was appended since the last time.
    pub async fn follow(&mut self, watched: &dyn Views, now: At) -> Result<(), StoreError> {
        if self.last.is_some_and(|last| now < last) {
            self.next.clear();
        }
        self.last = Some(now);
        let length = self.journal.frontier().await?.size;
        let mut at = match self.position {
            Some(at) if length.saturating_sub(at) <= BEHIND_MAX => at,
            _ => {
                self.next.clear();
                length
            }
        };
        while at < length {
            let piece = self.journal.from(at, PIECE).await?;
            let Some(last) = piece.last() else { break };
            at = last.position + 1;
            for entry in &piece {
                self.entry(watched, entry).await?;
            }
        }
        self.position = Some(at);
        Ok(())
    }

    async fn entry(&mut self, watched: &dyn Views, entry: &Entry) -> Result<(), StoreError> {
        let stream = entry.header.stream.as_str();
        if let Some(name) = stream.strip_prefix("schedule/").or_else(|| stream.strip_prefix("process/")) {
            self.grown.insert(name.to_owned());
        }
        let Some(run) = stream.strip_prefix("run/").and_then(|id| id.parse::<RunId>().ok()) else { return Ok(()) };
        match entry.header.kind.as_str() {
            "run_requested" => {
                if let Ok(Some(Event::RunRequested { process, .. })) = entry.event() {
                    self.grown.insert(process.clone());
                    self.runs.insert(run, process);
                }
            }
            "run_claimed" => self.grown.extend(self.runs.get(&run).cloned()),
            "run_ended" => {
                let known = self.runs.remove(&run);
                let process = match known {
                    Some(process) => Some(process),
                    None => watched.ended_run(run).await?.map(|row| row.process),
                };
                self.grown.extend(process);
            }
            _ => {}
        }
        Ok(())
    }

    /// Something else is known of these processes.
    pub fn woken(&mut self, names: impl IntoIterator<Item = String>) {
        self.grown.extend(names);
    }

    /// Whether the answer about this process can have changed.
    pub fn wants(&self, pinned: &Pinned, now: At) -> bool {
        let name = &pinned.process.name;
        let known = self.next.get(name);
        self.grown.contains(name) || known.is_none_or(|(digest, at)| *digest != pinned.digest || *at <= now)
    }

    /// It was looked at; until `next` only its history can change the answer.
    pub fn looked(&mut self, pinned: &Pinned, next: At) {
        self.grown.remove(&pinned.process.name);
        self.next.insert(pinned.process.name.clone(), (pinned.digest.clone(), next));
    }
}
