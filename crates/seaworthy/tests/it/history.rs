//! History: whoever changes it is found, and reading it changes nothing.

use std::fs;

use rusqlite::Connection;

use crate::{
    kit::{Output, Site},
    server_history::skipped,
    server_schedule::set_clock_from_a_file,
};

/// A site with two runs, of which copies of the data folder are tampered with.
fn lived() -> Site {
    let site = Site::new();
    site.process("backup", "steps:\n  - { run: echo x > \"$WORKDIR/x\", makes: x }\nverify:\n  - { command: cat \"$ARTIFACT\", expect: 'stdout.trim() == \"x\"' }\n");
    for _ in 0..2 {
        assert_eq!(site.json(&["run", "backup"]).code, 0);
    }
    site
}

/// Verifies a copy of the data folder after somebody with all rights on the file has been there.
fn tampered(site: &Site, statement: &str) -> Output {
    let copy = site.aside("copy");
    let _ = fs::remove_dir_all(&copy);
    site.sh(&format!("cp -a .seaworthy {}", copy.display()));
    let database = Connection::open(copy.join("journal.db")).unwrap();
    for trigger in ["entry_never_changes", "entry_never_leaves", "body_never_changes"] {
        database.execute_batch(&format!("drop trigger {trigger}")).unwrap();
    }
    database.execute_batch(&format!("pragma foreign_keys = off; {statement}")).unwrap();
    assert!(database.changes() > 0, "nothing was changed by: {statement}");
    drop(database);
    let copy = copy.display().to_string();
    let both = [site.json(&["journal", "verify", "--data", &copy]), site.json(&["audit", "verify", "--data", &copy])];
    assert_eq!((both[0].code, &both[0].json), (both[1].code, &both[1].json), "two names of one thing");
    let [output, _] = both;
    output
}

/// Position of the entry that a statement finds.
fn position(site: &Site, which: &str) -> i64 {
    let database = Connection::open(site.data().join("journal.db")).unwrap();
    database
        .query_row(&format!("select position from entry where {which} order by position limit 1"), [], |row| row.get(0))
        .unwrap()
}

fn found(output: &Output, problem: &str) {
    assert_eq!(output.code, 1, "{output:?}");
    assert_eq!(output.json["ok"], false);
    let first = output.json["first_problem"].as_str().unwrap();
    assert!(first.contains(problem), "expected `{problem}`, seen `{first}`");
}

#[test]
fn an_honest_history_is_intact_also_in_a_copy() {
    let site = lived();
    let verify = site.json(&["audit", "verify"]);
    assert_eq!(verify.code, 0, "{verify:?}");
    assert_eq!((&verify.json["ok"], &verify.json["first_problem"]), (&true.into(), &serde_json::Value::Null));
    let listed = site.json(&["journal", "--limit", "1000"]).json["entries"].as_array().unwrap().len();
    assert_eq!(verify.json["entries"], listed);
    assert!(verify.json["checkpoints"].as_u64().unwrap() >= 2, "every verb that writes seals: {verify:?}");
    let untouched = tampered(&site, "update meta set value = value");
    assert_eq!(untouched.code, 0, "{untouched:?}");
}

#[test]
fn a_changed_body_is_found_and_named() {
    let site = lived();
    let at = position(&site, "kind = 'checked'");
    let statement = format!("update body set text = replace(text, '\"yes\"', '\"nay\"') where position = {at}");
    found(&tampered(&site, &statement), &format!("entry {at}: the body of "));
}

/// Also with a digest that fits: then the header is another, and the tree says so.
#[test]
fn a_changed_header_is_found_and_named() {
    let site = lived();
    let at = position(&site, "kind = 'run_ended'");
    let output = tampered(&site, &format!("update entry set at = at + 1 where position = {at}"));
    found(&output, "entry ");
    let output = tampered(&site, &format!("update entry set actor = zeroblob(length(actor)) where position = {at}"));
    found(&output, "entry ");
}

#[test]
fn a_deleted_entry_is_found_and_named() {
    let site = lived();
    let at = position(&site, "kind = 'run_ended'");
    let output =
        tampered(&site, &format!("delete from body where position = {at}; delete from entry where position = {at}"));
    found(&output, &format!("entry {at}: the entry at position {at} is missing"));
}

#[test]
fn a_history_that_was_cut_off_is_found() {
    let site = lived();
    let at = position(&site, "kind = 'run_ended'");
    let output =
        tampered(&site, &format!("delete from body where position >= {at}; delete from entry where position >= {at}"));
    found(&output, &format!("entry {at}: "));
}

#[test]
fn a_body_that_went_without_a_tombstone_is_found() {
    let site = lived();
    let at = position(&site, "kind = 'checked'");
    found(&tampered(&site, &format!("delete from body where position = {at}")), &format!("entry {at}: the body of "));
}

