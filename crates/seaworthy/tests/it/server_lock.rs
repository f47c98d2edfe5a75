//! Named locks: runs with a common one never act at the same time, whoever started them.

use std::thread;

use crate::{
    kit::Site,
    server_history::{Client, history, of, wait_for},
};

/// Writes when it begins and ends; a second one in between finds the mark of the first.
const STEP: &str = "steps:\n  - id: one\n    run: |\n      mkdir \"$OWN/inside\" || echo overlap >> \"$OWN/overlaps\"\n      for n in 1 2 3 4 5 6 7 8 9 10; do test -e \"$OWN/go\" && break; sleep 0.1; done\n      rmdir \"$OWN/inside\"; echo $SEAWORTHY_RUN >> \"$OWN/done\"\n";

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
    let runs: Vec<_> = ["first", "second", "first"]
        .into_iter()
        .map(|name| {
            let client = Client::of(&site);
            thread::spawn(move || client.json(&["run", name]))
        })
        .collect();
    for run in runs {
        let run = run.join().unwrap();
        assert_eq!(run.json["executed"], "ok", "{run:?}");
    }
    assert_eq!((count(&site, "done"), count(&site, "overlaps")), (3, 0));
    let facts = history(&site);
    assert_eq!(of(&facts, "lock_taken").len(), 4, "one for each lock of each run");
    assert!(!of(&facts, "lock_awaited").is_empty(), "somebody waited, and it is on record");
}

#[test]
fn a_run_that_waits_says_for_whom_and_gives_up_at_its_limit() {
    let site = site(&[("holder", "lock: db"), ("waiter", "lock: db\nlock_wait: 1s")]);
    site.edit("ops/holder.yaml", "1 2 3 4 5 6 7 8 9 10", "$(seq 300)");
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
