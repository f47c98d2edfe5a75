//! The hand that verifies people: passwords, one-time codes, passkeys, and the sealing of what is kept of them.
//!
//! It says whether a proof is right and never what follows: who may come in is decided in core, who may do what
//! elsewhere. This crate must not know where accounts are kept, any page, or any other hand. Primitives are ring's and
//! argon2's; nothing here invents one.

mod code;
mod passkey;
mod password;
mod seal;

use seaworthy_model::{
    account::{Asserted, Attested, Party, Passkey, Typed},
    port::{Busy, Fut, Proofs},
    time::At,
};

use crate::{password::Hashers, seal::SealingKey};

/// What verifies people on this host.
pub struct Identity {
    hashers: Hashers,
    sealing: SealingKey,
}

impl Identity {
    /// `key`: 32 secret bytes that are kept apart from the accounts. Starts the threads that hash.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn new(key: &[u8; 32]) -> std::io::Result<Identity> {
        Ok(Identity { hashers: Hashers::start()?, sealing: SealingKey::of(key) })
    }
}

impl Proofs for Identity {
    fn hash(&self, password: Typed) -> Fut<'_, Result<String, Busy>> {
        Box::pin(self.hashers.hash(password))
    }

    fn is(&self, password: Typed, hash: Option<String>) -> Fut<'_, Result<bool, Busy>> {
        Box::pin(self.hashers.is(password, hash))
    }

    fn guessable(&self, password: &Typed, about: &[&str]) -> Option<String> {
        password::guessable(&password.0, about)
    }

    fn seal(&self, plain: &[u8]) -> String {
        self.sealing.seal(plain)
    }

    fn open(&self, sealed: &str) -> Option<Vec<u8>> {
        self.sealing.open(sealed)
    }

    fn code(&self, secret: &[u8], code: &Typed, now: At, after: u64) -> Option<u64> {
        code::matching(secret, &code.0, now, after)
    }

    fn passkey_made(&self, shown: &Attested, party: &Party) -> Result<(String, Passkey), String> {
        passkey::made(shown, party)
    }

    fn passkey_used(&self, key: &Passkey, shown: &Asserted, party: &Party) -> Result<(String, u32), String> {
        passkey::used(key, shown, party)
    }
}

/// Two digits per byte, back to bytes.
fn bytes_of(hex: &str) -> Option<Vec<u8>> {
    if !hex.is_ascii() || !hex.len().is_multiple_of(2) {
        return None;
    }
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).ok()).collect()
}

/// Whether two texts are equal, without telling by the time it takes how much of them is.
fn same(one: &[u8], other: &[u8]) -> bool {
    one.len() == other.len() && one.iter().zip(other).fold(0, |sum, (a, b)| sum | (a ^ b)) == 0
}
