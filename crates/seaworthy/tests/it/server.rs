//! A server looks after itself: one per data folder, loopback unless it has a name, files reloaded, TERM in order.

use std::{fs, process::Command, time::Instant};

use serde_json::Value;

use crate::{
    change::confirm,
    kit::{Site, until},
    server_history::{Client, history, intact, of, skipped, stream, wait_for},
};

const GOOD: &str =
    "steps:\n  - { id: one, run: echo one }\nverify:\n  - command: echo fine\n    expect: stdout.contains(\"fine\")\n";

fn site() -> Site {
    let site = Site::new();
    site.process("good", GOOD);
    site
}

/// Names of the steps that the last run of `good` began.
fn steps_of(said: &Value) -> Vec<&str> {
    said["steps"].as_array().unwrap().iter().map(|step| step["id"].as_str().unwrap()).collect()
}

#[test]
fn a_second_server_of_one_data_folder_is_refused() {
    let site = site();
    let server = site.server();
    let said = site.say(&["up", "--listen", "127.0.0.1:0"]);
    assert_eq!(said.code, 2, "{said:?}");
    assert!(said.stderr.contains("is running already"), "{said:?}");
    assert_eq!(server.stop(), 0);
    assert_eq!(site.server().stop(), 0, "and after its end another one starts");
}

#[test]
fn looking_whether_a_server_runs_does_not_keep_one_from_starting() {
    let site = site();
    site.server().stop();
    let over = std::sync::atomic::AtomicBool::new(false);
    let lock = site.data().join("server.lock");
    std::thread::scope(|scope| {
        // What `status`, `restore` and the watcher do, without a pause.
        scope.spawn(|| {
            while !over.load(std::sync::atomic::Ordering::Relaxed) {
                let file = fs::File::open(&lock).unwrap();
                let _ = rustix::fs::flock(&file, rustix::fs::FlockOperation::NonBlockingLockShared);
            }
        });
        let codes: Vec<i32> = (0..3).map(|_| site.server().stop()).collect();
        over.store(true, std::sync::atomic::Ordering::Relaxed);
        assert_eq!(codes, [0, 0, 0]);
    });
}

#[test]
fn an_address_that_others_can_reach_needs_a_name_for_it() {
    let site = site();
    for address in ["0.0.0.0:0", "[::]:0"] {
        let said = site.say(&["up", "--listen", address]);
        assert_eq!(said.code, 4, "{address}: {said:?}");
        assert!(said.stderr.contains("write `public_url: https://NAME:PORT`"), "{said:?}");
    }
}

#[test]
fn two_sites_at_once_do_not_collide() {
    let (a, b) = (site(), site());
    b.edit("ops/good.yaml", "id: one", "id: other");
    // One folder for sockets, as on a real host.
    b.env("XDG_RUNTIME_DIR", &a.aside("run").display().to_string());
    let (_one, _two) = (a.server(), b.server());
    let (said_a, said_b) = (a.json(&["run", "good"]), b.json(&["run", "good"]));
    assert_eq!((said_a.code, said_b.code), (0, 0), "{said_a:?} {said_b:?}");
    assert_eq!((steps_of(&said_a.json), steps_of(&said_b.json)), (vec!["one"], vec!["other"]));
    assert_eq!((of(&history(&a), "run_ended").len(), of(&history(&b), "run_ended").len()), (1, 1));
}

#[test]
fn a_run_says_the_same_with_and_without_a_server() {
    let site = site();
    let alone = site.json(&["run", "good"]);
    let server = site.server();
    let served = site.json(&["run", "good"]);
    assert_eq!((alone.code, served.code), (0, 0), "{alone:?} {served:?}");
    let without = |said: &Value| {
        let mut said = said.clone();
        for changing in ["run_id", "duration_ms"] {
            assert!(said[changing].as_u64().is_some_and(|n| n > 0) || said[changing].is_string(), "{said}");
            said[changing] = Value::Null;
        }
        said
    };
    assert_eq!(without(&alone.json), without(&served.json));
    let facts = history(&site);
    let kinds = |run: &Value| -> Vec<String> {
        let name = format!("run/{}", run["run_id"].as_str().unwrap());
        facts.iter().filter(|fact| fact.stream == name).map(|fact| fact.kind.clone()).collect()
    };
    assert_eq!(kinds(&alone.json), kinds(&served.json), "the same course in the journal");
    assert_eq!(site.json(&["run", "nothing-of-that-name"]).code, 2);
    server.stop();
    assert_eq!(site.json(&["run", "nothing-of-that-name"]).code, 2);
}

