//! What conditions mean.

use seaworthy_model::value::{Facts, Value};

use super::{artifact, command, compiled, facts, http, minutes, sql, text};
use crate::expect::Scope;

const MIB: i64 = 1 << 20;

fn holds(source: &str, scope: &Scope, seen: &Facts) -> Result<bool, String> {
    compiled(source, scope).evaluate(seen, &facts([("duration", minutes(10)), ("rows", Value::Decimal(3.0))]))
}

#[test]
fn the_conditions_of_the_design_page_work() {
    let usual = facts([("size", Value::Decimal(96.0 * MIB as f64)), ("value", Value::Decimal(1000.0))]);
    let source = "size > 1MiB && size > 0.6 * usual.size && age < 1h";
    let expect = compiled(source, &artifact());
    for (size, age, want) in [(90 * MIB, 5, true), (12 * MIB, 5, false), (90 * MIB, 61, false), (MIB, 5, false)] {
        let seen = facts([("size", Value::Int(size)), ("age", minutes(age))]);
        assert_eq!(expect.evaluate(&seen, &usual), Ok(want), "{size} {age}");
    }
    assert_eq!(expect.usual_names(), ["size"]);
    assert_eq!(expect.source(), source);
    let expect = compiled("value >= 0.99 * usual.value", &sql());
    for (value, want) in [(Value::Int(990), true), (Value::Int(989), false), (Value::Decimal(990.5), true)] {
        assert_eq!(expect.evaluate(&facts([("value", value.clone())]), &usual), Ok(want), "{value:?}");
    }
}

#[test]
fn a_command_is_judged_by_its_output() {
    let stdout = " 42\n{\"a\": 1}\n";
    let seen =
        facts([("exit", Value::Int(0)), ("stdout", text(stdout)), ("stderr", text("")), ("duration", minutes(9))]);
    for (source, want) in [
        ("exit == 0", true),
        ("exit != 0 || stderr.size() > 0", false),
        ("stdout.contains(\"42\")", true),
        ("stdout.trim().startsWith('42')", true),
        ("stdout.trim().endsWith(\"}\")", true),
        ("stdout.lines()[0].trim() == \"42\"", true),
        ("int(stdout.lines()[0].trim()) >= 42", true),
        ("stdout.lines().size() == 2 && size(stdout) == 13", true),
        ("stdout.lines().exists(l, l.matches(r'^\\s*\\d+$'))", true),
        ("stdout.lines().all(l, l.matches(r'^\\s*\\d+$'))", false),
        ("json(stdout.lines()[1]).a == 1", true),
        ("has(json(stdout.lines()[1]).a) && !has(json(stdout.lines()[1]).b)", true),
        ("duration > 0.2 * usual.duration && duration < 3 * usual.duration", true),
        ("duration / usual.duration > 0.89 && duration < 9m30s", true),
        ("duration == 9m && duration == duration(\"540s\") && duration - 1m == 8m", true),
        ("stderr == '' ? exit in [0, 1] : false", true),
    ] {
        assert_eq!(holds(source, &command(), &seen), Ok(want), "{source}");
    }
}

#[test]
fn json_is_walked_by_field_and_index() {
    let json = r#"{"tables": [{"name": "orders", "rows": 12.5}, {"name": "people", "rows": 3}, {"name": "x", "rows": 0}],
        "odd key": null, "ok": true}"#;
    let seen = facts([("stdout", text(json))]);
    for (source, want) in [
        ("json(stdout).tables.size() >= 3", true),
        ("json(stdout).tables[0].name == 'orders' && json(stdout).tables[0].rows > 12", true),
        ("json(stdout)['odd key'] == null && json(stdout).tables != null", true),
        ("json(stdout).ok", true),
        ("'ok' in json(stdout) && !('nok' in json(stdout))", true),
        ("json(stdout).tables.map(t, t.name) == ['orders', 'people', 'x']", true),
        ("json(stdout).tables.map(t, t.rows > 1, t.name) == ['orders', 'people']", true),
        ("json(stdout).tables.filter(t, t.rows == 0).size() == 1", true),
        ("json(stdout).tables.exists_one(t, t.name == 'people')", true),
        ("json(stdout).tables.all(t, ['orders', 'people', 'x'].exists(n, n == t.name))", true),
        ("json(stdout).exists(key, key == 'ok')", true),
    ] {
        assert_eq!(holds(source, &command(), &seen), Ok(want), "{source}");
    }
}

