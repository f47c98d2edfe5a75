//! What a process lacks or does at its own risk, although every single value of it is right.
//!
//! This module must not change what was built.

use seaworthy_model::process::{Effect, Facet, Process, Rung};

use crate::{
    secret::{names_a_secret, password_in_url, speaks_of_secrets},
    shell,
    source::{Place, Report},
    tree::{Data, Node},
};

/// Tells about one process.
pub fn lint(document: &Node, process: &Process, report: &mut Report<'_>) {
    let place = document.get("process").map_or(document.place, |name| name.place);
    facets(document, process, place, report);
    if process.observed.is_some() {
        observed(document, report);
    } else {
        nobody_told(process, place, report);
    }
    if process.pinged {
        pinged(document, report);
    }
    for (at, step) in process.steps.iter().enumerate() {
        if step.effect != Effect::Once {
            continue;
        }
        let item = document.get("steps").and_then(|list| list.items().get(at));
        let place = item.map_or(place, |item| item.key_place("effect"));
        let named = process.verify.iter().any(|check| check.of.as_deref() == Some(&step.id));
        if !process.verify.is_empty() && !named && at + 1 < process.steps.len() {
            let message = format!(
                "no check is about step `{0}`: if its end is not seen while later steps are open, a no cannot settle it",
                step.id
            );
            let help = format!("write `of: {}` on the check that looks at what it does", step.id);
            report.warning("once-unsettled", place, message, help);
        }
        if process.verify.is_empty() && document.get("verify").is_none() {
            let message = format!("step `{}` must happen once, but nothing can say whether it did", step.id);
            report.error(
                "once-unverified",
                place,
                message,
                "add `verify:`; after a crash it decides instead of a repetition",
            );
        }
    }
    names_twice(document, report);
    secrets_in_arguments(document, &[], report);
    secrets_in_the_file(document, report);
}

/// A process without a facet says so.
fn facets(document: &Node, process: &Process, place: Place, report: &mut Report<'_>) {
    let missing: Vec<Facet> =
        process.missing().into_iter().filter(|facet| document.get(key(*facet)).is_none()).collect();
    let words: Vec<&str> = missing.iter().map(|facet| facet.word()).collect();
    let keys: Vec<String> = missing.iter().map(|facet| format!("`{}:`", key(*facet))).collect();
    let help = match &process.observed {
        Some(_) => format!(
            "put `seaworthy exec {} --` before its command there and write `pinged: true` here, or take it over with steps and checks",
            process.name
        ),
        None => format!("add {}", keys.join(", ")),
    };
    if missing.contains(&Facet::Verify) {
        let message = format!("`{}` is unproven: it lacks {}", process.name, words.join(", "));
        report.finding("unproven", place, message, help);
    } else if !missing.is_empty() {
        let message = format!("`{}` lacks {}", process.name, words.join(", "));
        report.finding("missing-facets", place, message, help);
    }
}

/// What an observed process may say: what it is, and when somebody else runs it. Nothing that could act or be judged.
const OF_OBSERVED: [&str; 7] = ["process", "about", "service", "team", "tier", "schedule", "observed"];

/// Somebody else runs it already; a step here would run it twice.
fn observed(document: &Node, report: &mut Report<'_>) {
    for (key, _) in document.entries() {
        let Some(name) = key.text().filter(|name| !OF_OBSERVED.contains(name)) else { continue };
        let message = format!("an observed process is run by somebody else, and `{name}` is about running it here");
        let help = "to take it over, end it there and remove `observed`; else remove this key";
        report.error("observed-acts", key.place, message, help);
    }
}

/// What something outside starts has no steps here, and nobody here can try it again.
fn pinged(document: &Node, report: &mut Report<'_>) {
    if document.get("steps").is_some() {
        let message = "something outside starts a pinged process, and `steps` is about running it here";
        let help = "remove `pinged` to run it from here, or remove the steps";
        report.error("pinged-acts", document.key_place("steps"), message, help);
    }
    for rung in document.get("heal").map(Node::items).unwrap_or_default() {
        if rung.get("retry").is_some() {
            let message = "what something outside starts cannot be tried again from here";
            let help = "write a rung with `run:`, or tell somebody";
            report.error("pinged-acts", rung.key_place("retry"), message, help);
        }
    }
}

