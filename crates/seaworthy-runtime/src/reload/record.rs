//! The journal's side of definitions: what came into force, what waits, and finding a definition again.
//!
//! This module must not know files nor what a change is worth.

use std::{collections::BTreeMap, sync::Arc};

use seaworthy_model::{
    change::{SETTINGS, Subject},
    entry::{Entry, Stream, Via},
    event::Event,
    port::{Archive, Batch, StoreError},
    process::Process,
    site::Pinned,
};

use super::Outcome;
use crate::ports::Ports;

/// Definitions that are recorded in one transaction: the journal takes 10,000 entries at most, and a site may have as many
/// processes. Each stands for itself, so what a power cut leaves out is recorded by the next look.
const PART_MAX: usize = 1_000;

/// Records what came into force and what did not. Definitions that the journal knows already are not written again.
///
/// # Errors
/// When the journal cannot be read or written.
pub async fn record(ports: &Ports, outcome: &Outcome) -> Result<(), StoreError> {
    let (ids, now) = (ports.ids(), ports.clock.now());
    let mut batch = Batch::by(ports.actor, Via::Node);
    for name in &outcome.changed {
        let pinned = &outcome.loaded.processes[name];
        if last_recorded(ports, name).await?.as_deref() == Some(&pinned.digest) {
            continue;
        }
        let event = Event::ProcessLoaded {
            digest: pinned.digest.clone(),
            definition: pinned.process.canonical(),
            file: pinned.file.clone(),
        };
        batch.writes.push(ids.write(Stream::process(name), None, now, [event]));
        if batch.writes.len() == PART_MAX {
            ports.journal.append(std::mem::replace(&mut batch, Batch::by(ports.actor, Via::Node))).await?;
        }
    }
    for (name, file) in &outcome.removed {
        batch.writes.push(ids.write(Stream::process(name), None, now, [Event::ProcessRemoved { file: file.clone() }]));
        crate::schedule::forget(ports, name, &mut batch).await?;
    }
    for held in &outcome.fresh {
        let event = Event::ChangeHeld {
            digest: held.digest.clone(),
            subject: held.subject.word(),
            from: held.from.clone(),
            to: held.to.clone(),
            weaker: held.weaker.clone(),
            until: held.until,
        };
        batch.writes.push(ids.write(stream_of(&held.subject), None, now, [event]));
    }
    for held in &outcome.withdrawn {
        let event = Event::ChangeWithdrawn { digest: held.digest.clone(), subject: held.subject.word() };
        batch.writes.push(ids.write(stream_of(&held.subject), None, now, [event]));
    }
    let broken = outcome
        .broken
        .iter()
        .map(|(file, problems)| Event::FileBroken { file: file.clone(), problems: problems.clone() });
    let mended = outcome.mended.iter().map(|file| Event::FileMended { file: file.clone() });
    if let Some(changes) = outcome.settings.clone() {
        let event = Event::SiteLoaded { digest: outcome.loaded.site.digest(), changes };
        batch.writes.push(ids.write(stream_of(&Subject::Settings), None, now, [event]));
    }
    let site: Vec<Event> = broken.chain(mended).collect();
    if !site.is_empty() {
        batch.writes.push(ids.write(Stream::site(), None, now, site));
    }
    if batch.writes.is_empty() {
        return Ok(());
    }
    ports.journal.append(batch).await.map(|_| ())
}

/// Where what happens to a subject is written.
pub(crate) fn stream_of(subject: &Subject) -> Stream {
    match subject {
        Subject::Process(name) => Stream::process(name),
        Subject::Branch(_) => Stream::site(),
        // Apart from the site's: that one grows with each start and each step of retention, and this is read at each load.
        Subject::Settings => Stream::of("site", SETTINGS),
    }
}

/// What is in force by the journal, for a data folder that kept this: of a name the definition that came into force last,
/// none that was removed, whatever was kept. What was kept of it is only nearer (its file may have another name by now),
/// and all there is of what the journal cannot read any more, or where it never had anything in force.
///
/// # Errors
/// When the journal cannot be read.
pub async fn in_force(archive: &dyn Archive, kept: &Definitions) -> Result<Definitions, StoreError> {
    let mut all: BTreeMap<String, Option<Arc<Pinned>>> = BTreeMap::new();
    let entries = archive.definitions().await?;
    for entry in &entries {
        let Some(name) = entry.header.stream.as_str().strip_prefix("process/") else { continue };
        if let Ok(Some(Event::ProcessRemoved { .. })) = entry.event() {
            all.remove(name);
        } else {
            all.insert(name.to_owned(), loaded(entry));
        }
    }
    if entries.is_empty() {
        return Ok(kept.clone());
    }
    let believed = |(name, said): (String, Option<Arc<Pinned>>)| {
        let kept = kept.get(&name).filter(|kept| said.as_ref().is_none_or(|said| said.digest == kept.digest));
        Some((name, kept.cloned().or(said)?))
    };
    Ok(all.into_iter().filter_map(believed).collect())
}

/// Definitions by name.
type Definitions = BTreeMap<String, Arc<Pinned>>;

/// The definition of an entry, if it can be read.
fn loaded(entry: &Entry) -> Option<Arc<Pinned>> {
    let Ok(Some(Event::ProcessLoaded { definition, file, digest })) = entry.event() else { return None };
    let process = serde_json::from_str::<Process>(&definition).ok()?;
    let missing = process.missing();
    Some(Arc::new(Pinned { process, digest, file, missing, broken: None }))
}

/// The digest of the definition that the journal says was loaded last, unless it was removed since.
pub(crate) async fn last_recorded(ports: &Ports, name: &str) -> Result<Option<String>, StoreError> {
    let entries = ports.journal.stream(&Stream::process(name), 0).await?;
    let mut events = entries.iter().rev().filter_map(|entry| entry.event().ok().flatten());
    let last = events.find_map(|event| match event {
        Event::ProcessLoaded { digest, .. } => Some(Some(digest)),
        Event::ProcessRemoved { .. } => Some(None),
        _ => None,
    });
    Ok(last.flatten())
}

/// A definition by its digest, from the journal: one that was in force, or the form of one for what is started outside.
///
/// # Errors
/// When the journal cannot be read.
pub async fn recorded(ports: &Ports, name: &str, digest: &str) -> Result<Option<Process>, StoreError> {
    for entry in ports.journal.stream(&Stream::process(name), 0).await?.iter().rev() {
        let (found, definition) = match entry.event() {
            Ok(Some(
                Event::ProcessLoaded { digest, definition, .. } | Event::OutsideDefined { digest, definition },
            )) => (digest, definition),
            _ => continue,
        };
        if found == digest {
            return Ok(serde_json::from_str(&definition).ok());
        }
    }
    Ok(None)
}
