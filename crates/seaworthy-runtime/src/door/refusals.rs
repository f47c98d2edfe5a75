//! How often it is written down that somebody was not let in: each time, but not more than once a minute for one person.
//!
//! A flood of tries must not fill the journal. What was not written yet is counted in the next entry.

use std::collections::BTreeMap;

use seaworthy_model::{
    id::ActorId,
    time::{At, Span},
};

/// Between two entries about one person.
const EVERY: Span = Span::seconds(60);
/// People that are remembered; there are no more accounts than that.
const PEOPLE_MAX: usize = 1_000;

/// Since when nothing was written about a person, and how often it happened since.
#[derive(Default)]
pub struct Refusals(BTreeMap<ActorId, (At, u64)>);

impl Refusals {
    /// Counts one; how many are to be written down now, if any.
    pub fn count(&mut self, actor: ActorId, now: At) -> Option<u64> {
        if self.0.len() >= PEOPLE_MAX && !self.0.contains_key(&actor) {
            self.0.clear();
        }
        let Some((last, unsaid)) = self.0.get_mut(&actor) else {
            self.0.insert(actor, (now, 0));
            return Some(1);
        };
        *unsaid += 1;
        if now.since(*last) < EVERY {
            return None;
        }
        *last = now;
        Some(std::mem::take(unsaid))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_one_entry_a_minute_that_counts_them_all() {
        let (ada, mut refusals, mut written) = (ActorId::new(At(0), &[1; 10]), Refusals::default(), vec![]);
        for second in 0..=120 {
            written.extend(refusals.count(ada, At(second * 1_000_000_000)));
        }
        assert_eq!(written, [1, 60, 60]);
    }
}
