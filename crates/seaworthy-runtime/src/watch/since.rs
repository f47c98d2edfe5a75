//! Since when a process is watched as it is now: a limit that is over stays over, whatever else in its file changes.
//!
//! This module must not know what is wrong with a process.

use std::{collections::BTreeMap, sync::Arc};

use seaworthy_model::{
    entry::Stream,
    event::Event,
    port::{Journal, StoreError},
    process::{Process, Schedule},
    site::Pinned,
    time::At,
    view::ScheduleRow,
};

/// What was found out, by process. Forgetting it costs a read.
pub(super) struct Since {
    journal: Arc<dyn Journal>,
    known: BTreeMap<String, (Option<Schedule>, At)>,
}

impl Since {
    pub fn new(journal: Arc<dyn Journal>) -> Self {
        Self { journal, known: BTreeMap::new() }
    }

    /// Forgets processes that are gone.
    pub fn retain(&mut self, there: impl Fn(&str) -> bool) {
        self.known.retain(|name, _| there(name));
    }

    /// Since when the schedule of this definition is in force; without one, since when the process is there. Until the
    /// journal's row speaks of this definition, a schedule that is new is one of now.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn of(&mut self, pinned: &Pinned, row: Option<&ScheduleRow>, now: At) -> Result<At, StoreError> {
        let (name, schedule) = (&pinned.process.name, pinned.process.expects());
        let known = self.known.get(name).filter(|(before, _)| before.as_ref() == schedule).map(|(_, at)| *at);
        let at = match (row, known) {
            (_, Some(at)) if pinned.process.pinged => at,
            (_, None) if pinned.process.pinged => self.expected_since(name, schedule).await?.unwrap_or(now),
            (Some(row), _) if row.digest == pinned.digest => row.since,
            (_, Some(at)) => at,
            (Some(row), None) => {
                let before = self.recorded(name, &row.digest).await?;
                if before.is_some_and(|before| before.fires() == schedule) { row.since } else { now }
            }
            (None, None) if schedule.is_none() => self.there_since(name).await?.unwrap_or(now),
            (None, None) => now,
        };
        self.known.insert(name.clone(), (schedule.cloned(), at));
        Ok(at)
    }

    async fn recorded(&self, name: &str, digest: &str) -> Result<Option<Process>, StoreError> {
        for entry in self.journal.stream(&Stream::process(name), 0).await?.iter().rev() {
            match entry.event() {
                Ok(Some(Event::ProcessLoaded { digest: found, definition, .. })) if found == digest => {
                    return Ok(serde_json::from_str(&definition).ok());
                }
                _ => {}
            }
        }
        Ok(None)
    }

    /// Since when starts from outside are expected by this very schedule. No loop of ours keeps a row about that.
    async fn expected_since(&self, name: &str, schedule: Option<&Schedule>) -> Result<Option<At>, StoreError> {
        let mut since = None;
        for entry in self.journal.stream(&Stream::process(name), 0).await? {
            match entry.event() {
                Ok(Some(Event::ProcessLoaded { definition, .. })) => {
                    let same = serde_json::from_str::<Process>(&definition)
                        .is_ok_and(|process| process.pinged && process.expects() == schedule);
                    since = if same { since.or(Some(entry.header.at)) } else { None };
                }
                Ok(Some(Event::ProcessRemoved { .. })) => since = None,
                _ => {}
            }
        }
        Ok(since)
    }

    /// The first time it was loaded since it was removed last.
    async fn there_since(&self, name: &str) -> Result<Option<At>, StoreError> {
        let mut since = None;
        for entry in self.journal.stream(&Stream::process(name), 0).await? {
            match entry.event() {
                Ok(Some(Event::ProcessLoaded { .. })) => since = since.or(Some(entry.header.at)),
                Ok(Some(Event::ProcessRemoved { .. })) => since = None,
                _ => {}
            }
        }
        Ok(since)
    }
}
