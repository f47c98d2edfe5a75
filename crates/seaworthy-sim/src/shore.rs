//! What nodes are made of: the stores that outlive them, the files, and ports around one life.
//!
//! This module must not know what a node does.

use std::{
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
};

use seaworthy_model::{
    id::{ActorId, NodeId},
    port::{Clock as _, Definitions, Journal, Views, Writer},
    site::Loaded,
    time::At,
};
use seaworthy_runtime::{
    Ports,
    ports::Nudges,
    reload::{self, InForce, Outcome},
};
use seaworthy_store::{memory::Memory, sqlite::Sqlite};

use crate::{
    life::Pulse,
    mutant::{Careless, Mutant},
    patient::{Patient, now},
    world::{Disk, Ears, Eyes, Ground, Hands, Lots, Texts, World},
};

/// Where the journal is kept.
#[derive(Clone)]
pub enum Store {
    Memory(Memory),
    Sqlite(PathBuf),
}

/// Everything that outlives a node. Cheap to clone.
#[derive(Clone)]
pub struct Shore {
    pub world: World,
    pub texts: Arc<Texts>,
    store: Store,
    watch_store: Memory,
    ground: Arc<Ground>,
    kept: Arc<Mutex<Option<Loaded>>>,
    epochs: Arc<AtomicU64>,
}

/// What one life is made of.
pub struct House {
    pub ports: Ports,
    pub disk: Arc<Disk>,
    pub hands: Arc<Hands>,
    pub in_force: Arc<InForce>,
    pub outcome: Outcome,
}

fn node() -> NodeId {
    NodeId::new(At(0), &[1; 10])
}

impl Shore {
    pub fn new(world: World, texts: Texts, file: Option<PathBuf>) -> Shore {
        let writer = Writer { node: node(), epoch: 0 };
        let store = file.map_or_else(|| Store::Memory(Memory::new(writer)), Store::Sqlite);
        let ground = Arc::new(Ground::of(&world));
        let (kept, epochs) = (Arc::default(), Arc::default());
        Shore { world, texts: Arc::new(texts), store, watch_store: Memory::new(writer), ground, kept, epochs }
    }

    /// Whether reading it costs nothing, so that all can be looked at after every step.
    pub fn is_in_memory(&self) -> bool {
        matches!(self.store, Store::Memory(_))
    }

    /// The journal and its rows, for those who only read. `None`: it cannot be read just now.
    pub fn read(&self) -> Option<(Arc<dyn Journal>, Arc<dyn Views>)> {
        match &self.store {
            Store::Memory(memory) => Some((Arc::new(memory.clone()), Arc::new(memory.clone()))),
            Store::Sqlite(file) => {
                let store = Patient::of(Sqlite::open_readonly(file).ok()?.opened());
                Some((store.clone(), store))
            }
        }
    }

    /// As [`Shore::read`], for the watcher.
    pub fn watched(&self) -> (Arc<dyn Journal>, Arc<dyn Views>) {
        self.read().unwrap_or_else(|| (Arc::new(self.watch_store.clone()), Arc::new(self.watch_store.clone())))
    }

    /// The watcher's own journal.
    pub fn watchers(&self) -> (Arc<dyn Journal>, Arc<dyn Views>) {
        (Arc::new(self.watch_store.clone()), Arc::new(self.watch_store.clone()))
    }

    /// Keeps what is in force for the next start.
    pub fn keep(&self, loaded: &Loaded) {
        *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = Some(loaded.clone());
    }

    /// Everything for one more life of the node.
    pub fn house(&self, pulse: &Pulse) -> Result<House, String> {
        let epoch = self.epochs.fetch_add(1, SeqCst) + 1;
        let (journal, views, writer): (Arc<dyn Journal>, Arc<dyn Views>, Writer) = match &self.store {
            Store::Memory(memory) => {
                let own = memory.beside(Writer { node: node(), epoch });
                (Arc::new(own.clone()), Arc::new(own.clone()), own.writer())
            }
            Store::Sqlite(file) => {
                let opened = Sqlite::open(file, node).map_err(|e| e.to_string())?.opened();
                let writer = opened.writer;
                let store = Patient::of(opened);
                (store.clone(), store, writer)
            }
        };
        self.around(pulse, journal, views, writer)
    }

    /// Everything for one more life of the watcher.
    pub fn watch_house(&self, pulse: &Pulse) -> Result<House, String> {
        let writer = Writer { node: node(), epoch: self.epochs.fetch_add(1, SeqCst) + 1 };
        let own = self.watch_store.beside(writer);
        self.around(pulse, Arc::new(own.clone()), Arc::new(own), writer)
    }

    fn around(
        &self,
        pulse: &Pulse,
        journal: Arc<dyn Journal>,
        views: Arc<dyn Views>,
        writer: Writer,
    ) -> Result<House, String> {
        let world = &self.world;
        let before = self.kept.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let (watched, rows) = self.watched();
        let mut outcome = reload::read(self.texts.as_ref(), before.as_ref(), world.time().now())?;
        let held = reload::hold(&*watched, &*rows, before.as_ref(), &mut outcome, world.time().now());
        now(held).map_err(|e| e.to_string())?;
        let in_force = Arc::new(InForce::new(outcome.loaded.clone()));
        let definitions: Arc<dyn Definitions> = match world.is(Mutant::OnceMayBeRepeated) {
            true => Arc::new(Careless(in_force.clone())),
            false => in_force.clone(),
        };
        let disk = Arc::new(Disk::new(journal, world, pulse));
        let (ours, own) = (world.clone(), writer.epoch);
        let living = move || {
            if ours.is(Mutant::NobodyDies) {
                return Ok((0..own).collect());
            }
            let mut living = ours.living().clone();
            living.remove(&own);
            Ok(living)
        };
        let hands = Arc::new(Hands { world: world.clone(), pulse: pulse.clone(), epoch: own });
        let ports = Ports {
            journal: disk.clone(),
            views,
            // Nobody has an account in these worlds.
            accounts: Arc::new(self.watch_store.beside(writer)),
            clock: Arc::new(world.time().clone()),
            chance: Arc::new(Lots::of(world)),
            definitions,
            provider: hands.clone(),
            probes: vec![Arc::new(Eyes { world: world.clone(), pulse: pulse.clone() })],
            notifiers: vec![Arc::new(Ears { world: world.clone(), pulse: pulse.clone() })],
            places: self.ground.clone(),
            secrets: self.ground.clone(),
            signer: self.ground.clone(),
            writer,
            actor: ActorId::new(At(0), &[2; 10]),
            living: Arc::new(living),
            watched: Arc::default(),
            nudges: Nudges::default(),
        };
        Ok(House { ports, disk, hands, in_force, outcome })
    }
}
