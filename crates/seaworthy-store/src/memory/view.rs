//! `Views` in memory.
//!
//! This module must not know how rows come about.

use std::cmp::Reverse;

use seaworthy_model::{
    id::RunId,
    port::{Fut, StoreError, Views},
    run::{Kind, Verified},
    view::{EndedRun, LiveRun, MessageRow, ProcessView, Raised, RunQuery, ScheduleRow, SignalRow, SkippedRow},
};

use super::{Memory, ready, state::State};
use crate::{LIKE_MAX, PROCESS_RUNS, ROWS_MAX, like};

impl Views for Memory {
    fn live_runs(&self) -> Fut<'_, Result<Vec<LiveRun>, StoreError>> {
        ready(Ok(self.state().live.values().cloned().collect()))
    }

    fn ended_runs(&self, query: RunQuery) -> Fut<'_, Result<Vec<EndedRun>, StoreError>> {
        ready(Ok(self.state().newest(&query)))
    }

    fn ended_run(&self, run: RunId) -> Fut<'_, Result<Option<EndedRun>, StoreError>> {
        let state = self.state();
        let row = state.places.get(&run).and_then(|place| state.ended.get(place));
        ready(Ok(row.cloned()))
    }

    fn process(&self, name: &str) -> Fut<'_, Result<ProcessView, StoreError>> {
        let state = self.state();
        let newest = |kind, verified, limit| state.newest(&of_process(name, kind, verified, limit));
        ready(Ok(ProcessView {
            runs: newest(Kind::Run, None, PROCESS_RUNS),
            drills: newest(Kind::Drill, None, PROCESS_RUNS),
            last_verified: newest(Kind::Run, Some(Verified::Yes), 1).pop(),
            last_verified_drill: newest(Kind::Drill, Some(Verified::Yes), 1).pop(),
        }))
    }

    fn verified_measures(&self, process: &str, kind: Kind, limit: usize) -> Fut<'_, Result<Vec<EndedRun>, StoreError>> {
        ready(Ok(self.state().newest(&of_process(process, kind, Some(Verified::Yes), limit))))
    }

    fn schedule(&self, process: &str) -> Fut<'_, Result<Option<ScheduleRow>, StoreError>> {
        ready(Ok(self.state().schedules.get(process).cloned()))
    }

    fn skipped(&self, process: Option<&str>, limit: usize) -> Fut<'_, Result<Vec<SkippedRow>, StoreError>> {
        let state = self.state();
        let rows = state.skipped.values().rev().filter(|row| process.is_none_or(|wanted| wanted == row.process));
        ready(Ok(rows.take(limit.min(ROWS_MAX)).cloned().collect()))
    }

    fn signals(&self, which: Raised, limit: usize) -> Fut<'_, Result<Vec<SignalRow>, StoreError>> {
        let state = self.state();
        let wanted = |row: &&SignalRow| match which {
            Raised::All => true,
            Raised::Open => row.cleared_at.is_none(),
            Raised::Before(at, signal) => (row.raised_at, row.signal) < (at, signal),
        };
        let mut rows: Vec<_> = state.signals.values().filter(wanted).collect();
        rows.sort_by_key(|row| Reverse((row.raised_at, row.signal)));
        ready(Ok(rows.into_iter().take(limit.min(ROWS_MAX)).cloned().collect()))
    }

    fn messages(&self, run: Option<RunId>, limit: usize) -> Fut<'_, Result<Vec<MessageRow>, StoreError>> {
        let state = self.state();
        let mut rows: Vec<_> = state.messages.values().filter(|row| run.is_none() || row.run == run).collect();
        rows.sort_by_key(|row| Reverse((row.due_at, row.message)));
        ready(Ok(rows.into_iter().take(limit.min(ROWS_MAX)).cloned().collect()))
    }

    fn runs_like(&self, text: &str) -> Fut<'_, Result<Vec<RunId>, StoreError>> {
        let Some((low, high)) = like(text) else { return ready(Ok(Vec::new())) };
        let state = self.state();
        let live = state.live.range(low..=high).map(|(run, _)| *run).take(LIKE_MAX);
        let mut found: Vec<_> =
            live.chain(state.places.range(low..=high).map(|(run, _)| *run).take(LIKE_MAX)).collect();
        found.sort_unstable();
        found.truncate(LIKE_MAX);
        ready(Ok(found))
    }

    fn ended_count(&self) -> Fut<'_, Result<u64, StoreError>> {
        ready(Ok(self.state().ended.len() as u64))
    }
}

fn of_process(process: &str, kind: Kind, verified: Option<Verified>, limit: usize) -> RunQuery {
    RunQuery { process: Some(process.to_owned()), kind: Some(kind), verified, before: None, limit }
}

impl State {
    /// Newest first, after the run that ended last before the page.
    fn newest(&self, query: &RunQuery) -> Vec<EndedRun> {
        let rows: Box<dyn Iterator<Item = &EndedRun>> = match query.before {
            None => Box::new(self.ended.values().rev()),
            Some(run) => {
                let Some(place) = self.places.get(&run) else { return Vec::new() };
                Box::new(self.ended.range(..*place).rev().map(|(_, row)| row))
            }
        };
        rows.filter(|row| query.process.as_ref().is_none_or(|wanted| *wanted == row.process))
            .filter(|row| query.kind.is_none_or(|wanted| wanted == row.kind))
            .filter(|row| query.verified.is_none_or(|wanted| wanted == row.verified))
            .take(query.limit.min(ROWS_MAX))
            .cloned()
            .collect()
    }
}
