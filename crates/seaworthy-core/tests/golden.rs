//! The golden table of fires: what cronsim says (`golden/make.py`), and what croner says. Where one of them differs it is named here with the reason; a difference that ends is an error too. Where the Python package cronsim is installed it is asked itself, for the table and for many more expressions.

#![expect(clippy::unwrap_used, reason = "a test stops at what it did not expect")]
#![expect(clippy::disallowed_types, reason = "the oracle is another program")]

use std::{
    collections::BTreeSet,
    fmt::Write as _,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    str::FromStr as _,
};

use jiff::tz::TimeZoneDatabase;
use seaworthy_core::schedule::{Timetable, parse_time, utc};
use seaworthy_model::{
    process::{Schedule, When},
    time::At,
};

const TABLE: &str = include_str!("golden/schedule.txt");

/// Cases (expression, zone, after) in which cronsim is not followed.
const CRONSIM_DIFFERS: &[(&str, &str, &str)] = &[
    // It walks in whole hours from 01:00 over the half-hour gap and so comes to 03:30, leaving out 03:00 to 03:29.
    ("* 3 * * *", "Australia/Lord_Howe", "2026-10-03T13:00:00Z"),
    // The same in the half-hour fold: it leaves out 03:00 to 03:29.
    ("* 3 * * *", "Australia/Lord_Howe", "2026-04-04T10:00:00Z"),
];

/// Cases in which croner is not followed.
const CRONER_DIFFERS: &[(&str, &str, &str)] = &[
    // Only an expression with one minute and one hour is nominal to it: several times in the gap are dropped ...
    ("0,30 2 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z"),
    ("15 1-4 * * *", "Europe/Berlin", "2026-03-28T22:00:00Z"),
    // ... and several in the fold fire twice.
    ("0,30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z"),
    ("0 1,2,3 * * *", "Europe/Berlin", "2026-10-24T20:00:00Z"),
    ("0,59 1 * * *", "America/New_York", "2026-10-31T12:00:00Z"),
    // A day field that starts with a star but has a step is joined by OR, against crontab(5).
    ("0 0 29 2 */7", "UTC", "2026-01-01T00:00:00Z"),
    ("0 0 */10 * 1", "UTC", "2026-01-01T00:00:00Z"),
    ("0 0 13 * */5", "UTC", "2026-01-01T00:00:00Z"),
    // A step after a single value is refused.
    ("5/20 * * * *", "UTC", "2026-01-01T00:00:00Z"),
];

struct Case {
    cron: &'static str,
    zone: &'static str,
    after: &'static str,
    fires: Vec<&'static str>,
}

fn cases() -> Vec<Case> {
    let lines = TABLE.lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| {
            let parts: Vec<&str> = line.split(" | ").collect();
            let [cron, zone, after, fires] = parts[..] else { panic!("`{line}` has not four parts") };
            Case { cron, zone, after, fires: fires.split(' ').collect() }
        })
        .collect()
}

fn timetable(cron: &str, zone: &str) -> Timetable {
    let schedule = Schedule::new(When::Cron(cron.to_owned()), zone);
    Timetable::parse(&schedule).unwrap_or_else(|p| panic!("{cron} {zone}: {p:?}"))
}

fn ours(case: &Case) -> Vec<String> {
    let timetable = timetable(case.cron, case.zone);
    let mut t = parse_time(case.after).unwrap();
    let mut next = || {
        t = timetable.next_after(t).unwrap();
        utc(t)
    };
    case.fires.iter().map(|_| next()).collect()
}