#[test]
fn rows_are_maps_by_column_name() {
    let row = |id: i64| Value::Map(facts([("id", Value::Int(id)), ("name", Value::Null)]));
    let seen = facts([("rows", Value::List(vec![row(1), row(2)])), ("value", Value::Int(1)), ("duration", minutes(1))]);
    for (source, want) in [
        ("rows.size() == 2 && rows[1].id == 2", true),
        ("rows.all(r, r.name == null && r.id < 3)", true),
        ("rows.size() >= usual.rows", false),
        ("value == rows[0].id && value + 1 == rows[1].id", true),
        ("duration < usual.duration", true),
    ] {
        assert_eq!(holds(source, &sql(), &seen), Ok(want), "{source}");
    }
    let seen = facts([("status", Value::Int(204)), ("body", text(""))]);
    assert_eq!(holds("status >= 200 && status < 300 && body == ''", &http(), &seen), Ok(true));
}

#[test]
fn what_cannot_be_answered_is_a_sentence() {
    let seen = facts([
        ("value", text("5")),
        ("rows", Value::List(vec![])),
        ("stdout", text("{\"a\": {\"b\": 1}}")),
        ("exit", Value::Int(i64::MAX)),
    ]);
    for (source, scope, want) in [
        ("value > 4", sql(), "`value > 4` compares text with a whole number"),
        ("value != 0", sql(), "`value != 0` compares text with a whole number"),
        ("value * 2 == 10", sql(), "`value * 2` uses `*` on text and a whole number"),
        ("value", sql(), "`value` must be a yes or no and is text"),
        ("rows[0].id == 1", sql(), "`rows[0]` asks for item 0 of 0"),
        ("duration > 1s", sql(), "`duration` was not observed"),
        ("value == usual.value", sql(), "`usual.value` is not known yet: too few verified runs"),
        ("json(stdout).b == 1", command(), "`json(stdout)` has no field `b`; it has: a"),
        ("json(stdout).a.b.c == 1", command(), "`json(stdout).a.b` is a whole number and has no field `c`"),
        (
            "json(stdout + '}') == 1",
            command(),
            "`json(stdout + '}')` is not JSON: trailing characters at line 1 column 16",
        ),
        ("exit + 1 > 0", command(), "`exit + 1` is a number that does not fit into 64 bits"),
        ("-(-exit - 1) > 0", command(), "`-(-exit - 1)` is a number that does not fit into 64 bits"),
        ("exit / 0 > 0", command(), "`exit / 0` divides by zero"),
        ("exit % 0 > 0", command(), "`exit % 0` divides by zero"),
        ("(-exit - 1) / -1 > 0", command(), "`(-exit - 1) / -1` is a number that does not fit into 64 bits"),
        ("int(stdout) > 0", command(), "`int(stdout)` is not a whole number: \"{\\\"a\\\": {\\\"b\\\": 1}}\""),
        ("1h * 1e300 > 1h", command(), "`1h * 1e300` is a length of time that does not fit into 292 years"),
    ] {
        assert_eq!(holds(source, &scope, &seen), Err(want.to_owned()), "{source}");
    }
}

