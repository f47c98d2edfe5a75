//! All processes of one attempt: finding them, ending them, proving that none is left.
//!
//! Must not know commands or output. The order of ending: TERM to all, grace, KILL to all, look again. Nothing here
//! waits: whoever holds asks for the next step when a child has ended or the time that was named is over.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
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

/// Where processes of a tree can be.
pub(crate) enum Around<'a> {
    /// Below us: we are the one to whom orphans come, and these are our children of this moment. Looking is cheap,
    /// and a look that finds nothing is a proof: whatever lives of a tree whose first process has ended hangs below a
    /// child of ours that is not the first process of another.
    Below { children: Vec<i32>, mains: &'a BTreeSet<i32> },
    /// Anywhere on this host.
    Host,
}

impl<'a> Around<'a> {
    /// As exactly as this host allows. `mains` are the first processes of all that is held.
    pub(crate) fn now(ours: bool, mains: &'a BTreeSet<i32>) -> Around<'a> {
        match process::children().filter(|_| ours) {
            Some(children) => Around::Below { children, mains },
            None => Around::Host,
        }
    }
}

/// The processes of one attempt.
#[derive(Debug)]
pub(crate) struct Tree {
    /// `NAME=value` in the environment of each.
    marker: String,
    /// Number of the first process, which leads their session; `None` if it is not known any more.
    main: Option<i32>,
    /// The first process has ended; its number is still taken.
    main_ended: bool,
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
    /// The host was started anew since: nothing of it can be left.
    rebooted: bool,
}

/// What ending a tree came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ended {
    /// Names of the processes that had to be told to end.
    pub(crate) told: Vec<String>,
    /// Proven that nothing is left. `None`: could not be looked at.
    pub(crate) empty: Option<bool>,
}

/// A tree is being ended.
#[derive(Debug)]
pub(crate) struct Ending {
    begun: Instant,
    grace: Duration,
    doubt: Option<Instant>,
}

impl Ending {
    pub(crate) fn begin(grace: Duration) -> Ending {
        Ending { begun: Instant::now(), grace, doubt: None }
    }
}

/// What one step of ending came to.
pub(crate) enum Step {
    Over(Ended),
    /// Ask again after this time, or when one of our children has ended.
    Again(Duration),
}

enum Verdict {
    Empty,
    CannotSay,
    LookAgain,
}

impl Tree {
    /// The tree below a process that we just started and have not reaped.
    pub(crate) fn of(main: i32, marker: String, cgroup: Option<Cgroup>, ours: bool) -> Tree {
        // Where all of it is below us its age says nothing more.
        let since = if ours { 0 } else { process::find(main).map_or(0, |process| process.start) };
        let own = rustix::process::getpid().as_raw_nonzero().get();
        let mut orphans_to = if ours { BTreeSet::new() } else { process::forebears() };
        if ours {
            orphans_to.insert(own);
        } else {
            orphans_to.remove(&own);
        }
        let never = BTreeSet::from([own, 1]);
        let (seen, told) = (BTreeMap::new(), BTreeMap::new());
        Tree {
            marker,
            main: Some(main),
            main_ended: false,
            since,
            cgroup,
            orphans_to,
            seen,
            told,
            before: None,
            never,
            rebooted: false,
        }
    }

    /// The tree of an attempt whose holder died: only the marker and the cgroup are left to go by. A session
    /// number may meanwhile be somebody else's. Without a cgroup that nothing of it is left is proven by a restart of the
    /// host alone: who cleared the environment and left the session cannot be found any more.
    pub(crate) fn left(marker: String, cgroup: Option<Cgroup>, rebooted: bool) -> Tree {
        let never = process::forebears();
        let (seen, told) = (BTreeMap::new(), BTreeMap::new());
        Tree {
            marker,
            main: None,
            main_ended: true,
            since: 0,
            cgroup,
            orphans_to: BTreeSet::new(),
            seen,
            told,
            before: None,
            never,
            rebooted,
        }
    }

