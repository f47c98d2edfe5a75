//! The golden table of fires: what cronsim says (`golden/make.py`), and what croner says. Where one of them differs it is named here with the reason; a difference that ends is an error too.

#![expect(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

use std::{collections::BTreeSet, str::FromStr as _};

use jiff::tz::TimeZoneDatabase;
use seaworthy_core::schedule::{Timetable, parse_time, utc};
use seaworthy_model::{
    process::{Missed, Overlap, Schedule, When},
    time::At,
};

const TABLE: &str = include_str!("golden/schedule.txt");

/// Cases (expression, zone, after) in which cronsim is not followed.
const CRONSIM_DIFFERS: &[(&str, &str, &str)] = &[
    // It walks in whole hours from 01:00 over the half-hour gap and so comes to 03:30, leaving out 03:00 to 03:29.
    ("* 3 * * *", "Australia/Lord_Howe", "2026-10-03T13:00:00Z"),
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
    let schedule = Schedule {
        when: When::Cron(cron.to_owned()),
        timezone: zone.to_owned(),
        missed: Missed::Latest,
        within: None,
        overlap: Overlap::Forbid,
    };
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
