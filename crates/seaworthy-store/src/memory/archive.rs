//! `Archive` in memory: there is no file to shorten.
//!
//! This module must not know what may go.

use seaworthy_model::{
    entry::Entry,
    id::RunId,
    port::{Archive, Fut, StoreError},
    retain::Room,
    view::EndedRun,
};

use super::{Memory, ready};
use crate::ROWS_MAX;

impl Archive for Memory {
    fn ended_place(&self, run: RunId) -> Fut<'_, Result<Option<u64>, StoreError>> {
        ready(Ok(self.state().places.get(&run).copied()))
    }

    fn ended_after(
        &self,
        process: &str,
        place: u64,
        limit: usize,
    ) -> Fut<'_, Result<Vec<(u64, EndedRun)>, StoreError>> {
        let state = self.state();
        let rows = state.ended.iter().filter(|(own, row)| **own > place && row.process == process);
        ready(Ok(rows.take(limit.min(ROWS_MAX)).map(|(own, row)| (*own, row.clone())).collect()))
    }

    fn definitions(&self) -> Fut<'_, Result<Vec<Entry>, StoreError>> {
        let defines = |entry: &&Entry| ["process_loaded", "process_removed"].contains(&entry.header.kind.as_str());
        ready(Ok(self.state().entries.iter().filter(defines).cloned().collect()))
    }

    fn give_back(&self) -> Fut<'_, Result<Room, StoreError>> {
        ready(Ok(Room::default()))
    }
}
