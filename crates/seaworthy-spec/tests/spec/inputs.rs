//! Inputs of a process: what is wrong with one, at its place.

use expect_test::expect;

use crate::{problems, with};

#[test]
fn what_is_wrong_with_an_input_is_told_at_its_place() {
    let text = "\
process: it
schedule: { every: 1h }
inputs:
  days: { type: whole, min: one, default: 40 }
  level: { type: whole, max: 30, default: 40 }
  target: { type: choice, default: x }
  api_token: text
  Days: { type: text, pattern: \"[a\", default: a }
  size: { type: size, pattern: x, default: 5m }
  kind: colour
steps:
  - run: ls
";
    expect![[r#"
        error[bad-input]: `one` is not a whole number; write digits only
          --> ops/it.yaml:4:29
          |
        4 |   days: { type: whole, min: one, default: 40 }
          |                             ^^^ help: write a value of `type: whole`
        error[bad-input]: `40` is more than 30
          --> ops/it.yaml:5:43
          |
        5 |   level: { type: whole, max: 30, default: 40 }
          |                                           ^^ help: write a default of `type: whole`
        error[bad-input]: a choice says nothing of its words
          --> ops/it.yaml:6:11
          |
        6 |   target: { type: choice, default: x }
          |           ^^^^^^^^^^^^^^^^^^^^^^^^^^^^ help: add `of: [ONE, OTHER]`
        error[secret-input]: `api_token` looks like a secret, but inputs are recorded and shown
          --> ops/it.yaml:7:3
          |
        7 |   api_token: text
          |   ^^^^^^^^^ help: name it under `secrets:`; the site file says where it comes from
        error[no-default]: a schedule can give no `api_token`, and it has no default
          --> ops/it.yaml:7:3
          |
        7 |   api_token: text
          |   ^^^^^^^^^ help: write `default:`, or leave the schedule out
        error[duplicate-name]: `days` and `Days` are one variable, INPUT_DAYS
          --> ops/it.yaml:8:3
          |
        8 |   Days: { type: text, pattern: "[a", default: a }
          |   ^^^^ help: rename one of them
        error[bad-pattern]: `[a` is no pattern that can be used (non-empty character class has no closing bracket)
          --> ops/it.yaml:8:32
          |
        8 |   Days: { type: text, pattern: "[a", default: a }
          |                                ^^^^ help: write a regular expression such as [a-z]+
        error[bad-input]: `pattern` says nothing of a size
          --> ops/it.yaml:9:32
          |
        9 |   size: { type: size, pattern: x, default: 5m }
          |                                ^ help: only of text
        error[bad-input]: `5m` is a length of time; write a size, such as 10MiB
          --> ops/it.yaml:9:44
          |
        9 |   size: { type: size, pattern: x, default: 5m }
          |                                            ^^ help: write a default of `type: size`
        error[wrong-value]: `colour` is not known here
           --> ops/it.yaml:10:9
           |
        10 |   kind: colour
           |         ^^^^^^ help: known here: text, whole, number, bool, choice, duration, size, list; or `type:`
    "#]]
    .assert_eq(&problems(text));
}

#[test]
fn inputs_of_every_form_are_read_and_absent_ones_leave_the_digest_alone() {
    let of = |inputs: &str| {
        let text = format!("process: it\n{inputs}steps:\n  - run: ls\n");
        let read = with(&[("ops/it.yaml", &text)]);
        read.processes.into_iter().next().expect("it has no error").1
    };
    let process = of(
        "inputs:\n  a: text\n  b: { type: number, min: 0.5 }\n  c: bool\n  d: { type: list, default: [x, y] }\n  e: { type: duration, max: 2h, default: 90s }\n",
    );
    let words: Vec<_> = process.inputs.iter().map(|input| (input.name.as_str(), input.form.word())).collect();
    assert_eq!(words, [("a", "text"), ("b", "number"), ("c", "bool"), ("d", "list"), ("e", "duration")]);
    assert!(!of("").canonical().contains("inputs"), "a definition without inputs is what it was");
}

#[test]
fn two_outputs_never_share_a_variable() {
    let text = "\
process: it
steps:
  - { id: list, run: ls, outputs: { Table_count: whole, table_count: whole } }
  - { id: list-table, run: ls, outputs: { count: whole, names: list } }
  - { id: sum, run: ls, outputs: { table_count: whole } }
";
    expect![[r#"
        error[duplicate-name]: `Table_count` of step `list` and `table_count` of step `list` are one variable, OUTPUT_LIST_TABLE_COUNT
          --> ops/it.yaml:3:57
          |
        3 |   - { id: list, run: ls, outputs: { Table_count: whole, table_count: whole } }
          |                                                         ^^^^^^^^^^^ help: rename one of them, or its step
        error[duplicate-name]: `table_count` of step `list` and `count` of step `list-table` are one variable, OUTPUT_LIST_TABLE_COUNT
          --> ops/it.yaml:4:43
          |
        4 |   - { id: list-table, run: ls, outputs: { count: whole, names: list } }
          |                                           ^^^^^ help: rename one of them, or its step
    "#]]
    .assert_eq(&problems(text));
}
