//! What the lists show of each process, kept in memory and brought up to date from the journal.
//!
//! Without it an overview of 2,000 processes would ask the store 2,000 questions per look. A process is read
//! once, when it is first shown; from then on each `run_ended` entry adds one run, and one that was paused or resumed is
//! read again. It pulls: nothing runs while nobody looks. This module must not know HTML, and never decides: it remembers what views say.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, PoisonError},
};

use seaworthy_model::{
    id::RunId,
    port::{Journal, StoreError, Views},
    run::{Kind, Verified},
    schedule::Pause,
    time::{At, Span},
    view::{EndedRun, ProcessView},
};

use crate::shape::State;

/// Runs of a strip.
pub const STRIP_MAX: usize = 20;
/// Processes that are remembered; beyond it everything is forgotten and read again when shown.
const PROCESSES_MAX: usize = 4_096;
/// Entries that are caught up one by one; after a longer absence everything is read again when shown.
const CATCH_UP_MAX: u64 = 20_000;
/// Entries read at once.
const PAGE: usize = 1_000;
/// Ended runs whose row was not there yet (views may lag by one commit); the oldest are given up beyond it.
const PENDING_MAX: usize = 256;

/// One ended run, as much as a list shows of it.
#[derive(Debug, Clone)]
pub struct Mark {
    pub run: RunId,
    pub state: State,
    pub ended_at: At,
    pub duration: Span,
    /// `None` if it made no artifact.
    pub bytes: Option<u64>,
    pub recovery: Option<Span>,
    pub objective: Option<Span>,
}

impl Mark {
    pub fn of(run: &EndedRun) -> Mark {
        Mark {
            run: run.run,
            state: State::of_run(run),
            ended_at: run.ended_at,
            duration: run.duration,
            bytes: made(run),
            recovery: run.recovery,
            objective: run.objective,
        }
    }

    /// A drill that took longer than its objective.
    pub fn is_over(&self) -> bool {
        self.recovery.zip(self.objective).is_some_and(|(took, objective)| took > objective)
    }

    fn is_verified(&self) -> bool {
        matches!(self.state, State::Verified | State::Healed)
    }
}

/// Bytes of all artifacts; of one that was made again by a retry, the last.
fn made(run: &EndedRun) -> Option<u64> {
    let last: BTreeMap<&str, u64> = run.artifacts.iter().map(|a| (a.name.as_str(), a.bytes)).collect();
    (!last.is_empty()).then(|| last.values().sum())
}

/// One process, as much as a list shows of it.
#[derive(Debug, Clone, Default)]
pub struct Summary {
    /// Newest first, at most [`STRIP_MAX`].
    pub runs: VecDeque<Mark>,
    pub drills: VecDeque<Mark>,
    /// Of the newest run: one line, why it is not verified or what was healed.
    pub reason: String,
    pub last_verified: Option<Mark>,
    pub last_proven: Option<Mark>,
    /// The last pause, over or not.
    pub pause: Option<Pause>,
}

impl Summary {
    pub fn of(view: &ProcessView, pause: Option<Pause>) -> Summary {
        Summary {
            runs: view.runs.iter().take(STRIP_MAX).map(Mark::of).collect(),
            drills: view.drills.iter().take(STRIP_MAX).map(Mark::of).collect(),
            reason: view.runs.first().map(|run| run.reason.clone()).unwrap_or_default(),
            last_verified: view.last_verified.as_ref().map(Mark::of),
            last_proven: view.last_verified_drill.as_ref().map(Mark::of),
            pause,
        }
    }

    /// Adds a run that ended. Adding one twice changes nothing.
    fn add(&mut self, run: &EndedRun) {
        let (list, proof) = match run.kind {
            Kind::Run => (&mut self.runs, &mut self.last_verified),
            Kind::Drill => (&mut self.drills, &mut self.last_proven),
        };
        if list.iter().any(|mark| mark.run == run.run && mark.ended_at == run.ended_at) {
            return;
        }
        // A run that went on after an end is shown with its last one.
        list.retain(|mark| mark.run != run.run);
        let mark = Mark::of(run);
        if run.verified == Verified::Yes && mark.is_verified() {
            *proof = Some(mark.clone());
        }
        if run.kind == Kind::Run {
            self.reason.clone_from(&run.reason);
        }
        list.push_front(mark);
        list.truncate(STRIP_MAX);
    }

