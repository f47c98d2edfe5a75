//! Accounts: who may come in, what proves that it is them, and their login sessions.
//!
//! What is kept of a token or a link is its hash, of a password its slow hash, of other secrets what only the sealing
//! key opens. This module must not know how anything is verified nor who may do what.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::{access::Grant, id::ActorId, process::hex, time::At, tree::Hash};

/// A random text that opens something for whoever has it. Only its hash is kept.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

/// Never shows a value.
impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

impl Token {
    /// Random bytes that a token is made of.
    pub const BYTES: usize = 32;

    /// The token of these random bytes.
    pub fn of(random: [u8; Token::BYTES]) -> Token {
        Token(hex(&random))
    }

    /// A token as somebody shows it; `None`: it cannot be one.
    pub fn parse(text: &str) -> Option<Token> {
        let digits = text.len() == 2 * Token::BYTES && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        digits.then(|| Token(text.to_owned()))
    }

    /// As it is handed over, once.
    pub fn text(&self) -> &str {
        &self.0
    }

    /// What is kept of it. It has 256 random bits, so its hash tells nothing.
    pub fn digest(&self) -> Hash {
        Hash(Sha256::new().chain_update(b"seaworthy token\n").chain_update(&self.0).finalize().into())
    }

    /// Another secret text that only whoever has the token can know, such as the one in the forms of a session.
    pub fn derived(&self, purpose: &str) -> String {
        hex(&crate::hmac::hmac_sha256(self.0.as_bytes(), &[b"seaworthy derived\n", purpose.as_bytes()]))
    }
}

/// What somebody typed to prove who they are.
#[derive(Clone, PartialEq, Eq)]
pub struct Typed(pub String);

/// Never shows a value.
impl fmt::Debug for Typed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Typed(…)")
    }
}

/// A person who may come in.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    pub actor: ActorId,
    /// Grows by one with each change: of two changes that were made from the same state one is refused.
    pub version: u64,
    /// As it was written. Erased with the name in the personal table.
    pub name: String,
    /// The name by which accounts are told apart: two names that look alike have the same.
    pub key: String,
    /// Besides what the site file gives to the name.
    pub grants: Vec<Grant>,
    pub made_at: At,
    pub last_sign_in: Option<At>,
    /// Since when nobody comes in as this person.
    pub locked_at: Option<At>,
    /// Slow hash of the password.
    pub password: Option<String>,
    pub codes: Option<Codes>,
    pub passkeys: Vec<Passkey>,
    /// Users of the host whose acts at the command line are this person's.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hosts: Vec<HostUser>,
}

/// A user of the host, linked to the account of one person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostUser {
    /// `os:NAME@HOST`. Erased with the account's name.
    pub name: String,
    /// As which the journal has what was done before the link.
    pub actor: ActorId,
    /// Who linked it.
    pub by: ActorId,
}

/// Never shows what proves a person.
impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account")
            .field("actor", &self.actor)
            .field("version", &self.version)
            .field("grants", &self.grants)
            .field("locked_at", &self.locked_at)
            .finish_non_exhaustive()
    }
}

impl Account {
    /// The word of the role that may do everything.
    pub const OWNER: &'static str = "owner";

    /// Words of its roles.
    pub fn roles(&self) -> Vec<String> {
        self.grants.iter().map(|grant| grant.role.clone()).collect()
    }

    pub fn is_owner(&self) -> bool {
        self.grants.contains(&Grant::of(Account::OWNER))
    }
}

/// The one-time codes of an authenticator program (RFC 6238).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Codes {
    /// The shared secret, sealed.
    pub sealed: String,
    /// Number of the newest code that was used: neither it nor an older one is taken again.
    pub step: u64,
}

/// A key pair that lives in a device of the person; we know the public half.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Passkey {
    /// Given by the device, in hex.
    pub id: String,
    /// Public key (COSE), in hex.
    pub key: String,
    /// Signatures so far, as the device counts them; 0 if it does not count.
    pub counter: u32,
    /// What its person calls it.
    pub label: String,
    pub made_at: At,
    pub used_at: Option<At>,
}

/// What a browser says of a key that was made, in hex.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attested {
    /// Its own words: `clientDataJSON`.
    pub client: String,
    /// The device's: `authenticatorData`.
    pub authenticator: String,
}

/// What a browser says of a key that was used, in hex.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asserted {
    /// [`Passkey::id`].
    pub id: String,
    pub client: String,
    pub authenticator: String,
    pub signature: String,
}

/// For whom keys are made and used: this site, as the browser calls it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Party {
    /// Its host name.
    pub name: String,
    /// `https://NAME:PORT`.
    pub origin: String,
    pub now: At,
}

/// How somebody came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum How {
    /// By the link that set the account up.
    SetUp,
    /// Password and one-time code.
    Password,
    Passkey,
    /// Another site said who it is.
    Oidc,
}

impl How {
    pub fn word(self) -> &'static str {
        match self {
            How::SetUp => "set-up link",
            How::Password => "password and code",
            How::Passkey => "passkey",
            How::Oidc => "OpenID Connect",
        }
    }
}

/// A login session: one browser or terminal of one person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// Hash of the token that its owner shows.
    pub digest: Hash,
    pub actor: ActorId,
    pub how: How,
    pub begun_at: At,
    /// When it was last used, to the minute.
    pub seen_at: At,
    /// When the person last proved that it is them.
    pub touched_at: At,
    /// Program and address it is used from, as they say.
    pub about: String,
}

impl Session {
    /// What names a session to people and in the journal; not enough to find it by.
    pub fn short(&self) -> String {
        self.digest.to_string()[..12].to_owned()
    }
}

/// What a link is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// The first owner sets an account up.
    Claim,
    /// A new person sets an account up, under this name: rights may be given to it already.
    Invite { name: String, grants: Vec<Grant> },
    /// A known person sets new proofs up; all old ones go.
    Recover { actor: ActorId },
}

/// A link that works once, for a while.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    pub digest: Hash,
    pub purpose: Purpose,
    pub made_by: ActorId,
    pub made_at: At,
    pub until: At,
}

impl Link {
    /// What names a link to people and in the journal; not enough to use it.
    pub fn short(&self) -> String {
        self.digest.to_string()[..12].to_owned()
    }
}

/// What changes, in the same transaction as the entries that say so.
#[derive(Debug, Clone, PartialEq)]
pub enum DoorChange {
    /// Version 1: a new account; refused if its actor or key is taken. Else: refused unless it follows on what is kept.
    Account(Account),
    SessionBegun(Session),
    /// Seen or touched again; nothing if it has ended meanwhile.
    SessionSeen(Session),
    /// Ends it, if it is still there.
    SessionEnded(Hash),
    /// Ends all of a person but one.
    SessionsEnded(ActorId, Option<Hash>),
    LinkMade(Link),
    /// Takes the link; refused if it is gone.
    LinkUsed(Hash),
    /// Takes it back, if it is still there.
    LinkGone(Hash),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_not_shown_and_not_guessed_from_what_is_kept() {
        let token = Token::of([7; 32]);
        assert_eq!(Token::parse(token.text()), Some(token.clone()));
        assert!(!format!("{token:?}").contains("07"));
        assert!(!token.digest().to_string().contains(token.text()));
        assert_ne!(token.derived("form"), token.derived("other"));
        for text in ["", "07", &"07".repeat(33), &"0G".repeat(32), &"AB".repeat(32)] {
            assert_eq!(Token::parse(text), None, "{text}");
        }
    }
}
