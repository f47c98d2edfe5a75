//! Time zones by IANA name, from the data bundled with the program, and times as people read and write them.
//!
//! Must not know schedules, nor the zone data or the zone setting of the machine.

use jiff::{
    Timestamp, civil,
    tz::{AmbiguousOffset, Offset, TimeZone, TimeZoneDatabase},
};
use seaworthy_model::time::At;

use super::{Part, Problem};

/// A time zone with its name.
#[derive(Debug, Clone)]
pub(super) struct Zone {
    tz: TimeZone,
    name: String,
}

/// A time during which the offset from UTC stays the same.
pub(super) struct Stretch {
    pub offset: Offset,
    /// When it ends; `None`: never.
    pub until: Option<Timestamp>,
    /// From here on the wall clock shows what it never showed before: its start, or the end of a fold.
    /// `None`: always.
    pub fresh: Option<Timestamp>,
}

/// Stands for a zone that nobody knows; no place has it.
const UNKNOWN: &str = "Etc/Unknown";

impl Zone {
    pub fn find(name: &str) -> Result<Zone, Problem> {
        let known = if name.eq_ignore_ascii_case(UNKNOWN) { None } else { TimeZoneDatabase::bundled().get(name).ok() };
        let Some(tz) = known else {
            return Err(Problem {
                at: 0,
                len: name.len(),
                message: format!("`{name}` is not a time zone"),
                help: format!(
                    "did you mean `{}`? Names are those of the IANA database, such as `Europe/Berlin`",
                    nearest(name)
                ),
                about: Part::Timezone,
            });
        };
        let name = tz.iana_name().unwrap_or(name).to_owned();
        Ok(Zone { tz, name })
    }

    /// What a clock on the wall shows.
    pub fn civil(&self, t: Timestamp) -> civil::DateTime {
        self.tz.to_offset(t).to_datetime(t)
    }

    /// The one instant that a nominal time stands for: in a gap the first one after it, in a fold the first of both.
    /// Never decreases when `nominal` grows.
    pub fn instant(&self, nominal: civil::DateTime) -> Option<Timestamp> {
        match self.tz.to_ambiguous_timestamp(nominal).offset() {
            AmbiguousOffset::Unambiguous { offset } => offset.to_timestamp(nominal).ok(),
            AmbiguousOffset::Fold { before, .. } => before.to_timestamp(nominal).ok(),
            AmbiguousOffset::Gap { before, after } => {
                let earlier = after.to_timestamp(nominal).ok()?;
                let later = before.to_timestamp(nominal).ok()?;
                let jump =
                    self.tz.following(earlier).take_while(|t| t.timestamp() <= later).find(|t| t.offset() == after);
                Some(jump.map_or(later, |jump| jump.timestamp()))
            }
        }
    }

    /// The stretch that `t` lies in.
    pub fn stretch(&self, t: Timestamp) -> Stretch {
        let offset = self.tz.to_offset(t);
        let until = self.tz.following(t).next().map(|next| next.timestamp());
        // `preceding` is strict, and `t` may be the start itself.
        let since = t.checked_add(jiff::SignedDuration::from_nanos(1)).ok().and_then(|t| self.tz.preceding(t).next());
        let fresh = since.and_then(|since| {
            let start = since.timestamp();
            let before = self.tz.to_offset(start.checked_sub(jiff::SignedDuration::from_nanos(1)).ok()?);
            start
                .checked_add(jiff::SignedDuration::from_secs(i64::from((before.seconds() - offset.seconds()).max(0))))
                .ok()
        });
        Stretch { offset, until, fresh }
    }

    pub fn show(&self, t: At) -> String {
        let t = timestamp(t);
        let offset = self.tz.to_offset(t);
        let civil = offset.to_datetime(t);
        let seconds = if civil.second() == 0 { String::new() } else { format!(":{:02}", civil.second()) };
        let total = offset.seconds();
        let (sign, minutes) = (if total < 0 { '-' } else { '+' }, total.abs() / 60);
        format!(
            "{} {:02}:{:02}{seconds} {} ({sign}{:02}:{:02})",
            civil.date(),
            civil.hour(),
            civil.minute(),
            self.name,
            minutes / 60,
            minutes % 60
        )
    }
}

