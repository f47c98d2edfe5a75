//! Definitions: read with line and column, planned, and never able to take the good ones with them.

use std::fs;

use crate::{
    kit::{Site, until},
    server_history::{history, of, stream, wait_for},
};

const GOOD: &str = "steps:\n  - { run: echo x > \"$WORKDIR/x\", makes: x }\nverify:\n  - { command: cat \"$ARTIFACT\", expect: 'stdout.trim() == \"x\"' }\n";

#[test]
fn an_unknown_process_is_refused_with_the_names_that_exist() {
    let site = Site::new();
    site.process("backup", GOOD);
    for verb in ["run", "drill"] {
        let run = site.json(&[verb, "bakup"]);
        assert_eq!(run.code, 2, "{run:?}");
        assert_eq!(run.json["error"]["code"], 2);
        let message = run.json["error"]["message"].as_str().unwrap();
        assert!(message.contains("`bakup`") && message.contains("backup"), "{message}");
        assert!(run.stderr.contains(message), "the words go to standard error as well: {run:?}");
    }
    let plan = site.json(&["plan", "bakup"]);
    assert_eq!(plan.code, 2, "{plan:?}");
}

#[test]
fn a_file_whose_name_draws_on_a_terminal_begins_no_line_of_its_own() {
    let site = Site::new();
    site.process("good", GOOD);
    assert_eq!(site.json(&["run", "good"]).code, 0);
    site.write("ops/\u{1b}[2Jodd\nThe only process is proven.yaml", "process: odd\nsteps: 3\n");
    for verb in [&["status"][..], &["check"], &["run", "good"], &["run", "odd"], &["plan"]] {
        let said = site.say(verb);
        let all = format!("{}{}", said.stdout, said.stderr);
        assert!(
            !all.contains('\u{1b}') && all.lines().all(|line| !line.starts_with("The only process is proven")),
            "{all}"
        );
    }
    assert!(site.say(&["status"]).stdout.contains("One broken file"));
}

#[test]
fn a_broken_file_is_refused_at_its_place_and_the_good_ones_run() {
    let site = Site::new();
    site.process("good", GOOD);
    site.process("broken", &GOOD.replace("verify:", "verifi:"));
    site.write("ops/torn.yaml", "process: torn\nsteps: [\n");
    let run = site.json(&["run", "good"]);
    assert_eq!(run.code, 0, "{run:?}");
    assert!(run.stderr.contains("ops/broken.yaml:4:1"), "the broken one is not kept quiet: {}", run.stderr);
    let run = site.json(&["run", "broken"]);
    assert_eq!(run.code, 2, "{run:?}");
    let message = run.json["error"]["message"].as_str().unwrap();
    assert!(message.contains("ops/broken.yaml:4:1: unknown key `verifi`"), "{message}");
    let check = site.json(&["check"]);
    assert_eq!(check.code, 2, "{check:?}");
    let found = check.json["diagnostics"].as_array().unwrap();
    let at = found.iter().find(|d| d["file"] == "ops/broken.yaml" && d["severity"] == "error").unwrap();
    assert_eq!((&at["severity"], &at["line"], &at["column"]), (&"error".into(), &4.into(), &1.into()));
    assert!(at["help"].as_str().unwrap().contains("verify"), "{at}");
    assert!(found.iter().any(|d| d["file"] == "ops/torn.yaml"), "{found:?}");
    let said = site.say(&["check"]).stdout;
    assert!(said.contains("ops/broken.yaml:4:1") && said.contains("^"), "with a caret: {said}");
    let status = site.json(&["status"]);
    assert_eq!(status.code, 1);
    assert!(status.json["broken"].to_string().contains("ops/broken.yaml"), "{status:?}");
}

#[test]
fn the_last_good_version_of_a_broken_file_goes_on() {
    let site = Site::new();
    site.process("backup", GOOD);
    let first = site.json(&["run", "backup"]);
    assert_eq!(first.code, 0, "{first:?}");
    site.process("backup", "steps: 7\n");
    let second = site.json(&["run", "backup"]);
    assert_eq!(second.code, 0, "{second:?}");
    assert_eq!(second.json["digest"], first.json["digest"]);
    assert!(second.stderr.contains("ops/backup.yaml:2:"), "{}", second.stderr);
}

