//! Drives one run: ask, make durable, carry out, ask again.
//!
//! What happened is made durable before anything else touches the world; a crash between any two lines leaves
//! either an entry or an attempt whose end is unknown, never a silent repeat. This module must not decide.

use std::sync::Arc;

use seaworthy_core::{
    account::persons::Persons,
    run::{Next, Plan, State, ended, live, next},
    tell,
};
use seaworthy_model::{
    entry::{Draft, Stream, Via},
    event::Event,
    id::RunId,
    port::{Batch, OutputKey, StoreError, Write},
    process::Process,
    run::{Executed, Kind, Verified},
    site::Loaded,
    time::{At, Span},
    view::ViewChange,
};
use tokio::sync::Notify;
use tracing::{info, warn};

use super::{Runs, surroundings::Surroundings, under::Under};
use crate::{barred::origin, notify, writing::append_patiently};

/// Between two looks whether a person has answered, beside being told so.
const ANSWER_LOOK: Span = Span::seconds(2);

/// A run under way.
pub(super) struct Drive<'a> {
    pub(super) runs: &'a Arc<Runs>,
    pub(super) run: RunId,
    pub(super) nudge: Arc<Notify>,
    pub(super) process: Arc<Process>,
    pub(super) plan: Plan,
    pub(super) loaded: Arc<Loaded>,
    /// What is durable and what is about to be.
    pub(super) state: State,
    /// Version of the stream that is durable.
    pub(super) version: u64,
    /// The claim that was durable when it was last read; another one may only be our own.
    pub(super) claim: u64,
    /// Events that happened and are not durable yet.
    pub(super) pending: Vec<Draft>,
    /// Attempts that go on now.
    pub(super) under: Under,
    /// The locks of the process are taken, by this life of the node.
    pub(super) locked: bool,
}

/// Takes the run up and drives it until it has ended, or stopping is asked for. `known` is the fold of what is
/// durable, for whoever has it at hand.
pub(super) async fn drive(
    runs: &Arc<Runs>,
    run: RunId,
    nudge: Arc<Notify>,
    known: Option<State>,
) -> Result<(), StoreError> {
    let (state, version) = match known {
        Some(state) => {
            let version = state.version;
            (state, version)
        }
        None => read(runs, run).await?,
    };
    let Some(requested) = state.requested.clone() else { return Ok(()) };
    if state.ended.is_some() {
        return Ok(());
    }
    let definition = runs.definition(&requested.process, &requested.digest).await?;
    let plan = definition.as_deref().and_then(|process| Plan::of(process, requested.kind));
    let (Some(process), Some(plan)) = (definition, plan) else {
        return abandon(runs, run, state, version).await;
    };
    let loaded = runs.ports.definitions.current();
    let claim = state.fence;
    let under = Under::default();
    let mut drive =
        Drive { runs, run, nudge, process, plan, loaded, state, version, claim, pending: vec![], under, locked: false };
    let left = claim != 0;
    drive.note(Event::RunClaimed { fence: runs.ports.writer.epoch });
    if left {
        drive.adopt();
    }
    drive.run_on().await
}

/// All that is durable of a run.
pub(crate) async fn read(runs: &Runs, run: RunId) -> Result<(State, u64), StoreError> {
    let entries = runs.ports.journal.stream(&Stream::run(run), 0).await?;
    let version = entries.last().map_or(0, |e| e.header.version);
    let mut state = State::default();
    for entry in &entries {
        let event = entry.event().map_err(|e| StoreError::Broken { detail: e.to_string() })?;
        if let Some(event) = event {
            state.apply(entry.header.at, &event);
        }
    }
    Ok((state, version))
}

/// Ends a run whose definition is gone: it cannot go on, and says so, also to whom the present definition tells.
async fn abandon(runs: &Runs, run: RunId, mut state: State, version: u64) -> Result<(), StoreError> {
    let (ids, now) = (runs.ports.ids(), runs.ports.clock.now());
    let event = Event::RunEnded {
        executed: Executed::Unknown,
        verified: Verified::Unknown,
        reason: "the definition that this run was pinned to is not in the journal".into(),
        duration: Span::ZERO,
        recovery: None,
    };
    state.apply(now, &event);
    let mut batch = Batch::by(runs.ports.actor, Via::Node);
    let loaded = runs.ports.definitions.current();
    let requested = state.requested.as_ref();
    let present = requested.and_then(|asked| Some((&loaded.processes.get(&asked.process)?.process, asked.kind)));
    // A plan only gives the message its words; a drill may be gone from the file as well.
    let plan = present.and_then(|(process, kind)| Plan::of(process, kind).or_else(|| Plan::of(process, Kind::Run)));
    if let (Some((process, _)), Some(plan)) = (present, &plan) {
        for (route, occasion) in tell::routes(process, plan, &state, std::slice::from_ref(&event)) {
            let about = tell::About { site: &loaded.site, process, plan, run, state: &state };
            let message = tell::about_run(about, occasion, ids.message(), now);
            notify::queue(&runs.ports, &loaded.site, &mut batch, route, message, None);
        }
    }
    batch.views.extend(ended(run, None, &state).map(|row| ViewChange::RunEnded(Box::new(row))));
    batch.writes.push(ids.write(Stream::run(run), Some(version), now, [event]));
    append_patiently(&runs.ports, &runs.stop, batch).await?;
    runs.ports.nudges.notify.notify_one();
    Ok(())
}

