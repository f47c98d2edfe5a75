//! The file itself: made whole or not at all, refused when newer, backed up and migrated when older.
//!
//! This module must not know entries or views, only the one-row facts that tell what a file is.

use std::{
    fs::{self, File, Permissions, TryLockError},
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use rusqlite::{Connection, OpenFlags, TransactionBehavior, backup, params};
use seaworthy_model::{
    id::NodeId,
    port::{StoreError, Writer},
    tree::Frontier,
};

use super::{
    error::{broken, io, of},
    read::{frontier, settle},
    row::{execute, first, int, peaks},
};
use crate::{FORMAT, admit::refused, statements as sql};

const TABLES: &str = include_str!("../../migrations/sqlite.sql");
const TABLES_2: &str = include_str!("../../migrations/sqlite-2.sql");
const TABLES_3: &str = include_str!("../../migrations/sqlite-3.sql");

/// 3.51.3 is the first release without the write-ahead log bug that could corrupt a file.
const SQLITE_MIN: i32 = 3_051_003;
/// Page cache of the writer in KiB.
const CACHE_KIB: i64 = 2_048;
/// Pages of the write-ahead log before they are moved into the file: rare enough not to be felt by single
/// commits, small enough (8 MiB) that opening after a crash is quick.
const LOG_PAGES: i64 = 2_000;

/// How long one waits for another process that makes the store, and between two looks.
const TURN_WITHIN: Duration = Duration::from_secs(10);
const TURN_GAP: Duration = Duration::from_millis(10);

/// What leads from one format to the next.
pub(super) struct Step {
    pub from: u32,
    pub sql: &'static str,
}

/// The format that is written and the ways to it.
pub(super) struct Formats {
    pub known: u32,
    pub steps: &'static [Step],
}

/// No format older than 1 was ever released.
pub(super) const FORMATS: Formats =
    Formats { known: FORMAT, steps: &[Step { from: 1, sql: TABLES_2 }, Step { from: 2, sql: TABLES_3 }] };

/// A connection that may write, to a store of the format that is known.
pub(super) fn open(
    file: &Path,
    new_node: impl FnOnce() -> NodeId,
    formats: &Formats,
) -> Result<Connection, StoreError> {
    if rusqlite::version_number() < SQLITE_MIN {
        let detail = format!("SQLite {} can corrupt a journal; use 3.51.3 or newer", rusqlite::version());
        return Err(StoreError::Unreachable { detail });
    }
    if !exists(file)? {
        // Two first starts at the same moment: one makes the store, the other one waits and takes it.
        let _turn = turn(file)?;
        if !exists(file)? {
            create(file, new_node(), formats)?;
        }
    }
    let mut conn = Connection::open_with_flags(file, writing()).map_err(of)?;
    settle(&conn, CACHE_KIB)?;
    // Nothing is written before the format is known.
    let found = format(&conn, formats)?;
    set_up(&conn)?;
    if found < formats.known {
        // Of two that find an older store at the same moment, one migrates it; the other one finds it done.
        let _turn = turn(file)?;
        let found = format(&conn, formats)?;
        if found < formats.known {
            migrate(&mut conn, file, found, formats)?;
        }
    }
    whole(&conn)?;
    Ok(conn)
}

/// Whether there is a file, and one that can be a store.
pub(super) fn exists(file: &Path) -> Result<bool, StoreError> {
    match fs::metadata(file) {
        // Stores are made whole under another name, so this one lost its content.
        Ok(seen) if seen.len() == 0 => Err(broken(format!("{} is empty", file.display()))),
        Ok(_) => Ok(true),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
            let log = beside(file, "-wal");
            if log.exists() {
                return Err(broken(format!("{} is there, but {} is gone", log.display(), file.display())));
            }
            Ok(false)
        }
        Err(e) => Err(io(file, &e)),
    }
}

/// The format of a file, refused if it is newer or none.
pub(super) fn format(conn: &Connection, formats: &Formats) -> Result<u32, StoreError> {
    let tables: i64 = conn
        .query_row("select count(*) from sqlite_schema where name in ('meta', 'entry', 'tree')", [], |row| row.get(0))
        .map_err(of)?;
    if tables != 3 {
        return Err(broken("it is a database, but not a store of this program"));
    }
    let found = meta(conn, "format")?;
    if found > u64::from(formats.known) {
        return Err(StoreError::Newer { found: u32::try_from(found).unwrap_or(u32::MAX), known: formats.known });
    }
    Ok(u32::try_from(found).unwrap_or(u32::MAX))
}

/// Node and present epoch.
pub(super) fn writer(conn: &Connection) -> Result<Writer, StoreError> {
    let node = meta_text(conn, "node")?.parse().map_err(|e| broken(format!("its node: {e}")))?;
    Ok(Writer { node, epoch: meta(conn, "epoch")? })
}

