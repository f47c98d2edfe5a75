//! Steps that run another process: its verdict, its end with the parent's, restarts in the middle, and who waits for whom.

use serde_json::Value;

use crate::{
    kit::{Output, Site, until},
    server_history::{intact, of, stream},
};

/// Waits for the file `go`, then leaves what it was given.
const CHILD: &str = "inputs: { what: { type: text } }
steps:
  - { id: work, run: 'echo $$ > pid; until test -e go; do sleep 0.02; done; echo \"$INPUT_WHAT\" > done.txt' }
verify:
  - { command: cat done.txt, expect: 'stdout.trim() == \"rope\"' }
";

fn parent(rest: &str) -> String {
    format!(
        "inputs: {{ item: {{ type: text, default: rope }} }}
steps:
  - {{ id: first, run: 'true' }}
  - {{ id: child, process: child, inputs: {{ what: $INPUT_ITEM }}{rest} }}
verify:
  - {{ of: child, command: cat done.txt, expect: 'stdout != \"\"' }}
"
    )
}

fn site() -> Site {
    let site = Site::new();
    site.process("child", CHILD);
    site.process("parent", &parent(""));
    site
}

fn of_run(site: &Site, run: &str) -> Vec<crate::server_history::Fact> {
    stream(site, &format!("run/{run}"))
}

/// The run that the step of this run is, once it has begun.
fn child_of(site: &Site, run: &str) -> String {
    until("the child has begun", || {
        let begun = of(&of_run(site, run), "child_begun").first().map(|fact| fact.text("run").to_owned());
        begun.filter(|_| !site.read("pid").trim().is_empty())
    })
}

fn end_of(site: &Site, run: &str) -> Value {
    until("the run ends", || of(&of_run(site, run), "run_ended").first().map(|fact| fact.body.clone()))
}

fn begin(site: &Site) -> String {
    let said = site.json(&["run", "parent", "--detach"]);
    said.json["run_id"].as_str().unwrap_or_else(|| panic!("{said:?}")).to_owned()
}

#[test]
fn the_verdict_of_the_child_is_the_outcome_of_the_step_and_both_name_each_other() {
    let site = site();
    site.write("go", "");
    let run = site.json(&["run", "parent"]);
    assert_eq!(run.code, 0, "{run:?}");
    let step =
        |run: &Output| run.json["steps"].as_array().unwrap().iter().find(|s| s["id"] == "child").unwrap().clone();
    let child = step(&run)["child_run_id"].as_str().expect("it is a run").to_owned();
    let shown = site.json(&["show", &child]);
    assert_eq!(
        (&shown.json["parent_run_id"], &shown.json["verified"]),
        (&run.json["run_id"], &"yes".into()),
        "{shown:?}"
    );
    // Executed well and not verified: that is what counts.
    let failed = site.json(&["run", "parent", "--input", "item=sail"]);
    assert_eq!(failed.code, 1, "{failed:?}");
    let step = step(&failed);
    assert_eq!(step["outcome"], "not_done", "{step}");
    let reason = step["reason"].as_str().unwrap();
    assert!(reason.contains("of `child` is not verified") && reason.contains("seen"), "{reason}");
    let server = site.server();
    let page = |run: &str| server.get(&format!("/runs/{run}")).unwrap().1;
    let parent = run.json["run_id"].as_str().unwrap();
    assert!(page(parent).contains(&format!("/runs/{child}\"")) && page(parent).contains("process child"));
    assert!(page(&child).contains(&format!("/runs/{parent}\"")), "the child links to its parent");
    let api: Value = serde_json::from_str(&server.get(&format!("/api/v1/runs/{child}")).unwrap().1).unwrap();
    assert_eq!(api["parent_run_id"], parent, "{api}");
    assert_eq!(server.stop(), 0);
    intact(&site);
}

#[test]
fn a_process_for_each_element_of_a_list_hands_its_values_on_to_the_steps_behind_it() {
    let site = Site::new();
    site.process(
        "weigh",
        "inputs: { what: { type: text } }
steps:
  - { id: weigh, run: 'printf \"pounds=%s\\n\" \"${#INPUT_WHAT}\" >> \"$OUTPUTS\"', outputs: { pounds: whole } }
  - { id: label, run: 'echo \"label=<$INPUT_WHAT>\" >> \"$OUTPUTS\"', outputs: { label: text } }
verify: [{ command: cat verdict, expect: 'stdout.trim() == \"good\"' }]
",
    );
    site.write("verdict", "good");
    site.process(
        "ship",
        "steps:
  - { id: one, process: weigh, inputs: { what: anchor }, outputs: { pounds: whole } }
  - { id: all, process: weigh, matrix: [rope, sail cloth], inputs: { what: $ELEMENT }, outputs: { pounds: whole, label: text } }
  - { id: heavy, run: 'echo \"$OUTPUT_ONE_POUNDS $OUTPUT_ALL_POUNDS $OUTPUT_ALL_LABEL\" > heavy.txt', when: steps.one.outputs.pounds == 6 }
verify: [{ command: cat heavy.txt, expect: 'stdout != \"\"' }]
",
    );
    let run = site.json(&["run", "ship"]);
    assert_eq!(run.code, 0, "{run:?}");
    assert_eq!(site.read("heavy.txt"), "6 4\n10 <rope>\n<sail cloth>\n", "{run:?}");
    let steps = run.json["steps"].as_array().unwrap();
    let step = |id: &str| steps.iter().find(|step| step["id"] == id).unwrap_or_else(|| panic!("{id} in {run:?}"));
    let children: std::collections::BTreeSet<&str> = ["one", "all[rope]", "all[sail-cloth~2]"]
        .into_iter()
        .map(|id| step(id)["child_run_id"].as_str().expect("it is a run"))
        .collect();
    assert_eq!(children.len(), 3, "each is a run of its own");
    assert_eq!(step("one")["outputs"]["pounds"], "6", "{run:?}");
    // One that is not verified fails the step, and hands nothing on.
    site.write("verdict", "bad");
    let failed = site.json(&["run", "ship"]);
    assert_eq!(failed.code, 1, "{failed:?}");
    let one = &failed.json["steps"].as_array().unwrap()[0];
    assert_eq!((one["outcome"].as_str(), &one["outputs"]), (Some("not_done"), &serde_json::json!({})), "{failed:?}");
    intact(&site);
}

