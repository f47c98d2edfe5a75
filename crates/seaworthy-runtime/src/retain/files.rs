//! Kept outputs and artifacts: an entry says which go, then they go. Going through them again changes nothing.
//!
//! This module must not know where they are: `Places` does.

use std::collections::BTreeMap;

use seaworthy_core::retain::{Item, Needs, What, make_room, needed, stays};
use seaworthy_model::{
    entry::{Stream, Via},
    event::Event,
    id::RunId,
    port::Batch,
    retain::{FilesDropped, Weight},
    site::Loaded,
    view::EndedRun,
};

use super::{Retainer, Step, WEIGH_EVERY, need, policy, text};
use crate::ports::Ports;

/// Runs on disk that one step looks at.
const RUNS_STEP: usize = 500;
/// Runs that are weighed for the site's limit; of more the newest are left out of what can go.
const WEIGHED_MAX: usize = 100_000;

/// Runs on disk with their rows, and what is needed of their processes.
#[derive(Default)]
struct Looked {
    needs: BTreeMap<String, Needs>,
}

impl Retainer {
    pub(super) async fn files(&mut self, loaded: &Loaded) -> Result<Step, String> {
        let kept = self.kept.leftovers.kept().await.map_err(|e| format!("the runs on disk cannot be listed ({e})"))?;
        let open = need::open(&*self.ports.views, self.signals.as_deref()).await.map_err(|e| text(&e))?;
        let mut looked = Looked::default();
        let start = self.at.map_or(0, |at| kept.partition_point(|run| *run <= at));
        let now = self.ports.clock.now();
        let mut drop: Vec<(RunId, What)> = Vec::new();
        for run in kept.iter().skip(start).take(RUNS_STEP) {
            // A live run, or one of a journal that was restored to before it.
            let Some(row) = self.ports.views.ended_run(*run).await.map_err(|e| text(&e))? else { continue };
            let needs = self.needs(loaded, &row, &open, &mut looked).await?;
            let policy = policy(loaded, &row.process);
            let may = |what: &What| stays(*what, &row, needs, &policy, now).is_none();
            drop.extend([What::Outputs, What::Artifacts].into_iter().filter(may).map(|what| (*run, what)));
        }
        let more = start + RUNS_STEP < kept.len();
        self.at = if more { kept.get(start + RUNS_STEP - 1).copied() } else { None };
        let mut step = Step { more, ..Step::default() };
        self.remove(drop, "older than is kept", &mut step).await?;
        let elapsed = self.ports.clock.elapsed();
        let due = self.weighed.is_none_or(|at| elapsed.0.saturating_sub(at.0) >= WEIGH_EVERY.0);
        if let Some(at_most) = loaded.site.retention.and_then(|site| site.at_most).filter(|_| due && !more) {
            self.weighed = Some(elapsed);
            self.room(loaded, &kept, at_most, &open, &mut looked, &mut step).await?;
        }
        Ok(step)
    }

    async fn needs<'a>(
        &self,
        loaded: &Loaded,
        row: &EndedRun,
        open: &need::Open,
        looked: &'a mut Looked,
    ) -> Result<&'a Needs, String> {
        if !looked.needs.contains_key(&row.process) {
            let (journal, views) = (&*self.ports.journal, &*self.ports.views);
            let whole = policy(loaded, &row.process).whole;
            let needs = need::of(journal, views, &row.process, whole, open).await.map_err(|e| text(&e))?;
            looked.needs.insert(row.process.clone(), needs);
        }
        Ok(looked.needs.entry(row.process.clone()).or_default())
    }

    /// Removes the oldest that nobody needs until all fits.
    async fn room(
        &self,
        loaded: &Loaded,
        kept: &[RunId],
        at_most: u64,
        open: &need::Open,
        looked: &mut Looked,
        step: &mut Step,
    ) -> Result<(), String> {
        let journal = self.kept.archive.give_back().await.map_err(|e| text(&e))?;
        let (mut items, mut bytes) = (Vec::new(), journal.bytes.saturating_sub(journal.free));
        for run in kept.iter().take(WEIGHED_MAX) {
            let weight = self.weigh(*run).await?;
            bytes += weight.artifacts + weight.outputs;
            let Some(row) = self.ports.views.ended_run(*run).await.map_err(|e| text(&e))? else { continue };
            let place = self.kept.archive.ended_place(*run).await.map_err(|e| text(&e))?.unwrap_or(0);
            let needs = self.needs(loaded, &row, open, looked).await?;
            for (what, bytes) in [(What::Outputs, weight.outputs), (What::Artifacts, weight.artifacts)] {
                let needed = needed(what, &row, needs).is_some();
                items.push(Item { run: *run, what, place, bytes, needed });
            }
        }
        let room = make_room(items, bytes, at_most);
        step.over = room.over;
        self.remove(room.drop, "no room under `at_most`", step).await
    }

    async fn weigh(&self, run: RunId) -> Result<Weight, String> {
        self.kept.leftovers.weigh(run).await.map_err(|e| format!("{run} cannot be weighed ({e})"))
    }

    /// Says what goes, then lets it go. What is not there any more is not said.
    async fn remove(&self, drop: Vec<(RunId, What)>, why: &str, step: &mut Step) -> Result<(), String> {
        let mut there: BTreeMap<What, Vec<RunId>> = BTreeMap::new();
        for (run, what) in drop {
            let weight = self.weigh(run).await?;
            let bytes = if what == What::Outputs { weight.outputs } else { weight.artifacts };
            if bytes > 0 {
                there.entry(what).or_default().push(run);
            } else if weight == Weight::default() {
                // Only empty folders: nothing of the past goes with them.
                self.ports.places.remove(run).await.map_err(|e| format!("{run} cannot be removed ({e})"))?;
            }
        }
        for (what, runs) in there {
            if what == What::Artifacts {
                step.artifacts += runs.len() as u64;
                drop_artifacts(&self.ports, runs, why).await?;
                continue;
            }
            say(&self.ports, what, &runs, why).await?;
            for run in runs {
                step.outputs += 1;
                let gone = self.kept.leftovers.forget_outputs(run).await;
                gone.map_err(|e| format!("the outputs of {run} cannot be removed ({e})"))?;
            }
        }
        Ok(())
    }
}

/// Says which artifacts go, then lets them go: the only way by which artifacts of ended runs are removed.
///
/// # Errors
/// A sentence; without the entry nothing is removed.
pub(crate) async fn drop_artifacts(ports: &Ports, runs: Vec<RunId>, why: &str) -> Result<(), String> {
    say(ports, What::Artifacts, &runs, why).await?;
    for run in runs {
        let gone = ports.places.tidy(run, Vec::new()).await;
        gone.map_err(|e| format!("the artifacts of {run} cannot be removed ({e})"))?;
    }
    Ok(())
}

async fn say(ports: &Ports, what: What, runs: &[RunId], why: &str) -> Result<(), String> {
    let (what, runs, why) = (what.word().to_owned(), runs.to_vec(), why.to_owned());
    let mut batch = Batch::by(ports.actor, Via::Node);
    let event = Event::FilesDropped(FilesDropped { what, runs, why });
    batch.writes.push(ports.ids().write(Stream::site(), None, ports.clock.now(), [event]));
    ports.journal.append(batch).await.map(drop).map_err(|e| text(&e))
}
