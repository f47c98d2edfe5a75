//! One attempt that a keeper holds: its output, its limit, its end and what it leaves behind.
//!
//! Must not know who asked for it nor what is remembered of it. Nothing here waits: the keeper's loop calls when
//! something happened or the time that was named is over.

use std::{
    fs::File,
    io::Read as _,
    os::fd::OwnedFd,
    time::{Duration, Instant},
};

use rustix::process::{Pid, PidfdFlags, WaitId, WaitIdOptions, WaitIdStatus, pidfd_open, waitid};
use seaworthy_model::{run::Acted, time::Span};

use super::{
    said::{Attended, Why, count, left, said, shown},
    spawn::Started,
};
use crate::{
    held::{
        folder::Folder,
        tree::{Around, Ending, Step, Tree},
    },
    output::write::Writer,
};

/// First and longest time between two looks at a running command's processes, for those that will lose all marks.
const LOOK_GAP_MIN: Duration = Duration::from_millis(100);
const LOOK_GAP_MAX: Duration = Duration::from_secs(5);
/// How long what a command leaves behind may take to end by itself: a `tee` that has just lost its writer
/// must be able to write its last bytes.
const LINGER: Duration = Duration::from_millis(500);
/// What is read at once.
pub(super) const READ_BYTES: usize = 64 * 1024;
/// Reads per stream before the other things are looked at again.
const READS_IN_A_ROW_MAX: usize = 16;
/// Reads that empty a pipe, which holds at most 1 MiB, even if somebody keeps writing.
const DRAIN_READS_MAX: usize = 1024 * 1024 / READ_BYTES + READS_IN_A_ROW_MAX;

/// How far it is.
enum Phase {
    Running,
    /// The first process has ended; what it left may end by itself until then.
    Lingering(Instant),
    Ending(Ending),
}

/// What the next look came to.
pub(super) enum Progress {
    /// Look again at this time, or when something happens.
    Again(Instant),
    Over(Box<Acted>),
}

/// How an attempt may go on, and whose word counts at its end.
pub(super) struct Bounds {
    pub(super) limit: Option<Span>,
    pub(super) grace: Duration,
    pub(super) own: bool,
}

/// An attempt whose processes are not proven gone.
pub(super) struct Attempt {
    /// `RUN.STEP.ATTEMPT`.
    pub(super) name: String,
    /// Who is to be told, by the number of the connection.
    pub(super) waiting: Vec<u64>,
    /// The time at which it is looked at again.
    pub(super) due: Instant,
    tree: Tree,
    phase: Phase,
    why: Option<Why>,
    took: Option<Duration>,
    begun: Instant,
    limit: Option<Span>,
    /// A program of ours, whose own word counts.
    own: bool,
    grace: Duration,
    gap: Duration,
    next_look: Instant,
    /// Number of the first process; it is reaped when the attempt is over.
    pub(super) main: Option<i32>,
    /// Nothing of it is left to us after the sudden end of an earlier keeper.
    command: Option<Command>,
}

/// The command that we started ourselves.
pub(super) struct Command {
    /// Nobody else reaps it, so the number is its own until we do.
    pub(super) pid: Pid,
    /// Tells of its end at once; without one that is looked for when any child of ours has ended.
    pub(super) handle: Option<OwnedFd>,
    pub(super) pipes: [Option<File>; 2],
    writer: Writer,
    held_by: &'static str,
    folder: Option<Folder>,
}

impl Command {
    /// It runs by now, so it is held whatever the kernel refuses.
    pub(super) fn of(started: Started, writer: Writer, folder: Option<Folder>, held_by: &'static str) -> Command {
        let handle = pidfd_open(started.pid, PidfdFlags::empty());
        if let Err(error) = &handle {
            tracing::warn!(%error, "a command has no handle; its end is looked for");
        }
        let pipes = [Some(File::from(started.out)), Some(File::from(started.err))];
        Command { pid: started.pid, handle: handle.ok(), pipes, writer, held_by, folder }
    }

    /// Keeps what there is to read of one stream.
    fn read(&mut self, stream: usize, buffer: &mut [u8], reads_max: usize) {
        for _ in 0..reads_max {
            let Some(pipe) = &mut self.pipes[stream] else { return };
            match pipe.read(buffer) {
                Ok(bytes) if bytes > 0 => self.writer.write(stream, &buffer[..bytes]),
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => return,
                Ok(_) | Err(_) => {
                    self.pipes[stream] = None;
                    self.writer.end_stream(stream);
                }
            }
        }
    }
}

impl Attempt {
    pub(super) fn begin(name: String, command: Command, tree: Tree, bounds: Bounds) -> Attempt {
        let Bounds { limit, grace, own } = bounds;
        let now = Instant::now();
        let next_look = now + LOOK_GAP_MIN;
        let mut attempt = Attempt {
            name,
            waiting: vec![],
            due: now,
            tree,
            phase: Phase::Running,
            why: None,
            took: None,
            begun: now,
            limit,
            own,
            grace,
            gap: LOOK_GAP_MIN,
            next_look,
            main: Some(command.pid.as_raw_nonzero().get()),
            command: Some(command),
        };
        attempt.due = attempt.wake();
        attempt
    }

    /// What an earlier keeper left: it is ended.
    pub(super) fn left(name: String, tree: Tree, grace: Duration) -> Attempt {
        let now = Instant::now();
        Attempt {
            name,
            waiting: vec![],
            due: now,
            tree,
            phase: Phase::Ending(Ending::begin(grace)),
            why: None,
            took: None,
            begun: now,
            limit: None,
            own: false,
            grace,
            gap: LOOK_GAP_MIN,
            next_look: now,
            main: None,
            command: None,
        }
    }

