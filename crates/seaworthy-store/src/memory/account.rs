//! `Accounts` in memory, and what changes them.
//!
//! This module must not know what proves a person nor how long anything holds.

use std::collections::BTreeMap;

use seaworthy_model::{
    account::{Account, DoorChange, Link, Session},
    id::ActorId,
    port::{Accounts, Fut, StoreError},
    tree::Hash,
};

use super::{Memory, ready, state::State};
use crate::{
    ROWS_MAX,
    admit::{Admitted, made_twice, not_next, used},
};

impl Accounts for Memory {
    fn account(&self, actor: ActorId) -> Fut<'_, Result<Option<Account>, StoreError>> {
        ready(Ok(self.state().accounts.get(&actor).cloned()))
    }

    fn account_called(&self, key: &str) -> Fut<'_, Result<Option<Account>, StoreError>> {
        ready(Ok(self.state().accounts.values().find(|account| account.key == key).cloned()))
    }

    fn accounts(&self) -> Fut<'_, Result<Vec<Account>, StoreError>> {
        let mut all: Vec<_> = self.state().accounts.values().cloned().collect();
        all.sort_by(|a, b| a.key.cmp(&b.key));
        all.truncate(ROWS_MAX);
        ready(Ok(all))
    }

    fn session(&self, digest: Hash) -> Fut<'_, Result<Option<Session>, StoreError>> {
        ready(Ok(self.state().sessions.get(&digest).cloned()))
    }

    fn sessions(&self, actor: ActorId) -> Fut<'_, Result<Vec<Session>, StoreError>> {
        let state = self.state();
        let of = state.sessions.values().filter(|session| session.actor == actor);
        ready(Ok(of.take(ROWS_MAX).cloned().collect()))
    }

    fn link(&self, digest: Hash) -> Fut<'_, Result<Option<Link>, StoreError>> {
        ready(Ok(self.state().links.get(&digest).cloned()))
    }

    fn links(&self) -> Fut<'_, Result<Vec<Link>, StoreError>> {
        ready(Ok(self.state().links.values().take(ROWS_MAX).cloned().collect()))
    }
}

type Door = (BTreeMap<ActorId, Account>, BTreeMap<Hash, Session>, BTreeMap<Hash, Link>);

impl State {
    /// What accounts, sessions and links would be after the batch; there are few of them.
    pub(super) fn door(&self, batch: &Admitted) -> Result<Door, StoreError> {
        let mut door = (self.accounts.clone(), self.sessions.clone(), self.links.clone());
        for change in &batch.door {
            apply(&mut door, change)?;
        }
        Ok(door)
    }
}

fn apply((accounts, sessions, links): &mut Door, change: &DoorChange) -> Result<(), StoreError> {
    match change {
        DoorChange::Account(account) => {
            let kept = accounts.get(&account.actor).map_or(0, |kept| kept.version);
            let taken = accounts.values().any(|other| other.actor != account.actor && other.key == account.key);
            if taken || account.version != kept + 1 {
                return Err(not_next(account));
            }
            accounts.insert(account.actor, account.clone());
        }
        DoorChange::SessionBegun(session) => {
            sessions.entry(session.digest).or_insert_with(|| session.clone());
        }
        DoorChange::SessionSeen(session) => {
            if let Some(kept) = sessions.get_mut(&session.digest).filter(|kept| kept.actor == session.actor) {
                *kept = session.clone();
            }
        }
        DoorChange::SessionEnded(digest) => drop(sessions.remove(digest)),
        DoorChange::SessionsEnded(actor, but) => {
            sessions.retain(|digest, session| session.actor != *actor || Some(*digest) == *but);
        }
        DoorChange::LinkMade(link) => {
            if links.insert(link.digest, link.clone()).is_some() {
                return Err(made_twice(link));
            }
        }
        DoorChange::LinkUsed(digest) => drop(links.remove(digest).ok_or_else(|| used(digest))?),
        DoorChange::LinkGone(digest) => drop(links.remove(digest)),
    }
    Ok(())
}
