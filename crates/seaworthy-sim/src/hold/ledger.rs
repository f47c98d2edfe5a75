//! One journal as somebody reads it who trusts nobody: entry by entry, each in its place, with the rows beside it.
//!
//! This module must not know the world's truth.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
};

use seaworthy_core::schedule::utc;
use seaworthy_model::{entry::Entry, event::Event, id::RunId, port::Views, process::Process};
use sha2::{Digest as _, Sha256};

use super::{PIECE, QUEUE_MAX, Stats, messages::Messages, occurrences::Occurrences, runs::Runs};
use crate::patient::now;

/// Entries that are told in words.
const WORDS_MAX: usize = 60;
/// Characters of one entry in words.
const CHARS_MAX: usize = 230;

/// Definitions that were ever loaded, by digest.
pub type Definitions = BTreeMap<String, Arc<Process>>;

/// What is known of one journal.
pub struct Ledger {
    pub name: &'static str,
    position: u64,
    versions: BTreeMap<String, u64>,
    pub definitions: Definitions,
    pub runs: Runs,
    pub occurrences: Occurrences,
    pub messages: Messages,
    hash: Sha256,
    newest: VecDeque<Entry>,
}

impl Ledger {
    pub fn new(name: &'static str) -> Ledger {
        Ledger {
            name,
            position: 0,
            versions: BTreeMap::new(),
            definitions: BTreeMap::new(),
            runs: Runs::default(),
            occurrences: Occurrences::default(),
            messages: Messages::default(),
            hash: Sha256::new(),
            newest: VecDeque::new(),
        }
    }

    /// Takes in what is new; the runs that it is about.
    pub fn read(&mut self, (journal, _): &super::Readers) -> Result<BTreeSet<RunId>, String> {
        let mut fresh = BTreeSet::new();
        loop {
            let piece = now(journal.from(self.position, PIECE)).map_err(|e| e.to_string())?;
            if piece.is_empty() {
                return Ok(fresh);
            }
            for entry in &piece {
                self.entry(entry).map_err(|what| format!("{what} (entry {} of the {})", entry.position, self.name))?;
                let run = entry.header.stream.as_str().strip_prefix("run/").and_then(|run| run.parse::<RunId>().ok());
                fresh.extend(run);
            }
        }
    }

    fn entry(&mut self, entry: &Entry) -> Result<(), String> {
        let header = &entry.header;
        let stream = header.stream.as_str();
        let event = entry.event().map_err(|e| e.to_string())?;
        self.newest.push_back(entry.clone());
        if self.newest.len() > WORDS_MAX {
            self.newest.pop_front();
        }
        if entry.position != self.position {
            return Err(format!("(5) position {} follows {}", entry.position, self.position));
        }
        self.position += 1;
        let version = self.versions.entry(stream.to_owned()).or_insert(0);
        if header.version != *version + 1 {
            return Err(format!("(5) stream {stream} goes from version {version} to {}", header.version));
        }
        *version = header.version;
        if !entry.body_is_whole() {
            return Err("(5) its body is not the one that was written".into());
        }
        self.hash.update(header.canonical());
        self.hash.update(entry.body.as_deref().unwrap_or_default());
        let Some(event) = event else { return Ok(()) };
        if let Event::ProcessLoaded { digest, definition, .. } | Event::OutsideDefined { digest, definition } = &event {
            let process =
                serde_json::from_str(definition).map_err(|e| format!("its definition cannot be read: {e}"))?;
            self.definitions.insert(digest.clone(), Arc::new(process));
        }
        self.runs.entry(entry, &event, &self.definitions)?;
        self.occurrences.entry(entry, &event)?;
        self.messages.entry(entry, &event)
    }

    /// (5) and (6): rows equal the fold of their streams, and queues are bounded.
    pub fn rows(&self, fresh: &BTreeSet<RunId>, views: &Arc<dyn Views>) -> Result<(), String> {
        let rows = now(views.live_runs()).map_err(|e| e.to_string())?;
        let shown: BTreeSet<RunId> = rows.iter().map(|row| row.run).collect();
        let live: BTreeSet<RunId> = self.runs.live().collect();
        if let Some(run) = shown.symmetric_difference(&live).next() {
            let (row, life) = (shown.contains(run), live.contains(run));
            return Err(format!("(5) {run}: a live row is there: {row}, it has not ended: {life}"));
        }
        for run in fresh {
            let row = rows.iter().find(|row| row.run == *run);
            let ended = now(views.ended_run(*run)).map_err(|e| e.to_string())?;
            self.runs.compare(*run, row, ended.as_ref())?;
        }
        for name in self.definitions.values().map(|process| &process.name).collect::<BTreeSet<_>>() {
            let row = now(views.schedule(name)).map_err(|e| e.to_string())?;
            let queued = row.map_or(0, |row| row.queued.len());
            if queued > QUEUE_MAX {
                return Err(format!("(6) {queued} occurrences of {name} wait"));
            }
        }
        Ok(())
    }

    /// The newest entries, a line each, oldest first.
    pub fn words(&self) -> impl Iterator<Item = String> + '_ {
        self.newest.iter().map(|entry| {
            let what = match entry.event() {
                Ok(Some(event)) => format!("{event:?}"),
                Ok(None) => "its body is gone".to_owned(),
                Err(unknown) => unknown.to_string(),
            };
            let short: String = what.chars().take(CHARS_MAX).collect();
            let header = &entry.header;
            let (at, position) = (utc(header.at), entry.position);
            format!("{} #{position} {at} epoch {} {}: {short}", self.name, header.epoch, header.stream)
        })
    }

    pub fn digest(&self) -> [u8; 32] {
        self.hash.clone().finalize().into()
    }

    pub fn stats(&self) -> Stats {
        let mut stats = Stats { entries: self.position, messages: self.messages.count(), ..Stats::default() };
        (stats.occurrences, stats.skipped) = self.occurrences.counts();
        self.runs.count(&mut stats);
        stats
    }
}
