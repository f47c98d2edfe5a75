//! Verdicts: green means that somebody else looked at it, and nothing else does.

use crate::kit::{Output, Site};

/// What `make.sh` prints when all is well.
const WHOLE: &str = "echo '-- database orders'; seq 1 3000; echo '-- complete'\n";

/// Looks at everything that goes wrong with backups; `make.sh` makes it, `vault/` has the one of last time.
const BACKUP: &str = r#"
steps:
  - { id: dump, run: 'sh ./make.sh > "$WORKDIR/dump"', makes: dump }
  - id: keep
    needs: [dump]
    run: mkdir -p vault && { mv -f vault/new vault/old 2>/dev/null || true; } && cp "$WORKDIR/dump" vault/new
verify:
  - { artifact: dump, expect: "size > 1KiB && age < 1h" }
  - name: it is whole
    command: tail -n 1 "$ARTIFACT"
    expect: exit == 0 && stdout.trim() == "-- complete"
  - name: it is of the orders
    command: head -n 1 "$ARTIFACT"
    expect: exit == 0 && stdout.trim() == "-- database orders"
  - name: it is not the one of last time
    command: cmp -s "$ARTIFACT" vault/old && echo same || echo new
    expect: stdout.trim() == "new"
  - { name: it did not shrink, artifact: dump, expect: "size > 0.6 * usual.size" }
  - duration: { at_least: 50% of usual, at_most: 10m }
"#;

fn backup(make: &str) -> Site {
    let site = Site::new();
    site.write("make.sh", make);
    site.process("backup", BACKUP);
    site
}

/// Exit 1, executed, and the reason on one line: in the object, in the last words of `run` and in the list of runs.
fn refused(site: &Site, reason: &str) -> Output {
    let run = site.json(&["run", "backup"]);
    assert_eq!(run.code, 1, "expected a no for `{reason}`: {run:?}");
    assert_eq!((&run.json["executed"], &run.json["verified"]), (&"ok".into(), &"no".into()));
    let said = run.json["reason"].as_str().unwrap_or_default();
    assert!(said.contains(reason) && !said.contains('\n'), "expected `{reason}`, seen `{said}`");
    let listed = site.say(&["runs", "--limit", "1"]).stdout;
    assert_eq!(listed.lines().count(), 1, "{listed}");
    assert!(listed.contains("NOT VERIFIED") && listed.contains(said), "{listed}");
    run
}

#[test]
fn what_somebody_else_looked_at_is_verified() {
    let site = backup(WHOLE);
    let run = site.json(&["run", "backup"]);
    assert_eq!(run.code, 0, "{run:?}");
    assert_eq!((&run.json["executed"], &run.json["verified"]), (&"ok".into(), &"yes".into()));
    assert_eq!(run.json["reason"], "");
    let looks = run.json["verifications"].as_array().unwrap();
    let seen: Vec<&str> = looks.iter().map(|l| l["outcome"].as_str().unwrap()).collect();
    assert_eq!(seen, ["yes", "yes", "yes", "yes", "skipped", "skipped"], "usual is not known yet");
    for look in looks.iter().filter(|l| l["outcome"] == "yes") {
        assert!(look["source"].as_str().unwrap().starts_with("probe/"), "the actor vouched for itself: {look}");
    }
    let shown = site.say(&["show", run.json["run_id"].as_str().unwrap()]);
    assert!(shown.stdout.contains("VERIFIED  backup"), "{}", shown.stdout);
}

#[test]
fn a_truncated_dump_is_not_verified() {
    let site = backup(WHOLE);
    site.edit("make.sh", "echo '-- complete'", ":");
    let run = refused(&site, "it is whole: expected");
    let look = run.json["verifications"].as_array().unwrap().iter().find(|l| l["what"] == "it is whole").unwrap();
    assert_eq!(look["outcome"], "no");
    assert_eq!(look["expected"], "stdout.trim() == \"-- complete\"", "only the part that said no");
    assert!(look["observed"].as_str().unwrap().contains("\"3000\""), "{look}");
}

#[test]
fn an_empty_dump_is_not_verified() {
    refused(&backup(":"), "artifact dump: expected size > 1KiB, seen size 0 B");
}

#[test]
fn a_dump_of_another_database_is_not_verified() {
    let site = backup(&WHOLE.replace("orders", "test"));
    refused(&site, "it is of the orders: expected");
}

/// There is no hash of last time in a condition; a command that compares with what was kept finds it.
#[test]
fn the_dump_of_yesterday_is_not_verified() {
    let site = backup(WHOLE);
    assert_eq!(site.json(&["run", "backup"]).code, 0);
    refused(&site, "it is not the one of last time: expected stdout.trim() == \"new\"");
}

