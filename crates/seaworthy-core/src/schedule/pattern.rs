//! A pattern of wall-clock times, and the search for its next fire: what cron expressions and calendars both become.
//!
//! Must not know how either is written, nor intervals, nor what happens with a fire. Two searches, since there are two
//! kinds of pattern: those that follow elapsed time and those that fire once per nominal time (see the parent module).

use jiff::{Timestamp, ToSpan as _, civil};
use seaworthy_model::time::At;

use super::{
    SEARCH_YEARS, calendar, cron,
    zone::{Zone, at, timestamp},
};

#[derive(Debug, Clone)]
pub(super) struct Pattern {
    /// Bit n: the second, minute or hour n.
    pub seconds: u64,
    pub minutes: u64,
    pub hours: u64,
    pub days: Days,
    /// Follows elapsed time: hour, minute or second starts with `*`.
    pub elapsed: bool,
}

/// Which days, as one of the two languages says it.
#[derive(Debug, Clone)]
pub(super) enum Days {
    Cron(cron::Days),
    Calendar(calendar::Days),
}

impl Days {
    fn year(&self, year: i16) -> bool {
        match self {
            Days::Cron(_) => true,
            Days::Calendar(days) => days.year(year),
        }
    }

    fn month(&self, month: i8) -> bool {
        let months = match self {
            Days::Cron(days) => days.months,
            Days::Calendar(days) => days.months,
        };
        months >> month & 1 == 1
    }

    /// Whether a day of a month that matches does.
    fn day(&self, date: civil::Date) -> bool {
        match self {
            Days::Cron(days) => days.day(date),
            Days::Calendar(days) => days.day(date),
        }
    }

    fn date(&self, date: civil::Date) -> bool {
        self.year(date.year()) && self.month(date.month()) && self.day(date)
    }

    /// The first day after `date` whose year and month are not known to be left out.
    fn after(&self, date: civil::Date) -> Option<civil::Date> {
        if !self.year(date.year()) {
            civil::Date::new(date.year().checked_add(1)?, 1, 1).ok()
        } else if !self.month(date.month()) {
            date.first_of_month().checked_add(1.month()).ok()
        } else {
            date.tomorrow().ok()
        }
    }
}

impl Pattern {
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
            from = nominal.checked_add(1.second()).ok()?;
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

    /// The first matching wall-clock second at or after `from`, on `end` at the latest.
    fn next_civil(&self, from: civil::DateTime, end: civil::Date) -> Option<civil::DateTime> {
        let whole = from.subsec_nanosecond() == 0;
        let rounded = from.with().subsec_nanosecond(0).build().ok()?;
        let mut from = if whole { rounded } else { rounded.checked_add(1.second()).ok()? };
        while from.date() <= end {
            let date = from.date();
            if self.days.date(date)
                && let Some((hour, minute, second)) = self.time_from(from.hour(), from.minute(), from.second())
            {
                return Some(date.at(hour, minute, second, 0));
            }
            from = self.days.after(date)?.to_datetime(civil::Time::midnight());
        }
        None
    }

    /// The first matching time of a day at or after this one.
    fn time_from(&self, hour: i8, minute: i8, second: i8) -> Option<(i8, i8, i8)> {
        let (first_minute, first_second) = (lowest_from(self.minutes, 0)?, lowest_from(self.seconds, 0)?);
        if self.hours >> hour & 1 == 1 {
            let this_minute = self.minutes >> minute & 1 == 1;
            if let (true, Some(second)) = (this_minute, lowest_from(self.seconds, second)) {
                return Some((hour, minute, second));
            }
            if let Some(minute) = lowest_from(self.minutes, minute + 1) {
                return Some((hour, minute, first_second));
            }
        }
        Some((lowest_from(self.hours, hour + 1)?, first_minute, first_second))
    }

    /// How many wall-clock seconds match after `from` up to and including `to`. Takes time by the day, not by the
    /// second.
    pub fn readings(&self, from: civil::DateTime, to: civil::DateTime) -> u64 {
        if to <= from {
            return 0;
        }
        let (mut days, mut date) = (0, from.date());
        while date <= to.date() {
            days += u64::from(self.days.date(date));
            let Some(next) = self.days.after(date) else { break };
            date = next;
        }
        let times = u64::from(self.hours.count_ones() * self.minutes.count_ones() * self.seconds.count_ones());
        let before = if self.days.date(from.date()) { self.times_until(from) } else { 0 };
        let beyond = if self.days.date(to.date()) { times - self.times_until(to) } else { 0 };
        days * times - before - beyond
    }

    /// How many times of a day match, up to and including this one.
    fn times_until(&self, time: civil::DateTime) -> u64 {
        let below = |bits: u64, n: i8| u64::from((bits & ((1 << n) - 1)).count_ones());
        let (minutes, seconds) = (u64::from(self.minutes.count_ones()), u64::from(self.seconds.count_ones()));
        let this_minute = (self.minutes >> time.minute() & 1) * below(self.seconds, time.second() + 1);
        let this_hour = (self.hours >> time.hour() & 1) * (below(self.minutes, time.minute()) * seconds + this_minute);
        below(self.hours, time.hour()) * minutes * seconds + this_hour
    }
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
