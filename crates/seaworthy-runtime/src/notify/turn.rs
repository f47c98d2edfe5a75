//! What becomes of waiting messages when the clock on the wall is set back.
//!
//! This module must not send anything.

use seaworthy_model::{
    entry::Via,
    port::{Batch, StoreError},
    time::{At, Span},
};
use tracing::warn;

use super::{CLAIM, LOOK_MAX, Sender, WAITS};

/// A clock that is set back by less is only being corrected.
const STEP: Span = Span::seconds(2);

impl Sender {
    /// After the clock was set back the times of the rows are as much too late: they are set back as well. What was set
    /// back while nobody was there shows only in a row that waits for longer than any may.
    ///
    /// # Errors
    /// When the journal cannot be read or written; the next activation tries again.
    pub(super) async fn turn(&mut self) -> Result<(), StoreError> {
        let now = self.ports.clock.now();
        let back = self.last.map(|last| last.since(now));
        if self.only.is_some() || back.is_some_and(|back| back < STEP) {
            self.last = Some(now);
            return Ok(());
        }
        let latest = now + WAITS[WAITS.len() - 1] + CLAIM;
        let mut batch = Batch::by(self.ports.actor, Via::Node);
        for row in self.ports.journal.outbox(At(i64::MAX), LOOK_MAX).await? {
            let at = match back {
                Some(back) => row.next_at - back,
                // Another node may be sending it just now.
                None => now + CLAIM,
            };
            if row.next_at > if back.is_some() { now } else { latest } {
                batch.outbox_later.push((row.key, row.attempts, at));
            }
        }
        if !batch.outbox_later.is_empty() {
            warn!("the clock was set back; {} messages are planned anew", batch.outbox_later.len());
            self.ports.journal.append(batch).await?;
        }
        self.last = Some(now);
        Ok(())
    }
}