#[test]
fn half_of_it_and_a_tenth_of_the_time_are_found_once_usual_is_known() {
    let slow = "sleep 2.5\necho '-- database orders'; seq 1 3000; date +%N; echo '-- complete'\n";
    let site = backup(slow);
    for n in 1..=5 {
        let run = site.json(&["run", "backup"]);
        assert_eq!(run.code, 0, "run {n}: {run:?}");
    }
    site.write("make.sh", &slow.replace("3000", "1500"));
    refused(&site, "it did not shrink: expected size > 0.6 * usual.size");
    site.write("make.sh", &slow.replace("sleep 2.5", ""));
    let run = refused(&site, "too fast");
    let reason = run.json["reason"].as_str().unwrap();
    assert!(reason.starts_with("duration: expected duration from ") && reason.contains("50% of usual"), "{reason}");
    site.write("make.sh", slow);
    assert_eq!(site.json(&["run", "backup"]).code, 0, "what was refused is not usual");
}

/// Nothing that these words say may mean verified.
fn never_calls_it_verified(output: &Output) {
    let mut said = format!("{}{}", output.stdout, output.stderr).to_lowercase();
    for no in ["not verified", "never verified", "\"verified\":\"no\"", "\"verified_at\":null"] {
        said = said.replace(no, "");
    }
    assert!(!said.contains("verified"), "{}{}", output.stdout, output.stderr);
}

#[test]
fn a_backup_that_exits_0_and_wrote_nothing_is_never_called_verified() {
    let site = Site::new();
    let look = "verify:\n  - { command: 'cat \"$ARTIFACT\"', expect: 'stdout.contains(\"orders\")' }\n";
    site.process("lying", &format!("steps:\n  - {{ id: dump, run: ': > \"$WORKDIR/dump\"', makes: dump }}\n{look}"));
    let (said, json) = (site.say(&["run", "lying"]), site.json(&["run", "lying"]));
    assert_eq!((said.code, json.code), (1, 1), "{said:?}");
    assert!(said.stdout.contains("NOT VERIFIED  lying: command 1: expected "), "{}", said.stdout);
    assert_eq!(json.json["artifacts"][0]["bytes"], 0);
    never_calls_it_verified(&said);
    never_calls_it_verified(&json);
    let run = site.json(&["runs"]).json["runs"][0]["run_id"].as_str().unwrap().to_owned();
    for verb in [&["runs"][..], &["status"], &["show", &run], &["logs", &run]] {
        never_calls_it_verified(&site.say(verb));
        never_calls_it_verified(&site.json(verb));
    }
    let status = site.json(&["status"]);
    assert_eq!(status.code, 1, "{status:?}");
    assert_eq!(status.json["processes"][0]["state"], "NOT VERIFIED");
}

#[test]
fn a_failed_step_skips_the_looks_even_if_they_would_pass() {
    let site = Site::new();
    let steps = "steps:\n  - { id: dump, run: 'echo no space left >&2; exit 7' }\n  - { id: ship, needs: [dump], run: 'echo shipped > shipped' }\n";
    site.process(
        "failing",
        &format!("{steps}verify:\n  - {{ command: echo fine, expect: 'stdout.trim() == \"fine\"' }}\n"),
    );
    let run = site.json(&["run", "failing"]);
    assert_eq!(run.code, 1, "{run:?}");
    assert_eq!((&run.json["executed"], &run.json["verified"]), (&"failed".into(), &"no".into()));
    assert_eq!(run.json["reason"], "step dump: exit 7: no space left");
    assert_eq!(run.json["verifications"][0]["outcome"], "skipped");
    assert_eq!(run.json["steps"][0]["exit"], 7);
    assert_eq!(run.json["steps"].as_array().unwrap().len(), 1, "what needs a failed step does not run");
    assert!(!site.path("shipped").exists());
    let said = site.say(&["run", "failing"]).stdout;
    assert!(said.contains("command 1: SKIPPED  step dump failed"), "{said}");
    assert!(said.contains("FAILED  failing: step dump: exit 7: no space left"), "{said}");
}

