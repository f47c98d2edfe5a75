//! What a person may ask of the door about themself: end sessions, prove again that it is them, change the password.
//!
//! This module must not know rights: everybody may do this, about themself alone.

use seaworthy_model::{
    account::{Account, Codes, DoorChange, How, Session, Typed},
    entry::Via,
    event::AccountEvent,
    port::{Batch, Busy, Done, DoorAsk, Guest, StoreError},
};

use super::{
    Doorkeeper,
    enter::{acceptable, step_of},
    others, passkey,
};

pub(super) async fn ask(
    door: &Doorkeeper,
    by: Guest,
    ask: DoorAsk,
    via: Via,
) -> Result<Result<Done, String>, StoreError> {
    match ask {
        DoorAsk::SignOut => end(door, &by, via, "signed out", |session| session.digest == by.session.digest).await,
        DoorAsk::EndOthers => {
            end(door, &by, via, "ended with all others", |session| session.digest != by.session.digest).await
        }
        DoorAsk::EndSession { session: short } => {
            end(door, &by, via, "ended by its person", |session| session.short() == short).await
        }
        DoorAsk::Touch { password, code } => touch(door, by, password, &code, via).await,
        DoorAsk::Password { old, new, code } => change_password(door, by, old, new, &code, via).await,
        DoorAsk::AddPasskey { shown, party, label } => passkey::add(door, by, &shown, &party, &label, via).await,
        DoorAsk::RemovePasskey { id } => passkey::remove(door, by, &id, via).await,
        about_others => others::ask(door, by, about_others, via).await,
    }
}

async fn end(
    door: &Doorkeeper,
    by: &Guest,
    via: Via,
    why: &str,
    which: impl Fn(&Session) -> bool,
) -> Result<Result<Done, String>, StoreError> {
    let mut sessions = door.accounts.sessions(by.account.actor).await?;
    sessions.retain(which);
    if sessions.is_empty() {
        return Ok(Err("there is no such session of yours; it may have ended".to_owned()));
    }
    let mut batch = Batch::by(by.account.actor, via);
    let ended = |short: String| AccountEvent::SessionEnded { session: short, why: why.to_owned() };
    door.tell(&mut batch, by.account.actor, sessions.iter().map(|session| ended(session.short())));
    batch.door.extend(sessions.iter().map(|session| DoorChange::SessionEnded(session.digest)));
    door.journal.append(batch).await?;
    Ok(Ok(Done::said(why)))
}

/// The account with the code used up, if password and code are right. `Err` is a sentence.
async fn proven(
    door: &Doorkeeper,
    by: &Guest,
    password: Typed,
    code: &Typed,
) -> Result<Result<Account, String>, StoreError> {
    let (now, place) = (door.clock.now(), format!("{} is in", by.account.actor));
    if let Err(after) = door.tries().begin(&place, now) {
        return Ok(Err(format!("too many tries; the next one counts in {} s", after.0.div_ceil(1_000_000_000))));
    }
    let Some(account) = door.accounts.account(by.account.actor).await? else {
        return Ok(Err("your account is gone".to_owned()));
    };
    match door.proofs.is(password, account.password.clone()).await {
        Err(Busy) => {
            door.tries().given_up(&place);
            return Ok(Err("too many sign in at this moment; try again in some seconds".to_owned()));
        }
        Ok(true) => {}
        Ok(false) => return Ok(Err("password and code do not fit together; a code works once".to_owned())),
    }
    let Some(step) = step_of(door, &account, code, now) else {
        return Ok(Err("password and code do not fit together; a code works once".to_owned()));
    };
    door.tries().passed(&place);
    let codes = account.codes.clone().map(|codes| Codes { step, ..codes });
    Ok(Ok(Account { version: account.version + 1, codes, ..account }))
}

async fn touch(
    door: &Doorkeeper,
    by: Guest,
    password: Typed,
    code: &Typed,
    via: Via,
) -> Result<Result<Done, String>, StoreError> {
    let account = match proven(door, &by, password, code).await? {
        Ok(account) => account,
        Err(reason) => return Ok(Err(reason)),
    };
    let now = door.clock.now();
    let session = Session { touched_at: now, seen_at: now, ..by.session };
    let mut batch = Batch::by(account.actor, via);
    let touched = AccountEvent::Touched { session: session.short(), how: How::Password };
    door.tell(&mut batch, account.actor, [touched]);
    batch.door.extend([DoorChange::Account(account), DoorChange::SessionSeen(session)]);
    done(door, batch, "you proved that it is you; that counts for ten minutes").await
}

async fn change_password(
    door: &Doorkeeper,
    by: Guest,
    old: Typed,
    new: Typed,
    code: &Typed,
    via: Via,
) -> Result<Result<Done, String>, StoreError> {
    if old == new {
        return Ok(Err("this is the old password; choose another".to_owned()));
    }
    if let Err(reason) = acceptable(door, &by.account.name, &new) {
        return Ok(Err(reason));
    }
    let account = match proven(door, &by, old, code).await? {
        Ok(account) => account,
        Err(reason) => return Ok(Err(reason)),
    };
    let Ok(hash) = door.proofs.hash(new).await else {
        return Ok(Err("too many sign in at this moment; try again in some seconds".to_owned()));
    };
    let actor = account.actor;
    let mut batch = Batch::by(actor, via);
    batch.door.push(DoorChange::Account(Account { password: Some(hash), ..account }));
    batch.door.push(DoorChange::SessionsEnded(actor, Some(by.session.digest)));
    let changed =
        AccountEvent::ProofChanged { proof: "password".into(), change: "changed; other sessions ended".into() };
    door.tell(&mut batch, actor, [changed]);
    done(door, batch, "the password is changed, and all other sessions have ended").await
}

/// Writes it. Another change of the same account at the same moment wins.
pub(super) async fn done(door: &Doorkeeper, batch: Batch, said: &str) -> Result<Result<Done, String>, StoreError> {
    match door.journal.append(batch).await {
        Ok(_) => Ok(Ok(Done::said(said))),
        Err(StoreError::Refused { .. }) => Ok(Err("the account was changed at the same moment; try again".to_owned())),
        Err(other) => Err(other),
    }
}
