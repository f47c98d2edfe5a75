//! Every statement on both databases: prepared, with the parameters it says it has, and without long scans.

use std::{
    net::TcpListener,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use rusqlite::Connection;
use seaworthy_store::statements::ALL;
use tokio_postgres::{Client, NoTls};

use crate::world::Folder;

const SQLITE: [&str; 3] = [
    include_str!("../../migrations/sqlite.sql"),
    include_str!("../../migrations/sqlite-2.sql"),
    include_str!("../../migrations/sqlite-3.sql"),
];
const POSTGRES: [&str; 3] = [
    include_str!("../../migrations/postgres.sql"),
    include_str!("../../migrations/postgres-2.sql"),
    include_str!("../../migrations/postgres-3.sql"),
];
const READY: Duration = Duration::from_secs(60);

/// The highest `$n` of a statement.
fn parameters(text: &str) -> usize {
    let numbers = text.split('$').skip(1).map(|part| part.chars().take_while(char::is_ascii_digit).collect::<String>());
    numbers.map(|digits| digits.parse().unwrap()).max().unwrap_or(0)
}

fn sqlite() -> Connection {
    let conn = Connection::open_in_memory().unwrap();
    conn.execute_batch(&SQLITE.concat()).unwrap();
    conn
}

#[test]
fn sqlite_prepares_every_statement() {
    let conn = sqlite();
    for (name, text) in ALL {
        let statement = conn.prepare(text).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(statement.parameter_count(), parameters(text), "{name}");
    }
}

#[test]
fn no_question_sorts_or_reads_a_whole_table() {
    // All live runs are wanted, and all links; a count is a count.
    let whole = ["LIVE_ALL", "LINKS", "ENDED_COUNT"];
    let conn = sqlite();
    for (name, text) in ALL.iter().filter(|(name, _)| !whole.contains(name)) {
        let mut plan = conn.prepare(&format!("explain query plan {text}")).unwrap();
        let nothing = rusqlite::params_from_iter(vec![rusqlite::types::Null; parameters(text)]);
        let steps: Vec<String> = plan.query_map(nothing, |row| row.get(3)).unwrap().map(Result::unwrap).collect();
        for step in &steps {
            let bounded = text.contains("limit") && (step.contains("USING") || step.starts_with("SCAN entry"));
            assert!(!step.contains("TEMP B-TREE"), "{name} sorts: {steps:?}");
            // All of an index that holds only what is wanted.
            let few = step.contains("USING INDEX entry_defines");
            assert!(!step.starts_with("SCAN") || bounded || few, "{name} scans: {steps:?}");
        }
    }
}

/// A server of our own, gone in the end.
struct Server {
    child: Child,
    port: u16,
}

impl Drop for Server {
    fn drop(&mut self) {
        // INT is the fast stop; the handle still holds the child, so the number is its own.
        drop(Command::new("kill").args(["-INT", &self.child.id().to_string()]).status());
        drop(self.child.wait());
    }
}

/// The folder of the newest server's programs, or why there is none.
fn programs() -> Result<std::path::PathBuf, String> {
    let folders = std::fs::read_dir("/usr/lib/postgresql").map_err(|e| format!("/usr/lib/postgresql: {e}"))?;
    let newest = folders.flatten().filter_map(|f| f.file_name().to_str()?.parse::<u32>().ok()).max();
    newest.map(|n| format!("/usr/lib/postgresql/{n}/bin").into()).ok_or_else(|| "no server is installed".to_owned())
}

/// As the user `postgres`, since the server refuses root.
fn as_postgres(program: &Path) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--reuid=postgres", "--regid=postgres", "--init-groups", "--pdeathsig=KILL"]).arg(program);
    command.current_dir("/").stdout(Stdio::null()).stderr(Stdio::null());
    command
}

fn start(programs: &Path, folder: &Folder) -> Result<Server, String> {
    let home = folder.0.join("pg");
    let run = |mut command: Command| match command.status() {
        Ok(status) if status.success() => Ok(()),
        other => Err(format!("{command:?}: {other:?}")),
    };
    let mut place = Command::new("install");
    place.args(["-d", "-m", "700", "-o", "postgres"]).arg(&home);
    run(place)?;
    let data = home.join("data");
    let mut initdb = as_postgres(&programs.join("initdb"));
    initdb.arg("-D").arg(&data).args(["-A", "trust", "-U", "app", "--no-sync", "--no-instructions"]);
    initdb.args(["-E", "UTF8", "--locale=C.UTF-8"]);
    run(initdb)?;
    let port = TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).map_err(|e| e.to_string())?.port();
    let mut server = as_postgres(&programs.join("postgres"));
    server.arg("-D").arg(&data).args(["-p", &port.to_string(), "-c", "listen_addresses=127.0.0.1"]);
    server.arg("-c").arg(format!("unix_socket_directories={}", home.display())).args(["-c", "shared_buffers=32MB"]);
    Ok(Server { child: server.spawn().map_err(|e| e.to_string())?, port })
}

async fn connect(server: &mut Server) -> Client {
    let config = format!("host=127.0.0.1 port={} user=app dbname=postgres", server.port);
    let began = Instant::now();
    loop {
        match tokio_postgres::connect(&config, NoTls).await {
            Ok((client, connection)) => {
                tokio::spawn(connection);
                return client;
            }
            Err(error) => {
                assert!(server.child.try_wait().unwrap().is_none(), "the server ended: {error}");
                assert!(began.elapsed() < READY, "the server does not answer: {error}");
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    }
}

#[tokio::test]
async fn postgresql_prepares_every_statement() {
    let folder = Folder::new();
    let started = programs().and_then(|programs| start(&programs, &folder));
    let mut server = match started {
        Ok(server) => server,
        Err(reason) => {
            println!("SKIPPED: postgresql_prepares_every_statement: {reason}");
            return;
        }
    };
    let client = connect(&mut server).await;
    client.batch_execute(&POSTGRES.concat()).await.unwrap();
    for (name, text) in ALL {
        let statement = client.prepare(text).await.unwrap_or_else(|e| panic!("{name}: {e:?}"));
        assert_eq!(statement.params().len(), parameters(text), "{name}");
    }
    let entry = "insert into entry values (0, '', 's', 1, 'k', 1, 0, '', 1, '', 'cli', '', 0, '')";
    client.batch_execute(entry).await.unwrap();
    for forbidden in ["update entry set kind = 'x'", "delete from entry", "truncate entry cascade"] {
        let refused = client.batch_execute(forbidden).await.unwrap_err();
        let said = refused.as_db_error().map(|e| e.message().to_owned()).unwrap_or_default();
        assert!(said.contains("never changed or removed"), "{forbidden}: {said}");
    }
}
