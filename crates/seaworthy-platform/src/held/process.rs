//! Processes of this host as `/proc` shows them (proc_pid_stat(5)).
//!
//! Must not know attempts, and never reads the arguments of a process: they may hold what people typed.

use std::{
    collections::BTreeSet,
    fs,
    io::{self, Read as _},
    os::fd::OwnedFd,
};

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

/// Ticks per second of the times in `/proc/PID/stat`: fixed by the kernel's interface on every
/// architecture that we are built for (USER_HZ).
pub(crate) const TICKS_PER_SECOND: u64 = 100;

/// Environments beyond this are not looked at further; the kernel's own limit for new programs is about 6 MiB.
const ENVIRON_BYTES_MAX: u64 = 8 * 1024 * 1024;

/// A process is named by its number *and* its start, since numbers are used again.
pub(crate) type Identity = (i32, u64);

/// One line of `/proc/PID/stat`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Process {
    pub(crate) pid: i32,
    /// The program's short name, at most 15 bytes.
    pub(crate) name: String,
    pub(crate) state: char,
    pub(crate) parent: i32,
    pub(crate) session: i32,
    /// User and system time, in ticks.
    pub(crate) cpu_ticks: u64,
    /// Since boot, in ticks.
    pub(crate) start: u64,
    pub(crate) memory_pages: u64,
}

/// What the environment of a process says about us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mark {
    /// It carries exactly the marker that was asked for.
    Ours,
    /// It carries another name of ours: some other attempt's.
    Other,
    /// None of our names: started by somebody else, or the environment was cleared.
    None,
    /// We may not read it, or the process is just ending.
    Unreadable,
}

impl Process {
    pub(crate) fn identity(&self) -> Identity {
        (self.pid, self.start)
    }

    /// Ended, and only waiting for its parent to take note.
    pub(crate) fn is_zombie(&self) -> bool {
        matches!(self.state, 'Z' | 'X')
    }

    fn parse(stat: &str) -> Option<Process> {
        // The name is in brackets and may itself hold brackets and blanks: everything is counted from the last one.
        let (open, close) = (stat.find('(')?, stat.rfind(')')?);
        let pid = stat[..open].trim().parse().ok()?;
        let name = stat.get(open + 1..close)?.to_owned();
        let rest: Vec<&str> = stat.get(close + 1..)?.split_ascii_whitespace().collect();
        let number = |field: usize| rest.get(field - 3).and_then(|text| text.parse::<u64>().ok());
        Some(Process {
            pid,
            name,
            state: rest.first()?.chars().next()?,
            parent: rest.get(1)?.parse().ok()?,
            session: rest.get(3)?.parse().ok()?,
            cpu_ticks: number(14)? + number(15)?,
            start: number(22)?,
            memory_pages: number(24)?,
        })
    }
}

/// The process with this number now, if there is one.
pub(crate) fn find(pid: i32) -> Option<Process> {
    let stat = fs::read(format!("/proc/{pid}/stat")).ok()?;
    Process::parse(&String::from_utf8_lossy(&stat))
}

/// All processes that this host lets us see.
pub(crate) fn all() -> io::Result<Vec<Process>> {
    let mut found = vec![];
    for folder in fs::read_dir("/proc")? {
        let name = folder?.file_name();
        if let Some(process) = name.to_str().and_then(|name| name.parse().ok()).and_then(find) {
            found.push(process);
        }
    }
    Ok(found)
}

/// Numbers of the children of our first thread, to which orphans below us come, ended ones included until they are
/// reaped. Exact as long as nobody reaps meanwhile: the kernel only adds at the end. `None`: it does not list them.
pub(crate) fn children() -> Option<Vec<i32>> {
    let own = rustix::process::getpid().as_raw_nonzero().get();
    children_of(own, own)
}

fn children_of(pid: i32, thread: i32) -> Option<Vec<i32>> {
    let text = fs::read_to_string(format!("/proc/{pid}/task/{thread}/children")).ok()?;
    Some(text.split_ascii_whitespace().filter_map(|pid| pid.parse().ok()).collect())
}

