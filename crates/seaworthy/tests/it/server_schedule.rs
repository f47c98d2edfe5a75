//! Schedules in a real server: what fires, what was missed, what overlaps, and what a change must not invent.

use std::fs;

use crate::{
    change::confirm,
    kit::{Site, until},
    server_history::{Fact, history, now, of, skipped, stream, wait_for},
};

const SECOND: i64 = 1_000_000_000;
/// A little more than an occurrence may be noticed late and still be on time (core::schedule::GRACE).
const TOO_LATE: i64 = 5 * SECOND + SECOND / 4;

/// `2026-11-23T01:02:03Z`, by another program.
fn utc(site: &Site, seconds: i64) -> String {
    site.sh(&format!("date -u -d @{seconds} +%Y-%m-%dT%H:%M:%SZ")).trim().to_owned()
}

fn quick(site: &Site, name: &str, schedule: &str) {
    site.process(name, &format!("schedule: {schedule}\nsteps:\n  - {{ id: one, run: 'true' }}\n"));
}

fn nominals(facts: &[Fact], kind: &str) -> Vec<i64> {
    of(facts, kind).iter().map(|fact| fact.number("nominal")).collect()
}

/// The rows of `runs --missed --json`: reason and count.
fn missed(site: &Site, name: &str) -> Vec<(String, i64)> {
    let said = site.json(&["runs", name, "--missed", "--limit", "1000"]);
    let rows = said.json["runs"].as_array().unwrap_or_else(|| panic!("{said:?}"));
    rows.iter().map(|row| (row["reason"].as_str().unwrap().to_owned(), row["count"].as_i64().unwrap())).collect()
}

fn the_clock_reaches(time: i64) {
    until("the clock", || (now() >= time).then_some(()));
}

#[test]
fn downtime_is_answered_by_each_missed_policy_and_leaves_a_record() {
    let site = Site::new();
    let server = site.server();
    let at = now() / SECOND + 8;
    let anchor = utc(&site, at);
    for policy in ["skip", "latest", "all"] {
        quick(&site, policy, &format!("{{ every: 1h, anchor: \"{anchor}\", missed: {policy} }}"));
    }
    quick(&site, "old", &format!("{{ every: 1h, anchor: \"{anchor}\", missed: all, within: 1s }}"));
    quick(&site, "many", "{ every: 1s, missed: all }");
    for name in ["skip", "latest", "all", "old", "many"] {
        wait_for(&site, &format!("schedule/{name}"), "schedule_set");
    }
    wait_for(&site, "schedule/many", "occurrence_due");
    server.stop();
    assert!(now() < at * SECOND, "this machine was too slow for the test: the server ended after the nominal time");
    the_clock_reaches(at * SECOND + TOO_LATE);
    let _server = site.server();
    for name in ["latest", "all"] {
        let due = wait_for(&site, &format!("schedule/{name}"), "occurrence_due");
        assert_eq!(due.number("nominal"), at * SECOND, "{name}");
        let run = format!("run/{}", due.text("run"));
        wait_for(&site, &run, "run_ended");
        let cause = &stream(&site, &run)[0].body["cause"];
        assert_eq!(cause["schedule"]["nominal"], at * SECOND, "the nominal time is part of the run's identity");
        assert_eq!(missed(&site, name), []);
    }
    for (name, reason) in [("skip", "downtime"), ("old", "expired")] {
        wait_for(&site, &format!("schedule/{name}"), "occurrence_skipped");
        assert_eq!(missed(&site, name), [(reason.to_owned(), 1)], "{name}");
        assert_eq!(of(&stream(&site, &format!("schedule/{name}")), "occurrence_due").len(), 0);
    }
    // Every second of the downtime has its run: the missed ones wait for each other.
    until("all caught up", || {
        let facts = stream(&site, "schedule/many");
        let mut due = nominals(&facts, "occurrence_due");
        due.extend(nominals(&facts, "occurrence_skipped"));
        due.sort_unstable();
        let whole = due.windows(2).all(|pair| pair[1] - pair[0] == SECOND);
        (whole && due.last() > Some(&(at * SECOND + TOO_LATE))).then_some(())
    });
    assert!(missed(&site, "many").iter().all(|(reason, _)| reason != "downtime"), "{:?}", missed(&site, "many"));
}

/// `B`, then `E` at its own end or `T` half a second after it was told to end.
const SLOW: &str = r#"
steps:
  - id: slow
    run: |
      echo B $SEAWORTHY_RUN >> seen.$NAME
      trap 'sleep 0.5; echo T $SEAWORTHY_RUN >> seen.$NAME; exit 1' TERM
      for i in 1 2 3 4 5; do sleep 0.5; done
      echo E $SEAWORTHY_RUN >> seen.$NAME
