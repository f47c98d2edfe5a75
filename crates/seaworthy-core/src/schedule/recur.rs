//! The days of an event of an iCalendar file: its span, and the days on which it comes again (`RRULE`, RFC 5545
//! section 3.3.10, as far as holidays need it).
//!
//! Must not know how a file is written, nor a clock: days are counted through the same years whenever it is read, so that
//! the same file is the same set of days for ever.

use std::collections::BTreeSet;

use jiff::{
    ToSpan as _,
    civil::{Date, Weekday},
};
use seaworthy_model::schedule::Days;

/// Days before this one are over and are left out; days after the other one are too far away for anybody's plan.
const FROM: Date = Date::constant(2020, 1, 1);
const THROUGH: Date = Date::constant(2099, 12, 31);
/// The first year that an event may begin in.
const YEAR_MIN: i16 = 1900;
/// Longest event.
const LENGTH_MAX: i32 = 366;
const DAYS: [&str; 7] = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"];
const CANNOT: &str = "write its days one by one, or as a list in a file that ends in .txt";

/// An event that lasts whole days. Days are written as numbers, 20261224.
#[derive(Debug, Clone, Default)]
pub struct Event<'a> {
    pub first: u32,
    /// The first day after it; without one it lasts a day.
    pub end: Option<u32>,
    pub rule: Option<&'a str>,
    /// First days on which it does not come again.
    pub except: Vec<u32>,
}

/// A date of an iCalendar file, such as 20261224.
pub fn parse_day(text: &str) -> Option<u32> {
    let digits = text.len() == 8 && text.bytes().all(|b| b.is_ascii_digit());
    let day = text.parse().ok().filter(|_| digits)?;
    date(day).map(|_| day)
}

/// All days of an event from 2020 to 2099.
///
/// # Errors
/// What is wrong with its rule or its length and what would be right, with `; ` between them.
pub fn event_days(event: &Event<'_>) -> Result<Vec<Days>, String> {
    let first = date(event.first).filter(|date| date.year() >= YEAR_MIN);
    let first = first.ok_or("the event begins too early; events are read from 1900 on")?;
    let end =
        event.end.map_or(Ok(first.saturating_add(1.day())), |end| date(end).ok_or("its end is no day; write one"))?;
    let length = first.until(end).map_or(0, |span| span.get_days());
    if !(1..=LENGTH_MAX).contains(&length) {
        return Err(format!(
            "the event lasts {length} days; its end is the first day after it, and it lasts {LENGTH_MAX} days at most"
        ));
    }
    let Some(rule) = event.rule else { return Ok(span(first, length).into_iter().collect()) };
    let rule = Rule::parse(rule)?;
    if rule.is_plainly_yearly(first) && length == 1 && first <= FROM && event.except.is_empty() {
        let day = event.first % 10_000;
        return Ok(vec![Days::Yearly { first: day, last: day }]);
    }
    let except: BTreeSet<u32> = event.except.iter().copied().collect();
    let dates = rule.dates(first).into_iter().filter(|date| !except.contains(&number(*date)));
    Ok(dates.filter_map(|date| span(date, length)).collect())
}

fn span(first: Date, length: i32) -> Option<Days> {
    let last = first.saturating_add((length - 1).days());
    (last >= FROM && first <= THROUGH).then(|| Days::Dates { first: number(first), last: number(last) })
}

fn date(day: u32) -> Option<Date> {
    let part = |n: u32| i8::try_from(n).ok();
    Date::new(i16::try_from(day / 10_000).ok()?, part(day / 100 % 100)?, part(day % 100)?).ok()
}

