//! A cron expression as sets of minutes, hours and days.
//!
//! Must not know how a fire is searched for, nor intervals, nor what happens with a fire.

use jiff::civil;

use super::{
    Part, Problem,
    field::{DAY, HOUR, LAST_OF_MONTH, MINUTE, MONTH, Piece, Set, WEEKDAY},
    pattern::{self, Pattern},
};

#[derive(Debug, Clone)]
pub(super) struct Days {
    days: Set,
    pub months: u64,
    weekdays: Set,
    /// Day of month and day of week must both match. crontab(5): as soon as one of them starts with `*`; else one
    /// of the two is enough.
    both: bool,
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

/// Reads an expression. `spread_by` is what a `~` is drawn from.
pub(super) fn parse(text: &str, spread_by: &str) -> Result<Pattern, Problem> {
    if text.trim().starts_with('@') {
        let (_, meaning) = NICKNAMES
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(text.trim()))
            .ok_or_else(|| whole(text, format!("`{}` is not a known expression", text.trim())))?;
        return parse(meaning, spread_by);
    }
    let fields: Vec<Piece<'_>> = text
        .split_ascii_whitespace()
        .map(|field| Piece { at: field.as_ptr() as usize - text.as_ptr() as usize, text: field })
        .collect();
    let [minute, hour, day, month, weekday] = fields[..] else {
        return Err(whole(text, format!("a cron expression has five fields, this one has {}", fields.len())));
    };
    let days = DAY.parse(day, spread_by)?;
    let mut weekdays = WEEKDAY.parse(weekday, spread_by)?;
    // 7 is Sunday too.
    weekdays.bits = (weekdays.bits | weekdays.bits >> 7) & 0x7f;
    Ok(Pattern {
        seconds: 1,
        minutes: MINUTE.parse(minute, spread_by)?.bits,
        hours: HOUR.parse(hour, spread_by)?.bits,
        elapsed: minute.text.starts_with('*') || hour.text.starts_with('*'),
        days: pattern::Days::Cron(Days {
            months: MONTH.parse(month, spread_by)?.bits,
            both: days.star || weekdays.star,
            days,
            weekdays,
        }),
    })
}

impl Days {
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

/// The last of Monday to Friday in the month of `date`.
fn last_workday(date: civil::Date) -> i8 {
    let last = date.last_of_month();
    last.day() - (last.weekday().to_monday_one_offset() - 5).max(0)
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
