//! The five fields of a cron expression, as text: numbers, names, lists, ranges and steps.
//!
//! Must not know calendars: what a set of days means for a date is `cron`'s. The grammar is that of crontab(5) with
//! `L`, `LW`, `5L` and `5#2` as the Python library cronsim 2.8 reads them, and `~` as cronie does, except that it is
//! drawn from the process's name and not by chance: the same value on every host and after every start.

use super::{Part, Problem, spread::drawn};

/// What one field accepts and what it is called.
pub(super) struct Kind {
    name: &'static str,
    first: u8,
    last: u8,
    /// Names of the values from `names_from` on.
    names: &'static [&'static str],
    names_from: u8,
}

pub(super) const MINUTE: Kind = Kind { name: "minute", first: 0, last: 59, names: &[], names_from: 0 };
pub(super) const HOUR: Kind = Kind { name: "hour", first: 0, last: 23, names: &[], names_from: 0 };
pub(super) const DAY: Kind = Kind { name: "day of month", first: 1, last: 31, names: &[], names_from: 0 };
pub(super) const MONTH: Kind = Kind {
    name: "month",
    first: 1,
    last: 12,
    names: &["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"],
    names_from: 1,
};
/// 0 and 7 are both Sunday.
pub(super) const WEEKDAY: Kind = Kind {
    name: "day of week",
    first: 0,
    last: 7,
    names: &["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"],
    names_from: 0,
};

/// The values of one field.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Set {
    /// Bit n: the value n.
    pub bits: u64,
    /// The text starts with `*`.
    pub star: bool,
    /// Day of month: `L`, the last day.
    pub last: bool,
    /// Day of month: `LW`, the last day from Monday to Friday.
    pub last_workday: bool,
    /// Day of week, by weekday from Sunday: bit n for the n-th of the month, bit [`LAST_OF_MONTH`] for the last.
    pub nth: [u8; 7],
}

/// Bit of [`Set::nth`] for `5L`, the last Friday of the month.
pub(super) const LAST_OF_MONTH: u8 = 7;

/// A piece of the expression with its place in it.
#[derive(Clone, Copy)]
pub(super) struct Piece<'a> {
    pub at: usize,
    pub text: &'a str,
}

impl<'a> Piece<'a> {
    fn split(self, by: char) -> Option<(Piece<'a>, Piece<'a>)> {
        let (left, right) = self.text.split_once(by)?;
        Some((Piece { at: self.at, text: left }, Piece { at: self.at + left.len() + by.len_utf8(), text: right }))
    }

    fn problem(self, message: String, help: impl Into<String>) -> Problem {
        Problem { at: self.at, len: self.text.len(), message, help: help.into(), about: Part::When }
    }
}

impl Kind {
    pub fn parse(&self, field: Piece<'_>, spread_by: &str) -> Result<Set, Problem> {
        let mut set = Set { star: field.text.starts_with('*'), ..Set::default() };
        let mut at = field.at;
        for text in field.text.split(',') {
            self.item(Piece { at, text }, field, spread_by, &mut set)?;
            at += text.len() + 1;
        }
        Ok(set)
    }

    fn item(&self, item: Piece<'_>, field: Piece<'_>, spread_by: &str, set: &mut Set) -> Result<(), Problem> {
        if item.text.is_empty() {
            return Err(field.problem(
                format!("the {} `{}` has a comma with nothing beside it", self.name, field.text),
                "write values with one comma between them, such as `1,15`",
            ));
        }
        if self.letter(item, set)? {
            return Ok(());
        }
        if let Some((from, to)) = item.split('~') {
            set.bits |= 1 << self.any(item, from, to, spread_by)?;
            return Ok(());
        }
        let (range, step) = match item.split('/') {
            None => (item, None),
            Some((range, step)) => (range, Some(self.step(step)?)),
        };
        let (first, last) = if range.text == "*" {
            (self.first, self.last)
        } else if let Some((from, to)) = range.split('-') {
            let (first, last) = (self.value(from)?, self.value(to)?);
            if last < first {
                return Err(range.problem(
                    format!("the {} range `{}` runs backwards", self.name, range.text),
                    self.backwards(first, last),
                ));
            }
            (first, last)
        } else {
            let first = self.value(range)?;
            // `5/10` is `5-59/10`, as cronsim reads it.
            (first, if step.is_some() { self.last } else { first })
        };
        for value in (first..=last).step_by(step.unwrap_or(1)) {
            set.bits |= 1 << value;
        }
        Ok(())
    }

