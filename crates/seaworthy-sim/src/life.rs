//! One life of one node: its own runtime, its own ports, and the real loops. Killing it drops all that it was doing.
//!
//! As in `crates/seaworthy/src/role/`, which joins the same loops around real adapters. This module must not know what
//! a life is supposed to have achieved.

use std::{
    future::{Future, poll_fn},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    task::{Poll, Waker},
};

use seaworthy_runtime::{Stop, requests::Desk};
use tokio::runtime::{Builder, Runtime};

use crate::world::{Disk, World};

mod serve;
mod verb;
mod watch;

pub use verb::Wish;

use crate::shore::Shore;

/// Whether a life goes on. What of it is still held after its end does nothing any more.
#[derive(Clone, Default)]
pub struct Pulse(Arc<AtomicBool>);

impl Pulse {
    pub fn die(&self) {
        self.0.store(true, SeqCst);
    }

    pub fn is_dead(&self) -> bool {
        self.0.load(SeqCst)
    }
}

/// What a node is there for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    Server,
    Watcher,
    Verb,
}

/// A living node.
pub struct Life {
    /// Taken first when it ends.
    runtime: Option<Runtime>,
    idle: Arc<Idle>,
    pub pulse: Pulse,
    pub role: Role,
    pub epoch: u64,
    pub disk: Arc<Disk>,
    /// Takes what people ask for; of a server.
    pub desk: Option<Desk>,
    stop: Stop,
    over: Arc<AtomicBool>,
    world: World,
}

impl Life {
    fn new(shore: &Shore, role: Role, epoch: u64, pulse: Pulse, disk: Arc<Disk>) -> Life {
        let idle = Arc::new(Idle::default());
        let told = idle.clone();
        let runtime = Builder::new_current_thread().on_thread_park(move || told.tell()).build();
        let world = shore.world.clone();
        if role != Role::Watcher {
            world.living().insert(epoch);
        }
        if role == Role::Server {
            world.serve(true);
        }
        world.note(format!("{role:?} of epoch {epoch} starts"));
        Life {
            runtime: Some(runtime.expect("a runtime without drivers needs nothing of the system")),
            idle,
            pulse,
            role,
            epoch,
            disk,
            desk: None,
            stop: Stop::default(),
            over: Arc::default(),
            world,
        }
    }

    /// Starts something in this life.
    pub fn spawn(&self, what: impl Future<Output = ()> + Send + 'static) {
        if let Some(runtime) = &self.runtime {
            runtime.spawn(what);
        }
    }

    /// Lets everything go as far as it gets without time passing.
    pub fn go_on(&self) {
        if let Some(runtime) = self.runtime.as_ref().filter(|_| !self.pulse.is_dead()) {
            self.idle.wait(runtime);
        }
    }

    /// Asks it to end in order.
    pub fn stop(&self) {
        self.stop.now();
    }

    /// Whether it has ended, in order or not.
    pub fn is_over(&self) -> bool {
        self.over.load(SeqCst) || self.pulse.is_dead()
    }
}

impl Drop for Life {
    fn drop(&mut self) {
        // Nothing that is dropped now may still do or tell something.
        self.pulse.die();
        drop(self.runtime.take());
        self.world.living().remove(&self.epoch);
        if self.role == Role::Server {
            self.world.serve(false);
        }
        self.world.note(format!("{:?} of epoch {} is gone", self.role, self.epoch));
    }
}

/// Says when a runtime has nothing to do until time passes.
#[derive(Default)]
struct Idle {
    parked: AtomicBool,
    waker: Mutex<Option<Waker>>,
}

impl Idle {
    fn tell(&self) {
        self.parked.store(true, SeqCst);
        if let Some(waker) = self.waker.lock().unwrap_or_else(PoisonError::into_inner).take() {
            waker.wake();
        }
    }

    fn wait(&self, runtime: &Runtime) {
        self.parked.store(false, SeqCst);
        runtime.block_on(poll_fn(|cx| {
            if self.parked.load(SeqCst) {
                return Poll::Ready(());
            }
            *self.waker.lock().unwrap_or_else(PoisonError::into_inner) = Some(cx.waker().clone());
            Poll::Pending
        }));
    }
}
