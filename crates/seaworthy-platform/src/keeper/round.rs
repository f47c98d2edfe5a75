//! The keeper's loop: one thread that waits for connections, output, ends and times at once.
//!
//! In each round everything that happened is taken in first; then whoever is ready goes on, by one look at our
//! children that was taken after all the ends that are judged by it; then what is on record is written and answers go
//! out. Must not know what an order is made of.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    io,
    os::{
        fd::{AsFd, OwnedFd},
        unix::{fs::MetadataExt as _, net::UnixListener},
    },
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use rustix::{
    event::{Timespec, epoll},
    process::{Pid, WaitId, WaitIdOptions, waitid},
};
use seaworthy_model::run::Acted;

use super::{
    Options,
    attempt::{Attempt, Progress, READ_BYTES},
    client::Client,
    inherit::Inherited,
    listen,
    record::{Records, SYNC_AFTER},
    signal,
    spawn::Spawner,
    wire::{Answer, Wanted},
};
use crate::held::{process, tree::Around};

/// Events of one round.
const EVENTS_MAX: usize = 256;
/// Commands that are started before ends and output have their turn.
const STARTS_IN_A_ROW_MAX: usize = 16;
/// How often a keeper without connections looks whether it is still needed and still found.
const TICK: Duration = Duration::from_millis(500);
/// Between TERM and KILL for what a dead keeper left.
const LEFT_GRACE: Duration = Duration::from_secs(10);

/// What an event is about: the low bits; above them a number.
const LISTENER: u64 = 0;
const SIGNALS: u64 = 1;
pub(super) const CLIENT: u64 = 2;
const HANDLE: u64 = 3;
const OUT: u64 = 4;
const ERR: u64 = 5;
pub(super) const KIND_BITS: u32 = 3;

/// What commands are held on and with.
pub(super) struct Host {
    pub(super) data: PathBuf,
    /// Our name among keepers.
    pub(super) name: String,
    pub(super) protocol: u32,
    /// Orphans of our commands come to us.
    pub(super) orphans: bool,
    /// Where a cgroup is made for each attempt.
    pub(super) cgroup: Option<PathBuf>,
}

/// All that a keeper knows.
pub(super) struct Round {
    pub(super) host: Host,
    pub(super) records: Records,
    pub(super) spawner: Spawner,
    pub(super) poll: OwnedFd,
    pub(super) listener: UnixListener,
    /// Which file on the disk is our socket.
    heard_at: Option<(u64, u64)>,
    signals: OwnedFd,
    pub(super) clients: BTreeMap<u64, Client>,
    pub(super) attempts: BTreeMap<u64, Attempt>,
    pub(super) names: BTreeMap<String, u64>,
    /// First processes of all attempts, unreaped.
    mains: BTreeSet<i32>,
    /// When which attempt is to be looked at again.
    due: BTreeSet<(Instant, u64)>,
    /// Orders whose turn has not come, with who gave them.
    pub(super) starts: VecDeque<(u64, Box<Wanted>)>,
    pub(super) buffer: Vec<u8>,
    pub(super) number: u64,
    sync_at: Option<Instant>,
    ending: bool,
}

/// What happened since the last round.
#[derive(Default)]
struct Happened {
    /// Attempts whose first process may have ended.
    ended: Vec<u64>,
    child: bool,
}

impl Round {
    pub(super) fn begin(
        host: Host,
        records: Records,
        (listener, socket): (UnixListener, &Path),
        signals: OwnedFd,
    ) -> io::Result<Round> {
        let poll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let spawner = Spawner::new()?;
        let round = Round {
            host,
            records,
            spawner,
            poll,
            listener,
            heard_at: place(socket),
            signals,
            clients: BTreeMap::new(),
            attempts: BTreeMap::new(),
            names: BTreeMap::new(),
            mains: BTreeSet::new(),
            due: BTreeSet::new(),
            starts: VecDeque::new(),
            buffer: vec![0; READ_BYTES],
            number: 0,
            sync_at: None,
            ending: false,
        };
        round.watch(&round.listener, LISTENER, 0)?;
        round.watch(&round.signals, SIGNALS, 0)?;
        Ok(round)
    }

    pub(super) fn watch(&self, fd: impl AsFd, kind: u64, number: u64) -> io::Result<()> {
        let data = epoll::EventData::new_u64(number << KIND_BITS | kind);
        // The end of a process is told once: it stays a zombie until what it left has ended too.
        let once = if kind == HANDLE { epoll::EventFlags::ONESHOT } else { epoll::EventFlags::empty() };
        Ok(epoll::add(&self.poll, fd, data, epoll::EventFlags::IN | once)?)
    }

