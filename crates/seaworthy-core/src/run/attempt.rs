//! One try of a step, as far as it is known. This module must not know other steps.

use std::collections::BTreeMap;

use seaworthy_model::{id::RunId, run::Acted, time::At};

/// One try of a step.
#[derive(Debug, Clone, PartialEq)]
pub struct Attempt {
    pub number: u32,
    pub started_at: At,
    pub ended: Option<(At, Acted)>,
    /// Artifacts looked for after it: `Err` says why one is missing.
    pub made: BTreeMap<String, Result<(), String>>,
    /// Why nobody knows what it made: the look at it was not over in time.
    pub unseen: Option<String>,
    /// Whether what it hands on was taken: `Err` says why not.
    pub handed: Option<Result<(), String>>,
    /// For a `once` step that ended unknown: what verification said.
    pub settled: Option<(Option<bool>, String)>,
    /// The run that it is.
    pub child: Option<RunId>,
}

impl Attempt {
    /// One that has just begun.
    pub(super) fn begun(number: u32, at: At) -> Attempt {
        let (made, unseen, handed, settled) = (BTreeMap::new(), None, None, None);
        Attempt { number, started_at: at, ended: None, made, unseen, handed, settled, child: None }
    }

    /// Why an attempt that ended well is not done all the same.
    pub(super) fn trouble(&self) -> Option<&String> {
        self.unseen.as_ref().or_else(|| self.made.values().chain(&self.handed).find_map(|made| made.as_ref().err()))
    }

    /// What was seen of artifacts then may be otherwise now.
    pub(super) fn look_again(&mut self) {
        self.made.clear();
        self.unseen = None;
        // A person may have written down meanwhile what nobody knew.
        if matches!(self.settled, Some((Some(true), _))) && self.handed.as_ref().is_some_and(Result::is_err) {
            self.handed = None;
        }
    }
}