    /// The first process has ended, and is not reaped yet.
    pub(crate) fn main_ended(&mut self) {
        self.main_ended = true;
    }

    /// Looks, and remembers who belongs here for the time when they have lost all marks.
    pub(crate) fn look(&mut self, around: &Around<'_>) -> io::Result<Vec<Process>> {
        let (alive, strays) = self.look_around(around)?;
        self.before = alive.is_empty().then_some(strays);
        Ok(alive)
    }

    /// The living of this tree, and the strays: orphans that may be of this tree and are not found to be.
    fn look_around(&mut self, around: &Around<'_>) -> io::Result<(Vec<Process>, BTreeSet<Identity>)> {
        let (members, strays) = match (&self.cgroup, around) {
            (Some(group), _) if !group.populated()? => (vec![], BTreeSet::new()),
            (Some(group), _) => (group.members()?.into_iter().filter_map(process::find).collect(), BTreeSet::new()),
            (None, Around::Below { children, mains }) => {
                let others = |pid: &i32| self.main == Some(*pid) && !self.main_ended || !mains.contains(pid);
                let roots: Vec<i32> = children.iter().copied().filter(others).collect();
                if roots.is_empty() {
                    return Ok((vec![], BTreeSet::new()));
                }
                let all = process::below(roots);
                (self.members(&all), self.strays(&all))
            }
            (None, Around::Host) => {
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

    /// One step of ending all of the tree. Takes at most the grace plus [`KILL_WAIT`] in all.
    pub(crate) fn step(&mut self, ending: &mut Ending, around: &Around<'_>) -> Step {
        let (alive, strays) = match self.look_around(around) {
            Ok(looked) => looked,
            Err(error) => {
                tracing::warn!(%error, "the processes of an attempt cannot be looked at");
                self.kill_by_cgroup();
                return self.over(None);
            }
        };
        self.reap();
        let passed = ending.begun.elapsed();
        let (late, over) = (passed >= ending.grace, passed >= ending.grace + KILL_WAIT);
        if alive.is_empty() {
            if strays.is_empty() {
                ending.doubt = None;
            }
            let exact = matches!(around, Around::Below { .. });
            match self.verdict(&strays, ending.doubt.get_or_insert_with(Instant::now).elapsed(), exact) {
                Verdict::Empty => return self.over(Some(true)),
                Verdict::CannotSay => return self.over(None),
                Verdict::LookAgain if over => return self.over(None),
                Verdict::LookAgain => {}
            }
            let gap = if strays.is_empty() && self.main.is_some() { Duration::ZERO } else { STRAY_GAP };
            self.before = Some(strays);
            return Step::Again(gap);
        }
        self.before = None;
        if late {
            self.kill_by_cgroup();
        }
        self.tell(&alive, late);
        if over {
            return self.over(Some(false));
        }
        Step::Again(if late { LOOK_GAP_MAX } else { LOOK_GAP_MAX.min(ending.grace.saturating_sub(passed)) })
    }

    fn over(&self, empty: Option<bool>) -> Step {
        Step::Over(Ended { told: self.told.values().cloned().collect(), empty })
    }

    /// Nothing is found; is that a proof? The list of all processes is not read in one moment, so one look at it is
    /// none: a process may fork behind our back, and shows no environment in the middle of an exec.
    fn verdict(&self, strays: &BTreeSet<Identity>, doubted: Duration, exact: bool) -> Verdict {
        match &self.before {
            _ if self.cgroup.is_some() || self.rebooted => Verdict::Empty,
            Some(_) if self.main.is_none() => Verdict::CannotSay,
            None if self.main.is_none() => Verdict::LookAgain,
            _ if exact && strays.is_empty() => Verdict::Empty,
            Some(_) if strays.is_empty() => Verdict::Empty,
            Some(before) if !strays.is_disjoint(before) && doubted >= STRAY_WAIT => Verdict::CannotSay,
            _ => Verdict::LookAgain,
        }
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
    pub(crate) fn close(&mut self) {
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
