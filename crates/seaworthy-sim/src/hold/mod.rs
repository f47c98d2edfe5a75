//! What must never be, held against the world's own truth after every step.
//!
//! The numbers are those of `docs/simulation.md`. This module must not change anything it looks at.

mod ledger;
mod messages;
mod occurrences;
mod runs;

use std::{collections::BTreeMap, sync::Arc};

use seaworthy_core::audit::Walk;
use seaworthy_model::{
    id::RunId,
    port::{Journal, Views},
    process::hex,
};
use sha2::{Digest as _, Sha256};

pub use ledger::Ledger;

use crate::{patient::now, shore::Shore, world::KEY};

/// Rows of the outbox and occurrences in a queue, at most.
const QUEUE_MAX: usize = 400;
/// Entries read at one time.
const PIECE: usize = 1_000;

type Readers = (Arc<dyn Journal>, Arc<dyn Views>);

/// How rough a world was, and what came of it.
#[derive(Debug, Clone, Default)]
pub struct Stats {
    /// `ok / yes` and so on, and how often.
    pub ends: BTreeMap<String, u64>,
    pub entries: u64,
    pub occurrences: u64,
    pub skipped: u64,
    pub messages: u64,
    pub settled: u64,
    pub drills: u64,
}

/// Everything that is held.
pub struct Holds {
    main: Ledger,
    watch: Ledger,
    readers: Option<Readers>,
    watchers: Readers,
    effects: usize,
}

impl Holds {
    pub fn new(shore: &Shore) -> Holds {
        let (main, watch) = (Ledger::new("journal"), Ledger::new("watcher's journal"));
        Holds { main, watch, readers: None, watchers: shore.watchers(), effects: 0 }
    }

    /// Entries of both journals together.
    pub fn length(&self) -> u64 {
        let size = |journal: &Arc<dyn Journal>| now(journal.frontier()).map_or(0, |tree| tree.size);
        self.readers.as_ref().map_or(0, |(journal, _)| size(journal)) + size(&self.watchers.0)
    }

    /// Runs that have not ended.
    pub fn live(&self) -> Vec<RunId> {
        self.main.runs.live().collect()
    }

    /// Holds everything against what is new.
    pub fn step(&mut self, shore: &Shore) -> Result<(), String> {
        if self.readers.is_none() {
            self.readers = shore.read();
        }
        let Some(readers) = &self.readers else { return Ok(()) };
        let fresh = self.main.read(readers)?;
        if !fresh.is_empty() {
            self.main.runs.ended(&fresh, &shore.world)?;
            self.main.rows(&fresh, &readers.1)?;
        }
        self.watch.read(&self.watchers)?;
        self.effects = self.main.runs.effects(&shore.world, self.effects)?;
        Ok(())
    }

    /// Whether all that was begun has come to its end.
    pub fn rests(&self, shore: &Shore) -> Result<bool, String> {
        Ok(self.unrest(shore).is_empty())
    }

    /// What has not come to its end, in words.
    pub fn unrest(&self, shore: &Shore) -> String {
        let mut open: Vec<String> = self.main.runs.live().map(|run| format!("{run} has not ended")).collect();
        for (name, readers) in [("journal", self.readers.as_ref()), ("watcher", Some(&self.watchers))] {
            if let Some(Ok(Some(at))) = readers.map(|(journal, _)| now(journal.outbox_next())) {
                open.push(format!("the outbox of the {name} has a row for {}", at.0));
            }
        }
        let living = shore.world.truth().living(|_| true).len();
        if living > 0 {
            open.push(format!("{living} commands live"));
        }
        open.join("; ")
    }

    /// All has come to rest and every node has ended: nothing may be missing.
    pub fn end(&mut self, shore: &Shore) -> Result<(), String> {
        self.step(shore)?;
        let world = &shore.world;
        for run in world.accepted().iter() {
            if !self.main.runs.knows(*run) {
                return Err(format!("(4) {run} was accepted and is not in the journal"));
            }
        }
        if let Some(run) = self.main.runs.live().next() {
            return Err(format!("(4) {run} never ended"));
        }
        self.main.occurrences.all_accounted_for(&self.main.definitions)?;
        let both = [(&self.main, self.readers.as_ref()), (&self.watch, Some(&self.watchers))];
        for (ledger, readers) in both {
            let Some((journal, _)) = readers else { continue };
            whole(journal.as_ref(), ledger)?;
        }
        let truth = world.truth();
        self.main.messages.all_told(&truth, "journal")?;
        self.watch.messages.all_told(&truth, "watcher's journal")?;
        for heard in &truth.heard {
            if !self.main.messages.knows(heard.message) && !self.watch.messages.knows(heard.message) {
                return Err(format!("(7) {} was heard by `{}` and is on no record", heard.message, heard.outlet));
            }
        }
        Ok(())
    }

    /// SHA-256 over all bytes of both journals.
    pub fn digest(&self) -> String {
        let all = Sha256::new().chain_update(self.main.digest()).chain_update(self.watch.digest());
        hex(&all.finalize())
    }

    pub fn stats(&self) -> Stats {
        self.main.stats()
    }

    /// The newest entries of both journals in words, oldest first.
    pub fn words(&self) -> Vec<String> {
        self.main.words().chain(self.watch.words()).collect()
    }
}

/// (5) The tree verifies with all its checkpoints.
fn whole(journal: &dyn Journal, ledger: &Ledger) -> Result<(), String> {
    let broken = |e: seaworthy_model::port::StoreError| e.to_string();
    let key = ed25519_dalek::SigningKey::from_bytes(&KEY).verifying_key();
    let check = |body: &[u8], signature: &[u8; 64], _: &[u8; 4]| {
        key.verify_strict(body, &ed25519_dalek::Signature::from_bytes(signature)).is_ok()
    };
    let mut notes = Vec::new();
    loop {
        let from = notes.last().map_or(0, |note: &String| {
            seaworthy_model::checkpoint::Checkpoint::parse(note).map_or(u64::MAX, |(checkpoint, _)| checkpoint.size + 1)
        });
        let piece = if from == u64::MAX { vec![] } else { now(journal.checkpoints(from, PIECE)).map_err(broken)? };
        if piece.is_empty() {
            break;
        }
        notes.extend(piece);
    }
    let mut walk = Walk::new(notes, &check);
    let mut at = 0;
    loop {
        let piece = now(journal.from(at, PIECE)).map_err(broken)?;
        let Some(last) = piece.last() else { break };
        at = last.position + 1;
        piece.iter().for_each(|entry| walk.entry(entry));
    }
    let report = walk.finish(&now(journal.frontier()).map_err(broken)?);
    match report.problems.first() {
        Some(problem) => Err(format!("(5) the {} does not verify: {}", ledger.name, problem.what)),
        None => Ok(()),
    }
}
