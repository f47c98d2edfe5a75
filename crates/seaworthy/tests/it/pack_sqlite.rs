//! Pack `sqlite` on a database in use: verified, restored, and then broken the way it breaks in life.

use std::process::{Command, Stdio};

use crate::{
    kit::{Site, finish},
    pack_kit::{at_once, drilled, has, ops, refused, site_with, step_failed, verified},
};

const PACK: &str = "sqlite";

fn shop() -> Option<Site> {
    if !has(&["sqlite3"]) {
        return None;
    }
    let site = site_with(PACK, &[("file", "data/app.db"), ("table", "orders")]);
    site.sh("mkdir data && sqlite3 data/app.db \"pragma journal_mode = wal; create table orders (id integer primary key, total int); create table 'no te' (text); create table empty (id); insert into orders (total) with recursive n(i) as (select 1 union all select i + 1 from n where i < 3000) select i from n; insert into 'no te' values ('x')\"");
    Some(site)
}

#[test]
fn a_database_in_use_is_copied_and_restored_and_what_is_cut_off_empty_or_left_out_is_found() {
    let Some(site) = shop() else { return };
    verified(&site, PACK);
    drilled(&site, PACK);
    assert_eq!(site.sh("find .seaworthy -name 'drill_*'"), "", "nothing of the drill is left");
    let good = site.read(&ops(PACK));
    let spoil = |how: &str| {
        let backup = "\".backup '$WORKDIR/sqlite.db'\"";
        site.write(&ops(PACK), &good);
        site.edit(&ops(PACK), backup, &format!("{backup}\n      {how}"));
    };
    spoil("truncate -s -20K \"$WORKDIR/sqlite.db\"");
    refused(&site, PACK, "every page is sound", "malformed");
    // An empty file passes the integrity check.
    spoil("truncate -s 0 \"$WORKDIR/sqlite.db\"");
    refused(&site, PACK, "it is there and new", "size 0 B");
    spoil("sqlite3 \"$WORKDIR/sqlite.db\" 'delete from orders'");
    refused(&site, PACK, "every table that has rows has rows in the copy", "no rows in the copy: orders");
    // The database itself was emptied, or its path is wrong.
    site.write(&ops(PACK), &good);
    site.sh("sqlite3 data/app.db \"delete from orders; delete from 'no te'\"");
    refused(&site, PACK, "every table that has rows has rows in the copy", "has no rows at all");
    site.sh("mv data elsewhere");
    step_failed(&site, PACK, "copy", "unable to open");
    assert_eq!(
        site.sh("ls"),
        "elsewhere\nops\nprocedures\nseaworthy.yaml\ntold.txt\nvault\n",
        "no empty database was made"
    );
}

#[test]
fn a_vault_that_becomes_full_keeps_its_last_good_copy() {
    let Some(site) = shop() else { return };
    at_once(&site, PACK);
    site.sh("mkdir vault");
    let script = "set -e; mount -t tmpfs -o size=300k none vault
        \"$1\" run sqlite --json > one.json; sha256sum vault/sqlite.db > good
        sqlite3 data/app.db 'insert into orders (total) select a.id from orders a, orders b limit 60000'
        code=0; \"$1\" run sqlite --json > two.json || code=$?; echo $code > code
        sha256sum --check good > same || true";
    let like = site.command(&[]);
    let mut command = Command::new("unshare");
    command.args(["--mount", "--propagation", "private", "sh", "-c", script, "-"]).arg(like.get_program());
    command.current_dir(&site.folder).env_clear();
    command.envs(like.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let done = finish(command);
    if done.code != 0 && site.read("one.json").is_empty() {
        println!("SKIPPED: a file system of its own: no mount here ({})", done.stderr.trim());
        return;
    }
    assert_eq!((done.code, site.read("code").trim()), (0, "1"), "{done:?} {}", site.read("two.json"));
    assert!(site.read("two.json").contains("No space left on device"), "{}", site.read("two.json"));
    assert_eq!(site.read("same"), "vault/sqlite.db: OK\n", "the last good copy was replaced by a part of the next");
}
