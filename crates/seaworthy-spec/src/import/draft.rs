//! A process as it was found elsewhere, and the report of what could not be said in it.
//!
//! This module must not know any tool.

use std::collections::{BTreeMap, BTreeSet};

use seaworthy_model::time::Span;
use serde::Serialize;

use super::{DRAFTS_MAX, Import, LEFT_MAX, name, secret};
use crate::secret::{names_a_secret, written};

/// A process that is still to be written down. What it does not say the file does not say either.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Draft {
    /// A wish before the end of the import; unique after it.
    pub name: String,
    /// Where it was found.
    pub file: String,
    pub line: u32,
    pub about: Option<String>,
    /// Something outside starts it; Seaworthy expects it by its schedule.
    pub pinged: bool,
    pub schedule: Option<Schedule>,
    pub env: Vec<(String, String)>,
    /// Names only.
    pub secrets: Vec<String>,
    pub steps: Vec<Step>,
    pub verify: Vec<Http>,
    /// Of all of a run.
    pub timeout: Option<Span>,
    /// Times and shortest wait of a retry.
    pub retry: Option<(u32, Option<Span>)>,
    pub start_within: Option<Span>,
    pub finish_within: Option<Span>,
    /// Said as comments at the top of the file.
    pub remarks: Vec<String>,
}

/// When it is due. Texts, as the file says them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Schedule {
    /// `cron`, `calendar` or `every`.
    pub key: &'static str,
    pub when: String,
    /// Further expressions of the same kind.
    pub more: Vec<String>,
    pub jitter: Option<Span>,
    pub timezone: Option<String>,
    pub missed: Option<&'static str>,
    pub within: Option<Span>,
    pub overlap: Option<&'static str>,
}

/// What is done.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Step {
    pub id: Option<String>,
    /// A text for a shell, unless `arguments` has something.
    pub script: String,
    pub arguments: Vec<String>,
    /// Program and first arguments that get the script; empty: `sh -c`.
    pub shell: Vec<String>,
    pub timeout: Option<Span>,
    /// Ids of steps that must be done before.
    pub needs: Vec<String>,
}

/// A check over HTTP.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Http {
    pub url: String,
    pub method: Option<String>,
    pub expect: String,
    pub timeout: Option<Span>,
}

/// A line or field that is not in the drafts, or not as it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Left {
    pub kind: LeftKind,
    pub code: Code,
    pub file: String,
    /// From 1.
    pub line: u32,
    /// The draft that it belongs to, if there is one.
    pub process: Option<String>,
    /// The line or field. Never a value that may be a secret.
    pub what: String,
    /// Why, and what to do.
    pub reason: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LeftKind {
    /// It cannot be read as what it should be.
    Broken,
    /// It was understood and has no counterpart, or none yet.
    NotCarried,
    /// It was carried over, and means something else now.
    Changed,
}

/// Stable, for scripts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Code {
    Unreadable,
    Syntax,
    TooLarge,
    TooMany,
    WrongVersion,
    WrongKind,
    Schedule,
    Trigger,
    Field,
    Secret,
    User,
    Route,
    Command,
    Refused,
}

/// Collects drafts and what is left, with bounds, and gives names at the end.
#[derive(Default)]
pub(super) struct Gathered {
    drafts: Vec<Draft>,
    left: Vec<(Left, Option<usize>)>,
    too_many: usize,
}

impl Gathered {
    /// Takes a draft; what is told from now on with [`Gathered::about`] may name it by this number.
    pub fn draft(&mut self, mut draft: Draft) -> Option<usize> {
        if self.drafts.len() >= DRAFTS_MAX {
            let reason = format!("there are more than {DRAFTS_MAX} in one import; import them in parts");
            self.broken(Code::TooMany, &draft.file, draft.line, &format!("`{}`", draft.name), reason);
            return None;
        }
        let notes = secret::take_out(&mut draft);
        self.drafts.push(draft);
        let taken = Some(self.drafts.len() - 1);
        self.noted(notes, taken);
        taken
    }

    pub fn broken(&mut self, code: Code, file: &str, line: u32, what: &str, reason: impl Into<String>) {
        let (kind, what, reason) = (LeftKind::Broken, what.to_owned(), reason.into());
        self.tell(Left { kind, code, file: file.to_owned(), line, process: None, what, reason }, None);
    }

    pub fn not_carried(&mut self, code: Code, file: &str, line: u32, what: &str, reason: impl Into<String>) {
        let (kind, what, reason) = (LeftKind::NotCarried, what.to_owned(), reason.into());
        self.tell(Left { kind, code, file: file.to_owned(), line, process: None, what, reason }, None);
    }

