//! Checks: what must be said, what proves data, which artifact is meant.

use expect_test::expect;

use crate::{problems, with};

#[test]
fn a_verify_without_a_data_check_is_an_error() {
    let with_check =
        |check: &str| problems(&format!("process: it\nsteps: [{{ run: x, makes: a.dump }}]\nverify:\n  - {check}\n"));
    for check in [
        "{ artifact: a.dump, expect: size > 1KiB && age < 1h }",
        "{ command: 'true', expect: exit == 0 }",
        "{ command: 'test -s \"$ARTIFACT\"', expect: exit == 0 }",
        "{ command: 'gzip -t \"$ARTIFACT\"', expect: duration < 1h }",
        "{ command: 'gzip -t \"$ARTIFACT\"', expect: exit < 200 }",
        "{ http: 'http://localhost/', expect: status == 200 }",
        "{ duration: { at_least: 1s } }",
    ] {
        assert!(with_check(check).starts_with("error[no-data-check]"), "{check}: {}", with_check(check));
    }
    for check in [
        "{ artifact: a.dump, expect: 'sha256 != \"\"' }",
        "{ command: 'gzip -t \"$ARTIFACT\"', expect: exit == 0 }",
        "{ command: 'gzip -t < \"$ARTIFACT\"', expect: exit == 0 }",
        "{ command: ls, expect: 'stdout.contains(\"x\")' }",
        "{ sql: select 1, url: 'sqlite:x.db', expect: value == 1 }",
        "{ http: 'http://localhost/', expect: 'body.contains(\"ok\")' }",
    ] {
        assert_eq!(with_check(check), "", "{check}");
    }
}

