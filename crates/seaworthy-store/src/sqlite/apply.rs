//! One admitted batch inside an open transaction, statement by statement.
//!
//! This module must not know transactions or threads: whoever calls it takes everything back if it fails.

use rusqlite::{Connection, params};
use seaworthy_model::{
    checkpoint::Checkpoint,
    entry::Stream,
    id::ActorId,
    port::{StoreError, Writer},
    tree::Frontier,
    view::{EndedRun, OutboxRow, ViewChange},
};

use super::error::of;
use super::row::{execute, first, int, kind_word, peaks, to_wide};
use crate::{
    admit::{Admitted, AdmittedWrite, Sealed, borne_out, droppable, ended_twice, not_ended, sealable, taken},
    claim::Past,
    statements as sql,
};

/// Writes the batch; `tree` grows by its entries. The position after the last one.
pub(super) fn append(
    conn: &Connection,
    tree: &mut Frontier,
    writer: Writer,
    batch: &Admitted,
) -> Result<u64, StoreError> {
    for &position in &batch.drop_bodies {
        droppable(position, tree.size)?;
        execute(conn, sql::BODY_DROP, [int(position)])?;
    }
    for write in &batch.writes {
        entries(conn, tree, writer, batch, write)?;
    }
    for (process, nominal) in &batch.occurrences {
        if execute(conn, sql::OCCURRENCE_ADD, params![process, nominal.0])? == 0 {
            return Err(StoreError::Duplicate { process: process.clone(), nominal: *nominal });
        }
    }
    for change in &batch.views {
        view(conn, change)?;
    }
    outbox(conn, batch)?;
    for (actor, salt, name) in &batch.people {
        execute(conn, sql::PERSON_SET, params![actor.bytes(), salt, name])?;
    }
    for change in &batch.door {
        super::account::change(conn, change)?;
    }
    Ok(tree.size)
}

/// Keeps a checkpoint, the first of its size.
pub(super) fn seal(conn: &Connection, tree: &Frontier, sealed: &Checkpoint, note: &str) -> Result<(), StoreError> {
    sealable(tree, sealed)?;
    execute(conn, sql::CHECKPOINT_ADD, params![int(sealed.size), sealed.root.0, note]).map(drop)
}

/// Removes the personal text of an actor.
pub(super) fn erase(conn: &Connection, actor: ActorId) -> Result<(), StoreError> {
    execute(conn, sql::PERSON_ERASE, [actor.bytes()]).map(drop)
}

/// Pages that one call gives back (8 MiB): the writer is not held up for long.
const GIVE_BACK_PAGES: u32 = 2_048;

/// Shortens the file by free pages at most. Files of before this was thought of stay as long as they are; their free
/// pages are used again.
pub(super) fn give_back(conn: &Connection) -> Result<(), StoreError> {
    let mut statement = conn.prepare(&format!("pragma incremental_vacuum({GIVE_BACK_PAGES})")).map_err(of)?;
    let mut rows = statement.query([]).map_err(of)?;
    // Each row that is asked for is a page that was freed.
    while rows.next().map_err(of)?.is_some() {}
    Ok(())
}

/// Stores the size and peaks of the tree.
pub(super) fn frontier(conn: &Connection, tree: &Frontier) -> Result<(), StoreError> {
    execute(conn, sql::TREE_SET, params![int(tree.size), peaks(tree)]).map(drop)
}

fn entries(
    conn: &Connection,
    tree: &mut Frontier,
    writer: Writer,
    batch: &Admitted,
    write: &AdmittedWrite,
) -> Result<(), StoreError> {
    let found = head(conn, &write.stream)?;
    if let Some(expected) = write.expected
        && expected != found
    {
        return Err(StoreError::Conflict { stream: write.stream.to_string(), expected, found });
    }
    for (version, sealed) in (found + 1..).zip(&write.entries) {
        if let Some(claim) = &sealed.claim {
            let elsewhere = claim.elsewhere();
            let stream = elsewhere.as_ref().unwrap_or(&write.stream);
            past(conn, stream, |before| borne_out(claim, &write.stream, before))?;
        }
        entry(conn, tree, writer, batch, write, version, sealed)?;
    }
    Ok(())
}

