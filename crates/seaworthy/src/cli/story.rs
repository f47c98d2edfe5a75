//! The events of a run as lines for people: act, look and heal as three voices of one story.
//!
//! This module must not read anything; it is given events.

use seaworthy_core::{input::plain, schedule::utc};
use seaworthy_model::{
    event::Event,
    run::{Executed, HealOutcome, Kind, Outcome, Verdict, Verified},
    step::{Asked, unnamed},
};

use crate::out::{Out, Tone, safe};

/// The line of an event; `None` for what is of no interest while a run goes on.
pub fn line(out: &Out, event: &Event) -> Option<String> {
    let text = match event {
        Event::RunRequested { process, kind, digest, usual, .. } => {
            let what = if *kind == Kind::Drill { "restore drill of " } else { "" };
            let learnt = if usual.runs > 0 { format!(", {} verified runs before", usual.runs) } else { String::new() };
            format!(
                "{what}{}  definition {}{learnt}",
                out.paint(Tone::Strong, process),
                &digest[..digest.len().min(12)]
            )
        }
        Event::AttemptStarted { step, attempt: 1, .. } => format!("  act     {step}"),
        Event::AttemptStarted { step, attempt, .. } => format!("  act     {step}, attempt {attempt}"),
        Event::AttemptEnded { step, acted, .. } => {
            let word = match acted.outcome {
                Outcome::Done => format!("done in {}", acted.took),
                Outcome::NotDone => out.paint(Tone::Bad, "not done"),
                Outcome::Unknown => out.paint(Tone::Doubt, "end unknown"),
            };
            let reason = acted.reason.as_ref().map(|r| format!(": {}", safe(r))).unwrap_or_default();
            format!("          {step} {word}{reason}")
        }
        Event::ArtifactMade { artifact, .. } => {
            let sha = artifact.sha256.as_deref().map(|s| format!(", sha256 {}", &s[..12])).unwrap_or_default();
            format!("          made {}, {}{sha}", artifact.name, size(artifact.bytes))
        }
        Event::ArtifactMissing { name, reason, .. } => {
            format!("          {} {name}: {reason}", out.paint(Tone::Bad, "missing"))
        }
        Event::Checked { judged } => {
            let (word, tone) = match &judged.verdict {
                Verdict::Yes => ("yes", Tone::Good),
                Verdict::No => ("NO", Tone::Bad),
                Verdict::Unknown { .. } => ("unknown", Tone::Doubt),
                Verdict::Skipped { .. } => ("SKIPPED", Tone::Doubt),
            };
            let detail = match &judged.verdict {
                Verdict::Skipped { reason } => reason.clone(),
                Verdict::Yes => judged.observed.clone(),
                _ => format!("expected {}, seen {}", judged.expected, judged.observed),
            };
            format!("  look    {}: {}  {}", judged.check, out.paint(tone, word), safe(&detail))
        }
        Event::Waiting { why, .. } => format!("  heal    {why}"),
        Event::HealStarted { what, .. } if what == "run" => "  heal    run".to_owned(),
        Event::HealTried { heal } => {
            let word = match heal.outcome {
                HealOutcome::Healed => out.paint(Tone::Good, "healed"),
                HealOutcome::NotHealed => out.paint(Tone::Bad, "not healed"),
                HealOutcome::Told => format!("told {}", heal.detail),
                HealOutcome::Tried => "tried".into(),
            };
            format!("  heal    {} {word}", heal.what)
        }
        Event::StepSettled { step, happened, reason } => {
            let word = match happened {
                Some(true) => "happened",
                Some(false) => "did not happen",
                None => "nobody can say whether it happened",
            };
            format!("  look    {step}: {word} ({reason})")
        }
        Event::PingLogged { text, .. } => {
            format!("  said    {}", safe(text.lines().find(|line| !line.trim().is_empty()).unwrap_or("nothing")))
        }
        Event::CancelRequested { reason } => format!("  stop    asked for: {reason}"),
        other => return of_step(out, other),
    };
    Some(text)
}

