//! The demo's small service: a real SQLite database that takes orders, and the tool that copies and reads it.
//!
//! A fresh machine has no `sqlite3` program, so the steps of the demo call this program again.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use rusqlite::{Connection, OpenFlags};

use crate::{
    out,
    trouble::{Trouble, code},
};

/// Orders in the shop when it opens.
const ORDERS: u32 = 2_000;
/// Time between two orders.
const PACE: Duration = Duration::from_millis(250);

/// The open shop.
pub struct Shop(PathBuf);

/// Makes the databases of the shop.
pub fn open(folder: &Path) -> Result<Shop, Trouble> {
    let data = folder.join("data");
    fs::create_dir_all(&data).map_err(|e| Trouble::start(format!("{} cannot be made ({e})", data.display())))?;
    for (file, table) in [("orders.db", "orders"), ("photos.db", "photos"), ("invoices.db", "invoices")] {
        fill(&data.join(file), table).map_err(|e| Trouble::start(format!("the demo's {file} cannot be made ({e})")))?;
    }
    Ok(Shop(data.join("orders.db")))
}

fn fill(file: &Path, table: &str) -> rusqlite::Result<()> {
    let mut db = Connection::open(file)?;
    db.execute_batch(&format!("pragma journal_mode = wal; create table {table} (id integer primary key, customer text not null, cents integer not null)"))?;
    let all = db.transaction()?;
    {
        let mut add = all.prepare(&format!("insert into {table} (customer, cents) values (?1, ?2)"))?;
        for n in 0..ORDERS {
            add.execute((format!("customer {}", n % 97), n * 7 % 9_000))?;
        }
    }
    all.commit()
}

impl Shop {
    /// Takes an order now and then, for ever.
    pub async fn trade(&self) {
        let mut n = 0u32;
        loop {
            tokio::time::sleep(PACE).await;
            n = n.wrapping_add(1);
            let file = self.0.clone();
            let order = move || -> rusqlite::Result<usize> {
                let db = Connection::open(file)?;
                db.busy_timeout(Duration::from_secs(2))?;
                db.execute(
                    "insert into orders (customer, cents) values (?1, ?2)",
                    (format!("customer {}", n % 97), n % 9_000),
                )
            };
            if let Ok(Err(trouble)) = tokio::task::spawn_blocking(order).await {
                tracing::warn!("the demo's shop could not take an order: {trouble}");
            }
        }
    }
}

#[derive(Debug, clap::Args)]
pub struct ToolArgs {
    #[command(subcommand)]
    what: Tool,
}

#[derive(Debug, clap::Subcommand)]
enum Tool {
    /// A consistent copy of a database that is in use
    Copy { from: PathBuf, to: PathBuf },
    /// Reads every page of a database; exit 1 if it is damaged or empty
    Read { file: PathBuf },
}

/// What the demo's steps call: the part of the `sqlite3` program that they need.
pub fn tool(args: ToolArgs) -> Result<u8, Trouble> {
    match args.what {
        Tool::Copy { from, to } => {
            let copied = Connection::open_with_flags(&from, OpenFlags::SQLITE_OPEN_READ_ONLY)
                .and_then(|db| db.execute("vacuum into ?1", [to.display().to_string()]));
            copied.map_err(|e| Trouble::failed(format!("{} could not be copied ({e})", from.display())))?;
            Ok(code::VERIFIED)
        }
        Tool::Read { file } => {
            let read = Connection::open_with_flags(&file, OpenFlags::SQLITE_OPEN_READ_ONLY).and_then(|db| {
                let state: String = db.query_row("pragma integrity_check", [], |row| row.get(0))?;
                let tables: i64 =
                    db.query_row("select count(*) from sqlite_master where type = 'table'", [], |row| row.get(0))?;
                Ok((state, tables))
            });
            match read {
                Ok((state, tables)) if state == "ok" && tables > 0 => {
                    out::raw(&format!("ok, {tables} tables"));
                    Ok(code::VERIFIED)
                }
                Ok((_, 0)) => Err(Trouble::failed(format!("{} holds no table", file.display()))),
                Ok((state, _)) => Err(Trouble::failed(format!("{} is damaged: {state}", file.display()))),
                Err(e) => Err(Trouble::failed(format!("{} cannot be read ({e})", file.display()))),
            }
        }
    }
}
