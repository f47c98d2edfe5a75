//! What only a file can show: opening, closing, copying, erasing, and files that are not what they should be.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    time::{Duration, Instant},
};

use seaworthy_model::{
    event::Event,
    port::{Batch, Journal as _, StoreError, Views as _, Write, Writer},
    tree::{Hash, root},
    view::ViewChange,
};
use seaworthy_store::{memory::Memory, sqlite::Sqlite};

use crate::world::{Folder, actor, assert_whole, batch, draft, ended, entries, node, open, run, saying, stream};

const LIMIT: Duration = Duration::from_secs(60);

#[tokio::test]
async fn each_opening_takes_the_next_epoch_of_the_same_node() {
    let folder = Folder::new();
    let first = open(&folder.file());
    let writer = first.writer();
    assert_eq!(writer.epoch, 1);
    first.append(saying("a", None, &["1"])).await.unwrap();
    first.close();
    let second = Sqlite::open(&folder.file(), || panic!("the store has a node")).unwrap();
    assert_eq!((second.writer().node, second.writer().epoch), (writer.node, 2));
    second.append(saying("a", Some(1), &["2"])).await.unwrap();
    let epochs: Vec<_> = entries(&second).await.iter().map(|e| e.header.epoch).collect();
    assert_eq!(epochs, [1, 2]);
    let mode = fs::metadata(folder.file()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "others on the host have no business in it");
}

