//! The reload loop: reads the site's files when they change and puts what is good into force.
//!
//! A broken file keeps its last good version; the journal says so. This module must not know YAML (spec reads
//! it) nor where files are: a port gives their text.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
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

/// How often the files' stamp is looked at.
const EVERY: Span = Span::seconds(1);

/// The text of a site's files.
#[derive(Debug, Clone)]
pub struct FileSet {
    /// Holds `seaworthy.yaml`.
    pub folder: PathBuf,
    pub site: Source,
    pub ops: Vec<Source>,
    /// Files that could not be read: name and reason.
    pub unreadable: Vec<(String, String)>,
}

/// Gives the files' text. The only door to them.
pub trait Files: Send + Sync {
    /// All of them, now. `Err` is a sentence: the site file itself cannot be read.
    fn read(&self) -> Result<FileSet, String>;
    /// Changes when any file does.
    fn stamp(&self) -> u64;
    /// Whether a file exists, relative to the folder.
    fn exists(&self, file: &str) -> bool;
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
}

/// Joins what was read with what is in force: good files replace, broken files keep their last good version.
/// `Err`: the site file is broken and there is nothing to keep.
///
/// # Errors
/// The diagnostics of the site file.
pub fn join(before: Option<&Loaded>, files: &FileSet, read: Read, at: At) -> Result<Outcome, Vec<Diagnostic>> {
    let problems = problems(files, &read);
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
        if let Some(problem) = problems.get(&pinned.file).filter(|_| !processes.contains_key(name)) {
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
    Ok(Outcome { loaded, diagnostics: read.diagnostics, changed, removed, broken, mended })
}

/// Errors by file, in order, each as one line.
fn problems(files: &FileSet, read: &Read) -> BTreeMap<String, Vec<String>> {
    let mut out: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (file, reason) in &files.unreadable {
        out.entry(file.clone()).or_default().push(format!("{file}: cannot be read: {reason}"));
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

/// Runs until stopping is asked for. `keep` is given what has come into force, to be kept for the next start.
pub async fn run(ports: Ports, files: Arc<dyn Files>, in_force: Arc<InForce>, keep: impl Fn(&Loaded), stop: Stop) {
    let mut stamp = files.stamp();
    while !stop.is_asked() {
        let asked = tokio::select! {
            () = ports.clock.sleep(EVERY) => false,
            () = ports.nudges.reload.notified() => true,
            () = stop.asked() => return,
        };
        let now = files.stamp();
        if !asked && now == stamp {
            continue;
        }
        stamp = now;
        match once(&ports, files.as_ref(), &in_force).await {
            Ok(()) => keep(&in_force.current()),
            Err(trouble) => error!("the files were not put into force: {trouble}"),
        }
    }
}

async fn once(ports: &Ports, files: &dyn Files, in_force: &InForce) -> Result<(), String> {
    let before = in_force.current();
    let outcome = read(files, Some(&before), ports.clock.now())?;
    for (file, problems) in &outcome.broken {
        warn!(file, "`{file}` is broken, its last good version stays in force: {}", problems.join("; "));
    }
    record(ports, &outcome).await.map_err(|e| e.to_string())?;
    let names: BTreeSet<&str> = outcome.changed.iter().map(String::as_str).collect();
    if !names.is_empty() || !outcome.removed.is_empty() || !outcome.mended.is_empty() {
        info!(
            "in force: {} processes, {} changed, {} removed",
            outcome.loaded.processes.len(),
            names.len(),
            outcome.removed.len()
        );
    }
    in_force.replace(outcome.loaded);
    ports.nudges.all();
    Ok(())
}
