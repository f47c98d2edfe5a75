//! The real clock, real chance and the real key: where the world enters.
//!
//! This module must not decide anything with them.

use std::{
    fs,
    io::Write as _,
    os::unix::fs::OpenOptionsExt,
    path::Path,
    sync::OnceLock,
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use ed25519_dalek::{Signature, Signer as _, SigningKey, Verifier as _, VerifyingKey};
use seaworthy_model::{
    port::{Chance, Clock, Fut, Signer},
    process::hex,
    time::{At, Span},
};

use sha2::{Digest as _, Sha256};

use crate::trouble::Trouble;

/// The system's clocks.
pub struct RealClock;

fn began() -> Instant {
    static BEGAN: OnceLock<Instant> = OnceLock::new();
    *BEGAN.get_or_init(Instant::now)
}

impl Clock for RealClock {
    fn now(&self) -> At {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        At(i64::try_from(since.as_nanos()).unwrap_or(i64::MAX))
    }

    fn elapsed(&self) -> Span {
        Span(u64::try_from(began().elapsed().as_nanos()).unwrap_or(u64::MAX))
    }

    fn sleep(&self, span: Span) -> Fut<'static, ()> {
        Box::pin(tokio::time::sleep(span.to_std()))
    }
}

/// The system's randomness.
pub struct RealChance;

impl Chance for RealChance {
    fn fill(&self, bytes: &mut [u8]) {
        // The kernel's generator does not fail once it is seeded; ids without chance would be a silent fault.
        getrandom::fill(bytes).expect("the kernel gives randomness");
    }
}

/// The key that signs checkpoints, kept beside the journal with mode 0600.
pub struct KeyFile(SigningKey);

impl KeyFile {
    /// Reads the key, or makes one for a new data folder.
    ///
    /// # Errors
    /// When the file cannot be read or made, or is not a key.
    pub fn open(file: &Path) -> Result<KeyFile, Trouble> {
        if file.exists() { Self::read(file) } else { Self::make(file) }
    }

    /// Reads a key that must be there: one who only verifies makes none, and under a new one every checkpoint of an
    /// old journal would look forged.
    ///
    /// # Errors
    /// When the file cannot be read or is not a key.
    pub fn read(file: &Path) -> Result<KeyFile, Trouble> {
        let text = fs::read_to_string(file).map_err(|e| {
            Trouble::start(format!(
                "the key {} of this journal cannot be read ({e}); put it back from a copy that `seaworthy backup` made",
                file.display()
            ))
        })?;
        let bytes = seaworthy_model::tree::Hash::parse(text.trim()).ok_or_else(|| {
            Trouble::start(format!("{} is not a key of 64 hex digits; restore it from a backup", file.display()))
        })?;
        Ok(KeyFile(SigningKey::from_bytes(&bytes.0)))
    }

    fn make(file: &Path) -> Result<KeyFile, Trouble> {
        let mut seed = [0; 32];
        RealChance.fill(&mut seed);
        // Under another name first: whoever is killed here leaves no half of a key behind.
        let draft = file.with_extension(format!("draft-{}", hex(&seed[..8])));
        let written = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft).and_then(|mut f| {
            RealChance.fill(&mut seed);
            f.write_all(format!("{}\n", hex(&seed)).as_bytes())?;
            f.sync_all()?;
            fs::hard_link(&draft, file)?;
            file.parent().map_or(Ok(()), |folder| fs::File::open(folder)?.sync_all())
        });
        // Only tidiness: a draft says nothing.
        let _ = fs::remove_file(&draft);
        match written {
            Ok(()) => Ok(KeyFile(SigningKey::from_bytes(&seed))),
            // Two first starts at the same moment: the other one's key counts.
            Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => Self::read(file),
            Err(e) => Err(Trouble::start(format!("the key {} cannot be made ({e})", file.display()))),
        }
    }
}

impl KeyFile {
    /// The key that seals what has to be read again: secrets of one-time codes. Lost with this file, never with the
    /// journal: who has the journal alone opens none of them.
    pub fn sealing(&self) -> [u8; 32] {
        Sha256::new().chain_update(b"seaworthy sealing 1\n").chain_update(self.0.to_bytes()).finalize().into()
    }

    /// Ten bytes that stand for `text`: always the same, and without the private key nobody can test a guess.
    /// HMAC-like: the secret goes in first, and a purpose keeps uses apart.
    pub fn blind(&self, purpose: &str, text: &str) -> [u8; 10] {
        let secret = Sha256::new().chain_update(b"seaworthy blind 1\n").chain_update(self.0.to_bytes()).finalize();
        let inner =
            Sha256::new().chain_update(secret).chain_update(purpose).chain_update([0]).chain_update(text).finalize();
        let outer = Sha256::new().chain_update(secret).chain_update(inner).finalize();
        let mut ten = [0; 10];
        ten.copy_from_slice(&outer[..10]);
        ten
    }
}

impl Signer for KeyFile {
    fn key(&self) -> [u8; 32] {
        self.0.verifying_key().to_bytes()
    }

    fn sign(&self, bytes: &[u8]) -> [u8; 64] {
        self.0.sign(bytes).to_bytes()
    }
}

/// Whether `signature` over `bytes` was made with the private half of `key`.
pub fn signed_by(key: &[u8; 32], bytes: &[u8], signature: &[u8; 64]) -> bool {
    VerifyingKey::from_bytes(key).is_ok_and(|key| key.verify(bytes, &Signature::from_bytes(signature)).is_ok())
}
