//! The folders of runs, what is in them, and the state of the host.
//!
//! Must not know steps or commands, and judges nothing: it says what is there.

mod arrival;
mod artifact;
mod host;
#[cfg(test)]
mod tests;
mod weigh;

use std::{
    fs,
    io::{self, Read as _, Write as _},
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use seaworthy_model::{
    id::RunId,
    input::HANDED_BYTES_MAX,
    port::{Arrivals, Arrived, Fut, Leftovers, OutputKey, Places, Secret},
    retain::Weight,
    run::{Artifact, HostSnapshot, Output},
};

use crate::{
    blocking::{off_runtime, while_awaited},
    held::folder::private,
    output::{self, mask::Mask, run_folder},
};

/// Folders below a data folder.
#[derive(Debug, Clone)]
pub struct FilePlaces {
    data: PathBuf,
}

impl FilePlaces {
    /// `data` is the data folder.
    pub fn new(data: PathBuf) -> FilePlaces {
        FilePlaces { data }
    }
}

impl Places for FilePlaces {
    fn workdir(&self, run: RunId) -> Fut<'_, io::Result<PathBuf>> {
        let work = work(&self.data, run);
        Box::pin(async move {
            off_runtime(move || {
                private(&work)?;
                work.canonicalize()
            })
            .await?
        })
    }

    /// A folder is an artifact too: its size is that of all files in it, its hash that of a list of them. Who drops the
    /// future ends the reading at the next piece.
    fn artifact(&self, workdir: &Path, name: &str) -> Fut<'_, Result<Artifact, String>> {
        let (workdir, name) = (workdir.to_owned(), name.to_owned());
        Box::pin(async move {
            let look = while_awaited(move |given_up| artifact::look(&workdir, &name, given_up));
            look.await.map_err(|error| error.to_string()).flatten()
        })
    }

    fn handing(&self, attempt: OutputKey) -> Fut<'_, io::Result<PathBuf>> {
        let folder = handing(&self.data, attempt.run);
        Box::pin(async move {
            off_runtime(move || {
                private(&folder)?;
                Ok(folder.canonicalize()?.join(format!("{}.{}", attempt.step, attempt.attempt)))
            })
            .await?
        })
    }

    fn handed(&self, attempt: OutputKey, hidden: Vec<Secret>) -> Fut<'_, Result<String, String>> {
        Box::pin(async move {
            let file = self.handing(attempt).await.map_err(|e| format!("what it handed on cannot be read ({e})"))?;
            off_runtime(move || handed(&file, &hidden)).await.map_err(|error| error.to_string()).flatten()
        })
    }

    fn carry(&self, from: RunId, to: RunId, name: &str) -> Fut<'_, Result<(), String>> {
        let (from, to) = (work(&self.data, from).join(name), work(&self.data, to).join(name));
        let what = name.to_owned();
        Box::pin(async move {
            let done = off_runtime(move || {
                private(to.parent().unwrap_or(&to))?;
                copy(&from, &to)
            });
            let done = done.await.map_err(|error| error.to_string())?;
            done.map_err(|error| format!("`{what}` could not be taken over ({error}); repeat the step that makes it"))
        })
    }

    fn left_over(&self, run: RunId) -> Fut<'_, bool> {
        let folders = [work(&self.data, run), handing(&self.data, run)];
        Box::pin(async move {
            let empty = |folder: &PathBuf| match fs::read_dir(folder) {
                Ok(mut entries) => entries.next().is_none(),
                Err(error) => error.kind() == io::ErrorKind::NotFound,
            };
            !off_runtime(move || folders.iter().all(empty)).await.unwrap_or(false)
        })
    }

    fn keep<'a>(&'a self, attempt: &'a OutputKey, said: Vec<u8>, hidden: Vec<Secret>) -> Fut<'a, Output> {
        let (data, attempt) = (self.data.clone(), attempt.clone());
        Box::pin(
            async move { off_runtime(move || output::keep(&data, &attempt, &said, &hidden)).await.unwrap_or_default() },
        )
    }

    fn tidy(&self, run: RunId, keep: Vec<String>) -> Fut<'_, io::Result<()>> {
        let (work, handing) = (work(&self.data, run), handing(&self.data, run));
        Box::pin(async move {
            let keep: Vec<PathBuf> = keep.iter().map(|name| work.join(name)).collect();
            off_runtime(move || {
                // What was taken is in the journal, masked; here it is as the command wrote it, taken or not.
                let handed = sweep_out(&handing, &[]);
                sweep_out(&work, &keep).and(handed)
            })
            .await?
        })
    }

    fn remove(&self, run: RunId) -> Fut<'_, io::Result<()>> {
        let folder = run_folder(&self.data, run);
        Box::pin(async move {
            off_runtime(move || {
                sweep_out(&folder, &[])?;
                absent_is_fine(fs::remove_dir(&folder))
            })
            .await?
        })
    }

    fn body(&self, run: RunId, keep: Option<Vec<u8>>) -> Fut<'_, io::Result<Option<PathBuf>>> {
        let folder = run_folder(&self.data, run);
        Box::pin(async move { off_runtime(move || body(&folder, keep.as_deref())).await? })
    }

    fn snapshot(&self) -> Fut<'_, HostSnapshot> {
        let data = self.data.clone();
        Box::pin(async move {
            off_runtime(move || host::snapshot(&data)).await.unwrap_or_else(|error| {
                tracing::warn!(%error, "the host could not be looked at");
                HostSnapshot::default()
            })
        })
    }
}

