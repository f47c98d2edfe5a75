//! The ways in: by a link that sets an account up, by password and one-time code.
//!
//! Whatever is wrong with a name, a password or a code, the answer is the same and takes as long. This module must
//! not know how a proof is checked, nor what whoever is in may do.

use seaworthy_core::account::{
    hold::link_works,
    name::{self, key},
};
use seaworthy_model::{
    access::Grant,
    account::{Account, Codes, DoorChange, HostUser, How, Link, Purpose, Session, Token, Typed},
    entry::{Stream, Via},
    event::AccountEvent,
    id::ActorId,
    port::{Batch, Busy, Entered, Entering, Guest, StoreError, Visitor},
    time::{At, Span},
};

use super::{Doorkeeper, PROGRAM_CHARS_MAX, name_person, passkey};
use crate::writing::Ids;

/// Login sessions of one person; one more ends the one that was not used for longest.
const SESSIONS_MAX: usize = 20;
/// When there is no place among those who wait for a slow hash.
const BUSY_WAIT: Span = Span::seconds(5);
/// What is said to whoever is not let in.
const WRONG: &str = "name, password and code do not fit together; a code works once and for half a minute";
const LINK_GONE: &str = "this link does not work any more: it was used, taken back, or is too old; ask for a new one";

pub(super) async fn enter(door: &Doorkeeper, entering: Entering, visitor: Visitor) -> Result<Entered, StoreError> {
    match entering {
        Entering::Passkey { actor, shown, party } => passkey::sign_in(door, actor, &shown, &party, &visitor).await,
        Entering::Password { name, password, code } => sign_in(door, &name, password, &code, &visitor).await,
        Entering::SetUp { link, name, password, sealed, code } => {
            let new = New { name, password, sealed, code };
            set_up(door, &link, new, &visitor).await
        }
    }
}

async fn sign_in(
    door: &Doorkeeper,
    name: &str,
    password: Typed,
    code: &Typed,
    visitor: &Visitor,
) -> Result<Entered, StoreError> {
    let key = key(&name.chars().take(name::NAME_CHARS_MAX).collect::<String>());
    let now = door.clock.now();
    let place = format!("{key} from {}", visitor.source);
    if let Err(after) = door.tries().begin(&place, now) {
        return Ok(Entered::Later { after });
    }
    let account = door.accounts.account_called(&key).await?;
    let hash = account.as_ref().and_then(|account| account.password.clone());
    let Ok(right) = door.proofs.is(password, hash).await else {
        door.tries().given_up(&place);
        return Ok(Entered::Later { after: BUSY_WAIT });
    };
    let account = account.filter(|account| right && account.locked_at.is_none());
    let step = account.as_ref().and_then(|account| step_of(door, account, code, now));
    if let (Some(account), Some(step)) = (&account, step) {
        let mut account = account.clone();
        account.codes = account.codes.map(|codes| Codes { step, ..codes });
        let entered = begin(door, account, How::Password, visitor, now).await;
        match entered {
            Ok(entered) => {
                door.tries().passed(&place);
                return Ok(entered);
            }
            // The same code at the same moment, or the account was locked meanwhile.
            Err(StoreError::Refused { .. }) => {}
            Err(other) => return Err(other),
        }
    }
    refused(door, &key, now).await?;
    Ok(Entered::no(WRONG))
}

pub(super) fn step_of(door: &Doorkeeper, account: &Account, code: &Typed, now: At) -> Option<u64> {
    let codes = account.codes.as_ref()?;
    door.proofs.code(&door.code_secret(&codes.sealed)?, code, now, codes.step)
}

/// Writes down that somebody was not let in as this person, if there is one.
pub(super) async fn refused(door: &Doorkeeper, key: &str, now: At) -> Result<(), StoreError> {
    let Some(account) = door.accounts.account_called(key).await? else {
        tracing::info!("somebody tried to sign in by a name that nobody has");
        return Ok(());
    };
    let count = {
        let mut refusals = door.memory.refusals.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        refusals.count(account.actor, now)
    };
    let Some(count) = count else { return Ok(()) };
    let reason = if account.locked_at.is_some() { "the account is locked" } else { "wrong password or code" };
    // Nobody is known to have acted: the entry is by the one it is about, through no session.
    let mut batch = Batch::by(account.actor, Via::Node);
    door.tell(&mut batch, account.actor, [AccountEvent::SignInRefused { reason: reason.to_owned(), count }]);
    door.journal.append(batch).await.map(drop)
}

