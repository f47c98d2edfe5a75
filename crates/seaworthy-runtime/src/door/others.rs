//! What a person may ask of the door about others: invite, lock, let set up anew, end sessions.
//!
//! Whether they may is decided by `core::access` before anything is looked at. This module must not know roles.

use seaworthy_core::{
    access::{Policy, Target, decide},
    account::{
        hold::{link_works, person},
        name,
    },
};
use seaworthy_model::{
    access::{Action, Grant},
    account::{Account, DoorChange, Link, Purpose},
    entry::{Stream, Via},
    event::AccountEvent,
    port::{Batch, Done, DoorAsk, Guest, StoreError},
    who::Who,
};

use super::{Doorkeeper, hosts, links::made, own::done};

/// Links that wait to be used; one more is refused.
const LINKS_MAX: usize = 100;

pub(super) type Answer = Result<Result<Done, String>, StoreError>;

pub(super) async fn ask(door: &Doorkeeper, by: Guest, ask: DoorAsk, via: Via) -> Answer {
    let (action, about) = match &ask {
        DoorAsk::Invite { .. } | DoorAsk::TakeBack { .. } => (Action::Invite, None),
        DoorAsk::Recover { actor } => (Action::Recover, Some(*actor)),
        DoorAsk::Lock { actor, .. } => (Action::Lock, Some(*actor)),
        DoorAsk::Unlock { actor, .. } => (Action::Unlock, Some(*actor)),
        DoorAsk::EndAll { actor } => (Action::EndLogin, Some(*actor)),
        DoorAsk::Host { actor, .. } => (Action::Grant, Some(*actor)),
        // Answered elsewhere: about oneself.
        _ => return Ok(Err("this is about yourself; ask on the page of your account".to_owned())),
    };
    let policy = Policy::of(&door.definitions.current().site);
    let who = person(&by.account, &by.session);
    if let Err(refusal) = decide(&policy, &who, action, Target::Site, door.clock.now()) {
        return Ok(Err(refusal.to_string()));
    }
    let account = match about {
        None => None,
        Some(actor) => match door.accounts.account(actor).await? {
            Some(account) => Some(account),
            None => return Ok(Err("there is nobody of this id; they may have been erased".to_owned())),
        },
    };
    match (ask, account) {
        (DoorAsk::Invite { name, role }, _) => invite(door, (&policy, &who), &by, &name, &role, via).await,
        (DoorAsk::TakeBack { link }, _) => take_back(door, &by, &link, via).await,
        (DoorAsk::Recover { .. }, Some(account)) => recover(door, (&policy, &who), &by, account, via).await,
        (DoorAsk::Lock { reason, .. }, Some(account)) => lock(door, &by, account, reason, via).await,
        (DoorAsk::Unlock { reason, .. }, Some(account)) => unlock(door, &by, account, reason, via).await,
        (DoorAsk::Host { user, linked: true, .. }, Some(account)) => hosts::link(door, &by, account, &user, via).await,
        (DoorAsk::Host { user, .. }, Some(account)) => hosts::unlink(door, &by, account, &user, via).await,
        (_, Some(account)) => end_all(door, &by, account, via).await,
        (_, None) => Ok(Err("it is not said whom this is about".to_owned())),
    }
}

/// Why a link may not be handed on: whoever uses it would have more rights than who made it.
fn too_much((policy, who): (&Policy, &Who), name: &str, grants: &[Grant]) -> Option<String> {
    let beyond = policy.beyond(who, name, grants).words();
    let sentence = || {
        format!(
            "{name} would have rights that you lack: {}; who has the right `grant` may make this link",
            beyond.join(", ")
        )
    };
    (!beyond.is_empty()).then(sentence)
}

async fn invite(door: &Doorkeeper, rights: (&Policy, &Who), by: &Guest, text: &str, role: &str, via: Via) -> Answer {
    let name = match name::name(text) {
        Ok(name) => name,
        Err(reason) => return Ok(Err(reason)),
    };
    if rights.0.role(role).is_empty() {
        return Ok(Err(format!("there is no role `{role}`")));
    }
    let grants = vec![Grant::of(role)];
    if let Some(refused) = too_much(rights, &name, &grants) {
        return Ok(Err(refused));
    }
    let key = name::key(&name);
    if door.accounts.account_called(&key).await?.is_some() {
        return Ok(Err(format!("the name `{name}`, or one that looks like it, is taken")));
    }
    let open = door.accounts.links().await?;
    let same = |link: &&Link| matches!(&link.purpose, Purpose::Invite { name, .. } if name::key(name) == key);
    if open.len() >= LINKS_MAX {
        return Ok(Err(format!("{LINKS_MAX} links wait to be used; take some back first")));
    }
    let old: Vec<Link> = open.iter().filter(same).cloned().collect();
    give(door, by, Purpose::Invite { name, grants }, old, Stream::of("site", "links"), via).await
}

