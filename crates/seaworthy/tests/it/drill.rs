//! Drills: they restore what was verified, or say that it is not there any more.

use crate::kit::{Output, Site};

const PROCESS: &str = r#"
steps:
  - { id: dump, run: 'echo orders > "$WORKDIR/dump"', makes: dump }
verify:
  - { command: 'cat "$ARTIFACT"', expect: 'stdout.trim() == "orders"' }
tell: { route: oncall, when: [failed, unverified, unknown] }
drill:
  restore:
    recovery_time: 1m
    steps:
      - { id: restore, run: 'mkdir "$WORKDIR/$SCRATCH" && cp "$ARTIFACT" "$WORKDIR/$SCRATCH/" && echo "$SCRATCH" >> scratch' }
    verify:
      - { command: 'cat "$WORKDIR/$SCRATCH/dump"', expect: 'stdout != ""' }
    after:
      - { id: clean, run: 'rm -rf "$WORKDIR/$SCRATCH" && echo clean >> cleaned' }
"#;

/// A site with one verified run, and where its artifact is.
fn verified() -> (Site, String) {
    let site = Site::new();
    site.process("backup", PROCESS);
    let run = site.json(&["run", "backup"]);
    assert_eq!(run.code, 0, "{run:?}");
    (site, run.json["artifacts"][0]["place"].as_str().unwrap().to_owned())
}

fn failed(site: &Site, drill: &Output, reason: &str) {
    assert_eq!(drill.code, 1, "{drill:?}");
    assert_eq!((&drill.json["executed"], &drill.json["verified"]), (&"failed".into(), &"no".into()));
    assert!(drill.json["recovery_time_ms"].is_null(), "{drill:?}");
    let said = drill.json["reason"].as_str().unwrap();
    assert!(said.contains(reason) && !said.contains('\n'), "expected `{reason}`, seen `{said}`");
    assert!(!site.say(&["status"]).stdout.contains("proven restorable"));
    let told = site.read("told.txt");
    assert!(told.contains("restore drill of backup: FAILED") && told.contains(reason), "{told}");
    assert_eq!(site.read("cleaned"), "clean\n", "what comes after comes also after failure");
}

#[test]
fn a_drill_of_a_changed_artifact_proves_nothing() {
    let (site, place) = verified();
    site.sh(&format!("echo others > {place}"));
    let drill = site.json(&["drill", "backup"]);
    failed(&site, &drill, "was changed since run_");
    assert!(!site.path("scratch").exists(), "it was restored all the same");
}

#[test]
fn a_drill_of_a_lost_artifact_says_that_it_is_lost() {
    let (site, place) = verified();
    site.sh(&format!("rm {place}"));
    let drill = site.json(&["drill", "backup"]);
    failed(&site, &drill, "is not there any more");
}

#[test]
fn a_drill_restores_the_newest_verified_artifact_and_not_the_newest() {
    let (site, _) = verified();
    let good = site.json(&["runs"]).json["runs"][0]["run_id"].clone();
    site.edit("ops/backup.yaml", "echo orders", "echo others");
    assert_eq!(site.json(&["run", "backup"]).code, 1);
    let drill = site.json(&["drill", "backup"]);
    assert_eq!(drill.code, 0, "{drill:?}");
    assert_eq!(drill.json["artifact"]["from_run"], good);
}

#[test]
fn each_drill_has_a_scratch_name_of_its_own() {
    let (site, _) = verified();
    for _ in 0..2 {
        assert_eq!(site.json(&["drill", "backup"]).code, 0);
    }
    let names = site.read("scratch");
    let names: Vec<&str> = names.lines().collect();
    assert_eq!(names.len(), 2);
    assert_ne!(names[0], names[1]);
    assert!(names.iter().all(|n| n.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')), "{names:?}");
}

#[test]
fn a_process_without_a_drill_or_without_a_verified_run_is_refused() {
    let site = Site::new();
    site.process("backup", PROCESS);
    let early = site.json(&["drill", "backup"]);
    assert_eq!(early.code, 2, "{early:?}");
    assert!(early.stderr.contains("has no verified artifact to restore yet; run it first: seaworthy run backup"));
    site.process("plain", "steps:\n  - { run: 'true' }\n");
    let none = site.json(&["drill", "plain"]);
    assert_eq!(none.code, 2, "{none:?}");
    assert!(none.stderr.contains("add `drill: restore:` to ops/plain.yaml"), "{}", none.stderr);
}

#[test]
fn status_says_that_a_restore_went_wrong_until_one_goes_well() {
    let (site, place) = verified();
    let before = site.json(&["status"]);
    assert_eq!((before.code, &before.json["processes"][0]["drill"]), (0, &serde_json::Value::Null), "{before:?}");
    site.sh(&format!("rm {place}"));
    assert_eq!(site.json(&["drill", "backup"]).code, 1);
    let after = site.json(&["status"]);
    assert_eq!(after.code, 1, "not all is proven: {after:?}");
    assert!(after.json["processes"][0]["drill"]["reason"].as_str().unwrap().contains("is not there any more"));
    let said = site.say(&["status"]).stdout;
    assert!(said.starts_with("The only process is verified. One restore drill went wrong."), "{said}");
    assert!(said.contains("it may not be restorable"), "{said}");
    assert_eq!(site.json(&["run", "backup"]).code, 0);
    assert_eq!(site.json(&["drill", "backup"]).code, 0);
    assert_eq!(site.json(&["status"]).code, 0);
}
