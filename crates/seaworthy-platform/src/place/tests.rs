//! Real folders.

use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::{Path, PathBuf},
};

use seaworthy_model::{
    id::RunId,
    port::{OutputKey, Places as _},
};

use super::FilePlaces;
use crate::provider::tests::{World, run_id};

async fn new() -> (World, FilePlaces, RunId, PathBuf) {
    let world = World::new();
    let places = FilePlaces::new(world.data.clone());
    let run = run_id();
    let workdir = places.workdir(run).await.expect("a work folder");
    (world, places, run, workdir)
}

fn write(path: impl AsRef<Path>, text: &str) {
    let path = path.as_ref();
    fs::create_dir_all(path.parent().expect("below something")).expect("writable");
    fs::write(path, text).expect("writable");
}

#[tokio::test]
async fn a_work_folder_is_private_and_found_again() {
    let (_world, places, run, workdir) = new().await;
    assert_eq!(fs::metadata(&workdir).expect("there").permissions().mode() & 0o777, 0o700);
    assert_eq!(places.workdir(run).await.expect("again"), workdir);
}

#[tokio::test]
async fn an_artifact_has_size_hash_and_time() {
    let (_world, places, _, workdir) = new().await;
    write(workdir.join("dumps/a.txt"), "hello\n");
    let artifact = places.artifact(&workdir, "dumps/a.txt").await.expect("it is there");
    // printf 'hello\n' | sha256sum
    let sum = "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03";
    assert_eq!((artifact.bytes, artifact.sha256.as_deref()), (6, Some(sum)));
    let age = crate::output::now().since(artifact.modified);
    assert!(age.as_seconds() < 60.0, "{age}");
    assert_eq!(artifact.place, workdir.join("dumps/a.txt").to_string_lossy());
}

#[tokio::test]
async fn a_missing_artifact_says_what_is_there_instead() {
    let (_world, places, _, workdir) = new().await;
    let problem = places.artifact(&workdir, "orders.dump").await.expect_err("nothing is there");
    assert!(problem.contains("`orders.dump` is not there") && problem.ends_with("the folder is empty"), "{problem}");
    for name in ["a", "b", "c", "d", "e", "f", "g"] {
        write(workdir.join(name), "");
    }
    let problem = places.artifact(&workdir, "orders.dump").await.expect_err("others are there");
    assert!(problem.ends_with("there is `a`, `b`, `c`, `d`, `e` and 2 more"), "{problem}");
    let problem = places.artifact(&workdir, "a/b").await.expect_err("a is a file");
    assert!(problem.contains("`a/b` is not there"), "{problem}");
}

#[tokio::test]
async fn nothing_outside_the_work_folder_is_an_artifact() {
    let (world, places, _, workdir) = new().await;
    write(world.data.join("outside"), "x");
    symlink(world.data.join("outside"), workdir.join("out")).expect("writable");
    write(workdir.join("real"), "x");
    symlink("real", workdir.join("in")).expect("writable");
    for name in ["../elsewhere", "/etc/passwd", "", "a/../real"] {
        let problem = places.artifact(&workdir, name).await.expect_err(name);
        assert!(problem.contains("is not a name below the work folder"), "{problem}");
    }
    let problem = places.artifact(&workdir, "out").await.expect_err("leads outside");
    assert!(problem.contains("leads out of the work folder"), "{problem}");
    assert_eq!(places.artifact(&workdir, "in").await.map(|artifact| artifact.bytes), Ok(1));
}

#[tokio::test]
async fn a_pipe_is_no_artifact_and_does_not_hold_us_up() {
    let (_world, places, _, workdir) = new().await;
    rustix::fs::mknodat(
        rustix::fs::CWD,
        workdir.join("pipe"),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR,
        0,
    )
    .expect("a pipe");
    let problem = places.artifact(&workdir, "pipe").await.expect_err("a pipe");
    assert!(problem.contains("neither a file nor a folder"), "{problem}");
}

