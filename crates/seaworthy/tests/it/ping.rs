//! Addresses in the form of Healthchecks, with curl as everybody has it: each start and end is a run, and a ping alone
//! is never green.

use std::{
    fs,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::kit::{Server, Site, finish, until};

/// `curl` with these arguments before the address; status and body.
fn curl(args: &[&str], url: &str) -> (u16, String) {
    let mut command = Command::new("curl");
    command.args(["-sS", "-m", "30", "-w", "\n%{http_code}"]).args(args).arg(url);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let said = finish(command);
    let (body, status) = said.stdout.rsplit_once('\n').unwrap_or_else(|| panic!("{said:?}"));
    (status.parse().unwrap(), body.to_owned())
}

fn lacks_curl() -> bool {
    let lacks = Command::new("curl").arg("--version").stdout(Stdio::null()).status().is_err();
    if lacks {
        println!("SKIPPED: curl: it is not installed");
    }
    lacks
}

fn ok(args: &[&str], url: &str) {
    assert_eq!(curl(args, url), (200, "OK".into()), "{url}");
}

/// A new key: the address by UUID, and the one with the name.
fn key(site: &Site, server: &Server, process: &str) -> (String, String) {
    let made = site.json(&["ping", "new", process]);
    assert_eq!(made.code, 0, "{made:?}");
    let text = |field: &str| made.json[field].as_str().unwrap().to_owned();
    let base = server.url.trim_end_matches('/');
    assert_eq!(text("url"), format!("{base}/ping/{}", text("uuid")));
    (text("url"), format!("{base}/ping/{}/{process}", text("letters")))
}

/// Ended runs of a process, newest first.
fn runs(site: &Site, process: &str) -> Vec<Value> {
    let said = site.json(&["runs", "--limit", "100"]);
    let all = said.json["runs"].as_array().unwrap_or_else(|| panic!("{said:?}"));
    all.iter().filter(|run| run["process"] == process).cloned().collect()
}

fn ended(site: &Site, process: &str, count: usize) -> Vec<Value> {
    until("that many runs have ended", || Some(runs(site, process)).filter(|runs| runs.len() >= count))
}

fn show(site: &Site, run: &Value) -> Value {
    site.json(&["show", run["run_id"].as_str().unwrap()]).json
}

#[test]
fn the_pings_of_healthchecks_are_taken_as_they_are() {
    if lacks_curl() {
        return;
    }
    let site = Site::new();
    let server = site.server();
    let (url, slug) = key(&site, &server, "nightly");
    until("the server has the name", || server.get("/api/v1/processes").filter(|(_, body)| body.contains("nightly")));

    let (_, page) = server.get("/processes/nightly").unwrap();
    assert!(page.contains("seaworthy ping new nightly") && !page.contains("seaworthy run nightly"), "{page}");
    // As in their documentation: `curl -fsS -m 10 --retry 5 -o /dev/null URL`, with a HEAD and a POST beside it.
    ok(&["--retry", "5"], &url);
    let run = show(&site, &ended(&site, "nightly", 1)[0]);
    let (_, page) = server.get(&format!("/runs/{}", run["run_id"].as_str().unwrap())).unwrap();
    assert!(page.contains("<b>outside</b> <span>done</span>") && !page.contains("no end was seen"), "{page}");
    assert!(!page.contains("/processes/nightly/run\"") && !page.contains("seaworthy run nightly"), "{page}");
    assert!(page.contains("seaworthy exec nightly --"), "{page}");
    assert_eq!((&run["executed"], &run["verified"]), (&Value::from("ok"), &Value::from("unproven")));
    assert_eq!(curl(&["-I", "-o", "/dev/null"], &slug).0, 200);
    ended(&site, "nightly", 2);

    // The three lines of a script: start, its work, its exit code with what it said.
    ok(&[], &format!("{url}/start"));
    until("it runs", || {
        let live = site.json(&["runs"]).json["live"].clone();
        (live[0]["process"] == "nightly" && live[0]["doing"] == "step outside").then_some(())
    });
    ok(&["--data-raw", "half way"], &format!("{url}/log"));
    ok(&["--data-raw", "copied 3 files\nno space left"], &format!("{url}/23"));
    let run = show(&site, &ended(&site, "nightly", 3)[0]);
    assert_eq!((&run["executed"], &run["verified"]), (&Value::from("failed"), &Value::from("no")));
    assert_eq!(run["steps"][0]["exit"], 23);
    assert_eq!(run["steps"][0]["reason"], "exit 23: no space left");
    let id = run["run_id"].as_str().unwrap();
    assert!(site.say(&["logs", id]).stdout.contains("copied 3 files\nno space left"));
    assert!(site.say(&["show", id]).stdout.contains("said    half way"));

    let (_, page) = server.get("/processes/nightly").unwrap();
    assert!(
        page.contains("Started outside") && !page.contains("/processes/nightly/run\""),
        "nobody can start it: {page}"
    );

    ok(&[], &format!("{slug}/fail"));
    assert_eq!(show(&site, &ended(&site, "nightly", 4)[0])["steps"][0]["reason"], "it said that it failed");
    ok(&[], &format!("{slug}/0"));
    assert_eq!(show(&site, &ended(&site, "nightly", 5)[0])["executed"], "ok");
    ok(&["-d", "no run is open"], &format!("{slug}/log"));
    assert_eq!(runs(&site, "nightly").len(), 5, "a remark is no run");
    let entries = site.json(&["journal", "--limit", "1000"]).stdout;
    assert!(entries.contains("no run is open"), "but it is kept");
    assert!(site.json(&["audit", "verify"]).json["ok"].as_bool().unwrap());
}

#[test]
fn a_body_cannot_draw_on_the_terminal() {
    if lacks_curl() {
        return;
    }
    let site = Site::new();
    let server = site.server();
    let (url, _) = key(&site, &server, "nightly");
    until("the server has the name", || server.get("/api/v1/processes").filter(|(_, body)| body.contains("nightly")));
    site.write("body", "copied\nno space\u{1b}[2K\r\u{1b}[1A\u{1b}[32mVERIFIED nightly\u{9b}2K\n");
    let body = format!("@{}", site.path("body").display());
    ok(&["--data-binary", &body], &format!("{url}/fail"));
    let run = ended(&site, "nightly", 1)[0].clone();
    assert_eq!(run["reason"].as_str().map(|reason| reason.contains(char::is_control)), Some(false), "{run}");
    let log = until("it is in the log", || Some(server.log()).filter(|log| log.contains("it said that it failed")));
    for said in [site.say(&["status"]).stdout, site.say(&["runs"]).stdout, log] {
        let drawn: Vec<char> = said.chars().filter(|c| c.is_control() && *c != '\n').collect();
        assert_eq!(drawn, Vec::<char>::new(), "{said:?}");
    }
}

#[test]
fn runs_with_ids_of_their_own_overlap_and_a_restart_forgets_none() {
    if lacks_curl() {
        return;
    }
    let site = Site::new();
    let server = site.server();
    let (url, _) = key(&site, &server, "jobs");
    until("the server has the name", || server.get("/api/v1/processes").filter(|(_, body)| body.contains("jobs")));
    ok(&[], &format!("{url}/start?rid=one"));
    ok(&[], &format!("{url}/start?rid=two"));
    ok(&[], &format!("{url}/start?rid=two"));
    let asked = Instant::now();
    assert_eq!(server.stop(), 0);
    assert!(asked.elapsed() < Duration::from_secs(8), "what runs outside holds up no stop");
    let server = site.server();
    let path = url.split_once("/ping/").unwrap().1.to_owned();
    let url = format!("{}ping/{path}", server.url);
    let live = site.json(&["runs"]).json["live"].as_array().unwrap().len();
    assert_eq!(live, 2, "a start that comes twice is one, and whoever of us stops, they go on");
    ok(&[], &format!("{url}?rid=two"));
    ok(&[], &format!("{url}/fail?rid=one"));
    let all = ended(&site, "jobs", 2);
    let outcome = |word: &str| all.iter().filter(|run| run["executed"] == word).count();
    assert_eq!((outcome("ok"), outcome("failed")), (1, 1), "{all:?}");

    // Without ids a start gives up the one before it: nobody saw how that ended.
    ok(&[], &format!("{url}/start"));
    ok(&[], &format!("{url}/start"));
    let all = ended(&site, "jobs", 3);
    assert_eq!(all[0]["executed"], "unknown", "{all:?}");
    ok(&[], &url);
    ended(&site, "jobs", 4);
}

#[test]
fn verification_looks_when_the_ping_has_come_and_only_that_is_green() {
    if lacks_curl() {
        return;
    }
    let site = Site::new();
    site.process(
        "copy",
        "pinged: true\nsecrets: [DB_PASSWORD]\nverify:\n  - { command: cat copy, expect: 'stdout.trim() == \"data\"' }\n",
    );
    site.env("DB_PASSWORD", "hunter2hunter2");
    let server = site.server();
    let (url, _) = key(&site, &server, "copy");
    ok(&[], &url);
    assert_eq!(ended(&site, "copy", 1)[0]["verified"], "no", "nothing is there, whatever it says");
    site.write("copy", "data\n");
    ok(&["-d", "connecting with hunter2hunter2"], &url);
    let run = ended(&site, "copy", 2)[0].clone();
    assert_eq!(run["verified"], "yes");
    let logs = site.say(&["logs", run["run_id"].as_str().unwrap()]).stdout;
    assert!(logs.contains("connecting with ***DB_PASSWORD***"), "{logs}");
    ok(&["-d", "hunter2hunter2 again"], &format!("{url}/log"));
    assert!(!site.json(&["journal", "--limit", "1000"]).stdout.contains("hunter2"));
}

#[test]
fn bad_pings_are_named_large_ones_cut_floods_stopped_and_a_key_taken_back() {
    if lacks_curl() {
        return;
    }
    let site = Site::new();
    site.process("other", "steps: [{ run: 'true' }]\n");
    let server = site.server();
    let (url, slug) = key(&site, &server, "nightly");
    until("the server has the name", || server.get("/api/v1/processes").filter(|(_, body)| body.contains("nightly")));
    let base = server.url.clone();
    for path in ["ping/nonsense", "ping/00000000-0000-4000-8000-000000000000", "ping/AAAAAAAAAAAAAAAAAAAAAA/nightly"] {
        assert_eq!(curl(&[], &format!("{base}{path}")), (404, "not found".into()), "{path}");
    }
    assert_eq!(curl(&[], &slug.replace("/nightly", "/other")).0, 404, "the key is for its own name");
    for word in ["begin", "256", "-1", "1e1"] {
        assert_eq!(curl(&[], &format!("{url}/{word}")).0, 400, "{word}");
    }
    assert_eq!(curl(&[], &format!("{url}?rid={}", "x".repeat(65))).0, 400);
    assert_eq!(curl(&["-X", "PUT"], &url).0, 405);
    assert_eq!(curl(&["-H", "Host: evil.example"], &url).0, 421);

    site.write("large", &"0123456789".repeat(50_000));
    let file = format!("@{}", site.path("large").display());
    let url_log = url.clone();
    let (status, _) = curl(&["--data-binary", &file], &url_log);
    assert_eq!(status, 200);
    let run = show(&site, &ended(&site, "nightly", 1)[0]);
    let kept = site.say(&["logs", run["run_id"].as_str().unwrap()]).stdout;
    assert!(kept.len() > 9_900 && kept.len() < 11_000, "{} bytes", kept.len());

    let statuses: Vec<u16> = (0..61).map(|_| curl(&["-d", ""], &format!("{url}/log")).0).collect();
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 59, "{statuses:?}");
    assert!(statuses.ends_with(&[429]));

    let listed = site.json(&["ping", "list"]);
    let letters = slug.rsplit('/').nth(1).unwrap().to_owned();
    let uuid = url.rsplit('/').next().unwrap().to_owned();
    assert_eq!(listed.json["keys"][0]["process"], "nightly");
    assert_eq!(site.json(&["ping", "new", "other"]).code, 2, "it is started from here");
    assert_eq!(site.json(&["ping", "revoke", "nightly"]).code, 0);
    assert_eq!(curl(&[], &url).0, 404);
    assert_eq!(site.json(&["ping", "revoke", "nightly"]).code, 2, "there is none any more");
    let mut all = listed.stdout + &server.log() + &server.get("/processes/nightly").unwrap().1;
    for file in site.sh("find .seaworthy -type f").lines() {
        all += &String::from_utf8_lossy(&fs::read(site.path(file)).unwrap());
    }
    assert!(!all.contains(&letters) && !all.contains(&uuid), "a key is nowhere but with who was shown it");
}

#[test]
fn the_watcher_misses_a_ping_that_does_not_come_and_one_that_does_not_end() {
    if lacks_curl() {
        return;
    }
    let site = Site::new();
    site.process(
        "beat",
        "pinged: true\nschedule: { every: 1s }\nwatch: { start_within: 1s, finish_within: 1s }\ntell: { route: oncall, when: [missed, long] }\n",
    );
    let server = site.server();
    let signal = |kind: &str| {
        let status = site.json(&["status"]);
        status.json["signals"].as_array()?.iter().find(|signal| signal["kind"] == kind).cloned()
    };
    let missed = until("it is missed", || signal("missed"));
    assert!(missed["seen"].as_str().unwrap().contains("it never started"), "{missed}");
    let (url, _) = key(&site, &server, "beat");
    ok(&[], &format!("{url}/start"));
    until("it takes too long", || signal("long"));
    ok(&[], &url);
    until("somebody was told", || site.read("told.txt").contains("beat").then_some(()));
    let runs = site.json(&["run", "beat"]);
    assert!(runs.stderr.contains("started outside"), "{runs:?}");
}
