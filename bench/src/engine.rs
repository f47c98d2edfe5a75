//! The engine in this process: the real store, provider and loops behind their ports, as the binary joins them.
//!
//! This module must not measure; it only counts what goes to the journal.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use seaworthy_model::{
    checkpoint::Checkpoint,
    entry::{Entry, Stream, Via},
    id::{ActorId, NodeId, RunId},
    port::{Answer, Ask, Batch, Chance, Clock, Fut, Journal, Requests as _, Signer, StoreError},
    site::{Loaded, Pinned},
    time::{At, Span},
    tree::Frontier,
    view::{OutboxRow, ViewChange},
};
use seaworthy_platform::{FilePlaces, Local, LocalSecrets};
use seaworthy_runtime::{Ports, Stop, ports::Nudges, reload::InForce, requests::Desk, run::Runs};
use seaworthy_spec::{PROCESSES_MAX, Source};
use seaworthy_store::sqlite::Sqlite;
use tokio::sync::Semaphore;

use crate::keeper;

/// Carries out `work` on a worker of a runtime with the numbers of the binary, as the server carries out requests.
pub fn carry_out<T: Send + 'static>(
    work: impl Future<Output = Result<T, String>> + Send + 'static,
) -> Result<T, String> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    let runtime = builder.worker_threads(2).max_blocking_threads(32).enable_all().build();
    let runtime = runtime.map_err(|e| format!("the system gave no threads ({e})"))?;
    runtime.block_on(async { tokio::spawn(work).await.map_err(|e| e.to_string())? })
}

/// A folder of ours beside the program, on a real disk as a rule; gone with the value.
pub struct Scratch(pub PathBuf);

