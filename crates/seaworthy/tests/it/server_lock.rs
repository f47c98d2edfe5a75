//! Named locks: runs with a common one never act at the same time, whoever started them.

use std::thread;

use crate::{
    kit::{Site, living, until},
    server_history::{Client, Fact, history, of, stream, wait_for},
};

/// Writes when it begins and ends; a second one in between finds the mark of the first.
const STEP: &str = "steps:\n  - id: one\n    run: |\n      mkdir \"$OWN/inside\" || echo overlap >> \"$OWN/overlaps\"\n      for n in $(seq 10); do test -e \"$OWN/go\" && break; sleep 0.1; done\n      rmdir \"$OWN/inside\"; echo $SEAWORTHY_RUN >> \"$OWN/done\"\n";

fn site(processes: &[(&str, &str)]) -> Site {
    let site = Site::new();
    let own = site.aside("own");
    std::fs::create_dir_all(&own).unwrap();
    for (name, keys) in processes {
        site.process(name, &format!("{keys}\nenv: {{ OWN: {} }}\n{STEP}", own.display()));
    }
    site
}

fn count(site: &Site, file: &str) -> usize {
    std::fs::read_to_string(site.aside("own").join(file)).map_or(0, |text| text.lines().count())
}

#[test]
fn two_verbs_with_a_common_lock_act_one_after_the_other() {
    let site = site(&[("first", "lock: db"), ("second", "locks: [files, db]")]);
    for name in ["first", "second"] {
        site.edit(&format!("ops/{name}.yaml"), "$(seq 10)", "$(seq 900)");
    }
    let runs: Vec<_> = ["first", "second", "first"]
        .into_iter()
        .map(|name| {
            let client = Client::of(&site);
            thread::spawn(move || client.json(&["run", name]))
        })
        .collect();
    // Whoever is first stays until somebody waits for it.
    until("there is a history", || site.data().join("journal.db").exists().then_some(()));
    until("somebody waits", || (!of(&history(&site), "lock_awaited").is_empty()).then_some(()));
    std::fs::write(site.aside("own").join("go"), "").unwrap();
    for run in runs {
        let run = run.join().unwrap();
        assert_eq!(run.json["executed"], "ok", "{run:?}");
    }
    assert_eq!((count(&site, "done"), count(&site, "overlaps")), (3, 0));
    let facts = history(&site);
    assert_eq!(of(&facts, "lock_taken").len(), 4, "one for each lock of each run");
}

#[test]
fn a_run_that_waits_says_for_whom_and_gives_up_at_its_limit() {
    let site = site(&[("holder", "lock: db"), ("waiter", "lock: db\nlock_wait: 1s")]);
    site.edit("ops/holder.yaml", "$(seq 10)", "$(seq 300)");
    let server = site.server();
    let holder = site.json(&["run", "holder", "--detach"]);
    assert_eq!(holder.code, 0, "{holder:?}");
    let holder = holder.json["run_id"].as_str().unwrap().to_owned();
    wait_for(&site, "lock/db", "lock_taken");
    let waited = site.json(&["run", "waiter"]);
    assert_eq!(waited.json["executed"], "cancelled", "{waited:?}");
    let facts = history(&site);
    let awaited = of(&facts, "lock_awaited");
    assert!(
        awaited.iter().all(|fact| fact.text("holder") == holder && fact.text("process") == "holder"),
        "{awaited:?}"
    );
    let ended: Vec<String> = of(&facts, "run_ended").iter().map(|fact| fact.text("reason").to_owned()).collect();
    assert!(ended.iter().any(|reason| reason.contains("waited 1s for the lock `db`")), "{ended:?}");
    std::fs::write(site.aside("own").join("go"), "").unwrap();
    wait_for(&site, &format!("run/{holder}"), "run_ended");
    let free = site.json(&["run", "waiter"]);
    assert_eq!(free.json["executed"], "ok", "free when its run has ended: {free:?}");
    assert_eq!(count(&site, "overlaps"), 0);
    server.stop();
}

/// Acts until it is let go, and tidies up when it is told to end.
const PATIENT: &str = "steps:\n  - id: one\n    run: |\n      mkdir \"$OWN/inside\" || echo overlap >> \"$OWN/overlaps\"\n      trap 'rmdir \"$OWN/inside\"; exit 1' TERM\n      echo $$ > \"$OWN/pid\"\n      while [ ! -e \"$OWN/go\" ]; do sleep 0.05; done\n      rmdir \"$OWN/inside\"; echo patient >> \"$OWN/done\"\n";

/// Puts a process beside the others whose step waits to be let go.
fn patient(site: &Site, name: &str, keys: &str) {
    let own = site.aside("own");
    site.process(name, &format!("{keys}\nenv: {{ OWN: {} }}\n{PATIENT}", own.display()));
}

/// Whoever took the lock did so after the run before it had ended.
fn one_after_the_other(facts: &[Fact]) {
    let mut holder: Option<String> = None;
    let mut ended = std::collections::BTreeSet::new();
    for fact in facts {
        if fact.kind == "run_ended" {
            ended.insert(fact.stream["run/".len()..].to_owned());
        }
        if fact.kind == "lock_taken" {
            // The same run may take it once more, in another life of its node.
            let free = holder.as_ref().is_none_or(|run| ended.contains(run) || fact.text("run") == run);
            assert!(free, "{holder:?} has not ended: {fact:?}");
            holder = Some(fact.text("run").to_owned());
        }
    }
}

