//! Chaos on ourselves: a server that sleeps, a watcher that is killed, nights of clock changes; and a file that counts
//! effects, which nothing of ours reads or changes.
//!
//! `SEAWORTHY_LONG` sleeps longer, kills more often and has more nights.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{Read as _, Write as _},
    os::unix::net::UnixStream,
    time::{Duration, Instant},
};

use rustix::process::{Signal, kill_process};

use crate::{
    change::confirm,
    kit::{Site, until},
    server_history::{Fact, history, intact, now, of, skipped, stream, wait_for, wait_watched, watched},
    server_schedule::set_clock_from_a_file,
    server_watch::Watch,
};

const SECOND: i64 = 1_000_000_000;

fn long() -> bool {
    std::env::var_os("SEAWORTHY_LONG").is_some()
}

/// A process whose effect is one line for each run, and whose check counts that line.
fn counting(site: &Site, name: &str, schedule: &str) {
    let step = "steps:\n  - { id: one, run: 'echo \"$SEAWORTHY_RUN\" >> effects', effect: once }\n";
    let check = "verify:\n  - { command: 'grep -c \"$SEAWORTHY_RUN\" effects', expect: 'stdout.trim() == \"1\"' }\n";
    site.process(name, &format!("schedule: {schedule}\n{step}{check}"));
}

/// Every run of the site has ended and had its effect once, and no effect is of a run that is on no record.
fn each_run_had_its_effect_once(site: &Site) {
    let facts = history(site);
    let ended: Vec<&Fact> = of(&facts, "run_ended");
    let runs: BTreeSet<String> = ended.iter().map(|fact| fact.stream["run/".len()..].to_owned()).collect();
    assert_eq!(runs.len(), of(&facts, "run_requested").len(), "every accepted run has ended");
    let green = ended.iter().filter(|fact| fact.text("verified") == "yes").count();
    assert_eq!(green, ended.len(), "{ended:?}");
    let mut counted: BTreeMap<String, u32> = BTreeMap::new();
    for line in site.read("effects").lines() {
        *counted.entry(line.to_owned()).or_default() += 1;
    }
    assert!(counted.values().all(|times| *times == 1), "an effect twice: {counted:?}");
    assert_eq!(counted.into_keys().collect::<BTreeSet<_>>(), runs);
}

/// Nominal times with a record of any kind, those that were counted together included.
fn accounted(facts: &[Fact], every: i64) -> BTreeSet<i64> {
    let single = |kind| of(facts, kind).into_iter().map(|fact| fact.number("nominal"));
    let mut all: BTreeSet<i64> = single("occurrence_due").chain(single("occurrence_skipped")).collect();
    for fact in of(facts, "occurrences_skipped") {
        let (first, last) = (fact.number("first"), fact.number("last"));
        all.extend((0..=(last - first) / every).map(|n| first + n * every));
    }
    all
}

#[test]
fn a_server_that_sleeps_while_things_are_due_wakes_and_accounts_for_each() {
    let site = Site::new();
    counting(&site, "tick", "{ every: 1s, missed: latest, overlap: { queue: 2 } }");
    let server = site.server();
    wait_for(&site, "schedule/tick", "occurrence_due");
    let naps = if long() { vec![30, 2, 7, 30] } else { vec![3, 7] };
    for seconds in naps {
        kill_process(server.pid(), Signal::STOP).unwrap();
        let woken = Instant::now() + Duration::from_secs(seconds);
        until("it has slept", || (Instant::now() > woken).then_some(()));
        kill_process(server.pid(), Signal::CONT).unwrap();
        let now = now();
        until("it goes on", || {
            let facts = stream(&site, "schedule/tick");
            of(&facts, "occurrence_due").iter().any(|fact| fact.number("nominal") > now).then_some(())
        });
    }
    std::fs::remove_file(site.path("ops/tick.yaml")).unwrap();
    confirm(&site, "process/tick");
    wait_for(&site, "process/tick", "process_removed");
    until("every run has ended", || {
        let facts = history(&site);
        (of(&facts, "run_ended").len() == of(&facts, "run_requested").len()).then_some(())
    });
    assert_eq!(server.stop(), 0);
    each_run_had_its_effect_once(&site);
    let all = accounted(&stream(&site, "schedule/tick"), SECOND);
    let (first, last) = (*all.first().unwrap(), *all.last().unwrap());
    let missing: Vec<i64> = (first..last).step_by(SECOND as usize).filter(|at| !all.contains(at)).collect();
    assert!(missing.is_empty(), "neither run nor reason: {missing:?}");
    intact(&site);
}

/// Who gave up may have asked again: what they asked for is not done behind their back.
#[test]
fn a_server_that_slept_drops_what_was_asked_by_who_has_left() {
    let site = Site::new();
    for name in ["left", "stayed"] {
        site.process(name, "steps:\n  - { id: one, run: 'true' }\n");
    }
    let server = site.server();
    kill_process(server.pid(), Signal::STOP).unwrap();
    let socket = site.socket();
    let mut gone = UnixStream::connect(&socket).unwrap();
    gone.write_all(b"{\"ask\":\"run\",\"process\":\"left\"}\n").unwrap();
    drop(gone);
    let mut stays = UnixStream::connect(&socket).unwrap();
    stays.write_all(b"{\"ask\":\"run\",\"process\":\"stayed\"}\n").unwrap();
    kill_process(server.pid(), Signal::CONT).unwrap();
    let mut said = String::new();
    stays.read_to_string(&mut said).unwrap();
    assert!(said.contains("\"answer\":\"started\""), "{said}");
    assert_eq!(server.stop(), 0);
    let facts = history(&site);
    let asked: Vec<&str> = of(&facts, "run_requested").iter().map(|fact| fact.text("process")).collect();
    assert_eq!(asked, ["stayed"]);
}

