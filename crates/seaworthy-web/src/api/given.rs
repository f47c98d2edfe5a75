//! What a request gives, held against what its operation declares. What is not declared is refused, not overlooked.
//!
//! This module must not know any single operation.

use serde_json::{Map, Value};

use super::declare::{Field, Kind, Need, Shape};
use seaworthy_model::time::Span;

/// Problems of one request that are told.
const TOLD_MAX: usize = 10;
/// Entries of an object with names of the caller's choice.
const NAMES_MAX: usize = 200;

/// One thing that is wrong, and where: a pointer into the body (`/label`), or `?name` for a parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    pub at: String,
    pub what: String,
}

/// Everything that is wrong with an object.
pub fn object(shape: &Shape, given: &Map<String, Value>) -> Vec<Wrong> {
    let mut wrong = Vec::new();
    fields(shape.fields, given, "", &mut wrong);
    wrong.truncate(TOLD_MAX);
    wrong
}

fn fields(known: &[Field], given: &Map<String, Value>, at: &str, wrong: &mut Vec<Wrong>) {
    for field in known {
        let at = format!("{at}/{}", field.name);
        match given.get(field.name) {
            None | Some(Value::Null) if field.need == Need::Must => tell(wrong, &at, "is missing"),
            None => {}
            Some(Value::Null) if field.need == Need::Null => {}
            Some(value) => check(&field.kind, value, &at, wrong),
        }
    }
    for name in given.keys().filter(|name| !known.iter().any(|field| field.name == *name)) {
        let names: Vec<&str> = known.iter().map(|field| field.name).collect();
        let told: String = name.chars().filter(|c| !c.is_control()).take(40).collect();
        tell(wrong, &format!("{at}/{told}"), &format!("is not known here; there are: {}", names.join(", ")));
    }
}

fn tell(wrong: &mut Vec<Wrong>, at: &str, what: &str) {
    wrong.push(Wrong { at: at.to_owned(), what: what.to_owned() });
}

/// Tells what is wrong with a value.
pub fn check(kind: &Kind, value: &Value, at: &str, wrong: &mut Vec<Wrong>) {
    let mut say = |what: String| tell(wrong, at, &what);
    match (kind, value) {
        (Kind::Any, _) | (Kind::Flag, Value::Bool(_)) | (Kind::Number, Value::Number(_)) => {}
        (Kind::Text(max), Value::String(text)) => {
            if text.chars().count() > *max {
                say(format!("is longer than {max} characters"));
            } else if text.chars().any(|c| c.is_control() && c != '\n' && c != '\t') {
                say("holds a control character".to_owned());
            }
        }
        (Kind::Id(prefix), Value::String(text)) => {
            let digits = text.strip_prefix(prefix).and_then(|rest| rest.strip_prefix('_'));
            let good = digits.is_some_and(|d| d.len() == 32 && d.bytes().all(|b| b.is_ascii_hexdigit()));
            if !good {
                say(format!("is not an id of the form {prefix}_<32 hex digits>"));
            }
        }
        (Kind::Whole { min, max }, Value::Number(number)) => {
            if !number.as_u64().is_some_and(|n| (*min..=*max).contains(&n)) {
                say(format!("is not a whole number from {min} to {max}"));
            }
        }
        (Kind::Span, Value::String(text)) => {
            if let Err(why) = Span::parse(text) {
                say(why);
            }
        }
        (Kind::Time, Value::String(text)) => {
            if seaworthy_core::schedule::parse_time(text).is_err() {
                say("is not a time such as 2026-01-31T06:00:00Z".to_owned());
            }
        }
        (Kind::Word(words), Value::String(text)) => {
            if !words.contains(&text.as_str()) {
                say(format!("is none of: {}", words.join(", ")));
            }
        }
        (Kind::List(of, max), Value::Array(items)) => {
            if items.len() > *max {
                say(format!("has more than {max} items"));
            }
            for (n, item) in items.iter().take(*max).enumerate() {
                check(of, item, &format!("{at}/{n}"), wrong);
            }
        }
        (Kind::Texts(max), Value::Object(entries)) => {
            if entries.len() > NAMES_MAX {
                say(format!("has more than {NAMES_MAX} entries"));
            }
            for (name, value) in entries.iter().take(NAMES_MAX) {
                check(&Kind::Text(*max), value, &format!("{at}/{name}"), wrong);
            }
        }
        (Kind::Object(shape), Value::Object(entries)) => fields(shape.fields, entries, at, wrong),
        _ => say(format!("is not {}", what(kind))),
    }
}

