//! Steps that send a request: what is sent, what comes of every kind of answer, and of none.

use std::{
    io::Write as _,
    net::TcpListener,
    sync::atomic::{AtomicU32, Ordering::Relaxed},
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::{
    kit::{Output, Site, until},
    receiver::{Receiver, reply},
    server_history::{of, stream},
};

/// A check that says yes whatever happened, for steps that are not about verification.
const VERIFY: &str = "verify:\n  - { command: echo fine, expect: 'stdout.trim() == \"fine\"' }\n";

/// Under a name of its own: what takes the place of a `once` step would wait for a person.
fn run_of(site: &Site, step: &str) -> Output {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let name = format!("ask-{}", NEXT.fetch_add(1, Relaxed));
    site.process(&name, &format!("steps:\n  - {{ id: ask, timeout: 20s, {step} }}\n{VERIFY}"));
    site.json(&["run", &name])
}

/// The record of the only attempt.
fn acted(site: &Site, run: &Output) -> Value {
    let facts = stream(site, &format!("run/{}", run.json["run_id"].as_str().expect("a run")));
    of(&facts, "attempt_ended")[0].body["acted"].clone()
}

#[test]
fn a_request_carries_the_key_and_secrets_and_its_answer_is_the_output() {
    let (site, receiver) = (Site::new(), Receiver::saying("201 Created", "{\"job\":\"j-7\",\"left\":3}"));
    site.env("API_TOKEN", "hunter2hunter2");
    site.process(
        "order",
        &format!(
            "inputs: {{ item: {{ type: text, default: rope }} }}
steps:
  - id: place
    http: {}/orders/$INPUT_ITEM
    method: POST
    headers: {{ Authorization: Bearer $API_TOKEN, Content-Type: application/json }}
    body: '{{\"item\":\"$INPUT_ITEM\",\"cost\":\"$5\"}}'
    status: 201
    secrets: [API_TOKEN]
    outputs: {{ job: text, left: whole, status: whole }}
  - {{ id: use, needs: [place], when: steps.place.outputs.left == 3, run: 'echo \"$OUTPUT_PLACE_JOB $OUTPUT_PLACE_STATUS\" > got.txt' }}
verify:
  - {{ command: cat got.txt, expect: 'stdout.trim() == \"j-7 201\"' }}
",
            receiver.url
        ),
    );
    let run = site.json(&["run", "order"]);
    assert_eq!(run.code, 0, "{run:?}");
    let asked = receiver.asked();
    assert_eq!(asked.len(), 1, "{asked:?}");
    let (head, body) = asked[0].split_once("\r\n\r\n").unwrap();
    let id = run.json["run_id"].as_str().unwrap();
    assert!(head.starts_with("POST /orders/rope HTTP/1.1\r\n"), "{head}");
    for header in ["authorization: bearer hunter2hunter2", &format!("idempotency-key: {id}/place")] {
        assert!(head.to_lowercase().contains(header), "{header} is not in {head}");
    }
    assert_eq!(body, "{\"item\":\"rope\",\"cost\":\"$5\"}");
    let logs = site.say(&["logs", id]).stdout;
    assert!(logs.contains("{\"job\":\"j-7\",\"left\":3}") && logs.contains("answered 201 Created"), "{logs}");
    let found = site.sh("grep -rl hunter2hunter2 .seaworthy || true");
    assert_eq!(found, "", "the secret is nowhere in the data folder");
}

#[test]
fn every_answer_that_is_not_expected_is_told_in_a_sentence() {
    let site = Site::new();
    let refused = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let bad = Receiver::saying("500 Internal Server Error", "disk full");
    let gateway = Receiver::saying("504 Gateway Timeout", "");
    let early = Receiver::start(|_, _| {});
    let half = Receiver::start(|_, stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this");
    });
    let silent = Receiver::start(|_, stream| {
        let _ = std::io::Read::read(stream, &mut [0]);
    });
    let round = Receiver::start(|_, stream| {
        let _ = stream
            .write_all(b"HTTP/1.1 302 Found\r\nLocation: /again\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    });
    for (step, outcome, words) in [
        (format!("http: 'http://{refused}/'"), "not_done", "was not sent"),
        (format!("http: 'http://{refused}/', method: POST"), "not_done", "was not sent"),
        (format!("http: '{}/x'", bad.url), "not_done", "answered 500 Internal Server Error, expected 200 to 299"),
        (format!("http: '{}/x', status: [200, 204]", bad.url), "not_done", "expected 200 or 204"),
        (format!("http: '{}/x', effect: once", gateway.url), "unknown", "something between was given no answer"),
        (format!("http: '{}/x', method: POST", early.url), "unknown", "was sent, and no answer came"),
        (format!("http: '{}/x', method: POST", half.url), "unknown", "broke off after 9 bytes"),
        (format!("http: '{}/x', redirects: 3, effect: once", round.url), "not_done", "leads on and on: 4 addresses"),
        (format!("http: '{}/x', method: POST", round.url), "not_done", "answered 302 Found"),
        (format!("http: '{}/$NOWHERE'", bad.url), "not_done", "$NOWHERE has no value here"),
    ] {
        let run = run_of(&site, &step);
        let acted = acted(&site, &run);
        let reason = acted["reason"].as_str().unwrap_or_default();
        assert!(acted["outcome"] == outcome && reason.contains(words), "{step}: {acted}");
    }
    site.process(
        "ask",
        &format!("steps:\n  - {{ id: ask, timeout: 2s, method: POST, http: '{}' }}\n{VERIFY}", silent.url),
    );
    let late = acted(&site, &site.json(&["run", "ask"]));
    assert!(late["outcome"] == "unknown" && late["reason"].as_str().unwrap().contains("no answer within 2s"), "{late}");
}

#[test]
fn headers_with_secrets_stay_with_the_one_who_was_named() {
    let site = Site::new();
    site.env("API_TOKEN", "hunter2hunter2");
    let other = Receiver::saying("200 OK", "moved");
    let to = other.url.clone();
    let first = Receiver::start(move |_, stream| {
        let _ = write!(stream, "HTTP/1.1 307 Temporary Redirect\r\nLocation: {to}/\r\nContent-Length: 0\r\n\r\n");
    });
    let run = run_of(&site, &format!("http: '{}', headers: {{ X-Key: $API_TOKEN }}, secrets: [API_TOKEN]", first.url));
    assert_eq!(run.code, 0, "{run:?}");
    assert!(first.asked()[0].contains("hunter2hunter2"), "{:?}", first.asked());
    assert!(!other.asked()[0].contains("hunter2"), "{:?}", other.asked());
}

#[test]
fn a_body_stays_with_the_one_who_was_named() {
    let site = Site::new();
    let other = Receiver::saying("200 OK", "moved");
    let to = other.url.clone();
    let first = Receiver::start(move |head, stream| {
        let to = if head.starts_with("GET /far") { format!("{to}/") } else { "/far".to_owned() };
        let _ = write!(stream, "HTTP/1.1 307 Temporary Redirect\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n");
    });
    let run = run_of(&site, &format!("http: '{}/near', body: 'card=4111'", first.url));
    let acted = acted(&site, &run);
    let reason = acted["reason"].as_str().unwrap_or_default();
    assert!(acted["outcome"] == "not_done" && reason.contains("so it was not sent there"), "{acted}");
    assert_eq!((first.asked().len(), other.asked().len()), (2, 0), "on the same host it is followed: {acted}");
}

#[test]
fn an_answer_of_a_gigabyte_is_cut_and_said_to_be() {
    let site = Site::new();
    let flood = Receiver::start(|_, stream| {
        let piece = vec![b'x'; 1024 * 1024];
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n");
        for _ in 0..1024 {
            // Nobody reads it to its end.
            if stream.write_all(&piece).is_err() {
                return;
            }
        }
    });
    let run = run_of(&site, &format!("http: '{}'", flood.url));
    assert_eq!(run.code, 0, "{run:?}");
    let acted = acted(&site, &run);
    assert_eq!(acted["stdout"]["bytes"], 16 * 1024 * 1024, "{acted}");
    assert!(acted["stderr"]["last"].as_str().unwrap().contains("its rest was not read"), "{acted}");
}

#[test]
fn a_request_that_was_sent_and_not_answered_is_looked_at_and_not_repeated_for_a_no() {
    let (site, seen) = (Site::new(), Receiver::start(|_, _| {}));
    site.process(
        "charge",
        &format!("steps:\n  - {{ id: charge, http: '{}', method: POST }}\nverify:\n  - {{ command: cat paid.txt, expect: 'stdout.contains(\"paid\")' }}\n", seen.url),
    );
    site.write("paid.txt", "paid\n");
    let run = site.json(&["run", "charge"]);
    assert_eq!((run.code, seen.asked().len()), (0, 1), "it had happened, so it was not sent again: {run:?}");
    site.write("paid.txt", "no\n");
    let run = site.json(&["run", "charge"]);
    assert_eq!(run.json["verified"], "unknown", "{run:?}");
    assert_eq!(seen.asked().len(), 2, "whoever was asked may still be at work: a no of now is no proof");
    // One that may be repeated is, with the same key.
    let text = site.read("ops/charge.yaml").replace("process: charge", "process: again");
    site.write("ops/again.yaml", &text.replace("method: POST", "method: POST, effect: idempotent"));
    let run = site.json(&["run", "again"]);
    assert_eq!(run.json["verified"], "unknown", "{run:?}");
    let keys: Vec<String> = seen.asked()[2..]
        .iter()
        .map(|head| head.lines().find(|line| line.starts_with("idempotency-key")).unwrap().to_owned())
        .collect();
    assert!(keys.len() > 1 && keys.iter().all(|key| *key == keys[0]), "repeated with the same key: {keys:?}");
}

#[test]
fn a_request_outlives_the_server_and_what_was_in_flight_when_its_holder_dies_is_unknown() {
    let site = Site::new();
    let gate = site.path("go");
    let slow = Receiver::start(move |_, stream| {
        until("the test says so", || gate.exists().then_some(()));
        reply(stream, "200 OK", "at last");
    });
    site.process("ask", &format!("steps:\n  - {{ id: ask, http: '{}', effect: once }}\n{VERIFY}", slow.url));
    let begin = || {
        let before = slow.asked().len();
        let run = site.json(&["run", "ask", "--detach"]).json["run_id"].as_str().expect("it starts").to_owned();
        until("it was sent", || (slow.asked().len() > before).then_some(()));
        run
    };
    let server = site.server();
    let run = begin();
    server.kill();
    let server = site.server();
    site.write("go", "");
    let ends = |run: &str| {
        let run = format!("run/{run}");
        until("the run ends", || (!of(&stream(&site, &run), "run_ended").is_empty()).then_some(()));
        of(&stream(&site, &run), "attempt_ended").iter().map(|fact| fact.body["acted"].clone()).collect::<Vec<_>>()
    };
    let found = ends(&run);
    assert_eq!((found.len(), &found[0]["outcome"]), (1, &"done".into()), "{found:?}");
    assert_eq!(slow.asked().len(), 1, "sent once");
    std::fs::remove_file(site.path("go")).unwrap();
    let run = begin();
    let child = site.sh("pgrep -f 'seaworthy act$' || true");
    let own = child.lines().filter_map(|pid| pid.parse().ok()).find(|pid| {
        std::fs::read(format!("/proc/{pid}/environ")).is_ok_and(|env| String::from_utf8_lossy(&env).contains(&run))
    });
    kill_process(Pid::from_raw(own.expect("it runs")).unwrap(), Signal::KILL).unwrap();
    let found = ends(&run);
    assert_eq!(found[0]["outcome"], "unknown", "{found:?}");
    site.write("go", "");
    assert_eq!(server.stop(), 0);
}
