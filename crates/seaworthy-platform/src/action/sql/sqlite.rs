//! Statements on an SQLite file, which must be there already.
//!
//! Must not know what the statements are for.

use std::path::PathBuf;

use rusqlite::{
    Batch, Connection, ErrorCode, OpenFlags, Statement, fallible_iterator::FallibleIterator as _, types::ValueRef,
};
use serde_json::{Map, Value};

use super::{Rows, Work};
use crate::action::{Came, Trouble};

/// Longest wait for somebody else who writes.
const BUSY_MAX: std::time::Duration = std::time::Duration::from_secs(60);

pub(super) async fn carry(path: PathBuf, work: Work) -> Came {
    let limit = work.limit;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
    let connection = Connection::open_with_flags(&path, flags).map_err(|error| {
        Trouble::NotDone(format!("{} cannot be opened ({error}); the file must be there already", work.shown))
    })?;
    let interrupt = connection.get_interrupt_handle();
    let mut working = tokio::task::spawn_blocking(move || {
        let _ = connection.busy_timeout(BUSY_MAX.min(limit / 2));
        all(&connection, &work)
    });
    let ended = tokio::select! {
        biased;
        ended = &mut working => ended,
        () = tokio::time::sleep(limit) => {
            interrupt.interrupt();
            working.await
        }
    };
    ended.unwrap_or_else(|lost| Err(Trouble::Unknown(format!("the statements were lost on the way ({lost})"))))
}

fn all(connection: &Connection, work: &Work) -> Came {
    let mut rows = Rows::default();
    let fails = |what: &str, error: &dyn std::fmt::Display| {
        let kept = if work.alone { "" } else { "; nothing of the transaction is kept" };
        Trouble::NotDone(format!("{what} failed on {}: {error}{kept}", work.shown))
    };
    if !work.alone {
        // At once for writing: two that read first and write then would only fail later.
        connection.execute_batch("BEGIN IMMEDIATE").map_err(|error| fails("the begin", &error))?;
    }
    for (at, text) in work.statements.iter().enumerate() {
        one(connection, work, at, text, &mut rows).map_err(|why| fails(&work.number(at), &why))?;
    }
    if !work.alone {
        connection.execute_batch("COMMIT").map_err(|error| match error.sqlite_error_code() {
            Some(ErrorCode::SystemIoFailure | ErrorCode::DiskFull) | None => {
                let shown = &work.shown;
                Trouble::Unknown(format!("the commit on {shown} failed ({error}): look whether anything is kept"))
            }
            _ => fails("the commit", &error),
        })?;
    }
    Ok(rows.handed)
}

fn one(connection: &Connection, work: &Work, at: usize, text: &str, rows: &mut Rows) -> Result<(), String> {
    let before = connection.total_changes();
    let mut batch = Batch::new(connection, text);
    let plain = |error: rusqlite::Error| match error.sqlite_error_code() {
        Some(ErrorCode::OperationInterrupted) => format!("it took longer than {:?}", work.limit),
        _ => error.to_string(),
    };
    let Some(mut statement) = batch.next().map_err(plain)? else { return Err("it is empty".into()) };
    bind(&mut statement, work, at)?;
    let names: Vec<String> = statement.column_names().map(str::to_owned).collect();
    let mut found = statement.raw_query();
    while let Some(row) = found.next().map_err(plain)? {
        let mut cells = Map::new();
        for (n, name) in names.iter().enumerate() {
            cells.insert(name.clone(), cell(row.get_ref(n).map_err(plain)?));
        }
        rows.push(cells);
    }
    drop(found);
    drop(statement);
    if !matches!(batch.next(), Ok(None)) {
        return Err("it holds more than one statement: write a list".into());
    }
    rows.end(work, at, connection.total_changes() - before);
    Ok(())
}

/// `$1`, `?1` and `?` are the values in their order.
fn bind(statement: &mut Statement<'_>, work: &Work, at: usize) -> Result<(), String> {
    let place = |n: usize, statement: &Statement<'_>| match statement.parameter_name(n) {
        Some(name) => name[1..].parse::<usize>().ok().filter(|place| *place > 0),
        None => Some(n),
    };
    for n in 1..=statement.parameter_count() {
        let wanted = place(n, statement).ok_or_else(|| {
            format!("a value is called `{}`: call it $1, $2 …", statement.parameter_name(n).unwrap_or("?"))
        })?;
        let value = &work.values(at, wanted)?[wanted - 1];
        statement.raw_bind_parameter(n, value).map_err(|error| error.to_string())?;
    }
    Ok(())
}

fn cell(value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(n) => n.into(),
        ValueRef::Real(n) => n.into(),
        ValueRef::Text(text) => String::from_utf8_lossy(text).into(),
        ValueRef::Blob(bytes) => format!("\\x{}", seaworthy_model::process::hex(bytes)).into(),
    }
}
