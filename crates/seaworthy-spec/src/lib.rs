//! Site and process files: from YAML text to the model, with every problem at its line; and their JSON Schema.
//!
//! Pure: texts and names come in, the caller says which other files exist. This crate must not know a file system, a
//! clock, a runtime, nor what happens with a definition. Conditions and schedules are read by the parsers of core that
//! decide later, so that what loads here runs there.

pub mod import;
pub mod secret;

mod build;
mod conform;
mod days;
mod diagnostic;
mod inside;
mod nearest;
mod pack;
mod scalar;
mod schema;
mod shape;
mod shell;
mod source;
mod syntax;
mod tree;

use std::collections::{BTreeMap, BTreeSet};

use seaworthy_model::{
    process::Process,
    site::{Branch, Site},
};

pub use days::{ENDINGS as CALENDAR_ENDINGS, FOLDER as CALENDAR_FOLDER};
pub use diagnostic::{Diagnostic, Severity};
pub use pack::{Ask, Pack, pack};
pub use schema::schema;

use build::Around;
use nearest::nearest;
use shape::{DOCUMENTS, DOCUMENTS_LATER, Document, Kind};
use source::{Mark, Place, Report};
use tree::Node;

/// Most processes of a site.
pub const PROCESSES_MAX: usize = 10_000;

/// A file as the caller read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Relative to the site's folder, such as `ops/backup.yaml`.
    pub file: String,
    pub text: String,
}

/// What the files say.
#[derive(Debug, Clone)]
pub struct Read {
    /// `None` if the site file has an error.
    pub site: Option<Site>,
    /// File and process, in the order of the files. A file with an error contributes none.
    pub processes: Vec<(String, Process)>,
    /// By file in the order given (the site file first), then by line and column.
    pub diagnostics: Vec<Diagnostic>,
}

impl Read {
    /// The files that are not used, each with its first error in one line: what a reload keeps beside the last good
    /// version.
    pub fn broken(&self) -> BTreeMap<String, String> {
        let mut broken = BTreeMap::new();
        for error in self.diagnostics.iter().filter(|diagnostic| diagnostic.severity == Severity::Error) {
            let place = format!("line {}, column {}", error.line, error.column);
            broken.entry(error.file.clone()).or_insert_with(|| format!("{place}: {}", error.message));
        }
        broken
    }
}

/// Reads the site file and the files under `ops/` and `calendars/`. `exists` says whether a file is there, by its path relative to the
/// site's folder. The same texts give the same answer for ever.
///
/// Every problem of every file comes out at once. If the site file has an error, its names of routes and teams are
/// still used as far as they can be read.
pub fn read(site: &Source, ops: &[Source], exists: &dyn Fn(&str) -> bool) -> Read {
    let mut report = Report::new(&site.file, &site.text);
    let document = site_document(site, &mut report);
    let built = document.as_ref().and_then(|document| build::site::site(document, &mut report));
    let names = |key: &str| -> Option<BTreeSet<String>> {
        let entries = match document.as_ref()?.get(key) {
            Some(node) => node.entries(),
            // The key may be what is mistyped; the processes are not to blame.
            None if report.has_errors() => return None,
            None => &[],
        };
        Some(entries.iter().filter_map(|(name, _)| name.text()).map(str::to_owned).collect())
    };
    let text = |file: &str| ops.iter().find(|source| source.file == file);
    let mut files = build::calendar::Files::new(&text);
    let (routes, teams, calendars) = (names("routes"), names("teams"), names("calendars"));
    let calendars =
        calendars.and(document.as_ref()).map(|document| build::calendar::calendars(document, &mut files, &mut report));
    let around = Around { routes, teams, calendars, exists };
    let site = built.filter(|_| !report.has_errors());
    let mut diagnostics = report.finish();
    diagnostics.append(&mut files.problems);
    let mut processes = Vec::new();
    let mut owners: BTreeMap<String, String> = BTreeMap::new();
    for source in ops.iter().filter(|source| !source.file.starts_with(days::FOLDER)) {
        let mut report = Report::new(&source.file, &source.text);
        let found = processes_of(source, &around, &mut owners, &mut report);
        if !report.has_errors() {
            processes.extend(found.into_iter().map(|process| (source.file.clone(), process)));
        }
        diagnostics.extend(report.finish());
    }
    let known: BTreeSet<String> = owners.into_keys().collect();
    misfits(ops, &mut processes, &known, &mut diagnostics);
    Read { site, processes, diagnostics }
}

/// Where the site's files are, if the site file says that they are elsewhere: in a branch of a git repository. `None`: it
/// does not, and is the site file itself. The inner one is missing if it cannot be used.
pub fn branch(site: &Source) -> Option<(Option<Branch>, Vec<Diagnostic>)> {
    let mut report = Report::new(&site.file, &site.text);
    let documents = tree::parse(&site.text, &mut report);
    let mut documents = documents.into_iter().filter(|document| !document.is_nothing());
    let document = documents.next().filter(|document| {
        document.entries().first().is_some_and(|(key, _)| key.text() == Some(shape::config::CONFIG.name))
    })?;
    conform::conform(&document, &Kind::Object(&shape::config::CONFIG), &mut report);
    let branch = build::config::branch(&document, &mut report);
    if let Some(second) = documents.next() {
        let help = "write everything else into the branch";
        report.error("duplicate-name", head(&second), "a file that says where the site is says nothing else", help);
    }
    Some((branch.filter(|_| !report.has_errors()), report.finish()))
}

