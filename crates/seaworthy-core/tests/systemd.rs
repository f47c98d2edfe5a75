//! Calendars against the real `systemd-analyze calendar`: which expressions are read, and when they fire. Outside the
//! nights of clock changes, where the rule is another one on purpose (see `core::schedule`).

#![expect(clippy::unwrap_used, reason = "a test stops at what it did not expect")]
#![expect(clippy::disallowed_types, reason = "the oracle is another program")]

use std::process::Command;

use seaworthy_core::schedule::{Timetable, parse_time, split_zone, utc};
use seaworthy_model::process::{Schedule, When};

/// The summer before the clocks go back; no fire of the cases below lies in a night of a clock change.
const FROM: &str = "2026-06-10T10:11:12Z";
const FIRES: usize = 6;

const READ: &[&str] = &[
    "minutely",
    "hourly",
    "daily",
    "weekly",
    "monthly",
    "quarterly",
    "semiannually",
    "yearly",
    "annually",
    "Mon",
    "Monday..Friday",
    "mon..tue,fri",
    "Mon,Wed..Fri 12:00",
    "Mon-Fri 08:15",
    "Sat,Sun",
    "Wed, 17:48",
    "02:30",
    "2,1:23",
    "0/2:00",
    "8..18/2:00",
    "*:0/15",
    "*:*",
    "*:*:*",
    "*:*:0/20",
    "12:00:15",
    "10..14/3:10,20:5..7",
    "2026-12-31",
    "2026-12-31 23:59:59",
    "*-*-01",
    "*-01..03-05",
    "*-2/3-10",
    "*-*-1..3/5",
    "*-*-10/7 06:00",
    "*-*~01",
    "*-02~01",
    "*-02~03",
    "Mon *-05~07/1",
    "*-*~1..3",
    "*-*~1,3",
    "*-*~10/4",
    "*-*~07/1 12:00",
    "2026..2028-*-15",
    "2026/2-07-01",
    "2027,2029-01-01",
    "Sun 2012..2199-1,7-* 2:04:00",
    "*-02-29",
    "Fri *-*-13",
    "Mon 02:30 Europe/Berlin",
    "daily America/New_York",
    "*-*~01 18:00 Australia/Lord_Howe",
    "Sat 08..10:00 UTC",
];

const REFUSED: &[&str] = &[
    "",
    "Mum",
    "Fri..Tue",
    "*/5:00",
    "*-*-*/2",
    "25:00",
    "12:60",
    "*:0/90",
    "10..5:00",
    "*,5:00",
    "2026-*",
    "*-13-01",
    "*-*-32",
    "*-*-0",
    "*-*-31/1",
    "*:*:60",
    "12",
    "1:2:3:4",
    "2026-01-01 2026-01-02",
    "12:00 Mon",
    "1,,2:00",
    "5/0:00",
    "daily daily",
    "*-*-*-*",
    "*~*~01",
    "02:30 Europe/Berln",
    "1969-01-01",
    "*:-1",
    "12:00:",
];

fn ours(text: &str) -> Result<Timetable, String> {
    let (expression, zone) = split_zone(text);
    Timetable::parse(&Schedule::new(When::Calendar(expression.into()), zone.unwrap_or("UTC"))).map_err(|p| p.message)
}

fn fires(text: &str) -> Vec<String> {
    let timetable = ours(text).unwrap_or_else(|problem| panic!("`{text}`: {problem}"));
    let mut t = parse_time(FROM).unwrap();
    let next = || {
        t = timetable.next_after(t)?;
        Some(utc(t))
    };
    std::iter::from_fn(next).take(FIRES).collect()
}

/// `None`: refused.
fn theirs(text: &str) -> Option<Vec<String>> {
    let base = format!("{} UTC", FROM.replace('T', " ").replace('Z', ""));
    let mut command = Command::new("systemd-analyze");
    command.args(["calendar", &format!("--iterations={FIRES}"), &format!("--base-time={base}"), text]);
    let said = command.env("TZ", "UTC").env("LC_ALL", "C").output().unwrap();
    let lines = String::from_utf8(said.stdout).unwrap();
    let fire = |line: &str| {
        let (what, time) = line.trim().split_once(": ")?;
        // `Next elapse: Mon 2026-05-25 00:30:00 UTC`
        let words: Vec<&str> = time.split(' ').collect();
        let [_, date, time, "UTC"] = words[..] else { return None };
        (what == "Next elapse" || what.starts_with("Iter.")).then(|| format!("{date}T{time}Z"))
    };
    said.status.success().then(|| lines.lines().filter_map(fire).collect())
}

fn systemd() -> bool {
    let there = Command::new("systemd-analyze").arg("--version").output().is_ok_and(|said| said.status.success());
    if !there {
        println!("SKIPPED: systemd-analyze: it is not installed; install the package systemd");
    }
    there
}

#[test]
fn calendars_fire_when_systemd_says_so() {
    if !systemd() {
        return;
    }
    let wrong: Vec<String> = READ
        .iter()
        .map(|text| (text, fires(text), theirs(text).unwrap_or_default()))
        .filter(|(_, ours, theirs)| ours != theirs)
        .map(|(text, ours, theirs)| format!("`{text}`\n  systemd: {theirs:?}\n  ours:    {ours:?}"))
        .collect();
    assert!(wrong.is_empty(), "{} cases differ:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn what_systemd_refuses_is_refused() {
    let accepted: Vec<&&str> = REFUSED.iter().filter(|text| ours(text).is_ok()).collect();
    assert!(accepted.is_empty(), "{accepted:?}");
    if systemd() {
        let read: Vec<&&str> = REFUSED.iter().filter(|text| theirs(text).is_some_and(|f| !f.is_empty())).collect();
        assert!(read.is_empty(), "systemd reads {read:?}");
    }
}

/// Our rule for clock changes is that of cron expressions, and not systemd's, which leaves 02:30 out in the gap.
#[test]
fn a_nominal_time_fires_once_in_a_night_of_a_clock_change() {
    let after = |text: &str, from: &str, n: usize| {
        let timetable = ours(text).unwrap();
        let mut t = parse_time(from).unwrap();
        (0..n)
            .map(|_| {
                t = timetable.next_after(t).unwrap();
                utc(t)
            })
            .collect::<Vec<_>>()
    };
    let gap = after("02:30 Europe/Berlin", "2026-03-28T12:00:00Z", 2);
    assert_eq!(gap, ["2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"]);
    let fold = after("02:30 Europe/Berlin", "2026-10-24T12:00:00Z", 2);
    assert_eq!(fold, ["2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"]);
    let elapsed = after("*:0/30 Europe/Berlin", "2026-10-24T23:45:00Z", 4);
    assert_eq!(
        elapsed,
        ["2026-10-25T00:00:00Z", "2026-10-25T00:30:00Z", "2026-10-25T01:00:00Z", "2026-10-25T01:30:00Z"]
    );
}
