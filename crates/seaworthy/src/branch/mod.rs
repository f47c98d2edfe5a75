//! The site's files from a branch of a git repository: mirrored, judged, and put in a folder of their own by commit.
//!
//! New commits on top of what is in force apply; a rewritten history waits for a person, as a weaker file does. What
//! cannot be fetched or used leaves the last good commit in force. This module must not know what the files say.

mod git;
mod tree;
mod turn;

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::Write as _,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use seaworthy_model::{
    change::{Held, Subject},
    site::Branch,
    time::At,
};
use serde::{Deserialize, Serialize};
use tracing::warn;

use crate::place::SITE_FILE;
use git::Mirror;
pub use turn::turn;

/// Folders of older commits that stay: a command that runs in one must not lose the ground under its feet.
const TREES_MAX: usize = 50;
const TREES_FOR: Duration = Duration::from_secs(7 * 24 * 3600);

/// Where the files of a site come from, and what is known of it.
#[derive(Debug, Clone)]
pub struct Source {
    pub branch: Branch,
    /// Below the data folder.
    folder: PathBuf,
}

/// What was found out so far; kept beside the mirror.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct State {
    /// The commit whose files are in force.
    pub commit: Option<String>,
    /// When the repository was last asked.
    #[serde(default)]
    pub looked: Option<At>,
    /// A rewritten history that waits.
    #[serde(default)]
    pub waits: Option<Waits>,
    #[serde(default)]
    pub lost: Option<Lost>,
}

/// As [`Held`], in the form that is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waits {
    digest: String,
    from: String,
    to: String,
    weaker: Vec<String>,
    until: At,
}

/// The branch cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lost {
    pub since: At,
    pub reason: String,
}

impl Source {
    pub fn new(branch: Branch, data: &Path) -> Source {
        Source { branch, folder: data.join("branch") }
    }

    pub fn state(&self) -> State {
        let text = fs::read_to_string(self.file()).unwrap_or_default();
        if text.is_empty() {
            return State::default();
        }
        serde_json::from_str(&text).unwrap_or_else(|e| {
            warn!("{} cannot be used ({e}); the branch is looked at anew", self.file().display());
            State::default()
        })
    }

    fn file(&self) -> PathBuf {
        self.folder.join("state.json")
    }

    fn keep(&self, state: &State) -> Result<(), String> {
        let file = self.file();
        let draft = file.with_extension("new");
        let written = serde_json::to_vec(state).map_err(std::io::Error::other).and_then(|bytes| {
            fs::create_dir_all(&self.folder)?;
            let mut new = File::create(&draft)?;
            new.write_all(&bytes)?;
            new.sync_all()?;
            fs::rename(&draft, &file)?;
            File::open(&self.folder)?.sync_all()
        });
        written.map_err(|e| format!("{} cannot be written ({e})", file.display()))
    }

    fn tree(&self, commit: &str) -> PathBuf {
        self.folder.join("tree").join(commit)
    }

    /// The folder of the site in the commit in force; the very first time the branch is fetched for it. May take long.
    ///
    /// # Errors
    /// A sentence: nothing is in force and nothing can be had.
    pub fn root(&self) -> Result<PathBuf, String> {
        let mut state = self.state();
        let commit = match &state.commit {
            Some(commit) => commit.clone(),
            None => {
                let tip = self.fetch()?;
                self.export(&tip)?;
                state.commit = Some(tip.clone());
                self.keep(&state)?;
                tip
            }
        };
        let tree = self.tree(&commit);
        if !tree.is_dir() {
            self.export(&commit)?;
        }
        Ok(tree.join(&self.branch.folder))
    }

    /// Files of the commit in force that are left out, and why.
    pub fn left_out(&self) -> BTreeMap<String, String> {
        let Some(commit) = self.state().commit else { return BTreeMap::new() };
        let text = fs::read_to_string(self.tree(&commit).with_extension("left.json")).unwrap_or_default();
        serde_json::from_str(&text).unwrap_or_default()
    }

    /// A rewritten history that waits for a person.
    pub fn held(&self) -> Option<Held> {
        let Waits { digest, from, to, weaker, until } = self.state().waits?;
        let subject = Subject::Branch(self.branch.branch.clone());
        Some(Held { digest, subject, from, to: Some(to), weaker, other: Vec::new(), until })
    }

    fn mirror(&self) -> Result<Mirror, String> {
        Mirror::open(self.folder.join("mirror.git"), self.branch.bytes_max)
    }

    /// The newest commit of the branch.
    fn fetch(&self) -> Result<String, String> {
        self.mirror()?.fetch(&self.branch)
    }

    /// Puts the files of a commit beside those in force.
    fn export(&self, commit: &str) -> Result<(), String> {
        let (to, what) = (self.tree(commit), &self.branch);
        let left = tree::export(&self.mirror()?, commit, &to, what.bytes_max).map_err(|reason| {
            format!("commit {} of branch `{}` cannot be used: {reason}", short(commit), what.branch)
        })?;
        let list = serde_json::to_vec(&left).map_err(|e| e.to_string())?;
        fs::write(to.with_extension("left.json"), list).map_err(|e| format!("{} ({e})", to.display()))?;
        let site = Path::new(&what.folder).join(SITE_FILE);
        if to.join(&site).is_file() {
            return Ok(());
        }
        Err(format!("commit {} of branch `{}` has no {}", short(commit), what.branch, site.display()))
    }

    /// Removes folders of commits that nobody can be at work in any more.
    fn tidy(&self, keep: &str) {
        let Ok(entries) = fs::read_dir(self.folder.join("tree")) else { return };
        let age = |path: &Path| fs::metadata(path).and_then(|about| about.modified()).unwrap_or(SystemTime::UNIX_EPOCH);
        let mut all: Vec<(SystemTime, PathBuf)> = entries
            .flatten()
            .map(|entry| entry.path())
            .filter(|path| path.is_dir() && path.file_name().is_some_and(|name| name != keep))
            .map(|path| (age(&path), path))
            .collect();
        all.sort();
        let young = |at: &SystemTime| at.elapsed().is_ok_and(|age| age < TREES_FOR);
        let surplus = all.len().saturating_sub(TREES_MAX);
        for (n, (at, path)) in all.iter().enumerate() {
            if n >= surplus && young(at) {
                break;
            }
            if let Err(e) = fs::remove_dir_all(path).and_then(|()| fs::remove_file(path.with_extension("left.json"))) {
                warn!("the files of an old commit cannot be removed: {} ({e})", path.display());
            }
        }
    }
}

/// Enough of a commit's name.
pub fn short(commit: &str) -> &str {
    commit.get(..12).unwrap_or(commit)
}
