//! Checks: what is looked at, the condition, and whether any of them proves data.
//!
//! This module must not know how a probe looks. Conditions are read by core, which evaluates them later.

use std::collections::{BTreeMap, BTreeSet};

use seaworthy_core::expect::{Expect, Scope, compile};
use seaworthy_model::{
    process::{Check, Line, Look, Step},
    run::USUAL_RUNS_MIN,
    time::Span,
    value::Value,
};

use crate::{inside::inside, nearest::advice, scalar, shell, source::Report, tree::Node};

use super::{command, command_lint, map, span, text};

/// Limit of one look by command, SQL or at an artifact.
pub const TIMEOUT: Span = Span::seconds(300);
/// Limit of one HTTP request.
pub const TIMEOUT_HTTP: Span = Span::seconds(30);

/// Commands that say nothing of the content of a file that they are given.
const LOOK_AT_NAMES_ONLY: [&str; 14] =
    ["test", "[", "[[", "ls", "stat", "du", "true", ":", "echo", "printf", "touch", "find", "basename", "dirname"];

/// Whose checks these are.
pub struct Looked<'s> {
    /// Artifacts that the steps before make.
    pub made: &'s [String],
    /// Steps that a check may be about.
    pub steps: &'s [Step],
    /// In a drill `ARTIFACT` is the newest verified artifact of the process, whatever the list says.
    pub drill: bool,
}

/// What the data checks of a list are worth together.
struct Worth {
    /// One of them proves data.
    proves: bool,
    /// One of those needs no history.
    proves_at_once: bool,
    /// A check could not be read, so nothing is said about the list.
    unsure: bool,
}

/// The checks under `verify`.
pub fn checks(owner: &Node, looked: &Looked<'_>, report: &mut Report<'_>) -> Vec<Check> {
    let Some(list) = owner.get("verify") else { return Vec::new() };
    let mut worth = Worth { proves: false, proves_at_once: false, unsure: false };
    let (mut checks, mut numbers, mut ids) = (Vec::new(), BTreeMap::new(), BTreeSet::new());
    for (at, item) in list.items().iter().enumerate() {
        let Some(look) = look(item, at, list.items(), looked, report) else {
            worth.unsure = true;
            continue;
        };
        let id = id(item, &look, &mut numbers);
        if !ids.insert(id.clone()) {
            let place = item.get("name").map_or(item.place, |name| name.place);
            report.error("duplicate-id", place, format!("two checks are called `{id}`"), "rename one of them");
        }
        let (expect, proves) = condition(item, &look, &mut worth, report);
        let usual = if matches!(look, Look::Http { .. }) { TIMEOUT_HTTP } else { TIMEOUT };
        let of = of(item, looked.steps, report);
        checks.push(Check { id, look, expect, proves, of, timeout: span(item, "timeout").unwrap_or(usual) });
    }
    if !worth.unsure && !checks.is_empty() {
        judge(owner, &worth, looked.drill, report);
    }
    checks
}

fn judge(owner: &Node, worth: &Worth, drill: bool, report: &mut Report<'_>) {
    let place = owner.key_place("verify");
    if !worth.proves {
        let help = "add a check that reads content: a command over \"$ARTIFACT\" that reads all of it, stdout, rows, value, body or sha256";
        report.error("no-data-check", place, "no check here proves data: size, age and exit codes alone do not", help);
    } else if !worth.proves_at_once {
        let help = "add a data check that does not name `usual`, such as `value > 0`";
        let message = |what: &str| {
            format!(
                "every data check compares with the usual, which needs {USUAL_RUNS_MIN} verified {what}s: no {what} can become the first"
            )
        };
        if drill {
            // The design page itself shows such a drill; what it restores was verified when it was made.
            report.warning("only-usual", place, message("drill"), help);
        } else {
            report.error("only-usual", place, message("run"), help);
        }
    }
}

/// Stable over edits elsewhere: by what it looks at, or by number among its kind.
fn id(item: &Node, look: &Look, numbers: &mut BTreeMap<String, u32>) -> String {
    if let Some(name) = text(item, "name") {
        return name;
    }
    let (kind, always) = match look {
        Look::Artifact { name } => (format!("artifact {name}"), false),
        Look::Command { .. } => ("command".to_owned(), true),
        Look::Sql { .. } => ("sql".to_owned(), true),
        Look::Http { .. } => ("http".to_owned(), true),
        Look::Duration { .. } => ("duration".to_owned(), false),
    };
    let number = numbers.entry(kind.clone()).or_insert(0);
    *number += 1;
    if always || *number > 1 { format!("{kind} {number}") } else { kind }
}

/// The step that a check names, judged.
fn of(item: &Node, steps: &[Step], report: &mut Report<'_>) -> Option<String> {
    let id = text(item, "of")?;
    if !steps.iter().any(|step| step.id == id) {
        let known: Vec<&str> = steps.iter().map(|step| step.id.as_str()).take(20).collect();
        let place = item.get("of").map_or(item.place, |value| value.place);
        report.error("unknown-step", place, format!("there is no step `{id}`"), advice(&id, &known));
    }
    Some(id)
}

