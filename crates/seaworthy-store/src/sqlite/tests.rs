//! Tests of what is not to be seen from outside: formats, the ways between them, settings of connections.

use std::{fs, path::PathBuf, sync::Arc};

use rusqlite::{Connection, StatementStatus};
use seaworthy_model::{
    entry::{Draft, Stream, Via},
    event::Event,
    id::{ActorId, EntryId, NodeId},
    port::{Accounts as _, Batch, Journal as _, StoreError, Tokens as _, Write},
    time::At,
    view::OutboxRow,
};

use super::{
    Shared, Sqlite,
    format::{self, Formats, Step},
    read::Readers,
    writer::Pen,
};

/// Format 2 as it never was: here it lacks the column `attempts`.
const DOWN: &str = "alter table outbox drop column attempts; update meta set value = '2' where name = 'format';";
const UP: Formats = Formats {
    known: 3,
    steps: &[Step { from: 2, sql: "alter table outbox add column attempts integer not null default 0" }],
};
/// What each format has that the one before it had not, and back: from 3 to 2, from 2 to 1.
const TO_2: &str = "drop table token; drop table answered; update meta set value = '2' where name = 'format';";
const TO_1: &str =
    "drop table account; drop table session; drop table link; update meta set value = '1' where name = 'format';";

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let folder = std::env::temp_dir().join(format!("seaworthy-format-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        Folder(folder)
    }

    fn file(&self) -> PathBuf {
        self.0.join("store.db")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

fn node() -> NodeId {
    NodeId::new(At(0), &[1; 10])
}

fn effect() -> OutboxRow {
    OutboxRow { key: "k".into(), kind: "tell".into(), payload: "p".into(), attempts: 0, next_at: At(5) }
}

fn saying(reason: &str) -> Batch {
    let event = Event::NodeStopped { reason: reason.to_owned() };
    let draft = Draft { id: EntryId::new(At(1), &[2; 10]), at: At(1), event };
    let write = Write { stream: Stream::site(), expected: None, drafts: vec![draft] };
    Batch { writes: vec![write], ..Batch::by(ActorId::new(At(0), &[3; 10]), Via::Node) }
}

/// A store with one entry and one effect, changed by `sql` afterwards.
async fn store(folder: &Folder, sql: &str) {
    let store = Sqlite::open(&folder.file(), node).unwrap();
    store.append(Batch { outbox_add: vec![effect()], ..saying("asked") }).await.unwrap();
    store.close();
    Connection::open(folder.file()).unwrap().execute_batch(sql).unwrap();
}

#[tokio::test]
async fn an_older_store_is_backed_up_and_migrated() {
    let folder = Folder::new("older");
    store(&folder, DOWN).await;
    let migrated = Sqlite::open_as(&folder.file(), node, &UP).unwrap();
    assert_eq!(migrated.outbox(At(9), 9).await, Ok(vec![effect()]));
    assert_eq!(migrated.from(0, 9).await.unwrap().len(), 1);
    migrated.close();
    let again = Sqlite::open(&folder.file(), node).unwrap();
    assert_eq!(again.writer().epoch, 3, "it is a store of the present format now");
    let before = Connection::open(folder.0.join("store.db.before-format-3")).unwrap();
    let format: String = before.query_row("select value from meta where name = 'format'", [], |r| r.get(0)).unwrap();
    assert_eq!(format, "2");
    let effects: i64 = before.query_row("select count(*) from outbox", [], |r| r.get(0)).unwrap();
    assert_eq!(effects, 1, "the backup is whole");
}

#[tokio::test]
async fn a_migration_that_fails_leaves_the_store_as_it_was() {
    let folder = Folder::new("fails");
    store(&folder, DOWN).await;
    let wrong = Formats {
        known: 3,
        steps: &[Step { from: 2, sql: "alter table outbox add column attempts integer; drop table nothing" }],
    };
    assert!(matches!(Sqlite::open_as(&folder.file(), node, &wrong), Err(StoreError::Broken { .. })));
    let migrated = Sqlite::open_as(&folder.file(), node, &UP).expect("nothing of the first try is left");
    assert_eq!(migrated.outbox(At(9), 9).await, Ok(vec![effect()]));
}

#[tokio::test]
async fn an_older_store_without_a_way_is_left_alone() {
    let folder = Folder::new("no-way");
    store(&folder, "update meta set value = '0' where name = 'format'").await;
    let Err(StoreError::Broken { detail }) = Sqlite::open(&folder.file(), node) else { panic!("it was opened") };
    assert!(detail.contains("from format 0 to 1"), "{detail}");
    assert!(!folder.0.join("store.db.before-format-3").exists());
    let Err(StoreError::Unreachable { detail }) = Sqlite::open_readonly(&folder.file()) else { panic!("it was read") };
    assert!(detail.contains("older format 0"), "{detail}");
}

#[tokio::test]
async fn a_newer_store_is_refused_by_its_number_and_not_touched() {
    let folder = Folder::new("newer");
    store(&folder, "update meta set value = '7' where name = 'format'").await;
    let before = fs::read(folder.file()).unwrap();
    for opened in [Sqlite::open(&folder.file(), node), Sqlite::open_readonly(&folder.file())] {
        assert_eq!(opened.err(), Some(StoreError::Newer { found: 7, known: crate::FORMAT }));
    }
    assert!(fs::read(folder.file()).unwrap() == before, "the file is the same to the byte");
}

#[tokio::test]
async fn an_older_store_gets_what_each_later_format_has() {
    for (format, down) in [("2", TO_2.to_owned()), ("1", [TO_2, TO_1].concat())] {
        let folder = Folder::new(&format!("from-{format}"));
        store(&folder, &down).await;
        assert!(Sqlite::open_readonly(&folder.file()).is_err(), "who only reads migrates nothing");
        let migrated = Sqlite::open(&folder.file(), node).unwrap();
        assert_eq!(migrated.accounts().await, Ok(vec![]));
        assert_eq!(migrated.tokens(None, 9).await, Ok(vec![]));
        assert_eq!(migrated.from(0, 9).await.unwrap().len(), 1, "the history is still there");
        let before = Connection::open(folder.0.join("store.db.before-format-3")).unwrap();
        let was: String = before.query_row("select value from meta where name = 'format'", [], |r| r.get(0)).unwrap();
        assert_eq!(was, format, "it was copied first");
    }
}

#[test]
fn the_writing_connection_is_told_to_be_careful() {
    let folder = Folder::new("careful");
    let conn = format::open(&folder.file(), node, &format::FORMATS).unwrap();
    let told = |name: &str| conn.pragma_query_value(None, name, |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!(told("synchronous"), 2, "every commit is synced");
    assert_eq!((told("foreign_keys"), told("secure_delete")), (1, 1));
    assert_eq!(told("cache_size"), -2_048, "KiB of page cache");
    let mode: String = conn.pragma_query_value(None, "journal_mode", |row| row.get(0)).unwrap();
    assert_eq!(mode, "wal", "readers and the writer do not wait for each other");
}

#[tokio::test]
async fn a_store_that_may_not_grow_is_full_and_goes_on_when_it_may() {
    let folder = Folder::new("full");
    let mut conn = format::open(&folder.file(), node, &format::FORMATS).unwrap();
    let pages: i64 = conn.pragma_query_value(None, "page_count", |row| row.get(0)).unwrap();
    conn.pragma_update_and_check(None, "max_page_count", pages + 4, |_| Ok(())).unwrap();
    let writer = format::next_writer(&mut conn).unwrap();
    let pen = Some(Pen::start(conn, writer, 0).unwrap());
    let readers = Readers::of(&folder.file());
    let store = Sqlite(Arc::new(Shared { file: folder.file(), writer, readers, pen }));
    let mut written = 0;
    let refused = loop {
        assert!(written < 1_000, "four pages hold less");
        match store.append(saying(&"x".repeat(2_000))).await {
            Ok(length) => written = length,
            Err(error) => break error,
        }
    };
    assert!(matches!(refused, StoreError::Full { .. }), "{refused:?}");
    assert_eq!(store.frontier().await.unwrap().size, written);
    assert_eq!(store.from(0, 1_000).await.unwrap().len() as u64, written);
    store.close();
    let again = Sqlite::open(&folder.file(), node).unwrap();
    assert_eq!(again.append(saying("there is space")).await, Ok(written + 1));
}

#[test]
fn first_starts_at_the_same_moment_share_one_store() {
    for round in 0..20 {
        let folder = Folder::new(&format!("first-{round}"));
        let start = std::sync::Barrier::new(4);
        let mut epochs = std::thread::scope(|scope| {
            let open = || {
                start.wait();
                let store = Sqlite::open(&folder.file(), node).unwrap();
                let epoch = store.writer().epoch;
                store.close();
                epoch
            };
            let all: Vec<_> = (0..4).map(|_| scope.spawn(open)).collect();
            all.into_iter().map(|one| one.join().unwrap()).collect::<Vec<_>>()
        });
        epochs.sort_unstable();
        assert_eq!(epochs, [1, 2, 3, 4], "each took an epoch of the same store");
    }
}

#[test]
fn a_store_that_another_process_appends_to_is_whole_at_each_opening() {
    let folder = Folder::new("appended-to");
    let one = Sqlite::open(&folder.file(), node).unwrap();
    let ended = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        let opening = scope.spawn(|| {
            let opened = (0..200).try_for_each(|_| format::open(&folder.file(), node, &format::FORMATS).map(drop));
            ended.store(true, std::sync::atomic::Ordering::SeqCst);
            opened
        });
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let mut appended = 0;
        while !ended.load(std::sync::atomic::Ordering::SeqCst) {
            runtime.block_on(one.append(saying("meanwhile"))).unwrap();
            appended += 1;
        }
        assert_eq!(opening.join().unwrap(), Ok(()), "of {appended} appended meanwhile");
    });
}

#[tokio::test]
async fn openings_at_the_same_moment_migrate_an_older_store_once() {
    let down = [TO_2, TO_1].concat();
    for round in 0..10 {
        let folder = Folder::new(&format!("older-{round}"));
        store(&folder, &down).await;
        let start = std::sync::Barrier::new(4);
        std::thread::scope(|scope| {
            let open = || {
                start.wait();
                Sqlite::open(&folder.file(), node).map(|store| store.writer().epoch)
            };
            let all: Vec<_> = (0..4).map(|_| scope.spawn(open)).collect();
            let mut epochs: Vec<_> = all.into_iter().map(|one| one.join().unwrap().unwrap()).collect();
            epochs.sort_unstable();
            assert_eq!(epochs, [2, 3, 4, 5], "each took an epoch of the migrated store");
        });
    }
}

#[test]
fn a_statement_is_compiled_once_whatever_limit_it_is_given() {
    let folder = Folder::new("compiled-once");
    let store = Sqlite::open(&folder.file(), node).unwrap();
    let conn = super::read::open(&folder.file()).unwrap();
    for limit in 1..5 {
        let rows = super::row::all(&conn, crate::statements::SIGNALS_ALL, [limit], |row| row.get::<_, String>(0));
        assert_eq!(rows.unwrap(), [""; 0]);
    }
    let statement = conn.prepare_cached(crate::statements::SIGNALS_ALL).unwrap();
    assert_eq!((statement.get_status(StatementStatus::Run), statement.get_status(StatementStatus::RePrepare)), (4, 0));
    store.close();
}