#[test]
fn check_names_what_is_missing_and_says_nothing_of_what_is_whole() {
    let site = Site::bare();
    assert_eq!(site.json(&["init", "--root", &site.aside("home").display().to_string()]).code, 0);
    let check = site.json(&["check"]);
    assert_eq!(check.code, 0, "{check:?}");
    assert_eq!(check.json["diagnostics"], serde_json::json!([]), "what init writes is whole");
    assert_eq!(check.json["missing"], serde_json::json!([{ "process": "backup-example", "facets": [] }]));
    site.process("bare", "steps:\n  - { run: 'true' }\n");
    let check = site.json(&["check"]);
    assert_eq!(check.code, 0, "{check:?}");
    let bare = check.json["missing"].as_array().unwrap().iter().find(|m| m["process"] == "bare").unwrap();
    assert_eq!(bare["facets"], serde_json::json!(["trigger", "verify", "heal", "watch", "tell", "drill"]));
    for diagnostic in check.json["diagnostics"].as_array().unwrap() {
        for field in ["severity", "code", "file", "line", "column", "message", "help"] {
            assert!(!diagnostic[field].is_null(), "{field}: {diagnostic}");
        }
    }
}

#[test]
fn what_init_writes_runs_verified_and_restores_and_init_writes_over_nothing() {
    let site = Site::bare();
    assert_eq!(site.say(&["init", "--name", "First Shop"]).code, 0);
    assert!(site.read("seaworthy.yaml").contains("site: first-shop"));
    assert_eq!(site.say(&["run", "backup-example"]).code, 0);
    assert_eq!(site.say(&["drill", "backup-example"]).code, 0);
    let again = site.json(&["init"]);
    assert_eq!(again.code, 4, "{again:?}");
    assert!(again.stderr.contains("is a site already; nothing was written"), "{}", again.stderr);
}

#[test]
fn a_verify_that_proves_no_data_is_refused() {
    let site = Site::new();
    site.process(
        "empty",
        "steps:\n  - { run: 'true > \"$WORKDIR/x\"', makes: x }\nverify:\n  - { artifact: x, expect: size >= 0 }\n",
    );
    let check = site.json(&["check"]);
    assert_eq!(check.code, 2, "{check:?}");
    let errors = check.json["diagnostics"].as_array().unwrap().iter().filter(|d| d["severity"] == "error");
    assert_eq!(errors.map(|d| d["code"].as_str().unwrap()).collect::<Vec<_>>(), ["no-data-check"]);
    assert_eq!(site.json(&["run", "empty"]).code, 2);
}

#[test]
fn the_plan_shows_ten_fires_through_the_night_of_the_clock_change() {
    let site = Site::new();
    site.process("nightly", &format!("schedule: {{ cron: '30 2 * * *', timezone: Europe/Berlin }}\n{GOOD}"));
    site.process("often", &format!("schedule: {{ cron: '*/30 * * * *', timezone: Europe/Berlin }}\n{GOOD}"));
    site.process("asked", GOOD);
    let plan = site.json(&["plan", "--at", "2026-10-25T00:00:00Z"]);
    assert_eq!(plan.code, 0, "{plan:?}");
    let fires = |name: &str| -> Vec<String> {
        let all = plan.json["processes"].as_array().unwrap();
        let process = all.iter().find(|p| p["process"] == name).unwrap();
        assert_eq!(process["change"], "new");
        process["next"].as_array().unwrap().iter().map(|f| f["utc"].as_str().unwrap().to_owned()).collect()
    };
    let nightly = fires("nightly");
    assert_eq!(nightly.len(), 10);
    assert_eq!(
        nightly[..2],
        ["2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"],
        "once in the night that has 02:30 twice"
    );
    let often = fires("often");
    assert_eq!(
        often[..4],
        ["2026-10-25T00:30:00Z", "2026-10-25T01:00:00Z", "2026-10-25T01:30:00Z", "2026-10-25T02:00:00Z"]
    );
    assert!(fires("asked").is_empty());
    let first =
        &plan.json["processes"].as_array().unwrap().iter().find(|p| p["process"] == "nightly").unwrap()["next"][0];
    assert!(first["local"].as_str().unwrap().contains("02:30") && first["skipped"].is_null(), "{first}");
    let spring = site.json(&["plan", "nightly", "--at", "2026-03-28T12:00:00Z"]);
    assert_eq!(
        spring.json["processes"][0]["next"][0]["utc"], "2026-03-29T01:00:00Z",
        "at the first instant after the gap"
    );
    assert!(!site.data().exists(), "planning changes nothing");
    let bad = site.json(&["plan", "--at", "tomorrow"]);
    assert_eq!(bad.code, 2, "{bad:?}");
}

