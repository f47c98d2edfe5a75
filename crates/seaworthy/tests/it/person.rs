//! Steps that a person does or agrees to.

use crate::kit::{Site, until};

const TAPE: &str = r#"
steps:
  - { id: write, run: 'echo tape > tape.txt' }
  - { id: store, needs: [write], human: Take the tape to the safe, procedure: procedures/tape.md, route: oncall }
  - { id: note, needs: [store], run: 'echo stored >> tape.txt' }
verify:
  - { command: cat tape.txt, expect: 'stdout.contains("stored")' }
"#;

fn waiting(site: &Site, id: &str) {
    until("it waits for a person", || {
        let live = site.json(&["runs"]).json["live"].clone();
        let doing = live.as_array()?.iter().find(|run| run["run_id"] == id)?["doing"].as_str()?.to_owned();
        (doing == "waiting for a person: store").then_some(())
    });
}

#[test]
fn a_person_is_told_signs_with_evidence_and_verification_looks_all_the_same() {
    let site = Site::new();
    site.write("procedures/tape.md", "# Tape\n");
    site.process("tape", TAPE);
    let server = site.server();
    let id = site.json(&["run", "tape", "--detach"]).json["run_id"].as_str().unwrap().to_owned();
    waiting(&site, &id);
    until("somebody is told", || site.read("told.txt").contains(&format!("seaworthy sign {id} store")).then_some(()));
    assert!(site.read("told.txt").contains("Take the tape to the safe"));
    let page = server.get(&format!("/runs/{id}")).unwrap().1;
    assert!(page.contains(&format!("/runs/{id}/sign/store")), "{page}");
    // A restart goes on waiting.
    assert_eq!(server.stop(), 0);
    let _server = site.server();
    let refused = site.json(&["sign", &id, "store"]);
    assert_eq!(refused.code, 4, "{refused:?}");
    assert!(refused.stdout.contains("--evidence TEXT"), "{refused:?}");
    let signed = site.json(&["sign", &id, "store", "--evidence", "tape 7, shelf 2"]);
    assert_eq!((signed.code, &signed.json["yes"]), (0, &true.into()), "{signed:?}");
    let ended = until("it has ended", || Some(site.json(&["show", &id]).json).filter(|json| json["verified"] == "yes"));
    assert_eq!(ended["steps"].as_array().map(Vec::len), Some(3));
    assert!(site.say(&["journal", "--json"]).stdout.contains("tape 7, shelf 2"));
    let twice = site.json(&["sign", &id, "store", "--evidence", "again"]);
    assert!(twice.code == 4 && twice.stdout.contains("does not wait for anybody"), "{twice:?}");
}

#[test]
fn a_no_and_no_answer_in_time_fail_the_step() {
    let site = Site::new();
    site.write("procedures/tape.md", "# Tape\n");
    site.process("tape", TAPE);
    site.process("late", "steps:\n  - { id: store, human: Be quick, within: 100ms, route: oncall }\nverify:\n  - { command: date, expect: stdout != \"\" }\n");
    let late = site.json(&["run", "late"]);
    assert_eq!(late.code, 1, "{late:?}");
    assert!(late.json["reason"].as_str().unwrap().contains("nobody answered within 100ms"), "{late:?}");
    let _server = site.server();
    let id = site.json(&["run", "tape", "--detach"]).json["run_id"].as_str().unwrap().to_owned();
    waiting(&site, &id);
    assert_eq!(site.json(&["sign", &id, "store", "--no", "the safe is locked"]).code, 0);
    let ended =
        until("it has ended", || Some(site.json(&["show", &id]).json).filter(|json| json["executed"] == "failed"));
    assert!(ended["reason"].as_str().unwrap().contains("the safe is locked"), "{ended}");
}

#[test]
fn who_asked_for_a_run_cannot_agree_to_it() {
    let site = Site::new();
    site.process("deploy", "steps:\n  - { id: store, approve: Deploy to production, route: oncall }\nverify:\n  - { command: date, expect: stdout != \"\" }\n");
    let _server = site.server();
    let id = site.json(&["run", "deploy", "--detach"]).json["run_id"].as_str().unwrap().to_owned();
    waiting(&site, &id);
    for args in [&["approve", &id, "store"][..], &["sign", &id, "store", "--evidence", "x"]] {
        let refused = site.json(args);
        assert!(refused.code == 4 && refused.stdout.contains("another person"), "{refused:?}");
    }
    assert_eq!(site.json(&["cancel", &id]).code, 0);
    until("it has ended", || Some(site.json(&["show", &id]).json).filter(|json| json["executed"] == "cancelled"));
}
