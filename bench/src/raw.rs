//! The limits: what the same machine does in the same minute without an engine around it.
//!
//! Plain SQLite with the settings that durability needs, and plain processes. Must not use the product.

use std::{
    path::Path,
    process::{Command, Stdio},
    sync::mpsc,
    time::Instant,
};

use rusqlite::Connection;
use tokio::sync::oneshot;

use crate::stamp;

/// Bytes of the one row that a commit of the limit carries.
const ROW_BYTES: usize = 200;
/// Inserts that share one commit at most; the engine's own number.
const GROUP_MAX: usize = 256;

/// A table on the disk that is measured.
pub struct Raw(Connection);

fn trouble(error: rusqlite::Error) -> String {
    format!("the plain database of the limit cannot be used ({error})")
}

impl Raw {
    /// Opens it with write-ahead log and a sync for every commit.
    pub fn open(file: &Path) -> Result<Raw, String> {
        let conn = Connection::open(file).map_err(trouble)?;
        conn.execute_batch(
            "pragma journal_mode = wal; pragma synchronous = full; create table if not exists t (n integer primary key, x text)",
        )
        .map_err(trouble)?;
        Ok(Raw(conn))
    }

    fn insert(&self) -> Result<(), String> {
        let row = "x".repeat(ROW_BYTES);
        self.0.prepare_cached("insert into t (x) values ($1)").and_then(|mut s| s.execute([row])).map_err(trouble)?;
        Ok(())
    }

    /// Commits one small insert at a time; commits per second.
    pub fn commits(&self, count: usize) -> Result<f64, String> {
        let began = Instant::now();
        for _ in 0..count {
            self.insert()?;
        }
        Ok(count as f64 / began.elapsed().as_secs_f64())
    }

    /// `callers` tasks each insert and wait, again and again; one thread commits what has gathered with one sync.
    /// Inserts per second.
    pub async fn shared(self, count: usize, callers: usize) -> Result<f64, String> {
        let (orders, inbox) = mpsc::channel::<oneshot::Sender<()>>();
        let thread = std::thread::spawn(move || self.serve(&inbox));
        let began = Instant::now();
        let each = count / callers;
        let callers: Vec<_> = (0..callers)
            .map(|_| {
                let orders = orders.clone();
                tokio::spawn(async move {
                    for _ in 0..each {
                        let (answer, answered) = oneshot::channel();
                        if orders.send(answer).is_err() || answered.await.is_err() {
                            return 0;
                        }
                    }
                    each
                })
            })
            .collect();
        let mut done = 0;
        for caller in callers {
            done += caller.await.map_err(|e| e.to_string())?;
        }
        let rate = done as f64 / began.elapsed().as_secs_f64();
        drop(orders);
        thread.join().map_err(|_| "the limit's thread ended in a panic".to_owned())??;
        Ok(rate)
    }

    fn serve(self, inbox: &mpsc::Receiver<oneshot::Sender<()>>) -> Result<(), String> {
        while let Ok(first) = inbox.recv() {
            let group: Vec<_> = std::iter::once(first).chain(inbox.try_iter().take(GROUP_MAX - 1)).collect();
            self.0.execute_batch("begin immediate").map_err(trouble)?;
            for _ in &group {
                self.insert()?;
            }
            self.0.execute_batch("commit").map_err(trouble)?;
            for answer in group {
                // A caller who is gone is none that is counted.
                let _ = answer.send(());
            }
        }
        Ok(())
    }
}

/// Starts the stamping command as `name` and waits for it.
pub fn spawn(folder: &Path, name: &str) -> Result<(), String> {
    let words = stamp::command()?;
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]).env_clear().env(stamp::FOLDER, folder).env(stamp::NAME, name);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let output = command.output().map_err(|e| format!("{} cannot be started ({e})", words[0]))?;
    output.status.success().then_some(()).ok_or_else(|| format!("{name}: the command ended with {}", output.status))
}
