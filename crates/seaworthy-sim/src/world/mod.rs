//! The simulated world: time, chance, what really is, and the ports through which the loops see it.
//!
//! It keeps its own truth and must not know what the loops record.

mod disk;
mod ears;
mod eyes;
mod files;
mod ground;
mod hands;
mod shelf;
mod time;
mod truth;

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering::SeqCst},
    },
};

use seaworthy_model::{
    id::RunId,
    port::{Chance, Clock as _},
    time::{At, Span},
};

pub use disk::{Crash, Disk};
pub use ears::Ears;
pub use eyes::Eyes;
pub use files::Texts;
pub use ground::{Ground, KEY};
pub use hands::Hands;
pub use shelf::Shelf;
pub use time::Time;
pub use truth::{Look, Truth};

use crate::{Dice, mutant::Mutant};

/// Everything that is there whether a node lives or not. Cheap to clone; all clones are one world.
#[derive(Clone)]
pub struct World(Arc<Inner>);

struct Inner {
    time: Time,
    dice: Mutex<Dice>,
    /// Nothing fails any more.
    calm: AtomicBool,
    /// No space is left for the journal.
    full: AtomicBool,
    faults: AtomicU64,
    faults_max: u64,
    truth: Mutex<Truth>,
    notes: Mutex<Vec<(Span, String)>>,
    living: Mutex<BTreeSet<u64>>,
    /// A server holds its lock.
    served: AtomicBool,
    accepted: Mutex<Vec<RunId>>,
    /// Commands outlive the node that started them, and the next one takes them up.
    keeper: bool,
    mutant: Option<Mutant>,
}

impl World {
    pub fn new(mut dice: Dice, start: At, faults_max: u64, mutant: Option<Mutant>) -> World {
        let keeper = dice.percent(50);
        World(Arc::new(Inner {
            time: Time::starting(start),
            dice: Mutex::new(dice),
            calm: AtomicBool::new(false),
            full: AtomicBool::new(false),
            faults: AtomicU64::new(0),
            faults_max,
            truth: Mutex::default(),
            notes: Mutex::default(),
            living: Mutex::default(),
            served: AtomicBool::new(false),
            accepted: Mutex::default(),
            keeper,
            mutant,
        }))
    }

    pub fn time(&self) -> &Time {
        &self.0.time
    }

    pub fn truth(&self) -> MutexGuard<'_, Truth> {
        self.0.truth.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Dice for as long as one statement.
    pub fn dice(&self) -> MutexGuard<'_, Dice> {
        self.0.dice.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether something goes wrong now, with this chance; what goes wrong is counted and noted. The dice are thrown
    /// in any case, so that a world with fewer faults is the same world up to the first one that is left out.
    pub fn fault(&self, percent: u64, what: impl FnOnce() -> String) -> bool {
        let thrown = self.dice().percent(percent);
        if !thrown || self.0.calm.load(SeqCst) || self.0.faults.load(SeqCst) >= self.0.faults_max {
            return false;
        }
        self.0.faults.fetch_add(1, SeqCst);
        self.note(what());
        true
    }

    /// Faults so far.
    pub fn faults(&self) -> u64 {
        self.0.faults.load(SeqCst)
    }

    /// From now on nothing fails.
    pub fn calm_down(&self) {
        self.0.calm.store(true, SeqCst);
        self.fill_disk(false);
    }

    pub fn is_calm(&self) -> bool {
        self.0.calm.load(SeqCst)
    }

    pub fn fill_disk(&self, full: bool) {
        self.0.full.store(full, SeqCst);
    }

    pub fn disk_is_full(&self) -> bool {
        self.0.full.load(SeqCst)
    }

    /// Keeps what happened for the story of a failing seed.
    pub fn note(&self, what: String) {
        let at = self.0.time.elapsed();
        self.0.notes.lock().unwrap_or_else(PoisonError::into_inner).push((at, what));
    }

    pub fn notes(&self) -> Vec<(Span, String)> {
        self.0.notes.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Epochs of living nodes.
    pub fn living(&self) -> MutexGuard<'_, BTreeSet<u64>> {
        self.0.living.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn serve(&self, served: bool) {
        self.0.served.store(served, SeqCst);
    }

    pub fn is_served(&self) -> bool {
        self.0.served.load(SeqCst)
    }

    /// Runs that somebody was told have started.
    pub fn accepted(&self) -> MutexGuard<'_, Vec<RunId>> {
        self.0.accepted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn has_keeper(&self) -> bool {
        self.0.keeper
    }

    /// All living commands are lost, with their records: the keeper died.
    pub fn lose_commands(&self) {
        let told = self.truth().lose();
        told.into_iter().for_each(std::task::Waker::wake);
    }

    /// Whether this planted fault is in force.
    pub fn is(&self, mutant: Mutant) -> bool {
        self.0.mutant == Some(mutant)
    }

    /// When something happens next: a command does something, or somebody's wait is over.
    pub fn next(&self) -> Option<Span> {
        let deed = self.truth().next();
        [deed, self.0.time.next()].into_iter().flatten().min()
    }

    /// Lets time pass up to then.
    pub fn pass(&self, to: Span) {
        loop {
            let next = self.truth().next();
            let Some(at) = next.filter(|at| *at <= to) else { break };
            self.0.time.pass(at);
            let now = self.0.time.now();
            let told = self.truth().act(at, now);
            told.into_iter().for_each(std::task::Waker::wake);
        }
        self.0.time.pass(to);
    }
}

/// Chance of one node, from the world's dice.
pub struct Lots(Mutex<Dice>);

impl Lots {
    pub fn of(world: &World) -> Lots {
        Lots(Mutex::new(world.dice().apart()))
    }
}

impl Chance for Lots {
    fn fill(&self, bytes: &mut [u8]) {
        let mut dice = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for piece in bytes.chunks_mut(8) {
            piece.copy_from_slice(&dice.roll().to_le_bytes()[..piece.len()]);
        }
    }
}
