//! Commands that outlive the server: restarts, kills and pauses under them, and what becomes of them then.

use std::{
    process::Stdio,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};

use crate::{
    kit::{Site, ended, living, until},
    server_history::{history, intact, of, shown, stream},
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
    let facts = until("it is settled", || {
        Some(stream(&site, &format!("run/{run}"))).filter(|facts| !of(facts, "step_settled").is_empty())
    });
    assert!(!living(pid), "it is ended before anything is decided");
    let acted = &of(&facts, "attempt_ended")[0].body["acted"];
    assert_eq!(acted["outcome"], "unknown", "{acted}");
    assert!(acted["reason"].as_str().unwrap().contains("ended suddenly"), "{acted}");
    // Looked at first. That it had not happened is known only where nothing of it can be left.
    let happened = if acted["empty"] == true { false.into() } else { serde_json::Value::Null };
    assert_eq!(of(&facts, "step_settled")[0].body["happened"], happened, "{acted}");
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

#[test]
fn a_restore_is_refused_while_a_command_of_the_state_that_it_replaces_goes_on() {
    let site = site();
    let server = site.server();
    let copy = shown(&site.aside("copy"));
    assert_eq!(site.json(&["backup", &copy]).code, 0);
    let (run, pid) = begun(&site);
    assert_eq!(server.stop(), 0);
    let refused = site.json(&["restore", &copy, "--force"]);
    assert_eq!(refused.code, 4, "{refused:?}");
    for part in [&format!("still holds {run}.dump.1"), &format!("`seaworthy cancel {run}`")] {
        assert!(refused.stderr.contains(part.as_str()), "{}", refused.stderr);
    }
    assert!(living(pid) && !stream(&site, &format!("run/{run}")).is_empty(), "nothing was touched");
    site.write("go", "");
    until("the command ends", || (!living(pid)).then_some(()));
    until("it is on the keeper's record", || (site.json(&["restore", &copy, "--force"]).code == 0).then_some(()));
    assert!(of(&history(&site), "attempt_started").is_empty(), "the state of before it");
}

/// Longest time for the flood: one thread hashes and masks all of it.
const FLOOD_WITHIN: Duration = Duration::from_secs(900);
/// What is kept of an output: its head and its tail.
const KEPT_BYTES: u64 = 10 << 20;
/// Most memory of whoever handles it.
const FLOOD_KIB_MAX: u64 = 96 * 1024;

/// The most memory that a process ever had.
fn peak_kib(pid: i32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(u64::MAX)
}

/// With `SEAWORTHY_LONG` a gigabyte.
#[test]
fn a_line_without_end_is_counted_whole_kept_within_its_limit_and_fills_no_memory() {
    let bytes: u64 = if std::env::var_os("SEAWORTHY_LONG").is_some() { 1 << 30 } else { 24 << 20 };
    let site = Site::new();
    let flood = format!("head -c {bytes} /dev/zero | tr '\\000' x");
    site.process("flood", &format!("steps:\n  - id: one\n    run: |\n      {flood}\n"));
    let server = site.server();
    let mut run = site.command(&["run", "flood"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let end = ended(&mut run, FLOOD_WITHIN).expect("it comes to its end");
    assert_eq!(end.code(), Some(3), "nobody looked at it");
    let (keeper, own) = (site.keeper().expect("it waits for more"), server.pid().as_raw_nonzero().get());
    assert!(peak_kib(keeper) < FLOOD_KIB_MAX, "the keeper had {} KiB", peak_kib(keeper));
    assert!(peak_kib(own) < FLOOD_KIB_MAX, "the server had {} KiB", peak_kib(own));
    let facts = history(&site);
    let acted = &of(&facts, "attempt_ended")[0].body["acted"];
    let said = &acted["stdout"];
    assert_eq!((acted["outcome"].as_str(), said["bytes"].as_u64()), (Some("done"), Some(bytes)), "{acted}");
    let kept = bytes - said["dropped"].as_u64().unwrap();
    assert!((KEPT_BYTES - (1 << 20)..=KEPT_BYTES + (1 << 20)).contains(&kept), "{kept} bytes are kept");
    let sum = site.sh(&format!("{flood} | sha256sum"));
    assert_eq!(said["sha256"].as_str(), sum.split(' ').next(), "every byte went through");
    let disk: u64 = site.sh("du -sk .seaworthy | cut -f1").trim().parse().unwrap();
    assert!(disk < 3 * KEPT_BYTES / 1024, "{disk} KiB on disk");
    let logs = site.say(&["logs", of(&facts, "run_ended")[0].stream["run/".len()..].as_ref()]).stdout;
    assert!(logs.len() as u64 > kept && logs.contains("xxxx"), "{} bytes are shown", logs.len());
}
