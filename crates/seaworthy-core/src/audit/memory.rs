//! What a walk remembers of the entries it has seen, bounded.
//!
//! Must not know what is a problem; it answers whether what comes fits what it remembers.

use std::collections::{BTreeMap, BTreeSet};

use seaworthy_model::id::EntryId;

/// Streams whose version is remembered. When there are more, the oldest runs are forgotten first (their ids are in
/// the order of time); from then on an unknown stream that does not begin with version 1 is counted as unchecked.
const STREAMS_MAX: usize = 100_000;

/// Ids that are remembered: the newest. An id that is used again after so many others is found by the tree only.
const IDS_MAX: usize = 100_000;

/// Dropped bodies that wait for their tombstone. More are counted as unchecked.
const DROPPED_MAX: usize = 1_000_000;

/// The last version of each stream.
#[derive(Default)]
pub(super) struct Versions {
    last: BTreeMap<String, u64>,
    forgot: bool,
    pub unchecked: u64,
}

impl Versions {
    /// Remembers this version; returns the one before if this does not follow it.
    pub fn follow(&mut self, stream: &str, version: u64) -> Option<u64> {
        if let Some(last) = self.last.get_mut(stream) {
            let before = std::mem::replace(last, version);
            return (version != before + 1).then_some(before);
        }
        self.last.insert(stream.to_owned(), version);
        if self.last.len() > STREAMS_MAX {
            let oldest_run = self.last.range("run/".to_owned()..).next().map(|(stream, _)| stream.clone());
            match oldest_run.filter(|stream| stream.starts_with("run/")) {
                Some(run) => self.last.remove(&run),
                None => self.last.pop_first().map(|(_, version)| version),
            };
            self.forgot = true;
        }
        if version == 1 {
            return None;
        }
        self.unchecked += u64::from(self.forgot);
        (!self.forgot).then_some(0)
    }
}

/// The newest ids.
#[derive(Default)]
pub(super) struct Ids(BTreeSet<EntryId>);

impl Ids {
    /// Whether it is not among those remembered.
    pub fn add(&mut self, id: EntryId) -> bool {
        let new = self.0.insert(id);
        if self.0.len() > IDS_MAX {
            self.0.pop_first();
        }
        new
    }
}

/// Bodies that are gone and have no tombstone yet: position and id.
#[derive(Default)]
pub(super) struct Dropped {
    waiting: BTreeMap<u64, EntryId>,
    /// All that are gone.
    pub count: u64,
    pub unchecked: u64,
}

impl Dropped {
    pub fn add(&mut self, position: u64, id: EntryId) {
        self.count += 1;
        if self.waiting.len() < DROPPED_MAX {
            self.waiting.insert(position, id);
        } else {
            self.unchecked += 1;
        }
    }

    /// A tombstone names this entry. False if no such body is known to be gone.
    pub fn explain(&mut self, position: u64, id: EntryId) -> bool {
        self.waiting.remove(&position) == Some(id) || self.unchecked > 0
    }

    /// A tombstone names these positions. Those of which no body is known to be gone are no concern of it: a second pass
    /// may name what the first one had dropped.
    pub fn explain_range(&mut self, from: u64, to: u64) {
        let named: Vec<u64> = self.waiting.range(from..=to).map(|(position, _)| *position).collect();
        for position in named {
            self.waiting.remove(&position);
        }
    }

    pub fn without_tombstone(&self) -> impl Iterator<Item = (u64, EntryId)> + use<> {
        self.waiting.clone().into_iter()
    }
}

#[cfg(test)]
mod tests {
    use seaworthy_model::time::At;

    use super::*;

    #[test]
    fn a_stream_follows_itself() {
        let mut versions = Versions::default();
        let answers = [1, 2, 4, 5, 5].map(|version| versions.follow("site", version));
        assert_eq!(answers, [None, None, Some(2), None, Some(5)]);
        assert_eq!(versions.follow("run/b", 2), Some(0));
        assert_eq!(versions.unchecked, 0);
    }

    #[test]
    fn what_was_forgotten_is_unchecked_and_not_wrong() {
        let mut versions = Versions::default();
        versions.follow("site", 1);
        for n in 0..STREAMS_MAX {
            assert_eq!(versions.follow(&format!("run/{n:09}"), 1), None);
        }
        assert_eq!(versions.last.len(), STREAMS_MAX);
        assert_eq!(versions.follow("site", 3), Some(1), "only runs are forgotten");
        assert_eq!((versions.follow("run/000000000", 2), versions.unchecked), (None, 1));
        assert_eq!(versions.follow("run/000099999", 3), Some(1), "the newest are remembered");
    }

    #[test]
    fn the_newest_ids_are_remembered() {
        let id = |n: usize| EntryId::new(At(n as i64 * 1_000_000), &[0; 10]);
        let mut ids = Ids::default();
        assert!((0..=IDS_MAX).all(|n| ids.add(id(n))));
        assert_eq!(ids.0.len(), IDS_MAX);
        assert!(!ids.add(id(IDS_MAX)) && !ids.add(id(1)));
    }
}
