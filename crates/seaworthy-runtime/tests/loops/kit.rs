//! A node whose world is the test: time stands still until it is moved, and the disk is full when the test says so.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering::SeqCst},
    },
};

use seaworthy_model::{
    checkpoint::Checkpoint,
    entry::{Entry, Stream, Via},
    event::Event,
    id::{ActorId, NodeId, RunId},
    port::*,
    retain::Weight,
    run::{Acted, Artifact, Cause, Executed, HostSnapshot, Kind, Verified},
    site::{Loaded, Pinned, SecretPlace},
    time::{At, Span},
    tree::Frontier,
    view::{EndedRun, OutboxRow, ViewChange},
};
use seaworthy_runtime::{Ports, ports::Nudges, reload::InForce};
use seaworthy_spec::Source;
use seaworthy_store::memory::Memory;
use tokio::sync::watch;

/// When every test begins.
pub const START: At = At(1_790_000_000_000_000_000);

/// Time that stands still.
pub struct Hands(watch::Sender<Span>, AtomicI64);

impl Hands {
    /// Sets the clock on the wall back.
    pub fn set_back(&self, span: Span) {
        self.1.fetch_add(i64::try_from(span.0).unwrap(), SeqCst);
    }
}

impl Clock for Hands {
    fn now(&self) -> At {
        At((START + *self.0.borrow()).0 - self.1.load(SeqCst))
    }

    fn elapsed(&self) -> Span {
        *self.0.borrow()
    }

    fn sleep(&self, span: Span) -> Fut<'static, ()> {
        let (mut seen, end) = (self.0.subscribe(), Span(self.0.borrow().0.saturating_add(span.0)));
        Box::pin(async move {
            // Without a clock nobody waits any more.
            let _ = seen.wait_for(|now| *now >= end).await;
        })
    }
}

/// Never the same twice, and the same in every test.
#[derive(Default)]
pub struct Counting(AtomicU64);

impl Chance for Counting {
    fn fill(&self, bytes: &mut [u8]) {
        let count = self.0.fetch_add(1, SeqCst).to_be_bytes();
        for (byte, from) in bytes.iter_mut().rev().zip(count.iter().rev().chain(std::iter::repeat(&0))) {
            *byte = *from;
        }
    }
}

/// The store on a disk that may be full.
pub struct Disk {
    inner: Arc<dyn Journal>,
    pub full: AtomicBool,
    /// No space is left for this stream alone.
    pub full_for: Mutex<Option<Stream>>,
    /// Whoever reads a stream panics.
    pub cursed: AtomicBool,
}

impl Journal for Disk {
    fn append(&self, batch: Batch) -> Fut<'_, Result<u64, StoreError>> {
        let stream = self.full_for.lock().unwrap().clone();
        if self.full.load(SeqCst) || batch.writes.iter().any(|write| Some(&write.stream) == stream.as_ref()) {
            return Box::pin(std::future::ready(Err(StoreError::Full { detail: "by the test".into() })));
        }
        Box::pin(async move {
            let done = self.inner.append(batch).await;
            // Room for others to come in between, as while a disk is waited for.
            tokio::task::yield_now().await;
            tokio::task::yield_now().await;
            done
        })
    }
    fn stream(&self, stream: &Stream, after: u64) -> Fut<'_, Result<Vec<Entry>, StoreError>> {
        assert!(!self.cursed.load(SeqCst), "planted by the test");
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

type Answering = dyn Fn(&Address) -> Result<String, SendError> + Send + Sync;

/// Takes messages to commands, and answers as the test says.
pub struct Ear {
    pub heard: Mutex<Vec<Message>>,
    pub answer: Mutex<Arc<Answering>>,
}

impl Notifier for Ear {
    fn kind(&self) -> &'static str {
        "command"
    }

    fn send<'a>(&'a self, to: &'a Address, message: &'a Message) -> Fut<'a, Result<String, SendError>> {
        Box::pin(async move {
            // Room for others to come in between.
            tokio::task::yield_now().await;
            self.heard.lock().unwrap().push(message.clone());
            let answer = self.answer.lock().unwrap().clone();
            answer(to)
        })
    }
}

/// All that loops must not need here, and artifacts that are as the test says.
#[derive(Default)]
pub struct Rest {
    /// By name; a name that is not there is never looked at to the end.
    pub artifacts: Mutex<BTreeMap<String, Result<Artifact, String>>>,
    pub looks: AtomicU64,
    /// The end that is on record of attempts of an earlier life, and that of those let end by `ends`.
    pub record: Mutex<Option<Acted>>,
    pub noted: Mutex<Vec<OutputKey>>,
    pub ends: tokio::sync::Notify,
    /// Bytes of runs on disk.
    pub weights: Mutex<BTreeMap<RunId, Weight>>,
    /// Copying what another run made fails half way.
    pub carry_fails: AtomicBool,
    /// Outputs cannot be removed.
    pub stuck: AtomicBool,
    /// Runs whose folders hold something.
    pub folders: Mutex<BTreeSet<RunId>>,
}

