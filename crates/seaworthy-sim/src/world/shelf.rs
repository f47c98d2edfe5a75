//! Where somebody puts files in the simulated world.
//!
//! Must not know who waits for them. Names are fitted in another way than the real one does it, so that each is a check of
//! the other.

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use seaworthy_model::{
    port::{ARRIVED_MAX, Arrivals, Arrived, Fut},
    time::At,
};

/// Files, as they look from outside.
#[derive(Default)]
pub struct Shelf(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    files: BTreeMap<PathBuf, Arrived>,
    /// Files so far.
    made: u64,
}

impl Shelf {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Somebody writes a file, or writes on in one that is there.
    pub fn put(&self, path: impl AsRef<Path>, bytes: u64, at: At) {
        let (mut inner, path) = (self.inner(), path.as_ref().to_path_buf());
        let inode = inner.files.get(&path).map(|file| file.inode);
        inner.made += 1;
        let inode = inode.unwrap_or(inner.made);
        inner.files.insert(path.clone(), Arrived { path, bytes, modified: at, changed: at, inode });
    }

    /// Somebody takes a file away.
    pub fn take(&self, path: impl AsRef<Path>) {
        self.inner().files.remove(path.as_ref());
    }
}

impl Arrivals for Shelf {
    fn arrived(&self, pattern: PathBuf) -> Fut<'_, io::Result<Vec<Arrived>>> {
        let name = |path: &Path| path.file_name().map(|name| name.as_encoded_bytes().to_vec()).unwrap_or_default();
        let wanted = name(&pattern);
        let hidden = |found: &[u8]| found.first() == Some(&b'.') && wanted.first() != Some(&b'.');
        let fits = |path: &Path| {
            let found = name(path);
            path.parent() == pattern.parent() && !hidden(&found) && fits(&wanted, &found)
        };
        let found = self.inner().files.values().filter(|file| fits(&file.path)).take(ARRIVED_MAX).cloned().collect();
        Box::pin(std::future::ready(Ok(found)))
    }
}

fn fits(pattern: &[u8], name: &[u8]) -> bool {
    match (pattern.split_first(), name.split_first()) {
        (None, None) => true,
        (Some((b'*', rest)), None) => fits(rest, name),
        (Some((b'*', rest)), Some((_, less))) => fits(rest, name) || fits(pattern, less),
        (Some((byte, rest)), Some((own, less))) => (*byte == b'?' || byte == own) && fits(rest, less),
        _ => false,
    }
}
