//! Retention: what is old and not needed goes, the history stays whole, and every verb says what is gone.

use crate::{
    kit::{Site, until},
    server_history::{history, of},
};

const RUN: &str = "steps:\n  - { id: make, run: 'echo some words; echo x > \"$WORKDIR/x\"', makes: x }\nverify:\n  - { command: cat \"$ARTIFACT\", expect: 'stdout.trim() == \"x\"' }\n";

/// A site with a process that keeps next to nothing, and its runs, oldest first.
fn site(count: usize) -> (Site, Vec<String>) {
    let site = Site::new();
    site.process(
        "backup",
        &format!("{RUN}keep: {{ runs: 1, artifacts: 1, outputs: 1ms, bodies: 1ms, snapshots: 1ms }}\n"),
    );
    let run = |_| site.json(&["run", "backup"]).json["run_id"].as_str().unwrap().to_owned();
    let runs = (0..count).map(run).collect();
    (site, runs)
}

/// More verified runs than say what is usual, so that the first may go.
const MANY: usize = 23;

#[test]
fn what_went_is_said_by_every_verb_and_the_history_is_whole() {
    let (site, runs) = site(MANY);
    let before = site.json(&["retain", "--dry-run"]);
    assert_eq!(before.code, 0, "{before:?}");
    let parts = &before.json["processes"][0]["parts"];
    assert_eq!(parts["bodies"]["runs"], MANY - 20, "{parts}");
    assert_eq!(parts["bodies"]["stays"]["says what is usual"], 19, "{parts}");
    assert_eq!(parts["bodies"]["stays"]["the newest proof"], 1, "{parts}");
    assert_eq!(parts["outputs"]["runs"], MANY - 1, "{parts}");
    assert_eq!(site.json(&["show", &runs[0]]).json["bodies_dropped"], 0, "a dry run changes nothing");
    let done = site.json(&["retain"]);
    assert_eq!(done.code, 0, "{done:?}");
    assert_eq!(done.json["outputs"], MANY - 1, "{done:?}");
    let went = done.json["bodies"].as_u64().unwrap();
    assert!(went >= 5 * (MANY as u64 - 20), "{went}");
    let verified = site.json(&["audit", "verify"]);
    assert_eq!((verified.code, &verified.json["bodies_dropped"]), (0, &went.into()), "{verified:?}");
    assert_eq!(site.json(&["journal", "verify"]).code, 0);
    let show = site.json(&["show", &runs[0]]);
    assert_eq!((&show.json["verified"], &show.json["process"]), (&"yes".into(), &"backup".into()), "{show:?}");
    assert!(show.json["bodies_dropped"].as_u64().unwrap() >= 5, "{show:?}");
    let said = site.say(&["show", &runs[0]]).stdout;
    assert!(said.contains("were dropped by retention") && said.contains("VERIFIED"), "{said}");
    let logs = site.say(&["logs", &runs[0]]);
    assert!(logs.code == 0 && logs.stderr.contains("dropped by retention"), "{logs:?}");
    let logs = site.say(&["logs", &runs[5]]);
    assert!(!logs.stdout.contains("some words") && logs.stderr.contains("is not kept any more"), "{logs:?}");
    let newest = site.say(&["logs", &runs[MANY - 1]]);
    assert!(newest.stdout.contains("some words"), "the newest proof is whole: {newest:?}");
    assert_eq!(site.json(&["runs", "--limit", "100"]).json["runs"].as_array().unwrap().len(), MANY);
    let again = site.json(&["retain"]);
    assert_eq!((&again.json["bodies"], &again.json["outputs"]), (&0.into(), &0.into()), "{again:?}");
    let after = site.json(&["retain", "--dry-run"]);
    assert_eq!(after.json["processes"][0]["parts"]["bodies"]["gone"], MANY - 20, "{after:?}");
    assert_eq!(site.json(&["run", "backup"]).code, 0, "and `usual` still has its runs");
}

#[test]
fn a_server_retains_by_itself_and_its_pages_still_answer() {
    let (site, runs) = site(MANY);
    let server = site.server();
    until("the old bodies are gone", || (!of(&history(&site), "bodies_dropped").is_empty()).then_some(()));
    for page in ["/", "/processes/backup", &format!("/runs/{}", runs[0])] {
        assert_eq!(server.get(page).map(|answer| answer.0), Some(200), "{page}");
    }
    let page = server.get(&format!("/runs/{}", runs[0])).unwrap().1;
    assert!(page.contains("dropped by retention"), "{page}");
    let page = server.get("/processes/backup").unwrap().1;
    assert!(page.contains("Artifacts are kept of one run, outputs for 1ms"), "{page}");
    assert_eq!(site.json(&["retain"]).code, 0, "a server is asked");
    assert_eq!(server.stop(), 0);
    assert_eq!(site.json(&["audit", "verify"]).code, 0);
}

#[test]
fn keeping_less_waits_for_a_person() {
    let site = Site::new();
    site.process("backup", &format!("{RUN}keep: {{ bodies: 400d }}\n"));
    assert_eq!(site.json(&["run", "backup"]).code, 0);
    site.edit("ops/backup.yaml", "bodies: 400d", "bodies: 1ms, artifacts: 2");
    let status = site.json(&["status"]);
    let weaker = status.json["waits"][0]["weaker"].to_string();
    assert!(weaker.contains("keep: bodies from 400d to 1ms") && weaker.contains("keep from 7 to 2"), "{weaker}");
}

#[test]
fn the_artifact_that_is_proven_restorable_stays_until_another_one_is() {
    let site = Site::new();
    let drill = "drill:\n  restore:\n    every: 7d\n    recovery_time: 5m\n    steps: [{ id: back, run: 'cp \"$ARTIFACT\" \"$WORKDIR/y\"' }]\n    verify: [{ command: 'cat \"$WORKDIR/y\"', expect: 'stdout.trim() == \"x\"' }]\n";
    site.process("backup", &format!("{RUN}keep: 1\n{drill}"));
    let run = || {
        let run = site.json(&["run", "backup"]);
        assert_eq!(run.code, 0, "{run:?}");
        std::path::PathBuf::from(run.json["artifacts"][0]["place"].as_str().unwrap())
    };
    let first = run();
    assert_eq!(site.json(&["drill", "backup"]).code, 0);
    let (second, third) = (run(), run());
    assert!(first.exists(), "it is the one that is known to come back");
    assert!(!second.exists() && third.exists(), "of the others the newest is kept");
    assert_eq!(site.json(&["drill", "backup"]).code, 0);
    run();
    assert!(!first.exists() && third.exists(), "now that one is");
    assert_eq!(site.json(&["retain"]).code, 0);
    assert!(third.exists());
}
