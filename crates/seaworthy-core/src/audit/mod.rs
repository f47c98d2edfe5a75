//! The walk over the whole life of a journal: every entry, every body, every checkpoint.
//!
//! Must not know where entries are kept nor any key: entries are handed in, and whether a signature is good is asked.
//! What it holds in memory is bounded, however long the journal is; what it therefore could not compare is counted.

mod memory;

use std::collections::BTreeMap;

use seaworthy_model::{
    checkpoint::Checkpoint,
    entry::Entry,
    event::Event,
    tree::{Frontier, Hash},
};

use memory::{Dropped, Ids, Versions};

/// Most problems that a report lists; the others are counted.
pub const PROBLEMS_MAX: usize = 100;

/// Whether this is a good Ed25519 signature over the body, made with the key that has this hash.
pub type Check<'a> = &'a dyn Fn(&[u8], &[u8; 64], &[u8; 4]) -> bool;

/// Something that is not as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The entry, or the first of those among which it is; `None` if it is not about entries.
    pub position: Option<u64>,
    /// A sentence.
    pub what: String,
}

/// What a walk found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    pub entries: u64,
    /// Bodies that are gone, with or without a tombstone.
    pub bodies_dropped: u64,
    /// Checkpoints with a good signature.
    pub checkpoints: u64,
    /// Entries covered by the largest checkpoint that holds; what comes after it is not sealed yet.
    pub sealed: u64,
    pub root: Hash,
    /// The first [`PROBLEMS_MAX`], in the order of the journal.
    pub problems: Vec<Problem>,
    /// How many more there were.
    pub truncated: u64,
    /// Comparisons left out since memory is bounded: versions of streams and tombstones of very long ago.
    pub unchecked: u64,
}

impl Report {
    /// Nothing to complain about.
    pub fn ok(&self) -> bool {
        self.problems.is_empty()
    }
}

/// Feed it every entry from position 0 on, then finish. Goes on after a problem, so that one walk names all.
pub struct Walk {
    /// Checkpoints with a good signature, by size.
    checkpoints: BTreeMap<u64, Vec<Checkpoint>>,
    frontier: Frontier,
    /// Position that comes next.
    next: u64,
    sealed: u64,
    /// A checkpoint did not hold: those after it cannot either, and are not named again.
    broken: bool,
    versions: Versions,
    ids: Ids,
    dropped: Dropped,
    found: Found,
}

#[derive(Default)]
struct Found {
    /// Each with the position that orders it.
    problems: Vec<(Option<u64>, Problem)>,
    truncated: u64,
}

impl Found {
    fn add(&mut self, position: Option<u64>, what: String) {
        self.put(position, position, what);
    }

    /// Something is wrong from `from` on. What is known more exactly explains it, and is named first.
    fn add_range(&mut self, from: u64, what: String) {
        let exact = self.problems.iter().filter_map(|(_, problem)| problem.position).find(|at| *at >= from);
        self.put(exact.or(Some(from)), Some(from), what);
    }

    fn put(&mut self, order: Option<u64>, position: Option<u64>, what: String) {
        if self.problems.len() < PROBLEMS_MAX {
            self.problems.push((order, Problem { position, what }));
        } else {
            self.truncated += 1;
        }
    }
}

impl Walk {
    /// Reads the notes of all checkpoints and asks `check` about the signature of each. A note without a good
    /// signature is a problem and proves nothing else.
    pub fn new(notes: Vec<String>, check: Check<'_>) -> Walk {
        let mut walk = Walk {
            checkpoints: BTreeMap::new(),
            frontier: Frontier::default(),
            next: 0,
            sealed: 0,
            broken: false,
            versions: Versions::default(),
            ids: Ids::default(),
            dropped: Dropped::default(),
            found: Found::default(),
        };
        for (i, note) in notes.iter().enumerate() {
            match Checkpoint::parse(note) {
                Err(why) => {
                    walk.found.add(None, format!("checkpoint {} of {} cannot be read: {why}", i + 1, notes.len()))
                }
                Ok((checkpoint, signed)) if check(signed.body.as_bytes(), &signed.signature, &signed.key_hash) => {
                    walk.checkpoints.entry(checkpoint.size).or_default().push(checkpoint);
                }
                Ok((checkpoint, _)) => {
                    let size = checkpoint.size;
                    let what = format!(
                        "the checkpoint of {size} entries is forged: its signature does not belong to this log's key"
                    );
                    walk.found.add(None, what);
                }
            }
        }
        walk.compare_with_checkpoints();
        walk
    }

