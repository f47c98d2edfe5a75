//! The table as JSON Schema (2020-12), for editors.
//!
//! This module must not know how a file is read. It adds no rule of its own: what the table says, the schema says.

use serde_json::{Map, Value, json};

use crate::{
    scalar::NAME_CHARS_MAX,
    shape::{DOCUMENTS, Kind, Shape},
};

/// One schema for every document: the site file and the files under `ops/`.
pub fn schema() -> Value {
    let mut defs = Map::new();
    let documents: Vec<Value> = DOCUMENTS.iter().map(|document| reference(document.shape, &mut defs)).collect();
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Seaworthy: site file and process files",
        "oneOf": documents,
        "$defs": defs,
    })
}

fn reference(shape: &'static Shape, defs: &mut Map<String, Value>) -> Value {
    if !defs.contains_key(shape.name) {
        defs.insert(shape.name.into(), Value::Null);
        let object = object(shape, defs);
        defs.insert(shape.name.into(), object);
    }
    json!({ "$ref": format!("#/$defs/{}", shape.name) })
}

fn object(shape: &'static Shape, defs: &mut Map<String, Value>) -> Value {
    let mut properties = Map::new();
    for field in shape.fields {
        let mut value = value(&field.kind, defs);
        value["description"] = json!(field.about);
        properties.insert(field.key.into(), value);
    }
    let required: Vec<&str> = shape.fields.iter().filter(|field| field.required).map(|field| field.key).collect();
    let mut object = json!({
        "type": "object",
        "title": shape.title,
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    });
    if !shape.some_of.is_empty() {
        object["anyOf"] = shape.some_of.iter().map(|key| json!({ "required": [key] })).collect();
    }
    object
}

/// What an editor sees as a number or a truth value is text for us wherever text is wanted.
fn text(pattern: Option<&str>, examples: Value) -> Value {
    let mut value = json!({ "type": ["string", "number", "boolean"], "examples": examples });
    if let Some(pattern) = pattern {
        value["pattern"] = json!(pattern);
    }
    value
}

fn value(kind: &'static Kind, defs: &mut Map<String, Value>) -> Value {
    let span = r"^\s*([0-9.]+(ns|us|ms|s|m|h|d|w))+\s*$";
    let exact = |pattern: &str, example: &str| json!({ "type": "string", "pattern": pattern, "examples": [example] });
    match kind {
        Kind::Text => text(Some(r"\S"), json!(["text"])),
        Kind::Value => text(None, json!(["text"])),
        Kind::Name => {
            let pattern = format!(r"^[A-Za-z0-9][A-Za-z0-9._-]{{0,{}}}$", NAME_CHARS_MAX - 1);
            text(Some(&pattern), json!(["name"]))
        }
        Kind::Variable | Kind::Secret => exact("^[A-Za-z_][A-Za-z0-9_]*$", "NAME"),
        Kind::Path => text(Some("^[^/]"), json!(["folder/name"])),
        Kind::Expect => json!({ "type": "string", "pattern": r"\S", "examples": ["1 == 1"] }),
        Kind::Cron => json!({ "type": "string", "pattern": r"\S", "examples": ["0 1 * * *"] }),
        Kind::Calendar => json!({ "type": "string", "pattern": r"\S", "examples": ["Mon..Fri 02:30"] }),
        Kind::Days => json!({ "type": "string", "pattern": r"\S", "examples": ["12-25", "Sat..Sun"] }),
        Kind::Zone => json!({ "type": "string", "pattern": r"\S", "examples": ["Europe/Berlin"] }),
        Kind::Span => exact(span, "1h30m"),
        Kind::CountOrSpan { max } => {
            json!({ "anyOf": [{ "type": "integer", "minimum": 1, "maximum": max }, exact(span, "30d")] })
        }
        Kind::Size => exact(r"^[0-9.]+([kKMGT]B|[KMGT]iB|B)$", "20GiB"),
        Kind::Instant => exact("^[0-9]{4}-[0-9]{2}-[0-9]{2}", "2026-01-31T00:00:00Z"),
        Kind::Bound => exact(r"^\s*([0-9.]+\s*%\s*of\s+usual|([0-9.]+[a-z]+)+)\s*$", "20% of usual"),
        Kind::Backoff => exact(r"^\s*([0-9.]+[a-z]+)+\s*(\.\.\s*([0-9.]+[a-z]+)+\s*)?$", "1m..10m"),
        Kind::Overlap => exact(r"^(forbid|queue|queue\(\s*[0-9]+\s*\)|replace|allow)$", "queue(3)"),
        Kind::True => json!({ "const": true }),
        Kind::Whole { min, max } => json!({ "type": "integer", "minimum": min, "maximum": max }),
        Kind::Word(words) => json!({ "enum": words }),
        Kind::List { of, max } => {
            json!({ "type": "array", "items": value(of, defs), "minItems": 1, "maxItems": max })
        }
        Kind::Many { of, max } => {
            let one = value(of, defs);
            let list = json!({ "type": "array", "items": one, "minItems": 1, "maxItems": max });
            json!({ "anyOf": [one, list] })
        }
        Kind::Map { key, of, max } => json!({
            "type": "object",
            "propertyNames": value(key, defs),
            "additionalProperties": value(of, defs),
            "maxProperties": max,
        }),
        Kind::Object(shape) => reference(shape, defs),
        Kind::OneOf(choice) => {
            let shapes: Vec<Value> = choice.shapes.iter().map(|shape| reference(shape, defs)).collect();
            json!({ "oneOf": shapes })
        }
        Kind::Either(kinds) => {
            let kinds: Vec<Value> = kinds.iter().map(|kind| value(kind, defs)).collect();
            json!({ "anyOf": kinds })
        }
    }
}
