//! A command that somebody else asked for: it has the streams, the folder and the environment of its caller, and what
//! it writes is kept on the way.
//!
//! Nothing here may be the reason that it does not run, or runs differently: what cannot be kept is dropped, whoever
//! stops reading, and what it leaves behind is left alone. Must not know why it is run nor where its end is recorded.

use std::{
    ffi::OsString,
    io::{self, Read, Write as _},
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    path::Path,
    process::{Child, ChildStderr, ChildStdout, Command, Stdio},
    time::{Duration, Instant},
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fs::{OFlags, fcntl_setfl},
    process::{Pid, PidfdFlags, WaitId, WaitIdOptions, WaitIdStatus, pidfd_open, waitid},
};
use seaworthy_model::{
    port::{OutputKey, Secret},
    run::{Acted, Outcome, Output, last_words},
};

use crate::{
    keeper::said::{end_in_words, span},
    output::{self, mask::Mask, write::Writer},
};

/// How long after the end of the command its last output is waited for, should something else still hold its streams.
const LINGER: Duration = Duration::from_millis(500);
/// What is read at once.
const READ_BYTES: usize = 64 * 1024;

/// A command that was started, with its streams in our hands.
pub struct Through {
    child: Child,
    begun: Instant,
    out: Stream<ChildStdout>,
    err: Stream<ChildStderr>,
    /// `None`: its output cannot be kept.
    writer: Option<Writer>,
}

/// One stream on its way from the command to our own.
struct Stream<P> {
    /// `None` after its end.
    from: Option<P>,
    /// Whether somebody still reads ours.
    read: bool,
}

/// How it ended.
pub struct Passed {
    pub acted: Acted,
    /// Its exit code; above 128 for the signal that ended it.
    pub code: u8,
}

/// Starts the command and keeps its output in the data folder under this key, without these secrets.
///
/// # Errors
/// The exit code that a shell gives to a command that cannot be started, and why.
pub fn through(
    words: &[OsString],
    env: &[(&str, String)],
    (data, key): (&Path, &OutputKey),
    hidden: &[Secret],
) -> Result<Through, (u8, String)> {
    let begun = Instant::now();
    let Some((program, arguments)) = words.split_first() else { return Err((127, "the command is empty".into())) };
    let writer = output::head(data, key).map(|head| Writer::begin(head, &Mask::of(hidden)));
    let writer = writer.map_err(|error| tracing::warn!(%error, "the output of this command cannot be kept")).ok();
    let mut command = Command::new(program);
    command.args(arguments).envs(env.iter().map(|(name, value)| (name, value)));
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|error| not_started(program, &error))?;
    let out = Stream { from: child.stdout.take(), read: true };
    let err = Stream { from: child.stderr.take(), read: true };
    Ok(Through { child, begun, out, err, writer })
}

/// What a shell says of a program that cannot be started.
pub fn not_started(program: &OsString, error: &io::Error) -> (u8, String) {
    let code = if error.kind() == io::ErrorKind::NotFound { 127 } else { 126 };
    (code, format!("{}: {error}", program.to_string_lossy()))
}

/// The end of a command that could not be started.
pub fn never_started(reason: String) -> Acted {
    Acted {
        outcome: Outcome::NotDone,
        exit: None,
        signal: None,
        reason: Some(reason),
        took: Default::default(),
        stdout: Output::default(),
        stderr: Output::default(),
        held_by: "nobody".into(),
        empty: None,
    }
}

impl Through {
    /// Its process, for signals.
    pub fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// Passes on what it writes until it has ended. Blocks.
    pub fn attend(mut self) -> Passed {
        let ended = self.wait();
        let took = self.begun.elapsed();
        self.linger();
        let (left_out, left_err) = (self.out.hand_over(&io::stdout()), self.err.hand_over(&io::stderr()));
        let mut words = None;
        let (mut stdout, mut stderr) = (Output::default(), Output::default());
        if let Some(mut writer) = self.writer.take() {
            if left_out || left_err {
                writer
                    .note("the command has ended, and something that it left behind goes on writing; that is not kept");
            }
            words = last_words(&writer.last(1)).or_else(|| last_words(&writer.last(0)));
            (stdout, stderr) = writer.end();
        }
        // Reaped, whatever it said: the status was read already.
        let _ = self.child.try_wait();
        let (held_by, empty) = ("nobody".to_owned(), None);
        let took = span(took);
        match ended {
            Ok(status) => {
                let (exit, signal) = (status.exit_status(), status.terminating_signal());
                let code = exit.unwrap_or_else(|| 128 + signal.unwrap_or(0));
                let code = u8::try_from(code).unwrap_or(u8::MAX);
                let done = exit == Some(0);
                let reason = (!done).then(|| end_in_words(&status, words));
                let outcome = if done { Outcome::Done } else { Outcome::NotDone };
                Passed { acted: Acted { outcome, exit, signal, reason, took, stdout, stderr, held_by, empty }, code }
            }
            Err(error) => {
                let reason = Some(format!("the command could not be waited for ({error})"));
                let (outcome, exit, signal) = (Outcome::Unknown, None, None);
                let acted = Acted { outcome, exit, signal, reason, took, stdout, stderr, held_by, empty };
                Passed { acted, code: 126 }
            }
        }
    }

