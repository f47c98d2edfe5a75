//! Steps that a person does or agrees to: asked, answered, or out of time.
//!
//! The answer is that person's word, with their name and what they brought along; verification looks all the same. This
//! module must not know how anybody is reached.

use std::collections::BTreeSet;

use seaworthy_model::{
    event::Event,
    id::ActorId,
    process::{Action, Duty, Proof, Step},
    run::{Acted, Outcome},
    step,
    time::{At, Span},
};

use super::{Next, Plan, State, next::nothing, state::Standing};

/// Longest evidence in characters.
pub const EVIDENCE_CHARS_MAX: usize = 4_000;

/// A step that waits for a person, or waited.
#[derive(Debug, Clone, PartialEq)]
pub struct Asked {
    pub at: At,
    pub until: At,
    /// A yes is to be another person's.
    pub other: bool,
    /// When it was answered, yes or no, what was brought along, and by whom.
    pub answer: Option<(At, bool, String, ActorId)>,
}

/// Asks for it.
pub(super) fn ask(step: &Step, duty: &Duty, now: At) -> Next {
    let other = matches!(step.action, Action::Approve(_));
    let asked = step::Asked { step: step.id.clone(), until: now + duty.within, other, barred: vec![], outside: None };
    Next::Record(vec![Event::PersonAsked(asked)])
}

/// What comes of steps that wait for a person: one that was answered or is out of time ends. `Err`: when the first of
/// them is out of time, if any waits.
pub(super) fn answered(plan: &Plan, state: &State, standings: &[Standing], now: At) -> Result<Next, Option<At>> {
    let mut first: Option<At> = None;
    for (step, _) in plan.steps.iter().zip(standings).filter(|(_, standing)| **standing == Standing::Waiting) {
        let Some(asked) = state.asked.get(&step.id) else { continue };
        match (&asked.answer, now >= asked.until) {
            (None, false) => first = Some(first.map_or(asked.until, |at| at.min(asked.until))),
            _ => return Ok(Next::Record(end(state, step, asked))),
        }
    }
    Err(first)
}

fn end(state: &State, step: &Step, asked: &Asked) -> Vec<Event> {
    let (outcome, reason) = match &asked.answer {
        Some((_, true, ..)) => (Outcome::Done, None),
        Some((_, false, why, _)) if why.is_empty() => (Outcome::NotDone, Some("a person said no".to_owned())),
        Some((_, false, why, _)) => (Outcome::NotDone, Some(format!("a person said no: {why}"))),
        None => (Outcome::NotDone, Some(format!("nobody answered within {}", within(step)))),
    };
    let ended = asked.answer.as_ref().map_or(asked.until, |(at, ..)| *at);
    let (id, attempt) = (step.id.clone(), state.count(&step.id) + 1);
    let acted = Acted { outcome, reason, took: ended.since(asked.at), held_by: "a person".into(), ..nothing() };
    vec![
        Event::AttemptStarted { step: id.clone(), attempt, key: format!("{id}/{attempt}") },
        Event::AttemptEnded { step: id, attempt, acted },
    ]
}

fn within(step: &Step) -> Span {
    match &step.action {
        Action::Human(duty) | Action::Approve(duty) => duty.within,
        _ => Span::ZERO,
    }
}

/// What somebody answers.
#[derive(Debug, Clone, Copy)]
pub struct Said<'a> {
    pub yes: bool,
    pub evidence: &'a str,
    pub by: ActorId,
    pub at: At,
}

/// Takes an answer in. `barred`: whose yes to an `approve` step does not count, besides who answered for a step of this run.
///
/// # Errors
/// Why it is refused, in a sentence that says what to do.
pub fn sign(
    plan: &Plan,
    state: &State,
    step: &str,
    said: Said<'_>,
    barred: &BTreeSet<ActorId>,
) -> Result<Event, String> {
    let Said { yes, evidence, by, at } = said;
    let Some(found) = plan.steps.iter().find(|other| other.id == step) else {
        let known: Vec<&str> = plan.steps.iter().map(|step| step.id.as_str()).collect();
        return Err(format!("there is no step `{step}`; there are: {}", known.join(", ")));
    };
    let (duty, agrees) = match &found.action {
        Action::Human(duty) => (duty, false),
        Action::Approve(duty) => (duty, true),
        _ => return Err(format!("step {step} is not done by a person")),
    };
    if state.ended.is_some() || state.standing(step) != Standing::Waiting {
        return Err(format!("step {step} does not wait for anybody now"));
    }
    if state.asked.get(step).is_some_and(|asked| asked.answer.is_some()) {
        return Err(format!("step {step} was answered already"));
    }
    if state.asked.get(step).is_some_and(|asked| at >= asked.until) {
        let within = within(found);
        return Err(format!("step {step} was to be answered within {within}; what comes later does not count"));
    }
    if agrees && yes && barred.contains(&by) {
        return Err(format!(
            "step {step} needs the yes of another person than the one who asked for this run, or did something on the way to it"
        ));
    }
    if agrees && yes && state.signers.contains(&by) {
        return Err(format!(
            "step {step} needs the yes of another person than the one who answered for a step of this run"
        ));
    }
    let evidence = evidence.trim();
    if evidence.chars().count() > EVIDENCE_CHARS_MAX {
        return Err(format!(
            "the evidence is longer than {EVIDENCE_CHARS_MAX} characters; keep it elsewhere and give its address"
        ));
    }
    if yes && !agrees {
        proven(duty.evidence, evidence)?;
    }
    Ok(Event::PersonAnswered { step: step.to_owned(), yes, evidence: evidence.to_owned(), by })
}

fn proven(wanted: Proof, evidence: &str) -> Result<(), String> {
    let hash = |text: &str| text.len() == 64 && text.chars().all(|c| c.is_ascii_hexdigit());
    let good = match wanted {
        Proof::None => true,
        Proof::Text => !evidence.is_empty(),
        Proof::Link => evidence.starts_with("http://") || evidence.starts_with("https://"),
        Proof::File => evidence.split_whitespace().next_back().is_some_and(hash),
    };
    match wanted {
        _ if good => Ok(()),
        Proof::Link => Err("this step is signed with an address: --evidence https://…".into()),
        Proof::File => Err("this step is signed with the hash of a file: --evidence-file PATH".into()),
        _ => Err("this step is signed with what was done or seen: --evidence TEXT".into()),
    }
}
