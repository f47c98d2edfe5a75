//! Looking into a real PostgreSQL.

use std::time::{Duration, Instant};

use seaworthy_model::{
    port::LookOrder,
    time::Span,
    value::{Facts, Value},
};

use crate::{
    kit::{Folder, eventually, int, look, order, secret, sql, text},
    server::Postgres,
};

const TLS: [&str; 3] = ["ssl=on", "ssl_cert_file=HOME/cert.pem", "ssl_key_file=HOME/key.pem"];

/// One look with the names that libpq knows.
fn by_names(postgres: &Postgres, folder: &Folder, url: &str, query: &str) -> LookOrder {
    let mut order = order(folder, sql(url, query));
    order.env = vec![
        ("PGHOST".into(), "localhost".into()),
        ("PGPORT".into(), postgres.port.to_string()),
        ("PGUSER".into(), "app".into()),
        ("SCRATCH".into(), "postgres".into()),
        ("ROOTS".into(), postgres.folder.0.join("ca.pem").display().to_string()),
        ("SOCKETS".into(), postgres.sockets().display().to_string()),
    ];
    order.secrets = vec![secret("PGPASSWORD", "pw @:/?")];
    order
}

fn row(facts: &Facts, n: usize) -> &std::collections::BTreeMap<String, Value> {
    match &facts["rows"] {
        Value::List(rows) => match &rows[n] {
            Value::Map(row) => row,
            other => panic!("a row is a map, not {other:?}"),
        },
        other => panic!("rows is a list, not {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn postgresql_is_looked_at() {
    let Some(postgres) = Postgres::start(&TLS) else { return };
    // One server for all: it costs a second.
    let folder = Folder::new();
    postgres.psql("create table orders as select i as id, i * 1.5 as price from generate_series(1, 5000) i");
    addresses(&postgres, &folder).await;
    types(&postgres, &folder).await;
    limits(&postgres, &folder).await;
    refusals(&postgres, &folder).await;
    deadline(&postgres, &folder).await;
    trust(&postgres, &folder).await;
}

async fn addresses(postgres: &Postgres, folder: &Folder) {
    for url in [
        "postgresql:///$SCRATCH",
        "postgres://localhost:$PGPORT/postgres",
        "postgresql://app:$PGPASSWORD@127.0.0.1:$PGPORT/${SCRATCH}",
        "postgresql:///postgres?host=$SOCKETS",
        "postgresql:///postgres?host=$SOCKETS&sslmode=verify-full",
    ] {
        let seen = look(&by_names(postgres, folder, url, "select count(*) from orders")).await;
        let seen = seen.unwrap_or_else(|error| panic!("{url}: {error}"));
        assert_eq!(seen.source, "probe/sql");
        assert_eq!(int(&seen.facts, "value"), 5_000, "{url}");
    }
}

async fn types(postgres: &Postgres, folder: &Folder) {
    let query = "select 1::int2 as small, 9007199254740993::int8 as big, 2.5::float8 as half, sum(id) as whole,
        12.50::numeric(10,2) as price, true as yes, null::int as nothing, 'größe'::text as words,
        '1 day 02:00'::interval as age, '2026-03-29 01:00:00'::timestamp as at, 'nan'::float8 as odd,
        'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid as id, '{\"a\": 1}'::jsonb as doc, array[1,2] as list,
        '\\x00ff'::bytea as bytes, 7 as small from orders";
    let seen = look(&by_names(postgres, folder, "postgresql:///postgres", query)).await.unwrap();
    let row = row(&seen.facts, 0);
    let text = |value: &str| Value::Text(value.into());
    for (name, value) in [
        ("small", Value::Int(1)),
        ("small_2", Value::Int(7)),
        ("big", Value::Int(9_007_199_254_740_993)),
        ("half", Value::Decimal(2.5)),
        // 1 + 2 + … + 5000, by Gauss.
        ("whole", Value::Int(5_000 * 5_001 / 2)),
        ("price", Value::Decimal(12.5)),
        ("yes", Value::Bool(true)),
        ("nothing", Value::Null),
        ("words", text("größe")),
        ("age", Value::Duration(26 * 3_600 * 1_000_000_000)),
        ("at", text("2026-03-29 01:00:00")),
        ("odd", text("NaN")),
        ("id", text("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11")),
        ("doc", text("{\"a\": 1}")),
        ("list", text("{1,2}")),
        ("bytes", text("\\x00ff")),
    ] {
        assert_eq!(row[name], value, "{name}");
    }
    assert_eq!(seen.facts["value"], Value::Int(1));
    let seen = look(&by_names(postgres, folder, "postgresql:///postgres", "show server_encoding")).await.unwrap();
    assert_eq!(crate::kit::text(&seen.facts, "value"), "UTF8");
    let seen = look(&by_names(postgres, folder, "postgresql:///postgres", "select 1 where false")).await.unwrap();
    assert_eq!(seen.facts["value"], Value::Null);
}

async fn limits(postgres: &Postgres, folder: &Folder) {
    let seen =
        look(&by_names(postgres, folder, "postgresql:///postgres", "select id from orders; -- all")).await.unwrap();
    let Value::List(rows) = &seen.facts["rows"] else { panic!("rows is a list") };
    assert_eq!(rows.len(), 1_000);
    assert_eq!(int(&seen.facts, "rows_dropped"), 4_000);
    assert_eq!(seen.dropped, 4_000);
    let seen = look(&by_names(postgres, folder, "postgresql:///postgres", "select repeat('x', 200000)")).await.unwrap();
    assert_eq!(seen.dropped, 200_000 - 65_536);
    let seen = look(&by_names(postgres, folder, "postgresql:///postgres", "select 'pw @:/? is in it'")).await.unwrap();
    assert_eq!(text(&seen.facts, "value"), "*** is in it");
}

async fn refusals(postgres: &Postgres, folder: &Folder) {
    for (url, query, why) in [
        ("postgresql:///postgres", "delete from orders", "statement that reads"),
        ("postgresql:///postgres", "with gone as (delete from orders returning 1) select 1 from gone", "0A000"),
        ("postgresql:///postgres", "select setval('s', 1)", "s"),
        ("postgresql:///postgres", "select 1; drop table orders", "42601"),
        ("postgresql:///postgres", "select $1::int", "parameters"),
        ("postgresql:///postgres", "select * from missing", "\"missing\" does not exist (42P01)"),
        ("postgresql:///postgres", "select 1/0", "22012"),
        ("postgresql:///nowhere", "select 1", "\"nowhere\" does not exist"),
        ("postgresql://app:wrong@localhost:$PGPORT/postgres", "select 1", "28P01"),
        ("postgresql:///postgres?sslmode=sometimes", "select 1", "`sometimes` is not an sslmode"),
        ("postgresql:///postgres?colour=red", "select 1", "colour"),
        ("postgresql://localhost:1/postgres", "select 1", "localhost:1/postgres cannot be reached"),
        ("postgresql:///$MISSING", "select 1", "$MISSING"),
    ] {
        let error = look(&by_names(postgres, folder, url, query)).await.unwrap_err();
        assert!(error.contains(why), "{url} {query}: {error}");
        assert!(!error.contains("wrong@") && !error.contains("pw @"), "{error}");
    }
    assert_eq!(postgres.psql("select count(*) from orders").trim(), "5000");
}

async fn deadline(postgres: &Postgres, folder: &Folder) {
    let running = "select count(*) from pg_stat_activity where application_name = 'seaworthy-probe'";
    let mut order = by_names(postgres, folder, "postgresql:///postgres", "select pg_sleep(1000)");
    order.timeout = Span::from_millis(400);
    let started = Instant::now();
    let error = look(&order).await.unwrap_err();
    assert!(error.contains("400ms") || error.contains("57014"), "{error}");
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
    assert!(eventually(|| postgres.psql(running).trim() == "0"), "the statement runs on");

    // Somebody who listens and never speaks.
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    order.look = sql(&format!("postgresql://{}/x", silent.local_addr().unwrap()), "select 1");
    let started = Instant::now();
    assert!(look(&order).await.is_err());
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
}

async fn trust(postgres: &Postgres, folder: &Folder) {
    let encrypted = "select ssl from pg_stat_ssl where pid = pg_backend_pid()";
    for (host, parameters, outcome) in [
        ("localhost", "sslmode=disable", Ok(false)),
        ("localhost", "", Ok(true)),
        ("localhost", "sslmode=require", Ok(true)),
        ("localhost", "sslmode=verify-full&sslrootcert=$ROOTS", Ok(true)),
        ("127.0.0.1", "sslmode=verify-ca&sslrootcert=$ROOTS", Ok(true)),
        ("127.0.0.1", "sslmode=verify-full&sslrootcert=$ROOTS", Err("certificate")),
        ("localhost", "sslmode=verify-full", Err("certificate")),
        ("localhost", "sslmode=verify-ca", Err("certificate")),
        ("localhost", "sslmode=verify-full&sslrootcert=/no/such.pem", Err("/no/such.pem")),
    ] {
        let url = format!("postgresql://{host}/postgres?{parameters}");
        let seen = look(&by_names(postgres, folder, &url, encrypted)).await;
        match (seen, outcome) {
            (Ok(seen), Ok(ssl)) => assert_eq!(seen.facts["value"], Value::Bool(ssl), "{url}"),
            (Err(error), Err(why)) => assert!(error.contains(why), "{url}: {error}"),
            (seen, _) => panic!("{url}: {seen:?}"),
        }
    }
}
