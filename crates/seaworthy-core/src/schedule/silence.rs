//! In which stretches of time nothing of a schedule runs: days that are left out, and blackouts, that follow each other.
//!
//! Must not know a clock, nor whether anything is due in them.

use jiff::civil::Date;
use seaworthy_model::{
    schedule::{Blackout, Schedule},
    time::{At, Span},
};

use super::days;

/// Nothing may run for so long in one piece without a person's consent: the holidays of a year's end.
pub const SILENT_MAX: Span = Span::seconds(14 * 24 * 3600);

/// Stretches that are less than this apart are one: what runs once a day does not run between them.
const APART: Span = Span::seconds(24 * 3600);

/// The days that are looked at, as calendars count them, and the moment at which the first one begins.
const FIRST: (Date, At) = (Date::constant(2020, 1, 1), At(1_577_836_800_000_000_000));
const LAST_YEAR: i16 = 2099;

/// In order, none touching the next. A day is taken as that of UTC, which is near enough for stretches of days.
pub fn silences(schedule: Option<&Schedule>, blackouts: &[Blackout]) -> Vec<(At, At)> {
    let own = schedule.iter().flat_map(|schedule| &schedule.blackouts);
    let mut all: Vec<(At, At)> = own.chain(blackouts).map(|blackout| (blackout.from, blackout.until)).collect();
    if let Some(schedule) = schedule.filter(|schedule| !schedule.except.is_empty() || !schedule.only.is_empty()) {
        let (mut day, mut at) = FIRST;
        while day.year() <= LAST_YEAR {
            if left_out(schedule, day) {
                all.push((at, at + APART));
            }
            let Ok(next) = day.tomorrow() else { break };
            (day, at) = (next, at + APART);
        }
    }
    all.sort_unstable();
    let mut out: Vec<(At, At)> = Vec::new();
    for (from, until) in all.into_iter().filter(|(from, until)| from < until) {
        match out.last_mut() {
            Some(last) if from.since(last.1) < APART => last.1 = last.1.max(until),
            _ => out.push((from, until)),
        }
    }
    out
}

fn left_out(schedule: &Schedule, day: Date) -> bool {
    schedule.except.iter().any(|set| days::has(set, day))
        || !(schedule.only.is_empty() || schedule.only.iter().any(|set| days::has(set, day)))
}

/// The first stretch that is too long to come without consent, and was not there before.
pub fn longer(old: &[(At, At)], new: &[(At, At)]) -> Option<(At, At)> {
    let there = |(from, until): &(At, At)| old.iter().any(|was| was.0 <= *from && *until <= was.1);
    new.iter().find(|one| one.1.since(one.0) > SILENT_MAX && !there(one)).copied()
}

#[cfg(test)]
mod tests {
    use seaworthy_model::schedule::{DaySet, Missed, Overlap, WhenOver};

    use super::*;
    use crate::schedule::{days::parse_days, utc};

    fn schedule(except: &[&str], only: &[&str], blackouts: &[(i64, i64)]) -> Schedule {
        let set = |items: &[&str]| -> Vec<DaySet> {
            let days = items.iter().map(|item| parse_days(item).unwrap()).collect();
            if items.is_empty() { vec![] } else { vec![DaySet { name: "s".into(), days }] }
        };
        let hour = |n: i64| At(FIRST.1.0 + n * 3_600_000_000_000);
        let one = |(from, until): &(i64, i64)| Blackout {
            from: hour(*from),
            until: hour(*until),
            reason: "r".into(),
            over: WhenOver::Skip,
        };
        Schedule {
            when: seaworthy_model::schedule::When::Cron("0 5 * * *".into()),
            timezone: "UTC".into(),
            missed: Missed::Latest,
            within: None,
            overlap: Overlap::Forbid,
            jitter: None,
            spread_by: None,
            except: set(except),
            only: set(only),
            blackouts: blackouts.iter().map(one).collect(),
        }
    }

    fn first(schedule: &Schedule) -> Option<String> {
        longer(&[], &silences(Some(schedule), &[])).map(|(from, until)| format!("{} {}", utc(from), utc(until)))
    }

    #[test]
    fn days_and_blackouts_that_leave_two_weeks_without_a_run_are_found() {
        for (except, only, blackouts) in [
            (&["Sat..Sun"][..], &[][..], &[][..]),
            (&[], &["Mon"], &[]),
            (&["12-24..01-02"], &[], &[]),
            (&[], &[], &[(0, 14 * 24)]),
            (&[], &[], &[(0, 14 * 24), (15 * 24, 29 * 24)]),
        ] {
            assert_eq!(first(&schedule(except, only, blackouts)), None, "{except:?} {only:?} {blackouts:?}");
        }
        for (except, only, blackouts, wanted) in [
            (&["2026-07-01..2026-07-15"][..], &[][..], &[][..], "2026-07-01T00:00:00Z 2026-07-16T00:00:00Z"),
            (&[], &["2020-02-01", "Mon..Sun"], &[(0, 14 * 24 + 1)], "2020-01-01T00:00:00Z 2020-01-15T01:00:00Z"),
            (&[], &["01-01"], &[], "2020-01-02T00:00:00Z 2021-01-01T00:00:00Z"),
            (&["01-15"], &[], &[(0, 14 * 24)], "2020-01-01T00:00:00Z 2020-01-16T00:00:00Z"),
            (&[], &[], &[(0, 10 * 24), (10 * 24 + 1, 15 * 24)], "2020-01-01T00:00:00Z 2020-01-16T00:00:00Z"),
        ] {
            assert_eq!(first(&schedule(except, only, blackouts)).as_deref(), Some(wanted));
        }
    }

    #[test]
    fn a_stretch_that_was_there_before_is_nothing_new_unless_it_grows() {
        let was = silences(Some(&schedule(&["07-01..07-31"], &[], &[])), &[]);
        let less = silences(Some(&schedule(&["07-05..07-30"], &[], &[])), &[]);
        let more = silences(Some(&schedule(&["07-01..08-01"], &[], &[])), &[]);
        assert_eq!(longer(&was, &less), None);
        assert_eq!(longer(&was, &was), None);
        assert!(longer(&was, &more).is_some());
    }
}
