//! The ports on one SQLite file: one writer thread with group commit, a few readers.
//!
//! This folder must not know other adapters. Opening costs the same whatever the length of the journal.

use std::{path::Path, path::PathBuf, sync::Arc, time::Duration};

use seaworthy_model::{
    checkpoint::Checkpoint,
    entry::{Entry, Stream},
    id::{ActorId, NodeId},
    port::{Batch, Fut, Journal, StoreError, Writer},
    time::At,
    tree::{Frontier, Hash},
    view::OutboxRow,
};

use crate::{Opened, ROWS_MAX, admit::Admitted, statements as sql};

mod account;
mod apply;
mod archive;
mod error;
mod format;
mod read;
mod row;
#[cfg(test)]
mod tests;
mod token;
mod view;
mod writer;

use read::{Readers, frontier};
use row::{int, limit};
use writer::{Pen, Work};

/// How often a store of another process is asked for its length.
const POLL: Duration = Duration::from_millis(200);
/// How often a store that we write is asked whether another process wrote too.
const POLL_OTHERS: Duration = Duration::from_secs(1);

/// Most leaves that one call of [`Sqlite::leaves`] returns (3 MiB).
pub const LEAVES_MAX: usize = 100_000;

/// An open store. Cheap to clone; all clones share one writer and one pool.
#[derive(Clone)]
pub struct Sqlite(Arc<Shared>);

/// Dropped in this order: readers before the one connection that can remove the log.
struct Shared {
    file: PathBuf,
    writer: Writer,
    readers: Readers,
    /// `None`: another process writes.
    pen: Option<Pen>,
}

impl Sqlite {
    /// Opens the store for writing and takes the next epoch; makes it if there is none (`new_node` names it).
    /// An older format is backed up to `FILE.before-format-N` and migrated. Several processes may: each transaction
    /// begins with what the others left.
    ///
    /// # Errors
    /// [`StoreError::Newer`], [`StoreError::Broken`], [`StoreError::Full`] or [`StoreError::Unreachable`].
    pub fn open(file: &Path, new_node: impl FnOnce() -> NodeId) -> Result<Sqlite, StoreError> {
        Self::open_as(file, new_node, &format::FORMATS)
    }

    fn open_as(
        file: &Path,
        new_node: impl FnOnce() -> NodeId,
        formats: &format::Formats,
    ) -> Result<Sqlite, StoreError> {
        let mut conn = format::open(file, new_node, formats)?;
        let writer = format::next_writer(&mut conn)?;
        let length = frontier(&conn)?.size;
        let pen = Some(Pen::start(conn, writer, length)?);
        Ok(Sqlite(Arc::new(Shared { file: file.to_owned(), writer, readers: Readers::of(file), pen })))
    }

    /// Opens a store that another process may be writing. Appends are refused; `past` looks every 200 ms.
    ///
    /// # Errors
    /// [`StoreError::Unreachable`] if there is none or its format is older, else as [`Sqlite::open`].
    pub fn open_readonly(file: &Path) -> Result<Sqlite, StoreError> {
        if !format::exists(file)? {
            return Err(StoreError::Unreachable { detail: format!("there is no {}", file.display()) });
        }
        let conn = read::open(file)?;
        let found = format::format(&conn, &format::FORMATS)?;
        if found < crate::FORMAT {
            let detail = format!("it has the older format {found}; `seaworthy up` migrates it");
            return Err(StoreError::Unreachable { detail });
        }
        let writer = format::writer(&conn)?;
        Ok(Sqlite(Arc::new(Shared { file: file.to_owned(), writer, readers: Readers::of(file), pen: None })))
    }

    /// Node and epoch of what is appended here; of a read-only store: of its last writer.
    pub fn writer(&self) -> Writer {
        self.0.writer
    }

    /// Both ports of this store.
    pub fn opened(&self) -> Opened {
        Opened {
            journal: Arc::new(self.clone()),
            views: Arc::new(self.clone()),
            archive: Arc::new(self.clone()),
            accounts: Arc::new(self.clone()),
            tokens: Arc::new(self.clone()),
            writer: self.writer(),
        }
    }

    /// Copies the store to `file` as of one moment, while appends go on, and returns the number of entries in the
    /// copy. The copy is synced, and whole under its name or not there. Blocks for the time of the copy.
    ///
    /// # Errors
    /// [`StoreError::Full`] if there is no space for it, else why it could not be read or written.
    pub fn backup_to(&self, file: &Path) -> Result<u64, StoreError> {
        format::copy(&read::open(&self.0.file)?, &self.0.file, file)
    }