impl Scratch {
    pub fn new(ask: &crate::Ask) -> Result<Scratch, String> {
        let base = match &ask.folder {
            Some(folder) => folder.clone(),
            None => std::env::current_exe()
                .ok()
                .and_then(|own| own.parent().map(Path::to_path_buf))
                .unwrap_or_else(std::env::temp_dir),
        };
        let path = base.join(format!("figures-{}", std::process::id()));
        fs::create_dir_all(&path).map_err(|e| format!("the folder {} cannot be made ({e})", path.display()))?;
        Ok(Scratch(path))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // Only tidiness: the figure is taken.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Definitions from the text of one file under `ops/`.
pub fn load(folder: &Path, ops: &str) -> Result<Loaded, String> {
    let site = Source { file: "seaworthy.yaml".into(), text: "site: figures\n".into() };
    let documents: Vec<&str> = ops.split("---\n").collect();
    let (mut all, mut read_site) = (Vec::new(), None);
    // A site has a limit, which some figures are above.
    for part in documents.chunks(PROCESSES_MAX) {
        // A file has one too.
        let files = part.chunks(1_000).enumerate();
        let files = files.map(|(n, some)| Source { file: format!("ops/figures-{n}.yaml"), text: some.join("---\n") });
        let read = seaworthy_spec::read(&site, &files.collect::<Vec<_>>(), &|_| false);
        if read.processes.len() != part.len() {
            let said: Vec<String> = read.diagnostics.iter().map(|d| d.render(false)).collect();
            return Err(said.join("\n"));
        }
        all.extend(read.processes);
        read_site = read.site;
    }
    let site = read_site.ok_or("there is nothing to load")?;
    let pin = |(file, process): (String, seaworthy_model::process::Process)| {
        let pinned = Pinned { digest: process.digest(), missing: process.missing(), file, broken: None, process };
        (pinned.process.name.clone(), Arc::new(pinned))
    };
    let processes = all.into_iter().map(pin).collect();
    Ok(Loaded {
        site,
        folder: folder.to_path_buf(),
        processes,
        broken: Default::default(),
        held: Vec::new(),
        at: System.now(),
    })
}

/// The engine.
pub struct Engine {
    pub ports: Ports,
    pub runs: Arc<Runs>,
    pub desk: Desk,
    pub tally: Arc<Tally>,
    store: Sqlite,
    local: Local,
}

impl Engine {
    pub fn open(data: &Path, loaded: Loaded) -> Result<Engine, String> {
        let mut ten = [0; 10];
        System.fill(&mut ten);
        let store = Sqlite::open(&data.join("journal.db"), || NodeId::new(System.now(), &ten)).map_err(said)?;
        let opened = store.opened();
        let tally = Arc::new(Tally {
            inner: opened.journal,
            appends: AtomicU64::new(0),
            entries: AtomicU64::new(0),
            ended: AtomicU64::new(0),
            free: Semaphore::new(0),
        });
        let local = Local::new(data.to_path_buf(), keeper::launch(data)?);
        let ports = Ports {
            journal: tally.clone(),
            views: opened.views,
            accounts: opened.accounts,
            clock: Arc::new(System),
            chance: Arc::new(System),
            definitions: Arc::new(InForce::new(loaded)),
            provider: Arc::new(local.clone()),
            probes: vec![],
            notifiers: vec![],
            places: Arc::new(FilePlaces::new(data.to_path_buf())),
            secrets: Arc::new(LocalSecrets),
            signer: Arc::new(System),
            writer: store.writer(),
            actor: ActorId::new(At(0), &ten),
            living: Arc::new(|| Ok(BTreeSet::new())),
            watched: Arc::default(),
            nudges: Nudges::default(),
        };
        let runs = Runs::new(ports.clone(), Stop::default());
        let desk = Desk { ports: ports.clone(), runs: runs.clone(), pings: Arc::default() };
        Ok(Engine { ports, runs, desk, tally, store, local })
    }

    /// Asks for a run as a person does; returns when the request is durable.
    pub async fn ask(&self, process: &str) -> Result<RunId, String> {
        ask(&self.desk, process).await
    }

    /// Returns when the keeper of commands is there, as it is in a server that has started.
    pub async fn ready(&self) -> Result<(), String> {
        self.local.ready().await
    }

    /// Returns when `count` runs have ended durably since the start.
    pub async fn ended(&self, count: u64, most: Duration) -> Result<(), String> {
        let began = Instant::now();
        while self.tally.ended.load(Ordering::Acquire) < count {
            if began.elapsed() > most {
                let ended = self.tally.ended.load(Ordering::Acquire);
                return Err(format!("only {ended} of {count} runs have ended in {}", Span::seconds(most.as_secs())));
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        self.runs.drained().await;
        Ok(())
    }

    /// Returns when this many entries are in the journal, within `most`.
    pub async fn written(&self, entries: u64, most: Duration) -> Result<(), String> {
        let began = Instant::now();
        while self.tally.entries.load(Ordering::Relaxed) < entries {
            if began.elapsed() > most {
                return Err(format!("{entries} entries were not written in {} s", most.as_secs()));
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Ok(())
    }

    pub fn close(self) {
        self.store.close();
    }
}

/// As [`Engine::ask`], for tasks.
pub async fn ask(desk: &Desk, process: &str) -> Result<RunId, String> {
    let ask = Ask::Run { process: process.to_owned(), inputs: Default::default() };
    match desk.ask(ask, desk.ports.actor, Via::Cli).await.map_err(said)? {
        Answer::Started { run, .. } => Ok(run),
        other => Err(format!("`{process}` was not started: {other:?}")),
    }
}

pub fn said(error: StoreError) -> String {
    error.to_string()
}

/// The system's clock and chance. Nothing is signed here: no loop that seals is started.
pub struct System;

impl Clock for System {
    fn now(&self) -> At {
        At(crate::stamp::now())
    }

    fn elapsed(&self) -> Span {
        Span(u64::try_from(self.now().0).unwrap_or(0))
    }

    fn sleep(&self, span: Span) -> Fut<'static, ()> {
        Box::pin(tokio::time::sleep(span.to_std()))
    }
}

impl Chance for System {
    fn fill(&self, bytes: &mut [u8]) {
        getrandom::fill(bytes).expect("the kernel gives randomness");
    }
}

impl Signer for System {
    fn key(&self) -> [u8; 32] {
        [0; 32]
    }

    fn sign(&self, _: &[u8]) -> [u8; 64] {
        [0; 64]
    }
}

/// The journal, with a count of what is written.
pub struct Tally {
    inner: Arc<dyn Journal>,
    pub appends: AtomicU64,
    /// Durable changes: entries that are kept for ever.
    pub entries: AtomicU64,
    pub ended: AtomicU64,
    /// One permit for each run that has ended durably: what lets a bounded number of runs be in flight.
    pub free: Semaphore,
}

impl Journal for Tally {
    fn append(&self, batch: Batch) -> Fut<'_, Result<u64, StoreError>> {
        Box::pin(async move {
            let ended = batch.views.iter().filter(|v| matches!(v, ViewChange::RunEnded(_))).count();
            let entries: usize = batch.writes.iter().map(|write| write.drafts.len()).sum();
            let position = self.inner.append(batch).await?;
            self.entries.fetch_add(entries as u64, Ordering::Relaxed);
            self.appends.fetch_add(1, Ordering::Relaxed);
            if ended > 0 {
                self.ended.fetch_add(ended as u64, Ordering::Release);
                self.free.add_permits(ended);
            }
            Ok(position)
        })
    }

    fn stream(&self, stream: &Stream, after: u64) -> Fut<'_, Result<Vec<Entry>, StoreError>> {
        self.inner.stream(stream, after)
    }

    fn from(&self, position: u64, limit: usize) -> Fut<'_, Result<Vec<Entry>, StoreError>> {
        self.inner.from(position, limit)
    }

    fn past(&self, position: u64) -> Fut<'_, Result<u64, StoreError>> {
        self.inner.past(position)
    }

    fn frontier(&self) -> Fut<'_, Result<Frontier, StoreError>> {
        self.inner.frontier()
    }

    fn seal(&self, checkpoint: Checkpoint, note: String) -> Fut<'_, Result<(), StoreError>> {
        self.inner.seal(checkpoint, note)
    }

    fn checkpoints(&self, from: u64, limit: usize) -> Fut<'_, Result<Vec<String>, StoreError>> {
        self.inner.checkpoints(from, limit)
    }

    fn outbox(&self, now: At, limit: usize) -> Fut<'_, Result<Vec<OutboxRow>, StoreError>> {
        self.inner.outbox(now, limit)
    }

    fn outbox_next(&self) -> Fut<'_, Result<Option<At>, StoreError>> {
        self.inner.outbox_next()
    }

    fn person(&self, actor: ActorId) -> Fut<'_, Result<Option<(String, String)>, StoreError>> {
        self.inner.person(actor)
    }

    fn erase_person(&self, actor: ActorId) -> Fut<'_, Result<(), StoreError>> {
        self.inner.erase_person(actor)
    }
}
