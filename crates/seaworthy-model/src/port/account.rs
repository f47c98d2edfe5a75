//! The ports around accounts: what is kept of them, what proves a person, and the door that pages knock at.
//!
//! This module must not know how a proof is verified nor where accounts are kept.

use super::{Fut, StoreError};
use crate::{
    account::{Account, Asserted, Attested, Link, Party, Passkey, Session, Token, Typed},
    entry::Via,
    id::ActorId,
    time::{At, Span},
    tree::Hash,
};

/// Reads what [`DoorChange`](crate::account::DoorChange)s have made. At most 1,000 rows each.
pub trait Accounts: Send + Sync {
    fn account(&self, actor: ActorId) -> Fut<'_, Result<Option<Account>, StoreError>>;
    /// By the key of its name.
    fn account_called(&self, key: &str) -> Fut<'_, Result<Option<Account>, StoreError>>;
    /// By key.
    fn accounts(&self) -> Fut<'_, Result<Vec<Account>, StoreError>>;
    fn session(&self, digest: Hash) -> Fut<'_, Result<Option<Session>, StoreError>>;
    /// Of one person, by hash.
    fn sessions(&self, actor: ActorId) -> Fut<'_, Result<Vec<Session>, StoreError>>;
    fn link(&self, digest: Hash) -> Fut<'_, Result<Option<Link>, StoreError>>;
    /// By hash.
    fn links(&self) -> Fut<'_, Result<Vec<Link>, StoreError>>;
}

/// Too many wait for the same; try again later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Busy;

/// Verifies what proves a person, and seals what is kept of it. Decides nothing.
pub trait Proofs: Send + Sync {
    /// Slow hash of a password.
    fn hash(&self, password: Typed) -> Fut<'_, Result<String, Busy>>;
    /// Whether the password has this hash. `None` takes as long and is always no.
    fn is(&self, password: Typed, hash: Option<String>) -> Fut<'_, Result<bool, Busy>>;
    /// Why a password would be guessed soon, in words that say what to do; `about`: words that everybody would try.
    fn guessable(&self, password: &Typed, about: &[&str]) -> Option<String>;
    /// For what has to be read again.
    fn seal(&self, plain: &[u8]) -> String;
    /// `None`: not sealed by us, or changed.
    fn open(&self, sealed: &str) -> Option<Vec<u8>>;
    /// The number of this one-time code if it is right at this time (a neighbour counts too) and newer than `after`.
    fn code(&self, secret: &[u8], code: &Typed, now: At, after: u64) -> Option<u64>;
    /// The challenge that a new key answers, and the key; `Err` says why not.
    fn passkey_made(&self, shown: &Attested, party: &Party) -> Result<(String, Passkey), String>;
    /// The challenge that this key signed, and its counter by now; `Err` says why not.
    fn passkey_used(&self, key: &Passkey, shown: &Asserted, party: &Party) -> Result<(String, u32), String>;
}

/// A visitor, as far as can be seen from outside.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Visitor {
    /// The address that the request comes from, or its network.
    pub source: String,
    /// The program that asks, as it says.
    pub program: String,
    /// The login session that it had before; it ends when a new one begins.
    pub had: Option<Token>,
}

/// A new secret for one-time codes, not yet anybody's.
#[derive(Clone, PartialEq, Eq)]
pub struct Fresh {
    /// To be given back with the form.
    pub sealed: String,
    /// As a person types it into an authenticator program.
    pub base32: String,
}

/// Somebody who is in.
#[derive(Debug, Clone, PartialEq)]
pub struct Guest {
    pub account: Account,
    pub session: Session,
}

/// A way in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entering {
    /// By a link, with what will prove the person from now on.
    SetUp {
        link: Token,
        name: String,
        password: Typed,
        /// [`Fresh::sealed`] and a code of it.
        sealed: String,
        code: Typed,
    },
    Password {
        name: String,
        password: Typed,
        code: Typed,
    },
    Passkey {
        /// Whose key it is, as the device says.
        actor: ActorId,
        shown: Asserted,
        party: Party,
    },
}

/// What came of knocking.
#[derive(Debug, Clone, PartialEq)]
pub enum Entered {
    In {
        token: Token,
        guest: Box<Guest>,
    },
    /// A sentence.
    No {
        reason: String,
    },
    /// Not before this time has passed, whoever it is.
    Later {
        after: Span,
    },
}

impl Entered {
    pub fn no(reason: impl Into<String>) -> Entered {
        Entered::No { reason: reason.into() }
    }
}

/// What a person may ask of the door.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DoorAsk {
    /// Ends one of the own sessions, by the start of its hash.
    EndSession {
        session: String,
    },
    /// Ends all own sessions but the one that asks.
    EndOthers,
    SignOut,
    /// Proves again that it is them, for what only a moment ago counts.
    Touch {
        password: Typed,
        code: Typed,
    },
    /// A new passkey of theirs.
    AddPasskey {
        shown: Attested,
        party: Party,
        label: String,
    },
    /// One of theirs goes, by its id.
    RemovePasskey {
        id: String,
    },
    /// A new password; all other sessions end.
    Password {
        old: Typed,
        new: Typed,
        code: Typed,
    },
    /// A link by which a new person sets an account up.
    Invite {
        name: String,
        role: String,
    },
    /// A link by which a known person sets up anew what was lost.
    Recover {
        actor: ActorId,
    },
    /// Takes a link back, by the start of its hash.
    TakeBack {
        link: String,
    },
    Lock {
        actor: ActorId,
        reason: String,
    },
    Unlock {
        actor: ActorId,
        reason: String,
    },
    /// Ends all sessions of another person.
    EndAll {
        actor: ActorId,
    },
    /// What this user of the host (`NAME`) does at the command line is that person's from now on, or no more.
    Host {
        actor: ActorId,
        user: String,
        linked: bool,
    },
}

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Done {
    /// A sentence.
    pub said: String,
    /// The link that was made, to be handed on: it is not shown again.
    pub link: Option<Token>,
}

impl Done {
    pub fn said(sentence: impl Into<String>) -> Done {
        Done { said: sentence.into(), link: None }
    }
}

/// Lets people in, or not. Every act that changes something is an entry.
pub trait Door: Send + Sync {
    /// Whether there is an owner. Until then nobody has to sign in.
    fn claimed(&self) -> Fut<'_, Result<bool, StoreError>>;
    /// Who has this token of a login session that still holds. `active`: the person does something, so that the session
    /// is not idle.
    fn guest(&self, token: &Token, active: bool) -> Fut<'_, Result<Option<Guest>, StoreError>>;
    /// The purpose of a link that still works.
    fn link(&self, token: &Token) -> Fut<'_, Result<Option<Link>, StoreError>>;
    /// A secret for one-time codes; with `sealed` the one that was made before.
    fn fresh(&self, sealed: Option<&str>) -> Fresh;
    /// What a passkey is to sign now, once: to come in, or (`of`) to be made for somebody who is in.
    fn challenge(&self, of: Option<ActorId>) -> String;
    fn enter(&self, entering: Entering, visitor: Visitor) -> Fut<'_, Result<Entered, StoreError>>;
    /// `Err(reason)` inside if it is refused.
    fn ask(&self, by: Guest, ask: DoorAsk, via: Via) -> Fut<'_, Result<Result<Done, String>, StoreError>>;
}
