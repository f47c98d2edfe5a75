//! Steps of one run as a graph: branches side by side, and limits of the whole run.

use crate::kit::Site;

/// Two steps that each wait until the other one has begun: one after the other they never end well.
const MEETING: &str = r#"
steps:
  - { id: first, run: 'true' }
  - { id: left, needs: [first], timeout: 20s, run: 'touch "$WORKDIR/left"; until test -e "$WORKDIR/right"; do :; done' }
  - { id: right, needs: [first], timeout: 20s, run: 'touch "$WORKDIR/right"; until test -e "$WORKDIR/left"; do :; done' }
  - { id: last, needs: [left, right], run: 'echo both > both.txt' }
verify:
  - { command: cat both.txt, expect: 'stdout.trim() == "both"' }
"#;

#[test]
fn branches_of_a_run_go_at_the_same_time() {
    let site = Site::new();
    site.process("meet", MEETING);
    let run = site.json(&["run", "meet"]);
    assert_eq!(run.code, 0, "{run:?}");
    assert_eq!(run.json["steps"].as_array().map(Vec::len), Some(4));
}

#[test]
fn one_after_the_other_is_what_parallel_1_says() {
    let site = Site::new();
    site.process("meet", &format!("parallel: 1{}", MEETING.replace("20s", "300ms")));
    let run = site.json(&["run", "meet"]);
    assert_eq!(run.code, 1, "{run:?}");
    assert_eq!(run.json["executed"], "failed");
    let outcomes: Vec<&str> =
        run.json["steps"].as_array().unwrap().iter().filter_map(|step| step["id"].as_str()).collect();
    assert_eq!(outcomes, ["first", "left"], "the other branch did not start");
}

#[test]
fn a_run_over_its_timeout_is_stopped_and_says_so() {
    let site = Site::new();
    site.process(
        "slow",
        "timeout: 3s\nsteps:\n  - { id: long, run: 'echo $$ > pid; sleep 300' }\nheal:\n  - retry: { times: 3 }\nverify:\n  - { command: cat pid, expect: stdout != \"\" }\n",
    );
    let run = site.json(&["run", "slow"]);
    assert_eq!((run.code, &run.json["executed"], &run.json["verified"]), (1, &"failed".into(), &"no".into()));
    let reason = run.json["reason"].as_str().unwrap_or_default();
    assert!(reason.contains("longer than its timeout of 3s"), "{reason}");
    assert_eq!(run.json["heals"], serde_json::json!([]), "nothing more is tried");
    let pid: i32 = site.read("pid").trim().parse().unwrap();
    assert!(!crate::kit::living(pid), "its command was ended");
}

const HANDING: &str = r#"
inputs: { least: { type: whole, default: 1 } }
steps:
  - { id: list-tables, run: 'printf "count=2\nnames=orders,users\nword=$TOKEN\n" > "$OUTPUTS"', outputs: { count: whole, names: list, word: text }, secrets: [TOKEN] }
  - { id: dump, needs: [list-tables], when: 'steps["list-tables"].outputs.count > inputs.least', run: 'echo "$OUTPUT_LIST_TABLES_NAMES" > "$WORKDIR/dump"', makes: dump }
  - { id: after, needs: [dump], run: 'true' }
verify:
  - { artifact: dump, expect: size > 1 }
  - { command: cat "$ARTIFACT", expect: 'stdout.lines() == ["orders", "users"]' }
"#;

