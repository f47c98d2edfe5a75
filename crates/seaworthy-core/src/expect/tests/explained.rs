//! What people read about a verdict.

use expect_test::{Expect, expect};
use seaworthy_model::value::{Facts, Value};

use super::{artifact, command, compiled, facts, minutes, sql, text};
use crate::expect::{LINE_CHARS_MAX, Scope};

const MIB: i64 = 1 << 20;

fn check(scope: &Scope, source: &str, seen: &Facts, want: Expect) {
    let usual = facts([
        ("size", Value::Decimal(96.0 * MIB as f64)),
        ("value", Value::Decimal(1000.0)),
        ("rows", Value::Decimal(12.5)),
        ("duration", Value::Duration(754_321_000_000)),
    ]);
    let expect = compiled(source, scope);
    let explained = expect.explain(seen, &usual);
    let answer = expect.evaluate(seen, &usual);
    want.assert_eq(&format!("{answer:?}: expected {}; observed {}\n", explained.expected, explained.observed));
}

#[test]
fn of_an_artifact_the_first_false_part_is_named_with_sizes_for_people() {
    let source = "size > 1MiB && size > 0.6 * usual.size && age < 1h";
    let seen = |size: i64, age: i64| facts([("size", Value::Int(size)), ("age", minutes(age)), ("sha256", text("ab"))]);
    check(
        &artifact(),
        source,
        &seen(12 * MIB, 5),
        expect![[r#"
        Ok(false): expected size > 0.6 * usual.size (57.6 MiB); observed size 12 MiB
    "#]],
    );
    check(
        &artifact(),
        source,
        &seen(90 * MIB, 95),
        expect![[r#"
        Ok(false): expected age < 1h; observed age 1h 35m
    "#]],
    );
    check(
        &artifact(),
        source,
        &seen(0, 95),
        expect![[r#"
        Ok(false): expected size > 1MiB; observed size 0 B
    "#]],
    );
    check(
        &artifact(),
        source,
        &seen(90 * MIB, 5),
        expect![[r#"
        Ok(true): expected size > 1MiB && size > 0.6 * usual.size (57.6 MiB) && age < 1h; observed size 90 MiB, age 5m
    "#]],
    );
    check(
        &artifact(),
        "size >= 1MiB",
        &seen(MIB - 6, 5),
        expect![[r#"
            Ok(false): expected size >= 1MiB; observed size 1048570 B
        "#]],
    );
    check(
        &artifact(),
        "(size > 1KB || age < 1m) && (size > 2KB && age < 2m)",
        &seen(1536, 5),
        expect![[r#"
        Ok(false): expected size > 2KB; observed size 1.5 KiB
    "#]],
    );
    check(
        &artifact(),
        "size * 2 > usual.size && size > 1",
        &seen(MIB, 5),
        expect![[r#"
        Ok(false): expected size * 2 > usual.size (96 MiB); observed size 1 MiB
    "#]],
    );
    check(
        &artifact(),
        "sha256 != 'ab'",
        &seen(MIB, 5),
        expect![[r#"
        Ok(false): expected sha256 != 'ab'; observed sha256 "ab"
    "#]],
    );
    check(
        &artifact(),
        "size > usual.size / 2 ? age < 1m : age < 2m",
        &seen(MIB, 5),
        expect![[r#"
        Ok(false): expected size > usual.size / 2 (48 MiB) ? age < 1m : age < 2m; observed size 1 MiB, age 5m
    "#]],
    );
    check(
        &artifact(),
        "age < 1h",
        &seen(MIB, -3),
        expect![[r#"
        Ok(true): expected age < 1h; observed age -3m
    "#]],
    );
    check(
        &artifact(),
        "1 == 2",
        &seen(MIB, -3),
        expect![[r#"
        Ok(false): expected 1 == 2; observed nothing
    "#]],
    );
}

#[test]
fn of_a_command_long_output_is_shortened_and_escaped() {
    let long = format!("first\n\u{1b}[31mred\u{7}{}last line\n", "x".repeat(5_000));
    let seen = |stdout: &str| {
        facts([("exit", Value::Int(1)), ("stdout", text(stdout)), ("stderr", text("")), ("duration", minutes(2))])
    };
    check(
        &command(),
        "exit == 0",
        &seen(""),
        expect![[r#"
        Ok(false): expected exit == 0; observed exit 1
    "#]],
    );
    check(
        &command(),
        "stdout.trim() == \"42\" && exit == 0",
        &seen(" 41\n"),
        expect![[r#"
        Ok(false): expected stdout.trim() == "42"; observed stdout.trim() "41"
    "#]],
    );
    check(
        &command(),
        "stdout.contains(\"TABLE DATA public orders\")",
        &seen(&long),
        expect![[r#"
        Ok(false): expected stdout.contains("TABLE DATA public orders"); observed stdout "first\n\u{1b}[31mred\u{7}xxxxxxxxxxxxxxxxxxxxxxxxx…xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxlast line\n"
    "#]],
    );
    check(
        &command(),
        "stdout.lines().all(l, l.startsWith('a'))",
        &seen("a\nb\nc"),
        expect![[r#"
        Ok(false): expected stdout.lines().all(l, l.startsWith('a')); observed stdout.lines() ["a", "b", "c"]
    "#]],
    );
    check(
        &command(),
        "json(stdout).tables.size() >= 3",
        &seen("{\"tables\": [1, 2]}"),
        expect![[r#"
        Ok(false): expected json(stdout).tables.size() >= 3; observed json(stdout).tables.size() 2
    "#]],
    );
    check(
        &command(),
        "json(stdout).tables.size() >= 3",
        &seen("{\"table\": [1, 2]}"),
        expect![[r#"
        Err("`json(stdout)` has no field `tables`; it has: table"): expected json(stdout).tables.size() >= 3; observed json(stdout) {table: [1, 2]}
    "#]],
    );
    check(
        &command(),
        "json(stdout).tables.size() >= 3",
        &seen("oops"),
        expect![[r#"
        Err("`json(stdout)` is not JSON: expected value at line 1 column 1"): expected json(stdout).tables.size() >= 3; observed stdout "oops"
    "#]],
    );
    check(
        &command(),
        "duration > 0.2 * usual.duration && duration < 3 * usual.duration",
        &seen(""),
        expect![[r#"
        Ok(false): expected duration > 0.2 * usual.duration (2m 30s); observed duration 2m
    "#]],
    );
    check(
        &command(),
        "exit == 1\n    && stdout\n    .contains('a')",
        &seen("b"),
        expect![[r#"
        Ok(false): expected stdout .contains('a'); observed stdout "b"
    "#]],
    );
    let many = vec!["stdout.size() > 1 && exit == 0"; 20].join(" || ");
    check(
        &command(),
        &many,
        &seen("b"),
        expect![[r#"
        Ok(false): expected stdout.size() > 1 && exit == 0 || stdout.size() > 1 && exit == 0 || stdout.size() > 1 && exit == 0 || stdout.size() > 1 && exit == 0 || stdout.size() > 1 && exit == 0 || stdout.size() > 1 && exit == …; observed stdout.size() 1, exit 1
    "#]],
    );
    let explained = compiled(&many, &command()).explain(&seen("b"), &Facts::new());
    assert_eq!(explained.expected.chars().count(), LINE_CHARS_MAX);
}

#[test]
fn of_a_query_values_and_rows_are_shown() {
    let row = |id: i64| Value::Map(facts([("id", Value::Int(id)), ("name", text("é"))]));
    let seen = |value: Value| facts([("value", value), ("rows", Value::List(vec![row(1), row(2)]))]);
    let source = "value >= 0.99 * usual.value";
    check(
        &sql(),
        source,
        &seen(Value::Int(500)),
        expect![[r#"
        Ok(false): expected value >= 0.99 * usual.value (990); observed value 500
    "#]],
    );
    check(
        &sql(),
        source,
        &seen(text("500")),
        expect![[r#"
        Err("`value >= 0.99 * usual.value` compares text with a decimal number"): expected value >= 0.99 * usual.value (990); observed value "500"
    "#]],
    );
    check(
        &sql(),
        source,
        &seen(Value::Null),
        expect![[r#"
        Err("`value >= 0.99 * usual.value` compares null with a decimal number"): expected value >= 0.99 * usual.value (990); observed value null
    "#]],
    );
    check(
        &sql(),
        source,
        &Facts::new(),
        expect![[r#"
        Err("`value` was not observed"): expected value >= 0.99 * usual.value (990); observed nothing
    "#]],
    );
    check(
        &sql(),
        "value >= 1GiB",
        &seen(Value::Int(5 * MIB)),
        expect![[r#"
        Ok(false): expected value >= 1GiB; observed value 5 MiB
    "#]],
    );
    check(
        &sql(),
        "rows.size() >= usual.rows",
        &seen(Value::Null),
        expect![[r#"
        Ok(false): expected rows.size() >= usual.rows (12.5); observed rows.size() 2
    "#]],
    );
    check(
        &sql(),
        "rows[1].id == 3",
        &seen(Value::Null),
        expect![[r#"
        Ok(false): expected rows[1].id == 3; observed rows[1].id 2
    "#]],
    );
    check(
        &sql(),
        "rows.all(r, r.id == 3)",
        &seen(Value::Null),
        expect![[r#"
        Ok(false): expected rows.all(r, r.id == 3); observed rows [{id: 1, name: "é"}, {id: 2, name: "é"}]
    "#]],
    );
    check(
        &sql(),
        "value == 0.1",
        &seen(Value::Decimal(0.1 + 1e-9)),
        expect![[r#"
        Ok(false): expected value == 0.1; observed value 0.100000001
    "#]],
    );
    check(
        &sql(),
        "value < 1",
        &seen(Value::Decimal(12345.678912)),
        expect![[r#"
        Ok(false): expected value < 1; observed value 12345.6789
    "#]],
    );
}
