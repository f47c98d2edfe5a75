//! Entries that claim what only entries before them in their stream can bear out: a verification, a settled step, a
//! run verified. Nothing is green because the one who decided it says so.
//!
//! Only these few kinds of entries make an adapter look back. This module must not know where it looks.

use seaworthy_model::{
    event::Event,
    run::{Verdict, Verified},
};

/// What must stand before the entry, newest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Claim {
    /// A round of verification said yes: checks of it did, and none said anything else, but for those skipped.
    Verified { round: u32 },
    /// A step with an unknown end happened, or did not: the checks asked since the round before say just that.
    Settled { happened: bool },
    /// A run ends verified: its last verification said yes.
    Ended,
}

/// An entry that is looked back at: its type, its version, and its body unless retention dropped it.
pub(crate) type Past = (String, u32, Option<String>);

impl Claim {
    /// What the event claims, if it does.
    pub(crate) fn of(event: &Event) -> Option<Claim> {
        match event {
            Event::VerificationEnded { round, verified: Verified::Yes } => Some(Claim::Verified { round: *round }),
            Event::StepSettled { happened: Some(happened), .. } => Some(Claim::Settled { happened: *happened }),
            Event::RunEnded { verified: Verified::Yes, .. } => Some(Claim::Ended),
            _ => None,
        }
    }

    /// Whether what stands `before`, newest first, bears it out. Reads no further than it must; entries of other types
    /// than `checked`, `step_settled` and `verification_ended` may be left out.
    pub(crate) fn borne_out<E>(self, mut before: impl FnMut() -> Result<Option<Past>, E>) -> Result<bool, E> {
        let mut found = false;
        while let Some((kind, v, body)) = before()? {
            let round_ended = matches!(kind.as_str(), "verification_ended" | "step_settled");
            if self != Claim::Ended && round_ended {
                break;
            }
            let read = |body: String| Event::decode(&kind, v, &body).ok();
            let event = if round_ended || kind == "checked" { body.and_then(read) } else { None };
            match (self, event) {
                (Claim::Ended, Some(Event::VerificationEnded { verified, .. })) => return Ok(verified == Verified::Yes),
                (Claim::Verified { round }, Some(Event::Checked { judged })) => {
                    if judged.round != round {
                        break;
                    }
                    match judged.verdict {
                        Verdict::Yes => found = true,
                        Verdict::Skipped { .. } => {}
                        Verdict::No | Verdict::Unknown { .. } => return Ok(false),
                    }
                }
                (Claim::Settled { happened }, Some(Event::Checked { judged })) => match judged.verdict {
                    Verdict::Yes if happened => found = true,
                    Verdict::No if !happened && judged.observation.is_some() => found = true,
                    Verdict::Skipped { .. } => {}
                    _ => return Ok(false),
                },
                _ => {}
            }
        }
        Ok(found)
    }

    /// The rule that an entry breaks whose claim is not borne out.
    pub(crate) fn rule(self, stream: &str) -> String {
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
            Claim::Ended => format!("`{stream}` would end verified, but its last verification on record is not yes"),
        }
    }
}
