//! Planted faults, one at a time: each breaks a promise in an adapter of the simulated world, and each must be found.
//!
//! Nothing of the product is changed for them. A simulation that finds none of them would prove nothing.

use std::{collections::BTreeMap, sync::Arc};

use seaworthy_model::{
    event::Event,
    port::{Batch, Definitions},
    process::Effect,
    site::Loaded,
    view::ViewChange,
};

use crate::world::World;

/// One planted fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mutant {
    /// Every step may be repeated: the `once` rule is off.
    OnceMayBeRepeated,
    /// The journal takes an occurrence a second time.
    OccurrencesNotUnique,
    /// The outbox row goes when a message is about to be sent, not when it was.
    OutboxRowGoesFirst,
    /// A look says yes without looking.
    VerdictFromExitCode,
    /// An occurrence that did not run leaves no record.
    SkippedInSilence,
    /// A command that was given up counts as gone at once.
    GivenUpIsGone,
    /// Everybody counts as alive: nobody takes up what a dead node left.
    NobodyDies,
    /// The live row of a run that has ended stays.
    LiveRowStays,
    /// An append is answered with yes and forgotten.
    AppendForgotten,
    /// The notifier says yes and tells nobody.
    ToldWithoutTelling,
    /// Checkpoints are signed with something else.
    ForgedCheckpoint,
    /// What somebody should be told is not queued.
    NothingToTell,
}

impl Mutant {
    pub const ALL: [Mutant; 12] = [
        Mutant::OnceMayBeRepeated,
        Mutant::OccurrencesNotUnique,
        Mutant::OutboxRowGoesFirst,
        Mutant::VerdictFromExitCode,
        Mutant::SkippedInSilence,
        Mutant::GivenUpIsGone,
        Mutant::NobodyDies,
        Mutant::LiveRowStays,
        Mutant::AppendForgotten,
        Mutant::ToldWithoutTelling,
        Mutant::ForgedCheckpoint,
        Mutant::NothingToTell,
    ];
}

/// What becomes of a batch on its way to the journal. `None`: it is forgotten.
pub fn batch(world: &World, mut batch: Batch) -> Option<Batch> {
    if world.is(Mutant::OccurrencesNotUnique) {
        batch.occurrences.clear();
    }
    if world.is(Mutant::OutboxRowGoesFirst) {
        let claims = std::mem::take(&mut batch.outbox_claim);
        batch.outbox_done.extend(claims.into_iter().map(|(key, _, _)| key));
    }
    if world.is(Mutant::SkippedInSilence) {
        for write in &mut batch.writes {
            write.drafts.retain(|draft| !matches!(draft.event, Event::OccurrenceSkipped { .. }));
        }
        batch.writes.retain(|write| !write.drafts.is_empty());
    }
    if world.is(Mutant::LiveRowStays) {
        batch.views.retain(|change| !matches!(change, ViewChange::RunEnded(_)));
    }
    if world.is(Mutant::NothingToTell) {
        batch.outbox_add.clear();
        batch.writes.retain(|write| !write.stream.as_str().starts_with("message/"));
        batch.views.retain(|change| !matches!(change, ViewChange::Message(_)));
    }
    let ends = |event: &Event| matches!(event, Event::AttemptEnded { .. });
    let forgotten = batch.writes.iter().flat_map(|write| &write.drafts).any(|draft| ends(&draft.event));
    (!(forgotten && world.is(Mutant::AppendForgotten))).then_some(batch)
}

/// Definitions in which every step may be repeated, whatever the file says.
pub struct Careless(pub Arc<dyn Definitions>);

impl Definitions for Careless {
    fn current(&self) -> Arc<Loaded> {
        let loaded = self.0.current();
        let mut processes = BTreeMap::new();
        for (name, pinned) in &loaded.processes {
            let mut pinned = (**pinned).clone();
            pinned.process.steps.iter_mut().for_each(|step| step.effect = Effect::Idempotent);
            processes.insert(name.clone(), Arc::new(pinned));
        }
        Arc::new(Loaded { processes, ..(*loaded).clone() })
    }
}
