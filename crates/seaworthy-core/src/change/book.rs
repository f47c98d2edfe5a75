//! What the journal says of a subject's changes, and whether the next one applies.
//!
//! This module must not know where entries are kept.

use seaworthy_model::{
    change::{CONFIRM_WITHIN, Held, Subject, digest},
    event::Event,
    run::Cause,
    time::At,
    view::ProcessView,
};

/// The journal's memory of one subject, folded from its stream.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Book {
    /// Changes that waited so far, this one included.
    pub held: u64,
    /// The digest that waits now, and until when it can be confirmed.
    pub waiting: Option<(String, At)>,
    /// The digest that a person confirmed and that was not applied yet.
    pub confirmed: Option<String>,
    /// What came into force last: a definition's digest, or `None` for a removal. Outermost `None`: nothing ever did.
    pub last: Option<Option<String>>,
}

impl Book {
    /// From the events of the process's stream (of the site's for a branch, of their own for the settings), oldest first.
    pub fn fold<'a>(subject: &Subject, events: impl IntoIterator<Item = &'a Event>) -> Book {
        let (word, mut book) = (subject.word(), Book::default());
        for event in events {
            match event {
                Event::ProcessLoaded { digest, .. } => {
                    (book.waiting, book.confirmed, book.last) = (None, None, Some(Some(digest.clone())));
                }
                Event::ProcessRemoved { .. } => {
                    (book.waiting, book.confirmed, book.last) = (None, None, Some(None));
                }
                Event::ChangeHeld { subject, digest, until, .. } if *subject == word => {
                    book.held += 1;
                    (book.waiting, book.confirmed) = (Some((digest.clone(), *until)), None);
                }
                Event::ChangeConfirmed { subject, digest, .. } if *subject == word => {
                    book.confirmed = Some(digest.clone());
                }
                Event::ChangeWithdrawn { subject, .. } if *subject == word => {
                    (book.waiting, book.confirmed) = (None, None);
                }
                Event::SiteLoaded { digest, .. } if *subject == Subject::Settings => {
                    (book.waiting, book.confirmed, book.last) = (None, None, Some(Some(digest.clone())));
                }
                Event::BranchFollowed { branch, commit } if *subject == Subject::Branch(branch.clone()) => {
                    (book.waiting, book.confirmed, book.last) = (None, None, Some(Some(commit.clone())));
                }
                _ => {}
            }
        }
        book
    }
}

/// What a process is so far. One that is still being written has nothing to lose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It was tried by hand and never came out verified: its files are still being written.
    Draft,
    /// It is relied on, or may be.
    Relied,
}

impl Standing {
    /// A draft has ended runs, all of them asked for by a person, and none was ever verified. What was never run at all
    /// is relied on: its schedule is in force.
    pub fn of(view: &ProcessView) -> Standing {
        let by_hand = view.runs.iter().all(|run| run.cause == Cause::Person);
        let verified = view.last_verified.is_some() || view.last_verified_drill.is_some();
        if !view.runs.is_empty() && by_hand && !verified { Standing::Draft } else { Standing::Relied }
    }
}

/// What happens with a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    Apply,
    /// It waits; `fresh`: it was not recorded under this digest yet.
    Hold {
        held: Held,
        fresh: bool,
    },
}

/// A change that the journal has in force already applies, whoever brought it. Any other
/// applies unless it takes something away from a process that is relied on; then it waits until a person has
/// confirmed exactly it, within [`CONFIRM_WITHIN`] of being recorded. What has waited longer waits anew.
pub fn decide(
    subject: Subject,
    (from, to): (&str, Option<&str>),
    (weaker, other): (Vec<String>, Vec<String>),
    standing: Standing,
    book: &Book,
    now: At,
) -> Decision {
    let in_force = book.last.as_ref().is_some_and(|last| last.as_deref() == to);
    if weaker.is_empty() || standing == Standing::Draft || in_force {
        return Decision::Apply;
    }
    let same = |(known, until): &&(String, At)| {
        (now < *until || book.confirmed.as_ref() == Some(known))
            && *known == digest(&subject, from, to, book.held.saturating_sub(1))
    };
    let (digest, until, fresh) = match book.waiting.as_ref().filter(same) {
        Some((known, _)) if book.confirmed.as_ref() == Some(known) => return Decision::Apply,
        Some((known, until)) => (known.clone(), *until, false),
        None => (digest(&subject, from, to, book.held), now + CONFIRM_WITHIN, true),
    };
    let (from, to) = (from.to_owned(), to.map(str::to_owned));
    Decision::Hold { held: Held { digest, subject, from, to, weaker, other, gives_rights: false, until }, fresh }
}
