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
    /// `grace` is how much longer than others we ourselves leave a child unread (while its tree is being ended).
    pub(crate) fn reap(&self, now: Instant, grace: Duration) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.looked.is_some_and(|looked| now.duration_since(looked) < LOOK_GAP) {
            return;
        }
        known.looked = Some(now);
        let zombies = zombies();
        known.since.retain(|identity, _| zombies.contains(identity));
        for zombie in zombies {
            let since = *known.since.entry(zombie).or_insert(now);
            if now.duration_since(since) < UNREAD_AFTER + grace {
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

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;
    use crate::provider::tests::World;

    const TEST: &str = "held::orphan::tests::an_orphan_that_ended_is_reaped_when_nobody_else_did";

    #[test]
    fn an_orphan_that_ended_is_reaped_when_nobody_else_did() {
        // In a process of its own, since it would reap the children of other tests.
        if std::env::var_os("TEST_ALONE").is_none() {
            let this = std::env::current_exe().expect("this program");
            let ended = Command::new(this).args(["--exact", TEST]).env("TEST_ALONE", "1").output().expect("starts");
            assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stdout));
            return;
        }
        let world = World::new();
        let script = "(sh -c 'echo $$ > pid' &)";
        let ended = Command::new("sh").args(["-c", script]).current_dir(&world.folder).status();
        assert!(ended.expect("starts").success());
        let until = Instant::now() + Duration::from_secs(10);
        let pid = loop {
            let pid = std::fs::read_to_string(world.folder.join("pid")).unwrap_or_default().trim().parse();
            match pid.ok().filter(|pid| process::find(*pid).is_some_and(|process| process.is_zombie())) {
                Some(pid) => break pid,
                None => assert!(Instant::now() < until, "it never came to us"),
            }
        };
        let (orphans, now) = (Orphans::default(), Instant::now());
        let at = |seconds| now + Duration::from_secs(seconds);
        orphans.reap(now, Duration::from_secs(10));
        orphans.reap(at(39), Duration::from_secs(10));
        assert!(process::find(pid).is_some(), "somebody may still want to read it");
        orphans.reap(at(50), Duration::from_secs(10));
        assert!(process::find(pid).is_none());
    }
}
