//! The door: who comes in, with which proof, and for how long. Reads and writes accounts through ports.
//!
//! How long things hold and who has to wait is decided in core, proofs are verified behind a port. This module must not
//! know any page, nor who may do what once they are in.

mod enter;
mod hosts;
mod links;
mod others;
mod own;
mod passkey;
mod refusals;

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use seaworthy_core::account::{
    hold::{link_works, seen_again, session_holds},
    throttle::Throttle,
};
use seaworthy_model::{
    account::{DoorChange, Link, Session, Token},
    entry::{Stream, Via},
    event::{AccountEvent, Event},
    id::ActorId,
    port::{
        Accounts, Batch, Chance, Clock, Definitions, Done, Door, DoorAsk, Entered, Entering, Fresh, Fut, Guest,
        Journal, Proofs, StoreError, Visitor,
    },
    process::hex,
    time::At,
};
use sha2::{Digest as _, Sha256};

use crate::writing::Ids;

/// Random bytes of a secret for one-time codes (RFC 4226 asks for 20).
const CODE_SECRET_BYTES: usize = 20;
/// Sealed in front of such a secret, so that nothing else that we sealed passes for one.
const CODE_SECRET: &[u8] = b"codes\0";
/// Longest text about the program of a session that is kept, in characters.
const PROGRAM_CHARS_MAX: usize = 120;

/// `os:NAME@HOST` of a user's name, and the actor that it is.
pub type HostUserOf = Arc<dyn Fn(&str) -> (String, ActorId) + Send + Sync>;

/// Keeps the door of one site.
pub struct Doorkeeper {
    pub journal: Arc<dyn Journal>,
    pub accounts: Arc<dyn Accounts>,
    pub proofs: Arc<dyn Proofs>,
    pub clock: Arc<dyn Clock>,
    pub chance: Arc<dyn Chance>,
    pub definitions: Arc<dyn Definitions>,
    pub host_user: HostUserOf,
    /// What only this process remembers. Forgetting it costs nobody but who guesses.
    pub memory: Memory,
}

/// What is remembered between knocks.
#[derive(Default)]
pub struct Memory {
    /// There is an owner; that does not change back while we live.
    claimed: AtomicBool,
    tries: Mutex<Throttle>,
    refusals: Mutex<refusals::Refusals>,
    challenges: Mutex<passkey::Signed>,
}

impl Door for Doorkeeper {
    fn claimed(&self) -> Fut<'_, Result<bool, StoreError>> {
        Box::pin(async {
            if !self.memory.claimed.load(Ordering::Relaxed) {
                let claimed = self.accounts.accounts().await?.iter().any(|account| account.is_owner());
                self.memory.claimed.fetch_or(claimed, Ordering::Relaxed);
            }
            Ok(self.memory.claimed.load(Ordering::Relaxed))
        })
    }

    fn guest(&self, token: &Token, active: bool) -> Fut<'_, Result<Option<Guest>, StoreError>> {
        let digest = token.digest();
        Box::pin(async move {
            let Some(session) = self.accounts.session(digest).await? else { return Ok(None) };
            let Some(account) = self.accounts.account(session.actor).await? else { return Ok(None) };
            let now = self.clock.now();
            if !session_holds(&session, &account, now) {
                return Ok(None);
            }
            let mut guest = Guest { account, session };
            if active && seen_again(&guest.session, now) {
                guest.session.seen_at = now;
                self.see(&guest.session).await?;
            }
            Ok(Some(guest))
        })
    }

    fn link(&self, token: &Token) -> Fut<'_, Result<Option<Link>, StoreError>> {
        let digest = token.digest();
        Box::pin(async move {
            let link = self.accounts.link(digest).await?;
            Ok(link.filter(|link| link_works(link, self.clock.now())))
        })
    }

    fn fresh(&self, sealed: Option<&str>) -> Fresh {
        let known = sealed.and_then(|sealed| Some((sealed.to_owned(), self.code_secret(sealed)?)));
        let (sealed, secret) = known.unwrap_or_else(|| {
            let mut secret = vec![0; CODE_SECRET_BYTES];
            self.chance.fill(&mut secret);
            (self.proofs.seal(&[CODE_SECRET, &secret].concat()), secret)
        });
        Fresh { sealed, base32: base32(&secret) }
    }

    fn challenge(&self, of: Option<ActorId>) -> String {
        passkey::challenge(self, of)
    }

    fn enter(&self, entering: Entering, visitor: Visitor) -> Fut<'_, Result<Entered, StoreError>> {
        Box::pin(enter::enter(self, entering, visitor))
    }

    fn ask(&self, by: Guest, ask: DoorAsk, via: Via) -> Fut<'_, Result<Result<Done, String>, StoreError>> {
        Box::pin(own::ask(self, by, ask, via))
    }
}

