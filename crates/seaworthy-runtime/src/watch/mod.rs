//! The watch loop: asks the journal and the artifacts, never the runner, and says what is missing, late or long.
//!
//! It has a journal of its own, so that it can say so even when the watched one is in trouble. This module must
//! not decide what is wrong (core does).

mod attention;

use std::{collections::BTreeMap, path::Path, sync::Arc};

use seaworthy_core::{
    schedule::{Timetable, utc},
    tell,
    watch::{Finding, WatchFacts, artifact_to_look_at, changes, judge, next_look},
};
use seaworthy_model::{
    entry::{Stream, Via},
    event::{Event, SignalKind},
    port::{Batch, Journal, StoreError, Views},
    process::Process,
    run::Artifact,
    site::Pinned,
    time::{At, Span},
    view::{LiveRun, SignalRow, SkippedRow, ViewChange},
};
use tracing::{error, warn};

use attention::Attention;

use crate::{
    notify,
    ports::{Ports, Stop},
};

/// Between two looks.
const EVERY: Span = Span::seconds(1);
/// Artifacts are looked at (size and hash) this often.
pub const ARTIFACTS_EVERY: Span = Span::seconds(600);
/// Open signals that are read.
const SIGNALS_MAX: usize = 1_000;

/// What the watcher looks at. `ports` is its own house: journal, messages, clock.
pub struct Watcher {
    pub ports: Ports,
    /// The watched journal's rows, read-only.
    pub watched: Arc<dyn Views>,
    /// Whether a node of the watched site is alive on this host; `None` where that cannot be known.
    pub alive: Arc<dyn Fn() -> Option<bool> + Send + Sync>,
    /// How often artifacts are looked at; [`ARTIFACTS_EVERY`] unless told otherwise.
    pub artifacts_every: Span,
    since: At,
    looked: BTreeMap<String, (At, Result<Artifact, String>)>,
    attention: Attention,
}

impl Watcher {
    pub fn new(
        ports: Ports,
        watched: Arc<dyn Views>,
        journal: Arc<dyn Journal>,
        alive: Arc<dyn Fn() -> Option<bool> + Send + Sync>,
    ) -> Self {
        let since = ports.clock.now();
        Self {
            ports,
            watched,
            alive,
            artifacts_every: ARTIFACTS_EVERY,
            since,
            looked: BTreeMap::new(),
            attention: Attention::new(journal),
        }
    }

    /// Runs until stopping is asked for.
    pub async fn run(mut self, stop: Stop) {
        while !stop.is_asked() {
            if let Err(trouble) = self.activate().await {
                error!("the watcher could not look: {trouble}");
            }
            tokio::select! {
                () = self.ports.clock.sleep(EVERY) => {}
                () = self.ports.nudges.watch.notified() => {}
                () = stop.asked() => {}
            }
        }
    }

    /// Looks at everything once.
    ///
    /// # Errors
    /// When a journal cannot be read or written.
    pub async fn activate(&mut self) -> Result<(), StoreError> {
        let loaded = self.ports.definitions.current();
        let live = self.watched.live_runs().await?;
        let open = self.ports.views.signals(true, SIGNALS_MAX).await?;
        let now = self.ports.clock.now();
        self.attention.follow(self.watched.as_ref(), now).await?;
        for pinned in loaded.processes.values() {
            if !self.attention.wants(pinned, now) {
                continue;
            }
            let (findings, next) = self.look(pinned, &live).await?;

            let name = &pinned.process.name;
            let known: Vec<SignalRow> = open.iter().filter(|s| s.process == *name).cloned().collect();
            let (raise, clear) = changes(&known, &findings);
            for finding in raise {
                self.raise(&loaded.processes, name, finding).await?;
            }
            for signal in clear {
                self.clear(&loaded.processes, signal).await?;
            }
            self.attention.looked(pinned, next);
        }
        for signal in open.iter().filter(|s| !s.process.is_empty() && !loaded.processes.contains_key(&s.process)) {
            self.clear(&loaded.processes, signal.clone()).await?;
        }
        self.look_for_node(&loaded.processes, &open).await
    }

    /// Whether anybody is there to run what is due.
    async fn look_for_node(
        &self,
        processes: &BTreeMap<String, Arc<Pinned>>,
        open: &[SignalRow],
    ) -> Result<(), StoreError> {
        let known = open.iter().find(|s| s.kind == SignalKind::NodeSilent);
        match ((self.alive)(), known) {
            (Some(false), None) => {
                let finding = Finding {
                    key: "silent".into(),
                    kind: SignalKind::NodeSilent,
                    nominal: None,
                    run: None,
                    expected: "the server of this site is running".into(),
                    seen: "no living server holds the data folder".into(),
                };
                self.raise(processes, "", finding).await
            }
            (Some(true), Some(signal)) => self.clear(processes, signal.clone()).await,
            _ => Ok(()),
        }
    }

