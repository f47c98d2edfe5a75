//! A step that is another run: begun together with its attempt, waited for, ended with it.
//!
//! The child's request and the parent's attempt are durable in one transaction, so neither is without the other; a
//! restart finds the child by the attempt and waits on. What the verdict means is decided in core. This module must not
//! know what the child does.

use std::{collections::BTreeMap, sync::Arc};

use seaworthy_core::{
    fill::filled,
    run::{Call, Plan, called, hands_on},
};
use seaworthy_model::{
    deed::{CALLS_DEEP_MAX, ChildBegun},
    entry::{Stream, Via},
    event::Event,
    id::RunId,
    input::Form,
    port::{Batch, Fut, Order, OutputKey, Provider, StoreError},
    run::{Acted, Cause, Kind},
    time::{At, Span},
    view::EndedRun,
};
use tracing::{info, warn};

use super::{
    Runs,
    drive::{Drive, read},
    surroundings::not_started,
};
use crate::{
    requests::{Fresh, Wanted, request_given, unknown},
    writing::append_patiently,
};

/// Between two looks at a child that another node drives.
const CHILD_LOOK: Span = Span::seconds(2);

impl Drive<'_> {
    /// Begins the run that a step is; it goes on beside this one.
    pub(super) async fn call(&mut self, call: Call) -> Result<(), StoreError> {
        if !self.commit_alone().await? || self.runs.stop.is_asked() {
            return Ok(());
        }
        let (fresh, batch) = match self.child(&call).await? {
            Ok(made) => made,
            Err(reason) => {
                self.note(call.event);
                let acted = not_started(reason);
                self.note(Event::AttemptEnded { step: call.step, attempt: call.attempt, acted });
                return Ok(());
            }
        };
        let (run, process) = (fresh.run, call.callee.process);
        self.note(call.event);
        let begun = ChildBegun { step: call.step.clone(), attempt: call.attempt, run, process: process.clone() };
        self.note(Event::ChildBegun(begun));
        self.commit_with(Some(&batch)).await?;
        if !self.is_begun(&call.step, call.attempt) {
            return Ok(());
        }
        info!(run = %self.run, step = call.step, child = %run, "`{}` runs `{process}` as step `{}`", self.plan.process, call.step);
        self.runs.begin(fresh);
        self.wait_for(call.step, call.attempt, run);
        Ok(())
    }

    /// The child's request; the inner error is why there can be none.
    async fn child(&mut self, call: &Call) -> Result<Result<(Fresh, Batch), String>, StoreError> {
        let (ports, callee) = (&self.runs.ports, &call.callee);
        let loaded = ports.definitions.current();
        let Some(pinned) = loaded.processes.get(&callee.process) else {
            return Ok(Err(unknown(&callee.process, &loaded)));
        };
        if pinned.process.pinged {
            return Ok(Err(format!("`{}` is started outside, not from here", callee.process)));
        }
        let depth = match self.state.requested.as_ref().map(|requested| &requested.cause) {
            Some(Cause::Step { depth, .. }) => depth + 1,
            _ => 1,
        };
        if depth > CALLS_DEEP_MAX {
            return Ok(Err(format!("{CALLS_DEEP_MAX} runs wait for each other already: make the chain shorter")));
        }
        let around = self.surroundings();
        let workdir = match around.workdir().await {
            Ok(workdir) => workdir,
            Err(reason) => return Ok(Err(reason)),
        };
        let env = around.env(&workdir, &call.env);
        let value = |name: &str| env.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value.clone());
        let mut said = BTreeMap::new();
        for (name, text) in &callee.inputs {
            match filled(text, &value) {
                Ok(text) => drop(said.insert(name.clone(), text)),
                Err(why) => return Ok(Err(format!("input `{name}` of `{}`: {why}", callee.process))),
            }
        }
        let cause = Cause::Step { run: self.run, step: call.step.clone(), depth };
        let wanted = Wanted { kind: Kind::Run, cause, said: &said };
        request_given(ports, pinned, wanted, ports.actor, Via::Node).await
    }

    /// Waits for a child that is on record.
    pub(super) fn wait_for(&mut self, step: String, attempt: u32, run: RunId) {
        let limit = self.plan.steps.iter().find(|other| other.id == step).and_then(|step| step.timeout);
        let began = self.state.last(&step).map(|last| last.started_at);
        let until = began.zip(limit).map(|(began, limit)| (began + limit, limit));
        let child = Child { runs: self.runs.clone(), run, parent: self.run, until };
        let unknown = not_started("its run was not waited for".into());
        self.under.adopt(Arc::new(child), OutputKey { run: self.run, step, attempt }, unknown);
    }
}

