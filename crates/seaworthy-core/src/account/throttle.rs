//! Who has to wait before the next try to come in. Waits grow with the failures and end by themselves: nobody is locked
//! out, and who fails from one place makes nobody wait at another.
//!
//! A pure state: the time comes in as an argument. Bounded; when it is full, who waits least is forgotten. This module must not know
//! what a name or a place is.

use std::collections::BTreeMap;

use seaworthy_model::time::{At, Span};

/// Failures without a wait: people mistype.
const FREE: u32 = 4;
/// The first wait; each further failure doubles it.
const FIRST: Span = Span::seconds(1);
/// The longest.
const LONGEST: Span = Span::seconds(15 * 60);
/// Failures are forgotten so long after the last one.
const FORGOTTEN: Span = Span::seconds(24 * 3600);
/// Most places that are remembered.
const PLACES_MAX: usize = 10_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Tries {
    failures: u32,
    last: At,
    until: At,
}

/// What is remembered of failures, by place: a text that stands for who tries what from where.
#[derive(Debug, Default)]
pub struct Throttle {
    tries: BTreeMap<String, Tries>,
}

impl Throttle {
    /// How long a try has to wait still; `None`: it may be made now.
    pub fn wait(&self, place: &str, now: At) -> Option<Span> {
        let tries = self.tries.get(place)?;
        // A wait never lasts longer than the longest, whatever was done to the clock.
        let left = tries.until.since(now);
        (left > Span::ZERO).then_some(left.min(LONGEST))
    }

    /// A try failed. How long the next one has to wait.
    pub fn failed(&mut self, place: &str, now: At) -> Span {
        let before = self.tries.get(place).filter(|tries| now.since(tries.last) < FORGOTTEN);
        let failures = before.map_or(0, |tries| tries.failures).saturating_add(1);
        let wait = growing(failures);
        if !self.tries.contains_key(place) && self.tries.len() >= PLACES_MAX {
            self.forget(now);
        }
        self.tries.insert(place.to_owned(), Tries { failures, last: now, until: now + wait });
        wait
    }

    /// A try begins. It counts as failed until it ends: those that are made side by side wait as those in a row.
    ///
    /// # Errors
    /// How long to wait; then it is not made, and does not count.
    pub fn begin(&mut self, place: &str, now: At) -> Result<(), Span> {
        match self.wait(place, now) {
            Some(wait) => Err(wait),
            None => {
                self.failed(place, now);
                Ok(())
            }
        }
    }

    /// A try that began was not made: it does not count.
    pub fn given_up(&mut self, place: &str) {
        if let Some(tries) = self.tries.get_mut(place) {
            tries.failures = tries.failures.saturating_sub(1);
            tries.until = tries.last;
        }
    }

    /// A try succeeded.
    pub fn passed(&mut self, place: &str) {
        self.tries.remove(place);
    }

    fn forget(&mut self, now: At) {
        self.tries.retain(|_, tries| now.since(tries.last) < FORGOTTEN);
        if self.tries.len() >= PLACES_MAX
            && let Some(least) = self.tries.iter().min_by_key(|(_, tries)| (tries.until, tries.last))
        {
            let least = least.0.clone();
            self.tries.remove(&least);
        }
    }
}

fn growing(failures: u32) -> Span {
    match failures.checked_sub(FREE + 1) {
        None => Span::ZERO,
        Some(doublings) => Span(FIRST.0.saturating_mul(1 << doublings.min(20))).min(LONGEST),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> At {
        At(seconds * 1_000_000_000)
    }

    #[test]
    fn waits_grow_and_end_by_themselves() {
        let mut throttle = Throttle::default();
        let waits: Vec<u64> = (0..18).map(|_| throttle.failed("ada/here", at(0)).0 / 1_000_000_000).collect();
        assert_eq!(waits, [0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900, 900]);
        assert_eq!(throttle.wait("ada/here", at(1)), Some(Span::seconds(899)));
        assert_eq!(throttle.wait("ada/here", at(900)), None);
    }

    #[test]
    fn tries_side_by_side_count_as_those_in_a_row() {
        let mut throttle = Throttle::default();
        let begun: Vec<bool> = (0..40).map(|_| throttle.begin("ada/here", at(0)).is_ok()).collect();
        assert_eq!(begun.iter().filter(|begun| **begun).count(), 5, "four are free, and the fifth makes the next wait");
        assert_eq!(throttle.begin("ada/here", at(0)), Err(FIRST));
        throttle.given_up("ada/here");
        assert_eq!(throttle.begin("ada/here", at(0)), Ok(()), "one that was not made does not count");
        throttle.passed("ada/here");
        assert_eq!(throttle.begin("ada/here", at(0)), Ok(()));
    }

    #[test]
    fn who_fails_here_makes_nobody_wait_there() {
        let mut throttle = Throttle::default();
        for _ in 0..100 {
            throttle.failed("ada/evil", at(0));
        }
        assert_eq!(throttle.wait("ada/home", at(1)), None);
    }

    #[test]
    fn a_success_and_a_day_forget_failures() {
        let mut throttle = Throttle::default();
        for _ in 0..9 {
            throttle.failed("a", at(0));
        }
        assert_eq!(throttle.failed("a", at(86_400)), Span::ZERO);
        for _ in 0..9 {
            throttle.failed("b", at(0));
        }
        throttle.passed("b");
        assert_eq!(throttle.wait("b", at(0)), None);
        assert_eq!(throttle.failed("b", at(0)), Span::ZERO);
    }

    #[test]
    fn a_clock_that_is_set_back_makes_nobody_wait_for_ever() {
        let mut throttle = Throttle::default();
        for _ in 0..30 {
            throttle.failed("a", at(1_000_000));
        }
        assert_eq!(throttle.wait("a", at(0)), Some(LONGEST));
    }

    #[test]
    fn a_flood_of_places_is_bounded_and_forgets_who_waits_least() {
        let mut throttle = Throttle::default();
        for _ in 0..20 {
            throttle.failed("worst", at(0));
        }
        for n in 0..30_000 {
            throttle.failed(&format!("place {n}"), at(n / 100));
        }
        assert_eq!(throttle.tries.len(), PLACES_MAX);
        assert!(throttle.wait("worst", at(300)).is_some());
    }
}
