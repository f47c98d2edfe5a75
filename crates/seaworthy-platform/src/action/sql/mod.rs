//! Carries statements out on a database: all of them in one transaction, or one alone.
//!
//! As long as the commit was not asked for, no answer means that nothing is kept; from then on it means that nobody
//! knows. Rows go to the output, one JSON object a line. Must not know what they mean.

mod postgres;
mod postgres_tls;
mod sqlite;

use std::{collections::BTreeMap, io::Write as _};

use seaworthy_model::{
    deed::{Deed, Statements},
    port::Fut,
};
use serde_json::{Map, Value};

use super::{Came, Given, Kind, Trouble, expand, say};

/// Rows of one statement that go to the output; the rest is counted.
const ROWS_MAX: u64 = 10_000;

pub(super) struct Sql;

impl Kind for Sql {
    fn takes(&self, deed: &Deed) -> bool {
        matches!(deed, Deed::Sql(_))
    }

    fn carry<'a>(&'a self, given: &'a Given) -> Fut<'a, Came> {
        Box::pin(async move {
            let Deed::Sql(asked) = &given.deed else {
                return Err(Trouble::NotDone("these are no statements".into()));
            };
            let work = Work::of(asked, given).map_err(Trouble::NotDone)?;
            match work.address.strip_prefix("sqlite:") {
                Some(path) => sqlite::carry(given.folder.join(path), work).await,
                None if work.address.starts_with("postgres") => postgres::carry(work).await,
                None => Err(Trouble::NotDone(format!(
                    "{} is no database that statements can be sent to: write sqlite:PATH or postgresql://…",
                    work.shown
                ))),
            }
        })
    }
}

/// What is to be carried out, with all names replaced.
struct Work {
    /// Holds a password, maybe.
    address: String,
    /// As the file writes it: for sentences.
    shown: String,
    statements: Vec<String>,
    params: Vec<String>,
    /// Not in a transaction.
    alone: bool,
    limit: std::time::Duration,
}

impl Work {
    fn of(asked: &Statements, given: &Given) -> Result<Work, String> {
        let shown = expand::shown(&asked.url);
        let filled = |text: &String| expand::expand(text, &expand::own).map_err(|why| format!("{shown}: {why}"));
        Ok(Work {
            address: filled(&asked.url)?,
            statements: asked.statements.clone(),
            params: asked.params.iter().map(filled).collect::<Result<_, _>>()?,
            alone: asked.alone,
            limit: given.limit.to_std(),
            shown,
        })
    }

    /// In a sentence: which statement it is.
    fn number(&self, at: usize) -> String {
        if self.statements.len() == 1 { "the statement".into() } else { format!("statement {}", at + 1) }
    }

    /// The first so many values: those that a statement asks for.
    fn values(&self, at: usize, wanted: usize) -> Result<&[String], String> {
        self.params.get(..wanted).ok_or_else(|| {
            format!("{} asks for {wanted} values, and `params` gives {}", self.number(at), self.params.len())
        })
    }
}

/// Rows of the statements as they come.
#[derive(Default)]
struct Rows {
    /// Of the statement that goes on.
    count: u64,
    handed: BTreeMap<String, Value>,
}

impl Rows {
    fn push(&mut self, row: Map<String, Value>) {
        if self.count < ROWS_MAX {
            // Nobody may read it any more.
            let _ = serde_json::to_writer(std::io::stdout(), &row);
            let _ = std::io::stdout().write_all(b"\n");
        }
        if self.count == 0 {
            self.handed.extend(row);
        }
        self.count += 1;
    }

    /// A statement has ended; `changed` counts what it changed, if it gave no rows.
    fn end(&mut self, work: &Work, at: usize, changed: u64) {
        let rows = self.count.max(changed);
        let more = self.count.saturating_sub(ROWS_MAX);
        let more = if more > 0 { format!(", {more} of them not shown") } else { String::new() };
        say(&format!("{}: {rows} rows{more}", work.number(at)));
        self.handed.insert("rows".into(), rows.into());
        self.count = 0;
    }
}
