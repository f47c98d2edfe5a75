//! Values that a run is given: from text to the declared form, or a sentence about what is wrong and what to write.
//!
//! The same reading serves files (defaults), requests and what a step hands on. This module must not know where a text
//! comes from.

use std::collections::BTreeMap;

use regex_lite::RegexBuilder;
use seaworthy_model::{
    input::{Form, GIVEN_BYTES_MAX, Input},
    time::Span,
    value::{Facts, Value},
};

use crate::expect::{PATTERN_BYTES_MAX, size};

/// Most items of one list.
pub const ITEMS_MAX: usize = 1_000;

/// Reads one value. Texts of a list stand on lines or between commas, or are a JSON list of texts.
///
/// # Errors
/// What is wrong with it; never more than the beginning of the text itself.
pub fn read(form: &Form, text: &str) -> Result<Value, String> {
    match form {
        Form::Text { .. } | Form::Choice { .. } if text.len() > GIVEN_BYTES_MAX => {
            Err(format!("it has {} bytes, {GIVEN_BYTES_MAX} are the limit", text.len()))
        }
        Form::Text { pattern } => match pattern {
            Some(pattern) if !whole(pattern)?.is_match(text) => {
                Err(format!("`{}` does not match {pattern}", shown(text)))
            }
            _ => Ok(Value::Text(text.to_owned())),
        },
        Form::Choice { of } if of.iter().any(|word| word == text) => Ok(Value::Text(text.to_owned())),
        Form::Choice { of } => Err(format!("`{}` is not one of {}", shown(text), of.join(", "))),
        Form::Bool => match text.trim() {
            "true" => Ok(Value::Bool(true)),
            "false" => Ok(Value::Bool(false)),
            _ => Err(format!("`{}` is neither true nor false", shown(text))),
        },
        Form::Whole { min, max } => {
            let wrong = |_| format!("`{}` is not a whole number; write digits only", shown(text));
            let number: i64 = text.trim().parse().map_err(wrong)?;
            bounded(number, *min, *max, text)?;
            Ok(Value::Int(number))
        }
        Form::Number { min, max } => {
            let number = text.trim().parse::<f64>().ok().filter(|number| number.is_finite());
            let number = number.ok_or_else(|| format!("`{}` is not a number; write it as 12.5", shown(text)))?;
            bounded(number, *min, *max, text)?;
            Ok(Value::Decimal(number))
        }
        Form::Duration { min, max } => {
            let span = Span::parse(text)?;
            bounded(span, *min, *max, text)?;
            Ok(Value::Duration(i64::try_from(span.0).unwrap_or(i64::MAX)))
        }
        Form::Size { min, max } => {
            let bytes = size(text.trim()).map_err(|(message, help)| format!("{message}; {help}"))?;
            bounded(bytes, *min, *max, text)?;
            Ok(Value::Int(i64::try_from(bytes).unwrap_or(i64::MAX)))
        }
        Form::List => list(text),
    }
}

fn list(text: &str) -> Result<Value, String> {
    let text = text.trim();
    let items: Vec<String> = if text.starts_with('[') {
        serde_json::from_str(text).map_err(|e| format!("it begins like a JSON list and is none of texts ({e})"))?
    } else {
        text.split([',', '\n']).map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect()
    };
    if items.len() > ITEMS_MAX {
        return Err(format!("it has {} items, {ITEMS_MAX} are the limit", items.len()));
    }
    if let Some(long) = items.iter().find(|item| item.len() > GIVEN_BYTES_MAX) {
        return Err(format!("the item `{}` is longer than {GIVEN_BYTES_MAX} bytes", shown(long)));
    }
    Ok(Value::List(items.into_iter().map(Value::Text).collect()))
}

/// A pattern that is to describe all of a text.
///
/// # Errors
/// Why it cannot be used.
pub fn whole(pattern: &str) -> Result<regex_lite::Regex, String> {
    let all = format!("^(?:{pattern})$");
    let made = RegexBuilder::new(&all).size_limit(PATTERN_BYTES_MAX).build();
    made.map_err(|e| format!("`{}` is no pattern that can be used ({e})", shown(pattern)))
}

fn bounded<T: PartialOrd + Bound>(value: T, min: Option<T>, max: Option<T>, text: &str) -> Result<(), String> {
    if let Some(min) = min.filter(|min| value < *min) {
        return Err(format!("`{}` is less than {}", shown(text), min.show()));
    }
    if let Some(max) = max.filter(|max| value > *max) {
        return Err(format!("`{}` is more than {}", shown(text), max.show()));
    }
    Ok(())
}

/// How a bound is written in a sentence.
trait Bound {
    fn show(&self) -> String;
}

