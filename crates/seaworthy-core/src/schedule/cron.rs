//! A cron expression as sets of minutes, hours and days, and the search for its next fire.
//!
//! Must not know intervals nor what happens with a fire. Two searches, since there are two kinds of expression:
//! those that follow elapsed time and those that fire once per nominal time (see the parent module).

use jiff::{Timestamp, ToSpan as _, civil};
use seaworthy_model::time::At;

use super::{
    Part, Problem, SEARCH_YEARS,
    field::{DAY, HOUR, LAST_OF_MONTH, MINUTE, MONTH, Piece, Set, WEEKDAY},
    zone::{Zone, at, timestamp},
};

#[derive(Debug, Clone)]
pub(super) struct Cron {
    minutes: u64,
    hours: u64,
    days: Set,
    months: u64,
    weekdays: Set,
    /// Day of month and day of week must both match. crontab(5): as soon as one of them starts with `*`; else one
    /// of the two is enough.
    both: bool,
    /// Follows elapsed time: minute or hour starts with `*`.
    pub elapsed: bool,
}

/// Names for whole expressions, as cronie has them. `@reboot` is not a time.
const NICKNAMES: [(&str, &str); 7] = [
    ("@yearly", "0 0 1 1 *"),
    ("@annually", "0 0 1 1 *"),
    ("@monthly", "0 0 1 * *"),
    ("@weekly", "0 0 * * 0"),
    ("@daily", "0 0 * * *"),
    ("@midnight", "0 0 * * *"),
    ("@hourly", "0 * * * *"),
];

impl Cron {
    pub fn parse(text: &str) -> Result<Cron, Problem> {
        if text.trim().starts_with('@') {
            let (_, meaning) = NICKNAMES
                .iter()
                .find(|(name, _)| name.eq_ignore_ascii_case(text.trim()))
                .ok_or_else(|| whole(text, format!("`{}` is not a known expression", text.trim())))?;
            return Cron::parse(meaning);
        }
        let fields: Vec<Piece<'_>> = text
            .split_ascii_whitespace()
            .map(|field| Piece { at: field.as_ptr() as usize - text.as_ptr() as usize, text: field })
            .collect();
        let [minute, hour, day, month, weekday] = fields[..] else {
            return Err(whole(text, format!("a cron expression has five fields, this one has {}", fields.len())));
        };
        let days = DAY.parse(day)?;
        let mut weekdays = WEEKDAY.parse(weekday)?;
        // 7 is Sunday too.
        weekdays.bits = (weekdays.bits | weekdays.bits >> 7) & 0x7f;
        Ok(Cron {
            minutes: MINUTE.parse(minute)?.bits,
            hours: HOUR.parse(hour)?.bits,
            months: MONTH.parse(month)?.bits,
            both: days.star || weekdays.star,
            elapsed: minute.text.starts_with('*') || hour.text.starts_with('*'),
            days,
            weekdays,
        })
    }

    /// Nominal times: walks the calendar and asks the zone for the instant of each. Ends because instants never
    /// decrease when nominal times grow, and a fold is at most some hours of minutes long.
    pub fn next_nominal(&self, zone: &Zone, t: At) -> Option<At> {
        let mut from = zone.civil(timestamp(t));
        let end = last_date(from);
        loop {
            let nominal = self.next_civil(from, end)?;
            let instant = at(zone.instant(nominal)?)?;
            if instant > t {
                return Some(instant);
            }
            from = nominal.checked_add(1.minute()).ok()?;
        }
    }

    /// Elapsed time: within a stretch of constant offset the wall clock is a clock like any other, so the first
    /// matching reading of it is the next fire, unless the stretch ends before.
    pub fn next_elapsed(&self, zone: &Zone, t: At) -> Option<At> {
        let mut from = Timestamp::from_nanosecond(i128::from(t.0) + 1).ok()?;
        let end = last_date(zone.civil(from));
        loop {
            let stretch = zone.stretch(from);
            let reading = self.next_civil(stretch.offset.to_datetime(from), end)?;
            let fire = stretch.offset.to_timestamp(reading).ok()?;
            let Some(until) = stretch.until.filter(|until| *until <= fire) else { return at(fire) };
            // The wall clock may go back here and show what it showed before, so no stretch is left out.
            from = until;
        }
    }

