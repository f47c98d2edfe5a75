//! The store from its oldest end, for retention and triggers.
//!
//! This module must not know what may go.

use rusqlite::{Connection, params};
use seaworthy_model::{
    entry::Entry,
    id::RunId,
    port::{Archive, Fut, StoreError},
    retain::Room,
    run::Verified,
    view::EndedRun,
};

use super::{
    Sqlite,
    read::room,
    row::{all, ended_key, entry, first, kind_word, limit},
    view::{KINDS, VERDICTS, one},
    writer::Work,
};
use crate::{ROWS_MAX, statements as sql};

impl Archive for Sqlite {
    fn ended_place(&self, run: RunId) -> Fut<'_, Result<Option<u64>, StoreError>> {
        Box::pin(self.0.readers.read(move |conn| {
            let place: Option<i64> = first(conn, sql::ENDED_PLACE, [run.bytes()], |row| row.get(0))?;
            Ok(place.and_then(|place| u64::try_from(place).ok()))
        }))
    }

    fn ended_after(&self, process: &str, place: u64, most: usize) -> Fut<'_, Result<Vec<(u64, EndedRun)>, StoreError>> {
        let process = process.to_owned();
        Box::pin(self.0.readers.read(move |conn| ended_after(conn, &process, place, most)))
    }

    fn definitions(&self) -> Fut<'_, Result<Vec<Entry>, StoreError>> {
        Box::pin(self.0.readers.read(|conn| all(conn, sql::DEFINITIONS, [], entry)))
    }

    fn give_back(&self) -> Fut<'_, Result<Room, StoreError>> {
        Box::pin(async move {
            if let Some(pen) = &self.0.pen {
                pen.ask(Work::GiveBack).await?;
            }
            self.0.readers.read(room).await
        })
    }
}

/// Oldest first, merged as in `ended_runs`.
fn ended_after(conn: &Connection, process: &str, place: u64, most: usize) -> Result<Vec<(u64, EndedRun)>, StoreError> {
    let most = most.min(ROWS_MAX);
    let place = i64::try_from(place).unwrap_or(i64::MAX);
    let mut keys = Vec::new();
    for kind in KINDS.into_iter().map(kind_word) {
        for verdict in VERDICTS.into_iter().map(Verified::word) {
            let range = params![process, kind, verdict, place, limit(most)];
            keys.extend(all(conn, sql::ENDED_AFTER, range, ended_key)?);
        }
    }
    keys.sort_unstable();
    keys.truncate(most);
    let row = |(place, run)| {
        let row = one(conn, run).transpose()?;
        Some(row.map(|row| (u64::try_from(place).unwrap_or_default(), row)))
    };
    keys.into_iter().filter_map(row).collect()
}
