//! The JSON Schema and the parser say the same: each key of each object, and nothing else.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::{
    BACKUP, SITE, source,
    validator::{resolve, wrong},
};
use seaworthy_spec::{Read, Severity, branch, read, schema};

/// Codes that say that the parser does not accept the form of a document; others are about its sense.
const OF_FORM: [&str; 8] =
    ["unknown-key", "wrong-type", "missing-key", "wrong-value", "two-kinds", "not-built", "too-many", "literal-secret"];

/// A value that the schema accepts; of alternatives the first. Objects get only what they must have.
fn sample(root: &Value, schema: &Value) -> Value {
    if let Some(reference) = schema.get("$ref") {
        return sample(root, resolve(root, reference));
    }
    for keyword in ["oneOf", "enum", "examples"] {
        if let Some(first) = schema.get(keyword).and_then(|list| list.get(0)) {
            return if keyword == "oneOf" { sample(root, first) } else { first.clone() };
        }
    }
    if let Some(constant) = schema.get("const") {
        return constant.clone();
    }
    match schema.get("type").and_then(Value::as_str) {
        Some("object") => object(root, schema),
        Some("array") => json!([sample(root, &schema["items"])]),
        Some("integer") => schema["minimum"].clone(),
        _ => sample(root, &schema["anyOf"][0]),
    }
}

fn object(root: &Value, schema: &Value) -> Value {
    let mut out = Map::new();
    let Some(properties) = schema.get("properties") else {
        let name = sample(root, &schema["propertyNames"]);
        out.insert(name.as_str().expect("names are texts").into(), sample(root, &schema["additionalProperties"]));
        return Value::Object(out);
    };
    let any = schema.get("anyOf").and_then(|any| any[0]["required"].as_array()).cloned().unwrap_or_default();
    for key in schema["required"].as_array().expect("a list").iter().chain(&any) {
        let key = key.as_str().expect("keys are texts");
        out.insert(key.into(), sample(root, &properties[key]));
    }
    Value::Object(out)
}

/// Every way to put `value` (at `schema`) into a document: each alternative and each property once, with the names of
/// the objects met. `place` puts a value at this point into a whole document.
struct Walk<'s> {
    root: &'s Value,
    seen: BTreeSet<String>,
    documents: usize,
}

impl Walk<'_> {
    fn walk(&mut self, schema: &Value, name: &str, place: &dyn Fn(Value) -> Value) {
        if let Some(reference) = schema.get("$ref") {
            let name = reference.as_str().expect("a text").to_owned();
            if self.seen.insert(name.clone()) {
                self.walk(resolve(self.root, reference), &name, place);
            }
            return;
        }
        let properties = schema.get("properties").and_then(Value::as_object);
        for alternative in ["oneOf", "anyOf"].iter().filter_map(|keyword| schema.get(keyword)?.as_array()).flatten() {
            if properties.is_none() {
                self.accepted(&place(sample(self.root, alternative)), name);
                self.walk(alternative, name, place);
            }
        }
        if let Some(items) = schema.get("items") {
            self.walk(items, name, &|value| place(json!([value])));
        }
        if let Some(values) = schema.get("additionalProperties").filter(|rule| rule.is_object()) {
            self.walk(values, name, &|value| place(json!({ "NAME": value })));
        }
        if let Some(properties) = properties {
            let least = object(self.root, schema);
            for (key, property) in properties {
                let put = |value: Value| {
                    let mut whole = least.clone();
                    whole[key] = value;
                    place(whole)
                };
                self.accepted(&put(sample(self.root, property)), name);
                self.walk(property, key, &put);
            }
            let mut extra = least.clone();
            extra["zzz-unknown"] = json!("x");
            self.refused(&place(extra), name);
            for key in schema["required"].as_array().expect("a list").iter().filter_map(Value::as_str) {
                let mut less = least.clone();
                less.as_object_mut().expect("an object").remove(key);
                self.refused(&place(less), &format!("{name} without {key}"));
            }
        }
    }

    fn accepted(&mut self, document: &Value, name: &str) {
        self.documents += 1;
        assert_eq!(wrong(self.root, self.root, document, ""), None, "{name}: schema refuses {document}");
        assert_eq!(form(document), Vec::<String>::new(), "{name}: parser refuses {document}");
    }

    fn refused(&mut self, document: &Value, name: &str) {
        self.documents += 1;
        assert!(wrong(self.root, self.root, document, "").is_some(), "{name}: schema accepts {document}");
        assert_ne!(form(document), Vec::<String>::new(), "{name}: parser accepts {document}");
    }
}

