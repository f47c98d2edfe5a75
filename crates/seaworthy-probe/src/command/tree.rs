//! All processes that one command started, and their end.
//!
//! A process group does not hold a child that called setsid, and a parent that ends gives its children away.
//! So membership is any of: the command's session or group, descent from it, or the mark that every child
//! inherits with its environment. This module must not know why a tree is ended.

use std::{
    collections::BTreeSet,
    fs,
    time::{Duration, Instant},
};

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

/// Environment name of the mark.
pub(super) const MARK_NAME: &str = "SEAWORTHY_LOOK";
/// How long killed processes may take to disappear before we stop waiting for it.
const GONE_WITHIN: Duration = Duration::from_millis(300);
/// Pause between two looks at the process table.
const POLL: Duration = Duration::from_millis(2);

/// Ends all its processes when dropped, unless that was done.
pub(super) struct Tree {
    root: i32,
    mark: String,
    ended: bool,
}

impl Tree {
    pub(super) fn of(root: Option<u32>, mark: String) -> Self {
        let root = root.and_then(|pid| i32::try_from(pid).ok()).unwrap_or(0);
        Self { root, mark: format!("{MARK_NAME}={mark}"), ended: false }
    }

    /// Kills every process of the tree and waits, bounded, until none is left.
    pub(super) async fn end(mut self) -> Self {
        // If the thread is not to be had, dropping the tree does the same.
        let ended = tokio::task::spawn_blocking(move || {
            self.kill();
            self
        });
        match ended.await {
            Ok(tree) => tree,
            Err(_) => Tree { root: 0, mark: String::new(), ended: true },
        }
    }

    fn kill(&mut self) {
        self.ended = true;
        let until = Instant::now() + GONE_WITHIN;
        loop {
            let members = self.members();
            if members.is_empty() {
                return;
            }
            if Instant::now() >= until {
                tracing::warn!(pids = ?members, "processes of a look outlived being killed; look at them");
                return;
            }
            // A descriptor holds its process fast; the second look makes sure that none of the numbers was
            // given to somebody else meanwhile.
            let held: Vec<_> = members
                .iter()
                .filter_map(|pid| Some((*pid, pidfd_open(Pid::from_raw(*pid)?, PidfdFlags::empty()).ok()?)))
                .collect();
            let still = self.members();
            for (_, pidfd) in held.iter().filter(|(pid, _)| still.contains(pid)) {
                let _ = pidfd_send_signal(pidfd, Signal::KILL);
            }
            std::thread::sleep(POLL);
        }
    }

    /// Living processes of the tree.
    fn members(&self) -> BTreeSet<i32> {
        let table = table();
        let own = i32::try_from(std::process::id()).unwrap_or(0);
        let mut found: BTreeSet<i32> = table
            .iter()
            .filter(|row| {
                self.root != 0 && (row.pid == self.root || row.session == self.root || row.group == self.root)
            })
            .map(|row| row.pid)
            .collect();
        found.extend(table.iter().filter(|row| self.is_marked(row.pid)).map(|row| row.pid));
        loop {
            let before = found.len();
            let children: Vec<i32> =
                table.iter().filter(|row| found.contains(&row.parent)).map(|row| row.pid).collect();
            found.extend(children);
            if found.len() == before {
                break;
            }
        }
        found.remove(&own);
        found.retain(|pid| table.iter().any(|row| row.pid == *pid && row.living));
        found
    }

    fn is_marked(&self, pid: i32) -> bool {
        !self.mark.is_empty()
            && fs::read(format!("/proc/{pid}/environ"))
                .is_ok_and(|bytes| bytes.split(|byte| *byte == 0).any(|entry| entry == self.mark.as_bytes()))
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        if !self.ended {
            self.kill();
        }
    }
}

struct Row {
    pid: i32,
    parent: i32,
    group: i32,
    session: i32,
    living: bool,
}

/// The process table, as far as `/proc` shows it to us. The format is proc(5), `/proc/pid/stat`.
fn table() -> Vec<Row> {
    let Ok(entries) = fs::read_dir("/proc") else { return vec![] };
    entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok())
        .filter_map(|pid| {
            let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
            // The name in brackets may contain anything, brackets too.
            let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace();
            let living = !matches!(fields.next()?, "Z" | "X");
            let mut number = || fields.next()?.parse().ok();
            Some(Row { pid, parent: number()?, group: number()?, session: number()?, living })
        })
        .collect()
}
