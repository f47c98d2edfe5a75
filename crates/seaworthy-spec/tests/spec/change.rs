//! What a change of a file is called, and which changes wait for a person (`core::change`), from the files' own text.

use expect_test::{Expect, expect};
use seaworthy_core::change::differences;
use seaworthy_model::process::Process;
use seaworthy_spec::{Source, read};

const SITE: &str = "site: acme\nteams:\n  data: { people: [a@example.com, b@example.com] }\nroutes:\n  oncall: { command: cat }\n  other: { command: cat }\n";

const BACKUP: &str = r#"process: backup
about: Nightly.
team: data
schedule: { cron: "0 1 * * *", timezone: Europe/Berlin }
env: { PGHOST: db1 }
steps:
  - { id: dump, run: pg_dump > "$WORKDIR/a.dump", timeout: 30m, makes: a.dump }
  - { id: charge, needs: [dump], run: ./charge, effect: once }
verify:
  - { artifact: a.dump, expect: size > 1MiB && size > 0.6 * usual.size && age < 1h }
  - { command: pg_restore -f - "$ARTIFACT", expect: 'exit == 0 && stdout.contains("orders")' }
  - { command: head "$ARTIFACT", expect: stdout.size() > 10 }
  - duration: { at_least: 10s, at_most: 300% of usual }
heal:
  - retry: { times: 3, backoff: 1m..10m }
  - run: ./free
  - tell: oncall
watch: { start_within: 10m, finish_within: 1h }
tell: { when: [failed, missed, unverified], route: oncall }
drill:
  restore:
    every: 7d
    recovery_time: 15m
    steps:
      - { id: restore, run: createdb "$SCRATCH" }
    verify:
      - { sql: select 1, url: "postgresql:///$SCRATCH", expect: value > 0 }
      - { command: psql -l "$SCRATCH", expect: stdout != "" }
  people: { every: 90d, by: someone-else, follow: p.md }
keep: 7
"#;

fn process(text: &str) -> Process {
    let source = |file: &str, text: &str| Source { file: file.into(), text: text.into() };
    let read = read(&source("seaworthy.yaml", SITE), &[source("ops/a.yaml", text)], &|_| true);
    let Some((_, process)) = read.processes.into_iter().next() else { panic!("{:#?}", read.diagnostics) };
    process
}

pub fn shown(old: &str, new: &str) -> String {
    let line =
        |d: seaworthy_core::change::Difference| format!("{} {}\n", if d.weaker { "weaker" } else { "-" }, d.text);
    differences(Some(&process(old)), Some(&process(new))).into_iter().map(line).collect()
}

/// What changes when these texts are replaced in [`BACKUP`].
fn check(edits: &[(&str, &str)], want: Expect) {
    let new = edits.iter().fold(BACKUP.to_owned(), |text, (old, new)| {
        assert!(text.contains(old), "`{old}` is not in\n{text}");
        text.replacen(old, new, 1)
    });
    want.assert_eq(&shown(BACKUP, &new));
}