#[test]
fn a_step_that_does_not_make_what_it_promised_has_failed() {
    let site = Site::new();
    let look = "verify:\n  - { command: 'cat \"$ARTIFACT\"', expect: 'stdout != \"\"' }\n";
    site.process(
        "forgetful",
        &format!("steps:\n  - {{ id: dump, run: 'echo x > \"$WORKDIR/damp\"', makes: dump }}\n{look}"),
    );
    let run = site.json(&["run", "forgetful"]);
    assert_eq!(run.code, 1, "{run:?}");
    let reason = run.json["reason"].as_str().unwrap();
    assert!(reason.starts_with("step dump: ") && reason.contains("`dump`") && reason.contains("damp"), "{reason}");
}

#[test]
fn a_process_without_verification_is_unproven_and_not_a_pass() {
    let site = Site::new();
    site.process("blind", "steps:\n  - { run: 'true' }\n");
    let run = site.json(&["run", "blind"]);
    assert_eq!(run.code, 3, "{run:?}");
    assert_eq!((&run.json["executed"], &run.json["verified"]), (&"ok".into(), &"unproven".into()));
    assert_eq!(run.json["reason"], "there is no verification");
    assert!(site.say(&["run", "blind"]).stdout.contains("EXECUTED, UNPROVEN  blind"));
    assert_eq!(site.json(&["status"]).code, 1);
}

#[test]
fn a_probe_that_cannot_look_says_unknown() {
    let site = Site::new();
    let step = "steps:\n  - { run: 'true' }\nverify:\n";
    let look = |name: &str, look: &str| site.process(name, &format!("{step}  - {look}\n"));
    look("missing", "{ command: [/no/such/probe], expect: 'stdout.contains(\"x\")' }");
    look("slow", "{ command: sleep 60, timeout: 200ms, expect: 'stdout == \"\"' }");
    look("absent", "{ sql: select 1, url: 'sqlite:nothing.db', expect: value == 1 }");
    look("closed", "{ http: 'http://127.0.0.1:1/', expect: 'status == 200 && body != \"\"' }");
    for (name, reason) in [
        ("missing", "could not look: `/no/such/probe` could not be started"),
        ("slow", "could not look: "),
        ("absent", "nothing.db"),
        ("closed", "127.0.0.1:1"),
    ] {
        let run = site.json(&["run", name]);
        assert_eq!(run.code, 3, "{name}: {run:?}");
        assert_eq!((&run.json["executed"], &run.json["verified"]), (&"ok".into(), &"unknown".into()));
        assert_eq!(run.json["verifications"][0]["outcome"], "unknown");
        let said = run.json["reason"].as_str().unwrap();
        assert!(said.contains(reason) && !said.contains('\n'), "{name}: expected `{reason}`, seen `{said}`");
        assert!(!site.path("nothing.db").exists(), "a probe changes nothing");
    }
}

#[test]
fn a_check_that_is_new_learns_from_five_runs_of_its_own() {
    let site = Site::new();
    let old = "steps:\n  - { id: dump, run: 'seq 1 100 > \"$WORKDIR/dump\"', makes: dump }\nverify:\n  - { command: tail -n 1 \"$ARTIFACT\", expect: 'stdout.trim() == \"100\"' }\n";
    site.process("backup", old);
    for _ in 1..=5 {
        assert_eq!(site.json(&["run", "backup"]).code, 0);
    }
    let new = "  - { name: as ever, sql: select 7, url: 'sqlite:small.db', expect: value >= 0.9 * usual.value }\n";
    site.process("backup", &format!("{old}{new}"));
    rusqlite::Connection::open(site.path("small.db")).unwrap().execute_batch("create table t (x)").unwrap();
    for n in 1..=6 {
        let run = site.json(&["run", "backup"]);
        assert_eq!(run.code, 0, "run {n}: {run:?}");
        let look = run.json["verifications"][1].clone();
        let (outcome, seen) = if n <= 5 { ("skipped", "value 7") } else { ("yes", "value 7") };
        assert_eq!((look["outcome"].as_str(), look["observed"].as_str()), (Some(outcome), Some(seen)), "run {n}");
    }
}

#[test]
fn a_plain_bound_of_the_duration_counts_while_the_usual_is_being_learnt() {
    let site = Site::new();
    let look = "verify:\n  - { command: echo x, expect: 'stdout.trim() == \"x\"' }\n  - duration: { at_least: 50% of usual, at_most: 50ms }\n";
    site.process("slow", &format!("steps:\n  - {{ run: sleep 0.2 }}\n{look}"));
    let run = site.json(&["run", "slow"]);
    assert_eq!(run.code, 1, "{run:?}");
    let reason = run.json["reason"].as_str().unwrap();
    assert!(reason.starts_with("duration: expected duration from 50% of usual to 50ms, seen duration "), "{reason}");
    assert!(reason.ends_with(", too slow"), "{reason}");
}
