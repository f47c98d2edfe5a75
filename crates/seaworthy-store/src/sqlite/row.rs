//! Values as columns and back.
//!
//! This module must not know statements' meaning, only the shapes of their columns.

use rusqlite::{Connection, OptionalExtension as _, Params, Row};
use seaworthy_model::{
    entry::{Entry, Header, Via},
    id::{ActorId, EntryId, NodeId, RunId},
    port::StoreError,
    run::Kind,
    time::At,
    tree::{Frontier, Hash},
    view::OutboxRow,
};
use serde::{Serialize, de::DeserializeOwned};

use super::error::{broken, of};

/// SQLite's integers are signed. Positions and sizes never come near the limit.
pub(super) fn int(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

/// A limit as SQLite wants it.
pub(super) fn limit(n: usize) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

pub(super) fn kind_word(kind: Kind) -> &'static str {
    match kind {
        Kind::Run => "run",
        Kind::Drill => "drill",
    }
}

/// Runs a statement from the cache; the number of changed rows.
pub(super) fn execute(conn: &Connection, text: &str, params: impl Params) -> Result<usize, StoreError> {
    conn.prepare_cached(text).and_then(|mut s| s.execute(params)).map_err(of)
}

/// The first row, if there is one.
pub(super) fn first<T>(
    conn: &Connection,
    text: &str,
    params: impl Params,
    read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
) -> Result<Option<T>, StoreError> {
    conn.prepare_cached(text).and_then(|mut s| s.query_row(params, read).optional()).map_err(of)
}

/// All rows.
pub(super) fn all<T>(
    conn: &Connection,
    text: &str,
    params: impl Params,
    read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
) -> Result<Vec<T>, StoreError> {
    let mut statement = conn.prepare_cached(text).map_err(of)?;
    let rows = statement.query_map(params, read).map_err(of)?;
    rows.collect::<Result<_, _>>().map_err(of)
}

/// All rows of one JSON column.
pub(super) fn wide<T: DeserializeOwned>(
    conn: &Connection,
    text: &str,
    params: impl Params,
) -> Result<Vec<T>, StoreError> {
    all(conn, text, params, |row| row.get::<_, String>(0))?.iter().map(|json| unwide(json)).collect()
}

/// A row as its JSON column.
pub(super) fn to_wide(row: &impl Serialize) -> Result<String, StoreError> {
    serde_json::to_string(row).map_err(|e| StoreError::Refused { rule: format!("a row has no JSON form: {e}") })
}

/// A JSON column as its row.
pub(super) fn unwide<T: DeserializeOwned>(json: &str) -> Result<T, StoreError> {
    serde_json::from_str(json).map_err(|e| broken(format!("a view row cannot be read: {e}")))
}

/// Reads the columns of `ENTRIES_FROM` and `ENTRIES_STREAM`.
pub(super) fn entry(row: &Row<'_>) -> rusqlite::Result<Entry> {
    Ok(Entry {
        position: unsigned(row, 0)?,
        header: Header {
            id: EntryId::from_bytes(row.get(1)?),
            stream: text(row, 2)?.parse().map_err(|e| shape(2, e))?,
            version: unsigned(row, 3)?,
            kind: text(row, 4)?,
            v: row.get(5)?,
            at: At(row.get(6)?),
            node: NodeId::from_bytes(row.get(7)?),
            epoch: unsigned(row, 8)?,
            actor: ActorId::from_bytes(row.get(9)?),
            via: via(&text(row, 10)?).ok_or_else(|| shape(10, "not a known door".to_owned()))?,
            body_digest: Hash(row.get(11)?),
            body_bytes: row.get(12)?,
        },
        body: row.get(13)?,
    })
}

/// Reads the columns of `OUTBOX_DUE`.
pub(super) fn outbox(row: &Row<'_>) -> rusqlite::Result<OutboxRow> {
    Ok(OutboxRow {
        key: text(row, 0)?,
        kind: text(row, 1)?,
        payload: text(row, 2)?,
        attempts: row.get(3)?,
        next_at: At(row.get(4)?),
    })
}

/// Reads the columns of `ENDED_NEWEST` and `ENDED_PROCESS`.
pub(super) fn ended_key(row: &Row<'_>) -> rusqlite::Result<(i64, RunId)> {
    Ok((row.get(0)?, run(row, 1)?))
}

pub(super) fn run(row: &Row<'_>, column: usize) -> rusqlite::Result<RunId> {
    row.get(column).map(RunId::from_bytes)
}

/// Reads the columns of `TREE_GET`.
pub(super) fn tree(row: &Row<'_>) -> rusqlite::Result<Frontier> {
    let (size, bytes): (u64, Vec<u8>) = (unsigned(row, 0)?, row.get(1)?);
    let (peaks, rest) = bytes.as_chunks::<32>();
    if !rest.is_empty() || u32::try_from(peaks.len()) != Ok(size.count_ones()) {
        return Err(shape(1, format!("{} bytes are not the peaks of a tree of {size}", bytes.len())));
    }
    Ok(Frontier { size, peaks: peaks.iter().copied().map(Hash).collect() })
}

/// The peaks as stored.
pub(super) fn peaks(tree: &Frontier) -> Vec<u8> {
    tree.peaks.iter().flat_map(|peak| peak.0).collect()
}

fn text(row: &Row<'_>, column: usize) -> rusqlite::Result<String> {
    row.get(column)
}

fn unsigned(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    let n: i64 = row.get(column)?;
    u64::try_from(n).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(column, n))
}

fn via(word: &str) -> Option<Via> {
    [Via::Cli, Via::Web, Via::Node, Via::Robot, Via::Token].into_iter().find(|via| via.word() == word)
}

fn shape(column: usize, reason: String) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, reason.into())
}
