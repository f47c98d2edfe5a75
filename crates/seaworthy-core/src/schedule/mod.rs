//! When a process is due: cron expressions, calendars and intervals in IANA time zones, and what becomes of each
//! occurrence.
//!
//! Must not know a clock (time comes in), the machine's own zone data (the bundled data is used, so that the same
//! program gives the same answer on every host) nor who starts runs.
//!
//! The rule for clock changes (contracts, section 5): an expression whose minute or hour field (in a calendar: or
//! second) starts with `*` follows elapsed time; every other one fires once per nominal time: in a gap at the first
//! instant after it, in a fold at the first occurrence.

mod calendar;
mod count;
mod cron;
mod days;
mod decide;
mod field;
mod hold;
mod pattern;
mod recur;
mod silence;
mod spread;
mod zone;

pub use calendar::split_zone;
pub use days::parse_days;
pub use decide::{Act, CATCH_UP_MAX, CLOCK_STEP, Decision, GRACE, RECORDED_MAX, decide};
pub use hold::{Hold, Holds, PAUSE_MAX};
pub use recur::{Event, event_days, parse_day};
pub use silence::{SILENT_MAX, longer, silences};
pub use zone::{parse_time, parse_time_in, utc, zone_exists};

use seaworthy_model::{
    process::{Schedule, When},
    time::{At, Span},
};

use pattern::Pattern;
use spread::drawn;
use zone::Zone;

/// Why a schedule cannot be used: which part of the text, what is wrong with it, what to write instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Byte offset into the text of the expression, or into the zone text if [`Problem::about`] says so.
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
    /// `cron:`, `calendar:` or `every:`.
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

/// Most that a schedule may be put off by its own `jitter`.
pub const JITTER_MAX: Span = Span::seconds(24 * 3600);

/// A schedule that was read: knows every time at which it fires. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Timetable {
    zone: Zone,
    rules: Vec<Rule>,
    /// Every fire comes this much later than its rule says; the same for a process for ever.
    shift: Span,
}

#[derive(Debug, Clone)]
enum Rule {
    Pattern(Box<Pattern>),
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
        let name = schedule.spread_by.as_deref().unwrap_or_default();
        let all = match &schedule.when {
            When::Any(all) => &all[..],
            one => std::slice::from_ref(one),
        };
        let mut rules = Vec::with_capacity(all.len());
        for when in all {
            let rule = Rule::parse(when, name)?;
            if let (None, When::Cron(text) | When::Calendar(text)) = (rule.next_after(&zone, LOAD_SEARCH_FROM), when) {
                return Err(never(text, &schedule.timezone));
            }
            rules.push(rule);
        }
        let shift = schedule.jitter.map_or(Span::ZERO, |jitter| {
            let seconds = jitter.0 / Span::seconds(1).0;
            Span::seconds(drawn(name, "jitter", seconds.max(1)))
        });
        Ok(Timetable { zone, rules, shift })
    }

    /// The first fire strictly after `t`; `None` if there is none within [`SEARCH_YEARS`].
    pub fn next_after(&self, t: At) -> Option<At> {
        self.next_unshifted(self.unshifted(t)).map(|fire| self.shifted(fire))
    }

    /// The date that the wall shows in the schedule's zone.
    fn date(&self, t: At) -> jiff::civil::Date {
        self.zone.civil(zone::timestamp(t)).date()
    }

    /// By how much `jitter` puts every fire off.
    pub fn shift(&self) -> Span {
        self.shift
    }

    fn next_unshifted(&self, t: At) -> Option<At> {
        self.rules.iter().filter_map(|rule| rule.next_after(&self.zone, t)).min()
    }

    fn shifted(&self, t: At) -> At {
        t + self.shift
    }

    fn unshifted(&self, t: At) -> At {
        t - self.shift
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

impl Rule {
    fn parse(when: &When, spread_by: &str) -> Result<Rule, Problem> {
        Ok(match when {
            When::Cron(text) => Rule::Pattern(Box::new(cron::parse(text, spread_by)?)),
            When::Calendar(text) => Rule::Pattern(Box::new(calendar::parse(text)?)),
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
            When::Any(_) => {
                return Err(Problem {
                    at: 0,
                    len: 0,
                    message: "a list of expressions inside another one".into(),
                    help: "write one list".into(),
                    about: Part::When,
                });
            }
        })
    }

    fn next_after(&self, zone: &Zone, t: At) -> Option<At> {
        match self {
            Rule::Pattern(pattern) if pattern.elapsed => pattern.next_elapsed(zone, t),
            Rule::Pattern(pattern) => pattern.next_nominal(zone, t),
            Rule::Every { span, anchor } => {
                let (t, anchor, span) = (i128::from(t.0), i128::from(anchor.0), i128::from(span.0));
                let next = anchor + ((t - anchor).div_euclid(span) + 1) * span;
                i64::try_from(next).ok().map(At)
            }
        }
    }
}

fn never(text: &str, zone: &str) -> Problem {
    Problem {
        at: 0,
        len: text.len(),
        message: format!("`{text}` never fires in {zone}"),
        help: format!(
            "no such day and time comes within {SEARCH_YEARS} years; write a day that its month has, such as `L` (in a calendar `~01`) for the last one"
        ),
        about: Part::When,
    }
}

#[cfg(test)]
mod tests;
