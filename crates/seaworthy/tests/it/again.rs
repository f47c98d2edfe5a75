//! Ended runs that go on, and parts of them that are done once more.

use crate::kit::{Site, until};

const CHAIN: &str = r#"
inputs: { word: { type: text, default: x } }
steps:
  - { id: make, run: 'echo make >> did.txt; echo "$INPUT_WORD" > "$WORKDIR/made"; echo n=5 > "$OUTPUTS"', makes: made, outputs: { n: whole } }
  - { id: move, needs: [make], run: 'echo move >> did.txt; test -e ready && cp "$WORKDIR/made" moved.txt' }
  - { id: end, needs: [move], run: 'echo "end $OUTPUT_MAKE_N" >> did.txt' }
verify:
  - { artifact: made, expect: size > 0 }
  - { command: cat moved.txt, expect: 'stdout.trim() == "hello"' }
"#;

#[test]
fn a_failed_run_goes_on_at_the_step_that_failed() {
    let site = Site::new();
    site.process("chain", CHAIN);
    let failed = site.json(&["run", "chain", "--input", "word=hello"]);
    assert_eq!((failed.code, &failed.json["executed"]), (1, &"failed".into()));
    let id = failed.json["run_id"].as_str().unwrap();
    site.write("ready", "");
    let resumed = site.json(&["resume", id]);
    assert_eq!((resumed.code, &resumed.json["run_id"]), (0, &id.into()), "{resumed:?}");
    assert_eq!(site.read("did.txt"), "make\nmove\nmove\nend 5\n");
    assert_eq!(site.json(&["runs"]).json["runs"].as_array().map(Vec::len), Some(1), "one run, with its last end");
    assert_eq!(site.json(&["audit", "verify"]).code, 0, "the rows are as the entries say");
    let refused = site.json(&["resume", id]);
    assert_eq!(refused.code, 2);
    assert!(refused.stdout.contains("nothing to go on with"), "{refused:?}");
}

#[test]
fn a_once_step_is_looked_at_before_a_resumed_run_repeats_it() {
    let site = Site::new();
    let process = "steps:\n  - { id: charge, effect: once, run: 'echo charged >> book.txt; test -e ready' }\n  - { id: receipt, needs: [charge], run: 'echo sent > receipt.txt' }\nverify:\n  - { command: cat book.txt, of: charge, expect: 'stdout.contains(\"charged\")' }\n";
    site.process("charge", process);
    let failed = site.json(&["run", "charge"]);
    assert_eq!(failed.code, 1);
    let resumed = site.json(&["resume", failed.json["run_id"].as_str().unwrap()]);
    assert_eq!(resumed.code, 0, "{resumed:?}");
    assert_eq!(site.read("book.txt"), "charged\n", "it had happened, and was not done twice");
    assert_eq!(site.read("receipt.txt"), "sent\n");
}

#[test]
fn a_step_and_what_follows_is_done_once_more_as_a_new_run() {
    let site = Site::new();
    site.process("chain", CHAIN);
    site.write("ready", "");
    let first = site.json(&["run", "chain", "--input", "word=hello"]);
    let id = first.json["run_id"].as_str().unwrap();
    let again = site.json(&["rerun", id, "--from", "move"]);
    assert_eq!(again.code, 0, "{again:?}");
    assert_ne!(again.json["run_id"], first.json["run_id"]);
    assert_eq!(site.read("did.txt"), "make\nmove\nend 5\nmove\nend 5\n");
    assert_eq!(again.json["artifacts"][0]["sha256"], first.json["artifacts"][0]["sha256"]);
    let taken = site.say(&["journal", "--json"]);
    assert!(taken.stdout.contains("step_taken"), "it says where that step was done");
    // What was changed since cannot be taken over.
    site.edit("ops/chain.yaml", "echo make >>", "echo mark >>");
    let refused = site.json(&["rerun", id, "--from", "move"]);
    assert!(refused.code == 2 && refused.stdout.contains("defined otherwise now"), "{refused:?}");
    let unknown = site.json(&["rerun", id, "--from", "mvoe"]);
    assert!(unknown.code == 2 && unknown.stdout.contains("there are: make, move, end"), "{unknown:?}");
}

#[test]
fn a_run_in_the_server_is_cancelled_and_goes_on_later() {
    let site = Site::new();
    site.process("wait", "steps:\n  - { id: a, run: 'echo a >> did.txt; test -e ready || sleep 600' }\nverify:\n  - { command: cat did.txt, expect: stdout != \"\" }\n");
    let _server = site.server();
    let run = site.json(&["run", "wait", "--detach"]);
    let id = run.json["run_id"].as_str().unwrap();
    until("it runs", || (site.read("did.txt") == "a\n").then_some(()));
    let cancelled = site.json(&["cancel", id, "--reason", "not now"]);
    assert_eq!(cancelled.code, 0, "{cancelled:?}");
    let ended =
        until("it has ended", || Some(site.json(&["show", id]).json).filter(|json| json["executed"] == "cancelled"));
    assert!(ended["reason"].as_str().unwrap().contains("not now"));
    site.write("ready", "");
    let resumed = site.json(&["resume", id]);
    assert_eq!(resumed.code, 0, "{resumed:?}");
}