fn locks(event: &Event) -> Option<String> {
    Some(match event {
        Event::LockAwaited { lock, holder, process, .. } => {
            format!("  lock    waits for `{lock}`, which {holder} of `{process}` has")
        }
        Event::LocksTaken { locks } => format!("  lock    taken: {}", locks.join(", ")),
        _ => return None,
    })
}

/// What else happens to steps.
fn of_step(out: &Out, event: &Event) -> Option<String> {
    Some(match event {
        Event::ArtifactUnseen { name, reason, .. } => {
            format!("          {} {name}: {reason}", out.paint(Tone::Doubt, "not looked at"))
        }
        Event::RunResumed { again, look } => {
            let word = |ids: &[String]| if ids.is_empty() { "none".to_owned() } else { ids.join(", ") };
            format!("  resume  again: {}; looked at first: {}", word(again), word(look))
        }
        Event::PersonAsked(Asked { step, until, outside, .. }) => {
            let outside = outside.as_ref().map(|by| format!("; {}", safe(&unnamed(by)))).unwrap_or_default();
            format!("  ask     {step}: waits for a person until {}{outside}", utc(*until))
        }
        Event::PersonAnswered { step, yes, evidence, .. } => {
            format!("          {step}: {}: {}", if *yes { "signed" } else { "a person said no" }, safe(evidence))
        }
        Event::ChildBegun(child) => format!("          {} is {} of {}", child.step, child.run, child.process),
        Event::StepTaken { step, from, .. } => format!("  take    {step}, done in {from}"),
        Event::StepExpanded(list) => format!("  list    {} {}", list.step, safe(&list.words())),
        Event::StepSkipped { step, reason } => format!("  skip    {step}: {}", safe(reason)),
        Event::OutputsTaken { step, outputs } => {
            let all: Vec<String> = outputs.iter().map(|(name, v)| format!("{name} = {}", plain(v))).collect();
            format!("          {step} hands on {}", safe(&all.join(", ").replace('\n', " ")))
        }
        Event::OutputsRefused { step, reason } => {
            format!("          {step} {}: {}", out.paint(Tone::Bad, "not done"), safe(reason))
        }
        Event::RunExpired { limit } => {
            format!("          {}: over its timeout of {limit}", out.paint(Tone::Bad, "stopped"))
        }
        _ => return locks(event),
    })
}

/// The last line: the verdict in words, and the reason on the same line.
pub fn verdict(out: &Out, process: &str, kind: Kind, executed: Executed, verified: Verified, reason: &str) -> String {
    let what = if kind == Kind::Drill { format!("restore drill of {process}") } else { process.to_owned() };
    let (word, tone) = words(executed, verified);
    let reason = if reason.is_empty() { String::new() } else { format!(": {}", safe(reason)) };
    format!("{}  {what}{reason}", out.paint(tone, word))
}

/// Both verdicts in one word. Green means verified and nothing else.
pub fn words(executed: Executed, verified: Verified) -> (&'static str, Tone) {
    match (executed, verified) {
        (_, Verified::Yes) => ("VERIFIED", Tone::Good),
        (Executed::Cancelled, _) => ("CANCELLED", Tone::Doubt),
        (Executed::Failed, Verified::No) => ("FAILED", Tone::Bad),
        (_, Verified::No) => ("NOT VERIFIED", Tone::Bad),
        (_, Verified::Unknown) => ("UNKNOWN", Tone::Doubt),
        (_, Verified::Unproven) => ("EXECUTED, UNPROVEN", Tone::Doubt),
    }
}

/// Bytes as people say them.
pub fn size(bytes: u64) -> String {
    let units = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut value = bytes as f64;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < units.len() {
        value /= 1024.0;
        unit += 1;
    }
    if unit == 0 { format!("{bytes} B") } else { format!("{value:.1} {}", units[unit]) }
}
