//! The contract with programs: fields, exit codes, one object on the last line, and pipes that close.

use std::{io::Read as _, process::Stdio};

use serde_json::Value;

use crate::kit::{self, Output, Site};

const GOOD: &str = "steps:\n  - { id: make, run: echo x > \"$WORKDIR/x\", makes: x }\nverify:\n  - { command: cat \"$ARTIFACT\", expect: 'stdout.trim() == \"x\"' }\n";
const DRILL: &str = "drill:\n  restore:\n    recovery_time: 1m\n    steps:\n      - { run: cp \"$ARTIFACT\" \"$WORKDIR/$SCRATCH\" }\n    verify:\n      - { command: cat \"$WORKDIR/$SCRATCH\", expect: 'stdout.trim() == \"x\"' }\n";

fn site() -> Site {
    let site = Site::new();
    site.process("backup", &format!("{GOOD}{DRILL}"));
    site
}

/// One object, on the last line, with at least these fields.
fn has(output: &Output, fields: &[&str]) {
    let object = output.json.as_object().unwrap_or_else(|| panic!("no object on the last line: {output:?}"));
    assert_eq!(output.stdout.lines().count(), 1, "nothing but the object: {}", output.stdout);
    for field in fields {
        assert!(object.contains_key(*field), "`{field}` is not in {}", output.stdout);
    }
}

fn each<'v>(value: &'v Value, fields: &[&str]) -> &'v Vec<Value> {
    let list = value.as_array().unwrap_or_else(|| panic!("no list: {value}"));
    assert!(!list.is_empty(), "an empty list proves nothing");
    for item in list {
        for field in fields {
            assert!(item.get(field).is_some(), "`{field}` is not in {item}");
        }
    }
    list
}

#[test]
fn every_verb_says_the_promised_fields() {
    let site = site();
    let run = site.json(&["run", "backup"]);
    has(
        &run,
        &["run_id", "process", "executed", "verified", "duration_ms", "steps", "artifacts", "verifications", "heals"],
    );
    each(&run.json["steps"], &["id", "outcome", "attempts"]);
    each(&run.json["artifacts"], &["name", "bytes", "sha256"]);
    each(&run.json["verifications"], &["what", "outcome", "expected", "observed"]);
    let drill = site.json(&["drill", "backup"]);
    has(&drill, &["drill_id", "process", "verified", "recovery_time_ms", "objective_ms"]);
    let check = site.json(&["check"]);
    has(&check, &["diagnostics", "missing"]);
    each(&check.json["missing"], &["process", "facets"]);
    let plan = site.json(&["plan"]);
    has(&plan, &["processes"]);
    each(&plan.json["processes"], &["process", "next", "change"]);
    let runs = site.json(&["runs"]);
    has(&runs, &["runs"]);
    each(&runs.json["runs"], &["run_id", "process", "executed", "verified", "started_at"]);
    has(&site.json(&["runs", "--missed"]), &["runs"]);
    for verb in ["journal", "audit"] {
        has(&site.json(&[verb, "verify"]), &["entries", "ok", "first_problem"]);
    }
    has(&site.json(&["journal"]), &["entries"]);
    has(&site.json(&["status"]), &["processes", "signals", "server"]);
    has(&site.json(&["show", run.json["run_id"].as_str().unwrap()]), &["run_id", "verified"]);
    has(&site.json(&["schema"]), &[]);
}

#[test]
fn milliseconds_are_rounded_up_and_at_least_one() {
    let site = Site::new();
    site.process("quick", "steps:\n  - { noop: true }\n");
    let run = site.json(&["run", "quick"]);
    assert_eq!(run.json["executed"], "ok", "{run:?}");
    assert!(run.json["duration_ms"].as_u64().unwrap() >= 1, "{run:?}");
}

