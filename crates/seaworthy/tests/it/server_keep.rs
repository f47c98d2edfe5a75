//! What a server keeps: its own backup and restore, copies that are not what they were, and a long history.

use std::{fs, path::Path, time::Instant};

use seaworthy_model::{
    entry::{Draft, Entry, Stream, Via},
    event::Event,
    id::{ActorId, EntryId, NodeId, RunId},
    port::{Batch, Write},
    time::At,
    view::{EndedRun, RunQuery, ViewChange},
};
use seaworthy_store::sqlite::Sqlite;
use serde_json::Value;

use crate::{
    kit::{Output, Site, until},
    server_history::{history, intact, now, of, shown, stream, wait_for},
};

const GOOD: &str = "steps:\n  - { id: make, run: 'echo data > \"$WORKDIR/copy\"', makes: copy }\nverify:\n  - artifact: copy\n    expect: size > 1\n  - command: cat \"$ARTIFACT\"\n    expect: stdout.contains(\"data\")\n";

fn busy() -> Site {
    let site = Site::new();
    site.process("good", GOOD);
    site.process("tick", "schedule: { every: 1s, overlap: allow }\nsteps:\n  - { id: one, run: echo tick }\n");
    site
}

fn runs(said: &Output) -> Vec<Value> {
    said.json["runs"].as_array().unwrap_or_else(|| panic!("{said:?}")).clone()
}

#[test]
fn a_copy_made_while_it_runs_is_restored_with_the_same_state() {
    let site = busy();
    let server = site.server();
    let run = site.json(&["run", "good"]);
    assert_eq!(run.code, 0, "{run:?}");
    wait_for(&site, "schedule/tick", "occurrence_due");
    let copy = site.aside("copy");
    let said = site.json(&["backup", &shown(&copy), "--artifacts"]);
    assert_eq!(said.code, 0, "{said:?}");
    let position = said.json["position"].as_u64().unwrap();
    assert_eq!(site.json(&["restore", &shown(&copy)]).code, 4, "not under a running server");
    server.stop();
    assert_eq!(site.json(&["restore", &shown(&copy)]).code, 4, "not over a journal that is there");

    // A fresh folder of the same site.
    let fresh = shown(&site.aside("fresh"));
    let said = site.json(&["restore", &shown(&copy), "--data", &fresh]);
    assert_eq!((said.code, said.json["position"].as_u64()), (0, Some(position)), "{said:?}");
    let audit = site.json(&["audit", "verify", "--data", &fresh]);
    assert_eq!((audit.code, &audit.json["ok"]), (0, &Value::Bool(true)), "{audit:?}");
    let entries = |data: &[&str]| {
        let said = site.json(&[&["journal", "--limit", "1000000"], data].concat());
        said.json["entries"].as_array().unwrap().clone()
    };
    let (before, after) = (entries(&[]), entries(&["--data", &fresh]));
    let position = usize::try_from(position).unwrap();
    assert_eq!(before[..position], after[..position], "entry by entry");
    assert!(after[position..].iter().any(|e| e["type"] == "site_restored" && e["body"]["from_position"] == position));
    let id = run.json["run_id"].as_str().unwrap();
    let (shown_before, shown_after) = (site.json(&["show", id]), site.json(&["show", id, "--data", &fresh]));
    assert_eq!(shown_before.json, shown_after.json);
    let (logs, restored) = (site.say(&["logs", id]), site.say(&["logs", id, "--data", &fresh]));
    assert_eq!((logs.code, logs.stdout), (restored.code, restored.stdout), "kept output too");
    let there = runs(&site.json(&["runs", "--limit", "1000", "--data", &fresh]));
    let here = runs(&site.json(&["runs", "--limit", "1000"]));
    assert!(!there.is_empty() && there.iter().all(|row| here.contains(row)), "{there:?}");
    // It goes on from there.
    let server = site.server_with(&["--data", &fresh]);
    assert_eq!(site.json(&["run", "good", "--data", &fresh]).code, 0);
    server.stop();
    assert_eq!(site.json(&["audit", "verify", "--data", &fresh]).code, 0);
    // And over the present state, which is put aside.
    assert_eq!(site.json(&["restore", &shown(&copy), "--force"]).code, 0);
    intact(&site);
}

#[test]
fn the_log_of_a_lost_journal_does_not_get_into_the_restored_one() {
    let site = busy();
    assert_eq!(site.json(&["run", "good"]).code, 0);
    let copy = site.aside("copy");
    assert_eq!(site.json(&["backup", &shown(&copy)]).code, 0);
    let server = site.server();
    assert_eq!(site.json(&["run", "good"]).code, 0);
    // Killed: its log stays. Then the journal is lost, as by a hand that deletes only what it knows.
    server.kill();
    assert!(site.data().join("journal.db-wal").exists());
    fs::remove_file(site.data().join("journal.db")).unwrap();
    let said = site.json(&["restore", &shown(&copy)]);
    assert!(said.code == 4 && said.stderr.contains("journal.db-wal"), "{said:?}");
    let said = site.json(&["restore", &shown(&copy), "--force"]);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(fs::read_dir(&site.folder).unwrap().flatten().any(|e| shown(&e.path()).contains("before-restore-")));
    assert_eq!(site.json(&["audit", "verify"]).code, 0);
    assert_eq!(site.json(&["run", "good"]).code, 0);
    intact(&site);
}