#[tokio::test]
async fn a_folder_has_the_size_of_its_files_and_a_hash_that_knows_their_names() {
    let (_world, places, _, workdir) = new().await;
    for (folder, order) in [("one", ["b/x", "a"]), ("two", ["a", "b/x"])] {
        for name in order {
            write(workdir.join(folder).join(name), name);
        }
    }
    let one = places.artifact(&workdir, "one").await.expect("a folder");
    let two = places.artifact(&workdir, "two").await.expect("a folder");
    assert_eq!((one.bytes, &one.sha256), (4, &two.sha256));
    // { printf 'a\0001\000'; printf a | sha256sum | cut -c-64; printf 'b/x\0003\000'; printf b/x | sha256sum | cut -c-64; } | sha256sum
    let sum = "6f46cc60519a24af3b36e304ccae77a3caf73e184bc7540f0fc55eda085cb1c4";
    assert_eq!(one.sha256.as_deref(), Some(sum));
    fs::rename(workdir.join("two/a"), workdir.join("two/c")).expect("writable");
    let renamed = places.artifact(&workdir, "two").await.expect("a folder");
    assert_ne!(renamed.sha256, one.sha256);
    symlink("/nowhere", workdir.join("two/link")).expect("writable");
    assert_eq!(places.artifact(&workdir, "two").await.map(|artifact| artifact.bytes), Ok(4 + 8));
}

#[tokio::test]
async fn tidying_leaves_the_artifacts_and_nothing_else() {
    let (_world, places, run, workdir) = new().await;
    for name in ["keep.dump", "deep/keep", "deep/other", "other/file", "locked/file", ".hidden"] {
        write(workdir.join(name), "x");
    }
    symlink("/etc", workdir.join("link")).expect("writable");
    let attempt = OutputKey { run, step: "one".into(), attempt: 1 };
    let handing = places.handing(attempt).await.expect("a file to hand on with");
    write(&handing, "token=in clear");
    fs::set_permissions(workdir.join("locked"), fs::Permissions::from_mode(0o000)).expect("ours");
    for _ in 0..2 {
        places.tidy(run, vec!["keep.dump".into(), "deep/keep".into()]).await.expect("tidied");
        let mut left: Vec<String> = fs::read_dir(&workdir)
            .expect("there")
            .flatten()
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .collect();
        left.sort();
        assert_eq!(left, ["deep", "keep.dump"]);
        assert!(!handing.exists(), "what was handed on, taken or not");
        assert!(workdir.join("deep/keep").exists() && !workdir.join("deep/other").exists());
    }
    assert!(Path::new("/etc/passwd").exists(), "a link is removed, not what it leads to");
    for _ in 0..2 {
        places.remove(run).await.expect("removed");
        assert!(!workdir.parent().expect("the run's folder").exists());
        places.tidy(run, vec![]).await.expect("nothing to tidy");
    }
}

#[tokio::test]
async fn a_snapshot_shows_load_memory_disks_and_processes_by_name_only() {
    let (world, places, ..) = new().await;
    let host = places.snapshot().await;
    assert!(!host.host.is_empty());
    assert!(host.memory_total > host.memory_available && host.memory_available > 0, "{host:?}");
    assert_eq!(host.disks.first().map(|disk| disk.mount.clone()), Some(world.data.to_string_lossy().into_owned()));
    assert!(host.disks.iter().all(|disk| disk.bytes_total >= disk.bytes_free && disk.bytes_total > 0));
    assert!((1..=20).contains(&host.processes.len()));
    assert!(host.processes[0].memory > 0 && host.processes.iter().all(|process| process.name.len() <= 64));
}

#[tokio::test]
async fn whoever_stops_waiting_for_a_huge_artifact_ends_the_reading() {
    let (_world, places, _, workdir) = new().await;
    let name = "huge-that-is-given-up";
    fs::File::create(workdir.join(name)).and_then(|file| file.set_len(1 << 41)).expect("holes cost no disk");
    let read = || {
        let open = fs::read_dir("/proc/self/fd").expect("ours").flatten();
        open.filter_map(|entry| fs::read_link(entry.path()).ok()).any(|path| path.ends_with(name))
    };
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    let mut look = places.artifact(&workdir, name);
    while !read() {
        assert!(std::time::Instant::now() < deadline, "nobody reads it");
        let polled = std::future::poll_fn(|context| std::task::Poll::Ready(look.as_mut().poll(context).is_ready()));
        assert!(!polled.await, "two tebibytes are not read so soon");
    }
    drop(look);
    while read() {
        assert!(std::time::Instant::now() < deadline, "it is read on though nobody waits");
        std::thread::yield_now();
    }
}
