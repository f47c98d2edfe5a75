//! Files that processes wait for: those that came, or changed, since; what lay there before is only noted.
//!
//! This module must not know how a folder is looked at, nor what is in a file.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    path::PathBuf,
    pin::Pin,
    sync::Arc,
};

use seaworthy_model::{
    entry::Via,
    event::{Event, SkipReason, TriggerNoted},
    port::{ARRIVED_MAX, Arrivals, Arrived, Batch, StoreError},
    process::hex,
    site::Pinned,
    time::{At, Span},
    trigger::{Trigger, Triggered},
};
use sha2::{Digest as _, Sha256};
use tracing::{error, info};

use super::{
    fire::{fire_once, hold},
    since::{Since, noted, notes},
};
use crate::{ports::Ports, requests::Desk};

/// How long a folder is waited for before the others have their turn.
const LOOK_WITHIN: Span = Span::seconds(5);
/// Of a look at large folders its length decides when the next one is: it takes a twentieth of the time at most.
const PAUSE_TIMES: u64 = 20;
/// How far the times that the kernel writes on files may be behind its clock.
const KERNEL_BEHIND: Span = Span(20_000_000);
/// Files that are noted in one entry.
const NOTED_PIECE: usize = 1_000;
/// Digits of a file's key that are noted.
const NOTED_DIGITS: usize = 16;

/// What is known of the files. Forgetting it is harmless.
pub(super) struct Files {
    arrivals: Arc<dyn Arrivals>,
    /// What relative paths are relative to: that of a branch's commit changes with each.
    folder: PathBuf,
    /// On the clock that never steps.
    next: Span,
    /// By who waits and for which path, as its file has it.
    waits: BTreeMap<(String, String), Waits>,
    /// Looks that have not come to an end.
    late: BTreeMap<(String, String), Looking>,
}

type Looking = Pin<Box<dyn Future<Output = io::Result<Vec<Arrived>>> + Send>>;

struct Waits {
    since: Since,
    /// What lay there before.
    noted: BTreeSet<String>,
    files: BTreeMap<PathBuf, Seen>,
    /// That there are too many is said once.
    said: bool,
}

struct Seen {
    looks: (u64, At, u64),
    /// Since when it has looked like this, on the clock that never steps.
    since: Span,
    done: bool,
}

impl Files {
    pub fn new(arrivals: Arc<dyn Arrivals>, folder: PathBuf) -> Files {
        Files { arrivals, folder, next: Span::ZERO, waits: BTreeMap::new(), late: BTreeMap::new() }
    }

    /// Looks for all of them, if it is time.
    ///
    /// # Errors
    /// When the journal cannot be read or written.
    pub async fn look(&mut self, desk: &Desk, waiting: &[(Arc<Pinned>, Vec<Since>)]) -> Result<(), StoreError> {
        if desk.ports.clock.elapsed() < self.next {
            return Ok(());
        }
        let (mut kept, mut asked, mut spent) = (BTreeMap::new(), BTreeSet::new(), 0u64);
        for (pinned, since) in waiting {
            for (trigger, since) in pinned.process.triggers.iter().zip(since) {
                let Trigger::File { path, settled } = trigger else { continue };
                let key = (pinned.process.name.clone(), path.clone());
                let begun = desk.ports.clock.elapsed();
                asked.insert(key.clone());
                let Some(found) = self.arrived(desk, &key).await? else {
                    kept.extend(self.waits.remove_entry(&key));
                    continue;
                };
                let mut waits = match self.waits.remove(&key) {
                    Some(waits) if waits.since == *since => waits,
                    _ => begin(&desk.ports, &key.0, path, *since, &found).await?,
                };
                let done = waits.take(desk, pinned, path, *settled, found).await;
                kept.insert(key, waits);
                done?;
                spent = spent.saturating_add(desk.ports.clock.elapsed().0.saturating_sub(begun.0));
            }
        }
        self.waits = kept;
        self.late.retain(|key, _| asked.contains(key));
        let pause = spent.saturating_mul(PAUSE_TIMES);
        self.next = Span(desk.ports.clock.elapsed().0.saturating_add(pause));
        Ok(())
    }

    /// What is there; `None`: that cannot be said now. A folder that does not answer is waited for beside everything else.
    async fn arrived(&mut self, desk: &Desk, key: &(String, String)) -> Result<Option<Vec<Arrived>>, StoreError> {
        let (clock, known) = (&desk.ports.clock, self.late.remove(key));
        let path = &key.1;
        let late = known.is_some();
        let mut looking = known.unwrap_or_else(|| {
            let (arrivals, pattern) = (self.arrivals.clone(), self.folder.join(path));
            Box::pin(async move { arrivals.arrived(pattern).await })
        });
        let enough = async {
            if !late {
                clock.sleep(LOOK_WITHIN).await;
            }
        };
        let found = tokio::select! {
            biased;
            found = &mut looking => found,
            () = enough => {
                self.late.insert(key.clone(), looking);
                if !late {
                    let why = format!("its folder has not answered within {LOOK_WITHIN}; it is waited for");
                    complain(desk, &key.0, path, why).await?;
                }
                return Ok(None);
            }
        };
        Ok(match found {
            Ok(found) => Some(found),
            Err(trouble) => {
                error!("`{}` waits for {path}, which cannot be looked at: {trouble}", key.0);
                None
            }
        })
    }
}