#[test]
fn the_plan_says_what_would_change() {
    let site = Site::new();
    site.process("backup", GOOD);
    let change = || site.json(&["plan"]).json["processes"][0]["change"].clone();
    assert_eq!(change(), "new");
    assert_eq!(site.json(&["run", "backup"]).code, 0);
    assert_eq!(change(), "unchanged");
    site.edit("ops/backup.yaml", "run: echo x", "run: echo  x");
    assert_eq!(change(), "changed");
}

#[test]
fn the_schema_is_json_and_needs_no_site() {
    let site = Site::bare();
    let schema = site.say(&["schema"]);
    assert_eq!(schema.code, 0, "{schema:?}");
    let value: serde_json::Value = serde_json::from_str(&schema.stdout).unwrap();
    assert!(value["$schema"].as_str().unwrap().contains("json-schema.org"), "{}", value["$schema"]);
    assert!(schema.stdout.contains("finish_within"), "it has the words of a process");
}

#[test]
fn a_server_takes_new_definitions_and_keeps_the_good_version_of_a_spoilt_one() {
    let site = Site::new();
    site.process("backup", GOOD);
    let server = site.server();
    let first = site.json(&["run", "backup"]);
    site.edit("ops/backup.yaml", "run: echo x", "run: echo  x");
    server.hup();
    let second = until("the new definition is in force", || {
        Some(site.json(&["run", "backup"])).filter(|run| run.json["digest"] != first.json["digest"])
    });
    assert_eq!(second.code, 0, "{second:?}");
    site.process("backup", "steps: 7\n");
    site.process("another", GOOD);
    server.hup();
    until("the new process is in force", || (site.json(&["run", "another"]).code == 0).then_some(()));
    let third = site.json(&["run", "backup"]);
    assert_eq!((third.code, &third.json["digest"]), (0, &second.json["digest"]), "{third:?}");
    let page = server.get("/").expect("it answers");
    assert_eq!(page.0, 200);
    assert!(page.1.contains("ops/backup.yaml"), "the broken file is on the overview: {}", page.1);
    assert_eq!(server.stop(), 0);
}

/// Files under `ops/` and the folder itself go: what reading it then gives is an error, also for root.
fn hide(site: &Site) {
    fs::rename(site.path("ops"), site.path("hidden")).unwrap();
    std::os::unix::fs::symlink("ops", site.path("ops")).unwrap();
}

#[test]
fn a_folder_that_cannot_be_read_takes_no_process_out_of_force() {
    let site = Site::new();
    site.process("backup", GOOD);
    site.process("second", GOOD);
    let server = site.server();
    let first = site.json(&["run", "backup"]);
    assert_eq!(first.code, 0, "{first:?}");
    hide(&site);
    let broken = wait_for(&site, "site", "file_broken");
    assert_eq!(broken.text("file"), "ops", "{broken:?}");
    let again = site.json(&["run", "backup"]);
    assert_eq!((again.code, &again.json["digest"]), (0, &first.json["digest"]), "{again:?}");
    server.stop();
    let alone = site.json(&["run", "second"]);
    assert_eq!(alone.code, 0, "without a server too: {alone:?}");
    assert_eq!(site.json(&["check"]).code, 2, "and check says so");
    let server = site.server();
    assert_eq!(site.json(&["run", "backup"]).code, 0, "over a restart");
    fs::remove_file(site.path("ops")).unwrap();
    fs::rename(site.path("hidden"), site.path("ops")).unwrap();
    wait_for(&site, "site", "file_mended");
    assert_eq!(server.stop(), 0);
    assert!(of(&history(&site), "process_removed").is_empty());
}

#[test]
fn a_file_that_is_emptied_is_broken_and_a_pipe_holds_nothing_up() {
    let site = Site::new();
    site.process("backup", GOOD);
    let server = site.server();
    let first = site.json(&["run", "backup"]);
    site.sh(": > ops/backup.yaml; mkfifo ops/pipe.yaml");
    until("both are said to be broken", || {
        let facts = history(&site);
        let files: Vec<&str> = of(&facts, "file_broken").iter().map(|fact| fact.text("file")).collect();
        (files.contains(&"ops/backup.yaml") && files.contains(&"ops/pipe.yaml")).then_some(())
    });
    let again = site.json(&["run", "backup"]);
    assert_eq!((again.code, &again.json["digest"]), (0, &first.json["digest"]), "{again:?}");
    assert_eq!(site.json(&["check"]).code, 2);
    assert_eq!(server.stop(), 0);
    assert!(of(&stream(&site, "process/backup"), "process_removed").is_empty());
}
