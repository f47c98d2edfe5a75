//! What of a process is needed whatever its age, read from rows.
//!
//! This module must not know policies nor what is dropped.

use std::collections::BTreeSet;

use seaworthy_core::retain::Needs;
use seaworthy_model::{
    id::RunId,
    port::{Journal, StoreError, Views},
    run::{Kind, USUAL_RUNS_MAX, Verified},
    view::{Raised, RunQuery},
};

use crate::prune::{drilled, restored};

/// Open signals and messages that are read; with more of them nothing is known to be free of them.
const OPEN_MAX: usize = 1_000;

/// What open signals and messages are about, of all processes.
#[derive(Debug, Clone, Default)]
pub(crate) struct Open {
    signals: BTreeSet<RunId>,
    messages: BTreeSet<RunId>,
}

/// # Errors
/// When the rows cannot be read.
pub(crate) async fn open(views: &dyn Views, signals: Option<&dyn Views>) -> Result<Open, StoreError> {
    let mut found = Open::default();
    for watched in [Some(views), signals].into_iter().flatten() {
        found.signals.extend(watched.signals(Raised::Open, OPEN_MAX).await?.into_iter().filter_map(|row| row.run));
        let unsent = watched.messages(None, OPEN_MAX).await?.into_iter().filter(|row| row.ended_at.is_none());
        found.messages.extend(unsent.filter_map(|row| row.run));
    }
    Ok(found)
}

/// # Errors
/// When the journal cannot be read.
pub(crate) async fn of(
    journal: &dyn Journal,
    views: &dyn Views,
    process: &str,
    whole: u32,
    open: &Open,
) -> Result<Needs, StoreError> {
    let query =
        |kind, verified, limit| RunQuery { process: Some(process.to_owned()), kind, verified, before: None, limit };
    let ids = |rows: Vec<seaworthy_model::view::EndedRun>| rows.into_iter().map(|row| row.run);
    let mut needs = Needs { signals: open.signals.clone(), messages: open.messages.clone(), ..Needs::default() };
    needs.newest.extend(ids(views.ended_runs(query(None, None, whole as usize)).await?));
    for kind in [Kind::Run, Kind::Drill] {
        let proof = views.ended_runs(query(Some(kind), Some(Verified::Yes), 1)).await?.first().map(|row| row.run);
        needs.proofs.extend(proof);
        if let (Some(drill), Kind::Drill) = (proof, kind) {
            // What is proven restorable is what it restored, whatever was made since.
            needs.proofs.extend(restored(journal, drill).await?);
        }
        needs.usual.extend(ids(views.verified_measures(process, kind, USUAL_RUNS_MAX as usize).await?));
    }
    needs.drilled = drilled(journal, views, process).await?;
    Ok(needs)
}
