//! Steps that run other processes, and triggers that wait for them: what is wrong with one, at its place.

use expect_test::expect;
use seaworthy_spec::Severity;

use crate::{rendered, with};

const CHILD: &str = "\
process: child
inputs: { days: whole, name: { type: text, default: x } }
steps:
  - { id: count, run: ls, outputs: { rows: whole, tables: list } }
  - { id: twice, run: ls, outputs: { tables: list } }
  - { id: each, run: ls, matrix: [a, b], outputs: { sizes: whole } }
verify: [{ command: ls, expect: stdout != \"\" }]
";

fn said(parent: &str) -> String {
    rendered(&with(&[("ops/child.yaml", CHILD), ("ops/it.yaml", parent)]), &[Severity::Error])
}

#[test]
fn every_mistake_of_a_step_that_runs_a_process_has_its_caret() {
    let step = |rest: &str| {
        said(&format!(
            "process: it\nsteps:\n  - {{ id: a, run: ls }}\n  - {{ {rest} }}\nverify: [{{ command: ls, expect: stdout != \"\" }}]\n"
        ))
    };
    expect![[r#"
        error[unknown-process]: there is no process `chidl`
          --> ops/it.yaml:4:16
          |
        4 |   - { process: chidl, inputs: { days: 3 } }
          |                ^^^^^ help: write `child`
    "#]]
    .assert_eq(&step("process: chidl, inputs: { days: 3 }"));
    expect![[r#"
        error[call-cycle]: these processes wait for each other for ever: it -> it
          --> ops/it.yaml:4:16
          |
        4 |   - { process: it }
          |                ^^ help: take one of these steps out
    "#]]
    .assert_eq(&step("process: it"));
    expect![[r#"
        error[missing-input]: `child` needs the input `days`, which has no default
          --> ops/it.yaml:4:16
          |
        4 |   - { process: child }
          |                ^^^^^ help: add `inputs: { days: … }`
    "#]]
    .assert_eq(&step("process: child"));
    expect![[r#"
        error[unknown-input]: `child` has no input `nmae`
          --> ops/it.yaml:4:42
          |
        4 |   - { process: child, inputs: { days: 3, nmae: y } }
          |                                          ^^^^ help: write `name`
    "#]]
    .assert_eq(&step("process: child, inputs: { days: 3, nmae: y }"));
    expect![[r#"
        error[bad-input]: input `days` of `child`: `many` is not a whole number; write digits only
          --> ops/it.yaml:4:39
          |
        4 |   - { process: child, inputs: { days: many } }
          |                                       ^^^^ help: write another value
    "#]]
    .assert_eq(&step("process: child, inputs: { days: many }"));
    expect![[r#"
        error[unknown-output]: no step of `child` hands on `rwos`
          --> ops/it.yaml:4:55
          |
        4 |   - { process: child, inputs: { days: 3 }, outputs: { rwos: whole } }
          |                                                       ^^^^ help: write `rows`
    "#]]
    .assert_eq(&step("process: child, inputs: { days: 3 }, outputs: { rwos: whole }"));
    expect![[r#"
        error[unknown-output]: more than one step of `child` hands on `tables`: `count`, `twice`
          --> ops/it.yaml:4:55
          |
        4 |   - { process: child, inputs: { days: 3 }, outputs: { tables: list } }
          |                                                       ^^^^^^ help: give each a name of its own
    "#]]
    .assert_eq(&step("process: child, inputs: { days: 3 }, outputs: { tables: list }"));
    expect![[r#"
        error[bad-output]: step `count` of `child` hands `rows` on as whole
          --> ops/it.yaml:4:61
          |
        4 |   - { process: child, inputs: { days: 3 }, outputs: { rows: text, sizes: list } }
          |                                                             ^^^^ help: write `whole`
    "#]]
    .assert_eq(&step("process: child, inputs: { days: 3 }, outputs: { rows: text, sizes: list }"));
    expect![[r#""#]].assert_eq(&step("process: child, inputs: { days: 3 }, outputs: { sizes: list }, matrix: [1, 2]"));
}

#[test]
fn every_mistake_of_a_trigger_has_its_caret() {
    let trigger = |rest: &str| said(&format!("process: it\ntriggers:\n  - {{ {rest} }}\nsteps: [{{ run: ls }}]\n"));
    expect![[r#"
        error[unknown-process]: there is no process `chidl`
          --> ops/it.yaml:3:16
          |
        3 |   - { process: chidl, when: failed }
          |                ^^^^^ help: write `child`
    "#]]
    .assert_eq(&trigger("process: chidl, when: failed"));
    expect![[r#"
        error[trigger-cycle]: these processes start each other for ever: it -> it
          --> ops/it.yaml:3:16
          |
        3 |   - { process: it }
          |                ^^ help: take one of the triggers out
    "#]]
    .assert_eq(&trigger("process: it"));
    expect![[r#"
        error[unknown-process]: there is no process `chidl`
          --> ops/it.yaml:3:27
          |
        3 |   - { signal: missed, of: chidl }
          |                           ^^^^^ help: write `child`
    "#]]
    .assert_eq(&trigger("signal: missed, of: chidl"));
    expect![[r#"
        error[duplicate-name]: the process waits for `in/*` already
          --> ops/it.yaml:5:13
          |
        5 |   - { file: ./in/./* }
          |             ^^^^^^^^ help: keep one of them
    "#]]
    .assert_eq(&trigger("file: in/*, settled: 1m }\n  - { file: ./in//*.csv }\n  - { file: ./in/./*"));
}