    /// Takes over remarks that were noted while a draft was made.
    pub fn noted(&mut self, notes: Notes, draft: Option<usize>) {
        for left in notes.0 {
            self.tell(left, draft);
        }
    }

    fn tell(&mut self, left: Left, draft: Option<usize>) {
        if self.left.len() >= LEFT_MAX {
            self.too_many += 1;
        } else {
            self.left.push((left, draft));
        }
    }

    /// Names are made unique, and what is left gets the names of its drafts.
    pub fn finish(mut self) -> Import {
        name::unique(&mut self.drafts);
        if self.too_many > 0 {
            let reason = format!("{} more remarks are not shown; import in parts", self.too_many);
            let at = self.left.last().map(|(left, _)| (left.file.clone(), left.line)).unwrap_or_default();
            let what = "the rest".to_owned();
            let (kind, code, process) = (LeftKind::NotCarried, Code::TooMany, None);
            self.left.push((Left { kind, code, file: at.0, line: at.1, process, what, reason }, None));
        }
        let names: Vec<String> = self.drafts.iter().map(|draft| draft.name.clone()).collect();
        let named = |(left, draft): (Left, Option<usize>)| Left { process: draft.map(|at| names[at].clone()), ..left };
        let left: Vec<Left> = self.left.into_iter().map(named).collect();
        for left in left.iter().filter(|left| left.kind != LeftKind::Broken) {
            let of = self.drafts.iter_mut().find(|draft| Some(&draft.name) == left.process.as_ref());
            if let Some(draft) = of {
                draft.remarks.push(format!("{}: {}", left.what, left.reason));
            }
        }
        Import { drafts: self.drafts, left: told_once(left) }
    }
}

/// One line of a source that many drafts have is told once, and is then about none of them.
fn told_once(all: Vec<Left>) -> Vec<Left> {
    let mut seen: BTreeMap<(String, u32, String, String), usize> = BTreeMap::new();
    let mut told: Vec<Left> = Vec::new();
    for left in all {
        let key = (left.file.clone(), left.line, left.what.clone(), left.reason.clone());
        match seen.get(&key) {
            Some(at) => told[*at].process = None,
            None => {
                seen.insert(key, told.len());
                told.push(left);
            }
        }
    }
    told
}

/// A place: file and line.
pub(super) type Spot<'a> = (&'a str, u32);

/// What is noted about one draft before it is taken.
#[derive(Default)]
pub(super) struct Notes(Vec<Left>);

impl Notes {
    pub fn not_carried(&mut self, code: Code, at: Spot<'_>, what: impl Into<String>, reason: impl Into<String>) {
        self.note(LeftKind::NotCarried, code, at, what.into(), reason.into());
    }

    pub fn changed(&mut self, code: Code, at: Spot<'_>, what: impl Into<String>, reason: impl Into<String>) {
        self.note(LeftKind::Changed, code, at, what.into(), reason.into());
    }

    fn note(&mut self, kind: LeftKind, code: Code, at: Spot<'_>, what: String, reason: String) {
        self.0.push(Left { kind, code, file: at.0.to_owned(), line: at.1, process: None, what, reason });
    }
}

/// Puts one variable into a draft: as it is, or by its name only if it looks like a secret.
pub(super) fn variable(draft: &mut Draft, notes: &mut Notes, at: Spot<'_>, name: &str, value: &str) {
    let known: BTreeSet<&str> = draft.env.iter().map(|(name, _)| name.as_str()).collect();
    if crate::scalar::check(&crate::shape::Kind::Variable, name).is_err() {
        notes.not_carried(Code::Field, at, format!("the variable {name}"), "a process file cannot set this name");
    } else if (names_a_secret(name) || !written(value).is_empty()) && !value.is_empty() {
        if !draft.secrets.iter().any(|known| known == name) {
            draft.secrets.push(name.to_owned());
        }
        let reason = format!(
            "its value is not written into a process file; say under `secrets:` of seaworthy.yaml where {name} comes from"
        );
        notes.not_carried(Code::Secret, at, format!("the value of {name}"), reason);
    } else if known.contains(name) {
        let at = draft.env.iter().position(|(known, _)| known == name);
        if let Some(at) = at {
            draft.env[at].1 = value.to_owned();
        }
    } else {
        draft.env.push((name.to_owned(), value.to_owned()));
    }
}
