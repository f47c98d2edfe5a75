//! A file that takes something away from what is in force: told, kept out, and let in by a person.

use std::fs;

use serde_json::Value;

use crate::{
    kit::{Output, Site, until},
    server_history::{history, of, stream, wait_for},
};

const STEPS: &str = "steps:\n  - { id: make, run: echo x > \"$WORKDIR/x\", makes: x }\n";
const VERIFY: &str = "verify:\n  - { command: cat \"$ARTIFACT\", expect: 'stdout.trim() == \"x\"' }\n";
const SECOND: &str = "  - { name: it is small, artifact: x, expect: size < 1KiB }\n";

fn whole(site: &Site, name: &str) {
    site.process(name, &format!("{STEPS}{VERIFY}{SECOND}"));
}

/// The change of a subject that waits, as `status` shows it.
fn waiting(site: &Site, subject: &str) -> Option<Value> {
    let status = site.json(&["status"]);
    let all = status.json["waits"].as_array().cloned().unwrap_or_default();
    all.into_iter().find(|held| held["subject"] == subject)
}

/// Agrees to the change of a subject once it waits.
pub fn confirm(site: &Site, subject: &str) -> Output {
    let held = until(&format!("{subject} waits"), || waiting(site, subject));
    // The server may still be about to see it.
    until(&format!("{subject} is confirmed"), || {
        let said = site.json(&["confirm", held["digest"].as_str().unwrap(), "--reason", "agreed in the test"]);
        (said.code == 0).then_some(said)
    })
}

/// The differences of a process, as `plan` tells them.
fn planned(site: &Site, name: &str) -> (String, Value) {
    let plan = site.json(&["plan"]);
    let all = plan.json["processes"].as_array().unwrap();
    let process =
        all.iter().find(|p| p["process"] == name).unwrap_or_else(|| panic!("{name} is not planned: {plan:?}"));
    (process["change"].as_str().unwrap().to_owned(), process["difference"].clone())
}

#[test]
fn without_a_server_a_weaker_file_is_not_what_run_uses_and_it_says_so() {
    let site = Site::new();
    whole(&site, "backup");
    let first = site.json(&["run", "backup"]);
    assert_eq!(first.code, 0, "{first:?}");
    site.edit("ops/backup.yaml", SECOND, "");
    let (change, difference) = planned(&site, "backup");
    assert_eq!(
        (change.as_str(), &difference["weaker"]),
        ("changed", &serde_json::json!(["verify lost check `it is small`, which expected `size < 1KiB`"]))
    );
    let said = site.say(&["plan"]).stdout;
    assert!(said.contains("weaker: verify lost check `it is small`") && said.contains("seaworthy confirm"), "{said}");
    let second = site.json(&["run", "backup"]);
    assert_eq!((second.code, &second.json["digest"]), (0, &first.json["digest"]), "the stronger version: {second:?}");
    assert!(second.stderr.contains("verify lost check `it is small`"), "it says so: {}", second.stderr);
    let short = &difference["waits"]["digest"].as_str().unwrap()[..12];
    assert!(
        second.stderr.contains(&format!("seaworthy confirm {short}")),
        "under the digest of the plan: {}",
        second.stderr
    );
    assert!(site.say(&["status"]).stdout.contains("waits for a person"));
    let done = site.json(&["confirm", short, "--reason", "it was the wrong check"]);
    assert_eq!(done.code, 0, "{done:?}");
    let third = site.json(&["run", "backup"]);
    assert!(third.code == 0 && third.json["digest"] != first.json["digest"], "{third:?}");
    assert_eq!(waiting(&site, "process/backup"), None);
    let facts = stream(&site, "process/backup");
    let kinds: Vec<&str> = facts.iter().map(|fact| fact.kind.as_str()).collect();
    assert_eq!(kinds, ["process_loaded", "change_held", "change_confirmed", "process_loaded"]);
    assert_eq!(facts[2].text("reason"), "it was the wrong check");
    assert_eq!(site.json(&["audit", "verify"]).code, 0);
}

