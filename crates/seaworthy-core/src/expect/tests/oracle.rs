//! The crate `cel` as an oracle: wherever both accept a text, both give the same answer.

use cel::{Context, Program, Value as Cel};
use proptest::prelude::*;
use seaworthy_model::value::{Facts, Value};

use super::{facts, text};
use crate::expect::{Scope, compile};

/// Names as SQL and command looks have them, so that every type is there.
fn seen() -> Facts {
    let row = |id: i64, name: &str| Value::Map(facts([("id", Value::Int(id)), ("name", text(name))]));
    facts([
        ("exit", Value::Int(3)),
        ("stdout", text("alpha\nbeta é")),
        ("value", Value::Decimal(2.5)),
        ("rows", Value::List(vec![row(1, "a"), row(2, "b"), row(3, "")])),
    ])
}

/// Both looks in one scope: the oracle does not care which look a name belongs to.
fn scope() -> Scope {
    let mut scope = super::command();
    scope.names.extend(super::sql().names);
    scope
}

#[expect(clippy::disallowed_types, reason = "the oracle takes its maps so")]
fn cel_value(value: &Value) -> Cel {
    match value {
        Value::Null => Cel::Null,
        Value::Bool(b) => Cel::Bool(*b),
        Value::Int(n) | Value::Duration(n) => Cel::Int(*n),
        Value::Decimal(n) => Cel::Float(*n),
        Value::Text(text) => Cel::String(text.clone().into()),
        Value::List(items) => Cel::List(items.iter().map(cel_value).collect::<Vec<_>>().into()),
        Value::Map(map) => {
            let pairs: std::collections::HashMap<String, Cel> =
                map.iter().map(|(key, value)| (key.clone(), cel_value(value))).collect();
            Cel::Map(pairs.into())
        }
    }
}

/// `None`: does not compile. `Some(Err)`: an error or not a yes or no.
fn oracle(source: &str) -> Option<Result<bool, String>> {
    let program = Program::compile(source).ok()?;
    let mut context = Context::default();
    for (name, value) in seen() {
        context.add_variable_from_value(name, cel_value(&value));
    }
    Some(match program.execute(&context) {
        Ok(Cel::Bool(b)) => Ok(b),
        Ok(other) => Err(format!("{other:?}")),
        Err(error) => Err(error.to_string()),
    })
}

fn ours(source: &str) -> Option<Result<bool, String>> {
    compile(source, &scope()).ok().map(|expect| expect.evaluate(&seen(), &Facts::new()))
}

