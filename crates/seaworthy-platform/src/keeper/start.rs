//! An order becomes a command that is held.
//!
//! Must not know who asked. Nothing is begun twice: what is held, what is on record and what has left output is refused.

use std::{collections::BTreeMap, path::PathBuf};

use rustix::process::Pid;
use seaworthy_model::{
    port::Secret,
    run::{Acted, Outcome},
};

use super::{
    attempt::{Attempt, Bounds, Command},
    home, inherit,
    round::{Host, Round},
    said::not_started,
    spawn::Start,
    wire::Wanted,
};
use crate::{
    held::{
        cgroup::{self, Cgroup},
        folder::{self, Folder},
        tree::Tree,
    },
    output::{self, mask::Mask, write::Writer},
};

/// Attempts that are held at the same time. More are refused; the server asks for fewer.
pub(super) const HELD_MAX: usize = 4096;

impl Round {
    /// Carries the order out. `Err` is its end.
    pub(super) fn start(&mut self, wanted: &Wanted) -> Result<Attempt, Box<Acted>> {
        let refused = |reason: String| Box::new(not_started(reason));
        if self.is_known(&wanted.attempt) {
            return Err(begun_before(wanted));
        }
        let Some(key) = folder::key(&wanted.attempt) else {
            return Err(refused(format!("`{}` cannot name an attempt", wanted.attempt.escape_debug())));
        };
        if self.is_ending() {
            return Err(refused("the keeper of commands is being stopped: run it again when it is back".into()));
        }
        if self.held() >= HELD_MAX {
            return Err(refused(format!("{HELD_MAX} commands are held already: run fewer at the same time")));
        }
        let secrets = secrets(&wanted.secrets);
        if let Some(secret) = secrets.iter().find(|secret| !is_name(&secret.name)) {
            let name = secret.name.escape_debug();
            return Err(refused(format!("`{name}` cannot name a secret: use letters, digits and `_`")));
        }
        let head = output::head(&self.host.data, &key).map_err(|error| refused(error.to_string()))?;
        if head.exists() {
            return Err(begun_before(wanted));
        }
        let mask = Mask::of(&[secrets.clone(), self::secrets(&wanted.masked)].concat());
        let mut writer = Writer::begin(head, &mask);
        for name in Mask::unmasked(&secrets) {
            writer.note(&format!("the secret {name} is too short to be masked in this output: make it longer"));
        }
        self.records.begun(&wanted.attempt);
        match self.command(wanted, &secrets) {
            Ok((started, tree, folder, held_by)) => {
                let command = Command::of(started, writer, folder, held_by);
                let bounds = Bounds { limit: wanted.timeout, grace: wanted.grace.to_std(), own: wanted.own };
                Ok(Attempt::begin(wanted.attempt.clone(), command, tree, bounds))
            }
            Err(reason) => {
                let reason = mask.text(&reason);
                writer.note(&reason);
                let (stdout, stderr) = writer.end();
                Err(Box::new(Acted { stdout, stderr, ..not_started(reason) }))
            }
        }
    }

    fn command(&self, wanted: &Wanted, secrets: &[Secret]) -> Result<Begun, String> {
        let host = &self.host;
        let cannot =
            |error: std::io::Error| format!("the command could not be prepared in `{}`: {error}", host.data.display());
        let (name, marker) = folder::marker(&host.data, &host.name, &wanted.attempt).map_err(cannot)?;
        let kept = Folder::keep(secret_folder(host, &wanted.attempt), secrets).map_err(cannot)?;
        let (folder, places) = kept.map_or((None, vec![]), |(folder, places)| (Some(folder), places));
        let mut env: BTreeMap<String, String> = wanted.env.iter().cloned().collect();
        env.extend(wanted.secrets.iter().cloned());
        env.extend(places.iter().map(|(name, place)| (format!("{name}_FILE"), place.display().to_string())));
        env.insert(name.clone(), marker.clone());
        let env: Vec<(String, String)> = env.into_iter().collect();
        let start = |entrance| Start {
            words: &wanted.words,
            folder: &wanted.folder,
            env: &env,
            limits: &wanted.limits,
            entrance,
        };
        let tree =
            |pid: Pid, group| Tree::of(pid.as_raw_nonzero().get(), format!("{name}={marker}"), group, host.orphans);
        let group = host.cgroup.as_ref().and_then(|below| Cgroup::make(below, &inherit::group(&wanted.attempt)));
        if let Some(group) = group {
            group.limit(&wanted.limits);
            let entered =
                group.entrance().map_err(cannot).and_then(|entrance| self.spawner.start(start(Some(entrance))));
            match entered {
                Ok(started) => {
                    let tree = tree(started.pid, Some(group));
                    return Ok((started, tree, folder, "cgroup"));
                }
                // Perhaps it is only the group that cannot be entered: nothing was carried out, so try without.
                Err(_) => group.remove(),
            }
        }
        match self.spawner.start(start(None)) {
            Ok(started) => {
                let tree = tree(started.pid, None);
                Ok((started, tree, folder, layer(host.orphans)))
            }
            Err(reason) => {
                if let Some(Err(error)) = folder.map(Folder::end) {
                    tracing::warn!(%error, "secret files could not be removed; the next keeper removes them");
                }
                Err(reason)
            }
        }
    }
}

type Begun = (super::spawn::Started, Tree, Option<Folder>, &'static str);

fn layer(orphans: bool) -> &'static str {
    match orphans {
        true if cgroup::in_scope() => "scope",
        true => "subreaper",
        false => "session",
    }
}

fn secret_folder(host: &Host, attempt: &str) -> PathBuf {
    home::folder(&host.data).join(&host.name).join(attempt)
}

fn secrets(pairs: &[(String, String)]) -> Vec<Secret> {
    pairs.iter().map(|(name, value)| Secret { name: name.clone(), value: value.clone() }).collect()
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

fn begun_before(wanted: &Wanted) -> Box<Acted> {
    let reason = format!(
        "{} was begun before and its end is not known here: look at what it did before repeating it",
        wanted.attempt
    );
    Box::new(Acted { outcome: Outcome::Unknown, empty: None, ..not_started(reason) })
}