/// Nights in which the clock on the wall is changed: zone, when it is looked at, and the one time at which 02:30 of that
/// night is due. `date -d` reads the times.
const NIGHTS: [(&str, [&str; 2], &str); 4] = [
    // 02:30 comes twice: the first counts.
    ("Europe/Berlin", ["2026-10-25T00:29:56Z", "2026-10-25T01:29:56Z"], "2026-10-25T00:30:00Z"),
    // 02:30 does not come: the first instant after the gap.
    ("Europe/Berlin", ["2027-03-28T00:59:56Z", "2027-03-28T01:29:56Z"], "2027-03-28T01:00:00Z"),
    ("America/New_York", ["2027-03-14T06:59:56Z", "2027-03-14T07:29:56Z"], "2027-03-14T07:00:00Z"),
    ("America/New_York", ["2026-11-01T06:29:56Z", "2026-11-01T07:29:56Z"], "2026-11-01T07:30:00Z"),
];

#[test]
fn a_night_of_a_clock_change_has_its_run_once() {
    let nights = if long() { &NIGHTS[..] } else { &NIGHTS[..2] };
    for (zone, looks, due) in nights {
        let site = Site::new();
        let seconds = |text: &str| site.sh(&format!("date -u -d {text} +%s")).trim().parse::<i64>().unwrap();
        let set = |text: &str| site.write("clock", &format!("{:+}", seconds(text) - now() / SECOND));
        counting(&site, "nightly", &format!("{{ cron: \"30 2 * * *\", timezone: {zone}, missed: skip }}"));
        counting(&site, "witness", "{ cron: \"*/30 * * * *\", timezone: UTC, missed: skip }");
        // Some minutes early: a server takes a moment to begin.
        site.write("clock", &format!("{:+}", seconds(looks[0]) - 1_200 - now() / SECOND));
        if !set_clock_from_a_file(&site) {
            return skipped("a_night_of_a_clock_change_has_its_run_once", "libfaketime is not installed");
        }
        let server = site.server();
        wait_for(&site, "schedule/nightly", "schedule_set");
        wait_for(&site, "schedule/witness", "schedule_set");
        for look in looks {
            set(look);
            let next = (seconds(look) + 4) * SECOND;
            until("the next half hour has come", || {
                let facts = stream(&site, "schedule/witness");
                of(&facts, "occurrence_due").iter().any(|fact| fact.number("nominal") == next).then_some(())
            });
        }
        until("every run has ended", || {
            let facts = history(&site);
            (of(&facts, "run_ended").len() == of(&facts, "run_requested").len()).then_some(())
        });
        assert_eq!(server.stop(), 0);
        let facts = stream(&site, "schedule/nightly");
        let nominals: Vec<i64> = of(&facts, "occurrence_due").iter().map(|fact| fact.number("nominal")).collect();
        assert_eq!(nominals, [seconds(due) * SECOND], "{zone}: {facts:?}");
        each_run_had_its_effect_once(&site);
        intact(&site);
    }
}

#[test]
fn a_watcher_that_is_killed_again_and_again_says_each_thing_once() {
    let site = Site::new();
    let server = site.server_with(&["--no-watch"]);
    let kills = if long() { 8 } else { 3 };
    let names: Vec<String> = (0..kills).map(|n| format!("p{n}")).collect();
    for (n, name) in names.iter().enumerate() {
        let at = now() / SECOND + 6 + 2 * n as i64;
        let anchor = site.sh(&format!("date -u -d @{at} +%Y-%m-%dT%H:%M:%SZ")).trim().to_owned();
        let tell = "tell: { when: [missed], route: oncall }\n";
        let schedule =
            format!("schedule: {{ every: 1h, anchor: \"{anchor}\" }}\nwatch: {{ start_within: 1s }}\n{tell}");
        site.process(name, &format!("{schedule}steps:\n  - {{ id: one, run: 'true' }}\n"));
        wait_for(&site, &format!("schedule/{name}"), "schedule_set");
    }
    let mut watch = Watch::begin(&site);
    until("it watches", || site.data().join("watcher/journal.db").exists().then_some(()));
    // Nobody is there to start anything.
    server.kill();
    for name in &names {
        wait_watched(&site, &format!("{name} is missed"), |fact| {
            fact.kind == "signal_raised" && fact.text("process") == name.as_str()
        });
        // Dropped is killed: in the middle of telling, as like as not.
        drop(watch);
        watch = Watch::begin(&site);
    }
    until("all is told", || {
        names.iter().all(|name| site.read("told.txt").contains(&format!("{name}: missed"))).then_some(())
    });
    until("each message has ended", || {
        let facts = watched(&site);
        (of(&facts, "message_ended").len() == of(&facts, "message_due").len()).then_some(())
    });
    drop(watch);
    let facts = watched(&site);
    for name in &names {
        let raised: Vec<&Fact> =
            of(&facts, "signal_raised").into_iter().filter(|fact| fact.text("process") == name.as_str()).collect();
        assert_eq!(raised.len(), 1, "one outage, one signal: {raised:?}");
        let due = of(&facts, "message_due").into_iter().filter(|fact| fact.text("signal") == raised[0].text("signal"));
        assert_eq!(due.count(), 1, "{name}");
    }
}