/// What only all files together tell to be wrong. A file that is to blame is left out.
fn misfits(
    ops: &[Source],
    processes: &mut Vec<(String, Process)>,
    known: &BTreeSet<String>,
    diagnostics: &mut Vec<Diagnostic>,
) {
    let mut found = build::trigger::misfits(processes, known);
    found.extend(build::callee::misfits(processes, known));
    for misfit in &found {
        let file = processes.iter().find(|(_, process)| process.name == misfit.process).map(|(file, _)| file.clone());
        let Some(source) = ops.iter().find(|source| Some(&source.file) == file.as_ref()) else { continue };
        let mut report = Report::new(&source.file, &source.text);
        let documents = tree::parse(&source.text, &mut report);
        let own = documents
            .iter()
            .find(|document| document.get("process").and_then(Node::text).is_some_and(|name| name == misfit.process));
        let place = own
            .and_then(|document| document.get(misfit.list)?.items().get(misfit.index))
            .map(|node| misfit.spot.place(node));
        let first = Place::on_line(Mark { line: 1, column: 1 }, 1);
        report.error(misfit.code, place.unwrap_or(first), misfit.message.clone(), misfit.help.clone());
        diagnostics.extend(report.finish());
    }
    if !found.is_empty() {
        let order = |file: &str| ops.iter().position(|source| source.file == *file).map_or(0, |n| n + 1);
        diagnostics.sort_by_key(|diagnostic| (order(&diagnostic.file), diagnostic.line, diagnostic.column));
        let broken: BTreeSet<String> = found
            .iter()
            .filter_map(|misfit| Some(processes.iter().find(|(_, process)| process.name == misfit.process)?.0.clone()))
            .collect();
        processes.retain(|(file, _)| !broken.contains(file));
    }
}

/// The one document of the site file.
fn site_document(source: &Source, report: &mut Report<'_>) -> Option<Node> {
    let documents = tree::parse(&source.text, report);
    let mut site = None;
    for document in documents.into_iter().filter(|document| !document.is_nothing()) {
        let Some(known) = kind(&document, report) else { continue };
        if !known.in_site_file {
            let message = format!("{} does not belong into the site file", known.shape.title);
            report.error("wrong-file", head(&document), message, "write it into a file under ops/");
        } else if known.shape.name == shape::config::CONFIG.name {
            let help = "write `config:` into the seaworthy.yaml of this host, and the site here";
            report.error(
                "wrong-file",
                head(&document),
                "these are the files of a branch, which lead nowhere else",
                help,
            );
        } else if site.is_some() {
            report.error("duplicate-name", head(&document), "a site has one document", "keep one of them");
        } else {
            conform::conform(&document, &Kind::Object(known.shape), report);
            site = Some(document);
        }
    }
    if site.is_none() && !report.has_errors() {
        let place = Place::on_line(Mark { line: 1, column: 1 }, 1);
        report.error("missing-key", place, "the site file says nothing of a site", "begin it with `site: NAME`");
    }
    site
}

/// The processes of one file; `owners` knows the files of all names so far.
fn processes_of(
    source: &Source,
    around: &Around<'_>,
    owners: &mut BTreeMap<String, String>,
    report: &mut Report<'_>,
) -> Vec<Process> {
    let mut found = Vec::new();
    let documents = tree::parse(&source.text, report);
    for document in documents.into_iter().filter(|document| !document.is_nothing()) {
        let Some(known) = kind(&document, report) else { continue };
        if known.in_site_file {
            let help = "write it into seaworthy.yaml, one document for the whole site";
            report.error("wrong-file", head(&document), "the site does not belong into this file", help);
            continue;
        }
        conform::conform(&document, &Kind::Object(known.shape), report);
        let Some(process) = build::process::process(&document, around, report) else { continue };
        let place = document.get("process").map_or(document.place, |name| name.place);
        if let Some(other) = owners.get(&process.name) {
            let message = format!("there is a process `{}` already, in {other}", process.name);
            report.error("duplicate-name", place, message, "rename one of them");
            continue;
        }
        if owners.len() >= PROCESSES_MAX {
            let message = format!("the site has more than {PROCESSES_MAX} processes");
            report.error("too-many", place, message, "split the site");
            continue;
        }
        owners.insert(process.name.clone(), source.file.clone());
        found.push(process);
    }
    found
}

/// The kind of a document, named by its first key. A kind that is not read yet is a warning, anything else an error.
fn kind(document: &Node, report: &mut Report<'_>) -> Option<&'static Document> {
    let Some((first, _)) = document.entries().first() else {
        let help = "begin it with its kind: `process: NAME`";
        report.error("wrong-type", document.place, format!("a document is a mapping, not {}", document.what()), help);
        return None;
    };
    let name = first.text().unwrap_or_default();
    let find = |name: &str| DOCUMENTS.iter().find(|document| document.shape.name == name);
    if let Some(known) = find(name) {
        return Some(known);
    }
    if DOCUMENTS_LATER.contains(&name) {
        let message = format!("a document of kind `{name}` is not known to this version and is left out");
        report.warning("not-built", first.place, message, "");
        return None;
    }
    if let Some((key, known)) = document.entries().iter().find_map(|(key, _)| Some((key, find(key.text()?)?))) {
        let message = format!("the first key of a document names its kind, but this begins with `{name}`");
        report.error("kind-first", first.place, message, format!("write `{}:` first", key.text().unwrap_or_default()));
        return Some(known);
    }
    let kinds: Vec<&str> = DOCUMENTS.iter().map(|document| document.shape.name).chain(DOCUMENTS_LATER).collect();
    let help = match nearest(name, kinds.iter().copied()) {
        Some(near) => format!("write `{near}`"),
        None => format!("begin it with one of: {}", kinds.join(", ")),
    };
    report.error("unknown-kind", first.place, format!("there is no kind of document `{name}`"), help);
    None
}

fn head(document: &Node) -> Place {
    document.entries().first().map_or(document.place, |(key, _)| key.place)
}
