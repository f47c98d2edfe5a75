//! Keeps the site's settings in force while a change waits that takes something away: a route, a receiver, what is kept.
//!
//! The journal knows them by their digest only, since addresses name people and may be secret; the text is what the data
//! folder keeps. Where that is gone or is another one, nothing can be compared and the change waits as a whole. Core
//! decides; this module must not write anything, nor know what a setting means.

use seaworthy_core::{
    access::{Policy, differences},
    change::{Decision, Standing, decide, settings, split},
};
use seaworthy_model::{
    change::Subject,
    port::{Journal, StoreError, Views},
    site::{Loaded, Site},
    time::At,
};

use super::{Outcome, book, hold::owned, stream_of};

/// Takes the settings out of `outcome` if their change waits; those in force before stay. What changed, and is to be
/// recorded, is left in `outcome.settings`.
///
/// # Errors
/// When the journal cannot be read.
pub(super) async fn hold(
    journal: &dyn Journal,
    views: &dyn Views,
    before: Option<&Loaded>,
    outcome: &mut Outcome,
    now: At,
) -> Result<(), StoreError> {
    let new = outcome.loaded.site.digest();
    let book = book(journal, &stream_of(&Subject::Settings), &Subject::Settings).await?;
    let last = book.last.clone().flatten();
    let known = before.map(|before| (&before.site, before.site.digest()));
    let known = known.filter(|(_, digest)| last.as_ref().is_none_or(|last| last == digest));
    let (from, (weaker, other)) = match (&last, &known) {
        (None, None) => (String::new(), (Vec::new(), Vec::new())),
        (_, Some((old, digest))) => (digest.clone(), split(settings(old, &outcome.loaded.site))),
        (Some(last), None) if *last == new => (last.clone(), (Vec::new(), Vec::new())),
        (Some(last), None) => (last.clone(), (vec![LOST.to_owned()], Vec::new())),
    };
    // Of what cannot be compared nobody knows.
    let gives = known.as_ref().is_none_or(|(old, _)| gives_rights(old, &outcome.loaded.site));
    let standing = if weaker.is_empty() {
        Standing::Draft
    } else if gives && owned(journal).await? {
        Standing::Relied
    } else {
        standing(views, before).await?
    };
    let changes: Vec<String> = weaker.iter().chain(&other).cloned().collect();
    let held = match decide(Subject::Settings, (&from, Some(&new)), (weaker, other), standing, &book, now) {
        Decision::Apply => None,
        Decision::Hold { held, fresh } => Some((held, fresh)),
    };
    let waited = before.and_then(|before| before.held.iter().find(|held| held.subject == Subject::Settings));
    match held {
        None => {
            outcome.settings = (last.as_ref() != Some(&new)).then_some(changes);
            // What came into force is written as such; what is not asked for any more has to be said.
            outcome.withdrawn.extend(waited.filter(|_| outcome.settings.is_none()).cloned());
        }
        Some((mut held, fresh)) => {
            held.gives_rights = gives;
            if let Some((old, _)) = known {
                outcome.wanted = Some(std::mem::replace(&mut outcome.loaded.site, old.clone()));
            }
            outcome.fresh.extend(fresh.then(|| held.clone()));
            outcome.loaded.held.push(held);
        }
    }
    Ok(())
}

fn gives_rights(old: &Site, new: &Site) -> bool {
    differences(&Policy::of(old), &Policy::of(new)).iter().any(|difference| difference.weaker)
}

/// What is said where nothing can be compared.
const LOST: &str = "the settings that were in force are not known any more: what is lost with them cannot be said";

/// Settings are relied on as soon as anything was ever verified under them. Where it is not known what was in force,
/// they are.
async fn standing(views: &dyn Views, before: Option<&Loaded>) -> Result<Standing, StoreError> {
    let Some(before) = before else { return Ok(Standing::Relied) };
    for name in before.processes.keys() {
        let view = views.process(name).await?;
        if view.last_verified.is_some() || view.last_verified_drill.is_some() {
            return Ok(Standing::Relied);
        }
    }
    Ok(Standing::Draft)
}