/// Whether this is an IANA zone that the bundled data knows. Upper and lower case are the same.
///
/// # Errors
/// A [`Problem`] over the whole text, with the nearest known zone in `help`.
pub fn zone_exists(name: &str) -> Result<(), Problem> {
    Zone::find(name).map(|_| ())
}

/// `2026-03-29T01:00:00Z`: RFC 3339 in UTC; parts of a second are left out.
pub fn utc(t: At) -> String {
    let civil = Offset::UTC.to_datetime(timestamp(t));
    format!("{}T{:02}:{:02}:{:02}Z", civil.date(), civil.hour(), civil.minute(), civil.second())
}

/// Reads a time as people write it: RFC 3339 (`2026-03-29T01:00:00Z`, `2026-03-29T03:00:00+02:00`), or a local time
/// with its zone (`2026-03-29 02:00 Europe/Berlin`); a local time without a zone is UTC. A time that the zone's
/// clocks leave out is the first instant after the gap, one that they show twice is the first of both.
///
/// # Errors
/// A sentence that says what would be right.
pub fn parse_time(text: &str) -> Result<At, String> {
    parse_time_in(text, "UTC")
}

/// [`parse_time`], but a local time without a zone is in `zone`.
///
/// # Errors
/// As [`parse_time`]; also if `zone` does not exist.
pub fn parse_time_in(text: &str, zone: &str) -> Result<At, String> {
    let text = text.trim();
    let wrong = || {
        format!(
            "`{text}` is not a time; write `2026-03-29T01:00:00Z`, or `2026-03-29 02:00 Europe/Berlin` for a local time"
        )
    };
    let instant = match text.parse::<Timestamp>() {
        Ok(instant) => instant,
        Err(_) => {
            // Date and time are two words or one with a `T`; what follows is the zone, and perhaps its offset.
            let mut words = text.split_ascii_whitespace().peekable();
            let mut nominal = words.next().ok_or_else(wrong)?.to_owned();
            if words.peek().is_some_and(|word| word.starts_with(|c: char| c.is_ascii_digit())) {
                nominal = format!("{nominal}T{}", words.next().unwrap_or_default());
            }
            let nominal: civil::DateTime = nominal.parse().map_err(|_| wrong())?;
            let zone = Zone::find(words.next().unwrap_or(zone)).map_err(|p| format!("{}; {}", p.message, p.help))?;
            zone.instant(nominal).ok_or_else(wrong)?
        }
    };
    at(instant).ok_or_else(|| format!("`{text}` is outside the years 1678 to 2261 that can be kept"))
}

/// For the calendar's library.
pub(super) fn timestamp(t: At) -> Timestamp {
    Timestamp::from_nanosecond(i128::from(t.0)).expect("the years 1677 to 2262 are within the library's range")
}

/// Back from the calendar's library; `None` before 1677 and after 2262.
pub(super) fn at(t: Timestamp) -> Option<At> {
    i64::try_from(t.as_nanosecond()).ok().map(At)
}

/// The known zone that takes the fewest changes to write, or whose last part is what was written.
fn nearest(name: &str) -> String {
    let wanted = name.to_ascii_lowercase().replace(' ', "_");
    let distance_to = |known: &str| {
        let known = known.to_ascii_lowercase();
        let place = known.rsplit('/').next().unwrap_or(&known);
        distance(&wanted, &known).min(distance(&wanted, place))
    };
    let database = TimeZoneDatabase::bundled();
    let known = database.available().map(|zone| zone.as_str().to_owned()).filter(|zone| zone != UNKNOWN);
    known.min_by_key(|zone| (distance_to(zone), zone.clone())).unwrap_or_else(|| "UTC".to_owned())
}

/// Longest zone text that is compared; the longest known name has 32 letters.
const NAME_MAX: usize = 64;

/// How many letters have to be added, removed or replaced to turn one into the other (Levenshtein).
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().take(NAME_MAX).collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.chars().take(NAME_MAX).enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in other.iter().enumerate() {
            let replaced = diagonal + usize::from(a != *b);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[other.len()]
}
