//! What the files say, joined with what is in force: good files replace, broken ones keep their last good version.
//!
//! This module must not know the journal, nor which changes wait for a person.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::Arc,
};

use seaworthy_model::{
    change::Held,
    site::{Loaded, Pinned, Site},
    time::At,
};
use seaworthy_spec::{Diagnostic, Read, Severity};

use super::{FileSet, Files};

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
    /// Names that are missing for the first time: whether they are gone is not known yet.
    pub unsure: BTreeSet<String>,
    /// The site file is broken: all that was in force stays, changes that wait too.
    pub unjudged: bool,
    /// Changes that wait since this look, and those that are not asked for any more ([`super::hold`]).
    pub fresh: Vec<Held>,
    pub withdrawn: Vec<Held>,
    /// The settings of the site come into force that are not those of the journal: what changed, in words.
    pub settings: Option<Vec<String>>,
    /// The settings of the files, where those in force stay in their place.
    pub wanted: Option<Site>,
}

impl Outcome {
    /// One in which nothing changed.
    fn of(loaded: Loaded, diagnostics: Vec<Diagnostic>) -> Outcome {
        Outcome {
            loaded,
            diagnostics,
            changed: vec![],
            removed: vec![],
            broken: vec![],
            mended: vec![],
            unread: false,
            unsure: BTreeSet::new(),
            unjudged: false,
            fresh: vec![],
            withdrawn: vec![],
            settings: None,
            wanted: None,
        }
    }
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
        let unread = !files.unreadable.is_empty();
        return Ok(Outcome { broken, unread, unjudged: true, ..Outcome::of(loaded, read.diagnostics) });
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
    let loaded = Loaded { site, folder: files.folder.clone(), processes, broken: first, held: files.held.clone(), at };
    let unread = !files.unreadable.is_empty();
    Ok(Outcome { changed, removed, broken, mended, unread, ..Outcome::of(loaded, read.diagnostics) })
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
    for (file, reason) in &files.left_out {
        out.entry(file.clone()).or_default().push(format!("{file}: is left out: {reason}"));
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
        outcome.unsure = held.into_iter().map(|(name, _)| name).collect();
        // What was seen twice stays seen: it may wait for a person and is asked again.
        self.0 = outcome.unsure.iter().cloned().chain(gone.iter().map(|(name, _)| name.clone())).collect();
        outcome.removed = gone;
        !outcome.unsure.is_empty()
    }
}
