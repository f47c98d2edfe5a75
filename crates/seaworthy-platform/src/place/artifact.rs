//! Looking at what a step made: size, hash, time.
//!
//! Must not know what is expected of it.

use std::{
    fs::{self, File, Metadata},
    io::{self, Read as _},
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _},
    path::{Component, Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
};

use seaworthy_model::{process::hex, run::Artifact, time::At};
use sha2::{Digest as _, Sha256};

/// Files in one folder that is an artifact; pack more of them into one file.
const FOLDER_FILES_MAX: usize = 100_000;
/// Read at a time; between two pieces the look can be given up.
const PIECE_BYTES: usize = 256 * 1024;
/// Names that are shown when something is missing.
const SHOWN_MAX: usize = 5;

/// What is at `name` below `workdir` now, or a sentence. Ends soon once `given_up` is set: what was made may be of any size.
pub(super) fn look(workdir: &Path, name: &str, given_up: &AtomicBool) -> Result<Artifact, String> {
    let asked = Path::new(name);
    let inside = asked.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    if name.is_empty() || !inside {
        return Err(format!("`{name}` is not a name below the work folder: write it relative to it and without `..`"));
    }
    let place = workdir.join(asked);
    let cannot = |error: io::Error| format!("the artifact `{name}` cannot be read at `{}`: {error}", place.display());
    let true_place = match place.canonicalize() {
        Ok(place) => place,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Err(missing(workdir, name));
        }
        Err(error) => return Err(cannot(error)),
    };
    if !true_place.starts_with(workdir.canonicalize().map_err(cannot)?) {
        return Err(format!(
            "the artifact `{name}` is a link that leads out of the work folder, to `{}`: make it there itself",
            true_place.display()
        ));
    }
    let facts = fs::metadata(&true_place).map_err(cannot)?;
    let (bytes, sha256, modified) = if facts.is_dir() {
        folder(&true_place, given_up).map_err(cannot)?
    } else {
        file(&true_place, given_up).map_err(cannot)?
    };
    Ok(Artifact {
        name: name.to_owned(),
        bytes,
        sha256: Some(sha256),
        modified,
        place: true_place.to_string_lossy().into_owned(),
    })
}

/// What was looked for, and what is there instead.
fn missing(workdir: &Path, name: &str) -> String {
    let asked = Path::new(name);
    let folder = workdir.join(asked.parent().unwrap_or(Path::new("")));
    let folder = if folder.is_dir() { folder } else { workdir.to_owned() };
    let mut there: Vec<String> = fs::read_dir(&folder)
        .map(|entries| entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect())
        .unwrap_or_default();
    there.sort();
    let more = there.len().saturating_sub(SHOWN_MAX);
    let first: Vec<String> = there.iter().take(SHOWN_MAX).map(|name| format!("`{name}`")).collect();
    let instead = match (first.is_empty(), more) {
        (true, _) => "the folder is empty".to_owned(),
        (_, 0) => format!("there is {}", first.join(", ")),
        (_, more) => format!("there is {} and {more} more", first.join(", ")),
    };
    format!("the artifact `{name}` is not there; looked in `{}`, {instead}", folder.display())
}

fn wanted(given_up: &AtomicBool) -> io::Result<()> {
    if given_up.load(Ordering::Relaxed) {
        return Err(io::Error::other("nobody waits for the look any more; it was given up"));
    }
    Ok(())
}

fn file(place: &Path, given_up: &AtomicBool) -> io::Result<(u64, String, At)> {
    // A pipe that a command left would hold us up for ever without NONBLOCK.
    let nonblock = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
    let mut file = File::options().read(true).custom_flags(nonblock).open(place)?;
    let before = file.metadata()?;
    if !before.is_file() {
        return Err(io::Error::other("it is neither a file nor a folder"));
    }
    let mut hash = Sha256::new();
    let mut buffer = vec![0; PIECE_BYTES];
    let mut bytes = 0u64;
    loop {
        wanted(given_up)?;
        let read = file.read(&mut buffer)?;
        if read == 0 {
            break;
        }
        hash.update(&buffer[..read]);
        bytes += read as u64;
    }
    let after = file.metadata()?;
    if (before.len(), modified(&before)) != (after.len(), modified(&after)) || bytes != after.len() {
        return Err(io::Error::other("it is still being written: a step must have closed what it makes when it ends"));
    }
    Ok((bytes, hex(&hash.finalize()), modified(&after)))
}

/// Total size; SHA-256 over one line per file, `PATH NUL BYTES NUL SHA-256 NEWLINE`, sorted by the bytes of the
/// path; newest time. A link counts as a file that holds the text of the link; it is not followed.
fn folder(place: &Path, given_up: &AtomicBool) -> io::Result<(u64, String, At)> {
    let mut newest = modified(&fs::metadata(place)?);
    let mut total = 0;
    let mut lines: Vec<Vec<u8>> = vec![];
    let mut folders = vec![place.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(&next)? {
            wanted(given_up)?;
            let path = entry?.path();
            let facts = fs::symlink_metadata(&path)?;
            if facts.is_dir() {
                folders.push(path);
                continue;
            }
            let (bytes, hash, time) = if facts.is_symlink() { link(&path, &facts)? } else { file(&path, given_up)? };
            total += bytes;
            newest = newest.max(time);
            lines.push(line(place, &path, bytes, &hash));
            if lines.len() > FOLDER_FILES_MAX {
                return Err(io::Error::other(format!("it holds over {FOLDER_FILES_MAX} files: pack them into one")));
            }
        }
    }
    lines.sort();
    Ok((total, hex(&Sha256::digest(lines.concat())), newest))
}

fn link(path: &Path, facts: &Metadata) -> io::Result<(u64, String, At)> {
    let target: PathBuf = fs::read_link(path)?;
    let text = target.as_os_str().as_encoded_bytes();
    Ok((text.len() as u64, hex(&Sha256::digest(text)), modified(facts)))
}

fn line(folder: &Path, path: &Path, bytes: u64, hash: &str) -> Vec<u8> {
    let name = path.strip_prefix(folder).unwrap_or(path).as_os_str().as_encoded_bytes();
    [name, format!("\0{bytes}\0{hash}\n").as_bytes()].concat()
}

fn modified(facts: &Metadata) -> At {
    At(facts.mtime().saturating_mul(1_000_000_000).saturating_add(facts.mtime_nsec()))
}
