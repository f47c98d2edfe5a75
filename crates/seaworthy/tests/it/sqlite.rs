//! The example `sqlite-backup`, used as its page says and then made to lie.

use serde_json::Value;

use crate::kit::Site;

/// The example with its data, or `None` if a part is missing. Its waits are shortened, nothing else.
fn shop() -> Option<Site> {
    let site = Site::example("sqlite-backup");
    if let Err(e) = std::process::Command::new("sqlite3").arg("--version").output() {
        println!("SKIPPED: sqlite3: the program is not installed ({e})");
        return None;
    }
    site.edit("ops/backup-shop.yaml", "backoff: 1s..10s", "backoff: 10ms..20ms");
    site.sh("./make-data.sh");
    Some(site)
}

/// Adds a command to the end of the step `copy`.
fn sabotage(site: &Site, command: &str) {
    let line = "\"vacuum into '$WORKDIR/shop.db'\"";
    site.edit("ops/backup-shop.yaml", line, &format!("{line} && {command}"));
}

/// Exit 1; the whole ladder was climbed; the person was told what was expected and seen. Returns the reason.
fn refused(site: &Site) -> String {
    let run = site.json(&["run", "backup-shop"]);
    assert_eq!(run.code, 1, "{run:?}");
    assert_eq!((&run.json["executed"], &run.json["verified"]), (&"ok".into(), &"no".into()));
    let heals: Vec<_> = run.json["heals"].as_array().unwrap().iter().map(|h| h["what"].as_str().unwrap()).collect();
    assert_eq!(heals, ["retry", "retry", "run", "tell"], "{}", run.json["heals"]);
    assert_eq!(run.json["steps"][0]["attempts"], 3);
    let told = site.read("told.txt");
    for part in ["backup-shop: NOT VERIFIED", "Expected:", "Seen:", "Tried:", "procedures/backup-shop-failed.md"] {
        assert!(told.contains(part), "the message lacks `{part}`:\n{told}");
    }
    run.json["reason"].as_str().unwrap().to_owned()
}

fn check_is(reason: &str, name: &str, seen: &str) {
    assert!(reason.starts_with(&format!("{name}: expected ")), "expected a no of `{name}`, seen: {reason}");
    assert!(reason.contains(seen) && !reason.contains('\n'), "expected `{seen}` in: {reason}");
}

#[test]
fn the_shop_is_checked_copied_verified_and_restored_as_its_page_says() {
    let Some(site) = shop() else { return };
    let check = site.json(&["check"]);
    assert_eq!(check.code, 0, "{check:?}");
    assert_eq!(check.json["missing"][0], serde_json::json!({ "process": "backup-shop", "facets": [] }));
    let drill = site.json(&["drill", "backup-shop"]);
    assert_eq!(drill.code, 2, "there is nothing to restore yet: {drill:?}");
    let run = site.json(&["run", "backup-shop"]);
    assert_eq!(run.code, 0, "{run:?}");
    let drill = site.json(&["drill", "backup-shop"]);
    assert_eq!(drill.code, 0, "{drill:?}");
    assert_eq!(drill.json["verified"], "yes");
    assert_eq!(drill.json["artifact"]["sha256"], run.json["artifacts"][0]["sha256"], "it restored something else");
    let took = drill.json["recovery_time_ms"].as_u64().unwrap();
    assert_eq!(drill.json["objective_ms"], 120_000);
    assert!((1..120_000).contains(&took), "{took}");
    assert_eq!(drill.json["within_objective"], true);
    assert_eq!(scratch_left(&site), Vec::<String>::new());
    assert_eq!(site.say(&["status"]).code, 0);
}

#[test]
fn a_copy_that_is_cut_off_is_found() {
    let Some(site) = shop() else { return };
    sabotage(&site, "truncate -s -20K \"$WORKDIR/shop.db\"");
    check_is(&refused(&site), "every page is sound", "malformed");
}

