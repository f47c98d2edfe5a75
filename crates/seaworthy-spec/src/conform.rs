//! Walks a document beside the table: keys that nobody knows, values of a wrong type, what is missing.
//!
//! This module must not know what a value means for another one (`build` does) and builds nothing.

use crate::{
    diagnostic::quoted,
    nearest::{advice, nearest},
    scalar,
    shape::{Choice, Kind, Shape},
    source::{Place, Report},
    tree::{Data, Node},
};

/// Tells everything that is wrong with `node` as a value of `kind`.
pub fn conform(node: &Node, kind: &Kind, report: &mut Report<'_>) {
    match kind {
        Kind::Object(shape) => object(node, shape, report),
        Kind::OneOf(choice) => one_of(node, choice, report),
        Kind::Either(kinds) if kinds.iter().any(holds_secret) && node.text().is_some_and(|t| t.contains("://")) => {
            wrong_place(node, report);
        }
        Kind::Either(kinds) => match kinds.iter().find(|kind| fits(node, kind)) {
            Some(kind @ Kind::Word(words)) if wrong_text(node, kind) => either_word(node, words, kinds, report),
            Some(kind) => conform(node, kind, report),
            None => wrong_type(node, kind, report),
        },
        Kind::List { of, max } => match &node.data {
            Data::List(items) => list(node, items, of, *max, report),
            _ => wrong_type(node, kind, report),
        },
        Kind::Many { of, max } => list(node, node.items(), of, *max, report),
        Kind::Map { key, of, max } => match &node.data {
            Data::Map(entries) => {
                if entries.len() > *max {
                    too_many(node.place, entries.len(), *max, report);
                }
                for (name, value) in entries {
                    scalar(name, key, report);
                    conform(value, of, report);
                }
            }
            _ => wrong_type(node, kind, report),
        },
        _ => scalar(node, kind, report),
    }
}

fn object(node: &Node, shape: &'static Shape, report: &mut Report<'_>) {
    let Data::Map(entries) = &node.data else { return wrong_type(node, &Kind::Object(shape), report) };
    let mut explained = false;
    for (key, value) in entries {
        let name = key.text().unwrap_or_default();
        match shape.field(name) {
            Some(field) if shape.private && wrong_text(value, &field.kind) => literal_secret(value, report),
            Some(field) => conform(value, &field.kind, report),
            None => {
                hide(value, shape, report);
                explained |= shape.later.contains(&name) || nearest(name, shape.some_of.iter().copied()).is_some();
                unknown_key(key, name, shape.title, &shape.keys(), shape.later, report);
            }
        }
    }
    for field in shape.fields.iter().filter(|field| field.required && node.get(field.key).is_none()) {
        let message = format!("{} lacks `{}`", shape.title, field.key);
        report.error("missing-key", head(node), message, format!("add `{}:`. {}", field.key, field.about));
    }
    let some = shape.some_of;
    if !explained && !some.is_empty() && !some.iter().any(|key| node.get(key).is_some()) {
        let message = format!("{} says nothing", shape.title);
        report.error("missing-key", head(node), message, format!("add one of: {}", some.join(", ")));
    }
}

/// An object of several possible shapes: its first fields choose.
fn one_of(node: &Node, choice: &'static Choice, report: &mut Report<'_>) {
    let Data::Map(entries) = &node.data else { return wrong_type(node, &Kind::OneOf(choice), report) };
    let chosen: Vec<&'static Shape> =
        choice.shapes.iter().filter(|shape| node.get(shape.first_key()).is_some()).collect();
    match chosen.as_slice() {
        [shape] => object(node, shape, report),
        [] => undecided(node, choice, report),
        [first, second, ..] => {
            let message = format!("{} has both `{}` and `{}`", choice.title, first.first_key(), second.first_key());
            report.error("two-kinds", node.key_place(second.first_key()), message, "keep one of them");
            let known = all_keys(choice);
            for (key, value) in entries {
                let name = key.text().unwrap_or_default();
                match chosen.iter().find_map(|shape| shape.field(name)) {
                    Some(field) => conform(value, &field.kind, report),
                    None if known.contains(&name) => {}
                    None => {
                        chosen.iter().for_each(|shape| hide(value, shape, report));
                        unknown_key(key, name, choice.title, &known, &[], report);
                    }
                }
            }
        }
    }
}

