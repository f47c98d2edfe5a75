//! Takes what people ask for and appends it as commands to the journal.
//!
//! This module must not carry anything out: the run loop reads the journal.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use seaworthy_core::{
    input::given,
    run::{Plan, State, live, makes, usual},
};
use seaworthy_model::{
    change::{Held, SHORT},
    entry::{Stream, Via},
    event::{DrillArtifact, Event},
    id::{ActorId, RunId},
    port::{Answer, Ask, Batch, Fut, HookAnswer, HookCall, Requests, StoreError},
    process::{Look, Process},
    run::{Artifact, Cause, Kind, USUAL_RUNS_MAX},
    site::{Loaded, Pinned},
    time::At,
    value::Facts,
    view::{EndedRun, ViewChange},
};

use tracing::warn;

use crate::{ping::Pings, ports::Ports, reload::stream_of, run::Runs};

/// Answers [`Requests`] on one node.
#[derive(Clone)]
pub struct Desk {
    pub ports: Ports,
    pub runs: Arc<Runs>,
    pub pings: Arc<Pings>,
}

impl Requests for Desk {
    fn ask(&self, ask: Ask, actor: ActorId, via: Via) -> Fut<'_, Result<Answer, StoreError>> {
        Box::pin(async move {
            match ask {
                Ask::Run { process, inputs } => self.start(&process, Kind::Run, &inputs, actor, via).await,
                Ask::Drill { process } => self.start(&process, Kind::Drill, &BTreeMap::new(), actor, via).await,
                Ask::Cancel { run, reason } => self.cancel(run, reason, actor, via).await,
                Ask::Confirm { digest, reason } => self.confirm(&digest, reason, actor, via).await,
                Ask::Ping(ping) => self.ping(ping, actor, via).await,
                Ask::Pause { process, until, reason } => {
                    crate::pause::pause(self, &process, until, &reason, (actor, via)).await
                }
                Ask::Resume { process, reason } => crate::pause::resume(self, &process, &reason, (actor, via)).await,
                Ask::Sign { run, step, yes, evidence } => self.sign(run, &step, yes, &evidence, actor, via).await,
                Ask::GoOn { run } => self.resume(run, actor, via).await,
                Ask::Rerun { run, from } => self.rerun(run, &from, actor, via).await,
                Ask::Retain => {
                    self.ports.nudges.retain.notify_one();
                    Ok(Answer::Done { detail: "the server looks at what may go now".into() })
                }
                Ask::Reload => {
                    self.ports.nudges.reload.notify_one();
                    Ok(Answer::Done { detail: "the files are being read again".into() })
                }
            }
        })
    }

    fn called(&self, call: HookCall) -> Fut<'_, Result<HookAnswer, StoreError>> {
        Box::pin(crate::trigger::hook::called(self, call))
    }
}

impl Desk {
    async fn start(
        &self,
        name: &str,
        kind: Kind,
        said: &BTreeMap<String, String>,
        actor: ActorId,
        via: Via,
    ) -> Result<Answer, StoreError> {
        let loaded = self.ports.definitions.current();
        let Some(pinned) = loaded.processes.get(name) else {
            let reason = unknown(name, &loaded);
            return Ok(Answer::Refused { reason });
        };
        if pinned.process.pinged && kind == Kind::Run {
            let reason = format!(
                "`{name}` is started outside, not from here: put `seaworthy exec {name} --` in front of its command, or let it ping"
            );
            return Ok(Answer::Refused { reason });
        }
        let wanted = Wanted { kind, cause: Cause::Person, said };
        let (fresh, batch) = match request_given(&self.ports, pinned, wanted, actor, via).await? {
            Ok(made) => made,
            Err(reason) => return Ok(Answer::Refused { reason }),
        };
        self.ports.journal.append(batch).await?;
        let run = fresh.run;
        self.runs.begin(fresh);
        Ok(Answer::Started { run, digest: pinned.digest.clone() })
    }

