//! All processes of one attempt: finding them, ending them, proving that none is left.
//!
//! Must not know commands or output. The order of ending: TERM to all, grace, KILL to all, look again.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    os::fd::OwnedFd,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, waitid};

use super::{
    cgroup::Cgroup,
    process::{self, Identity, Mark, Process},
};

/// How long after KILL processes may take to vanish. What is left then sleeps in the kernel (a dead disk, a
/// dead mount) and the record says that it is left.
const KILL_WAIT: Duration = Duration::from_secs(5);
/// Longest time between two looks while a tree is being ended.
const LOOK_GAP_MAX: Duration = Duration::from_millis(100);
/// Orphans without our mark are looked at again for this long, since between fork and exec a process wears our
/// own environment, and in the middle of an exec none; on a busy host either may take a while.
const STRAY_WAIT: Duration = Duration::from_secs(1);
/// Time between two such looks.
const STRAY_GAP: Duration = Duration::from_millis(20);

/// The processes of one attempt.
#[derive(Debug)]
pub(crate) struct Tree {
    /// `NAME=value` in the environment of each.
    marker: String,
    /// Number of the first process, which leads their session; `None` if it is not known any more.
    main: Option<i32>,
    /// Nothing that started before this (ticks since boot) is of the tree.
    since: u64,
    cgroup: Option<Cgroup>,
    /// Where orphans of this tree go: us, or one of those who started us. Empty: too long ago to tell.
    orphans_to: BTreeSet<i32>,
    /// Everything that was ever seen to belong here.
    seen: BTreeMap<Identity, String>,
    /// Those that were told to end.
    told: BTreeMap<Identity, String>,
    /// The strays of the look before, if nothing of the tree was found then.
    before: Option<BTreeSet<Identity>>,
    never: BTreeSet<i32>,
}

/// What ending a tree came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ended {
    /// Names of the processes that had to be told to end.
    pub(crate) told: Vec<String>,
    /// Proven that nothing is left. `None`: could not be looked at.
    pub(crate) empty: Option<bool>,
}

enum Verdict {
    Empty,
    CannotSay,
    LookAgain,
}

impl Tree {
    /// The tree below a process that we just started and have not reaped.
    pub(crate) fn of(main: i32, marker: String, cgroup: Option<Cgroup>, ours: bool) -> Tree {
        let since = process::find(main).map_or(0, |process| process.start);
        let own = rustix::process::getpid().as_raw_nonzero().get();
        let mut orphans_to = if ours { BTreeSet::new() } else { process::forebears() };
        if ours {
            orphans_to.insert(own);
        } else {
            orphans_to.remove(&own);
        }
        let never = BTreeSet::from([own, 1]);
        let (seen, told) = (BTreeMap::new(), BTreeMap::new());
        Tree { marker, main: Some(main), since, cgroup, orphans_to, seen, told, before: None, never }
    }

    /// The tree of an attempt whose holder died: only the marker and the cgroup are left to go by. A session
    /// number may meanwhile be somebody else's.
    pub(crate) fn left(marker: String, cgroup: Option<Cgroup>) -> Tree {
        let never = process::forebears();
        let (seen, told) = (BTreeMap::new(), BTreeMap::new());
        Tree { marker, main: None, since: 0, cgroup, orphans_to: BTreeSet::new(), seen, told, before: None, never }
    }

    /// Looks, and remembers who belongs here for the time when they have lost all marks.
    pub(crate) fn look(&mut self) -> io::Result<Vec<Process>> {
        let (alive, strays) = self.look_around()?;
        self.before = alive.is_empty().then_some(strays);
        Ok(alive)
    }

    /// The living of this tree, and the strays: orphans that may be of this tree and are not found to be.
    fn look_around(&mut self) -> io::Result<(Vec<Process>, BTreeSet<Identity>)> {
        let (members, strays) = match &self.cgroup {
            Some(group) if !group.populated()? => (vec![], BTreeSet::new()),
            Some(group) => (group.members()?.into_iter().filter_map(process::find).collect(), BTreeSet::new()),
            None => {
                let all = process::all()?;
                (self.members(&all), self.strays(&all))
            }
        };
        for member in &members {
            self.seen.insert(member.identity(), member.name.clone());
        }
        Ok((members.into_iter().filter(|member| !member.is_zombie()).collect(), strays))
    }

    /// One that carries our marker counts too: a moment ago, in the middle of an exec, it may have shown none.
    fn strays(&self, all: &[Process]) -> BTreeSet<Identity> {
        let orphan = |process: &&Process| {
            process.start >= self.since && self.orphans_to.contains(&process.parent) && !process.is_zombie()
        };
        let of_another = |process: &Process| {
            self.main == Some(process.pid) || process::mark(process.pid, &self.marker) == Mark::Other
        };
        all.iter().filter(orphan).filter(|process| !of_another(process)).map(Process::identity).collect()
    }