#[test]
fn cancelling_the_parent_ends_the_child_and_its_command() {
    let site = site();
    let server = site.server();
    let run = begin(&site);
    let child = child_of(&site, &run);
    let pid: i32 = site.read("pid").trim().parse().unwrap();
    assert_eq!(site.json(&["cancel", &run, "--reason", "enough"]).code, 0);
    assert_eq!(end_of(&site, &run)["executed"], "cancelled");
    let end = end_of(&site, &child);
    assert_eq!(end["executed"], "cancelled", "{end}");
    assert!(end["reason"].as_str().unwrap().contains(&run), "it says for whose sake: {end}");
    assert!(!crate::kit::living(pid), "its command was ended");
    assert_eq!(server.stop(), 0);
    intact(&site);
}

#[test]
fn a_restart_and_a_crash_in_the_middle_go_on_waiting_for_the_same_child() {
    let site = site();
    let server = site.server();
    let run = begin(&site);
    let child = child_of(&site, &run);
    server.kill();
    let server = site.server();
    let claims = |run: &str| of(&of_run(&site, run), "run_claimed").len();
    until("both are taken up", || (claims(&run) == 2 && claims(&child) == 2).then_some(()));
    assert_eq!(server.stop(), 0);
    // The child ends while no server is there.
    let server = site.server();
    site.write("go", "");
    assert_eq!(end_of(&site, &run)["verified"], "yes");
    assert_eq!(of(&of_run(&site, &run), "child_begun").len(), 1, "it was begun once");
    assert_eq!(of(&of_run(&site, &child), "attempt_started").len(), 1, "and so was its command");
    assert_eq!(server.stop(), 0);
    intact(&site);
}

#[test]
fn a_child_that_takes_longer_than_its_step_may_is_cancelled() {
    let site = site();
    site.process("parent", &parent(", timeout: 700ms"));
    let run = site.json(&["run", "parent"]);
    assert_eq!(run.code, 1, "{run:?}");
    assert!(run.json["reason"].as_str().unwrap().contains("took longer than 700ms and was stopped"), "{run:?}");
}

#[test]
fn processes_that_run_each_other_wrongly_are_told_where_they_stand() {
    let site = site();
    let call =
        |of: &str| format!("steps: [{{ process: {of} }}]\nverify: [{{ command: ls, expect: stdout != \"\" }}]\n");
    site.process("ring-a", &call("ring-b"));
    site.process("ring-b", &call("ring-a"));
    site.process("self", &call("self"));
    site.process("lost", &call("nobody"));
    site.process("bare", "steps: [{ run: ls }]\n");
    site.process("of-bare", &call("bare"));
    site.process("no-input", &call("child"));
    site.process("odd-input", &call("child, inputs: { colour: red }"));
    site.process("locked", &format!("lock: db\n{}", call("locked-too")));
    site.process("locked-too", "lock: db\nsteps: [{ run: ls }]\nverify: [{ command: ls, expect: stdout != \"\" }]\n");
    for n in 0..10 {
        site.process(&format!("deep-{n}"), &call(&if n < 9 { format!("deep-{}", n + 1) } else { "locked-too".into() }));
    }
    let found = site.json(&["check"]);
    let all = found.json["diagnostics"].as_array().unwrap();
    let said = |name: &str, code: &str| {
        let file = format!("ops/{name}.yaml");
        let hit = all.iter().find(|d| d["file"] == file.as_str() && d["code"] == code);
        let hit = hit.unwrap_or_else(|| panic!("{code} in {file}: {}", found.stdout));
        assert_eq!((&hit["severity"], hit["line"].as_i64() > Some(1)), (&"error".into(), true), "{hit}");
        hit["message"].as_str().unwrap().to_owned()
    };
    assert!(said("ring-a", "call-cycle").contains("ring-a -> ring-b -> ring-a"));
    said("ring-b", "call-cycle");
    assert!(said("self", "call-cycle").contains("self -> self"));
    said("lost", "unknown-process");
    said("of-bare", "unproven-callee");
    said("no-input", "missing-input");
    said("odd-input", "unknown-input");
    said("locked", "lock-within");
    said("deep-0", "too-deep");
    let clean = ["deep-2", "parent", "child"];
    assert!(
        !all.iter()
            .any(|d| d["severity"] == "error" && clean.iter().any(|n| d["file"] == format!("ops/{n}.yaml").as_str()))
    );
}