impl Provider for Rest {
    fn name(&self) -> &'static str {
        "none"
    }
    fn act<'a>(&'a self, _: &'a Order) -> Fut<'a, Acted> {
        Box::pin(async move {
            self.ends.notified().await;
            self.record.lock().unwrap().clone().expect("the test says how it ended")
        })
    }
    fn stop<'a>(&'a self, _: &'a OutputKey) -> Fut<'a, ()> {
        Box::pin(std::future::ready(()))
    }
    fn adopt<'a>(&'a self, _: &'a OutputKey) -> Fut<'a, Option<Acted>> {
        Box::pin(std::future::ready(self.record.lock().unwrap().clone()))
    }
    fn noted(&self, attempt: &OutputKey) {
        self.noted.lock().unwrap().push(attempt.clone());
    }
}

impl Places for Rest {
    fn carry(&self, _from: RunId, to: RunId, _name: &str) -> Fut<'_, Result<(), String>> {
        self.folders.lock().unwrap().insert(to);
        let refused = self.carry_fails.load(SeqCst).then(|| "it cannot be copied, by the test".to_owned());
        Box::pin(std::future::ready(refused.map_or(Ok(()), Err)))
    }
    fn handing(&self, _attempt: OutputKey) -> Fut<'_, std::io::Result<std::path::PathBuf>> {
        Box::pin(std::future::ready(Ok("/nowhere".into())))
    }
    fn handed(&self, _attempt: OutputKey, _hidden: Vec<Secret>) -> Fut<'_, Result<String, String>> {
        Box::pin(std::future::ready(Ok(String::new())))
    }
    fn workdir(&self, _: RunId) -> Fut<'_, std::io::Result<std::path::PathBuf>> {
        Box::pin(std::future::ready(Ok(std::path::PathBuf::from("/nowhere"))))
    }
    fn artifact(&self, _: &Path, name: &str) -> Fut<'_, Result<Artifact, String>> {
        self.looks.fetch_add(1, SeqCst);
        match self.artifacts.lock().unwrap().get(name).cloned() {
            Some(found) => Box::pin(std::future::ready(found)),
            None => Box::pin(std::future::pending()),
        }
    }
    fn left_over(&self, run: RunId) -> Fut<'_, bool> {
        Box::pin(std::future::ready(self.folders.lock().unwrap().contains(&run)))
    }
    fn tidy(&self, run: RunId, _: Vec<String>) -> Fut<'_, std::io::Result<()>> {
        self.folders.lock().unwrap().remove(&run);
        if let Some(weight) = self.weights.lock().unwrap().get_mut(&run) {
            weight.artifacts = 0;
        }
        Box::pin(std::future::ready(Ok(())))
    }
    fn remove(&self, run: RunId) -> Fut<'_, std::io::Result<()>> {
        self.weights.lock().unwrap().remove(&run);
        self.folders.lock().unwrap().remove(&run);
        Box::pin(std::future::ready(Ok(())))
    }
    fn snapshot(&self) -> Fut<'_, HostSnapshot> {
        Box::pin(std::future::ready(HostSnapshot::default()))
    }
}

impl Leftovers for Rest {
    fn kept(&self) -> Fut<'_, std::io::Result<Vec<RunId>>> {
        Box::pin(std::future::ready(Ok(self.weights.lock().unwrap().keys().copied().collect())))
    }
    fn weigh(&self, run: RunId) -> Fut<'_, std::io::Result<Weight>> {
        Box::pin(std::future::ready(Ok(self.weights.lock().unwrap().get(&run).copied().unwrap_or_default())))
    }
    fn forget_outputs(&self, run: RunId) -> Fut<'_, std::io::Result<()>> {
        if self.stuck.load(SeqCst) {
            return Box::pin(std::future::ready(Err(std::io::Error::other("by the test"))));
        }
        self.weights.lock().unwrap().entry(run).or_default().outputs = 0;
        Box::pin(std::future::ready(Ok(())))
    }
}

impl Secrets for Rest {
    fn get(&self, name: &str, _: &SecretPlace, _: &Path) -> Fut<'_, Result<Secret, String>> {
        Box::pin(std::future::ready(Err(format!("there is no `{name}`"))))
    }
}

impl Signer for Rest {
    fn key(&self) -> [u8; 32] {
        [0; 32]
    }
    fn sign(&self, _: &[u8]) -> [u8; 64] {
        [0; 64]
    }
}

pub struct World {
    pub ports: Ports,
    pub hands: Arc<Hands>,
    pub disk: Arc<Disk>,
    pub ear: Arc<Ear>,
    pub rest: Arc<Rest>,
    pub archive: Arc<dyn Archive>,
    pub in_force: Arc<InForce>,
}

