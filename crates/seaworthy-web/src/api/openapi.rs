//! The OpenAPI document (3.1), made from the declarations that the router is made from.
//!
//! This module must not add anything that a declaration does not say.

use axum::http::StatusCode;
use seaworthy_model::access::Action;
use serde_json::{Map, Value, json};

use super::declare::{Field, Gives, Kind, Need, Operation, ROOT, Shape};
use crate::door::Needs;

/// The whole document.
pub fn document(operations: &[Operation]) -> Value {
    let (mut paths, mut schemas) = (Map::new(), Map::new());
    schemas.insert("Problem".into(), problem());
    for one in operations {
        let path = paths.entry(one.path.to_owned()).or_insert_with(|| json!({}));
        path[one.method.as_str().to_lowercase()] = operation(one, &mut schemas);
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Seaworthy",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Everything that a page or a verb does. Errors are problem details (RFC 9457).",
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
        },
        "servers": [{ "url": ROOT }],
        "security": [{ "token": [] }],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": { "token": { "type": "http", "scheme": "bearer", "bearerFormat": "swt_…" } },
        },
    })
}

fn operation(one: &Operation, schemas: &mut Map<String, Value>) -> Value {
    let right = match one.needs {
        Needs::Right(action, about) => json!({ "action": action, "of": format!("{about:?}") }),
        Needs::Session(why) => json!({ "session": why }),
        Needs::Open(why) | Needs::Secret(why) => json!({ "none": why }),
    };
    let mut parameters: Vec<Value> = path_names(one.path).into_iter().map(path_parameter).collect();
    parameters.extend(one.query.iter().map(|field| query_parameter(field, schemas)));
    if one.writes() && matches!(one.gives, Gives::Json(..)) {
        let schema = json!({ "type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$" });
        let about = "The same key, the same answer: what is asked for is done once.";
        parameters.push(json!({ "name": "Idempotency-Key", "in": "header", "required": false, "description": about, "schema": schema }));
    }
    let mut made = json!({
        "operationId": one.id,
        "summary": one.about,
        "x-right": right,
        "parameters": parameters,
        "responses": responses(one, schemas),
    });
    if let Some(shape) = one.body {
        let required = shape.fields.iter().any(|field| field.need == Need::Must);
        let schema = reference(shape, schemas);
        made["requestBody"] = json!({ "required": required, "content": { "application/json": { "schema": schema } } });
    }
    made
}

fn responses(one: &Operation, schemas: &mut Map<String, Value>) -> Value {
    let problem = json!({ "description": "What cannot be done, and what to do next.", "content": { "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" } } } });
    let (status, content) = match one.gives {
        Gives::Json(status, shape) | Gives::Secret(status, shape) => {
            (status, json!({ "application/json": { "schema": reference(shape, schemas) } }))
        }
        Gives::Document => (StatusCode::OK, json!({ "application/json": { "schema": { "type": "object" } } })),
        Gives::Events => (StatusCode::OK, json!({ "text/event-stream": { "schema": { "type": "string" } } })),
        Gives::Text => (StatusCode::OK, json!({ "text/plain": { "schema": { "type": "string" } } })),
    };
    let mut all = json!({ status.as_str(): { "description": one.about, "content": content } });
    let reads = ["400", "401", "403", "404", "414", "429", "503"];
    let writes = ["408", "409", "412", "413", "415", "422"];
    for code in reads.iter().chain(writes.iter().filter(|_| one.writes())) {
        all[*code] = problem.clone();
    }
    if !one.writes() {
        all["304"] = json!({ "description": "It is what you have." });
    }
    all
}

/// `{name}` of a path, in order.
fn path_names(path: &str) -> Vec<&str> {
    path.split('{').skip(1).filter_map(|part| part.split_once('}')).map(|(name, _)| name).collect()
}

fn path_parameter(name: &str) -> Value {
    let schema = match name {
        "attempt" => json!({ "type": "integer", "minimum": 1, "maximum": 1_000_000 }),
        _ => json!({ "type": "string", "minLength": 1, "maxLength": 200 }),
    };
    json!({ "name": name, "in": "path", "required": true, "schema": schema })
}

fn query_parameter(field: &'static Field, schemas: &mut Map<String, Value>) -> Value {
    json!({
        "name": field.name, "in": "query", "required": field.need == Need::Must,
        "description": field.about, "schema": schema(&field.kind, schemas),
    })
}

fn reference(shape: &'static Shape, schemas: &mut Map<String, Value>) -> Value {
    if !schemas.contains_key(shape.name) {
        // Its place first: a shape may hold itself.
        schemas.insert(shape.name.into(), Value::Null);
        let mut properties = Map::new();
        for field in shape.fields {
            let mut value = schema(&field.kind, schemas);
            if field.need == Need::Null {
                value = json!({ "anyOf": [value, { "type": "null" }] });
            }
            if !field.about.is_empty() {
                value["description"] = json!(field.about);
            }
            properties.insert(field.name.into(), value);
        }
        let named = |need: fn(Need) -> bool| -> Vec<&str> {
            shape.fields.iter().filter(|field| need(field.need)).map(|field| field.name).collect()
        };
        let object = json!({
            "type": "object", "properties": properties, "additionalProperties": false,
            "required": named(|need| need != Need::May),
        });
        schemas.insert(shape.name.into(), object);
    }
    json!({ "$ref": format!("#/components/schemas/{}", shape.name) })
}

/// Without control characters but tab and line feed.
fn text(max: usize) -> Value {
    json!({ "type": "string", "maxLength": max, "pattern": "^[^\u{0}-\u{8}\u{b}-\u{1f}\u{7f}-\u{9f}]*$" })
}

fn schema(kind: &'static Kind, schemas: &mut Map<String, Value>) -> Value {
    match kind {
        Kind::Text(max) => text(*max),
        Kind::Id(prefix) => json!({ "type": "string", "pattern": format!("^{prefix}_[0-9a-f]{{32}}$") }),
        Kind::Whole { min, max } => json!({ "type": "integer", "minimum": min, "maximum": max }),
        Kind::Number => json!({ "type": "number" }),
        Kind::Flag => json!({ "type": "boolean" }),
        Kind::Time => json!({ "type": "string", "format": "date-time" }),
        Kind::Span => json!({ "type": "string", "pattern": "^([0-9]{1,4}[smhd]){1,4}$", "examples": ["30d"] }),
        Kind::Word(words) => json!({ "type": "string", "enum": words }),
        Kind::List(of, max) => json!({ "type": "array", "items": schema(of, schemas), "maxItems": max }),
        Kind::Texts(max) => {
            json!({ "type": "object", "additionalProperties": text(*max) })
        }
        Kind::Object(shape) => reference(shape, schemas),
        Kind::Any => json!({}),
    }
}

/// RFC 9457, with what a refusal adds.
fn problem() -> Value {
    let text = || json!({ "type": "string" });
    json!({
        "type": "object",
        "properties": {
            "type": text(), "title": text(), "status": { "type": "integer" }, "detail": text(),
            "missing": { "type": "string", "enum": Action::WORDS, "description": "The right that is missing." },
            "why": text(),
            "grantors": { "type": "array", "items": text(), "description": "Who could give it." },
            "errors": { "type": "array", "items": { "type": "object", "properties": { "at": text(), "what": text() } } },
        },
        "required": ["type", "title", "status", "detail"],
    })
}
