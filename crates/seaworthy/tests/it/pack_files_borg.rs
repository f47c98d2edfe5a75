//! Pack `files-borg` with a real repository: kept and restored, then damaged, stale, locked and closed.

use std::{
    fs,
    process::{Child, Command, Stdio},
};

use crate::{
    kit::{Site, until},
    pack_kit::{at_once, drilled, has, kept_files, ops, refused, secret, step_failed, verified},
};

const PACK: &str = "files-borg";

/// Files, an empty repository, and the pack for them.
fn kept() -> Option<Site> {
    if !has(&["borg"]) {
        return None;
    }
    let site = Site::bare();
    kept_files(&site, PACK);
    secret(&site, "BORG_PASSPHRASE", "only-a-word");
    site.edit(&ops(PACK), "LOCK_WAIT: \"60\"", "LOCK_WAIT: \"1\"");
    site.env("BORG_REPO", &site.aside("repo").display().to_string());
    site.env("BORG_PASSCOMMAND", &format!("cat {}", site.path("BORG_PASSPHRASE").display()));
    site.env("HOME", &site.aside("home").display().to_string());
    site.sh("borg init --encryption=repokey");
    Some(site)
}

/// Somebody who holds the repository until he is ended.
fn at_work(site: &Site) -> Child {
    let (held, repo) = (site.aside("held"), site.aside("repo"));
    let mut child = Command::new("borg")
        .arg("with-lock")
        .arg(&repo)
        .args(["sh", "-c", "touch \"$1\"; exec cat", "-"])
        .arg(&held)
        .env("HOME", site.aside("home"))
        .env("BORG_PASSCOMMAND", format!("cat {}", site.path("BORG_PASSPHRASE").display()))
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .expect("it was found");
    until("the repository is locked", || {
        assert!(child.try_wait().expect("it is ours").is_none(), "borg ended");
        fs::metadata(&held).ok()
    });
    child
}

#[test]
fn files_are_kept_checked_and_restored_byte_for_byte_and_a_repository_that_lost_one_is_found() {
    let Some(site) = kept() else { return };
    verified(&site, PACK);
    let drill = drilled(&site, PACK);
    let look = &drill.json["verifications"][0]["observed"];
    assert!(look.as_str().unwrap().contains("all 41 files"), "{drill:?}");
    // A file of the repository is gone.
    site.sh("rm $(ls -S \"$BORG_REPO\"/data/0/* | head -n 1)");
    refused(&site, PACK, "the repository and its archives are whole", "exit 1");
    let drill = site.json(&["drill", PACK]);
    assert_eq!(drill.code, 1, "what is gone cannot be restored: {drill:?}");
}

#[test]
fn a_locked_repository_a_stale_archive_and_a_wrong_passphrase_are_found() {
    let Some(site) = kept() else { return };
    let mut somebody = at_work(&site);
    step_failed(&site, PACK, "archive", "acquire the lock");
    drop(somebody.stdin.take());
    somebody.wait().expect("it is ours");
    at_once(&site, PACK);
    site.edit(&ops(PACK), "borg create --lock-wait", "borg create --timestamp 2026-01-02T03:04:05 --lock-wait");
    refused(&site, PACK, "the newest archive is this one and of now", "hours old");
    site.write("BORG_PASSPHRASE", "another-word\n");
    step_failed(&site, PACK, "archive", "passphrase supplied");
    assert!(!site.read("told.txt").contains("another-word"), "{}", site.read("told.txt"));
}
