//! Entries that claim what only entries before them in their stream can bear out: a verification, a settled step, a
//! run verified, a person's answer. Nothing is green because the one who decided it says so, and nobody agrees to what
//! they asked for themselves.
//!
//! Only these few kinds of entries make an adapter look back. This module must not know where it looks.

use std::collections::BTreeSet;

use seaworthy_model::{
    entry::Stream,
    event::Event,
    id::{ActorId, RunId},
    run::{Verdict, Verified},
    step::Asked,
    time::At,
};

/// What must stand before the entry, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Claim {
    /// A round of verification said yes: checks of it did, and none said anything else, but for those skipped.
    Verified { round: u32 },
    /// A step with an unknown end happened, or did not: the checks asked since the round before say just that.
    Settled { happened: bool },
    /// A run ends verified: its last verification said yes.
    Ended,
    /// A person answered for a step: it was asked for, the time is not over, and a yes that is to be another's is: not
    /// that of the requester, of one who was barred when it was asked for, nor of one who did a step by hand.
    Answered { step: String, yes: bool, by: ActorId, at: At },
    /// A step counts as done since it was done in another run. A yes was given to that run alone: it is not taken over.
    Taken { step: String, from: RunId },
}

/// An entry that is looked back at.
pub(crate) struct Past {
    pub kind: String,
    pub v: u32,
    /// Unless retention dropped it.
    pub body: Option<String>,
    pub actor: ActorId,
}

impl Claim {
    /// What the event claims, if it does.
    pub(crate) fn of(event: &Event, at: At) -> Option<Claim> {
        match event {
            Event::VerificationEnded { round, verified: Verified::Yes } => Some(Claim::Verified { round: *round }),
            Event::StepSettled { happened: Some(happened), .. } => Some(Claim::Settled { happened: *happened }),
            Event::RunEnded { verified: Verified::Yes, .. } => Some(Claim::Ended),
            Event::PersonAnswered { step, yes, by, .. } => {
                Some(Claim::Answered { step: step.clone(), yes: *yes, by: *by, at })
            }
            Event::StepTaken { step, from, .. } => Some(Claim::Taken { step: step.clone(), from: *from }),
            _ => None,
        }
    }

    /// The stream whose entries bear it out, if it is not the entry's own.
    pub(crate) fn elsewhere(&self) -> Option<Stream> {
        match self {
            Claim::Taken { from, .. } => Some(Stream::run(*from)),
            _ => None,
        }
    }

    /// Whether what stands `before`, newest first, bears it out. Reads no further than it must; entries of other types
    /// than `checked`, `step_settled`, `verification_ended`, `person_asked`, `person_answered` and `run_requested` may be
    /// left out.
    pub(crate) fn borne_out<E>(&self, mut before: impl FnMut() -> Result<Option<Past>, E>) -> Result<bool, E> {
        match self {
            Claim::Answered { step, yes, by, at } => return answered(step, *yes, (*by, *at), before),
            Claim::Taken { step, .. } => return taken(step, before),
            _ => {}
        }
        let mut found = false;
        while let Some(Past { kind, v, body, .. }) = before()? {
            let round_ended = matches!(kind.as_str(), "verification_ended" | "step_settled");
            if *self != Claim::Ended && round_ended {
                break;
            }
            let read = |body: String| Event::decode(&kind, v, &body).ok();
            let event = if round_ended || kind == "checked" { body.and_then(read) } else { None };
            match (self, event) {
                (Claim::Ended, Some(Event::VerificationEnded { verified, .. })) => return Ok(verified == Verified::Yes),
                (Claim::Verified { round }, Some(Event::Checked { judged })) => {
                    if judged.round != *round {
                        break;
                    }
                    match judged.verdict {
                        Verdict::Yes => found = true,
                        Verdict::Skipped { .. } => {}
                        Verdict::No | Verdict::Unknown { .. } => return Ok(false),
                    }
                }
                (Claim::Settled { happened }, Some(Event::Checked { judged })) => match judged.verdict {
                    Verdict::Yes if *happened => found = true,
                    Verdict::No if !*happened && judged.denies() => found = true,
                    Verdict::Skipped { .. } => {}
                    _ => return Ok(false),
                },
                _ => {}
            }
        }
        Ok(found)
    }

    /// The rule that an entry breaks whose claim is not borne out.
    pub(crate) fn rule(&self, stream: &str) -> String {
        match self {
            Claim::Verified { round } => {
                format!("round {round} of `{stream}` would be verified, but its checks on record do not say yes")
            }
            Claim::Settled { happened: true } => {
                format!("a step of `{stream}` would count as done, but no checks on record say that it happened")
            }
            Claim::Settled { happened: false } => {
                format!("a step of `{stream}` would be repeated, but no checks on record say that it did not happen")
            }
            Claim::Answered { step, .. } => format!(
                "step `{step}` of `{stream}` would be answered, but nobody was asked who had not answered, the time is over, or it needs the yes of another person than the one who asked for the run or did something on the way to it"
            ),
            Claim::Taken { step, from } => format!(
                "step `{step}` of `{stream}` would take over a yes that was given to {from}; it is asked for anew"
            ),
            Claim::Ended => format!("`{stream}` would end verified, but its last verification on record is not yes"),
        }
    }
}

fn answered<E>(
    step: &str,
    yes: bool,
    (by, at): (ActorId, At),
    mut before: impl FnMut() -> Result<Option<Past>, E>,
) -> Result<bool, E> {
    let (mut asked, mut signed) = (false, BTreeSet::new());
    while let Some(Past { kind, v, body, actor }) = before()? {
        // Only the request itself matters, not what it says.
        if kind == "run_requested" {
            return Ok(asked && actor != by);
        }
        match body.and_then(|body| Event::decode(&kind, v, &body).ok()) {
            Some(Event::PersonAnswered { step: of, .. }) if of == step && !asked => return Ok(false),
            Some(Event::PersonAnswered { step: of, by: who, .. }) if who == by => drop(signed.insert(of)),
            Some(Event::PersonAsked(Asked { step: of, until, other, barred, .. })) if of == step && !asked => {
                if at >= until || !other || !yes {
                    return Ok(at < until);
                }
                if barred.contains(&by) {
                    return Ok(false);
                }
                asked = true;
            }
            // Whoever did a step by hand does not agree to what came of it.
            Some(Event::PersonAsked(Asked { step: of, other, .. })) if signed.remove(&of) && !other => {
                return Ok(false);
            }
            _ => {}
        }
    }
    Ok(false)
}

/// Whether the step was no yes when it was last asked for.
fn taken<E>(step: &str, mut before: impl FnMut() -> Result<Option<Past>, E>) -> Result<bool, E> {
    while let Some(Past { kind, v, body, .. }) = before()? {
        if kind == "person_asked"
            && let Some(Event::PersonAsked(asked)) = body.and_then(|body| Event::decode(&kind, v, &body).ok())
            && asked.step == step
        {
            return Ok(!asked.other);
        }
    }
    Ok(true)
}
