//! What a run's page rests on: artifacts, checks, the host at the time, and the raw entries.
//!
//! This module must not read anything.

use seaworthy_model::{
    entry::Entry,
    run::{HostSnapshot, Judged, Verdict},
    time::At,
};

use crate::{
    moment::Second,
    shape::State,
    show,
    story::{Made, Story},
};

/// Records that are shown; `seaworthy journal` has them all.
pub const RECORDS_MAX: usize = 300;
/// Characters of a record's body that are shown.
const BODY_MAX: usize = 6_000;

pub struct MadeView {
    pub name: String,
    pub step: String,
    pub state: State,
    pub size: String,
    pub sha256: String,
    pub place: String,
    pub modified: Option<Second>,
    pub problem: String,
}

pub fn made(story: &Story, now: At) -> Vec<MadeView> {
    let one = |made: &Made| match &made.found {
        Ok(artifact) => MadeView {
            name: made.name.clone(),
            step: made.step.clone(),
            state: State::Held,
            size: show::bytes(artifact.bytes),
            sha256: artifact.sha256.clone().unwrap_or_default(),
            place: artifact.place.clone(),
            modified: Some(Second { at: artifact.modified, now }),
            problem: String::new(),
        },
        Err((place, reason)) => MadeView {
            name: made.name.clone(),
            step: made.step.clone(),
            state: State::NotVerified,
            size: "missing".to_owned(),
            sha256: String::new(),
            place: place.clone(),
            modified: None,
            problem: reason.clone(),
        },
    };
    story.made.iter().map(one).collect()
}

pub struct CheckView {
    pub round: u32,
    pub check: String,
    pub state: State,
    pub word: &'static str,
    pub expected: String,
    pub observed: String,
    pub source: String,
    pub took: String,
}

pub fn checks(story: &Story) -> Vec<CheckView> {
    let one = |judged: &Judged| {
        let seen = judged.observation.as_ref();
        CheckView {
            round: judged.round,
            check: judged.check.clone(),
            state: State::of_check(&judged.verdict),
            word: judged.verdict.word(),
            expected: judged.expected.clone(),
            observed: match &judged.verdict {
                Verdict::Unknown { reason } | Verdict::Skipped { reason } => reason.clone(),
                _ => judged.observed.clone(),
            },
            source: seen.map_or_else(String::new, |seen| seen.source.clone()),
            took: seen.map_or_else(String::new, |seen| seen.took.to_string()),
        }
    };
    story.checks.iter().map(|(_, judged)| one(judged)).collect()
}

pub struct HostView {
    pub at: Second,
    pub host: String,
    pub load: String,
    pub memory: String,
    pub disks: Vec<(String, String)>,
    pub processes: Vec<(u32, String, String, String, String)>,
}

pub fn hosts(story: &Story, now: At) -> Vec<HostView> {
    let one = |at: At, seen: &HostSnapshot| HostView {
        at: Second { at, now },
        host: seen.host.clone(),
        load: seen.load.map(|load| format!("{load:.2}")).join(" "),
        memory: format!(
            "{} available of {}, {} swapped out",
            show::bytes(seen.memory_available),
            show::bytes(seen.memory_total),
            show::bytes(seen.swap_used)
        ),
        disks: seen
            .disks
            .iter()
            .map(|disk| {
                let (free, total) = (show::bytes(disk.bytes_free), show::bytes(disk.bytes_total));
                (disk.mount.clone(), format!("{free} free of {total}, {} inodes free", show::count(disk.inodes_free)))
            })
            .collect(),
        processes: seen
            .processes
            .iter()
            .map(|p| (p.pid, p.name.clone(), p.state.clone(), show::bytes(p.memory), p.cpu.to_string()))
            .collect(),
    };
    story.hosts.iter().map(|(at, seen)| one(*at, seen)).collect()
}

pub struct RecordView {
    pub position: String,
    pub version: u64,
    pub kind: String,
    pub at: Second,
    pub via: &'static str,
    pub actor: String,
    pub leaf: String,
    pub body: String,
}

pub fn records(entries: &[Entry], now: At) -> Vec<RecordView> {
    let one = |entry: &Entry| RecordView {
        position: show::count(entry.position),
        version: entry.header.version,
        kind: entry.header.kind.clone(),
        at: Second { at: entry.header.at, now },
        via: entry.header.via.word(),
        actor: entry.header.actor.to_string(),
        leaf: entry.header.leaf().to_string(),
        body: match &entry.body {
            None => "dropped by retention; the header stays".to_owned(),
            Some(body) if body.chars().count() > BODY_MAX => {
                let head: String = body.chars().take(BODY_MAX).collect();
                format!("{head} … ({} in all; `seaworthy journal` shows the rest)", show::bytes(body.len() as u64))
            }
            Some(body) => body.clone(),
        },
    };
    entries.iter().take(RECORDS_MAX).map(one).collect()
}