#[test]
fn with_a_server_and_without_one_the_result_is_the_same() {
    let site = site();
    let alone = site.json(&["run", "backup"]);
    let server = site.server();
    let with = site.json(&["run", "backup"]);
    assert_eq!((alone.code, with.code), (0, 0), "{with:?}");
    for field in ["process", "executed", "verified", "digest", "heals", "reason", "v"] {
        assert_eq!(alone.json[field], with.json[field], "{field}");
    }
    let shape = |o: &Output| o.json.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(shape(&alone), shape(&with));
    let drill = site.json(&["drill", "backup"]);
    assert_eq!(drill.code, 0, "{drill:?}");
    assert_eq!(site.json(&["runs"]).json["runs"].as_array().unwrap().len(), 3);
    assert_eq!(site.json(&["status"]).json["server"], true);
    let unknown = site.json(&["run", "bakup"]);
    assert_eq!((unknown.code, &unknown.json["error"]["code"]), (2, &2.into()));
    let second = site.json(&["up", "--listen", "127.0.0.1:0"]);
    assert_eq!(second.code, 2, "{second:?}");
    assert!(second.stderr.contains("a server of this site is running already"), "{}", second.stderr);
    assert_eq!(server.stop(), 0);
    assert_eq!(site.json(&["status"]).json["server"], false);
    let verify = site.json(&["audit", "verify"]);
    assert_eq!(verify.code, 0, "{verify:?}");
}

#[test]
fn detached_runs_need_a_server_and_name_their_run() {
    let site = site();
    let refused = site.json(&["run", "backup", "--detach"]);
    assert_eq!(refused.code, 2, "{refused:?}");
    assert!(refused.stderr.contains("seaworthy up"), "{}", refused.stderr);
    let server = site.server();
    let run = site.json(&["run", "backup", "--detach"]);
    assert_eq!(run.code, 0, "{run:?}");
    let id = run.json["run_id"].as_str().unwrap();
    let ended = kit::until("the run ends", || Some(site.json(&["show", id])).filter(|o| o.json["verified"] == "yes"));
    assert_eq!(ended.json["run_id"], id);
    assert_eq!(server.stop(), 0);
}

#[test]
fn errors_are_one_object_and_one_sentence() {
    let site = site();
    let nothing = site.json(&["runs"]);
    assert_eq!(nothing.code, 2, "{nothing:?}");
    has(&nothing, &["error"]);
    assert!(nothing.stderr.starts_with("seaworthy: nothing has run here yet"), "{}", nothing.stderr);
    assert_eq!(site.json(&["run", "backup"]).code, 0);
    let unknown = site.json(&["show", "ffff"]);
    assert_eq!(unknown.code, 2, "{unknown:?}");
    assert!(unknown.stderr.contains("no run begins with `ffff`"), "{}", unknown.stderr);
    let refused = site.json(&["up", "--listen", "0.0.0.0:0"]);
    assert_eq!((refused.code, &refused.json["error"]["code"]), (4, &4.into()), "{refused:?}");
    let elsewhere = Site::bare();
    let lost = elsewhere.json(&["status"]);
    assert_eq!(lost.code, 2, "{lost:?}");
    assert!(lost.stderr.contains("seaworthy init"), "{}", lost.stderr);
    let wrong = site.say(&["rum", "backup"]);
    assert_eq!(wrong.code, 2, "{wrong:?}");
    assert!(wrong.stdout.is_empty() && wrong.stderr.contains("run"), "{wrong:?}");
    let wrong = site.json(&["run"]);
    assert_eq!(wrong.code, 2, "{wrong:?}");
    has(&wrong, &["error"]);
}

#[test]
fn a_run_is_found_by_the_start_of_its_id() {
    let site = site();
    let run = site.json(&["run", "backup"]);
    let id = run.json["run_id"].as_str().unwrap();
    for short in [&id[..id.len() - 6], &id[4..id.len() - 6]] {
        let mut shown = site.json(&["show", short]);
        assert_eq!(shown.code, 0, "{short}: {shown:?}");
        let dropped = shown.json.as_object_mut().unwrap().remove("bodies_dropped");
        assert_eq!(dropped, Some(0.into()), "what retention took of it");
        assert_eq!(shown.json, run.json, "show says what run said");
    }
}

