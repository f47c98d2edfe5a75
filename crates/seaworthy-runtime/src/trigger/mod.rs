//! The trigger loop: notices ends of runs, signals and files, and starts what waits for them.
//!
//! It takes no input: it reads what there is, and the journal says what has fired already, so a restart repeats
//! nothing. This module must not drive a run.

mod fire;
pub(crate) mod hook;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use seaworthy_model::{
    entry::Stream,
    event::Event,
    port::{Arrivals, Arrived, StoreError, Views},
    process::hex,
    run::Kind,
    site::Pinned,
    time::{At, Span},
    trigger::{Trigger, Triggered},
    view::{EndedRun, RunQuery, SignalRow},
};
use sha2::{Digest as _, Sha256};
use tracing::error;

use crate::{ports::Stop, requests::Desk};
pub use fire::{Fired, TRIGGERED_LIVE_MAX};

/// Between two looks; the end of a run wakes earlier.
const EVERY: Span = Span::seconds(2);
/// Ended runs and signals that are looked back at; more at the first look of a life.
const LOOK_BACK: usize = 200;
const LOOK_BACK_FIRST: usize = 1_000;
/// Keys that are remembered as settled; beyond it all are forgotten, and the journal is asked again.
const SETTLED_MAX: usize = 50_000;

/// What the loop remembers between looks. Forgetting it is harmless.
pub struct Triggers {
    desk: Desk,
    /// Of the watcher, if it is in reach.
    signals: Option<Arc<dyn Views>>,
    arrivals: Arc<dyn Arrivals>,
    settled: BTreeSet<String>,
    /// By path and version: since when it has looked like this, on the clock that never steps.
    still: BTreeMap<String, (String, Span)>,
    /// By name: digest, and since when this definition is in force.
    since: BTreeMap<String, (String, At)>,
    first: bool,
}

impl Triggers {
    pub fn new(desk: Desk, signals: Option<Arc<dyn Views>>, arrivals: Arc<dyn Arrivals>) -> Triggers {
        let (settled, still, since) = (BTreeSet::new(), BTreeMap::new(), BTreeMap::new());
        Triggers { desk, signals, arrivals, settled, still, since, first: true }
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
        let waiting: Vec<Arc<Pinned>> =
            loaded.processes.values().filter(|pinned| !pinned.process.triggers.is_empty()).cloned().collect();
        if waiting.is_empty() {
            return Ok(());
        }
        let limit = if self.first { LOOK_BACK_FIRST } else { LOOK_BACK };
        let query = RunQuery { kind: Some(Kind::Run), limit, ..RunQuery::default() };
        let ended = self.desk.ports.views.ended_runs(query).await?;
        let signals = match &self.signals {
            Some(signals) => signals.signals(false, limit).await?,
            None => vec![],
        };
        for pinned in waiting {
            let since = self.in_force(&pinned).await?;
            for trigger in &pinned.process.triggers {
                match trigger {
                    Trigger::Webhook { .. } => {}
                    Trigger::Process { name, when } => {
                        let matches = |run: &&EndedRun| {
                            run.process == *name
                                && run.ended_at >= since
                                && when.iter().any(|ending| ending.is(run.executed, run.verified))
                        };
                        // Oldest first.
                        for run in ended.iter().rev().filter(matches) {
                            let by = Triggered::Process { name: name.clone(), run: run.run };
                            if !self.fire(&pinned, by, run.run.to_string()).await? {
                                break;
                            }
                        }
                    }
                    Trigger::Signal { kinds, of } => {
                        let matches = |row: &&SignalRow| {
                            let whose = of.as_ref().is_none_or(|of| *of == row.process);
                            whose && row.raised_at >= since && kinds.contains(&row.kind)
                        };
                        for row in signals.iter().rev().filter(matches) {
                            let (signal, kind, of) = (row.signal, row.kind, row.process.clone());
                            let by = Triggered::Signal { signal, kind, of };
                            if !self.fire(&pinned, by, row.signal.to_string()).await? {
                                break;
                            }
                        }
                    }
                    Trigger::File { path, settled } => self.files(&pinned, path, *settled, &loaded.folder).await?,
                }
            }
        }
        self.first = false;
        Ok(())
    }

    /// Files that have been the same for long enough.
    async fn files(
        &mut self,
        pinned: &Pinned,
        path: &str,
        settled: Span,
        folder: &std::path::Path,
    ) -> Result<(), StoreError> {
        let ports = self.desk.ports.clone();
        let found = match self.arrivals.arrived(folder.join(path)).await {
            Ok(found) => found,
            Err(trouble) => {
                error!("`{}` waits for {path}, which cannot be looked at: {trouble}", pinned.process.name);
                return Ok(());
            }
        };
        let now = ports.clock.elapsed();
        if self.still.len() > SETTLED_MAX {
            self.still.clear();
        }
        for arrived in found {
            let (place, version) = (arrived.path.display().to_string(), version(&arrived));
            let memory = format!("{}\n{place}", pinned.process.name);
            let (known, since) = self.still.entry(memory).or_insert_with(|| (version.clone(), now));
            if *known != version {
                (*known, *since) = (version, now);
                continue;
            }
            if now.0.saturating_sub(since.0) < settled.0 {
                continue;
            }
            let key = format!("file/{}", hex(&Sha256::digest(format!("{place}\n{version}"))));
            if !self.fire(pinned, Triggered::File { path: place, version }, key).await? {
                break;
            }
        }
        Ok(())
    }

    /// Whether there is room for more: with as many live runs as there may be, the next look tries again.
    async fn fire(&mut self, pinned: &Pinned, by: Triggered, key: String) -> Result<bool, StoreError> {
        let memory = format!("{}/{key}", pinned.process.name);
        if self.settled.contains(&memory) {
            return Ok(true);
        }
        // What was held once does not fire when the pause is over.
        let stream = Stream::of("trigger", &memory);
        if self.desk.ports.journal.stream(&stream, 0).await?.is_empty()
            && let Fired::Full(_) = fire::fire(&self.desk, pinned, &by, &[key], None).await?
        {
            return Ok(false);
        }
        if self.settled.len() >= SETTLED_MAX {
            self.settled.clear();
        }
        self.settled.insert(memory);
        Ok(true)
    }

    /// Since when this definition is in force: what happened before it does not trigger it.
    async fn in_force(&mut self, pinned: &Pinned) -> Result<At, StoreError> {
        let name = &pinned.process.name;
        if let Some((digest, since)) = self.since.get(name)
            && *digest == pinned.digest
        {
            return Ok(*since);
        }
        let entries = self.desk.ports.journal.stream(&Stream::process(name), 0).await?;
        let loaded = entries.iter().rev().find_map(|entry| match entry.event() {
            Ok(Some(Event::ProcessLoaded { digest, .. })) if digest == pinned.digest => Some(entry.header.at),
            _ => None,
        });
        let since = loaded.unwrap_or_else(|| self.desk.ports.clock.now());
        self.since.insert(name.clone(), (pinned.digest.clone(), since));
        Ok(since)
    }
}

/// Changes with every change of the file that can be seen without reading it.
fn version(arrived: &Arrived) -> String {
    let seen = format!("{}\n{}\n{}", arrived.bytes, arrived.modified.0, arrived.inode);
    hex(&Sha256::digest(seen))[..16].to_owned()
}
