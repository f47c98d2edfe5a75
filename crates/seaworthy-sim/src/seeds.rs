//! Many seeds, on all cores, and the smallest number of faults with which a failing one still fails.
//!
//! This module must not know what a seed plays.

use std::{
    collections::BTreeMap,
    ops::Range,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
    thread,
};

use crate::{
    play::{Options, Played, play},
    story::Failure,
};

/// What came of many seeds.
#[derive(Debug, Default)]
pub struct Summary {
    pub seeds: u64,
    pub steps: u64,
    pub faults: u64,
    pub entries: u64,
    pub occurrences: u64,
    pub skipped: u64,
    pub messages: u64,
    pub settled: u64,
    pub drills: u64,
    /// `ok / yes` and so on, and how often.
    pub ends: BTreeMap<String, u64>,
    /// The failing seed with the lowest number.
    pub failure: Option<Failure>,
    /// All failing seeds and what they broke, where all were asked for.
    pub failing: BTreeMap<u64, String>,
}

impl Summary {
    fn add(&mut self, played: Played) {
        let stats = played.stats;
        self.seeds += 1;
        self.steps += played.steps;
        self.faults += played.faults;
        self.entries += stats.entries;
        self.occurrences += stats.occurrences;
        self.skipped += stats.skipped;
        self.messages += stats.messages;
        self.settled += stats.settled;
        self.drills += stats.drills;
        for (end, times) in stats.ends {
            *self.ends.entry(end).or_default() += times;
        }
        let Some(failure) = played.failure else { return };
        self.failing.insert(failure.seed, failure.what.clone());
        if self.failure.as_ref().is_none_or(|known| failure.seed < known.seed) {
            self.failure = Some(failure);
        }
    }
}

/// Plays seeds until one fails or all were played; with `all`, all of them in any case.
pub fn seeds(range: Range<u64>, options: &Options, all: bool) -> Summary {
    let (next, summary) = (AtomicU64::new(range.start), Mutex::new(Summary::default()));
    let workers = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, SeqCst);
                    if seed >= range.end {
                        return;
                    }
                    let played = play(seed, options);
                    let mut summary = summary.lock().unwrap_or_else(PoisonError::into_inner);
                    summary.add(played);
                    if summary.failure.is_some() && !all {
                        return;
                    }
                }
            });
        }
    });
    summary.into_inner().unwrap_or_else(PoisonError::into_inner)
}

/// The same seed with as few faults as still break something.
pub fn shrink(failure: Failure, options: &Options) -> Failure {
    let (mut low, mut high, mut best) = (0, play(failure.seed, options).faults, failure);
    while low < high {
        let middle = low + (high - low) / 2;
        match play(best.seed, &Options { faults: Some(middle), ..options.clone() }).failure {
            Some(found) => (high, best) = (middle, found),
            None => low = middle + 1,
        }
    }
    best
}
