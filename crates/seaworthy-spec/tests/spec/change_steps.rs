//! What a change of a step takes away.

use expect_test::expect;

use crate::change::shown;

#[test]
fn a_step_that_is_done_in_fewer_cases_waits_for_a_person() {
    let of = |rest: &str| {
        format!(
            "process: p\ninputs: {{ n: whole, where: text }}\nsteps:\n  - {{ id: a, run: ls }}\n  - {{ id: b, needs: [a], run: ls{rest} }}\n"
        )
    };
    let told = |old: &str, new: &str| shown(&of(old), &of(new));
    expect![[r#"
        weaker step `b` is done only when `inputs.n > 3`, it was done always
    "#]]
    .assert_eq(&told("", ", when: inputs.n > 3"));
    expect![[r#"
        - step `b` is done always, not only when `inputs.n > 3`
    "#]]
    .assert_eq(&told(", when: inputs.n > 3", ""));
    expect![[r#"
        weaker step `b` is done when `inputs.n > 9` instead of `inputs.n > 3`
    "#]]
    .assert_eq(&told(", when: inputs.n > 3", ", when: inputs.n > 9"));
    expect![[r#"
        - step `b` is done when `inputs.n > 3` instead of `inputs.n > 9`
    "#]]
    .assert_eq(&told(", when: inputs.n > 9", ", when: inputs.n > 3"));
    expect![[r#"
        weaker step `b` is done when `inputs.where == "b"` instead of `inputs.where == "a"`
    "#]]
    .assert_eq(&told(", when: 'inputs.where == \"a\"'", ", when: 'inputs.where == \"b\"'"));
    expect![[r#"
        weaker step `b` is skipped now when a step that it needs was skipped
    "#]]
    .assert_eq(&told(", despite: skipped", ""));
    expect![[r#"
        - step `b` is done now although a step that it needs was skipped
    "#]]
    .assert_eq(&told("", ", despite: skipped"));
    expect![[r#"
        - step `b`: over what list it is done changed
    "#]]
    .assert_eq(&told(", matrix: [x, y]", ", matrix: [x]"));
}
