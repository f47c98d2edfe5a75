//! Steps over a list: what is wrong with one, at its place.

use expect_test::expect;
use seaworthy_model::matrix::{Matrix, Over};

use crate::{problems, with};

#[test]
fn a_list_is_one_that_is_known_when_the_step_begins() {
    let text = "\
process: it
inputs: { days: whole, names: list }
steps:
  - { id: list, run: ls, outputs: { tables: list, count: whole } }
  - { id: other, run: ls, outputs: { tables: list } }
  - { id: a, needs: [list], run: ls, matrix: steps.list.outputs.tabels }
  - { id: b, needs: [list], run: ls, matrix: steps.other.outputs.tables }
  - { id: c, needs: [list], run: ls, matrix: { over: steps.list.outputs.count, parallel: 0, after_failure: wait } }
  - { id: d, needs: [list], run: ls, matrix: inputs.days }
  - { id: e, needs: [list], run: ls, matrix: inputs.name }
  - { id: f, needs: [list], run: ls, matrix: orders }
  - { id: g, needs: [list], run: ls, matrix: [a, b, a] }
  - { id: h, needs: [list], run: ls, matrix: [] }
  - { id: i, needs: [list], run: ls, matrix: { parallel: 2 } }
  - { id: j, needs: [list], run: ls, matrix: [a, b], makes: all.dump, env: { ELEMENT: x } }
  - { id: k, needs: [list], run: ls, matrix: [a, b], makes: '{element}.dump' }
  - { id: l, needs: [list], run: ls, makes: a.dump }
  - { id: m, needs: [list], human: look, matrix: [a, b] }
  - { id: n, needs: [k], run: ls, matrix: { over: [a], limit: 3 } }
";
    expect![[r#"
        error[bad-matrix]: step `list` hands on no `tabels`
          --> ops/it.yaml:6:46
          |
        6 |   - { id: a, needs: [list], run: ls, matrix: steps.list.outputs.tabels }
          |                                              ^^^^^^^^^^^^^^^^^^^^^^^^^ help: write `tables`
        error[bad-matrix]: step `other` is not among the steps that this one needs
          --> ops/it.yaml:7:46
          |
        7 |   - { id: b, needs: [list], run: ls, matrix: steps.other.outputs.tables }
          |                                              ^^^^^^^^^^^^^^^^^^^^^^^^^^ help: add `needs: [other]`
        error[bad-matrix]: the output `count` of step `list` is of `type: whole`, and a matrix needs a list
          --> ops/it.yaml:8:54
          |
        8 |   - { id: c, needs: [list], run: ls, matrix: { over: steps.list.outputs.count, parallel: 0, after_failure: wait } }
          |                                                      ^^^^^^^^^^^^^^^^^^^^^^^^ help: declare it with `type: list`
        error[wrong-value]: `0` is out of bounds
          --> ops/it.yaml:8:90
          |
        8 |   - { id: c, needs: [list], run: ls, matrix: { over: steps.list.outputs.count, parallel: 0, after_failure: wait } }
          |                                                                                          ^ help: write a number from 1 to 64
        error[wrong-value]: `wait` is not known here
          --> ops/it.yaml:8:108
          |
        8 |   - { id: c, needs: [list], run: ls, matrix: { over: steps.list.outputs.count, parallel: 0, after_failure: wait } }
          |                                                                                                            ^^^^ help: known here: go-on, stop
        error[bad-matrix]: the input `days` is of `type: whole`, and a matrix needs a list
          --> ops/it.yaml:9:46
          |
        9 |   - { id: d, needs: [list], run: ls, matrix: inputs.days }
          |                                              ^^^^^^^^^^^ help: declare it with `type: list`
        error[bad-matrix]: there is no input `name`
           --> ops/it.yaml:10:46
           |
        10 |   - { id: e, needs: [list], run: ls, matrix: inputs.name }
           |                                              ^^^^^^^^^^^ help: write `names`
        error[bad-matrix]: `orders` is no list
           --> ops/it.yaml:11:46
           |
        11 |   - { id: f, needs: [list], run: ls, matrix: orders }
           |                                              ^^^^^^ help: write a list, `inputs.NAME`, or `steps.ID.outputs.NAME`
        error[duplicate-element]: `a` is in this list twice
           --> ops/it.yaml:12:53
           |
        12 |   - { id: g, needs: [list], run: ls, matrix: [a, b, a] }
           |                                                     ^ help: keep one of them
        error[wrong-type]: the list is empty
           --> ops/it.yaml:13:46
           |
        13 |   - { id: h, needs: [list], run: ls, matrix: [] }
           |                                              ^^^ help: add an item, or leave the key out
        error[missing-key]: a matrix lacks `over`
           --> ops/it.yaml:14:48
           |
        14 |   - { id: i, needs: [list], run: ls, matrix: { parallel: 2 } }
           |                                                ^^^^^^^^ help: add `over:`. The list: itself, `inputs.NAME`, or `steps.ID.outputs.NAME`.
        error[shared-artifact]: every element would make `all.dump`
           --> ops/it.yaml:15:61
           |
        15 |   - { id: j, needs: [list], run: ls, matrix: [a, b], makes: all.dump, env: { ELEMENT: x } }
           |                                                             ^^^^^^^^ help: write {element} in its name
        error[reserved-name]: `ELEMENT` is set for each element already
           --> ops/it.yaml:15:87
           |
        15 |   - { id: j, needs: [list], run: ls, matrix: [a, b], makes: all.dump, env: { ELEMENT: x } }
           |                                                                                       ^ help: take another name
        error[duplicate-artifact]: `a.dump` is made by step `k` already
           --> ops/it.yaml:17:45
           |
        17 |   - { id: l, needs: [list], run: ls, makes: a.dump }
           |                                             ^^^^^^ help: give it another name
        error[unknown-key]: unknown key `matrix` in a step that a person does
           --> ops/it.yaml:18:42
           |
        18 |   - { id: m, needs: [list], human: look, matrix: [a, b] }
           |                                          ^^^^^^ help: known here: human, id, needs, when, despite, procedure, route, within, evidence
        error[unknown-key]: unknown key `limit` in a matrix
           --> ops/it.yaml:19:56
           |
        19 |   - { id: n, needs: [k], run: ls, matrix: { over: [a], limit: 3 } }
           |                                                        ^^^^^ help: known here: over, parallel, after_failure
    "#]].assert_eq(&problems(text));
}

#[test]
fn more_elements_than_a_list_may_have_are_refused() {
    let many: Vec<String> = (0..3_000).map(|n| n.to_string()).collect();
    let text = format!("process: it\nsteps:\n  - {{ run: ls, matrix: [{}] }}\n", many.join(","));
    let told = problems(&text);
    assert!(told.contains("3000") && told.contains("256"), "{}", &told[..told.len().min(300)]);
}

#[test]
fn a_list_may_be_said_alone_or_with_how_it_is_done() {
    let text = "process: it\nsteps:\n  - { id: a, run: ls, outputs: { names: list } }\n  - { id: b, run: ls, matrix: { over: steps.a.outputs.names, parallel: 2, after_failure: stop } }\n  - { id: c, run: ls, matrix: [x, 1] }\n";
    let read = with(&[("ops/it.yaml", text)]);
    let process = &read.processes[0].1;
    let over = Over::Output { step: "a".into(), name: "names".into() };
    assert_eq!(process.steps[1].matrix, Some(Matrix { over, parallel: Some(2), stop: true }));
    let over = Over::These(vec!["x".into(), "1".into()]);
    assert_eq!(process.steps[2].matrix, Some(Matrix { over, parallel: None, stop: false }));
    assert!(
        !process.canonical().replace("matrix\":{\"over", "").contains("matrix"),
        "a step without one does not name it"
    );
}
