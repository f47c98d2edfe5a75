//! When a process is due next, as its timetable says, remembered until that time has come.
//!
//! The rule is `core::schedule`'s; this module only keeps answers, and must not know HTML.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use seaworthy_core::schedule::{Holds, Timetable};
use seaworthy_model::{
    schedule::{Blackout, Pause},
    site::Pinned,
    time::At,
};

/// Answers that are kept; beyond it all are forgotten.
const KEPT_MAX: usize = 8_192;

/// A time in the zone of the schedule.
#[derive(Debug, Clone)]
pub struct Next {
    pub at: At,
    /// As the timetable writes it, with the zone's offset.
    pub local: String,
    /// What will keep it from running, as far as that is known now.
    pub skipped: Option<String>,
}

/// By digest of the definition.
#[derive(Default)]
pub struct Due {
    kept: Mutex<BTreeMap<String, Option<Next>>>,
}

impl Due {
    /// The first due time after `now`; `None` without a schedule, or when nothing is due any more.
    pub fn next(&self, pinned: &Pinned, now: At) -> Option<Next> {
        {
            let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
            match kept.get(&pinned.digest) {
                Some(None) => return None,
                Some(Some(next)) if next.at > now => return Some(next.clone()),
                _ => {}
            }
        }
        let next = upcoming(pinned, &(&[], None), now, 1).into_iter().next();
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= KEPT_MAX {
            kept.clear();
        }
        kept.insert(pinned.digest.clone(), next.clone());
        next
    }
}

/// Blackouts of the site, and the last pause of a process.
pub type Held<'a> = (&'a [Blackout], Option<&'a Pause>);

/// The next `count` due times after `now`, those that something keeps from running among them.
pub fn upcoming(pinned: &Pinned, held: &Held<'_>, now: At, count: usize) -> Vec<Next> {
    // A schedule in force was parsed when it was loaded; one that cannot be parsed now has no next time to show.
    let Some(schedule) = &pinned.process.schedule else { return vec![] };
    let Ok(timetable) = Timetable::parse(schedule) else { return vec![] };
    let holds = Holds::of(schedule, held.0, held.1);
    std::iter::successors(timetable.next_after(now), |at| timetable.next_after(*at))
        .take(count)
        .map(|at| Next { at, local: timetable.local(at), skipped: holds.on(&timetable, at).map(|(_, why)| why) })
        .collect()
}
