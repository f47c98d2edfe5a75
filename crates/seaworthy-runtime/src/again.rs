//! Answers who asks that an ended run goes on, or that a part of it is done once more as a new run.
//!
//! This module must not decide which steps: core does.

use std::sync::Arc;

use seaworthy_core::{
    account::persons::Persons,
    input::written,
    retain::is_snapshot,
    run::{Plan, Said, State, live, rerun, resume, sign},
};
use seaworthy_model::{
    entry::{Stream, Via},
    id::{ActorId, RunId},
    port::{Answer, Batch, StoreError},
    process::Process,
    run::{Cause, Kind},
    view::ViewChange,
};

use crate::{
    barred::origin,
    requests::{Desk, Wanted, forget, request_given},
    run::read,
};

/// How often an answer is tried while others write to the run.
const SIGN_TRIES_MAX: u32 = 10;

type Found = (State, u64, Arc<Process>, Plan);

impl Desk {
    /// What is known of a run, with the definition it was pinned to; the inner error is a sentence.
    async fn known(&self, run: RunId) -> Result<Result<Found, String>, StoreError> {
        let (state, version) = read(&self.runs, run).await?;
        let Some(requested) = state.requested.clone() else { return Ok(Err(format!("there is no {run}"))) };
        if self.forgotten(run).await? {
            let name = &requested.process;
            return Ok(Err(format!(
                "what {run} did step by step is not kept any more, so nobody can say what is left to do; run it anew: seaworthy run {name}"
            )));
        }
        let definition = self.runs.definition(&requested.process, &requested.digest).await?;
        let plan = definition.as_deref().and_then(|process| Plan::of(process, requested.kind));
        Ok(match (definition, plan) {
            (Some(process), Some(plan)) => Ok((state, version, process, plan)),
            _ => Err(format!("the definition that {run} was pinned to is not in the journal any more")),
        })
    }

    /// Whether retention has dropped what the run did: then all of its steps would look as if they had never begun.
    async fn forgotten(&self, run: RunId) -> Result<bool, StoreError> {
        let entries = self.ports.journal.stream(&Stream::run(run), 0).await?;
        Ok(entries.iter().any(|entry| entry.body.is_none() && !is_snapshot(&entry.header.kind)))
    }

    pub(crate) async fn sign(
        &self,
        run: RunId,
        step: &str,
        yes: bool,
        evidence: &str,
        actor: ActorId,
        via: Via,
    ) -> Result<Answer, StoreError> {
        for _ in 0..SIGN_TRIES_MAX {
            let (state, version, _, plan) = match self.known(run).await? {
                Ok(found) => found,
                Err(reason) => return Ok(Answer::Refused { reason }),
            };
            let origin = origin(&*self.ports.journal, run).await?;
            let accounts = self.ports.accounts.accounts().await?;
            let persons = Persons(&accounts);
            let mut barred = persons.all(&origin.barred);
            if !state.signers.contains(&actor) && persons.all(&state.signers).contains(&actor) {
                barred.insert(actor);
            }
            let now = self.ports.clock.now();
            let said = Said { yes, evidence, by: actor, at: now };
            let event = match sign(&plan, &state, step, said, &barred) {
                Ok(event) => event,
                Err(reason) => return Ok(Answer::Refused { reason }),
            };
            if yes
                && state.asked.get(step).is_some_and(|asked| asked.other)
                && let Err(reason) = persons.may_agree(actor, via, &origin)
            {
                return Ok(Answer::Refused { reason });
            }
            let mut batch = Batch::by(actor, via);
            batch.writes.push(self.ports.ids().write(Stream::run(run), Some(version), now, [event]));
            match self.ports.journal.append(batch).await {
                Err(StoreError::Conflict { .. }) => continue,
                other => drop(other?),
            }
            self.runs.nudge(run);
            return Ok(Answer::Done {
                detail: format!("step {step} of {run} is answered: {}", if yes { "yes" } else { "no" }),
            });
        }
        Ok(Answer::Refused { reason: format!("{run} is busy; try again") })
    }

    pub(crate) async fn resume(&self, run: RunId, actor: ActorId, via: Via) -> Result<Answer, StoreError> {
        let (mut state, version, _, plan) = match self.known(run).await? {
            Ok(found) => found,
            Err(reason) => return Ok(Answer::Refused { reason }),
        };
        let event = match resume(run, &plan, &state) {
            Ok(event) => event,
            Err(reason) => return Ok(Answer::Refused { reason }),
        };
        let now = self.ports.clock.now();
        state.apply(now, &event);
        let mut batch = Batch::by(actor, via);
        batch.views.extend(live(run, &state).map(ViewChange::RunResumed));
        batch.writes.push(self.ports.ids().write(Stream::run(run), Some(version), now, [event]));
        match self.ports.journal.append(batch).await {
            Err(StoreError::Conflict { .. } | StoreError::Refused { .. }) => {
                return Ok(Answer::Refused { reason: format!("{run} goes on already: seaworthy show {run}") });
            }
            other => drop(other?),
        }
        self.runs.take_up(run);
        let digest = state.requested.map(|requested| requested.digest).unwrap_or_default();
        Ok(Answer::Started { run, digest })
    }

    pub(crate) async fn rerun(&self, run: RunId, from: &str, actor: ActorId, via: Via) -> Result<Answer, StoreError> {
        let (state, _, process, old) = match self.known(run).await? {
            Ok(found) => found,
            Err(reason) => return Ok(Answer::Refused { reason }),
        };
        let loaded = self.ports.definitions.current();
        let Some(pinned) = loaded.processes.get(&process.name) else {
            return Ok(Answer::Refused { reason: format!("there is no process `{}` any more", process.name) });
        };
        let taken = match Plan::of(&pinned.process, Kind::Run) {
            Some(new) => rerun(run, &old, &new, &state, from),
            None => Err(format!("`{}` cannot be run", process.name)),
        };
        let taken = match taken {
            Ok(taken) => taken,
            Err(reason) => return Ok(Answer::Refused { reason }),
        };
        let inputs = state.requested.as_ref().map(|requested| requested.inputs.clone()).unwrap_or_default();
        let wanted = Wanted { kind: Kind::Run, cause: Cause::Person, said: &written(&inputs) };
        let (mut fresh, mut batch) = match request_given(&self.ports, pinned, wanted, actor, via).await? {
            Ok(made) => made,
            Err(reason) => return Ok(Answer::Refused { reason }),
        };
        let now = self.ports.clock.now();
        for (event, artifacts) in taken {
            for name in artifacts {
                // Before the record: a folder that nobody asks for is harmless, a record without its artifact is not.
                if let Err(reason) = self.ports.places.carry(run, fresh.run, &name).await {
                    forget(&self.ports, fresh.run).await;
                    return Ok(Answer::Refused { reason });
                }
            }
            fresh.state.apply(now, &event);
            let draft = self.ports.ids().draft(now, event);
            batch.writes.iter_mut().for_each(|write| write.drafts.push(draft.clone()));
        }
        let id = fresh.run;
        if let Err(trouble) = self.ports.journal.append(batch).await {
            forget(&self.ports, id).await;
            return Err(trouble);
        }
        self.runs.begin(fresh);
        Ok(Answer::Started { run: id, digest: pinned.digest.clone() })
    }
}