#[test]
fn a_restore_that_was_cut_short_is_refused_until_it_is_done_again() {
    let site = busy();
    assert_eq!(site.json(&["run", "good"]).code, 0);
    let copy = site.aside("copy");
    assert_eq!(site.json(&["backup", &shown(&copy)]).code, 0);
    // The journal of the copy goes between the proof and the copying, as far as it can be told from outside.
    let target = site.aside("target");
    fs::create_dir(&target).unwrap();
    fs::write(target.join("restoring"), "").unwrap();
    fs::write(target.join("checkpoint.key"), "half of it").unwrap();
    let data = shown(&target);
    for args in [&["up", "--listen", "127.0.0.1:0", "--data", &data][..], &["run", "good", "--data", &data]] {
        let said = site.say(args);
        assert!(said.code == 2 && said.stderr.contains("seaworthy restore"), "{args:?}: {said:?}");
        assert!(!target.join("journal.db").exists(), "{args:?} made an empty history");
    }
    let said = site.json(&["restore", &shown(&copy), "--data", &data]);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(!target.join("restoring").exists());
    assert_eq!(site.json(&["audit", "verify", "--data", &data]).code, 0);
    assert_eq!(site.json(&["run", "good", "--data", &data]).code, 0);
}

#[test]
fn a_journal_without_its_key_gets_no_new_one() {
    let site = busy();
    assert_eq!(site.json(&["run", "good"]).code, 0);
    let key = site.data().join("checkpoint.key");
    let text = fs::read(&key).unwrap();
    fs::remove_file(&key).unwrap();
    let said = site.json(&["run", "good"]);
    assert!(said.code == 2 && said.stderr.contains("checkpoint.key"), "{said:?}");
    assert!(!key.exists(), "under a new key all that was sealed would look forged");
    fs::write(&key, text).unwrap();
    assert_eq!(site.json(&["run", "good"]).code, 0);
    // An empty file of definitions, as a power loss may leave one, is no more than none.
    fs::write(site.data().join("in-force.json"), "").unwrap();
    assert_eq!(site.json(&["run", "good"]).code, 0);
    intact(&site);
}

/// A copy of `site` that `change` was done to, and what restoring it comes to.
fn restored(site: &Site, name: &str, change: impl Fn(&Path)) -> Output {
    let copy = site.aside(name);
    let said = site.json(&["backup", &shown(&copy)]);
    assert_eq!(said.code, 0, "{said:?}");
    change(&copy);
    let target = site.aside(&format!("{name}-restored"));
    let said = site.json(&["restore", &shown(&copy), "--data", &shown(&target)]);
    assert_ne!(said.code, 0, "{name}: {said:?}");
    assert!(!target.join("journal.db").exists(), "{name}: nothing was restored");
    said
}

/// The manifest says what the journal is now: the work of one who knows how copies are made.
fn cover(copy: &Path) {
    let file = copy.join("manifest.json");
    let mut manifest: Value = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
    let journal = fs::read(copy.join("journal.db")).unwrap();
    let digest = <sha2::Sha256 as sha2::Digest>::digest(&journal);
    for listed in manifest["files"].as_array_mut().unwrap().iter_mut().filter(|f| f["file"] == "journal.db") {
        listed["sha256"] = Value::from(seaworthy_model::process::hex(&digest));
        listed["bytes"] = Value::from(journal.len());
    }
    fs::write(file, manifest.to_string()).unwrap();
}

fn sql(copy: &Path, statement: &str) {
    rusqlite::Connection::open(copy.join("journal.db")).unwrap().execute_batch(statement).unwrap();
}

