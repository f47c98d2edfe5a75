//! A copy of a site's own state: what is in it, and whether it is still what was copied.
//!
//! A copy is a folder: the journal, the watcher's journal, the key, the definitions in force, kept output, and a
//! manifest with the SHA-256 of each file. This module must not know where a copy comes from or goes to.

use std::{fs, io, path::Path};

use seaworthy_model::{port::Signer as _, process::hex, time::At};
use seaworthy_store::{FORMAT, sqlite::Sqlite};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::journal;
use crate::{real::KeyFile, trouble::Trouble};

/// Name of the manifest.
pub const MANIFEST: &str = "manifest.json";
/// Name of every journal.
pub const JOURNAL: &str = "journal.db";

/// What a copy says of itself.
#[derive(Debug, Serialize, Deserialize)]
pub struct Manifest {
    pub v: u32,
    pub program: String,
    pub format: u32,
    pub made_at: At,
    pub position: u64,
    pub files: Vec<Listed>,
}

/// One file of a copy, by its path below the copy's folder.
#[derive(Debug, Serialize, Deserialize)]
pub struct Listed {
    pub file: String,
    pub bytes: u64,
    pub sha256: String,
}

/// The sentence for a file that could not be copied.
pub fn io_trouble(what: &Path) -> impl Fn(io::Error) -> Trouble + '_ {
    move |e| Trouble::failed(format!("{} could not be copied ({e})", what.display()))
}

/// Copies one file and makes its content durable; its name is with the next [`sync`] of its folder.
pub fn copy_file(from: &Path, to: &Path) -> io::Result<()> {
    fs::copy(from, to)?;
    sync(to)
}

/// Makes a file, or the names in a folder, durable.
pub fn sync(path: &Path) -> io::Result<()> {
    fs::File::open(path)?.sync_all()
}

/// Every file below a folder with its size and its SHA-256, sorted.
pub fn list(folder: &Path) -> Result<Vec<Listed>, Trouble> {
    let mut out = Vec::new();
    let mut todo = vec![folder.to_path_buf()];
    while let Some(dir) = todo.pop() {
        for entry in fs::read_dir(&dir).map_err(io_trouble(&dir))?.flatten() {
            let path = entry.path();
            if path.is_dir() {
                todo.push(path);
            } else {
                let (bytes, sha256) = hash(&path).map_err(io_trouble(&path))?;
                out.push(Listed {
                    file: path.strip_prefix(folder).unwrap_or(&path).display().to_string(),
                    bytes,
                    sha256,
                });
            }
        }
    }
    out.sort_by(|a, b| a.file.cmp(&b.file));
    Ok(out)
}

fn hash(path: &Path) -> io::Result<(u64, String)> {
    let mut digest = Sha256::new();
    let mut file = fs::File::open(path)?;
    let mut buffer = vec![0; 256 * 1024];
    let mut bytes = 0;
    loop {
        let n = io::Read::read(&mut file, &mut buffer)?;
        if n == 0 {
            return Ok((bytes, hex(&digest.finalize())));
        }
        digest.update(&buffer[..n]);
        bytes += n as u64;
    }
}

/// The copy is what its manifest says and its history is intact, or nothing is restored from it.
///
/// # Errors
/// What is wrong with it.
pub async fn proven(from: &Path) -> Result<Manifest, Trouble> {
    let text = fs::read_to_string(from.join(MANIFEST))
        .map_err(|e| Trouble::start(format!("{} is not a copy made by `seaworthy backup` ({e})", from.display())))?;
    let manifest: Manifest =
        serde_json::from_str(&text).map_err(|e| Trouble::start(format!("the manifest cannot be read ({e})")))?;
    if manifest.v > 1 || manifest.format > FORMAT {
        return Err(Trouble::start(format!(
            "the copy has format {}, this program knows up to {FORMAT}; use a newer program",
            manifest.format
        )));
    }
    for listed in &manifest.files {
        if !Path::new(&listed.file).components().all(|part| matches!(part, std::path::Component::Normal(_))) {
            return Err(Trouble::failed(format!("the manifest names `{}`, which is not inside a copy", listed.file)));
        }
        let found = hash(&from.join(&listed.file))
            .map_err(|e| Trouble::failed(format!("{} is missing from the copy ({e})", listed.file)))?;
        if found != (listed.bytes, listed.sha256.clone()) {
            return Err(Trouble::failed(format!(
                "{} is not the file that was copied: {} bytes, expected {}; nothing was restored",
                listed.file, found.0, listed.bytes
            )));
        }
    }
    let store = Sqlite::open_readonly(&from.join(JOURNAL))?;
    let key = KeyFile::read(&from.join("checkpoint.key"))?;
    let report = journal::walk(store.opened().journal.as_ref(), store.opened().views.as_ref(), &key.key()).await?;
    match report.problems.first() {
        None => Ok(manifest),
        Some(problem) => {
            Err(Trouble::failed(format!("the history in the copy is damaged: {}; nothing was restored", problem.what)))
        }
    }
}
