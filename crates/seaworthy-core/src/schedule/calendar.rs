//! Calendar expressions of systemd, `OnCalendar=` in systemd.time(7), as sets of seconds, minutes, hours and days.
//!
//! Must not know how a fire is searched for. What systemd refuses is refused here too, with its place; what it accepts
//! is accepted but for parts of a second, `@` times and years of two digits.

use jiff::civil;

use super::{
    Part, Problem,
    pattern::{self, Pattern},
};

/// Names for whole expressions.
const SHORTHANDS: [(&str, &str); 12] = [
    ("minutely", "*-*-* *:*:00"),
    ("hourly", "*-*-* *:00:00"),
    ("daily", "*-*-* 00:00:00"),
    ("weekly", "Mon *-*-* 00:00:00"),
    ("monthly", "*-*-01 00:00:00"),
    ("quarterly", "*-01,04,07,10-01 00:00:00"),
    ("semiannually", "*-01,07-01 00:00:00"),
    ("semi-annually", "*-01,07-01 00:00:00"),
    ("biannually", "*-01,07-01 00:00:00"),
    ("bi-annually", "*-01,07-01 00:00:00"),
    ("yearly", "*-01-01 00:00:00"),
    ("annually", "*-01-01 00:00:00"),
];

const WEEKDAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

/// The days of a calendar expression.
#[derive(Debug, Clone)]
pub(super) struct Days {
    /// Bit n: the n-th day after Monday.
    weekdays: u8,
    /// First, last, step. Empty: every year.
    years: Vec<(i16, i16, i16)>,
    pub months: u64,
    days: u64,
    /// Bit n: the n-th day from the end of the month; instead of `days`.
    from_end: Option<u64>,
}

impl Days {
    pub fn year(&self, year: i16) -> bool {
        let within =
            |(first, last, step): &(i16, i16, i16)| (*first..=*last).contains(&year) && (year - first) % step == 0;
        self.years.is_empty() || self.years.iter().any(within)
    }

    pub fn day(&self, date: civil::Date) -> bool {
        let of_month = match self.from_end {
            Some(bits) => bits >> (date.days_in_month() + 1 - date.day()) & 1 == 1,
            None => self.days >> date.day() & 1 == 1,
        };
        of_month && self.weekdays >> date.weekday().to_monday_zero_offset() & 1 == 1
    }
}

/// A piece of the expression with its place in it.
#[derive(Clone, Copy)]
struct Piece<'a> {
    at: usize,
    text: &'a str,
}

impl<'a> Piece<'a> {
    /// The pieces between the characters for which `by` says yes, with the place of each.
    fn split(self, by: impl Fn(char) -> bool) -> Vec<Piece<'a>> {
        let place =
            |text: &'a str| Piece { at: self.at + (text.as_ptr() as usize - self.text.as_ptr() as usize), text };
        self.text.split(by).map(place).collect()
    }

    fn cut(self, by: &str) -> Option<(Piece<'a>, Piece<'a>)> {
        let (left, right) = self.text.split_once(by)?;
        Some((Piece { at: self.at, text: left }, Piece { at: self.at + left.len() + by.len(), text: right }))
    }

    fn problem(self, message: String, help: impl Into<String>) -> Problem {
        Problem { at: self.at, len: self.text.len(), message, help: help.into(), about: Part::When }
    }
}

/// Expression and zone, which systemd allows at the end: `Mon 02:30 Europe/Berlin`.
pub fn split_zone(text: &str) -> (&str, Option<&str>) {
    let trimmed = text.trim_end();
    match trimmed.rsplit_once(|c: char| c.is_ascii_whitespace()) {
        // Only the first word may begin with a letter: weekdays or a shorthand.
        Some((rest, zone)) if zone.starts_with(|c: char| c.is_ascii_alphabetic()) && !rest.trim().is_empty() => {
            (rest.trim_end(), Some(zone))
        }
        _ => (text, None),
    }
}

