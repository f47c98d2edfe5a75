//! The only door to the site's files.
//!
//! What cannot be read is said, never left out: whoever reads takes a file that is not there for one that was removed.
//! This module must not know the files' grammar.

use std::{
    fs::{self, OpenOptions},
    io::{self, Read as _},
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use rustix::fs::OFlags;
use seaworthy_runtime::reload::{FileSet, Files};
use seaworthy_spec::{CALENDAR_ENDINGS, CALENDAR_FOLDER, Source};
use sha2::{Digest as _, Sha256};

use super::{MADE_UP, Place, SITE_FILE};
use crate::out::cell;

/// Files under `ops/`, and under `calendars/`, that are read at most; with more of them the folder counts as broken.
const FILES_MAX: usize = 20_000;
/// Depth of folders under one of them; a deeper one counts as broken.
const DEPTH_MAX: usize = 16;
/// Largest file that is read, in bytes.
const FILE_BYTES_MAX: u64 = 2 * 1024 * 1024;

impl Place {
    /// The folder that the site's files are read from, and that commands run in.
    ///
    /// # Errors
    /// A sentence: they come from a branch that was never read.
    pub fn root(&self) -> Result<PathBuf, String> {
        self.source.as_ref().map_or_else(|| Ok(self.folder.clone()), |source| source.root())
    }
}

impl Files for Place {
    fn read(&self) -> Result<FileSet, String> {
        let root = self.root()?;
        let text = read_text(&root.join(SITE_FILE)).map_err(|e| format!("{SITE_FILE} cannot be read: {e}"))?;
        let found = found(&root);
        // Whoever names a file does not write into our lines by that.
        let name = |path: &Path| cell(&path.strip_prefix(&root).unwrap_or(path).display().to_string());
        let source = self.source.as_deref();
        let mut set = FileSet {
            folder: root.clone(),
            site: Source { file: SITE_FILE.into(), text },
            ops: Vec::new(),
            unreadable: found.unreadable.iter().map(|(folder, reason)| (name(folder), reason.clone())).collect(),
            left_out: source.map_or_else(Vec::new, |source| source.left_out().into_iter().collect()),
            held: source.and_then(|source| source.held()).into_iter().collect(),
        };
        for file in found.files {
            match read_text(&file) {
                Ok(text) => set.ops.push(Source { file: name(&file), text }),
                Err(reason) => set.unreadable.push((name(&file), reason)),
            }
        }
        self.made_up(&mut set);
        Ok(set)
    }

    fn stamp(&self) -> u64 {
        let mut hash = Sha256::new();
        let root = self.root().unwrap_or_else(|_| self.folder.clone());
        hash.update(self.source.as_ref().and_then(|s| s.held()).map_or(String::new(), |held| held.digest));
        let found = found(&root);
        for file in std::iter::once(root.join(SITE_FILE)).chain(found.files) {
            hash.update(file.as_os_str().as_encoded_bytes());
            match fs::metadata(&file) {
                // The time of the last change of anything, its mode too: what cannot be read now may be readable then.
                Ok(about) => {
                    hash.update(about.ctime().to_le_bytes());
                    hash.update(about.ctime_nsec().to_le_bytes());
                    hash.update(about.len().to_le_bytes());
                    hash.update(about.ino().to_le_bytes());
                }
                Err(e) => hash.update(e.to_string()),
            }
        }
        for file in made_up_files(&self.data) {
            hash.update(file.as_os_str().as_encoded_bytes());
        }
        for (folder, reason) in found.unreadable {
            hash.update(folder.as_os_str().as_encoded_bytes());
            hash.update(reason);
        }
        let digest = hash.finalize();
        digest.iter().take(8).fold(0, |n, b| (n << 8) | u64::from(*b))
    }

    fn exists(&self, file: &str) -> bool {
        self.root().is_ok_and(|root| root.join(file).exists())
    }
}

impl Place {
    /// Adds the definitions that were made up for names that no file has.
    fn made_up(&self, set: &mut FileSet) {
        for file in made_up_files(&self.data).into_iter().take(FILES_MAX) {
            let own = file.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
            if set.ops.iter().any(|source| defines(&source.text, &own)) {
                continue;
            }
            let name = file.strip_prefix(&self.folder).unwrap_or(&file).display().to_string();
            match read_text(&file) {
                Ok(text) => set.ops.push(Source { file: name, text }),
                Err(reason) => set.unreadable.push((name, reason)),
            }
        }
    }
}

/// Sorted. The names of the files say all that changes: what was made up is never edited.
fn made_up_files(data: &Path) -> Vec<PathBuf> {
    let listed = fs::read_dir(data.join(MADE_UP)).into_iter().flatten().flatten();
    let mut files: Vec<PathBuf> =
        listed.map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|end| end == "yaml")).collect();
    files.sort();
    files
}

