//! The providers: each carries out orders somewhere. One more is one file here and two lines below.
//!
//! Must not know what an order is for, nor judge its result.

mod launch;
mod link;
pub mod local;
#[cfg(test)]
pub(crate) mod tests;
pub mod through;

use std::{path::PathBuf, sync::Arc};

use seaworthy_model::{port::Provider, process::Line};

pub use launch::Launch;

/// Names that a command gets from our own environment, with the value if we have none.
const BASE: [(&str, Option<&str>); 5] = [
    ("PATH", Some("/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")),
    ("HOME", Some("/")),
    ("LANG", Some("C.UTF-8")),
    ("TZ", None),
    ("TMPDIR", None),
];

/// Every provider of this host, for a data folder.
pub fn all(data: PathBuf, launch: Launch) -> Vec<Arc<dyn Provider>> {
    vec![Arc::new(local::Local::new(data, launch))]
}

/// Base names of the environment of every command, from our own.
pub(crate) fn base() -> Vec<(&'static str, std::ffi::OsString)> {
    let value = |name: &str, otherwise: Option<&str>| std::env::var_os(name).or_else(|| otherwise.map(Into::into));
    BASE.iter().filter_map(|(name, otherwise)| Some((*name, value(name, *otherwise)?))).collect()
}

/// Program and arguments.
pub(crate) fn words(line: &Line) -> Vec<String> {
    match line {
        Line::Shell { script, shell } if shell.is_empty() => vec!["sh".into(), "-c".into(), script.clone()],
        Line::Shell { script, shell } => shell.iter().chain([script]).cloned().collect(),
        Line::Args(words) => words.clone(),
    }
}