    /// Puts a copy made by [`Sqlite::backup_to`] in the place of the store `file`, synced, and returns the number of
    /// entries in it. Only while nobody has `file` open; what was there before is gone. The copy stays.
    ///
    /// # Errors
    /// [`StoreError::Newer`] or [`StoreError::Broken`] if the copy is not usable; then `file` is untouched.
    pub fn restore(copy: &Path, file: &Path) -> Result<u64, StoreError> {
        if !format::exists(copy)? {
            return Err(StoreError::Unreachable { detail: format!("there is no {}", copy.display()) });
        }
        format::restore(copy, file)
    }

    /// Leaf hashes from `position` on, at most `limit` ([`LEAVES_MAX`] at most). For proofs.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn leaves(&self, position: u64, limit: usize) -> Result<Vec<Hash>, StoreError> {
        let range = (int(position), row::limit(limit.min(LEAVES_MAX)));
        self.0.readers.read(move |conn| row::all(conn, sql::LEAVES, range, |row| row.get(0).map(Hash))).await
    }

    /// Writes what was asked for so far, moves the write-ahead log into the file and stops the writer.
    /// Clones that are left answer reads; their appends are [`StoreError::Unreachable`].
    pub fn close(self) {
        // The connection that closes last removes the log, and only one that writes can.
        self.0.readers.let_go();
        if let Some(pen) = &self.0.pen {
            pen.close();
        }
    }

    fn pen(&self) -> Result<&Pen, StoreError> {
        self.0.pen.as_ref().ok_or_else(|| StoreError::Refused { rule: "this store was opened for reading".to_owned() })
    }
}

impl Journal for Sqlite {
    fn append(&self, batch: Batch) -> Fut<'_, Result<u64, StoreError>> {
        Box::pin(async move { self.pen()?.ask(Work::Append(Box::new(Admitted::admit(batch)?))).await })
    }

    fn stream(&self, stream: &Stream, after: u64) -> Fut<'_, Result<Vec<Entry>, StoreError>> {
        let which = (stream.to_string(), int(after));
        Box::pin(self.0.readers.read(move |conn| row::all(conn, sql::ENTRIES_STREAM, which, row::entry)))
    }

    fn from(&self, position: u64, most: usize) -> Fut<'_, Result<Vec<Entry>, StoreError>> {
        let range = (int(position), limit(most.min(ROWS_MAX)));
        Box::pin(self.0.readers.read(move |conn| row::all(conn, sql::ENTRIES_FROM, range, row::entry)))
    }

    fn past(&self, position: u64) -> Fut<'_, Result<u64, StoreError>> {
        Box::pin(async move {
            loop {
                // Our own appends are known at once; those of another process are looked for.
                match &self.0.pen {
                    Some(pen) => {
                        if let Ok(length) = tokio::time::timeout(POLL_OTHERS, pen.past(position)).await {
                            return length;
                        }
                    }
                    None => tokio::time::sleep(POLL).await,
                }
                let length = self.frontier().await?.size;
                if length > position {
                    return Ok(length);
                }
            }
        })
    }

    fn frontier(&self) -> Fut<'_, Result<Frontier, StoreError>> {
        Box::pin(self.0.readers.read(frontier))
    }

    fn seal(&self, checkpoint: Checkpoint, note: String) -> Fut<'_, Result<(), StoreError>> {
        Box::pin(async move { self.pen()?.ask(Work::Seal(Box::new(checkpoint), note)).await.map(drop) })
    }

    fn checkpoints(&self, from: u64, most: usize) -> Fut<'_, Result<Vec<String>, StoreError>> {
        let range = (int(from), limit(most.min(ROWS_MAX)));
        Box::pin(self.0.readers.read(move |conn| row::all(conn, sql::CHECKPOINTS, range, |row| row.get(0))))
    }

    fn outbox(&self, now: At, most: usize) -> Fut<'_, Result<Vec<OutboxRow>, StoreError>> {
        let range = (now.0, limit(most.min(ROWS_MAX)));
        Box::pin(self.0.readers.read(move |conn| row::all(conn, sql::OUTBOX_DUE, range, row::outbox)))
    }

    fn outbox_next(&self) -> Fut<'_, Result<Option<At>, StoreError>> {
        Box::pin(self.0.readers.read(|conn| row::first(conn, sql::OUTBOX_NEXT, [], |row| row.get(0).map(At))))
    }

    fn person(&self, actor: ActorId) -> Fut<'_, Result<Option<(String, String)>, StoreError>> {
        let key = [actor.bytes()];
        Box::pin(
            self.0
                .readers
                .read(move |conn| row::first(conn, sql::PERSON_GET, key, |row| Ok((row.get(0)?, row.get(1)?)))),
        )
    }

    /// The text is overwritten in the file and leaves the write-ahead log with it, or with the first append after
    /// the last reader of an older state is done; backups keep theirs.
    fn erase_person(&self, actor: ActorId) -> Fut<'_, Result<(), StoreError>> {
        Box::pin(async move { self.pen()?.ask(Work::Erase(actor)).await.map(drop) })
    }
}
