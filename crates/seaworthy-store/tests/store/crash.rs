//! Kill -9 at any moment: nothing that was acknowledged is lost, nothing is there by half.
//!
//! The test starts itself again as a child that appends and says on standard error what was acknowledged.

use std::{
    collections::BTreeMap,
    env,
    io::{BufRead as _, BufReader, Write as _},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use seaworthy_model::{
    id::EntryId,
    port::{Batch, Journal as _, Views as _},
    view::ViewChange,
};

use crate::world::{Folder, assert_whole, batch, ended, entries, open, write};

const CHILD: &str = "SEAWORTHY_STORE_TEST_APPENDS";
const KILLS: usize = 10;
/// A child whose parent is gone ends by itself.
const APPENDS_MAX: usize = 20_000;

/// The child's side: appends until it is killed.
async fn appends(file: &Path) {
    let store = open(file);
    let tasks: Vec<_> = (0..4)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move {
                for _ in 0..APPENDS_MAX {
                    let pair = Batch {
                        writes: vec![write("left", None, &["x"]), write("right", None, &["y"])],
                        views: vec![ViewChange::RunEnded(Box::new(ended("p", 1)))],
                        ..batch()
                    };
                    let (left, right) = (pair.writes[0].drafts[0].id, pair.writes[1].drafts[0].id);
                    let length = store.append(pair).await.unwrap();
                    let said = format!("{length} {left} {right}\n");
                    if std::io::stderr().write_all(said.as_bytes()).is_err() {
                        return;
                    }
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
}

/// Starts a child, reads `acks` acknowledgements, kills it, reads the rest.
fn acknowledged(folder: &Folder, acks: usize) -> Vec<(u64, EntryId, EntryId)> {
    let mut child = Command::new(env::current_exe().unwrap())
        .args(["--exact", "crash::nothing_acknowledged_is_lost_by_ten_kills", "--nocapture"])
        .env(CHILD, folder.file())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
    let mut said: Vec<String> = lines.by_ref().take(acks).collect();
    assert_eq!(said.len(), acks, "the child ended early: {said:?}");
    child.kill().unwrap();
    child.wait().unwrap();
    said.extend(lines);
    // The last line may be cut off; then it was not said.
    said.iter().filter_map(|line| parse(line)).collect()
}

fn parse(line: &str) -> Option<(u64, EntryId, EntryId)> {
    let mut words = line.split(' ');
    Some((words.next()?.parse().ok()?, words.next()?.parse().ok()?, words.next()?.parse().ok()?))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_lost_by_ten_kills() {
    if let Some(file) = env::var_os(CHILD).map(PathBuf::from) {
        return appends(&file).await;
    }
    let folder = Folder::new();
    let mut all = Vec::new();
    for turn in 0..KILLS {
        all.extend(acknowledged(&folder, 1 + turn * 37 % 83));
        let store = open(&folder.file());
        assert_eq!(store.writer().epoch, 2 * (turn as u64 + 1), "one epoch for the child, one for us");
        let size = assert_whole(&store).await.size;
        let places: BTreeMap<EntryId, u64> = entries(&store).await.iter().map(|e| (e.header.id, e.position)).collect();
        for (length, left, right) in &all {
            assert_eq!((places.get(left), places.get(right)), (Some(&(length - 2)), Some(&(length - 1))));
        }
        let (left, right) = (crate::world::stream("left"), crate::world::stream("right"));
        let halves = (store.stream(&left, 0).await.unwrap().len(), store.stream(&right, 0).await.unwrap().len());
        assert_eq!(halves.0, halves.1, "no batch is there by half");
        let ended = store.ended_count().await.unwrap();
        assert_eq!(ended * 2, size, "nor are its views");
        store.close();
    }
    assert!(all.len() >= KILLS);
}