/// JSON is YAML: the parser's errors of form about a document, its kind's key put first.
fn form(document: &Value) -> Vec<String> {
    let object = document.as_object().expect("a document is an object");
    let first = ["site", "process", "config"].into_iter().find(|key| object.contains_key(*key));
    let mut keys: Vec<&str> = object.keys().map(String::as_str).collect();
    keys.sort_by_key(|key| Some(*key) != first);
    let pairs: Vec<String> = keys.iter().map(|key| format!("{}: {}", json!(key), object[*key])).collect();
    let text = format!("{{ {} }}\n", pairs.join(", "));
    let read = match first {
        Some("process") => read(&source("seaworthy.yaml", SITE), &[source("it", &text)], &|_| true),
        Some("config") => {
            let (_, diagnostics) = branch(&source("it", &text)).expect("it begins with its kind");
            Read { site: None, processes: vec![], diagnostics }
        }
        _ => read(&source("it", &text), &[], &|_| true),
    };
    let errors = read.diagnostics.iter().filter(|d| d.severity == Severity::Error && d.file == "it");
    errors.filter(|d| OF_FORM.contains(&d.code)).map(|d| d.render(false)).collect()
}

#[test]
fn every_key_of_the_schema_is_accepted_and_every_other_refused_by_both() {
    let root = schema();
    let mut walk = Walk { root: &root, seen: BTreeSet::new(), documents: 0 };
    for document in root["oneOf"].as_array().expect("a list") {
        walk.walk(document, "document", &|value| value);
    }
    let defined: BTreeSet<String> =
        root["$defs"].as_object().expect("an object").keys().map(|name| format!("#/$defs/{name}")).collect();
    assert_eq!(walk.seen, defined, "every object was reached");
    assert!(walk.documents > 150, "{} documents", walk.documents);
}

#[test]
fn the_files_of_the_design_page_are_valid() {
    let root = schema();
    for text in [SITE, BACKUP] {
        assert_eq!(wrong(&root, &root, &json_of(text), ""), None);
    }
}

#[test]
fn the_schema_refuses_what_the_parser_refuses() {
    let root = schema();
    for text in [
        "process: it\ntier: D\n",
        "process: it\nkeep: 0\n",
        "process: it\nsteps: []\n",
        "process: it\nwatch: {}\n",
        "process: ''\n",
    ] {
        let document = json_of(text);
        assert!(wrong(&root, &root, &document, "").is_some() && !form(&document).is_empty(), "{text}");
    }
}

/// YAML as an editor sees it.
fn json_of(text: &str) -> Value {
    use saphyr_parser::{Event, Parser, ScalarStyle};
    let mut open: Vec<(Value, Option<String>)> = vec![(json!([]), None)];
    for event in Parser::new_from_str(text) {
        let done = match event.expect("the text is YAML").0 {
            Event::Scalar(text, ScalarStyle::Plain, ..) => serde_json::from_str(&text).ok().or(Some(json!(text))),
            Event::Scalar(text, ..) => Some(json!(text)),
            Event::SequenceStart(..) => {
                open.push((json!([]), None));
                None
            }
            Event::MappingStart(..) => {
                open.push((json!({}), None));
                None
            }
            Event::SequenceEnd | Event::MappingEnd => open.pop().map(|(value, _)| value),
            _ => None,
        };
        let (Some(value), Some((parent, key))) = (done, open.last_mut()) else { continue };
        match (parent, key.take()) {
            (Value::Array(items), _) => items.push(value),
            (Value::Object(object), Some(name)) => {
                object.insert(name, value);
            }
            (_, _) => *key = value.as_str().map(str::to_owned),
        }
    }
    open.remove(0).0[0].take()
}