#[test]
fn verbs_find_the_site_above_them_and_with_an_option() {
    let site = site();
    site.write("deep/er/x", "");
    let mut below = site.command(&["run", "backup", "--json"]);
    below.current_dir(site.path("deep/er"));
    let below = kit::finish(below);
    assert_eq!(below.code, 0, "{below:?}");
    let mut away = site.command(&["-C", &site.folder.display().to_string(), "runs", "--json"]);
    away.current_dir("/");
    let away = kit::finish(away);
    assert_eq!(away.json["runs"][0]["run_id"], below.json["run_id"], "{away:?}");
    let elsewhere = site.aside("elsewhere").display().to_string();
    assert_eq!(site.json(&["runs", "--data", &elsewhere]).code, 2, "another data folder has another history");
}

#[test]
fn a_pipe_that_closes_is_no_error() {
    let site = Site::new();
    let steps: String = (0..400).map(|n| format!("  - {{ id: n{n}, noop: true }}\n")).collect();
    site.process("many", &format!("steps:\n{steps}"));
    assert_eq!(site.json(&["run", "many"]).json["executed"], "ok");
    for more in [&[][..], &["--json"]] {
        let mut command = site.command(&[&["journal", "--limit", "1000"], more].concat());
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let mut out = child.stdout.take().unwrap();
        let mut first = [0; 8];
        out.read_exact(&mut first).unwrap();
        drop(out);
        let status = kit::ended(&mut child, kit::PATIENCE).expect("it ends");
        let mut said = String::new();
        child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        assert_eq!((status.code(), said.as_str()), (Some(0), ""), "{more:?}");
    }
    let all = site.json(&["journal", "--limit", "1000"]);
    assert!(all.stdout.len() > 256 * 1024, "it was more than a pipe holds: {}", all.stdout.len());
}

#[test]
fn a_killed_server_leaves_a_site_that_verbs_can_use() {
    let site = site();
    let server = site.server();
    assert_eq!(site.json(&["run", "backup"]).code, 0);
    server.kill();
    assert_eq!(site.json(&["status"]).json["server"], false);
    let run = site.json(&["run", "backup"]);
    assert_eq!(run.code, 0, "{run:?}");
    assert_eq!(site.json(&["runs"]).json["runs"].as_array().unwrap().len(), 2);
    let verify = site.json(&["audit", "verify"]);
    assert_eq!((verify.code, &verify.json["sealed"]), (0, &verify.json["entries"]), "{verify:?}");
}

#[test]
fn a_run_whose_reader_goes_away_is_carried_to_its_end_and_exits_with_its_verdict() {
    let site = Site::new();
    let steps = "steps:\n  - { id: wait, run: 'while ! test -e go; do sleep 0.01; done' }\n  - { id: end, needs: [wait], run: 'exit 3' }\n";
    site.process("long", steps);
    let mut child = site.command(&["run", "long"]).spawn().unwrap();
    let mut out = child.stdout.take().unwrap();
    let mut first = [0; 4];
    out.read_exact(&mut first).unwrap();
    drop(out);
    site.write("go", "");
    let status = kit::ended(&mut child, kit::PATIENCE).expect("it ends");
    assert_eq!(status.code(), Some(1), "not 0, which would mean verified");
    let runs = site.json(&["runs"]);
    assert_eq!((&runs.json["runs"][0]["executed"], &runs.json["live"]), (&"failed".into(), &serde_json::json!([])));
}

#[test]
fn a_name_or_folder_that_is_not_there_is_said_and_not_shown_as_nothing() {
    let site = Site::new();
    site.process("plain", "steps: [{ run: 'true' }]\n");
    site.process("quiet", "steps: [{ run: 'true' }]\n");
    assert_eq!(site.json(&["run", "plain"]).code, 3);
    assert_eq!(site.json(&["runs", "quiet"]).code, 0, "it has not run yet");
    let unknown = site.json(&["runs", "plian"]);
    assert!(unknown.code == 2 && unknown.stderr.contains("no process `plian`"), "{unknown:?}");
    for option in ["--root", "--search"] {
        let nowhere = site.json(&["init", "--look", option, "/there/is/no/such"]);
        assert!(nowhere.code == 2 && nowhere.stderr.contains("/there/is/no/such"), "{nowhere:?}");
    }
}
