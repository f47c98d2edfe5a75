//! When a process is due: cron expressions and intervals in IANA time zones, and what becomes of each occurrence.
//!
//! Must not know a clock (time comes in), the machine's own zone data (the bundled data is used, so that the same
//! program gives the same answer on every host) nor who starts runs.
//!
//! The rule for clock changes (contracts, section 5): an expression whose minute or hour field starts with `*`
//! follows elapsed time; every other one fires once per nominal time: in a gap at the first instant after it, in a
//! fold at the first occurrence.

mod count;
mod cron;
mod decide;
mod field;
mod zone;

pub use decide::{Act, CATCH_UP_MAX, CLOCK_STEP, Decision, GRACE, RECORDED_MAX, decide};
pub use zone::{parse_time, parse_time_in, utc, zone_exists};

use seaworthy_model::{
    process::{Schedule, When},
    time::{At, Span},
};

use cron::Cron;
use zone::Zone;

/// Why a schedule cannot be used: which part of the text, what is wrong with it, what to write instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Byte offset into the cron text, or into the zone text if [`Problem::about`] says so.
    pub at: usize,
    /// Bytes that are wrong.
    pub len: usize,
    pub message: String,
    pub help: String,
    pub about: Part,
}

/// The text that a [`Problem`] points into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// `cron:` or `every:`.
    When,
    /// `timezone:`.
    Timezone,
}

/// Shortest interval; a shorter one would be a busy loop, and is refused at load.
pub const EVERY_MIN: Span = Span::seconds(1);

/// An expression that does not fire within this many years after 1 January 2026 is refused at load, and a search
/// ends this many years after its start. The rarest day that a calendar has (29 February on a given weekday, over a
/// century without a leap day) comes after 40 years.
pub const SEARCH_YEARS: i16 = 50;

/// 2026-01-01T00:00:00Z: where the search for a first fire begins at load. A constant and not the present, so that
/// a file that loads today loads tomorrow.
const LOAD_SEARCH_FROM: At = At(1_767_225_600_000_000_000);

/// A schedule that was read: knows every time at which it fires. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Timetable {
    zone: Zone,
    rule: Rule,
}

#[derive(Debug, Clone)]
enum Rule {
    Cron(Cron),
    Every { span: Span, anchor: At },
}

impl Timetable {
    /// Reads a schedule.
    ///
    /// # Errors
    /// The first [`Problem`]: an unknown zone, a field that cannot be read, an interval under [`EVERY_MIN`], or an
    /// expression that never fires.
    pub fn parse(schedule: &Schedule) -> Result<Timetable, Problem> {
        let zone = Zone::find(&schedule.timezone)?;
        let rule = match &schedule.when {
            When::Cron(text) => Rule::Cron(Cron::parse(text)?),
            When::Every { span, .. } if *span < EVERY_MIN => {
                return Err(Problem {
                    at: 0,
                    len: 0,
                    message: format!("an interval of {span} is too short"),
                    help: format!("the shortest is {EVERY_MIN}"),
                    about: Part::When,
                });
            }
            When::Every { span, anchor } => Rule::Every { span: *span, anchor: *anchor },
        };
        let timetable = Timetable { zone, rule };
        if let (None, When::Cron(text)) = (timetable.next_after(LOAD_SEARCH_FROM), &schedule.when) {
            return Err(Problem {
                at: 0,
                len: text.len(),
                message: format!("`{text}` never fires in {}", schedule.timezone),
                help: format!(
                    "no such day and time comes within {SEARCH_YEARS} years; write a day that its month has, such as `L` for the last one"
                ),
                about: Part::When,
            });
        }
        Ok(timetable)
    }

    /// The first fire strictly after `t`; `None` if there is none within [`SEARCH_YEARS`].
    pub fn next_after(&self, t: At) -> Option<At> {
        match &self.rule {
            Rule::Cron(cron) if cron.elapsed => cron.next_elapsed(&self.zone, t),
            Rule::Cron(cron) => cron.next_nominal(&self.zone, t),
            Rule::Every { span, anchor } => {
                let (t, anchor, span) = (i128::from(t.0), i128::from(anchor.0), i128::from(span.0));
                let next = anchor + ((t - anchor).div_euclid(span) + 1) * span;
                i64::try_from(next).ok().map(At)
            }
        }
    }

    /// `t` as a clock on the wall of the schedule's zone shows it: `2026-03-29 03:00 Europe/Berlin (+02:00)`.
    /// Seconds are shown unless they are zero; parts of a second are left out.
    pub fn local(&self, t: At) -> String {
        self.zone.show(t)
    }

    /// The distance between the first two fires after `t`: one period. [`Span::ZERO`] if there are not two.
    pub fn period_after(&self, t: At) -> Span {
        let first = self.next_after(t);
        let second = first.and_then(|first| self.next_after(first));
        first.zip(second).map_or(Span::ZERO, |(first, second)| second.since(first))
    }
}

#[cfg(test)]
mod tests;
