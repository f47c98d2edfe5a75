//! Where keepers are found: `DATA/keeper/NAME.lock`, locked as long as the keeper lives, so that a dead one is known at
//! once; in it stands where its socket is. `NAME` is its protocol and its user.
//!
//! Must not know what a keeper holds.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Seek as _, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};

use crate::held::folder::private;

/// What a keeper says of itself in its lock file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct About {
    pub(crate) pid: u32,
    pub(crate) protocol: u32,
    pub(crate) socket: PathBuf,
    /// The cgroup below which it makes one for each attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) cgroup: Option<PathBuf>,
    /// Names this life of the host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) boot: Option<String>,
    /// Names the data folder: in a copy of it all this is about the first one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) site: Option<String>,
}

/// The name of this life of the host (random(4), boot_id); `None` where the kernel does not tell.
pub(crate) fn boot() -> Option<String> {
    fs::read_to_string("/proc/sys/kernel/random/boot_id").ok().map(|id| id.trim().to_owned())
}

/// The folder of all keepers of a data folder.
pub(crate) fn folder(data: &Path) -> PathBuf {
    data.join("keeper")
}

/// `PROTOCOL-USER`.
pub(crate) fn name(protocol: u32) -> String {
    format!("{protocol}-{}", rustix::process::geteuid().as_raw())
}

/// The place of one keeper: nobody else is the keeper of this name as long as this is held.
#[derive(Debug)]
pub(crate) struct Seat {
    pub(crate) name: String,
    file: File,
}

impl Seat {
    /// `None`: a living keeper has it.
    pub(crate) fn take(data: &Path, name: &str) -> io::Result<Option<Seat>> {
        private(&folder(data))?;
        let path = folder(data).join(format!("{name}.lock"));
        let file = OpenOptions::new().create(true).truncate(false).read(true).write(true).mode(0o600).open(path)?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Some(Seat { name: name.to_owned(), file })),
            Err(rustix::io::Errno::WOULDBLOCK) => Ok(None),
            Err(other) => Err(other.into()),
        }
    }

    /// What the one before said of itself.
    pub(crate) fn before(&mut self) -> Option<About> {
        let mut text = String::new();
        self.file.rewind().ok()?;
        self.file.read_to_string(&mut text).ok()?;
        serde_json::from_str(&text).ok()
    }

    pub(crate) fn say(&mut self, about: &About) -> io::Result<()> {
        let text = serde_json::to_vec(about).map_err(io::Error::other)?;
        self.file.rewind()?;
        self.file.set_len(0)?;
        self.file.write_all(&text)
    }
}

/// Whether a keeper of this name lives: its lock is dropped with it.
pub(crate) fn lives(data: &Path, name: &str) -> io::Result<bool> {
    let file = match File::open(folder(data).join(format!("{name}.lock"))) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        other => other?,
    };
    match flock(&file, FlockOperation::NonBlockingLockShared) {
        Ok(()) => Ok(false),
        Err(rustix::io::Errno::WOULDBLOCK) => Ok(true),
        Err(other) => Err(other.into()),
    }
}

/// Names of all keepers that there ever were and whose lock file is there.
pub(crate) fn names(data: &Path) -> io::Result<Vec<String>> {
    let entries = match fs::read_dir(folder(data)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(vec![]),
        other => other?,
    };
    let mut names = vec![];
    for entry in entries {
        names.extend(entry?.file_name().to_str().and_then(|file| file.strip_suffix(".lock")).map(str::to_owned));
    }
    names.sort();
    Ok(names)
}

/// What the keeper of this name says of itself, living or dead.
pub(crate) fn about(data: &Path, name: &str) -> io::Result<About> {
    let text = fs::read(folder(data).join(format!("{name}.lock")))?;
    serde_json::from_slice(&text).map_err(|_| io::Error::other("it has only begun"))
}