#[test]
fn a_copy_that_is_not_what_it_was_is_refused() {
    let site = busy();
    assert_eq!(site.json(&["run", "good"]).code, 0);
    let said = restored(&site, "bytes", |copy| {
        let file = copy.join("journal.db");
        let mut bytes = fs::read(&file).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(file, bytes).unwrap();
    });
    assert!(said.stderr.contains("journal.db"), "{said:?}");
    let said = restored(&site, "covered", |copy| {
        let change = "update body set text = replace(text, 'data', 'dat4') where text like '%data%'";
        sql(copy, &format!("drop trigger if exists body_never_changes; {change}"));
        cover(copy);
    });
    assert!(said.stderr.contains("damaged"), "{said:?}");
    restored(&site, "shortened", |copy| {
        sql(
            copy,
            "drop trigger entry_never_leaves; delete from body where position = (select max(position) from entry); delete from entry where position = (select max(position) from entry)",
        );
        cover(copy);
    });
    restored(&site, "without-key", |copy| fs::remove_file(copy.join("checkpoint.key")).unwrap());
    restored(&site, "without-manifest", |copy| fs::remove_file(copy.join("manifest.json")).unwrap());
    restored(&site, "outside", |copy| {
        let text = fs::read_to_string(copy.join("manifest.json")).unwrap();
        fs::write(copy.join("manifest.json"), text.replace("in-force.json", "../in-force.json")).unwrap();
        fs::rename(copy.join("in-force.json"), copy.join("../in-force.json")).unwrap();
    });
    let said = restored(&site, "newer-copy", |copy| {
        let mut manifest: Value =
            serde_json::from_str(&fs::read_to_string(copy.join("manifest.json")).unwrap()).unwrap();
        manifest["format"] = Value::from(99);
        fs::write(copy.join("manifest.json"), manifest.to_string()).unwrap();
    });
    assert!(said.code == 2 && said.stderr.contains("format 99"), "{said:?}");
}

#[test]
fn a_newer_format_is_refused_by_name_and_left_alone() {
    let site = busy();
    assert_eq!(site.json(&["run", "good"]).code, 0);
    let file = site.data().join("journal.db");
    rusqlite::Connection::open(&file)
        .unwrap()
        .execute_batch("update meta set value = '99' where name = 'format'")
        .unwrap();
    let before = fs::read(&file).unwrap();
    for args in [&["up", "--listen", "127.0.0.1:0"][..], &["run", "good"], &["runs"], &["audit", "verify"]] {
        let said = site.say(args);
        assert_eq!(said.code, 2, "{args:?}: {said:?}");
        assert!(said.stderr.contains("format 99") && said.stderr.contains("newer"), "{args:?}: {said:?}");
    }
    assert_eq!(before, fs::read(&file).unwrap(), "nothing was written");
}

/// A journal with this many ended runs more, made from one real one.
async fn lengthen(site: &Site, runs: u32) {
    let facts = history(site);
    let first: RunId = of(&facts, "run_ended")[0].stream.trim_start_matches("run/").parse().unwrap();
    let ten = |n: u32| {
        let mut ten = [7; 10];
        // The last bytes: the first ones share their place with the version of the id.
        ten[6..].copy_from_slice(&n.to_le_bytes());
        ten
    };
    let store = Sqlite::open(&site.data().join("journal.db"), || NodeId::new(At(0), &ten(0))).unwrap();
    let opened = store.opened();
    let entries: Vec<Entry> = opened.journal.stream(&Stream::run(first), 0).await.unwrap();
    let kept = |e: &Entry| {
        let event = e.event().unwrap()?;
        // The journal takes no green end without the looks that bear it out.
        let needed = matches!(
            event,
            Event::RunRequested { .. }
                | Event::Checked { .. }
                | Event::VerificationEnded { .. }
                | Event::RunEnded { .. }
        );
        needed.then_some(event)
    };
    let events: Vec<Event> = entries.iter().filter_map(kept).collect();
    let row: EndedRun = opened.views.ended_runs(RunQuery { limit: 1, ..RunQuery::default() }).await.unwrap().remove(0);
    for block in 0..runs.div_ceil(1_000) {
        let mut batch = Batch::by(ActorId::new(At(0), &ten(1)), Via::Node);
        for n in (block * 1_000)..((block + 1) * 1_000).min(runs) {
            let at = At(now());
            let run = RunId::new(at, &ten(n));
            let draft = |event: &Event, kind: u8| {
                let mut chance = ten(n);
                chance[5] = kind;
                Draft { id: EntryId::new(at, &chance), at, event: event.clone() }
            };
            let drafts = events.iter().zip(1..).map(|(event, kind)| draft(event, kind)).collect();
            batch.writes.push(Write { stream: Stream::run(run), expected: Some(0), drafts });
            batch.views.push(ViewChange::RunEnded(Box::new(EndedRun { run, ended_at: at, ..row.clone() })));
        }
        opened.journal.append(batch).await.unwrap();
    }
    drop(opened);
    store.close();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_history_does_not_hold_up_the_start() {
    let runs = if std::env::var_os("SEAWORTHY_LONG").is_some() { 100_000 } else { 20_000 };
    let site = busy();
    assert_eq!(site.json(&["run", "good"]).code, 0);
    let begun = Instant::now();
    lengthen(&site, runs).await;
    println!("{runs} runs were written in {:?}", begun.elapsed());
    let begun = Instant::now();
    let server = site.server();
    println!("it answered after {:?} (debug build, shared machine; the bench measures)", begun.elapsed());
    assert!(begun.elapsed().as_secs() < 10, "{:?}", begun.elapsed());
    assert_eq!(site.json(&["run", "good"]).code, 0);
    until("schedules fire", || (stream(&site, "schedule/tick").len() > 1).then_some(()));
    assert_eq!(server.stop(), 0);
}
