//! After a crash: ending what earlier attempts left running, before anything is repeated.
//!
//! Must not know what a run is in now. Safe beside other holders: an attempt whose holder lives is left alone.

use std::{
    collections::BTreeMap,
    fs, io,
    os::fd::OwnedFd,
    path::Path,
    time::{Duration, Instant},
};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use seaworthy_model::{id::RunId, port::OutputKey, time::Span};

use super::{
    MARKER,
    cgroup::Cgroup,
    folder::{self, Folder},
    process,
    tree::Tree,
};
use crate::provider::local::GRACE;

/// An attempt whose holder had died, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Swept {
    pub run: RunId,
    pub step: String,
    pub attempt: u32,
    /// How many living processes of it were found and told to end.
    pub ended: usize,
    /// Nothing of it can be found any more.
    pub gone: bool,
}

/// Ends the processes of all attempts of this data folder whose holder has died (TERM, grace, KILL) and removes
/// their secret files. Blocks: call it at the start, before any run goes on. May be called twice.
///
/// Found are: what is in the attempt's cgroup; else what carries the attempt's marker in its environment, and
/// all below it. Not found, without a cgroup: a process that cleared its environment and lost its parent.
///
/// # Errors
/// The data folder cannot be read.
pub fn sweep(data: &Path) -> io::Result<Vec<Swept>> {
    sweep_with_grace(data, GRACE)
}

/// [`sweep`] with another time between TERM and KILL.
///
/// # Errors
/// The data folder cannot be read.
pub fn sweep_with_grace(data: &Path, grace: Span) -> io::Result<Vec<Swept>> {
    let mut left = orphaned(data)?;
    for key in marked(data)? {
        // Without a folder the attempt was over; what still carries its marker was missed then.
        if !left.contains_key(&key) && !folder::exists(data, &key) {
            left.insert(key, None);
        }
    }
    let mut trees = vec![];
    for (key, folder) in left {
        let group = folder.as_ref().and_then(Folder::cgroup).and_then(Cgroup::found);
        let mut tree = Tree::left(folder::marker(data, &key)?, group);
        // All are asked first, so that they share one grace.
        tree.ask()?;
        trees.push((key, folder, tree));
    }
    let until = Instant::now() + grace.to_std();
    let mut swept = vec![];
    for (key, folder, mut tree) in trees {
        let ended = tree.end(until.saturating_duration_since(Instant::now()), wait);
        tree.close();
        let gone = ended.empty == Some(true);
        if let Some(folder) = folder {
            folder.end(gone)?;
        }
        swept.push(Swept { run: key.run, step: key.step, attempt: key.attempt, ended: ended.told.len(), gone });
    }
    Ok(swept)
}

/// Folders of attempts whose holder does not live any more, taken over.
fn orphaned(data: &Path) -> io::Result<BTreeMap<OutputKey, Option<Folder>>> {
    let mut found = BTreeMap::new();
    let folders = match fs::read_dir(folder::all(data)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(found),
        other => other?,
    };
    for entry in folders {
        let entry = entry?;
        let Some(key) = entry.file_name().to_str().and_then(folder::key) else { continue };
        if let Some(folder) = Folder::take_over(entry.path())? {
            found.insert(key, Some(folder));
        }
    }
    Ok(found)
}

/// Attempts of this data folder that living processes say they belong to.
fn marked(data: &Path) -> io::Result<Vec<OutputKey>> {
    let site = format!("{}/", folder::site(data)?);
    let never = process::forebears();
    let living = process::all()?.into_iter().filter(|process| !process.is_zombie() && !never.contains(&process.pid));
    let key = |pid| folder::key(process::environ(pid, MARKER)?.strip_prefix(&site)?);
    Ok(living.filter_map(|process| key(process.pid)).collect())
}

fn wait(handles: &[OwnedFd], gap: Duration) {
    let mut asked: Vec<PollFd<'_>> = handles.iter().map(|handle| PollFd::new(handle, PollFlags::IN)).collect();
    let time = Timespec { tv_sec: gap.as_secs().cast_signed(), tv_nsec: gap.subsec_nanos().into() };
    // Interrupted: the caller looks again.
    let _ = poll(&mut asked, Some(&time));
}