    /// The first matching wall-clock minute at or after `from`, on `end` at the latest.
    pub fn next_civil(&self, from: civil::DateTime, end: civil::Date) -> Option<civil::DateTime> {
        let whole_minute = from.second() == 0 && from.subsec_nanosecond() == 0;
        let mut from = if whole_minute { from } else { from.checked_add(1.minute()).ok()? };
        while from.date() <= end {
            let date = from.date();
            if self.months >> date.month() & 1 == 0 {
                from = date.first_of_month().checked_add(1.month()).ok()?.to_datetime(civil::Time::midnight());
                continue;
            }
            if self.day(date)
                && let Some((hour, minute)) = self.time_from(from.hour(), from.minute())
            {
                return Some(date.at(hour, minute, 0, 0));
            }
            from = date.tomorrow().ok()?.to_datetime(civil::Time::midnight());
        }
        None
    }

    /// The first matching time of a day at or after this one.
    fn time_from(&self, hour: i8, minute: i8) -> Option<(i8, i8)> {
        let this_hour = self.hours >> hour & 1 == 1;
        if let (true, Some(minute)) = (this_hour, lowest_from(self.minutes, minute)) {
            return Some((hour, minute));
        }
        Some((lowest_from(self.hours, hour + 1)?, lowest_from(self.minutes, 0)?))
    }

    /// Whether the day of month and the day of week match.
    pub fn day(&self, date: civil::Date) -> bool {
        let (day, last) = (date.day(), date.days_in_month());
        let weekday = date.weekday().to_sunday_zero_offset();
        let of_month = self.days.bits >> day & 1 == 1
            || (self.days.last && day == last)
            || (self.days.last_workday && day == last_workday(date));
        let nth = self.weekdays.nth[weekday.unsigned_abs() as usize];
        let of_week = self.weekdays.bits >> weekday & 1 == 1
            || nth >> ((day + 6) / 7) & 1 == 1
            || (nth >> LAST_OF_MONTH & 1 == 1 && day + 7 > last);
        if self.both { of_month && of_week } else { of_month || of_week }
    }
}

impl Cron {
    /// How many wall-clock minutes match after `from` up to and including `to`. Takes time by the day, not by the
    /// minute.
    pub fn readings(&self, from: civil::DateTime, to: civil::DateTime) -> u64 {
        if to <= from {
            return 0;
        }
        let (mut days, mut date) = (0, from.date());
        while date <= to.date() {
            let next = if self.months >> date.month() & 1 == 0 {
                date.first_of_month().checked_add(1.month())
            } else {
                days += u64::from(self.day(date));
                date.tomorrow()
            };
            let Ok(next) = next else { break };
            date = next;
        }
        let times = u64::from(self.hours.count_ones() * self.minutes.count_ones());
        let before = if self.date(from.date()) { self.times_until(from) } else { 0 };
        let beyond = if self.date(to.date()) { times - self.times_until(to) } else { 0 };
        days * times - before - beyond
    }

    fn date(&self, date: civil::Date) -> bool {
        self.months >> date.month() & 1 == 1 && self.day(date)
    }

    /// How many times of a day match, up to and including this one.
    fn times_until(&self, time: civil::DateTime) -> u64 {
        let below = |bits: u64, n: i8| u64::from((bits & ((1 << n) - 1)).count_ones());
        let this_hour = (self.hours >> time.hour() & 1) * below(self.minutes, time.minute() + 1);
        below(self.hours, time.hour()) * u64::from(self.minutes.count_ones()) + this_hour
    }
}

/// The last of Monday to Friday in the month of `date`.
fn last_workday(date: civil::Date) -> i8 {
    let last = date.last_of_month();
    last.day() - (last.weekday().to_monday_one_offset() - 5).max(0)
}

/// The lowest value of the set at or above `from`.
fn lowest_from(bits: u64, from: i8) -> Option<i8> {
    let rest = bits.checked_shr(u32::from(from.unsigned_abs()))?;
    if rest == 0 { None } else { i8::try_from(rest.trailing_zeros()).ok().map(|n| n + from) }
}

/// Where a search that starts here ends.
fn last_date(from: civil::DateTime) -> civil::Date {
    from.date().checked_add(SEARCH_YEARS.years()).unwrap_or(civil::Date::MAX)
}

fn whole(text: &str, message: String) -> Problem {
    let nicknames = "@yearly, @monthly, @weekly, @daily, @hourly";
    Problem {
        at: 0,
        len: text.len(),
        message,
        help: format!(
            "write minute, hour, day of month, month and day of week, such as `30 2 * * *`, or one of {nicknames}"
        ),
        about: Part::When,
    }
}
