//! The watcher says what is missing, late, long or gone, each by its own limit, from the journal and the artifact.

use std::{
    fs,
    process::{Child, Stdio},
};

use rustix::process::{Pid, Signal, kill_process};

use crate::{
    kit::{PATIENCE, Site, ended, until},
    server_history::{Fact, history, now, of, shown, wait_for, wait_watched, watched},
};

const SECOND: i64 = 1_000_000_000;
const TELL: &str = "tell: { when: [missed, late, long, unverified], route: oncall }\n";

/// `seaworthy watch`, as a process of its own. Killed when it is dropped.
pub struct Watch(Child);

impl Watch {
    pub fn begin(site: &Site) -> Watch {
        let log = fs::File::create(site.aside("watch.log")).unwrap();
        Watch(site.command(&["watch"]).stdout(Stdio::null()).stderr(log).spawn().unwrap())
    }

    fn send(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.0), signal).unwrap();
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn raised(kind: &'static str, process: &'static str) -> impl Fn(&Fact) -> bool {
    move |fact| fact.kind == "signal_raised" && fact.text("kind") == kind && fact.text("process") == process
}

/// The clearing of the signal that was raised.
fn cleared(raised: &Fact) -> impl Fn(&Fact) -> bool {
    let signal = raised.text("signal").to_owned();
    move |fact| fact.kind == "signal_cleared" && fact.text("signal") == signal
}

fn told(site: &Site, text: &str) -> String {
    until(&format!("`{text}` is told"), || Some(site.read("told.txt")).filter(|told| told.contains(text)))
}

#[test]
fn a_watcher_of_its_own_says_missed_and_silent_and_late_and_takes_it_back() {
    let site = Site::new();
    let server = site.server_with(&["--no-watch"]);
    let at = now() / SECOND + 6;
    let anchor = site.sh(&format!("date -u -d @{at} +%Y-%m-%dT%H:%M:%SZ")).trim().to_owned();
    let file = format!(
        "schedule: {{ every: 1h, anchor: \"{anchor}\", missed: latest }}\nsteps:\n  - {{ id: one, run: 'true' }}\nwatch: {{ start_within: 1s }}\n{TELL}"
    );
    site.process("nightly", &file);
    // The same without a limit of its own: nobody says anything about it.
    site.process("quiet", &file.replace("watch: { start_within: 1s }\n", ""));
    wait_for(&site, "schedule/nightly", "schedule_set");
    server.stop();
    let mut watch = Watch::begin(&site);
    let silent = wait_watched(&site, "the server is silent", raised("node_silent", ""));
    let missed = wait_watched(&site, "the run is missed", raised("missed", "nightly"));
    assert!(missed.at > (at + 1) * SECOND, "not before its limit: {missed:?}");
    assert!(missed.text("expected").contains("starts within 1s"), "{missed:?}");
    assert_eq!(missed.number("nominal"), at * SECOND);
    let text = told(&site, "nightly: missed");
    assert!(text.contains("Expected:") && text.contains("Seen:"), "{text}");
    // Which of the two comes first depends on how long the server took to end.
    told(&site, "node silent");
    let status = site.json(&["status"]);
    assert_eq!((status.code, status.json["signals"].as_array().map(Vec::len)), (1, Some(2)), "{status:?}");
    watch.send(Signal::HUP);
    until("it is too late to be on time", || (now() > (at + 6) * SECOND).then_some(()));
    let server = site.server_with(&["--no-watch"]);
    wait_watched(&site, "the server is back", cleared(&silent));
    wait_watched(&site, "the missed run came", cleared(&missed));
    let late = wait_watched(&site, "it started late", raised("late", "nightly"));
    assert!(late.text("seen").contains("late"), "{late:?}");
    told(&site, "nightly: over");
    assert_eq!(site.json(&["run", "nightly", "--detach"]).code, 0);
    wait_watched(&site, "another run started in time", cleared(&late));
    watch.send(Signal::TERM);
    assert_eq!(ended(&mut watch.0, PATIENCE).unwrap().code(), Some(0), "HUP did not end it, TERM did");
    server.stop();
    assert!(watched(&site).iter().all(|fact| fact.text("process") != "quiet"), "no limit, no signal");
    assert!(of(&history(&site), "signal_raised").is_empty(), "the watcher writes to its own journal");
    let data = shown(&site.data().join("watcher"));
    assert_eq!(site.json(&["audit", "verify", "--data", &data]).code, 0);
}