    /// Records that a person agrees to a change that waits; the reload loop then applies it.
    async fn confirm(&self, digest: &str, reason: String, actor: ActorId, via: Via) -> Result<Answer, StoreError> {
        let (loaded, now) = (self.ports.definitions.current(), self.ports.clock.now());
        let held = match waiting(&loaded, digest, &reason, now) {
            Ok(held) => held,
            Err(reason) => return Ok(Answer::Refused { reason }),
        };
        let mut batch = Batch::by(actor, via);
        let event = Event::ChangeConfirmed {
            digest: held.digest.clone(),
            subject: held.subject.word(),
            weaker: held.weaker.clone(),
            reason,
        };
        batch.writes.push(self.ports.ids().write(stream_of(&held.subject), None, now, [event]));
        self.ports.journal.append(batch).await?;
        self.ports.nudges.branch.notify_one();
        self.ports.nudges.reload.notify_one();
        Ok(Answer::Done { detail: format!("{} is confirmed: {}", held.subject.word(), held.weaker.join("; ")) })
    }

    async fn cancel(&self, run: RunId, reason: String, actor: ActorId, via: Via) -> Result<Answer, StoreError> {
        let live = self.ports.views.live_runs().await?;
        if !live.iter().any(|row| row.run == run) {
            return Ok(Answer::Refused { reason: format!("{run} is not running") });
        }
        let mut batch = Batch::by(actor, via);
        let event = Event::CancelRequested { reason };
        batch.writes.push(self.ports.ids().write(Stream::run(run), None, self.ports.clock.now(), [event]));
        self.ports.journal.append(batch).await?;
        self.runs.nudge(run);
        Ok(Answer::Done { detail: format!("{run} is being stopped") })
    }
}

/// Longest reason that is recorded, in bytes.
const REASON_BYTES_MAX: usize = 2_000;

/// The change that waits under this digest, or why there is none to confirm.
fn waiting<'a>(loaded: &'a Loaded, digest: &str, reason: &str, now: At) -> Result<&'a Held, String> {
    if reason.trim().is_empty() || reason.len() > REASON_BYTES_MAX {
        return Err(format!("say why in 1 to {REASON_BYTES_MAX} bytes: --reason \"…\""));
    }
    if digest.len() < SHORT {
        return Err(format!("`{digest}` is too short to name one change; give at least {SHORT} digits of its digest"));
    }
    let Some(held) = loaded.held.iter().find(|held| held.digest.starts_with(digest)) else {
        let all: Vec<String> = loaded.held.iter().map(|h| format!("{} ({})", h.short(), h.subject.word())).collect();
        return Err(match all.as_slice() {
            [] => format!("no change waits under `{digest}`, and none waits at all"),
            all => {
                format!("no change waits under `{digest}`; it may have changed since. There wait: {}", all.join(", "))
            }
        });
    };
    if held.until <= now {
        return Err(format!(
            "`{digest}` has waited too long to be confirmed; look at it again with `seaworthy plan` and take its new digest"
        ));
    }
    Ok(held)
}

/// A run whose request is about to be durable, with all that is known of it. Once it is, [`Runs::begin`] drives it
/// without reading back what was just written.
pub struct Fresh {
    pub run: RunId,
    pub(crate) state: State,
}

/// Which run is wanted, and what it is given.
pub struct Wanted<'a> {
    pub kind: Kind,
    pub cause: Cause,
    pub said: &'a BTreeMap<String, String>,
}

/// As [`request_given`], of a run that is given nothing.
///
/// # Errors
/// When the journal cannot be read.
pub async fn request(
    ports: &Ports,
    pinned: &Pinned,
    kind: Kind,
    cause: Cause,
    actor: ActorId,
    via: Via,
) -> Result<Result<(Fresh, Batch), String>, StoreError> {
    request_given(ports, pinned, Wanted { kind, cause, said: &BTreeMap::new() }, actor, via).await
}