#[test]
fn nothing_changed_is_nothing_said() {
    check(&[], expect![[r#""#]]);
}

#[test]
fn daily_work_is_shown_and_does_not_wait() {
    check(
        &[
            ("Nightly.", "Every night."),
            ("0 1 * * *", "0 2 * * *"),
            ("db1", "db2"),
            ("pg_dump >", "pg_dump -Fc >"),
            ("timeout: 30m", "timeout: 1h"),
            ("needs: [dump], ", ""),
            ("keep: 7", "keep: 9"),
        ],
        expect![[r#"
            - about from `Nightly.` to `Every night.`
            - env changed: PGHOST
            - keep from 7 to 9
            - schedule from `0 1 * * *` Europe/Berlin to `0 2 * * *` Europe/Berlin
            - step `dump` runs `pg_dump -Fc > "$WORKDIR/a.dump"` instead of `pg_dump > "$WORKDIR/a.dump"`
            - step `dump`: timeout from 30m to 1h
            - step `charge`: needs from [dump] to []
        "#]],
    );
}

#[test]
fn what_is_added_or_made_stronger_does_not_wait() {
    check(
        &[
            ("size > 1MiB", "size > 2MiB"),
            ("0.6 * usual", "0.8 * usual"),
            ("age < 1h", "age < 30m && sha256 != \"\""),
            ("times: 3", "times: 5"),
            ("start_within: 10m", "start_within: 5m"),
            ("[failed, missed", "[failed, missed, late"),
            ("every: 7d", "every: 1d"),
            ("recovery_time: 15m", "recovery_time: 5m"),
            ("  - { command: head", "  - { command: tail \"$ARTIFACT\", expect: stdout != \"\" }\n  - { command: head"),
        ],
        expect![[r#"
            - verify: check `artifact a.dump` expects `size > 2MiB && size > 0.8 * usual.size && age < 30m && sha256 != ""` instead of `size > 1MiB && size > 0.6 * usual.size && age < 1h`
            - verify gained check `command 2`
            - heal: rung `retry: { times: 3, backoff: 1m..10m }` became `retry: { times: 5, backoff: 1m..10m }`
            - watch: start_within from 10m to 5m
            - tell: also told when late
            - restore drill: every from 7d to 1d
            - restore drill: recovery_time from 15m to 5m
        "#]],
    );
}

#[test]
fn a_check_is_followed_over_its_number_and_only_a_lost_one_is_lost() {
    let second = "  - { command: pg_restore -f - \"$ARTIFACT\", expect: 'exit == 0 && stdout.contains(\"orders\")' }\n";
    check(
        &[(second, "")],
        expect![[r#"
        weaker verify lost check `command 1`, which expected `exit == 0 && stdout.contains("orders")`
    "#]],
    );
    check(
        &[("artifact: a.dump, expect", "artifact: b.dump, expect"), ("makes: a.dump", "makes: b.dump")],
        expect![[r#"
            - step `dump`: makes from [a.dump] to [b.dump]
            - verify: check `command 1` looks elsewhere
            - verify: check `command 2` looks elsewhere
            - verify: check `artifact a.dump` looks at artifact `b.dump` instead of artifact `a.dump`
        "#]],
    );
    check(
        &[("  - duration: { at_least: 10s, at_most: 300% of usual }\n", "")],
        expect![[r#"
        weaker verify lost check `duration`
    "#]],
    );
    check(
        &[("at_least: 10s, at_most: 300%", "at_least: 1s, at_most: 200%")],
        expect![[r#"
            weaker verify: duration at_least from 10s to 1s
            - verify: duration at_most from 300% of usual to 200% of usual
        "#]],
    );
}

#[test]
fn a_condition_that_surely_asks_less_is_weaker_and_another_one_is_shown_with_both_texts() {
    check(
        &[(" && age < 1h", "")],
        expect![[r#"
            weaker verify: check `artifact a.dump`: `age < 1h` is not asked any more
            - verify: check `artifact a.dump` expects `size > 1MiB && size > 0.6 * usual.size` instead of `size > 1MiB && size > 0.6 * usual.size && age < 1h`
        "#]],
    );
    check(
        &[("size > 1MiB", "size > 1KiB")],
        expect![[r#"
            weaker verify: check `artifact a.dump`: `size > 1MiB` became `size > 1KiB`
            - verify: check `artifact a.dump` expects `size > 1KiB && size > 0.6 * usual.size && age < 1h` instead of `size > 1MiB && size > 0.6 * usual.size && age < 1h`
        "#]],
    );
    check(
        &[("0.6 * usual", "0.1 * usual")],
        expect![[r#"
            weaker verify: check `artifact a.dump`: `size > 0.6 * usual.size` became `size > 0.1 * usual.size`
            - verify: check `artifact a.dump` expects `size > 1MiB && size > 0.1 * usual.size && age < 1h` instead of `size > 1MiB && size > 0.6 * usual.size && age < 1h`
        "#]],
    );
    check(
        &[("stdout.size() > 10", "stdout.size() > 10 || exit == 0")],
        expect![[r#"
            weaker verify: check `command 2`: `stdout.size() > 10` became `stdout.size() > 10 || exit == 0`
            - verify: check `command 2` expects `stdout.size() > 10 || exit == 0` instead of `stdout.size() > 10`
        "#]],
    );
    check(
        &[("stdout.contains(\"orders\")", "stdout.contains(\"customers\")")],
        expect![[r#"
            - verify: check `command 1` expects `exit == 0 && stdout.contains("customers")` instead of `exit == 0 && stdout.contains("orders")`
        "#]],
    );
    check(
        &[("stdout.size() > 10", "exit == 0")],
        expect![[r#"
            weaker verify: check `command 2`: `stdout.size() > 10` is not asked any more
            - verify: check `command 2` expects `exit == 0` instead of `stdout.size() > 10`
        "#]],
    );
}

#[test]
fn each_facet_that_goes_or_is_loosened_is_weaker() {
    check(
        &[("schedule: { cron: \"0 1 * * *\", timezone: Europe/Berlin }\n", "")],
        expect![[r#"
        weaker schedule removed: it was `0 1 * * *` Europe/Berlin
    "#]],
    );
    check(
        &[("effect: once", "effect: idempotent")],
        expect![[r#"
        weaker step `charge`: effect from once to idempotent
    "#]],
    );
    check(
        &[("{ id: charge, needs: [dump], run: ./charge, effect: once }", "{ id: pay, run: ./charge }")],
        expect![[r#"
            weaker step `pay`: effect from once to idempotent
            - step `charge` is called `pay` now
            - step `pay`: needs from [dump] to []
        "#]],
    );
    check(
        &[("times: 3", "times: 1"), ("  - run: ./free\n", "")],
        expect![[r#"
            weaker heal: rung `retry: { times: 3, backoff: 1m..10m }` became `retry: { times: 1, backoff: 1m..10m }`
            weaker heal lost rung `run: ./free`
        "#]],
    );
    check(
        &[("start_within: 10m, finish_within: 1h", "finish_within: 2h")],
        expect![[r#"
        weaker watch: start_within of 10m removed
        weaker watch: finish_within from 1h to 2h
    "#]],
    );
    check(
        &[("[failed, missed, unverified]", "[failed]")],
        expect![[r#"
        weaker tell: not told any more when missed, unverified
    "#]],
    );
    check(
        &[("route: oncall }", "route: other }"), ("- tell: oncall", "- tell: other")],
        expect![[r#"
        weaker heal: rung `tell: oncall` became `tell: other`
        weaker tell: `oncall` is not told any more, but `other`
    "#]],
    );
    check(
        &[("every: 7d\n    recovery_time: 15m", "every: 30d\n    recovery_time: 1h")],
        expect![[r#"
        weaker restore drill: every from 7d to 30d
        weaker restore drill: recovery_time from 15m to 1h
    "#]],
    );
    check(
        &[("      - { sql: select 1, url: \"postgresql:///$SCRATCH\", expect: value > 0 }\n", "")],
        expect![[r#"
        weaker restore drill: verify lost check `sql 1`, which expected `value > 0`
    "#]],
    );
    check(
        &[("  people: { every: 90d, by: someone-else, follow: p.md }\n", "")],
        expect![[r#"
        weaker people drill removed: nobody rehearses it any more
    "#]],
    );
    check(
        &[("keep: 7", "keep: 2")],
        expect![[r#"
        weaker keep from 7 to 2: older artifacts go for good
    "#]],
    );
}

#[test]
fn whole_facets_are_named_once() {
    // Without `verify` no step may have to happen once.
    let base = BACKUP.replace(", effect: once", "");
    let from = |mark: &str, to: &str| {
        let find = |line: &str| base.find(&format!("\n{line}")).map(|at| at + 1).unwrap();
        let (start, end) = (find(mark), find(to));
        shown(&base, &format!("{}{}", &base[..start], &base[end..]))
    };
    expect![[r#"
        weaker verify removed: its 4 checks are gone
    "#]]
    .assert_eq(&from("verify:\n  - { artifact", "heal:"));
    expect![[r#"
        weaker heal removed: nothing is tried any more
    "#]]
    .assert_eq(&from("heal:", "watch:"));
    expect![[r#"
        weaker tell removed: `oncall` is not told any more
    "#]]
    .assert_eq(&from("tell:", "drill:"));
    expect![[r#"
        weaker restore drill removed: nobody rehearses it any more
        weaker people drill removed: nobody rehearses it any more
    "#]]
    .assert_eq(&from("drill:", "keep: 7"));
    let removed = differences(Some(&process(BACKUP)), None);
    assert!(removed[0].weaker && removed[0].text == "process removed", "{removed:?}");
    let added = differences(None, Some(&process(BACKUP)));
    assert!(!added[0].weaker && added[0].text == "process added", "{added:?}");
}

#[test]
fn a_check_that_does_not_read_any_more_what_it_read_is_weaker() {
    check(
        &[("head \"$ARTIFACT\"", "echo data/written.txt")],
        expect![[r#"
            weaker verify: check `command 2` does not read `$ARTIFACT` any more
            - verify: check `command 2` looks at `echo data/written.txt` instead of `head "$ARTIFACT"`
        "#]],
    );
    check(
        &[("head \"$ARTIFACT\"", "tail \"$ARTIFACT\"")],
        expect![[r#"
            - verify: check `command 2` looks at `tail "$ARTIFACT"` instead of `head "$ARTIFACT"`
        "#]],
    );
    check(
        &[("artifact: a.dump, expect", "artifact: b.dump, expect"), ("makes: a.dump", "makes: [a.dump, b.dump]")],
        expect![[r#"
            weaker verify: check `command 1` does not look at artifact `a.dump` any more, which is still made
            weaker verify: check `command 2` does not look at artifact `a.dump` any more, which is still made
            - step `dump`: makes from [a.dump] to [a.dump, b.dump]
            - verify: check `command 1` looks elsewhere
            - verify: check `command 2` looks elsewhere
            - verify: check `artifact a.dump` looks at artifact `b.dump` instead of artifact `a.dump`
        "#]],
    );
    check(
        &[("url: \"postgresql:///$SCRATCH\"", "url: \"postgresql:///postgres\""), ("psql -l \"$SCRATCH\"", "echo x")],
        expect![[r#"
            weaker restore drill: verify: check `sql 1` asks another database
            weaker restore drill: verify: check `command 1` does not read `$SCRATCH` any more
            - restore drill: verify: check `sql 1` looks elsewhere
            - restore drill: verify: check `command 1` looks at `echo x` instead of `psql -l "$SCRATCH"`
        "#]],
    );
}

#[test]
fn what_hardly_ever_comes_or_never_ends_is_weaker() {
    check(
        &[("0 1 * * *", "0 1 29 2 *")],
        expect![[r#"
        weaker schedule from `0 1 * * *` Europe/Berlin to `0 1 29 2 *` Europe/Berlin: in a year 1 instead of 366 times
    "#]],
    );
    check(
        &[("0 1 * * *", "0 1 * * 0")],
        expect![[r#"
        - schedule from `0 1 * * *` Europe/Berlin to `0 1 * * 0` Europe/Berlin
    "#]],
    );
    check(
        &[("backoff: 1m..10m", "backoff: 300d..300d"), ("timeout: 30m", "timeout: 1000d")],
        expect![[r#"
            weaker step `dump`: timeout from 30m to 1000d
            weaker heal: rung `retry: { times: 3, backoff: 1m..10m }` became `retry: { times: 3, backoff: 300d..300d }`
        "#]],
    );
    check(
        &[("backoff: 1m..10m", "backoff: 2m..15m")],
        expect![[r#"
        - heal: rung `retry: { times: 3, backoff: 1m..10m }` became `retry: { times: 3, backoff: 2m..15m }`
    "#]],
    );
    let limited = |timeout: &str| format!("{BACKUP}timeout: {timeout}\n");
    assert_eq!(shown(&limited("1h"), &limited("11h")), "weaker timeout from 1h to 11h\n");
    assert_eq!(shown(&limited("1h"), &limited("10h")), "- timeout from 1h to 10h\n");
    assert_eq!(shown(&limited("1h"), BACKUP), "weaker timeout from 1h to none\n");
}
