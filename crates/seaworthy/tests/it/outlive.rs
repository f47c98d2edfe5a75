//! Commands that outlive the server: restarts, kills and pauses under them, and what becomes of them then.

use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::{
    kit::{Site, living, until},
    server_history::{history, intact, of, stream},
};

/// Stands for a backup of six hours: it writes a line now and then until it is let go.
const BACKUP: &str = "steps:
  - id: dump
    effect: once
    run: |
      echo $$ > begun
      n=0
      while [ ! -e go ]; do n=$((n+1)); echo line $n; sleep 0.02; done
      echo last of $n
      echo paid >> effect
verify:
  - { command: cat effect, expect: 'stdout.contains(\"paid\")' }
";

fn site() -> Site {
    let site = Site::new();
    site.process("backup", &BACKUP.replace("\\\"", "\""));
    site
}

/// Starts a run in the server; says which, and the number of its command's process.
fn begun(site: &Site) -> (String, i32) {
    let said = site.json(&["run", "backup", "--detach"]);
    let run = said.json["run_id"].as_str().unwrap_or_else(|| panic!("{said:?}")).to_owned();
    (run, until("the step has begun", || site.read("begun").trim().parse().ok()))
}

#[test]
fn a_long_command_outlives_a_restart_and_a_crash_and_its_output_is_whole() {
    let site = site();
    let server = site.server();
    let (run, pid) = begun(&site);
    let keeper = site.keeper().expect("somebody holds it");
    let asked = Instant::now();
    assert_eq!(server.stop(), 0);
    assert!(asked.elapsed() < Duration::from_secs(8), "a command is no reason to wait: {:?}", asked.elapsed());
    assert!(living(pid) && site.keeper() == Some(keeper), "it goes on");
    let of_run = || stream(&site, &format!("run/{run}"));
    let claims = || of(&of_run(), "run_claimed").len();
    let started = Instant::now();
    let server = site.server();
    until("it is taken up", || (claims() == 2).then_some(()));
    println!("taken up {:?} after the start of the server", started.elapsed());
    server.kill();
    let server = site.server();
    until("it is taken up again", || (claims() == 3).then_some(()));
    assert_eq!(site.keeper(), Some(keeper), "nobody took its place");
    site.write("go", "");
    until("the run ends", || (!of(&of_run(), "run_ended").is_empty()).then_some(()));
    let facts = of_run();
    let ends = of(&facts, "attempt_ended");
    assert_eq!((of(&facts, "attempt_started").len(), ends.len()), (1, 1), "begun once, ended once");
    let acted = &ends[0].body["acted"];
    assert_eq!((&acted["outcome"], &acted["empty"]), (&"done".into(), &true.into()), "{acted}");
    assert!(["cgroup", "scope", "subreaper"].contains(&acted["held_by"].as_str().unwrap()), "{acted}");
    assert_eq!(of(&facts, "run_ended")[0].text("verified"), "yes");
    assert_eq!(site.read("effect"), "paid\n");
    let logs = site.say(&["logs", &run]).stdout;
    let lines: Vec<&str> = logs.lines().filter(|line| line.starts_with("line ")).collect();
    let last: usize = logs.lines().find_map(|line| line.strip_prefix("last of ")?.parse().ok()).expect("the last line");
    let wanted: Vec<String> = (1..=last).map(|n| format!("line {n}")).collect();
    assert_eq!(lines, wanted, "nothing of what it said is missing");
    assert_eq!(server.stop(), 0);
    intact(&site);
}

#[test]
fn what_ended_while_no_server_was_there_is_on_record() {
    let site = site();
    let server = site.server();
    let (run, pid) = begun(&site);
    server.kill();
    site.write("go", "");
    until("it has ended", || (!living(pid)).then_some(()));
    let _server = site.server();
    let facts = until("the run ends", || {
        Some(stream(&site, &format!("run/{run}"))).filter(|facts| !of(facts, "run_ended").is_empty())
    });
    assert_eq!(of(&facts, "attempt_ended")[0].body["acted"]["outcome"], "done", "nobody has to look");
    assert_eq!((of(&facts, "step_settled").len(), site.read("effect").as_str()), (0, "paid\n"));
}

