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
        "timeout: 500ms\nsteps:\n  - { id: long, run: 'echo $$ > pid; sleep 300' }\nheal:\n  - retry: { times: 3 }\nverify:\n  - { command: cat pid, expect: stdout != \"\" }\n",
    );
    let run = site.json(&["run", "slow"]);
    assert_eq!((run.code, &run.json["executed"], &run.json["verified"]), (1, &"failed".into(), &"no".into()));
    let reason = run.json["reason"].as_str().unwrap_or_default();
    assert!(reason.contains("longer than its timeout of 500ms"), "{reason}");
    assert_eq!(run.json["heals"], serde_json::json!([]), "nothing more is tried");
    let pid: i32 = site.read("pid").trim().parse().unwrap();
    assert!(!crate::kit::living(pid), "its command was ended");
}
