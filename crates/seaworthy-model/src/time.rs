//! Instants and lengths of time. UTC integer nanoseconds inside; people's notation at the borders.
//!
//! This module must not know time zones or calendars (those are in core) nor read a clock.

use std::{
    fmt,
    ops::{Add, Sub},
};

use serde::{Deserialize, Serialize};

/// An instant: nanoseconds since 1970-01-01T00:00:00Z. Good from 1677 to 2262.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct At(pub i64);

/// A length of time in nanoseconds, never negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Span(pub u64);

impl At {
    /// The time since `earlier`; zero if `earlier` is later.
    pub fn since(self, earlier: At) -> Span {
        Span(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// Whole milliseconds since 1970.
    pub fn millis(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }
}

impl Add<Span> for At {
    type Output = At;
    fn add(self, span: Span) -> At {
        At(self.0.saturating_add(i64::try_from(span.0).unwrap_or(i64::MAX)))
    }
}

impl Sub<Span> for At {
    type Output = At;
    fn sub(self, span: Span) -> At {
        At(self.0.saturating_sub(i64::try_from(span.0).unwrap_or(i64::MAX)))
    }
}

const UNITS: [(&str, u64); 8] = [
    ("ns", 1),
    ("us", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
    ("d", 86_400_000_000_000),
    ("w", 604_800_000_000_000),
];

impl Span {
    /// No time at all.
    pub const ZERO: Span = Span(0);

    /// A span of whole seconds.
    pub const fn seconds(n: u64) -> Span {
        Span(n.saturating_mul(1_000_000_000))
    }

    /// A span of whole milliseconds.
    pub const fn from_millis(n: u64) -> Span {
        Span(n.saturating_mul(1_000_000))
    }

    /// Milliseconds, rounded up and at least 1: what fields ending in `_ms` carry (contracts, section 6).
    pub fn millis_up(self) -> u64 {
        self.0.div_ceil(1_000_000).max(1)
    }

    /// Seconds as a decimal number.
    pub fn as_seconds(self) -> f64 {
        self.0 as f64 / 1e9
    }

    /// For waits and timers of the standard library.
    pub fn to_std(self) -> std::time::Duration {
        std::time::Duration::from_nanos(self.0)
    }

    /// Reads what people write: `90s`, `1h30m`, `1.5h`, `7d`, `250ms`. A bare number is refused.
    ///
    /// # Errors
    /// A sentence that says what is wrong and what would be right.
    pub fn parse(text: &str) -> Result<Span, String> {
        let help = "write a number with a unit: ms, s, m, h, d or w, such as `90s` or `1h30m`";
        let mut rest = text.trim();
        if rest.is_empty() {
            return Err(format!("an empty text is not a length of time; {help}"));
        }
        let mut total = 0u64;
        while !rest.is_empty() {
            let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
            let (number, tail) = rest.split_at(digits);
            let letters = tail.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(tail.len());
            let (unit, tail) = tail.split_at(letters);
            let Some((_, nanos)) = UNITS.iter().find(|(name, _)| *name == unit) else {
                return Err(if unit.is_empty() {
                    format!("`{text}` has no unit; {help}")
                } else {
                    format!("`{unit}` is not a unit of time; {help}")
                });
            };
            let value: f64 = number.parse().map_err(|_| format!("`{text}` is not a length of time; {help}"))?;
            let part = value * *nanos as f64;
            if !part.is_finite() || part > 9e18 {
                return Err(format!("`{text}` is longer than 285 years"));
            }
            total = total.saturating_add(part.round() as u64);
            rest = tail;
        }
        Ok(Span(total))
    }
}

impl fmt::Display for Span {
    /// The two largest units that are not zero: `1h 30m`, `12.3s`, `250ms`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let n = self.0;
        let whole_seconds = n / 1_000_000_000;
        match n {
            0 => f.write_str("0s"),
            1..1_000 => write!(f, "{n}ns"),
            1_000..1_000_000 => write!(f, "{}us", n / 1_000),
            1_000_000..1_000_000_000 => write!(f, "{}ms", n / 1_000_000),
            1_000_000_000..60_000_000_000 => {
                let tenths = n / 100_000_000;
                if tenths.is_multiple_of(10) {
                    write!(f, "{}s", tenths / 10)
                } else {
                    write!(f, "{}.{}s", tenths / 10, tenths % 10)
                }
            }
            _ => {
                let parts = [
                    ("d", whole_seconds / 86_400),
                    ("h", whole_seconds / 3_600 % 24),
                    ("m", whole_seconds / 60 % 60),
                    ("s", whole_seconds % 60),
                ];
                let first = parts.iter().position(|(_, v)| *v > 0).unwrap_or(3);
                write!(f, "{}{}", parts[first].1, parts[first].0)?;
                match parts.get(first + 1) {
                    Some((unit, v)) if *v > 0 => write!(f, " {v}{unit}"),
                    _ => Ok(()),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_write_spans() {
        for (text, nanos) in [
            ("90s", 90_000_000_000),
            ("1h30m", 5_400_000_000_000),
            ("1.5h", 5_400_000_000_000),
            ("250ms", 250_000_000),
            ("7d", 604_800_000_000_000),
        ] {
            assert_eq!(Span::parse(text), Ok(Span(nanos)), "{text}");
        }
        for wrong in ["", "10", "10 parsecs", "1h-3m", "h", "1..2s", "99999999999w"] {
            assert!(Span::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn spans_are_shown_short() {
        for (nanos, text) in [
            (0, "0s"),
            (250_000_000, "250ms"),
            (12_300_000_000, "12.3s"),
            (5_400_000_000_000, "1h 30m"),
            (200_000_000_000_000, "2d 7h"),
        ] {
            assert_eq!(Span(nanos).to_string(), text);
        }
    }
}