/// None of the choosing keys is there. A mistyped one says more than "one of these is missing".
fn undecided(node: &Node, choice: &'static Choice, report: &mut Report<'_>) {
    let firsts: Vec<&str> = choice.shapes.iter().map(Shape::first_key).collect();
    let known = all_keys(choice);
    let later = choice.shapes.iter().flat_map(|shape| shape.later).copied().collect::<Vec<_>>();
    let mut explained = false;
    for (key, value) in node.entries() {
        let name = key.text().unwrap_or_default();
        match choice.shapes.iter().find_map(|shape| shape.field(name)) {
            Some(field) => conform(value, &field.kind, report),
            None => {
                for shape in choice.shapes {
                    hide(value, shape, report);
                }
                explained |= later.contains(&name) || nearest(name, firsts.iter().copied()).is_some();
                unknown_key(key, name, choice.title, &known, &later, report);
            }
        }
    }
    if !explained {
        let message = format!("{} says nothing of what it is", choice.title);
        report.error("missing-key", head(node), message, format!("add one of: {}", firsts.join(", ")));
    }
}

fn all_keys(choice: &Choice) -> Vec<&'static str> {
    let mut keys: Vec<&str> = choice.shapes.iter().map(Shape::first_key).collect();
    for key in choice.shapes.iter().flat_map(Shape::keys) {
        if !keys.contains(&key) {
            keys.push(key);
        }
    }
    keys
}

fn unknown_key(key: &Node, name: &str, title: &str, known: &[&str], later: &[&str], report: &mut Report<'_>) {
    if later.contains(&name) {
        let message = format!("`{name}` is not known to this version in {title}");
        report.error("not-built", key.place, message, format!("known here: {}", known.join(", ")));
        return;
    }
    report.error("unknown-key", key.place, format!("unknown key {} in {title}", quoted(name)), advice(name, known));
}

fn list(node: &Node, items: &[Node], of: &Kind, max: usize, report: &mut Report<'_>) {
    if items.is_empty() {
        report.error("wrong-type", node.place, "the list is empty", "add an item, or leave the key out");
    }
    if items.len() > max {
        too_many(node.place, items.len(), max, report);
    }
    for item in items.iter().take(max) {
        conform(item, of, report);
    }
}

fn too_many(place: Place, count: usize, max: usize, report: &mut Report<'_>) {
    report.error("too-many", place, format!("{count} of these, at most {max} are allowed"), "split the process");
}

fn scalar(node: &Node, kind: &Kind, report: &mut Report<'_>) {
    let Some(text) = node.text() else { return wrong_type(node, kind, report) };
    if node.is_nothing() {
        let help = match kind {
            Kind::Value => "write the value; an empty one is written as \"\"",
            _ => "write the value, or leave the key out; a text `null` or `~` needs quotes",
        };
        report.error("wrong-type", node.place, format!("here nothing is written, but {} is wanted", name(kind)), help);
        return;
    }
    let number = matches!(kind, Kind::Whole { .. } | Kind::True);
    if number && !node.is_plain() {
        report.error("wrong-type", node.place, format!("a quoted text is not {}", name(kind)), "leave the quotes out");
        return;
    }
    if let Err(wrong) = scalar::check(kind, text) {
        if matches!(kind, Kind::Secret) {
            literal_secret(node, report);
        } else {
            report.error(wrong.code, node.place, wrong.message, wrong.help);
        }
    }
}

/// Somebody wrote a secret into a file. It is refused and never shown.
pub fn literal_secret(node: &Node, report: &mut Report<'_>) {
    report.hide(node.place);
    let help = "write the name of a secret, and say under `secrets:` where it comes from: env, file or command";
    report.error("literal-secret", node.place, "a secret must not be written into a file", help);
}

/// The same, where not its name but its place is wanted.
fn wrong_place(node: &Node, report: &mut Report<'_>) {
    report.hide(node.place);
    let help = "say where it comes from: {env: NAME}, {file: PATH} or {command: CMD}";
    report.error("literal-secret", node.place, "a secret must not be written into a file", help);
}

