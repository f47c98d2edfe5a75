//! The reload loop: reads the site's files when they change and puts what is good into force.
//!
//! A broken file keeps its last good version, and so does one that was made weaker until a person confirms it; the
//! journal says so. This module must not know YAML (spec reads it) nor where files are: a port gives their text.

mod hold;
mod join;
mod record;
mod settings;
#[cfg(test)]
mod tests;

use std::{
    path::PathBuf,
    sync::{Arc, PoisonError, RwLock},
};

use seaworthy_model::{
    change::Held,
    port::{Definitions, StoreError},
    site::Loaded,
    time::Span,
};
use seaworthy_spec::Source;
use tracing::{error, info, warn};

pub use hold::{book, hold};
pub use join::{Missing, Outcome, join, read};
pub use record::{in_force, record, recorded};
pub(crate) use record::{last_recorded, stream_of};

use crate::ports::{Ports, Stop};

/// How often the files' stamp is looked at.
const EVERY: Span = Span::seconds(1);

/// The text of a site's files.
#[derive(Debug, Clone)]
pub struct FileSet {
    /// Holds `seaworthy.yaml`.
    pub folder: PathBuf,
    pub site: Source,
    /// Those under `ops/` and `calendars/`.
    pub ops: Vec<Source>,
    /// Files that could not be read, and folders of which not all files are known: name and reason.
    pub unreadable: Vec<(String, String)>,
    /// Files that are not read at all, and why: for as long as they are as they are.
    pub left_out: Vec<(String, String)>,
    /// A change of where the files come from that waits for a person.
    pub held: Vec<Held>,
}

/// Gives the files' text. The only door to them. May block.
pub trait Files: Send + Sync {
    /// All of them, now. `Err` is a sentence: the site file itself cannot be read.
    fn read(&self) -> Result<FileSet, String>;
    /// Changes when any file does, and when it becomes readable or unreadable.
    fn stamp(&self) -> u64;
    /// Whether a file exists, relative to the folder.
    fn exists(&self, file: &str) -> bool;
    /// Whether an answer may be long in coming; texts in memory are there at once.
    fn may_block(&self) -> bool {
        true
    }
}

/// The definitions in force; replaced as a whole.
pub struct InForce(RwLock<Arc<Loaded>>);

impl InForce {
    pub fn new(loaded: Loaded) -> Self {
        Self(RwLock::new(Arc::new(loaded)))
    }

    /// Puts these into force.
    pub fn replace(&self, loaded: Loaded) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(loaded);
    }
}

impl Definitions for InForce {
    fn current(&self) -> Arc<Loaded> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Asks the files on a thread of its own: a folder on a network may answer late, and neither other loops nor stopping
/// wait for it.
///
/// # Errors
/// A sentence when stopping was asked for meanwhile, or reading came to no end.
pub async fn apart<T: Send + 'static>(
    files: &Arc<dyn Files>,
    stop: &Stop,
    ask: impl FnOnce(&dyn Files) -> T + Send + 'static,
) -> Result<T, String> {
    if !files.may_block() {
        return Ok(ask(files.as_ref()));
    }
    let files = files.clone();
    let asking = tokio::task::spawn_blocking(move || ask(files.as_ref()));
    tokio::select! {
        biased;
        answer = asking => answer.map_err(|e| format!("reading the files was cut short: {e}")),
        () = stop.asked() => Err("stopping".into()),
    }
}

/// Runs until stopping is asked for. `keep` is given what has come into force, to be kept for the next start.
pub async fn run(ports: Ports, files: Arc<dyn Files>, in_force: Arc<InForce>, keep: impl Fn(&Loaded), stop: Stop) {
    let mut stamp = apart(&files, &stop, |files| files.stamp()).await;
    let mut missing = Missing::default();
    let (mut again, mut said) = (false, None);
    while !stop.is_asked() {
        let asked = tokio::select! {
            biased;
            () = stop.asked() => return,
            () = ports.nudges.reload.notified() => true,
            () = ports.clock.sleep(EVERY) => false,
        };
        let now = apart(&files, &stop, |files| files.stamp()).await;
        let clock = ports.clock.now();
        let expired = in_force.current().held.iter().any(|held| held.until <= clock);
        let moved = asked || now != stamp || expired;
        if !moved && !again {
            continue;
        }
        stamp = now;
        match once(&ports, &files, &in_force, &mut missing, moved, &stop).await {
            Ok(Done { in_force: changed, again: soon }) => {
                (again, said) = (soon, None);
                if changed {
                    keep(&in_force.current());
                }
            }
            Err(_) if stop.is_asked() => return,
            Err(trouble) => {
                again = true;
                if said.as_ref() != Some(&trouble) {
                    error!("the files were not put into force: {trouble}");
                    said = Some(trouble);
                }
            }
        }
    }
}

/// What one look at the files came to.
struct Done {
    /// Something was put into force.
    in_force: bool,
    /// Not all is known yet: look again soon, whatever the stamp says.
    again: bool,
}

async fn once(
    ports: &Ports,
    files: &Arc<dyn Files>,
    in_force: &InForce,
    missing: &mut Missing,
    moved: bool,
    stop: &Stop,
) -> Result<Done, String> {
    let (before, at) = (in_force.current(), ports.clock.now());
    let known = before.clone();
    let mut outcome = apart(files, stop, move |files| read(files, Some(&known), at)).await??;
    let again = missing.hold(&before, &mut outcome) || outcome.unread;
    let trouble = |e: StoreError| e.to_string();
    hold(&*ports.journal, &*ports.views, Some(&before), &mut outcome, at).await.map_err(trouble)?;
    let same = outcome.changed.is_empty() && outcome.removed.is_empty() && outcome.fresh.is_empty();
    if !moved && same && outcome.broken.is_empty() && outcome.mended.is_empty() {
        return Ok(Done { in_force: false, again });
    }
    for (file, problems) in &outcome.broken {
        warn!(file, "`{file}` is broken, its last good version stays in force: {}", problems.join("; "));
    }
    for held in &outcome.fresh {
        warn!(
            "{} waits for a person: {}; seaworthy confirm {}",
            held.subject.word(),
            held.weaker.join("; "),
            held.short()
        );
    }
    record(ports, &outcome).await.map_err(trouble)?;
    if !same || !outcome.mended.is_empty() {
        info!(
            "in force: {} processes, {} changed, {} removed",
            outcome.loaded.processes.len(),
            outcome.changed.len(),
            outcome.removed.len()
        );
    }
    in_force.replace(outcome.loaded);
    ports.nudges.all();
    Ok(Done { in_force: true, again })
}
