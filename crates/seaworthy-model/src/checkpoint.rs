//! Checkpoints: a signed statement of how long the journal is and what its tree's root is.
//!
//! The text is the C2SP tlog-checkpoint in a C2SP signed note, so that other people's verifiers can read
//! it. This module must not know keys: signing is a port.

use sha2::{Digest as _, Sha256};

use crate::{time::At, tree::Hash};

/// What is signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// Names this log: `seaworthy/NODE`.
    pub origin: String,
    pub size: u64,
    pub root: Hash,
    /// Extension line, so that silence is visible.
    pub at: At,
}

impl Checkpoint {
    /// The note body: origin, size, base64 root, one extension line; each ended by LF.
    pub fn body(&self) -> String {
        format!("{}\n{}\n{}\nat {}\n", self.origin, self.size, base64(&self.root.0), self.at.0)
    }

    /// The whole note: body, empty line, one signature line.
    ///
    /// `signature` is Ed25519 over [`Checkpoint::body`]; the key hash is that of C2SP signed-note for type 0x01.
    pub fn note(&self, key: &[u8; 32], signature: &[u8; 64]) -> String {
        let mut blob = key_hash(&self.origin, key).to_vec();
        blob.extend_from_slice(signature);
        format!("{}\n\u{2014} {} {}\n", self.body(), self.origin, base64(&blob))
    }

    /// Reads a note back: the checkpoint, the signed body, key hash and signature.
    ///
    /// # Errors
    /// A sentence that says which line is not as it should be.
    pub fn parse(note: &str) -> Result<(Checkpoint, Signed), String> {
        let (body, tail) = note.split_once("\n\n").ok_or("a checkpoint needs an empty line before its signature")?;
        let body = format!("{body}\n");
        let mut lines = body.lines();
        let origin = lines.next().filter(|l| !l.is_empty()).ok_or("the origin line is missing")?.to_owned();
        let size = lines.next().and_then(|l| l.parse().ok()).ok_or("the size line is not a number")?;
        let root = lines
            .next()
            .and_then(unbase64)
            .and_then(|b| b.try_into().ok())
            .map(Hash)
            .ok_or("the root line is not 32 bytes in base64")?;
        let at = lines
            .next()
            .and_then(|l| l.strip_prefix("at "))
            .and_then(|l| l.parse().ok())
            .map(At)
            .ok_or("the time line is missing")?;
        let line =
            tail.lines().next().and_then(|l| l.strip_prefix("\u{2014} ")).ok_or("the signature line is missing")?;
        let (name, blob) = line.rsplit_once(' ').ok_or("the signature line has no signature")?;
        if name != origin {
            return Err(format!("signed by `{name}`, but the log is `{origin}`"));
        }
        let blob = unbase64(blob).filter(|b| b.len() == 68).ok_or("the signature is not 68 bytes in base64")?;
        let mut signed = Signed { body, key_hash: [0; 4], signature: [0; 64] };
        signed.key_hash.copy_from_slice(&blob[..4]);
        signed.signature.copy_from_slice(&blob[4..]);
        Ok((Checkpoint { origin, size, root, at }, signed))
    }
}

/// What a verifier needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    pub body: String,
    pub key_hash: [u8; 4],
    pub signature: [u8; 64],
}

/// First four bytes of `SHA-256(name || LF || 0x01 || key)` (C2SP signed-note).
pub fn key_hash(name: &str, key: &[u8; 32]) -> [u8; 4] {
    let digest = Sha256::new().chain_update(name).chain_update(b"\n\x01").chain_update(key).finalize();
    [digest[0], digest[1], digest[2], digest[3]]
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Standard base64 with padding.
pub fn base64(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let n = chunk.iter().fold(0u32, |n, b| (n << 8) | u32::from(*b)) << (8 * (3 - chunk.len()));
        for i in 0..4 {
            let six = (n >> (18 - 6 * i)) & 63;
            out.push(if i <= chunk.len() { char::from(ALPHABET[six as usize]) } else { '=' });
        }
    }
    out
}

/// Reads standard base64 with padding; `None` if it is anything else.
pub fn unbase64(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(4) {
        return None;
    }
    let trimmed = text.trim_end_matches('=');
    if text.len() - trimmed.len() > 2 {
        return None;
    }
    let (mut out, mut bits, mut n) = (Vec::with_capacity(trimmed.len() * 3 / 4), 0u32, 0u32);
    for c in trimmed.bytes() {
        let six = ALPHABET.iter().position(|a| *a == c)? as u32;
        n = (n << 6) | six;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            out.push((n >> bits) as u8);
            n &= (1 << bits) - 1;
        }
    }
    (n == 0).then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_equals_the_rfc_vectors() {
        for (plain, coded) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(base64(plain.as_bytes()), coded);
            assert_eq!(unbase64(coded).as_deref(), Some(plain.as_bytes()));
        }
        assert_eq!(unbase64("Zh=="), None, "left-over bits must be zero");
        assert_eq!(unbase64("Z"), None);
    }

    #[test]
    fn a_note_survives_its_text() {
        let checkpoint = Checkpoint { origin: "seaworthy/x".into(), size: 7, root: Hash([9; 32]), at: At(5) };
        let note = checkpoint.note(&[1; 32], &[2; 64]);
        let (back, signed) = Checkpoint::parse(&note).unwrap();
        assert_eq!(back, checkpoint);
        assert_eq!(signed.body, checkpoint.body());
        assert_eq!(signed.key_hash, key_hash("seaworthy/x", &[1; 32]));
        assert!(Checkpoint::parse("nonsense").is_err());
    }
}