    /// `~`: any value; `10~20`: any of these. An open end in the day of month is 28, which every month has.
    fn any(&self, item: Piece<'_>, from: Piece<'_>, to: Piece<'_>, spread_by: &str) -> Result<u8, Problem> {
        let end = match self.name {
            "day of month" => 28,
            // 0 and 7 are one day.
            "day of week" => 6,
            _ => self.last,
        };
        let first = if from.text.is_empty() { self.first } else { self.value(from)? };
        let last = if to.text.is_empty() { end.max(first) } else { self.value(to)? };
        if last < first {
            let help = format!("write the lower value first: `{}~{}`", to.text, from.text);
            return Err(item.problem(format!("the {} range `{}` runs backwards", self.name, item.text), help));
        }
        Ok(first + drawn(spread_by, self.name, u64::from(last - first) + 1) as u8)
    }

    fn backwards(&self, first: u8, last: u8) -> String {
        if self.last == WEEKDAY.last && last == 0 {
            format!("Sunday ends a week as 7: write `{first}-7`")
        } else {
            format!("write two ranges: `{first}-{},{}-{last}`", self.last, self.first)
        }
    }

    /// `L` and `LW` in the day of month, `5L` and `5#2` in the day of week.
    fn letter(&self, item: Piece<'_>, set: &mut Set) -> Result<bool, Problem> {
        if self.name == DAY.name {
            match item.text.to_ascii_uppercase().as_str() {
                "L" => set.last = true,
                "LW" => set.last_workday = true,
                _ => return Ok(false),
            }
            return Ok(true);
        }
        if self.name != WEEKDAY.name {
            return Ok(false);
        }
        if let Some(day) = item.text.strip_suffix(['L', 'l']).filter(|day| day.bytes().all(|b| b.is_ascii_digit())) {
            let day = self.value(Piece { at: item.at, text: day })?;
            set.nth[usize::from(day % 7)] |= 1 << LAST_OF_MONTH;
            return Ok(true);
        }
        if let Some((day, nth)) = item.split('#') {
            let day = self.value(day)?;
            let Some(n) = nth.text.parse::<u8>().ok().filter(|n| (1..=5).contains(n)) else {
                return Err(nth.problem(
                    format!("`{}` does not say which weekday of the month", nth.text),
                    "after `#` comes a number from 1 to 5: `5#2` is the second Friday",
                ));
            };
            set.nth[usize::from(day % 7)] |= 1 << n;
            return Ok(true);
        }
        Ok(false)
    }

    fn step(&self, step: Piece<'_>) -> Result<usize, Problem> {
        number(step.text).filter(|n| *n > 0).map(usize::from).ok_or_else(|| {
            step.problem(
                format!("`{}` is not a step for the {}", step.text, self.name),
                "after `/` comes a whole number from 1 on: `*/15` is every fifteenth",
            )
        })
    }

    fn value(&self, piece: Piece<'_>) -> Result<u8, Problem> {
        if let Some(i) = self.names.iter().position(|name| name.eq_ignore_ascii_case(piece.text)) {
            return Ok(self.names_from + i as u8);
        }
        if let Some(n) = number(piece.text).filter(|n| (u16::from(self.first)..=u16::from(self.last)).contains(n)) {
            return Ok(n as u8);
        }
        let mut help = format!("write a number from {} to {}", self.first, self.last);
        if let (Some(first), Some(last)) = (self.names.first(), self.names.last()) {
            help.push_str(&format!(", or a name from {first} to {last}"));
        }
        let message = if piece.text.is_empty() {
            format!("the {} lacks a value here", self.name)
        } else {
            format!("`{}` is not a valid {}", piece.text, self.name)
        };
        Err(piece.problem(message, help))
    }
}

/// Digits only: no sign, no space.
fn number(text: &str) -> Option<u16> {
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    Some(text.parse().unwrap_or(u16::MAX))
}
