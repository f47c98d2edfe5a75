//! The host itself: disks, apt, logrotate, backup tools, and this program.
//!
//! This module must not know services.

use std::collections::BTreeSet;

use super::{Around, Found, Host};

/// File systems on disks of this host.
const ON_DISK: [&str; 7] = ["ext4", "ext3", "xfs", "btrfs", "zfs", "f2fs", "bcachefs"];
/// Disks that are named.
const DISKS_MAX: usize = 20;

pub fn look(host: &Host, around: &mut Around) {
    let root = rustix::process::geteuid().is_root();
    disks(host, around);
    if host.has("apt-get") && host.path("/var/lib/dpkg/status").is_file() {
        let refresh = if root { vec![] } else { vec![("refresh", "true".to_owned())] };
        around.found.push(Found::pack("apt installs packages here", "system-updates", refresh));
    }
    if host.has("logrotate") {
        let timer = host.path("/etc/systemd/system/timers.target.wants/logrotate.timer").symlink_metadata().is_ok()
            || host.path("/etc/cron.daily/logrotate").is_file();
        let rotate = if timer || !root { vec![("rotate", "true".to_owned())] } else { vec![] };
        around.found.push(Found::pack("logrotate rotates logs here", "log-rotation", rotate));
    }
    for (program, pack) in [("restic", "files-restic"), ("borg", "files-borg")] {
        if host.has(program) {
            around.found.push(Found::pack(format!("{program} is installed"), pack, vec![]));
        }
    }
    let program = std::env::current_exe().map(|path| path.display().to_string());
    let answers = program.map(|path| vec![("program", path)]).unwrap_or_default();
    around.found.push(Found::pack("Seaworthy will keep its own history here", "seaworthy-backup", answers));
}

fn disks(host: &Host, around: &mut Around) {
    let mut seen = BTreeSet::new();
    for line in host.text("/proc/self/mounts").lines() {
        let fields: Vec<&str> = line.split(' ').take(3).collect();
        let [device, place, kind] = fields.as_slice() else { continue };
        if !ON_DISK.contains(kind)
            || place.contains('\\')
            || seen.len() >= DISKS_MAX
            || !seen.insert((*device).to_owned())
        {
            continue;
        }
        let Ok(stat) = rustix::fs::statvfs(host.path(place)) else { continue };
        let (used, free) = (stat.f_blocks.saturating_sub(stat.f_bfree), stat.f_bavail);
        // As df counts: of what an ordinary user may use.
        let per_cent = (used * 100).div_ceil((used + free).max(1));
        let mut answers = vec![("folder", (*place).to_owned())];
        if *place != "/" {
            answers.push(("process", format!("disk-space{}", place.replace('/', "-"))));
        }
        around.found.push(Found::pack(format!("the disk at {place} is {per_cent} % full"), "disk-space", answers));
    }
}
