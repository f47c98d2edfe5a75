//! Looking into SQLite files: good, locked, empty, cut, and not there.

use std::{
    fs,
    time::{Duration, Instant},
};

use seaworthy_model::{time::Span, value::Value};

use crate::kit::{Folder, int, look, order, sql, text};

fn database(folder: &Folder, name: &str) -> rusqlite::Connection {
    let database = rusqlite::Connection::open(folder.0.join(name)).unwrap();
    database
        .execute_batch(
            "create table orders (id integer, price real, note text, proof blob);
             insert into orders values (1, 2.5, 'größer', x'00ff'), (2, null, 'tops3cret', null);",
        )
        .unwrap();
    database
}

#[tokio::test]
async fn a_value_and_rows_are_seen_by_their_types() {
    let folder = Folder::new();
    database(&folder, "a.db");
    let seen = look(&order(&folder, sql("sqlite:a.db", "select * from orders order by id"))).await.unwrap();
    assert_eq!(seen.source, "probe/sql");
    assert_eq!(int(&seen.facts, "value"), 1);
    let Value::List(rows) = &seen.facts["rows"] else { panic!("rows is a list") };
    let Value::Map(first) = &rows[0] else { panic!("a row is a map") };
    assert_eq!(first["price"], Value::Decimal(2.5));
    assert_eq!(first["note"], Value::Text("größer".into()));
    assert_eq!(first["proof"], Value::Text("00ff".into()));
    assert_eq!(rows.len(), 2);
}

#[tokio::test]
async fn no_row_is_an_observation_with_a_null() {
    let folder = Folder::new();
    database(&folder, "a.db");
    let seen = look(&order(&folder, sql("sqlite:a.db", "select id from orders where id > 9"))).await.unwrap();
    assert_eq!(seen.facts["value"], Value::Null);
}

#[tokio::test]
async fn the_artifact_can_be_the_database() {
    let folder = Folder::new();
    database(&folder, "a.db");
    let mut order = order(&folder, sql("sqlite:$ARTIFACT", "select count(*) from orders"));
    assert!(look(&order).await.unwrap_err().contains("$ARTIFACT"));
    order.artifact = Some(folder.0.join("a.db"));
    assert_eq!(int(&look(&order).await.unwrap().facts, "value"), 2);
}

#[tokio::test]
async fn a_missing_database_is_an_error_and_is_not_made() {
    let folder = Folder::new();
    let error = look(&order(&folder, sql("sqlite:none.db", "select 1"))).await.unwrap_err();
    assert!(error.contains("none.db"), "{error}");
    assert_eq!(fs::read_dir(&folder.0).unwrap().count(), 0);
}

#[tokio::test]
async fn an_empty_file_does_not_look_like_a_good_database() {
    let folder = Folder::new();
    folder.file("a.db", "");
    let error = look(&order(&folder, sql("sqlite:a.db", "pragma integrity_check"))).await.unwrap_err();
    assert!(error.contains("0 bytes"), "{error}");
}

#[tokio::test]
async fn a_cut_database_is_never_a_good_answer() {
    let folder = Folder::new();
    let database = database(&folder, "a.db");
    database
        .execute_batch(
            "with recursive n(i) as (select 1 union all select i + 1 from n where i < 5000)
        insert into orders select i, i, 'order ' || i, null from n",
        )
        .unwrap();
    drop(database);
    let whole = fs::read(folder.0.join("a.db")).unwrap();
    assert!(whole.len() > 8192);
    for (query, keep) in
        [("select count(*) from orders", whole.len() / 2), ("select 1 from orders", 600), ("select 1 from orders", 60)]
    {
        folder.file("cut.db", &whole[..keep]);
        let error = look(&order(&folder, sql("sqlite:cut.db", query))).await.unwrap_err();
        assert!(error.contains("malformed") || error.contains("not a database"), "{keep}: {error}");
    }
    folder.file("cut.db", &whole[..whole.len() / 2]);
    // Damage is told in rows or as an error, never as `ok`.
    if let Ok(seen) = look(&order(&folder, sql("sqlite:cut.db", "pragma integrity_check"))).await {
        assert_ne!(text(&seen.facts, "value"), "ok");
    }
}

#[tokio::test]
async fn a_look_does_not_write_and_is_one_statement() {
    let folder = Folder::new();
    database(&folder, "a.db");
    for (query, why) in [
        ("delete from orders", "writes"),
        ("select 1; select 2", "several"),
        ("select ?1", "parameters"),
        ("select x from elsewhere", "no such table: elsewhere"),
    ] {
        let error = look(&order(&folder, sql("sqlite:a.db", query))).await.unwrap_err();
        assert!(error.contains(why), "{query}: {error}");
    }
    assert_eq!(
        int(&look(&order(&folder, sql("sqlite:a.db", "select count(*) from orders"))).await.unwrap().facts, "value"),
        2
    );
}

#[tokio::test]
async fn a_database_in_use_can_be_looked_at() {
    let folder = Folder::new();
    let database = database(&folder, "a.db");
    database.pragma_update(None, "journal_mode", "wal").unwrap();
    database.execute_batch("begin immediate; insert into orders (id) values (3)").unwrap();
    let order = order(&folder, sql("sqlite:a.db", "select count(*) from orders"));
    assert_eq!(int(&look(&order).await.unwrap().facts, "value"), 2);
    database.execute_batch("commit").unwrap();
    assert_eq!(int(&look(&order).await.unwrap().facts, "value"), 3);
}

#[tokio::test]
async fn a_locked_database_and_an_endless_statement_end_at_the_limit() {
    let folder = Folder::new();
    let database = database(&folder, "a.db");
    database.execute_batch("begin exclusive").unwrap();
    let endless = "with recursive n(i) as (select 1 union all select i + 1 from n) select count(*) from n";
    for query in ["select count(*) from orders", endless] {
        let mut order = order(&folder, sql("sqlite:a.db", query));
        order.timeout = Span::from_millis(300);
        let started = Instant::now();
        let error = look(&order).await.unwrap_err();
        assert!(error.contains("300ms") || error.contains("locked"), "{error}");
        assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
        let _ = database.execute_batch("commit");
    }
}

#[tokio::test]
async fn an_address_of_another_kind_is_refused_without_its_password() {
    let folder = Folder::new();
    let error = look(&order(&folder, sql("mysql://u:geheim@h/d", "select 1"))).await.unwrap_err();
    assert!(error.contains("mysql://u:***@h/d") && !error.contains("geheim"), "{error}");
}
