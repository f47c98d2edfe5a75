//! Zombies of orphans that came to us and that nobody waits for.
//!
//! Must not know attempts. Whoever starts a child reaps it at once; so a child that has been a zombie for a
//! long time is an orphan. Reaping sooner could take an exit status from its rightful reader.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};

use super::process::{self, Identity, Process};

/// A zombie this old has no reader.
const UNREAD_AFTER: Duration = Duration::from_secs(30);

/// Looking for them costs a walk over all processes, so it is done at most this often.
const LOOK_GAP: Duration = Duration::from_secs(10);

/// The zombies below us, with the time since when they are known.
#[derive(Debug, Default)]
pub(crate) struct Orphans {
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    since: BTreeMap<Identity, Instant>,
    looked: Option<Instant>,
}

impl Orphans {
    /// Reaps what nobody waited for. Called at the end of every attempt: without attempts there are no orphans.
    pub(crate) fn reap(&self, now: Instant) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.looked.is_some_and(|looked| now.duration_since(looked) < LOOK_GAP) {
            return;
        }
        known.looked = Some(now);
        let zombies = zombies();
        known.since.retain(|identity, _| zombies.contains(identity));
        for zombie in zombies {
            let since = *known.since.entry(zombie).or_insert(now);
            if now.duration_since(since) < UNREAD_AFTER {
                continue;
            }
            if let Some(pid) = Pid::from_raw(zombie.0) {
                let _ = waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOHANG);
            }
            known.since.remove(&zombie);
        }
    }
}

fn zombies() -> Vec<Identity> {
    let own = rustix::process::getpid().as_raw_nonzero().get();
    let all = process::all().unwrap_or_default();
    all.iter().filter(|child| child.parent == own && child.is_zombie()).map(Process::identity).collect()
}
