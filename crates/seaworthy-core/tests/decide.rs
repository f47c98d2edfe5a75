//! What becomes of occurrences: policies, limits, outages and clocks that are set. Acts are written as short text.

#![expect(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

use seaworthy_core::schedule::{Act, CATCH_UP_MAX, Decision, Holds, RECORDED_MAX, Timetable, decide, parse_time, utc};
use seaworthy_model::{
    process::{Missed, Overlap, Schedule, When},
    time::{At, Span},
    view::ScheduleRow,
};

fn at(text: &str) -> At {
    parse_time(&format!("2026-06-{text}")).unwrap()
}

/// Hourly unless changed.
fn schedule(missed: Missed, overlap: Overlap) -> Schedule {
    Schedule { missed, overlap, ..Schedule::new(When::Cron("0 * * * *".into()), "UTC") }
}

fn ask(schedule: &Schedule, cursor: At, queued: &[At], live: u32, now: At) -> Decision {
    let timetable = Timetable::parse(schedule).unwrap();
    let queued = queued.to_vec();
    let row = ScheduleRow { process: "p".into(), digest: "d".into(), since: cursor, cursor, queued, pause: None };
    decide(schedule, &timetable, &row, Holds::of(schedule, &[], None), live, now)
}

/// `start 10 03:00; skip 10 04:00 overlap; …`
fn acts(decision: &Decision) -> String {
    let short = |t: &At| utc(*t)[8..16].replace('T', " ");
    let one = |act: &Act| match act {
        Act::Start { nominal } => format!("start {}", short(nominal)),
        Act::Skip { nominal, reason } => format!("skip {} {}", short(nominal), reason.word()),
        Act::SkipMany { count, first, last, reason } => {
            format!("skip {count} from {} to {} {}", short(first), short(last), reason.word())
        }
        Act::Queue { nominal } => format!("queue {}", short(nominal)),
        Act::Replace { nominal } => format!("replace {}", short(nominal)),
    };
    decision.acts.iter().map(one).collect::<Vec<_>>().join("; ")
}

#[test]
fn an_occurrence_on_time_starts_and_the_cursor_passes_it() {
    let hourly = schedule(Missed::Skip, Overlap::Forbid);
    let decision = ask(&hourly, at("10 02:30"), &[], 0, at("10 03:00:05"));
    assert_eq!(acts(&decision), "start 10 03:00");
    assert_eq!((decision.cursor, decision.next), (at("10 03:00:05"), Some(at("10 04:00"))));
    let again = ask(&hourly, decision.cursor, &[], 1, at("10 03:00:05"));
    assert_eq!(acts(&again), "", "asked twice");
    let missed = ask(&hourly, at("10 02:30"), &[], 0, at("10 03:00:05") + Span(1));
    assert_eq!(acts(&missed), "skip 10 03:00 downtime", "after the grace it was missed");
}

#[test]
fn a_new_schedule_has_no_history() {
    let decision = ask(&schedule(Missed::All, Overlap::Allow), at("10 03:30"), &[], 0, at("10 03:30"));
    assert_eq!((acts(&decision).as_str(), decision.next), ("", Some(at("10 04:00"))));
}

#[test]
fn missed_occurrences_follow_their_policy() {
    let cases = [
        (Missed::Skip, None, "skip 10 01:00 downtime; skip 10 02:00 downtime; skip 10 03:00 downtime"),
        (Missed::Latest, None, "skip 10 01:00 downtime; skip 10 02:00 downtime; start 10 03:00"),
        (Missed::All, None, "start 10 01:00; start 10 02:00; start 10 03:00"),
        (
            Missed::Latest,
            Some(Span::seconds(1800)),
            "skip 10 01:00 expired; skip 10 02:00 expired; skip 10 03:00 expired",
        ),
        (Missed::All, Some(Span::seconds(6400)), "skip 10 01:00 expired; start 10 02:00; start 10 03:00"),
        (Missed::All, Some(Span::seconds(6300)), "skip 10 01:00 expired; start 10 02:00; start 10 03:00"),
        (Missed::All, Some(Span::seconds(6299)), "skip 10 01:00 expired; skip 10 02:00 expired; start 10 03:00"),
    ];
    for (missed, within, expected) in cases {
        let schedule = Schedule { within, ..schedule(missed, Overlap::Allow) };
        let decision = ask(&schedule, at("10 00:30"), &[], 0, at("10 03:45"));
        assert_eq!(acts(&decision), expected, "{missed:?} {within:?}");
    }
}