/// Whether a text has a process of this name, even if something else in it is broken.
fn defines(text: &str, name: &str) -> bool {
    let named = text.lines().filter_map(|line| line.strip_prefix("process:"));
    named
        .map(|value| value.split(" #").next().unwrap_or_default().trim().trim_matches(['"', '\'']))
        .any(|own| own == name)
}

/// Opens a regular file and nothing else: a pipe would be waited for, for as long as nobody writes to it.
///
/// # Errors
/// When it cannot be opened, or is something else.
pub fn regular(path: &Path) -> io::Result<fs::File> {
    let flags = OFlags::NONBLOCK.bits().cast_signed();
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    if file.metadata()?.is_file() { Ok(file) } else { Err(io::Error::other("it is not a regular file")) }
}

fn read_text(path: &Path) -> Result<String, String> {
    let file = regular(path).map_err(|e| e.to_string())?;
    let mut bytes = Vec::new();
    file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(|e| e.to_string())?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(format!("it has more than the {FILE_BYTES_MAX} bytes that are read"));
    }
    String::from_utf8(bytes)
        .map_err(|e| format!("it is not UTF-8 from byte {} on; save it as UTF-8", e.utf8_error().valid_up_to()))
}

/// What is under `ops/` and `calendars/`.
#[derive(Default)]
struct Found {
    /// Sorted.
    files: Vec<PathBuf>,
    /// Folders of which not every file is known, and why.
    unreadable: Vec<(PathBuf, String)>,
}

/// `ops/**/*.yaml` and `*.yml`, and the files of days under `calendars/`.
fn found(root: &Path) -> Found {
    let mut found = under(&root.join("ops"), &["yaml", "yml"]);
    let calendars = under(&root.join(CALENDAR_FOLDER.trim_end_matches('/')), &CALENDAR_ENDINGS);
    found.files.extend(calendars.files);
    found.unreadable.extend(calendars.unreadable);
    found
}

/// The files below a folder whose names end like this; hidden files and folders and links to folders are left out.
fn under(top: &Path, endings: &[&str]) -> Found {
    let mut found = Found::default();
    let mut todo = vec![(top.to_path_buf(), 0)];
    while let Some((dir, depth)) = todo.pop() {
        let mut below = Vec::new();
        match enter(&dir, endings, &mut below, &mut found.files) {
            // A site without any. A folder further down was there a moment ago, so not all is known.
            Err(e) if e.kind() == io::ErrorKind::NotFound && depth == 0 => {}
            Err(e) => found.unreadable.push((dir, e.to_string())),
            Ok(()) if depth == DEPTH_MAX && !below.is_empty() => {
                found.unreadable.push((dir, format!("folders are read {DEPTH_MAX} deep, not deeper")));
            }
            Ok(()) => todo.extend(below.into_iter().map(|dir| (dir, depth + 1))),
        }
        if found.files.len() > FILES_MAX {
            found
                .unreadable
                .push((top.to_path_buf(), format!("it holds more than {FILES_MAX} files; not all are read")));
            break;
        }
    }
    found.files.sort();
    found.files.truncate(FILES_MAX);
    found.unreadable.sort();
    found
}

fn enter(dir: &Path, endings: &[&str], below: &mut Vec<PathBuf>, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        if entry.file_name().as_encoded_bytes().starts_with(b".") {
            continue;
        }
        let path = entry.path();
        if entry.file_type()?.is_dir() {
            below.push(path);
        } else if path.extension().is_some_and(|e| endings.iter().any(|ending| e == *ending)) {
            files.push(path);
            if files.len() > FILES_MAX {
                break;
            }
        }
    }
    Ok(())
}
