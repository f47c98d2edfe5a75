//! Tokens and the API against the real binary: made at the terminal, limited, revoked; requests that come again.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
};

use serde_json::{Value, json};

use crate::kit::{PATIENCE, Server, Site, until};

const STEPS: &str = "service: shop\nsteps:\n  - { id: make, run: echo x > \"$WORKDIR/x\", makes: x }\nverify:\n  - { command: cat \"$ARTIFACT\", expect: 'stdout.trim() == \"x\"' }\n";

/// Status, head and body of one request of the API.
fn ask(server: &Server, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> (u16, String, Value) {
    let host = server.url.trim_start_matches("http://").trim_end_matches('/');
    let mut stream = TcpStream::connect(host).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let more: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let length = body.len();
    let head = format!(
        "{method} /api/v1{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n{more}\r\n{body}"
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, head.to_ascii_lowercase(), serde_json::from_str(body).unwrap_or_default())
}

fn bearer(secret: &str) -> String {
    format!("Bearer {secret}")
}

/// A token made at the terminal.
fn token(site: &Site, args: &[&str]) -> (String, String) {
    let made = site.json(&[&["token", "new", "ci"], args].concat());
    assert_eq!(made.code, 0, "{made:?}");
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    (text(&made.json["secret"]), text(&made.json["token"]["token_id"]))
}

#[test]
fn a_token_does_what_its_scope_says_until_it_is_revoked() {
    let site = Site::new();
    site.process("backup", STEPS);
    site.process("other", &STEPS.replace("shop", "mail"));
    let server = site.server();
    let (secret, id) = token(&site, &["--may", "see,run", "--service", "shop", "--lives", "1h", "--robot"]);
    let auth = bearer(&secret);
    let with = [("Authorization", auth.as_str())];
    let (status, _, me) = ask(&server, "GET", "/me", &with, "");
    assert_eq!((status, &me["door"], &me["token"]["robot"]), (200, &json!("token"), &json!(true)), "{me}");
    let (status, _, all) = ask(&server, "GET", "/processes", &with, "");
    assert_eq!((status, all["processes"].as_array().map(Vec::len)), (200, Some(1)), "{all}");
    let (status, _, started) = ask(&server, "POST", "/processes/backup/run", &with, "{}");
    assert_eq!(status, 202, "{started}");
    let (status, _, said) = ask(&server, "POST", "/processes/other/run", &with, "{}");
    assert_eq!((status, &said["why"], &said["missing"]), (403, &json!("not_in_scope"), &json!("run")), "{said}");
    let run = started["run_id"].as_str().unwrap();
    let (status, _, said) = ask(&server, "POST", &format!("/runs/{run}/cancel"), &with, "{}");
    assert_eq!((status, &said["missing"]), (403, &json!("cancel")), "{said}");
    let (status, _, said) =
        ask(&server, "POST", "/tokens", &with, "{\"label\":\"x\",\"may\":[\"see\"],\"lives\":\"1h\"}");
    assert_eq!((status, &said["why"]), (403, &json!("not_a_person")), "a token makes no other: {said}");
    // The person behind it stands in the history, and that it was a robot of theirs.
    let history = until("its run is on record", || {
        let shown = site.json(&["journal", "--stream", &format!("run/{run}")]);
        shown.stdout.contains("\"robot\"").then_some(shown.stdout)
    });
    assert!(!history.contains(&secret));
    let list = site.say(&["token", "list"]).stdout;
    assert!(list.contains(&id) && list.contains("used ") && !list.contains(&secret), "{list}");
    assert_eq!(site.json(&["token", "revoke", &id, "--reason", "the test is over"]).code, 0);
    let (status, _, said) = ask(&server, "GET", "/me", &with, "");
    assert_eq!((status, &said["why"]), (401, &json!("token_unknown")), "at once: {said}");
}

#[test]
fn a_token_that_cannot_be_is_not_made_and_the_reason_is_said() {
    let site = Site::new();
    site.process("backup", STEPS);
    for (args, part) in [
        (vec!["--may", "see", "--lives", "400d"], "366d"),
        (vec!["--may", "see", "--lives", "1s"], "between a minute"),
        (vec!["--may", "grant", "--lives", "1h"], "a token never may grant"),
        (vec!["--may", "approve", "--lives", "1h", "--robot"], "a robot never may approve"),
        (vec!["--may", "fly", "--lives", "1h"], "there is no right `fly`"),
    ] {
        let said = site.say(&[&["token", "new", "ci"], args.as_slice()].concat());
        assert!(said.code != 0 && said.stderr.contains(part), "{args:?}: {said:?}");
    }
    let forms = ["", "swt_", "swt_0123", &format!("swt_{}", "a".repeat(72)), "nonsense", "swt_\u{1}"];
    let server = site.server();
    for secret in forms {
        let auth = bearer(secret);
        let (status, _, said) = ask(&server, "GET", "/me", &[("Authorization", &auth)], "");
        assert!(status == 401 || status == 400, "{secret:?}: {status} {said}");
    }
}

#[test]
fn a_request_that_comes_again_is_done_once_even_over_a_restart() {
    let site = Site::new();
    site.process("backup", STEPS);
    let server = site.server();
    let (secret, _) = token(&site, &["--may", "see,run,pause", "--lives", "1h"]);
    let auth = bearer(&secret);
    let with = [("Authorization", auth.as_str()), ("Idempotency-Key", "once")];
    let (status, _, first) = ask(&server, "POST", "/processes/backup/run", &with, "{}");
    assert_eq!(status, 202, "{first}");
    let (status, head, again) = ask(&server, "POST", "/processes/backup/run", &with, "{}");
    assert_eq!((status, &again), (202, &first));
    assert!(head.contains("idempotent-replayed: true"), "{head}");
    let (status, _, said) = ask(&server, "POST", "/processes/backup/run", &with, "{\"inputs\":{}}");
    assert_eq!(status, 422, "the same key for another request: {said}");
    server.stop();
    let server = site.server();
    let (status, _, again) = ask(&server, "POST", "/processes/backup/run", &with, "{}");
    assert_eq!((status, &again), (202, &first), "the answer outlives the server");
    let runs = until("its one run has ended", || {
        let (_, _, runs) = ask(&server, "GET", "/runs", &with[..1], "");
        runs["runs"].as_array().is_some_and(|all| !all.is_empty()).then_some(runs)
    });
    assert_eq!(runs["runs"].as_array().map(Vec::len), Some(1), "{runs}");
}

#[test]
fn the_document_is_printed_without_a_site() {
    let site = Site::bare();
    let said = site.json(&["openapi"]);
    assert_eq!(said.code, 0);
    assert_eq!((&said.json["openapi"], &said.json["servers"][0]["url"]), (&json!("3.1.0"), &json!("/api/v1")));
}
