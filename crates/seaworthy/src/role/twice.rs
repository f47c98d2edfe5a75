//! Looks now and then whether somebody else on this host runs what is run from here, for the pages.
//!
//! Must not know how that is seen.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use seaworthy_model::port::Definitions;
use seaworthy_runtime::Stop;
use tracing::warn;

use crate::cli::init::twice::twice;

/// Between two looks.
const EVERY: Duration = Duration::from_secs(60);

/// Process, and who else runs it. Cheap to clone; all clones are one list.
#[derive(Clone, Default)]
pub struct Twice(Arc<Mutex<Vec<(String, String)>>>);

impl Twice {
    /// As of the last look.
    pub fn now(&self) -> Vec<(String, String)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Looks until stopping is asked for.
    pub async fn run(self, definitions: Arc<dyn Definitions>, stop: Stop) {
        while !stop.is_asked() {
            let loaded = definitions.current();
            let looked = tokio::task::spawn_blocking(move || twice(loaded.processes.values().map(|p| &p.process)));
            if let Ok(found) = looked.await {
                let found: Vec<_> = found.into_iter().map(|one| (one.process, one.by)).collect();
                let before =
                    std::mem::replace(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner), found.clone());
                for (process, by) in found.iter().filter(|one| !before.contains(one)) {
                    warn!(process, "`{process}` is run from here by its schedule, and by {by}: it runs twice");
                }
            }
            tokio::select! {
                biased;
                () = stop.asked() => return,
                () = tokio::time::sleep(EVERY) => {}
            }
        }
    }
}
