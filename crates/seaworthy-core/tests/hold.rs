//! Calendars, blackouts and pauses: what does not run because of them, and with which reason.

#![expect(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

use seaworthy_core::schedule::{Act, Decision, Holds, Timetable, decide, parse_days, parse_time, utc};
use seaworthy_model::{
    process::{Missed, Overlap, Schedule, When},
    schedule::{Blackout, DaySet, Pause, WhenOver},
    time::At,
    view::ScheduleRow,
};

fn at(text: &str) -> At {
    parse_time(&format!("2026-06-{text}")).unwrap()
}

fn set(name: &str, days: &[&str]) -> DaySet {
    DaySet { name: name.into(), days: days.iter().map(|day| parse_days(day).unwrap()).collect() }
}

/// Daily at 03:00 in Berlin, which is 01:00 in UTC; 10 June 2026 is a Wednesday.
fn daily() -> Schedule {
    Schedule::new(When::Cron("0 3 * * *".into()), "Europe/Berlin")
}

struct Site<'a> {
    blackouts: &'a [Blackout],
    pause: Option<&'a Pause>,
    queued: &'a [At],
    live: u32,
}

const QUIET: Site<'_> = Site { blackouts: &[], pause: None, queued: &[], live: 0 };

fn ask(schedule: &Schedule, site: &Site<'_>, cursor: &str, now: &str) -> Decision {
    let timetable = Timetable::parse(schedule).unwrap();
    let cursor = at(cursor);
    let (process, digest, queued) = ("p".into(), "d".into(), site.queued.to_vec());
    let row = ScheduleRow { process, digest, since: cursor, cursor, queued, pause: site.pause.cloned() };
    decide(schedule, &timetable, &row, Holds::of(schedule, site.blackouts, site.pause), site.live, at(now))
}

fn acts(decision: &Decision) -> String {
    let short = |t: &At| utc(*t)[8..16].replace('T', " ");
    let one = |act: &Act| match act {
        Act::Start { nominal } => format!("start {}", short(nominal)),
        Act::Skip { nominal, reason } => format!("skip {} {}", short(nominal), reason.word()),
        Act::SkipMany { count, reason, .. } => format!("skip {count} {}", reason.word()),
        Act::Queue { nominal } => format!("queue {}", short(nominal)),
        Act::Replace { nominal } => format!("replace {}", short(nominal)),
    };
    decision.acts.iter().map(one).collect::<Vec<_>>().join("; ")
}

#[test]
fn a_day_of_a_calendar_is_skipped_with_its_name() {
    let schedule = Schedule { except: vec![set("holidays", &["2026-06-10"])], ..daily() };
    assert_eq!(acts(&ask(&schedule, &QUIET, "10 00:30", "10 01:00")), "skip 10 01:00 calendar");
    assert_eq!(acts(&ask(&schedule, &QUIET, "11 00:30", "11 01:00")), "start 11 01:00");
    let timetable = Timetable::parse(&schedule).unwrap();
    let (_, why) = Holds::of(&schedule, &[], None).on(&timetable, at("10 01:00")).unwrap();
    assert_eq!(why, "2026-06-10 is a day of `holidays`");
    let only = Schedule { only: vec![set("weekend", &["Sat..Sun"]), set("first", &["06-12"])], ..daily() };
    assert_eq!(acts(&ask(&only, &QUIET, "10 00:30", "10 01:00")), "skip 10 01:00 calendar");
    assert_eq!(acts(&ask(&only, &QUIET, "12 00:30", "12 01:00")), "start 12 01:00");
    assert_eq!(acts(&ask(&only, &QUIET, "13 00:30", "13 01:00")), "start 13 01:00");
    // The day is that of the wall clock: 22:30 UTC is half past midnight of the next day in Berlin.
    let late = Schedule { when: When::Cron("30 0 * * *".into()), ..schedule };
    assert_eq!(acts(&ask(&late, &QUIET, "09 22:00", "09 22:30")), "skip 09 22:30 calendar");
}

#[test]
fn after_an_outage_the_newest_that_nothing_keeps_from_running_runs() {
    let schedule = Schedule { except: vec![set("holidays", &["2026-06-13..2026-06-14"])], ..daily() };
    let decision = ask(&schedule, &QUIET, "10 12:00", "14 12:00");
    assert_eq!(
        acts(&decision),
        "skip 11 01:00 downtime; skip 13 01:00 calendar; skip 14 01:00 calendar; start 12 01:00"
    );
    let none = Schedule { except: vec![set("always", &["Mon..Sun"])], ..daily() };
    assert_eq!(acts(&ask(&none, &QUIET, "12 12:00", "14 12:00")), "skip 13 01:00 calendar; skip 14 01:00 calendar");
}

#[test]
fn what_is_due_in_a_blackout_is_skipped_or_runs_once_when_it_is_over() {
    let blackout = |over| Blackout { from: at("10 00:00"), until: at("12 06:00"), reason: "freeze".into(), over };
    let (skip, latest) = ([blackout(WhenOver::Skip)], [blackout(WhenOver::Latest)]);
    let at_once = Site { blackouts: &skip, ..QUIET };
    assert_eq!(acts(&ask(&daily(), &at_once, "10 00:30", "10 01:00")), "skip 10 01:00 blackout");
    let later = Site { blackouts: &latest, ..QUIET };
    assert_eq!(acts(&ask(&daily(), &later, "10 00:30", "10 01:00")), "queue 10 01:00");
    let queued = [at("10 01:00")];
    let later = Site { blackouts: &latest, queued: &queued, ..QUIET };
    assert_eq!(acts(&ask(&daily(), &later, "10 02:00", "10 03:00")), "", "it waits");
    assert_eq!(acts(&ask(&daily(), &later, "11 00:30", "11 01:00")), "skip 10 01:00 blackout; queue 11 01:00");
    assert_eq!(acts(&ask(&daily(), &later, "12 05:00", "12 06:00")), "start 10 01:00");
    let own = Schedule { blackouts: skip.to_vec(), overlap: Overlap::Replace, ..daily() };
    assert_eq!(acts(&ask(&own, &Site { live: 1, ..QUIET }, "10 00:30", "10 01:00")), "skip 10 01:00 blackout");
    // Nobody was there in the blackout: it is over now, so the newest runs.
    let away = Site { blackouts: &latest, ..QUIET };
    assert_eq!(
        acts(&ask(&daily(), &away, "10 00:30", "12 12:00")),
        "skip 10 01:00 downtime; skip 11 01:00 downtime; start 12 01:00"
    );
}

#[test]
fn in_a_pause_nothing_starts_and_each_occurrence_says_so() {
    let pause = Pause { since: at("10 00:00"), until: at("11 06:00"), reason: "disk swap".into(), extended: 0 };
    let queued = [at("09 23:00")];
    let paused = Site { pause: Some(&pause), queued: &queued, ..QUIET };
    assert_eq!(acts(&ask(&daily(), &paused, "10 00:30", "10 01:00")), "skip 09 23:00 paused; skip 10 01:00 paused");
    let all = Schedule { missed: Missed::All, ..daily() };
    let paused = Site { pause: Some(&pause), ..QUIET };
    assert_eq!(
        acts(&ask(&all, &paused, "09 12:00", "12 12:00")),
        "skip 10 01:00 paused; skip 11 01:00 paused; start 12 01:00"
    );
    let timetable = Timetable::parse(&all).unwrap();
    let (_, why) = Holds::of(&all, &[], Some(&pause)).on(&timetable, at("10 01:00")).unwrap();
    assert_eq!(why, "paused until 2026-06-11T06:00:00Z: disk swap");
}