/// Names every case that differs though it is not listed, and every listed one that does not differ.
fn compare(who: &str, listed: &[(&str, &str, &str)], theirs: impl Fn(&Case) -> Vec<String>) {
    let mut wrong = Vec::new();
    for case in cases() {
        let (theirs, ours) = (theirs(&case), ours(&case));
        let known = listed.contains(&(case.cron, case.zone, case.after));
        if (theirs != ours) != known {
            wrong.push(format!(
                "(\"{}\", \"{}\", \"{}\")\n  {who}: {theirs:?}\n  ours:    {ours:?}",
                case.cron, case.zone, case.after
            ));
        }
    }
    assert!(wrong.is_empty(), "{} cases are not as listed:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn the_table_has_sixty_cases_over_four_zones_with_different_rules() {
    let all = cases();
    assert!(all.len() >= 60);
    let zones: BTreeSet<&str> = all.iter().map(|case| case.zone).collect();
    assert_eq!(zones.len(), 5, "four zones and UTC");
}

#[test]
fn fires_are_those_of_cronsim() {
    compare("cronsim", CRONSIM_DIFFERS, |case| case.fires.iter().map(|fire| (*fire).to_owned()).collect());
}

#[test]
fn fires_are_those_of_croner_but_for_the_listed() {
    compare("croner ", CRONER_DIFFERS, |case| {
        let Ok(cron) = croner::Cron::from_str(case.cron) else { return vec!["refused".to_owned()] };
        let zone = TimeZoneDatabase::bundled().get(case.zone).unwrap();
        let mut t = case.after.parse::<jiff::Timestamp>().unwrap().to_zoned(zone);
        let mut next = || {
            t = cron.find_next_occurrence(&t, false).ok()?;
            Some(utc(At(i64::try_from(t.timestamp().as_nanosecond()).unwrap())))
        };
        case.fires.iter().map_while(|_| next()).collect()
    });
}

/// Runs `golden/make.py` in the Python environment of the tests; `None` where cronsim is not there.
fn cronsim(arguments: &[&str], input: &str) -> Option<String> {
    let target = std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target"), PathBuf::from);
    let parts = std::env::var_os("SEAWORTHY_TEST_PARTS").map_or_else(|| target.join("test-parts"), PathBuf::from);
    let python = parts.join("venv/bin/python");
    let there = Command::new(&python).args(["-c", "import cronsim, tzdata"]).output();
    if !there.is_ok_and(|said| said.status.success()) {
        println!("SKIPPED: cronsim: not in {}; `cargo xtask test` installs it", python.display());
        return None;
    }
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/make.py");
    let mut child =
        Command::new(python).arg(script).args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let said = child.wait_with_output().unwrap();
    assert!(said.status.success(), "make.py ended with {}", said.status);
    Some(String::from_utf8(said.stdout).unwrap())
}

#[test]
fn the_table_is_what_cronsim_says_today() {
    if let Some(said) = cronsim(&[], "") {
        assert!(said == TABLE, "run tests/golden/make.py anew and look at the difference");
    }
}

/// Nights of clock changes and ordinary ones.
const NIGHTS: [(&str, &str); 9] = [
    ("Europe/Berlin", "2026-03-28T20:00"),
    ("Europe/Berlin", "2026-10-24T20:00"),
    ("America/New_York", "2026-03-08T03:00"),
    ("America/New_York", "2026-11-01T02:00"),
    ("Australia/Lord_Howe", "2026-04-04T10:00"),
    ("Africa/Casablanca", "2026-02-14T22:00"),
    ("Africa/Casablanca", "2026-03-21T22:00"),
    ("UTC", "2028-02-28T12:00"),
    ("Europe/Berlin", "2026-12-30T20:00"),
];

/// Every combination of these, with the night and the days taken in turn.
const MINUTES: [&str; 7] = ["0", "30", "*/20", "15,45", "59", "*", "5-10/5"];
const HOURS: [&str; 8] = ["2", "3", "1-4", "*", "*/2", "0,2", "23", "1"];
const DAYS: [&str; 9] =
    ["* * *", "L * *", "28-31 * *", "29 2 *", "* * 0", "1 * 1-5", "*/2 * 5", "* 3,10 0#5", "* * 7L"];

#[test]
fn five_hundred_further_expressions_fire_as_cronsim_fires_them() {
    let mut asked = String::new();
    let mut all = Vec::new();
    for (n, (minute, hour)) in MINUTES.iter().flat_map(|m| HOURS.iter().map(move |h| (m, h))).enumerate() {
        for night in 0..NIGHTS.len() {
            let ((zone, after), days) = (NIGHTS[night], DAYS[(n + night) % DAYS.len()]);
            let expression = format!("{minute} {hour} {days}");
            writeln!(asked, "{expression} | {zone} | {after}").unwrap();
            all.push((expression, zone, format!("{after}:00Z")));
        }
    }
    assert!(all.len() >= 500);
    let Some(said) = cronsim(&["-"], &asked) else { return };
    let mut wrong = Vec::new();
    for (line, (expression, zone, after)) in said.lines().zip(&all) {
        let theirs: Vec<&str> = line.rsplit(" | ").next().unwrap().split(' ').collect();
        let timetable = timetable(expression, zone);
        let mut t = parse_time(after).unwrap();
        let mut next = || {
            t = timetable.next_after(t).unwrap();
            utc(t)
        };
        let ours: Vec<String> = theirs.iter().map(|_| next()).collect();
        if (ours != theirs) != CRONSIM_DIFFERS.contains(&(expression, zone, after)) {
            wrong.push(format!("{expression} | {zone} | {after}\n  cronsim: {theirs:?}\n  ours:    {ours:?}"));
        }
    }
    assert_eq!(said.lines().count(), all.len());
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}