#[test]
fn the_latest_is_the_one_on_time_if_there_is_one() {
    let decision = ask(&schedule(Missed::Latest, Overlap::Allow), at("10 00:30"), &[], 0, at("10 03:00:01"));
    assert_eq!(acts(&decision), "skip 10 01:00 downtime; skip 10 02:00 downtime; start 10 03:00");
}

#[test]
fn overlap_follows_its_policy() {
    let cases = [
        (Overlap::Forbid, 1, "skip 10 03:00 overlap"),
        (Overlap::Queue(1), 1, "queue 10 03:00"),
        (Overlap::Queue(0), 1, "skip 10 03:00 queue full"),
        (Overlap::Replace, 1, "replace 10 03:00"),
        (Overlap::Replace, 0, "start 10 03:00"),
        (Overlap::Allow, 7, "start 10 03:00"),
    ];
    for (overlap, live, expected) in cases {
        let decision = ask(&schedule(Missed::Latest, overlap), at("10 02:30"), &[], live, at("10 03:00"));
        assert_eq!(acts(&decision), expected, "{overlap:?}");
    }
}

#[test]
fn missed_ones_overlap_by_the_same_policy() {
    let cases = [
        (Missed::Latest, Overlap::Forbid, 1, "skip 10 01:00 downtime; skip 10 02:00 overlap"),
        (Missed::All, Overlap::Forbid, 0, "start 10 01:00; queue 10 02:00"),
        (Missed::All, Overlap::Queue(1), 1, "queue 10 01:00; skip 10 02:00 queue full"),
        (Missed::All, Overlap::Replace, 1, "skip 10 01:00 overlap; replace 10 02:00"),
    ];
    for (missed, overlap, live, expected) in cases {
        let decision = ask(&schedule(missed, overlap), at("10 00:30"), &[], live, at("10 02:45"));
        assert_eq!(acts(&decision), expected, "{missed:?} {overlap:?}");
    }
}

/// Away once more and once more while a run hangs: each time up to a hundred came to those that wait already.
#[test]
fn missed_ones_that_wait_for_each_other_are_a_hundred_at_most_however_often_nobody_was_there() {
    let all = schedule(Missed::All, Overlap::Forbid);
    let hour = Span::seconds(3600);
    let queue: Vec<At> = (0..CATCH_UP_MAX as u64).map(|n| at("10 00:00") + Span(hour.0 * n)).collect();
    let cursor = queue[CATCH_UP_MAX - 1];
    let decision = ask(&all, cursor, &queue, 1, cursor + Span(hour.0 * 3) + Span::seconds(60));
    let count = |wanted: fn(&Act) -> bool| decision.acts.iter().filter(|act| wanted(act)).count();
    assert_eq!(count(|act| matches!(act, Act::Queue { .. })), 3);
    let first: Vec<&Act> = decision.acts.iter().filter(|act| matches!(act, Act::Skip { .. })).collect();
    assert!(matches!(first[..], [Act::Skip { nominal, .. }, ..] if *nominal == queue[0]), "{}", acts(&decision));
    assert_eq!(count(|act| matches!(act, Act::Skip { .. })), 3, "the oldest that wait make room");
}

#[test]
fn the_queue_moves_when_nothing_is_live() {
    let queue = [at("10 01:00"), at("10 02:00")];
    let queued = schedule(Missed::Latest, Overlap::Queue(2));
    assert_eq!(acts(&ask(&queued, at("10 02:30"), &queue, 1, at("10 02:45"))), "");
    assert_eq!(acts(&ask(&queued, at("10 02:30"), &queue, 0, at("10 02:45"))), "start 10 01:00");
    assert_eq!(acts(&ask(&queued, at("10 02:30"), &queue, 0, at("10 03:00"))), "start 10 01:00; queue 10 03:00");
    let allowed = schedule(Missed::Latest, Overlap::Allow);
    assert_eq!(acts(&ask(&allowed, at("10 02:30"), &queue, 1, at("10 02:45"))), "start 10 01:00; start 10 02:00");
}