fn key(facet: Facet) -> &'static str {
    match facet {
        Facet::Trigger => "schedule",
        other => other.word(),
    }
}

/// A ladder ends at a person, or a route is told: contracts, section 3.
fn nobody_told(process: &Process, place: Place, report: &mut Report<'_>) {
    let ladder = process.heal.iter().any(|rung| matches!(rung, Rung::Tell { .. }));
    if !ladder && process.tell.is_none() {
        let message = format!("when `{}` fails, nobody is told", process.name);
        report.finding(
            "nobody-told",
            place,
            message,
            "add `tell:` with a route, or end the ladder with `- tell: ROUTE`",
        );
    }
}

/// A name in both `env` and `secrets` of one object: which one would a command see?
fn names_twice(document: &Node, report: &mut Report<'_>) {
    let steps = document.get("steps").map(Node::items).unwrap_or_default();
    for owner in std::iter::once(document).chain(steps) {
        let Some(env) = owner.get("env") else { continue };
        for secret in owner.get("secrets").map(Node::items).unwrap_or_default() {
            let Some(name) = secret.text().filter(|name| env.get(name).is_some()) else { continue };
            report.hide(env.get(name).map_or(env.place, |value| value.place));
            let message = format!("`{name}` is in `env` and in `secrets`");
            report.error(
                "duplicate-name",
                secret.place,
                message,
                "keep one of them; a secret must not be written into a file",
            );
        }
    }
}

/// A value that is probably a secret: by the name of its variable, or a password in a URL.
fn secrets_in_the_file(node: &Node, report: &mut Report<'_>) {
    let help = "name it under `secrets:`; the site file says where it comes from";
    match &node.data {
        Data::List(items) => items.iter().for_each(|item| secrets_in_the_file(item, report)),
        Data::Map(entries) => {
            for (_, value) in entries {
                secrets_in_the_file(value, report);
            }
            for (name, value) in node.get("env").map(Node::entries).unwrap_or_default() {
                let name = name.text().unwrap_or_default();
                let written = value.text().is_some_and(|text| !text.is_empty());
                if written && speaks_of_secrets(name) && names_a_secret(name) {
                    report.hide(value.place);
                    let message = format!("`{name}` looks like a secret, and its value stands in the file");
                    report.warning("literal-secret", value.place, message, help);
                }
            }
        }
        Data::Scalar { text, .. } if password_in_url(text) => {
            report.hide(node.place);
            report.warning("literal-secret", node.place, "a password stands in this URL", help);
        }
        Data::Scalar { .. } => {}
    }
}

/// Commands of the shell itself: what they are given is on no command line that others can see.
const OF_THE_SHELL: [&str; 12] =
    ["echo", "printf", "test", "[", "[[", ":", "export", "read", "set", "local", "return", "exit"];

/// Arguments of a running command can be read by everybody on the host. `outer`: secrets of the enclosing object.
fn secrets_in_arguments(node: &Node, outer: &[&str], report: &mut Report<'_>) {
    let mut secrets = outer.to_vec();
    secrets.extend(node.get("secrets").map(Node::items).unwrap_or_default().iter().filter_map(Node::text));
    match &node.data {
        Data::List(items) => items.iter().for_each(|item| secrets_in_arguments(item, &secrets, report)),
        Data::Map(entries) => {
            for (key, value) in entries {
                match (key.text(), value.text()) {
                    (Some("run" | "command"), Some(script)) => script_lint(script, value, &secrets, report),
                    (Some("env" | "secrets" | "headers"), _) => {}
                    _ => secrets_in_arguments(value, &secrets, report),
                }
            }
        }
        Data::Scalar { .. } => {}
    }
}

fn script_lint(script: &str, value: &Node, secrets: &[&str], report: &mut Report<'_>) {
    for used in shell::uses(script) {
        if used.argument && secrets.contains(&used.name.as_str()) && !OF_THE_SHELL.contains(&used.command.as_str()) {
            let place = crate::inside::inside(value, used.at, used.len, report);
            let name = used.name;
            let message = format!("the secret `{name}` becomes an argument, which everybody on the host can read");
            let help = format!("let the command read it from its environment, or from the file `${name}_FILE`");
            report.warning("secret-in-argument", place, message, help);
        }
    }
}
