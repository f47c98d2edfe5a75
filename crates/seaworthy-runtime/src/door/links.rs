//! Links that work once: for the first owner, later for people who are invited and for those who lost their proofs.
//!
//! A link is handed over once, by whoever asked for it; what is kept is its hash. This module must not know what
//! becomes of who comes by it.

use seaworthy_core::account::hold::{link_holds, link_works};
use seaworthy_model::{
    account::{DoorChange, Link, Purpose, Token},
    entry::{Stream, Via},
    event::AccountEvent,
    id::ActorId,
    port::{Batch, StoreError},
};

use super::Doorkeeper;

impl Doorkeeper {
    /// A new link for the first owner; older ones do not work any more. `None`: there is an owner.
    ///
    /// # Errors
    /// When the journal cannot be read or written.
    pub async fn claim_link(&self, by: ActorId, via: Via) -> Result<Option<(Token, Link)>, StoreError> {
        if self.accounts.accounts().await?.iter().any(|account| account.is_owner()) {
            return Ok(None);
        }
        let mut batch = Batch::by(by, via);
        let mut events = Vec::new();
        for old in self.accounts.links().await? {
            if old.purpose == Purpose::Claim || !link_works(&old, self.clock.now()) {
                batch.door.push(DoorChange::LinkGone(old.digest));
                events.push(AccountEvent::LinkGone { link: old.short(), why: "a newer one was made".to_owned() });
            }
        }
        let (token, link) = self.link_for(Purpose::Claim, by);
        batch.door.push(DoorChange::LinkMade(link.clone()));
        events.push(made(&link));
        self.tell_in(&mut batch, Stream::of("site", "links"), None, events);
        self.journal.append(batch).await?;
        Ok(Some((token, link)))
    }

    pub(super) fn link_for(&self, purpose: Purpose, made_by: ActorId) -> (Token, Link) {
        let (token, made_at) = (self.token(), self.clock.now());
        let until = made_at + link_holds(&purpose);
        let digest = token.digest();
        (token, Link { digest, purpose, made_by, made_at, until })
    }
}

pub(super) fn made(link: &Link) -> AccountEvent {
    let (purpose, roles) = match &link.purpose {
        Purpose::Claim => ("claim", vec!["owner".to_owned()]),
        Purpose::Invite { grants, .. } => ("invite", grants.iter().map(|grant| grant.role.clone()).collect()),
        Purpose::Recover { .. } => ("recover", vec![]),
    };
    AccountEvent::LinkMade { link: link.short(), purpose: purpose.to_owned(), roles, until: link.until }
}