/// Node and the next epoch, which is taken.
pub(super) fn next_writer(conn: &mut Connection) -> Result<Writer, StoreError> {
    let step = conn.transaction_with_behavior(TransactionBehavior::Immediate).map_err(of)?;
    let Writer { node, epoch } = writer(&step)?;
    set_meta(&step, "epoch", &(epoch + 1).to_string())?;
    step.commit().map_err(of)?;
    Ok(Writer { node, epoch: epoch + 1 })
}

/// A consistent copy as of one moment, while others write; whole under its name or not there.
/// Returns the number of entries in it.
pub(super) fn copy(conn: &Connection, from: &Path, to: &Path) -> Result<u64, StoreError> {
    apart(from, to)?;
    let part = beside(to, ".part");
    let copied = copy_part(conn, &part).and_then(|size| settle_file(&part, to).map(|()| size));
    if copied.is_err() {
        drop(fs::remove_file(&part));
    }
    copied
}

/// Puts a copy in the place of the store `to`; the number of entries in it.
pub(super) fn restore(from: &Path, to: &Path) -> Result<u64, StoreError> {
    apart(from, to)?;
    let conn = super::read::open(from)?;
    format(&conn, &FORMATS)?;
    whole(&conn)?;
    // A restore is rare enough to read every page first.
    let verdict: String = conn.query_row("pragma integrity_check(1)", [], |row| row.get(0)).map_err(of)?;
    if verdict != "ok" {
        return Err(broken(format!("{}: {verdict}", from.display())));
    }
    let part = beside(to, ".part");
    let size = copy_part(&conn, &part)?;
    // The log of the store that goes must not be taken for the new one's: first the log, then the name.
    for ending in ["-wal", "-shm"] {
        remove_one(&beside(to, ending))?;
    }
    settle_file(&part, to)?;
    Ok(size)
}

/// A copy in the place of its original would cut open connections off from their file.
fn apart(from: &Path, to: &Path) -> Result<(), StoreError> {
    match (from.canonicalize(), to.canonicalize()) {
        (Ok(from), Ok(to)) if from == to => Err(refused(format!("{} cannot be a copy of itself", to.display()))),
        _ => Ok(()),
    }
}

/// `file` with something after its name.
pub(super) fn beside(file: &Path, ending: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

fn copy_part(conn: &Connection, part: &Path) -> Result<u64, StoreError> {
    remove_old(part)?;
    // One snapshot for the number and the pages: the copy reads inside this transaction.
    let snapshot = conn.unchecked_transaction().map_err(of)?;
    let size = frontier(&snapshot)?.size;
    let mut target = Connection::open(part).map_err(of)?;
    // The copy is synced once, when it is whole.
    target.pragma_update(None, "synchronous", "off").map_err(of)?;
    let step = backup::Backup::new(&snapshot, &mut target).and_then(|copy| copy.step(-1)).map_err(of)?;
    if step != backup::StepResult::Done {
        return Err(StoreError::Unreachable { detail: format!("copying to {} ended early", part.display()) });
    }
    // One file that needs no log beside it: it can be read from a place where nobody may write.
    target.pragma_update(None, "journal_mode", "delete").map_err(of)?;
    target.close().map_err(|(_, e)| of(e))?;
    Ok(size)
}

/// Makes a finished file durable and gives it its name.
fn settle_file(part: &Path, to: &Path) -> Result<(), StoreError> {
    let failed = |e: std::io::Error| io(to, &e);
    fs::set_permissions(part, Permissions::from_mode(0o600)).map_err(failed)?;
    File::open(part).and_then(|f| f.sync_all()).map_err(failed)?;
    fs::rename(part, to).map_err(failed)?;
    let folder = to.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder).and_then(|f| f.sync_all()).map_err(failed)
}

fn writing() -> OpenFlags {
    OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX
}

/// The right to make the store.
struct Turn {
    path: PathBuf,
    _lock: File,
}

impl Drop for Turn {
    fn drop(&mut self) {
        // While it is locked: whoever waits for this very file sees that it is gone and looks again.
        drop(fs::remove_file(&self.path));
    }
}

fn turn(file: &Path) -> Result<Turn, StoreError> {
    let path = beside(file, ".create-lock");
    let failed = |e: std::io::Error| io(&path, &e);
    let begun = Instant::now();
    loop {
        let lock = File::options().write(true).create(true).truncate(false).open(&path).map_err(failed)?;
        match lock.try_lock() {
            Ok(()) if leads_to(&path, &lock) => return Ok(Turn { path, _lock: lock }),
            Err(TryLockError::Error(e)) => return Err(failed(e)),
            Ok(()) | Err(TryLockError::WouldBlock) if begun.elapsed() > TURN_WITHIN => {
                let detail = format!("another process has been making or migrating {} for a long time", file.display());
                return Err(StoreError::Unreachable { detail });
            }
            Ok(()) | Err(TryLockError::WouldBlock) => thread::sleep(TURN_GAP),
        }
    }
}

