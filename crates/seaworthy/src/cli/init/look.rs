//! Looks around the host: what there is to operate, which pack fits, and what runs already without anybody's proof.
//!
//! Reads only, in bounded time, needs no root, and speaks to nobody but the sockets of containers on this host. What it
//! may not read it leaves out. One more kind is one more file of this folder and two lines here. This module must not
//! write anything.

mod certificate;
mod container;
mod database;
mod schedule;
mod sqlite;
mod system;

use std::{
    fs,
    io::Read as _,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

pub use schedule::Observed;

/// All looks together; what was not found by then is not named.
const LOOK_WITHIN: Duration = Duration::from_secs(4);
/// Most things of one kind.
pub const FOUND_MAX: usize = 200;
/// Largest file that is read.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// Something that is on the host.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// A sentence: `PostgreSQL 15 listens on 5432`.
    pub what: String,
    /// The pack that fits, if there is one.
    pub pack: Option<&'static str>,
    /// Its answers, as far as they were found.
    pub answers: Vec<(&'static str, String)>,
}

impl Found {
    fn only(what: impl Into<String>) -> Found {
        Found { what: what.into(), ..Found::default() }
    }

    fn pack(what: impl Into<String>, pack: &'static str, answers: Vec<(&'static str, String)>) -> Found {
        Found { what: what.into(), pack: Some(pack), answers }
    }

    /// What to type to get the pack.
    pub fn command(&self) -> Option<String> {
        let pack = self.pack?;
        let quoted = |(name, answer): &(&str, String)| {
            let plain = answer.chars().all(|c| c.is_ascii_alphanumeric() || "/._-:%".contains(c)) && !answer.is_empty();
            if plain {
                format!(" --set {name}={answer}")
            } else {
                format!(" --set '{name}={}'", answer.replace('\'', "'\\''"))
            }
        };
        Some(format!("seaworthy init --pack {pack}{}", self.answers.iter().map(quoted).collect::<String>()))
    }
}

/// Everything that was found.
#[derive(Debug, Default)]
pub struct Around {
    pub found: Vec<Found>,
    /// What somebody else runs.
    pub observed: Vec<Observed>,
    /// Why something that is there is not among it.
    pub remarks: Vec<String>,
}

/// The host that is looked at: this one, or an image of one in a folder.
pub struct Host {
    root: PathBuf,
    /// Folders that are searched for files of databases.
    pub search: Vec<PathBuf>,
    until: Instant,
}

/// Every kind, in the order in which it is told.
const LOOKS: [fn(&Host, &mut Around); 6] =
    [database::look, sqlite::look, certificate::look, container::look, system::look, schedule::look];

impl Host {
    /// The host below `root`, and what is searched on it.
    pub fn new(root: &Path, search: Vec<PathBuf>) -> Host {
        Host { root: root.to_path_buf(), search, until: Instant::now() + LOOK_WITHIN }
    }

    /// All looks.
    pub fn look(&self) -> Around {
        let mut around = Around::default();
        for look in LOOKS {
            look(self, &mut around);
        }
        if self.is_over() {
            around.remarks.push(format!("looking around took longer than {LOOK_WITHIN:?}; the rest was not looked at"));
        }
        around
    }

    /// Only what cron and systemd run.
    pub fn schedules(&self) -> Vec<Observed> {
        let mut around = Around::default();
        schedule::look(self, &mut around);
        around.observed
    }

    /// Whether this is the host that we run on.
    fn is_this(&self) -> bool {
        self.root == Path::new("/")
    }

    fn is_over(&self) -> bool {
        Instant::now() >= self.until
    }

    /// A path of the host as we reach it.
    fn path(&self, path: &str) -> PathBuf {
        self.root.join(path.trim_start_matches('/'))
    }

    /// A path of ours as the host calls it.
    fn own(&self, path: &Path) -> String {
        let below = path.strip_prefix(&self.root).map(|below| Path::new("/").join(below));
        below.unwrap_or_else(|_| path.to_path_buf()).display().to_string()
    }

    /// The text of a regular file, up to a bound; empty if it is not there or not for us.
    fn text(&self, path: &str) -> String {
        let path = self.path(path);
        let Some(file) =
            fs::metadata(&path).ok().filter(fs::Metadata::is_file).and_then(|_| fs::File::open(&path).ok())
        else {
            return String::new();
        };
        let mut bytes = Vec::new();
        let _ = file.take(FILE_BYTES_MAX).read_to_end(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// What is in a folder, by name; nothing if it is not there or not for us.
    fn folder(&self, path: &str) -> Vec<PathBuf> {
        let listed = fs::read_dir(self.path(path)).into_iter().flatten().flatten();
        let mut all: Vec<PathBuf> = listed.take(10_000).map(|entry| entry.path()).collect();
        all.sort();
        all
    }

    /// Whether a program is installed.
    fn has(&self, program: &str) -> bool {
        let folders = ["usr/local/bin", "usr/bin", "bin", "usr/local/sbin", "usr/sbin", "sbin"];
        folders.iter().any(|folder| self.root.join(folder).join(program).is_file())
    }
}

fn name_of(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}
