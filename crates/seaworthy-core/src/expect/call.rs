//! Functions and methods: one table row, one type rule and one meaning each.
//!
//! This module must not know operators or macros.

use seaworthy_model::time::Span;

use super::{
    LIST_MAX,
    check::Checker,
    eval::{Machine, Trouble},
    near::nearest,
    scope::Type,
    tree::{Call, Kind, Node},
    val::Val,
};

/// Methods as people call them.
const METHODS: [(&str, &str); 7] = [
    ("contains", "contains(\"…\")"),
    ("startsWith", "startsWith(\"…\")"),
    ("endsWith", "endsWith(\"…\")"),
    ("matches", "matches(r\"…\")"),
    ("size", "size()"),
    ("trim", "trim()"),
    ("lines", "lines()"),
];

const FUNCTIONS: [&str; 6] = ["size", "json", "int", "double", "duration", "has"];

const MACROS: [&str; 5] = ["all", "exists", "exists_one", "filter", "map"];

/// What other languages call our methods.
const INSTEAD: [(&str, &str); 8] = [
    ("len", "size()"),
    ("length", "size()"),
    ("count", "size()"),
    ("includes", "contains(\"…\")"),
    ("strip", "trim()"),
    ("match", "matches(r\"…\")"),
    ("starts_with", "startsWith(\"…\")"),
    ("ends_with", "endsWith(\"…\")"),
];

/// The method that somebody means who writes `word`.
pub(super) fn meant(word: &str) -> Option<&'static str> {
    let by_other_name = INSTEAD.iter().find(|(wrong, _)| wrong.eq_ignore_ascii_case(word)).map(|(_, right)| *right);
    by_other_name.or_else(|| {
        let near = nearest(word, METHODS.iter().map(|(name, _)| *name))?;
        METHODS.iter().find(|(name, _)| *name == near).map(|(_, shown)| *shown)
    })
}

/// The type of a call.
pub(super) fn check<'a>(checker: &mut Checker<'a>, node: &'a Node, call: &'a Call) -> Type {
    let args: Vec<Type> = call.args.iter().map(|arg| checker.type_of(arg)).collect();
    match &call.receiver {
        Some(receiver) => {
            let found = checker.type_of(receiver);
            check_method(checker, node, call, receiver, &found, &args)
        }
        None => check_function(checker, node, call, &args),
    }
}

fn check_method(
    checker: &mut Checker<'_>,
    node: &Node,
    call: &Call,
    receiver: &Node,
    found: &Type,
    args: &[Type],
) -> Type {
    let name = call.name.as_str();
    let text = checker.text(receiver);
    let Some((_, shown)) = METHODS.iter().find(|(known, _)| *known == name) else {
        let near_macro = nearest(name, MACROS).map(|near| format!("{near}(x, condition on x)"));
        let help = match meant(name).map(str::to_owned).or(near_macro) {
            Some(right) => format!("write {text}.{right}"),
            None if FUNCTIONS.contains(&name) => format!("write {name}({text})"),
            None => {
                "known: contains, startsWith, endsWith, matches, size, trim, lines, all, exists, filter, map".into()
            }
        };
        return checker.report_at(call.name_at, name.len(), format!("`{name}` is not a method"), help);
    };
    let fits = match name {
        "size" => matches!(found, Type::Text | Type::List(_) | Type::Dynamic),
        _ => matches!(found, Type::Text | Type::Dynamic),
    };
    if !fits {
        let help = match (found, name) {
            (Type::List(_), "contains") => match call.args.first() {
                Some(arg) => format!("write {} in {text}", checker.text(arg)),
                None => format!("write \"…\" in {text}"),
            },
            (Type::List(_), _) => format!("ask each item: {text}.exists(x, x.{shown})"),
            _ => format!("compare {text} itself"),
        };
        return checker.report_at(call.name_at, name.len(), format!("{found} has no method `{name}`"), help);
    }
    let wanted = usize::from(shown.contains('…'));
    if args.len() != wanted || !args.iter().all(|arg| matches!(arg, Type::Text | Type::Dynamic)) {
        let what = if wanted == 0 { "nothing" } else { "one text" };
        return checker.report(
            node,
            format!("`{name}` takes {what} in its parentheses"),
            format!("write {text}.{shown}"),
        );
    }
    match name {
        "matches" if call.pattern.is_none() && !matches!(call.args[0].kind, Kind::Wrong) => {
            let help = format!("write {text}.matches(r\"…\"), or use contains");
            checker.report(
                &call.args[0],
                "a pattern is written out in quotes, so that it is checked at load".into(),
                help,
            )
        }
        "size" => Type::Int,
        "trim" => Type::Text,
        "lines" => Type::List(Box::new(Type::Text)),
        _ => Type::Bool,
    }
}

