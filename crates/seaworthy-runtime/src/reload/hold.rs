//! Keeps in force what a change of the files would weaken and nobody has confirmed yet.
//!
//! The unit is the process, and the settings of the site: of what waits nothing is applied, since a definition that nobody
//! wrote is never made. All others of the same load apply. Core decides; this module asks the journal and carries the answer out, and writes
//! nothing.

use std::collections::BTreeSet;

use seaworthy_core::{
    access::{Policy, Target},
    change::{Book, Decision, Standing, decide, differences, split},
};
use seaworthy_model::{
    change::Subject,
    entry::Stream,
    event::Event,
    port::{Journal, StoreError, Views},
    site::Loaded,
    time::At,
};

use super::{Outcome, settings};

/// Takes every change out of `outcome` that waits; what was in force before stays and is listed in `held`. `before` is
/// `None` where nothing ever was in force.
///
/// # Errors
/// When the journal cannot be read: then nothing of this look may be applied.
pub async fn hold(
    journal: &dyn Journal,
    views: &dyn Views,
    before: Option<&Loaded>,
    outcome: &mut Outcome,
    now: At,
) -> Result<(), StoreError> {
    if outcome.unjudged {
        return Ok(());
    }
    settings::hold(journal, views, before, outcome, now).await?;
    let Some(before) = before else { return Ok(()) };
    let removed = outcome.removed.iter().map(|(name, _)| name);
    let names: Vec<String> = outcome.changed.iter().chain(removed).cloned().collect();
    let policy = Policy::of(&outcome.loaded.site);
    let mut kept = BTreeSet::new();
    for name in names {
        let Some(old) = before.processes.get(&name) else { continue };
        let new = outcome.loaded.processes.get(&name);
        let (mut weaker, other) = split(differences(Some(&old.process), new.map(|p| &p.process)));
        let opened = new.map_or(0, |new| policy.opened(Target::of(&old.process), Target::of(&new.process)));
        if opened > 0 {
            weaker.push(format!("its service or tier opens it: people who may do more with it: {opened}"));
        }
        if weaker.is_empty() {
            continue;
        }
        let standing = if opened > 0 && owned(journal).await? {
            Standing::Relied
        } else {
            Standing::of(&views.process(&name).await?)
        };
        let (subject, sides) = (Subject::Process(name.clone()), (old.digest.as_str(), new.map(|p| p.digest.as_str())));
        let book = book(journal, &Stream::process(&name), &subject).await?;
        if let Decision::Hold { mut held, fresh } = decide(subject, sides, (weaker, other), standing, &book, now) {
            held.gives_rights = opened > 0;
            if fresh {
                outcome.fresh.push(held.clone());
            }
            outcome.loaded.held.push(held);
            outcome.loaded.processes.insert(name.clone(), old.clone());
            kept.insert(name);
        }
    }
    outcome.changed.retain(|name| !kept.contains(name));
    outcome.removed.retain(|(name, _)| !kept.contains(name));
    let applied =
        |name: &String| outcome.changed.contains(name) || outcome.removed.iter().any(|(gone, _)| gone == name);
    for held in &before.held {
        let Subject::Process(name) = &held.subject else { continue };
        if outcome.unsure.contains(name) {
            outcome.loaded.held.push(held.clone());
        } else if !kept.contains(name) && !applied(name) {
            outcome.withdrawn.push(held.clone());
        }
    }
    Ok(())
}

/// Whether somebody is in charge: then nobody gets rights unasked, whether anything was verified yet or not.
pub(super) async fn owned(journal: &dyn Journal) -> Result<bool, StoreError> {
    Ok(!journal.stream(&Stream::of("site", "owner"), 0).await?.is_empty())
}

/// What a stream says of a subject's changes.
///
/// # Errors
/// When the journal cannot be read, or holds what this program does not know.
pub async fn book(journal: &dyn Journal, stream: &Stream, subject: &Subject) -> Result<Book, StoreError> {
    let mut events: Vec<Event> = Vec::new();
    for entry in journal.stream(stream, 0).await? {
        match entry.event() {
            Ok(event) => events.extend(event),
            Err(unknown) => return Err(StoreError::Broken { detail: unknown.to_string() }),
        }
    }
    Ok(Book::fold(subject, &events))
}
