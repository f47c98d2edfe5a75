//! The example `postgres-backup` against a real server of its own, used as its page says and then made to lie.

use std::{
    fs,
    net::TcpListener,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use rustix::process::{Pid, Signal, kill_process};

use crate::kit::{PATIENCE, Site, ended, until};

/// A PostgreSQL server below a site's temporary folder.
pub struct Postgres {
    child: Child,
    pub port: u16,
    bin: PathBuf,
    data: PathBuf,
}

impl Postgres {
    /// `None`, with a word, if the part is missing.
    pub fn start(site: &Site) -> Option<Postgres> {
        let Some(bin) = newest_bin() else {
            println!("SKIPPED: postgresql: no server programs below /usr/lib/postgresql");
            return None;
        };
        let root = rustix::process::geteuid().is_root();
        let data = site.aside("pg");
        fs::create_dir(&data).expect("the temporary folder is writable");
        if root {
            // The server refuses to run as root.
            let owned = Command::new("chown").arg("postgres").arg(&data).status();
            if !owned.is_ok_and(|status| status.success()) {
                println!("SKIPPED: postgresql: there is no user `postgres`");
                return None;
            }
        }
        fs::set_permissions(&data, fs::Permissions::from_mode(0o700)).expect("it is ours");
        let made = Postgres::program(&bin, "initdb", root)
            .args(["-A", "trust", "-U", "app", "--no-sync", "--no-instructions", "-E", "UTF8", "--locale=C.UTF-8"])
            .args([Path::new("-D"), &data.join("data")])
            .stdout(Stdio::null())
            .status()
            .expect("it was found");
        assert!(made.success(), "initdb failed");
        // Another may take the port between drawing and listening.
        (0..5).find_map(|_| Postgres::listening(&bin, &data, root)).or_else(|| panic!("no port could be listened on"))
    }

    fn listening(bin: &Path, data: &Path, root: bool) -> Option<Postgres> {
        let port = TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("loopback has ports").port();
        let child = Postgres::program(bin, "postgres", root)
            .args([Path::new("-D"), &data.join("data"), Path::new("-p"), Path::new(&port.to_string())])
            .args(["-c", "listen_addresses=127.0.0.1", "-c", "max_connections=50", "-c", "shared_buffers=32MB"])
            .args(["-c", &format!("unix_socket_directories={}", data.display())])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("it was found");
        let mut server = Postgres { child, port, bin: bin.to_owned(), data: data.join("data") };
        let ready = until("PostgreSQL answers", || match server.child.try_wait() {
            Ok(None) => server.ready().then_some(true),
            _ => Some(false),
        });
        ready.then_some(server)
    }

    fn program(bin: &Path, name: &str, root: bool) -> Command {
        let mut command = match root {
            true => Command::new("setpriv"),
            false => Command::new(bin.join(name)),
        };
        if root {
            command
                .args(["--reuid=postgres", "--regid=postgres", "--init-groups", "--pdeathsig=KILL"])
                .arg(bin.join(name));
        }
        command.current_dir("/").stdin(Stdio::null());
        command
    }

    fn ready(&self) -> bool {
        let asked = Command::new(self.bin.join("pg_isready"))
            .args(["-q", "-h", "127.0.0.1", "-p", &self.port.to_string()])
            .status();
        asked.is_ok_and(|status| status.success())
    }

    /// From now on everybody needs a password.
    pub fn ask_for_passwords(&self) {
        let rules = "local all all scram-sha-256\nhost all all 127.0.0.1/32 scram-sha-256\n";
        fs::write(self.data.join("pg_hba.conf"), rules).expect("the folder is ours");
        kill_process(Pid::from_child(&self.child), Signal::HUP).expect("it runs");
        let login = || {
            let mut psql = Command::new(self.bin.join("psql"));
            psql.args(["-XAtwq", "-h", "127.0.0.1", "-p", &self.port.to_string(), "-U", "app", "-c", "", "postgres"]);
            psql.stderr(Stdio::null()).status().is_ok_and(|status| !status.success()).then_some(())
        };
        until("the server asks for passwords", login);
    }

    /// From now on it speaks TLS with this certificate to whoever asks for it.
    pub fn speak_tls(&self, certificate: &Path, key: &Path) {
        for (from, name) in [(certificate, "server.crt"), (key, "server.key")] {
            let to = self.data.join(name);
            fs::copy(from, &to).expect("the folder is ours");
            fs::set_permissions(&to, fs::Permissions::from_mode(0o600)).expect("it is ours");
            if rustix::process::geteuid().is_root() {
                let owned = Command::new("chown").arg("postgres").arg(&to).status();
                assert!(owned.is_ok_and(|status| status.success()), "chown {name}");
            }
        }
        fs::write(self.data.join("postgresql.auto.conf"), "ssl = on\n").expect("the folder is ours");
        kill_process(Pid::from_child(&self.child), Signal::HUP).expect("it runs");
        let presented = fs::read_to_string(certificate).expect("it was made");
        let spoken = || {
            let mut asked = Command::new("openssl");
            asked.args(["s_client", "-starttls", "postgres", "-connect", &format!("127.0.0.1:{}", self.port)]);
            let said = asked.stdin(Stdio::null()).stderr(Stdio::null()).output().expect("openssl is there").stdout;
            String::from_utf8_lossy(&said).contains(presented.trim()).then_some(())
        };
        until("the server speaks TLS", spoken);
    }

    pub fn stop(&mut self) {
        let _ = kill_process(Pid::from_child(&self.child), Signal::INT);
        if ended(&mut self.child, PATIENCE).is_none() {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.stop();
    }
}

fn newest_bin() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").ok()?.flatten();
    let number = |path: &PathBuf| path.file_name().and_then(|n| n.to_str()).and_then(|n| n.parse::<u32>().ok());
    versions.map(|v| v.path()).filter(|p| p.join("bin/initdb").exists()).max_by_key(number).map(|p| p.join("bin"))
}

const OPS: &str = "ops/backup-orders.yaml";

/// The example with its data on a server of its own. Its port is set and its waits are shortened, nothing else.
fn shop() -> Option<(Site, Postgres)> {
    let site = Site::example("postgres-backup");
    let server = Postgres::start(&site)?;
    let port = server.port.to_string();
    site.edit(OPS, "\"5432\"", &format!("\"{port}\""));
    site.edit(OPS, "backoff: 1s..10s", "backoff: 10ms..20ms");
    for (name, value) in [("PGHOST", "127.0.0.1"), ("PGPORT", &port), ("PGUSER", "app")] {
        site.env(name, value);
    }
    site.sh("./make-data.sh");
    Some((site, server))
}

fn databases(site: &Site) -> String {
    site.sh("psql -XAtc 'select datname from pg_database where not datistemplate order by 1' postgres")
}

/// Exit 1 with a no of this check on one line, and the person told.
fn refused(site: &Site, check: &str, seen: &str) {
    let run = site.json(&["run", "backup-orders"]);
    assert_eq!(run.code, 1, "{run:?}");
    assert_eq!((&run.json["executed"], &run.json["verified"]), (&"ok".into(), &"no".into()));
    let reason = run.json["reason"].as_str().unwrap();
    assert!(reason.starts_with(&format!("{check}: expected ")), "expected a no of `{check}`, seen: {reason}");
    assert!(reason.contains(seen) && !reason.contains('\n'), "expected `{seen}` in: {reason}");
    assert!(site.read("told.txt").contains("backup-orders: NOT VERIFIED"), "{}", site.read("told.txt"));
}

#[test]
fn the_orders_are_dumped_verified_restored_into_a_scratch_database_and_it_is_dropped() {
    let Some((site, mut server)) = shop() else { return };
    assert_eq!(site.json(&["check"]).code, 0);
    let run = site.json(&["run", "backup-orders"]);
    assert_eq!(run.code, 0, "{run:?}");
    let drill = site.json(&["drill", "backup-orders"]);
    assert_eq!(drill.code, 0, "{drill:?}");
    assert_eq!(drill.json["objective_ms"], 900_000);
    assert_eq!(drill.json["within_objective"], true);
    assert!(drill.json["recovery_time_ms"].as_u64().unwrap() >= 1);
    assert_eq!(databases(&site), "postgres\nshop\n");
    // What is restored is wrong: not verified, and dropped all the same.
    let restore = "--dbname=\"$SCRATCH\" \"$ARTIFACT\"";
    site.edit(OPS, restore, &format!("{restore} && psql -Xc 'delete from orders where id = (select max(id) from orders) or true' \"$SCRATCH\" || psql -Xc 'truncate orders cascade' -c '\\l' \"$SCRATCH\""));
    let drill = site.json(&["drill", "backup-orders"]);
    assert_eq!(drill.code, 1, "{drill:?}");
    let reason = drill.json["reason"].as_str().unwrap();
    assert!(reason.starts_with("the orders are back: expected value > 0"), "{reason}");
    let logs = site.say(&["logs", drill.json["drill_id"].as_str().unwrap()]).stdout;
    assert!(logs.contains("drill_"), "the scratch database was there: {logs}");
    assert_eq!(databases(&site), "postgres\nshop\n");
    // Nobody there: the step fails with the client's own words, and nothing is looked at.
    server.stop();
    let run = site.json(&["run", "backup-orders"]);
    assert_eq!(run.code, 1, "{run:?}");
    assert_eq!((&run.json["executed"], &run.json["verified"]), (&"failed".into(), &"no".into()));
    let reason = run.json["reason"].as_str().unwrap();
    assert!(reason.starts_with("step dump: exit 1: ") && !reason.contains('\n'), "{reason}");
    let looks = run.json["verifications"].as_array().unwrap();
    assert!(looks.iter().all(|l| l["outcome"] == "skipped"), "{looks:?}");
    let drill = site.json(&["drill", "backup-orders"]);
    assert_eq!(drill.code, 1, "what was verified cannot be restored now: {drill:?}");
    assert_eq!(drill.json["executed"], "failed");
}

#[test]
fn a_dump_that_is_cut_off_or_of_another_database_or_of_long_ago_is_found() {
    let Some((site, _server)) = shop() else { return };
    let dump = "--file=\"$WORKDIR/orders.dump\"";
    let good = site.read(OPS);
    let lies = |command: &str, check: &str, seen: &str| {
        site.write(OPS, &good);
        site.edit(OPS, dump, &format!("{dump} && {command}"));
        refused(&site, check, seen);
    };
    lies("truncate -s -20K \"$WORKDIR/orders.dump\"", "all of it can be read", "end of file");
    lies("truncate -s 0 \"$WORKDIR/orders.dump\"", "it is there and new", "size 0 B");
    site.sh("createdb other && PGDATABASE=other ./make-data.sh");
    lies(
        "pg_dump -Fc -f \"$WORKDIR/orders.dump\" other",
        "it is a dump of this database",
        "expected stdout.contains(\"dbname: shop\\n\")",
    );
    site.sh("pg_dump -Fc -f old.dump shop && ./make-data.sh 1500");
    lies(
        "cp old.dump \"$WORKDIR/orders.dump\"",
        "it is this shop, and up to date with the live database",
        "1500 orders behind",
    );
}
