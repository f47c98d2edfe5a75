//! A full disk: told by name, nothing by half, and everything goes on once there is space.
//!
//! The disk is a small tmpfs in a mount namespace of a child, which is this test again.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use seaworthy_model::port::{Journal as _, StoreError};
use seaworthy_store::sqlite::Sqlite;

use crate::world::{Folder, assert_whole, node, open, saying};

const CHILD: &str = "SEAWORTHY_STORE_TEST_DISK";

/// The child's side, inside the namespace.
async fn fills(disk: &Path) {
    let (file, ballast) = (disk.join("store.db"), disk.join("ballast"));
    let store = open(&file);
    store.append(saying("a", None, &["before"])).await.unwrap();
    fill(&ballast);
    let (mut written, refused) = until_full(&store).await;
    assert!(matches!(refused, StoreError::Full { .. }), "{refused:?}");
    written += 1;
    assert_eq!(assert_whole(&store).await.size, written, "nothing of the refused batch is there");
    let group: Vec<_> = (0..8).map(|_| store.append(saying("b", None, &[&"x".repeat(9_000)]))).collect();
    for append in group {
        assert!(matches!(append.await, Err(StoreError::Full { .. })));
    }
    assert!(matches!(store.backup_to(&disk.join("copy.db")), Err(StoreError::Full { .. })));
    assert!(matches!(Sqlite::open(&disk.join("new.db"), node), Err(StoreError::Full { .. })));
    let mut left: Vec<_> = fs::read_dir(disk).unwrap().map(|e| e.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, ["ballast", "store.db", "store.db-shm", "store.db-wal"], "no half copy, no half store");

    fs::remove_file(&ballast).unwrap();
    assert_eq!(store.append(saying("a", None, &["after"])).await, Ok(written + 1), "it goes on by itself");
    assert_eq!(store.backup_to(&disk.join("copy.db")), Ok(written + 1));
    store.close();
    assert_eq!(assert_whole(&open(&file)).await.size, written + 1);
}

/// Takes all the space there is.
fn fill(ballast: &Path) {
    let mut file = fs::File::create(ballast).unwrap();
    for piece in [64 << 10, 4 << 10, 1] {
        while std::io::Write::write_all(&mut file, &vec![0; piece]).is_ok() {}
    }
}

/// Appends until it is refused: how many entries went in, and why no more.
async fn until_full(store: &Sqlite) -> (u64, StoreError) {
    for n in 0..10_000 {
        if let Err(error) = store.append(saying("a", None, &[&"y".repeat(3_000)])).await {
            return (n, error);
        }
    }
    panic!("30 MB went onto a disk of 4 MiB");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_is_survived() {
    if let Some(disk) = env::var_os(CHILD).map(PathBuf::from) {
        return fills(&disk).await;
    }
    let probe = Command::new("unshare").args(["-m", "--propagation", "private", "true"]).output();
    if !probe.is_ok_and(|out| out.status.success()) {
        println!("SKIPPED: a_full_disk_is_survived: `unshare -m` is not permitted here");
        return;
    }
    let folder = Folder::new();
    let out = Command::new("unshare")
        .args(["-m", "--propagation", "private", "sh", "-c"])
        .arg("mount -t tmpfs -o size=4m tmpfs \"$0\" && exec \"$@\"")
        .arg(&folder.0)
        .arg(env::current_exe().unwrap())
        .args(["--exact", "disk::a_full_disk_is_survived", "--nocapture"])
        .env(CHILD, &folder.0)
        .output()
        .unwrap();
    let said = [out.stdout, out.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    assert!(out.status.success() && said.contains("1 passed"), "{said}");
}