#[test]
fn files_are_reloaded_on_change_and_on_hup() {
    let site = site();
    let server = site.server();
    site.edit("ops/good.yaml", "id: one", "id: two");
    until("the change is in force", || (stream(&site, "process/good").len() == 2).then_some(()));
    assert_eq!(steps_of(&site.json(&["run", "good"]).json), ["two"]);
    site.process("second", GOOD);
    server.hup();
    wait_for(&site, "process/second", "process_loaded");
    fs::remove_file(site.path("ops/second.yaml")).unwrap();
    confirm(&site, "process/second");
    wait_for(&site, "process/second", "process_removed");
    assert_eq!(site.json(&["run", "second"]).code, 2);
    server.hup();
    assert_eq!(site.json(&["run", "good"]).code, 0, "it lives");
}

#[test]
fn the_last_good_version_of_a_broken_file_stays_in_force_even_over_a_restart() {
    let site = site();
    let server = site.server();
    site.edit("ops/good.yaml", "steps:", "stepz:");
    let broken = wait_for(&site, "site", "file_broken");
    assert_eq!(broken.text("file"), "ops/good.yaml");
    assert!(broken.body["problems"][0].as_str().unwrap().contains("ops/good.yaml:2:1"), "{broken:?}");
    assert_eq!(steps_of(&site.json(&["run", "good"]).json), ["one"]);
    server.kill();
    let server = site.server();
    assert_eq!(steps_of(&site.json(&["run", "good"]).json), ["one"], "over a restart");
    site.edit("seaworthy.yaml", "site: test", "sight: test");
    until("the site file is broken too", || {
        let facts = history(&site);
        of(&facts, "file_broken").iter().any(|f| f.text("file") == "seaworthy.yaml").then_some(())
    });
    server.kill();
    let server = site.server();
    assert_eq!(steps_of(&site.json(&["run", "good"]).json), ["one"], "with a broken site file as well");
    site.edit("seaworthy.yaml", "sight: test", "site: test");
    site.edit("ops/good.yaml", "stepz:", "steps:");
    site.edit("ops/good.yaml", "id: one", "id: three");
    until("the mended file is in force", || (steps_of(&site.json(&["run", "good"]).json) == ["three"]).then_some(()));
    let facts = history(&site);
    let mended = |file: &str| of(&facts, "file_mended").iter().any(|f| f.text("file") == file);
    assert!(mended("ops/good.yaml") && mended("seaworthy.yaml"), "{:?}", of(&facts, "file_mended"));
    server.stop();
    intact(&site);
}

#[test]
fn health_readiness_and_metrics_are_answered() {
    let site = site();
    let server = site.server();
    assert_eq!(server.get("/healthz").unwrap().0, 200);
    until("it is ready", || server.get("/readyz").filter(|(status, _)| *status == 200));
    assert_eq!(site.json(&["run", "good"]).code, 0);
    let (status, text) = server.get("/metrics").unwrap();
    assert_eq!(status, 200);
    let value = |name: &str| -> f64 {
        let line = text.lines().find(|line| line.starts_with(&format!("{name} "))).unwrap_or_else(|| panic!("{text}"));
        line.rsplit(' ').next().unwrap().parse().unwrap()
    };
    assert!(value("seaworthy_journal_entries") > 3.0 && value("process_resident_memory_bytes") > 1e6);
}

#[test]
fn what_only_waits_for_its_turn_is_not_begun_by_stopping() {
    let site = Site::new();
    site.process("wide", "steps:\n  - { id: stay, run: exec sleep 600 }\n");
    let server = site.server();
    let clients: Vec<Client> = (0..4).map(|_| Client::of(&site)).collect();
    // As many as act at the same time (runtime::run::ACTING_MAX), and eight more.
    std::thread::scope(|scope| {
        for client in &clients {
            scope.spawn(|| (0..66).for_each(|_| assert_eq!(client.json(&["run", "wide", "--detach"]).code, 0)));
        }
    });
    until("as many as may have begun", || (of(&history(&site), "attempt_started").len() == 256).then_some(()));
    assert_eq!(server.stop(), 0);
    let facts = history(&site);
    assert_eq!((of(&facts, "run_requested").len(), of(&facts, "attempt_started").len()), (264, 256));
    assert_eq!(of(&facts, "attempt_ended").len(), 0, "the others go on without the server");
    assert_eq!(of(&facts, "run_ended").len(), 0, "all are left for the next start");
}

