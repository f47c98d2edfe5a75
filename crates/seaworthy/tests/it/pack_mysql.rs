//! Pack `mysql` against a real MariaDB of its own: verified, restored, and then broken the way it breaks in life.

use std::{
    fs,
    net::TcpListener,
    process::{Child, Command, Stdio},
};

use rustix::process::{Pid, Signal, kill_process};

use crate::{
    kit::{PATIENCE, Site, ended, until},
    pack_kit::{drilled, has, ops, refused, secret, site_with, step_failed, verified, write},
};

const PACK: &str = "mysql";

/// A server below a site's temporary folder.
struct MariaDb {
    child: Child,
    port: u16,
}

impl MariaDb {
    fn start(site: &Site) -> Option<MariaDb> {
        if !has(&["mariadbd", "mariadb-install-db", "mariadb"]) {
            return None;
        }
        let root = rustix::process::geteuid().is_root();
        let data = site.aside("m");
        fs::create_dir(&data).expect("the temporary folder is writable");
        if root && !Command::new("chown").arg("mysql").arg(&data).status().is_ok_and(|status| status.success()) {
            println!("SKIPPED: mariadb: there is no user `mysql`");
            return None;
        }
        let user = if root { vec!["--user=mysql"] } else { vec![] };
        let folder = format!("--datadir={}", data.join("data").display());
        let made = Command::new("mariadb-install-db")
            .args(["--no-defaults", "--auth-root-authentication-method=normal", "--skip-test-db", &folder])
            .args(&user)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        assert!(made.expect("it was found").success(), "mariadb-install-db failed");
        // Another may take the port between drawing and listening.
        (0..5).find_map(|_| MariaDb::listening(site, &folder, &user)).or_else(|| panic!("no port could be listened on"))
    }

    fn listening(site: &Site, folder: &str, user: &[&str]) -> Option<MariaDb> {
        let port = TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("loopback has ports").port();
        let socket = site.aside("m").join("s").display().to_string();
        let child = Command::new("mariadbd")
            .args(["--no-defaults", "--bind-address=127.0.0.1", "--innodb-flush-log-at-trx-commit=0", folder])
            .args([&format!("--socket={socket}"), &format!("--port={port}")])
            .args(user)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("it was found");
        let mut server = MariaDb { child, port };
        let ready = until("MariaDB answers", || match server.child.try_wait() {
            Ok(None) => server.ready().then_some(true),
            _ => Some(false),
        });
        ready.then_some(server)
    }

    fn ready(&self) -> bool {
        let mut ping = Command::new("mariadb-admin");
        ping.args(["--no-defaults", "-uroot", "-h127.0.0.1", &format!("-P{}", self.port), "ping"]);
        ping.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
    }
}

impl Drop for MariaDb {
    fn drop(&mut self) {
        let _ = kill_process(Pid::from_child(&self.child), Signal::TERM);
        if ended(&mut self.child, PATIENCE).is_none() {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

fn sql(site: &Site, server: &MariaDb, text: &str) -> String {
    site.sh(&format!("mariadb --no-defaults -uroot -h127.0.0.1 -P{} -N -B <<'END'\n{text}\nEND", server.port))
}

#[test]
fn a_database_is_dumped_read_to_its_end_and_restored_and_what_is_cut_off_left_out_or_closed_is_found() {
    let site = site_with("sqlite", &[]);
    let Some(server) = MariaDb::start(&site) else { return };
    sql(
        &site,
        &server,
        "create database shop; use shop; create table orders (id int primary key auto_increment, total int); create table `no te` (text text); create table empty (id int); insert into orders (total) select seq * 3 from seq_1_to_3000; insert into `no te` values ('a\\nb');",
    );
    write(&site, PACK, &[("port", &server.port.to_string()), ("database", "shop"), ("secret", "MYSQL_PWD")]);
    secret(&site, "MYSQL_PWD", "first-word");
    sql(
        &site,
        &server,
        "alter user root@localhost identified by 'first-word', root@'127.0.0.1' identified by 'first-word';",
    );
    site.env("MYSQL_PWD", "first-word");
    verified(&site, PACK);
    let drill = drilled(&site, PACK);
    let look = &drill.json["verifications"][0]["observed"];
    assert!(look.as_str().unwrap().contains("all 3 tables, 3001 rows"), "{drill:?}");
    let good = site.read(&ops(PACK));
    // Restored without the rows of one table.
    site.edit(&ops(PACK), "< \"$ARTIFACT\"\n        timeout", "< \"$ARTIFACT\"\n          \"$CLIENT\" $login -e 'delete from orders where id % 20 = 7' \"$SCRATCH\"\n        timeout");
    let bad = site.json(&["drill", PACK]);
    assert_eq!(bad.code, 1, "{bad:?}");
    assert!(bad.json["reason"].as_str().unwrap().contains("orders (3000 counted, 2850 restored)"), "{bad:?}");
    assert!(!sql(&site, &server, "show databases").contains("drill_"), "the scratch database is gone");
    let spoil = |old: &str, new: &str| {
        site.write(&ops(PACK), &good);
        site.edit(&ops(PACK), old, new);
    };
    spoil("tables\" >> \"$out\"", "tables\" >> \"$out\"; truncate -s -500 \"$out\"");
    refused(&site, PACK, "all of it is there", "stdout.contains(\"-- Dump completed\")");
    spoil("--single-transaction", "--where=0 --single-transaction");
    refused(&site, PACK, "every table that has rows has rows in the dump", "no rows in the dump: ");
    site.write(&ops(PACK), &good);
    sql(&site, &server, "use shop; delete from orders; delete from `no te`");
    refused(&site, PACK, "every table that has rows has rows in the dump", "has no rows at all");
    site.write("MYSQL_PWD", "second-word\n");
    step_failed(&site, PACK, "dump", "Access denied");
    assert!(!site.read("told.txt").contains("-word"), "{}", site.read("told.txt"));
}