#[test]
fn a_verb_without_a_server_holds_its_command_in_the_same_way() {
    let site = site();
    let mut alone = site.command(&["run", "backup"]).spawn().unwrap();
    let pid: i32 = until("the step has begun", || site.read("begun").trim().parse().ok());
    alone.kill().unwrap();
    alone.wait().unwrap();
    assert!(living(pid), "it outlives the verb too");
    let _server = site.server();
    site.write("go", "");
    let facts = until("the run ends", || Some(history(&site)).filter(|facts| !of(facts, "run_ended").is_empty()));
    assert_eq!(of(&facts, "attempt_started").len(), 1);
    assert_eq!(of(&facts, "run_ended")[0].text("verified"), "yes");
}

#[test]
fn a_killed_keeper_is_followed_by_another_under_the_same_server() {
    let site = site();
    let _server = site.server();
    let (run, pid) = begun(&site);
    let keeper = site.keeper().expect("somebody holds it");
    site.kill_keeper();
    let facts = until("it is begun again", || {
        Some(stream(&site, &format!("run/{run}"))).filter(|facts| of(facts, "attempt_started").len() == 2)
    });
    assert!(!living(pid), "it is ended before anything is decided");
    let acted = &of(&facts, "attempt_ended")[0].body["acted"];
    assert_eq!((&acted["outcome"], &acted["empty"]), (&"unknown".into(), &true.into()), "{acted}");
    assert!(acted["reason"].as_str().unwrap().contains("ended suddenly"), "{acted}");
    assert_eq!(of(&facts, "step_settled")[0].body["happened"], false, "looked at first: it had not happened");
    assert!(site.keeper().is_some_and(|next| next != keeper));
}

#[test]
fn a_server_and_a_keeper_that_slept_wake_and_go_on() {
    let site = site();
    let server = site.server();
    let (run, _) = begun(&site);
    let (server_pid, keeper) = (server.pid(), Pid::from_raw(site.keeper().expect("held")).expect("a number"));
    for sleeper in [server_pid, keeper] {
        kill_process(sleeper, Signal::STOP).unwrap();
        let size = || site.read("begun").len();
        // It goes on for a while meanwhile, up to what a pipe holds.
        let until_then = Instant::now() + Duration::from_millis(500);
        until("time passes", || (Instant::now() > until_then && size() > 0).then_some(()));
        kill_process(sleeper, Signal::CONT).unwrap();
    }
    kill_process(server_pid, Signal::STOP).unwrap();
    kill_process(keeper, Signal::STOP).unwrap();
    site.write("go", "");
    kill_process(keeper, Signal::CONT).unwrap();
    kill_process(server_pid, Signal::CONT).unwrap();
    let facts = until("the run ends", || {
        Some(stream(&site, &format!("run/{run}"))).filter(|facts| !of(facts, "run_ended").is_empty())
    });
    assert_eq!(of(&facts, "attempt_ended")[0].body["acted"]["outcome"], "done");
    assert_eq!((of(&facts, "attempt_started").len(), site.read("effect").as_str()), (1, "paid\n"));
}

#[test]
fn two_sites_have_two_keepers() {
    let (one, other) = (site(), site());
    let (_first, _second) = (one.server(), other.server());
    begun(&one);
    begun(&other);
    assert!(one.keeper().is_some() && other.keeper().is_some() && one.keeper() != other.keeper());
    one.kill_keeper();
    other.write("go", "");
    let facts =
        until("the other run ends", || Some(history(&other)).filter(|facts| !of(facts, "run_ended").is_empty()));
    assert_eq!(of(&facts, "run_ended")[0].text("verified"), "yes", "a neighbour's trouble is none of ours");
}
