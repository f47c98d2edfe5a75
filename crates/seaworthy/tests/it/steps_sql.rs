//! Steps that carry statements out, on SQLite and on a real PostgreSQL: kept whole or not at all, and told truly.

use std::net::TcpListener;

use serde_json::Value;

use crate::{
    kit::{Output, Site, until},
    postgres::Postgres,
    server_history::{of, stream},
};

/// A check that says yes whatever happened, for steps that are not about verification.
const VERIFY: &str = "verify:\n  - { command: echo fine, expect: 'stdout.trim() == \"fine\"' }\n";

fn run_of(site: &Site, step: &str) -> Output {
    site.process("change", &format!("steps:\n  - {{ id: change, timeout: 30s, {step} }}\n{VERIFY}"));
    site.json(&["run", "change"])
}

/// The record of the first attempt.
fn acted(site: &Site, run: &Output) -> Value {
    let facts = stream(site, &format!("run/{}", run.json["run_id"].as_str().expect("a run")));
    of(&facts, "attempt_ended")[0].body["acted"].clone()
}

/// What is the same on every database; `url` as the file writes it.
fn on_any(site: &Site, url: &str) {
    let step = |rest: &str| run_of(site, &format!("url: '{url}', {rest}"));
    let good = |rest: &str| {
        let run = step(rest);
        assert_eq!(run.code, 0, "{rest}: {run:?}");
        acted(site, &run)
    };
    good("sql: 'create table shelf (item text not null, n integer)'");
    // What would be an injection, were values part of the text.
    good(
        r#"sql: ['insert into shelf (item, n) values ($1, 2)', 'insert into shelf (item, n) values ($1, 3)'], params: $ODD, env: { ODD: "a'); drop table shelf; --\\" }"#,
    );
    let said = good("sql: 'select item, n, null as none from shelf order by n'");
    let lines: Vec<Value> =
        said["stdout"]["last"].as_str().unwrap().lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    let row = |n: i64| serde_json::json!({ "item": "a'); drop table shelf; --\\", "n": n, "none": null });
    assert_eq!(lines, [row(2), row(3)]);
    for (rest, words) in [
        ("sql: ['delete from shelf', 'insert into shelf (item) values (null)']", "statement 2 failed"),
        ("sql: ['delete from shelf', 'delete from shelves']", "nothing of the transaction is kept"),
        ("sql: 'delete from shelf; delete from shelf'", "the statement failed"),
        ("sql: 'insert into shelf (item) values ($1)'", "asks for 1 values, and `params` gives 0"),
    ] {
        let failed = acted(site, &step(rest));
        let reason = failed["reason"].as_str().unwrap_or_default();
        assert!(failed["outcome"] == "not_done" && reason.contains(words), "{rest}: {failed}");
    }
    let process = format!(
        "steps:
  - {{ id: count, sql: 'select count(*) as many from shelf', url: '{url}', outputs: {{ many: whole, rows: whole }} }}
  - {{ id: use, needs: [count], run: 'echo \"$OUTPUT_COUNT_MANY $OUTPUT_COUNT_ROWS\" > got.txt' }}
verify:
  - {{ command: cat got.txt, expect: 'stdout.trim() == \"2 1\"' }}
"
    );
    site.process("hand", &process);
    let run = site.json(&["run", "hand"]);
    assert_eq!(run.code, 0, "nothing of what failed was kept, and values are handed on: {run:?}");
    // In a definition of its own: to leave the transaction out would wait for a person.
    site.process("tidy", &format!("steps:\n  - {{ id: change, url: '{url}', sql: vacuum, alone: true }}\n{VERIFY}"));
    let run = site.json(&["run", "tidy"]);
    assert_eq!(run.code, 0, "{run:?}");
}

