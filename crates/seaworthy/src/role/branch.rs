//! The branch loop: looks for new commits now and then, and at once after a confirmation.
//!
//! This module must not know git, nor what the files say: the reload loop reads them.

use std::sync::Arc;

use seaworthy_runtime::{Ports, Stop};
use tracing::error;

use crate::branch::{Source, turn};

/// Runs until stopping is asked for.
pub async fn run(source: Arc<Source>, ports: Ports, stop: Stop) {
    while !stop.is_asked() {
        // A fetch that is under way when stopping is asked for ends by itself; what it brought is looked at next time.
        let turned = tokio::select! {
            biased;
            () = stop.asked() => return,
            turned = turn(&source, &ports) => turned,
        };
        match turned {
            Ok(true) => ports.nudges.reload.notify_one(),
            Ok(false) => {}
            Err(trouble) => error!("the branch could not be looked at: {trouble}"),
        }
        tokio::select! {
            biased;
            () = stop.asked() => return,
            () = ports.nudges.branch.notified() => {}
            () = ports.clock.sleep(source.branch.every) => {}
        }
    }
}
