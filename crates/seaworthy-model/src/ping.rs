//! Pings: what something outside says of itself by asking for an address that holds a key.
//!
//! The key is a secret: here it is read and hashed, and only its hash goes further. This module must not know HTTP nor
//! what a ping leads to.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

use crate::process::hex;

/// A key of sixteen random bytes, written as a UUID or as 22 letters, digits, `-` and `_`.
#[derive(Clone, PartialEq, Eq)]
pub struct PingKey([u8; 16]);

/// Never shows a value.
impl std::fmt::Debug for PingKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PingKey(…)")
    }
}

const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

impl PingKey {
    /// A key of these random bytes; six bits of it say that it is a random UUID (RFC 9562, version 4).
    pub fn of(mut random: [u8; 16]) -> PingKey {
        random[6] = random[6] & 0x0f | 0x40;
        random[8] = random[8] & 0x3f | 0x80;
        PingKey(random)
    }

    /// A key as an address has it; `None`: it cannot be one.
    pub fn parse(text: &str) -> Option<PingKey> {
        if text.len() == 36 {
            let dashes = [8, 13, 18, 23].iter().all(|at| text.as_bytes()[*at] == b'-');
            let digits: String = text.chars().filter(|c| *c != '-').collect();
            return (dashes && digits.len() == 32 && digits.bytes().all(|b| b.is_ascii_hexdigit()))
                .then(|| Self::of_hex(&digits))
                .flatten();
        }
        if text.len() != 22 {
            return None;
        }
        let mut bits = 0_u128;
        for (at, letter) in text.bytes().enumerate() {
            let value = LETTERS.iter().position(|known| *known == letter)? as u128;
            // 22 letters hold 132 bits: the last four must be zero.
            let (value, width) = if at == 21 { ((value & 0xf == 0).then_some(value >> 4)?, 2) } else { (value, 6) };
            bits = bits << width | value;
        }
        Some(PingKey(bits.to_be_bytes()))
    }

    fn of_hex(digits: &str) -> Option<PingKey> {
        u128::from_str_radix(digits, 16).ok().map(|bits| PingKey(bits.to_be_bytes()))
    }

    /// As a UUID.
    pub fn uuid(&self) -> String {
        let digits = hex(&self.0);
        let parts = [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]];
        parts.join("-")
    }

    /// As 22 letters, which is how an address with a name in it has it.
    pub fn letters(&self) -> String {
        let bits = u128::from_be_bytes(self.0);
        let mut text = String::with_capacity(22);
        for at in 0..22 {
            let value = if at == 21 { bits << 4 } else { bits >> (122 - 6 * at) };
            let _ = text.write_char(char::from(LETTERS[(value & 0x3f) as usize]));
        }
        text
    }

    /// What is kept of it. The key has 122 random bits, so its hash tells nothing.
    pub fn digest(&self) -> String {
        hex(&Sha256::new().chain_update(b"seaworthy ping key\n").chain_update(self.0).finalize())
    }
}

/// What a ping says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    Start,
    Success,
    Fail,
    /// Something to keep beside the run; it says nothing about how it goes.
    Log,
    /// The exit code of a command.
    Exit(u8),
}

/// Most bytes of one ping's body that are kept.
pub const BODY_BYTES_MAX: usize = 10_000;
/// Longest id that a sender may give to one of its runs, in bytes.
pub const RID_BYTES_MAX: usize = 64;

/// One ping, without its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ping {
    /// [`PingKey::digest`].
    pub digest: String,
    /// The name of the process, if the address has it.
    pub slug: Option<String>,
    pub told: Told,
    /// Which of its runs the sender speaks of.
    pub rid: Option<String>,
    /// The first [`BODY_BYTES_MAX`] of it.
    pub body: Vec<u8>,
    /// Bytes of the body beyond that.
    pub dropped: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_two_spellings_and_one_hash() {
        for seed in 0..=255_u8 {
            let key =
                PingKey::of(std::array::from_fn(|at| seed.wrapping_mul(37).wrapping_add((at as u8).wrapping_mul(29))));
            assert_eq!(PingKey::parse(&key.uuid()), Some(key.clone()));
            assert_eq!(PingKey::parse(&key.letters()), Some(key.clone()), "{}", key.letters());
            assert_eq!(PingKey::parse(&key.uuid().to_uppercase()), Some(key));
        }
    }

    #[test]
    fn what_is_no_key_is_none() {
        let long = "é".repeat(11);
        let uuid_like = "zzzzzzzz-zzzz-zzzz-zzzz-zzzzzzzzzzzz";
        for text in [
            "",
            "start",
            uuid_like,
            "0123456789012345678901",
            &long,
            "+0000000-0000-0000-0000-000000000000",
            "é---------------------------------é",
        ] {
            assert_eq!(PingKey::parse(text), None, "{text}");
        }
        assert!(!format!("{:?}", PingKey::of([7; 16])).contains('7'));
    }
}