#[test]
fn a_server_keeps_the_stronger_version_and_applies_all_else_of_the_same_load() {
    let site = Site::new();
    whole(&site, "backup");
    whole(&site, "other");
    whole(&site, "gone");
    let server = site.server();
    let first = site.json(&["run", "backup"]);
    site.edit("ops/backup.yaml", VERIFY, "");
    site.edit("ops/backup.yaml", SECOND, "");
    fs::remove_file(site.path("ops/gone.yaml")).unwrap();
    site.edit("ops/other.yaml", "id: make", "id: build");
    whole(&site, "new");
    wait_for(&site, "process/new", "process_loaded");
    let held = wait_for(&site, "process/backup", "change_held");
    assert_eq!(held.body["weaker"], serde_json::json!(["verify removed: its 2 checks are gone"]));
    wait_for(&site, "process/gone", "change_held");
    until("the other change is in force", || {
        (of(&stream(&site, "process/other"), "process_loaded").len() == 2).then_some(())
    });
    for name in ["backup", "gone"] {
        let run = site.json(&["run", name]);
        assert_eq!(run.code, 0, "{name}: {run:?}");
    }
    let second = site.json(&["run", "backup"]);
    assert_eq!(second.json["digest"], first.json["digest"]);
    assert!(second.stderr.contains("verify removed"), "{}", second.stderr);
    let page = server.get("/changes").expect("it answers").1;
    assert!(page.contains("verify removed: its 2 checks are gone") && page.contains("process removed"), "{page}");
    confirm(&site, "process/gone");
    wait_for(&site, "process/gone", "process_removed");
    assert_eq!(site.json(&["run", "gone"]).code, 2);
    assert!(waiting(&site, "process/backup").is_some(), "one confirmation is for one change");
    assert_eq!(server.stop(), 0);
    let server = site.server();
    assert_eq!(site.json(&["run", "backup"]).json["digest"], first.json["digest"], "over a restart");
    assert_eq!(of(&stream(&site, "process/backup"), "change_held").len(), 1, "and it is not recorded twice");
    site.edit("ops/backup.yaml", STEPS, &format!("{STEPS}{VERIFY}{SECOND}"));
    wait_for(&site, "process/backup", "change_withdrawn");
    assert_eq!(waiting(&site, "process/backup"), None);
    assert_eq!(server.stop(), 0);
}

#[test]
fn a_confirmation_is_for_exactly_what_was_looked_at() {
    let site = Site::new();
    whole(&site, "backup");
    let first = site.json(&["run", "backup"]);
    site.edit("ops/backup.yaml", SECOND, "");
    let held = waiting(&site, "process/backup").unwrap();
    site.edit("ops/backup.yaml", "echo x >", "echo  x >");
    let digest = held["digest"].as_str().unwrap();
    let late = site.json(&["confirm", digest, "--reason", "looked at"]);
    assert_eq!(late.code, 4, "{late:?}");
    let message = late.json["error"]["message"].as_str().unwrap();
    let now = waiting(&site, "process/backup").unwrap();
    assert!(message.contains(&now["digest"].as_str().unwrap()[..12]), "it names what waits now: {message}");
    assert_eq!(site.json(&["run", "backup"]).json["digest"], first.json["digest"]);
    for (digest, reason) in [("abc", "short"), (now["digest"].as_str().unwrap(), " ")] {
        assert_eq!(site.json(&["confirm", digest, "--reason", reason]).code, 4, "{digest} {reason}");
    }
    assert!(of(&history(&site), "change_confirmed").is_empty());
}