fn number(date: Date) -> u32 {
    let (year, month, day) = (date.year(), date.month(), date.day());
    u32::from(year.unsigned_abs()) * 10_000 + u32::from(month.unsigned_abs()) * 100 + u32::from(day.unsigned_abs())
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Every {
    Day,
    Week,
    Month,
    Year,
}

/// A rule by which an event comes again.
#[derive(Debug)]
struct Rule {
    every: Every,
    interval: i32,
    count: Option<usize>,
    until: Option<Date>,
    months: Vec<i8>,
    /// From the end of the month if negative.
    month_days: Vec<i8>,
    /// The n-th of its month, from its end if negative; 0: each one.
    weekdays: Vec<(i8, Weekday)>,
    /// Weeks begin on Monday.
    monday: bool,
}

impl Rule {
    fn parse(text: &str) -> Result<Rule, String> {
        let mut every = None;
        let mut rule = Rule {
            every: Every::Day,
            interval: 1,
            count: None,
            until: None,
            months: vec![],
            month_days: vec![],
            weekdays: vec![],
            monday: true,
        };
        for part in text.split(';').filter(|part| !part.is_empty()) {
            let (key, value) =
                part.split_once('=').ok_or_else(|| format!("`{part}` is no part of a rule; write KEY=VALUE"))?;
            let wrong = |right: &str| format!("`{value}` is not a valid {key}; write {right}");
            match key.to_ascii_uppercase().as_str() {
                "FREQ" => every = Some(frequency(value)?),
                "INTERVAL" => {
                    rule.interval = within(value, 1, 1_000).ok_or_else(|| wrong("a number from 1 to 1000"))?
                }
                "COUNT" => {
                    let count = within(value, 1, 100_000).ok_or_else(|| wrong("a number from 1 to 100000"))?;
                    rule.count = usize::try_from(count).ok();
                }
                "UNTIL" => {
                    let day = value.get(..8).and_then(parse_day).and_then(date);
                    rule.until = Some(day.ok_or_else(|| wrong("a day, such as 20261231"))?);
                }
                "BYMONTH" => rule.months = list(value, 1, 12).ok_or_else(|| wrong("numbers from 1 to 12"))?,
                "BYMONTHDAY" => {
                    let days = list(value, -31, 31).filter(|days| !days.contains(&0));
                    rule.month_days =
                        days.ok_or_else(|| wrong("numbers from 1 to 31, or from the end from -1 to -31"))?;
                }
                "BYDAY" => {
                    let days = value.split(',').map(weekday).collect::<Option<Vec<_>>>();
                    rule.weekdays = days.ok_or_else(|| wrong("weekdays such as MO, 4TH or -1MO"))?;
                }
                "WKST" => rule.monday = value.eq_ignore_ascii_case("MO"),
                _ => return Err(format!("`{key}` in a rule is not understood here; {CANNOT}")),
            }
        }
        rule.every = every.ok_or("the rule does not say how often; write FREQ=YEARLY")?;
        rule.consistent()?;
        Ok(rule)
    }

    fn consistent(&self) -> Result<(), String> {
        let nth = self.weekdays.iter().any(|(n, _)| *n != 0);
        let in_month = self.every == Every::Month || self.every == Every::Year && !self.months.is_empty();
        if nth && !in_month {
            return Err("a weekday is counted within a month; write BYMONTH beside it".to_owned());
        }
        if self.every == Every::Year && self.months.is_empty() && !self.weekdays.is_empty() {
            return Err("which months are meant is not said; write BYMONTH beside BYDAY".to_owned());
        }
        if !self.monday && self.every == Every::Week && self.interval > 1 {
            return Err("weeks that are left out are counted from Monday; write WKST=MO".to_owned());
        }
        if self.count.is_some() && self.until.is_some() {
            return Err("a rule ends by COUNT or by UNTIL; write one of the two".to_owned());
        }
        Ok(())
    }

    fn is_plainly_yearly(&self, first: Date) -> bool {
        let own = self.months.iter().all(|month| *month == first.month())
            && self.month_days.iter().all(|day| *day == first.day())
            && (self.month_days.is_empty() || !self.months.is_empty());
        let endless = self.count.is_none() && self.until.is_none();
        self.every == Every::Year && self.interval == 1 && endless && own && self.weekdays.is_empty()
    }

    /// The days on which it comes, the first one always among them.
    fn dates(&self, first: Date) -> Vec<Date> {
        let last = self.until.map_or(THROUGH, |until| until.min(THROUGH));
        let mut dates = vec![first];
        let mut start = match self.every {
            Every::Day => first,
            Every::Week => first.saturating_sub(first.weekday().to_monday_zero_offset().days()),
            Every::Month => first.first_of_month(),
            Every::Year => first.first_of_year(),
        };
        while start <= last && self.count.is_none_or(|count| dates.len() < count) {
            let mut these = self.within(start, first);
            these.sort_unstable();
            these.dedup();
            dates.extend(these.into_iter().filter(|date| *date > first && *date <= last));
            start = start.saturating_add(match self.every {
                Every::Day => self.interval.days(),
                Every::Week => self.interval.weeks(),
                Every::Month => self.interval.months(),
                Every::Year => self.interval.years(),
            });
        }
        dates.truncate(self.count.unwrap_or(usize::MAX));
        dates
    }

    /// The days within the day, week, month or year that begins here.
    fn within(&self, start: Date, first: Date) -> Vec<Date> {
        let wanted = |date: &Date| {
            (self.months.is_empty() || self.months.contains(&date.month()))
                && (self.month_days.is_empty() || self.month_days.iter().any(|day| is_month_day(*date, *day)))
                && (self.weekdays.is_empty() || self.weekdays.iter().any(|(n, day)| is_nth(*date, *n, *day)))
        };
        let free = self.month_days.is_empty() && self.weekdays.is_empty();
        match self.every {
            Every::Day => vec![start].into_iter().filter(wanted).collect(),
            Every::Week => {
                let week = (0..7).map(|n| start.saturating_add(n.days()));
                week.filter(wanted)
                    .filter(|date| !self.weekdays.is_empty() || date.weekday() == first.weekday())
                    .collect()
            }
            Every::Month => month(start).filter(wanted).filter(|date| !free || date.day() == first.day()).collect(),
            Every::Year => {
                let own = |month: i8| {
                    if self.months.is_empty() && self.month_days.is_empty() { month == first.month() } else { true }
                };
                let months =
                    (1..=12).filter(|month| own(*month)).filter_map(|month| Date::new(start.year(), month, 1).ok());
                months.flat_map(month).filter(wanted).filter(|date| !free || date.day() == first.day()).collect()
            }
        }
    }
}

fn month(first: Date) -> impl Iterator<Item = Date> {
    (1..=first.days_in_month()).filter_map(move |day| Date::new(first.year(), first.month(), day).ok())
}

fn is_month_day(date: Date, day: i8) -> bool {
    date.day() == if day > 0 { day } else { date.days_in_month() + 1 + day }
}

fn is_nth(date: Date, n: i8, weekday: Weekday) -> bool {
    let from_end = (date.days_in_month() - date.day()) / 7 + 1;
    date.weekday() == weekday && (n == 0 || n == (date.day() - 1) / 7 + 1 || -n == from_end)
}

fn frequency(text: &str) -> Result<Every, String> {
    match text.to_ascii_uppercase().as_str() {
        "DAILY" => Ok(Every::Day),
        "WEEKLY" => Ok(Every::Week),
        "MONTHLY" => Ok(Every::Month),
        "YEARLY" => Ok(Every::Year),
        _ => Err(format!("`{text}` is not a valid FREQ; write YEARLY, MONTHLY, WEEKLY or DAILY")),
    }
}

fn within(text: &str, min: i32, max: i32) -> Option<i32> {
    text.parse().ok().filter(|n| (min..=max).contains(n))
}

fn list(text: &str, min: i32, max: i32) -> Option<Vec<i8>> {
    text.split(',').map(|one| within(one, min, max).and_then(|n| i8::try_from(n).ok())).collect()
}

fn weekday(text: &str) -> Option<(i8, Weekday)> {
    let (n, day) = text.split_at_checked(text.len().checked_sub(2)?)?;
    let day = DAYS.iter().position(|known| known.eq_ignore_ascii_case(day))?;
    let n = if n.is_empty() { 0 } else { within(n, -5, 5).filter(|n| *n != 0)? };
    Some((i8::try_from(n).ok()?, Weekday::from_monday_zero_offset(i8::try_from(day).ok()?).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first days of an event, and how many there are.
    fn days(first: u32, rule: &str) -> (Vec<u32>, usize) {
        let all = event_days(&Event { first, rule: Some(rule), ..Event::default() }).unwrap();
        let firsts = all.iter().map(|days| match days {
            Days::Dates { first, .. } | Days::Yearly { first, .. } => *first,
            Days::Weekdays(_) => 0,
        });
        (firsts.take(3).collect(), all.len())
    }

    #[test]
    fn rules_of_holidays_give_their_days() {
        // The same as the rrule of python-dateutil gives.
        assert_eq!(days(19701225, "FREQ=YEARLY"), (vec![1225], 1), "every year, however far away");
        assert_eq!(days(20280508, "FREQ=YEARLY"), (vec![20280508, 20290508, 20300508], 72), "not before it began");
        assert_eq!(days(20191128, "FREQ=YEARLY;BYMONTH=11;BYDAY=4TH").0, [20201126, 20211125, 20221124]);
        assert_eq!(days(20260525, "FREQ=YEARLY;BYDAY=-1MO;BYMONTH=5").0, [20260525, 20270531, 20280529]);
        assert_eq!(days(20240229, "FREQ=YEARLY").0, [20240229, 20280229, 20320229]);
        assert_eq!(days(20260131, "FREQ=MONTHLY;COUNT=3"), (vec![20260131, 20260331, 20260531], 3));
        assert_eq!(days(20260131, "FREQ=MONTHLY;BYMONTHDAY=-1;COUNT=3").0, [20260131, 20260228, 20260331]);
        assert_eq!(days(20260102, "FREQ=WEEKLY;INTERVAL=2;UNTIL=20260131T000000Z").0, [20260102, 20260116, 20260130]);
        assert_eq!(days(20260105, "FREQ=WEEKLY;BYDAY=MO,WE;COUNT=3").0, [20260105, 20260107, 20260112]);
        assert_eq!(days(20261230, "FREQ=DAILY;COUNT=3").0, [20261230, 20261231, 20270101]);
        assert_eq!(days(20260101, "FREQ=YEARLY;INTERVAL=4;UNTIL=20340101").0, [20260101, 20300101, 20340101]);
    }

    #[test]
    fn an_event_has_a_length_and_days_on_which_it_does_not_come() {
        let year_end = Event { first: 20261224, end: Some(20270102), ..Event::default() };
        assert_eq!(event_days(&year_end), Ok(vec![Days::Dates { first: 20261224, last: 20270101 }]));
        let over = Event { first: 20111224, ..Event::default() };
        assert_eq!(event_days(&over), Ok(vec![]), "nobody plans for it");
        let without = Event { rule: Some("FREQ=DAILY;COUNT=3"), except: vec![20261225], ..year_end.clone() };
        assert_eq!(event_days(&Event { end: None, ..without }).unwrap().len(), 2);
        assert!(event_days(&Event { end: Some(20261224), ..year_end }).unwrap_err().contains("lasts 0 days"));
    }

    #[test]
    fn what_is_not_understood_is_refused_with_what_to_write() {
        for (rule, part) in [
            ("", "FREQ=YEARLY"),
            ("FREQ=HOURLY", "`HOURLY` is not a valid FREQ"),
            ("FREQ=YEARLY;BYSETPOS=1", "`BYSETPOS` in a rule is not understood"),
            ("FREQ=YEARLY;BYDAY=4TH", "write BYMONTH"),
            ("FREQ=YEARLY;BYMONTH=13", "`13` is not a valid BYMONTH"),
            ("FREQ=YEARLY;BYDAY=XX", "`XX` is not a valid BYDAY"),
            ("FREQ=YEARLY;BYDAY=é", "`é` is not a valid BYDAY"),
            ("FREQ=YEARLY;UNTIL=2026-12-31", "20261231"),
            ("FREQ=YEARLY;COUNT=2;UNTIL=20300101", "one of the two"),
            ("FREQ=WEEKLY;WKST=SU;INTERVAL=2", "WKST=MO"),
            ("FREQ", "KEY=VALUE"),
        ] {
            let event = Event { first: 20260101, rule: Some(rule), ..Event::default() };
            let said = event_days(&event).unwrap_err();
            assert!(said.contains(part) && said.contains("; "), "{rule}: {said}");
        }
        assert_eq!(parse_day("20260230"), None);
        assert_eq!(parse_day("20261224"), Some(20261224));
    }
}