pub(super) fn parse(text: &str) -> Result<Pattern, Problem> {
    if let Some((_, meaning)) = SHORTHANDS.iter().find(|(name, _)| name.eq_ignore_ascii_case(text.trim())) {
        return parse(meaning);
    }
    let whole = Piece { at: 0, text };
    let words: Vec<Piece<'_>> =
        whole.split(|c| c.is_ascii_whitespace()).into_iter().filter(|word| !word.text.is_empty()).collect();
    let mut rest = &words[..];
    let mut weekdays = 0x7f;
    if let Some((first, after)) = rest.split_first().filter(|(first, _)| first.text.starts_with(char::is_alphabetic)) {
        weekdays = weekdays_of(*first)?;
        rest = after;
    }
    let (mut date, mut time) = (None, None);
    for word in rest {
        let is_time = word.text.contains(':');
        let fits =
            if is_time { time.is_none() } else { date.is_none() && time.is_none() && word.text.contains(['-', '~']) };
        if !fits {
            let help = "write weekdays, date and time with one space between them, such as `Mon..Fri *-*-* 02:30:00`";
            return Err(word.problem(format!("`{}` does not belong here", word.text), help));
        }
        *(if is_time { &mut time } else { &mut date }) = Some(*word);
    }
    if words.is_empty() {
        return Err(whole.problem("this says no time".into(), "write such as `Mon..Fri 02:30`, or `daily`"));
    }
    let days = dates_of(date, weekdays)?;
    let (hours, minutes, seconds, elapsed) = time.map_or(Ok((1, 1, 1, false)), times_of)?;
    Ok(Pattern { seconds, minutes, hours, elapsed, days: pattern::Days::Calendar(days) })
}

fn weekdays_of(word: Piece<'_>) -> Result<u8, Problem> {
    let number = |day: Piece<'_>| {
        let is = |name: &&str| name.eq_ignore_ascii_case(day.text) || name[..3].eq_ignore_ascii_case(day.text);
        WEEKDAYS.iter().position(is).ok_or_else(|| {
            let shorthands = "minutely, hourly, daily, weekly, monthly, quarterly, semiannually or yearly";
            day.problem(
                format!("`{}` is not a day of the week", day.text),
                format!("write Mon, Tue, Wed, Thu, Fri, Sat or Sun; alone also {shorthands}"),
            )
        })
    };
    let mut bits = 0;
    // systemd allows a comma at the end.
    let word = Piece { text: word.text.strip_suffix(',').unwrap_or(word.text), ..word };
    for item in word.split(|c| c == ',') {
        let range = item.cut("..").or_else(|| item.cut("-"));
        let (first, last) = match range {
            Some((from, to)) => (number(from)?, number(to)?),
            None => (number(item)?, number(item)?),
        };
        if last < first {
            let help = format!(
                "a week begins on Monday: write `{}..Sun,Mon..{}`",
                &WEEKDAYS[first][..3],
                &WEEKDAYS[last][..3]
            );
            return Err(item.problem(format!("the days `{}` run backwards", item.text), help));
        }
        (first..=last).for_each(|day| bits |= 1 << day);
    }
    Ok(bits)
}

fn dates_of(word: Option<Piece<'_>>, weekdays: u8) -> Result<Days, Problem> {
    let mut days = Days { weekdays, years: vec![], months: MONTH.all(), days: DAY.all(), from_end: None };
    let Some(word) = word else { return Ok(days) };
    let parts = word.split(|c| c == '-' || c == '~');
    let separator = |n: usize| word.text.as_bytes()[parts[n].at - word.at - 1];
    let (year, month, day) = match parts[..] {
        [month, day] => (None, month, day),
        [year, month, day] if separator(1) == b'-' => (Some(year), month, day),
        _ => {
            let help =
                "write year, month and day, such as `2026-03-29`, `*-*-01` or `*-02~01` for the last of February";
            return Err(word.problem(format!("`{}` is not a date", word.text), help));
        }
    };
    if let Some(year) = year {
        for (first, last, step) in YEAR.parse(year)?.into_iter().flatten() {
            days.years.push((first as i16, last as i16, step as i16));
        }
    }
    days.months = MONTH.bits(month)?;
    if separator(parts.len() - 1) == b'~' {
        days.from_end = Some(from_end(&DAY.parse(day)?.unwrap_or_else(|| vec![(1, 31, 1)])));
    } else {
        days.days = DAY.bits(day)?;
    }
    Ok(days)
}

/// Days counted from the end of a month. systemd counts repetitions onwards in the month, so towards its end here.
fn from_end(spans: &[(u16, u16, u16)]) -> u64 {
    let mut bits = 0;
    for (first, last, step) in spans {
        // `07/1`: from the seventh last day on; `1..3`: the last three days.
        let (from, to) = if *last == DAY.last { (*first, 1) } else { (*last, *first) };
        let mut n = from;
        while n >= to {
            bits |= 1 << n;
            let Some(next) = n.checked_sub(*step) else { break };
            n = next;
        }
    }
    bits
}

