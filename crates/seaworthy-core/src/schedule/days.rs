//! Sets of days: dates, spans of dates, days of every year, weekdays. How they are written, and whether a day is one.
//!
//! Must not know schedules nor zones: a date comes in.

use jiff::civil::Date;
use seaworthy_model::schedule::{DaySet, Days};

const WEEKDAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

/// Reads one item of a set of days: `2026-12-25`, `2026-12-24..2027-01-02`, `12-25` and `12-24..01-06` (every year),
/// `Sat`, `Mon..Fri`.
///
/// # Errors
/// What is wrong with it and what would be right, with `; ` between them.
pub fn parse_days(text: &str) -> Result<Days, String> {
    let text = text.trim();
    let (first, last) = text.split_once("..").unwrap_or((text, text));
    if let (Some(first), Some(last)) = (weekday(first), weekday(last)) {
        let count = (last + 7 - first) % 7;
        return Ok(Days::Weekdays((0..=count).fold(0, |bits, n| bits | 1 << ((first + n) % 7))));
    }
    let wrong = |what: &str| {
        format!(
            "`{text}` is {what}; write `2026-12-25`, `2026-12-24..2027-01-02`, `12-25` for every year, or weekdays such as `Sat..Sun`"
        )
    };
    match (date(first), date(last)) {
        (Some((Some(year), day)), Some((Some(last_year), last_day))) => {
            let (first, last) = (year * 10_000 + day, last_year * 10_000 + last_day);
            if first <= last {
                Ok(Days::Dates { first, last })
            } else {
                Err(wrong("a span that ends before it begins"))
            }
        }
        (Some((None, first)), Some((None, last))) => Ok(Days::Yearly { first, last }),
        _ => Err(wrong("neither a day nor a span of days")),
    }
}

fn weekday(text: &str) -> Option<usize> {
    WEEKDAYS.iter().position(|day| text.trim().eq_ignore_ascii_case(day))
}

/// Year, if there is one, and month and day as 1224. A day of every year is judged in a leap year.
fn date(text: &str) -> Option<(Option<u32>, u32)> {
    let parts: Vec<&str> = text.trim().split('-').collect();
    let number = |part: &str, digits: usize| {
        (part.len() == digits && part.bytes().all(|b| b.is_ascii_digit())).then(|| part.parse::<u32>().ok())?
    };
    let (year, month, day) = match parts[..] {
        [year, month, day] => (Some(number(year, 4)?), number(month, 2)?, number(day, 2)?),
        [month, day] => (None, number(month, 2)?, number(day, 2)?),
        _ => return None,
    };
    Date::new(i16::try_from(year.unwrap_or(2028)).ok()?, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()?;
    Some((year, month * 100 + day))
}

/// Whether the set has this day.
pub(super) fn has(set: &DaySet, date: Date) -> bool {
    let day = u32::from(date.month().unsigned_abs()) * 100 + u32::from(date.day().unsigned_abs());
    let year = u32::from(date.year().unsigned_abs());
    set.days.iter().any(|days| match days {
        Days::Dates { first, last } => (*first..=*last).contains(&(year * 10_000 + day)),
        Days::Yearly { first, last } if first <= last => (*first..=*last).contains(&day),
        Days::Yearly { first, last } => day >= *first || day <= *last,
        Days::Weekdays(bits) => bits >> date.weekday().to_monday_zero_offset() & 1 == 1,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_read_as_people_write_them() {
        let set = |items: &[&str]| DaySet {
            name: "s".into(),
            days: items.iter().map(|item| parse_days(item).unwrap()).collect(),
        };
        let has = |items: &[&str], year: i16, month: i8, day: i8| has(&set(items), Date::constant(year, month, day));
        assert!(has(&["2026-12-25"], 2026, 12, 25) && !has(&["2026-12-25"], 2027, 12, 25));
        assert!(has(&["12-25"], 2031, 12, 25) && !has(&["12-25"], 2031, 12, 26));
        assert!(has(&["12-24..01-06"], 2026, 12, 31) && has(&["12-24..01-06"], 2026, 1, 6));
        assert!(!has(&["12-24..01-06"], 2026, 1, 7) && has(&["02-29"], 2028, 2, 29));
        assert!(has(&["2026-12-24..2027-01-02"], 2027, 1, 2) && !has(&["2026-12-24..2027-01-02"], 2027, 1, 3));
        // 25 October 2026 is a Sunday.
        assert!(
            has(&["Sat..Sun"], 2026, 10, 25) && has(&["fri..mon"], 2026, 10, 26) && !has(&["Mon..Fri"], 2026, 10, 25)
        );
        for wrong in [
            "",
            "2026-13-01",
            "2026-02-29",
            "25-12",
            "tomorrow",
            "2026-12-25..12-26",
            "Mon..2026-01-01",
            "2027-01-02..2026-12-24",
        ] {
            assert!(parse_days(wrong).unwrap_err().contains("; write"), "{wrong}");
        }
    }
}
