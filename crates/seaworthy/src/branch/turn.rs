//! One look at the branch: fetch, judge, put in force, record.
//!
//! The entry comes before the state that it speaks of, so a power cut between both says it twice and forgets nothing.

use std::{
    path::Path,
    sync::Arc,
    thread,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use seaworthy_core::change::{Decision, Standing, decide};
use seaworthy_model::{
    change::{Held, Subject},
    entry::{Stream, Via},
    event::Event,
    port::{Batch, StoreError},
    time::At,
};
use seaworthy_runtime::{Ports, reload};
use seaworthy_store::sqlite::Sqlite;
use tracing::{info, warn};

use super::{Lost, Source, State, Waits, short};

/// Longest reason that is kept, in characters.
const REASON_CHARS_MAX: usize = 1_000;

/// Looks once. Whether the files in force, or what waits, are others than before.
///
/// # Errors
/// When the journal cannot be read or written; a branch that cannot be read is recorded, not an error.
pub async fn turn(source: &Arc<Source>, ports: &Ports) -> Result<bool, StoreError> {
    let (mut state, now) = (source.state(), ports.clock.now());
    let fetched = apart(source, Source::fetch).await;
    state.looked = Some(now);
    let done = match fetched {
        Ok(tip) => consider(source, ports, &mut state, &tip, now).await?,
        Err(reason) => Err(reason),
    };
    let changed = match done {
        Ok(changed) => {
            if let Some(lost) = state.lost.take() {
                info!("branch `{}` can be read again", source.branch.branch);
                let event = Event::BranchFound { branch: source.branch.branch.clone(), since: lost.since };
                append(ports, now, vec![event]).await?;
            }
            changed
        }
        Err(reason) => {
            lost(source, ports, &mut state, reason, now).await?;
            false
        }
    };
    let kept = state.clone();
    if let Err(trouble) = apart(source, move |source| source.keep(&kept)).await {
        warn!("{trouble}");
    }
    Ok(changed)
}

/// On a thread of its own: git and a slow disk hold nobody up.
async fn apart<T: Send + 'static>(
    source: &Arc<Source>,
    work: impl FnOnce(&Source) -> Result<T, String> + Send + 'static,
) -> Result<T, String> {
    let source = source.clone();
    let done = tokio::task::spawn_blocking(move || work(&source)).await;
    done.unwrap_or_else(|e| Err(format!("the branch was not read to its end ({e})")))
}

async fn lost(source: &Source, ports: &Ports, state: &mut State, reason: String, now: At) -> Result<(), StoreError> {
    // What git or a file system says may be of any length.
    let reason: String = reason.chars().take(REASON_CHARS_MAX).collect();
    if let Some(known) = &mut state.lost {
        known.reason = reason;
        return Ok(());
    }
    warn!("{reason}; the last good commit stays in force");
    let event = Event::BranchLost { branch: source.branch.branch.clone(), reason: reason.clone() };
    append(ports, now, vec![event]).await?;
    state.lost = Some(Lost { since: now, reason });
    Ok(())
}

/// What becomes of the newest commit. The inner error: it cannot be used.
async fn consider(
    source: &Arc<Source>,
    ports: &Ports,
    state: &mut State,
    tip: &str,
    now: At,
) -> Result<Result<bool, String>, StoreError> {
    let subject = Subject::Branch(source.branch.branch.clone());
    let book = reload::book(&*ports.journal, &Stream::site(), &subject).await?;
    if state.commit.is_none() {
        // What was kept beside the mirror is lost: what was in force is known all the same.
        state.commit = book.last.clone().flatten();
    }
    if state.commit.as_deref() == Some(tip) {
        let mut events = Vec::new();
        if let Some(waited) = state.waits.take() {
            events.push(Event::ChangeWithdrawn { digest: waited.digest, subject: subject.word() });
        }
        let known = book.last.as_ref().is_some_and(|last| last.as_deref() == Some(tip));
        if !known {
            events.push(Event::BranchFollowed { branch: source.branch.branch.clone(), commit: tip.to_owned() });
        }
        let changed = !events.is_empty();
        append(ports, now, events).await?;
        return Ok(Ok(changed));
    }
    let weaker = match &state.commit {
        Some(old) => {
            let (old, new) = (old.clone(), tip.to_owned());
            match apart(source, move |source| rewritten(source, &old, &new)).await {
                Ok(weaker) => weaker,
                Err(reason) => return Ok(Err(reason)),
            }
        }
        None => Vec::new(),
    };
    let from = state.commit.clone().unwrap_or_default();
    match decide(subject, (&from, Some(tip)), (weaker, Vec::new()), Standing::Relied, &book, now) {
        Decision::Apply => adopt(source, ports, state, tip, now).await,
        Decision::Hold { held, fresh } => hold(ports, state, held, fresh, now).await.map(Ok),
    }
}