/// Whether the path is still a name of this very file.
fn leads_to(path: &Path, file: &File) -> bool {
    let id = |about: std::io::Result<fs::Metadata>| about.ok().map(|about| (about.dev(), about.ino()));
    id(file.metadata()).is_some_and(|own| id(fs::metadata(path)) == Some(own))
}

fn create(file: &Path, node: NodeId, formats: &Formats) -> Result<(), StoreError> {
    let part = beside(file, ".new");
    remove_old(&part)?;
    let made = create_part(&part, node, formats).and_then(|()| settle_file(&part, file));
    if made.is_err() {
        drop(fs::remove_file(&part));
    }
    made
}

fn create_part(part: &Path, node: NodeId, formats: &Formats) -> Result<(), StoreError> {
    let mut conn = Connection::open_with_flags(part, writing() | OpenFlags::SQLITE_OPEN_CREATE).map_err(of)?;
    // Only before the first table: so that space which retention frees can be given back.
    conn.pragma_update(None, "auto_vacuum", "incremental").map_err(of)?;
    let step = conn.transaction().map_err(of)?;
    for tables in [TABLES, TABLES_2, TABLES_3] {
        step.execute_batch(tables).map_err(of)?;
    }
    let none = Frontier::default();
    execute(&step, sql::TREE_ADD, params![int(none.size), peaks(&none)])?;
    let created = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_nanos());
    set_meta(&step, "format", &formats.known.to_string())?;
    set_meta(&step, "node", &node.to_string())?;
    set_meta(&step, "created", &created.to_string())?;
    set_meta(&step, "epoch", "0")?;
    step.commit().map_err(of)?;
    // Kept in the file; closing the last connection empties and removes the log.
    conn.pragma_update(None, "journal_mode", "wal").map_err(of)?;
    conn.close().map_err(|(_, e)| of(e))
}

fn remove_old(part: &Path) -> Result<(), StoreError> {
    for ending in ["", "-journal", "-wal", "-shm"] {
        remove_one(&beside(part, ending))?;
    }
    Ok(())
}

fn remove_one(file: &Path) -> Result<(), StoreError> {
    match fs::remove_file(file) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(io(file, &e)),
        _ => Ok(()),
    }
}

/// What the writing connection is told.
fn set_up(conn: &Connection) -> Result<(), StoreError> {
    conn.pragma_update(None, "journal_mode", "wal").map_err(of)?;
    conn.pragma_update(None, "synchronous", "full").map_err(of)?;
    conn.pragma_update(None, "foreign_keys", true).map_err(of)?;
    // Dropped bodies and erased names are overwritten, not only forgotten.
    conn.pragma_update(None, "secure_delete", true).map_err(of)?;
    conn.pragma_update(None, "wal_autocheckpoint", LOG_PAGES).map_err(of)
}

/// Cheap signs that nothing is missing; `journal verify` looks at everything.
fn whole(conn: &Connection) -> Result<(), StoreError> {
    // Both as of one moment: another process may append between two reads.
    let moment = conn.unchecked_transaction().map_err(of)?;
    let size = frontier(&moment)?.size;
    let last: Option<i64> = first(&moment, sql::LAST_POSITION, [], |row| row.get(0))?;
    let entries = last.map_or(0, |position| position + 1);
    if entries != int(size) {
        return Err(broken(format!("its tree covers {size} entries, the last one is number {entries}")));
    }
    Ok(())
}

/// Copies the file aside, then takes all steps in one transaction.
fn migrate(conn: &mut Connection, file: &Path, found: u32, formats: &Formats) -> Result<(), StoreError> {
    let step = |from| {
        let step = formats.steps.iter().find(|step| step.from == from);
        step.ok_or_else(|| broken(format!("no way is known from format {from} to {}", from + 1)))
    };
    let steps = (found..formats.known).map(step).collect::<Result<Vec<_>, _>>()?;
    copy(conn, file, &beside(file, &format!(".before-format-{}", formats.known)))?;
    let all = conn.transaction_with_behavior(TransactionBehavior::Immediate).map_err(of)?;
    for step in steps {
        all.execute_batch(step.sql).map_err(of)?;
    }
    set_meta(&all, "format", &formats.known.to_string())?;
    all.commit().map_err(of)
}

fn meta_text(conn: &Connection, name: &str) -> Result<String, StoreError> {
    first(conn, sql::META_GET, [name], |row| row.get(0))?.ok_or_else(|| broken(format!("it does not say its {name}")))
}

fn meta(conn: &Connection, name: &str) -> Result<u64, StoreError> {
    meta_text(conn, name)?.parse().map_err(|e| broken(format!("its {name}: {e}")))
}

fn set_meta(conn: &Connection, name: &str, value: &str) -> Result<(), StoreError> {
    execute(conn, sql::META_SET, [name, value]).map(drop)
}
