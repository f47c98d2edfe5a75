//! The reload loop: reads the site's files when they change and puts what is good into force.
//!
//! A broken file keeps its last good version; the journal says so. This module must not know YAML (spec reads
//! it) nor where files are: a port gives their text.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
};

use seaworthy_model::{
    entry::{Stream, Via},
    event::Event,
    port::{Batch, Definitions, StoreError},
    process::Process,
    site::{Loaded, Pinned},
    time::{At, Span},
};
use seaworthy_spec::{Diagnostic, Read, Severity, Source};
use tracing::{error, info, warn};

use crate::ports::{Ports, Stop};

#[cfg(test)]
mod tests;

/// How often the files' stamp is looked at.
const EVERY: Span = Span::seconds(1);

/// The text of a site's files.
#[derive(Debug, Clone)]
pub struct FileSet {
    /// Holds `seaworthy.yaml`.
    pub folder: PathBuf,
    pub site: Source,
    pub ops: Vec<Source>,
    /// Files that could not be read, and folders of which not all files are known: name and reason.
    pub unreadable: Vec<(String, String)>,
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

/// What reading the files gave, against what was in force.
#[derive(Debug)]
pub struct Outcome {
    pub loaded: Loaded,
    pub diagnostics: Vec<Diagnostic>,
    /// Names whose definition is new or changed.
    pub changed: Vec<String>,
    /// Names that are gone, with the file they came from.
    pub removed: Vec<(String, String)>,
    /// Files that became broken, with their problems, and files that were mended.
    pub broken: Vec<(String, Vec<String>)>,
    pub mended: Vec<String>,
    /// Some files could not be read just now.
    pub unread: bool,
}

/// Joins what was read with what is in force: good files replace, broken files keep their last good version.
/// `Err`: the site file is broken and there is nothing to keep.
///
/// # Errors
/// The diagnostics of the site file.
pub fn join(before: Option<&Loaded>, files: &FileSet, read: Read, at: At) -> Result<Outcome, Vec<Diagnostic>> {
    let problems = problems(before, files, &read);
    let Some(site) = read.site.clone() else {
        // Without its site file nothing can be judged: all that was in force stays, and says so.
        let Some(before) = before else { return Err(read.diagnostics) };
        let first: BTreeMap<String, String> =
            problems.iter().map(|(file, all)| (file.clone(), all[0].clone())).collect();
        let broken = problems.into_iter().filter(|(file, all)| before.broken.get(file) != all.first()).collect();
        let loaded = Loaded { broken: first, at, ..before.clone() };
        return Ok(Outcome {
            loaded,
            diagnostics: read.diagnostics,
            changed: vec![],
            removed: vec![],
            broken,
            mended: vec![],
            unread: !files.unreadable.is_empty(),
        });
    };
    let mut processes: BTreeMap<String, Arc<Pinned>> = BTreeMap::new();
    for (file, process) in read.processes {
        let pinned = Pinned { digest: process.digest(), missing: process.missing(), process, file, broken: None };
        processes.insert(pinned.process.name.clone(), Arc::new(pinned));
    }
    let none = BTreeMap::new();
    let old = before.map_or(&none, |b| &b.processes);
    for (name, pinned) in old {
        if let Some(problem) = problem(&problems, &pinned.file).filter(|_| !processes.contains_key(name)) {
            let kept = Pinned { broken: Some(problem[0].clone()), ..(**pinned).clone() };
            processes.insert(name.clone(), Arc::new(kept));
        }
    }
    let changed = processes
        .iter()
        .filter(|(name, p)| old.get(*name).is_none_or(|o| o.digest != p.digest))
        .map(|(name, _)| name.clone())
        .collect();
    let removed = old
        .iter()
        .filter(|(name, _)| !processes.contains_key(*name))
        .map(|(name, p)| (name.clone(), p.file.clone()))
        .collect();
    let first: BTreeMap<String, String> = problems.iter().map(|(file, all)| (file.clone(), all[0].clone())).collect();
    let was: BTreeMap<String, String> = before.map(|b| b.broken.clone()).unwrap_or_default();
    let broken = problems
        .iter()
        .filter(|(file, all)| was.get(*file) != all.first())
        .map(|(f, p)| (f.clone(), p.clone()))
        .collect();
    let mended = was.keys().filter(|file| !first.contains_key(*file)).cloned().collect();
    let loaded = Loaded { site, folder: files.folder.clone(), processes, broken: first, at };
    let unread = !files.unreadable.is_empty();
    Ok(Outcome { loaded, diagnostics: read.diagnostics, changed, removed, broken, mended, unread })
}

/// The problems of a file, or of a folder above it: what is in such a folder is not known, so it is not gone.
fn problem<'a>(problems: &'a BTreeMap<String, Vec<String>>, file: &str) -> Option<&'a Vec<String>> {
    Path::new(file).ancestors().find_map(|path| problems.get(path.to_str()?))
}

