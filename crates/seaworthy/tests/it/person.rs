//! Steps that a person does or agrees to.

use crate::{
    kit::{Site, until},
    people_kit::{Browser, owners},
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
    let (mut ada, mut grace) = owners(&site, &server);
    let id = site.json(&["run", "ship", "--detach"]).json["run_id"].as_str().unwrap().to_owned();
    waiting(&site, &id);
    assert_ne!(agree(&mut ada, &id), 303, "she asked for it at the terminal");
    assert_eq!(agree(&mut grace, &id), 303);
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
    let own = site.json(&["approve", &again, "store"]);
    assert!(own.code == 4 && own.stdout.contains("another person"), "nor at the terminal: {own:?}");
    assert_eq!(agree(&mut grace, &again), 303, "another one may");
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
    let (mut ada, mut grace) = owners(&site, &server);
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
    assert_ne!(agree(&mut ada, &id), 303, "the user of the host is hers");
    assert_eq!(agree(&mut grace, &id), 303);
    ended(&site, &id, "ok");
}

#[test]
fn a_file_in_which_nobody_is_asked_any_more_waits_and_the_question_stays() {
    let site = Site::new();
    site.process("ship", SHIP);
    site.write("ready", "");
    let server = site.server();
    let (_ada, mut grace) = owners(&site, &server);
    let id = site.json(&["run", "ship", "--detach"]).json["run_id"].as_str().unwrap().to_owned();
    waiting(&site, &id);
    assert_eq!(agree(&mut grace, &id), 303);
    ended(&site, &id, "ok");
    assert_eq!(server.stop(), 0);
    site.edit("ops/ship.yaml", "approve: Ship it, route: oncall", "run: 'true'");
    let plan = site.json(&["plan", "ship"]).json["processes"][0]["difference"]["weaker"].clone();
    assert_eq!(plan, serde_json::json!(["step `store` does something else: nobody agrees any more"]));
    let _server = site.server();
    let again = site.json(&["run", "ship", "--detach"]).json["run_id"].as_str().unwrap().to_owned();
    waiting(&site, &again);
}

#[test]
fn a_user_of_the_host_is_one_person_with_the_account_it_is_linked_to() {
    let site = Site::new();
    site.process("ship", SHIP);
    site.write("ready", "");
    let server = site.server();
    let (mut ada, mut grace) = owners(&site, &server);
    let user = site.sh("id -un").trim().to_owned();
    let name = format!("os:{user}@{}", site.sh("uname -n").trim());
    let people = ada.get("/people").body;
    assert!(people.contains(&name), "who claims the site is the user that made the link: {people}");
    let asked_on_page = |browser: &mut Browser| {
        let to = browser.press("/processes/ship", "/processes/ship/run", &[]).to().to_owned();
        let id = to.rsplit('/').next().unwrap_or_default().to_owned();
        waiting(&site, &id);
        id
    };
    let approve = |id: &str| site.json(&["approve", id, "store"]);
    let id = asked_on_page(&mut ada);
    let own = approve(&id);
    assert!(own.code == 4 && own.stdout.contains("another person"), "{own:?}");
    // Nobody's any more: what it asks for, and its yes, are nobody's.
    let actor = ada.actor();
    let unlinked = ada.press("/people", "/people", &[("what", "unhost"), ("actor", &actor), ("user", &name)]);
    assert!(unlinked.status == 200 && !unlinked.body.contains(&format!("Unlink {name}")), "{}", unlinked.body);
    let nobody = approve(&id);
    assert!(nobody.code == 4 && nobody.stdout.contains("an owner (ada, grace) links that user"), "{nobody:?}");
    let unknown = site.json(&["run", "ship", "--detach"]).json["run_id"].as_str().unwrap().to_owned();
    waiting(&site, &unknown);
    assert_ne!(agree(&mut grace, &unknown), 303, "nobody knows who asked for it");
    // Linked to her by the one who asked: she says yes herself.
    let actor = grace.actor();
    let linked = ada.press("/people", "/people", &[("what", "host"), ("actor", &actor), ("user", &user)]);
    assert!(linked.body.contains(&format!("Unlink {name}")), "{}", linked.body);
    let lent = approve(&id);
    assert!(lent.code == 4 && lent.stdout.contains("grace says yes on the page of the run"), "{lent:?}");
    let own = ada.actor();
    let twice = ada.press("/people", "/people", &[("what", "host"), ("actor", &own), ("user", &user)]);
    assert!(twice.body.contains("is linked to grace already"), "{}", twice.body);
    assert_eq!(agree(&mut grace, &id), 303);
    ended(&site, &id, "ok");
    assert_ne!(agree(&mut grace, &unknown), 303, "that was hers, as is known by now");
    assert_eq!(agree(&mut ada, &unknown), 303);
    ended(&site, &unknown, "ok");
    assert_eq!(site.json(&["audit", "verify"]).code, 0);
}

#[test]
fn who_started_a_run_from_outside_is_not_known_and_the_question_says_so() {
    let site = Site::new();
    let step = "steps:\n  - { id: store, approve: Ship it, route: oncall }\n";
    let rest = "verify:\n  - { command: date, expect: stdout != \"\" }\ntriggers:\n  - { file: in.txt, settled: 1s }\n";
    site.process("take", &format!("{step}{rest}"));
    let server = site.server();
    site.write("in.txt", "x");
    let id = until("it was triggered", || {
        let live = site.json(&["runs"]).json["live"].clone();
        Some(live.as_array()?.first()?["run_id"].as_str()?.to_owned())
    });
    waiting(&site, &id);
    let words = "nobody knows which person stands behind file ";
    let asked = site.say(&["show", &id]).stdout;
    assert!(asked.contains(words) && asked.contains("in.txt: a yes"), "{asked}");
    let page = server.get(&format!("/runs/{id}")).expect("a page").1;
    assert!(page.contains(words), "beside the button: {page}");
    assert!(site.say(&["journal", "--json"]).stdout.contains("\"outside\":\"file "));
}
