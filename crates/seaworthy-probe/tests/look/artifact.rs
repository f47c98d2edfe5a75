//! Looking at files and folders.

use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, symlink},
    time::{Duration, SystemTime},
};

use seaworthy_model::{time::Span, value::Value};

use crate::kit::{Folder, artifact, int, look, order, text};

/// SHA-256 of `abc`, FIPS 180-4, example B.1.
const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

#[tokio::test]
async fn a_file_is_seen_with_size_age_and_hash() {
    let folder = Folder::new();
    let path = folder.file("a.dump", "abc");
    let hour_ago = SystemTime::now() - Duration::from_secs(3_600);
    fs::File::options().write(true).open(&path).unwrap().set_modified(hour_ago).unwrap();
    let seen = look(&order(&folder, artifact("a.dump"))).await.unwrap();
    assert_eq!(seen.source, "probe/artifact");
    assert_eq!(int(&seen.facts, "size"), 3);
    assert_eq!(text(&seen.facts, "sha256"), ABC);
    assert_eq!(text(&seen.facts, "name"), "a.dump");
    assert_eq!(seen.facts["exists"], Value::Bool(true));
    let Value::Duration(age) = seen.facts["age"] else { panic!("age is a length of time") };
    assert!((3_600_000_000_000..3_660_000_000_000).contains(&age), "{age}");
}

#[tokio::test]
async fn a_file_of_the_future_has_no_age_that_says_anything() {
    let folder = Folder::new();
    let path = folder.file("a.dump", "abc");
    let tomorrow = SystemTime::now() + Duration::from_secs(86_400);
    fs::File::options().write(true).open(&path).unwrap().set_modified(tomorrow).unwrap();
    let said = look(&order(&folder, artifact("a.dump"))).await.unwrap_err();
    assert!(said.contains("in the future"), "{said}");
}

#[tokio::test]
async fn the_path_of_the_order_wins_over_the_work_folder() {
    let folder = Folder::new();
    folder.file("a.dump", "work folder");
    let mut order = order(&folder, artifact("a.dump"));
    order.artifact = Some(folder.file("elsewhere", "abc"));
    assert_eq!(text(&look(&order).await.unwrap().facts, "sha256"), ABC);
}

#[tokio::test]
async fn a_missing_artifact_is_seen_as_missing_and_has_no_age() {
    let folder = Folder::new();
    folder.file("file", "");
    for name in ["nothing", "nothing/below", "file/below"] {
        let seen = look(&order(&folder, artifact(name))).await.unwrap();
        assert_eq!(seen.facts["exists"], Value::Bool(false), "{name}");
        assert_eq!(int(&seen.facts, "size"), 0);
        assert_eq!(text(&seen.facts, "sha256"), "");
        assert!(!seen.facts.contains_key("age"));
    }
    symlink("nowhere", folder.0.join("link")).unwrap();
    let seen = look(&order(&folder, artifact("link"))).await.unwrap();
    assert_eq!(seen.facts["exists"], Value::Bool(false), "a link to nothing");
}

#[tokio::test]
async fn a_folder_is_seen_with_the_size_of_its_files_and_no_hash() {
    let folder = Folder::new();
    fs::create_dir_all(folder.0.join("d/e")).unwrap();
    folder.file("d/one", "1");
    folder.file("d/e/two", "22");
    let seen = look(&order(&folder, artifact("d"))).await.unwrap();
    assert_eq!(int(&seen.facts, "size"), 3);
    assert_eq!(text(&seen.facts, "sha256"), "");
}

#[tokio::test]
async fn something_that_cannot_be_read_through_is_an_error_at_once() {
    let folder = Folder::new();
    let made = std::process::Command::new("mkfifo").arg(folder.0.join("pipe")).status().unwrap();
    assert!(made.success());
    let error = look(&order(&folder, artifact("pipe"))).await.unwrap_err();
    assert!(error.contains("neither a file nor a folder"), "{error}");
}

#[tokio::test]
async fn a_file_that_may_not_be_read_is_an_error_and_not_a_missing_file() {
    let folder = Folder::new();
    let path = folder.file("a.dump", "abc");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).unwrap();
    if fs::File::open(&path).is_ok() {
        println!("SKIPPED: permission of an artifact: this user may read everything");
        return;
    }
    let error = look(&order(&folder, artifact("a.dump"))).await.unwrap_err();
    assert!(error.contains("a.dump") && error.contains("ermission"), "{error}");
}

#[tokio::test]
async fn a_file_too_large_for_the_limit_is_given_up_in_time() {
    let folder = Folder::new();
    // Holes read as zeros: a terabyte that costs no disk.
    fs::File::create(folder.0.join("huge")).unwrap().set_len(1 << 40).unwrap();
    let mut order = order(&folder, artifact("huge"));
    order.timeout = Span::from_millis(200);
    let started = std::time::Instant::now();
    let error = look(&order).await.unwrap_err();
    assert!(error.contains("200ms"), "{error}");
    assert!(started.elapsed() < Duration::from_secs(20));
}