async fn recover(door: &Doorkeeper, rights: (&Policy, &Who), by: &Guest, account: Account, via: Via) -> Answer {
    if account.actor == by.account.actor {
        return Ok(Err("nobody lets themself in again; another owner does".to_owned()));
    }
    if let Some(refused) = too_much(rights, &account.name, &account.grants) {
        return Ok(Err(refused));
    }
    let purpose = Purpose::Recover { actor: account.actor };
    let old = door.accounts.links().await?.into_iter().filter(|link| link.purpose == purpose).collect();
    give(door, by, purpose, old, Stream::of("person", account.actor), via).await
}

/// Makes a link in the place of those that were made before for the same.
async fn give(door: &Doorkeeper, by: &Guest, purpose: Purpose, old: Vec<Link>, stream: Stream, via: Via) -> Answer {
    let mut batch = Batch::by(by.account.actor, via);
    let (token, link) = door.link_for(purpose, by.account.actor);
    let mut events = Vec::new();
    for old in old {
        batch.door.push(DoorChange::LinkGone(old.digest));
        events.push(AccountEvent::LinkGone { link: old.short(), why: "a newer one was made".to_owned() });
    }
    batch.door.push(DoorChange::LinkMade(link.clone()));
    events.push(made(&link));
    door.tell_in(&mut batch, stream, None, events);
    door.journal.append(batch).await?;
    let said = "hand this link on by a way that you trust; it works once and is not shown again".to_owned();
    Ok(Ok(Done { said, link: Some(token) }))
}

async fn take_back(door: &Doorkeeper, by: &Guest, short: &str, via: Via) -> Answer {
    let links = door.accounts.links().await?;
    let Some(link) = links.iter().find(|link| link.short() == short && link_works(link, door.clock.now())) else {
        return Ok(Err("there is no such link; it was used or is too old".to_owned()));
    };
    let mut batch = Batch::by(by.account.actor, via);
    batch.door.push(DoorChange::LinkGone(link.digest));
    let gone = AccountEvent::LinkGone { link: link.short(), why: "taken back".to_owned() };
    door.tell_in(&mut batch, Stream::of("site", "links"), None, [gone]);
    done(door, batch, "the link does not work any more").await
}

async fn lock(door: &Doorkeeper, by: &Guest, account: Account, reason: String, via: Via) -> Answer {
    let now = door.clock.now();
    if account.locked_at.is_some() {
        return Ok(Err(format!("{} is locked already", account.name)));
    }
    let others = door.accounts.accounts().await?;
    let remains = |other: &&Account| other.actor != account.actor && other.is_owner() && other.locked_at.is_none();
    let remains = others.iter().find(remains).filter(|_| account.is_owner()).cloned();
    if account.is_owner() && remains.is_none() {
        return Ok(Err("this is the last owner; nobody could unlock anybody any more".to_owned()));
    }
    let said = format!("{} is locked, and all their sessions have ended", account.name);
    let actor = account.actor;
    let mut batch = Batch::by(by.account.actor, via);
    batch.door.push(DoorChange::Account(Account { version: account.version + 1, locked_at: Some(now), ..account }));
    // Who remains is changed with it: two owners who lock each other at the same moment cannot both be written.
    batch.door.extend(remains.map(|other| DoorChange::Account(Account { version: other.version + 1, ..other })));
    batch.door.push(DoorChange::SessionsEnded(actor, None));
    let links = door.accounts.links().await?;
    let theirs = links.iter().filter(|link| link.made_by == actor || link.purpose == Purpose::Recover { actor });
    batch.door.extend(theirs.map(|link| DoorChange::LinkGone(link.digest)));
    door.tell(&mut batch, actor, [AccountEvent::Locked { reason }]);
    done(door, batch, &said).await
}

async fn unlock(door: &Doorkeeper, by: &Guest, account: Account, reason: String, via: Via) -> Answer {
    if account.locked_at.is_none() {
        return Ok(Err(format!("{} is not locked", account.name)));
    }
    let (actor, said) = (account.actor, format!("{} may sign in again", account.name));
    let mut batch = Batch::by(by.account.actor, via);
    batch.door.push(DoorChange::Account(Account { version: account.version + 1, locked_at: None, ..account }));
    door.tell(&mut batch, actor, [AccountEvent::Unlocked { reason }]);
    done(door, batch, &said).await
}

async fn end_all(door: &Doorkeeper, by: &Guest, account: Account, via: Via) -> Answer {
    let sessions = door.accounts.sessions(account.actor).await?;
    if sessions.is_empty() {
        return Ok(Err(format!("{} has no session", account.name)));
    }
    let (actor, said) = (account.actor, format!("all sessions of {} have ended", account.name));
    let mut batch = Batch::by(by.account.actor, via);
    // Whoever signs in at this moment has to do it again.
    batch.door.push(DoorChange::Account(Account { version: account.version + 1, ..account }));
    batch.door.push(DoorChange::SessionsEnded(actor, None));
    let ended =
        |short: String| AccountEvent::SessionEnded { session: short, why: "ended by another person".to_owned() };
    door.tell(&mut batch, actor, sessions.iter().map(|session| ended(session.short())));
    done(door, batch, &said).await
}
