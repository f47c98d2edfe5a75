//! What a command or a probe of a run finds around it: folders, environment, secrets, the artifact.
//!
//! contracts.md, section 2. This module must not start anything.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

use seaworthy_core::{
    input::{plain, variable, variables},
    run::{Act, Plan, State, handed},
    schedule::utc,
};
use seaworthy_model::{
    id::RunId,
    port::{LookOrder, Order, OutputKey, Secret},
    process::Check,
    run::{Acted, Cause, Kind, Outcome, Output},
    site::{Loaded, SecretPlace},
    time::Span,
    trigger::Triggered,
};

use crate::ports::Ports;

pub(super) struct Surroundings<'a> {
    pub ports: &'a Ports,
    pub run: RunId,
    pub plan: &'a Plan,
    pub state: &'a State,
    pub loaded: &'a Loaded,
}

impl Surroundings<'_> {
    /// The run's private folder.
    pub async fn workdir(&self) -> Result<PathBuf, String> {
        let made = self.ports.places.workdir(self.run).await;
        made.map_err(|e| {
            format!(
                "the work folder of {} could not be made ({e}); look at the data folder's space and rights",
                self.run
            )
        })
    }

    /// Everything to act once.
    pub async fn order(&self, act: &Act) -> Result<Order, String> {
        let workdir = self.workdir().await?;
        let mut env = self.env(&workdir, &act.env);
        env.extend(self.triggered().await?);
        env.push(("SEAWORTHY_STEP".into(), act.step.clone()));
        env.push(("SEAWORTHY_ATTEMPT".into(), act.attempt.to_string()));
        env.push(("SEAWORTHY_KEY".into(), format!("{}/{}", self.run, act.step)));
        let output = OutputKey { run: self.run, step: act.step.clone(), attempt: act.attempt };
        let step = self.plan.steps.iter().find(|step| step.id == act.step);
        let outputs: Vec<String> = step.map(|step| step.outputs.keys().cloned().collect()).unwrap_or_default();
        if !outputs.is_empty() {
            let file = self.ports.places.handing(output.clone()).await;
            let file = file.map_err(|e| {
                format!("there is no place for what it hands on ({e}); look at the data folder's space and rights")
            })?;
            env.push(("OUTPUTS".into(), file.display().to_string()));
        }
        fits(&env)?;
        Ok(Order {
            output,
            deed: act.deed.clone(),
            folder: self.loaded.folder.clone(),
            workdir,
            env,
            secrets: self.secrets(&act.secrets).await?,
            masked: self.masked(&act.secrets).await,
            timeout: act.timeout,
            outputs,
            limits: act.limits.clone(),
        })
    }

    /// Everything to look once.
    pub async fn look(&self, check: &Check) -> Result<LookOrder, String> {
        let workdir = self.workdir().await?;
        let mut env = self.env(&workdir, &self.plan.env);
        env.extend(self.triggered().await?);
        let artifact = match self.plan.kind {
            Kind::Run => Plan::artifact_of(check).map(|name| workdir.join(name)),
            Kind::Drill => {
                self.state.requested.as_ref().and_then(|r| r.artifact.as_ref()).map(|a| PathBuf::from(&a.place))
            }
        };
        if let (Kind::Run, Some(path)) = (self.plan.kind, &artifact) {
            env.push(("ARTIFACT".into(), path.display().to_string()));
        }
        Ok(LookOrder {
            look: check.look.clone(),
            folder: self.loaded.folder.clone(),
            workdir,
            env,
            secrets: self.secrets(&self.plan.secrets).await?,
            masked: self.masked(&self.plan.secrets).await,
            artifact,
            timeout: check.timeout,
            now: self.ports.clock.now(),
        })
    }

    /// What started the run, if something but a schedule or a person did.
    async fn triggered(&self) -> Result<Vec<(String, String)>, String> {
        let Some(Cause::Trigger { by }) = self.state.requested.as_ref().map(|r| &r.cause) else { return Ok(vec![]) };
        let file = match by {
            Triggered::File { path, .. } => Some(path.clone()),
            Triggered::Webhook { .. } => {
                let kept = self.ports.places.body(self.run, None).await;
                let kept = kept.map_err(|e| format!("the body of the call cannot be found ({e}); call again"))?;
                let lost = "the body of the call that started it is not there any more, as after a restore; call again";
                Some(kept.ok_or(lost)?.display().to_string())
            }
            Triggered::Process { .. } | Triggered::Signal { .. } => None,
        };
        let words = ("SEAWORTHY_TRIGGER".to_owned(), by.words());
        Ok(file.map(|file| ("TRIGGER".to_owned(), file)).into_iter().chain([words]).collect())
    }

    /// All that a step sees, apart from its secrets and what tells attempts apart.
    pub(super) fn env(&self, workdir: &std::path::Path, own: &BTreeMap<String, String>) -> Vec<(String, String)> {
        let mut env: Vec<(String, String)> = own.iter().map(|(k, v)| (k.clone(), v.clone())).collect();
        env.push(("WORKDIR".into(), workdir.display().to_string()));
        env.push(("SEAWORTHY_RUN".into(), self.run.to_string()));
        env.push(("SEAWORTHY_FENCE".into(), self.ports.writer.epoch.to_string()));
        let requested = self.state.requested.as_ref();
        for (step, outputs) in handed(self.plan, self.state) {
            let name = |name: &str| variable("OUTPUT", &format!("{step}_{name}"));
            env.extend(outputs.iter().map(|(output, value)| (name(output), plain(value))));
        }
        env.extend(requested.into_iter().flat_map(|requested| variables(&requested.inputs)));
        if let Some(Cause::Schedule { nominal }) = requested.map(|r| &r.cause) {
            env.push(("SEAWORTHY_OCCURRENCE".into(), utc(*nominal)));
        }
        if self.plan.kind == Kind::Drill {
            env.push(("SCRATCH".into(), scratch(self.run)));
            if let Some(artifact) = requested.and_then(|r| r.artifact.as_ref()) {
                env.push(("ARTIFACT".into(), artifact.place.clone()));
            }
        }
        env
    }

    async fn secrets(&self, names: &[String]) -> Result<Vec<Secret>, String> {
        let mut out = Vec::with_capacity(names.len());
        for name in names {
            out.push(self.secret(name).await?);
        }
        Ok(out)
    }

    async fn secret(&self, name: &str) -> Result<Secret, String> {
        let place = self.loaded.site.secrets.get(name).cloned().unwrap_or_else(|| SecretPlace::Env(name.to_owned()));
        self.ports.secrets.get(name, &place, &self.loaded.folder).await
    }

    /// Every secret of the process and of its steps that can be fetched.
    pub async fn all_secrets(&self) -> Vec<Secret> {
        let mut all = self.masked(&self.plan.secrets).await;
        for name in &self.plan.secrets {
            all.extend(self.secret(name).await.ok());
        }
        all
    }

    /// Secrets of steps that are not given here. One that cannot be fetched was not given to its step either.
    async fn masked(&self, given: &[String]) -> Vec<Secret> {
        let steps = self.plan.steps.iter().chain(&self.plan.after);
        let names: BTreeSet<&String> =
            steps.flat_map(|step| &step.secrets).filter(|name| !given.contains(name)).collect();
        let mut out = Vec::with_capacity(names.len());
        for name in names {
            out.extend(self.secret(name).await.ok());
        }
        out
    }
}

