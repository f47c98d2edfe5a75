//! Calls from outside, on a disk that takes nothing.

use std::{path::Path, sync::Arc, sync::Mutex};

use seaworthy_model::{
    hmac::hmac_sha256,
    id::RunId,
    order::Secret,
    port::{Fut, HookAnswer, HookCall, OutputKey, Places, Requests as _, Secrets},
    process::hex,
    run::Artifact,
    run::HostSnapshot,
    site::SecretPlace,
};
use seaworthy_runtime::{Stop, requests::Desk, run::Runs};

use crate::kit::World;

const HOOK: &str =
    "process: called\ntriggers: [{ webhook: hub, secret: KEY, style: github }]\nsteps: [{ id: one, run: 'true' }]\n";

/// Makes the folder of a run, and has no room for the body.
#[derive(Default)]
struct Full(Mutex<Vec<RunId>>);

impl Places for Full {
    fn body(&self, run: RunId, _: Option<Vec<u8>>) -> Fut<'_, std::io::Result<Option<std::path::PathBuf>>> {
        self.0.lock().unwrap().push(run);
        Box::pin(std::future::ready(Err(std::io::Error::from(std::io::ErrorKind::StorageFull))))
    }
    fn remove(&self, run: RunId) -> Fut<'_, std::io::Result<()>> {
        self.0.lock().unwrap().retain(|there| *there != run);
        Box::pin(std::future::ready(Ok(())))
    }
    fn workdir(&self, _: RunId) -> Fut<'_, std::io::Result<std::path::PathBuf>> {
        unreachable!("nothing is started")
    }
    fn artifact(&self, _: &Path, _: &str) -> Fut<'_, Result<Artifact, String>> {
        unreachable!("nothing is started")
    }
    fn handing(&self, _: OutputKey) -> Fut<'_, std::io::Result<std::path::PathBuf>> {
        unreachable!("nothing is started")
    }
    fn handed(&self, _: OutputKey, _: Vec<Secret>) -> Fut<'_, Result<String, String>> {
        unreachable!("nothing is started")
    }
    fn carry(&self, _: RunId, _: RunId, _: &str) -> Fut<'_, Result<(), String>> {
        unreachable!("nothing is started")
    }
    fn tidy(&self, _: RunId, _: Vec<String>) -> Fut<'_, std::io::Result<()>> {
        unreachable!("nothing is started")
    }
    fn snapshot(&self) -> Fut<'_, HostSnapshot> {
        unreachable!("nothing is started")
    }
}

struct Key;

impl Secrets for Key {
    fn get(&self, name: &str, _: &SecretPlace, _: &Path) -> Fut<'_, Result<Secret, String>> {
        Box::pin(std::future::ready(Ok(Secret { name: name.to_owned(), value: "hunter2".into() })))
    }
}

#[tokio::test]
async fn a_call_whose_body_cannot_be_kept_leaves_no_folder_that_no_run_has() {
    let mut world = World::new("", &[HOOK]);
    let full = Arc::new(Full::default());
    (world.ports.places, world.ports.secrets) = (full.clone(), Arc::new(Key));
    world.record().await;
    let runs = Runs::new(world.ports.clone(), Stop::default());
    let desk = Desk { ports: world.ports.clone(), runs, pings: Default::default() };
    let body = b"{}".to_vec();
    let signature = format!("sha256={}", hex(&hmac_sha256(b"hunter2", &[&body])));
    let call = HookCall { name: "hub".into(), signature, key: String::new(), body };
    let HookAnswer::Held { reason } = desk.called(call).await.unwrap() else { panic!("it was taken") };
    assert!(reason.contains("could not be kept"), "{reason}");
    assert_eq!(*full.0.lock().unwrap(), [], "its folder is gone");
    assert_eq!(world.kinds("run_requested").await.len(), 0);
}
