//! The healing ladder: bounded, in order, and always ending at a person.
//!
//! This module must not know whether a rung worked; verification says so.

use seaworthy_model::{
    event::Event,
    process::{Backoff, Command, Line, Rung},
    run::{Heal, HealOutcome, Verdict},
    time::{At, Span},
};

use super::{Plan, State, state::Standing};

/// The word of a rung in records and files.
pub(super) fn word(rung: &Rung) -> &'static str {
    match rung {
        Rung::Retry { .. } => "retry",
        Rung::Run { .. } => "run",
        Rung::Tell { .. } => "tell",
    }
}

/// A command on one line, for records.
pub(super) fn command_text(command: &Command) -> String {
    let text = match &command.line {
        Line::Shell { script, .. } => script.trim().replace('\n', "; "),
        Line::Args(args) => args.join(" "),
    };
    if text.chars().count() > 120 { text.chars().take(119).chain(['…']).collect() } else { text }
}

/// The next thing to try after verification said no; `None` at the end of the ladder.
pub(super) fn climb(plan: &Plan, state: &State, now: At, draw: &mut dyn FnMut() -> u64) -> Option<Vec<Event>> {
    let mut rung = state.rung;
    let mut tries = state.tries;
    loop {
        let at = plan.heal.get(rung as usize)?;
        match at {
            Rung::Retry { times, backoff } if tries < *times => {
                let again = again(plan, state);
                if again.is_empty() {
                    let detail = "nothing may be repeated: a `once` step is not done twice".to_owned();
                    let heal = Heal { what: "retry".into(), rung, outcome: HealOutcome::NotHealed, detail };
                    return Some(vec![Event::HealTried { heal }]);
                } else {
                    let wait = wait(*backoff, tries, draw());
                    return Some(vec![
                        Event::HealStarted { rung, what: "retry".into(), again },
                        Event::Waiting {
                            until: now + wait,
                            why: format!("retry {} of {times} after {wait}", tries + 1),
                        },
                    ]);
                }
            }
            Rung::Run { .. } if tries == 0 => {
                let again = repeatable(plan, &plan.from_steps(&failed(plan, state)));
                return Some(vec![Event::HealStarted { rung, what: "run".into(), again }]);
            }
            Rung::Tell { route } => {
                let heal = Heal { what: "tell".into(), rung, outcome: HealOutcome::Told, detail: route.clone() };
                return Some(vec![Event::HealTried { heal }]);
            }
            _ => {}
        }
        rung += 1;
        tries = 0;
    }
}

/// The steps that failed: several if they were side by side.
fn failed<'a>(plan: &'a Plan, state: &State) -> Vec<&'a str> {
    let all = plan.steps.iter().filter(|step| matches!(state.standing(&step.id), Standing::Failed(_)));
    all.map(|step| step.id.as_str()).collect()
}

/// The steps that a retry does again: from those that failed, or that makes the artifact whose check said no; else all.
fn again(plan: &Plan, state: &State) -> Vec<String> {
    let failed = failed(plan, state);
    if !failed.is_empty() {
        return repeatable(plan, &plan.from_steps(&failed));
    }
    let maker = state
        .last_round()
        .filter(|j| j.verdict == Verdict::No)
        .map(|j| plan.verify.iter().find(|c| c.id == j.check).and_then(Plan::artifact_of).and_then(|a| plan.maker(a)))
        .next()
        .flatten();
    let from = match maker {
        Some(step) => vec![step.id.as_str()],
        None => plan.defined.iter().map(|step| step.id.as_str()).collect(),
    };
    repeatable(plan, &plan.from_steps(&from))
}

/// A `once` step that ran is never done again by a ladder.
fn repeatable(plan: &Plan, steps: &[String]) -> Vec<String> {
    steps.iter().filter(|id| !plan.is_once(id)).cloned().collect()
}

/// Full jitter (Brooker, "Exponential Backoff and Jitter", 2015), never under half of the shortest wait.
fn wait(backoff: Backoff, tries: u32, draw: u64) -> Span {
    let top = backoff.shortest.0.saturating_mul(1u64 << tries.min(30)).min(backoff.longest.0.max(backoff.shortest.0));
    let low = backoff.shortest.0 / 2;
    let width = top.saturating_sub(low);
    Span(low + ((u128::from(draw) * u128::from(width)) >> 64) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_are_spread_and_bounded() {
        let backoff = Backoff { shortest: Span::seconds(60), longest: Span::seconds(600) };
        assert_eq!(wait(backoff, 0, 0), Span::seconds(30));
        assert!(wait(backoff, 0, u64::MAX) <= Span::seconds(60));
        assert!(wait(backoff, 3, u64::MAX) > Span::seconds(470));
        assert!(wait(backoff, 40, u64::MAX) <= Span::seconds(600));
    }
}
