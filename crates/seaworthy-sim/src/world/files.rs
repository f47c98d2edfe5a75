//! The files of the simulated site: texts that somebody changes, breaks and takes away.
//!
//! This module must not know what a file says.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use seaworthy_runtime::reload::{FileSet, Files};
use seaworthy_spec::Source;

/// The site file and the files below `ops/`.
pub struct Texts {
    site: String,
    ops: Mutex<(u64, BTreeMap<String, String>)>,
}

impl Texts {
    pub fn new(site: String) -> Texts {
        Texts { site, ops: Mutex::default() }
    }

    fn ops(&self) -> MutexGuard<'_, (u64, BTreeMap<String, String>)> {
        self.ops.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes `ops/NAME.yaml`.
    pub fn write(&self, name: &str, text: String) {
        let mut ops = self.ops();
        ops.0 += 1;
        ops.1.insert(format!("ops/{name}.yaml"), text);
    }

    /// Takes `ops/NAME.yaml` away.
    pub fn remove(&self, name: &str) {
        let mut ops = self.ops();
        ops.0 += 1;
        ops.1.remove(&format!("ops/{name}.yaml"));
    }
}

impl Files for Texts {
    fn read(&self) -> Result<FileSet, String> {
        let site = Source { file: "seaworthy.yaml".into(), text: self.site.clone() };
        let ops = self.ops();
        let source = |(file, text): (&String, &String)| Source { file: file.clone(), text: text.clone() };
        Ok(FileSet {
            folder: "/site".into(),
            site,
            ops: ops.1.iter().map(source).collect(),
            unreadable: vec![],
            held: vec![],
            left_out: vec![],
        })
    }

    fn stamp(&self) -> u64 {
        self.ops().0
    }

    fn exists(&self, _: &str) -> bool {
        true
    }

    fn may_block(&self) -> bool {
        false
    }
}