/// These processes and all below them.
pub(crate) fn below(roots: Vec<i32>) -> Vec<Process> {
    let (mut found, mut next) = (vec![], roots);
    while let Some(pid) = next.pop() {
        let Some(process) = find(pid) else { continue };
        found.push(process);
        let threads = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
        for thread in threads.filter_map(|thread| thread.file_name().to_str()?.parse().ok()) {
            next.extend(children_of(pid, thread).unwrap_or_default());
        }
    }
    found
}

/// Looks for `NAME=value` in the environment that the process got at its start.
pub(crate) fn mark(pid: i32, wanted: &str) -> Mark {
    let mut bytes = vec![];
    let read = fs::File::open(format!("/proc/{pid}/environ"))
        .and_then(|file| file.take(ENVIRON_BYTES_MAX).read_to_end(&mut bytes));
    if read.is_err() {
        return Mark::Unreadable;
    }
    let mut mark = Mark::None;
    for variable in bytes.split(|byte| *byte == 0) {
        if variable == wanted.as_bytes() {
            return Mark::Ours;
        }
        if variable.starts_with(b"SEAWORTHY_") {
            mark = Mark::Other;
        }
    }
    mark
}

/// The value of one name in the environment that the process got at its start.
pub(crate) fn environ(pid: i32, name: &str) -> Option<String> {
    let mut bytes = vec![];
    fs::File::open(format!("/proc/{pid}/environ")).ok()?.take(ENVIRON_BYTES_MAX).read_to_end(&mut bytes).ok()?;
    bytes.split(|byte| *byte == 0).find_map(|variable| {
        let value = std::str::from_utf8(variable).ok()?.strip_prefix(name)?.strip_prefix('=')?;
        Some(value.to_owned())
    })
}

/// A handle that stays with this very process. `None`: it is gone.
pub(crate) fn open((pid, start): Identity) -> Option<OwnedFd> {
    let handle = pidfd_open(Pid::from_raw(pid)?, PidfdFlags::empty()).ok()?;
    // The number may have been given to another process before the handle was opened, never after.
    (find(pid)?.start == start).then_some(handle)
}

/// Sends a signal to exactly this process. A process that is gone is not an error.
pub(crate) fn signal(identity: Identity, signal: Signal) -> io::Result<()> {
    let Some(handle) = open(identity) else { return Ok(()) };
    match pidfd_send_signal(&handle, signal) {
        Ok(()) | Err(rustix::io::Errno::SRCH) => Ok(()),
        Err(refused) => Err(refused.into()),
    }
}

/// Ourselves and those who started us: never to be ended by us.
pub(crate) fn forebears() -> BTreeSet<i32> {
    let mut found = BTreeSet::new();
    let mut next = rustix::process::getpid().as_raw_nonzero().get();
    while next > 0 && found.insert(next) {
        next = find(next).map_or(0, |process| process.parent);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_brackets_and_blanks_does_not_shift_the_fields() {
        let stat = "42 (a) b (c) S 7 42 41 0 -1 0 1 2 3 4 50 60 0 0 20 0 1 0 900 1000 11 18446744073709551615";
        let process = Process::parse(stat).expect("a well-formed line");
        assert_eq!((process.pid, process.name.as_str(), process.state), (42, "a) b (c", 'S'));
        assert_eq!((process.parent, process.session, process.start), (7, 41, 900));
        assert_eq!((process.cpu_ticks, process.memory_pages), (110, 11));
        assert_eq!(Process::parse("42 (cut"), None);
    }

    #[test]
    fn this_very_process_is_found_and_never_to_be_ended() {
        let me = rustix::process::getpid().as_raw_nonzero().get();
        assert!(all().expect("/proc is readable").iter().any(|process| process.pid == me));
        assert!(forebears().contains(&me));
        assert_ne!(mark(me, "SEAWORTHY_HOLDER=nobody"), Mark::Ours);
    }
}
