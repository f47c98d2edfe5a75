//! Conditions and outputs of steps: what is wrong with one, at its place.

use expect_test::expect;

use crate::{problems, with};

#[test]
fn a_condition_speaks_of_inputs_and_of_what_its_step_needs() {
    let text = "\
process: it
inputs: { days: whole, target: text }
steps:
  - { id: count, run: ls, outputs: { tables: whole, colour: blue } }
  - { id: other, run: ls }
  - { id: a, needs: [count], run: ls, when: steps.count.outputs.tabels > 0 }
  - { id: b, needs: [count], run: ls, when: 'steps.other.outcome == \"done\"' }
  - { id: c, needs: [count], run: ls, when: inputs.days }
  - { id: d, needs: [count], run: ls, when: inputs.target > 3 && inputs.tragte == \"\" }
  - { id: e, needs: [count], run: ls, when: size > 3 }
  - { id: f, needs: [count], run: ls, when: 'steps[\"count\"].outputs.tables > inputs.days', despite: failed }
limits: { memory: lots, open_files: 1 }
";
    expect![[r#"
        error[wrong-value]: `blue` is not known here
          --> ops/it.yaml:4:61
          |
        4 |   - { id: count, run: ls, outputs: { tables: whole, colour: blue } }
          |                                                             ^^^^ help: known here: text, whole, number, bool, choice, duration, size, list; or `type:`
        error[bad-when]: there is no `tabels` among what that step hands on
          --> ops/it.yaml:6:65
          |
        6 |   - { id: a, needs: [count], run: ls, when: steps.count.outputs.tabels > 0 }
          |                                                                 ^^^^^^ help: write tables
        error[bad-when]: there is no `other` among the steps that this one needs
          --> ops/it.yaml:7:52
          |
        7 |   - { id: b, needs: [count], run: ls, when: 'steps.other.outcome == "done"' }
          |                                                    ^^^^^ help: there are: count
        error[bad-when]: the condition must be a yes or no, and this is a whole number
          --> ops/it.yaml:8:45
          |
        8 |   - { id: c, needs: [count], run: ls, when: inputs.days }
          |                                             ^^^^^^^^^^^ help: compare it, such as inputs.days > 0
        error[bad-when]: `>` cannot compare text with a whole number
          --> ops/it.yaml:9:45
          |
        9 |   - { id: d, needs: [count], run: ls, when: inputs.target > 3 && inputs.tragte == "" }
          |                                             ^^^^^^^^^^^^^^^^^ help: write int(inputs.target.trim()) > 3
        error[bad-when]: there is no `tragte` among the inputs of this process
          --> ops/it.yaml:9:73
          |
        9 |   - { id: d, needs: [count], run: ls, when: inputs.target > 3 && inputs.tragte == "" }
          |                                                                         ^^^^^^ help: write target
        error[bad-when]: `size` is not known for a step; it is what an artifact shows
           --> ops/it.yaml:10:45
           |
        10 |   - { id: e, needs: [count], run: ls, when: size > 3 }
           |                                             ^^^^ help: known here: inputs and steps
        error[wrong-value]: `failed` is not known here
           --> ops/it.yaml:11:101
           |
        11 |   - { id: f, needs: [count], run: ls, when: 'steps["count"].outputs.tables > inputs.days', despite: failed }
           |                                                                                                     ^^^^^^ help: known here: skipped
        error[wrong-value]: `lots` is not a unit
           --> ops/it.yaml:12:19
           |
        12 | limits: { memory: lots, open_files: 1 }
           |                   ^^^^ help: sizes end in B, KB, MB, GB, TB, KiB, MiB, GiB or TiB, times in ms, s, m, h, d or w
        error[wrong-value]: `1` is out of bounds
           --> ops/it.yaml:12:37
           |
        12 | limits: { memory: lots, open_files: 1 }
           |                                     ^ help: write a number from 3 to 1000000
    "#]].assert_eq(&problems(text));
}

#[test]
fn in_a_sequence_a_condition_may_speak_of_every_step_before() {
    let of = |head: &str| {
        let text = format!(
            "process: it\n{head}steps:\n  - {{ id: a, run: ls, outputs: {{ n: whole }} }}\n  - {{ id: b, run: ls, when: steps.a.outputs.n > 0 }}\n"
        );
        with(&[("ops/it.yaml", &text)]).processes.len()
    };
    assert_eq!(of(""), 1);
    assert_eq!(of("parallel: 2\n"), 0, "side by side nobody knows whether a is done");
}

#[test]
fn a_cycle_with_conditions_is_told_and_ends() {
    let text = "process: it\nsteps:\n  - { id: a, needs: [b], run: ls, when: steps.b.outcome == \"done\" }\n  - { id: b, needs: [a], run: ls }\n";
    assert!(problems(text).contains("wait for each other: `a` needs `b` needs `a`"), "{}", problems(text));
}