"#;

#[test]
fn overlap_is_answered_by_each_policy_and_leaves_a_record() {
    let site = Site::new();
    let policies = [("forbid", "forbid"), ("queue", "queue(1)"), ("replace", "replace"), ("allow", "allow")];
    for (name, overlap) in policies {
        site.process(name, &format!("schedule: {{ every: 1s, overlap: {overlap} }}\nenv: {{ NAME: {name} }}{SLOW}"));
    }
    let server = site.server();
    let ends = |facts: &[Fact], reason: &str| of(facts, "run_ended").iter().any(|f| f.text("reason").contains(reason));
    let facts = until("each policy shows", || {
        let facts = history(&site);
        let of_process = |name: &str, kind: &str| {
            facts.iter().filter(|f| f.stream == format!("schedule/{name}") && f.kind == kind).count()
        };
        (of_process("forbid", "occurrence_due") >= 2
            && of_process("queue", "occurrence_due") >= 3
            && of_process("replace", "occurrence_due") >= 3
            && of_process("allow", "occurrence_due") >= 4
            && ends(&facts, "replaced by the next occurrence"))
        .then_some(facts)
    });
    server.kill();
    let alone = |name: &str| {
        let seen = site.read(&format!("seen.{name}"));
        let marks: Vec<&str> = seen.lines().map(|line| &line[..1]).collect();
        !marks.is_empty() && marks.windows(2).all(|pair| pair != ["B", "B"])
    };
    assert!(alone("forbid"), "{}", site.read("seen.forbid"));
    assert!(alone("queue"), "{}", site.read("seen.queue"));
    assert!(alone("replace"), "the old command is gone before the next begins: {}", site.read("seen.replace"));
    assert!(!alone("allow"), "{}", site.read("seen.allow"));
    let reasons = |name: &str| missed(&site, name).into_iter().map(|(reason, _)| reason).collect::<Vec<_>>();
    assert!(reasons("forbid").iter().all(|r| r == "overlap") && !reasons("forbid").is_empty());
    assert!(reasons("queue").iter().all(|r| r == "queue full") && !reasons("queue").is_empty());
    assert!(reasons("allow").is_empty());
    let of_replace: Vec<Fact> = facts.iter().filter(|f| f.stream == "schedule/replace").cloned().collect();
    let waiting = nominals(&of_replace, "occurrence_queued").len() as i64
        - nominals(&of_replace, "occurrence_due").len() as i64
        - nominals(&of_replace, "occurrence_skipped").len() as i64;
    assert!(waiting <= 1, "the newest replaces what waits as well: {of_replace:?}");
}

#[test]
fn a_schedule_that_was_changed_or_away_invents_no_history() {
    let site = Site::new();
    quick(&site, "changed", "{ cron: \"0 0 1 1 *\", missed: all }");
    quick(&site, "away", "{ every: 1s, missed: all }");
    quick(&site, "paused", "{ every: 1s, missed: all }");
    let _server = site.server();
    for name in ["away", "paused"] {
        wait_for(&site, &format!("schedule/{name}"), "occurrence_due");
    }
    let away = site.read("ops/away.yaml");
    fs::remove_file(site.path("ops/away.yaml")).unwrap();
    let paused = site.read("ops/paused.yaml");
    site.edit("ops/paused.yaml", "schedule: { every: 1s, missed: all }\n", "");
    let before = now();
    quick(&site, "changed", "{ every: 1s, missed: all }");
    confirm(&site, "process/away");
    confirm(&site, "process/paused");
    wait_for(&site, "process/away", "process_removed");
    until("the pause is in force", || {
        (of(&stream(&site, "process/paused"), "process_loaded").len() == 2).then_some(())
    });
    let from = now();
    the_clock_reaches(from + 4 * SECOND);
    let until_here = now();
    site.write("ops/away.yaml", &away);
    site.write("ops/paused.yaml", &paused);
    for name in ["away", "paused"] {
        let facts = until("it fires again", || {
            let facts = stream(&site, &format!("schedule/{name}"));
            nominals(&facts, "occurrence_due").last().is_some_and(|last| *last > until_here).then_some(facts)
        });
        let mut all = nominals(&facts, "occurrence_due");
        all.extend(nominals(&facts, "occurrence_skipped"));
        let invented: Vec<_> = all.iter().filter(|n| (from + SECOND..until_here).contains(*n)).collect();
        assert!(invented.is_empty(), "{name} was not there from {from} to {until_here}: {invented:?}");
    }
    let facts = until("the changed one fires", || {
        Some(stream(&site, "schedule/changed")).filter(|facts| !of(facts, "occurrence_due").is_empty())
    });
    assert!(nominals(&facts, "occurrence_due")[0] > before, "{facts:?}");
    assert!(nominals(&facts, "occurrence_skipped").is_empty(), "{facts:?}");
}

