//! A named lock that a run waits for, as its own stream tells it.
//!
//! Must not know whether it may be taken: that is `lock`.

use seaworthy_model::{event::Event, id::RunId, time::At};

/// A lock that somebody else has, or is before this run in line for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Awaited {
    pub lock: String,
    pub holder: RunId,
    pub process: String,
    pub since: At,
    pub until: At,
}

impl Awaited {
    /// What is waited for after this event, which speaks of locks.
    pub(super) fn of(event: &Event) -> Option<Awaited> {
        let Event::LockAwaited { lock, holder, process, since, until } = event else { return None };
        let (lock, process) = (lock.clone(), process.clone());
        Some(Awaited { lock, holder: *holder, process, since: *since, until: *until })
    }
}
