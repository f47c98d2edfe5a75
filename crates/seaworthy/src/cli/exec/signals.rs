//! Signals that reach us are for the command.
//!
//! Those that are ignored when we start stay ignored, for us and for it (`nohup`). This module must not know what the
//! command is.

use rustix::process::{Pid, Signal, kill_process};
use tokio::signal::unix::{Signal as Stream, SignalKind, signal};

/// What is passed on. Those that stop and continue work by themselves on the whole group of a terminal.
const PASSED: [(Signal, i32); 6] =
    [(Signal::HUP, 1), (Signal::INT, 2), (Signal::QUIT, 3), (Signal::USR1, 10), (Signal::USR2, 12), (Signal::TERM, 15)];

/// The signals that we take.
pub struct Signals(Vec<(Signal, Stream)>);

impl Signals {
    /// Takes them from now on.
    pub fn listen() -> Signals {
        let ignored = ignored();
        let taken = PASSED.iter().filter(|(_, number)| ignored >> (number - 1) & 1 == 0);
        Signals(taken.filter_map(|(of, number)| Some((*of, signal(SignalKind::from_raw(*number)).ok()?))).collect())
    }

    /// The next one.
    pub async fn next(&mut self) -> Signal {
        std::future::poll_fn(|context| {
            for (of, stream) in &mut self.0 {
                if stream.poll_recv(context).is_ready() {
                    return std::task::Poll::Ready(*of);
                }
            }
            std::task::Poll::Pending
        })
        .await
    }

    /// Gives it to the command, unless the terminal has done so: its keys reach the whole group in the foreground.
    pub fn pass_on(&self, signal: Signal, to: Pid) {
        let by_key = matches!(signal, Signal::INT | Signal::QUIT);
        if !(by_key && in_foreground()) {
            // It may have ended a moment ago.
            let _ = kill_process(to, signal);
        }
    }
}

/// XFSZ: a file would grow beyond the limit of the caller (`ulimit -f`).
const TOO_LARGE: i32 = 25;

/// From now on a write of ours beyond the caller's limit is an error, not our end. A handler, not "ignore": the command
/// gets the signal as it was for us.
pub fn survive_a_file_size_limit() {
    if ignored() >> (TOO_LARGE - 1) & 1 == 0 {
        // Where it is refused, our record may end us, as before.
        drop(signal(SignalKind::from_raw(TOO_LARGE)));
    }
}

fn in_foreground() -> bool {
    let group = rustix::process::getpgrp();
    std::fs::File::open("/dev/tty").is_ok_and(|tty| rustix::termios::tcgetpgrp(&tty).is_ok_and(|front| front == group))
}

/// Bit n-1: signal n is ignored.
fn ignored() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    line.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0)
}