#[test]
fn what_is_still_being_written_is_not_held_up() {
    let site = Site::new();
    site.process("draft", &format!("{STEPS}{}{SECOND}", VERIFY.replace("\"x\"'", "\"y\"'")));
    let run = site.json(&["run", "draft"]);
    assert_eq!(run.code, 1, "{run:?}");
    site.edit("ops/draft.yaml", SECOND, "");
    let again = site.json(&["run", "draft"]);
    assert_ne!(again.json["digest"], run.json["digest"], "it never came out verified: {again:?}");
    fs::remove_file(site.path("ops/draft.yaml")).unwrap();
    assert_eq!(site.json(&["run", "draft"]).code, 2);
}

#[test]
fn deleting_our_memory_of_what_is_in_force_weakens_nothing() {
    let site = Site::new();
    whole(&site, "backup");
    let first = site.json(&["run", "backup"]);
    fs::remove_file(site.data().join("in-force.json")).unwrap();
    fs::remove_file(site.path("ops/backup.yaml")).unwrap();
    let second = site.json(&["run", "backup"]);
    assert_eq!((second.code, &second.json["digest"]), (0, &first.json["digest"]), "{second:?}");
    assert_eq!(planned(&site, "backup").0, "removed");
}

#[test]
fn a_run_from_outside_puts_nothing_into_force_and_leaves_what_waits() {
    let site = Site::new();
    whole(&site, "backup");
    site.edit("ops/backup.yaml", "makes: x }", "makes: x, effect: once }");
    let first = site.json(&["run", "backup"]);
    assert_eq!(first.code, 0, "{first:?}");
    assert_eq!(site.say(&["exec", "backup", "--", "true"]).code, 0);
    fs::remove_file(site.data().join("in-force.json")).unwrap();
    site.edit("ops/backup.yaml", "effect: once", "effect: idempotent");
    let second = site.json(&["run", "backup"]);
    assert_eq!((second.code, &second.json["digest"]), (0, &first.json["digest"]), "what was in force: {second:?}");

    let held = waiting(&site, "process/backup").expect("it waits");
    assert_eq!(site.say(&["exec", "backup", "--", "true"]).code, 0);
    assert_eq!(waiting(&site, "process/backup").as_ref(), Some(&held), "it waits as before");
    confirm(&site, "process/backup");
    assert_eq!(waiting(&site, "process/backup"), None);
    let third = site.json(&["run", "backup"]);
    assert!(third.code == 0 && third.json["digest"] != first.json["digest"], "{third:?}");
    let kinds: Vec<String> = stream(&site, "process/backup").into_iter().map(|fact| fact.kind).collect();
    let want =
        ["process_loaded", "outside_defined", "change_held", "change_confirmed", "process_loaded"].map(str::to_owned);
    assert_eq!(kinds, want);
}

#[test]
fn our_memory_of_what_is_in_force_is_not_believed_over_the_journal() {
    let site = Site::new();
    whole(&site, "backup");
    whole(&site, "gone");
    let first = site.json(&["run", "backup"]);
    let file = site.data().join("in-force.json");
    let kept: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    site.edit("ops/backup.yaml", SECOND, "");
    // With none, and with one that has the weaker version already.
    let mut weaker = kept.clone();
    for process in weaker["processes"].as_array_mut().unwrap() {
        process[1]["verify"].as_array_mut().unwrap().truncate(1);
    }
    let mut none = kept.clone();
    none["processes"] = serde_json::json!([]);
    for forged in [none, weaker] {
        fs::write(&file, forged.to_string()).unwrap();
        assert_eq!(planned(&site, "backup").0, "changed");
        let run = site.json(&["run", "backup"]);
        assert_eq!((run.code, &run.json["digest"]), (0, &first.json["digest"]), "{run:?}");
    }
    // What was removed with a person's yes does not come back with an old copy.
    fs::remove_file(site.path("ops/gone.yaml")).unwrap();
    confirm(&site, "process/gone");
    assert_eq!(site.json(&["run", "gone"]).code, 2);
    fs::write(&file, kept.to_string()).unwrap();
    assert_eq!(site.json(&["run", "gone"]).code, 2);
    assert_eq!(waiting(&site, "process/gone"), None);
}

