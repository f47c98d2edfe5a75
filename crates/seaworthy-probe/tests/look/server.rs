//! A PostgreSQL server of the tests' own, on a free port, ended by its process id.
//!
//! This module must not know what is looked at. Without an installed PostgreSQL, [`Postgres::start`] says
//! `SKIPPED` and gives nothing.

use std::{
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use crate::kit::Folder;

/// How long a start may take on a slow machine.
const READY_WITHIN: Duration = Duration::from_secs(60);

pub struct Postgres {
    server: Child,
    pub port: u16,
    pub folder: Folder,
}

impl Postgres {
    /// `settings` are further lines of the server's configuration.
    pub fn start(settings: &[&str]) -> Option<Self> {
        let Some(programs) = programs() else {
            println!("SKIPPED: PostgreSQL: no server below /usr/lib/postgresql; install postgresql-15");
            return None;
        };
        let folder = Folder::new();
        let home = folder.0.join("pg");
        open_to_all(&folder.0);
        fs::create_dir(&home).unwrap();
        own(&home);
        let mut made = as_postgres(&programs.join("initdb"));
        made.args(["-A", "scram-sha-256", "-U", "app", "--no-sync", "--no-instructions", "-E", "UTF8"]);
        // The password `pw @:/?` has everything that an address could trip over.
        let password = home.join("password");
        fs::write(&password, "pw @:/?\n").unwrap();
        own(&password);
        made.arg("--locale=C.UTF-8").arg("--pwfile").arg(&password).arg("-D").arg(home.join("data"));
        let made = made.output().unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        certificate(&folder.0);
        for name in ["cert.pem", "key.pem"] {
            fs::copy(folder.0.join(name), home.join(name)).unwrap();
            own(&home.join(name));
        }
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut start = as_postgres(&programs.join("postgres"));
        start.arg("-D").arg(home.join("data")).args(["-p", &port.to_string()]);
        let socket = format!("unix_socket_directories={}", home.display());
        for setting in ["listen_addresses=127.0.0.1", &socket, "shared_buffers=32MB"].iter().chain(settings) {
            start.args(["-c", &setting.replace("HOME", &home.display().to_string())]);
        }
        let server = start.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let mut postgres = Postgres { server, port, folder };
        postgres.wait(&programs);
        Some(postgres)
    }

    pub fn sockets(&self) -> PathBuf {
        self.folder.0.join("pg")
    }

    /// Runs statements as the owner, through psql: not through what is being tested.
    pub fn psql(&self, statements: &str) -> String {
        let mut psql = Command::new(programs().unwrap().join("psql"));
        psql.env("PGPASSWORD", "pw @:/?").args(["-XAtq", "-h", "127.0.0.1", "-U", "app", "-d", "postgres"]);
        let said =
            psql.args(["-p", &self.port.to_string(), "-v", "ON_ERROR_STOP=1", "-c", statements]).output().unwrap();
        assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
        String::from_utf8(said.stdout).unwrap()
    }

    fn wait(&mut self, programs: &Path) {
        let until = Instant::now() + READY_WITHIN;
        let port = self.port.to_string();
        loop {
            let mut ready = Command::new(programs.join("pg_isready"));
            if ready.args(["-q", "-h", "127.0.0.1", "-p", &port]).status().unwrap().success() {
                return;
            }
            assert!(self.server.try_wait().unwrap().is_none(), "PostgreSQL ended while starting");
            assert!(Instant::now() < until, "PostgreSQL was not ready in time");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // Fast stop; the process is the server itself, since setpriv makes way for it.
        if let Some(pid) = rustix::process::Pid::from_raw(i32::try_from(self.server.id()).unwrap_or(0)) {
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::INT);
        }
        let _ = self.server.wait();
    }
}

fn programs() -> Option<PathBuf> {
    let mut versions: Vec<PathBuf> = fs::read_dir("/usr/lib/postgresql")
        .ok()?
        .flatten()
        .map(|entry| entry.path().join("bin"))
        .filter(|folder| folder.join("initdb").exists())
        .collect();
    versions.sort();
    versions.pop()
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// The server refuses root; with another user it runs as that one.
fn as_postgres(program: &Path) -> Command {
    let mut command = if is_root() {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=postgres", "--regid=postgres", "--init-groups", "--pdeathsig=KILL"]).arg(program);
        command
    } else {
        Command::new(program)
    };
    command.current_dir("/");
    command
}

fn own(path: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = if path.is_dir() { 0o700 } else { 0o600 };
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    if is_root() {
        assert!(Command::new("chown").arg("postgres:postgres").arg(path).status().unwrap().success());
    }
}

fn open_to_all(path: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// A root of the tests' own (`ca.pem`), and a certificate for `localhost` from it (`cert.pem`).
pub fn certificate(folder: &Path) {
    let openssl = |args: &str| {
        let made = Command::new("openssl").args(args.split(' ')).current_dir(folder).stderr(Stdio::null()).status();
        assert!(made.unwrap().success(), "openssl {args}");
    };
    openssl("req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -days 2 -subj /CN=tests");
    openssl(
        "req -x509 -CA ca.pem -CAkey ca.key -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 2 \
         -subj /CN=localhost -addext subjectAltName=DNS:localhost -addext basicConstraints=critical,CA:FALSE",
    );
}
