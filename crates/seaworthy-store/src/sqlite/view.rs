//! `Views` on SQLite: every question is a bounded number of index ranges.
//!
//! This module must not know how rows come about.

use std::cmp::Reverse;

use rusqlite::{Connection, params};
use seaworthy_model::{
    id::RunId,
    port::{Fut, StoreError, Views},
    run::{Kind, Verified},
    view::{EndedRun, LiveRun, MessageRow, ProcessView, Raised, RunQuery, ScheduleRow, SignalRow, SkippedRow},
};

use super::{
    Sqlite,
    row::{all, ended_key, first, kind_word, limit, run, unwide, wide},
};
use crate::{LIKE_MAX, PROCESS_RUNS, ROWS_MAX, like, statements as sql};

pub(super) const KINDS: [Kind; 2] = [Kind::Run, Kind::Drill];
pub(super) const VERDICTS: [Verified; 4] = [Verified::Yes, Verified::No, Verified::Unknown, Verified::Unproven];

impl Views for Sqlite {
    fn live_runs(&self) -> Fut<'_, Result<Vec<LiveRun>, StoreError>> {
        Box::pin(self.0.readers.read(|conn| wide(conn, sql::LIVE_ALL, [])))
    }

    fn ended_runs(&self, query: RunQuery) -> Fut<'_, Result<Vec<EndedRun>, StoreError>> {
        Box::pin(self.0.readers.read(move |conn| ended(conn, &query)))
    }

    fn ended_run(&self, run: RunId) -> Fut<'_, Result<Option<EndedRun>, StoreError>> {
        Box::pin(self.0.readers.read(move |conn| one(conn, run)))
    }

    fn process(&self, name: &str) -> Fut<'_, Result<ProcessView, StoreError>> {
        let name = name.to_owned();
        Box::pin(self.0.readers.read(move |conn| process(conn, &name)))
    }

    fn verified_measures(&self, process: &str, kind: Kind, most: usize) -> Fut<'_, Result<Vec<EndedRun>, StoreError>> {
        let query = of_process(process, kind, Some(Verified::Yes), most);
        Box::pin(self.0.readers.read(move |conn| ended(conn, &query)))
    }

    fn schedule(&self, process: &str) -> Fut<'_, Result<Option<ScheduleRow>, StoreError>> {
        let key = [process.to_owned()];
        Box::pin(self.0.readers.read(move |conn| {
            let row: Option<String> = first(conn, sql::SCHEDULE_GET, key, |row| row.get(0))?;
            row.map(|json| unwide(&json)).transpose()
        }))
    }

    fn skipped(&self, process: Option<&str>, most: usize) -> Fut<'_, Result<Vec<SkippedRow>, StoreError>> {
        let (process, most) = (process.map(str::to_owned), limit(most.min(ROWS_MAX)));
        Box::pin(self.0.readers.read(move |conn| match process {
            Some(process) => wide(conn, sql::SKIPPED_PROCESS, params![process, most]),
            None => wide(conn, sql::SKIPPED_ALL, [most]),
        }))
    }

    fn signals(&self, which: Raised, most: usize) -> Fut<'_, Result<Vec<SignalRow>, StoreError>> {
        let most = limit(most.min(ROWS_MAX));
        Box::pin(self.0.readers.read(move |conn| match which {
            Raised::All => wide(conn, sql::SIGNALS_ALL, [most]),
            Raised::Open => wide(conn, sql::SIGNALS_OPEN, [most]),
            Raised::Before(at, signal) => wide(conn, sql::SIGNALS_BEFORE, params![at.0, signal.bytes(), most]),
        }))
    }

    fn messages(&self, run: Option<RunId>, most: usize) -> Fut<'_, Result<Vec<MessageRow>, StoreError>> {
        let most = limit(most.min(ROWS_MAX));
        Box::pin(self.0.readers.read(move |conn| match run {
            Some(run) => wide(conn, sql::MESSAGES_RUN, params![run.bytes(), most]),
            None => wide(conn, sql::MESSAGES_ALL, [most]),
        }))
    }

    fn runs_like(&self, text: &str) -> Fut<'_, Result<Vec<RunId>, StoreError>> {
        let bounds = like(text);
        Box::pin(self.0.readers.read(move |conn| {
            let Some((low, high)) = bounds else { return Ok(Vec::new()) };
            let range = params![low.bytes(), high.bytes(), limit(LIKE_MAX)];
            let mut found = all(conn, sql::LIVE_LIKE, range, |row| run(row, 0))?;
            found.extend(all(conn, sql::ENDED_LIKE, range, |row| run(row, 0))?);
            found.sort_unstable();
            found.truncate(LIKE_MAX);
            Ok(found)
        }))
    }

    fn ended_count(&self) -> Fut<'_, Result<u64, StoreError>> {
        Box::pin(self.0.readers.read(|conn| {
            let count: Option<i64> = first(conn, sql::ENDED_COUNT, [], |row| row.get(0))?;
            Ok(count.and_then(|n| u64::try_from(n).ok()).unwrap_or(0))
        }))
    }
}

