//! Everything that is needed to act or to look once, secrets among it.
//!
//! This module must not know who acts or looks.

use std::path::PathBuf;

use crate::{
    deed::Deed,
    port::OutputKey,
    process::{Limits, Look},
    time::{At, Span},
};

/// A secret's name and value. `Debug` shows the name only.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret {
    pub name: String,
    pub value: String,
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Secret({})", self.name)
    }
}

/// Everything a provider needs to act once.
#[derive(Debug, Clone)]
pub struct Order {
    pub output: OutputKey,
    pub deed: Deed,
    /// The site's folder.
    pub folder: PathBuf,
    /// `WORKDIR`; exists, mode 0700.
    pub workdir: PathBuf,
    /// Complete environment apart from the base names and the secrets.
    pub env: Vec<(String, String)>,
    pub secrets: Vec<Secret>,
    /// Secrets of other steps: not given, but masked, since an earlier step may have left one somewhere.
    pub masked: Vec<Secret>,
    pub timeout: Option<Span>,
    /// Names of the values that it is to hand on, if it hands on any.
    pub outputs: Vec<String>,
    /// What its processes may use.
    pub limits: Limits,
}

impl Order {
    /// All that is masked: what is given and what is not.
    pub fn hidden(&self) -> Vec<Secret> {
        self.secrets.iter().chain(&self.masked).cloned().collect()
    }
}

/// Everything a probe needs to look once.
#[derive(Debug, Clone)]
pub struct LookOrder {
    pub look: Look,
    pub folder: PathBuf,
    pub workdir: PathBuf,
    pub env: Vec<(String, String)>,
    pub secrets: Vec<Secret>,
    /// Secrets of single steps: not given, but masked, since a step may have left one in what is looked at.
    pub masked: Vec<Secret>,
    /// Absolute path of the artifact looked at, if the look has one.
    pub artifact: Option<PathBuf>,
    pub timeout: Span,
    pub now: At,
}

impl LookOrder {
    /// All that is masked: what is given and what is not.
    pub fn hidden(&self) -> Vec<Secret> {
        self.secrets.iter().chain(&self.masked).cloned().collect()
    }
}