/// A new session of a person whose proof was right. Refused by the store if the account changed meanwhile.
pub(super) async fn begin(
    door: &Doorkeeper,
    account: Account,
    how: How,
    visitor: &Visitor,
    now: At,
) -> Result<Entered, StoreError> {
    let mut batch = Batch::by(account.actor, Via::Web);
    let account = Account { version: account.version + 1, last_sign_in: Some(now), ..account };
    batch.door.push(DoorChange::Account(account.clone()));
    let (token, session) = session(door, account.actor, how, visitor, now);
    let signed_in = AccountEvent::SignedIn { session: session.short(), how };
    let mut events = vec![signed_in];
    let mut old = door.accounts.sessions(account.actor).await?;
    old.sort_by_key(|session| session.seen_at);
    let over = (old.len() + 1).saturating_sub(SESSIONS_MAX);
    let had = visitor.had.as_ref().map(Token::digest);
    for (at, gone) in old.iter().enumerate().filter(|(at, gone)| *at < over || Some(gone.digest) == had) {
        let why = if at < over { "too many sessions" } else { "a new one began in its place" };
        batch.door.push(DoorChange::SessionEnded(gone.digest));
        events.push(AccountEvent::SessionEnded { session: gone.short(), why: why.to_owned() });
    }
    batch.door.push(DoorChange::SessionBegun(session.clone()));
    door.tell(&mut batch, account.actor, events);
    door.journal.append(batch).await?;
    Ok(Entered::In { token, guest: Box::new(Guest { account, session }) })
}

fn session(door: &Doorkeeper, actor: ActorId, how: How, visitor: &Visitor, now: At) -> (Token, Session) {
    let token = door.token();
    let program: String = visitor.program.chars().filter(|c| !c.is_control()).take(PROGRAM_CHARS_MAX).collect();
    let about = format!("{program}, from {}", visitor.source);
    let digest = token.digest();
    (token, Session { digest, actor, how, begun_at: now, seen_at: now, touched_at: now, about })
}

/// What a person brings to a link.
struct New {
    name: String,
    password: Typed,
    sealed: String,
    code: Typed,
}

async fn set_up(door: &Doorkeeper, token: &Token, new: New, visitor: &Visitor) -> Result<Entered, StoreError> {
    let now = door.clock.now();
    let link = door.accounts.link(token.digest()).await?.filter(|link| link_works(link, now));
    let Some(link) = link else { return Ok(Entered::no(LINK_GONE)) };
    let known = match &link.purpose {
        Purpose::Recover { actor } => match door.accounts.account(*actor).await? {
            Some(account) => Some(account),
            None => return Ok(Entered::no(LINK_GONE)),
        },
        _ => None,
    };
    let name = match (&known, &link.purpose) {
        (Some(account), _) => Ok(account.name.clone()),
        (None, Purpose::Invite { name, .. }) => Ok(name.clone()),
        (None, _) => name::name(&new.name),
    };
    let name = match name.and_then(|name| acceptable(door, &name, &new.password).map(|()| name)) {
        Ok(name) => name,
        Err(reason) => return Ok(Entered::No { reason }),
    };
    if known.is_none() && door.accounts.account_called(&key(&name)).await?.is_some() {
        return Ok(Entered::no(format!("the name `{name}`, or one that looks like it, is taken; choose another")));
    }
    let step = door.code_secret(&new.sealed).and_then(|secret| door.proofs.code(&secret, &new.code, now, 0));
    let Some(step) = step else {
        return Ok(Entered::no(
            "this code does not fit the secret below; take it into an authenticator program and type the six digits that it shows now",
        ));
    };
    if let Some(old) = known.as_ref().and_then(|account| account.password.clone()) {
        match door.proofs.is(new.password.clone(), Some(old)).await {
            Ok(true) => return Ok(Entered::no("this is the old password; choose another")),
            Ok(false) => {}
            Err(Busy) => return Ok(Entered::Later { after: BUSY_WAIT }),
        }
    }
    let Ok(hash) = door.proofs.hash(new.password).await else { return Ok(Entered::Later { after: BUSY_WAIT }) };
    let mut account = account(door, &link, known, &name, now);
    // Who made the link for the first owner at the command line is who claims the site by it.
    if link.purpose == Purpose::Claim
        && let Some((name, _)) = door.journal.person(link.made_by).await?
    {
        account.hosts.push(HostUser { name, actor: link.made_by, by: account.actor });
    }
    let account = Account { password: Some(hash), codes: Some(Codes { sealed: new.sealed, step }), ..account };
    match keep(door, &link, account, visitor, now).await {
        Err(StoreError::Refused { .. } | StoreError::Conflict { .. }) => Ok(Entered::no(LINK_GONE)),
        other => other,
    }
}