fn check_function(checker: &mut Checker<'_>, node: &Node, call: &Call, args: &[Type]) -> Type {
    let name = call.name.as_str();
    let text = call.args.first().map_or("…", |arg| checker.text(arg));
    if !FUNCTIONS.contains(&name) {
        let method = meant(name).filter(|_| !call.args.is_empty());
        let help = match (nearest(name, FUNCTIONS), method) {
            (Some(near), _) => format!("write {near}({text})"),
            (None, Some(method)) => format!("write {text}.{method}"),
            (None, None) => format!("known: {}", FUNCTIONS.join(", ")),
        };
        return checker.report_at(call.name_at, name.len(), format!("`{name}` is not a function"), help);
    }
    let [arg] = args else {
        return checker.report(node, format!("`{name}` takes one value"), format!("write {name}({text})"));
    };
    let (fits, wanted, result) = match name {
        "size" => (matches!(arg, Type::Text | Type::List(_)), "text or a list", Type::Int),
        "json" => (*arg == Type::Text, "text", Type::Dynamic),
        "duration" => (*arg == Type::Text, "text", Type::Duration),
        "int" => (matches!(arg, Type::Text | Type::Int | Type::Decimal), "text or a number", Type::Int),
        _ => (matches!(arg, Type::Text | Type::Int | Type::Decimal), "text or a number", Type::Decimal),
    };
    if fits || *arg == Type::Dynamic {
        return result;
    }
    checker.report(node, format!("`{name}` takes {wanted}, and this is {arg}"), format!("write {text} alone"))
}

/// The value of a call.
pub(super) fn value<'a>(machine: &mut Machine<'a>, node: &'a Node, call: &'a Call) -> Result<Val, Trouble> {
    let subject = call.receiver.as_deref().or(call.args.first());
    let subject = match subject {
        Some(subject) => machine.value(subject)?,
        None => return Err(machine.says(node, "has nothing to work on")),
    };
    let other = match (&call.receiver, call.args.first()) {
        (Some(_), Some(arg)) => Some(machine.value(arg)?),
        _ => None,
    };
    let name = call.name.as_str();
    // A pattern may visit each byte once for each of its states.
    let bytes_per_step = if name == "matches" { 4 } else { 64 };
    machine.spend(1 + length(&subject) / bytes_per_step)?;
    match (name, &subject, &other) {
        ("contains", Val::Text(a), Some(Val::Text(b))) => Ok(Val::Bool(a.contains(&**b))),
        ("startsWith", Val::Text(a), Some(Val::Text(b))) => Ok(Val::Bool(a.starts_with(&**b))),
        ("endsWith", Val::Text(a), Some(Val::Text(b))) => Ok(Val::Bool(a.ends_with(&**b))),
        ("matches", Val::Text(a), Some(_)) => Ok(Val::Bool(call.pattern.as_ref().is_some_and(|p| p.is_match(a)))),
        // As CEL: characters (Unicode code points), not bytes.
        ("size", Val::Text(a), None) => Ok(whole(a.chars().count())),
        ("size", Val::List(a), None) => Ok(whole(a.len())),
        ("size", Val::Map(a), None) => Ok(whole(a.len())),
        ("trim", Val::Text(a), None) => Ok(Val::text(a.trim())),
        ("lines", Val::Text(a), None) => lines(a).map_err(|end| machine.says(node, &end)),
        ("json", Val::Text(a), None) => {
            let json = serde_json::from_str(a).map_err(|error| machine.says(node, &format!("is not JSON: {error}")))?;
            Val::of_json(&json).map_err(|end| machine.says(node, &end))
        }
        ("duration", Val::Text(a), None) => duration(a).map_err(|end| machine.says(node, &end)),
        ("int", val, None) => int(val).map_err(|end| machine.says(node, &end)),
        ("double", val, None) => double(val).map_err(|end| machine.says(node, &end)),
        (_, val, Some(other)) => {
            let kinds = format!("cannot be asked of {} and {}", val.kind(), other.kind());
            Err(machine.says(node, &kinds))
        }
        (_, val, None) => Err(machine.says(node, &format!("cannot be asked of {}", val.kind()))),
    }
}

/// Bytes to go through.
fn length(val: &Val) -> u64 {
    match val {
        Val::Text(text) => text.len() as u64,
        _ => 0,
    }
}

fn whole(count: usize) -> Val {
    Val::Int(i64::try_from(count).unwrap_or(i64::MAX))
}

/// Counts first, so that a long text is not taken apart in vain.
fn lines(text: &str) -> Result<Val, String> {
    let count = text.lines().count();
    if count > LIST_MAX {
        return Err(format!("has {count} lines; at most {LIST_MAX} are looked at"));
    }
    Val::list(text.lines().map(Val::text).collect())
}

fn duration(text: &str) -> Result<Val, String> {
    let (sign, length) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
    let nanos = Span::parse(length).map_err(|error| format!("is not a length of time: {error}"))?.0;
    i64::try_from(nanos).map(|nanos| Val::Duration(sign * nanos)).map_err(|_| "is longer than 292 years".to_owned())
}

/// As CEL: digits with an optional sign; a decimal number is cut towards zero.
fn int(val: &Val) -> Result<Val, String> {
    match val {
        Val::Int(n) => Ok(Val::Int(*n)),
        // 2^63 as f64 is exact: everything below it fits.
        Val::Decimal(n) if n.abs() < 9_223_372_036_854_775_808.0 => Ok(Val::Int(*n as i64)),
        Val::Decimal(_) => Err("does not fit into 64 bits".to_owned()),
        Val::Text(text) => text.parse().map(Val::Int).map_err(|_| format!("is not a whole number: {text:?}")),
        other => Err(format!("cannot be asked of {}", other.kind())),
    }
}

fn double(val: &Val) -> Result<Val, String> {
    match val {
        Val::Text(text) => text.parse().map(Val::Decimal).map_err(|_| format!("is not a number: {text:?}")),
        other => other.number().map(Val::Decimal).ok_or_else(|| format!("cannot be asked of {}", other.kind())),
    }
}
