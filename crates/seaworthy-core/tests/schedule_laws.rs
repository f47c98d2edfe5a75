//! Laws of timetables over random expressions: fires grow, equal a search over every minute, and are counted right.

#![expect(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

use std::collections::BTreeSet;

use jiff::{
    Timestamp, civil,
    tz::{TimeZone, TimeZoneDatabase},
};
use proptest::prelude::*;
use seaworthy_core::schedule::{Timetable, parse_time};
use seaworthy_model::{
    process::{Schedule, When},
    time::{At, Span},
};

const MINUTE: Span = Span::seconds(60);
const DAY_MINUTES: u64 = 24 * 60;

/// Around every kind of clock change, and where there is none.
const PLACES: [(&str, &str); 8] = [
    ("UTC", "2028-02-28T12:00:00Z"),
    ("Europe/Berlin", "2026-03-28T12:00:00Z"),
    ("Europe/Berlin", "2026-10-24T12:00:00Z"),
    ("America/New_York", "2026-03-07T12:00:00Z"),
    ("America/New_York", "2026-10-31T12:00:00Z"),
    ("Australia/Lord_Howe", "2026-10-02T23:00:00Z"),
    ("Australia/Lord_Howe", "2026-04-03T23:00:00Z"),
    ("Africa/Casablanca", "2026-02-14T12:00:00Z"),
];

/// An expression as sets of values; `None` is `*`.
#[derive(Debug, Clone)]
struct Sets {
    minutes: Option<BTreeSet<i8>>,
    hours: Option<BTreeSet<i8>>,
    days: Option<BTreeSet<i8>>,
    weekdays: Option<BTreeSet<i8>>,
}

impl Sets {
    fn text(&self) -> String {
        let field = |set: &Option<BTreeSet<i8>>| {
            let list = |set: &BTreeSet<i8>| set.iter().map(i8::to_string).collect::<Vec<_>>().join(",");
            set.as_ref().map_or("*".to_owned(), list)
        };
        format!("{} {} {} * {}", field(&self.minutes), field(&self.hours), field(&self.days), field(&self.weekdays))
    }

    fn matches(&self, t: civil::DateTime) -> bool {
        let has = |set: &Option<BTreeSet<i8>>, value: i8| set.as_ref().is_none_or(|set| set.contains(&value));
        let (day, weekday) = (has(&self.days, t.day()), has(&self.weekdays, t.weekday().to_sunday_zero_offset()));
        let either = self.days.is_some() && self.weekdays.is_some();
        let date = if either { day || weekday } else { day && weekday };
        date && has(&self.hours, t.hour()) && has(&self.minutes, t.minute())
    }

    fn elapsed(&self) -> bool {
        self.minutes.is_none() || self.hours.is_none()
    }
}

fn set(values: std::ops::Range<i8>, most: usize) -> impl Strategy<Value = Option<BTreeSet<i8>>> {
    proptest::option::weighted(0.7, proptest::collection::btree_set(values, 1..=most))
}

/// Hours near the clock changes more often than others.
fn sets() -> impl Strategy<Value = Sets> {
    let hours = prop_oneof![set(0..5, 3), set(0..24, 4)];
    (set(0..60, 4), hours, set(1..32, 9), set(0..7, 3)).prop_map(|(minutes, hours, days, weekdays)| Sets {
        minutes,
        hours,
        days,
        weekdays,
    })
}

fn timetable(cron: &str, zone: &str) -> Timetable {
    let schedule = Schedule::new(When::Cron(cron.into()), zone);
    Timetable::parse(&schedule).unwrap()
}

fn civil(zone: &TimeZone, t: At) -> civil::DateTime {
    zone.to_datetime(Timestamp::from_nanosecond(t.0.into()).unwrap())
}

/// By definition, minute by minute. Elapsed: the wall clock shows a matching time. Nominal: the wall clock shows or
/// passes a matching time that it never showed or passed before.
fn by_definition(sets: &Sets, zone: &TimeZone, from: At, minutes: u64) -> Vec<At> {
    let mut furthest = civil(zone, from);
    let mut fires = Vec::new();
    for n in 1..=minutes {
        let t = from + Span(MINUTE.0 * n);
        let now = civil(zone, t);
        let fire = if sets.elapsed() {
            sets.matches(now)
        } else {
            let mut passed =
                std::iter::successors(Some(furthest), |t| t.checked_add(jiff::Span::new().minutes(1)).ok());
            passed.next();
            passed.take_while(|t| *t <= now).any(|t| sets.matches(t))
        };
        furthest = furthest.max(now);
        if fire {
            fires.push(t);
        }
    }
    fires
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn fires_equal_a_search_over_every_minute(sets in sets(), place in 0..PLACES.len()) {
        let (name, start) = PLACES[place];
        let zone = TimeZoneDatabase::bundled().get(name).unwrap();
        let (timetable, start) = (timetable(&sets.text(), name), parse_time(start).unwrap());
        let expected = by_definition(&sets, &zone, start, 2 * DAY_MINUTES);
        let end = start + Span(MINUTE.0 * 2 * DAY_MINUTES);
        let mut found = Vec::new();
        let mut t = start;
        while let Some(next) = timetable.next_after(t).filter(|next| *next <= end) {
            prop_assert!(next > t);
            found.push(next);
            t = next;
        }
        prop_assert_eq!(&found, &expected, "{}", sets.text());

        // Counting and the newest agree with the walk, from any point of it.
        for (i, from) in std::iter::once(&start).chain(&found).enumerate().step_by(7) {
            prop_assert_eq!(timetable.count(*from, end), (found.len() - i) as u64);
            let newest = timetable.newest(*from, end, 3);
            prop_assert_eq!(&newest[..], &found[i..][(found.len() - i).saturating_sub(3)..]);
        }
    }

    #[test]
    fn whatever_is_written_is_read_or_pointed_at(
        text in prop_oneof!["\\PC{0,20}", "[-0-9*/,#LWlMONé@ ]{0,24}", "([0-9*/,#L-]{1,6} ){4}[0-7*/,#L-]{1,6}"]
    ) {
            let schedule = Schedule::new(When::Cron(text.clone()), "Europe/Berlin");
        match Timetable::parse(&schedule) {
            Ok(timetable) => prop_assert!(timetable.next_after(At(1_767_225_600_000_000_000)).is_some()),
            Err(problem) => {
                prop_assert!(text.get(problem.at..problem.at + problem.len).is_some(), "{problem:?} in {text:?}");
                prop_assert!(!problem.message.is_empty() && !problem.help.is_empty());
            }
        }
    }

    #[test]
    fn fires_grow_strictly_over_years(sets in sets(), place in 0..PLACES.len(), days in 0..3650u64, nanos in 0..MINUTE.0) {
        let (name, start) = PLACES[place];
        let timetable = timetable(&sets.text(), name);
        let mut t = parse_time(start).unwrap() + Span(MINUTE.0 * DAY_MINUTES * days + nanos);
        for _ in 0..20 {
            let next = timetable.next_after(t).unwrap();
            prop_assert!(next > t);
            prop_assert_eq!(timetable.count(t, next), 1);
            prop_assert_eq!(timetable.next_after(At(next.0 - 1)), Some(next), "a fire is found from right before it");
            t = next;
        }
    }
}
