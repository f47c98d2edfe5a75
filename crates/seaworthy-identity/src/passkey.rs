//! Passkeys: what a browser says of a key pair that was made, or used (WebAuthn Level 3, sections 7.1 and 7.2).
//!
//! Attestation is not asked for, so a new key is believed as far as the session is that brings it. This module must not
//! know whose key it is, nor which challenges were given out: it says which one was signed.

mod cose;

use seaworthy_model::{
    account::{Asserted, Attested, Party, Passkey},
    process::hex,
};
use sha2::{Digest as _, Sha256};

use crate::bytes_of;

/// Longest text of a browser that is looked at.
const BYTES_MAX: usize = 8 * 1024;
/// The person was there; the device made sure that it is them.
const PRESENT: u8 = 0x01;
const VERIFIED: u8 = 0x04;
/// What follows is a new key.
const WITH_KEY: u8 = 0x40;

/// A key that a browser says was made: challenge, id and public key in hex, counter.
pub fn made(shown: &Attested, party: &Party) -> Result<(String, Passkey), String> {
    let challenge = client(&shown.client, "webauthn.create", party)?.challenge;
    let data = read(&shown.authenticator)?;
    let (flags, counter) = authenticator(&data, party)?;
    let rest = data.get(37..).filter(|_| flags & WITH_KEY != 0).ok_or("there is no key in it")?;
    let length = rest.get(16..18).map(|two| usize::from(u16::from_be_bytes([two[0], two[1]])));
    let length = length.ok_or("its id is cut off")?;
    let id = rest.get(18..18 + length).ok_or("its id is cut off")?;
    let key = &rest[18 + length..];
    cose::Key::read(key).ok_or("its kind of key is not known here")?;
    let passkey =
        Passkey { id: hex(id), key: hex(key), counter, label: String::new(), made_at: party.now, used_at: None };
    Ok((challenge, passkey))
}

/// The challenge that this key signed, and the counter of the device by now.
pub fn used(key: &Passkey, shown: &Asserted, party: &Party) -> Result<(String, u32), String> {
    let challenge = client(&shown.client, "webauthn.get", party)?.challenge;
    let (data, said) = (read(&shown.authenticator)?, read(&shown.client)?);
    let (_, counter) = authenticator(&data, party)?;
    let message = [&data[..], &Sha256::digest(&said)[..]].concat();
    let known = bytes_of(&key.key).as_deref().and_then(cose::Key::read).ok_or("its key is not known here")?;
    if !known.signed(&message, &read(&shown.signature)?) {
        return Err("the signature is not that of the key".to_owned());
    }
    // Devices that do not count say 0 for ever.
    if (counter, key.counter) != (0, 0) && counter <= key.counter {
        return Err("its counter did not grow: it was copied, or this was used before".to_owned());
    }
    Ok((challenge, counter))
}

struct Client {
    challenge: String,
}

/// What the browser vouches for: what it was asked to do, by which page.
fn client(text: &str, kind: &str, party: &Party) -> Result<Client, String> {
    let json: serde_json::Value =
        serde_json::from_slice(&read(text)?).map_err(|_| "the browser's words are no JSON")?;
    let field = |name: &str| json.get(name).and_then(serde_json::Value::as_str).unwrap_or_default();
    if field("type") != kind {
        return Err(format!("it is not of the kind {kind}"));
    }
    if field("origin") != party.origin || json.get("crossOrigin").is_some_and(|cross| cross.as_bool() != Some(false)) {
        return Err("it was made for another site".to_owned());
    }
    let challenge = base64url(field("challenge")).and_then(|bytes| String::from_utf8(bytes).ok());
    Ok(Client { challenge: challenge.ok_or("it has no challenge of ours")? })
}

/// Flags and counter, if it is about this site and the device made sure of the person.
fn authenticator(data: &[u8], party: &Party) -> Result<(u8, u32), String> {
    let head: &[u8; 37] = data.first_chunk().ok_or("what the device says is cut off")?;
    if head[..32] != Sha256::digest(&party.name)[..] {
        return Err("it is a key of another site".to_owned());
    }
    let flags = head[32];
    if flags & (PRESENT | VERIFIED) != PRESENT | VERIFIED {
        return Err("the device did not make sure that it is its person".to_owned());
    }
    Ok((flags, u32::from_be_bytes([head[33], head[34], head[35], head[36]])))
}

fn read(hex: &str) -> Result<Vec<u8>, String> {
    let bytes = if hex.len() <= 2 * BYTES_MAX { bytes_of(hex) } else { None };
    bytes.ok_or_else(|| "what the browser sent cannot be read".to_owned())
}

/// RFC 4648, section 5, without padding.
fn base64url(text: &str) -> Option<Vec<u8>> {
    let (mut bits, mut count, mut out) = (0_u32, 0, Vec::new());
    for letter in text.bytes() {
        let value = match letter {
            b'A'..=b'Z' => letter - b'A',
            b'a'..=b'z' => letter - b'a' + 26,
            b'0'..=b'9' => letter - b'0' + 52,
            b'-' => 62,
            b'_' => 63,
            _ => return None,
        };
        (bits, count) = (bits << 6 & 0xffff | u32::from(value), count + 6);
        if count >= 8 {
            count -= 8;
            out.push((bits >> count) as u8);
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests;
