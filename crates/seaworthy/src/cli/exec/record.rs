//! The record of one command: its begin before it starts, its end, and the verification that follows.
//!
//! Everything here may fail; the caller goes on without it. This module must not start the command.

use std::{
    ffi::{OsStr, OsString},
    path::Path,
    time::Duration,
};

use seaworthy_core::run::State;
use seaworthy_model::{
    entry::Via,
    id::{ActorId, RunId},
    port::{Definitions as _, OutputKey, Secret},
    process::{OUTSIDE, Process},
    run::{Acted, Cause},
    site::SecretPlace,
};
use seaworthy_runtime::{Stop, outside, seal};
use seaworthy_spec::secret::{names_a_secret, written};
use tokio::time::timeout;

use super::{
    super::{follow, made_up, run},
    signals::Signals,
};
use crate::{
    out::{Out, complain},
    place::Place,
    trouble::Trouble,
    wire,
};

/// How long the end may take to become durable: there may be no space.
const END_WITHIN: Duration = Duration::from_secs(10);
/// How long verification and messages may take; then the next server goes on with them.
const VERIFY_WITHIN: Duration = Duration::from_secs(3600);
/// How long what is under way may take to be put down after that.
const PUT_DOWN_WITHIN: Duration = Duration::from_secs(20);

/// A run whose command is about to start, or under way.
pub struct Recording {
    pub place: Place,
    pub run: RunId,
    house: wire::House,
    actor: ActorId,
    process: Process,
}

impl Recording {
    /// Makes the run durable: requested, claimed by us, started.
    pub async fn begin(place: Place, name: &str, program: &OsStr) -> Result<Recording, Trouble> {
        let house = made_up::open_beside(&place).await?;
        let actor = house.os_actor(rustix::process::geteuid()).await?;
        let loaded = house.in_force.current();
        let (process, file) = match loaded.processes.get(name) {
            Some(pinned) => {
                if !pinned.process.pinged && pinned.process.schedule.is_some() && pinned.process.observed.is_none() {
                    complain(&format!(
                        "seaworthy: note: {} does not say `pinged: true`, so a server starts `{name}` by its schedule too",
                        pinned.file
                    ));
                }
                (outside::as_outside(&pinned.process), pinned.file.clone())
            }
            None => made_up::make_up(&place, name)?,
        };
        let (loaded, pinned) = outside::define(&house.ports, &loaded, process.clone(), &file).await?;
        house.in_force.replace(loaded);
        let program = Path::new(program).file_name().unwrap_or(program).to_string_lossy().into_owned();
        let cause = Cause::Exec { program };
        let begun = outside::begin(&house.ports, &pinned, cause, actor, Via::Cli).await?;
        let (fresh, batch) = begun.map_err(Trouble::start)?;
        house.ports.journal.append(batch).await?;
        Ok(Recording { place, run: fresh.run, house, actor, process })
    }

    /// Where the output is kept.
    pub fn output(&self) -> OutputKey {
        OutputKey { run: self.run, step: OUTSIDE.to_owned(), attempt: outside::ATTEMPT }
    }

    /// What must not be kept: the secrets of the process, and what looks like one in this environment and the command.
    pub async fn hidden(&self, command: &[OsString]) -> Vec<Secret> {
        let loaded = self.house.in_force.current();
        let mut hidden = Vec::new();
        for name in &self.process.secrets {
            let place = loaded.site.secrets.get(name).cloned().unwrap_or_else(|| SecretPlace::Env(name.clone()));
            match self.house.ports.secrets.get(name, &place, &loaded.folder).await {
                Ok(secret) => hidden.push(secret),
                Err(reason) => complain(&format!("seaworthy: note: {reason}; it is not masked in what is kept")),
            }
        }
        let own = std::env::vars_os().filter_map(|(n, v)| Some((n.into_string().ok()?, v.into_string().ok()?)));
        for (name, value) in own {
            let parts = written(&value);
            hidden.extend(parts.into_iter().map(|at| Secret { name: name.clone(), value: value[at].to_owned() }));
            if names_a_secret(&name) {
                hidden.push(Secret { name, value });
            }
        }
        let words: Vec<_> = command.iter().map(|word| word.to_string_lossy()).collect();
        let given = words.iter().map(|word| word.to_string()).chain([words.join(" ")]);
        let parts = given.flat_map(|text| written(&text).into_iter().map(|at| text[at].to_owned()).collect::<Vec<_>>());
        hidden.extend(parts.map(|value| Secret { name: "ARGUMENT".to_owned(), value }));
        hidden
    }

    /// Makes the end durable and lets verification follow. A signal meanwhile leaves the rest to the next server.
    pub async fn end(self, acted: Acted, signals: &mut Signals) -> Result<(RunId, State), String> {
        let Recording { house, run, actor, .. } = self;
        let batch = outside::end(&house.ports, run, acted, actor, Via::Cli);
        let appended = timeout(END_WITHIN, house.ports.journal.append(batch)).await;
        match appended {
            Ok(Ok(_)) => {}
            Ok(Err(trouble)) => return Err(trouble.to_string()),
            Err(_) => return Err(format!("its end could not be written within {END_WITHIN:?}")),
        }
        let over = Stop::default();
        let sealing = tokio::spawn(seal::run(house.ports.clone(), over.clone()));
        house.runs.take_up(run);
        let quiet = Out { json: true, colour: false };
        let journal = house.ports.journal.clone();
        let followed = tokio::select! {
            followed = timeout(VERIFY_WITHIN, follow::follow(&quiet, &journal, run)) => followed.ok(),
            _ = signals.next() => None,
        };
        let state = match followed {
            Some(followed) => followed.map_err(|trouble| trouble.text),
            None => Err(
                "the command has ended and that is recorded, but not whether it is verified; a server goes on with it"
                    .into(),
            ),
        };
        if state.is_err() {
            house.stop.now();
        }
        let _ = timeout(PUT_DOWN_WITHIN, house.runs.drained()).await;
        if state.is_ok() {
            run::messages(&house, run).await;
        }
        over.now();
        let _ = sealing.await;
        if let Err(trouble) = seal::seal(&house.ports).await {
            complain(&format!("seaworthy: note: no checkpoint was sealed ({trouble})"));
        }
        house.close();
        state.map(|state| (run, state))
    }
}
