//! Readers: a few read-only connections, opened when first needed, used on blocking threads.
//!
//! This module must not know what is asked. It never blocks the async runtime and never writes.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use rusqlite::{Connection, OpenFlags, config::DbConfig};
use seaworthy_model::{port::StoreError, retain::Room, tree::Frontier};
use tokio::sync::Semaphore;

use super::{
    error::{broken, of},
    row,
};
use crate::statements as sql;

/// Reads at one time; more wait in their callers.
const READERS_MAX: usize = 3;
/// Page cache of one reader in KiB.
const CACHE_KIB: i64 = 1_024;
/// Compiled statements that a connection keeps.
pub(super) const STATEMENTS_MAX: usize = 64;
/// How long a lock of another process is waited for.
pub(super) const BUSY_MS: u64 = 5_000;

/// The pool.
#[derive(Clone)]
pub(super) struct Readers {
    file: PathBuf,
    slots: Arc<Semaphore>,
    idle: Arc<Mutex<Vec<Connection>>>,
}

impl Readers {
    pub(super) fn of(file: &Path) -> Self {
        Self { file: file.to_owned(), slots: Arc::new(Semaphore::new(READERS_MAX)), idle: Arc::default() }
    }

    /// Runs `read` on a connection that sees the store as of one moment, not older than the last commit: however many
    /// statements it asks, nobody writes between them.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let slot = Arc::clone(&self.slots).acquire_owned().await;
        let pool = self.clone();
        let task = tokio::task::spawn_blocking(move || {
            let _slot = slot;
            let conn = match pool.idle().pop() {
                Some(conn) => conn,
                None => open(&pool.file)?,
            };
            let found = at_one_moment(&conn, read);
            // After an error a connection is not reused: the file may have been replaced.
            if found.is_ok() {
                pool.idle().push(conn);
            }
            found
        });
        task.await.unwrap_or_else(|e| Err(StoreError::Unreachable { detail: format!("a read did not end: {e}") }))
    }

    /// Closes the connections that nobody uses now.
    pub(super) fn let_go(&self) {
        self.idle().clear();
    }

    /// A plain mutex: held for a push or a pop, never over a read.
    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A transaction that only reads; it ends whatever `read` finds.
fn at_one_moment<T>(
    conn: &Connection,
    read: impl FnOnce(&Connection) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    let moment = conn.unchecked_transaction().map_err(of)?;
    let found = read(&moment)?;
    moment.commit().map_err(of)?;
    Ok(found)
}

/// A connection that cannot write.
pub(super) fn open(file: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(file, flags).map_err(of)?;
    settle(&conn, CACHE_KIB)?;
    Ok(conn)
}

/// What every connection is told.
pub(super) fn settle(conn: &Connection, cache_kib: i64) -> Result<(), StoreError> {
    conn.busy_timeout(std::time::Duration::from_millis(BUSY_MS)).map_err(of)?;
    conn.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
    // A plan depends on the statement alone. Without this a statement is compiled anew each time its `limit` is given.
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map_err(of)?;
    conn.pragma_update(None, "cache_size", -cache_kib).map_err(of)?;
    conn.pragma_update(None, "mmap_size", 0).map_err(of)?;
    // Temporary b-trees are small here; a file for them would be one more thing that can fail.
    conn.pragma_update(None, "temp_store", "memory").map_err(of)
}

/// How large the file is, and how much of it is free.
pub(super) fn room(conn: &Connection) -> Result<Room, StoreError> {
    let number = |name: &str| {
        let read = conn.pragma_query_value(None, name, |row| row.get::<_, i64>(0)).map_err(of)?;
        Ok(u64::try_from(read).unwrap_or(0))
    };
    let page = number("page_size")?;
    Ok(Room { bytes: number("page_count")? * page, free: number("freelist_count")? * page })
}

/// The tree as stored.
pub(super) fn frontier(conn: &Connection) -> Result<Frontier, StoreError> {
    row::first(conn, sql::TREE_GET, [], row::tree)?.ok_or_else(|| broken("it has no tree"))
}