#[test]
fn an_occurrence_that_replaces_another_takes_its_lock_after_it_and_cuts_nobody_off_in_line() {
    let site = site(&[("other", "lock: db")]);
    patient(&site, "tick", "schedule: { every: 2s, overlap: replace }\nlock: db");
    let server = site.server();
    let replaced = || {
        let facts = history(&site);
        let ends = of(&facts, "run_ended").into_iter();
        ends.filter(|end| end.text("reason").contains("replaced by the next occurrence")).count()
    };
    until("one has replaced another", || (replaced() >= 2).then_some(()));
    let other = site.json(&["run", "other"]);
    assert_eq!(other.json["executed"], "ok", "it is in line, and its turn comes: {other:?}");
    let before = replaced();
    until("it goes on", || (replaced() > before).then_some(()));
    std::fs::write(site.aside("own").join("go"), "").unwrap();
    until("the last one is done", || (count(&site, "done") >= 2).then_some(()));
    server.stop();
    let facts = history(&site);
    assert_eq!(count(&site, "overlaps"), 0, "{facts:?}");
    assert!(of(&facts, "lock_taken").len() >= 4, "{facts:?}");
    one_after_the_other(&facts);
}

#[test]
fn the_lock_of_a_killed_node_is_kept_for_its_command_until_somebody_has_seen_its_end() {
    let site = site(&[("other", "lock: db")]);
    patient(&site, "holder", "lock: db");
    let mut node = site.command(&["run", "holder"]).spawn().unwrap();
    let pid =
        until("it acts", || std::fs::read_to_string(site.aside("own").join("pid")).ok()?.trim().parse::<i32>().ok());
    node.kill().unwrap();
    node.wait().unwrap();
    assert!(living(pid), "its command outlives it");
    let client = Client::of(&site);
    let waiting = thread::spawn(move || client.json(&["run", "other"]));
    wait_for(&site, "lock/db", "lock_wanted");
    let server = site.server();
    let holder = of(&stream(&site, "lock/db"), "lock_taken")[0].text("run").to_owned();
    until("the server has taken it up", || {
        (of(&stream(&site, &format!("run/{holder}")), "run_claimed").len() == 2).then_some(())
    });
    let taken = stream(&site, "lock/db");
    assert!(of(&taken, "lock_taken").iter().all(|fact| fact.text("run") == holder), "nobody else acts meanwhile");
    std::fs::write(site.aside("own").join("go"), "").unwrap();
    let other = waiting.join().unwrap();
    assert_eq!(other.json["executed"], "ok", "{other:?}");
    server.stop();
    let facts = history(&site);
    assert_eq!((count(&site, "done"), count(&site, "overlaps")), (2, 0), "{facts:?}");
    one_after_the_other(&facts);
}

/// Without a server nobody takes the dead node's run up: after half a minute its place is given away.
#[test]
fn a_killed_node_that_did_nothing_at_that_moment_gives_its_lock_back() {
    let site = site(&[("other", "lock: db")]);
    site.process(
        "holder",
        "lock: db\nsteps: [{ id: one, run: 'false' }]\nheal:\n  - retry: { times: 1, backoff: 10m..10m }\n  - tell: oncall\n",
    );
    let mut node = site.command(&["run", "holder"]).spawn().unwrap();
    until("there is a journal", || (site.json(&["journal"]).code == 0).then_some(()));
    let facts =
        until("it waits for its retry", || Some(history(&site)).filter(|facts| !of(facts, "waiting").is_empty()));
    let holder = of(&facts, "lock_taken")[0].text("run").to_owned();
    node.kill().unwrap();
    node.wait().unwrap();
    let other = site.json(&["run", "other"]);
    assert_eq!(other.json["executed"], "ok", "{other:?}");
    let facts = history(&site);
    let awaited = of(&facts, "lock_awaited");
    assert!(!awaited.is_empty() && awaited.iter().all(|fact| fact.text("holder") == holder), "{awaited:?}");
    assert_eq!(of(&facts, "lock_taken").len(), 2);
    assert!(of(&stream(&site, &format!("run/{holder}")), "run_ended").is_empty(), "it is there to be taken up");
}

/// The keeper goes on with its command, and who wants the lock sees the end of that.
#[test]
fn without_a_server_the_lock_of_a_killed_verb_is_free_when_its_command_has_ended() {
    let site = site(&[("other", "lock: db")]);
    patient(&site, "holder", "lock: db");
    let mut node = site.command(&["run", "holder"]).spawn().unwrap();
    until("it acts", || std::fs::read_to_string(site.aside("own").join("pid")).ok()?.trim().parse::<i32>().ok());
    node.kill().unwrap();
    node.wait().unwrap();
    let client = Client::of(&site);
    let waiting = thread::spawn(move || client.json(&["run", "other"]));
    let holder = of(&stream(&site, "lock/db"), "lock_taken")[0].text("run").to_owned();
    let claims = || of(&stream(&site, &format!("run/{holder}")), "run_claimed").len();
    until("the one who waits has taken it up", || (claims() == 2).then_some(()));
    assert_eq!(count(&site, "done"), 0, "nobody acts beside it");
    std::fs::write(site.aside("own").join("go"), "").unwrap();
    let other = waiting.join().unwrap();
    assert_eq!(other.json["executed"], "ok", "{other:?}");
    let facts = history(&site);
    assert_eq!((count(&site, "done"), count(&site, "overlaps")), (2, 0), "{facts:?}");
    one_after_the_other(&facts);
    let course = stream(&site, &format!("run/{holder}"));
    assert_eq!(of(&course, "attempt_ended")[0].body["acted"]["outcome"], "done", "its end was seen: {course:?}");
}