fn what(kind: &Kind) -> &'static str {
    match kind {
        Kind::Text(_) | Kind::Id(_) | Kind::Span | Kind::Time | Kind::Word(_) => "a text",
        Kind::Whole { .. } | Kind::Number => "a number",
        Kind::Flag => "true or false",
        Kind::List(..) => "a list",
        Kind::Texts(_) | Kind::Object(_) => "an object",
        Kind::Any => "anything",
    }
}

/// The parameters of an address as values of their kinds.
///
/// # Errors
/// What is wrong with them.
pub fn query(known: &[Field], text: &str) -> Result<Map<String, Value>, Vec<Wrong>> {
    let (mut given, mut wrong) = (Map::new(), Vec::new());
    for (name, text) in pairs(text) {
        let at = format!("?{}", name.chars().filter(|c| !c.is_control()).take(40).collect::<String>());
        let Some(field) = known.iter().find(|field| field.name == name) else {
            let names: Vec<&str> = known.iter().map(|field| field.name).collect();
            tell(&mut wrong, &at, &format!("is not known here; there are: {}", names.join(", ")));
            continue;
        };
        let value = match field.kind {
            Kind::Whole { .. } => text.parse::<u64>().map_or(Value::String(text), Value::from),
            Kind::Flag if text == "true" || text == "false" => Value::Bool(text == "true"),
            _ => Value::String(text),
        };
        check(&field.kind, &value, &at, &mut wrong);
        if given.insert(name, value).is_some() {
            tell(&mut wrong, &at, "is given twice");
        }
    }
    for field in known.iter().filter(|field| field.need == Need::Must && !given.contains_key(field.name)) {
        tell(&mut wrong, &format!("?{}", field.name), "is missing");
    }
    if wrong.is_empty() { Ok(given) } else { Err(wrong) }
}

/// `a=b&c=d`, decoded. What is no text becomes a replacement mark, which no kind but a text takes.
fn pairs(text: &str) -> Vec<(String, String)> {
    let plain = |part: &str| decode(&part.replace('+', " "));
    let both = |pair: &str| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (plain(name), plain(value))
    };
    text.split('&').filter(|pair| !pair.is_empty()).map(both).collect()
}

fn decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let (mut out, mut at) = (Vec::with_capacity(bytes.len()), 0);
    while at < bytes.len() {
        let hex = bytes.get(at + 1..at + 3).and_then(|two| std::str::from_utf8(two).ok());
        match hex.filter(|_| bytes[at] == b'%').and_then(|two| u8::from_str_radix(two, 16).ok()) {
            Some(byte) => {
                out.push(byte);
                at += 3;
            }
            None => {
                out.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::declare::{may, must};
    use serde_json::json;

    static SHAPE: Shape = Shape {
        name: "Test",
        fields: &[must("label", Kind::Text(5), ""), may("n", Kind::Whole { min: 1, max: 9 }, "")],
    };

    fn said(value: Value) -> Vec<String> {
        let wrong = object(&SHAPE, value.as_object().expect("an object"));
        wrong.into_iter().map(|wrong| format!("{} {}", wrong.at, wrong.what)).collect()
    }

    #[test]
    fn what_is_not_declared_is_told_at_its_place() {
        assert_eq!(said(json!({ "label": "a", "n": 9 })), Vec::<String>::new());
        assert_eq!(said(json!({ "n": 0 })), ["/label is missing", "/n is not a whole number from 1 to 9"]);
        assert_eq!(said(json!({ "label": "toolong" })), ["/label is longer than 5 characters"]);
        assert_eq!(said(json!({ "label": "a\u{0}" })), ["/label holds a control character"]);
        assert_eq!(said(json!({ "label": "a", "x": 1 })), ["/x is not known here; there are: label, n"]);
        assert_eq!(said(json!({ "label": ["a"], "n": "1" })), ["/label is not a text", "/n is not a number"]);
    }

    #[test]
    fn parameters_are_read_as_what_they_are() {
        let read = |text| query(SHAPE.fields, text).map_err(|all| all[0].what.clone());
        assert_eq!(read("label=a+b%21&n=3"), Ok(json!({ "label": "a b!", "n": 3 }).as_object().expect("one").clone()));
        assert_eq!(read("label=a&label=b"), Err("is given twice".to_owned()));
        assert_eq!(read("label=a&n=-1"), Err("is not a number".to_owned()));
        assert_eq!(read("n=1"), Err("is missing".to_owned()));
        assert_eq!(decode("%zz%e2%82%ac%"), "%zz€%");
    }
}
