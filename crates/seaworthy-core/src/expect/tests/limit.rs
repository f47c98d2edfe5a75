//! Every limit, and that no text and no facts make it panic.

use proptest::prelude::*;
use seaworthy_model::value::{Facts, Value};

use super::{artifact, command, compiled, facts, http, problems, sql, text};
use crate::expect::{FUEL_STEPS_MAX, LIST_MAX, MACROS_NESTED_MAX, NESTING_MAX, SOURCE_BYTES_MAX, compile};

fn refused(source: &str) -> String {
    problems(source, &command()).into_iter().map(|problem| problem.message).collect::<Vec<_>>().join("; ")
}

#[test]
fn a_source_over_4_kib_is_refused() {
    let padded = |len: usize| format!("exit == 0{}", " ".repeat(len - 9));
    assert!(compile(&padded(SOURCE_BYTES_MAX), &command()).is_ok());
    assert_eq!(refused(&padded(SOURCE_BYTES_MAX + 1)), "the condition is 4097 bytes long; at most 4096 are read");
}

#[test]
fn nesting_over_64_is_refused_and_long_chains_are_not() {
    let parens = |n: usize| format!("{}exit == 0{}", "(".repeat(n), ")".repeat(n));
    assert!(compile(&parens(NESTING_MAX - 1), &command()).is_ok());
    let deep = "this is nested deeper than 64";
    assert_eq!(refused(&parens(NESTING_MAX)), deep);
    assert_eq!(refused(&parens(2_000)), deep);
    assert_eq!(refused(&format!("exit == {}0", "-".repeat(4_000))), deep);
    assert_eq!(refused(&format!("{}exit == 0", "!".repeat(4_000))), deep);
    assert_eq!(refused(&format!("{}exit == 0", "not ".repeat(1_000))), deep);
    assert_eq!(refused(&format!("exit == {}0", "1 + ".repeat(1_000))), deep);
    assert_eq!(refused(&format!("stdout{} == 'a'", ".trim()".repeat(500))), deep);
    assert_eq!(refused(&format!("exit == {}0", "[".repeat(4_000))), deep);
    assert!(compile(&vec!["exit == 0"; 300].join(" && "), &command()).is_ok());
    assert!(compile(&vec!["exit == 0"; 300].join(" || "), &command()).is_ok());
}

#[test]
fn macros_nest_at_most_twice_but_may_follow_each_other() {
    let nested = |n: usize| {
        let open: String = (0..n).map(|i| format!("stdout.lines().all(x{i}, ")).collect();
        format!("{open}true{}", ")".repeat(n))
    };
    assert!(compile(&nested(MACROS_NESTED_MAX), &command()).is_ok());
    assert_eq!(refused(&nested(MACROS_NESTED_MAX + 1)), "more than 2 macros inside one another");
    let chained = "stdout.lines().map(l, l.trim()).filter(l, l != '').map(l, int(l)).all(n, n > 0)";
    assert!(compile(chained, &command()).is_ok());
}

#[test]
fn a_list_over_10_000_items_has_no_answer() {
    let holds = |source: &str, n: usize| {
        let seen = facts([("stdout", text(&"\n".repeat(n)))]);
        compiled(source, &command()).evaluate(&seen, &Facts::new())
    };
    assert_eq!(holds("stdout.lines().size() == 10000", LIST_MAX), Ok(true));
    let over = "`stdout.lines()` has 10001 lines; at most 10000 are looked at".to_owned();
    assert_eq!(holds("stdout.lines().size() == 10000", LIST_MAX + 1), Err(over));
    let sum = "(stdout.lines() + stdout.lines()).size() == 0";
    let over = "`(stdout.lines() + stdout.lines())` has 10002 items; at most 10000 are looked at".to_owned();
    assert_eq!(holds(sum, LIST_MAX / 2 + 1), Err(over));
    let seen = facts([("rows", Value::List(vec![Value::Null; LIST_MAX + 1]))]);
    let over = "`rows` has 10001 items; at most 10000 are looked at".to_owned();
    assert_eq!(compiled("rows.size() > 0", &sql()).evaluate(&seen, &Facts::new()), Err(over));
    let array = format!("[{}0]", "0,".repeat(LIST_MAX));
    let seen = facts([("stdout", text(&array))]);
    let over = "`json(stdout)` has 10001 items; at most 10000 are looked at".to_owned();
    assert_eq!(compiled("json(stdout) != null", &command()).evaluate(&seen, &Facts::new()), Err(over));
}

#[test]
fn an_evaluation_over_100_000_steps_has_no_answer() {
    let spent = format!("the condition needs more than {FUEL_STEPS_MAX} steps");
    let items: Vec<Value> = (0..1_000).map(Value::Int).collect();
    let seen = facts([("rows", Value::List(items)), ("value", text(&"x".repeat(1 << 20)))]);
    for source in [
        // A million steps if nothing stopped it, and no error may be absorbed to go on.
        "rows.all(a, rows.all(b, a + b >= 0))",
        "rows.exists(a, rows.exists(b, a + b < 0)) || true == false",
        "rows.map(a, rows.map(b, b)).size() > 0",
        // 1 GiB of text.
        "rows.map(a, value + value).size() > 0",
        "rows.all(a, value.contains('y') == false)",
        "rows.all(a, !value.matches('y'))",
        "rows.all(a, rows == rows)",
        "rows.all(a, !(-1 in rows))",
    ] {
        let answer = compiled(source, &sql()).evaluate(&seen, &Facts::new());
        assert!(answer.clone().is_err_and(|sentence| sentence.starts_with(&spent)), "{source}: {answer:?}");
    }
    assert_eq!(compiled("rows.all(a, a >= 0)", &sql()).evaluate(&seen, &Facts::new()), Ok(true));
}

