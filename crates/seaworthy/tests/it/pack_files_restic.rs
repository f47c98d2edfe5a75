//! Pack `files-restic` with a real repository: kept and restored, then damaged, stale, locked and closed.

use std::{
    fs,
    process::{Child, Command, Stdio},
};

use crate::{
    kit::{Site, until},
    pack_kit::{at_once, drilled, has, kept_files, ops, refused, secret, step_failed, verified},
};

const PACK: &str = "files-restic";

/// Files, an empty repository, and the pack for them.
fn kept() -> Option<Site> {
    if !has(&["restic"]) {
        return None;
    }
    let site = Site::bare();
    kept_files(&site, PACK);
    secret(&site, "RESTIC_PASSWORD", "only-a-word");
    site.env("RESTIC_REPOSITORY", &site.aside("repo").display().to_string());
    site.env("RESTIC_PASSWORD_FILE", &site.path("RESTIC_PASSWORD").display().to_string());
    site.env("RESTIC_CACHE_DIR", &site.aside("cache").display().to_string());
    site.sh("restic init --quiet");
    Some(site)
}

/// Somebody who works in the repository until his input ends.
fn at_work(site: &Site) -> Child {
    let mut child = Command::new("restic")
        .args(["backup", "--quiet", "--stdin", "--password-file"])
        .arg(site.path("RESTIC_PASSWORD"))
        .arg("--repo")
        .arg(site.aside("repo"))
        .env("RESTIC_CACHE_DIR", site.aside("cache"))
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("it was found");
    let locks = || fs::read_dir(site.aside("repo").join("locks")).ok()?.flatten().next();
    until("the repository is locked", || {
        child.try_wait().expect("it is ours").map(|_| None).or_else(|| locks().map(Some))
    })
    .expect("restic waits for its input");
    child
}

#[test]
fn files_are_kept_checked_and_restored_byte_for_byte_and_a_repository_that_lost_one_is_found() {
    let Some(site) = kept() else { return };
    verified(&site, PACK);
    let drill = drilled(&site, PACK);
    let look = &drill.json["verifications"][0]["observed"];
    assert!(look.as_str().unwrap().contains("all 41 files"), "{drill:?}");
    // What was restored differs by one byte.
    site.edit(&ops(PACK), "--target \"$WORKDIR/$SCRATCH\"", "--target \"$WORKDIR/$SCRATCH\" && find \"$WORKDIR/$SCRATCH\" -name '7.txt' -exec sh -c 'echo x >> \"$1\"' - {} ';'");
    let drill = site.json(&["drill", PACK]);
    assert_eq!(drill.code, 1, "{drill:?}");
    assert!(drill.json["reason"].as_str().unwrap().contains("7.txt: FAILED"), "{drill:?}");
    // A file of the repository is gone.
    at_once(&site, PACK);
    site.sh("rm $(find \"$RESTIC_REPOSITORY/data\" -type f -size +64k | head -n 1)");
    refused(&site, PACK, "the repository is whole, and a part of its data was read", "exit 1");
}

#[test]
fn a_lock_that_somebody_holds_is_told_and_one_that_nobody_holds_is_removed_and_the_run_healed() {
    let Some(site) = kept() else { return };
    let mut somebody = at_work(&site);
    refused(&site, PACK, "the repository is whole, and a part of its data was read", "`unlock` command");
    somebody.kill().expect("it is ours");
    somebody.wait().expect("it is ours");
    assert_ne!(site.sh("ls \"$RESTIC_REPOSITORY/locks\""), "", "the lock outlives its holder");
    let run = verified(&site, PACK);
    assert_eq!(run.json["heals"][1]["what"], "run", "{run:?}");
    assert_eq!(run.json["heals"][1]["outcome"], "healed", "{run:?}");
}

#[test]
fn a_wrong_password_a_stale_snapshot_and_a_folder_that_is_gone_are_found() {
    let Some(site) = kept() else { return };
    at_once(&site, PACK);
    // A snapshot that says of itself that it is old, as one that was only copied does.
    site.edit(&ops(PACK), "restic backup --json", "restic backup --time '2026-01-02 03:04:05' --json");
    refused(&site, PACK, "the newest snapshot is this one and of now", "hours old");
    site.sh("mv ../files ../elsewhere");
    step_failed(&site, PACK, "snapshot", "exit 1");
    site.sh("mv ../elsewhere ../files");
    site.write("RESTIC_PASSWORD", "another-word\n");
    step_failed(&site, PACK, "snapshot", "wrong password or no key found");
    assert!(!site.read("told.txt").contains("another-word"), "{}", site.read("told.txt"));
}
