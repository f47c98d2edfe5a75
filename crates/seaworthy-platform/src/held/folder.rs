//! The folder that exists as long as an attempt may be living: `DATA/held/RUN.STEP.ATTEMPT`.
//!
//! It holds a lock file (locked while its holder lives, so that a dead holder is known at once, whatever its
//! number), the secret files, and the name of the cgroup. It is removed when the attempt's processes are
//! proven gone. Must not know how processes are found or ended.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use rustix::fs::{FlockOperation, flock};
use seaworthy_model::port::{OutputKey, Secret};

use super::MARKER;

/// The folder of one attempt, locked by us.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    /// Open for as long as we hold: the kernel lets go of the lock when we die.
    _lock: File,
}

/// `RUN.STEP.ATTEMPT`.
pub(crate) fn name(key: &OutputKey) -> String {
    format!("{}.{}.{}", key.run, key.step, key.attempt)
}

/// The attempt that a folder is named after.
pub(crate) fn key(name: &str) -> Option<OutputKey> {
    let (run, rest) = name.split_once('.')?;
    let (step, attempt) = rest.rsplit_once('.')?;
    Some(OutputKey { run: run.parse().ok()?, step: step.to_owned(), attempt: attempt.parse().ok()? })
}

/// Where the folders of all attempts are.
pub(crate) fn all(data: &Path) -> PathBuf {
    data.join("held")
}

/// Whether somebody may still be busy with this attempt.
pub(crate) fn exists(data: &Path, key: &OutputKey) -> bool {
    all(data).join(name(key)).exists()
}

/// What the environment of every process of the attempt carries, `NAME=value`. The data folder is named by its
/// place on the disk, so that two containers with equal paths and one view of processes are told apart.
pub(crate) fn marker(data: &Path, key: &OutputKey) -> io::Result<String> {
    Ok(format!("{MARKER}={}/{}", site(data)?, name(key)))
}

/// The first part of the markers of one data folder.
pub(crate) fn site(data: &Path) -> io::Result<String> {
    let at = fs::metadata(data)?;
    Ok(format!("{:x}.{:x}", at.dev(), at.ino()))
}

/// Makes a folder that only we may enter, with those above it. An existing one is fine.
pub(crate) fn private(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

impl Folder {
    /// Makes and locks the folder of an attempt that begins.
    pub(crate) fn begin(data: &Path, key: &OutputKey) -> io::Result<Folder> {
        let path = all(data).join(name(key));
        private(&path)?;
        Folder::lock(path)?.ok_or_else(|| io::Error::other("another process is carrying out this very attempt now"))
    }

    /// Takes over the folder of an attempt whose holder died. `None`: the holder lives.
    pub(crate) fn take_over(path: PathBuf) -> io::Result<Option<Folder>> {
        Folder::lock(path)
    }

    fn lock(path: PathBuf) -> io::Result<Option<Folder>> {
        let file = OpenOptions::new().create(true).append(true).mode(0o600).open(path.join("lock"))?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Some(Folder { path, _lock: file })),
            Err(rustix::io::Errno::WOULDBLOCK) => Ok(None),
            Err(other) => Err(other.into()),
        }
    }

    /// Writes the secret files and returns where each is.
    pub(crate) fn keep_secrets(&self, secrets: &[Secret]) -> io::Result<Vec<(String, PathBuf)>> {
        if secrets.is_empty() {
            return Ok(vec![]);
        }
        let folder = self.path.join("secrets");
        private(&folder)?;
        let mut places = vec![];
        for secret in secrets {
            let place = folder.join(&secret.name);
            let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&place)?;
            file.write_all(secret.value.as_bytes())?;
            places.push((secret.name.clone(), place));
        }
        Ok(places)
    }

    /// Notes the cgroup, so that a successor finds it.
    pub(crate) fn keep_cgroup(&self, cgroup: &Path) -> io::Result<()> {
        fs::write(self.path.join("cgroup"), cgroup.as_os_str().as_encoded_bytes())
    }

    /// The cgroup that was noted.
    pub(crate) fn cgroup(&self) -> Option<PathBuf> {
        fs::read_to_string(self.path.join("cgroup")).ok().map(PathBuf::from)
    }

    /// Removes the secret files; and, if nothing of the attempt is left, the folder.
    pub(crate) fn end(self, empty: bool) -> io::Result<()> {
        gone(fs::remove_dir_all(self.path.join("secrets")))?;
        if empty { gone(fs::remove_dir_all(&self.path)) } else { Ok(()) }
    }
}

fn gone(removed: io::Result<()>) -> io::Result<()> {
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}
