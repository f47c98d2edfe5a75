//! Opening a site for reading, finding runs by the start of their id, and showing times.
//!
//! Reading writes nothing, so that it works beside a server and on a copy.

use std::sync::Arc;

use seaworthy_core::schedule::utc;
use seaworthy_model::{
    id::{NodeId, RunId},
    port::{Archive, Clock as _, Journal, Views, Writer},
    time::At,
};
use seaworthy_store::{memory::Memory, sqlite::Sqlite};

use super::Ask;
use crate::{place::Place, real::RealClock, trouble::Trouble};

/// A site's journal, read-only.
pub struct Reading {
    pub place: Place,
    pub journal: Arc<dyn Journal>,
    pub views: Arc<dyn Views>,
    pub archive: Arc<dyn Archive>,
    /// The watcher's, if there is one.
    pub watched: Option<Arc<dyn Views>>,
}

/// Opens the journal of a site for reading.
///
/// # Errors
/// When there is none yet, or it cannot be read.
pub fn open(ask: &Ask) -> Result<Reading, Trouble> {
    let place = ask.place()?;
    if !place.store().is_file() {
        return Err(Trouble::start(format!(
            "nothing has run here yet: there is no journal in {}; try `seaworthy run PROCESS` or `seaworthy up`",
            place.data.display()
        )));
    }
    let opened = Sqlite::open_readonly(&place.store())?.opened();
    let watcher = place.watcher().join("journal.db");
    let watched = watcher.is_file().then(|| Sqlite::open_readonly(&watcher)).transpose()?.map(|s| s.opened().views);
    Ok(Reading { place, journal: opened.journal, views: opened.views, archive: opened.archive, watched })
}

/// As [`open`], and before anything has run here an empty history.
///
/// # Errors
/// When there is a journal that cannot be read.
pub fn open_or_empty(ask: &Ask) -> Result<Reading, Trouble> {
    let place = ask.place()?;
    if place.store().is_file() {
        return open(ask);
    }
    let writer = Writer { node: NodeId::new(At(0), &[0; 10]), epoch: 0 };
    let opened = Memory::new(writer).opened();
    Ok(Reading { place, journal: opened.journal, views: opened.views, archive: opened.archive, watched: None })
}

impl Reading {
    /// A run by its id or the start of it.
    ///
    /// # Errors
    /// When none or more than one begins so.
    pub async fn find(&self, text: &str) -> Result<RunId, Trouble> {
        if let Ok(run) = text.parse() {
            return Ok(run);
        }
        let found = self.views.runs_like(text.strip_prefix("run_").unwrap_or(text)).await?;
        match found.as_slice() {
            [one] => Ok(*one),
            [] => Err(Trouble::start(format!("no run begins with `{text}`; look at `seaworthy runs`"))),
            many => {
                let names: Vec<String> = many.iter().map(ToString::to_string).collect();
                Err(Trouble::start(format!("more than one run begins with `{text}`: {}", names.join(", "))))
            }
        }
    }
}

/// `4m ago`; what a clock that was ahead has dated says so.
pub fn ago(at: At) -> String {
    let now = RealClock.now();
    if at > now {
        return format!("dated in the future ({})", utc(at));
    }
    format!("{} ago", now.since(at))
}

/// UTC with seconds.
pub fn time(at: At) -> String {
    utc(at)
}