/// An unknown word, where an object would do too.
fn either_word(node: &Node, words: &[&str], kinds: &[Kind], report: &mut Report<'_>) {
    let text = node.text().unwrap_or_default();
    let objects = kinds.iter().filter_map(|kind| match kind {
        Kind::Object(shape) => Some(format!("`{}:`", shape.first_key())),
        _ => None,
    });
    let help = format!("{}; or {}", advice(text, words), objects.collect::<Vec<_>>().join(", "));
    report.error("wrong-value", node.place, format!("{} is not known here", quoted(text)), help);
}

fn wrong_text(node: &Node, kind: &Kind) -> bool {
    !node.is_nothing() && node.text().is_some_and(|text| scalar::check(kind, text).is_err())
}

fn hide(value: &Node, shape: &Shape, report: &mut Report<'_>) {
    if shape.private {
        report.hide(value.place);
    }
}

fn wrong_type(node: &Node, kind: &Kind, report: &mut Report<'_>) {
    if holds_secret(kind) && node.text().is_some() && !node.is_nothing() {
        return wrong_place(node, report);
    }
    let message = format!("here is {}, but {} is wanted", node.what(), name(kind));
    let help = match kind {
        Kind::Object(shape) => format!("keys known here: {}", shape.keys().join(", ")),
        Kind::OneOf(choice) => format!("write a mapping that begins with one of: {}", {
            choice.shapes.iter().map(Shape::first_key).collect::<Vec<_>>().join(", ")
        }),
        Kind::List { .. } => "write items, each after a dash, or in brackets".to_owned(),
        Kind::Map { .. } => "write names and values: `NAME: value`".to_owned(),
        _ => "quote it if it was meant as text".to_owned(),
    };
    report.error("wrong-type", head(node), message, help);
}

fn holds_secret(kind: &Kind) -> bool {
    match kind {
        Kind::OneOf(choice) => choice.shapes.iter().any(|shape| shape.private),
        Kind::Object(shape) => shape.private,
        Kind::Secret => true,
        _ => false,
    }
}

/// Where a mapping or list is marked: at its first key, not over all its lines.
fn head(node: &Node) -> Place {
    match &node.data {
        Data::Map(entries) => entries.first().map_or(node.place, |(key, _)| key.place),
        _ => node.place,
    }
}

fn fits(node: &Node, kind: &Kind) -> bool {
    match &node.data {
        Data::Map(_) => matches!(kind, Kind::Object(_) | Kind::OneOf(_) | Kind::Map { .. }),
        Data::List(_) => matches!(kind, Kind::List { .. }),
        Data::Scalar { .. } => !matches!(kind, Kind::Object(_) | Kind::OneOf(_) | Kind::Map { .. } | Kind::List { .. }),
    }
}

/// How a message calls a value of this kind.
fn name(kind: &Kind) -> String {
    match kind {
        Kind::Name => "a name".into(),
        Kind::Variable => "the name of a variable".into(),
        Kind::Secret => "the name of a secret".into(),
        Kind::Path => "a relative path".into(),
        Kind::Expect => "a condition".into(),
        Kind::Span => "a length of time".into(),
        Kind::Size => "a size".into(),
        Kind::CountOrSpan { .. } => "a number or a length of time".into(),
        Kind::Bound => "a length of time or a share of the usual one".into(),
        Kind::Whole { .. } => "a whole number".into(),
        Kind::True => "`true`".into(),
        Kind::Word(words) => format!("one of {}", words.join(", ")),
        Kind::List { .. } => "a list".into(),
        Kind::Map { .. } => "a mapping".into(),
        Kind::Object(shape) => format!("a mapping ({})", shape.title),
        Kind::OneOf(choice) => format!("a mapping ({})", choice.title),
        Kind::Either(kinds) => kinds.iter().map(name).collect::<Vec<_>>().join(" or "),
        Kind::Many { of, .. } => format!("{} or a list", name(of)),
        _ => "a text".into(),
    }
}
