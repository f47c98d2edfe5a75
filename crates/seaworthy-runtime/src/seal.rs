//! The seal loop: signs the tree head, often while entries come and now and then when none do, so that
//! silence is visible.
//!
//! This module must not know the tree's inside.

use seaworthy_model::{
    checkpoint::Checkpoint,
    port::StoreError,
    time::{At, Span},
};
use tracing::error;

use crate::ports::{Ports, Stop};

/// While entries come, a checkpoint is at most this old.
const BUSY: Span = Span::seconds(60);

/// Runs until stopping is asked for. Seals at once, so that what an earlier life left without a checkpoint is covered
/// before the history goes on for long, and once more at the end.
pub async fn run(ports: Ports, stop: Stop) {
    loop {
        if let Err(trouble) = seal(&ports).await {
            error!("no checkpoint could be sealed: {trouble}");
        }
        if stop.is_asked() {
            return;
        }
        tokio::select! {
            biased;
            () = stop.asked() => {}
            () = ports.clock.sleep(BUSY) => {}
        }
    }
}

/// Signs and keeps the present tree head. Calling it twice without new entries keeps the first.
///
/// # Errors
/// When the journal cannot be read or written.
pub async fn seal(ports: &Ports) -> Result<Checkpoint, StoreError> {
    let frontier = ports.journal.frontier().await?;
    let at: At = ports.clock.now();
    let origin = format!("seaworthy/{}", ports.writer.node);
    let checkpoint = Checkpoint { origin, size: frontier.size, root: frontier.root(), at };
    let note = checkpoint.note(&ports.signer.key(), &ports.signer.sign(checkpoint.body().as_bytes()));
    ports.journal.seal(checkpoint.clone(), note).await?;
    Ok(checkpoint)
}
