//! The part of driving a run that acts: starts attempts, waits for the next end among them, ends all of them.
//!
//! This module must not decide what is started.

use std::collections::BTreeMap;

use std::sync::Arc;

use seaworthy_core::run::{Act, interrupted, taken};
use seaworthy_model::{
    event::Event,
    input::Form,
    port::{OutputKey, StoreError},
    run::{Acted, Outcome},
    time::At,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tracing::info;

use super::{child::of_child, drive::Drive, surroundings::not_started};

impl Drive<'_> {
    /// Starts an attempt; it goes on while the run does something else.
    pub(super) async fn begin(&mut self, act: Act) -> Result<(), StoreError> {
        // A run that only waits for its turn is on record as requested, and that is enough to be taken up again: it is
        // claimed with its first attempt, in one transaction. Anything else is durable before it is waited.
        if !self.only_claims() && !self.commit_alone().await? {
            return Ok(());
        }
        // Before the record says that it starts: what only waits here is not unknown after a crash.
        let Some(permit) = self.permit(&self.runs.acting.clone()).await? else { return Ok(()) };
        let Some(restorable) = self.restorable(&act).await? else { return Ok(()) };
        self.claim_now();
        self.note(act.event.clone());
        self.commit().await?;
        if !self.is_begun(&act.step, act.attempt) {
            return Ok(());
        }
        let order = match restorable {
            Ok(()) => self.surroundings().order(&act).await,
            Err(reason) => Err(reason),
        };
        let order = match order {
            Ok(order) => order,
            Err(reason) => {
                let acted = not_started(reason);
                self.note(Event::AttemptEnded { step: act.step, attempt: act.attempt, acted });
                return Ok(());
            }
        };
        info!(run = %self.run, step = act.step, attempt = act.attempt, "`{}` starts step `{}`, attempt {}", self.plan.process, act.step, act.attempt);
        self.under.push(self.runs.ports.provider.clone(), order, permit);
        Ok(())
    }

    /// Whether all that is not durable is the first claim of a run.
    pub(super) fn only_claims(&self) -> bool {
        self.claim == 0 && matches!(self.pending.as_slice(), [draft] if matches!(draft.event, Event::RunClaimed { .. }))
    }

    /// A first claim that is not durable yet is made now: the wait for a place is no part of the run.
    pub(super) fn claim_now(&mut self) {
        if self.only_claims() {
            let (now, ids) = (self.runs.ports.clock.now(), self.runs.ports.ids());
            self.pending = self.pending.drain(..).map(|draft| ids.draft(now, draft.event)).collect();
            self.state.claimed_at = Some(now);
        }
    }

    /// A place among those that act, or look, at the same time; `None`: something else comes first, and is taken in.
    pub(super) async fn permit(&mut self, of: &Arc<Semaphore>) -> Result<Option<OwnedSemaphorePermit>, StoreError> {
        if self.runs.stop.is_asked() {
            return Ok(None);
        }
        if let Ok(permit) = of.clone().try_acquire_owned() {
            return Ok(self.still_wanted(permit));
        }
        let nudge = self.nudge.clone();
        tokio::select! {
            biased;
            (attempt, acted) = self.under.next() => { self.ended(attempt, acted); Ok(None) },
            () = self.runs.stop.asked() => Ok(None),
            () = nudge.notified() => self.read_again().await.map(|()| None),
            permit = of.clone().acquire_owned() => Ok(permit.ok().and_then(|permit| self.still_wanted(permit))),
        }
    }

    /// A place that another run left because of the stop is not one to begin in: whether stopping is asked for is looked
    /// at once more after the place was had, for both may come between two looks of ours.
    fn still_wanted(&self, permit: OwnedSemaphorePermit) -> Option<OwnedSemaphorePermit> {
        (!self.runs.stop.is_asked()).then_some(permit)
    }

    /// Waits for the end of an attempt, or something new in the stream, `until` at the latest.
    pub(super) async fn attend(&mut self, until: Option<At>) -> Result<(), StoreError> {
        let clock = self.runs.ports.clock.clone();
        let nudge = self.nudge.clone();
        let runs = self.runs;
        let _waiting = self.under.is_empty().then(|| runs.waits_outside());
        let late = async {
            match until {
                Some(until) => clock.sleep(until.since(clock.now())).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            (attempt, acted) = self.under.next() => self.ended(attempt, acted),
            () = self.runs.stop.asked() => {}
            () = nudge.notified() => self.read_again().await?,
            () = late => {}
        }
        Ok(())
    }

    /// Reads what an attempt hands on.
    pub(super) async fn take(
        &mut self,
        step: String,
        attempt: u32,
        declared: &BTreeMap<String, Form>,
    ) -> Result<(), StoreError> {
        self.commit().await?;
        let read = match self.state.last(&step).and_then(|last| last.child) {
            Some(child) => of_child(self.runs, child, declared).await?,
            None => {
                let secrets = self.surroundings().all_secrets().await;
                let key = OutputKey { run: self.run, step: step.clone(), attempt };
                self.runs.ports.places.handed(key, secrets).await
            }
        };
        self.note(taken(step, declared, read));
        Ok(())
    }

    fn ended(&mut self, attempt: OutputKey, acted: Acted) {
        self.note(Event::AttemptEnded { step: attempt.step, attempt: attempt.attempt, acted });
    }

    /// Takes up the attempts that an earlier life of the node left: the provider may still hold them.
    pub(super) fn adopt(&mut self) {
        for event in interrupted(&self.state, "the node that ran it stopped") {
            let Event::AttemptEnded { step, attempt, acted: unknown } = event else { continue };
            info!(run = %self.run, step, attempt, "taking up attempt {attempt} of step `{step}`");
            if let Some(child) = self.state.last(&step).and_then(|last| last.child) {
                self.wait_for(step, attempt, child);
                continue;
            }
            let key = OutputKey { run: self.run, step, attempt };
            self.under.adopt(self.runs.ports.provider.clone(), key, unknown);
        }
    }

    /// Ends all that runs, because nothing more of the run is wanted.
    pub(super) async fn stop_all(&mut self) -> Result<(), StoreError> {
        for (attempt, acted) in self.under.stop_all().await {
            self.ended(attempt, acted);
        }
        // What runs outside is not ours to end: we only stop waiting for it.
        let outside: Vec<(String, u32)> =
            self.state.running().map(|(step, number)| (step.to_owned(), number)).collect();
        for (step, attempt) in outside {
            let reason = "its end was not waited for any longer; what runs outside may still go on".to_owned();
            let acted = Acted { outcome: Outcome::Unknown, empty: None, ..not_started(reason) };
            self.note(Event::AttemptEnded { step, attempt, acted });
        }
        self.commit().await
    }

    /// This program ends: what runs goes on without us where the provider holds it, to be taken up by the next.
    /// Elsewhere it is stopped, and nobody knows what it came to.
    pub(super) async fn leave_all(&mut self) -> Result<(), StoreError> {
        let left = self.under.leave();
        if self.under.is_empty() {
            info!(run = %self.run, left, "its attempts go on");
            return Ok(());
        }
        for (attempt, mut acted) in self.under.stop_all().await {
            if acted.outcome == Outcome::NotDone {
                acted.outcome = Outcome::Unknown;
                acted.reason = Some("it was stopped on request before it ended".into());
            }
            self.ended(attempt, acted);
        }
        self.commit().await
    }
}