/// Whether a password may be this person's.
pub(super) fn acceptable(door: &Doorkeeper, name: &str, password: &Typed) -> Result<(), String> {
    name::password(&password.0)?;
    let site = door.definitions.current().site.name.clone();
    match door.proofs.guessable(password, &[name, &site, "seaworthy"]) {
        Some(reason) => Err(reason),
        None => Ok(()),
    }
}

fn account(door: &Doorkeeper, link: &Link, known: Option<Account>, name: &str, now: At) -> Account {
    if let Some(known) = known {
        return Account { version: known.version + 1, passkeys: vec![], last_sign_in: Some(now), ..known };
    }
    let grants = match &link.purpose {
        Purpose::Invite { grants, .. } => grants.clone(),
        _ => vec![Grant::of(Account::OWNER)],
    };
    let mut ten = [0; 10];
    door.chance.fill(&mut ten);
    Account {
        actor: ActorId::new(now, &ten),
        version: 1,
        name: name.to_owned(),
        key: key(name),
        grants,
        made_at: now,
        last_sign_in: Some(now),
        locked_at: None,
        password: None,
        codes: None,
        passkeys: vec![],
        hosts: vec![],
    }
}

/// All of it or nothing: the link is used, the account is there, its person is in.
async fn keep(
    door: &Doorkeeper,
    link: &Link,
    account: Account,
    visitor: &Visitor,
    now: At,
) -> Result<Entered, StoreError> {
    let actor = account.actor;
    let mut batch = Batch::by(actor, Via::Web);
    batch.door.push(DoorChange::LinkUsed(link.digest));
    batch.door.push(DoorChange::Account(account.clone()));
    let (token, session) = session(door, actor, How::SetUp, visitor, now);
    let signed_in = AccountEvent::SignedIn { session: session.short(), how: How::SetUp };
    if matches!(link.purpose, Purpose::Recover { .. }) {
        batch.door.push(DoorChange::SessionsEnded(actor, None));
        let all = "password, codes and passkeys".to_owned();
        let changed = AccountEvent::ProofChanged { proof: all, change: format!("set anew by link {}", link.short()) };
        door.tell(&mut batch, actor, [changed, signed_in]);
    } else {
        let ids = Ids::new(door.clock.clone(), door.chance.clone());
        name_person(&ids, &*door.chance, now, &mut batch, actor, &account.name);
        let made = AccountEvent::Made { actor, roles: account.roles(), link: link.short() };
        let linked = account.hosts.iter().map(|user| AccountEvent::HostLinked { user: user.actor });
        door.tell(&mut batch, actor, [made].into_iter().chain(linked).chain([signed_in]));
    }
    if link.purpose == Purpose::Claim {
        let once = Stream::of("site", "owner");
        door.tell_in(&mut batch, once, Some(0), [AccountEvent::Claimed { actor }]);
    }
    batch.door.push(DoorChange::SessionBegun(session.clone()));
    door.journal.append(batch).await?;
    Ok(Entered::In { token, guest: Box::new(Guest { account, session }) })
}
