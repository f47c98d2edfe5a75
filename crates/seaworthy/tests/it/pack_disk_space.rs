//! Pack `disk-space` on a small file system of its own: room, then full, out of inodes, read-only; and healed.

use std::process::{Command, Stdio};

use serde_json::Value;

use crate::{
    kit::{Site, finish},
    pack_kit::site_with,
};

const PACK: &str = "disk-space";

/// Runs the pack on a file system of one MiB after each of these commands; all in one mount namespace.
fn on_a_small_disk(site: &Site, before: &[&str]) -> Option<Vec<(i32, Value)>> {
    let mut script = "set -e; mount -t tmpfs -o size=1m,nr_inodes=100 none small\n".to_owned();
    for (n, command) in before.iter().enumerate() {
        script += &format!(
            "{command}\n\"$1\" run {PACK} --json > out.{n} 2> err.{n} && echo 0 > code.{n} || echo $? > code.{n}\n"
        );
    }
    site.sh("mkdir small");
    let like = site.command(&[]);
    let mut command = Command::new("unshare");
    command.args(["--mount", "--propagation", "private", "sh", "-c", &script, "-"]).arg(like.get_program());
    command.current_dir(&site.folder).env_clear();
    command.envs(like.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let done = finish(command);
    if done.code != 0 && site.read("code.0").is_empty() {
        println!("SKIPPED: a file system of its own: no mount here ({})", done.stderr.trim());
        return None;
    }
    assert_eq!(done.code, 0, "{done:?}");
    let read = |n: usize| {
        (
            site.read(&format!("code.{n}")).trim().parse().unwrap(),
            serde_json::from_str(&site.read(&format!("out.{n}"))).unwrap(),
        )
    };
    Some((0..before.len()).map(read).collect())
}

fn reason(run: &(i32, Value)) -> &str {
    assert_eq!((run.0, &run.1["verified"]), (1, &"no".into()), "{run:?}");
    let reason = run.1["reason"].as_str().unwrap();
    assert!(!reason.contains('\n'), "{reason}");
    reason
}

#[test]
fn a_full_disk_is_cleaned_or_told_and_so_are_lost_inodes_and_a_disk_that_became_read_only() {
    let site = site_with(PACK, &[("folder", "small"), ("clean", "rm -f small/cache")]);
    let Some(runs) = on_a_small_disk(
        &site,
        &[
            "true",
            "head -c 900K /dev/zero > small/cache",
            "head -c 900K /dev/zero > small/data",
            "rm small/data; for n in $(seq 95); do touch small/$n; done",
            "rm small/*; mount -o remount,ro small",
        ],
    ) else {
        return;
    };
    assert_eq!(runs[0].0, 0, "{runs:?}");
    assert_eq!(runs[1].0, 0, "what may go was removed: {:?}", runs[1]);
    assert_eq!(runs[1].1["heals"][1]["outcome"], "healed", "{:?}", runs[1]);
    assert!(
        reason(&runs[2]).starts_with("at most 85 % of small are used: expected int(stdout.trim()) <= 85, seen "),
        "{:?}",
        runs[2]
    );
    assert!(
        reason(&runs[3]).starts_with("at most 90 % of its inodes are used: expected int(stdout.trim()) <= 90"),
        "{:?}",
        runs[3]
    );
    assert!(
        reason(&runs[4])
            .contains("it is mounted for writing: expected stdout.trim() == \"rw\", seen stdout.trim() \"ro\""),
        "{:?}",
        runs[4]
    );
    let told = site.read("told.txt");
    assert!(told.matches("procedures/disk-space-failed.md").count() >= 3, "{told}");
}
