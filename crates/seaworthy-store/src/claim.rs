//! Entries that claim what only entries before them in their stream can bear out: a verification, a settled step, a
//! run verified, a person's answer. Nothing is green because the one who decided it says so, and nobody agrees to what
//! they asked for themselves.
//!
//! Only these few kinds of entries make an adapter look back. This module must not know where it looks.

use seaworthy_model::{
    event::Event,
    id::ActorId,
    run::{Verdict, Verified},
    step::Asked,
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
    /// A person answered for a step: it was asked for, and a yes that is to be another's than the requester's is.
    Answered { step: String, yes: bool, by: ActorId },
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
    pub(crate) fn of(event: &Event) -> Option<Claim> {
        match event {
            Event::VerificationEnded { round, verified: Verified::Yes } => Some(Claim::Verified { round: *round }),
            Event::StepSettled { happened: Some(happened), .. } => Some(Claim::Settled { happened: *happened }),
            Event::RunEnded { verified: Verified::Yes, .. } => Some(Claim::Ended),
            Event::PersonAnswered { step, yes, by, .. } => {
                Some(Claim::Answered { step: step.clone(), yes: *yes, by: *by })
            }
            _ => None,
        }
    }

    /// Whether what stands `before`, newest first, bears it out. Reads no further than it must; entries of other types
    /// than `checked`, `step_settled`, `verification_ended`, `person_asked`, `person_answered` and `run_requested` may be
    /// left out.
    pub(crate) fn borne_out<E>(&self, mut before: impl FnMut() -> Result<Option<Past>, E>) -> Result<bool, E> {
        if let Claim::Answered { step, yes, by } = self {
            return answered(step, *yes, *by, before);
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
                    Verdict::No if !*happened && judged.observation.is_some() => found = true,
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
                "step `{step}` of `{stream}` would be answered, but nobody was asked who had not answered, or it needs the yes of another person than the one who asked for the run"
            ),
            Claim::Ended => format!("`{stream}` would end verified, but its last verification on record is not yes"),
        }
    }
}

fn answered<E>(
    step: &str,
    yes: bool,
    by: ActorId,
    mut before: impl FnMut() -> Result<Option<Past>, E>,
) -> Result<bool, E> {
    let mut asked = false;
    while let Some(Past { kind, v, body, actor }) = before()? {
        // Only the request itself matters, not what it says.
        if kind == "run_requested" {
            return Ok(asked && actor != by);
        }
        let event = body.and_then(|body| Event::decode(&kind, v, &body).ok());
        match event {
            _ if asked => {}
            Some(Event::PersonAnswered { step: of, .. }) if of == step => return Ok(false),
            Some(Event::PersonAsked(Asked { step: of, other, .. })) if of == step => {
                if !other || !yes {
                    return Ok(true);
                }
                asked = true;
            }
            _ => {}
        }
    }
    Ok(false)
}
