//! Statements on a real PostgreSQL over a wire that is cut while it commits, and over one that nobody else reads.

use std::{
    io::{Read as _, Write as _},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    thread,
};

use serde_json::Value;

use crate::{
    kit::Site,
    postgres::Postgres,
    server_history::{of, stream},
};

/// What of the commit is lost on the way.
#[derive(Clone, Copy, PartialEq)]
enum Lost {
    Request,
    Answer,
}

/// Stands between the step and the server and cuts every connection that commits.
struct Wire {
    port: u16,
    cuts: Arc<AtomicUsize>,
}

impl Wire {
    /// Ends with the program of the tests.
    fn to(server: u16, lost: Lost) -> Wire {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has ports");
        let (port, cuts) = (listener.local_addr().expect("it listens").port(), Arc::new(AtomicUsize::new(0)));
        let counted = cuts.clone();
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let Ok(server) = TcpStream::connect(("127.0.0.1", server)) else { continue };
                carry(client, server, lost, counted.clone());
            }
        });
        Wire { port, cuts }
    }
}

fn carry(client: TcpStream, server: TcpStream, lost: Lost, cuts: Arc<AtomicUsize>) {
    let committing = Arc::new(AtomicBool::new(false));
    let cut = move |one: &TcpStream, other: &TcpStream| {
        cuts.fetch_add(1, SeqCst);
        let _ = (one.shutdown(Shutdown::Both), other.shutdown(Shutdown::Both));
    };
    let (mut from, mut to) = (client.try_clone().expect("a socket"), server.try_clone().expect("a socket"));
    let (asked, cut_request) = (committing.clone(), cut.clone());
    thread::spawn(move || {
        let (mut piece, mut seen) = ([0; 4096], Vec::new());
        while let Ok(count @ 1..) = from.read(&mut piece) {
            seen.extend_from_slice(&piece[..count]);
            if seen.windows(7).any(|word| word == b"COMMIT\0") {
                if lost == Lost::Request {
                    return cut_request(&from, &to);
                }
                asked.store(true, SeqCst);
            }
            if to.write_all(&piece[..count]).is_err() {
                break;
            }
        }
        let _ = to.shutdown(Shutdown::Both);
    });
    let (mut from, mut to) = (server, client);
    thread::spawn(move || {
        let mut piece = [0; 4096];
        while let Ok(count @ 1..) = from.read(&mut piece) {
            // What the server says from now on is that it is kept.
            if committing.load(SeqCst) {
                return cut(&from, &to);
            }
            if to.write_all(&piece[..count]).is_err() {
                break;
            }
        }
        let _ = to.shutdown(Shutdown::Both);
    });
}

/// Attempts of the step of this run, and how each ended.
fn ends(site: &Site, run: &Value) -> Vec<Value> {
    let facts = stream(site, &format!("run/{}", run["run_id"].as_str().expect("a run")));
    of(&facts, "attempt_ended").iter().map(|fact| fact.body["acted"].clone()).collect()
}

#[test]
fn a_commit_whose_answer_is_lost_is_unknown_and_looked_at_before_anything_is_repeated() {
    let site = Site::new();
    let Some(server) = Postgres::start(&site) else { return };
    let url = |port: u16| format!("postgresql://app@127.0.0.1:{port}/postgres");
    let direct = url(server.port);
    let count = |table: &str| site.sh(&format!("psql -XAtc 'select count(*) from {table}' {direct}"));
    // What it is about, what is lost, whether it was kept, and how the run ends.
    for (table, lost, kept, code, verified) in
        [("charged", Lost::Answer, "1\n", 0, "yes"), ("asked", Lost::Request, "0\n", 3, "unknown")]
    {
        let wire = Wire::to(server.port, lost);
        site.sh(&format!("psql -XAtqc 'create table {table} (n integer)' {direct}"));
        let step =
            format!("{{ id: change, timeout: 60s, url: '{}', sql: insert into {table} values (1) }}", url(wire.port));
        let check = format!("{{ of: change, sql: select count(*) from {table}, url: '{direct}', expect: value == 1 }}");
        site.process(table, &format!("steps:\n  - {step}\nverify:\n  - {check}\n"));
        let run = site.json(&["run", table]);
        let ends = ends(&site, &run.json);
        assert_eq!((ends.len(), wire.cuts.load(SeqCst)), (1, 1), "{run:?}");
        assert_eq!(ends[0]["outcome"], "unknown", "{ends:?}");
        let reason = ends[0]["reason"].as_str().unwrap();
        assert!(reason.contains("was asked to commit, and no answer came"), "{reason}");
        assert_eq!((run.code, run.json["verified"].as_str()), (code, Some(verified)), "{run:?}");
        assert_eq!(count(table), kept, "it was carried out at most once");
    }
}

#[test]
fn a_step_speaks_tls_with_postgresql_and_believes_only_the_certificate_that_it_was_given() {
    let site = Site::new();
    let Some(server) = Postgres::start(&site) else { return };
    let make = |name: &str, names: &str| {
        site.sh(&format!(
            "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=database -addext 'subjectAltName={names}' \
             -addext basicConstraints=critical,CA:FALSE -keyout {name}.key -out {name}.crt 2>/dev/null"
        ));
    };
    make("own", "IP:127.0.0.1");
    make("other", "IP:127.0.0.1");
    let step = |query: &str| {
        let url = format!("postgresql://app@127.0.0.1:{}/postgres?{query}", server.port);
        let sql = "select ssl::text as safe from pg_stat_ssl where pid = pg_backend_pid()";
        site.process(
            "change",
            &format!(
                "steps:\n  - {{ id: change, timeout: 60s, url: '{url}', sql: '{sql}', outputs: {{ safe: text }} }}\nverify:\n  - {{ command: echo fine, expect: 'stdout.trim() == \"fine\"' }}\n"
            ),
        );
        let run = site.json(&["run", "change"]);
        let ends = ends(&site, &run.json);
        (run.json["steps"][0]["outputs"]["safe"].clone(), ends[0]["reason"].as_str().unwrap_or_default().to_owned())
    };
    let (safe, reason) = step("sslmode=require");
    assert!(safe.is_null() && reason.contains("cannot be reached"), "a server without TLS: {safe} {reason}");
    server.speak_tls(&site.path("own.crt"), &site.path("own.key"));
    let done = |query: &str, safe: &str| assert_eq!(step(query), (safe.into(), String::new()), "{query}");
    done("sslmode=require", "true");
    done("sslmode=prefer", "true");
    done("sslmode=disable", "false");
    done("sslmode=verify-full&sslrootcert=own.crt", "true");
    for (query, why) in [
        ("sslmode=verify-full", "a certificate that nobody of this host trusts"),
        ("sslmode=verify-full&sslrootcert=other.crt", "another certificate for the same name"),
        ("sslmode=verify-full&sslrootcert=nowhere.crt", "no certificate"),
    ] {
        let (safe, reason) = step(query);
        assert!(safe.is_null() && !reason.is_empty() && reason.contains("127.0.0.1"), "{why}: {safe} {reason}");
    }
    make("named", "DNS:database.example");
    server.speak_tls(&site.path("named.crt"), &site.path("named.key"));
    done("sslmode=require", "true");
    let (safe, reason) = step("sslmode=verify-full&sslrootcert=named.crt");
    assert!(safe.is_null() && reason.contains("cannot be reached"), "a trusted one for another name: {safe} {reason}");
}
