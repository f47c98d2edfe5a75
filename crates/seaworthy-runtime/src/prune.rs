//! After a run: what it left behind is removed, and older artifacts beyond `keep` with it.
//!
//! What core calls needed is never removed, whatever `keep` says. This module must not remove history.

use std::collections::BTreeSet;

use seaworthy_core::{
    retain::{What, needed},
    run::{Plan, State},
};
use seaworthy_model::{
    entry::Stream,
    event::Event,
    id::RunId,
    port::{Journal, StoreError, Views},
    process::Process,
    run::Kind,
    view::RunQuery,
};
use tracing::warn;

use crate::{
    ports::Ports,
    retain::{drop_artifacts, need},
};

/// Runs beyond `keep` that one pass looks at: each run that ends removes one, so few are ever left over.
const LOOK_BEYOND: usize = 20;
/// Passes after one run; what is left is for the passes after the next.
const PASSES_MAX: usize = 50;

/// Tidies after a run that has ended. Trouble is logged and never changes the run.
pub async fn after_run(ports: &Ports, process: &Process, plan: &Plan, run: RunId, state: &State) {
    if state.attempts.values().flatten().all(|a| a.ended.as_ref().is_some_and(|(_, acted)| acted.held_by == "nothing"))
    {
        return;
    }
    let keep: Vec<String> = match plan.kind {
        Kind::Run => state.artifacts.keys().chain(state.unlooked(plan)).cloned().collect(),
        Kind::Drill => Vec::new(),
    };
    if let Err(trouble) = ports.places.tidy(run, keep).await {
        warn!(%run, "the work folder could not be tidied: {trouble}");
    }
    if plan.kind == Kind::Run
        && let Err(trouble) = older(ports, process).await
    {
        warn!(process = process.name, "old artifacts could not be removed: {trouble}");
    }
}

/// Removes the folders of runs beyond the newest `keep`, after an entry that names them, but never what is needed. Goes
/// back in history until there is nothing to remove any more: after `keep` was made smaller, say. Most often there is
/// nothing at all, and then nobody is asked what is needed.
///
/// # Errors
/// A sentence; what was removed by then stays removed, and the next pass goes on.
pub async fn older(ports: &Ports, process: &Process) -> Result<(), String> {
    let keep = process.keep.max(1) as usize;
    let (mut before, mut skip) = (None, keep);
    for _ in 0..PASSES_MAX {
        let query = RunQuery {
            process: Some(process.name.clone()),
            kind: Some(Kind::Run),
            verified: None,
            before,
            limit: skip + LOOK_BEYOND,
        };
        let runs = ports.views.ended_runs(query).await.map_err(|e| e.to_string())?;
        let mut left = Vec::new();
        for row in runs.iter().skip(skip) {
            if ports.places.left_over(row.run).await {
                left.push(row);
            }
        }
        if left.is_empty() {
            return Ok(());
        }
        // Asked after they were found: a drill that comes later restores the newest verified run of now, or a newer one.
        let open = need::open(&*ports.views, ports.watched.get().map(|views| &**views)).await;
        let open = open.map_err(|e| e.to_string())?;
        let needs =
            need::of(&*ports.journal, &*ports.views, &process.name, 0, &open).await.map_err(|e| e.to_string())?;
        left.retain(|row| needed(What::Artifacts, row, &needs).is_none());
        let gone: Vec<RunId> = left.iter().map(|row| row.run).collect();
        if !gone.is_empty() {
            drop_artifacts(ports, gone, "more runs than `keep` says").await?;
        }
        before = runs.last().map(|row| row.run);
        skip = 0;
    }
    Ok(())
}

/// The runs whose artifacts open drills of this process restore. Asked after the newest verified run was: a drill that is
/// requested from here on restores that one or a newer one.
///
/// # Errors
/// When the journal cannot be read.
pub(crate) async fn drilled(
    journal: &dyn Journal,
    views: &dyn Views,
    process: &str,
) -> Result<BTreeSet<RunId>, StoreError> {
    let mut drilled = BTreeSet::new();
    for drill in views.live_runs().await?.iter().filter(|row| row.kind == Kind::Drill && row.process == process) {
        drilled.extend(restored(journal, drill.run).await?);
    }
    Ok(drilled)
}

/// The run whose artifact a drill restores.
///
/// # Errors
/// When the journal cannot be read.
pub(crate) async fn restored(journal: &dyn Journal, drill: RunId) -> Result<Option<RunId>, StoreError> {
    let stream = journal.stream(&Stream::run(drill), 0).await?;
    Ok(match stream.first().map(|entry| entry.event()) {
        Some(Ok(Some(Event::RunRequested { artifact: Some(artifact), .. }))) => Some(artifact.from_run),
        _ => None,
    })
}
