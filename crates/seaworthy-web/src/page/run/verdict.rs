//! The first line of a run: the two verdicts in words, kept apart, and expected against seen.
//!
//! This module must not read anything.

use seaworthy_model::{
    run::{Acted, Executed, Outcome, Verdict, Verified},
    time::At,
};

use crate::{
    moment::{Age, Ago},
    shape::State,
    show,
    story::Story,
    words::Words,
};

/// What stands on top.
pub struct Lead {
    pub state: State,
    /// `Executed, not verified`.
    pub words: &'static str,
    /// What the actor says: word and remark.
    pub executed: (String, String),
    /// What a look at the result says: word and remark.
    pub verified: (String, String),
    pub reason: Words,
    pub heals: String,
    pub took: String,
    /// Of a run that goes on.
    pub since: Option<Age>,
    pub ago: Option<Ago>,
}

/// One thing that is not as it should be.
pub struct Pair {
    pub state: State,
    pub what: String,
    pub expected: String,
    pub seen: String,
}

pub fn lead(story: &Story, now: At) -> Lead {
    let heals = story.heals.len();
    let checks: Vec<_> = story.last_round().map(|(_, judged)| &judged.verdict).collect();
    let held = checks.iter().filter(|verdict| ***verdict == Verdict::Yes).count();
    let looked = match checks.len() {
        0 => "nobody has looked".to_owned(),
        n => format!("{held} of {} held", show::counted(n, "check", "checks")),
    };
    let heals = match heals {
        0 => String::new(),
        n => format!("{} tried", show::counted(n, "heal", "heals")),
    };
    let Some(end) = &story.end else {
        let state = if story.troubled() { State::Troubled } else { State::Live };
        return Lead {
            state,
            words: if story.troubled() { "Not verified yet, healing" } else { "Running" },
            executed: ("going on".to_owned(), story.doing()),
            verified: ("not yet".to_owned(), looked),
            reason: Words::default(),
            heals,
            took: String::new(),
            since: Some(Age { at: story.started_at(), now }),
            ago: None,
        };
    };
    let healed = story.heals.iter().filter(|(_, heal)| heal.what != "tell").count();
    let state = State::of(end.executed, end.verified, u32::try_from(healed).unwrap_or(u32::MAX));
    let attempts = show::counted(story.attempts.len(), "attempt", "attempts");
    Lead {
        state,
        words: words(end.executed, end.verified, state),
        executed: (end.executed.word().to_owned(), format!("the actor says so, {attempts}")),
        verified: (
            end.verified.word().to_owned(),
            if end.verified == Verified::Unproven { "there is no `verify`: nobody looked".to_owned() } else { looked },
        ),
        reason: end.reason.clone().into(),
        heals,
        took: end.duration.to_string(),
        since: None,
        ago: Some(Ago { at: end.at, now }),
    }
}

fn words(executed: Executed, verified: Verified, state: State) -> &'static str {
    match (executed, verified, state) {
        (.., State::Verified) => "Done and verified",
        (.., State::Healed) => "Done, healed and verified",
        (Executed::Failed, ..) => "Failed",
        (Executed::Cancelled, ..) => "Cancelled",
        (Executed::Ok, Verified::No, _) => "Executed, not verified",
        (Executed::Ok, Verified::Unknown, _) => "Executed, verification could not say",
        (Executed::Ok, Verified::Unproven, _) => "Executed, unproven",
        (Executed::Unknown, Verified::No, _) => "Unknown how it ended, not verified",
        (Executed::Unknown, ..) => "Unknown how it ended",
        _ => "Ended",
    }
}

/// What is not as it should be, in the order in which it was looked at: failed attempts that were not made good by
/// a later one, missing artifacts, then the last round of checks.
pub fn pairs(story: &Story) -> Vec<Pair> {
    let mut pairs = Vec::new();
    for (i, attempt) in story.attempts.iter().enumerate() {
        let Some((_, acted)) = &attempt.ended else { continue };
        let again = story.attempts.iter().skip(i + 1).any(|later| later.step == attempt.step);
        if acted.outcome == Outcome::Done || again {
            continue;
        }
        pairs.push(Pair {
            state: State::of_attempt(Some(acted.outcome)),
            what: format!("step {}", attempt.step),
            expected: "done (exit 0)".to_owned(),
            seen: acted.reason.clone().unwrap_or_else(|| ended(acted)),
        });
    }
    for (i, made) in story.made.iter().enumerate() {
        let again = story.made.iter().skip(i + 1).any(|later| later.name == made.name);
        if let (Err((place, reason)), false) = (&made.found, again) {
            pairs.push(Pair {
                state: State::NotVerified,
                what: format!("artifact {}", made.name),
                expected: format!("a file at {place}"),
                seen: reason.clone(),
            });
        }
    }
    for (_, judged) in story.last_round().filter(|(_, judged)| judged.verdict != Verdict::Yes) {
        let seen = match &judged.verdict {
            Verdict::Unknown { reason } | Verdict::Skipped { reason } => reason.clone(),
            _ => judged.observed.clone(),
        };
        let state = State::of_check(&judged.verdict);
        pairs.push(Pair { state, what: judged.check.clone(), expected: judged.expected.clone(), seen });
    }
    pairs
}

/// `exit 1`, `killed by signal 9`; of what nobody here carried out, such as a ping, what was said of it.
pub fn ended(acted: &Acted) -> String {
    match (acted.exit, acted.signal, acted.outcome) {
        (_, Some(signal), _) => format!("killed by signal {signal}"),
        (Some(code), None, _) => format!("exit {code}"),
        (None, None, Outcome::Done) => "done".to_owned(),
        (None, None, Outcome::NotDone) => "not done".to_owned(),
        (None, None, Outcome::Unknown) => "no end was seen".to_owned(),
    }
}
