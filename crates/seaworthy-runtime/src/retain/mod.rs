//! The retain loop: drops what is old and not needed, in small steps, and gives the space back.
//!
//! A tombstone is durable before what it speaks of goes: bodies go in the transaction of theirs, files after the entry that
//! names them, so whatever a crash leaves is finished by the next pass. Core decides what may go; this module must not.

mod bodies;
mod files;
pub(crate) mod need;
mod survey;

use std::{collections::BTreeMap, sync::Arc};

use seaworthy_core::retain::Policy;
use seaworthy_model::{
    id::RunId,
    port::{Archive, Leftovers, StoreError, Views},
    site::Loaded,
    time::Span,
};
use tracing::{error, info};

pub(crate) use files::drop_artifacts;
pub use survey::{Part, Survey, Surveyed, survey};

use crate::ports::{Ports, Stop};
use bodies::Cursor;

/// Between two passes, and between two steps of one that has more to do.
const EVERY: Span = Span::seconds(60);
const STEP_GAP: Span = Span::from_millis(100);

/// Weighing all that is on disk costs, so it is done seldom.
const WEIGH_EVERY: Span = Span::seconds(600);

/// Where things are kept: rows and space of the store, files on disk.
#[derive(Clone)]
pub struct Kept {
    pub archive: Arc<dyn Archive>,
    pub leftovers: Arc<dyn Leftovers>,
}

/// What the loop needs beside its ports.
pub struct Retainer {
    pub ports: Ports,
    pub kept: Kept,
    /// The watcher's rows: open signals about runs.
    pub signals: Option<Arc<dyn Views>>,
    /// How far the bodies of each process were looked at.
    cursors: BTreeMap<String, Cursor>,
    /// The run on disk that was looked at last.
    at: Option<RunId>,
    /// When all was weighed for the site's limit.
    weighed: Option<Span>,
}

/// What one step came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Step {
    pub bodies: u64,
    pub outputs: u64,
    pub artifacts: u64,
    /// There is more to do at once.
    pub more: bool,
    /// Bytes over the site's limit that are all needed.
    pub over: u64,
}

impl Retainer {
    pub fn new(ports: Ports, kept: Kept, signals: Option<Arc<dyn Views>>) -> Retainer {
        Retainer { ports, kept, signals, cursors: BTreeMap::new(), at: None, weighed: None }
    }

    /// Runs until stopping is asked for.
    pub async fn run(mut self, stop: Stop) {
        let mut said = 0;
        while !stop.is_asked() {
            let mut wait = EVERY;
            match self.step().await {
                Ok(step) => {
                    if step.bodies + step.outputs + step.artifacts > 0 {
                        info!(
                            "retention: {} bodies, {} outputs and {} artifacts dropped",
                            step.bodies, step.outputs, step.artifacts
                        );
                    }
                    if step.over > 0 && said == 0 {
                        error!("retention: {} bytes over `at_most` are all needed; raise it or keep less", step.over);
                    }
                    said = step.over;
                    if step.more {
                        wait = STEP_GAP;
                    }
                }
                Err(trouble) => error!("retention could not go on: {trouble}"),
            }
            tokio::select! {
                biased;
                () = stop.asked() => {}
                () = self.ports.nudges.retain.notified() => {}
                () = self.ports.clock.sleep(wait) => {}
            }
        }
    }

    /// One bounded step over everything.
    ///
    /// # Errors
    /// A sentence: what was dropped by then stays dropped, and the next step goes on.
    pub async fn step(&mut self) -> Result<Step, String> {
        let loaded = self.ports.definitions.current();
        let mut step = self.bodies(&loaded).await.map_err(|e| e.to_string())?;
        let files = self.files(&loaded).await?;
        step.outputs = files.outputs;
        step.artifacts = files.artifacts;
        step.over = files.over;
        step.more |= files.more;
        if step.bodies > 0 {
            self.kept.archive.give_back().await.map_err(|e| e.to_string())?;
        }
        Ok(step)
    }
}

/// The policy of a process: what it says, else the site. A process that is gone leaves it to the site.
pub(crate) fn policy(loaded: &Loaded, process: &str) -> Policy {
    let said = loaded.processes.get(process).and_then(|pinned| pinned.process.retain);
    Policy::of(said, loaded.site.retention.map(|site| site.each))
}

fn text(error: &StoreError) -> String {
    error.to_string()
}