/// Prepares the entries that make a run exist. The inner error is a sentence for the person who asked.
///
/// # Errors
/// When the journal cannot be read.
pub async fn request_given(
    ports: &Ports,
    pinned: &Pinned,
    wanted: Wanted<'_>,
    actor: ActorId,
    via: Via,
) -> Result<Result<(Fresh, Batch), String>, StoreError> {
    let Wanted { kind, cause, said } = wanted;
    let inputs = match kind {
        Kind::Run => match given(&pinned.process.inputs, said) {
            Ok(inputs) => inputs,
            Err(why) => return Ok(Err(format!("`{}` cannot be run like this: {why}", pinned.process.name))),
        },
        Kind::Drill => Facts::new(),
    };
    let name = &pinned.process.name;
    if let Some(by) = &pinned.process.observed {
        return Ok(Err(observed(name, by, &pinned.file)));
    }
    // Only checks ask what is usual; without any nothing was ever learnt.
    let verified = match Plan::of(&pinned.process, kind) {
        Some(plan) if !plan.verify.is_empty() => {
            ports.views.verified_measures(name, kind, USUAL_RUNS_MAX as usize).await?
        }
        _ => Vec::new(),
    };
    let mut objective = None;
    let mut artifact = None;
    if kind == Kind::Drill {
        let Some(restore) = pinned.process.drill.as_ref().and_then(|d| d.restore.as_ref()) else {
            return Ok(Err(format!("`{name}` has no restore drill; add `drill: restore:` to {}", pinned.file)));
        };
        objective = restore.recovery_time;
        let last = ports.views.process(name).await?.last_verified;
        match last.as_ref().and_then(|run| drill_artifact(&pinned.process, run)) {
            Some(found) => artifact = Some(found),
            None => {
                return Ok(Err(format!(
                    "`{name}` has no verified artifact to restore yet; run it first: seaworthy run {name}"
                )));
            }
        }
    }
    let (ids, now) = (ports.ids(), ports.clock.now());
    let run = ids.run();
    let event = Event::RunRequested {
        process: name.clone(),
        kind,
        digest: pinned.digest.clone(),
        cause,
        usual: usual(&verified),
        artifact,
        objective,
        inputs,
    };
    let mut batch = Batch::by(actor, via);
    let state = State::fold([(now, &event)]);
    batch.views.extend(live(run, &state).map(ViewChange::RunLive));
    batch.writes.push(ids.write(Stream::run(run), Some(0), now, [event]));
    Ok(Ok((Fresh { run, state }, batch)))
}

/// Whoever runs it goes on doing so: a second run beside that one is what nobody may ask for.
fn observed(name: &str, by: &str, file: &str) -> String {
    format!(
        "`{name}` is observed, not run from here ({by}); to take it over, write its steps into {file} in place of `observed:` and end it there"
    )
}

/// Why there is no such process: its file may be the broken one.
pub(crate) fn unknown(name: &str, loaded: &Loaded) -> String {
    let known: Vec<&str> = loaded.processes.keys().map(String::as_str).collect();
    let own = loaded.broken.iter().find(|(file, _)| Path::new(file).file_stem().is_some_and(|stem| stem == name));
    let broken = own.or(loaded.broken.first_key_value()).map(|(_, problem)| format!("a file is broken: {problem}"));
    let there = (!known.is_empty()).then(|| format!("there are: {}", known.join(", ")));
    match (broken, there) {
        (None, None) => format!("no process `{name}`: this site has none yet; write one under ops/"),
        (broken, there) => {
            let all: Vec<String> = [there, broken].into_iter().flatten().collect();
            format!("no process `{name}`; {}", all.join("; "))
        }
    }
}

/// What a drill restores: the artifact of the first `artifact:` check, else the only or first one made.
fn drill_artifact(process: &Process, run: &EndedRun) -> Option<DrillArtifact> {
    let by_name: BTreeMap<&str, &Artifact> = run.artifacts.iter().map(|a| (a.name.as_str(), a)).collect();
    let named = process.verify.iter().find_map(|check| match &check.look {
        Look::Artifact { name } => by_name.get(name.as_str()).copied(),
        _ => None,
    });
    let made = process.steps.iter().flat_map(makes).find_map(|name| by_name.get(name.as_str()).copied());
    let artifact = named.or(made).or(run.artifacts.first())?;
    Some(DrillArtifact {
        from_run: run.run,
        name: artifact.name.clone(),
        place: artifact.place.clone(),
        bytes: artifact.bytes,
        sha256: artifact.sha256.clone(),
    })
}

/// A run that was never requested leaves no folder.
pub(crate) async fn forget(ports: &Ports, run: RunId) {
    if let Err(trouble) = ports.places.remove(run).await {
        warn!(%run, "the folder of a run that did not come to be is left: {trouble}");
    }
}
