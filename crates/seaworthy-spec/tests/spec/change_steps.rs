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

/// What a change of the steps of this process is called.
fn gated(edits: &[(&str, &str)]) -> String {
    let old = "process: p\nsteps:\n  - { id: make, run: ls }\n  - { id: ok, needs: [make], approve: Ship, within: 8h, route: oncall }\n  - { id: hand, needs: [make], human: Turn the key, within: 8h, route: oncall }\n  - { id: ship, needs: [ok, hand], run: ./ship }\n  - { id: tidy, needs: [ship], run: ./tidy }\n";
    let new = edits.iter().fold(old.to_owned(), |text, (old, new)| {
        assert!(text.contains(old), "`{old}` is not in\n{text}");
        text.replacen(old, new, 1)
    });
    shown(old, &new)
}

#[test]
fn that_nobody_is_asked_any_more_waits_for_a_person() {
    let (ok, hand) = ("approve: Ship, within: 8h, route: oncall", "human: Turn the key, within: 8h, route: oncall");
    let gone = gated(&[(&format!("  - {{ id: ok, needs: [make], {ok} }}\n"), ""), ("[ok, hand]", "[hand]")]);
    expect![[r#"
        weaker step `ok` removed: nobody agrees any more
        - step `ship`: needs from [ok, hand] to [hand]
    "#]]
    .assert_eq(&gone);
    expect![[r#"
        weaker step `ok` does something else: nobody agrees any more
    "#]]
    .assert_eq(&gated(&[(ok, "run: 'true'")]));
    expect![[r#"
        weaker step `hand` does something else: no person does it any more
    "#]]
    .assert_eq(&gated(&[(hand, "run: 'true'")]));
    expect![[r#"
        weaker step `ship` does not wait for the yes to `ok` any more
        weaker step `tidy` does not wait for the yes to `ok` any more
        - step `ship`: needs from [ok, hand] to [hand]
    "#]]
    .assert_eq(&gated(&[("[ok, hand]", "[hand]")]));
    expect![[r#"
        - step `ship`: needs from [ok, hand] to [yes, hand]
        - step `ok` is called `yes` now
    "#]]
    .assert_eq(&gated(&[("id: ok", "id: yes"), ("[ok, hand]", "[yes, hand]")]));
    expect![[r#"
        weaker step `ship` is done now also if nobody is asked by `ok`
        - step `ship` is done now although a step that it needs was skipped
    "#]]
    .assert_eq(&gated(&[("run: ./ship", "run: ./ship, despite: skipped")]));
    expect![[r#"
        weaker step `hand`: evidence from text to none
        - step `hand`: within from 8h to 1d
    "#]]
    .assert_eq(&gated(&[(hand, "human: Turn the key, within: 1d, route: oncall, evidence: none")]));
    expect![[r#"
        - step `ok`: what the person is asked for changed
    "#]]
    .assert_eq(&gated(&[("approve: Ship", "approve: Ship it")]));
}

#[test]
fn steps_in_a_row_that_go_side_by_side_do_not_wait_for_a_yes() {
    let row = |rest: &str| {
        format!(
            "process: p\n{rest}steps:\n  - {{ id: ok, approve: Ship, route: oncall }}\n  - {{ id: ship, run: ./ship }}\n"
        )
    };
    expect![[r#"
        weaker step `ship` does not wait for the yes to `ok` any more
        - parallel from not said to 2
    "#]]
    .assert_eq(&shown(&row(""), &row("parallel: 2\n")));
}

#[test]
fn what_bounds_runs_has_a_line_of_its_own_whatever_else_changed() {
    let of = |rest: &str, step: &str| format!("process: p\n{rest}steps:\n  - {{ id: a, run: ls{step} }}\n");
    let old = of(
        "about: x\nlocks: [db]\nparallel: 2\nlimits: { memory: 1GiB }\ninputs: { n: { type: whole, default: 1 } }\ntriggers:\n  - { file: /tmp/in }\nschedule: { every: 1h, overlap: forbid }\n",
        ", limits: { processes: 5 }",
    );
    let new = of(
        "about: y\nparallel: 3\ninputs: { m: { type: whole, default: 1 } }\nschedule: { every: 1h, overlap: allow, missed: skip }\n",
        ", limits: { processes: 6 }",
    );
    expect![[r#"
        weaker schedule: overlap from forbid to allow
        weaker lock `db` is not taken any more
        weaker triggers removed: nothing starts it at file `/tmp/in` any more
        weaker limit of memory from 1073741824 to none
        - about from `x` to `y`
        - schedule: missed from latest to skip
        - input `n` removed
        - input `m` added
        - parallel from 2 to 3
        - step `a`: limit of processes from 5 to 6
    "#]]
    .assert_eq(&shown(&old, &new));
}

#[test]
fn a_request_that_is_done_at_more_answers_waits_for_a_person() {
    let of =
        |rest: &str| format!("process: p\nsteps:\n  - {{ id: a, http: 'http://127.0.0.1:1/', method: PUT{rest} }}\n");
    expect![[r#"
        weaker step `a` is done now at other answers, too: 404
    "#]]
    .assert_eq(&shown(&of(", status: [200]"), &of(", status: [200, 404]")));
    expect![[r#"
        - step `a` is done at fewer answers
    "#]]
    .assert_eq(&shown(&of(""), &of(", status: [200]")));
}