#[tokio::test]
async fn a_closed_store_is_one_file_and_takes_no_more() {
    let folder = Folder::new();
    let store = open(&folder.file());
    store.append(saying("a", None, &["1"])).await.unwrap();
    assert_eq!(entries(&store).await.len(), 1);
    let clone = store.clone();
    store.close();
    let names: Vec<_> = fs::read_dir(&folder.0).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(names, ["store.db"], "no log is left beside it");
    assert!(matches!(clone.append(saying("a", None, &["2"])).await, Err(StoreError::Unreachable { .. })));
    assert!(matches!(clone.past(1).await, Err(StoreError::Unreachable { .. })), "nothing will come");
    assert_eq!(entries(&clone).await.len(), 1, "reading goes on");
    clone.close();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_asked_before_closing_is_answered() {
    let folder = Folder::new();
    let store = open(&folder.file());
    let mut asked: Vec<_> = (0..50).map(|_| store.append(saying("a", None, &["x"]))).collect();
    for append in &mut asked {
        // The first poll hands the batch over.
        let handed = std::future::poll_fn(|cx| std::task::Poll::Ready(append.as_mut().poll(cx).is_ready())).await;
        assert!(!handed || !entries(&store).await.is_empty());
    }
    let closing = store.clone();
    tokio::task::spawn_blocking(move || closing.close()).await.unwrap();
    assert_eq!(open(&folder.file()).frontier().await.unwrap().size, 50);
}

#[tokio::test]
async fn a_reader_sees_what_another_store_writes() {
    let folder = Folder::new();
    let missing = Sqlite::open_readonly(&folder.file()).err();
    assert!(matches!(missing, Some(StoreError::Unreachable { .. })), "{missing:?}");
    let store = open(&folder.file());
    let reader = Sqlite::open_readonly(&folder.file()).unwrap();
    assert_eq!(reader.writer(), store.writer());
    assert!(matches!(reader.append(saying("a", None, &["x"])).await, Err(StoreError::Refused { .. })));
    let waiting = reader.past(0);
    let row = ended("a", 1);
    let views = vec![ViewChange::RunEnded(Box::new(row.clone()))];
    store.append(Batch { views, ..saying("a", None, &["1"]) }).await.unwrap();
    assert_eq!(tokio::time::timeout(LIMIT, waiting).await.expect("it looks again and again"), Ok(1));
    assert_eq!(reader.ended_run(row.run).await, Ok(Some(row)));
    store.close();
    let later = Sqlite::open_readonly(&folder.file()).expect("also with no writer");
    assert_eq!(entries(&later).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_that_write_by_mistake_make_one_history() {
    let folder = Folder::new();
    let stores = [open(&folder.file()), open(&folder.file())];
    let tasks: Vec<_> = stores
        .iter()
        .map(|store| {
            let store = store.clone();
            tokio::spawn(async move {
                for _ in 0..40 {
                    store.append(saying("shared", None, &["x"])).await.unwrap();
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(assert_whole(&stores[0]).await.size, 80);
    let epochs: std::collections::BTreeSet<_> = entries(&stores[1]).await.iter().map(|e| e.header.epoch).collect();
    assert_eq!(epochs, [1, 2].into(), "and each entry says whose it is");
}

#[tokio::test]
async fn a_restarted_memory_goes_on_where_it_was_killed() {
    let writer = open(&Folder::new().file()).writer();
    let before = Memory::new(writer);
    before.append(saying("a", None, &["1"])).await.unwrap();
    let after = before.reopened(Writer { epoch: 2, ..writer });
    before.append(saying("a", None, &["a ghost's word"])).await.unwrap();
    assert_eq!(after.append(saying("a", Some(1), &["2"])).await, Ok(2));
    assert_eq!(entries(&after).await.iter().map(|e| e.header.epoch).collect::<Vec<_>>(), [1, 2]);
}

#[tokio::test]
async fn the_leaves_are_those_of_the_tree() {
    let folder = Folder::new();
    let store = open(&folder.file());
    store.append(saying("a", None, &["x"; 21])).await.unwrap();
    let leaves: Vec<Hash> = store.leaves(0, usize::MAX).await.unwrap();
    assert_eq!(root(&leaves), store.frontier().await.unwrap().root());
    assert_eq!(store.leaves(19, 1).await.unwrap(), leaves[19..20]);
}

#[tokio::test]
async fn an_erased_name_and_a_dropped_body_leave_every_file() {
    let folder = Folder::new();
    let (store, who) = (open(&folder.file()), actor());
    let people = vec![(who, "salt".to_owned(), "Ferdinand-Findable".to_owned())];
    store.append(Batch { people, ..saying("a", None, &["body-Findable"]) }).await.unwrap();
    let found = |word: &str| {
        fs::read_dir(&folder.0).unwrap().any(|file| {
            let bytes = fs::read(file.unwrap().path()).unwrap();
            bytes.windows(word.len()).any(|part| part == word.as_bytes())
        })
    };
    assert!(found("Ferdinand-Findable") && found("body-Findable"));
    store.erase_person(who).await.unwrap();
    assert!(!found("Ferdinand-Findable") && found("body-Findable"));
    let entry = entries(&store).await[0].header.id;
    let event = seaworthy_model::event::Event::BodyDropped { entry, position: 0, why: "age".into() };
    let told = seaworthy_model::port::Write {
        stream: seaworthy_model::entry::Stream::site(),
        expected: None,
        drafts: vec![crate::world::draft(event)],
    };
    store.append(Batch { writes: vec![told], drop_bodies: vec![0], ..batch() }).await.unwrap();
    assert!(!found("body-Findable"));

    // A reader of an older state keeps the log as it is; nobody waits for it, but nothing is forgotten.
    let people = vec![(who, "salt".to_owned(), "Gwendolyn-Findable".to_owned())];
    store.append(Batch { people, ..batch() }).await.unwrap();
    let reader = rusqlite::Connection::open(folder.file()).unwrap();
    reader.execute_batch("begin; select count(*) from person").unwrap();
    store.erase_person(who).await.unwrap();
    assert_eq!(store.person(who).await, Ok(None));
    assert!(found("Gwendolyn-Findable"), "the reader did not hold the log");
    reader.execute_batch("commit").unwrap();
    store.append(batch()).await.unwrap();
    assert!(!found("Gwendolyn-Findable"));
}

#[tokio::test]
async fn entries_and_bodies_cannot_be_changed_by_hand() {
    let folder = Folder::new();
    let store = open(&folder.file());
    store.append(saying("a", None, &["1"])).await.unwrap();
    let hand = rusqlite::Connection::open(folder.file()).unwrap();
    for forbidden in ["update entry set kind = 'x'", "delete from entry", "update body set text = 'x'"] {
        let refused = hand.execute(forbidden, []).unwrap_err().to_string();
        assert!(refused.contains("never"), "{forbidden}: {refused}");
    }
    assert_whole(&store).await;
}

/// A store of 300 entries, closed, then damaged.
async fn damaged(damage: impl FnOnce(&Folder)) -> (Folder, Result<Sqlite, StoreError>) {
    let folder = Folder::new();
    let store = open(&folder.file());
    store.append(saying("a", None, &["some words to fill pages with"; 300])).await.unwrap();
    store.close();
    damage(&folder);
    let opened = Sqlite::open(&folder.file(), node);
    (folder, opened)
}

fn broken(opened: &Result<Sqlite, StoreError>) -> &str {
    match opened {
        Err(StoreError::Broken { detail }) => detail,
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("it was opened"),
    }
}

#[tokio::test]
async fn a_file_that_is_no_store_is_broken() {
    let (_folder, text) = damaged(|f| fs::write(f.file(), "dear diary\n".repeat(900)).unwrap()).await;
    assert!(broken(&text).contains("not a database"), "{}", broken(&text));
    let (_folder, empty) = damaged(|f| fs::write(f.file(), "").unwrap()).await;
    assert!(broken(&empty).contains("is empty"), "{}", broken(&empty));
    let (_folder, other) = damaged(|f| {
        fs::remove_file(f.file()).unwrap();
        let other = rusqlite::Connection::open(f.file()).unwrap();
        other.execute_batch("create table meta (name text, value text)").unwrap();
    })
    .await;
    assert!(broken(&other).contains("not a store"), "{}", broken(&other));
    let (folder, gone) = damaged(|f| fs::rename(f.file(), f.0.join("store.db-wal")).unwrap()).await;
    assert!(broken(&gone).contains("is gone"), "{}", broken(&gone));
    assert!(!folder.file().exists(), "no fresh history is begun beside the rest of an old one");
}

#[tokio::test]
async fn a_truncated_file_is_broken() {
    for pages in [1, 3, 10] {
        let (_folder, opened) = damaged(|f| {
            let file = fs::OpenOptions::new().write(true).open(f.file()).unwrap();
            assert!(file.metadata().unwrap().len() > pages * 4_096);
            file.set_len(pages * 4_096).unwrap();
        })
        .await;
        assert!(broken(&opened).contains("malformed"), "{}", broken(&opened));
    }
}

#[tokio::test]
async fn a_tree_that_does_not_fit_its_entries_is_broken() {
    for lie in ["update tree set size = 299", "update tree set size = 301", "update tree set peaks = x'00'"] {
        let (_folder, opened) = damaged(|f| {
            rusqlite::Connection::open(f.file()).unwrap().execute(lie, []).unwrap();
        })
        .await;
        broken(&opened);
    }
}

#[tokio::test]
async fn a_store_damaged_while_it_is_open_takes_appends_once_it_is_mended() {
    let folder = Folder::new();
    let store = open(&folder.file());
    store.append(saying("a", None, &["1"])).await.unwrap();
    let hand = rusqlite::Connection::open(folder.file()).unwrap();
    let peaks: Vec<u8> = hand.query_row("select peaks from tree", [], |row| row.get(0)).unwrap();
    hand.execute("update tree set peaks = x'00'", []).unwrap();
    for _ in 0..2 {
        let refused = store.append(saying("a", None, &["2"])).await;
        assert!(matches!(refused, Err(StoreError::Broken { .. })), "{refused:?}");
    }
    hand.execute("update tree set peaks = $1", [peaks]).expect("the writer holds no lock after its failure");
    assert_eq!(store.append(saying("a", Some(1), &["2"])).await, Ok(2));
    assert_whole(&store).await;
}

#[tokio::test]
async fn damage_in_the_middle_is_told_when_it_is_read() {
    let (_folder, opened) = damaged(|f| {
        let mut bytes = fs::read(f.file()).unwrap();
        let word = b"some words to fill pages with";
        let body = bytes.windows(word.len()).position(|part| part == word).unwrap();
        // The head of the page that holds this body.
        let page = body / 4_096 * 4_096;
        bytes[page..page + 64].fill(0xff);
        fs::write(f.file(), bytes).unwrap();
    })
    .await;
    let told = match opened {
        Ok(store) => store.from(0, 1_000).await.err(),
        Err(error) => Some(error),
    };
    assert!(matches!(told, Some(StoreError::Broken { .. })), "{told:?}");
}

#[tokio::test]
async fn a_half_made_store_is_made_again() {
    let folder = Folder::new();
    fs::write(folder.0.join("store.db.new"), "left by a crash").unwrap();
    let store = open(&folder.file());
    store.append(saying("a", None, &["1"])).await.unwrap();
    assert!(!folder.0.join("store.db.new").exists());
}

#[tokio::test]
async fn a_folder_that_is_not_there_is_unreachable() {
    let folder = Folder::new();
    let began = Instant::now();
    let opened = Sqlite::open(&folder.0.join("none/store.db"), node).err();
    assert!(matches!(opened, Some(StoreError::Unreachable { .. })), "{opened:?}");
    assert!(began.elapsed() < LIMIT);
}

#[tokio::test]
async fn space_of_dropped_bodies_is_given_back_to_the_system() {
    let folder = Folder::new();
    let store = open(&folder.file());
    let (journal, archive) = (store.opened().journal, store.opened().archive);
    let large = "x".repeat(40_000);
    for _ in 0..20 {
        journal.append(saying("a", None, &[large.as_str(); 10])).await.unwrap();
    }
    let full = archive.give_back().await.unwrap();
    assert!(full.bytes > 8_000_000, "{full:?}");
    let event = Event::BodiesDropped {
        process: "a".into(),
        what: "bodies".into(),
        through: run(),
        left: vec![],
        ranges: vec![(0, 199)],
    };
    let tombstone = Write { stream: stream("a"), expected: None, drafts: vec![draft(event)] };
    journal.append(Batch { writes: vec![tombstone], drop_bodies: (0..200).collect(), ..batch() }).await.unwrap();
    let mut room = archive.give_back().await.unwrap();
    let first = room;
    for _ in 0..10 {
        room = archive.give_back().await.unwrap();
    }
    assert!(room.bytes < full.bytes / 10 && room.free < 100_000, "from {full:?} over {first:?} to {room:?}");
    store.close();
    let left = std::fs::metadata(folder.file()).unwrap().len();
    assert!(left < 1_000_000, "{left} bytes on disk");
    assert_whole(&*open(&folder.file()).opened().journal).await;
}
