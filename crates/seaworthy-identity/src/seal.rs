//! Sealing of secrets that must be read again: ChaCha20-Poly1305 under a key that is kept apart from them.
//!
//! This module must not know what is sealed.

use ring::{
    aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    rand::{SecureRandom as _, SystemRandom},
};
use seaworthy_model::process::hex;

use crate::bytes_of;

/// Written in front of what is sealed, and authenticated with it: the form may change one day.
const FORM: &str = "sealed-1-";

pub struct SealingKey(LessSafeKey);

impl SealingKey {
    pub fn of(key: &[u8; 32]) -> SealingKey {
        let key = UnboundKey::new(&CHACHA20_POLY1305, key).expect("the key has the length of this cipher");
        SealingKey(LessSafeKey::new(key))
    }

    pub fn seal(&self, plain: &[u8]) -> String {
        let mut nonce = [0; NONCE_LEN];
        SystemRandom::new().fill(&mut nonce).expect("the kernel gives randomness");
        let mut text = plain.to_vec();
        let sealing = Nonce::assume_unique_for_key(nonce);
        self.0.seal_in_place_append_tag(sealing, Aad::from(FORM), &mut text).expect("a short text fits this cipher");
        format!("{FORM}{}{}", hex(&nonce), hex(&text))
    }

    pub fn open(&self, sealed: &str) -> Option<Vec<u8>> {
        let mut bytes = bytes_of(sealed.strip_prefix(FORM)?)?;
        if bytes.len() < NONCE_LEN {
            return None;
        }
        let mut text = bytes.split_off(NONCE_LEN);
        let nonce = Nonce::try_assume_unique_for_key(&bytes).ok()?;
        let plain = self.0.open_in_place(nonce, Aad::from(FORM), &mut text).ok()?;
        Some(plain.to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_opens_under_its_key_alone_and_unchanged() {
        let key = SealingKey::of(&[7; 32]);
        let sealed = key.seal(b"secret");
        assert_eq!(key.open(&sealed).as_deref(), Some(&b"secret"[..]));
        assert_ne!(sealed, key.seal(b"secret"), "no nonce is used twice");
        assert_eq!(SealingKey::of(&[8; 32]).open(&sealed), None);
        for at in 0..sealed.len() {
            let mut other = sealed.clone().into_bytes();
            other[at] = if other[at] == b'0' { b'1' } else { b'0' };
            assert_eq!(key.open(&String::from_utf8(other).unwrap()), None, "byte {at}");
        }
        for wrong in ["", FORM, "sealed-1-00", "sealed-1-é"] {
            assert_eq!(key.open(wrong), None, "{wrong}");
        }
    }
}
