//! Where things are: the site's folder, its data folder, its socket.
//!
//! This module must not know what is in them; `place/files.rs` reads the site's files.

use std::{
    fs, io,
    os::unix::fs::{DirBuilderExt, MetadataExt as _, PermissionsExt},
    path::{Path, PathBuf},
    sync::Arc,
};

use seaworthy_model::process::hex;
use sha2::{Digest as _, Sha256};

use crate::{branch::Source, trouble::Trouble};

mod files;

pub use files::regular;

/// Name of the site file.
pub const SITE_FILE: &str = "seaworthy.yaml";
/// Name of the journal's file in a data folder.
pub const STORE_FILE: &str = "journal.db";
/// Name of the watcher's data folder inside the site's.
pub const WATCHER: &str = "watcher";
/// Stands in a data folder that is being restored. What is in it meanwhile is no state of anybody.
pub const RESTORING: &str = "restoring";
/// Folder of the data folder with definitions that `exec` made up for names without a file.
pub const MADE_UP: &str = "made-up";
/// Says where the server's control socket is, for verbs whose surroundings differ from the server's.
const SOCKET_FILE: &str = "server.socket";

/// A site's folders.
#[derive(Debug, Clone)]
pub struct Place {
    /// Holds `seaworthy.yaml`.
    pub folder: PathBuf,
    /// Journal, runs, keys: `.seaworthy/` beside the site file, or as asked for.
    pub data: PathBuf,
    /// The site's files come from a branch; `None`: from the folder.
    pub source: Option<Arc<Source>>,
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
        let data = canonical(data);
        let source = source(folder, &data)?.map(Arc::new);
        Ok(Place { folder: folder.to_path_buf(), data, source })
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

    /// Refuses a data folder that a restore has not finished.
    ///
    /// # Errors
    /// A sentence that says what to do.
    pub fn whole(data: &Path) -> Result<(), Trouble> {
        if !data.join(RESTORING).exists() {
            return Ok(());
        }
        Err(Trouble::start(format!(
            "{} is being restored, or a restore of it was cut short; run `seaworthy restore` again",
            data.display()
        )))
    }

    /// The journal's file.
    pub fn store(&self) -> PathBuf {
        self.data.join(STORE_FILE)
    }

    /// The watcher's own data folder.
    pub fn watcher(&self) -> PathBuf {
        self.data.join(WATCHER)
    }

    /// The control socket of the server that holds this data folder: where it said, else where it would be by the
    /// surroundings of the one who asks.
    pub fn socket(&self) -> PathBuf {
        self.told_socket().unwrap_or_else(|| self.own_socket())
    }

    fn told_socket(&self) -> Option<PathBuf> {
        let text = fs::read_to_string(self.socket_file()).ok()?;
        let (path, about) = text.split_once('\n').unwrap_or((&text, ""));
        // In a copy of the folder it is about the first one. An older server does not say which folder it means.
        let ours = about.is_empty() || self.mark().is_ok_and(|mark| mark == about.trim_end());
        Some(PathBuf::from(path)).filter(|path| path.is_absolute() && ours)
    }

    /// What a server says in that file: its socket, and the data folder by its place on the disk.
    ///
    /// # Errors
    /// When the folder is gone.
    pub fn told(&self, socket: &Path) -> io::Result<String> {
        Ok(format!("{}\n{}\n", socket.display(), self.mark()?))
    }

    fn mark(&self) -> io::Result<String> {
        let at = fs::metadata(&self.data)?;
        Ok(format!("{:x}.{:x}", at.dev(), at.ino()))
    }

    /// The file in which a server says where its control socket is.
    pub fn socket_file(&self) -> PathBuf {
        self.data.join(SOCKET_FILE)
    }

    /// Where a server puts its control socket.
    pub fn own_socket(&self) -> PathBuf {
        runtime(&self.data, ".sock")
    }
}

/// Where a process of this data folder puts a socket: outside the folder, named by its hash (a path has at most 108
/// bytes, and copies of the folder must stay possible).
pub fn runtime(data: &Path, ending: &str) -> PathBuf {
    let name = hex(&Sha256::digest(data.as_os_str().as_encoded_bytes())[..8]) + ending;
    let own = |base: PathBuf| base.join("seaworthy").join(&name);
    match std::env::var_os("XDG_RUNTIME_DIR").filter(|dir| Path::new(dir).is_dir()) {
        Some(dir) => own(PathBuf::from(dir)),
        None if rustix::process::geteuid().is_root() => own(PathBuf::from("/run")),
        None => PathBuf::from(format!("/tmp/seaworthy-{}", rustix::process::geteuid().as_raw())).join(&name),
    }
}

/// Where the site file says that the site's files are.
fn source(folder: &Path, data: &Path) -> Result<Option<Source>, Trouble> {
    // One that cannot be read is told by whoever reads the site.
    let Ok(text) = fs::read_to_string(folder.join(SITE_FILE)) else { return Ok(None) };
    match seaworthy_spec::branch(&seaworthy_spec::Source { file: SITE_FILE.into(), text }) {
        None => Ok(None),
        Some((Some(branch), _)) => Ok(Some(Source::new(branch, data))),
        Some((None, diagnostics)) => {
            Err(Trouble::start(diagnostics.iter().map(|d| d.render(false)).collect::<Vec<_>>().join("\n")))
        }
    }
}

/// One name for a folder whichever way it was reached, whether it exists already or not.
fn canonical(path: PathBuf) -> PathBuf {
    if let Ok(real) = fs::canonicalize(&path) {
        return real;
    }
    match (path.parent().map(fs::canonicalize), path.file_name()) {
        (Some(Ok(above)), Some(name)) => above.join(name),
        _ => path,
    }
}