/// Text, the answer of both; `None` for an error of both.
const TABLE: [(&str, Option<bool>); 107] = [
    (r##"1 + 2 * 3 == 7"##, Some(true)),
    (r##"(1 + 2) * 3 == 9"##, Some(true)),
    (r##"7 / 2 == 3"##, Some(true)),
    (r##"-7 / 2 == -3"##, Some(true)),
    (r##"-7 % 3 == -1"##, Some(true)),
    (r##"7 % -3 == 1"##, Some(true)),
    (r##"10 - 4 - 3 == 3"##, Some(true)),
    (r##"100 / 10 / 5 == 2"##, Some(true)),
    (r##"2 * 3 % 4 == 2"##, Some(true)),
    (r##"- 5 + 3 == -2"##, Some(true)),
    (r##"--5 == 5"##, Some(true)),
    (r##"!!true"##, Some(true)),
    (r##"!true || true"##, Some(true)),
    (r##"7.0 / 2.0 == 3.5"##, Some(true)),
    (r##"1.0 / 0.0 > 1e300"##, Some(true)),
    (r##"1 / 0 == 1"##, None),
    (r##"1 % 0 == 1"##, None),
    (r##"9223372036854775807 + 1 > 0"##, None),
    (r##"-9223372036854775808 - 1 < 0"##, None),
    (r##"-9223372036854775808 / -1 > 0"##, None),
    (r##"9223372036854775807 * 2 > 0"##, None),
    (r##"-9223372036854775808 < 0"##, Some(true)),
    (r##"0x1F == 31"##, Some(true)),
    (r##"1e3 == 1000.0"##, Some(true)),
    (r##".5 < 1.0"##, Some(true)),
    (r##"1 == 1.0"##, Some(true)),
    (r##"1.5 > 1"##, Some(true)),
    (r##"2 >= 2.0"##, Some(true)),
    (r##"1 in [1.0, 2.0]"##, Some(true)),
    (r##"true && false || true"##, Some(true)),
    (r##"true || false && false"##, Some(true)),
    (r##"false == false == true"##, Some(true)),
    (r##"1 < 2 == true"##, Some(true)),
    (r##"1 + 1 in [2, 3]"##, Some(true)),
    (r##"true ? false : true"##, Some(false)),
    (r##"false ? 1 / 0 == 1 : true"##, Some(true)),
    (r##"true || 1 / 0 == 1"##, Some(true)),
    (r##"1 / 0 == 1 || true"##, Some(true)),
    (r##"1 / 0 == 1 || false"##, None),
    (r##"false || 1 / 0 == 1"##, None),
    (r##"1 / 0 == 1 && false"##, Some(false)),
    (r##"false && 1 / 0 == 1"##, Some(false)),
    (r##"1 / 0 == 1 && true"##, None),
    (r##"1 / 0 == 1 && true && false"##, Some(false)),
    (r##"!(1 / 0 == 1)"##, None),
    (r##""a" + 'b' == "ab""##, Some(true)),
    (r##""a" < "b""##, Some(true)),
    (r##""Z" < "a""##, Some(true)),
    (r##""é" > "z""##, Some(true)),
    (r##""a" == "A""##, Some(false)),
    (r##""abc".size() == 3"##, Some(true)),
    (r##"size("é€") == 2"##, Some(true)),
    (r##""abc".contains("b")"##, Some(true)),
    (r##""abc".contains("")"##, Some(true)),
    (r##""abc".startsWith("ab") && "abc".endsWith("bc")"##, Some(true)),
    (r##""abc".matches("^a.c$")"##, Some(true)),
    (r##""xabcx".matches("a.c")"##, Some(true)),
    (r##""abc".matches(r"\d")"##, Some(false)),
    (r##""\x41\u0042\103\n\t\\\"" == "ABC\n\t\\\"""##, Some(true)),
    (r##"r"\n" == "\\n""##, Some(true)),
    (r##"'"' == "\"""##, Some(true)),
    (r##"[1, 2] + [3] == [1, 2, 3]"##, Some(true)),
    (r##"[1, 2, 3].size() == 3"##, Some(true)),
    (r##"size([]) == 0"##, Some(true)),
    (r##"[1, 2, 3][1] == 2"##, Some(true)),
    (r##"[1, 2][2] == 1"##, None),
    (r##"[1, 2][-1] == 1"##, None),
    (r##"[[1], [2]][1][0] == 2"##, Some(true)),
    (r##"[1, 2] == [1, 2] && [1, 2] != [2, 1]"##, Some(true)),
    (r##"[1, 2].all(x, x > 0)"##, Some(true)),
    (r##"[].all(x, x > 0)"##, Some(true)),
    (r##"[].exists(x, x > 0)"##, Some(false)),
    (r##"[0, 1].exists(x, 1 / x == 1)"##, Some(true)),
    (r##"[0, 2].exists(x, 1 / x == 1)"##, None),
    (r##"[0, 2].all(x, 1 / x == 1)"##, Some(false)),
    (r##"[0, 1].all(x, 1 / x == 1)"##, None),
    (r##"[1, 2, 1].exists_one(x, x == 1)"##, Some(false)),
    (r##"[1, 2, 3].exists_one(x, x == 1)"##, Some(true)),
    (r##"[0, 1].exists_one(x, 1 / x == 1)"##, None),
    (r##"[1, 2, 3].filter(x, x % 2 == 1) == [1, 3]"##, Some(true)),
    (r##"[1, 2, 3].map(x, x * x) == [1, 4, 9]"##, Some(true)),
    (r##"[1, 2, 3].map(x, x > 1, x * 10) == [20, 30]"##, Some(true)),
    (r##"[0, 1].map(x, 1 / x) == [1]"##, None),
    (r##"[[1, 2], [3]].map(x, x.map(y, y + 1)) == [[2, 3], [4]]"##, Some(true)),
    (r##"[1, 2].all(x, [3, 4].exists(y, y == x + 2))"##, Some(true)),
    (r##"[1].all(x, [2].all(x, x == 2) && x == 1)"##, Some(true)),
    (r##"exit == 3 && stdout.size() == 12"##, Some(true)),
    (r##"value > exit"##, Some(false)),
    (r##"value * 2.0 == 5.0"##, Some(true)),
    (r##"value == 2.5 && value != 2"##, Some(true)),
    (r##"rows.size() == 3 && rows[0].id == 1"##, Some(true)),
    (r##"rows[0]["name"] == "a""##, Some(true)),
    (r##"rows[0].nothing == 1"##, None),
    (r##"has(rows[0].id) && !has(rows[0].nothing)"##, Some(true)),
    (r##""id" in rows[0] && !("x" in rows[0])"##, Some(true)),
    (r##"rows[1].id in rows[0]"##, Some(false)),
    (r##"rows.filter(r, r.name != "").map(r, r.id) == [1, 2]"##, Some(true)),
    (r##"rows.exists(r, r.id == 2 && r.name == "b")"##, Some(true)),
    (r##"rows[0].all(key, key in ["id", "name"])"##, Some(true)),
    (r##"rows[0].size() == 2"##, Some(true)),
    (r##"int("42") == 42 && int(2.9) == 2 && int(-2.9) == -2"##, Some(true)),
    (r##"int("x") == 1"##, None),
    (r##"int(1e30) == 1"##, None),
    (r##"double("2.5") == 2.5 && double(2) == 2.0"##, Some(true)),
    (r##"null == null"##, Some(true)),
    (r##"rows[0].name == null"##, Some(false)),
    (r##"exit in [1, 2, 3] ? stdout.contains("beta") : false"##, Some(true)),
];

#[test]
fn both_give_the_answers_of_the_table() {
    for (source, want) in TABLE {
        let (a, b) = (ours(source), oracle(source));
        let answer = |given: &Option<Result<bool, String>>| given.clone().and_then(Result::ok);
        assert!(a.is_some() && b.is_some(), "{source}: ours {a:?}, cel {b:?}");
        assert_eq!((answer(&a), answer(&b)), (want, want), "{source}: ours {a:?}, cel {b:?}");
    }
}

/// Expressions of one type, for the generator.
fn numbers(depth: u32) -> BoxedStrategy<String> {
    let leaf = prop_oneof![
        (-3i64..6).prop_map(|n| n.to_string()),
        Just("exit".to_owned()),
        Just("9223372036854775807".to_owned()),
        Just("stdout.size()".to_owned()),
        Just("rows.size()".to_owned()),
    ];
    leaf.prop_recursive(depth, 24, 3, |inner| {
        prop_oneof![
            (inner.clone(), prop::sample::select(&["+", "-", "*", "/", "%"][..]), inner.clone())
                .prop_map(|(a, op, b)| format!("{a} {op} {b}")),
            (inner.clone(), prop::sample::select(&["+", "-", "*", "/"][..]), inner.clone())
                .prop_map(|(a, op, b)| format!("({a} {op} {b})")),
            inner.clone().prop_map(|a| format!("-({a})")),
            (inner.clone(), inner.clone(), inner.clone()).prop_map(|(a, b, c)| format!("({a} < {b} ? {b} : {c})")),
            (inner.clone(), inner).prop_map(|(a, b)| format!("[{a}, {b}].map(n, n * 2)[0]")),
        ]
    })
    .boxed()
}

fn decimals() -> BoxedStrategy<String> {
    let leaf = prop_oneof![
        prop::sample::select(&["0.5", "2.0", "1e3", "0.0", "value"][..]).prop_map(str::to_owned),
        numbers(1).prop_map(|n| format!("double({n})")),
    ];
    leaf.prop_recursive(2, 8, 2, |inner| {
        (inner.clone(), prop::sample::select(&["+", "-", "*", "/"][..]), inner)
            .prop_map(|(a, op, b)| format!("({a} {op} {b})"))
    })
    .boxed()
}

fn texts() -> BoxedStrategy<String> {
    let leaf = prop::sample::select(&["'a'", "\"beta\"", "''", "stdout", "'é\\n'", "rows[0].name", "rows[2].name"][..]);
    leaf.prop_map(str::to_owned)
        .prop_recursive(2, 8, 2, |inner| (inner.clone(), inner).prop_map(|(a, b)| format!("({a} + {b})")))
        .boxed()
}

fn conditions() -> BoxedStrategy<String> {
    let relation = || prop::sample::select(&["==", "!=", "<", "<=", ">", ">="][..]);
    let ask = prop::sample::select(&["contains", "startsWith", "endsWith"][..]);
    let verb = || prop::sample::select(&["all", "exists", "exists_one"][..]);
    let leaf = prop_oneof![
        Just("true".to_owned()),
        Just("false".to_owned()),
        (numbers(2), relation(), numbers(2)).prop_map(|(a, op, b)| format!("{a} {op} {b}")),
        (decimals(), relation(), decimals()).prop_map(|(a, op, b)| format!("{a} {op} {b}")),
        (numbers(1), relation(), decimals()).prop_map(|(a, op, b)| format!("{a} {op} {b}")),
        (texts(), relation(), texts()).prop_map(|(a, op, b)| format!("{a} {op} {b}")),
        (texts(), ask, texts()).prop_map(|(a, ask, b)| format!("{a}.{ask}({b})")),
        (texts(), prop::sample::select(&["^a", "e.a", "[a-c]+$", "^$", "é"][..]))
            .prop_map(|(a, pattern)| format!("{a}.matches('{pattern}')")),
        (numbers(1), numbers(1), numbers(1)).prop_map(|(a, b, c)| format!("{a} in [{b}, {c}]")),
        (verb(), numbers(1)).prop_map(|(verb, n)| format!("rows.{verb}(r, r.id / {n} > 0)")),
        (verb(), texts()).prop_map(|(verb, t)| format!("rows.{verb}(r, r.name == {t})")),
        (numbers(1), verb()).prop_map(|(n, verb)| format!("[0, 1, {n}].{verb}(x, [1, 2].exists(y, y / x == 1))")),
        Just("has(rows[1].id)".to_owned()),
        Just("has(rows[9].id)".to_owned()),
    ];
    leaf.prop_recursive(4, 32, 3, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("{a} && {b}")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("{a} || {b}")),
            inner.clone().prop_map(|a| format!("!({a})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a}) == ({b})")),
            (inner.clone(), inner.clone(), inner).prop_map(|(a, b, c)| format!("(({a}) ? {b} : {c})")),
        ]
    })
    .boxed()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_500, failure_persistence: None, ..ProptestConfig::default() })]

    /// Everything that is generated is accepted by both, unless it is over our limits.
    #[test]
    fn generated_conditions_have_the_same_answer_in_both(source in conditions()) {
        let Some(ours) = ours(&source) else {
            let problems = compile(&source, &scope()).err().unwrap_or_default();
            prop_assert!(problems.iter().all(|p| p.message.contains("nested deeper") || p.message.contains("bytes long")),
                "{source}: {problems:#?}");
            return Ok(());
        };
        let cel = oracle(&source);
        prop_assert!(cel.is_some(), "cel refuses {source}");
        prop_assert_eq!(ours.clone().ok(), cel.clone().and_then(Result::ok), "{}: ours {:?}, cel {:?}", source, ours, cel);
    }
}

/// Pieces of which random sequences are often accepted, by rules that the generator above does not know.
const PIECES: [&str; 40] = [
    "exit",
    "value",
    "stdout",
    "rows",
    "rows[0]",
    "rows[1].id",
    "rows[2].name",
    "1",
    "2",
    "0",
    "-1",
    "2.5",
    "'a'",
    "''",
    "true",
    "false",
    "null",
    "[1, 2]",
    "[]",
    "==",
    "!=",
    "<",
    ">=",
    "&&",
    "||",
    "!",
    "+",
    "-",
    "*",
    "/",
    "%",
    "?",
    ":",
    " in ",
    "(",
    ")",
    ".size()",
    "[0]",
    ".exists(x, x == 1)",
    ".map(x, x)",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 6_000, failure_persistence: None, ..ProptestConfig::default() })]

    /// Where both have an answer it is the same. Where only cel has one, kinds are compared that differ, or something that
    /// is no list is added to one (the language knows no such `+`, the crate does it all the same).
    #[test]
    fn no_accepted_text_means_something_else(pieces in prop::collection::vec(prop::sample::select(&PIECES[..]), 1..8)) {
        let source = pieces.concat();
        if let Some(ours) = ours(&source)
            && let Some(Ok(cel)) = oracle(&source)
        {
            match ours {
                Ok(ours) => prop_assert_eq!(ours, cel, "{}", source),
                Err(sentence) => prop_assert!(stricter(&sentence), "{source}: {sentence}, cel: {cel}"),
            }
        }
    }
}

/// The two refusals of ours where the crate has an answer.
fn stricter(sentence: &str) -> bool {
    sentence.contains(" compares ") || sentence.contains(" uses `+` on a list and ")
}

#[test]
fn what_is_no_list_is_not_added_to_one() {
    let source = "rows+rows[0] in [1, 2]";
    assert_eq!(oracle(source), Some(Ok(false)), "the crate has changed: is the exception still needed?");
    let Some(Err(sentence)) = ours(source) else { panic!("it was accepted") };
    assert!(stricter(&sentence), "{sentence}");
}

/// Guards the comparison of generated conditions against a generator that makes only errors, or only one answer.
#[test]
fn generated_conditions_reach_yes_no_and_error() {
    use proptest::{strategy::ValueTree, test_runner::TestRunner};
    let mut runner = TestRunner::deterministic();
    let (mut yes, mut no, mut error) = (0, 0, 0);
    for _ in 0..300 {
        let source = conditions().new_tree(&mut runner).expect("the strategy rejects nothing").current();
        match ours(&source) {
            Some(Ok(true)) => yes += 1,
            Some(Ok(false)) => no += 1,
            Some(Err(_)) => error += 1,
            None => {}
        }
    }
    assert!(yes >= 60 && no >= 60 && error >= 15, "{yes} yes, {no} no, {error} errors");
}