/// What a step hands on of the run that it was; the inner error is why it cannot.
pub(super) async fn of_child(
    runs: &Runs,
    child: RunId,
    declared: &BTreeMap<String, Form>,
) -> Result<Result<String, String>, StoreError> {
    let (state, _) = read(runs, child).await?;
    let Some(requested) = &state.requested else { return Ok(Err(format!("{child} is not in the journal"))) };
    let (name, digest) = (&requested.process, &requested.digest);
    let definition = runs.definition(name, digest).await?;
    Ok(match definition.and_then(|process| Plan::of(&process, Kind::Run)) {
        Some(plan) => hands_on(&plan, &state, declared),
        None => Err(format!("the definition of `{name}` by which {child} went is not in the journal any more")),
    })
}

/// Holds an attempt that is a run.
struct Child {
    runs: Arc<Runs>,
    run: RunId,
    parent: RunId,
    /// When the step is over its limit, and that limit.
    until: Option<(At, Span)>,
}

impl Child {
    async fn verdict(&self) -> Acted {
        let clock = self.runs.ports.clock.clone();
        let late = async {
            match self.until {
                Some((at, limit)) => {
                    clock.sleep(at.since(clock.now())).await;
                    limit
                }
                None => std::future::pending().await,
            }
        };
        let limit = tokio::select! {
            biased;
            ended = self.ended() => return called(&ended, None),
            limit = late => limit,
        };
        self.cancel(format!("{} waits for it no longer than {limit}", self.parent)).await;
        called(&self.ended().await, Some(limit))
    }

    /// Returns when the run has ended, whoever drives it.
    async fn ended(&self) -> EndedRun {
        loop {
            let idle = self.runs.idle.notified();
            tokio::pin!(idle);
            idle.as_mut().enable();
            if !self.runs.drives(self.run) {
                match self.runs.ports.views.ended_run(self.run).await {
                    Ok(Some(ended)) => return ended,
                    Ok(None) => {}
                    Err(trouble) => warn!(run = %self.run, "whether it has ended cannot be read now: {trouble}"),
                }
            }
            tokio::select! {
                biased;
                () = idle => {}
                () = self.runs.ports.clock.sleep(CHILD_LOOK) => {}
            }
        }
    }

    async fn cancel(&self, reason: String) {
        let ports = &self.runs.ports;
        // An ended one is left alone.
        let live = ports.views.live_runs().await;
        if live.is_ok_and(|live| !live.iter().any(|row| row.run == self.run)) {
            return;
        }
        let mut batch = Batch::by(ports.actor, Via::Node);
        let event = Event::CancelRequested { reason };
        batch.writes.push(ports.ids().write(Stream::run(self.run), None, ports.clock.now(), [event]));
        if let Err(trouble) = append_patiently(ports, &self.runs.stop, batch).await {
            warn!(run = %self.run, "it could not be cancelled: {trouble}");
        }
        self.runs.nudge(self.run);
    }
}

impl Provider for Child {
    fn name(&self) -> &'static str {
        "process"
    }

    fn act<'a>(&'a self, _: &'a Order) -> Fut<'a, Acted> {
        Box::pin(self.verdict())
    }

    fn stop<'a>(&'a self, _: &'a OutputKey) -> Fut<'a, ()> {
        Box::pin(async move {
            self.cancel(format!("{}, which waits for it, was stopped", self.parent)).await;
            self.ended().await;
        })
    }

    fn adopt<'a>(&'a self, _: &'a OutputKey) -> Fut<'a, Option<Acted>> {
        Box::pin(async move { Some(self.verdict().await) })
    }

    fn outlives(&self) -> bool {
        true
    }
}
