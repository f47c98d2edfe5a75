//! Passkeys at the door: challenges that are signed once, keys that are added and removed, and coming in by one.
//!
//! A challenge is sealed, so that none has to be remembered until it was signed: a flood of questions takes no memory.
//! This module must not know what a signature is.

use std::{
    collections::BTreeMap,
    sync::{MutexGuard, PoisonError},
};

use seaworthy_core::account::hold::is_fresh;
use seaworthy_model::{
    account::{Account, Asserted, Attested, DoorChange, How, Party, Passkey},
    entry::Via,
    event::AccountEvent,
    id::ActorId,
    port::{Batch, Done, Entered, Guest, StoreError, Visitor},
    time::{At, Span},
};

use super::{
    Doorkeeper,
    enter::{begin, refused},
    own::done,
};

/// How long a challenge may be answered.
const ANSWER_WITHIN: Span = Span::seconds(300);
/// Sealed in front of a challenge, so that nothing else that we sealed passes for one.
const CHALLENGE: &str = "challenge";
/// Passkeys of one person.
const PASSKEYS_MAX: usize = 10;
/// Longest name of one, in characters.
const LABEL_CHARS_MAX: usize = 40;
const WRONG: &str = "this passkey does not open this site; sign in another way, or choose another";

/// Challenges that were signed, until they are too old anyway, and what tells this life of ours from the one before.
#[derive(Default)]
pub struct Signed {
    life: Option<[u8; 16]>,
    used: BTreeMap<String, At>,
}

fn signed(door: &Doorkeeper) -> MutexGuard<'_, Signed> {
    door.memory.challenges.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What all challenges of this life begin with: after a restart it is not known which were signed.
fn life(door: &Doorkeeper) -> u128 {
    let fresh = || {
        let mut bytes = [0; 16];
        door.chance.fill(&mut bytes);
        bytes
    };
    u128::from_be_bytes(*signed(door).life.get_or_insert_with(fresh))
}

pub(super) fn challenge(door: &Doorkeeper, of: Option<ActorId>) -> String {
    let whose = of.map_or_else(|| "anybody".to_owned(), |actor| actor.to_string());
    let until = door.clock.now() + ANSWER_WITHIN;
    door.proofs.seal(format!("{CHALLENGE}\n{}\n{whose}\n{}", life(door), until.0).as_bytes())
}

/// Whether this challenge was given out for that, not long ago, and is signed for the first time.
fn answered(door: &Doorkeeper, challenge: &str, of: Option<ActorId>) -> bool {
    let whose = of.map_or_else(|| "anybody".to_owned(), |actor| actor.to_string());
    let start = format!("{CHALLENGE}\n{}\n{whose}\n", life(door));
    let text = door.proofs.open(challenge).and_then(|plain| String::from_utf8(plain).ok());
    let until = text.and_then(|text| text.strip_prefix(&start)?.parse().ok()).map(At);
    let now = door.clock.now();
    let Some(until) = until.filter(|until| now < *until && until.since(now) <= ANSWER_WITHIN) else { return false };
    let mut signed = signed(door);
    signed.used.retain(|_, until| now < *until);
    signed.used.insert(challenge.to_owned(), until).is_none()
}

pub(super) async fn sign_in(
    door: &Doorkeeper,
    actor: ActorId,
    shown: &Asserted,
    party: &Party,
    visitor: &Visitor,
) -> Result<Entered, StoreError> {
    let now = door.clock.now();
    let place = format!("a passkey from {}", visitor.source);
    if let Some(after) = door.tries().wait(&place, now) {
        return Ok(Entered::Later { after });
    }
    let known = door.accounts.account(actor).await?;
    let entered = match known.clone().filter(|account| account.locked_at.is_none()) {
        Some(account) => proven(door, account, shown, party, now),
        None => None,
    };
    if let Some(account) = entered {
        match begin(door, account, How::Passkey, visitor, now).await {
            Ok(entered) => {
                door.tries().passed(&place);
                return Ok(entered);
            }
            // The account was changed meanwhile.
            Err(StoreError::Refused { .. }) => {}
            Err(other) => return Err(other),
        }
    }
    door.tries().failed(&place, now);
    if let Some(account) = known {
        refused(door, &account.key, now).await?;
    }
    Ok(Entered::no(WRONG))
}

/// The account with the counter of the key that was used.
fn proven(door: &Doorkeeper, mut account: Account, shown: &Asserted, party: &Party, now: At) -> Option<Account> {
    let key = account.passkeys.iter_mut().find(|key| key.id == shown.id)?;
    let (challenge, counter) = door.proofs.passkey_used(key, shown, party).ok()?;
    // Only what is signed counts as used, so that nobody else can use a challenge up.
    (key.counter, key.used_at) = (counter, Some(now));
    answered(door, &challenge, None).then_some(account)
}

pub(super) async fn add(
    door: &Doorkeeper,
    by: Guest,
    shown: &Attested,
    party: &Party,
    label: &str,
    via: Via,
) -> Result<Result<Done, String>, StoreError> {
    let account = by.account;
    if !is_fresh(&by.session, door.clock.now()) {
        return Ok(Err("prove first that it is you, below".to_owned()));
    }
    let (challenge, key) = match door.proofs.passkey_made(shown, party) {
        Ok(made) => made,
        Err(reason) => return Ok(Err(format!("the passkey was not taken: {reason}"))),
    };
    if !answered(door, &challenge, Some(account.actor)) {
        return Ok(Err("this took too long, or was sent twice; make the passkey again".to_owned()));
    }
    if account.passkeys.iter().any(|known| known.id == key.id) {
        return Ok(Err("you have this passkey already".to_owned()));
    }
    if account.passkeys.len() >= PASSKEYS_MAX {
        return Ok(Err(format!("at most {PASSKEYS_MAX} passkeys; remove one first")));
    }
    let label: String = label.chars().filter(|c| !c.is_control()).take(LABEL_CHARS_MAX).collect();
    let label = if label.trim().is_empty() { "passkey".to_owned() } else { label.trim().to_owned() };
    let mut passkeys = account.passkeys.clone();
    passkeys.push(Passkey { label, ..key });
    changed(door, Account { passkeys, ..account }, "added", "the passkey is yours", via).await
}

pub(super) async fn remove(
    door: &Doorkeeper,
    by: Guest,
    id: &str,
    via: Via,
) -> Result<Result<Done, String>, StoreError> {
    let account = by.account;
    if !is_fresh(&by.session, door.clock.now()) {
        return Ok(Err("prove first that it is you, below".to_owned()));
    }
    let mut passkeys = account.passkeys.clone();
    passkeys.retain(|key| key.id != id);
    if passkeys.len() == account.passkeys.len() {
        return Ok(Err("there is no such passkey of yours".to_owned()));
    }
    changed(door, Account { passkeys, ..account }, "removed", "the passkey opens nothing any more", via).await
}

async fn changed(
    door: &Doorkeeper,
    account: Account,
    change: &str,
    said: &str,
    via: Via,
) -> Result<Result<Done, String>, StoreError> {
    let account = Account { version: account.version + 1, ..account };
    let mut batch = Batch::by(account.actor, via);
    let event = AccountEvent::ProofChanged { proof: "passkey".to_owned(), change: change.to_owned() };
    door.tell(&mut batch, account.actor, [event]);
    batch.door.push(DoorChange::Account(account));
    done(door, batch, said).await
}
