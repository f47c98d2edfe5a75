//! SQLite files, opened for reading only.
//!
//! This module must not know conditions. It never makes a file: SQLite would make a missing database, and
//! takes an empty file for a good one without tables, so both are refused before it is asked.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use rusqlite::{Connection, InterruptHandle, OpenFlags, types::ValueRef};
use seaworthy_model::{process::hex, time::Span, value::Value};

use super::Answer;
use crate::sight::Mask;

/// How often a look that was given up interrupts its statement until that has ended, and for how long.
const INTERRUPT_EVERY: Duration = Duration::from_millis(10);
const INTERRUPTS_MAX: u32 = 1_000;

/// Runs the statement on a thread of its own; dropping the future interrupts it.
pub(super) async fn ask(path: &Path, query: &str, limit: Span, mask: Mask) -> Result<Answer, String> {
    let (path, query) = (path.to_owned(), query.to_owned());
    let (interrupt_out, interrupt_in) = tokio::sync::oneshot::channel();
    let asking = tokio::task::spawn_blocking(move || -> Result<Answer, String> {
        let database = open(&path, limit)?;
        let ended = EndedOnDrop(Arc::default());
        let interrupt = InterruptOnDrop { handle: Some(database.get_interrupt_handle()), ended: Arc::clone(&ended.0) };
        // Refused when nobody waits any more; then there is nothing to ask.
        if interrupt_out.send(interrupt).is_err() {
            return Err("the look was given up".into());
        }
        read(&database, &query, Answer::new(mask)).map_err(|error| format!("{} answered: {error}", path.display()))
    });
    // Held until the answer is there or nobody waits for it.
    let _interrupt = interrupt_in.await;
    asking.await.map_err(|_| "the look into the database broke off; look again".to_owned())?
}

struct EndedOnDrop(Arc<AtomicBool>);

impl Drop for EndedOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Interrupts the statement when dropped before it has ended. More than once, because an interruption that
/// comes just before the statement begins is forgotten.
struct InterruptOnDrop {
    handle: Option<InterruptHandle>,
    ended: Arc<AtomicBool>,
}

impl Drop for InterruptOnDrop {
    fn drop(&mut self) {
        let (Some(handle), ended) = (self.handle.take(), Arc::clone(&self.ended)) else { return };
        handle.interrupt();
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        runtime.spawn(async move {
            for _ in 0..INTERRUPTS_MAX {
                if ended.load(Ordering::Relaxed) {
                    return;
                }
                handle.interrupt();
                tokio::time::sleep(INTERRUPT_EVERY).await;
            }
        });
    }
}

fn open(path: &PathBuf, limit: Span) -> Result<Connection, String> {
    let shown = path.display();
    let found = fs::metadata(path).map_err(|error| format!("the database {shown} cannot be looked at: {error}"))?;
    if !found.is_file() {
        return Err(format!("the database {shown} is not a file"));
    }
    if found.len() == 0 {
        return Err(format!("the database {shown} is empty: 0 bytes, which SQLite would take for a good one"));
    }
    let database =
        Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)
            .map_err(|error| format!("the database {shown} cannot be opened: {error}"))?;
    let ready = database.busy_timeout(limit.to_std()).and_then(|()| database.pragma_update(None, "query_only", true));
    ready.map_err(|error| format!("the database {shown} cannot be read: {error}"))?;
    Ok(database)
}

fn read(database: &Connection, query: &str, mut answer: Answer) -> Result<Answer, String> {
    let said = |error: rusqlite::Error| match error {
        rusqlite::Error::MultipleStatement => "a look is one statement, and this is several".to_owned(),
        // Without the statement's text, which only repeats the file.
        rusqlite::Error::SqlInputError { msg, .. } => msg,
        error => error.to_string(),
    };
    let mut statement = database.prepare(query).map_err(said)?;
    if !statement.readonly() {
        return Err("this statement writes; a look only reads".into());
    }
    if statement.parameter_count() > 0 {
        return Err("this statement has parameters, and a look has none to give".into());
    }
    let names: Vec<String> = statement.column_names().map(str::to_owned).collect();
    let mut rows = statement.query([]).map_err(said)?;
    while let Some(row) = rows.next().map_err(said)? {
        let cells = names.iter().enumerate().map(|(i, name)| Ok((name.clone(), value(row.get_ref(i)?))));
        answer.push(cells.collect::<Result<Vec<_>, _>>().map_err(said)?);
    }
    Ok(answer)
}

/// Blobs are shown in hex.
fn value(cell: ValueRef<'_>) -> Value {
    match cell {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(n) => Value::Int(n),
        ValueRef::Real(n) if n.is_finite() => Value::Decimal(n),
        ValueRef::Real(n) => Value::Text(n.to_string()),
        ValueRef::Text(bytes) => Value::Text(String::from_utf8_lossy(bytes).into_owned()),
        ValueRef::Blob(bytes) => Value::Text(hex(bytes)),
    }
}