#[test]
fn only_one_watches_and_it_needs_something_to_watch() {
    let site = Site::new();
    let said = site.say(&["watch"]);
    assert_eq!(said.code, 2, "there is no journal yet: {said:?}");
    let server = site.server();
    let said = site.say(&["watch"]);
    assert_eq!(said.code, 2, "the server watches from inside: {said:?}");
    server.stop();
}

#[test]
fn a_run_that_takes_too_long_is_said_while_it_runs() {
    let site = Site::new();
    let steps = "steps:\n  - id: wait\n    run: while [ ! -e go ]; do sleep 0.05; done\n";
    site.process("slow", &format!("{steps}watch: {{ finish_within: 1s }}\n{TELL}"));
    let _server = site.server();
    assert_eq!(site.json(&["run", "slow", "--detach"]).code, 0);
    let long = wait_watched(&site, "it runs too long", raised("long", "slow"));
    assert!(long.text("seen").contains("still running"), "{long:?}");
    told(&site, "slow: ran too long");
    site.write("go", "");
    until("it ends", || (!of(&history(&site), "run_ended").is_empty()).then_some(()));
    assert_eq!(site.json(&["run", "slow"]).code, 3, "unproven");
    wait_watched(&site, "another run was quick", cleared(&long));
}

#[test]
fn an_artifact_that_vanishes_is_noticed_though_the_record_says_verified() {
    let site = Site::new();
    site.env("SEAWORTHY_ARTIFACTS_EVERY_MS", "200");
    let file = "steps:\n  - { id: make, run: 'echo data > \"$WORKDIR/copy\"', makes: copy }\nverify:\n  - artifact: copy\n    expect: size > 1\n  - command: cat \"$ARTIFACT\"\n    expect: stdout.contains(\"data\")\nwatch: { finish_within: 1h }\n";
    site.process("backup", &format!("{file}{TELL}"));
    let _server = site.server();
    let said = site.json(&["run", "backup"]);
    assert_eq!(said.code, 0, "{said:?}");
    let place = said.json["artifacts"][0]["place"].as_str().unwrap();
    fs::remove_file(place).unwrap();
    let gone = wait_watched(&site, "the artifact is gone", raised("artifact_gone", "backup"));
    assert!(gone.text("expected").contains(place), "{gone:?}");
    told(&site, "backup: artifact gone");
    let again = site.json(&["run", "backup"]);
    wait_watched(&site, "there is a new one", cleared(&gone));
    // Same size, other bytes.
    fs::write(again.json["artifacts"][0]["place"].as_str().unwrap(), "dat4\n").unwrap();
    wait_watched(&site, "it was changed", |fact| {
        raised("artifact_gone", "backup")(fact) && fact.text("seen").contains("same size but SHA-256")
    });
}

#[test]
fn a_drill_that_is_overdue_is_said_until_one_is_verified() {
    let site = Site::new();
    let file = "steps:\n  - { id: make, run: 'echo data > \"$WORKDIR/copy\"', makes: copy }\nverify:\n  - command: cat \"$WORKDIR/copy\"\n    expect: stdout.contains(\"data\")\ndrill:\n  restore:\n    every: 3s\n    steps:\n      - { id: restore, run: '[ -e works ]' }\n    verify:\n      - command: cat \"$ARTIFACT\"\n        expect: stdout.contains(\"data\")\n";
    site.process("backup", &format!("{file}{TELL}"));
    let _server = site.server();
    assert_eq!(site.json(&["run", "backup"]).code, 0);
    let overdue = wait_watched(&site, "the drill is overdue", raised("drill_overdue", "backup"));
    assert!(overdue.text("expected").contains("every 3s"), "{overdue:?}");
    told(&site, "backup: drill overdue");
    site.write("works", "");
    assert_eq!(site.json(&["drill", "backup"]).code, 0);
    wait_watched(&site, "one is verified", cleared(&overdue));
}