fn of_process(process: &str, kind: Kind, verified: Option<Verified>, limit: usize) -> RunQuery {
    RunQuery { process: Some(process.to_owned()), kind: Some(kind), verified, before: None, limit }
}

fn process(conn: &Connection, name: &str) -> Result<ProcessView, StoreError> {
    let newest = |kind, verified, most| ended(conn, &of_process(name, kind, verified, most));
    Ok(ProcessView {
        runs: newest(Kind::Run, None, PROCESS_RUNS)?,
        drills: newest(Kind::Drill, None, PROCESS_RUNS)?,
        last_verified: newest(Kind::Run, Some(Verified::Yes), 1)?.pop(),
        last_verified_drill: newest(Kind::Drill, Some(Verified::Yes), 1)?.pop(),
    })
}

/// Newest first. Kinds and verdicts lead both indexes, so a question that leaves them open is eight ranges at
/// most, merged here; only then are the wide rows read.
fn ended(conn: &Connection, query: &RunQuery) -> Result<Vec<EndedRun>, StoreError> {
    let most = query.limit.min(ROWS_MAX);
    let Some(place) = bound(conn, query.before)? else { return Ok(Vec::new()) };
    let mut keys = Vec::new();
    for kind in KINDS.into_iter().filter(|kind| query.kind.is_none_or(|wanted| wanted == *kind)).map(kind_word) {
        for verdict in VERDICTS.into_iter().filter(|v| query.verified.is_none_or(|wanted| wanted == *v)) {
            let (verdict, most) = (verdict.word(), limit(most));
            keys.extend(match &query.process {
                Some(process) => {
                    all(conn, sql::ENDED_PROCESS, params![process, kind, verdict, place, most], ended_key)?
                }
                None => all(conn, sql::ENDED_NEWEST, params![kind, verdict, place, most], ended_key)?,
            });
        }
    }
    keys.sort_unstable_by_key(|key: &(i64, RunId)| Reverse(*key));
    keys.truncate(most);
    keys.into_iter().filter_map(|(_, run)| one(conn, run).transpose()).collect()
}

/// Where to start: after everything, or at the end of one run. `None`: that run has not ended.
pub(super) fn bound(conn: &Connection, before: Option<RunId>) -> Result<Option<i64>, StoreError> {
    let Some(run) = before else { return Ok(Some(i64::MAX)) };
    first(conn, sql::ENDED_PLACE, [run.bytes()], |row| row.get(0))
}

pub(super) fn one(conn: &Connection, run: RunId) -> Result<Option<EndedRun>, StoreError> {
    let row: Option<String> = first(conn, sql::ENDED_GET, [run.bytes()], |row| row.get(0))?;
    row.map(|json| unwide(&json)).transpose()
}