#[test]
fn a_side_that_decides_alone_absorbs_an_error_of_the_other() {
    let seen = facts([("exit", Value::Int(0)), ("stdout", text("1\nx"))]);
    for (source, want) in [
        ("1 / exit == 1 || exit == 0", Ok(true)),
        ("exit == 0 || 1 / exit == 1", Ok(true)),
        ("1 / exit == 1 && exit == 1", Ok(false)),
        ("exit == 1 && 1 / exit == 1", Ok(false)),
        ("stdout.lines().exists(l, int(l) == 1)", Ok(true)),
        ("stdout.lines().all(l, int(l) == 2)", Ok(false)),
        ("1 / exit == 1 && exit == 0", Err("`1 / exit` divides by zero".to_owned())),
        ("stdout.lines().all(l, int(l) == 1)", Err("`int(l)` is not a whole number: \"x\"".to_owned())),
    ] {
        assert_eq!(holds(source, &command(), &seen), want, "{source}");
    }
}

#[test]
fn units_are_whole_bytes_and_lengths_of_time() {
    for source in [
        "10KiB == 10240 && 1KB == 1000 && 1kB == 1000 && 512B == 512",
        "1MiB == 1024 * 1KiB && 1GiB == 1024MiB && 1TiB == 1024GiB && 1TB == 1e12",
        "1.5MiB == 1572864 && 0.1KB == 100 && 0.3KiB == 307",
        "1h30m == 90m && 1.5h == 90m && 1d == 24h && 1w == 7d && 250ms * 4 == 1s && 1h30.5s > 1h30s",
        "-1h < 0s && 1h / 30m == 2.0 && 1h / 4 == 15m && 2 * 1h == 120m",
        "0x10 == 16 && .5 == 0.5 && 1e3 == 1000 && -9223372036854775808 < 0",
        "'\\u0041\\x42\\103\\n' == \"ABC\\n\" && r'\\n' == '\\\\n' && 'it\\'s' == \"it's\"",
        "7 / 2 == 3 && -7 / 2 == -3 && -7 % 3 == -1 && 7 / 2.0 == 3.5 && 1 + 0.5 == 1.5",
        "'aä€'.size() == 3 && [1, 2] + [3] == [1, 2, 3] && 2.0 in [1, 2] && !(3 in [])",
        "true || false && false",
    ] {
        assert_eq!(holds(source, &artifact(), &Facts::new()), Ok(true), "{source}");
    }
}

#[test]
fn only_content_and_hashes_prove_data() {
    for (source, scope, want) in [
        ("size > 1MiB && age < 1h", artifact(), false),
        ("size > 1MiB && sha256 != 'e3b0c442'", artifact(), true),
        ("exit == 0 && duration > 1s && stderr == ''", command(), false),
        ("exit == 0 && stdout.contains('TABLE DATA public orders')", command(), true),
        ("exit == 0 || stdout.contains('TABLE DATA public orders')", command(), false),
        ("json(stdout).a == 1 || stdout == ''", command(), true),
        ("exit == 0 ? true : stdout == 'x'", command(), false),
        ("!(exit != 0 || stdout.contains('ERROR'))", command(), true),
        ("!(exit != 0 && stdout.contains('ERROR'))", command(), false),
        ("value > 0", sql(), true),
        ("rows.all(r, r.n > 0)", sql(), true),
        ("status == 200", http(), false),
        ("body.contains('ok')", http(), true),
    ] {
        assert_eq!(compiled(source, &scope).reads_data(), want, "{source}");
    }
}

#[test]
fn a_compiled_condition_is_shared_between_threads() {
    fn shared<T: Clone + Send + Sync + std::fmt::Debug>(_: &T) {}
    shared(&compiled("size > 0", &artifact()));
}

#[test]
fn usual_names_are_listed_once() {
    let expect = compiled("duration < usual.duration * 3 && value > usual.value || value == usual.value", &sql());
    assert_eq!(expect.usual_names(), ["duration", "value"]);
    assert!(compiled("size > 0", &artifact()).usual_names().is_empty());
}