/// Lets `look` read back through what stands in the stream, newest first, as far as it wants.
fn past(
    conn: &Connection,
    stream: &Stream,
    look: impl FnOnce(&mut dyn FnMut() -> Result<Option<Past>, StoreError>) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let mut statement = conn.prepare_cached(sql::STREAM_PAST).map_err(of)?;
    let mut rows = statement.query([stream.as_str()]).map_err(of)?;
    look(&mut || {
        let Some(row) = rows.next().map_err(of)? else { return Ok(None) };
        let read = || {
            let actor = ActorId::from_bytes(row.get(3)?);
            Ok(Past { kind: row.get(0)?, v: row.get(1)?, body: row.get(2)?, actor })
        };
        read().map(Some).map_err(of)
    })
}

fn head(conn: &Connection, stream: &Stream) -> Result<u64, StoreError> {
    let found: Option<i64> = first(conn, sql::STREAM_HEAD, [stream.as_str()], |row| row.get(0))?;
    Ok(found.and_then(|version| u64::try_from(version).ok()).unwrap_or(0))
}

fn entry(
    conn: &Connection,
    tree: &mut Frontier,
    writer: Writer,
    batch: &Admitted,
    write: &AdmittedWrite,
    version: u64,
    sealed: &Sealed,
) -> Result<(), StoreError> {
    let header = batch.header(sealed, &write.stream, version, writer);
    let (position, leaf) = (int(tree.size), header.leaf());
    execute(
        conn,
        sql::ENTRY_ADD,
        params![
            position,
            header.id.bytes(),
            header.stream.as_str(),
            int(version),
            header.kind,
            header.v,
            header.at.0,
            header.node.bytes(),
            int(header.epoch),
            header.actor.bytes(),
            header.via.word(),
            header.body_digest.0,
            header.body_bytes,
            leaf.0
        ],
    )?;
    execute(conn, sql::BODY_ADD, params![position, sealed.body])?;
    tree.push(leaf);
    Ok(())
}

fn outbox(conn: &Connection, batch: &Admitted) -> Result<(), StoreError> {
    for (key, attempts, next_at) in &batch.outbox_claim {
        let before = i64::from(*attempts) - 1;
        if execute(conn, sql::OUTBOX_CLAIM, params![attempts, next_at.0, key, before])? == 0 {
            return Err(taken(key));
        }
    }
    for OutboxRow { key, kind, payload, attempts, next_at } in &batch.outbox_add {
        execute(conn, sql::OUTBOX_ADD, params![key, kind, payload, attempts, next_at.0])?;
    }
    for (key, attempts, next_at) in &batch.outbox_later {
        execute(conn, sql::OUTBOX_LATER, params![attempts, next_at.0, key])?;
    }
    for key in &batch.outbox_done {
        execute(conn, sql::OUTBOX_DONE, [key])?;
    }
    Ok(())
}

fn view(conn: &Connection, change: &ViewChange) -> Result<(), StoreError> {
    match change {
        ViewChange::RunLive(row) => execute(conn, sql::LIVE_SET, params![row.run.bytes(), to_wide(row)?]),
        ViewChange::RunEnded(row) => return ended(conn, row),
        ViewChange::RunResumed(row) => {
            if execute(conn, sql::ENDED_REMOVE, [row.run.bytes()])? == 0 {
                return Err(not_ended(row.run));
            }
            execute(conn, sql::LIVE_SET, params![row.run.bytes(), to_wide(row)?])
        }
        ViewChange::Schedule(row) => execute(conn, sql::SCHEDULE_SET, params![row.process, to_wide(row)?]),
        ViewChange::Skipped(row) => execute(conn, sql::SKIPPED_SET, params![row.process, row.nominal.0, to_wide(row)?]),
        ViewChange::Signal(row) => execute(
            conn,
            sql::SIGNAL_SET,
            params![row.signal.bytes(), row.raised_at.0, i64::from(row.cleared_at.is_some()), to_wide(row)?],
        ),
        ViewChange::Message(row) => execute(
            conn,
            sql::MESSAGE_SET,
            params![row.message.bytes(), row.run.map(|run| run.bytes()), row.due_at.0, to_wide(row)?],
        ),
        ViewChange::Token(row) => execute(
            conn,
            sql::TOKEN_SET,
            params![row.token.bytes(), row.digest, row.owner.bytes(), row.made_at.0, to_wide(row)?],
        ),
    }
    .map(drop)
}

fn ended(conn: &Connection, row: &EndedRun) -> Result<(), StoreError> {
    let (run, kind, verified) = (row.run.bytes(), kind_word(row.kind), row.verified.word());
    let inserted = execute(conn, sql::ENDED_ADD, params![run, row.process, kind, verified, to_wide(row)?])?;
    if inserted == 0 {
        return Err(ended_twice(row.run));
    }
    execute(conn, sql::LIVE_REMOVE, [run]).map(drop)
}
