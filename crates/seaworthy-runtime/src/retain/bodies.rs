//! Bodies of a run's entries: tombstone and removal are one transaction.
//!
//! Runs are looked at once, oldest first; the tombstones remember how far, and what was still needed. This module must not
//! decide what may go.

use std::collections::BTreeSet;

use seaworthy_core::retain::{Needs, Policy, What, Why, is_frame, is_snapshot, stays};
use seaworthy_model::{
    entry::{Entry, Stream, Via},
    event::Event,
    id::RunId,
    port::{Batch, StoreError},
    site::Loaded,
    time::At,
    view::EndedRun,
};

use super::{Retainer, Step, need, policy};

/// Runs of a process that one step looks at.
const RUNS_STEP: usize = 200;
/// Runs that are needed although they are old; with more of them a process is not looked at any further.
const LEFT_MAX: usize = 1_000;
/// What goes with bodies in this order; snapshots are bodies of their own age.
pub(super) const PARTS: [What; 2] = [What::Snapshots, What::Bodies];

/// How far the runs of a process were looked at, for one part.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Mark {
    pub through: Option<RunId>,
    pub left: BTreeSet<RunId>,
}

/// The marks of both parts.
pub(super) type Cursor = [Mark; 2];

impl Retainer {
    pub(super) async fn bodies(&mut self, loaded: &Loaded) -> Result<Step, StoreError> {
        let mut step = Step::default();
        let ports = self.ports.clone();
        let open = need::open(&*ports.views, self.signals.as_deref()).await?;
        for name in loaded.processes.keys() {
            let policy = policy(loaded, name);
            if PARTS.iter().all(|what| policy.age(*what).is_none()) {
                continue;
            }
            if !self.cursors.contains_key(name) {
                let cursor = remembered(&*ports.journal, name).await?;
                self.cursors.insert(name.clone(), cursor);
            }
            let needs = need::of(&*ports.journal, &*ports.views, name, policy.whole, &open).await?;
            for (n, what) in PARTS.into_iter().enumerate() {
                let Some(mark) = self.cursors.get(name).map(|cursor| cursor[n].clone()) else { continue };
                let (dropped, mark, more) = self.part(name, what, mark, &needs, &policy).await?;
                step.bodies += dropped;
                step.more |= more;
                if let Some(cursor) = self.cursors.get_mut(name) {
                    cursor[n] = mark;
                }
            }
        }
        Ok(step)
    }

    /// One step of one part: how many bodies went, the mark then, and whether there is more at once.
    async fn part(
        &self,
        name: &str,
        what: What,
        mut mark: Mark,
        needs: &Needs,
        policy: &Policy,
    ) -> Result<(u64, Mark, bool), StoreError> {
        let ports = &self.ports;
        let now = ports.clock.now();
        if policy.age(what).is_none() || mark.left.len() >= LEFT_MAX {
            return Ok((0, mark, false));
        }
        let mut rows: Vec<EndedRun> = Vec::new();
        for run in mark.left.iter().take(RUNS_STEP / 2) {
            rows.extend(ports.views.ended_run(*run).await?);
        }
        let through = match mark.through {
            None => Some(0),
            Some(run) => self.kept.archive.ended_place(run).await?,
        };
        // A run that goes on has no place; what follows it waits until it has one again.
        let fresh = match through {
            Some(place) => self.kept.archive.ended_after(name, place, RUNS_STEP).await?,
            None => Vec::new(),
        };
        let fresh: Vec<EndedRun> = fresh.into_iter().map(|(_, row)| row).collect();
        let full = fresh.len() == RUNS_STEP;
        let (known, mut positions, mut moved) = (rows.len(), Vec::new(), false);
        let mut young = false;
        for (n, row) in rows.into_iter().chain(fresh).enumerate() {
            match stays(what, &row, needs, policy, now) {
                // Runs end in the order of their rows: all that follow are younger, unless the clock was ahead by then.
                Some(Why::Young | Why::ForEver) if n >= known && row.ended_at <= now => {
                    young = true;
                    break;
                }
                Some(_) => drop(mark.left.insert(row.run)),
                None => {
                    let entries = ports.journal.stream(&Stream::run(row.run), 0).await?;
                    positions.extend(entries.iter().filter(|entry| goes(what, entry)).map(|entry| entry.position));
                    mark.left.remove(&row.run);
                    moved = true;
                }
            }
            if n >= known {
                mark.through = Some(row.run);
            }
        }
        let count = positions.len() as u64;
        if moved && count > 0 {
            ports.journal.append(self.tombstone(name, what, &mark, positions, now)).await?;
        }
        Ok((count, mark, full && !young))
    }

    fn tombstone(&self, name: &str, what: What, mark: &Mark, mut positions: Vec<u64>, now: At) -> Batch {
        positions.sort_unstable();
        let mut ranges: Vec<(u64, u64)> = Vec::new();
        for position in &positions {
            match ranges.last_mut() {
                Some((_, to)) if *to + 1 == *position => *to = *position,
                _ => ranges.push((*position, *position)),
            }
        }
        let mut batch = Batch::by(self.ports.actor, Via::Node);
        if let Some(through) = mark.through {
            let (process, what, left) = (name.to_owned(), what.word().to_owned(), mark.left.iter().copied().collect());
            let event = Event::BodiesDropped { process, what, through, left, ranges };
            batch.writes.push(self.ports.ids().write(Stream::of("retention", name), None, now, [event]));
            batch.drop_bodies = positions;
        }
        batch
    }
}

/// What the tombstones say of earlier passes.
///
/// # Errors
/// When the journal cannot be read.
pub(super) async fn remembered(journal: &dyn seaworthy_model::port::Journal, name: &str) -> Result<Cursor, StoreError> {
    let mut cursor = Cursor::default();
    for entry in journal.stream(&Stream::of("retention", name), 0).await? {
        let Ok(Some(Event::BodiesDropped { what, through, left, .. })) = entry.event() else { continue };
        if let Some(n) = PARTS.iter().position(|part| part.word() == what) {
            cursor[n] = Mark { through: Some(through), left: left.into_iter().collect() };
        }
    }
    Ok(cursor)
}

fn goes(what: What, entry: &Entry) -> bool {
    let kind = entry.header.kind.as_str();
    entry.body.is_some() && if what == What::Snapshots { is_snapshot(kind) } else { !is_frame(kind) }
}