    /// Middle of what the verified runs shown made or took: `(bytes, duration)`. `None` under five of them.
    pub fn usual(&self) -> (Option<u64>, Option<Span>) {
        let proven = || self.runs.iter().filter(|mark| mark.is_verified());
        let mut sizes: Vec<u64> = proven().filter_map(|mark| mark.bytes).collect();
        let mut spans: Vec<Span> = proven().map(|mark| mark.duration).collect();
        (median(&mut sizes), median(&mut spans))
    }
}

fn median<T: Ord + Copy>(values: &mut [T]) -> Option<T> {
    values.sort_unstable();
    let enough = values.len() >= seaworthy_model::run::USUAL_RUNS_MIN as usize;
    enough.then(|| values[values.len() / 2])
}

#[derive(Default)]
struct Known {
    /// Journal position up to which `by_process` is true; `None` before the first look.
    position: Option<u64>,
    by_process: BTreeMap<String, Arc<Summary>>,
    pending: Vec<RunId>,
}

/// The memory. All methods may be called at the same time; the lock is never held over an await.
#[derive(Default)]
pub struct Projection {
    known: Mutex<Known>,
}

impl Projection {
    /// Brings everything up to date and returns the position that it is true for.
    ///
    /// # Errors
    /// Those of the ports.
    pub async fn catch_up(&self, journal: &dyn Journal, views: &dyn Views) -> Result<u64, StoreError> {
        let size = journal.frontier().await?.size;
        let (start, pending) = {
            let mut known = self.lock();
            let start = match known.position {
                Some(position) if size.saturating_sub(position) <= CATCH_UP_MAX => position,
                _ => {
                    *known = Known { position: Some(size), ..Known::default() };
                    size
                }
            };
            (start, std::mem::take(&mut known.pending))
        };
        let (mut ended, mut paused) = (pending, Vec::new());
        let mut position = start;
        while position < size {
            let entries = journal.from(position, PAGE).await?;
            let Some(last) = entries.last() else { break };
            position = last.position + 1;
            let pauses =
                entries.iter().filter(|e| matches!(e.header.kind.as_str(), "process_paused" | "process_resumed"));
            paused.extend(pauses.filter_map(|e| e.header.stream.as_str().strip_prefix("process/").map(str::to_owned)));
            let runs = entries.iter().filter(|entry| entry.header.kind == "run_ended");
            ended.extend(
                runs.filter_map(|entry| entry.header.stream.as_str().strip_prefix("run/")?.parse::<RunId>().ok()),
            );
        }
        let mut rows = Vec::with_capacity(ended.len());
        let mut missing = Vec::new();
        for run in ended {
            match views.ended_run(run).await? {
                Some(row) => rows.push(row),
                None => missing.push(run),
            }
        }
        let mut known = self.lock();
        for process in paused {
            known.by_process.remove(&process);
        }
        for row in rows {
            if let Some(summary) = known.by_process.get_mut(&row.process) {
                Arc::make_mut(summary).add(&row);
            }
        }
        known.pending.extend(missing);
        let surplus = known.pending.len().saturating_sub(PENDING_MAX);
        known.pending.drain(..surplus);
        known.position = known.position.max(Some(position));
        Ok(position)
    }

    /// What is known of a process; reads it when it is seen for the first time.
    ///
    /// # Errors
    /// Those of the port.
    pub async fn summary(&self, views: &dyn Views, process: &str) -> Result<Arc<Summary>, StoreError> {
        let before = {
            let known = self.lock();
            if let Some(summary) = known.by_process.get(process) {
                return Ok(summary.clone());
            }
            known.position
        };
        let pause = views.schedule(process).await?.and_then(|row| row.pause);
        let fresh = Arc::new(Summary::of(&views.process(process).await?, pause));
        let mut known = self.lock();
        if known.position != before {
            // A run may have ended between the read and now, and was not added: show this, remember nothing.
            return Ok(fresh);
        }
        if known.by_process.len() >= PROCESSES_MAX {
            known.by_process.clear();
        }
        Ok(known.by_process.entry(process.to_owned()).or_insert(fresh).clone())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Known> {
        // The data is a cache that each writer leaves whole: a panic elsewhere does not spoil it.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
