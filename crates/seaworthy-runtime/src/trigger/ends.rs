//! Ends of runs that processes wait for: every one, in the order of their ends, at whatever rate they come.
//!
//! The place in that order up to which they have fired is said in the journal now and then, so a restart goes on there.
//! This module must not know what a run is for.

use std::{collections::BTreeMap, sync::Arc};

use seaworthy_model::{
    entry::Via,
    event::{Event, TriggerLooked},
    port::{Archive, Batch, StoreError},
    run::Kind,
    site::Pinned,
    trigger::{Ending, Trigger, Triggered},
    view::{EndedRun, RunQuery},
};

use super::{
    fire::fire_once,
    since::{Since, looked, notes},
};
use crate::{ports::Ports, requests::Desk};

/// Ends that are read at a time, and after which it is said how far it was looked.
const PIECE: usize = 200;
/// Pieces of one look; what is beyond it the next takes up at once.
const PIECES_MAX: usize = 50;
/// Ends that are read at a time on the way back to where a new trigger begins.
const BACK: usize = 1_000;

/// How far it was looked. Forgetting it is harmless.
pub(super) struct Ends {
    archive: Arc<dyn Archive>,
    /// By who waits and for whom.
    cursors: BTreeMap<(String, String), Cursor>,
}

struct Cursor {
    since: Since,
    /// Everything up to here has fired.
    place: u64,
    /// How many ends that is past what is said in the journal.
    unsaid: usize,
}

/// What a process waits for of one other.
struct Waits<'a> {
    of: &'a str,
    since: Since,
    lines: Vec<(&'a [Ending], Since)>,
}

impl Ends {
    pub fn new(archive: Arc<dyn Archive>) -> Ends {
        Ends { archive, cursors: BTreeMap::new() }
    }

    /// Forgets those that do not wait any more.
    pub fn retain(&mut self, there: impl Fn(&str) -> bool) {
        self.cursors.retain(|(name, _), _| there(name));
    }

    /// Starts what ends since the last look start. Whether there is more at once.
    ///
    /// # Errors
    /// When the journal cannot be read or written.
    pub async fn look(&mut self, desk: &Desk, pinned: &Pinned, since: &[Since]) -> Result<bool, StoreError> {
        let mut more = false;
        for waits in waits(pinned, since) {
            let key = (pinned.process.name.clone(), waits.of.to_owned());
            let mut cursor = match self.cursors.remove(&key) {
                Some(cursor) if cursor.since == waits.since => cursor,
                _ => self.begin(&desk.ports, &key.0, &waits).await?,
            };
            let looked = self.follow(desk, pinned, &waits, &mut cursor).await;
            self.cursors.insert(key, cursor);
            more |= looked?;
        }
        Ok(more)
    }

    async fn follow(
        &self,
        desk: &Desk,
        pinned: &Pinned,
        waits: &Waits<'_>,
        cursor: &mut Cursor,
    ) -> Result<bool, StoreError> {
        for _ in 0..PIECES_MAX {
            let rows = self.archive.ended_after(waits.of, cursor.place, PIECE).await?;
            for (place, row) in &rows {
                let by = Triggered::Process { name: row.process.clone(), run: row.run };
                if waits.matches(row) && !fire_once(desk, pinned, &by, row.run.to_string()).await? {
                    return Ok(false);
                }
                (cursor.place, cursor.unsaid) = (*place, cursor.unsaid + 1);
                if cursor.unsaid >= PIECE {
                    say(&desk.ports, &pinned.process.name, waits.of, cursor).await?;
                }
            }
            if rows.len() < PIECE {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Where to go on: where the journal says, or at the first end since the trigger is in force.
    async fn begin(&self, ports: &Ports, name: &str, waits: &Waits<'_>) -> Result<Cursor, StoreError> {
        if let Some(place) = looked(&*ports.journal, name, waits.of, waits.since).await? {
            return Ok(Cursor { since: waits.since, place, unsaid: 0 });
        }
        let mut cursor = Cursor { since: waits.since, place: 0, unsaid: 0 };
        let mut before = None;
        loop {
            let process = Some(waits.of.to_owned());
            let rows = ports.views.ended_runs(RunQuery { process, before, limit: BACK, ..RunQuery::default() }).await?;
            if let Some(older) = rows.iter().find(|row| row.ended_at < waits.since.at) {
                cursor.place = self.archive.ended_place(older.run).await?.unwrap_or(0);
                break;
            }
            let Some(last) = rows.last() else { break };
            before = Some(last.run);
        }
        say(ports, name, waits.of, &mut cursor).await?;
        Ok(cursor)
    }
}

impl Waits<'_> {
    fn matches(&self, row: &EndedRun) -> bool {
        let ends = |when: &[Ending]| when.iter().any(|ending| ending.is(row.executed, row.verified));
        row.kind == Kind::Run && self.lines.iter().any(|(when, since)| row.ended_at >= since.at && ends(when))
    }
}

/// What the process waits for, by name; a name may stand in several lines.
fn waits<'a>(pinned: &'a Pinned, since: &[Since]) -> Vec<Waits<'a>> {
    let mut all: Vec<Waits<'a>> = Vec::new();
    for (trigger, since) in pinned.process.triggers.iter().zip(since) {
        let Trigger::Process { name, when } = trigger else { continue };
        match all.iter_mut().find(|waits| waits.of == name) {
            Some(waits) => {
                waits.since = waits.since.min(*since);
                waits.lines.push((when, *since));
            }
            None => all.push(Waits { of: name, since: *since, lines: vec![(when, *since)] }),
        }
    }
    all
}

async fn say(ports: &Ports, name: &str, of: &str, cursor: &mut Cursor) -> Result<(), StoreError> {
    let mut batch = Batch::by(ports.actor, Via::Robot);
    let event = Event::TriggerLooked(TriggerLooked { of: of.to_owned(), through: cursor.place });
    batch.writes.push(ports.ids().write(notes(name), None, ports.clock.now(), [event]));
    ports.journal.append(batch).await?;
    cursor.unsaid = 0;
    Ok(())
}
