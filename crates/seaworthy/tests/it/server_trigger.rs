//! What starts a process besides its schedule: signed calls, other processes, files. Each once.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
};

use serde_json::Value;

use crate::{
    kit::{Server, Site, until},
    server_history::{history, now, of, wait_for, wait_watched},
};

const SECRET: &str = "hunter2-hunter2";

fn hmac(site: &Site, text: &str) -> String {
    site.write("signed.txt", text);
    let said = site.sh(&format!("openssl dgst -sha256 -hmac {SECRET} < signed.txt"));
    said.trim().rsplit(' ').next().unwrap().to_owned()
}

/// Status and answer of a POST with these header lines.
fn post(server: &Server, path: &str, headers: &str, body: &str, length: usize) -> (u16, Value) {
    let host = server.url.strip_prefix("http://").unwrap().trim_end_matches('/');
    let mut stream = TcpStream::connect(host).unwrap();
    stream.set_read_timeout(Some(std::time::Duration::from_secs(30))).unwrap();
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n"
    );
    stream.write_all(format!("{head}{body}").as_bytes()).unwrap();
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes);
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let status = text.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_else(|| panic!("{text}"));
    let answer = text.split_once("\r\n\r\n").map_or("", |(_, answer)| answer);
    (status, serde_json::from_str(answer).unwrap_or(Value::Null))
}

fn call(server: &Server, headers: &str, body: &str) -> (u16, Value) {
    post(server, "/hook/deploy", headers, body, body.len())
}

#[test]
fn a_signed_call_starts_one_run_with_its_body_and_nothing_else_does() {
    let site = Site::new();
    site.env("HOOK_SECRET", SECRET);
    let step = "steps:\n  - { id: one, run: 'cat \"$TRIGGER\" > got; stat -c %a \"$TRIGGER\" >> got' }\n";
    site.process("deploy", &format!("triggers:\n  - {{ webhook: deploy, secret: HOOK_SECRET }}\n{step}"));
    site.process("hub", &format!("triggers:\n  - {{ webhook: hub, secret: HOOK_SECRET, style: github }}\n{step}"));
    let server = site.server();
    let body = "{\"what\":\"body-7f3a\"}\n";
    let seconds = now() / 1_000_000_000;
    let signed = |time: i64| format!("Seaworthy-Signature: t={time},v1={}\r\n", hmac(&site, &format!("{time}.{body}")));
    let good = signed(seconds);
    assert_eq!(call(&server, "", body).0, 401, "no signature");
    assert_eq!(call(&server, &good, "{\"what\":\"else\"}\n").0, 401, "another body");
    let (status, answer) = call(&server, &signed(seconds - 1_000), body);
    assert!(status == 401 && answer["error"].as_str().unwrap().contains("another time"), "{answer}");
    assert_eq!(post(&server, "/hook/nobody", &good, body, body.len()).0, 404);
    assert_eq!(post(&server, "/hook/deploy", &good, "", 100 * 1024 * 1024).0, 413, "refused before it was sent");
    let (status, first) = call(&server, &good, body);
    assert_eq!((status, &first["again"]), (202, &Value::Bool(false)), "{first}");
    let (status, again) = call(&server, &format!("{good}Idempotency-Key: another\r\n"), body);
    assert_eq!((status, &again["run_id"]), (200, &first["run_id"]), "a call that was seen is the same call");
    let run = first["run_id"].as_str().unwrap();
    wait_for(&site, &format!("run/{run}"), "run_ended");
    assert_eq!(site.read("got"), format!("{body}600\n"));
    let hub = format!("X-Hub-Signature-256: sha256={}\r\n", hmac(&site, body));
    assert_eq!(post(&server, "/hook/hub", &hub, body, body.len()).0, 202);
    assert_eq!(post(&server, "/hook/hub", &hub, body, body.len()).0, 200);
    let facts = history(&site);
    assert_eq!(of(&facts, "trigger_fired").len(), 2);
    let all = format!("{facts:?}");
    assert!(!all.contains(SECRET) && !all.contains("body-7f3a"), "neither secret nor body is in the journal");
    server.stop();
}

#[test]
fn the_end_of_a_run_and_a_file_start_one_run_each_and_a_restart_repeats_none() {
    let site = Site::new();
    let step = "steps:\n  - { id: one, run: 'true' }\n";
    site.process("first", step);
    site.process("after", &format!("triggers:\n  - {{ process: first, when: [unproven] }}\n{step}"));
    site.process("never", &format!("triggers:\n  - {{ process: first, when: failed }}\n{step}"));
    site.process(
        "inbox",
        "triggers:\n  - { file: 'in/*.csv', settled: 1s }\nsteps:\n  - { id: one, run: 'cat \"$TRIGGER\" >> taken' }\n",
    );
    let server = site.server();
    site.write("in/a.csv", "one\n");
    site.write("in/a.part", "no\n");
    assert_eq!(site.json(&["run", "first"]).code, 3);
    until("the file is taken", || std::fs::read_to_string(site.path("taken")).ok().filter(|text| text == "one\n"));
    let fired = |site: &Site| {
        of(&history(site), "trigger_fired").iter().map(|fact| fact.text("process").to_owned()).collect::<Vec<_>>()
    };
    until("both have fired", || (fired(&site).len() == 2).then_some(()));
    server.stop();
    let server = site.server();
    site.write("in/a.csv", "two\n");
    until("the new version is taken", || {
        std::fs::read_to_string(site.path("taken")).ok().filter(|text| text == "one\ntwo\n")
    });
    let mut all = fired(&site);
    all.sort_unstable();
    assert_eq!(all, ["after", "inbox", "inbox"], "each once");
    server.stop();
}

