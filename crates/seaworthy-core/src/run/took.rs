//! How long a run acted, as far as anybody saw it.
//!
//! This module must not know what is usual.

use seaworthy_model::{
    run::Outcome,
    time::{At, Span},
};

use super::State;

impl State {
    /// Time spent acting in the present pass: the last attempt of every step, waits left out. What several of them
    /// spent at the same time counts once.
    pub fn acting(&self, steps: impl Iterator<Item = impl AsRef<str>>) -> Span {
        let mut all: Vec<(i64, i64)> = steps
            .filter_map(|id| {
                let last = self.last(id.as_ref())?;
                let from = last.started_at;
                Some((from.0, (from + last.ended.as_ref()?.1.took).0))
            })
            .collect();
        all.sort_unstable();
        let (mut sum, mut until) = (0, i64::MIN);
        for (from, to) in all {
            sum += to.saturating_sub(from.max(until)).max(0);
            until = until.max(to);
        }
        Span(u64::try_from(sum).unwrap_or(0))
    }

    /// The first of these steps whose last attempt in the present pass ended unseen, so that [`State::acting`] is too
    /// short by a time that nobody knows.
    pub fn untimed<'a>(&self, steps: impl IntoIterator<Item = &'a String>) -> Option<&'a str> {
        let unseen = |id: &&String| {
            let ended = self.last(id).and_then(|last| last.ended.as_ref());
            ended.is_some_and(|(_, acted)| acted.outcome == Outcome::Unknown)
        };
        steps.into_iter().find(unseen).map(String::as_str)
    }

    /// When the first attempt of anything started.
    pub fn first_started(&self) -> Option<At> {
        self.attempts.values().flatten().map(|a| a.started_at).min()
    }
}
