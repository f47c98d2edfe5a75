//! The store from its oldest end, for retention and for triggers, and what retention asks of the disk.
//!
//! This module must not know what may go.

use super::{Fut, StoreError};
use crate::{
    entry::Entry,
    id::RunId,
    retain::{Room, Weight},
    view::EndedRun,
};

/// The store, from its oldest end.
pub trait Archive: Send + Sync {
    /// A run's place in the order in which runs ended in the journal; a later end has a higher one.
    fn ended_place(&self, run: RunId) -> Fut<'_, Result<Option<u64>, StoreError>>;
    /// Runs and drills of a process that ended after this place (0: all), each with its own, oldest first, at most `limit`.
    /// A run that goes on has none until it ends again, so a place is a better memory than a run.
    fn ended_after(&self, process: &str, place: u64, limit: usize)
    -> Fut<'_, Result<Vec<(u64, EndedRun)>, StoreError>>;
    /// Every entry that put a definition into force or removed one, oldest first: few, whatever the journal's length.
    fn definitions(&self) -> Fut<'_, Result<Vec<Entry>, StoreError>>;
    /// Gives free space of the journal's file back to the system, a bounded piece of it. How large it is then.
    fn give_back(&self) -> Fut<'_, Result<Room, StoreError>>;
}

/// What runs left on disk.
pub trait Leftovers: Send + Sync {
    /// Runs of which something is there, oldest first.
    fn kept(&self) -> Fut<'_, std::io::Result<Vec<RunId>>>;
    /// Bytes of a run.
    fn weigh(&self, run: RunId) -> Fut<'_, std::io::Result<Weight>>;
    /// Removes the kept output of a run. May be called twice.
    fn forget_outputs(&self, run: RunId) -> Fut<'_, std::io::Result<()>>;
}
