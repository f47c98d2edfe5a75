//! What every adapter holds before it writes: a [`Batch`] becomes [`Admitted`] or is refused.
//!
//! Done on the caller's side, so that encoding and hashing bodies costs the one writer nothing. This module
//! must not know where anything is kept; rules that need the present state are the adapters'.

use seaworthy_model::{
    account::{Account, DoorChange, Link},
    checkpoint::Checkpoint,
    entry::{Draft, Header, Stream, Via, acceptable},
    event::Event,
    id::{ActorId, EntryId},
    port::{Batch, StoreError, Writer},
    time::At,
    tree::{Frontier, Hash},
    view::{OutboxRow, ViewChange},
};
use sha2::{Digest as _, Sha256};

use crate::claim::{Claim, Past};

/// Entries in one batch; more are refused.
pub(crate) const ENTRIES_MAX: usize = 10_000;
/// Bytes of one body; more are refused. Large things are artifacts and outputs, not entries.
pub(crate) const BODY_BYTES_MAX: usize = 4 << 20;

/// A batch that keeps the rules.
pub(crate) struct Admitted {
    pub actor: ActorId,
    pub via: Via,
    pub writes: Vec<AdmittedWrite>,
    pub views: Vec<ViewChange>,
    pub occurrences: Vec<(String, At)>,
    pub outbox_add: Vec<OutboxRow>,
    pub outbox_claim: Vec<(String, u32, At)>,
    pub outbox_later: Vec<(String, u32, At)>,
    pub outbox_done: Vec<String>,
    pub drop_bodies: Vec<u64>,
    pub people: Vec<(ActorId, String, String)>,
    pub door: Vec<DoorChange>,
}

pub(crate) struct AdmittedWrite {
    pub stream: Stream,
    pub expected: Option<u64>,
    pub entries: Vec<Sealed>,
}

/// An entry with its body encoded and hashed; only its place is missing.
pub(crate) struct Sealed {
    pub id: EntryId,
    pub at: At,
    pub kind: String,
    pub v: u32,
    pub body: String,
    pub digest: Hash,
    pub bytes: u32,
    /// What the entries before it must bear out.
    pub claim: Option<Claim>,
}

impl Admitted {
    /// # Errors
    /// [`StoreError::Refused`] naming the broken rule.
    pub(crate) fn admit(batch: Batch) -> Result<Self, StoreError> {
        if batch.writes.iter().map(|w| w.drafts.len()).sum::<usize>() > ENTRIES_MAX {
            return Err(refused(format!("a batch holds at most {ENTRIES_MAX} entries; write in parts")));
        }
        tombstones(&batch)?;
        measures(&batch)?;
        own_word(&batch)?;
        let writes = batch
            .writes
            .into_iter()
            .map(|write| {
                let stream = write.stream.as_str().parse().map_err(refused)?;
                Ok(AdmittedWrite { stream, expected: write.expected, entries: seal(write.drafts)? })
            })
            .collect::<Result<_, StoreError>>()?;
        Ok(Self {
            actor: batch.actor,
            via: batch.via,
            writes,
            views: batch.views,
            occurrences: batch.occurrences,
            outbox_add: batch.outbox_add,
            outbox_claim: batch.outbox_claim,
            outbox_later: batch.outbox_later,
            outbox_done: batch.outbox_done,
            drop_bodies: batch.drop_bodies,
            people: batch.people,
            door: batch.door,
        })
    }

    /// The header of `entry` in its place.
    pub(crate) fn header(&self, entry: &Sealed, stream: &Stream, version: u64, writer: Writer) -> Header {
        Header {
            id: entry.id,
            stream: stream.clone(),
            version,
            kind: entry.kind.clone(),
            v: entry.v,
            at: entry.at,
            node: writer.node,
            epoch: writer.epoch,
            actor: self.actor,
            via: self.via,
            body_digest: entry.digest,
            body_bytes: entry.bytes,
        }
    }
}

pub(crate) fn refused(rule: String) -> StoreError {
    StoreError::Refused { rule }
}

/// Bodies that are dropped lie in the past.
pub(crate) fn droppable(position: u64, size: u64) -> Result<(), StoreError> {
    if position < size {
        return Ok(());
    }
    Err(refused(format!("the body at position {position} cannot be dropped, the journal holds {size} entries")))
}

