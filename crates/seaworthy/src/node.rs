//! Who is alive on this host: one lock file per living node, one for the server.
//!
//! The kernel drops a lock with its holder, so a dead node is known at once and no clock is involved.
//! This module must not know what a node does.

use std::{
    collections::BTreeSet,
    fs::{self, File, OpenOptions},
    io::ErrorKind,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use rustix::{
    fs::{FlockOperation, flock},
    io::Errno,
};

use crate::trouble::Trouble;

/// A lock that another process holds only to look at it, or that a command just being started still shares with
/// its dead starter, is free again within this.
const PASSING: Duration = Duration::from_secs(1);
/// Between two tries meanwhile.
const GAP: Duration = Duration::from_millis(20);

/// Held while this node lives.
pub struct NodeLock {
    _file: File,
    path: PathBuf,
}

impl Drop for NodeLock {
    fn drop(&mut self) {
        // Only tidiness: an unlocked file says the same.
        let _ = fs::remove_file(&self.path);
    }
}

fn folder(data: &Path) -> PathBuf {
    data.join("nodes")
}

/// Takes the lock of this node's epoch.
///
/// # Errors
/// When the data folder cannot be written.
pub fn live(data: &Path, epoch: u64) -> Result<NodeLock, Trouble> {
    let trouble =
        |e: std::io::Error| Trouble::start(format!("the node's lock in {} cannot be taken ({e})", data.display()));
    fs::create_dir_all(folder(data)).map_err(trouble)?;
    let path = folder(data).join(epoch.to_string());
    let begun = Instant::now();
    loop {
        let file = OpenOptions::new().write(true).create(true).truncate(false).open(&path).map_err(trouble)?;
        let locked = flock(&file, FlockOperation::NonBlockingLockExclusive);
        // Another node that looked between the two lines above took the file for that of a dead one.
        if locked.is_ok() && is_there(&file, &path) {
            return Ok(NodeLock { _file: file, path });
        }
        if begun.elapsed() > PASSING {
            return Err(trouble(std::io::Error::other("another node holds it")));
        }
        std::thread::sleep(GAP);
    }
}

/// Whether the path still leads to this very file.
fn is_there(file: &File, path: &Path) -> bool {
    let id = |about: std::io::Result<fs::Metadata>| about.ok().map(|a| (a.dev(), a.ino()));
    id(file.metadata()).is_some_and(|own| id(fs::metadata(path)) == Some(own))
}

/// Epochs of living nodes of this data folder, `own` left out. Files of dead ones are removed.
///
/// # Errors
/// When it cannot be known of every node: none may then be taken for dead.
pub fn living(data: &Path, own: u64) -> Result<BTreeSet<u64>, Trouble> {
    look(data, own)
        .map_err(|e| Trouble::start(format!("the living nodes in {} cannot be known ({e})", folder(data).display())))
}

fn look(data: &Path, own: u64) -> std::io::Result<BTreeSet<u64>> {
    let mut out = BTreeSet::new();
    let entries = match fs::read_dir(folder(data)) {
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(out),
        other => other?,
    };
    for entry in entries {
        let entry = entry?;
        let Some(epoch) = entry.file_name().to_str().and_then(|n| n.parse::<u64>().ok()).filter(|e| *e != own) else {
            continue;
        };
        let file = match File::open(entry.path()) {
            // It has ended since the folder was read.
            Err(e) if e.kind() == ErrorKind::NotFound => continue,
            other => other?,
        };
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {
                let _ = fs::remove_file(entry.path());
            }
            Err(Errno::WOULDBLOCK) => {
                out.insert(epoch);
            }
            Err(e) => return Err(e.into()),
        }
    }
    Ok(out)
}

/// Held by the one server, or watcher, of a data folder.
pub struct RoleLock(#[expect(dead_code, reason = "held for its lock")] File);

/// Takes the lock of a role; `None` if another process has it.
///
/// # Errors
/// When the data folder cannot be written.
pub fn role(data: &Path, name: &str) -> Result<Option<RoleLock>, Trouble> {
    let path = data.join(format!("{name}.lock"));
    let file = OpenOptions::new().write(true).create(true).truncate(false).open(&path);
    let file = file.map_err(|e| Trouble::start(format!("{} cannot be made ({e})", path.display())))?;
    let begun = Instant::now();
    while flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
        if begun.elapsed() > PASSING {
            return Ok(None);
        }
        std::thread::sleep(GAP);
    }
    Ok(Some(RoleLock(file)))
}

/// Whether some process holds the lock of a role.
pub fn is_held(data: &Path, name: &str) -> bool {
    let Ok(file) = File::open(data.join(format!("{name}.lock"))) else { return false };
    flock(&file, FlockOperation::NonBlockingLockShared).is_err()
}
