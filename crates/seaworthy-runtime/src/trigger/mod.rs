//! The trigger loop: notices ends of runs, signals and files, and starts what waits for them.
//!
//! It takes no input: it reads what there is, and the journal says what has fired already, so a restart repeats
//! nothing. This module must not drive a run.

mod ends;
mod files;
mod fire;
pub(crate) mod hook;
mod since;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    sync::Arc,
};

use seaworthy_model::{
    port::{Archive, Arrivals, StoreError, Views},
    site::Pinned,
    time::{At, Span},
    trigger::{Trigger, Triggered},
    view::{Raised, SignalRow},
};
use tracing::error;

use crate::{ports::Stop, requests::Desk};
use ends::Ends;
use files::Files;
use fire::fire_once;
pub use fire::{Fired, TRIGGERED_LIVE_MAX};
use since::{Since, since};

/// Between two looks; the end of a run wakes earlier.
const EVERY: Span = Span::seconds(2);
/// Signals that are read at a time, and most that are read at a look; those before are forgotten.
const SIGNALS: usize = 1_000;
const SIGNALS_MAX: usize = 100_000;
/// Keys of signals that are remembered as settled; beyond it all are forgotten, and the journal is asked again.
const SETTLED_MAX: usize = 50_000;

/// What the loop remembers between looks. Forgetting it is harmless.
pub struct Triggers {
    desk: Desk,
    /// Of the watcher, if it is in reach.
    signals: Option<Arc<dyn Views>>,
    settled: BTreeSet<String>,
    /// All signals that were raised before have been looked at.
    looked: At,
    ends: Ends,
    files: Files,
    /// By name: digest, and since when each trigger of this definition is in force.
    since: BTreeMap<String, (String, Vec<Since>)>,
}

impl Triggers {
    /// `folder`: of the local site file.
    pub fn new(
        desk: Desk,
        archive: Arc<dyn Archive>,
        signals: Option<Arc<dyn Views>>,
        arrivals: Arc<dyn Arrivals>,
        folder: PathBuf,
    ) -> Triggers {
        let (ends, files) = (Ends::new(archive), Files::new(arrivals, folder));
        Triggers { desk, signals, settled: BTreeSet::new(), looked: At(i64::MIN), ends, files, since: BTreeMap::new() }
    }

    /// Runs until stopping is asked for.
    pub async fn run(mut self, stop: Stop) {
        let (clock, nudge) = (self.desk.ports.clock.clone(), self.desk.ports.nudges.trigger.clone());
        while !stop.is_asked() {
            if let Err(trouble) = self.activate().await {
                error!("triggers could not be looked at: {trouble}");
            }
            tokio::select! {
                biased;
                () = stop.asked() => {}
                () = nudge.notified() => {}
                () = clock.sleep(EVERY) => {}
            }
        }
    }

    /// Looks at everything once.
    ///
    /// # Errors
    /// When the journal cannot be read or written.
    pub async fn activate(&mut self) -> Result<(), StoreError> {
        let loaded = self.desk.ports.definitions.current();
        let mut waiting: Vec<(Arc<Pinned>, Vec<Since>)> = Vec::new();
        let waits = |pinned: &&Arc<Pinned>| !pinned.process.triggers.is_empty();
        // What comes back waits anew: what happened while it was away starts nothing.
        let there = |name: &str| loaded.processes.get(name).as_ref().is_some_and(waits);
        self.since.retain(|name, _| there(name));
        self.ends.retain(there);
        for pinned in loaded.processes.values().filter(waits) {
            waiting.push((pinned.clone(), self.in_force(pinned).await?));
        }
        let mut more = false;
        for (pinned, since) in &waiting {
            more |= self.ends.look(&self.desk, pinned, since).await?;
        }
        self.signals(&waiting).await?;
        self.files.look(&self.desk, &waiting).await?;
        if more {
            self.desk.ports.nudges.trigger.notify_one();
        }
        Ok(())
    }

    /// Signals that the watcher raised since.
    async fn signals(&mut self, waiting: &[(Arc<Pinned>, Vec<Since>)]) -> Result<(), StoreError> {
        let waits = |(pinned, since): &(Arc<Pinned>, Vec<Since>)| {
            let lines = pinned.process.triggers.clone().into_iter().zip(since.clone());
            lines.filter(|(trigger, _)| matches!(trigger, Trigger::Signal { .. })).collect::<Vec<_>>()
        };
        let waiting: Vec<_> = waiting.iter().map(|one| (one.0.clone(), waits(one))).collect();
        let Some(oldest) = waiting.iter().flat_map(|(_, lines)| lines).map(|(_, since)| since.at).min() else {
            return Ok(());
        };
        let Some(signals) = self.signals.clone() else { return Ok(()) };
        let rows = raised(&*signals, oldest.max(self.looked)).await?;
        let mut all = true;
        for (pinned, lines) in waiting {
            for (trigger, since) in lines {
                let Trigger::Signal { kinds, of } = trigger else { continue };
                let matches = |row: &&SignalRow| {
                    let whose = of.as_ref().is_none_or(|of| *of == row.process);
                    whose && row.raised_at >= since.at && kinds.contains(&row.kind)
                };
                // Oldest first.
                for row in rows.iter().rev().filter(matches) {
                    let (signal, kind, of) = (row.signal, row.kind, row.process.clone());
                    if !self.fire(&pinned, Triggered::Signal { signal, kind, of }, signal.to_string()).await? {
                        all = false;
                        break;
                    }
                }
            }
        }
        if let Some(newest) = rows.first().filter(|_| all) {
            self.looked = newest.raised_at;
        }
        Ok(())
    }

    /// Whether there is room for more: with as many live runs as there may be, the next look tries again.
    async fn fire(&mut self, pinned: &Pinned, by: Triggered, key: String) -> Result<bool, StoreError> {
        let memory = format!("{}/{key}", pinned.process.name);
        if self.settled.contains(&memory) {
            return Ok(true);
        }
        if !fire_once(&self.desk, pinned, &by, key).await? {
            return Ok(false);
        }
        if self.settled.len() >= SETTLED_MAX {
            self.settled.clear();
        }
        self.settled.insert(memory);
        Ok(true)
    }

    async fn in_force(&mut self, pinned: &Pinned) -> Result<Vec<Since>, StoreError> {
        let name = &pinned.process.name;
        if let Some((digest, since)) = self.since.get(name)
            && *digest == pinned.digest
        {
            return Ok(since.clone());
        }
        // It may wait for what others did not.
        self.looked = At(i64::MIN);
        let ports = &self.desk.ports;
        let since = since(&*ports.journal, pinned, ports.clock.now()).await?;
        self.since.insert(name.clone(), (pinned.digest.clone(), since.clone()));
        Ok(since)
    }
}

/// Signals that were raised at this time or later, newest first; and of those before some, for a clock that was set.
async fn raised(signals: &dyn Views, since: At) -> Result<Vec<SignalRow>, StoreError> {
    let mut rows = signals.signals(Raised::All, SIGNALS).await?;
    let mut full = rows.len() == SIGNALS;
    while let Some(last) = rows.last().filter(|last| full && last.raised_at >= since)
        && rows.len() < SIGNALS_MAX
    {
        let more = signals.signals(last.before(), SIGNALS).await?;
        full = more.len() == SIGNALS;
        rows.extend(more);
    }
    Ok(rows)
}
