//! The host at the moment of a failure: load, memory, disks, the largest and busiest processes (proc(5)).
//!
//! Must not read the arguments of a process. What cannot be read is left at zero.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use seaworthy_model::{
    run::{Disk, HostProcess, HostSnapshot},
    time::Span,
};

use crate::held::process::{self, Process, TICKS_PER_SECOND};

/// Largest by memory, and busiest by time used: this many of each.
const TOP: usize = 10;
/// Disks shown.
const DISKS_MAX: usize = 20;

/// The host now. `data` is on the disk that matters most.
pub(super) fn snapshot(data: &Path) -> HostSnapshot {
    let memory = memory();
    let bytes = |name: &str| memory.get(name).copied().unwrap_or(0);
    HostSnapshot {
        host: text("/proc/sys/kernel/hostname"),
        load: load(),
        memory_total: bytes("MemTotal"),
        memory_available: bytes("MemAvailable"),
        swap_used: bytes("SwapTotal").saturating_sub(bytes("SwapFree")),
        disks: disks(data),
        processes: processes(),
    }
}

fn text(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_default().trim().to_owned()
}

fn load() -> [f64; 3] {
    let text = text("/proc/loadavg");
    let mut numbers = text.split(' ').map(|number| number.parse().unwrap_or(0.0));
    std::array::from_fn(|_| numbers.next().unwrap_or(0.0))
}

/// `/proc/meminfo` in bytes.
fn memory() -> BTreeMap<String, u64> {
    let line = |line: &str| {
        let (name, value) = line.split_once(':')?;
        let kibibytes: u64 = value.trim().trim_end_matches(" kB").parse().ok()?;
        Some((name.to_owned(), kibibytes * 1024))
    };
    text("/proc/meminfo").lines().filter_map(line).collect()
}

/// The disk of the data folder first, then all that are backed by a device or hold files in memory.
fn disks(data: &Path) -> Vec<Disk> {
    let table = text("/proc/self/mounts");
    let matters = |kind: &str, source: &str| {
        source.starts_with('/') || matches!(kind, "tmpfs" | "overlay" | "zfs" | "btrfs" | "nfs" | "nfs4")
    };
    let mounts = table.lines().filter_map(|line| {
        let mut fields = line.split(' ');
        let (source, mount, kind) = (fields.next()?, fields.next()?, fields.next()?);
        matters(kind, source).then(|| mount.replace("\\040", " "))
    });
    let mut seen = BTreeSet::new();
    let all = std::iter::once(data.to_string_lossy().into_owned()).chain(mounts);
    all.filter(|mount| seen.insert(mount.clone())).filter_map(disk).take(DISKS_MAX).collect()
}

fn disk(mount: String) -> Option<Disk> {
    let facts = rustix::fs::statvfs(mount.as_str()).ok()?;
    (facts.f_blocks > 0).then(|| Disk {
        bytes_total: facts.f_blocks * facts.f_frsize,
        bytes_free: facts.f_bavail * facts.f_frsize,
        inodes_free: facts.f_favail,
        mount,
    })
}

fn processes() -> Vec<HostProcess> {
    let mut all = process::all().unwrap_or_default();
    all.sort_by_key(|process| std::cmp::Reverse(process.memory_pages));
    let (largest, rest) = all.split_at(TOP.min(all.len()));
    let mut rest: Vec<&Process> = rest.iter().collect();
    rest.sort_by_key(|process| std::cmp::Reverse(process.cpu_ticks));
    largest.iter().chain(rest.into_iter().take(TOP)).map(shown).collect()
}

fn shown(process: &Process) -> HostProcess {
    HostProcess {
        pid: process.pid.cast_unsigned(),
        name: process.name.clone(),
        state: process.state.to_string(),
        memory: resident(process.pid),
        cpu: Span(process.cpu_ticks * (1_000_000_000 / TICKS_PER_SECOND)),
    }
}

/// Bytes in memory; 0 for threads of the kernel.
fn resident(pid: i32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kibibytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
    kibibytes.unwrap_or(0) * 1024
}
