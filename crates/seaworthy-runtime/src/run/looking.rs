//! The part of driving a run that looks: at what a step made, at what a drill restores, and with a probe.
//!
//! A look may take hours, so it is given up when the program ends, when the run is cancelled and when the time of the run
//! is over. Nothing is noted then: it was not looked at, and is looked at again when the run goes on. This module must
//! not judge.

use std::{future::pending, path::Path, pin::pin, sync::Arc};

use seaworthy_core::run::{Act, deadline, judge, skipped, unable};
use seaworthy_model::{
    event::{DrillArtifact, Event},
    port::{Places, StoreError},
    process::Check,
    run::{Judged, Kind},
    time::Span,
};

use super::drive::Drive;

/// What came of waiting for a look.
enum Looked<T> {
    Seen(T),
    /// It took longer than this.
    Late(Span),
    /// Something else comes first; nothing is known.
    GivenUp,
}

impl Drive<'_> {
    /// Waits for a look as long as it is wanted, `within` at most. Who drops a look ends it.
    async fn wanted<T>(
        &mut self,
        look: impl Future<Output = T>,
        within: Option<Span>,
    ) -> Result<Looked<T>, StoreError> {
        let (runs, nudge) = (self.runs, self.nudge.clone());
        let clock = &runs.ports.clock;
        let after = async |span: Option<Span>| match span {
            Some(span) => clock.sleep(span).await,
            None => pending().await,
        };
        let left = deadline(&self.plan, &self.state).map(|at| at.since(clock.now()));
        let (mut look, mut over, mut late) = (pin!(look), pin!(after(left)), pin!(after(within)));
        loop {
            tokio::select! {
                biased;
                seen = &mut look => return Ok(Looked::Seen(seen)),
                () = runs.stop.asked() => return Ok(Looked::GivenUp),
                () = nudge.notified() => if self.cancelled().await? { return Ok(Looked::GivenUp) },
                () = &mut over => return Ok(Looked::GivenUp),
                () = &mut late => return Ok(Looked::Late(within.unwrap_or(Span::ZERO))),
            }
        }
    }

    /// Looks whether the step made this artifact.
    pub(super) async fn collect(&mut self, step: String, name: String, within: Option<Span>) -> Result<(), StoreError> {
        self.commit().await?;
        let workdir = match self.surroundings().workdir().await {
            Ok(workdir) => workdir,
            Err(reason) => {
                let looked_at = name.clone();
                self.note(Event::ArtifactMissing { step, name, looked_at, reason });
                return Ok(());
            }
        };
        let places = self.runs.ports.places.clone();
        match self.wanted(places.artifact(&workdir, &name), within).await? {
            Looked::Seen(Ok(artifact)) => self.note(Event::ArtifactMade { step, artifact }),
            Looked::Seen(Err(reason)) => {
                let looked_at = workdir.join(&name).display().to_string();
                self.note(Event::ArtifactMissing { step, name, looked_at, reason });
            }
            Looked::Late(limit) => {
                let reason = format!(
                    "the artifact `{name}` could not be read to its end within the step's timeout of {limit}: find out why it is so large, or raise it"
                );
                self.note(Event::ArtifactUnseen { step, name, reason });
            }
            Looked::GivenUp => {}
        }
        Ok(())
    }

    /// Before the first step of a drill: whether what it restores is what was verified. `None`: something else comes
    /// first.
    pub(super) async fn restorable(&mut self, act: &Act) -> Result<Option<Result<(), String>>, StoreError> {
        let first = self.plan.steps.first().is_some_and(|first| first.id == act.step);
        let verified = self.state.requested.as_ref().and_then(|requested| requested.artifact.clone());
        let (Kind::Drill, true, Some(verified)) = (self.plan.kind, first, verified) else { return Ok(Some(Ok(()))) };
        let places = self.runs.ports.places.clone();
        Ok(match self.wanted(still_the_verified_one(places, &verified), act.timeout).await? {
            Looked::Seen(said) => Some(said),
            Looked::Late(limit) => Some(Err(format!(
                "the verified artifact `{}` could not be read to its end within the step's timeout of {limit}: raise it",
                verified.name
            ))),
            Looked::GivenUp => None,
        })
    }

    /// Looks with a probe, and has judged what it saw.
    pub(super) async fn look(&mut self, check: &Check, round: u32) -> Result<(), StoreError> {
        self.commit().await?;
        let Some(_permit) = self.permit(&self.runs.looking.clone()).await? else { return Ok(()) };
        let around = self.surroundings().look(check).await;
        let seen = match around {
            Err(reason) => Err(reason),
            Ok(order) => match self.runs.ports.probes.iter().find(|p| p.takes(&order.look)).cloned() {
                None => Err("no probe knows how to look at this".to_owned()),
                // Its own timeout is the probe's to keep.
                Some(probe) => match self.wanted(probe.look(&order), None).await? {
                    Looked::Seen(seen) => seen,
                    Looked::Late(_) | Looked::GivenUp => return Ok(()),
                },
            },
        };
        let usual = self.state.requested.as_ref().map(|r| r.usual.clone()).unwrap_or_default();
        let judged = match seen {
            Ok(observation) => judge(check, round, observation, &usual),
            Err(reason) => match skipped(check, round, &usual) {
                Some(judged) => Judged { observed: format!("could not look: {reason}"), ..judged },
                None => unable(check, round, reason),
            },
        };
        self.note(Event::Checked { judged });
        Ok(())
    }
}

/// A drill proves something of the artifact that was verified only if it restores that one.
async fn still_the_verified_one(places: Arc<dyn Places>, verified: &DrillArtifact) -> Result<(), String> {
    let (name, run) = (&verified.name, verified.from_run);
    let place = Path::new(&verified.place);
    let (Some(folder), Some(file)) = (place.parent(), place.file_name()) else { return Ok(()) };
    let there = places.artifact(folder, &file.to_string_lossy()).await;
    let there = there.map_err(|why| format!("the verified artifact `{name}` of {run} is not there any more: {why}"))?;
    if there.sha256 == verified.sha256 && there.bytes == verified.bytes {
        return Ok(());
    }
    Err(format!(
        "the artifact `{name}` at {} was changed since {run} verified it ({} bytes then, {} now): find out by whom, and run the process again",
        verified.place, verified.bytes, there.bytes
    ))
}