fn look(item: &Node, at: usize, all: &[Node], looked: &Looked<'_>, report: &mut Report<'_>) -> Option<Look> {
    if let Some(name) = text(item, "artifact") {
        if !looked.made.contains(&name) {
            let known: Vec<&str> = looked.made.iter().map(String::as_str).collect();
            let help = if known.is_empty() { "name it in a step: `makes:`".to_owned() } else { advice(&name, &known) };
            let place = item.get("artifact").map_or(item.place, |value| value.place);
            report.error("unknown-artifact", place, format!("no step makes `{name}`"), help);
        }
        return Some(Look::Artifact { name });
    }
    if let Some(command) = command(item, "command") {
        command_lint(item, "command", report);
        return Some(Look::Command { command, artifact: artifact(item, "command", at, all, looked, report) });
    }
    if let (Some(query), Some(url)) = (text(item, "sql"), text(item, "url")) {
        let schemes = ["postgresql://", "postgres://", "sqlite:", "$"];
        if !schemes.iter().any(|scheme| url.starts_with(scheme)) {
            let place = item.get("url").map_or(item.place, |value| value.place);
            let message = "this is not the URL of a database";
            report.error("bad-url", place, message, "begin it with postgresql:// or sqlite:");
        }
        return Some(Look::Sql { query, url, artifact: artifact(item, "url", at, all, looked, report) });
    }
    if let Some(url) = text(item, "http") {
        if !url.starts_with("http://") && !url.starts_with("https://") {
            let place = item.get("http").map_or(item.place, |value| value.place);
            report.error("bad-url", place, "this is not a URL of HTTP", "begin it with http:// or https://");
        }
        let method = text(item, "method").unwrap_or_else(|| "GET".to_owned());
        return Some(Look::Http { url, method, headers: map(item, "headers"), body: text(item, "body") });
    }
    let bounds = item.get("duration")?;
    let bound = |key: &str| bounds.get(key).and_then(Node::text).and_then(|text| scalar::bound(text).ok());
    Some(Look::Duration { at_least: bound("at_least"), at_most: bound("at_most") })
}

/// What `ARTIFACT` points to: the nearest `artifact:` before in the list, or the only one of the list or of the steps.
/// If there is none, a check that uses it is an error.
fn artifact(
    item: &Node,
    key: &str,
    at: usize,
    all: &[Node],
    looked: &Looked<'_>,
    report: &mut Report<'_>,
) -> Option<String> {
    let value = item.get(key)?;
    let used = value.items().iter().filter_map(Node::text).any(|text| uses_artifact(text).next().is_some());
    if looked.drill {
        return None;
    }
    let before = all[..at].iter().rev().find_map(|other| text(other, "artifact"));
    let named: BTreeSet<String> = all.iter().filter_map(|other| text(other, "artifact")).collect();
    let only = |names: &mut dyn Iterator<Item = &String>| match (names.next(), names.next()) {
        (Some(one), None) => Some(one.clone()),
        _ => None,
    };
    let found = before.or_else(|| only(&mut named.iter())).or_else(|| only(&mut looked.made.iter()));
    if found.is_none() && used {
        let message = if looked.made.is_empty() {
            "`$ARTIFACT` points to nothing: no step makes an artifact"
        } else {
            "`$ARTIFACT` is not clear: several artifacts are made, and no `artifact:` check comes before"
        };
        report.error("no-artifact", value.place, message, "put a check `artifact: NAME` before this one");
    }
    found
}

fn uses_artifact(text: &str) -> impl Iterator<Item = shell::Use> {
    shell::uses(text).into_iter().filter(|used| used.name == "ARTIFACT")
}

/// Compiles `expect` with the parser that decides later, and weighs it: its text, and whether it proves data.
fn condition(item: &Node, look: &Look, worth: &mut Worth, report: &mut Report<'_>) -> (Option<String>, bool) {
    let Some(value) = item.get("expect").filter(|value| !value.is_nothing()) else {
        worth.unsure |= !matches!(look, Look::Duration { .. });
        return (None, false);
    };
    let Some(source) = value.text().filter(|text| !text.trim().is_empty()) else { return (None, false) };
    let mut proves = false;
    match compile(source, &Scope::of(look)) {
        Err(problems) => {
            worth.unsure = true;
            for problem in problems {
                let place = inside(value, problem.at, problem.len, report);
                report.error("bad-expect", place, problem.message, problem.help);
            }
        }
        Ok(condition) => {
            proves = condition.reads_data() || (reads_artifact(look) && minds_failure(&condition));
            worth.proves |= proves;
            worth.proves_at_once |= proves && condition.usual_names().is_empty();
        }
    }
    (Some(source.to_owned()), proves)
}

/// Whether a command is given the artifact in a way that can read it: then its exit code speaks about the content
/// (contracts, section 3: "`exit == 0` of a command that reads nothing" does not count).
fn reads_artifact(look: &Look) -> bool {
    let Look::Command { command, .. } = look else { return false };
    match &command.line {
        Line::Shell { script, .. } => {
            uses_artifact(script).any(|used| !LOOK_AT_NAMES_ONLY.contains(&used.command.as_str()))
        }
        Line::Args(_) => false,
    }
}

/// Whether a failed command without a word of output makes the condition say no.
fn minds_failure(condition: &Expect) -> bool {
    let nothing = |name: &str| (name.to_owned(), Value::Text(String::new()));
    let time = ("duration".to_owned(), Value::Duration(1_000_000_000));
    let failed = [("exit".to_owned(), Value::Int(1)), nothing("stdout"), nothing("stderr"), time.clone()];
    condition.evaluate(&failed.into(), &[time].into()) != Ok(true)
}
