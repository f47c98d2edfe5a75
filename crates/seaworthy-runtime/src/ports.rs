//! What the loops see of the world: ports, and one idiom for stopping.
//!
//! This module must not know any adapter.

use std::{
    collections::BTreeSet,
    sync::{Arc, OnceLock},
};

use seaworthy_model::{
    id::ActorId,
    port::{
        Accounts, Chance, Clock, Definitions, Journal, Notifier, Places, Probe, Provider, Secrets, Signer, Views,
        Writer,
    },
};
use tokio::sync::{Notify, watch};

use crate::writing::Ids;

/// Everything a loop may touch. Cheap to clone.
#[derive(Clone)]
pub struct Ports {
    pub journal: Arc<dyn Journal>,
    pub views: Arc<dyn Views>,
    /// Who is a person, and as what else they are known.
    pub accounts: Arc<dyn Accounts>,
    pub clock: Arc<dyn Clock>,
    pub chance: Arc<dyn Chance>,
    pub definitions: Arc<dyn Definitions>,
    pub provider: Arc<dyn Provider>,
    pub probes: Vec<Arc<dyn Probe>>,
    pub notifiers: Vec<Arc<dyn Notifier>>,
    pub places: Arc<dyn Places>,
    pub secrets: Arc<dyn Secrets>,
    pub signer: Arc<dyn Signer>,
    /// Node and epoch; the epoch is the fence of every claim.
    pub writer: Writer,
    /// The node itself as an actor.
    pub actor: ActorId,
    /// Epochs of other living nodes on this host: their runs are not ours to take up.
    pub living: Living,
    /// The watcher's rows, once they are in reach: open signals about runs.
    pub watched: Arc<OnceLock<Arc<dyn Views>>>,
    pub nudges: Nudges,
}

/// Asks who lives. `Err` is a sentence: it cannot be known now, so nobody may be taken for dead.
pub type Living = Arc<dyn Fn() -> Result<BTreeSet<u64>, String> + Send + Sync>;

impl Ports {
    /// Makes ids with this node's clock and chance.
    pub fn ids(&self) -> Ids {
        Ids::new(self.clock.clone(), self.chance.clone())
    }
}

/// Wakes loops. A nudge carries nothing: the loop reads what there is to do.
#[derive(Clone, Default)]
pub struct Nudges {
    pub schedule: Arc<Notify>,
    pub drill: Arc<Notify>,
    pub notify: Arc<Notify>,
    pub reload: Arc<Notify>,
    pub branch: Arc<Notify>,
    pub retain: Arc<Notify>,
    pub watch: Arc<Notify>,
    pub trigger: Arc<Notify>,
}

impl Nudges {
    /// After a reload or the end of a run everything that reads definitions or runs looks again.
    pub fn all(&self) {
        for one in [&self.schedule, &self.drill, &self.notify, &self.watch, &self.trigger] {
            one.notify_one();
        }
    }
}

/// Says when to stop. Every loop ends soon after [`Stop::now`].
#[derive(Clone)]
pub struct Stop(Arc<watch::Sender<bool>>);

impl Default for Stop {
    fn default() -> Self {
        Stop(Arc::new(watch::Sender::new(false)))
    }
}

impl Stop {
    /// Asks everything to stop. May be called twice.
    pub fn now(&self) {
        self.0.send_replace(true);
    }

    /// Whether stopping was asked for.
    pub fn is_asked(&self) -> bool {
        *self.0.borrow()
    }

    /// Returns when stopping is asked for.
    pub async fn asked(&self) {
        let mut receiver = self.0.subscribe();
        // The sender lives in `self`, so the wait can only end by the value.
        let _ = receiver.wait_for(|stop| *stop).await;
    }
}