/// Definitions from texts: the site file and the files under `ops/`.
pub fn load(site: &str, ops: &[&str]) -> Loaded {
    let site = Source { file: "seaworthy.yaml".into(), text: format!("site: test\n{site}") };
    let source = |(n, text): (usize, &&str)| Source { file: format!("ops/{n}.yaml"), text: (*text).to_owned() };
    let ops: Vec<Source> = ops.iter().enumerate().map(source).collect();
    let read = seaworthy_spec::read(&site, &ops, &|_| true);
    let said: Vec<String> = read.diagnostics.iter().map(|d| d.render(false)).collect();
    let site = read.site.unwrap_or_else(|| panic!("{said:?}"));
    assert_eq!(read.processes.len(), ops.len(), "{said:?}");
    let pin = |(file, process): (String, seaworthy_model::process::Process)| {
        let pinned = Pinned { digest: process.digest(), missing: process.missing(), file, broken: None, process };
        (pinned.process.name.clone(), Arc::new(pinned))
    };
    let processes = read.processes.into_iter().map(pin).collect();
    Loaded { site, folder: "/nowhere".into(), processes, broken: BTreeMap::new(), held: vec![], at: START }
}

impl World {
    pub fn new(site: &str, ops: &[&str]) -> World {
        let writer = Writer { node: NodeId::new(START, &[1; 10]), epoch: 1 };
        let opened = Memory::new(writer).opened();
        let disk = Arc::new(Disk {
            inner: opened.journal,
            full: AtomicBool::new(false),
            full_for: Mutex::default(),
            cursed: AtomicBool::new(false),
        });
        let hands = Arc::new(Hands(watch::Sender::new(Span::ZERO), AtomicI64::new(0)));
        let ear = Arc::new(Ear { heard: Mutex::default(), answer: Mutex::new(Arc::new(|_| Ok("taken".into()))) });
        let (rest, in_force) = (Arc::new(Rest::default()), Arc::new(InForce::new(load(site, ops))));
        let ports = Ports {
            journal: disk.clone(),
            views: opened.views,
            accounts: opened.accounts,
            clock: hands.clone(),
            chance: Arc::new(Counting::default()),
            definitions: in_force.clone(),
            provider: rest.clone(),
            probes: vec![],
            notifiers: vec![ear.clone()],
            places: rest.clone(),
            secrets: rest.clone(),
            signer: rest.clone(),
            writer,
            actor: ActorId::new(START, &[2; 10]),
            living: Arc::new(|| Ok(BTreeSet::new())),
            watched: Arc::default(),
            nudges: Nudges::default(),
        };
        World { ports, hands, disk, ear, rest, archive: opened.archive, in_force }
    }

    /// Lets time pass, and everything that waits for it go on.
    pub async fn pass(&self, span: Span) {
        self.hands.0.send_modify(|now| *now = Span(now.0 + span.0));
        self.settle().await;
    }

    /// Lets every task go as far as it gets.
    pub async fn settle(&self) {
        for _ in 0..64 {
            tokio::task::yield_now().await;
        }
    }

    /// Everything in the journal, in order.
    pub async fn events(&self) -> Vec<Event> {
        let entries = self.ports.journal.from(0, 1_000).await.unwrap();
        entries.iter().filter_map(|entry| entry.event().unwrap()).collect()
    }

    pub async fn kinds(&self, kind: &str) -> Vec<Event> {
        self.events().await.into_iter().filter(|event| event.encode().0 == kind).collect()
    }

    /// Says in the journal what is in force.
    pub async fn record(&self) {
        let mut batch = Batch::by(self.ports.actor, Via::Node);
        for (name, pinned) in &self.in_force.current().processes {
            let (digest, definition) = (pinned.digest.clone(), pinned.process.canonical());
            let event = Event::ProcessLoaded { digest, definition, file: pinned.file.clone() };
            batch.writes.push(self.ports.ids().write(Stream::process(name), None, self.ports.clock.now(), [event]));
        }
        self.ports.journal.append(batch).await.unwrap();
    }

    /// A verified run of the process that ended at `ended_at`, with an artifact of its own name.
    pub async fn verified(&self, process: &str, ended_at: At) -> EndedRun {
        let run = self.ports.ids().run();
        let artifact = Artifact {
            name: process.to_owned(),
            bytes: 1,
            sha256: Some("aa".into()),
            modified: ended_at,
            place: format!("/nowhere/{run}/{process}"),
        };
        let row = EndedRun {
            run,
            process: process.to_owned(),
            kind: Kind::Run,
            digest: String::new(),
            cause: Cause::Person,
            requested_at: ended_at,
            started_at: Some(ended_at),
            ended_at,
            executed: Executed::Ok,
            verified: Verified::Yes,
            reason: String::new(),
            duration: Span::ZERO,
            recovery: None,
            objective: None,
            heals: 0,
            artifacts: vec![artifact],
            measures: BTreeMap::new(),
        };
        let mut batch = Batch::by(self.ports.actor, Via::Node);
        batch.views.push(ViewChange::RunEnded(Box::new(row.clone())));
        self.ports.journal.append(batch).await.unwrap();
        row
    }
}
