//! How often, how soon, how long: schedules that hardly fire any more, ladders and timeouts without an end in sight.
//!
//! This module must not know a clock: fires are counted over one year that has every date.

use seaworthy_model::{
    process::{Rung, Schedule},
    time::{At, Span},
};

use super::Difference;
use crate::schedule::Timetable;

/// The year 2028, which has a 29 February.
const YEAR: (At, At) = (At(1_830_297_599_999_999_999), At(1_861_919_999_999_999_999));

/// A schedule that fires less often than one in this many times, and a timeout that is more than this many times as long,
/// are weaker.
const TIMES: u64 = 10;

/// A ladder that takes longer comes to no end in time, unless the process says how long a run may be.
const LADDER_MAX: Span = Span::seconds(24 * 3600);

/// That a schedule fires much more rarely, in words.
pub(super) fn rarer(old: &Schedule, new: &Schedule) -> Option<String> {
    let count = |schedule| Timetable::parse(schedule).ok().map(|all| all.count(YEAR.0, YEAR.1));
    let (before, after) = (count(old)?, count(new)?);
    (after.saturating_mul(TIMES) < before).then(|| format!("in a year {after} instead of {before} times"))
}

/// What became of a timeout.
pub(super) fn timeout(what: &str, old: Option<Span>, new: Option<Span>) -> Option<Difference> {
    let shown = |span: Option<Span>| span.map_or("none".to_owned(), |span| span.to_string());
    let weaker = many_more(old.map(|span| span.0), new.map(|span| span.0));
    (old != new).then(|| Difference { text: format!("{what} from {} to {}", shown(old), shown(new)), weaker })
}

/// Whether a bound is gone, or many times as high.
pub(super) fn many_more(old: Option<u64>, new: Option<u64>) -> bool {
    match (old, new) {
        (Some(old), Some(new)) => new > old.saturating_mul(TIMES),
        (old, new) => old.is_some() && new.is_none(),
    }
}

/// Whether the waits of a retry became so long that they may not end within what a run may take.
pub(super) fn too_slow(old: &Rung, new: &Rung, within: Option<Span>) -> bool {
    match (longest(old), longest(new)) {
        (Some(old), Some(new)) => new > old && new > within.unwrap_or(LADDER_MAX).0,
        _ => false,
    }
}

/// The waits of a retry together, each as long as it may be.
fn longest(rung: &Rung) -> Option<u64> {
    let Rung::Retry { times, backoff } = rung else { return None };
    let (mut wait, mut total) = (backoff.shortest.0, 0_u64);
    for done in 0..*times {
        if wait >= backoff.longest.0 {
            let left = u64::from(times - done);
            return Some(total.saturating_add(backoff.longest.0.saturating_mul(left)));
        }
        total = total.saturating_add(wait);
        wait = wait.saturating_mul(2);
    }
    Some(total)
}
