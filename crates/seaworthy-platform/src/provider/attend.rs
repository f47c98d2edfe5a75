//! Attending to one command on a thread of its own: its output, its limit, its end and what it leaves behind.
//!
//! Must not know how a command is made. A thread waits here, so that the runtime never does; it lives exactly
//! as long as the attempt, even if nobody waits for the answer any more.

use std::{
    io,
    os::fd::{AsFd as _, BorrowedFd, OwnedFd},
    process::{Child, ChildStderr, ChildStdout},
    time::{Duration, Instant},
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fs::{OFlags, fcntl_setfl},
    process::{Pid, PidfdFlags, WaitId, WaitIdOptions, WaitIdStatus, pidfd_open, waitid},
};

use crate::{
    held::{
        process,
        tree::{Ended, Tree},
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
const READ_BYTES: usize = 64 * 1024;
/// Reads per stream before the other things are looked at again.
const READS_IN_A_ROW_MAX: usize = 16;

/// Why attending came to its end.
#[derive(Debug)]
pub(super) enum Why {
    Ended(WaitIdStatus),
    /// The time limit.
    Limit,
    /// Somebody asked for its end.
    Stopped,
    /// We can look no longer.
    Blind(io::Error),
}

/// What attending came to.
pub(super) struct Attended {
    pub(super) why: Why,
    /// From the start to the end of the first process, or to the moment at which it was told to end.
    pub(super) took: Duration,
    pub(super) ended: Ended,
}

/// The pipes of a command, and where their bytes go.
struct Pipes {
    out: Option<ChildStdout>,
    err: Option<ChildStderr>,
    writer: Writer,
    buffer: Vec<u8>,
}

/// Attends to `child` until nothing of it is left. `dropped` becomes readable when its end is asked for.
pub(super) fn attend(
    mut child: Child,
    mut tree: Tree,
    writer: Writer,
    dropped: &OwnedFd,
    (begun, limit, grace): (Instant, Option<Duration>, Duration),
) -> (Attended, Writer) {
    let mut pipes = Pipes { out: child.stdout.take(), err: child.stderr.take(), writer, buffer: vec![0; READ_BYTES] };
    let why = match pipes.prepare(&child) {
        Ok(handle) => {
            let until = limit.and_then(|limit| begun.checked_add(limit));
            wait(&handle, dropped, until, &mut tree, &mut pipes).unwrap_or_else(Why::Blind)
        }
        Err(error) => Why::Blind(error),
    };
    let took = begun.elapsed();
    // What the command itself wrote comes before our remark about what it left behind.
    pipes.drain();
    if matches!(why, Why::Ended(_)) {
        let names = linger(&mut tree, &mut pipes);
        if !names.is_empty() {
            let (count, names) = (count(names.len()), shown(&names));
            pipes.writer.note(&format!("the command has ended but left {count} behind, ended now: {names}"));
        }
    }
    let ended = tree.end(grace, |handles, gap| {
        pipes.pump(handles.iter().map(OwnedFd::as_fd), gap);
    });
    if ended.empty != Some(true) {
        pipes.writer.note(match ended.empty {
            Some(_) => "processes of this command are still there after KILL: look for a dead disk or mount",
            None => "it cannot be proven that no process of this command is left",
        });
    }
    pipes.drain();
    // Only now may the number of the first process be given away: the session was looked for by it.
    if let Err(error) = child.try_wait() {
        tracing::debug!(%error, "the end of a command was noted by somebody else");
    }
    tree.close();
    (Attended { why, took, ended }, pipes.writer)
}

/// Waits a moment for those that are about to end by themselves; returns the names of those that are not.
fn linger(tree: &mut Tree, pipes: &mut Pipes) -> Vec<String> {
    let until = Instant::now() + LINGER;
    loop {
        let alive = tree.look().unwrap_or_default();
        let left = until.saturating_duration_since(Instant::now());
        if alive.is_empty() || left.is_zero() {
            return alive.into_iter().map(|process| process.name).collect();
        }
        let handles: Vec<OwnedFd> = alive.iter().filter_map(|process| process::open(process.identity())).collect();
        pipes.pump(handles.iter().map(OwnedFd::as_fd), left);
    }
}

fn wait(
    handle: &OwnedFd,
    dropped: &OwnedFd,
    until: Option<Instant>,
    tree: &mut Tree,
    pipes: &mut Pipes,
) -> io::Result<Why> {
    let mut gap = LOOK_GAP_MIN;
    let mut next_look = Instant::now() + gap;
    loop {
        let now = Instant::now();
        if now >= next_look {
            if let Err(error) = tree.look() {
                tracing::debug!(%error, "the processes of a running command could not be looked at");
            }
            gap = (gap * 2).min(LOOK_GAP_MAX);
            next_look = Instant::now() + gap;
        }
        let wake = until.map_or(next_look, |until| until.min(next_look));
        let ready = pipes.pump([handle.as_fd(), dropped.as_fd()].into_iter(), wake.saturating_duration_since(now));
        if ready[0]
            && let Some(status) = waitid(WaitId::PidFd(handle.as_fd()), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT)?
        {
            return Ok(Why::Ended(status));
        }
        if ready[1] {
            return Ok(Why::Stopped);
        }
        // Asked last: a command that ended before its limit has ended, however late we come to see it.
        if until.is_some_and(|until| now >= until) {
            return Ok(Why::Limit);
        }
    }
}

impl Pipes {
    fn prepare(&self, child: &Child) -> io::Result<OwnedFd> {
        if let Some(out) = &self.out {
            fcntl_setfl(out, OFlags::NONBLOCK)?;
        }
        if let Some(err) = &self.err {
            fcntl_setfl(err, OFlags::NONBLOCK)?;
        }
        Ok(pidfd_open(Pid::from_child(child), PidfdFlags::empty())?)
    }

    /// Waits until output is there, a handle is readable or the time is over; keeps what there is to read.
    /// Says which handles are ready.
    fn pump<'a>(&mut self, handles: impl Iterator<Item = BorrowedFd<'a>>, gap: Duration) -> Vec<bool> {
        let mut asked: Vec<PollFd<'_>> =
            handles.map(|handle| PollFd::from_borrowed_fd(handle, PollFlags::IN)).collect();
        let others = asked.len();
        let pipes = [self.out.as_ref().map(|pipe| pipe.as_fd()), self.err.as_ref().map(|pipe| pipe.as_fd())];
        asked.extend(pipes.into_iter().flatten().map(|pipe| PollFd::from_borrowed_fd(pipe, PollFlags::IN)));
        let time = Timespec { tv_sec: gap.as_secs().cast_signed(), tv_nsec: gap.subsec_nanos().into() };
        if let Err(error) = poll(&mut asked, Some(&time)) {
            // Nobody is ready, the caller comes back; but not at once if the kernel has no room for us.
            if error != rustix::io::Errno::INTR {
                std::thread::sleep(gap.min(LOOK_GAP_MIN));
            }
            return vec![false; others];
        }
        let ready: Vec<bool> = asked.iter().map(|one| !one.revents().is_empty()).collect();
        if ready[others..].contains(&true) {
            self.read(READS_IN_A_ROW_MAX);
        }
        ready[..others].to_vec()
    }

    /// Keeps what is in the pipes now. A pipe holds at most 1 MiB, so the number of reads has a bound even if
    /// somebody keeps writing.
    fn drain(&mut self) {
        self.read(1024 * 1024 / READ_BYTES + READS_IN_A_ROW_MAX);
    }

    fn read(&mut self, reads_max: usize) {
        if read(&mut self.out, &mut self.buffer, reads_max, &mut |bytes| self.writer.write(0, bytes)) {
            self.writer.end_stream(0);
        }
        if read(&mut self.err, &mut self.buffer, reads_max, &mut |bytes| self.writer.write(1, bytes)) {
            self.writer.end_stream(1);
        }
    }
}

/// Reads until the pipe has nothing more for now. Closes it at its end and says so.
fn read<P: io::Read>(pipe: &mut Option<P>, buffer: &mut [u8], reads_max: usize, keep: &mut dyn FnMut(&[u8])) -> bool {
    let Some(open) = pipe else { return false };
    for _ in 0..reads_max {
        match open.read(buffer) {
            Ok(bytes) if bytes > 0 => keep(&buffer[..bytes]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return false,
            Ok(_) | Err(_) => {
                *pipe = None;
                return true;
            }
        }
    }
    false
}

/// `1 process`, `2 processes`.
pub(super) fn count(processes: usize) -> String {
    if processes == 1 { "1 process".into() } else { format!("{processes} processes") }
}

/// At most five names.
pub(super) fn shown(names: &[impl AsRef<str>]) -> String {
    let first: Vec<&str> = names.iter().take(5).map(AsRef::as_ref).collect();
    if names.len() > 5 { format!("{} …", first.join(", ")) } else { first.join(", ") }
}