macro_rules! bound {
    ($($kind:ty),*) => { $(impl Bound for $kind { fn show(&self) -> String { self.to_string() } })* };
}
bound!(i64, f64, u64, Span);

/// The beginning of a text, for a sentence.
fn shown(text: &str) -> String {
    let plain: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(60).collect();
    if plain.len() < text.len() { format!("{plain}…") } else { plain }
}

/// All that a run is given: what was said, read, and defaults for the rest.
///
/// # Errors
/// One sentence that tells everything that is wrong.
pub fn given(declared: &[Input], said: &BTreeMap<String, String>) -> Result<Facts, String> {
    let mut wrong = Vec::new();
    let known = || declared.iter().map(|input| input.name.as_str()).collect::<Vec<_>>().join(", ");
    for name in said.keys().filter(|name| !declared.iter().any(|input| input.name == **name)) {
        wrong.push(match declared.is_empty() {
            true => format!("there is no input `{}`: this process has none", shown(name)),
            false => format!("there is no input `{}`; there are: {}", shown(name), known()),
        });
    }
    let mut facts = Facts::new();
    for input in declared {
        let name = &input.name;
        match (said.get(name), &input.default) {
            (Some(text), _) => match read(&input.form, text) {
                Ok(value) => drop(facts.insert(name.clone(), value)),
                Err(why) => wrong.push(format!("input `{name}`: {why}")),
            },
            (None, Some(value)) => drop(facts.insert(name.clone(), value.clone())),
            (None, None) => {
                let word = input.form.word();
                wrong
                    .push(format!("input `{name}` ({word}) is not given and has no default: add --input {name}=VALUE"));
            }
        }
    }
    if wrong.is_empty() { Ok(facts) } else { Err(wrong.join("; ")) }
}

/// What a step hands on: a JSON object, or lines `name=value`, as it declares.
///
/// # Errors
/// One sentence that tells everything that is wrong.
pub fn handed(declared: &BTreeMap<String, Form>, text: &str) -> Result<Facts, String> {
    let said = said(text)?;
    let mut wrong = Vec::new();
    for name in said.keys().filter(|name| !declared.contains_key(*name)) {
        wrong.push(format!("`{}` is not declared; declare it under `outputs:`", shown(name)));
    }
    let mut facts = Facts::new();
    for (name, form) in declared {
        match said.get(name).map(|text| read(form, text)) {
            Some(Ok(value)) => drop(facts.insert(name.clone(), value)),
            Some(Err(why)) => wrong.push(format!("`{name}`: {why}")),
            None => wrong.push(format!("`{name}` is missing: write a line {name}=VALUE to the file $OUTPUTS")),
        }
    }
    if wrong.is_empty() { Ok(facts) } else { Err(format!("its outputs are not as declared: {}", wrong.join("; "))) }
}

fn said(text: &str) -> Result<BTreeMap<String, String>, String> {
    if text.trim_start().starts_with('{') {
        let json: BTreeMap<String, serde_json::Value> = serde_json::from_str(text)
            .map_err(|e| format!("its outputs begin like a JSON object and are none ({e}); write name=value lines"))?;
        let plain = |value| match value {
            serde_json::Value::String(text) => text,
            other => other.to_string(),
        };
        return Ok(json.into_iter().map(|(name, value)| (name, plain(value))).collect());
    }
    let mut said = BTreeMap::new();
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let Some((name, value)) = line.split_once('=') else {
            return Err(format!("its outputs have the line `{}`; write name=value", shown(line)));
        };
        said.insert(name.trim().to_owned(), value.to_owned());
    }
    Ok(said)
}

/// How a command sees a value: lengths of time in seconds, sizes in bytes, a list one item a line.
pub fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::Bool(yes) => yes.to_string(),
        Value::Int(n) => n.to_string(),
        Value::Decimal(n) => n.to_string(),
        Value::Text(text) => text.clone(),
        Value::Duration(nanos) if nanos % 1_000_000_000 == 0 => (nanos / 1_000_000_000).to_string(),
        Value::Duration(nanos) => (*nanos as f64 / 1e9).to_string(),
        Value::List(items) => items.iter().map(plain).collect::<Vec<_>>().join("\n"),
        Value::Map(map) => map.iter().map(|(k, v)| format!("{k}={}", plain(v))).collect::<Vec<_>>().join("\n"),
    }
}

/// Values as they would be said again.
pub fn written(values: &Facts) -> BTreeMap<String, String> {
    let text = |value: &Value| match value {
        Value::Duration(nanos) => format!("{nanos}ns"),
        Value::List(items) => serde_json::Value::from(items.iter().map(plain).collect::<Vec<_>>()).to_string(),
        other => plain(other),
    };
    values.iter().map(|(name, value)| (name.clone(), text(value))).collect()
}

