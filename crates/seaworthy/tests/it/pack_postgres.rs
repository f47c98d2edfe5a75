//! Pack `postgres` against a real server of its own: verified, restored, and then broken the way it breaks in life.

use crate::{
    kit::Site,
    pack_kit::{drilled, ops, refused, site_with, step_failed, verified, write},
    postgres::Postgres,
};

const PACK: &str = "postgres";

/// A server with the database `shop`, and the pack for it.
fn shop(answers: &[(&str, &str)]) -> Option<(Site, Postgres)> {
    let site = site_with("sqlite", &[]);
    let server = Postgres::start(&site)?;
    let port = server.port.to_string();
    for (name, value) in [("PGHOST", "127.0.0.1"), ("PGPORT", &port), ("PGUSER", "app")] {
        site.env(name, value);
    }
    site.sh("createdb shop && psql -XAtqc 'create schema \"Back Office\"; create table orders (id int primary key, total int); create table \"Back Office\".\"Note Book\" (id int references orders, text text); create table empty (id int); insert into orders select i, i * 3 from generate_series(1, 3000) i; insert into \"Back Office\".\"Note Book\" values (1, $$a\\tb$$)' shop");
    let own = [("port", port.as_str()), ("user", "app"), ("database", "shop")];
    write(&site, PACK, &[&own, answers].concat());
    Some((site, server))
}

#[test]
fn a_database_is_dumped_read_to_its_end_and_restored_and_what_is_cut_off_or_left_out_is_found() {
    let Some((site, mut server)) = shop(&[]) else { return };
    verified(&site, PACK);
    let drill = drilled(&site, PACK);
    let rows = drill.json["verifications"].as_array().unwrap().iter().find(|v| v["what"] == "its rows are back");
    assert!(
        rows.unwrap()["observed"].as_str().unwrap().contains("3001"),
        "each row of each table is counted: {drill:?}"
    );
    let databases =
        || site.sh("psql -XAtc 'select datname from pg_database where not datistemplate order by 1' postgres");
    assert_eq!(databases(), "postgres\nshop\n", "the scratch database is gone");
    // Cut off: the table of contents is at the front, so --list would still be content.
    let good = site.read(&ops(PACK));
    let dump = "--file=\"$WORKDIR/postgres.dump\"";
    site.edit(&ops(PACK), dump, &format!("{dump} && truncate -s -2K \"$WORKDIR/postgres.dump\""));
    refused(&site, PACK, "all of it can be read", "end of file");
    // A table of which only the definition is dumped.
    site.write(&ops(PACK), &good);
    site.edit(&ops(PACK), "pg_dump --format", "pg_dump --exclude-table-data=orders --format");
    let check = "every table that has rows has rows in the dump";
    refused(&site, PACK, check, "no rows in the dump: public.orders");
    site.write(&ops(PACK), &good);
    verified(&site, PACK);
    // Emptied in the database itself.
    site.sh("psql -XAtqc 'truncate orders cascade' shop");
    refused(&site, PACK, check, "the database shop has no rows at all");
    server.stop();
    step_failed(&site, PACK, "dump", "Is the server running on that host");
}

#[test]
fn rows_that_are_fewer_than_usual_are_found_by_the_drill() {
    let Some((site, _server)) = shop(&[]) else { return };
    for _ in 0..5 {
        verified(&site, PACK);
        drilled(&site, PACK);
    }
    site.sh("psql -XAtqc 'delete from orders where id % 20 = 7' shop");
    verified(&site, PACK);
    let drill = site.json(&["drill", PACK]);
    assert_eq!(drill.code, 1, "{drill:?}");
    let reason = drill.json["reason"].as_str().unwrap();
    assert!(
        reason.starts_with("no rows were lost: expected value >= 0.99 * usual.value") && reason.contains("2851"),
        "{reason}"
    );
}

#[test]
fn the_password_comes_from_its_place_and_a_wrong_one_is_told_without_being_shown() {
    let Some((site, server)) = shop(&[("secret", "PGPASSWORD")]) else { return };
    site.sh("psql -XAtqc \"alter role app password 'first-word'\" postgres");
    server.ask_for_passwords();
    let place = "secrets:\n  PGPASSWORD: { file: pgpassword }\n";
    site.write("seaworthy.yaml", &format!("{}{place}", site.read("seaworthy.yaml")));
    site.write("pgpassword", "first-word\n");
    site.sh("chmod 600 pgpassword");
    verified(&site, PACK);
    drilled(&site, PACK);
    site.write("pgpassword", "second-word\n");
    step_failed(&site, PACK, "dump", "password authentication failed");
    for text in [site.read("told.txt"), site.say(&["journal", "--limit", "1000"]).stdout] {
        assert!(!text.contains("-word"), "{text}");
    }
}