/// An attempt that did not come to start, or to its end, and why.
pub(super) fn not_started(reason: String) -> Acted {
    Acted {
        outcome: Outcome::NotDone,
        exit: None,
        signal: None,
        reason: Some(reason),
        took: Span::ZERO,
        stdout: Output::default(),
        stderr: Output::default(),
        held_by: "nothing".into(),
        empty: None,
    }
}

/// Longest `NAME=value` of an environment: with the byte that ends it Linux takes 32 pages of 4 KiB.
const VARIABLE_BYTES_MAX: usize = 128 * 1024 - 1;

/// Whether the system can hand these to a command.
fn fits(env: &[(String, String)]) -> Result<(), String> {
    let long = env.iter().find(|(name, value)| name.len() + 1 + value.len() > VARIABLE_BYTES_MAX);
    let Some((name, value)) = long else { return Ok(()) };
    let bytes = value.len();
    Err(format!(
        "`{name}` has {bytes} bytes, more than the {VARIABLE_BYTES_MAX} that a command can be given in one variable; hand less on, or hand on the name of a file"
    ))
}

/// A name that only this drill uses: letters, digits and underscore, fit for databases, containers and folders.
fn scratch(run: RunId) -> String {
    let hex = run.0.simple().to_string();
    format!("drill_{}", &hex[12..])
}

#[cfg(test)]
mod tests {
    use super::*;
    use seaworthy_model::time::At;

    #[test]
    fn a_scratch_name_is_safe_everywhere_and_unlike_another() {
        let (a, b) = (RunId::new(At(1), &[1; 10]), RunId::new(At(1), &[2; 10]));
        assert!(scratch(a).chars().all(|c| c.is_ascii_alphanumeric() || c == '_'));
        assert!(scratch(a).len() <= 30);
        assert_ne!(scratch(a), scratch(b));
    }
}
