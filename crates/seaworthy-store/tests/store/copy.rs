//! Copies of a store: taken while it is written, and put back.

use std::{fs, path::Path};

use seaworthy_model::{
    port::{Batch, Journal as _, StoreError, Views as _},
    view::ViewChange,
};
use seaworthy_store::sqlite::Sqlite;

use crate::world::{Folder, assert_whole, ended, node, open, saying};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_taken_while_appends_run_is_whole() {
    let folder = Folder::fast();
    let store = open(&folder.file());
    let writing = store.clone();
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let appends = tokio::spawn(async move {
        while !*stopped.borrow() {
            let views = vec![ViewChange::RunEnded(Box::new(ended("a", 1)))];
            writing.append(Batch { views, ..saying("a", None, &["x"]) }).await.unwrap();
        }
    });
    let mut last = 0;
    for turn in 0..5 {
        store.past(last + 3).await.unwrap();
        let (copying, to) = (store.clone(), folder.0.join(format!("copy{turn}.db")));
        let target = to.clone();
        last = tokio::task::spawn_blocking(move || copying.backup_to(&target)).await.unwrap().unwrap();
        let copy = Sqlite::open(&to, || panic!("a copy has its node")).unwrap();
        assert_eq!(assert_whole(&copy).await.size, last);
        assert_eq!(copy.ended_count().await, Ok(last), "views are of the same moment");
        assert_eq!(copy.append(saying("a", Some(last), &["after"])).await, Ok(last + 1));
    }
    stop.send_replace(true);
    appends.await.unwrap();
    assert!(assert_whole(&store).await.size >= last);
}

#[tokio::test]
async fn a_copy_is_one_file_that_can_be_read_where_nobody_writes() {
    let folder = Folder::new();
    let (store, copy) = (open(&folder.file()), folder.0.join("copy.db"));
    store.append(saying("a", None, &["1"])).await.unwrap();
    assert_eq!(store.backup_to(&copy), Ok(1));
    assert_eq!(store.backup_to(&copy), Ok(1), "a copy may be replaced");
    // Bytes 18 and 19 of the file: 1 is the rollback journal, 2 the write-ahead log (SQLite, file format, 1.3).
    assert_eq!(fs::read(&copy).unwrap()[18..20], [1, 1]);
    let reader = Sqlite::open_readonly(&copy).unwrap();
    assert_eq!(assert_whole(&reader).await.size, 1);
    let mut names: Vec<_> = fs::read_dir(&folder.0).unwrap().map(|e| e.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["copy.db", "store.db", "store.db-shm", "store.db-wal"]);
}

#[tokio::test]
async fn a_copy_put_back_is_the_store_again_whatever_was_there() {
    let folder = Folder::new();
    let (store, copy) = (open(&folder.file()), folder.0.join("copy.db"));
    store.append(saying("a", None, &["1", "2"])).await.unwrap();
    store.backup_to(&copy).unwrap();
    store.append(saying("a", Some(2), &["after the copy"])).await.unwrap();
    // The files as a kill leaves them: the log still holds what the file does not.
    let killed = Folder::new();
    for name in ["store.db", "store.db-wal"] {
        fs::copy(folder.0.join(name), killed.0.join(name)).unwrap();
    }
    assert!(fs::metadata(killed.0.join("store.db-wal")).unwrap().len() > 0);
    assert_eq!(Sqlite::restore(&copy, &killed.file()), Ok(2));
    let back = open(&killed.file());
    assert_eq!(assert_whole(&back).await.size, 2, "not a word of the old log");
    assert_eq!(back.append(saying("a", Some(2), &["3"])).await, Ok(3));
    assert_eq!(Sqlite::restore(&copy, &folder.0.join("fresh.db")), Ok(2), "also where nothing was");
}

#[tokio::test]
async fn a_copy_that_is_not_usable_leaves_the_store_alone() {
    let folder = Folder::new();
    let store = open(&folder.file());
    store.append(saying("a", None, &["x"; 200])).await.unwrap();
    let (copy, none) = (folder.0.join("copy.db"), folder.0.join("none.db"));
    store.backup_to(&copy).unwrap();
    assert!(matches!(store.backup_to(&folder.file()), Err(StoreError::Refused { .. })), "onto itself");
    store.close();
    let refused = |damage: &dyn Fn(&Path)| {
        damage(&copy);
        Sqlite::restore(&copy, &folder.file()).unwrap_err()
    };
    assert!(matches!(Sqlite::restore(&none, &folder.file()), Err(StoreError::Unreachable { .. })));
    assert!(matches!(Sqlite::restore(&folder.file(), &folder.file()), Err(StoreError::Refused { .. })));
    let damaged = refused(&|copy| {
        let mut bytes = fs::read(copy).unwrap();
        let body = bytes.windows(12).position(|part| part == b"{\"reason\":\"x").unwrap();
        let page = body / 4_096 * 4_096;
        bytes[page..page + 64].fill(0xff);
        fs::write(copy, bytes).unwrap();
    });
    assert!(matches!(damaged, StoreError::Broken { .. }), "{damaged:?}");
    open(&folder.file()).backup_to(&copy).unwrap();
    let before = fs::read(folder.file()).unwrap();
    let newer = refused(&|copy| {
        let hand = rusqlite::Connection::open(copy).unwrap();
        hand.execute("update meta set value = '9' where name = 'format'", []).unwrap();
    });
    assert_eq!(newer, StoreError::Newer { found: 9, known: seaworthy_store::FORMAT });
    let short = refused(&|copy| fs::OpenOptions::new().write(true).open(copy).unwrap().set_len(8_192).unwrap());
    assert!(matches!(short, StoreError::Broken { .. }), "{short:?}");
    let empty = refused(&|copy| fs::write(copy, "").unwrap());
    assert!(matches!(empty, StoreError::Broken { .. }), "{empty:?}");
    assert!(fs::read(folder.file()).unwrap() == before);
    Sqlite::open(&folder.file(), node).unwrap();
}