impl Doorkeeper {
    fn code_secret(&self, sealed: &str) -> Option<Vec<u8>> {
        self.proofs.open(sealed)?.strip_prefix(CODE_SECRET).map(<[u8]>::to_vec)
    }

    /// Only for people to see; no entry.
    async fn see(&self, session: &Session) -> Result<(), StoreError> {
        let mut batch = Batch::by(session.actor, Via::Node);
        batch.door.push(DoorChange::SessionSeen(session.clone()));
        self.journal.append(batch).await.map(drop)
    }

    fn tries(&self) -> MutexGuard<'_, Throttle> {
        self.memory.tries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn token(&self) -> Token {
        let mut random = [0; Token::BYTES];
        self.chance.fill(&mut random);
        Token::of(random)
    }

    /// Adds what happened to a person to a batch.
    fn tell(&self, batch: &mut Batch, about: ActorId, events: impl IntoIterator<Item = AccountEvent>) {
        self.tell_in(batch, Stream::of("person", about), None, events);
    }

    fn tell_in(
        &self,
        batch: &mut Batch,
        stream: Stream,
        expected: Option<u64>,
        events: impl IntoIterator<Item = AccountEvent>,
    ) {
        let ids = Ids::new(self.clock.clone(), self.chance.clone());
        batch.writes.push(ids.write(stream, expected, self.clock.now(), events.into_iter().map(Event::Account)));
    }
}

/// Adds a person's name to a batch: the name to the erasable table, its salted digest to the history.
pub fn name_person(ids: &Ids, chance: &dyn Chance, at: At, batch: &mut Batch, actor: ActorId, name: &str) {
    let mut salt = [0; 16];
    chance.fill(&mut salt);
    let salt = hex(&salt);
    let digest = hex(&Sha256::new().chain_update(&salt).chain_update(b"\n").chain_update(name).finalize());
    batch.people.push((actor, salt, name.to_owned()));
    batch.writes.push(ids.write(Stream::of("person", actor), None, at, [Event::ActorNamed { actor, digest }]));
}

/// RFC 4648, as authenticator programs take it: capitals without padding.
fn base32(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let mut text = String::new();
    for five in bytes.chunks(5) {
        let mut bits = [0; 8];
        bits[3..3 + five.len()].copy_from_slice(five);
        let bits = u64::from_be_bytes(bits);
        let letters = (five.len() * 8).div_ceil(5);
        text.extend((0..letters).map(|at| char::from(LETTERS[(bits >> (35 - 5 * at) & 31) as usize])));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::base32;

    #[test]
    fn base32_equals_the_vectors_of_rfc_4648() {
        for (plain, text) in [
            ("", ""),
            ("f", "MY"),
            ("fo", "MZXQ"),
            ("foo", "MZXW6"),
            ("foob", "MZXW6YQ"),
            ("fooba", "MZXW6YTB"),
            ("foobar", "MZXW6YTBOI"),
        ] {
            assert_eq!(base32(plain.as_bytes()), text);
        }
    }
}
