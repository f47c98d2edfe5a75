//! No value of a secret goes from what was found into a process file: it is named there, or the step says what to do.
//!
//! This module must not know any tool.

use super::{
    Code, Draft, Step,
    draft::{Notes, Spot},
};
use crate::secret::{names_a_secret, written};

/// Takes the values of secrets out of a draft; what that changes is noted at its line.
pub fn take_out(draft: &mut Draft) -> Notes {
    let mut notes = Notes::default();
    let Draft { file, line, steps, secrets, verify, .. } = draft;
    let at: Spot<'_> = (file, *line);
    for step in steps {
        for name in lift(&mut step.script) {
            let reason = format!(
                "holds a secret: move it to `secrets:` of seaworthy.yaml; the process names {name}, and its commands have it as a variable"
            );
            notes.not_carried(Code::Secret, at, format!("the value of {name}"), reason);
            add(secrets, &name);
        }
        let script = std::iter::once(&step.script).chain(&step.arguments).chain(&step.shell);
        if script.chain([&step.arguments.join(" ")]).any(|text| !written(text).is_empty()) {
            *step = refusing(step, at);
            let reason = "holds a secret: move it to `secrets:`, and write the command with the variable; until then the step fails";
            notes.not_carried(Code::Secret, at, "the command", reason);
        }
    }
    for check in verify {
        for (range, number) in written(&check.url).into_iter().rev().zip(1u32..) {
            let name = if number == 1 { "URL_SECRET".to_owned() } else { format!("URL_SECRET_{number}") };
            check.url.replace_range(range, &format!("${name}"));
            let reason = format!("holds a secret: move it to `secrets:` of seaworthy.yaml; the URL names {name}");
            notes.not_carried(Code::Secret, at, "the URL", reason);
            add(secrets, &name);
        }
    }
    notes
}

fn add(secrets: &mut Vec<String>, name: &str) {
    if !secrets.iter().any(|known| known == name) {
        secrets.push(name.to_owned());
    }
}

/// A step that says why it is none, in place of one that must not be written.
fn refusing(step: &Step, (file, line): Spot<'_>) -> Step {
    let said = format!(
        "the command of {file}:{line} was not imported, it holds a secret: move it to secrets: and write it here"
    );
    let script = format!("echo {} >&2\nexit 1\n", super::command::quoted(&said));
    Step { script, arguments: Vec::new(), shell: Vec::new(), ..step.clone() }
}

/// Removes `NAME=value` before a command, where a variable of the process says the same; the names.
fn lift(script: &mut String) -> Vec<String> {
    let mut names = Vec::new();
    while let Some((name, range)) = prefix(script) {
        script.replace_range(range, "");
        names.push(name);
    }
    names
}

/// The first such assignment, with the blanks after it.
fn prefix(script: &str) -> Option<(String, std::ops::Range<usize>)> {
    let identifier = |name: &str| name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    written(script).into_iter().find_map(|value| {
        let before = script[..value.start].trim_end_matches(['"', '\'']).strip_suffix('=')?;
        let begins = before.rfind(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).map_or(0, |at| at + 1);
        let name = before.get(begins..)?;
        let first = before[..begins].trim_end_matches([' ', '\t']);
        let leads = first.is_empty() || first.ends_with(['\n', ';', '&']);
        let quoted = script[..value.start].ends_with(['"', '\'']);
        let end = value.end + usize::from(quoted);
        let after = script.get(end..)?;
        let rest = after.trim_start_matches([' ', '\t']);
        let follows =
            rest.len() < after.len() && !rest.starts_with([';', '|', '&', '\n', '#', '<', '>']) && !rest.is_empty();
        let is_name = !name.is_empty() && !name.starts_with(|c: char| c.is_ascii_digit()) && identifier(name);
        (is_name && names_a_secret(name) && leads && follows)
            .then(|| (name.to_owned(), begins..script.len() - rest.len()))
    })
}