#[test]
fn a_step_hands_values_on_to_conditions_and_commands() {
    let site = Site::new();
    site.env("TOKEN", "hunter2hunter2");
    site.process("dump", HANDING);
    let run = site.json(&["run", "dump"]);
    assert_eq!(run.code, 0, "{run:?}");
    let journal = site.say(&["journal", "--json"]).stdout;
    assert!(journal.contains(r#""word":{"text":"***TOKEN***"}"#) && !journal.contains("hunter2"), "{journal}");
}

#[test]
fn a_skipped_step_is_recorded_with_its_reason_and_nothing_of_it_is_green() {
    let site = Site::new();
    site.env("TOKEN", "hunter2hunter2");
    site.process("dump", HANDING);
    let run = site.json(&["run", "dump", "--input", "least=5"]);
    assert_eq!(
        (run.code, &run.json["executed"], &run.json["verified"]),
        (3, &"ok".into(), &"unknown".into()),
        "{run:?}"
    );
    let skipped: Vec<&str> =
        run.json["verifications"].as_array().unwrap().iter().filter_map(|v| v["outcome"].as_str()).collect();
    assert_eq!(skipped, ["skipped", "skipped"]);
    let steps = run.json["steps"].as_array().unwrap();
    let of = |id: &str| steps.iter().find(|s| s["id"] == id).map(|s| (s["outcome"].clone(), s["reason"].clone()));
    let (outcome, reason) = of("dump").unwrap();
    assert_eq!(outcome, "skipped");
    assert!(reason.as_str().unwrap().contains("outputs.count 2"), "{reason}");
    assert_eq!(of("after").unwrap().1, "step dump, which it needs, was skipped");
}

#[test]
fn what_was_handed_on_does_not_outlive_the_run_taken_or_refused() {
    let site = Site::new();
    site.env("TOKEN", "hunter2hunter2");
    site.process("taken", HANDING);
    let hand = |name: &str, then: &str| {
        let step = format!("run: 'echo \"n=$TOKEN\" > \"$OUTPUTS\"{then}', outputs: {{ n: whole }}, secrets: [TOKEN]");
        site.process(name, &format!("steps:\n  - {{ {step} }}\n"));
    };
    hand("refused", "");
    hand("failed", "; exit 1");
    for (name, code) in [("taken", 0), ("refused", 1), ("failed", 1)] {
        let run = site.json(&["run", name]);
        assert_eq!(run.code, code, "{run:?}");
    }
    assert_eq!(site.sh("grep -rl hunter2 .seaworthy; true"), "");
}

#[test]
fn outputs_over_their_bound_fail_the_step() {
    let site = Site::new();
    site.process("big", "steps:\n  - { id: a, run: 'head -c 70000 /dev/zero > \"$OUTPUTS\"', outputs: { n: whole } }\nverify:\n  - { command: 'true', expect: stdout == \"\" }\n");
    let run = site.json(&["run", "big"]);
    assert_eq!(run.code, 1, "{run:?}");
    assert!(run.json["reason"].as_str().unwrap().contains("more than 65536 bytes"), "{run:?}");
}

const INPUTS: &str = r#"
inputs:
  target: { type: choice, of: [staging, production], about: Where to }
  days: { type: whole, min: 1, max: 30, default: 7 }
  wait: { type: duration, default: 90s }
  only: { type: list, default: [a, b] }
steps:
  - { id: say, run: 'echo "$INPUT_TARGET $INPUT_DAYS $INPUT_WAIT" $INPUT_ONLY > said.txt' }
verify:
  - { command: 'echo "$INPUT_TARGET"; cat said.txt', expect: 'stdout.contains("staging")' }
"#;

#[test]
fn a_run_is_given_inputs_which_are_recorded_and_seen_by_its_commands() {
    let site = Site::new();
    site.process("deploy", INPUTS);
    let run = site.json(&[
        "run",
        "deploy",
        "--inputs-json",
        r#"{"target": "production", "days": 3}"#,
        "--input",
        "target=staging",
    ]);
    assert_eq!(run.code, 0, "{run:?}");
    assert_eq!(site.read("said.txt"), "staging 3 90 a b\n");
    let journal = site.say(&["journal", "--json"]).stdout;
    assert!(journal.contains(r#""inputs":{"days":{"int":3}"#), "{journal}");
    // With a server, by its socket and from its page.
    let server = site.server();
    assert_eq!(site.json(&["run", "deploy", "--input", "target=staging", "--input", "wait=2m"]).code, 0);
    assert_eq!(site.read("said.txt"), "staging 7 120 a b\n");
    let (status, page) = server.get("/processes/deploy").expect("the page answers");
    assert!(
        status == 200 && page.contains(r#"name="input.days" value="7""#) && page.contains("<option>staging"),
        "{page}"
    );
}

#[test]
fn inputs_of_the_wrong_kind_are_refused_with_what_to_write() {
    let site = Site::new();
    site.process("deploy", INPUTS);
    for (args, expected) in [
        (&["--input", "target=moon"][..], "input `target`: `moon` is not one of staging, production"),
        (&[], "input `target` (choice) is not given and has no default: add --input target=VALUE"),
        (&["--input", "target=staging", "--input", "days=40"], "input `days`: `40` is more than 30"),
        (
            &["--input", "target=staging", "--input", "dyas=4"],
            "there is no input `dyas`; there are: target, days, wait, only",
        ),
        (&["--input", "target"], "`--input target` says no value"),
        (&["--inputs-json", "[1]"], "--inputs-json is not an object of names and values"),
    ] {
        let refused = site.json(&[&["run", "deploy"], args].concat());
        assert_eq!(refused.code, 2, "{refused:?}");
        assert!(refused.stderr.contains(expected) || refused.stdout.contains(expected), "{expected}: {refused:?}");
    }
    assert_eq!(site.json(&["runs"]).json["runs"], serde_json::json!([]), "none of them became a run");
}
