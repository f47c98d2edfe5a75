//! Looks at an artifact: does it exist, how large, how old, and which bytes.
//!
//! This module must not know what the artifact is made of. It reads all of it, so that a size that the
//! folder claims and bytes that cannot be read are told apart.
//!
//! A missing artifact is an observation (`exists` false, size 0, an empty `sha256`, and no `age`, since
//! nothing has none): it was looked for and is not there. Not being allowed to look is an error.

use std::{
    fs::{self, Metadata},
    io::{self, Read as _},
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use rustix::fs::OFlags;
use seaworthy_model::{
    port::{Fut, LookOrder, Probe},
    process::{Look, hex},
    run::Observation,
    time::{At, Span},
    value::{Facts, Value},
};
use sha2::{Digest as _, Sha256};

use crate::sight::{Mask, observe};

/// Read at a time; between two reads the look can be given up.
const CHUNK_BYTES: usize = 256 * 1024;
/// Most files of a folder artifact; beyond it the look says so instead of walking on.
const FOLDER_FILES_MAX: u64 = 1_000_000;

/// An artifact may be dated this far ahead of our clock: file systems and hosts differ a little.
const FUTURE_NANOS_MAX: i64 = 10_000_000_000;

pub(crate) struct ArtifactProbe;

impl Probe for ArtifactProbe {
    fn name(&self) -> &'static str {
        "artifact"
    }

    fn takes(&self, look: &Look) -> bool {
        matches!(look, Look::Artifact { .. })
    }

    fn look<'a>(&'a self, order: &'a LookOrder) -> Fut<'a, Result<Observation, String>> {
        Box::pin(async move {
            let Look::Artifact { name } = &order.look else {
                return Err("the artifact probe was asked for another kind of look".into());
            };
            let path = order.artifact.clone().unwrap_or_else(|| order.workdir.join(name));
            let (name, now) = (name.clone(), order.now);
            observe(self.name(), order, &Mask::of(&order.hidden()), async move {
                let stop = StopOnDrop(Arc::default());
                let stopped = Arc::clone(&stop.0);
                let seen = tokio::task::spawn_blocking(move || read(&path, &name, now, &stopped)).await;
                let facts = seen.map_err(|_| "the look at the artifact broke off; look again".to_owned())??;
                Ok((facts, 0))
            })
            .await
        })
    }
}

/// Ends the reading thread when nobody waits for it any more.
struct StopOnDrop(Arc<AtomicBool>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn read(path: &Path, name: &str, now: At, stop: &AtomicBool) -> Result<Facts, String> {
    let failed = |error: io::Error| {
        format!("the artifact `{name}` at {} cannot be looked at: {error}; check its permissions", path.display())
    };
    let before = match fs::metadata(path) {
        Ok(found) => found,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(facts(name, false, 0, "", None));
        }
        Err(error) => return Err(failed(error)),
    };
    if before.is_dir() {
        let (size, newest) = folder(path, stop).map_err(failed)?;
        return Ok(facts(name, true, size, "", Some(age(name, newest, now)?)));
    }
    if !before.is_file() {
        return Err(format!("the artifact `{name}` at {} is neither a file nor a folder", path.display()));
    }
    // Without waiting: whatever took the file's place meanwhile must not hold us.
    let flags = OFlags::NONBLOCK | OFlags::CLOEXEC;
    let mut file = fs::OpenOptions::new()
        .read(true)
        .custom_flags(i32::try_from(flags.bits()).unwrap_or(0))
        .open(path)
        .map_err(failed)?;
    let (mut hash, mut size, mut chunk) = (Sha256::new(), 0u64, vec![0; CHUNK_BYTES]);
    loop {
        if stop.load(Ordering::Relaxed) {
            return Err(format!("the look at the artifact `{name}` was given up"));
        }
        match file.read(&mut chunk) {
            Ok(0) => break,
            Ok(n) => {
                hash.update(&chunk[..n]);
                size += n as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(failed(error)),
        }
    }
    let after = file.metadata().map_err(failed)?;
    if size != after.len() || modified(&after) != modified(&before) {
        return Err(format!(
            "the artifact `{name}` at {} changed while it was looked at; let the step that makes it end first",
            path.display()
        ));
    }
    Ok(facts(name, true, size, &hex(&hash.finalize()), Some(age(name, modified(&after), now)?)))
}

/// Size of all files below, and the newest time among them and their folders. Links are not followed.
fn folder(root: &Path, stop: &AtomicBool) -> io::Result<(u64, i64)> {
    let (mut size, mut newest, mut files) = (0, modified(&fs::metadata(root)?), 0u64);
    let mut waiting: Vec<PathBuf> = vec![root.to_owned()];
    while let Some(place) = waiting.pop() {
        for entry in fs::read_dir(place)? {
            let entry = entry?;
            let found = entry.metadata()?;
            newest = newest.max(modified(&found));
            files += 1;
            if files > FOLDER_FILES_MAX || stop.load(Ordering::Relaxed) {
                return Err(io::Error::other(format!("given up after {files} files")));
            }
            if found.is_dir() {
                waiting.push(entry.path());
            } else {
                size += found.len();
            }
        }
    }
    Ok((size, newest))
}

/// Nanoseconds since 1970.
fn modified(found: &Metadata) -> i64 {
    found.mtime().saturating_mul(1_000_000_000).saturating_add(found.mtime_nsec())
}

/// Nanoseconds since the artifact was written; a little of the future is two clocks, more is no age at all.
fn age(name: &str, modified: i64, now: At) -> Result<i64, String> {
    let age = now.0.saturating_sub(modified);
    if age < -FUTURE_NANOS_MAX {
        return Err(format!(
            "the artifact `{name}` is dated {} in the future, so its age says nothing; look at what sets its time, or at the clocks",
            Span(age.unsigned_abs())
        ));
    }
    Ok(age.max(0))
}

fn facts(name: &str, exists: bool, size: u64, sha256: &str, age: Option<i64>) -> Facts {
    let mut facts = Facts::from([
        ("name".into(), Value::Text(name.into())),
        ("exists".into(), Value::Bool(exists)),
        ("size".into(), Value::Int(i64::try_from(size).unwrap_or(i64::MAX))),
        ("sha256".into(), Value::Text(sha256.into())),
    ]);
    facts.extend(age.map(|age| ("age".to_owned(), Value::Duration(age))));
    facts
}
