//! What keeps an occurrence from running although it is due: the calendars of its schedule, a blackout, a pause.
//!
//! Must not know the journal nor live runs: they come in.

use seaworthy_model::{
    event::SkipReason,
    schedule::{Blackout, Pause, Schedule, WhenOver},
    time::{At, Span},
};

use super::{Timetable, days, utc};

/// Longest time that a pause may be asked for at once. It can be extended, and the watcher then says so.
pub const PAUSE_MAX: Span = Span::seconds(30 * 24 * 3600);

/// What becomes of an occurrence that is kept from running.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hold {
    /// It never runs.
    Skip(SkipReason),
    /// The newest such one runs when this time has come.
    Later(At),
}

/// Everything that may keep occurrences of one schedule from running.
#[derive(Debug, Clone, Copy)]
pub struct Holds<'a> {
    schedule: &'a Schedule,
    site: &'a [Blackout],
    pause: Option<&'a Pause>,
}

impl<'a> Holds<'a> {
    /// `site`: blackouts of the whole site. `pause`: the last one, over or not.
    pub fn of(schedule: &'a Schedule, site: &'a [Blackout], pause: Option<&'a Pause>) -> Holds<'a> {
        Holds { schedule, site, pause }
    }

    /// What keeps the occurrence of this nominal time from running, and why in words.
    pub fn on(&self, timetable: &Timetable, nominal: At) -> Option<(Hold, String)> {
        if let Some(held) = self.at(nominal) {
            return Some(held);
        }
        let date = timetable.date(nominal);
        let left_out = self.schedule.except.iter().find(|set| days::has(set, date));
        let why = match left_out {
            Some(set) => format!("{date} is a day of `{}`", set.name),
            None if self.schedule.only.is_empty() || self.schedule.only.iter().any(|set| days::has(set, date)) => {
                return None;
            }
            None => {
                let names: Vec<String> = self.schedule.only.iter().map(|set| format!("`{}`", set.name)).collect();
                format!("{date} is no day of {}", names.join(" or "))
            }
        };
        Some((Hold::Skip(SkipReason::Calendar), why))
    }

    /// What keeps anything from starting at this moment: a pause or a blackout.
    pub fn at(&self, t: At) -> Option<(Hold, String)> {
        if let Some(pause) = self.pause.filter(|pause| pause.holds(t)) {
            return Some((
                Hold::Skip(SkipReason::Paused),
                format!("paused until {}: {}", utc(pause.until), pause.reason),
            ));
        }
        let all = self.site.iter().chain(&self.schedule.blackouts);
        // Of several at once the one that says never wins, then the one that lasts longest.
        let blackout =
            all.filter(|b| b.from <= t && t < b.until).max_by_key(|b| (b.over == WhenOver::Skip, b.until))?;
        let why = format!("blackout until {}: {}", utc(blackout.until), blackout.reason);
        Some(match blackout.over {
            WhenOver::Skip => (Hold::Skip(SkipReason::Blackout), why),
            WhenOver::Latest => (Hold::Later(blackout.until), why),
        })
    }
}
