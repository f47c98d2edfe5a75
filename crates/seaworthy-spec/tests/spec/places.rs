//! The mark stands under what is wrong: with tabs, wide letters, CR LF, quotes, escapes, folded lines and blocks.

use expect_test::expect;

use crate::problems;

/// Only the line and the mark of each problem with `expect`.
fn marks(expect: &str) -> String {
    let text = format!("process: it\nverify:\n  - command: ls\n    expect: {expect}\n");
    let shown = problems(&text);
    let lines = shown.lines().filter(|line| line.starts_with(|c: char| c.is_ascii_digit() || c == ' '));
    let kept = lines.filter(|line| !line.trim_end().ends_with('|') && !line.contains("-->"));
    kept.map(|line| line.split(" help:").next().unwrap_or_default().trim_end().to_owned() + "\n").collect()
}

#[test]
fn a_condition_is_marked_where_it_stands_in_any_kind_of_scalar() {
    let cases = [
        "exit == 0 && sise > 1",
        "'exit == 0 && sise > 1'",
        "'stdout == ''x'' && sise > 1'",
        r#""stdout == \"x\" && sise > 1""#,
        r#""stdout == \"\u00e9\" && sise > 1""#,
        "exit == 0\n      && sise > 1",
        "\"exit == 0\n\n      && sise > 1\"",
        "|\n      exit == 0 &&\n        sise > 1",
        ">-   # folded\n      exit == 0 &&\n      sise > 1",
        ">\n      exit == 0\n\n      && sise > 1",
        "stdout == 'über 日本' && sise > 1",
    ];
    let shown: String = cases.iter().map(|case| marks(case)).collect();
    expect![[r#"
        4 |     expect: exit == 0 && sise > 1
          |                          ^^^^
        4 |     expect: 'exit == 0 && sise > 1'
          |                           ^^^^
        4 |     expect: 'stdout == ''x'' && sise > 1'
          |                                 ^^^^
        4 |     expect: "stdout == \"x\" && sise > 1"
          |                                 ^^^^
        4 |     expect: "stdout == \"\u00e9\" && sise > 1"
          |                                      ^^^^
        5 |       && sise > 1
          |          ^^^^
        6 |       && sise > 1"
          |          ^^^^
        6 |         sise > 1
          |         ^^^^
        6 |       sise > 1
          |       ^^^^
        7 |       && sise > 1
          |          ^^^^
        4 |     expect: stdout == 'über 日本' && sise > 1
          |                                      ^^^^
    "#]]
    .assert_eq(&shown);
}

#[test]
fn marks_stand_right_after_tabs_and_wide_letters() {
    expect![[r#"
        error[wrong-value]: `Ä日本` is not the name of an environment variable
          --> ops/it.yaml:2:8
          |
        2 | env: {    Ä日本: x,        B-B: y }
          |           ^^^^^ help: use letters, digits and `_`, not beginning with a digit
        error[wrong-value]: `B-B` is not the name of an environment variable
          --> ops/it.yaml:2:17
          |
        2 | env: {    Ä日本: x,        B-B: y }
          |                            ^^^ help: use letters, digits and `_`, not beginning with a digit
    "#]]
    .assert_eq(&problems("process: it\nenv: {\tÄ日本: x,\t\tB-B: y }\n"));
}

#[test]
fn lines_are_counted_with_cr_lf_and_a_byte_order_mark() {
    expect![[r#"
        error[wrong-value]: `D` is not known here
          --> ops/it.yaml:3:7
          |
        3 | tier: D
          |       ^ help: known here: A, B, C
        error[unknown-key]: unknown key `rnu` in a step
          --> ops/it.yaml:5:3
          |
        5 | - rnu: x
          |   ^^^ help: write `run`
    "#]]
    .assert_eq(&problems("\u{feff}process: it\r\n# ä\r\ntier: D\r\nsteps:\r\n- rnu: x\r\n"));
}

#[test]
fn a_long_line_is_shown_around_its_mark() {
    let text = format!("process: it\nenv: {{ A: {}, B-B: x, C: {} }}\n", "a".repeat(300), "c".repeat(300));
    expect![[r#"
        error[wrong-value]: `B-B` is not the name of an environment variable
          --> ops/it.yaml:2:313
          |
        2 | …aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa, B-B: x, C: ccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc…
          |                                                                                  ^^^ help: use letters, digits and `_`, not beginning with a digit
    "#]].assert_eq(&problems(&text));
}

#[test]
fn control_characters_of_a_file_do_not_reach_the_terminal() {
    let text = "process: \"a\\e[31m\"\n";
    let shown = problems(text);
    assert!(!shown.contains('\u{1b}') && shown.contains("wrong-value"), "{shown}");
}