/// What a history lost, in words; nothing if the old commit is part of the new one.
fn rewritten(source: &Source, old: &str, new: &str) -> Result<Vec<String>, String> {
    let mirror = source.mirror()?;
    if mirror.is_ancestor(old, new)? {
        return Ok(Vec::new());
    }
    let count = mirror.lost(old, new).map_or("commits that were".to_owned(), |n| match n {
        1 => "one commit that was".to_owned(),
        n => format!("{n} commits that were"),
    });
    let branch = &source.branch.branch;
    Ok(vec![format!(
        "history of branch `{branch}` was rewritten: {count} in force, up to {}, is not in it",
        short(old)
    )])
}

async fn adopt(
    source: &Arc<Source>,
    ports: &Ports,
    state: &mut State,
    tip: &str,
    now: At,
) -> Result<Result<bool, String>, StoreError> {
    let commit = tip.to_owned();
    if let Err(reason) = apart(source, move |source| source.export(&commit)).await {
        return Ok(Err(reason));
    }
    let branch = source.branch.branch.clone();
    append(ports, now, vec![Event::BranchFollowed { branch, commit: tip.to_owned() }]).await?;
    info!("branch `{}` is at {}", source.branch.branch, short(tip));
    let before = state.commit.replace(tip.to_owned());
    state.waits = None;
    let (keep, oldest) = (tip.to_owned(), oldest(ports).await?);
    let tidied = apart(source, move |source| {
        before.iter().filter(|before| **before != keep).for_each(|before| source.left(before));
        source.tidy(&keep, oldest);
        Ok(())
    });
    if let Err(trouble) = tidied.await {
        warn!("{trouble}");
    }
    Ok(Ok(true))
}

/// When the oldest run that goes on was asked for.
async fn oldest(ports: &Ports) -> Result<Option<SystemTime>, StoreError> {
    let asked = ports.views.live_runs().await?.into_iter().map(|row| row.requested_at).min();
    Ok(asked.map(|at| UNIX_EPOCH + Duration::from_nanos(u64::try_from(at.0).unwrap_or(0))))
}

/// Which commit of the branch is in force by the journal in this file; `None`: there is no journal, or it says nothing of
/// the branch. For whoever looks for files before anything is open, on a thread that may wait.
///
/// # Errors
/// A sentence: the journal cannot be read.
pub fn recall(branch: &str, file: &Path) -> Result<Option<String>, String> {
    if !file.is_file() {
        return Ok(None);
    }
    let read = || -> Result<Option<String>, String> {
        let store = Sqlite::open_readonly(file).map_err(|e| e.to_string())?;
        let runtime = tokio::runtime::Builder::new_current_thread().build().map_err(|e| e.to_string())?;
        let (journal, subject) = (store.opened().journal, Subject::Branch(branch.to_owned()));
        let book = runtime.block_on(reload::book(&*journal, &Stream::site(), &subject));
        Ok(book.map_err(|e| e.to_string())?.last.flatten())
    };
    let done = thread::scope(|scope| scope.spawn(read).join());
    done.unwrap_or_else(|_| Err("reading broke off".to_owned())).map_err(|why| {
        format!("which commit of branch `{branch}` is in force cannot be read from {}: {why}", file.display())
    })
}

async fn hold(ports: &Ports, state: &mut State, held: Held, fresh: bool, now: At) -> Result<bool, StoreError> {
    let to = held.to.clone().unwrap_or_default();
    if fresh {
        warn!("{}; it waits for a person: seaworthy confirm {}", held.weaker.join("; "), held.short());
        let event = Event::ChangeHeld {
            digest: held.digest.clone(),
            subject: held.subject.word(),
            from: held.from.clone(),
            to: held.to.clone(),
            weaker: held.weaker.clone(),
            until: held.until,
        };
        append(ports, now, vec![event]).await?;
    }
    let Held { digest, from, weaker, until, .. } = held;
    let waits = Some(Waits { digest, from, to, weaker, until });
    let changed = state.waits != waits;
    state.waits = waits;
    Ok(changed)
}

async fn append(ports: &Ports, now: At, events: Vec<Event>) -> Result<(), StoreError> {
    if events.is_empty() {
        return Ok(());
    }
    let mut batch = Batch::by(ports.actor, Via::Node);
    batch.writes.push(ports.ids().write(Stream::site(), None, now, events));
    ports.journal.append(batch).await.map(drop)
}