    /// What dead keepers left is ended, like what we held ourselves.
    pub(super) fn take_over(&mut self, mut inherited: Inherited) {
        for (name, tree) in std::mem::take(&mut inherited.left) {
            self.hold(Attempt::left(name, tree, LEFT_GRACE));
        }
        inherited.done();
    }

    /// Until it is not needed any more.
    pub(super) fn run(mut self, options: &Options) {
        let mut needed = Instant::now();
        let mut ticked = Instant::now();
        loop {
            let happened = self.wait();
            for _ in 0..STARTS_IN_A_ROW_MAX {
                let Some((client, wanted)) = self.starts.pop_front() else { break };
                self.begin_attempt(client, &wanted);
            }
            self.go_on(&happened);
            self.remember();
            self.answer();
            let now = Instant::now();
            if !self.clients.is_empty() || !self.attempts.is_empty() || !self.starts.is_empty() {
                needed = now;
            }
            if self.clients.is_empty() && now.duration_since(ticked) >= TICK {
                ticked = now;
                self.tick(options);
            }
            let idle = if self.ending { Duration::ZERO } else { options.idle };
            let over = self.attempts.is_empty() && self.starts.is_empty();
            if over && (self.ending || now.duration_since(needed) >= idle) {
                break;
            }
        }
        // The socket goes first: nobody reaches one who is about to end.
        let _ = std::fs::remove_file(&options.socket);
        drop(self.listener);
        self.records.end();
    }

    /// Nobody is connected: are we still found, and is there still something to be found for?
    fn tick(&mut self, options: &Options) {
        if !self.host.data.exists() {
            self.end_all();
        } else if place(&options.socket) != self.heard_at {
            // Gone, or somebody else's: whoever looks for us there would ask nobody, or another.
            match listen(&options.socket).and_then(|made| self.watch(&made, LISTENER, 0).map(|()| made)) {
                Ok(made) => (self.listener, self.heard_at) = (made, place(&options.socket)),
                Err(error) => tracing::warn!(%error, "the socket of the keeper is gone and cannot be made again"),
            }
        }
    }

    fn end_all(&mut self) {
        self.ending = true;
        for number in self.attempts.keys().copied().collect::<Vec<_>>() {
            self.stop(number);
        }
    }

    pub(super) fn stop(&mut self, number: u64) {
        let Some(attempt) = self.attempts.get_mut(&number) else { return };
        self.due.remove(&(attempt.due, number));
        attempt.stop();
        self.due.insert((attempt.due, number));
    }

    pub(super) fn is_known(&self, name: &str) -> bool {
        self.names.contains_key(name) || self.records.of(name).is_some()
    }

    pub(super) fn is_ending(&self) -> bool {
        self.ending
    }

    pub(super) fn held(&self) -> usize {
        self.attempts.len()
    }

    fn wait(&mut self) -> Happened {
        let now = Instant::now();
        let due = self.due.first().map(|(at, _)| *at);
        let tick = self.clients.is_empty().then(|| now + TICK);
        let next = [due, self.sync_at, tick].into_iter().flatten().min();
        let gap = match next {
            _ if !self.starts.is_empty() => Some(Duration::ZERO),
            Some(at) => Some(at.saturating_duration_since(now)),
            None => None,
        };
        let gap = gap.map(|gap| Timespec { tv_sec: gap.as_secs().cast_signed(), tv_nsec: gap.subsec_nanos().into() });
        let mut events = Vec::with_capacity(EVENTS_MAX);
        if let Err(error) = epoll::wait(&self.poll, rustix::buffer::spare_capacity(&mut events), gap.as_ref())
            && error != rustix::io::Errno::INTR
        {
            // Not at once again if the kernel has no room for us.
            std::thread::sleep(Duration::from_millis(10));
        }
        let mut happened = Happened::default();
        for event in events {
            let data = event.data.u64();
            let (kind, number) = (data & ((1 << KIND_BITS) - 1), data >> KIND_BITS);
            match kind {
                LISTENER => self.accept(),
                SIGNALS => {
                    let (child, end) = signal::come(&self.signals);
                    happened.child |= child;
                    if end {
                        self.end_all();
                    }
                }
                CLIENT => self.hear(number),
                HANDLE => happened.ended.push(number),
                OUT | ERR => {
                    if let Some(attempt) = self.attempts.get_mut(&number) {
                        attempt.pump((kind - OUT) as usize, &mut self.buffer);
                    }
                }
                _ => {}
            }
        }
        happened
    }

