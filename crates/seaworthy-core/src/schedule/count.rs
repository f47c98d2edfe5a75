//! How many fires lie in a time, and the newest of them, without walking through all.
//!
//! Must not know why somebody asks. A year of `* * * * *` has half a million fires; counting them costs a step per
//! day and a short walk at each clock change.

use jiff::Timestamp;
use seaworthy_model::time::At;

use super::{
    Rule, Timetable,
    pattern::Pattern,
    zone::{Zone, at, timestamp},
};

impl Timetable {
    /// How many fires there are after `after`, up to and including `upto`.
    pub fn count(&self, after: At, upto: At) -> u64 {
        let (after, upto) = (self.unshifted(after), self.unshifted(upto));
        match &self.rules[..] {
            [rule] => rule.count(&self.zone, after, upto),
            // Fires of several rules at one moment are one, so they are walked through.
            _ => {
                let (mut from, mut total) = (after, 0);
                while let Some(fire) = self.next_unshifted(from).filter(|fire| *fire <= upto) {
                    total += 1;
                    from = fire;
                }
                total
            }
        }
    }

    /// The last `n` fires after `after`, up to and including `upto`; oldest first.
    pub fn newest(&self, after: At, upto: At, n: usize) -> Vec<At> {
        let (after, upto) = (self.unshifted(after), self.unshifted(upto));
        let mut fires: Vec<At> = self.rules.iter().flat_map(|rule| rule.newest(&self.zone, after, upto, n)).collect();
        fires.sort_unstable();
        fires.dedup();
        fires.drain(..fires.len().saturating_sub(n));
        fires.into_iter().map(|fire| self.shifted(fire)).collect()
    }
}

impl Rule {
    fn count(&self, zone: &Zone, after: At, upto: At) -> u64 {
        if upto <= after {
            return 0;
        }
        match self {
            Rule::Every { span, anchor } => {
                let index = |t: At| (i128::from(t.0) - i128::from(anchor.0)).div_euclid(i128::from(span.0));
                u64::try_from(index(upto) - index(after)).unwrap_or(0)
            }
            Rule::Pattern(pattern) => self.count_pattern(pattern, zone, after, upto),
        }
    }

    fn newest(&self, zone: &Zone, after: At, upto: At, n: usize) -> Vec<At> {
        let mut from = after;
        if self.count(zone, after, upto) > n as u64 {
            // The latest start with more than `n` fires behind it is the last moment before the one too many.
            let mut beyond = upto;
            while beyond.0.saturating_sub(from.0) > 1 {
                let middle = At(i64::midpoint(from.0, beyond.0));
                *(if self.count(zone, middle, upto) > n as u64 { &mut from } else { &mut beyond }) = middle;
            }
            from = beyond;
        }
        let mut fires = Vec::new();
        while let Some(fire) = self.next_after(zone, from).filter(|fire| *fire <= upto) {
            fires.push(fire);
            from = fire;
        }
        fires
    }

    /// Stretch by stretch: within one, fires are readings of the wall clock. Nominal times at a gap and in a fold
    /// are walked through, a few hours of them at most.
    fn count_pattern(&self, pattern: &Pattern, zone: &Zone, after: At, upto: At) -> u64 {
        let (mut from, mut total) = (after, 0);
        while from < upto {
            let next_instant = timestamp(At(from.0.saturating_add(1)));
            let stretch = zone.stretch(next_instant);
            let last = |t: Timestamp| at(t).map(|t| At(t.0 - 1));
            let end = stretch.until.and_then(last).map_or(upto, |end| end.min(upto));
            if let Some(fresh) = stretch.fresh.and_then(at).filter(|_| !pattern.elapsed) {
                let walked = fresh.min(end);
                while let Some(fire) = self.next_after(zone, from).filter(|fire| from < walked && *fire <= walked) {
                    total += 1;
                    from = fire;
                }
                from = from.max(walked);
            }
            let reading = |t: At| stretch.offset.to_datetime(timestamp(t));
            total += pattern.readings(reading(from), reading(end));
            from = end;
        }
        total
    }
}