    async fn look(&mut self, pinned: &Pinned, live: &[LiveRun]) -> Result<(Vec<Finding>, At), StoreError> {
        let process = &pinned.process;
        let drilled = process.drill.as_ref().is_some_and(|d| d.restore.is_some());
        if process.watch.is_none() && !drilled {
            return Ok((Vec::new(), At(i64::MAX)));
        }
        let view = self.watched.process(&process.name).await?;
        let skipped: Vec<SkippedRow> = self.watched.skipped(Some(&process.name), 20).await?;
        let row = self.watched.schedule(&process.name).await?;
        let timetable = process.schedule.as_ref().and_then(|s| Timetable::parse(s).ok());
        let live: Vec<LiveRun> = live.iter().filter(|r| r.process == process.name).cloned().collect();
        let mut ended = view.runs;
        ended.extend(view.drills);
        for run in view.last_verified.into_iter().chain(view.last_verified_drill) {
            if ended.iter().all(|known| known.run != run.run) {
                ended.push(run);
            }
        }
        ended.sort_by_key(|run| std::cmp::Reverse(run.ended_at));
        let artifact = match artifact_to_look_at(&ended).map(|(_, artifact)| artifact.clone()) {
            Some(artifact) => Some(self.artifact(&process.name, &artifact).await),
            None => None,
        };
        let now = self.ports.clock.now();
        let in_force_since = row.filter(|row| row.digest == pinned.digest).map_or(self.since, |row| row.since);
        let facts = WatchFacts {
            process,
            timetable: timetable.as_ref(),
            in_force_since,
            live: &live,
            ended: &ended,
            skipped: &skipped,
            artifact,
            now,
        };
        let artifacts = now + self.artifacts_every;
        Ok((judge(&facts), next_look(&facts).map_or(artifacts, |next| next.min(artifacts))))
    }

    /// The newest verified artifact, looked at now and then.
    async fn artifact(&mut self, process: &str, recorded: &Artifact) -> Result<Artifact, String> {
        let now = self.ports.clock.now();
        let key = format!("{process}/{}", recorded.place);
        if let Some((at, seen)) = self.looked.get(&key)
            && now.since(*at) < self.artifacts_every
        {
            return seen.clone();
        }
        let place = Path::new(&recorded.place);
        let folder =
            recorded.place.strip_suffix(&recorded.name).map_or(place, |folder| Path::new(folder.trim_end_matches('/')));
        let seen = self.ports.places.artifact(folder, &recorded.name).await;
        self.looked.retain(|known, _| !known.starts_with(&format!("{process}/")));
        self.looked.insert(key, (now, seen.clone()));
        seen
    }

    async fn raise(
        &self,
        processes: &BTreeMap<String, Arc<Pinned>>,
        process: &str,
        finding: Finding,
    ) -> Result<(), StoreError> {
        let ports = &self.ports;
        let (ids, now) = (ports.ids(), ports.clock.now());
        let signal = SignalRow {
            signal: ids.signal(),
            process: process.to_owned(),
            key: finding.key,
            kind: finding.kind,
            raised_at: now,
            cleared_at: None,
            nominal: finding.nominal,
            run: finding.run,
            expected: finding.expected,
            seen: finding.seen,
        };
        warn!(process = signal.process, "{} {}: {}", signal.process, signal.kind.word(), signal.seen);
        let event = Event::SignalRaised {
            signal: signal.signal,
            key: signal.key.clone(),
            process: signal.process.clone(),
            kind: signal.kind,
            nominal: signal.nominal,
            run: signal.run,
            expected: signal.expected.clone(),
            seen: signal.seen.clone(),
        };
        let mut batch = Batch::by(ports.actor, Via::Node);
        batch.writes.push(ids.write(Stream::of("signal", signal.signal), Some(0), now, [event]));
        batch.views.push(ViewChange::Signal(signal.clone()));
        self.tell(processes, &signal, false, &mut batch);
        ports.journal.append(batch).await?;
        ports.nudges.notify.notify_one();
        Ok(())
    }

    async fn clear(&self, processes: &BTreeMap<String, Arc<Pinned>>, signal: SignalRow) -> Result<(), StoreError> {
        let ports = &self.ports;
        let (ids, now) = (ports.ids(), ports.clock.now());
        let signal = SignalRow { cleared_at: Some(now), seen: format!("over since {}", utc(now)), ..signal };
        let event = Event::SignalCleared { signal: signal.signal, key: signal.key.clone(), seen: signal.seen.clone() };
        let mut batch = Batch::by(ports.actor, Via::Node);
        batch.writes.push(ids.write(Stream::of("signal", signal.signal), None, now, [event]));
        self.tell(processes, &signal, true, &mut batch);
        batch.views.push(ViewChange::Signal(signal));
        ports.journal.append(batch).await?;
        ports.nudges.notify.notify_one();
        Ok(())
    }

    /// Queues a message if the process wants to be told about this kind of signal. The silence of a node concerns
    /// every process that wants to hear of missed runs; each of their routes is told once.
    fn tell(&self, processes: &BTreeMap<String, Arc<Pinned>>, signal: &SignalRow, cleared: bool, batch: &mut Batch) {
        let loaded = self.ports.definitions.current();
        let concerned: Vec<&Process> = match processes.get(&signal.process) {
            Some(pinned) => vec![&pinned.process],
            None => processes.values().map(|p| &p.process).collect(),
        };
        let mut told: Vec<&str> = Vec::new();
        for process in concerned {
            let Some(tell) = process.tell.as_ref().filter(|t| t.when.contains(&signal.kind.occasion())) else {
                continue;
            };
            if told.contains(&tell.route.as_str()) {
                continue;
            }
            told.push(&tell.route);
            let id = self.ports.ids().message();
            let message = tell::about_signal(&loaded.site, process, signal, cleared, id, self.ports.clock.now());
            notify::queue(&self.ports, &loaded.site, batch, tell.route.clone(), message, Some(signal.signal));
        }
    }
}
