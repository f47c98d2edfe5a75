//! A site file that takes a receiver away, or keeps things for a shorter time: as a process file that became weaker.

use std::fs;

use crate::{
    change::confirm,
    kit::{Site, until},
    server_history::{history, intact, of, wait_for},
};

const GOOD: &str = "steps:\n  - { run: echo x > \"$WORKDIR/x\", makes: x }\nverify:\n  - { command: cat \"$ARTIFACT\", expect: 'stdout.trim() == \"x\"' }\n";
const FAILS: &str = "steps:\n  - { run: exit 1 }\ntell: { when: [failed], route: oncall }\n";
const OLD: &str = "cat > /dev/null; echo old >> told.txt";
const NEW: &str = "cat > /dev/null; echo new >> told.txt";

fn settings(site: &Site, command: &str) {
    site.write("seaworthy.yaml", &format!("site: test\nroutes:\n  oncall: {{ command: '{command}' }}\n"));
}

/// A site with a receiver; something of it was verified.
fn relied() -> Site {
    let site = Site::bare();
    settings(&site, OLD);
    site.process("good", GOOD);
    site.process("bad", FAILS);
    assert_eq!(site.json(&["run", "good"]).code, 0);
    site
}

#[test]
fn who_is_told_stays_told_until_a_person_agrees() {
    let site = relied();
    let server = site.server();
    settings(&site, NEW);
    let held = wait_for(&site, "site/settings", "change_held");
    assert_eq!(held.text("subject"), "site/settings");
    assert_eq!(held.body["weaker"], serde_json::json!(["route `oncall` lost 1 of 1 receivers by command"]));
    assert_eq!(site.json(&["run", "bad"]).code, 1);
    until("the old receiver is told", || (site.read("told.txt") == "old\n").then_some(()));
    let page = server.get("/changes").expect("it answers").1;
    assert!(page.contains("settings of the site") && page.contains("lost 1 of 1 receivers by command"), "{page}");
    server.kill();
    // Neither does a restart bring it in, nor a verb beside no server.
    assert_eq!(site.json(&["run", "bad"]).code, 1);
    assert_eq!(site.read("told.txt"), "old\nold\n");
    let said = confirm(&site, "site/settings");
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(site.json(&["run", "bad"]).code, 1);
    assert_eq!(site.read("told.txt"), "old\nold\nnew\n");
    let facts = history(&site);
    assert_eq!(of(&facts, "site_loaded").len(), 2);
    let said: Vec<String> = facts.iter().filter(|f| f.kind != "process_loaded").map(|f| f.body.to_string()).collect();
    assert!(!said.iter().any(|body| body.contains("told.txt")), "what a route is stays out of the journal: {said:?}");
    intact(&site);
}

#[test]
fn what_is_taken_back_does_not_wait_any_more_and_what_loses_nothing_applies() {
    let site = relied();
    let _server = site.server();
    settings(&site, NEW);
    wait_for(&site, "site/settings", "change_held");
    settings(&site, OLD);
    wait_for(&site, "site/settings", "change_withdrawn");
    site.write(
        "seaworthy.yaml",
        &format!("site: test\nroutes:\n  oncall: {{ command: '{OLD}' }}\n  other: {{ command: '{NEW}' }}\n"),
    );
    until("it is in force", || (of(&history(&site), "site_loaded").len() == 2).then_some(()));
    let facts = history(&site);
    let last = of(&facts, "site_loaded")[1].body["changes"].clone();
    assert_eq!(last, serde_json::json!(["route `other` added"]));
}

#[test]
fn settings_under_which_nothing_was_verified_are_still_being_written() {
    let site = Site::bare();
    settings(&site, OLD);
    site.process("bad", FAILS);
    assert_eq!(site.json(&["run", "bad"]).code, 1);
    settings(&site, NEW);
    assert_eq!(site.json(&["run", "bad"]).code, 1);
    assert_eq!(site.read("told.txt"), "old\nnew\n");
}

#[test]
fn nothing_is_weakened_by_taking_away_what_the_data_folder_kept() {
    let site = relied();
    let kept = site.data().join("in-force.json");
    let text = fs::read(&kept).unwrap();
    fs::remove_file(&kept).unwrap();
    assert_eq!(site.json(&["run", "good"]).code, 0, "the file says what the journal says");
    settings(&site, NEW);
    fs::remove_file(&kept).unwrap();
    for verb in [&["run", "bad"][..], &["run", "good"], &["up", "--listen", "127.0.0.1:0"]] {
        let said = site.json(verb);
        assert_eq!(said.code, 2, "{verb:?}: {said:?}");
        let help = "the settings of the site are not those that were in force";
        assert!(said.stderr.contains(help) && said.stderr.contains("seaworthy confirm"), "{}", said.stderr);
    }
    assert_eq!(site.read("told.txt"), "");
    // Put back, what was in force is in force.
    fs::write(&kept, text).unwrap();
    assert_eq!(site.json(&["run", "bad"]).code, 1);
    assert_eq!(site.read("told.txt"), "old\n");
    // And a person may agree to the file as it is.
    fs::write(&kept, "{}").unwrap();
    assert_eq!(site.json(&["run", "bad"]).code, 2);
    assert_eq!(confirm(&site, "site/settings").code, 0);
    assert_eq!(site.json(&["run", "bad"]).code, 1);
    assert_eq!(site.read("told.txt"), "old\nnew\n");
    intact(&site);
}