/// A checkpoint must not promise what the journal does not hold.
pub(crate) fn sealable(tree: &Frontier, sealed: &Checkpoint) -> Result<(), StoreError> {
    if sealed.size > tree.size {
        return Err(refused(format!("a checkpoint of {} entries, the journal holds {}", sealed.size, tree.size)));
    }
    if sealed.size == tree.size && sealed.root != tree.root() {
        return Err(refused(format!("a checkpoint of {} entries with another root than theirs", sealed.size)));
    }
    Ok(())
}

/// A claim without what bears it out is not written. `before` gives the entries of its stream, newest first.
pub(crate) fn borne_out(
    claim: &Claim,
    stream: &Stream,
    before: impl FnMut() -> Result<Option<Past>, StoreError>,
) -> Result<(), StoreError> {
    if claim.borne_out(before)? { Ok(()) } else { Err(refused(claim.rule(stream.as_str()))) }
}

/// The wide row of a run is inserted once.
pub(crate) fn ended_twice(run: impl std::fmt::Display) -> StoreError {
    refused(format!("`{run}` has ended already; its summary is written once"))
}

/// Only a run that has ended goes on again.
pub(crate) fn not_ended(run: impl std::fmt::Display) -> StoreError {
    refused(format!("`{run}` has not ended, so it cannot go on again"))
}

/// Somebody else took the effect since it was read.
pub(crate) fn taken(key: &str) -> StoreError {
    refused(format!("the effect `{key}` is not as it was read; another has taken it"))
}

/// Another changed the account since it was read, or has its name.
pub(crate) fn not_next(account: &Account) -> StoreError {
    refused(format!("version {} of the account `{}` does not follow on what is kept", account.version, account.actor))
}

/// Somebody used the link, or took it back.
pub(crate) fn used(link: impl std::fmt::Display) -> StoreError {
    refused(format!("the link {link} is gone"))
}

/// A link has a hash of its own.
pub(crate) fn made_twice(link: &Link) -> StoreError {
    refused(format!("there is a link {} already", link.short()))
}

/// No body goes without an entry that says so (invariant 3).
fn tombstones(batch: &Batch) -> Result<(), StoreError> {
    let drafts = || batch.writes.iter().flat_map(|w| &w.drafts);
    for dropped in &batch.drop_bodies {
        let told = drafts().any(|d| match &d.event {
            Event::BodyDropped { position, .. } => position == dropped,
            Event::BodiesDropped { ranges, .. } => ranges.iter().any(|(from, to)| (from..=to).contains(&dropped)),
            _ => false,
        });
        if !told {
            return Err(refused(format!("the body at position {dropped} would go without a tombstone")));
        }
    }
    Ok(())
}

/// Nobody answers in another's name.
fn own_word(batch: &Batch) -> Result<(), StoreError> {
    for draft in batch.writes.iter().flat_map(|write| &write.drafts) {
        if let Event::PersonAnswered { step, by, .. } = &draft.event
            && *by != batch.actor
        {
            return Err(refused(format!("step `{step}` would be answered by {by}, and {} writes it", batch.actor)));
        }
    }
    Ok(())
}

/// JSON has no word for a number that is none.
fn measures(batch: &Batch) -> Result<(), StoreError> {
    for change in &batch.views {
        if let ViewChange::RunEnded(row) = change
            && let Some((name, _)) = row.measures.iter().find(|(_, value)| !value.is_finite())
        {
            return Err(refused(format!("measure `{name}` of `{}` is not a finite number", row.run)));
        }
    }
    Ok(())
}

fn seal(drafts: Vec<Draft>) -> Result<Vec<Sealed>, StoreError> {
    let (places, events): (Vec<_>, Vec<_>) = drafts.into_iter().map(|d| ((d.id, d.at), d.event)).unzip();
    acceptable(&events).map_err(refused)?;
    let mut sealed = Vec::with_capacity(events.len());
    for ((id, at), event) in places.into_iter().zip(&events) {
        let claim = Claim::of(event, at);
        let (kind, body) = event.encode();
        let bytes = u32::try_from(body.len()).unwrap_or(u32::MAX);
        if body.len() > BODY_BYTES_MAX {
            return Err(refused(format!("the body of a `{kind}` has {bytes} bytes, {BODY_BYTES_MAX} is the limit")));
        }
        let digest = Hash(Sha256::digest(body.as_bytes()).into());
        sealed.push(Sealed { id, at, kind, v: event.version(), body, digest, bytes, claim });
    }
    Ok(sealed)
}
