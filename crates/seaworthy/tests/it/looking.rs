//! Looking at what a step made, while it is too large to be read to its end: two tebibytes of holes.

use std::{
    fs,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};

use crate::kit::{Server, Site, ended, living, until};

/// Far less than the reading takes.
const SOON: Duration = Duration::from_secs(20);

/// A site with the process `huge`; `more` are lines of it, `step` words of its step.
fn huge(more: &str, step: &str) -> Site {
    let site = Site::new();
    let make = r#"echo made >> made.txt; [ -e small ] && echo x > "$WORKDIR/f" || truncate -s 2T "$WORKDIR/f""#;
    let verify = "verify:\n  - { command: cat made.txt, expect: 'stdout.contains(\"made\")' }\n";
    site.process("huge", &format!("{more}steps:\n  - {{ id: make, run: '{make}', makes: f{step} }}\n{verify}"));
    site
}

/// Whether this process has a file of this name open now.
fn reads(pid: i32, end: &str) -> bool {
    let open = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
    open.filter_map(|entry| fs::read_link(entry.path()).ok()).any(|path| path.ends_with(end))
}

fn reading(pid: i32) {
    until("the artifact is read", || reads(pid, "work/f").then_some(()));
}

#[test]
fn a_verb_that_looks_at_a_huge_artifact_ends_on_a_signal_and_the_look_is_made_when_the_run_goes_on() {
    for signal in [Signal::INT, Signal::TERM] {
        let site = huge("", "");
        let mut verb = site.command(&["run", "huge", "--json"]).spawn().unwrap();
        let pid = Pid::from_child(&verb);
        reading(pid.as_raw_nonzero().get());
        kill_process(pid, signal).unwrap();
        let status = ended(&mut verb, SOON);
        let _ = verb.kill();
        assert_eq!(status.and_then(|status| status.code()), Some(1), "{signal:?}");
        let runs = site.json(&["runs"]).stdout;
        let id = runs.split('"').find(|word| word.len() > 4 && word.starts_with("run_0")).unwrap();
        let shown = site.json(&["show", id]);
        assert_eq!(
            (&shown.json["executed"], &shown.json["verified"]),
            (&"cancelled".into(), &"no".into()),
            "{shown:?}"
        );
        assert_eq!(shown.json["artifacts"].as_array().map(Vec::len), Some(0), "{shown:?}");
        let told = site.say(&["show", id]).stdout;
        assert!(!told.contains("missing"), "{told}");
        // It is smaller now: the look is made again, not the step.
        let made = site.sh("find .seaworthy -path '*/work/f'");
        site.write(made.trim(), "x");
        let resumed = site.json(&["resume", id]);
        assert_eq!((resumed.code, &resumed.json["artifacts"][0]["bytes"]), (0, &1.into()), "{resumed:?}");
        assert_eq!(site.read("made.txt"), "made\n");
    }
}

fn started(site: &Site, server: &Server) -> String {
    let run = site.json(&["run", "huge", "--detach"]);
    reading(server.pid().as_raw_nonzero().get());
    run.json["run_id"].as_str().unwrap().to_owned()
}

#[test]
fn a_run_that_looks_at_a_huge_artifact_is_cancelled_and_nobody_reads_on() {
    let site = huge("", "");
    let server = site.server();
    let id = started(&site, &server);
    let begun = Instant::now();
    assert_eq!(site.json(&["cancel", &id, "--reason", "too large"]).code, 0);
    let shown =
        until("it ended", || Some(site.json(&["show", &id]).json).filter(|json| json["executed"] == "cancelled"));
    assert_eq!(shown["verified"], "no");
    let pid = server.pid().as_raw_nonzero().get();
    until("nobody reads it any more", || (!reads(pid, "work/f")).then_some(()));
    assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
    assert!(living(pid));
}

#[test]
fn a_server_that_looks_at_a_huge_artifact_stops_at_once_and_the_next_one_looks_again() {
    let site = huge("", "");
    let server = site.server();
    let id = started(&site, &server);
    let begun = Instant::now();
    assert_eq!(server.stop(), 0);
    assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
    let made = site.sh("find .seaworthy -path '*/work/f'");
    site.write(made.trim(), "x");
    let _server = site.server();
    let shown = until("it ended", || Some(site.json(&["show", &id]).json).filter(|json| json["verified"] == "yes"));
    assert_eq!((&shown["artifacts"][0]["bytes"], site.read("made.txt").as_str()), (&1.into(), "made\n"));
}

#[test]
fn the_time_of_a_run_and_of_a_step_also_limits_the_look_at_what_was_made() {
    let begun = Instant::now();
    let site = huge("timeout: 3s\n", "");
    let late = site.json(&["run", "huge"]);
    assert_eq!((late.code, &late.json["verified"]), (1, &"no".into()), "{late:?}");
    assert!(late.json["reason"].as_str().unwrap().contains("its timeout of 3s"), "{late:?}");

    let site = huge("", ", timeout: 2s");
    let late = site.json(&["run", "huge"]);
    assert_eq!((late.code, &late.json["executed"], &late.json["verified"]), (1, &"failed".into(), &"no".into()));
    let reason = late.json["reason"].as_str().unwrap();
    assert!(reason.contains("could not be read to its end within the step's timeout of 2s"), "{late:?}");
    assert!(begun.elapsed() < 2 * SOON, "{:?}", begun.elapsed());
    let id = late.json["run_id"].as_str().unwrap();
    let told = site.say(&["show", id]).stdout;
    assert!(told.contains("not looked at f") && !told.contains("missing"), "{told}");
    // The step did its part, so only the look is made again.
    let made = site.sh("find .seaworthy -path '*/work/f'");
    site.write(made.trim(), "x");
    let resumed = site.json(&["resume", id]);
    assert_eq!((resumed.code, &resumed.json["artifacts"][0]["bytes"]), (0, &1.into()), "{resumed:?}");
    assert_eq!(site.read("made.txt"), "made\n");
}
