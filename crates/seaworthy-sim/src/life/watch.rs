//! The watcher's life: a node of its own with a journal of its own, which reads the watched one.
//!
//! The order is that of `crates/seaworthy/src/role/watcher.rs`. This module must not ask the runner.

use std::sync::{Arc, atomic::Ordering::SeqCst};

use seaworthy_model::{
    port::{Clock as _, Definitions as _},
    time::Span,
};
use seaworthy_runtime::{
    Stop, notify,
    reload::{self, Files as _, InForce, Missing},
    seal,
    watch::Watcher,
};
use tokio::task::JoinSet;

use super::{Life, Pulse, Role};
use crate::shore::Shore;

impl Life {
    /// Starts a watcher.
    pub fn watcher(shore: &Shore) -> Result<Life, String> {
        let pulse = Pulse::default();
        let house = shore.watch_house(&pulse)?;
        let life = Life::new(shore, Role::Watcher, house.ports.writer.epoch, pulse, house.disk.clone());
        let (journal, views) = shore.watched();
        let (world, in_force) = (shore.world.clone(), house.in_force.clone());
        let alive = Arc::new(move || Some(world.is_served()));
        let watcher = Watcher::new(house.ports.clone(), views, journal, alive);
        let (shore, stop, over) = (shore.clone(), life.stop.clone(), life.over.clone());
        life.spawn(async move {
            let mut tasks = JoinSet::new();
            tasks.spawn(watcher.run(stop.clone()));
            tasks.spawn(notify::run(house.ports.clone(), stop.clone()));
            tasks.spawn(seal::run(house.ports.clone(), stop.clone()));
            tasks.spawn(follow_files(shore, in_force, stop));
            while tasks.join_next().await.is_some() {}
            // The next checkpoint covers what this one could not.
            let _ = seal::seal(&house.ports).await;
            over.store(true, SeqCst);
        });
        Ok(life)
    }
}

async fn follow_files(shore: Shore, in_force: Arc<InForce>, stop: Stop) {
    let watched = shore.watched();
    let (mut stamp, mut missing, mut again) = (shore.texts.stamp(), Missing::default(), false);
    for tick in 0u64.. {
        if stop.is_asked() {
            return;
        }
        tokio::select! {
            biased;
            () = stop.asked() => return,
            () = shore.world.time().sleep(Span::seconds(1)) => {}
        }
        let now = shore.texts.stamp();
        // What waits for a person is looked at less often than in real life: reading costs, and nothing follows from it.
        if now == stamp && !(again && tick.is_multiple_of(5)) {
            continue;
        }
        stamp = now;
        let before = in_force.current();
        if let Ok(mut outcome) = reload::read(shore.texts.as_ref(), Some(&before), shore.world.time().now()) {
            again = missing.hold(&before, &mut outcome) || outcome.unread;
            let at = shore.world.time().now();
            let held = reload::hold(&*watched.0, &*watched.1, Some(&before), &mut outcome, at).await;
            again |= held.is_err() || !outcome.loaded.held.is_empty();
            if held.is_ok() {
                in_force.replace(outcome.loaded);
            }
        }
    }
}
