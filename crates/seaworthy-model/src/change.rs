//! A change of what is in force that waits for a person: what it is, and the name that a person confirms.
//!
//! This module must not know what makes a change one that waits (core decides).

use sha2::{Digest as _, Sha256};

use crate::{
    process::hex,
    time::{At, Span},
};

/// How long a change may be confirmed under one digest. After that it waits under another one, so that nobody confirms
/// what was looked at long ago.
pub const CONFIRM_WITHIN: Span = Span::seconds(7 * 24 * 3600);

/// The subject of a rewritten branch, in place of a process.
pub const BRANCH: &str = "branch";

/// How the settings of the site are called, in place of a process.
pub const SETTINGS: &str = "settings";

/// A change that is not applied until a person confirms it. What was in force before stays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// Names exactly this change, in hex. Another change of the same file has another one.
    pub digest: String,
    pub subject: Subject,
    /// The definition (or commit) that stays in force.
    pub from: String,
    /// What would come into force; `None`: nothing, the process is removed.
    pub to: Option<String>,
    /// What is lost, each in words.
    pub weaker: Vec<String>,
    /// All other differences, in words.
    pub other: Vec<String>,
    /// Somebody gets rights by it: only who may give them agrees to it.
    pub gives_rights: bool,
    /// It can be confirmed under this digest until then.
    pub until: At,
}

impl Held {
    /// Enough of the digest to type.
    pub fn short(&self) -> &str {
        self.digest.get(..SHORT).unwrap_or(&self.digest)
    }
}

/// Digits of a digest that are shown, and that must at least be typed.
pub const SHORT: usize = 12;

/// What a held change is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    Process(String),
    Branch(String),
    /// What the site file says besides processes: routes, how long what is kept, and so on.
    Settings,
}

impl Subject {
    /// As people call it.
    pub fn name(&self) -> &str {
        match self {
            Subject::Process(name) | Subject::Branch(name) => name,
            Subject::Settings => SETTINGS,
        }
    }

    /// As records and digests name it.
    pub fn word(&self) -> String {
        match self {
            Subject::Process(name) => format!("process/{name}"),
            Subject::Branch(name) => format!("{BRANCH}/{name}"),
            Subject::Settings => format!("site/{SETTINGS}"),
        }
    }

    /// Reads [`Subject::word`].
    pub fn parse(word: &str) -> Option<Subject> {
        match word.split_once('/')? {
            ("process", name) => Some(Subject::Process(name.to_owned())),
            (BRANCH, name) => Some(Subject::Branch(name.to_owned())),
            ("site", SETTINGS) => Some(Subject::Settings),
            _ => None,
        }
    }
}

/// The name of one exact change: SHA-256 over what it is about, both sides, and how many changes of it waited before.
/// The number keeps a confirmation of long ago from standing for the same change made again.
pub fn digest(subject: &Subject, from: &str, to: Option<&str>, before: u64) -> String {
    let text = format!("seaworthy-change 1\n{}\n{from}\n{}\n{before}\n", subject.word(), to.unwrap_or("removed"));
    hex(&Sha256::digest(text.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_part_of_a_change_is_in_its_digest() {
        let (a, b) = (Subject::Process("a".into()), Subject::Process("b".into()));
        let all = [
            digest(&a, "1", Some("2"), 0),
            digest(&b, "1", Some("2"), 0),
            digest(&a, "3", Some("2"), 0),
            digest(&a, "1", Some("3"), 0),
            digest(&a, "1", None, 0),
            digest(&a, "1", Some("2"), 1),
            digest(&Subject::Branch("a".into()), "1", Some("2"), 0),
        ];
        for (n, one) in all.iter().enumerate() {
            assert!(all[..n].iter().all(|other| other != one), "{n}");
        }
        for subject in [Subject::Branch("main/x".into()), a, Subject::Settings] {
            assert_eq!(Subject::parse(&subject.word()), Some(subject));
        }
    }
}