    pub(super) fn command(&self) -> Option<&Command> {
        self.command.as_ref()
    }

    /// Whether the end of one of our children may bring it further.
    pub(super) fn awaits_children(&self) -> bool {
        !matches!(self.phase, Phase::Running) || self.command.as_ref().is_some_and(|command| command.handle.is_none())
    }

    /// Output came, or a stream has ended.
    pub(super) fn pump(&mut self, stream: usize, buffer: &mut [u8]) {
        if let Some(command) = &mut self.command {
            command.read(stream, buffer, READS_IN_A_ROW_MAX);
        }
    }

    /// Takes note of the end of the first process, if it has ended. It is not reaped: its session is looked for by its
    /// number.
    pub(super) fn notice(&mut self, buffer: &mut [u8]) {
        let Some(command) = self.command.as_mut().filter(|_| self.took.is_none()) else { return };
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT | WaitIdOptions::NOHANG;
        let status: Option<WaitIdStatus> = match waitid(WaitId::Pid(command.pid), options) {
            Ok(Some(status)) => Some(status),
            Ok(None) => return,
            Err(error) => {
                self.why.get_or_insert(Why::Blind(error.into()));
                None
            }
        };
        self.took = Some(self.begun.elapsed());
        self.tree.main_ended();
        if let Some(status) = status {
            self.why.get_or_insert(Why::Ended(status));
        }
        // What the command itself wrote comes before our remark about what it left behind.
        command.read(0, buffer, DRAIN_READS_MAX);
        command.read(1, buffer, DRAIN_READS_MAX);
    }

    /// Somebody asked for its end.
    pub(super) fn stop(&mut self) {
        if matches!(self.phase, Phase::Running) && self.why.is_none() {
            self.end(Why::Stopped);
        }
        self.due = Instant::now();
    }

    fn end(&mut self, why: Why) {
        self.why = Some(why);
        self.phase = Phase::Ending(Ending::begin(self.grace));
    }

    /// Goes on as far as it gets now.
    pub(super) fn look(&mut self, around: &Around<'_>, buffer: &mut [u8]) -> Progress {
        let now = Instant::now();
        if matches!(self.phase, Phase::Running) {
            if self.why.is_some() {
                self.phase = Phase::Lingering(now + LINGER);
            } else if self.limit.is_some_and(|limit| now.duration_since(self.begun) >= limit.to_std()) {
                // Asked after its end was looked for: one that ended before its limit has ended.
                self.end(Why::Limit);
            } else {
                self.look_on(around, now);
                return Progress::Again(self.wake());
            }
        }
        if let Phase::Lingering(until) = self.phase {
            let alive = self.tree.look(around).unwrap_or_default();
            if !alive.is_empty() && now < until {
                return Progress::Again(until.min(now + LOOK_GAP_MIN));
            }
            let names: Vec<String> = alive.into_iter().map(|process| process.name).collect();
            if let Some(command) = self.command.as_mut().filter(|_| !names.is_empty()) {
                let (count, names) = (count(names.len()), shown(&names));
                command.writer.note(&format!("the command has ended but left {count} behind, ended now: {names}"));
            }
            self.phase = Phase::Ending(Ending::begin(self.grace));
        }
        let Phase::Ending(ending) = &mut self.phase else { return Progress::Again(now + LOOK_GAP_MAX) };
        match self.tree.step(ending, around) {
            Step::Again(gap) => Progress::Again(now + gap),
            Step::Over(ended) => {
                let took = self.took.unwrap_or_else(|| self.begun.elapsed());
                let why = self.why.take().unwrap_or(Why::Stopped);
                Progress::Over(Box::new(self.over(Attended { why, took, ended }, buffer)))
            }
        }
    }

    fn look_on(&mut self, around: &Around<'_>, now: Instant) {
        if now < self.next_look {
            return;
        }
        if let Err(error) = self.tree.look(around) {
            tracing::debug!(%error, "the processes of a running command could not be looked at");
        }
        self.gap = (self.gap * 2).min(LOOK_GAP_MAX);
        self.next_look = now + self.gap;
    }

    fn wake(&self) -> Instant {
        let limit = self.limit.and_then(|limit| self.begun.checked_add(limit.to_std()));
        limit.map_or(self.next_look, |limit| limit.min(self.next_look))
    }

    fn over(&mut self, attended: Attended, buffer: &mut [u8]) -> Acted {
        let Some(mut command) = self.command.take() else {
            self.tree.close();
            return left(&attended.ended);
        };
        command.read(0, buffer, DRAIN_READS_MAX);
        command.read(1, buffer, DRAIN_READS_MAX);
        if attended.ended.empty != Some(true) {
            command.writer.note(match attended.ended.empty {
                Some(_) => "processes of this command are still there after KILL: look for a dead disk or mount",
                None => "it cannot be proven that no process of this command is left",
            });
        }
        // Only now may the number of the first process be given away: the session was looked for by it.
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG;
        if let Err(error) = waitid(WaitId::Pid(command.pid), options) {
            tracing::debug!(%error, "the end of a command was noted by somebody else");
        }
        self.tree.close();
        if let Some(Err(error)) = command.folder.map(Folder::end) {
            tracing::warn!(%error, "the secret files of an attempt could not be removed; the next keeper removes them");
        }
        said(self.limit, self.own, attended, command.writer, command.held_by)
    }
}
