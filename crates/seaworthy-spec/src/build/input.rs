//! Inputs of a process: forms, bounds, defaults.
//!
//! This module must not know who gives a value. Values are read by core, which reads them again when a run is asked for.

use std::collections::BTreeMap;

use seaworthy_core::input::{read, variable, whole};
use seaworthy_model::{
    input::{Form, Input},
    time::Span,
    value::Value,
};

use crate::{secret::speaks_of_secrets, source::Report, tree::Node};

use super::{text, texts};

/// What `inputs` declares, in the order of the file.
pub fn inputs(process: &Node, report: &mut Report<'_>) -> Vec<Input> {
    let mut seen: BTreeMap<String, String> = BTreeMap::new();
    let mut found = Vec::new();
    for (key, node) in process.get("inputs").map(Node::entries).unwrap_or_default() {
        let Some(name) = key.text() else { continue };
        if speaks_of_secrets(name) {
            let help = "name it under `secrets:`; the site file says where it comes from";
            let message = format!("`{name}` looks like a secret, but inputs are recorded and shown");
            report.error("secret-input", key.place, message, help);
        }
        if let Some(other) = seen.insert(variable("INPUT", name), name.to_owned()) {
            let message = format!("`{other}` and `{name}` are one variable, {}", variable("INPUT", name));
            report.error("duplicate-name", key.place, message, "rename one of them");
        }
        let Some(form) = form(node, report) else { continue };
        let default = default(node, &form, report);
        if process.get("schedule").is_some() && node.get("default").is_none() {
            let message = format!("a schedule can give no `{name}`, and it has no default");
            report.error("no-default", key.place, message, "write `default:`, or leave the schedule out");
        }
        found.push(Input { name: name.to_owned(), about: text(node, "about"), form, default });
    }
    found
}

/// Keys of an input that only some forms have.
const OF_SOME: [(&str, &[&str]); 4] = [
    ("pattern", &["text"]),
    ("min", &["whole", "number", "duration", "size"]),
    ("max", &["whole", "number", "duration", "size"]),
    ("of", &["choice"]),
];

/// The form of a value: a word alone, or an object with bounds. `None` if it was wrong, which has been told.
pub fn form(node: &Node, report: &mut Report<'_>) -> Option<Form> {
    let word = node.text().map(str::to_owned).or_else(|| text(node, "type"))?;
    for (key, forms) in OF_SOME {
        if let Some(value) = node.get(key).filter(|_| !forms.contains(&word.as_str())) {
            let help = format!("only of {}", forms.join(", "));
            report.error("bad-input", value.place, format!("`{key}` says nothing of a {word}"), help);
        }
    }
    let whole = Form::Whole { min: None, max: None };
    let number = Form::Number { min: None, max: None };
    let duration = Form::Duration { min: None, max: None };
    let size = Form::Size { min: None, max: None };
    Some(match word.as_str() {
        "text" => Form::Text { pattern: pattern(node, report)? },
        "bool" => Form::Bool,
        "list" => Form::List,
        "choice" => Form::Choice { of: choices(node, report)? },
        "whole" => {
            Form::Whole { min: int(edge(node, "min", &whole, report)), max: int(edge(node, "max", &whole, report)) }
        }
        "number" => {
            let decimal = |value| if let Some(Value::Decimal(n)) = value { Some(n) } else { None };
            Form::Number {
                min: decimal(edge(node, "min", &number, report)),
                max: decimal(edge(node, "max", &number, report)),
            }
        }
        "duration" => {
            let span =
                |value| if let Some(Value::Duration(n)) = value { u64::try_from(n).ok().map(Span) } else { None };
            Form::Duration {
                min: span(edge(node, "min", &duration, report)),
                max: span(edge(node, "max", &duration, report)),
            }
        }
        "size" => {
            let bytes = |value| int(value).and_then(|n| u64::try_from(n).ok());
            Form::Size { min: bytes(edge(node, "min", &size, report)), max: bytes(edge(node, "max", &size, report)) }
        }
        _ => return None,
    })
}

fn int(value: Option<Value>) -> Option<i64> {
    if let Some(Value::Int(n)) = value { Some(n) } else { None }
}

fn choices(node: &Node, report: &mut Report<'_>) -> Option<Vec<String>> {
    let of = texts(node, "of");
    if of.is_empty() {
        report.error("bad-input", node.place, "a choice says nothing of its words", "add `of: [ONE, OTHER]`");
        return None;
    }
    Some(of)
}

/// `None` if it was wrong.
fn pattern(node: &Node, report: &mut Report<'_>) -> Option<Option<String>> {
    let Some(pattern) = text(node, "pattern") else { return Some(None) };
    if let Err(why) = whole(&pattern) {
        let place = node.get("pattern").map_or(node.place, |value| value.place);
        report.error("bad-pattern", place, why, "write a regular expression such as [a-z]+");
        return None;
    }
    Some(Some(pattern))
}

/// A bound, written like a value of the form itself.
fn edge(node: &Node, key: &str, bare: &Form, report: &mut Report<'_>) -> Option<Value> {
    let value = node.get(key)?;
    match read(bare, value.text()?) {
        Ok(read) => Some(read),
        Err(why) => {
            report.error("bad-input", value.place, why, format!("write a value of `type: {}`", bare.word()));
            None
        }
    }
}

fn default(node: &Node, form: &Form, report: &mut Report<'_>) -> Option<Value> {
    let value = node.get("default")?;
    // A list may be written as one, too.
    let written = match (form, value.text()) {
        (_, Some(text)) => text.to_owned(),
        (Form::List, None) => texts(node, "default").join("\n"),
        (_, None) => String::new(),
    };
    match read(form, &written) {
        Ok(read) => Some(read),
        Err(why) => {
            report.error("bad-input", value.place, why, format!("write a default of `type: {}`", form.word()));
            None
        }
    }
}
