//! When a process is due, as its file says it.
//!
//! This module must not know calendars nor clocks: core reads expressions.

use serde::{Deserialize, Serialize};

use crate::time::{At, Span};

/// When a process is due.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Schedule {
    pub when: When,
    /// IANA name, such as `Europe/Berlin`.
    pub timezone: String,
    pub missed: Missed,
    /// How old a missed occurrence may be and still run. If absent none expires: the newest missed one is never older
    /// than one period, and `missed: all` means all (up to the cap of core::schedule).
    pub within: Option<Span>,
    pub overlap: Overlap,
    /// Every occurrence is due later by a part of this that is the same for the process for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jitter: Option<Span>,
    /// What `~` and `jitter` are drawn from: the process's name, where one of the two is used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spread_by: Option<String>,
    /// What is due on a day of one of these does not run. Kept as they were when the file was read, so that a changed
    /// calendar is a changed definition.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub except: Vec<DaySet>,
    /// If there are any: what is due on a day of none of these does not run.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub only: Vec<DaySet>,
    /// Blackouts of this process alone; the site has its own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub blackouts: Vec<Blackout>,
}

/// A named set of days.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DaySet {
    pub name: String,
    pub days: Vec<Days>,
}

/// Days by one rule. A day is written as a number: 20261224, and 1224 for every year.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Days {
    Dates {
        first: u32,
        last: u32,
    },
    /// The last may be before the first: over the turn of the year.
    Yearly {
        first: u32,
        last: u32,
    },
    /// Bit n: the n-th day after Monday.
    Weekdays(u8),
}

/// A time in which nothing is started by a schedule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Blackout {
    pub from: At,
    /// The first moment after it.
    pub until: At,
    pub reason: String,
    pub over: WhenOver,
}

/// What happens to what was due in a blackout when it is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WhenOver {
    /// Nothing.
    Skip,
    /// The newest of it runs.
    Latest,
}

/// A person said that a process is not to be started for a while. Over at its end without anybody's doing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    pub since: At,
    /// The first moment after it.
    pub until: At,
    pub reason: String,
    /// How many times it was extended before it was over.
    #[serde(default)]
    pub extended: u32,
}

impl Pause {
    /// Whether it is in force at this moment.
    pub fn holds(&self, t: At) -> bool {
        self.since <= t && t < self.until
    }
}

impl Schedule {
    /// With the default of everything else.
    pub fn new(when: When, timezone: &str) -> Schedule {
        Schedule {
            when,
            timezone: timezone.to_owned(),
            missed: Missed::Latest,
            within: None,
            overlap: Overlap::Forbid,
            jitter: None,
            spread_by: None,
            except: vec![],
            only: vec![],
            blackouts: vec![],
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum When {
    /// Five fields, as crontab(5).
    Cron(String),
    /// As `OnCalendar=` in systemd.time(7), without a zone.
    Calendar(String),
    /// Whenever one of these says so; those that say so at the same moment are one occurrence. Two at least, no list.
    Any(Vec<When>),
    /// Aligned to `anchor`, never to the end of the last run.
    Every { span: Span, anchor: At },
}

/// What happens to occurrences that were due while nobody was there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Missed {
    Skip,
    Latest,
    All,
}

/// What happens when an occurrence is due while a run of the process is live.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Overlap {
    Forbid,
    /// At most this many wait.
    Queue(u32),
    /// The live run is stopped first.
    Replace,
    Allow,
}

/// How far a clock was set back, as a schedule saw it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetBack {
    pub from: At,
    pub to: At,
}