/// Environment of every command of a run: `INPUT_NAME`.
pub fn variables(inputs: &Facts) -> impl Iterator<Item = (String, String)> {
    inputs.iter().map(|(name, value)| (variable("INPUT", name), plain(value)))
}

/// `INPUT_DAYS`, `OUTPUT_LIST_TABLES_COUNT`: letters, digits and `_` only.
pub fn variable(prefix: &str, name: &str) -> String {
    let plain = name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' });
    format!("{prefix}_{}", plain.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(form: &Form, text: &str, expected: &str) {
        let said = match read(form, text) {
            Ok(value) => plain(&value),
            Err(why) => why,
        };
        assert_eq!(said, expected, "{text:?}");
    }

    #[test]
    fn a_value_is_read_as_its_form_says_or_refused_with_what_to_write() {
        let whole = Form::Whole { min: Some(1), max: Some(30) };
        check(&whole, " 7 ", "7");
        check(&whole, "31", "`31` is more than 30");
        check(&whole, "seven", "`seven` is not a whole number; write digits only");
        check(&Form::Bool, "yes", "`yes` is neither true nor false");
        check(&Form::Choice { of: vec!["a".into(), "b".into()] }, "c", "`c` is not one of a, b");
        let time = Form::Duration { min: None, max: Some(Span::seconds(3600)) };
        check(&time, "90m", "`90m` is more than 1h");
        check(&time, "1m30s", "90");
        check(&Form::Size { min: Some(1024), max: None }, "2KiB", "2048");
        check(&Form::Size { min: Some(1024), max: None }, "512", "`512` is less than 1024");
        check(&Form::Size { min: None, max: None }, "5m", "`5m` is a length of time; write a size, such as 10MiB");
        check(&Form::Number { min: None, max: None }, "NaN", "`NaN` is not a number; write it as 12.5");
        check(&Form::Text { pattern: Some("[a-z]+".into()) }, "ab1", "`ab1` does not match [a-z]+");
        check(&Form::Text { pattern: None }, &"x".repeat(5000), "it has 5000 bytes, 4096 are the limit");
        check(&Form::List, "a, b\nc", "a\nb\nc");
        check(&Form::List, r#"["a,b", "c"]"#, "a,b\nc");
        check(&Form::List, &"x,".repeat(1001), "it has 1001 items, 1000 are the limit");
    }

    #[test]
    fn what_a_step_hands_on_is_what_it_declares_or_nothing() {
        let whole = Form::Whole { min: None, max: None };
        let declared = BTreeMap::from([("count".to_owned(), whole), ("names".to_owned(), Form::List)]);
        let good = |text: &str| handed(&declared, text).map(|facts| variables(&facts).collect::<Vec<_>>());
        let expected = vec![("INPUT_COUNT".into(), "2".into()), ("INPUT_NAMES".into(), "a\nb".into())];
        assert_eq!(good("count=2\n\nnames=a,b\n"), Ok(expected.clone()));
        assert_eq!(good(r#" {"count": 2, "names": ["a", "b"]}"#), Ok(expected));
        assert_eq!(
            good("count=two\nmore=1\n").unwrap_err(),
            "its outputs are not as declared: `more` is not declared; declare it under `outputs:`; `count`: `two` is not a \
             whole number; write digits only; `names` is missing: write a line names=VALUE to the file $OUTPUTS"
        );
        assert!(good("count\n").unwrap_err().contains("the line `count`"));
        assert!(good("{count: 2}").unwrap_err().contains("JSON object"));
    }

    #[test]
    fn everything_that_is_wrong_with_a_request_is_told_at_once() {
        let input = |name: &str, form, default| Input { name: name.into(), about: None, form, default };
        let declared = [
            input("days", Form::Whole { min: Some(1), max: None }, Some(Value::Int(7))),
            input("target", Form::Text { pattern: None }, None),
        ];
        let said = |pairs: &[(&str, &str)]| pairs.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect();
        let good = given(&declared, &said(&[("target", "staging")])).unwrap();
        let env: Vec<_> = variables(&good).collect();
        assert_eq!(env, [("INPUT_DAYS".into(), "7".into()), ("INPUT_TARGET".into(), "staging".into())]);
        assert_eq!(
            given(&declared, &said(&[("days", "0"), ("tage", "1")])).unwrap_err(),
            "there is no input `tage`; there are: days, target; input `days`: `0` is less than 1; \
             input `target` (text) is not given and has no default: add --input target=VALUE"
        );
    }
}
