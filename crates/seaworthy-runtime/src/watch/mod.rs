//! The watch loop: asks the journal and the artifacts, never the runner, and says what is missing, late or long.
//!
//! It has a journal of its own, so that it can say so even when the watched one is in trouble. This module must
//! not decide what is wrong (core does).

mod artifacts;
mod attention;
mod since;

use std::{collections::BTreeMap, sync::Arc};

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
    site::Pinned,
    time::{At, Span},
    view::{LiveRun, Raised, SignalRow, SkippedRow, ViewChange},
};
use tracing::{error, warn};

use artifacts::Artifacts;
use attention::Attention;
use since::Since;

use crate::{
    notify,
    ports::{Ports, Stop},
};

/// Between two looks.
const EVERY: Span = Span::seconds(1);
/// A node that is away for less is not silent: it is being started again, or has not started yet.
const SILENT_AFTER: Span = Span::seconds(15);
/// A branch that cannot be read for less is not worth a signal: its last good commit is in force.
const BRANCH_LOST_AFTER: Span = Span::seconds(3_600);
/// Artifacts are looked at (size and hash) this often.
pub const ARTIFACTS_EVERY: Span = Span::seconds(600);
/// Open signals that are read.
const SIGNALS_MAX: usize = 1_000;
/// Newest rows of what did not run that are looked at; of what triggers were held from, few are kept apart at a time.
const SKIPPED_MAX: usize = 200;

/// Says since when the branch cannot be read, and why; `None`: it can, or there is none.
pub type BranchLost = dyn Fn() -> Option<(At, String)> + Send + Sync;

/// What the watcher looks at. `ports` is its own house: journal, messages, clock.
pub struct Watcher {
    pub ports: Ports,
    /// The watched journal's rows, read-only.
    pub watched: Arc<dyn Views>,
    /// Whether a node of the watched site is alive on this host; `None` where that cannot be known.
    pub alive: Arc<dyn Fn() -> Option<bool> + Send + Sync>,
    /// How often artifacts are looked at; [`ARTIFACTS_EVERY`] unless told otherwise.
    pub artifacts_every: Span,
    /// Since when, and why, the branch that the site's files come from cannot be read.
    pub branch: Arc<BranchLost>,
    /// Since when no node was seen, on the clock that never steps.
    silent: Option<Span>,
    since: Since,
    artifacts: Artifacts,
    attention: Attention,
}

/// What came of a look at one process.
struct Looked {
    findings: Vec<Finding>,
    /// Until then only its history can change the answer.
    next: At,
    /// There is an artifact that nobody has looked at yet.
    unseen: bool,
}

