//! Steps that a person does or agrees to.

use crate::{
    kit::{Site, until},
    people_kit::{Browser, owner_link, set_up},
};

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

/// Something is made and shipped when somebody agreed; `end` fails until it is let.
const SHIP: &str = r#"
steps:
  - { id: make, run: 'echo make >> did.txt' }
  - { id: store, needs: [make], approve: Ship it, route: oncall }
  - { id: ship, needs: [store], effect: once, run: 'echo ship >> did.txt' }
  - { id: end, needs: [ship], run: 'echo end >> did.txt; test -e ready' }
verify:
  - { command: cat did.txt, of: ship, expect: 'stdout.contains("ship")' }
"#;

fn agree(browser: &mut Browser, id: &str) -> u16 {
    browser.press(&format!("/runs/{id}"), &format!("/runs/{id}/sign/store"), &[("answer", "yes")]).status
}

fn ended(site: &Site, id: &str, executed: &str) {
    until("it has ended", || Some(site.json(&["show", id]).json).filter(|json| json["executed"] == executed));
}

#[test]
fn a_yes_holds_for_its_run_when_that_goes_on_and_is_asked_for_anew_by_a_run_that_takes_its_steps_over() {
    let site = Site::new();
    site.process("ship", SHIP);
    let server = site.server();
    let mut ada = Browser::of(&server);
    set_up(&mut ada, &owner_link(&site), "ada");
    let id = site.json(&["run", "ship", "--detach"]).json["run_id"].as_str().unwrap().to_owned();
    waiting(&site, &id);
    assert_eq!(agree(&mut ada, &id), 303);
    ended(&site, &id, "failed");
    site.write("ready", "");
    let resumed = site.json(&["resume", &id]);
    assert_eq!(resumed.code, 0, "the same run goes on with the yes that it has: {resumed:?}");
    assert_eq!(site.read("did.txt"), "make\nship\nend\nend\n");
    let again = ada.press(&format!("/runs/{id}"), &format!("/runs/{id}/rerun"), &[("from", "end")]);
    let again = again.to().rsplit('/').next().unwrap_or_default().to_owned();
    waiting(&site, &again);
    assert_eq!(site.read("did.txt"), "make\nship\nend\nend\n", "nothing behind the question went on");
    assert_ne!(agree(&mut ada, &again), 303, "she asked for this one");
    assert_eq!(site.json(&["approve", &again, "store"]).code, 0, "another one may");
    ended(&site, &again, "ok");
    assert_eq!(site.read("did.txt"), "make\nship\nend\nend\nend\n");
    assert_eq!(site.json(&["audit", "verify"]).code, 0);
}

#[test]
fn who_asked_for_what_triggered_a_run_or_did_a_step_of_it_cannot_agree_to_it() {
    let site = Site::new();
    site.process("kick", "steps:\n  - { run: 'true' }\n");
    let step = "  - { id: store, approve: Ship it, route: oncall }\n";
    let rest =
        "verify:\n  - { command: date, expect: stdout != \"\" }\ntriggers:\n  - { process: kick, when: unproven }\n";
    site.process("next", &format!("steps:\n{step}{rest}"));
    let server = site.server();
    let mut ada = Browser::of(&server);
    set_up(&mut ada, &owner_link(&site), "ada");
    assert_eq!(site.json(&["run", "kick"]).code, 3, "it is done and unproven");
    let id = until("it was triggered", || {
        let live = site.json(&["runs"]).json["live"].clone();
        Some(live.as_array()?.iter().find(|run| run["process"] == "next")?["run_id"].as_str()?.to_owned())
    });
    waiting(&site, &id);
    let own = site.json(&["approve", &id, "store"]);
    assert!(own.code == 4 && own.stdout.contains("another person"), "{own:?}");
    let asked = site.say(&["journal", "--json"]).stdout;
    assert!(asked.lines().any(|line| line.contains("person_asked") && line.contains("barred")), "{asked}");
    assert_eq!(agree(&mut ada, &id), 303);
    ended(&site, &id, "ok");
}

#[test]
fn a_file_in_which_nobody_is_asked_any_more_waits_and_the_question_stays() {
    let site = Site::new();
    site.process("ship", SHIP);
    site.write("ready", "");
    let server = site.server();
    let mut ada = Browser::of(&server);
    set_up(&mut ada, &owner_link(&site), "ada");
    let id = site.json(&["run", "ship", "--detach"]).json["run_id"].as_str().unwrap().to_owned();
    waiting(&site, &id);
    assert_eq!(agree(&mut ada, &id), 303);
    ended(&site, &id, "ok");
    assert_eq!(server.stop(), 0);
    site.edit("ops/ship.yaml", "approve: Ship it, route: oncall", "run: 'true'");
    let plan = site.json(&["plan", "ship"]).json["processes"][0]["difference"]["weaker"].clone();
    assert_eq!(plan, serde_json::json!(["step `store` does something else: nobody agrees any more"]));
    let _server = site.server();
    let again = site.json(&["run", "ship", "--detach"]).json["run_id"].as_str().unwrap().to_owned();
    waiting(&site, &again);
}