#[test]
fn a_verb_finds_the_server_whatever_its_surroundings_are() {
    let site = site();
    let server = site.server();
    fs::create_dir(site.aside("elsewhere")).unwrap();
    site.env("XDG_RUNTIME_DIR", &site.aside("elsewhere").display().to_string());
    let said = site.json(&["run", "good", "--detach"]);
    assert_eq!(said.code, 0, "only a server can be left alone with it: {said:?}");
    // A folder that others could have put there is not believed, and nobody acts beside the server.
    let sockets = site.aside("run/seaworthy");
    fs::set_permissions(&sockets, std::os::unix::fs::PermissionsExt::from_mode(0o777)).unwrap();
    let said = site.json(&["run", "good"]);
    assert!(said.code == 2 && said.stderr.contains("not private"), "{said:?}");
    fs::set_permissions(&sockets, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    assert_eq!(server.stop(), 0);
    assert!(!site.data().join("server.socket").exists());
    assert_eq!(site.json(&["run", "good"]).code, 0, "and after its end alone");
}

/// The file in which a server says where it listens goes along with a copy of its folder.
#[test]
fn a_verb_in_a_copy_of_a_folder_asks_nothing_of_the_server_of_the_first() {
    let site = site();
    let server = site.server();
    let copy = site.aside("copy");
    site.sh(&format!("cp -a . '{}'", copy.display()));
    // As while a server of the copy begins, or the copy is restored.
    let lock = fs::File::options().write(true).open(copy.join(".seaworthy/server.lock")).unwrap();
    rustix::fs::flock(&lock, rustix::fs::FlockOperation::NonBlockingLockExclusive).unwrap();
    let said = site.json(&["-C", &copy.display().to_string(), "run", "good", "--detach"]);
    assert!(said.code == 2 && said.stderr.contains("cannot be reached"), "{said:?}");
    assert_eq!(server.stop(), 0);
    assert!(!site.say(&["runs"]).stdout.contains("run_"), "nothing was asked of it");
}

#[test]
fn idle_connections_hold_up_neither_verbs_nor_the_end() {
    let site = site();
    let server = site.server();
    let socket = site.socket();
    let idle: Vec<_> = (0..80).map(|_| std::os::unix::net::UnixStream::connect(&socket).unwrap()).collect();
    let said = site.json(&["run", "good"]);
    assert_eq!(said.code, 0, "{said:?}");
    let more: Vec<_> = (0..80).map(|_| std::os::unix::net::UnixStream::connect(&socket).unwrap()).collect();
    let begun = Instant::now();
    assert_eq!(server.stop(), 0);
    assert!(begun.elapsed().as_secs() < 10, "{:?}", begun.elapsed());
    drop((idle, more));
}

#[test]
fn the_systemd_unit_is_one() {
    let site = Site::bare();
    let unit = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../contrib/seaworthy.service")).unwrap();
    let line = "ExecStart=/usr/bin/seaworthy up -C /etc/seaworthy --data /var/lib/seaworthy";
    assert!(unit.contains(line) && unit.contains("StateDirectory=seaworthy") && unit.contains("Restart=always"));
    if Command::new("systemd-analyze").arg("--version").output().is_err() {
        return skipped("the_systemd_unit_is_one", "systemd-analyze is not installed");
    }
    // The program does not have to be installed here for the unit to be right.
    let here = unit.replace("/usr/bin/seaworthy", env!("CARGO_BIN_EXE_seaworthy"));
    site.write("seaworthy.service", &here);
    let said = Command::new("systemd-analyze").arg("verify").arg(site.path("seaworthy.service")).output().unwrap();
    let text = String::from_utf8_lossy(&said.stderr).into_owned();
    assert!(said.status.success() && !text.contains("seaworthy.service"), "{text}");
}