#[test]
fn a_fact_nested_deeper_than_json_allows_has_no_answer() {
    let deep = (0..1_000).fold(Value::Null, |inner, _| Value::List(vec![inner]));
    let seen = facts([("value", deep)]);
    let want = Err("`value` is nested deeper than 128".to_owned());
    assert_eq!(compiled("value == null", &sql()).evaluate(&seen, &Facts::new()), want);
    let seen = facts([("stdout", text(&"[".repeat(100_000)))]);
    let answer = compiled("json(stdout) == null", &command()).evaluate(&seen, &Facts::new());
    assert_eq!(answer, Err("`json(stdout)` is not JSON: recursion limit exceeded at line 1 column 128".to_owned()));
}

#[test]
fn a_pattern_that_would_be_slow_is_refused_and_no_pattern_explodes() {
    assert!(refused("stdout.matches('((a{100}){100}){100}')").contains("not a regular expression"));
    assert!(refused("stdout.matches('(a?){200}')").contains("not a regular expression"));
    for usual in [r"^[0-9a-f]{64}$", r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z", "(?i)TABLE DATA [a-z_]+ (orders|people)"]
    {
        assert!(compile(&format!("stdout.matches(r'{usual}')"), &command()).is_ok(), "{usual}");
    }
    let many = compiled("[1, 2, 3, 4, 5, 6, 7].all(n, !stdout.matches('b'))", &command());
    let seen = facts([("stdout", text(&"a".repeat(64 * 1024)))]);
    assert!(many.evaluate(&seen, &Facts::new()).is_err_and(|sentence| sentence.contains("steps")));
    // Catastrophic for a backtracking engine.
    let expect = compiled("stdout.matches('^(a+)+$')", &command());
    let seen = facts([("stdout", text(&format!("{}b", "a".repeat(60_000))))]);
    assert_eq!(expect.evaluate(&seen, &Facts::new()), Ok(false));
}

/// Pieces that make texts which often compile, and often nearly.
const PIECES: [&str; 60] = [
    "size",
    "age",
    "sha256",
    "exit",
    "stdout",
    "stderr",
    "value",
    "rows",
    "status",
    "body",
    "duration",
    "usual.size",
    "usual.value",
    "usual.duration",
    "usual",
    "1",
    "0",
    "2.5",
    "1MiB",
    "1h",
    "1h30m",
    "1MIB",
    "'a'",
    "\"42\"",
    "null",
    "true",
    "false",
    "==",
    "!=",
    "<",
    "<=",
    ">",
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
    "in",
    "(",
    ")",
    "[",
    "]",
    ",",
    ".",
    ".size()",
    ".trim()",
    ".lines()",
    ".contains('a')",
    ".matches('a+')",
    ".all(x, x == ",
    ".map(x, x",
    "json(",
    "has(",
    "=",
];

fn everything() -> Facts {
    facts([
        ("size", Value::Int(1 << 20)),
        ("age", Value::Duration(-5)),
        ("sha256", text("aa")),
        ("exit", Value::Int(i64::MIN)),
        ("stdout", text("{\"a\": [1, null, {}]}\n42\né")),
        ("stderr", text("")),
        ("value", Value::Decimal(f64::NAN)),
        ("rows", Value::List(vec![Value::Null, Value::Map(facts([("a", Value::Bool(true))]))])),
        ("status", Value::Int(200)),
        ("body", text("[[1]]")),
        ("duration", Value::Duration(i64::MAX)),
    ])
}

/// Compiles for every look; evaluates and explains what compiles.
fn survive(source: &str) {
    let usual = facts([("size", Value::Decimal(1e300)), ("duration", Value::Int(1)), ("value", Value::Null)]);
    for scope in [artifact(), command(), sql(), http()] {
        match compile(source, &scope) {
            Ok(expect) => {
                let answer = expect.evaluate(&everything(), &usual);
                assert_eq!(answer, expect.evaluate(&everything(), &usual), "{source}");
                for seen in [everything(), Facts::new()] {
                    let explained = expect.explain(&seen, &usual);
                    for line in [explained.expected, explained.observed] {
                        assert!(line.chars().count() <= 200 && !line.contains(char::is_control), "{source}: {line:?}");
                    }
                }
            }
            Err(problems) => {
                assert!(!problems.is_empty(), "{source}");
                for problem in problems {
                    assert!(source.get(problem.at..problem.at + problem.len).is_some(), "{source}: {problem:?}");
                    assert!(!problem.message.is_empty() && !problem.help.is_empty(), "{source}: {problem:?}");
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_text_never_panics(source in "\\PC{0,60}") {
        survive(&source);
    }

    #[test]
    fn arbitrary_bytes_as_text_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
        survive(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn arbitrary_pieces_never_panic(pieces in proptest::collection::vec(proptest::sample::select(&PIECES[..]), 0..24)) {
        survive(&pieces.concat());
        survive(&pieces.join(" "));
    }
}