    fn members(&self, all: &[Process]) -> Vec<Process> {
        let may = |process: &&Process| process.start >= self.since && !self.never.contains(&process.pid);
        let mut found: BTreeMap<i32, &Process> = all
            .iter()
            .filter(may)
            .filter(|process| {
                self.main.is_some_and(|main| process.pid == main || process.session == main)
                    || self.seen.contains_key(&process.identity())
                    || process::mark(process.pid, &self.marker) == Mark::Ours
            })
            .map(|process| (process.pid, process))
            .collect();
        loop {
            let more: Vec<&Process> = all
                .iter()
                .filter(may)
                .filter(|process| !found.contains_key(&process.pid) && found.contains_key(&process.parent))
                .collect();
            if more.is_empty() {
                return found.into_values().cloned().collect();
            }
            found.extend(more.into_iter().map(|process| (process.pid, process)));
        }
    }

    /// Ends all of the tree. `wait` returns when one of the handles is readable or the time is over, and may do
    /// something useful meanwhile. Takes at most `grace` plus [`KILL_WAIT`] plus what `wait` takes.
    pub(crate) fn end(&mut self, grace: Duration, mut wait: impl FnMut(&[OwnedFd], Duration)) -> Ended {
        let begun = Instant::now();
        let mut doubt: Option<Instant> = None;
        let empty = loop {
            let (alive, strays) = match self.look_around() {
                Ok(looked) => looked,
                Err(error) => {
                    tracing::warn!(%error, "the processes of an attempt cannot be looked at");
                    self.kill_by_cgroup();
                    break None;
                }
            };
            self.reap();
            let late = begun.elapsed() >= grace;
            let over = begun.elapsed() >= grace + KILL_WAIT;
            if alive.is_empty() {
                if strays.is_empty() {
                    doubt = None;
                }
                match self.verdict(&strays, doubt.get_or_insert_with(Instant::now).elapsed()) {
                    Verdict::Empty => break Some(true),
                    Verdict::CannotSay => break None,
                    Verdict::LookAgain if over => break None,
                    Verdict::LookAgain => {}
                }
                if !strays.is_empty() || self.main.is_none() {
                    wait(&[], STRAY_GAP);
                }
                self.before = Some(strays);
                continue;
            }
            self.before = None;
            if late {
                self.kill_by_cgroup();
            }
            self.tell(&alive, late);
            if over {
                break Some(false);
            }
            let handles: Vec<OwnedFd> = alive.iter().filter_map(|member| process::open(member.identity())).collect();
            let left = grace.saturating_sub(begun.elapsed());
            wait(&handles, if late { LOOK_GAP_MAX } else { LOOK_GAP_MAX.min(left) });
        };
        Ended { told: self.told.values().cloned().collect(), empty }
    }

    /// Nothing is found; is that a proof? The list of processes is not read in one moment, so one look is none:
    /// a process may fork behind our back, and shows no environment in the middle of an exec.
    fn verdict(&self, strays: &BTreeSet<Identity>, doubted: Duration) -> Verdict {
        match &self.before {
            _ if self.cgroup.is_some() => Verdict::Empty,
            Some(_) if strays.is_empty() => Verdict::Empty,
            Some(before) if !strays.is_disjoint(before) && doubted >= STRAY_WAIT => Verdict::CannotSay,
            _ => Verdict::LookAgain,
        }
    }

    /// Asks all of the tree to end, without waiting for it.
    pub(crate) fn ask(&mut self) -> io::Result<()> {
        let alive = self.look()?;
        self.tell(&alive, false);
        Ok(())
    }

    fn tell(&mut self, alive: &[Process], late: bool) {
        for member in alive {
            let first = self.told.insert(member.identity(), member.name.clone()).is_none();
            if late {
                send(member, Signal::KILL);
            } else if first {
                send(member, Signal::TERM);
                // One that is stopped cannot hear TERM.
                send(member, Signal::CONT);
            }
        }
    }

    fn kill_by_cgroup(&self) {
        if let Some(Err(error)) = self.cgroup.as_ref().map(Cgroup::kill) {
            tracing::warn!(%error, "a cgroup could not be killed");
        }
    }

    /// Takes note of the end of orphans that came to us, but never of the first process: its number must stay
    /// taken as long as the session is looked for by it.
    fn reap(&self) {
        if self.main.is_none() {
            // Left by one before us: they are reaped by whoever they went to.
            return;
        }
        let own = rustix::process::getpid().as_raw_nonzero().get();
        for (pid, start) in self.seen.keys() {
            let orphan = self.main != Some(*pid)
                && process::find(*pid).is_some_and(|now| now.start == *start && now.is_zombie() && now.parent == own);
            if let Some(pid) = Pid::from_raw(*pid).filter(|_| orphan) {
                // It may have been reaped by somebody else just now; then there is nothing to do.
                let _ = waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOHANG);
            }
        }
    }

    /// Gives up the cgroup, which must be empty for that.
    pub(crate) fn close(mut self) {
        if let Some(group) = self.cgroup.take() {
            group.remove();
        }
    }
}

fn send(member: &Process, signal: Signal) {
    if let Err(error) = process::signal(member.identity(), signal) {
        tracing::warn!(%error, pid = member.pid, name = member.name, "a process could not be told to end");
    }
}