#[test]
fn a_forged_checkpoint_is_found() {
    let site = lived();
    let output = tampered(&site, "update checkpoint set note = replace(note, substr(note, -20, 8), 'AAAAAAAA')");
    found(&output, "forged");
}

#[test]
fn what_no_checkpoint_covers_is_not_called_sealed() {
    let site = lived();
    let all = site.json(&["audit", "verify"]);
    assert_eq!(all.json["sealed"], all.json["entries"]);
    let none = tampered(&site, "delete from checkpoint");
    assert_eq!((&none.json["sealed"], &none.json["checkpoints"]), (&0.into(), &0.into()), "{none:?}");
}

#[test]
fn reading_the_history_writes_nothing() {
    let site = lived();
    // The two companions of the file are SQLite's; they come and go with its readers.
    let before = site.sh("sha256sum .seaworthy/journal.db .seaworthy/checkpoint.key && find .seaworthy -type f ! -name '*-wal' ! -name '*-shm' | sort");
    for verb in [&["audit", "verify"][..], &["journal"], &["runs"], &["status"], &["plan"], &["check"]] {
        let output = site.say(verb);
        assert_eq!(output.code, 0, "{output:?}");
    }
    let after = site.sh("sha256sum .seaworthy/journal.db .seaworthy/checkpoint.key && find .seaworthy -type f ! -name '*-wal' ! -name '*-shm' | sort");
    assert_eq!(before, after);
}

#[test]
fn a_store_of_a_newer_program_is_refused_by_name() {
    let site = lived();
    let database = Connection::open(site.data().join("journal.db")).unwrap();
    let name: String = database
        .query_row("select name from meta where name like '%format%' or name like '%version%'", [], |row| row.get(0))
        .unwrap();
    database.execute("update meta set value = '99' where name = ?1", [&name]).unwrap();
    drop(database);
    for verb in [&["run", "backup"][..], &["runs"], &["audit", "verify"], &["up", "--listen", "127.0.0.1:0"]] {
        let output = site.json(verb);
        assert_eq!(output.code, 2, "{output:?}");
        let message = output.json["error"]["message"].as_str().unwrap();
        assert!(message.contains("format 99") && message.contains("newer program"), "{message}");
    }
}

#[test]
fn a_row_that_says_more_than_its_entries_is_found() {
    let site = Site::new();
    site.process("backup", "steps:\n  - { run: echo y > \"$WORKDIR/x\", makes: x }\nverify:\n  - { command: cat \"$ARTIFACT\", expect: 'stdout.trim() == \"x\"' }\n");
    assert_eq!(site.json(&["run", "backup"]).code, 1);
    found(
        &tampered(&site, "update ended_run set verified = 'yes', wide = replace(wide, '\"no\"', '\"yes\"')"),
        "its row says",
    );
}

#[test]
fn a_row_that_was_put_before_a_later_end_is_found() {
    let moved = "update ended_run set place = 9 where place = (select min(place) from ended_run)";
    found(&tampered(&lived(), moved), "but its row is placed after");
}

#[test]
fn a_run_of_a_clock_that_was_ahead_or_behind_hides_no_later_failure() {
    let site = Site::new();
    site.process("backup", "steps:\n  - { run: cp data \"$WORKDIR/x\", makes: x }\nverify:\n  - { command: cat \"$ARTIFACT\", expect: 'stdout.trim() == \"x\"' }\n");
    site.write("data", "x\n");
    site.write("clock", "+30d");
    if !set_clock_from_a_file(&site) {
        return skipped(
            "a_run_of_a_clock_that_was_ahead_or_behind_hides_no_later_failure",
            "libfaketime is not installed",
        );
    }
    assert_eq!(site.json(&["run", "backup"]).code, 0);
    site.write("data", "bad\n");
    for clock in ["+0d", "-400d"] {
        site.write("clock", clock);
        assert_eq!(site.json(&["run", "backup"]).code, 1);
        let status = site.json(&["status"]);
        assert_eq!((status.code, &status.json["processes"][0]["state"]), (1, &"NOT VERIFIED".into()), "{clock}");
        assert_eq!(site.json(&["runs"]).json["runs"][0]["verified"], "no", "the newest is first: {clock}");
        let said = site.say(&["status"]).stdout;
        assert!(said.contains("dated in the future"), "no age is invented: {said}");
    }
    site.write("clock", "+0d");
    assert_eq!(site.json(&["audit", "verify"]).code, 0);
}

#[test]
fn a_name_that_was_exchanged_is_found() {
    found(&tampered(&lived(), "update person set name = 'os:mallory@elsewhere'"), "is not the one that was recorded");
}
