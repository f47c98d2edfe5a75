//! What is run from here by its schedule, and by cron or systemd on this host as well.
//!
//! A process keeps the name that `init` gave to the line when it is taken over, so the line is known again by it. What
//! cannot be read is not known, and nothing is said of it. This module must not change a crontab.

use std::path::{Path, PathBuf};

use seaworthy_model::process::Process;

use super::look::Host;

/// Says which host is looked at: an image of one in a folder. Without it this one.
const HOST: &str = "SEAWORTHY_HOST";

/// A process that is run from two sides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Twice {
    pub process: String,
    /// Who else runs it, and where that stands.
    pub by: String,
}

impl Twice {
    /// What is the matter, and what to do.
    pub fn words(&self) -> (String, String) {
        let what = format!("`{}` is run from here by its schedule, and by {}: it runs twice", self.process, self.by);
        (what, "remove it there, or write `observed:` here in place of the steps".to_owned())
    }
}

/// Looks once. May block for as long as reading a few files takes.
pub fn twice<'p>(processes: impl IntoIterator<Item = &'p Process>) -> Vec<Twice> {
    let root = std::env::var_os(HOST).map_or_else(|| Path::new("/").to_path_buf(), PathBuf::from);
    let there = Host::new(&root, vec![]).schedules();
    let firing = processes.into_iter().filter(|process| process.fires().is_some());
    firing
        .filter_map(|process| {
            let line = there.iter().find(|line| line.name == process.name)?;
            Some(Twice { process: process.name.clone(), by: line.by.clone() })
        })
        .collect()
}