impl Drive<'_> {
    async fn run_on(mut self) -> Result<(), StoreError> {
        loop {
            let nothing_to_write = self.pending.is_empty() || self.only_claims();
            if self.runs.stop.is_asked() && nothing_to_write && self.state.ended.is_none() {
                self.leave_all().await?;
                info!(run = %self.run, "left for the next start");
                return Ok(());
            }
            self.plan.grow(&self.state);
            self.claim_now();
            let now = self.runs.ports.clock.now();
            let ids = self.runs.ports.ids();
            match next(&self.plan, &self.state, now, &mut || ids.draw()) {
                Next::Record(events) => self.record(events).await?,
                Next::Act(act) => {
                    if self.locked().await? {
                        self.begin(*act).await?;
                    }
                }
                Next::Call(call) => {
                    if self.locked().await? {
                        self.call(*call).await?;
                    }
                }
                Next::Attend(until) => {
                    self.commit().await?;
                    // Commands of an earlier life go on: their locks are this life's now.
                    if !self.locked && !self.process.locks.is_empty() {
                        self.take_locks().await?;
                    }
                    self.attend(until).await?;
                }
                Next::Stop => {
                    self.commit().await?;
                    self.stop_all().await?;
                }
                Next::Collect { step, name, within } => self.collect(step, name, within).await?,
                Next::Take { step, attempt, outputs } => self.take(step, attempt, &outputs).await?,
                Next::Look { check, round } => self.look(&check, round).await?,
                Next::Snapshot => {
                    self.commit().await?;
                    let snapshot = self.runs.ports.places.snapshot().await;
                    self.note(Event::HostSeen { snapshot });
                }
                Next::Wait(until) => {
                    self.commit().await?;
                    self.wait(until).await?;
                }
                Next::Ended => {
                    self.commit().await?;
                    self.report();
                    crate::prune::after_run(&self.runs.ports, &self.process, &self.plan, self.run, &self.state).await;
                    return Ok(());
                }
            }
        }
    }

    /// Something happened now.
    pub(super) fn note(&mut self, event: Event) {
        let now = self.runs.ports.clock.now();
        self.state.apply(now, &event);
        self.pending.push(self.runs.ports.ids().draft(now, event));
    }

    /// Makes what happened durable, with the rows and messages that follow from it.
    pub(super) async fn commit(&mut self) -> Result<(), StoreError> {
        self.commit_with(None).await
    }

    /// As [`Drive::commit`]; whether nobody else wrote to the stream meanwhile. If somebody did, what was decided is old.
    pub(super) async fn commit_alone(&mut self) -> Result<bool, StoreError> {
        let expected = self.version + self.pending.len() as u64;
        self.commit().await?;
        Ok(self.version == expected)
    }

    /// As [`Drive::commit`], with the request of a child that is to be durable in the same transaction.
    pub(super) async fn commit_with(&mut self, also: Option<&Batch>) -> Result<(), StoreError> {
        while !self.pending.is_empty() {
            let mut batch = self.batch();
            let begins = self.pending.iter().any(|draft| matches!(draft.event, Event::ChildBegun(_)));
            if let Some(also) = also.filter(|_| begins) {
                batch.writes.extend(also.writes.iter().cloned());
                batch.views.extend(also.views.iter().cloned());
            }
            match append_patiently(&self.runs.ports, &self.runs.stop, batch).await {
                Ok(_) => {
                    self.version += self.pending.len() as u64;
                    let told = self.pending.iter().any(|d| {
                        matches!(d.event, Event::RunEnded { .. } | Event::HealTried { .. } | Event::PersonAsked(_))
                    });
                    for draft in self.pending.drain(..) {
                        if let Event::AttemptEnded { step, attempt, .. } = draft.event {
                            self.runs.ports.provider.noted(&OutputKey { run: self.run, step, attempt });
                        }
                    }
                    if told {
                        self.runs.ports.nudges.notify.notify_one();
                    }
                }
                Err(StoreError::Conflict { .. }) => self.read_again().await?,
                Err(other) => return Err(other),
            }
        }
        Ok(())
    }

    fn batch(&self) -> Batch {
        let ports = &self.runs.ports;
        let now = ports.clock.now();
        let mut batch = Batch::by(ports.actor, Via::Node);
        match ended(self.run, Some(&self.plan), &self.state) {
            Some(row) => batch.views.push(ViewChange::RunEnded(Box::new(row))),
            None => batch.views.extend(live(self.run, &self.state).map(ViewChange::RunLive)),
        }
        let events: Vec<Event> = self.pending.iter().map(|d| d.event.clone()).collect();
        for (route, occasion) in tell::routes(&self.process, &self.plan, &self.state, &events) {
            let id = ports.ids().message();
            let message = tell::about_run(self.about(), occasion, id, now);
            notify::queue(ports, &self.loaded.site, &mut batch, route, message, None);
        }
        for (route, step) in tell::duties(&self.process, &self.plan, &events) {
            let message = tell::about_duty(self.about(), step, ports.ids().message(), now);
            notify::queue(ports, &self.loaded.site, &mut batch, route, message, None);
        }
        batch.writes.push(Write {
            stream: Stream::run(self.run),
            expected: Some(self.version),
            drafts: self.pending.clone(),
        });
        batch
    }

    fn about(&self) -> tell::About<'_> {
        tell::About {
            site: &self.loaded.site,
            process: &self.process,
            plan: &self.plan,
            run: self.run,
            state: &self.state,
        }
    }

    /// With a question goes whose yes does not count: so the journal can refuse it.
    async fn record(&mut self, events: Vec<Event>) -> Result<(), StoreError> {
        for mut event in events {
            if let Event::PersonAsked(asked) = &mut event
                && asked.other
            {
                let origin = origin(&*self.runs.ports.journal, self.run).await?;
                let accounts = self.runs.ports.accounts.accounts().await?;
                let mut barred = Persons(&accounts).all(&origin.barred);
                // The requester of this run stands at its beginning.
                let first = self.runs.ports.journal.stream(&Stream::run(self.run), 0).await?.into_iter().next();
                if let Some(first) = first {
                    barred.remove(&first.header.actor);
                }
                asked.barred = barred.into_iter().collect();
                asked.outside = origin.outside;
            }
            self.note(event);
        }
        Ok(())
    }

    /// Somebody else wrote to the stream (a person cancels): take it in, keep what happened here.
    pub(super) async fn read_again(&mut self) -> Result<(), StoreError> {
        let (mut state, version) = read(self.runs, self.run).await?;
        if state.fence != self.claim && state.fence != self.runs.ports.writer.epoch {
            return Err(StoreError::Refused { rule: format!("{} was taken up by another node", self.run) });
        }
        self.claim = state.fence;
        if state.is_called_off() {
            self.withdraw();
        }
        for draft in &self.pending {
            state.apply(draft.at, &draft.event);
        }
        (self.state, self.version) = (state, version);
        Ok(())
    }

    /// What was only about to begin does not begin any more.
    fn withdraw(&mut self) {
        let ended = |events: &[Draft], of: &str| {
            events.iter().any(|draft| matches!(&draft.event, Event::AttemptEnded { step, .. } if step == of))
        };
        let about = |draft: &Draft| match &draft.event {
            Event::AttemptStarted { step, .. } => Some(step.clone()),
            Event::ChildBegun(begun) => Some(begun.step.clone()),
            _ => None,
        };
        let pending = std::mem::take(&mut self.pending);
        let stays = |draft: &&Draft| about(draft).is_none_or(|step| ended(&pending, &step));
        self.pending = pending.iter().filter(stays).cloned().collect();
    }

    /// Whether this attempt is on record and has not ended.
    pub(super) fn is_begun(&self, step: &str, attempt: u32) -> bool {
        self.state.running().any(|(of, number)| (of, number) == (step, attempt))
    }

    /// Takes in what others appended; says whether the run is to be cancelled.
    pub(super) async fn cancelled(&mut self) -> Result<bool, StoreError> {
        self.read_again().await?;
        Ok(self.state.cancel.is_some())
    }

    async fn wait(&mut self, until: At) -> Result<(), StoreError> {
        let ports = &self.runs.ports;
        let nudge = self.nudge.clone();
        // Who signs without a server cannot nudge: the stream is looked at now and then.
        let asking = self.state.asked.values().any(|asked| asked.answer.is_none());
        let span = until.since(ports.clock.now());
        let span = if asking { span.min(ANSWER_LOOK) } else { span };
        tokio::select! {
            biased;
            () = self.runs.stop.asked() => {}
            () = nudge.notified() => { self.read_again().await?; }
            () = ports.clock.sleep(span) => if asking { self.read_again().await? },
        }
        Ok(())
    }

    pub(super) fn surroundings(&self) -> Surroundings<'_> {
        Surroundings {
            ports: &self.runs.ports,
            run: self.run,
            plan: &self.plan,
            state: &self.state,
            loaded: &self.loaded,
        }
    }

    fn report(&self) {
        let Some(end) = &self.state.ended else { return };
        let (process, run) = (&self.plan.process, self.run);
        let what = format!("executed {}, verified {}", end.executed.word(), end.verified.word());
        match end.verified {
            Verified::Yes => info!(%run, process, "`{process}`: {what} in {}", end.duration),
            _ => warn!(%run, process, "`{process}`: {what}: {}", end.reason),
        }
    }
}