    /// The next entry.
    pub fn entry(&mut self, e: &Entry) {
        let forward = e.position >= self.next;
        self.place(e);
        let header = &e.header;
        if let Some(last) = self.versions.follow(header.stream.as_str(), header.version) {
            let what = format!("stream `{}` goes from version {last} to {}", header.stream, header.version);
            self.found.add(Some(e.position), what);
        }
        if !self.ids.add(header.id) {
            self.found.add(Some(e.position), format!("the id {} was used before", header.id));
        }
        self.body(e);
        self.frontier.push(header.leaf());
        if forward {
            self.compare_with_checkpoints();
        }
    }

    /// All entries were fed; `stored` is the tree that the journal keeps beside them.
    pub fn finish(mut self, stored: &Frontier) -> Report {
        for (position, id) in self.dropped.without_tombstone() {
            self.found.add(Some(position), format!("the body of {id} is gone, and no tombstone says why"));
        }
        if let Some((size, _)) = self.checkpoints.last_key_value().filter(|(size, _)| **size > self.next) {
            let what =
                format!("a checkpoint covers {size} entries, but there are only {}: the end was cut off", self.next);
            self.found.add(Some(self.next), what);
        }
        if stored.size != self.frontier.size {
            let what = format!("the stored tree covers {} entries, but {} are there", stored.size, self.frontier.size);
            self.found.add(Some(stored.size.min(self.frontier.size)), what);
        } else if *stored != self.frontier {
            let what =
                format!("the stored tree has the root {}, its entries give {}", stored.root(), self.frontier.root());
            self.found.add_range(self.sealed, what);
        }
        let Found { mut problems, truncated } = self.found;
        problems.sort_by_key(|(order, _)| *order);
        let problems = problems.into_iter().map(|(_, problem)| problem).collect();
        Report {
            entries: self.frontier.size,
            bodies_dropped: self.dropped.count,
            checkpoints: self.checkpoints.values().map(|same| same.len() as u64).sum(),
            sealed: self.sealed,
            root: self.frontier.root(),
            problems,
            truncated,
            unchecked: self.versions.unchecked + self.dropped.unchecked,
        }
    }

    /// Positions follow each other. After a hole the walk goes on behind it; a repeated position is no step.
    fn place(&mut self, e: &Entry) {
        if e.position > self.next {
            let last = e.position - 1;
            let what = if last == self.next {
                format!("the entry at position {last} is missing")
            } else {
                format!("the entries at positions {} to {last} are missing", self.next)
            };
            self.found.add(Some(self.next), what);
        } else if e.position < self.next {
            let what = format!("an entry with position {} stands where {} should be", e.position, self.next);
            self.found.add(Some(e.position), what);
        }
        self.next = self.next.max(e.position.saturating_add(1));
    }

    fn body(&mut self, e: &Entry) {
        let position = e.position;
        let Some(body) = &e.body else {
            self.dropped.add(position, e.header.id);
            return;
        };
        if !e.body_is_whole() || body.len() as u64 != u64::from(e.header.body_bytes) {
            self.found.add(
                Some(position),
                format!("the body of {} was changed: it has not the digest and length of its header", e.header.id),
            );
            return;
        }
        match e.event() {
            Err(unknown) => self.found.add(Some(position), unknown.to_string()),
            Ok(Some(Event::BodyDropped { entry, position: named, .. })) => {
                if named >= position || !self.dropped.explain(named, entry) {
                    let what = format!(
                        "a tombstone names {entry} at position {named}, which is another entry or still has its body"
                    );
                    self.found.add(Some(position), what);
                }
            }
            Ok(Some(Event::BodiesDropped { ranges, .. })) => {
                for (from, to) in ranges {
                    if to >= position || from > to {
                        let what = format!("a tombstone names positions {from} to {to}, which are not before it");
                        self.found.add(Some(position), what);
                        continue;
                    }
                    self.dropped.explain_range(from, to);
                }
            }
            Ok(_) => {}
        }
    }

    /// A checkpoint of the present length has to have the present root.
    fn compare_with_checkpoints(&mut self) {
        let Some(same) = self.checkpoints.get(&self.next) else { return };
        let root = self.frontier.root();
        if same.iter().all(|checkpoint| checkpoint.root == root && self.frontier.size == checkpoint.size) {
            if !self.broken {
                self.sealed = self.next;
            }
        } else if !self.broken {
            self.broken = true;
            let (from, size) = (self.sealed, self.next);
            let signed = same.iter().map(|c| c.root.to_string()).collect::<Vec<_>>().join(" and ");
            let what = format!(
                "the first {size} entries have the root {root}, but a signed checkpoint says {signed}: an entry from position {from} on was changed, removed, added or exchanged, or the key signed another history"
            );
            self.found.add_range(from, what);
        }
    }
}