impl Arrivals for FilePlaces {
    fn arrived(&self, pattern: PathBuf) -> Fut<'_, io::Result<Vec<Arrived>>> {
        Box::pin(async move { off_runtime(move || arrival::arrived(&pattern)).await? })
    }
}

/// A file, or a folder with all that is in it.
fn copy(from: &Path, to: &Path) -> io::Result<()> {
    if !fs::symlink_metadata(from)?.is_dir() {
        return fs::copy(from, to).map(drop);
    }
    private(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        copy(&entry.path(), &to.join(entry.file_name()))?;
    }
    Ok(())
}

/// The body of the call that started a run, in the run's folder.
const BODY: &str = "trigger";

/// Kept durably before the run is requested: a run that is there has its body.
fn body(folder: &Path, keep: Option<&[u8]>) -> io::Result<Option<PathBuf>> {
    if let Some(body) = keep {
        private(folder)?;
        let mut file = fs::File::options().write(true).create_new(true).mode(0o600).open(folder.join(BODY))?;
        file.write_all(body)?;
        file.sync_all()?;
    }
    // Commands start in another folder.
    match folder.join(BODY).canonicalize() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        other => other.map(Some),
    }
}

/// What stands in the file of an attempt; nothing if there is none.
fn handed(file: &Path, hidden: &[Secret]) -> Result<String, String> {
    let refused = |why: String| format!("what it wrote to $OUTPUTS cannot be taken: {why}");
    let about = match fs::symlink_metadata(file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(String::new()),
        other => other.map_err(|error| refused(error.to_string()))?,
    };
    if !about.is_file() {
        return Err(refused("it is no plain file".into()));
    }
    let mut bytes = Vec::new();
    let most = HANDED_BYTES_MAX as u64 + 1;
    let read = fs::File::open(file).and_then(|opened| opened.take(most).read_to_end(&mut bytes));
    read.map_err(|error| refused(error.to_string()))?;
    if bytes.len() > HANDED_BYTES_MAX {
        return Err(refused(format!("it has more than {HANDED_BYTES_MAX} bytes; hand large things on as artifacts")));
    }
    let text = String::from_utf8(bytes).map_err(|_| refused("it is not UTF-8 text".into()))?;
    Ok(Mask::of(hidden).text(&text))
}

impl Leftovers for FilePlaces {
    fn kept(&self) -> Fut<'_, io::Result<Vec<RunId>>> {
        let data = self.data.clone();
        Box::pin(async move { off_runtime(move || weigh::kept(&data)).await? })
    }

    fn weigh(&self, run: RunId) -> Fut<'_, io::Result<Weight>> {
        let folder = run_folder(&self.data, run);
        Box::pin(async move { off_runtime(move || weigh::weigh(&folder)).await? })
    }

    fn forget_outputs(&self, run: RunId) -> Fut<'_, io::Result<()>> {
        let outputs = run_folder(&self.data, run).join("output");
        Box::pin(async move {
            off_runtime(move || {
                sweep_out(&outputs, &[])?;
                absent_is_fine(fs::remove_dir(&outputs))
            })
            .await?
        })
    }
}

/// Where attempts hand on. Nothing of it outlives the run.
fn handing(data: &Path, run: RunId) -> PathBuf {
    run_folder(data, run).join("handed")
}

fn work(data: &Path, run: RunId) -> PathBuf {
    run_folder(data, run).join("work")
}

/// Removes all that is in `folder` but `keep` and the folders that lead there.
fn sweep_out(folder: &Path, keep: &[PathBuf]) -> io::Result<()> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        // A command may take away its own folder's rights; it is ours all the same.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            fs::set_permissions(folder, fs::Permissions::from_mode(0o700))?;
            fs::read_dir(folder)?
        }
        other => other?,
    };
    for entry in entries {
        let entry = entry?;
        let path = entry.path();
        if keep.contains(&path) {
            continue;
        }
        if !entry.file_type()?.is_dir() {
            absent_is_fine(writable(folder, || fs::remove_file(&path)))?;
            continue;
        }
        sweep_out(&path, keep)?;
        if !keep.iter().any(|kept| kept.starts_with(&path)) {
            absent_is_fine(writable(folder, || fs::remove_dir(&path)))?;
        }
    }
    Ok(())
}

/// Tries again after giving ourselves the right to change the folder.
fn writable(folder: &Path, remove: impl Fn() -> io::Result<()>) -> io::Result<()> {
    match remove() {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            fs::set_permissions(folder, fs::Permissions::from_mode(0o700))?;
            remove()
        }
        other => other,
    }
}

fn absent_is_fine(removed: io::Result<()>) -> io::Result<()> {
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}