impl Waits {
    /// Starts what has been the same for long enough.
    async fn take(
        &mut self,
        desk: &Desk,
        pinned: &Pinned,
        path: &str,
        settled: Span,
        found: Vec<Arrived>,
    ) -> Result<(), StoreError> {
        let now = desk.ports.clock.elapsed();
        self.too_many(desk, &pinned.process.name, path, found.len()).await?;
        let (mut before, mut full) = (std::mem::take(&mut self.files), false);
        for arrived in found {
            let looks = (arrived.bytes, arrived.modified, arrived.inode);
            let mut seen = match before.remove(&arrived.path) {
                Some(seen) if seen.looks == looks => seen,
                _ => Seen { looks, since: now, done: false },
            };
            let old = now.0.saturating_sub(seen.since.0) >= settled.0;
            if !full && !seen.done && old {
                full = !self.fire(desk, pinned, &arrived).await?;
                seen.done = !full;
            }
            self.files.insert(arrived.path, seen);
        }
        Ok(())
    }

    /// Whether it is done with: with as many live runs as there may be, the next look tries again.
    async fn fire(&self, desk: &Desk, pinned: &Pinned, arrived: &Arrived) -> Result<bool, StoreError> {
        let (place, version, key) = named(arrived);
        if self.noted.contains(&beginning(&key)) {
            return Ok(true);
        }
        fire_once(desk, pinned, &Triggered::File { path: place, version }, key).await
    }

    async fn too_many(&mut self, desk: &Desk, name: &str, path: &str, count: usize) -> Result<(), StoreError> {
        if count < ARRIVED_MAX || self.said {
            self.said = self.said && count >= ARRIVED_MAX;
            return Ok(());
        }
        self.said = true;
        let why = format!("{ARRIVED_MAX} files fit, and no more are looked at; take those away that are done with");
        complain(desk, name, path, why).await
    }
}

/// Shown as what was held is: nothing of the path starts anything.
async fn complain(desk: &Desk, name: &str, path: &str, why: String) -> Result<(), StoreError> {
    error!("`{name}` waits for {path}: {why}");
    let by = Triggered::File { path: path.to_owned(), version: String::new() };
    hold(desk, name, &by, Some(&(notes(name), 0)), None, (SkipReason::Refused, why)).await.map(drop)
}

/// What lay there before the process waited for it: as it was noted, or as it is now noted.
async fn begin(ports: &Ports, name: &str, path: &str, since: Since, found: &[Arrived]) -> Result<Waits, StoreError> {
    if let Some(known) = noted(&*ports.journal, name, path, since).await? {
        return Ok(Waits { since, noted: known.into_iter().collect(), files: BTreeMap::new(), said: false });
    }
    let before = found.iter().filter(|arrived| arrived.changed + KERNEL_BEHIND < since.at);
    let noted: BTreeSet<String> = before.map(|arrived| beginning(&named(arrived).2)).collect();
    let mut pieces: Vec<Vec<String>> = vec![Vec::new()];
    for file in &noted {
        match pieces.last_mut() {
            Some(last) if last.len() < NOTED_PIECE => last.push(file.clone()),
            _ => pieces.push(vec![file.clone()]),
        }
    }
    if !noted.is_empty() {
        info!("`{name}` waits for {path}: {} files lay there before and start nothing", noted.len());
    }
    let event = |files| Event::TriggerNoted(TriggerNoted { path: path.to_owned(), files });
    let events: Vec<Event> = pieces.into_iter().map(event).collect();
    let mut batch = Batch::by(ports.actor, Via::Robot);
    batch.writes.push(ports.ids().write(notes(name), None, ports.clock.now(), events));
    ports.journal.append(batch).await?;
    Ok(Waits { since, noted, files: BTreeMap::new(), said: false })
}

/// Place, version and key of a file as it looks now.
fn named(arrived: &Arrived) -> (String, String, String) {
    // Changes with every change of the file that can be seen without reading it.
    let seen = format!("{}\n{}\n{}", arrived.bytes, arrived.modified.0, arrived.inode);
    let version = hex(&Sha256::digest(seen))[..16].to_owned();
    let place = arrived.path.display().to_string();
    let key = format!("file/{}", hex(&Sha256::digest(format!("{place}\n{version}"))));
    (place, version, key)
}

fn beginning(key: &str) -> String {
    key.trim_start_matches("file/").chars().take(NOTED_DIGITS).collect()
}