/// The library that shows a program another clock, if it is installed.
fn faketime() -> Option<String> {
    let named = std::env::var("SEAWORTHY_TEST_FAKETIME").ok();
    let usual = ["x86_64", "aarch64"].map(|arch| format!("/usr/lib/{arch}-linux-gnu/faketime/libfaketime.so.1"));
    named.into_iter().chain(usual).find(|file| fs::exists(file).unwrap_or(false))
}

/// Later verbs and servers of the site see a clock that is as far off as its file `clock` says; `false`: none can.
pub fn set_clock_from_a_file(site: &Site) -> bool {
    let Some(library) = faketime() else { return false };
    for (name, value) in [
        ("LD_PRELOAD", library.as_str()),
        ("FAKETIME_TIMESTAMP_FILE", &site.path("clock").display().to_string()),
        ("FAKETIME_NO_CACHE", "1"),
        ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
    ] {
        site.env(name, value);
    }
    true
}

#[test]
fn a_clock_that_is_set_makes_no_run_twice_and_no_stampede() {
    let site = Site::new();
    quick(&site, "hourly", "{ every: 1h }");
    quick(&site, "quick", "{ every: 1s, missed: skip }");
    site.write("clock", "+0d");
    if !set_clock_from_a_file(&site) {
        return skipped("a_clock_that_is_set_makes_no_run_twice_and_no_stampede", "libfaketime is not installed");
    }
    let server = site.server();
    wait_for(&site, "schedule/quick", "occurrence_due");
    site.write("clock", "+1d");
    let due = wait_for(&site, "schedule/hourly", "occurrence_due");
    assert!(due.number("nominal") > now() + 20 * 3600 * SECOND, "only the newest of a day: {due:?}");
    let hours: i64 = missed(&site, "hourly").iter().map(|(_, count)| count).sum();
    assert!((22..=24).contains(&hours), "the others are counted: {hours}");
    wait_for(&site, "schedule/quick", "occurrences_skipped");
    site.write("clock", "-1d");
    until("it fires by the old clock", || {
        let facts = stream(&site, "schedule/quick");
        nominals(&facts, "occurrence_due").last().is_some_and(|last| *last < now() - 20 * 3600 * SECOND).then_some(())
    });
    site.write("clock", "+0d");
    until("it fires by the right clock again", || {
        let facts = stream(&site, "schedule/quick");
        nominals(&facts, "occurrence_due").last().filter(|last| (now() - **last).abs() < 60 * SECOND).map(drop)
    });
    assert_eq!(server.stop(), 0);
    let mut due = nominals(&stream(&site, "schedule/quick"), "occurrence_due");
    let all = due.len();
    due.sort_unstable();
    due.dedup();
    assert_eq!(due.len(), all, "no occurrence has two runs");
}

#[test]
fn a_server_that_was_started_by_a_clock_ahead_plans_anew_when_it_is_right_again() {
    let site = Site::new();
    quick(&site, "quick", "{ every: 1s, missed: skip }");
    site.write("clock", "+2h");
    if !set_clock_from_a_file(&site) {
        let name = "a_server_that_was_started_by_a_clock_ahead_plans_anew_when_it_is_right_again";
        return skipped(name, "libfaketime is not installed");
    }
    let server = site.server();
    wait_for(&site, "schedule/quick", "occurrence_due");
    site.write("clock", "+0d");
    wait_for(&site, "schedule/quick", "clock_set_back");
    until("it fires by the right clock", || {
        let facts = stream(&site, "schedule/quick");
        nominals(&facts, "occurrence_due").last().filter(|last| (now() - **last).abs() < 60 * SECOND).map(drop)
    });
    let rows = site.json(&["runs", "--missed", "quick"]).json;
    assert!(rows["runs"].as_array().unwrap().iter().any(|row| row["reason"] == "clock step"), "{rows}");
    assert_eq!(server.stop(), 0);
    // The same at a start.
    site.write("clock", "+1h");
    let server = site.server();
    until("it fires ahead", || {
        let facts = stream(&site, "schedule/quick");
        nominals(&facts, "occurrence_due").last().filter(|last| **last > now() + 1_800 * SECOND).map(drop)
    });
    assert_eq!(server.stop(), 0);
    site.write("clock", "+0d");
    let server = site.server();
    until("it is planned anew at the start", || {
        (of(&stream(&site, "schedule/quick"), "clock_set_back").len() == 2).then_some(())
    });
    assert_eq!(server.stop(), 0);
}
