//! Steps that are done for each element of a list, with real commands.

use serde_json::Value;

use crate::kit::{Output, Site, until};

/// `list` hands on what stands in `names.json`; each element leaves a line, and fails while `broken` names it.
const EACH: &str = r#"
steps:
  - { id: list, run: 'printf "names=" > "$OUTPUTS"; cat names.json >> "$OUTPUTS"', outputs: { names: list } }
  - id: dump
    matrix: steps.list.outputs.names
    makes: '{element}.dump'
    outputs: { bytes: whole }
    run: |
      echo "$ELEMENT $SEAWORTHY_STEP $SEAWORTHY_ATTEMPT" >> did.txt
      if grep -qx -- "$ELEMENT" broken; then exit 3; fi
      printf '%s' "$ELEMENT" > "$WORKDIR/$ELEMENT_NAME.dump"
      echo "bytes=${#ELEMENT}" > "$OUTPUTS"
  - { id: sum, run: 'echo "$OUTPUT_DUMP_BYTES" > sizes.txt' }
verify:
  - { command: cat sizes.txt, expect: 'stdout.contains("6")' }
"#;

fn site(names: &str, broken: &str) -> Site {
    let site = Site::new();
    site.process("each", EACH);
    site.write("names.json", names);
    site.write("broken", broken);
    site
}

fn outcome(run: &Output, id: &str) -> Value {
    let steps = run.json["steps"].as_array().unwrap();
    steps.iter().find(|step| step["id"] == id).map_or(Value::Null, |step| step["outcome"].clone())
}

#[test]
fn each_element_is_a_step_with_its_own_output_artifact_and_record() {
    let site = site(r#"["orders", "a/b"]"#, "");
    let run = site.json(&["run", "each"]);
    assert_eq!(run.code, 0, "{run:?}");
    let steps = run.json["steps"].as_array().unwrap();
    let of = |id: &str| steps.iter().find(|step| step["id"] == id).unwrap_or_else(|| panic!("no {id} in {steps:?}"));
    assert_eq!((&of("dump[orders]")["element"], &of("dump[orders]")["of"]), (&"orders".into(), &"dump".into()));
    assert_eq!(of("dump[a-b~2]")["element"], "a/b", "its name is safe, its value is what the command sees");
    assert_eq!(of("dump[a-b~2]")["outputs"]["bytes"], "3");
    assert_eq!(of("dump")["elements"], serde_json::json!(["dump[orders]", "dump[a-b~2]"]));
    assert_eq!(site.read("sizes.txt"), "6\n3\n", "the step hands on a list, in the order of its elements");
    let mut made: Vec<&str> =
        run.json["artifacts"].as_array().unwrap().iter().filter_map(|made| made["name"].as_str()).collect();
    made.sort_unstable();
    assert_eq!(made, ["a-b~2.dump", "orders.dump"]);
    assert!(site.say(&["journal", "--json"]).stdout.contains("step_expanded"), "what the list came to is an entry");
    let logs = site.say(&["logs", run.json["run_id"].as_str().unwrap()]);
    assert_eq!(logs.code, 0, "{logs:?}");
}

#[test]
fn the_others_have_their_turn_and_only_what_failed_is_repeated() {
    let site = site("[\"orders\", \"users\", \"billing\"]", "users\n");
    let failed = site.json(&["run", "each"]);
    assert_eq!((failed.code, &failed.json["executed"]), (1, &"failed".into()), "{failed:?}");
    let outcomes = ["dump[orders]", "dump[users]", "dump[billing]", "dump"].map(|id| outcome(&failed, id));
    assert_eq!(outcomes, ["done", "not_done", "done", "not_done"]);
    let id = failed.json["run_id"].as_str().unwrap();
    site.write("broken", "");
    // As a new run that takes the others over, then the failed run itself.
    let rerun = site.json(&["rerun", id, "--from", "dump"]);
    assert_eq!(rerun.code, 0, "{rerun:?}");
    let resumed = site.json(&["resume", id]);
    assert_eq!(resumed.code, 0, "{resumed:?}");
    let did = site.read("did.txt");
    let count = |start: &str| did.lines().filter(|line| line.starts_with(start)).count();
    assert_eq!((count("orders "), count("billing "), count("users ")), (1, 1, 3), "{did}");
    assert!(did.contains("users dump[users] 2"), "a second attempt of the failed run: {did}");
    assert_eq!(site.read("sizes.txt"), "6\n5\n7\n");
}

#[test]
fn an_empty_list_is_done_and_seen_and_no_proof_of_anything() {
    let site = site("[]", "");
    let run = site.json(&["run", "each"]);
    assert_eq!((run.code, &run.json["executed"], &run.json["verified"]), (1, &"ok".into(), &"no".into()), "{run:?}");
    assert_eq!(outcome(&run, "dump"), "done");
    let shown = site.say(&["show", run.json["run_id"].as_str().unwrap()]);
    assert!(shown.stdout.contains("for no element: there is nothing to do"), "{shown:?}");
}

#[test]
fn a_list_that_is_none_fails_the_step_by_name() {
    let many: Vec<String> = (0..900).map(|n| format!("\"n{n}\"")).collect();
    let many = format!("[{}]", many.join(","));
    for (names, why) in [
        (r#"["a", "b", "a"]"#, "`a` twice"),
        (r#"["a", ""]"#, "is empty"),
        ("[1, 2]", "is none of texts"),
        (many.as_str(), "has 900 elements, 256 are the limit"),
    ] {
        let run = site(names, "").json(&["run", "each"]);
        assert_eq!((run.code, &run.json["executed"]), (1, &"failed".into()), "{run:?}");
        let reason = run.json["reason"].as_str().unwrap_or_default();
        assert!(reason.contains(why), "{names}: {reason}");
    }
}

#[test]
fn after_a_power_cut_in_the_middle_only_what_was_not_done_is_done() {
    let site = Site::new();
    let step = "{ id: each, matrix: { over: [a, b, c], parallel: 1 }, run: 'echo \"$ELEMENT\" >> did.txt; test \"$ELEMENT\" != b || test -e ready || sleep 600' }";
    site.process(
        "cut",
        &format!("steps:\n  - {step}\nverify:\n  - {{ command: cat did.txt, expect: 'stdout.contains(\"c\")' }}\n"),
    );
    let server = site.server();
    let run = site.json(&["run", "cut", "--detach"]);
    let id = run.json["run_id"].as_str().unwrap().to_owned();
    until("the second one runs", || (site.read("did.txt") == "a\nb\n").then_some(()));
    site.write("ready", "");
    // The server and what holds its commands are gone, as after a power cut.
    server.kill();
    site.kill_keeper();
    let _server = site.server();
    let ended = until("it has ended", || Some(site.json(&["show", &id]).json).filter(|json| json["verified"] == "yes"));
    assert_eq!(ended["executed"], "ok");
    assert_eq!(site.read("did.txt"), "a\nb\nb\nc\n", "a is not repeated; b, whose end nobody saw, is");
}
