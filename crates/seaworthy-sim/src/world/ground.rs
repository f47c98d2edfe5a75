//! What lies around in the simulated world: work folders, artifacts, secrets, the key.
//!
//! This module must not know what an artifact is good for.

use std::{
    collections::BTreeSet,
    io,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use ed25519_dalek::{Signer as _, SigningKey};
use seaworthy_model::{
    id::RunId,
    port::{Fut, OutputKey, Places, Secret, Secrets, Signer},
    process::hex,
    run::{Artifact, HostSnapshot},
    site::SecretPlace,
};
use sha2::{Digest as _, Sha256};

use super::World;
use crate::mutant::Mutant;

/// The seed of the key that signs checkpoints.
pub const KEY: [u8; 32] = [7; 32];

/// Folders, secrets and the key of one world.
pub struct Ground {
    world: World,
    /// Runs whose folders hold something.
    folders: Mutex<BTreeSet<RunId>>,
    key: SigningKey,
}

impl Ground {
    pub fn of(world: &World) -> Ground {
        Ground { world: world.clone(), folders: Mutex::default(), key: SigningKey::from_bytes(&KEY) }
    }

    fn folders(&self) -> MutexGuard<'_, BTreeSet<RunId>> {
        self.folders.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn find(&self, folder: &Path, name: &str) -> Result<Artifact, String> {
        let run = folder.file_name().and_then(|f| f.to_str()).and_then(|f| f.parse::<RunId>().ok());
        let step = name.strip_prefix('a').map(|n| format!("s{n}"));
        let place = folder.join(name).display().to_string();
        let (Some(run), Some(step)) = (run, step) else { return Err(format!("{place} is no artifact (simulated)")) };
        let truth = self.world.truth();
        let made = truth.made.get(&(run, step.clone()));
        let Some(made) = made.filter(|_| !truth.removed.contains(&(run, name.to_owned()))) else {
            return Err(format!("{place} is not there (simulated)"));
        };
        let bytes = if made.whole { 4096 } else { 512 };
        let digest = Sha256::digest(format!("{run} {step} {} {}", made.times, made.whole));
        Ok(Artifact { name: name.to_owned(), bytes, sha256: Some(hex(&digest)), modified: made.at, place })
    }
}

impl Places for Ground {
    fn workdir(&self, run: RunId) -> Fut<'_, io::Result<PathBuf>> {
        self.folders().insert(run);
        Box::pin(std::future::ready(Ok(Path::new("/world").join(run.to_string()))))
    }

    fn artifact(&self, workdir: &Path, name: &str) -> Fut<'_, Result<Artifact, String>> {
        Box::pin(std::future::ready(self.find(workdir, name)))
    }

    fn handing(&self, attempt: OutputKey) -> Fut<'_, io::Result<PathBuf>> {
        Box::pin(std::future::ready(Ok(Path::new("/world").join(attempt.run.to_string()).join("handed"))))
    }

    fn handed(&self, _: OutputKey, _: Vec<Secret>) -> Fut<'_, Result<String, String>> {
        Box::pin(std::future::ready(Ok(String::new())))
    }

    fn carry(&self, from: RunId, to: RunId, name: &str) -> Fut<'_, Result<(), String>> {
        let step = format!("s{}", name.trim_start_matches('a'));
        let mut truth = self.world.truth();
        let made = truth.made.get(&(from, step.clone())).cloned();
        let made = made.filter(|_| !truth.removed.contains(&(from, name.to_owned())));
        let carried = match made {
            None => Err(format!("`{name}` of {from} is not there (simulated)")),
            Some(made) => {
                truth.made.insert((to, step), made);
                Ok(())
            }
        };
        Box::pin(std::future::ready(carried))
    }

    fn left_over(&self, run: RunId) -> Fut<'_, bool> {
        Box::pin(std::future::ready(self.folders().contains(&run)))
    }

    fn tidy(&self, run: RunId, keep: Vec<String>) -> Fut<'_, io::Result<()>> {
        if keep.is_empty() {
            self.folders().remove(&run);
        }
        let mut truth = self.world.truth();
        let steps: Vec<String> = truth.made.keys().filter(|(of, _)| *of == run).map(|(_, step)| step.clone()).collect();
        for step in steps {
            let name = format!("a{}", step.trim_start_matches('s'));
            if !keep.contains(&name) {
                truth.removed.insert((run, name));
            }
        }
        Box::pin(std::future::ready(Ok(())))
    }

    fn remove(&self, run: RunId) -> Fut<'_, io::Result<()>> {
        self.tidy(run, vec![])
    }

    fn snapshot(&self) -> Fut<'_, HostSnapshot> {
        Box::pin(std::future::ready(HostSnapshot::default()))
    }
}

impl Secrets for Ground {
    fn get(&self, name: &str, _: &SecretPlace, _: &Path) -> Fut<'_, Result<Secret, String>> {
        Box::pin(std::future::ready(Ok(Secret { name: name.to_owned(), value: "hush".into() })))
    }
}

impl Signer for Ground {
    fn key(&self) -> [u8; 32] {
        self.key.verifying_key().to_bytes()
    }

    fn sign(&self, bytes: &[u8]) -> [u8; 64] {
        let mut signature = self.key.sign(bytes).to_bytes();
        if self.world.is(Mutant::ForgedCheckpoint) {
            signature[0] ^= 1;
        }
        signature
    }
}
