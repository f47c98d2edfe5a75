//! Small pieces that every loop needs to write: new ids, drafts, and appending with patience.
//!
//! This module must not know what is written.

use std::sync::Arc;

use seaworthy_model::{
    entry::{Draft, Stream},
    event::Event,
    id::{EntryId, MessageId, RunId, SignalId},
    port::{Batch, Chance, Clock, StoreError, Write},
    time::{At, Span},
};
use tracing::{error, info};

use crate::ports::{Ports, Stop};

/// Makes ids: time from the clock, the rest from chance.
#[derive(Clone)]
pub struct Ids {
    clock: Arc<dyn Clock>,
    chance: Arc<dyn Chance>,
}

impl Ids {
    pub fn new(clock: Arc<dyn Clock>, chance: Arc<dyn Chance>) -> Self {
        Self { clock, chance }
    }

    fn ten(&self) -> [u8; 10] {
        let mut bytes = [0; 10];
        self.chance.fill(&mut bytes);
        bytes
    }

    pub fn run(&self) -> RunId {
        RunId::new(self.clock.now(), &self.ten())
    }

    pub fn message(&self) -> MessageId {
        MessageId::new(self.clock.now(), &self.ten())
    }

    pub fn signal(&self) -> SignalId {
        SignalId::new(self.clock.now(), &self.ten())
    }

    /// An event that happened at `at`, ready to be written.
    pub fn draft(&self, at: At, event: Event) -> Draft {
        Draft { id: EntryId::new(at, &self.ten()), at, event }
    }

    /// Entries for one stream that happened at `at`.
    pub fn write(
        &self,
        stream: Stream,
        expected: Option<u64>,
        at: At,
        events: impl IntoIterator<Item = Event>,
    ) -> Write {
        Write { stream, expected, drafts: events.into_iter().map(|event| self.draft(at, event)).collect() }
    }

    /// Sixty-four evenly spread bits.
    pub fn draw(&self) -> u64 {
        let mut bytes = [0; 8];
        self.chance.fill(&mut bytes);
        u64::from_le_bytes(bytes)
    }
}

/// Says in the log and the journal that no entry could be written for a while.
///
/// # Errors
/// As the journal: the trouble is not over then.
pub async fn takes_entries_again(ports: &Ports, since: At) -> Result<(), StoreError> {
    let event = Event::StorageTrouble { what: "no space for the journal".into(), since };
    let mut batch = Batch::by(ports.actor, seaworthy_model::entry::Via::Node);
    batch.writes.push(ports.ids().write(Stream::site(), None, ports.clock.now(), [event]));
    ports.journal.append(batch).await?;
    info!("the journal takes entries again");
    Ok(())
}

/// First and longest wait before an append that found no space is tried again.
const PATIENCE: (Span, Span) = (Span::from_millis(250), Span::seconds(5));

/// Appends, waiting as long as there is no space or no store: what happened in the world must not be forgotten
/// because a disk is full. Gives up only when stopping is asked for; other errors are the caller's.
///
/// # Errors
/// As the journal; `Full` and `Unreachable` only after stopping was asked for.
pub async fn append_patiently(ports: &Ports, stop: &Stop, batch: Batch) -> Result<u64, StoreError> {
    let mut wait = PATIENCE.0;
    let mut since: Option<At> = None;
    loop {
        match ports.journal.append(batch.clone()).await {
            Err(trouble @ (StoreError::Full { .. } | StoreError::Unreachable { .. })) if !stop.is_asked() => {
                if since.is_none() {
                    error!("{trouble}");
                    since = Some(ports.clock.now());
                }
                tokio::select! {
                    biased;
                    () = stop.asked() => {}
                    () = ports.clock.sleep(wait) => {}
                }
                wait = Span(wait.0.saturating_mul(2)).min(PATIENCE.1);
            }
            Ok(position) => {
                // A remark only: the entry that mattered is in.
                if let Some(since) = since
                    && let Err(trouble) = takes_entries_again(ports, since).await
                {
                    error!("the storage trouble could not be recorded: {trouble}");
                }
                return Ok(position);
            }
            other => return other,
        }
    }
}
