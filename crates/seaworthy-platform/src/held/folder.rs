//! Names of attempts on disk and in environments, and the folder of an attempt's secret files:
//! `DATA/keeper/NAME/RUN.STEP.ATTEMPT`, removed when its processes are proven gone or the next keeper begins.
//!
//! Must not know how processes are found or ended.

use std::{
    fs::{self, DirBuilder, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use seaworthy_model::port::{OutputKey, Secret};

use super::MARKER;

/// Names of secrets and the files that hold them.
pub(crate) type Places = Vec<(String, PathBuf)>;

/// The folder of one attempt that is given secrets.
#[derive(Debug)]
pub(crate) struct Folder(PathBuf);

/// `RUN.STEP.ATTEMPT`.
pub(crate) fn name(key: &OutputKey) -> String {
    format!("{}.{}.{}", key.run, key.step, key.attempt)
}

/// The attempt that a name stands for.
pub(crate) fn key(name: &str) -> Option<OutputKey> {
    let (run, rest) = name.split_once('.')?;
    let (step, attempt) = rest.rsplit_once('.')?;
    Some(OutputKey { run: run.parse().ok()?, step: step.to_owned(), attempt: attempt.parse().ok()? })
}

/// Whether this names an attempt and nothing else on disk: not by our own hand it may say anything.
pub(crate) fn is_attempt(name: &str) -> bool {
    !name.contains('/') && key(name).is_some()
}

/// What the environment of every process of the attempt carries, `NAME=value`. The data folder is named by its
/// place on the disk, so that two containers with equal paths and one view of processes are told apart.
pub(crate) fn marker(data: &Path, keeper: &str, attempt: &str) -> io::Result<(String, String)> {
    Ok((MARKER.to_owned(), format!("{}/{attempt}", site(data, keeper)?)))
}

/// The first part of the markers of one keeper of one data folder.
pub(crate) fn site(data: &Path, keeper: &str) -> io::Result<String> {
    Ok(format!("{}/{keeper}", place(data)?))
}

/// Names a data folder by its place on the disk: a copy of it is another one.
pub(crate) fn place(data: &Path) -> io::Result<String> {
    let at = fs::metadata(data)?;
    Ok(format!("{:x}.{:x}", at.dev(), at.ino()))
}

/// Makes a folder that only we may enter, with those above it. An existing one is fine.
pub(crate) fn private(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

impl Folder {
    /// Writes the secret files of an attempt and returns where each is. `None`: it is given none.
    pub(crate) fn keep(path: PathBuf, secrets: &[Secret]) -> io::Result<Option<(Folder, Places)>> {
        if secrets.is_empty() {
            return Ok(None);
        }
        private(&path)?;
        let mut places = vec![];
        for secret in secrets {
            let place = path.join(&secret.name);
            let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&place)?;
            file.write_all(secret.value.as_bytes())?;
            places.push((secret.name.clone(), place));
        }
        Ok(Some((Folder(path), places)))
    }

    /// Removes them.
    pub(crate) fn end(self) -> io::Result<()> {
        match fs::remove_dir_all(&self.0) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            other => other,
        }
    }
}
