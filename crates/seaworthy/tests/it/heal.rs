//! Healing: bounded, in order, ending at a person who is told everything.

use serde_json::Value;

use crate::kit::Site;

#[test]
fn what_works_the_second_time_is_healed_and_verified() {
    let site = Site::new();
    let step = r#"steps:
  - { id: dump, run: 'if test -e seen; then echo whole; else touch seen; fi > "$WORKDIR/dump"', makes: dump }
verify:
  - { command: 'cat "$ARTIFACT"', expect: 'stdout.trim() == "whole"' }
heal:
  - retry: { times: 2, backoff: 10ms..20ms }
  - tell: oncall
tell: { route: oncall, when: [failed, unverified, healed] }
"#;
    site.process("flaky", step);
    let run = site.json(&["run", "flaky"]);
    assert_eq!(run.code, 0, "{run:?}");
    assert_eq!(run.json["verified"], "yes");
    assert_eq!(run.json["reason"], "healed by retry: try 1 of 2");
    assert_eq!(
        run.json["heals"],
        serde_json::json!([{ "what": "retry", "outcome": "healed", "detail": "try 1 of 2" }])
    );
    assert_eq!(run.json["steps"][0]["attempts"], 2);
    let rounds: Vec<_> = run.json["verifications"]
        .as_array()
        .unwrap()
        .iter()
        .map(|v| (v["round"].as_u64(), v["outcome"].as_str()))
        .collect();
    assert_eq!(rounds, [(Some(0), Some("no")), (Some(1), Some("yes"))], "the first look stays in the record");
    assert!(site.read("told.txt").contains("healed and verified"), "{}", site.read("told.txt"));
}

#[test]
fn a_ladder_that_does_not_help_ends_at_a_person_who_is_told_everything() {
    let site = Site::new();
    site.write(
        "seaworthy.yaml",
        "site: test\nroutes:\n  oncall: { command: 'cp \"$SEAWORTHY_MESSAGE\" told.json; cat > told.txt' }\n",
    );
    site.write("procedures/backup.md", "# What to do\n");
    let process = r#"steps:
  - { id: dump, run: 'echo half > "$WORKDIR/dump"', makes: dump }
verify:
  - { name: it is whole, command: 'cat "$ARTIFACT"', expect: 'stdout.trim() == "whole"' }
heal:
  - retry: { times: 1, backoff: 10ms..20ms }
  - run: echo freed >> freed
  - tell: oncall
tell: { route: oncall, procedure: procedures/backup.md }
"#;
    site.process("broken", process);
    let run = site.json(&["run", "broken"]);
    assert_eq!(run.code, 1, "{run:?}");
    let heals: Vec<_> = run.json["heals"]
        .as_array()
        .unwrap()
        .iter()
        .map(|h| (h["what"].as_str().unwrap(), h["outcome"].as_str().unwrap()))
        .collect();
    assert_eq!(heals, [("retry", "not_healed"), ("run", "not_healed"), ("tell", "told")]);
    assert_eq!(site.read("freed"), "freed\n", "a rung is tried once");
    let text = site.read("told.txt");
    for part in [
        "broken: NOT VERIFIED",
        "it is whole: stdout.trim() == \"whole\"",
        "it is whole: stdout.trim() \"half\"",
        "retry try 1 of 1: not healed",
        "run echo freed >> freed: not healed",
        "procedures/backup.md",
    ] {
        assert!(text.contains(part), "the message lacks `{part}`:\n{text}");
    }
    let message: Value = serde_json::from_str(&site.read("told.json")).unwrap();
    assert_eq!(message["occasion"], "unverified");
    assert_eq!(message["procedure"], "procedures/backup.md");
    assert_eq!(message["run"], run.json["run_id"]);
    for list in ["expected", "seen", "tried"] {
        assert!(!message[list].as_array().unwrap().is_empty(), "{list}: {message}");
    }
    let shown = site.say(&["show", run.json["run_id"].as_str().unwrap()]).stdout;
    assert!(shown.contains("tell    oncall told"), "{shown}");
}

#[test]
fn an_artifact_that_a_rung_makes_anew_is_the_one_on_record() {
    let site = Site::new();
    let process = r#"steps:
  - { id: dump, run: ': > "$WORKDIR/dump"', makes: dump }
verify:
  - { artifact: dump, expect: size > 4B }
  - { command: 'cat "$ARTIFACT"', expect: 'stdout.trim() == "whole"' }
heal:
  - run: echo whole > "$WORKDIR/dump"
  - tell: oncall
"#;
    site.process("mended", process);
    let run = site.json(&["run", "mended"]);
    assert_eq!(run.code, 0, "{run:?}");
    assert_eq!(run.json["heals"][0]["outcome"], "healed");
    assert_eq!(run.json["artifacts"][0]["bytes"], 6, "the bytes that were verified: {run:?}");
}

#[test]
fn a_step_that_must_happen_once_is_not_repeated_by_a_ladder() {
    let site = Site::new();
    let process = r#"steps:
  - { id: pay, run: 'echo paid >> paid', effect: once }
verify:
  - { command: 'wc -l < paid', expect: 'stdout.trim() == "2"' }
heal:
  - retry: { times: 3, backoff: 10ms..20ms }
  - tell: oncall
"#;
    site.process("pay", process);
    let run = site.json(&["run", "pay"]);
    assert_eq!(run.code, 1, "{run:?}");
    assert_eq!(site.read("paid"), "paid\n", "it was done again");
    assert_eq!(run.json["steps"][0]["attempts"], 1);
    assert_eq!(run.json["heals"][0]["detail"], "nothing may be repeated: a `once` step is not done twice");
    assert_eq!(run.json["heals"][1]["outcome"], "told");
}

#[test]
fn a_route_that_fails_is_tried_again_and_the_message_is_not_lost() {
    let site = Site::new();
    site.write("seaworthy.yaml", "site: test\nroutes:\n  oncall: { command: 'test -e up && cat > told.txt' }\n");
    let rest = "steps:\n  - { run: 'exit 1' }\nverify:\n  - { command: echo x, expect: 'stdout != \"\"' }\ntell: { route: oncall }\n";
    site.process("failing", rest);
    let run = site.json(&["run", "failing"]);
    assert_eq!(run.code, 1, "the route does not change the verdict: {run:?}");
    assert!(!site.path("told.txt").exists());
    let shown = site.say(&["show", run.json["run_id"].as_str().unwrap()]).stdout;
    assert!(shown.contains("being told") && !shown.contains("oncall told"), "{shown}");
    site.write("up", "");
    let server = site.server();
    crate::kit::until("the message arrives", || site.read("told.txt").contains("FAILED").then_some(()));
    assert_eq!(server.stop(), 0);
}