    fn wait(&mut self) -> io::Result<WaitIdStatus> {
        let handle = pidfd_open(self.pid(), PidfdFlags::empty())?;
        let streams = [self.out.from.as_ref().map(AsFd::as_fd), self.err.from.as_ref().map(AsFd::as_fd)];
        for stream in streams.into_iter().flatten() {
            fcntl_setfl(stream, OFlags::NONBLOCK)?;
        }
        loop {
            self.pump(Some(&handle), None);
            let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT | WaitIdOptions::NOHANG;
            if let Some(status) = waitid(WaitId::PidFd(handle.as_fd()), options)? {
                return Ok(status);
            }
        }
    }

    /// The last output, for a moment: usually both streams end with the command.
    fn linger(&mut self) {
        let until = Instant::now() + LINGER;
        while self.out.from.is_some() || self.err.from.is_some() {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            self.pump(None, Some(left));
        }
    }

    /// Waits until there is something to pass on, or the handle is ready, or the time is over; passes on what there is.
    fn pump(&mut self, handle: Option<&OwnedFd>, gap: Option<Duration>) {
        let fds =
            [handle.map(AsFd::as_fd), self.out.from.as_ref().map(AsFd::as_fd), self.err.from.as_ref().map(AsFd::as_fd)];
        let mut asked: Vec<PollFd<'_>> =
            fds.into_iter().flatten().map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN)).collect();
        let time = gap.map(|gap| Timespec { tv_sec: gap.as_secs().cast_signed(), tv_nsec: gap.subsec_nanos().into() });
        // Interrupted: the caller comes back.
        let _ = poll(&mut asked, time.as_ref());
        self.out.pass(0, &io::stdout(), self.writer.as_mut());
        self.err.pass(1, &io::stderr(), self.writer.as_mut());
    }
}

impl<P: Read + AsFd + Into<OwnedFd>> Stream<P> {
    /// Passes on what there is now, to our own stream and to what is kept.
    fn pass(&mut self, number: usize, to: &dyn AsFd, mut writer: Option<&mut Writer>) {
        let mut buffer = [0; READ_BYTES];
        while let Some(from) = &mut self.from {
            match from.read(&mut buffer) {
                Ok(bytes) if bytes > 0 => {
                    self.read = self.read && give(to.as_fd(), &buffer[..bytes]);
                    if let Some(writer) = writer.as_deref_mut() {
                        writer.write(number, &buffer[..bytes]);
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Ok(_) | Err(_) => {
                    self.from = None;
                    if let Some(writer) = writer.as_deref_mut() {
                        writer.end_stream(number);
                    }
                }
            }
        }
    }

    /// Something that the command left behind still holds the stream: `cat` goes on passing it, so that it does not die
    /// of a broken pipe when we end. Says whether there was anything.
    fn hand_over(&mut self, to: &dyn AsFd) -> bool {
        let Some(from) = self.from.take() else { return false };
        let from: OwnedFd = from.into();
        let _ = fcntl_setfl(&from, OFlags::empty());
        if let Ok(to) = to.as_fd().try_clone_to_owned() {
            // Without `cat` the stream ends here, as it would if we had not looked.
            let _ = Command::new("cat").stdin(from).stdout(to).stderr(Stdio::null()).spawn();
        }
        true
    }
}

/// Writes all of it, however slow the reader. `false`: nobody reads any more.
fn give(to: BorrowedFd<'_>, mut bytes: &[u8]) -> bool {
    while !bytes.is_empty() {
        match rustix::io::write(to, bytes) {
            Ok(written) => bytes = &bytes[written..],
            Err(rustix::io::Errno::INTR) => {}
            Err(rustix::io::Errno::AGAIN) => {
                let _ = poll(&mut [PollFd::from_borrowed_fd(to, PollFlags::OUT)], None);
            }
            Err(_) => return false,
        }
    }
    true
}

/// A line of ours on standard error, beside what the command writes there.
pub fn remark(text: &str) {
    let _ = writeln!(io::stderr(), "seaworthy: {text}");
}
