//! States as people see them: a shape, a colour class and a word each, so that colour is never alone.
//!
//! Green means verified and nothing else. This module must not decide what a state is: it only translates
//! the two verdicts of the record.

use std::fmt;

use askama::filters::HtmlSafe;
use seaworthy_model::{
    run::{Executed, Outcome, Verdict, Verified},
    view::EndedRun,
};

use crate::words::Words;

/// Everything that has a shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    Verified,
    /// Verified, after at least one heal.
    Healed,
    Failed,
    /// Executed, and a look at the result said no.
    NotVerified,
    /// Nobody could say.
    Unknown,
    /// Executed, and there is no `verify`.
    Unproven,
    Cancelled,
    /// Going on.
    Live,
    /// Going on after verification said no.
    Troubled,
    Never,
    /// Needs attention: an open signal, a missing facet.
    Warn,
    /// A check that held: ink, not green, because one check does not make a run verified.
    Held,
    Skipped,
}

impl State {
    /// All, for the page that explains them.
    pub const ALL: [State; 13] = [
        State::Verified,
        State::Healed,
        State::NotVerified,
        State::Failed,
        State::Unknown,
        State::Warn,
        State::Unproven,
        State::Live,
        State::Troubled,
        State::Cancelled,
        State::Never,
        State::Held,
        State::Skipped,
    ];

    /// The two verdicts as one shape. A run that did not execute is never green, whatever an old artifact says.
    pub fn of(executed: Executed, verified: Verified, heals: u32) -> State {
        match (executed, verified) {
            (Executed::Failed, _) => State::Failed,
            (Executed::Cancelled, _) => State::Cancelled,
            (_, Verified::Yes) if heals > 0 => State::Healed,
            (_, Verified::Yes) => State::Verified,
            (_, Verified::No) => State::NotVerified,
            (Executed::Unknown, _) | (_, Verified::Unknown) => State::Unknown,
            (Executed::Ok, Verified::Unproven) => State::Unproven,
        }
    }

    pub fn of_run(run: &EndedRun) -> State {
        State::of(run.executed, run.verified, run.heals)
    }

    pub fn of_check(verdict: &Verdict) -> State {
        match verdict {
            Verdict::Yes => State::Held,
            Verdict::No => State::NotVerified,
            Verdict::Unknown { .. } => State::Unknown,
            Verdict::Skipped { .. } => State::Skipped,
        }
    }

    /// What an attempt's actor says is never more than that: done is ink.
    pub fn of_attempt(outcome: Option<Outcome>) -> State {
        match outcome {
            None => State::Live,
            Some(Outcome::Done) => State::Held,
            Some(Outcome::NotDone) => State::Failed,
            Some(Outcome::Unknown) => State::Unknown,
        }
    }

    /// Suffix of the symbol's id and of the colour class.
    pub fn key(self) -> &'static str {
        match self {
            State::Verified => "verified",
            State::Healed => "healed",
            State::Failed => "failed",
            State::NotVerified => "no",
            State::Unknown => "unknown",
            State::Unproven => "unproven",
            State::Cancelled => "cancelled",
            State::Live => "live",
            State::Troubled => "troubled",
            State::Never => "never",
            State::Warn => "warn",
            State::Held => "held",
            State::Skipped => "skipped",
        }
    }

    /// The word beside the shape.
    pub fn word(self) -> &'static str {
        match self {
            State::Verified => "verified",
            State::Healed => "verified, healed",
            State::Failed => "failed",
            State::NotVerified => "not verified",
            State::Unknown => "unknown",
            State::Unproven => "unproven",
            State::Cancelled => "cancelled",
            State::Live => "running",
            State::Troubled => "healing",
            State::Never => "never run",
            State::Warn => "attention",
            State::Held => "held",
            State::Skipped => "skipped",
        }
    }

    /// What it means, for the page that explains shapes.
    pub fn meaning(self) -> &'static str {
        match self {
            State::Verified => "Somebody other than the actor looked at the result, and it is as expected.",
            State::Healed => "Verified, but only after something was tried to mend it.",
            State::Failed => "A step did not do what it was asked. Nothing was verified.",
            State::NotVerified => "The actor says it is done; a look at the result says otherwise.",
            State::Unknown => "It was started, and nobody can say how it ended, or a probe could not look.",
            State::Unproven => "It was executed and nobody looked: the process has no `verify`. This is not green.",
            State::Cancelled => "A person stopped it.",
            State::Live => "It goes on now.",
            State::Troubled => "It goes on; verification has said no at least once.",
            State::Never => "There is no run yet.",
            State::Warn => "A limit was passed, or a part is missing.",
            State::Held => "A step's actor says done, or one check held. Ink, not green: one check proves no run.",
            State::Skipped => "A check that was not carried out. It never counts as a pass.",
        }
    }

    /// [`State::meaning`] with its code marked.
    pub fn meaning_words(self) -> Words {
        Words(self.meaning().to_owned())
    }

    /// Whether a person should look.
    pub fn is_trouble(self) -> bool {
        matches!(self, State::Failed | State::NotVerified | State::Unknown | State::Troubled)
    }

    /// Order of lists: what is worst comes first.
    pub fn rank(self) -> u8 {
        match self {
            State::Failed | State::NotVerified | State::Troubled => 0,
            State::Unknown => 1,
            State::Warn => 2,
            State::Unproven => 3,
            State::Cancelled => 4,
            State::Never => 5,
            _ => 6,
        }
    }
}

/// The shape as inline SVG. Holds no text from outside. The word stands beside it, so readers skip the shape.
impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = self.key();
        write!(
            f,
            r##"<svg class="shape v-{key}" aria-hidden="true"><use href="#s-{key}" width="100%" height="100%"/></svg>"##
        )
    }
}

impl HtmlSafe for State {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn green_means_verified_and_nothing_else() {
        let all_executed = [Executed::Ok, Executed::Failed, Executed::Cancelled, Executed::Unknown];
        let all_verified = [Verified::Yes, Verified::No, Verified::Unknown, Verified::Unproven];
        for executed in all_executed {
            for verified in all_verified {
                let green = matches!(State::of(executed, verified, 0), State::Verified | State::Healed);
                let proven = verified == Verified::Yes && matches!(executed, Executed::Ok | Executed::Unknown);
                assert_eq!(green, proven, "{executed:?} {verified:?}");
            }
        }
    }

    #[test]
    fn every_state_has_its_own_shape_and_word() {
        let keys: std::collections::BTreeSet<_> = State::ALL.iter().map(|s| s.key()).collect();
        let words: std::collections::BTreeSet<_> = State::ALL.iter().map(|s| s.word()).collect();
        assert_eq!((keys.len(), words.len()), (State::ALL.len(), State::ALL.len()));
    }
}
