//! Where things are: the site's folder, its data folder, its socket, its files.
//!
//! The only door to the site's files. This module must not know their grammar.

use std::{
    fs, io,
    os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
    time::UNIX_EPOCH,
};

use seaworthy_model::process::hex;
use seaworthy_runtime::reload::{FileSet, Files};
use seaworthy_spec::Source;
use sha2::{Digest as _, Sha256};

use crate::trouble::Trouble;

/// Name of the site file.
pub const SITE_FILE: &str = "seaworthy.yaml";
/// Files under `ops/` that are read at most.
const FILES_MAX: usize = 20_000;
/// Depth of folders under `ops/`.
const DEPTH_MAX: usize = 16;
/// Largest file that is read, in bytes.
const FILE_BYTES_MAX: u64 = 2 * 1024 * 1024;

/// A site's folders.
#[derive(Debug, Clone)]
pub struct Place {
    /// Holds `seaworthy.yaml`.
    pub folder: PathBuf,
    /// Journal, runs, keys: `.seaworthy/` beside the site file, or as asked for.
    pub data: PathBuf,
}

impl Place {
    /// The nearest `seaworthy.yaml` upwards from `from`.
    ///
    /// # Errors
    /// When there is none.
    pub fn find(from: &Path, data: Option<&Path>) -> Result<Place, Trouble> {
        let start = fs::canonicalize(from)
            .map_err(|e| Trouble::start(format!("the folder {} cannot be read ({e})", from.display())))?;
        let found = start.ancestors().find(|folder| folder.join(SITE_FILE).is_file());
        let Some(folder) = found else {
            return Err(Trouble::start(format!(
                "no {SITE_FILE} in {} or above it; write one with `seaworthy init`, name its folder with -C, or look at `seaworthy demo`",
                start.display()
            )));
        };
        let data = match data {
            Some(data) => {
                std::path::absolute(data).map_err(|e| Trouble::start(format!("--data {}: {e}", data.display())))?
            }
            None => folder.join(".seaworthy"),
        };
        Ok(Place { folder: folder.to_path_buf(), data })
    }

    /// Makes the data folder (0700, ignored by git) if it is not there.
    ///
    /// # Errors
    /// When it cannot be made or is not ours.
    pub fn make_data(&self) -> Result<(), Trouble> {
        let trouble = |e: io::Error| {
            Trouble::start(format!(
                "the data folder {} cannot be used ({e}); make it writable or name another with --data",
                self.data.display()
            ))
        };
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.data).map_err(trouble)?;
        let mode = fs::metadata(&self.data).map_err(trouble)?.permissions().mode();
        if mode & 0o077 != 0 {
            fs::set_permissions(&self.data, fs::Permissions::from_mode(0o700)).map_err(trouble)?;
        }
        let ignore = self.data.join(".gitignore");
        if !ignore.exists() {
            fs::write(ignore, "*\n").map_err(trouble)?;
        }
        Ok(())
    }

    /// The journal's file.
    pub fn store(&self) -> PathBuf {
        self.data.join("journal.db")
    }

    /// The watcher's own data folder.
    pub fn watcher(&self) -> PathBuf {
        self.data.join("watcher")
    }

    /// The control socket: outside the data folder, named by its hash (a path has at most 108 bytes, and copies of
    /// the folder must stay possible).
    pub fn socket(&self) -> PathBuf {
        let name = hex(&Sha256::digest(self.data.as_os_str().as_encoded_bytes())[..8]);
        let own = |base: PathBuf| base.join("seaworthy").join(format!("{name}.sock"));
        match std::env::var_os("XDG_RUNTIME_DIR").filter(|dir| Path::new(dir).is_dir()) {
            Some(dir) => own(PathBuf::from(dir)),
            None if rustix::process::geteuid().is_root() => own(PathBuf::from("/run")),
            None => PathBuf::from(format!("/tmp/seaworthy-{}", rustix::process::geteuid().as_raw()))
                .join(format!("{name}.sock")),
        }
    }
}

impl Files for Place {
    fn read(&self) -> Result<FileSet, String> {
        let text = read_text(&self.folder.join(SITE_FILE)).map_err(|e| format!("{SITE_FILE} cannot be read: {e}"))?;
        let mut set = FileSet {
            folder: self.folder.clone(),
            site: Source { file: SITE_FILE.into(), text },
            ops: Vec::new(),
            unreadable: Vec::new(),
        };
        for file in ops_files(&self.folder) {
            let name = file.strip_prefix(&self.folder).unwrap_or(&file).display().to_string();
            match read_text(&file) {
                Ok(text) => set.ops.push(Source { file: name, text }),
                Err(reason) => set.unreadable.push((name, reason)),
            }
        }
        Ok(set)
    }

    fn stamp(&self) -> u64 {
        let mut hash = Sha256::new();
        for file in std::iter::once(self.folder.join(SITE_FILE)).chain(ops_files(&self.folder)) {
            hash.update(file.as_os_str().as_encoded_bytes());
            if let Ok(about) = fs::metadata(&file) {
                let modified =
                    about.modified().ok().and_then(|t| t.duration_since(UNIX_EPOCH).ok()).unwrap_or_default();
                hash.update(modified.as_nanos().to_le_bytes());
                hash.update(about.len().to_le_bytes());
                hash.update(about.ino().to_le_bytes());
            }
        }
        let digest = hash.finalize();
        digest.iter().take(8).fold(0, |n, b| (n << 8) | u64::from(*b))
    }

    fn exists(&self, file: &str) -> bool {
        self.folder.join(file).exists()
    }
}

fn read_text(file: &Path) -> Result<String, String> {
    let size = fs::metadata(file).map_err(|e| e.to_string())?.len();
    if size > FILE_BYTES_MAX {
        return Err(format!("it has {size} bytes, at most {FILE_BYTES_MAX} are read"));
    }
    let bytes = fs::read(file).map_err(|e| e.to_string())?;
    String::from_utf8(bytes)
        .map_err(|e| format!("it is not UTF-8 from byte {} on; save it as UTF-8", e.utf8_error().valid_up_to()))
}

/// `ops/**/*.yaml` and `*.yml`, sorted; hidden folders and links to folders are left out.
fn ops_files(folder: &Path) -> Vec<PathBuf> {
    let mut out = Vec::new();
    let mut todo = vec![(folder.join("ops"), 0)];
    while let Some((dir, depth)) = todo.pop() {
        let Ok(entries) = fs::read_dir(&dir) else { continue };
        for entry in entries.flatten() {
            let (path, Ok(kind)) = (entry.path(), entry.file_type()) else { continue };
            if entry.file_name().as_encoded_bytes().starts_with(b".") {
                continue;
            }
            if kind.is_dir() && depth < DEPTH_MAX {
                todo.push((path, depth + 1));
            } else if path.extension().is_some_and(|e| e == "yaml" || e == "yml") && out.len() < FILES_MAX {
                out.push(path);
            }
        }
    }
    out.sort();
    out
}
