//! Writes the files of `init`: all of them or none, over nothing, and only what can be read back.
//!
//! This module must not know packs.

use std::{fs, io, path::Path};

use seaworthy_runtime::reload::Files as _;
use seaworthy_spec::{Severity, Source};

use super::{Ask, pack::Filled};
use crate::{
    place::{Place, SITE_FILE},
    trouble::Trouble,
};

/// A process that was written to be run from here.
pub struct Ours {
    pub name: String,
    drills: bool,
}

/// Refuses what would overwrite a file, or what could not be read afterwards.
pub fn whole(folder: &Path, site: Option<&Place>, files: &[Filled]) -> Result<Vec<Ours>, Trouble> {
    if let Some(there) = files.iter().find(|f| folder.join(&f.file).symlink_metadata().is_ok()) {
        return Err(Trouble::refused(format!(
            "{} exists already; nothing was written. Another name: --set process=NAME",
            folder.join(&there.file).display()
        )));
    }
    let source = |f: &Filled| Source { file: f.file.clone(), text: f.text.clone() };
    let (head, mut ops) = match (site, files.iter().find(|f| f.file == SITE_FILE)) {
        (_, Some(file)) => (source(file), Vec::new()),
        (Some(place), None) => {
            let read = place.read().map_err(Trouble::start)?;
            (read.site, read.ops)
        }
        (None, None) => return Err(Trouble::start("there is no site to write into")),
    };
    let mine = |file: &str| files.iter().any(|f| f.file == file);
    ops.extend(files.iter().filter(|f| f.file.starts_with("ops/")).map(source));
    let read = seaworthy_spec::read(&head, &ops, &|file| mine(file) || folder.join(file).exists());
    let wrong = read.diagnostics.iter().find(|d| d.severity == Severity::Error && mine(&d.file));
    if let Some(first) = wrong {
        let (message, help) = (&first.message, &first.help);
        return Err(Trouble::start(format!(
            "with these answers {} would be wrong in line {}: {message}; {help}. Nothing was written",
            first.file, first.line
        )));
    }
    let ours = read.processes.into_iter().filter(|(file, process)| mine(file) && process.observed.is_none());
    let ours = ours.map(|(_, process)| Ours {
        drills: process.drill.is_some_and(|drill| drill.restore.is_some()),
        name: process.name,
    });
    Ok(ours.collect())
}

/// Writes them, each for the first time.
pub fn write(ask: &Ask, folder: &Path, files: &[Filled]) -> Result<(), Trouble> {
    for filled in files {
        let path = folder.join(&filled.file);
        let made = path.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| create(&path, &filled.text));
        made.map_err(|e| Trouble::start(format!("{} cannot be written ({e})", path.display())))?;
        ask.out.line(&format!("wrote {}", path.display()));
    }
    Ok(())
}

fn create(path: &Path, text: &str) -> io::Result<()> {
    use io::Write as _;
    fs::OpenOptions::new().write(true).create_new(true).open(path)?.write_all(text.as_bytes())
}

/// The commands that come next.
pub fn next(ask: &Ask, ours: &[Ours]) {
    ask.out.line("\nnext:\n  seaworthy check                  what is still missing");
    let told = |text: String, what: &str| ask.out.line(&format!("  {text:32} {what}"));
    for process in ours {
        told(format!("seaworthy run {}", process.name), "do it once and have it verified");
        if process.drills {
            told(format!("seaworthy drill {}", process.name), "rehearse the restore");
        }
    }
    ask.out.line("  seaworthy up                     schedules, watcher and pages");
}