impl Watcher {
    pub fn new(
        ports: Ports,
        watched: Arc<dyn Views>,
        journal: Arc<dyn Journal>,
        alive: Arc<dyn Fn() -> Option<bool> + Send + Sync>,
    ) -> Self {
        let artifacts = Artifacts::new(ports.places.clone(), ports.nudges.watch.clone());
        Self {
            ports,
            watched,
            alive,
            artifacts_every: ARTIFACTS_EVERY,
            silent: None,
            branch: Arc::new(|| None),
            since: Since::new(journal.clone()),
            artifacts,
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
                biased;
                () = stop.asked() => {}
                () = self.ports.nudges.watch.notified() => {}
                () = self.ports.clock.sleep(EVERY) => {}
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
        let open = self.ports.views.signals(Raised::Open, SIGNALS_MAX).await?;
        let now = self.ports.clock.now();
        self.attention.follow(self.watched.as_ref(), now).await?;
        self.since.retain(|name| loaded.processes.contains_key(name));
        self.artifacts.retain(|name| loaded.processes.contains_key(name));
        self.attention.woken(self.artifacts.collect(self.ports.clock.elapsed()));
        for pinned in loaded.processes.values() {
            if !self.attention.wants(pinned, now) {
                continue;
            }
            let Looked { findings, next, unseen } = self.look(pinned, &live).await?;
            let name = &pinned.process.name;
            let known: Vec<SignalRow> = open.iter().filter(|s| s.process == *name).cloned().collect();
            let (raise, clear) = changes(&known, &findings);
            for finding in raise {
                self.raise(&loaded.processes, name, finding).await?;
            }
            for signal in clear {
                // Nobody has looked at it yet: nobody knows that it is back.
                if unseen && signal.kind == SignalKind::ArtifactGone {
                    continue;
                }
                self.clear(&loaded.processes, signal).await?;
            }
            self.attention.looked(pinned, next);
        }
        for signal in open.iter().filter(|s| !s.process.is_empty() && !loaded.processes.contains_key(&s.process)) {
            self.clear(&loaded.processes, signal.clone()).await?;
        }
        self.look_for_branch(&loaded.processes, &open).await?;
        self.look_for_node(&loaded.processes, &open).await
    }

    /// Whether the site's files have come from an old commit for too long.
    async fn look_for_branch(
        &self,
        processes: &BTreeMap<String, Arc<Pinned>>,
        open: &[SignalRow],
    ) -> Result<(), StoreError> {
        let known = open.iter().find(|s| s.kind == SignalKind::BranchLost);
        let lost = (self.branch)().filter(|(since, _)| self.ports.clock.now().since(*since) >= BRANCH_LOST_AFTER);
        match (lost, known) {
            (Some((since, reason)), None) => {
                let finding = Finding {
                    key: "branch".into(),
                    kind: SignalKind::BranchLost,
                    nominal: None,
                    run: None,
                    expected: "new commits of the site's branch are seen".into(),
                    seen: format!("since {}: {reason}", utc(since)),
                };
                self.raise(processes, "", finding).await
            }
            (None, Some(signal)) => self.clear(processes, signal.clone()).await,
            _ => Ok(()),
        }
    }

    /// Whether anybody is there to run what is due.
    async fn look_for_node(
        &mut self,
        processes: &BTreeMap<String, Arc<Pinned>>,
        open: &[SignalRow],
    ) -> Result<(), StoreError> {
        let known = open.iter().find(|s| s.kind == SignalKind::NodeSilent);
        let (alive, elapsed) = ((self.alive)(), self.ports.clock.elapsed());
        self.silent = match alive {
            Some(false) => self.silent.or(Some(elapsed)),
            _ => None,
        };
        let away = self.silent.map_or(Span::ZERO, |since| Span(elapsed.0.saturating_sub(since.0)));
        match (alive, known) {
            (Some(false), None) if away >= SILENT_AFTER => {
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

    async fn look(&mut self, pinned: &Pinned, live: &[LiveRun]) -> Result<Looked, StoreError> {
        let process = &pinned.process;
        let drilled = process.drill.as_ref().is_some_and(|d| d.restore.is_some());
        if process.watch.is_none() && !drilled {
            return Ok(Looked { findings: Vec::new(), next: At(i64::MAX), unseen: false });
        }
        let view = self.watched.process(&process.name).await?;
        let skipped: Vec<SkippedRow> = self.watched.skipped(Some(&process.name), SKIPPED_MAX).await?;
        // What a pause or a blackout held of triggers says nothing of the schedule.
        let skipped: Vec<SkippedRow> = skipped.into_iter().filter(|row| row.trigger.is_empty()).collect();
        let row = self.watched.schedule(&process.name).await?;
        let timetable = process.expects().and_then(|s| Timetable::parse(s).ok());
        let live: Vec<LiveRun> = live.iter().filter(|r| r.process == process.name).cloned().collect();
        let mut ended = view.runs;
        ended.extend(view.drills);
        for run in view.last_verified.into_iter().chain(view.last_verified_drill) {
            if ended.iter().all(|known| known.run != run.run) {
                ended.push(run);
            }
        }
        let now = self.ports.clock.now();
        let (mut artifact, mut unseen, mut again) = (None, false, self.artifacts_every);
        if let Some((_, recorded)) = artifact_to_look_at(&ended) {
            let elapsed = self.ports.clock.elapsed();
            (artifact, again) = self.artifacts.seen(&process.name, recorded, self.artifacts_every, elapsed);
            unseen = artifact.is_none();
        }
        let in_force_since = self.since.of(pinned, row.as_ref(), now).await?;
        let facts = WatchFacts {
            process,
            timetable: timetable.as_ref(),
            in_force_since,
            live: &live,
            ended: &ended,
            skipped: &skipped,
            pause: row.as_ref().and_then(|row| row.pause.as_ref()),
            blackouts: &self.ports.definitions.current().site.blackouts,
            artifact,
            now,
        };
        let artifacts = now + again;
        let next = next_look(&facts).map_or(artifacts, |next| next.min(artifacts));
        Ok(Looked { findings: judge(&facts), next, unseen })
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
    /// every process that wants to hear of missed runs; each of their routes is told once. Of a process that is gone nobody
    /// is told: its own words on that are gone, and it is no concern of the others.
    fn tell(&self, processes: &BTreeMap<String, Arc<Pinned>>, signal: &SignalRow, cleared: bool, batch: &mut Batch) {
        let loaded = self.ports.definitions.current();
        let concerned: Vec<&Process> = match processes.get(&signal.process) {
            Some(pinned) => vec![&pinned.process],
            None if signal.process.is_empty() => processes.values().map(|p| &p.process).collect(),
            None => Vec::new(),
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
