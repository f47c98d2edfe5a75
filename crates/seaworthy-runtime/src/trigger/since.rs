//! What the journal remembers of a process's triggers: since when each is in force, and how far it was looked.
//!
//! This module must not know what a trigger waits for, nor fire one.

use seaworthy_model::{
    entry::Stream,
    event::Event,
    port::{Journal, StoreError},
    process::Process,
    site::Pinned,
    time::At,
    trigger::Trigger,
};

/// Since when a process has waited for something: what happened before does not trigger it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Since {
    pub at: At,
    /// Of the entry that says so: what was noted before it was noted for an earlier time of the trigger.
    pub position: u64,
}

/// Since when each trigger of this definition is in force, in their order: a definition that was changed elsewhere goes
/// on waiting for what the one before it waited for.
pub(super) async fn since(journal: &dyn Journal, pinned: &Pinned, now: At) -> Result<Vec<Since>, StoreError> {
    let entries = journal.stream(&Stream::process(&pinned.process.name), 0).await?;
    let triggers = &pinned.process.triggers;
    let mut found: Vec<Option<Since>> = vec![None; triggers.len()];
    let (mut open, mut begun) = (vec![true; triggers.len()], false);
    for entry in entries.iter().rev() {
        let definition = match entry.event() {
            Ok(Some(Event::ProcessLoaded { digest, definition, .. })) if begun || digest == pinned.digest => definition,
            Ok(Some(Event::ProcessRemoved { .. })) if begun => break,
            _ => continue,
        };
        begun = true;
        let before: Vec<Trigger> = serde_json::from_str(&definition).map(|p: Process| p.triggers).unwrap_or_default();
        for (n, trigger) in triggers.iter().enumerate() {
            open[n] = open[n] && before.contains(trigger);
            if open[n] {
                found[n] = Some(Since { at: entry.header.at, position: entry.position });
            }
        }
        if open.iter().all(|open| !open) {
            break;
        }
    }
    Ok(found.into_iter().map(|since| since.unwrap_or(Since { at: now, position: 0 })).collect())
}

/// Up to where ends of runs of `of` have fired, by what was said since then.
pub(super) async fn looked(
    journal: &dyn Journal,
    name: &str,
    of: &str,
    since: Since,
) -> Result<Option<u64>, StoreError> {
    let entries = journal.stream(&notes(name), 0).await?;
    let recent = entries.iter().rev().take_while(|entry| entry.position > since.position);
    let mut said = recent.filter_map(|entry| match entry.event() {
        Ok(Some(Event::TriggerLooked(looked))) if looked.of == of => Some(looked.through),
        _ => None,
    });
    Ok(said.next())
}

/// Which files were noted for this path since then. `None`: nobody has looked yet.
pub(super) async fn noted(
    journal: &dyn Journal,
    name: &str,
    path: &str,
    since: Since,
) -> Result<Option<Vec<String>>, StoreError> {
    let entries = journal.stream(&notes(name), 0).await?;
    let mut found = None;
    for entry in entries.iter().rev().take_while(|entry| entry.position > since.position) {
        if let Ok(Some(Event::TriggerNoted(noted))) = entry.event()
            && noted.path == path
        {
            found.get_or_insert_with(Vec::new).extend(noted.files);
        }
    }
    Ok(found)
}

/// Where that is written.
pub(super) fn notes(name: &str) -> Stream {
    Stream::of("trigger", name)
}
