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

use crate::place::{SITE_FILE, STORE_FILE};
use git::Mirror;
use turn::recall;
pub use turn::turn;

/// Folders of older commits that stay: a command that runs in one must not lose the ground under its feet.
const TREES_MAX: usize = 50;
const TREES_FOR: Duration = Duration::from_secs(7 * 24 * 3600);
/// So long after a commit went out of force a run may still begin in its folder: until the files are read again.
const BEGUN_WITHIN: Duration = Duration::from_secs(3600);
/// Folders that stay for the sake of a run that has gone on for long; of more the oldest go.
const TREES_HELD_MAX: usize = 1_000;

/// Where the files of a site come from, and what is known of it.
#[derive(Debug, Clone)]
pub struct Source {
    pub branch: Branch,
    /// Below the data folder.
    folder: PathBuf,
    /// The journal's file.
    store: PathBuf,
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
        Source { branch, folder: data.join("branch"), store: data.join(STORE_FILE) }
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
            Some(commit) => {
                self.have(commit)?;
                commit.clone()
            }
            None => {
                // As after a restore: what was kept beside the mirror is lost, and the journal says it too.
                let commit = match recall(&self.branch.branch, &self.store)? {
                    Some(commit) => {
                        self.have(&commit)?;
                        commit
                    }
                    None => {
                        let tip = self.fetch()?;
                        self.export(&tip)?;
                        tip
                    }
                };
                state.commit = Some(commit.clone());
                self.keep(&state)?;
                commit
            }
        };
        Ok(self.tree(&commit).join(&self.branch.folder))
    }

    /// Makes sure that the files of the commit in force are here, also where the mirror was lost with them.
    fn have(&self, commit: &str) -> Result<(), String> {
        if self.tree(commit).is_dir() || self.export(commit).is_ok() {
            return Ok(());
        }
        if self.fetch().is_ok() && self.export(commit).is_ok() {
            return Ok(());
        }
        // The history may have been rewritten meanwhile; most servers still give what was in it.
        let brought = self.mirror().and_then(|mirror| mirror.fetch_commit(&self.branch, commit));
        brought.and_then(|()| self.export(commit)).map_err(|said| {
            format!(
                "commit {} of branch `{}` is in force by the journal, and its files cannot be had ({said}); push it to the repository again, or name another branch under `config:` in seaworthy.yaml",
                short(commit), self.branch.branch
            )
        })
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
        Some(Held { digest, subject, from, to: Some(to), weaker, other: Vec::new(), gives_rights: false, until })
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

    /// This commit is in force no more: its age counts from here.
    fn left(&self, commit: &str) {
        let tree = self.tree(commit);
        if let Err(e) = File::open(&tree).and_then(|folder| folder.set_modified(SystemTime::now())) {
            warn!("when {} went out of force cannot be noted ({e})", tree.display());
        }
    }

    /// Removes folders of commits that nobody can be at work in any more. A run stays in the folder in which it began, so
    /// what was in force when the oldest live one began, or later, stays too.
    fn tidy(&self, keep: &str, oldest: Option<SystemTime>) {
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
        let held = |at: &SystemTime| oldest.is_some_and(|began| *at + BEGUN_WITHIN >= began);
        for (n, (at, path)) in all.iter().enumerate() {
            if (n >= surplus && young(at)) || (n + TREES_HELD_MAX >= all.len() && held(at)) {
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

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_secs(24 * 3600);

    #[test]
    fn the_folder_of_a_commit_counts_its_age_from_when_it_went_out_of_force_and_stays_under_live_runs() {
        let data = std::env::temp_dir().join(format!("seaworthy-trees-{}", std::process::id()));
        let branch = Branch {
            url: "/nowhere".into(),
            branch: "main".into(),
            folder: String::new(),
            every: seaworthy_model::time::Span::seconds(60),
            bytes_max: 1,
        };
        let source = Source::new(branch, &data);
        let now = SystemTime::now();
        for (commit, days) in [("old", 30), ("ran", 9), ("force", 8), ("tip", 0)] {
            fs::create_dir_all(source.tree(commit)).unwrap();
            fs::write(source.tree(commit).with_extension("left.json"), "{}").unwrap();
            File::open(source.tree(commit)).unwrap().set_modified(now - days * DAY).unwrap();
        }
        let there = || ["old", "ran", "force", "tip"].map(|commit| source.tree(commit).is_dir());
        source.left("force");
        source.tidy("tip", Some(now - 10 * DAY));
        assert_eq!(there(), [false, true, true, true], "a run of ten days may be in what was in force until then");
        source.tidy("tip", None);
        assert_eq!(there(), [false, false, true, true], "it was made long ago and has just gone out of force");
        fs::remove_dir_all(&data).unwrap();
    }
}