#[test]
fn a_verify_that_can_never_learn_what_is_usual_is_an_error() {
    let verify = "verify: [{ sql: select 1, url: 'sqlite:x', expect: value > usual.value }]\n";
    let text = format!("process: it\nsteps: [{{ run: x }}]\n{verify}");
    expect![[r#"
        error[only-usual]: every data check compares with the usual, which needs 5 verified runs: no run can become the first
          --> ops/it.yaml:3:1
          |
        3 | verify: [{ sql: select 1, url: 'sqlite:x', expect: value > usual.value }]
          | ^^^^^^ help: add a data check that does not name `usual`, such as `value > 0`
    "#]].assert_eq(&problems(&text));
    let beside =
        text.replace("usual.value }]\n", "usual.value }, { sql: select 2, url: 'sqlite:x', expect: value > 0 }]\n");
    assert_eq!(problems(&beside), "");
    let drill = format!("process: it\ndrill:\n  restore:\n    steps: [{{ run: x }}]\n    {verify}");
    expect![[r#"
        warning[only-usual]: every data check compares with the usual, which needs 5 verified drills: no drill can become the first
          --> ops/it.yaml:5:5
          |
        5 |     verify: [{ sql: select 1, url: 'sqlite:x', expect: value > usual.value }]
          |     ^^^^^^ help: add a data check that does not name `usual`, such as `value > 0`
    "#]].assert_eq(&problems(&drill));
}

#[test]
fn a_check_that_cannot_know_its_artifact_is_an_error() {
    let text = "\
process: it
steps: [{ run: x, makes: [a, b] }]
verify:
  - { command: 'wc \"$ARTIFACT\"', expect: 'stdout != \"\"' }
  - { artifact: a, expect: size > 1 }
  - { artifact: b, expect: size > 1 }
  - { sql: select 1, url: 'sqlite:$ARTIFACT', expect: value == 1 }
";
    expect![[r#"
        error[no-artifact]: `$ARTIFACT` is not clear: several artifacts are made, and no `artifact:` check comes before
          --> ops/it.yaml:4:16
          |
        4 |   - { command: 'wc "$ARTIFACT"', expect: 'stdout != ""' }
          |                ^^^^^^^^^^^^^^^^ help: put a check `artifact: NAME` before this one
    "#]]
    .assert_eq(&problems(text));
}

#[test]
fn a_check_of_a_command_needs_a_condition() {
    let text = "process: it\nverify:\n  - command: ls\n  - sql: select 1\n    timeout: 1x\n  - artifact: a\n    url: b\n  - expect: exit == 0\n  - { sql: a, http: b }\n";
    expect![[r#"
        error[missing-key]: a check by command lacks `expect`
          --> ops/it.yaml:3:5
          |
        3 |   - command: ls
          |     ^^^^^^^ help: add `expect:`. The condition over what was seen, such as `exit == 0`.
        error[missing-key]: a check by SQL lacks `url`
          --> ops/it.yaml:4:5
          |
        4 |   - sql: select 1
          |     ^^^ help: add `url:`. postgresql://… or sqlite:PATH; $NAME is replaced.
        error[missing-key]: a check by SQL lacks `expect`
          --> ops/it.yaml:4:5
          |
        4 |   - sql: select 1
          |     ^^^ help: add `expect:`. The condition over what was seen, such as `value > 0`.
        error[wrong-value]: `x` is not a unit of time
          --> ops/it.yaml:5:14
          |
        5 |     timeout: 1x
          |              ^^ help: write a number with a unit: ms, s, m, h, d or w, such as `90s` or `1h30m`
        error[missing-key]: a check of an artifact lacks `expect`
          --> ops/it.yaml:6:5
          |
        6 |   - artifact: a
          |     ^^^^^^^^ help: add `expect:`. The condition over what was seen, such as `size > 1KiB && age < 1h`.
        error[unknown-artifact]: no step makes `a`
          --> ops/it.yaml:6:15
          |
        6 |   - artifact: a
          |               ^ help: name it in a step: `makes:`
        error[unknown-key]: unknown key `url` in a check of an artifact
          --> ops/it.yaml:7:5
          |
        7 |     url: b
          |     ^^^ help: known here: artifact, expect, name, of, timeout
        error[missing-key]: a check says nothing of what it is
          --> ops/it.yaml:8:5
          |
        8 |   - expect: exit == 0
          |     ^^^^^^ help: add one of: artifact, command, sql, http, duration
        error[two-kinds]: a check has both `sql` and `http`
          --> ops/it.yaml:9:15
          |
        9 |   - { sql: a, http: b }
          |               ^^^^ help: keep one of them
        error[bad-url]: this is not a URL of HTTP
          --> ops/it.yaml:9:21
          |
        9 |   - { sql: a, http: b }
          |                     ^ help: begin it with http:// or https://
    "#]]
    .assert_eq(&problems(text));
}

#[test]
fn a_check_may_say_which_step_it_is_about() {
    let text = |of: &str| {
        format!(
            "process: it\nsteps:\n  - {{ id: charge, run: x, effect: once }}\n  - {{ id: receipt, run: y }}\nverify:\n  - {{ command: look, expect: stdout == \"1\"{of} }}\n"
        )
    };
    assert_eq!(problems(&text(", of: charge")), "");
    expect![[r#"
        warning[once-unsettled]: no check is about step `charge`: if its end is not seen while later steps are open, a no cannot settle it
          --> ops/it.yaml:3:27
          |
        3 |   - { id: charge, run: x, effect: once }
          |                           ^^^^^^ help: write `of: charge` on the check that looks at what it does
        error[unknown-step]: there is no step `chrage`
          --> ops/it.yaml:6:49
          |
        6 |   - { command: look, expect: stdout == "1", of: chrage }
          |                                                 ^^^^^^ help: write `charge`
    "#]].assert_eq(&problems(&text(", of: chrage")));
    expect![[r#"
        warning[once-unsettled]: no check is about step `charge`: if its end is not seen while later steps are open, a no cannot settle it
          --> ops/it.yaml:3:27
          |
        3 |   - { id: charge, run: x, effect: once }
          |                           ^^^^^^ help: write `of: charge` on the check that looks at what it does
    "#]].assert_eq(&problems(&text("")));
    let read = with(&[("ops/it.yaml", &text(", of: charge"))]);
    assert_eq!(read.processes[0].1.verify[0].of.as_deref(), Some("charge"));
    let last = "process: it\nsteps: [{ run: y }, { run: x, effect: once }]\nverify: [{ command: look, expect: stdout == \"1\" }]\n";
    assert_eq!(problems(last), "", "nothing is open behind the last step");
    let drill = "process: it\ndrill:\n  restore:\n    steps: [{ id: load, run: x }]\n    verify: [{ command: look, expect: stdout == \"1\", of: lod }]\n";
    assert!(problems(drill).starts_with("error[unknown-step]: there is no step `lod`"), "{}", problems(drill));
    let timed = text("") + "  - { duration: { at_least: 1s }, of: charge }\n";
    assert!(problems(&timed).contains("error[unknown-key]"), "time settles nothing: {}", problems(&timed));
}