#[test]
fn processes_that_start_each_other_in_a_circle_are_refused() {
    let site = Site::new();
    let file = |by: &str| format!("triggers:\n  - {{ process: {by} }}\nsteps:\n  - {{ id: one, run: 'true' }}\n");
    for (name, by) in [("a", "c"), ("b", "a"), ("c", "b"), ("self", "self"), ("lost", "nobody")] {
        site.process(name, &file(by));
    }
    let check = site.json(&["check"]);
    assert_eq!(check.code, 2, "{check:?}");
    let said = check.json["diagnostics"].to_string();
    for part in
        ["these processes start each other for ever: c -> a -> b -> c", "self -> self", "there is no process `nobody`"]
    {
        assert!(said.contains(part), "{part} in {said}");
    }
}

#[test]
fn a_signal_of_the_watcher_starts_the_process_that_mends_it_once() {
    let site = Site::new();
    let slow =
        "steps:\n  - { id: wait, run: 'while [ ! -e go ]; do sleep 0.05; done' }\nwatch: { finish_within: 1s }\n";
    site.process("slow", slow);
    let mender = |of: &str| {
        format!(
            "triggers:\n  - {{ signal: [long, missed], of: {of} }}\nsteps:\n  - {{ id: one, run: 'echo x >> mended; touch go' }}\n"
        )
    };
    site.process("mender", &mender("slow"));
    site.process("idle", &mender("mender"));
    let server = site.server();
    let run = site.json(&["run", "slow"]);
    assert_eq!((run.code, &run.json["executed"]), (3, &"ok".into()), "it was let go: {run:?}");
    let raised = wait_watched(&site, "the signal", |fact| fact.kind == "signal_raised");
    let fired = until("it fired", || Some(history(&site)).filter(|facts| !of(facts, "trigger_fired").is_empty()));
    let fired = &of(&fired, "trigger_fired")[0].body;
    assert_eq!((fired["process"].as_str(), raised.text("kind")), (Some("mender"), "long"), "{fired}");
    assert!(fired["by"].to_string().contains(raised.text("signal")), "it names the signal: {fired}");
    assert_eq!(site.json(&["run", "slow"]).json["executed"], "ok");
    wait_watched(&site, "another run was quick", |fact| fact.kind == "signal_cleared");
    server.stop();
    let server = site.server();
    // A second signal is another one; the first is not repeated by the restart.
    std::fs::remove_file(site.path("go")).unwrap();
    assert_eq!(site.json(&["run", "slow"]).json["executed"], "ok");
    until("it has mended twice", || (site.read("mended") == "x\nx\n").then_some(()));
    server.stop();
    let facts = history(&site);
    assert_eq!(of(&facts, "trigger_fired").len(), 2, "{facts:?}");
}

#[test]
fn what_a_pause_held_is_shown_and_what_lay_there_before_is_not_taken() {
    let site = Site::new();
    site.write("in/before.csv", "one\n");
    // What is written in the same moment as the line comes into force counts as new: the kernel's clock is coarse.
    let written = std::fs::metadata(site.path("in/before.csv")).unwrap().modified().unwrap();
    until("it has lain there", || written.elapsed().is_ok_and(|age| age.as_millis() > 500).then_some(()));
    let step = "steps:\n  - { id: one, run: 'cat \"$TRIGGER\" >> taken' }\n";
    site.process("inbox", &format!("triggers:\n  - {{ file: 'in/*.csv', settled: 1s }}\n{step}"));
    let server = site.server();
    wait_for(&site, "trigger/inbox", "trigger_noted");
    assert_eq!(site.json(&["pause", "inbox", "--for", "1h", "--reason", "the disks are exchanged"]).code, 0);
    site.write("in/held.csv", "two\n");
    until("it is held", || (!of(&history(&site), "trigger_held").is_empty()).then_some(()));
    let missed = site.json(&["runs", "--missed"]);
    let row = &missed.json["runs"][0];
    assert_eq!((row["process"].as_str(), row["reason"].as_str()), (Some("inbox"), Some("paused")), "{missed:?}");
    assert!(row["trigger"].as_str().unwrap().ends_with("in/held.csv"), "{row}");
    assert!(missed.stderr.is_empty() && row["detail"].as_str().unwrap().contains("the disks are exchanged"), "{row}");
    let status = site.json(&["status"]);
    assert_eq!(status.json["processes"][0]["held"][0]["reason"], "paused", "{status:?}");
    assert!(site.say(&["status"]).stdout.contains("in/held.csv started nothing: paused until"));
    let page = server.get("/processes/inbox").unwrap().1;
    assert!(page.contains("in/held.csv: paused until"), "{page}");
    assert_eq!(site.json(&["resume", "inbox", "--reason", "done"]).code, 0);
    site.write("in/taken.csv", "three\n");
    until("the next one is taken", || std::fs::read_to_string(site.path("taken")).ok());
    until("its run has ended", || {
        (site.json(&["status"]).json["processes"][0]["held"].as_array().is_some_and(Vec::is_empty)).then_some(())
    });
    assert_eq!(site.read("taken"), "three\n", "neither what lay there before nor what was held");
    server.stop();
}
