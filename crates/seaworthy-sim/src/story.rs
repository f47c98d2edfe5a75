//! A failing seed in words: what is broken, what happened last, and the command that shows it again.
//!
//! This module must not judge anything.

use std::fmt;

use crate::play::{Options, Play};

/// Notes of the world that are shown.
const NOTES_MAX: usize = 80;

/// What a seed broke.
#[derive(Debug, Clone)]
pub struct Failure {
    pub seed: u64,
    /// The limit of faults it was played with.
    pub faults: Option<u64>,
    /// One sentence, with the number of the invariant in front.
    pub what: String,
    pub files: Vec<String>,
    pub notes: Vec<String>,
    pub entries: Vec<String>,
}

impl Failure {
    pub(crate) fn of(seed: u64, options: &Options, what: String, play: &Play) -> Failure {
        let notes = play.shore.world.notes();
        let notes = notes.iter().skip(notes.len().saturating_sub(NOTES_MAX));
        let notes = notes.map(|(at, what)| format!("{:>12.3}s {what}", at.as_seconds())).collect();
        let entries = play.holds.words();
        let files = play.texts.values().cloned().collect();
        Failure { seed, faults: options.faults, what, files, notes, entries }
    }

    /// The command that plays it again.
    pub fn command(&self) -> String {
        let faults = self.faults.map_or(String::new(), |faults| format!(" --faults {faults}"));
        format!("cargo xtask sim --seed {}{faults}", self.seed)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "seed {}: {}", self.seed, self.what)?;
        writeln!(f, "\nThe files:")?;
        self.files.iter().try_for_each(|file| writeln!(f, "{file}"))?;
        writeln!(f, "What happened in the world, last:")?;
        self.notes.iter().try_for_each(|note| writeln!(f, "{note}"))?;
        writeln!(f, "\nWhat was recorded, last:")?;
        self.entries.iter().try_for_each(|entry| writeln!(f, "{entry}"))?;
        writeln!(f, "\nseed {}: {}\nagain with: {}", self.seed, self.what, self.command())
    }
}
