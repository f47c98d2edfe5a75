//! Bad input: every limit is met with a sentence, quickly.
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a watchdog against hanging, not a measurement"
)]

use std::time::{Duration, Instant};

use expect_test::expect;

use crate::{problems, with};

/// A watchdog: far above what any of these takes on any machine, far below what an unbounded one would.
const QUICK: Duration = Duration::from_secs(60);

fn first_line(text: &str) -> String {
    let start = Instant::now();
    let shown = problems(text);
    assert!(start.elapsed() < QUICK, "took {:?}", start.elapsed());
    shown.lines().next().unwrap_or_default().to_owned() + "\n"
}

#[test]
fn hostile_files_are_refused_with_a_sentence() {
    let mut bomb = String::from("process: it\nabout: &a [x, x, x, x, x, x, x, x, x]\n");
    for level in 'b'..'k' {
        let before = char::from(level as u8 - 1);
        bomb.push_str(&format!("{level}: &{level} [*{before}, *{before}, *{before}, *{before}, *{before}]\n"));
    }
    let cases = [
        bomb,
        "[".repeat(100_000),
        "{a: ".repeat(100_000),
        "- ".repeat(100_000),
        "? ".repeat(100_000),
        format!("process: it\nenv:\n  A: {}\n", "[".repeat(200)),
        "process: a\0b\n".to_owned(),
        "process: a\u{1b}[31mb\n".to_owned(),
        "process: it\nabout: !!str x\n".to_owned(),
        "process: it\nabout: \"not closed\n".to_owned(),
        "process: it\n\tabout: tab\n".to_owned(),
        "process: it\nsteps: [{ run: curl -H 'A: b' }]\nabout: a: b\n".to_owned(),
        "process: it\nprocess: it\n".to_owned(),
        "process: it\n? [a, b]\n: c\n".to_owned(),
        "x".repeat(1024 * 1024 + 1),
        "x".repeat(1024 * 1024),
        format!("process: {}\n", "n".repeat(100_000)),
        format!("process: it\nenv:\n{}", (0..20_000).map(|n| format!("  A{n}: x\n")).collect::<String>()),
        format!("process: it\n{}", (0..9_000).map(|n| format!("key{n}: x\n")).collect::<String>()),
    ];
    let shown: String = cases.iter().map(|case| first_line(case)).collect();
    expect![[r#"
        error[not-read]: anchors and aliases (`&name`, `*name`) are not read
        error[too-deep]: lists and mappings are nested deeper than 64
        error[too-deep]: lists and mappings are nested deeper than 64
        error[too-deep]: lists and mappings are nested deeper than 64
        error[too-deep]: lists and mappings are nested deeper than 64
        error[too-deep]: lists and mappings are nested deeper than 64
        error[control-character]: a control character is not allowed in a file of text
        error[control-character]: a control character is not allowed in a file of text
        error[not-read]: tags (`!name`) are not read
        error[syntax]: this is not YAML: while scanning a quoted scalar, found unexpected end of stream
        error[syntax]: this is not YAML: while scanning a plain scalar, found a tab
        error[syntax]: this is not YAML: while parsing a flow mapping, did not find expected ',' or '}'
        error[duplicate-key]: `process` is written twice in one mapping
        error[wrong-type]: a key is a text, not a list
        error[too-large]: the file has 1048577 bytes; at most 1048576 are read
        error[wrong-type]: a document is a mapping, not a text
        error[wrong-value]: `nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn…` is not a name
        error[too-large]: the file has more than 20000 values
        error[unknown-key]: unknown key `key0` in a process
    "#]]
    .assert_eq(&shown);
}

#[test]
fn no_piece_repeated_over_and_over_makes_reading_slow() {
    let pieces = [
        "'",
        "\"",
        "\\",
        "- a\n",
        "a:\n b:\n",
        "# x\n",
        "? a\n",
        "|\n",
        "a: >\n x\n",
        "[a, ",
        "{a, ",
        ", ",
        "[]\n",
        "a b ",
        ": ",
        "a: ",
        "\t",
        "\n",
        "%a\n",
        "---\n",
        "...\n",
        "!a ",
        "@",
        "`",
        "日",
        "\"\\u00e9",
        "''",
        "- - ",
        "-\n",
        "[?",
        "a:\n\n",
    ];
    for piece in pieces {
        for before in ["", "process: it\nabout: ", "process: \"", "process: it\nverify: [{command: x, expect: '"] {
            let text = format!("{before}{}", piece.repeat(128 * 1024 / piece.len()));
            let start = Instant::now();
            problems(&text);
            assert!(start.elapsed() < QUICK, "{before:?} and {piece:?} took {:?}", start.elapsed());
        }
    }
}

#[test]
fn five_thousand_steps_are_refused_quickly() {
    let steps: String = (0..5_000).map(|n| format!("- run: echo {n}\n")).collect();
    expect![[r#"
        error[too-many]: 5000 of these, at most 1000 are allowed
    "#]]
    .assert_eq(&first_line(&format!("process: it\nsteps:\n{steps}")));
}

#[test]
fn a_thousand_steps_in_a_chain_are_read() {
    let steps: String = (1..1_000).map(|n| format!("- {{ id: s{n}, run: x, needs: s{} }}\n", n - 1)).collect();
    let read = with(&[("ops/it.yaml", &format!("process: it\nsteps:\n- {{ id: s0, noop: true }}\n{steps}"))]);
    assert_eq!(read.processes[0].1.steps.len(), 1_000);
}

#[test]
fn a_file_without_documents_says_nothing() {
    for text in ["", "\n\n", "# only a comment\n", "---\n", "---\n---\n# x\n"] {
        assert_eq!(problems(text), "", "{text:?}");
    }
}

#[test]
fn the_site_file_must_say_something() {
    expect![[r#"
        error[missing-key]: the site file says nothing of a site
          --> seaworthy.yaml:1:1
          |
        1 | # nothing
          | ^ help: begin it with `site: NAME`
    "#]]
    .assert_eq(&crate::site_problems("# nothing\n"));
}

#[test]
fn too_many_problems_are_counted_not_told() {
    let text = format!("process: it\n{}", (0..1_000).map(|n| format!("key{n}: x\n")).collect::<String>());
    let read = with(&[("ops/it.yaml", &text)]);
    let last = read.diagnostics.last().expect("there are problems");
    assert_eq!((read.diagnostics.len(), last.code), (201, "too-many-problems"));
    assert_eq!(read.processes, []);
}

#[test]
fn a_value_of_half_a_megabyte_in_one_line_is_judged_quickly() {
    let wide = "a".repeat(450_000);
    assert!(
        first_line(&format!(
            "process: it\nsteps: [{{ run: '{wide}' }}]\nverify: [{{ command: x, expect: '{wide}' }}]\n"
        ))
        .contains("bad-expect")
    );
}
