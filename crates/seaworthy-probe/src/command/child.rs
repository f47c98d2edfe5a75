//! Starts one command in a session of its own, drains it, and leaves no process of it behind.
//!
//! This module must not know looks, facts or secrets.

use std::{
    io,
    os::unix::process::ExitStatusExt as _,
    process::{ExitStatus, Stdio},
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncRead, AsyncReadExt as _},
    process::Command,
    time::timeout,
};

use super::tree::{MARK_NAME, Tree};

/// How long a child that was left in the background may hold our pipes before it is ended.
const LINGER: Duration = Duration::from_millis(200);
const CHUNK_BYTES: usize = 64 * 1024;

/// The first bytes of a stream, and how many there were.
#[derive(Debug, Default)]
pub(super) struct Head {
    pub(super) bytes: Vec<u8>,
    pub(super) seen: u64,
}

/// How a command ended.
pub(super) struct Ended {
    /// As a shell says it: 128 + n for a death by signal n.
    pub(super) exit: i64,
    pub(super) stdout: Head,
    pub(super) stderr: Head,
    /// Until the command itself ended, whatever it left in the background.
    pub(super) took: Duration,
}

/// Runs to the end and keeps the first `room` bytes of each stream; the rest is read and counted.
/// `Err`: it could not be started. Dropping the future kills everything that it started.
pub(super) async fn run(mut command: Command, room: usize) -> io::Result<Ended> {
    let mark = mark();
    command.env(MARK_NAME, &mark).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    // SAFETY: between fork and exec only the system call setsid is made, which is async-signal-safe.
    unsafe {
        command.pre_exec(|| rustix::process::setsid().map(drop).map_err(io::Error::from));
    }
    let started = Instant::now();
    let mut child = command.spawn()?;
    let mut tree = Tree::of(child.id(), mark);
    let (mut stdout, mut stderr) = (Head::default(), Head::default());
    let (out, err) = (child.stdout.take(), child.stderr.take());
    let status;
    let took;
    {
        let reading = async { tokio::join!(drain(out, &mut stdout, room), drain(err, &mut stderr, room)) };
        tokio::pin!(reading);
        let mut open = true;
        status = loop {
            tokio::select! {
                ended = child.wait() => break ended?,
                _ = &mut reading, if open => open = false,
            }
        };
        took = started.elapsed();
        if open && timeout(LINGER, &mut reading).await.is_err() {
            tree = tree.end().await;
            // A pipe that is still open after that belongs to somebody whom we may not kill.
            let _ = timeout(LINGER, &mut reading).await;
        }
    }
    tree.end().await;
    Ok(Ended { exit: exit(status), stdout, stderr, took })
}

async fn drain(pipe: Option<impl AsyncRead + Unpin>, head: &mut Head, room: usize) {
    let Some(mut pipe) = pipe else { return };
    let mut chunk = vec![0; CHUNK_BYTES];
    while let Ok(n) = pipe.read(&mut chunk).await {
        if n == 0 {
            break;
        }
        let free = room.saturating_sub(head.bytes.len()).min(n);
        head.bytes.extend_from_slice(&chunk[..free]);
        head.seen += n as u64;
    }
}

fn exit(status: ExitStatus) -> i64 {
    match (status.code(), status.signal()) {
        (Some(code), _) => i64::from(code),
        (None, Some(signal)) => 128 + i64::from(signal),
        (None, None) => -1,
    }
}

/// Unlike that of any other command of this program and of the one before it.
fn mark() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let since_1970 = std::time::SystemTime::UNIX_EPOCH.elapsed().map_or(0, |time| time.as_nanos());
    format!("{}-{}-{since_1970}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed))
}
