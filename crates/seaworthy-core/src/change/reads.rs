//! Whether a check still reads what it read: one that looks elsewhere proves something else, or nothing.
//!
//! This module must not know conditions, nor what a look would see.

use std::collections::BTreeSet;

use seaworthy_model::process::{Command, Line, Look, Process};

use crate::run::makes;

/// Artifacts that the new definition makes: an old name that is among them was not renamed.
pub(super) type Made = BTreeSet<String>;

/// What a definition makes, in a run or in a drill.
pub(super) fn made(process: &Process) -> Made {
    let drill = process.drill.iter().filter_map(|drill| drill.restore.as_ref()).flat_map(|drill| &drill.steps);
    process.steps.iter().chain(drill).flat_map(makes).collect()
}

/// What the old look read and the new one does not, in words.
pub(super) fn unread(old: &Look, new: &Look, made: &Made) -> Option<String> {
    if let (Some(before), Some(after)) = (artifact(old), artifact(new))
        && before != after
        && made.contains(before)
    {
        return Some(format!("does not look at artifact `{before}` any more, which is still made"));
    }
    match (old, new) {
        (Look::Command { command: before, artifact }, Look::Command { command: after, .. }) => {
            if shell(before) != shell(after) {
                return Some("is read by another shell".to_owned());
            }
            let (was, is) = (text(before), text(after));
            let (before, after) = (variables(&was), variables(&is));
            let named = artifact.as_ref().is_some_and(|name| is.contains(name.as_str()));
            if before.contains(ARTIFACT) && !after.contains(ARTIFACT) && !named {
                return Some("does not read `$ARTIFACT` any more".to_owned());
            }
            let lost = !before.is_empty() && before.is_disjoint(&after) && !named;
            let all: Vec<String> = before.iter().map(|name| format!("`${name}`")).collect();
            lost.then(|| format!("does not read {} any more", all.join(", ")))
        }
        (Look::Sql { query: was, url: before, .. }, Look::Sql { query: is, url: after, .. }) => {
            if before != after {
                return Some("asks another database".to_owned());
            }
            (reads_table(was) && !reads_table(is)).then(|| "reads no table any more".to_owned())
        }
        (Look::Http { url: before, .. }, Look::Http { url: after, .. }) => {
            (before != after).then(|| "asks another address".to_owned())
        }
        _ => None,
    }
}

const ARTIFACT: &str = "ARTIFACT";

/// The artifact that a look reads. That of a command is only nearest to it, unless the command names it.
fn artifact(look: &Look) -> Option<&str> {
    match look {
        Look::Artifact { name } => Some(name),
        Look::Command { command, artifact } => {
            artifact.as_deref().filter(|_| variables(&text(command)).contains(ARTIFACT))
        }
        _ => None,
    }
}

fn text(command: &Command) -> String {
    match &command.line {
        Line::Shell { script, .. } => script.clone(),
        Line::Args(all) => all.join(" "),
    }
}

/// What is given the text: another program may do with it whatever it likes.
fn shell(command: &Command) -> Option<&[String]> {
    match &command.line {
        Line::Shell { shell, .. } => Some(shell),
        Line::Args(_) => None,
    }
}

/// Names behind a `$`.
fn variables(text: &str) -> BTreeSet<&str> {
    let name = |part: &str| part.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(part.len());
    let parts = text.split('$').skip(1).map(|part| part.strip_prefix('{').unwrap_or(part));
    parts.map(|part| &part[..name(part)]).filter(|name| name.starts_with(|c: char| !c.is_ascii_digit())).collect()
}

fn reads_table(query: &str) -> bool {
    query.split_whitespace().any(|word| word.eq_ignore_ascii_case("from"))
}
