//! Public keys as devices write them (COSE, RFC 9053), read from the little CBOR that they are made of, and their
//! signatures, verified by ring.
//!
//! This module must not know what was signed.

use ring::signature::{
    ECDSA_P256_SHA256_ASN1, ED25519, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents, UnparsedPublicKey,
};

/// The three kinds that devices make.
pub enum Key {
    /// ES256, as an uncompressed point.
    P256(Vec<u8>),
    /// EdDSA.
    Ed25519(Vec<u8>),
    /// RS256: modulus and exponent.
    Rsa(Vec<u8>, Vec<u8>),
}

/// Entries of the largest of these keys; a map with more is not read.
const ENTRIES_MAX: u64 = 8;

enum Value {
    Number(i64),
    Bytes(Vec<u8>),
}

impl Key {
    /// The key at the start of these bytes.
    pub fn read(bytes: &[u8]) -> Option<Key> {
        let mut rest = bytes;
        let (5, entries @ 0..=ENTRIES_MAX) = head(&mut rest)? else { return None };
        let mut map = Vec::new();
        for _ in 0..entries {
            let Value::Number(name) = value(&mut rest)? else { return None };
            map.push((name, value(&mut rest)?));
        }
        let number = |name: i64| {
            map.iter().find_map(|(key, value)| match value {
                Value::Number(number) if *key == name => Some(*number),
                _ => None,
            })
        };
        let text = |name: i64| {
            map.iter().find_map(|(key, value)| match value {
                Value::Bytes(bytes) if *key == name => Some(bytes.clone()),
                _ => None,
            })
        };
        let fits = |bytes: &Vec<u8>| bytes.len() == 32;
        match (number(1)?, number(3)?) {
            (2, -7) if number(-1)? == 1 => {
                let (x, y) = (text(-2).filter(fits)?, text(-3).filter(fits)?);
                Some(Key::P256([&[4][..], &x, &y].concat()))
            }
            (1, -8) if number(-1)? == 6 => Some(Key::Ed25519(text(-2).filter(fits)?)),
            (3, -257) => Some(Key::Rsa(text(-1)?, text(-2)?)),
            _ => None,
        }
    }

    /// Whether this key signed the message.
    pub fn signed(&self, message: &[u8], signature: &[u8]) -> bool {
        match self {
            Key::P256(point) => {
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, point).verify(message, signature).is_ok()
            }
            Key::Ed25519(key) => UnparsedPublicKey::new(&ED25519, key).verify(message, signature).is_ok(),
            Key::Rsa(n, e) => {
                let key = RsaPublicKeyComponents { n, e };
                key.verify(&RSA_PKCS1_2048_8192_SHA256, message, signature).is_ok()
            }
        }
    }
}

/// Kind and number of the next item (RFC 8949, section 3); lengths that are not said are not read.
fn head(rest: &mut &[u8]) -> Option<(u8, u64)> {
    let (first, mut more) = rest.split_first()?;
    let width = match first & 31 {
        small @ 0..=23 => {
            *rest = more;
            return Some((first >> 5, small.into()));
        }
        24 => 1,
        25 => 2,
        26 => 4,
        _ => return None,
    };
    let (number, after) = more.split_at_checked(width)?;
    more = after;
    *rest = more;
    Some((first >> 5, number.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte))))
}

fn value(rest: &mut &[u8]) -> Option<Value> {
    match head(rest)? {
        (0, number) => i64::try_from(number).ok().map(Value::Number),
        (1, number) => i64::try_from(number).ok().map(|number| Value::Number(-1 - number)),
        (2, length) => {
            let (bytes, after) = rest.split_at_checked(usize::try_from(length).ok()?)?;
            *rest = after;
            Some(Value::Bytes(bytes.to_vec()))
        }
        _ => None,
    }
}
