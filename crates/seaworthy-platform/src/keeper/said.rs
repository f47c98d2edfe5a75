//! The end of an attempt in words.
//!
//! Must not know how it came about; reads what attending saw, and the command's own last words.

use std::{io, time::Duration};

use rustix::process::WaitIdStatus;
use seaworthy_model::{
    run::{Acted, Outcome, Output, last_words},
    time::Span,
};

use crate::{action::UNKNOWN_EXIT, held::tree::Ended, output::write::Writer};

/// Why attending came to its end.
#[derive(Debug)]
pub(super) enum Why {
    Ended(WaitIdStatus),
    /// The time limit.
    Limit,
    /// Somebody asked for its end.
    Stopped,
    /// We can look no longer.
    Blind(io::Error),
}

/// What attending came to.
pub(super) struct Attended {
    pub(super) why: Why,
    /// From the start to the end of the first process, or to the moment at which it was told to end.
    pub(super) took: Duration,
    pub(super) ended: Ended,
}

/// Puts the end of an attempt into words.
pub(super) fn said(limit: Option<Span>, own: bool, attended: Attended, writer: Writer, held_by: &str) -> Acted {
    let Attended { why, took, ended } = attended;
    let words = last_words(&writer.last(1)).or_else(|| last_words(&writer.last(0)));
    let (stdout, stderr) = writer.end();
    let tree = match (ended.told.len(), ended.empty) {
        (0, Some(true)) => "nothing of it is left".to_owned(),
        (told, Some(true)) => format!("{} ended, proven gone", count(told)),
        (told, Some(false)) => format!("{} told to end, not all of them gone", count(told)),
        (told, None) => format!("{} ended, which could not be proven", count(told)),
    };
    let (exit, signal) = match &why {
        Why::Ended(status) => (status.exit_status(), status.terminating_signal()),
        _ => (None, None),
    };
    let (outcome, reason) = match &why {
        Why::Ended(_) if exit == Some(0) => (Outcome::Done, None),
        Why::Ended(status) if own => own_word(status, words),
        Why::Ended(status) => (Outcome::NotDone, Some(end_in_words(status, words))),
        Why::Limit => {
            let limit = limit.unwrap_or_default();
            let last = words.map(|words| format!("; its last words: {words}")).unwrap_or_default();
            let text = format!("the limit of {limit} was reached and the command was stopped ({tree}){last}");
            (Outcome::NotDone, Some(text))
        }
        Why::Stopped => (Outcome::NotDone, Some(format!("the command was stopped on request ({tree})"))),
        Why::Blind(error) => {
            (Outcome::Unknown, Some(format!("the command could not be attended to any longer ({error}); {tree}")))
        }
    };
    // What one of ours had asked for when it was ended may happen all the same.
    let outcome = if own && exit.is_none() { Outcome::Unknown } else { outcome };
    Acted {
        outcome,
        exit,
        signal,
        reason,
        took: span(took),
        stdout,
        stderr,
        held_by: held_by.into(),
        empty: ended.empty,
    }
}

/// The end of a program of ours: its code says whether anybody can know, its last words why.
fn own_word(status: &WaitIdStatus, words: Option<String>) -> (Outcome, Option<String>) {
    match status.exit_status() {
        Some(UNKNOWN_EXIT) => (Outcome::Unknown, Some(words.unwrap_or_else(|| "no answer came".to_owned()))),
        Some(1) => (Outcome::NotDone, Some(words.unwrap_or_else(|| "it was not done".to_owned()))),
        _ => (Outcome::Unknown, Some(end_in_words(status, words))),
    }
}

/// The end of an attempt whose keeper was ended suddenly: what it did is not known.
pub(super) fn left(ended: &Ended) -> Acted {
    let what = match (ended.told.len(), ended.empty) {
        (0, Some(true)) => "nothing of it is left".to_owned(),
        (0, _) => "nothing of it was found any more, which is no proof without a cgroup".to_owned(),
        (told, None) => format!(
            "{} of it left running, ended now: {}; without a cgroup it is not proven that these were all",
            count(told),
            shown(&ended.told)
        ),
        (told, Some(true)) => format!("{} of it left running, ended now: {}", count(told), shown(&ended.told)),
        (told, _) => {
            format!("{} of it left running, not all of them could be ended: {}", count(told), shown(&ended.told))
        }
    };
    Acted {
        outcome: Outcome::Unknown,
        reason: Some(format!("the keeper that held it was ended suddenly, so its end is unknown; {what}")),
        held_by: "nobody".into(),
        empty: ended.empty,
        ..not_started(String::new())
    }
}

/// Nothing was started, so nothing can be left.
pub(crate) fn not_started(reason: String) -> Acted {
    Acted {
        outcome: Outcome::NotDone,
        exit: None,
        signal: None,
        reason: Some(reason),
        took: Span::ZERO,
        stdout: Output::default(),
        stderr: Output::default(),
        held_by: "nothing".into(),
        empty: Some(true),
    }
}

/// `1 process`, `2 processes`.
pub(super) fn count(processes: usize) -> String {
    if processes == 1 { "1 process".into() } else { format!("{processes} processes") }
}

/// At most five names.
pub(super) fn shown(names: &[impl AsRef<str>]) -> String {
    let first: Vec<&str> = names.iter().take(5).map(AsRef::as_ref).collect();
    if names.len() > 5 { format!("{} …", first.join(", ")) } else { first.join(", ") }
}

pub(crate) fn end_in_words(status: &WaitIdStatus, words: Option<String>) -> String {
    let last = words.unwrap_or_else(|| "it said nothing".to_owned());
    match (status.exit_status(), status.terminating_signal()) {
        (Some(127), _) => format!("exit 127, a command was not found: {last}"),
        (Some(126), _) => format!("exit 126, a command could not be executed: {last}"),
        (Some(exit), _) => format!("exit {exit}: {last}"),
        (None, Some(signal)) => format!("killed by signal {signal}{}: {last}", signal_name(signal)),
        (None, None) => format!("ended in a way the kernel does not name: {last}"),
    }
}

fn signal_name(signal: i32) -> &'static str {
    match signal {
        1 => " (HUP)",
        2 => " (INT)",
        6 => " (ABRT)",
        9 => " (KILL: by somebody, or because memory ran out)",
        11 => " (SEGV)",
        13 => " (PIPE)",
        15 => " (TERM)",
        24 => " (XCPU)",
        25 => " (XFSZ: a file grew beyond its limit)",
        _ => "",
    }
}

pub(crate) fn span(took: Duration) -> Span {
    Span(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX))
}