/// Errors by file, in order, each as one line.
fn problems(before: Option<&Loaded>, files: &FileSet, read: &Read) -> BTreeMap<String, Vec<String>> {
    let mut out: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (file, reason) in &files.unreadable {
        out.entry(file.clone()).or_default().push(format!("{file}: cannot be read: {reason}"));
    }
    // Editors and copies empty a file before they write it. Who means it removes the file.
    for source in files.ops.iter().filter(|source| source.text.is_empty()) {
        if before.is_some_and(|b| b.processes.values().any(|p| p.file == source.file)) {
            let problem = format!("{}: is empty; write it again, or remove the file", source.file);
            out.entry(source.file.clone()).or_default().push(problem);
        }
    }
    for d in read.diagnostics.iter().filter(|d| matches!(d.severity, Severity::Error)) {
        out.entry(d.file.clone()).or_default().push(format!("{}:{}:{}: {}", d.file, d.line, d.column, d.message));
    }
    out
}

/// Reads all files once.
///
/// # Errors
/// A sentence, or the diagnostics of the site file as sentences.
pub fn read(files: &dyn Files, before: Option<&Loaded>, at: At) -> Result<Outcome, String> {
    let set = files.read()?;
    let read = seaworthy_spec::read(&set.site, &set.ops, &|file| files.exists(file));
    join(before, &set, read, at).map_err(|diagnostics| {
        let lines: Vec<String> = diagnostics.iter().map(|d| d.render(false)).collect();
        lines.join("\n")
    })
}

/// Records what came into force and what did not. Definitions that the journal knows already are not written again.
///
/// # Errors
/// When the journal cannot be read or written.
pub async fn record(ports: &Ports, outcome: &Outcome) -> Result<(), StoreError> {
    let (ids, now) = (ports.ids(), ports.clock.now());
    let mut batch = Batch::by(ports.actor, Via::Node);
    for name in &outcome.changed {
        let pinned = &outcome.loaded.processes[name];
        if last_recorded(ports, name).await?.as_deref() == Some(&pinned.digest) {
            continue;
        }
        let event = Event::ProcessLoaded {
            digest: pinned.digest.clone(),
            definition: pinned.process.canonical(),
            file: pinned.file.clone(),
        };
        batch.writes.push(ids.write(Stream::process(name), None, now, [event]));
    }
    for (name, file) in &outcome.removed {
        batch.writes.push(ids.write(Stream::process(name), None, now, [Event::ProcessRemoved { file: file.clone() }]));
        crate::schedule::forget(ports, name, &mut batch).await?;
    }
    let broken = outcome
        .broken
        .iter()
        .map(|(file, problems)| Event::FileBroken { file: file.clone(), problems: problems.clone() });
    let mended = outcome.mended.iter().map(|file| Event::FileMended { file: file.clone() });
    let site: Vec<Event> = broken.chain(mended).collect();
    if !site.is_empty() {
        batch.writes.push(ids.write(Stream::site(), None, now, site));
    }
    if batch.writes.is_empty() {
        return Ok(());
    }
    ports.journal.append(batch).await.map(|_| ())
}

/// The digest of the definition that the journal says was loaded last, unless it was removed since.
async fn last_recorded(ports: &Ports, name: &str) -> Result<Option<String>, StoreError> {
    let entries = ports.journal.stream(&Stream::process(name), 0).await?;
    Ok(match entries.last().and_then(|e| e.event().ok().flatten()) {
        Some(Event::ProcessLoaded { digest, .. }) => Some(digest),
        _ => None,
    })
}

/// A definition by its digest, from the journal.
///
/// # Errors
/// When the journal cannot be read.
pub async fn recorded(ports: &Ports, name: &str, digest: &str) -> Result<Option<Process>, StoreError> {
    for entry in ports.journal.stream(&Stream::process(name), 0).await?.iter().rev() {
        let Ok(Some(Event::ProcessLoaded { digest: found, definition, .. })) = entry.event() else { continue };
        if found == digest {
            return Ok(serde_json::from_str(&definition).ok());
        }
    }
    Ok(None)
}

/// Processes that were missing when the files were last looked at. An editor that saves by renaming takes a file away
/// for a moment, so a removal counts when it is seen twice in a row.
#[derive(Debug, Default)]
pub struct Missing(BTreeSet<String>);

impl Missing {
    /// Keeps in force what is missing for the first time; whether there is such, so that it is soon looked at again.
    pub fn hold(&mut self, before: &Loaded, outcome: &mut Outcome) -> bool {
        let seen = std::mem::take(&mut self.0);
        let (gone, held): (Vec<_>, Vec<_>) =
            std::mem::take(&mut outcome.removed).into_iter().partition(|(name, _)| seen.contains(name));
        for (name, _) in &held {
            if let Some(pinned) = before.processes.get(name) {
                outcome.loaded.processes.insert(name.clone(), pinned.clone());
            }
        }
        outcome.removed = gone;
        self.0 = held.into_iter().map(|(name, _)| name).collect();
        !self.0.is_empty()
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
        let moved = asked || now != stamp;
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
    let same = outcome.changed.is_empty() && outcome.removed.is_empty();
    if !moved && same && outcome.broken.is_empty() && outcome.mended.is_empty() {
        return Ok(Done { in_force: false, again });
    }
    for (file, problems) in &outcome.broken {
        warn!(file, "`{file}` is broken, its last good version stays in force: {}", problems.join("; "));
    }
    record(ports, &outcome).await.map_err(|e| e.to_string())?;
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