#[test]
fn an_empty_file_that_sqlite_calls_ok_is_found() {
    let Some(site) = shop() else { return };
    sabotage(&site, "truncate -s 0 \"$WORKDIR/shop.db\"");
    check_is(&refused(&site), "it is there and new", "size 0 B");
}

#[test]
fn a_copy_of_another_database_is_found() {
    let Some(site) = shop() else { return };
    site.sh("cp data/shop.db other.db && sqlite3 other.db \"update setting set value = 'shop-test'\"");
    sabotage(&site, "cp other.db \"$WORKDIR/shop.db\"");
    check_is(&refused(&site), "it is this shop, and it holds orders", "shop-test");
}

#[test]
fn a_copy_from_long_ago_is_found() {
    let Some(site) = shop() else { return };
    site.sh("sqlite3 data/shop.db \"vacuum into 'old.db'\" && ./make-data.sh 1500");
    sabotage(&site, "cp old.db \"$WORKDIR/shop.db\"");
    check_is(&refused(&site), "it is up to date with the live database", "1500 orders behind");
}

#[test]
fn lost_orders_are_found_once_usual_is_known() {
    let Some(site) = shop() else { return };
    for n in 1..=5 {
        let run = site.json(&["run", "backup-shop"]);
        assert_eq!(run.code, 0, "run {n}: {run:?}");
    }
    // The newest remain, so that it is up to date; every tenth is gone.
    sabotage(&site, "sqlite3 \"$WORKDIR/shop.db\" \"delete from orders where id % 10 = 1\"");
    check_is(&refused(&site), "no orders were lost", "value 1800");
}

/// Files of drills that are left anywhere below the data folder.
fn scratch_left(site: &Site) -> Vec<String> {
    let found = site.sh("find .seaworthy vault data -name 'drill_*'");
    found.lines().map(str::to_owned).collect()
}

#[test]
fn a_drill_cleans_up_even_when_what_it_restored_is_wrong() {
    let Some(site) = shop() else { return };
    assert_eq!(site.json(&["run", "backup-shop"]).code, 0);
    let restore = "\".restore '$ARTIFACT'\"";
    let spoilt = " && sqlite3 \"$WORKDIR/$SCRATCH.db\" \"update orders set total = 1 where id = 7\" && ls \"$WORKDIR\"";
    site.edit("ops/backup-shop.yaml", restore, &format!("{restore}{spoilt}"));
    let drill = site.json(&["drill", "backup-shop"]);
    assert_eq!(drill.code, 1, "{drill:?}");
    assert_eq!(drill.json["verified"], "no");
    assert_eq!(drill.json["recovery_time_ms"], Value::Null, "what is wrong was not recovered");
    assert_eq!(drill.json["within_objective"], Value::Null);
    check_is(drill.json["reason"].as_str().unwrap(), "the money adds up", "value 1");
    let steps: Vec<_> = drill.json["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|s| (s["id"].as_str().unwrap(), s["outcome"].as_str().unwrap()))
        .collect();
    assert_eq!(steps[0], ("restore", "done"));
    assert!(steps[1].0.starts_with("after.") && steps[1].1 == "done", "{steps:?}");
    let logs = site.say(&["logs", drill.json["drill_id"].as_str().unwrap()]).stdout;
    assert!(logs.contains("drill_"), "the scratch database was there: {logs}");
    assert_eq!(scratch_left(&site), Vec::<String>::new());
    let status = site.say(&["status"]).stdout;
    assert!(!status.contains("proven restorable"), "{status}");
}

#[test]
fn a_drill_that_takes_longer_than_its_objective_says_so() {
    let Some(site) = shop() else { return };
    assert_eq!(site.json(&["run", "backup-shop"]).code, 0);
    site.edit("ops/backup-shop.yaml", "recovery_time: 2m", "recovery_time: 10ms");
    let drill = site.json(&["drill", "backup-shop"]);
    assert_eq!(drill.json["verified"], "yes", "{drill:?}");
    assert_eq!(drill.json["objective_ms"], 10);
    assert!(drill.json["recovery_time_ms"].as_u64().unwrap() > 10);
    assert_eq!(drill.json["within_objective"], false);
}