#[test]
fn statements_on_sqlite_are_kept_whole_or_not_at_all() {
    let site = Site::new();
    std::fs::write(site.path("shop.db"), "").unwrap();
    on_any(&site, "sqlite:shop.db");
    let none = run_of(&site, "url: 'sqlite:nowhere.db', sql: 'select 1'");
    assert!(acted(&site, &none)["reason"].as_str().unwrap().contains("the file must be there already"), "{none:?}");
    assert!(!site.path("nowhere.db").exists());
    let endless = "with recursive t(n) as (select 1 union all select n + 1 from t) select count(*) from t";
    site.process(
        "change",
        &format!("steps:\n  - {{ id: change, timeout: 2s, url: 'sqlite:shop.db', sql: '{endless}' }}\n{VERIFY}"),
    );
    let late = acted(&site, &site.json(&["run", "change"]));
    assert!(late["outcome"] == "not_done" && late["reason"].as_str().unwrap().contains("took longer than"), "{late}");
}

#[test]
fn statements_on_postgresql_are_kept_whole_or_not_at_all() {
    let site = Site::new();
    let Some(server) = Postgres::start(&site) else { return };
    on_any(&site, &format!("postgresql://app@127.0.0.1:{}/postgres", server.port));
    let address = format!("postgresql://app@127.0.0.1:{}/postgres", server.port);
    site.process(
        "change",
        &format!("steps:\n  - {{ id: change, timeout: 2s, url: '{address}', sql: 'select pg_sleep(60)' }}\n{VERIFY}"),
    );
    let late = acted(&site, &site.json(&["run", "change"]));
    assert_eq!(late["outcome"], "not_done", "{late}");
    let step = format!("{{ id: change, url: '{address}?sslmode=verify-full', sql: 'select 1' }}");
    site.process("strict", &format!("steps:\n  - {step}\n{VERIFY}"));
    let strict = acted(&site, &site.json(&["run", "strict"]));
    assert!(strict["reason"].as_str().unwrap().contains("cannot be reached"), "{strict}");
}

#[test]
fn a_database_that_cannot_be_reached_or_is_none_is_told_in_a_sentence() {
    let site = Site::new();
    site.env("DB_PASSWORD", "hunter2hunter2");
    let refused = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let closing = listener.local_addr().unwrap().to_string();
    // Takes every call and hangs up; ends with the program of the tests.
    std::thread::spawn(move || listener.incoming().for_each(drop));
    for host in [format!("127.0.0.1:{refused}"), closing] {
        let step = format!(
            "url: 'postgresql://app:$DB_PASSWORD@{host}/shop', secrets: [DB_PASSWORD], sql: 'select 1', timeout: 4s"
        );
        site.process("change", &format!("steps:\n  - {{ id: change, {step} }}\n{VERIFY}"));
        let failed = acted(&site, &site.json(&["run", "change"]));
        let reason = failed["reason"].as_str().unwrap();
        assert!(failed["outcome"] == "not_done" && reason.contains("cannot be reached"), "{failed}");
        assert!(!failed.to_string().contains("hunter2"), "{failed}");
    }
}

#[test]
fn a_statement_outlives_the_server_and_what_its_holder_did_not_see_end_is_unknown() {
    let site = Site::new();
    let Some(database) = Postgres::start(&site) else { return };
    let url = format!("postgresql://app@127.0.0.1:{}/postgres", database.port);
    let lock = |sql: &str| format!("steps:\n  - {{ id: change, url: '{url}', sql: {sql} }}\n{VERIFY}");
    site.process(
        "change",
        &lock("[create table done (n integer), 'select pg_sleep(2)', 'insert into done values (1)']"),
    );
    let server = site.server();
    let run = site.json(&["run", "change", "--detach"]).json["run_id"].as_str().unwrap().to_owned();
    let of_run = || stream(&site, &format!("run/{run}"));
    until("it has begun", || (!of(&of_run(), "attempt_started").is_empty() && site.keeper().is_some()).then_some(()));
    server.kill();
    let server = site.server();
    until("the run ends", || (!of(&of_run(), "run_ended").is_empty()).then_some(()));
    let ends = of(&of_run(), "attempt_ended").iter().map(|fact| fact.body["acted"].clone()).collect::<Vec<_>>();
    assert_eq!((ends.len(), &ends[0]["outcome"]), (1, &"done".into()), "{ends:?}");
    assert_eq!(server.stop(), 0);
}
