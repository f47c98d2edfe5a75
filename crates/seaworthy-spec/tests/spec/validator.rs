//! A judge of JSON against the part of JSON Schema that `schema()` uses; any other keyword makes it panic.

use serde_json::{Map, Value};

/// The first thing that is wrong, with its path; `None` if `value` is valid.
pub fn wrong(root: &Value, schema: &Value, value: &Value, path: &str) -> Option<String> {
    let no = |what: &str| Some(format!("{path}: {what}"));
    for (keyword, rule) in schema.as_object().expect("a schema is an object") {
        let found = match keyword.as_str() {
            "$schema" | "$defs" | "title" | "description" | "examples" => None,
            "$ref" => wrong(root, resolve(root, rule), value, path),
            "oneOf" | "anyOf" => {
                let all = rule.as_array().expect("a list");
                let good = all.iter().filter(|one| wrong(root, one, value, path).is_none()).count();
                let fits = if keyword == "oneOf" { good == 1 } else { good > 0 };
                if fits { None } else { no(&format!("{good} of {} alternatives fit", all.len())) }
            }
            "type" => {
                if has_type(rule, value) {
                    None
                } else {
                    no(&format!("is not {rule}"))
                }
            }
            "const" => {
                if value == rule {
                    None
                } else {
                    no("is another constant")
                }
            }
            "enum" => {
                if rule.as_array().expect("a list").contains(value) {
                    None
                } else {
                    no("is none of the words")
                }
            }
            "pattern" => match value.as_str() {
                Some(text) if !matches(rule.as_str().expect("a text"), text) => no("does not match"),
                _ => None,
            },
            "minimum" | "minItems" if count(value, keyword).is_some_and(|n| Some(n) < rule.as_u64()) => {
                no("is too small")
            }
            "maximum" | "maxItems" | "maxProperties"
                if count(value, keyword).is_some_and(|n| Some(n) > rule.as_u64()) =>
            {
                no("is too large")
            }
            "minimum" | "minItems" | "maximum" | "maxItems" | "maxProperties" => None,
            "items" => value.as_array().and_then(|items| {
                items.iter().enumerate().find_map(|(at, item)| wrong(root, rule, item, &format!("{path}/{at}")))
            }),
            "required" | "properties" | "propertyNames" | "additionalProperties" => {
                value.as_object().and_then(|object| wrong_object(root, schema, keyword, object, path))
            }
            other => panic!("the schema uses `{other}`, which this judge does not know"),
        };
        if found.is_some() {
            return found;
        }
    }
    None
}

fn wrong_object(
    root: &Value,
    schema: &Value,
    keyword: &str,
    object: &Map<String, Value>,
    path: &str,
) -> Option<String> {
    let rule = &schema[keyword];
    let inner = |rule: &Value, key: &str, item: &Value| wrong(root, rule, item, &format!("{path}/{key}"));
    let known = schema.get("properties");
    let mut other = object.iter().filter(|(key, _)| known.is_none_or(|known| known.get(key).is_none()));
    match (keyword, rule) {
        ("required", rule) => {
            let mut keys = rule.as_array().expect("a list").iter().filter_map(Value::as_str);
            keys.find(|key| !object.contains_key(*key)).map(|key| format!("{path}: lacks {key}"))
        }
        ("properties", rule) => object.iter().find_map(|(key, item)| inner(rule.get(key)?, key, item)),
        ("propertyNames", rule) => object.keys().find_map(|key| inner(rule, key, &Value::from(key.as_str()))),
        (_, Value::Bool(false)) => other.next().map(|(key, _)| format!("{path}: does not know {key}")),
        (_, rule) => other.find_map(|(key, item)| inner(rule, key, item)),
    }
}

/// What a `$ref` names.
pub fn resolve<'s>(root: &'s Value, reference: &Value) -> &'s Value {
    let path = reference.as_str().and_then(|text| text.strip_prefix('#')).expect("a reference into this schema");
    root.pointer(path).unwrap_or_else(|| panic!("{path} is not defined"))
}

/// What a limit counts in this value.
fn count(value: &Value, keyword: &str) -> Option<u64> {
    match (value, keyword) {
        (Value::Array(items), "minItems" | "maxItems") => Some(items.len() as u64),
        (Value::Object(object), "maxProperties") => Some(object.len() as u64),
        (Value::Number(number), "minimum" | "maximum") => number.as_u64(),
        _ => None,
    }
}

fn has_type(rule: &Value, value: &Value) -> bool {
    match rule {
        Value::Array(types) => types.iter().any(|one| has_type(one, value)),
        rule => match rule.as_str().expect("a type is a word") {
            "object" => value.is_object(),
            "array" => value.is_array(),
            "string" => value.is_string(),
            "boolean" => value.is_boolean(),
            "number" => value.is_number(),
            "integer" => value.is_u64() || value.is_i64(),
            other => panic!("type `{other}`"),
        },
    }
}

fn matches(pattern: &str, text: &str) -> bool {
    regex_lite::Regex::new(pattern).expect("a pattern of the schema").is_match(text)
}
