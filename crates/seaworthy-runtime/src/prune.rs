//! After a run: what it left behind is removed, and older artifacts beyond `keep` with it.
//!
//! The newest verified artifact is never removed, whatever `keep` says. This module must not remove history.

use seaworthy_core::run::{Plan, State};
use seaworthy_model::{
    id::RunId,
    process::Process,
    run::{Kind, Verified},
    view::RunQuery,
};
use tracing::warn;

use crate::ports::Ports;

/// Runs beyond `keep` that one pass looks at: each run that ends removes one, so few are ever left over.
const LOOK_BEYOND: usize = 20;

/// Tidies after a run that has ended. Trouble is logged and never changes the run.
pub async fn after_run(ports: &Ports, process: &Process, plan: &Plan, run: RunId, state: &State) {
    if state.attempts.values().flatten().all(|a| a.ended.as_ref().is_some_and(|(_, acted)| acted.held_by == "nothing"))
    {
        return;
    }
    let keep: Vec<String> = match plan.kind {
        Kind::Run => state.artifacts.keys().cloned().collect(),
        Kind::Drill => Vec::new(),
    };
    if let Err(trouble) = ports.places.tidy(run, keep).await {
        warn!(%run, "the work folder could not be tidied: {trouble}");
    }
    if plan.kind == Kind::Run
        && let Err(trouble) = old(ports, process).await
    {
        warn!(process = process.name, "old artifacts could not be removed: {trouble}");
    }
}

/// Removes the folders of runs beyond the newest `keep`, but never that of the newest verified run or of an open drill.
async fn old(ports: &Ports, process: &Process) -> Result<(), String> {
    let keep = process.keep.max(1) as usize;
    let query = |verified| RunQuery {
        process: Some(process.name.clone()),
        kind: Some(Kind::Run),
        verified,
        before: None,
        limit: keep + LOOK_BEYOND,
    };
    let runs = ports.views.ended_runs(query(None)).await.map_err(|e| e.to_string())?;
    let newest =
        ports.views.ended_runs(RunQuery { limit: 1, ..query(Some(Verified::Yes)) }).await.map_err(|e| e.to_string())?;
    let drilling = ports.views.live_runs().await.map_err(|e| e.to_string())?;
    if drilling.iter().any(|row| row.kind == Kind::Drill && row.process == process.name) {
        return Ok(());
    }
    for row in runs.iter().skip(keep) {
        if newest.first().is_none_or(|n| n.run != row.run) {
            ports.places.tidy(row.run, Vec::new()).await.map_err(|e| format!("{}: {e}", row.run))?;
        }
    }
    Ok(())
}