/// Hours, minutes and seconds, and whether they follow elapsed time.
fn times_of(word: Piece<'_>) -> Result<(u64, u64, u64, bool), Problem> {
    let parts = word.split(|c| c == ':');
    let (hour, minute, second) = match parts[..] {
        [hour, minute] => (hour, minute, None),
        [hour, minute, second] => (hour, minute, Some(second)),
        _ => {
            let help = "write hour, minute and perhaps second, such as `02:30` or `02:30:15`";
            return Err(word.problem(format!("`{}` is not a time", word.text), help));
        }
    };
    if let Some(second) = second.filter(|second| second.text.contains('.') && !second.text.contains("..")) {
        let help = "write a whole number of seconds";
        return Err(second.problem(format!("`{}` has parts of a second", second.text), help));
    }
    let elapsed = [Some(hour), Some(minute), second].into_iter().flatten().any(|part| part.text.starts_with('*'));
    let seconds = second.map_or(Ok(1), |second| SECOND.bits(second))?;
    Ok((HOUR.bits(hour)?, MINUTE.bits(minute)?, seconds, elapsed))
}

/// What one part accepts and what it is called.
struct Kind {
    name: &'static str,
    first: u16,
    last: u16,
}

const YEAR: Kind = Kind { name: "year", first: 1970, last: 2199 };
const MONTH: Kind = Kind { name: "month", first: 1, last: 12 };
const DAY: Kind = Kind { name: "day of month", first: 1, last: 31 };
const HOUR: Kind = Kind { name: "hour", first: 0, last: 23 };
const MINUTE: Kind = Kind { name: "minute", first: 0, last: 59 };
const SECOND: Kind = Kind { name: "second", first: 0, last: 59 };

/// First, last and step of each item of a list; `None` is `*`.
type Spans = Option<Vec<(u16, u16, u16)>>;

impl Kind {
    fn all(&self) -> u64 {
        (self.first..=self.last).fold(0, |bits, n| bits | 1 << n)
    }

    fn bits(&self, part: Piece<'_>) -> Result<u64, Problem> {
        let Some(spans) = self.parse(part)? else { return Ok(self.all()) };
        let values = spans.iter().flat_map(|(first, last, step)| (*first..=*last).step_by(usize::from(*step)));
        Ok(values.fold(0, |bits, n| bits | 1 << n))
    }

    fn parse(&self, part: Piece<'_>) -> Result<Spans, Problem> {
        if part.text == "*" {
            return Ok(None);
        }
        part.split(|c| c == ',').into_iter().map(|item| self.item(item)).collect::<Result<_, _>>().map(Some)
    }

    fn item(&self, item: Piece<'_>) -> Result<(u16, u16, u16), Problem> {
        let (range, step) = match item.cut("/") {
            None => (item, None),
            Some((range, step)) => (range, Some(self.step(step)?)),
        };
        if range.text == "*" {
            let help = match step {
                Some(step) => format!("systemd has no step after `*`: write `{}/{step}`", self.first),
                None => "write `*` alone".to_owned(),
            };
            return Err(item.problem(format!("`{}` is not a valid {}", item.text, self.name), help));
        }
        let Some((from, to)) = range.cut("..") else {
            let first = self.value(range)?;
            let Some(step) = step else { return Ok((first, first, 1)) };
            if first.saturating_add(step) > self.last {
                let help = format!("a step from {first} on is at most {}", self.last - first);
                return Err(item.problem(format!("the {} `{}` has no second value", self.name, item.text), help));
            }
            return Ok((first, self.last, step));
        };
        let (first, last) = (self.value(from)?, self.value(to)?);
        if last < first {
            let help = format!("write two ranges: `{first}..{},{}..{last}`", self.last, self.first);
            return Err(range.problem(format!("the {} range `{}` runs backwards", self.name, range.text), help));
        }
        Ok((first, last, step.unwrap_or(1)))
    }

    fn step(&self, step: Piece<'_>) -> Result<u16, Problem> {
        number(step.text).filter(|n| *n > 0).ok_or_else(|| {
            step.problem(
                format!("`{}` is not a step for the {}", step.text, self.name),
                "after `/` comes a whole number from 1 on: `0/15` is every fifteenth",
            )
        })
    }

    fn value(&self, piece: Piece<'_>) -> Result<u16, Problem> {
        if let Some(n) = number(piece.text).filter(|n| (self.first..=self.last).contains(n)) {
            return Ok(n);
        }
        let message = match piece.text {
            "" => format!("the {} lacks a value here", self.name),
            text => format!("`{text}` is not a valid {}", self.name),
        };
        Err(piece.problem(message, format!("write a number from {} to {}", self.first, self.last)))
    }
}

/// Digits only: no sign, no space.
fn number(text: &str) -> Option<u16> {
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    Some(text.parse().unwrap_or(u16::MAX))
}
