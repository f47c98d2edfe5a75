//! Occurrences: each has one run or one reason why it has none, and none is invented.
//!
//! Due times are computed here from the definitions and the times at which they came into force, not from what the
//! schedule loop remembers.

use std::collections::{BTreeMap, BTreeSet};

use seaworthy_core::schedule::Timetable;
use seaworthy_model::{entry::Entry, event::Event, time::At};

use super::ledger::Definitions;

/// A time in which one definition was in force.
#[derive(Debug, Clone)]
struct InForce {
    digest: String,
    since: At,
    until: Option<At>,
}

/// What is known of one schedule.
#[derive(Default)]
struct Book {
    times: Vec<InForce>,
    due: BTreeSet<At>,
    queued: BTreeSet<At>,
    skipped: BTreeSet<At>,
    /// Counted together: first, last, how many.
    together: Vec<(At, At, u64)>,
}

/// All schedules of a journal.
#[derive(Default)]
pub struct Occurrences(BTreeMap<String, Book>);

impl Occurrences {
    /// Takes in one entry.
    pub fn entry(&mut self, entry: &Entry, event: &Event) -> Result<(), String> {
        let stream = entry.header.stream.as_str();
        let Some(name) = stream.strip_prefix("schedule/").or_else(|| stream.strip_prefix("process/")) else {
            return Ok(());
        };
        let book = self.0.entry(name.to_owned()).or_default();
        match event {
            Event::ScheduleSet { digest, since } => {
                book.close(*since);
                book.times.push(InForce { digest: digest.clone(), since: *since, until: None });
            }
            Event::ProcessRemoved { .. } => book.close(entry.header.at),
            Event::OccurrenceDue { nominal, run } => {
                let new = book.due.insert(*nominal);
                if !new {
                    return Err(format!("(2) the occurrence of {name} at {} is due twice, now as {run}", nominal.0));
                }
            }
            Event::OccurrenceQueued { nominal } => {
                book.queued.insert(*nominal);
            }
            Event::OccurrenceSkipped { nominal, .. } => {
                book.skipped.insert(*nominal);
            }
            Event::OccurrencesSkipped { first, last, count, .. } => book.together.push((*first, *last, *count)),
            _ => {}
        }
        Ok(())
    }

    /// (2) Nothing is missing, nothing is invented.
    pub fn all_accounted_for(&self, definitions: &Definitions) -> Result<(), String> {
        for (name, book) in &self.0 {
            book.accounted_for(name, definitions)?;
        }
        Ok(())
    }

    /// How many became runs, and how many did not.
    pub fn counts(&self) -> (u64, u64) {
        let due = self.0.values().map(|book| book.due.len() as u64).sum();
        let together = |book: &Book| book.together.iter().map(|(_, _, count)| count).sum::<u64>();
        let skipped = self.0.values().map(|book| book.skipped.len() as u64 + together(book)).sum();
        (due, skipped)
    }
}

impl Book {
    fn close(&mut self, at: At) {
        if let Some(last) = self.times.last_mut().filter(|last| last.until.is_none()) {
            last.until = Some(at);
        }
    }

    fn accounted_for(&self, name: &str, definitions: &Definitions) -> Result<(), String> {
        let timetable = |digest: &String| {
            let schedule = definitions.get(digest).and_then(|process| process.schedule.as_ref());
            schedule.and_then(|schedule| Timetable::parse(schedule).ok())
        };
        for time in &self.times {
            let (Some(until), Some(timetable)) = (time.until, timetable(&time.digest)) else { continue };
            let mut at = time.since;
            while let Some(nominal) = timetable.next_after(at).filter(|nominal| *nominal <= until) {
                at = nominal;
                if let Some((_, last, _)) = self.together.iter().find(|(first, last, _)| (*first..=*last).contains(&at))
                {
                    // A long time away is a long list: what is counted together is skipped together here too.
                    at = (*last).min(until).max(at);
                } else if !self.due.contains(&nominal) && !self.skipped.contains(&nominal) {
                    let queued = if self.queued.contains(&nominal) { "was queued and" } else { "was due and" };
                    return Err(format!(
                        "(2) the occurrence of {name} at {} {queued} has neither a run nor a reason; {} was in force from {} to {}",
                        nominal.0,
                        &time.digest[..8],
                        time.since.0,
                        until.0
                    ));
                }
            }
        }
        let tables: BTreeMap<&String, Timetable> =
            self.times.iter().filter_map(|time| Some((&time.digest, timetable(&time.digest)?))).collect();
        let fires = |at: &At| tables.values().any(|table| table.next_after(At(at.0 - 1)) == Some(*at));
        if let Some(invented) = self.due.iter().chain(&self.skipped).chain(&self.queued).find(|at| !fires(at)) {
            return Err(format!("(2) {name} was never due at {}", invented.0));
        }
        for (first, last, count) in &self.together {
            if !tables.values().any(|table| table.count(At(first.0 - 1), *last) == *count) {
                return Err(format!("(2) {name} is not due {count} times from {} to {}", first.0, last.0));
            }
        }
        Ok(())
    }
}
