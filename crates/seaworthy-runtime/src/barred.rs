//! Whose yes to an `approve` step of a run does not count: who asked for it or for what led to it, and who did something
//! by hand on the way.
//!
//! This module must not refuse anything: core does, and the journal.

use std::collections::{BTreeSet, VecDeque};

use seaworthy_core::account::persons::Origin;
use seaworthy_model::{
    entry::Stream,
    event::Event,
    id::RunId,
    port::{Journal, StoreError},
    run::Cause,
    trigger::Triggered,
};

/// Most runs that are looked at, the nearest first: a chain of triggers may be of any length.
const RUNS_MAX: usize = 64;

/// A run to look at.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Look {
    /// It led to this one: who asked for it counts, too.
    Cause(RunId),
    /// Only its work is part of this one.
    Work(RunId),
}

/// Goes up to what caused the run, by a step or a trigger, and to where its work was done: in runs that its steps began,
/// and in those whose steps it took over. Empty: there is no such run.
pub(crate) async fn origin(journal: &dyn Journal, run: RunId) -> Result<Origin, StoreError> {
    let (mut open, mut seen, mut found) = (VecDeque::from([Look::Cause(run)]), BTreeSet::new(), Origin::default());
    while let Some(look) = open.pop_front() {
        if seen.len() >= RUNS_MAX || !seen.insert(look) {
            continue;
        }
        let (Look::Cause(at) | Look::Work(at)) = look;
        let mut by_hand = BTreeSet::new();
        for entry in journal.stream(&Stream::run(at), 0).await? {
            let event = entry.event().map_err(|e| StoreError::Broken { detail: e.to_string() })?;
            match event {
                Some(Event::RunRequested { cause, .. }) if look == Look::Cause(at) => {
                    found.barred.insert(entry.header.actor);
                    match cause {
                        Cause::Person => found.asked.extend([entry.header.actor]),
                        Cause::Step { run, .. } | Cause::Trigger { by: Triggered::Process { run, .. } } => {
                            open.push_back(Look::Cause(run));
                        }
                        Cause::Trigger { by } => found.outside = Some(by.words()),
                        _ => {}
                    }
                }
                Some(Event::ChildBegun(begun)) => open.push_back(Look::Work(begun.run)),
                Some(Event::StepTaken { from, .. }) => open.push_back(Look::Work(from)),
                Some(Event::PersonAsked(asked)) if asked.other => drop(by_hand.remove(&asked.step)),
                Some(Event::PersonAsked(asked)) => drop(by_hand.insert(asked.step)),
                Some(Event::PersonAnswered { step, by, .. }) if by_hand.contains(&step) => found.barred.extend([by]),
                _ => {}
            }
        }
    }
    Ok(found)
}