#[test]
fn an_outage_of_a_year_stays_small() {
    let minutely = |missed, zone: &str| Schedule {
        when: When::Cron("* * * * *".into()),
        timezone: zone.into(),
        ..schedule(missed, Overlap::Allow)
    };
    let (from, now) = (parse_time("2025-06-10T00:00:30Z").unwrap(), at("10 00:00:30"));
    for zone in ["UTC", "Africa/Casablanca"] {
        let decision = ask(&minutely(Missed::All, zone), from, &[], 0, now);
        let starts = decision.acts.iter().filter(|act| matches!(act, Act::Start { .. })).count();
        assert_eq!((decision.acts.len(), starts), (1 + RECORDED_MAX + CATCH_UP_MAX, CATCH_UP_MAX));
        let Act::SkipMany { count, first, last, .. } = decision.acts[0] else { panic!("{:?}", decision.acts[0]) };
        let others = (RECORDED_MAX + CATCH_UP_MAX) as u64;
        assert_eq!(count, 365 * 24 * 60 - others);
        assert_eq!((utc(first).as_str(), utc(last)), ("2025-06-10T00:01:00Z", utc(at("10 00:00") - minutes(others))));
        assert_eq!(decision.acts[1], Act::Skip { nominal: last + minutes(1), reason: reason(&decision.acts[0]) });
        assert_eq!(decision.acts.last(), Some(&Act::Start { nominal: at("10 00:00") }));
    }
    let decision = ask(&minutely(Missed::Latest, "UTC"), from, &[], 0, now);
    assert_eq!(decision.acts.len(), 1 + RECORDED_MAX + 1);
    let nominal = Schedule { when: When::Cron("0-59 0-23 * * *".into()), ..minutely(Missed::Skip, "Europe/Berlin") };
    let decision = ask(&nominal, from, &[], 0, now);
    let Act::SkipMany { count, .. } = decision.acts[0] else { panic!("{:?}", decision.acts[0]) };
    // The hour in the fold fires once, and the sixty nominal times of the gap are one fire, which 03:00 has anyway.
    assert_eq!(count, 365 * 24 * 60 - 60 - RECORDED_MAX as u64);
}

fn minutes(n: u64) -> Span {
    Span::seconds(60 * n)
}

fn reason(act: &Act) -> seaworthy_model::event::SkipReason {
    match act {
        Act::Skip { reason, .. } | Act::SkipMany { reason, .. } => *reason,
        other => panic!("{other:?} has no reason"),
    }
}

#[test]
fn a_short_interval_stays_small_too() {
    let every = When::Every { span: Span::seconds(1), anchor: At(0) };
    let schedule = Schedule { when: every, ..schedule(Missed::Skip, Overlap::Forbid) };
    let decision = ask(&schedule, At(0), &[], 0, at("10 00:00:00"));
    let Act::SkipMany { count, .. } = decision.acts[0] else { panic!("{:?}", decision.acts[0]) };
    // One per second since 1970, without the six from 5 s ago until now and those recorded one by one.
    assert_eq!(count, at("10 00:00").0 as u64 / 1_000_000_000 - 6 - RECORDED_MAX as u64);
    assert_eq!(
        acts(&Decision { acts: decision.acts[51..53].to_vec(), ..decision }),
        "start 09 23:59; skip 09 23:59 overlap"
    );
}

#[test]
fn a_clock_set_back_starts_nothing_twice_and_plans_anew() {
    let hourly = schedule(Missed::All, Overlap::Allow);
    let little = ask(&hourly, at("10 03:30:05"), &[], 0, at("10 03:30"));
    assert_eq!((acts(&little).as_str(), little.cursor, little.next), ("", at("10 03:30:05"), Some(at("10 04:00"))));
    for ahead in [at("10 03:30:05") + Span(1), at("10 05:30"), at("12 03:30")] {
        let much = ask(&hourly, ahead, &[], 0, at("10 03:30"));
        assert_eq!((acts(&much).as_str(), much.cursor, much.next), ("", at("10 03:30"), Some(at("10 04:00"))));
    }
}

#[test]
fn a_clock_set_forward_is_like_downtime() {
    let decision = ask(&schedule(Missed::Latest, Overlap::Forbid), at("10 03:30"), &[], 0, at("10 08:30"));
    assert!(acts(&decision).ends_with("skip 10 07:00 downtime; start 10 08:00"), "{}", acts(&decision));
}
