//! The difference between the files and what is in force, for `plan`, `status` and `run`.
//!
//! This module must not decide what a difference is worth: core did.

use std::collections::BTreeMap;

use seaworthy_core::{
    access::{self, Policy},
    change::{Difference, differences, split},
};
use seaworthy_model::{
    change::{Held, Subject},
    site::{Loaded, Pinned},
};
use serde_json::{Value, json};

use crate::{
    out::{Out, Tone},
    place::Place,
    trouble::Trouble,
    wire::{self, Known},
};
use seaworthy_store::sqlite::Sqlite;

/// What would become of one process.
pub struct Change {
    /// `new`, `unchanged`, `changed` or `removed`.
    pub word: &'static str,
    pub weaker: Vec<String>,
    pub other: Vec<String>,
    /// It waits for a person under this name.
    pub held: Option<Held>,
}

/// All processes of the files and of what is in force.
pub struct Changes {
    by_name: BTreeMap<String, Change>,
    /// Changes of something other than a process that wait.
    pub besides: Vec<Held>,
    /// Of processes that the files do not have any more.
    pub gone: Vec<std::sync::Arc<Pinned>>,
    /// What fires: of a change that waits what it would replace, of a broken file its last good version. `None` where nothing
    /// ever was in force.
    pub fires: Option<Loaded>,
    /// Who may do more, and who less; wider ones first.
    pub rights: Vec<Difference>,
}

impl Changes {
    /// Reads files and journal; writes nothing.
    ///
    /// # Errors
    /// When one of them cannot be read.
    pub async fn read(place: &Place) -> Result<Changes, Trouble> {
        if !place.store().is_file() {
            let (besides, gone, rights) = (Vec::new(), Vec::new(), Vec::new());
            return Ok(Changes { by_name: BTreeMap::new(), besides, gone, fires: None, rights });
        }
        let opened = Sqlite::open_readonly(&place.store())?.opened();
        Ok(Changes::of(&wire::known(place, &*opened.archive, &*opened.journal, &*opened.views).await?))
    }

    fn of(known: &Known) -> Changes {
        let outcome = &known.outcome;
        let mut by_name: BTreeMap<String, Change> = BTreeMap::new();
        let old = |name: &str| known.before.as_ref().and_then(|before| before.processes.get(name));
        for name in outcome.loaded.processes.keys() {
            let change = Change { word: "unchanged", weaker: Vec::new(), other: Vec::new(), held: None };
            by_name.insert(name.clone(), change);
        }
        for name in outcome.changed.iter().chain(outcome.removed.iter().map(|(name, _)| name)) {
            let (before, after) = (old(name), outcome.loaded.processes.get(name));
            let (weaker, other) = split(differences(before.map(|p| &p.process), after.map(|p| &p.process)));
            let word = match (before, after) {
                (None, _) => "new",
                (_, None) => "removed",
                _ => "changed",
            };
            by_name.insert(name.clone(), Change { word, weaker, other, held: None });
        }
        let mut besides = Vec::new();
        for held in &outcome.loaded.held {
            let Subject::Process(name) = &held.subject else {
                besides.push(held.clone());
                continue;
            };
            let word = if held.to.is_some() { "changed" } else { "removed" };
            let (weaker, other) = (held.weaker.clone(), held.other.clone());
            by_name.insert(name.clone(), Change { word, weaker, other, held: Some(held.clone()) });
        }
        let gone = by_name.iter().filter(|(_, change)| change.word == "removed");
        let gone = gone.filter_map(|(name, _)| old(name).cloned()).collect();
        let wanted = outcome.wanted.as_ref().unwrap_or(&outcome.loaded.site);
        let rights = known.before.as_ref().map(|old| access::differences(&Policy::of(&old.site), &Policy::of(wanted)));
        let fires = Some(outcome.loaded.clone());
        Changes { by_name, besides, gone, fires, rights: rights.unwrap_or_default() }
    }

    /// `None`: nothing of it was ever in force.
    pub fn get(&self, name: &str) -> Option<&Change> {
        self.by_name.get(name)
    }
}

impl Change {
    /// The lines below a process.
    pub fn lines(&self, out: &Out) -> Vec<String> {
        let weaker = self.weaker.iter().map(|text| format!("  {} {text}", out.paint(Tone::Bad, "weaker:")));
        let other = self.other.iter().map(|text| format!("  {} {text}", out.paint(Tone::Quiet, "change:")));
        weaker.chain(other).chain(self.held.as_ref().map(|held| format!("  {}", waits(held)))).collect()
    }

    /// For machines.
    pub fn object(&self) -> Value {
        json!({ "weaker": self.weaker, "other": self.other, "waits": self.held.as_ref().map(object) })
    }
}

/// What a person can do about it.
pub fn waits(held: &Held) -> String {
    format!("waits for a person, what was in force stays: seaworthy confirm {} --reason \"…\"", held.short())
}

/// A change that waits, for machines.
pub fn object(held: &Held) -> Value {
    let until = super::site::time(held.until);
    json!({ "digest": held.digest, "subject": held.subject.word(), "from": held.from, "to": held.to, "weaker": held.weaker, "other": held.other, "until": until })
}

/// One line about a change that waits, for `status` and `run`.
pub fn line(held: &Held) -> String {
    format!("{}: {}; {}", held.subject.word(), held.weaker.join("; "), waits(held))
}

/// What a change of the site file does to rights, for people.
pub fn rights_line(out: &Out, one: &Difference) -> String {
    let (tone, word) = if one.weaker { (Tone::Bad, "wider:") } else { (Tone::Quiet, "narrower:") };
    format!("rights  {} {}", out.paint(tone, word), one.text)
}