#[test]
fn a_process_made_up_by_exec_is_nothing_new_to_plan() {
    let site = Site::new();
    assert_eq!(site.say(&["exec", "nightly", "--", "true"]).code, 0);
    let plan = site.json(&["plan"]);
    let all = plan.json["processes"].as_array().unwrap();
    assert!(all.iter().all(|p| p["process"] != "nightly" || p["change"] != "new"), "{plan:?}");
}

#[test]
fn plan_shows_who_would_be_allowed_more_and_less() {
    let site = Site::new();
    whole(&site, "backup");
    assert_eq!(site.json(&["run", "backup"]).code, 0);
    let text = fs::read_to_string(site.folder.join("seaworthy.yaml")).unwrap();
    fs::write(site.folder.join("seaworthy.yaml"), text + "people:\n  ada@example.com: { roles: [viewer] }\n").unwrap();
    let plan = site.json(&["plan"]);
    let wanted = serde_json::json!([{ "wider": true, "what": "ada@example.com may now: see, output, token" }]);
    assert_eq!(plan.json["rights"], wanted);
    assert!(site.say(&["plan"]).stdout.contains("wider: ada@example.com may now: see, output, token"));
}

#[test]
fn the_times_of_plan_are_those_that_fire_whatever_the_files_want() {
    let site = Site::new();
    for name in ["held", "broken", "gone"] {
        site.process(name, &format!("schedule: {{ cron: \"0 5 * * *\" }}\n{STEPS}{VERIFY}{SECOND}"));
    }
    for name in ["held", "broken", "gone"] {
        assert_eq!(site.json(&["run", name]).code, 0);
    }
    site.edit("ops/held.yaml", SECOND, "");
    site.edit("ops/held.yaml", "0 5 ", "0 6 ");
    site.edit("ops/broken.yaml", "steps:", "stepz:");
    fs::remove_file(site.path("ops/gone.yaml")).unwrap();
    let plan = site.json(&["plan"]);
    let first = |name: &str| {
        let all = plan.json["processes"].as_array().unwrap();
        let one =
            all.iter().find(|p| p["process"] == name).unwrap_or_else(|| panic!("{name} is not planned: {plan:?}"));
        one["next"][0]["utc"].as_str().map(|at| at[11..].to_owned())
    };
    for name in ["held", "broken", "gone"] {
        assert_eq!(first(name).as_deref(), Some("05:00:00Z"), "{name} fires as before");
    }
    assert_eq!(plan.json["load"][0]["starts"], 3, "{plan:?}");
    let said = site.say(&["plan", "broken"]);
    assert!(said.stdout.contains("the last good version fires"), "{said:?}");
    assert!(site.say(&["plan", "held"]).stdout.contains("until then it fires as before"));
}

#[test]
fn a_schedule_that_is_silenced_by_days_and_blackouts_waits_for_a_person() {
    let site = Site::new();
    let file = |more: &str| format!("schedule: {{ cron: \"0 5 * * *\"{more} }}\n{STEPS}{VERIFY}");
    site.process("backup", &file(""));
    assert_eq!(site.json(&["run", "backup"]).code, 0);
    let ten_years = "{ from: 2026-11-26 00:00 UTC, until: 2036-11-26 00:00 UTC, reason: quiet }".to_owned();
    site.write("seaworthy.yaml", &format!("{}calendars: {{ once: [02-03] }}\n", site.read("seaworthy.yaml")));
    for more in [format!(", blackouts: [{ten_years}]"), ", only: [once]".to_owned()] {
        site.process("backup", &file(&more));
        let (_, difference) = planned(&site, "backup");
        let weaker = difference["weaker"][0].as_str().unwrap_or_default().to_owned();
        assert!(weaker.contains("let nothing run from"), "{more}: {difference}");
        assert!(waiting(&site, "process/backup").is_some());
    }
}