    pub(super) fn begin_attempt(&mut self, client: u64, wanted: &Wanted) {
        match self.start(wanted) {
            Ok(mut attempt) => {
                attempt.waiting.push(client);
                self.hold(attempt);
            }
            Err(acted) => {
                // It began on record, and that is already over.
                if self.records.of(&wanted.attempt) == Some(None) && !self.names.contains_key(&wanted.attempt) {
                    self.records.ended(&wanted.attempt, &acted);
                }
                self.say(client, &Answer::Ended { attempt: wanted.attempt.clone(), acted });
            }
        }
    }

    fn hold(&mut self, attempt: Attempt) {
        self.number += 1;
        let number = self.number;
        if let Some(command) = attempt.command() {
            self.mains.extend(attempt.main);
            let [out, err] = &command.pipes;
            let watched =
                command.handle.iter().try_for_each(|handle| self.watch(handle, HANDLE, number)).and_then(|()| {
                    out.iter().try_for_each(|out| self.watch(out, OUT, number))?;
                    err.iter().try_for_each(|err| self.watch(err, ERR, number))
                });
            if let Err(error) = watched {
                // It is looked at now and then all the same.
                tracing::warn!(%error, "a command cannot be watched closely");
            }
        }
        self.names.insert(attempt.name.clone(), number);
        self.due.insert((attempt.due, number));
        self.attempts.insert(number, attempt);
    }

    fn go_on(&mut self, happened: &Happened) {
        let now = Instant::now();
        let mut ready: BTreeSet<u64> = happened.ended.iter().copied().collect();
        while let Some((at, number)) = self.due.first().copied().filter(|(at, _)| *at <= now) {
            self.due.remove(&(at, number));
            ready.insert(number);
        }
        if happened.child {
            ready.extend(
                self.attempts.iter().filter(|(_, attempt)| attempt.awaits_children()).map(|(number, _)| *number),
            );
        }
        if ready.is_empty() {
            return;
        }
        for number in &ready {
            if let Some(attempt) = self.attempts.get_mut(number) {
                attempt.notice(&mut self.buffer);
            }
        }
        // Taken after all the ends that are judged by it.
        let around = Around::now(self.host.orphans, &self.mains);
        let mut over = vec![];
        for number in ready {
            let Some(attempt) = self.attempts.get_mut(&number) else { continue };
            self.due.remove(&(attempt.due, number));
            // What a dead keeper left is not below us.
            let around = if attempt.main.is_some() { &around } else { &Around::Host };
            match attempt.look(around, &mut self.buffer) {
                Progress::Again(at) => {
                    attempt.due = at;
                    self.due.insert((at, number));
                }
                Progress::Over(acted) => over.push((number, acted)),
            }
        }
        reap_orphans(&around);
        over.into_iter().for_each(|(number, acted)| self.over(number, acted));
    }

    fn over(&mut self, number: u64, acted: Box<Acted>) {
        let Some(attempt) = self.attempts.remove(&number) else { return };
        self.names.remove(&attempt.name);
        if let Some(pid) = attempt.main {
            self.mains.remove(&pid);
        }
        self.records.ended(&attempt.name, &acted);
        for client in attempt.waiting {
            self.say(client, &Answer::Ended { attempt: attempt.name.clone(), acted: acted.clone() });
        }
    }

    fn remember(&mut self) {
        self.records.flush();
        let now = Instant::now();
        match self.sync_at {
            Some(at) if at <= now => {
                self.sync_at = None;
                if self.records.is_unsynced() {
                    self.records.sync_soon();
                }
            }
            None if self.records.is_unsynced() => self.sync_at = Some(now + SYNC_AFTER),
            _ => {}
        }
    }
}

/// Which file this path leads to.
fn place(path: &Path) -> Option<(u64, u64)> {
    std::fs::symlink_metadata(path).ok().map(|about| (about.dev(), about.ino()))
}

/// Orphans that came to us and have ended have no other reader.
fn reap_orphans(around: &Around<'_>) {
    let Around::Below { children, mains } = around else { return };
    for pid in children.iter().filter(|pid| !mains.contains(pid)) {
        if let (true, Some(pid)) = (process::find(*pid).is_some_and(|child| child.is_zombie()), Pid::from_raw(*pid)) {
            let _ = waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOHANG);
        }
    }
}
