//! Passwords: hashed slowly with Argon2id, a few at a time, and judged by how soon they would be guessed.
//!
//! Each hash takes 19 MiB and tens of milliseconds on purpose. Threads of their own, with less right to the processor
//! than the rest, do it: a flood of tries takes neither memory nor time from the runs. This module keeps nothing,
//! and must not know whose password it is.

use std::sync::{
    Arc, Mutex,
    mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
};

use argon2::{Algorithm, Argon2, Block, Params, Version};
use ring::rand::{SecureRandom as _, SystemRandom};
use seaworthy_model::{account::Typed, port::Busy, process::hex};
use tokio::sync::oneshot;

use crate::{bytes_of, same};

/// What OWASP asks for at least: 19 MiB, two passes, one lane.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;
const SALT_BYTES: usize = 16;
const HASH_BYTES: usize = 32;
/// Hashes at the same time.
const THREADS: usize = 2;
/// Hashes that wait; one more is told to come later.
const WAITING_MAX: usize = 32;
/// How much the threads stand back, as `nice` counts.
const NICE: i32 = 10;
/// Guesses (as a power of ten) that a password must stand: ASVS asks for more than a list of the most common ones.
const GUESSES_LOG10_MIN: f64 = 9.0;
/// Characters that are looked at for that; what is longer is only better.
const LOOKED_AT_CHARS: usize = 72;

/// What one hash works in. Each thread keeps its own: given back and taken anew, the system's allocator keeps many of them.
type Memory = Vec<Block>;
type Job = Box<dyn FnOnce(&mut Memory) + Send>;

/// The threads that hash.
pub struct Hashers {
    jobs: SyncSender<Job>,
    /// Of a password that nobody has: who asks for an unknown name waits as long as who asks for a known one.
    nobody: String,
}

impl Hashers {
    pub fn start() -> std::io::Result<Hashers> {
        let (jobs, inbox) = sync_channel::<Job>(WAITING_MAX);
        let inbox = Arc::new(Mutex::new(inbox));
        for _ in 0..THREADS {
            let inbox = inbox.clone();
            std::thread::Builder::new().name("password".into()).spawn(move || work(&inbox))?;
        }
        let nobody = written(&[0; SALT_BYTES], &[0; HASH_BYTES]);
        Ok(Hashers { jobs, nobody })
    }

    pub async fn hash(&self, password: Typed) -> Result<String, Busy> {
        self.ask(move |memory| {
            let mut salt = [0; SALT_BYTES];
            SystemRandom::new().fill(&mut salt).expect("the kernel gives randomness");
            written(&salt, &slow(&password.0, &salt, memory))
        })
        .await
    }

    pub async fn is(&self, password: Typed, hash: Option<String>) -> Result<bool, Busy> {
        let known = hash.is_some();
        let hash = hash.unwrap_or_else(|| self.nobody.clone());
        let right = self.ask(move |memory| {
            let Some((salt, hash)) = read(&hash) else { return false };
            let tried = slow(&password.0, &salt, memory);
            same(&tried, &hash)
        });
        Ok(right.await? && known)
    }

    async fn ask<T: Send + 'static>(&self, work: impl FnOnce(&mut Memory) -> T + Send + 'static) -> Result<T, Busy> {
        let (answer, answered) = oneshot::channel();
        // Whoever does not wait any more is not worked for.
        let job: Job = Box::new(move |memory| {
            if !answer.is_closed() {
                drop(answer.send(work(memory)));
            }
        });
        match self.jobs.try_send(job) {
            Ok(()) => answered.await.map_err(|_| Busy),
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => Err(Busy),
        }
    }
}

fn work(inbox: &Mutex<Receiver<Job>>) {
    // Of this thread alone; where the system does not let us, passwords are hashed all the same.
    let _ = rustix::process::setpriority_process(None, NICE);
    let mut memory = Memory::new();
    loop {
        let job = inbox.lock().unwrap_or_else(std::sync::PoisonError::into_inner).recv();
        match job {
            Ok(job) => job(&mut memory),
            Err(_) => return,
        }
    }
}

fn slow(password: &str, salt: &[u8], memory: &mut Memory) -> [u8; HASH_BYTES] {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, Some(HASH_BYTES)).expect("the parameters are constants");
    memory.resize(params.block_count(), Block::default());
    let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let mut out = [0; HASH_BYTES];
    let done = argon.hash_password_into_with_memory(password.as_bytes(), salt, &mut out, memory.as_mut_slice());
    done.expect("the lengths are constants");
    out
}

/// As kept: what it was made with, the salt, the hash.
fn written(salt: &[u8], hash: &[u8]) -> String {
    format!("argon2id m={MEMORY_KIB} t={PASSES} p={LANES} {} {}", hex(salt), hex(hash))
}

/// Salt and hash of one that was made with the parameters of today. There are no others yet.
fn read(kept: &str) -> Option<(Vec<u8>, Vec<u8>)> {
    let rest = kept.strip_prefix(&format!("argon2id m={MEMORY_KIB} t={PASSES} p={LANES} "))?;
    let (salt, hash) = rest.split_once(' ')?;
    Some((bytes_of(salt)?, bytes_of(hash)?))
}

/// Why a password would be guessed soon.
pub fn guessable(password: &str, about: &[&str]) -> Option<String> {
    let looked_at: String = password.chars().take(LOOKED_AT_CHARS).collect();
    // What it cannot judge, such as nothing at all, is guessed first.
    let Ok(guessed) = zxcvbn::zxcvbn(&looked_at, about) else { return Some("type a password".to_owned()) };
    if guessed.guesses_log10() >= GUESSES_LOG10_MIN {
        return None;
    }
    let why =
        guessed.feedback().as_ref().and_then(|feedback| feedback.warning()).map(|warning| format!(" ({warning})"));
    Some(format!(
        "this password would be guessed soon{}; take four words that do not belong together, or what a password manager makes",
        why.unwrap_or_default().replace(".)", ")")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(text: &str) -> Typed {
        Typed(text.to_owned())
    }

    #[tokio::test]
    async fn a_password_is_known_by_its_hash_and_nobody_has_none() {
        let hashers = Hashers::start().unwrap();
        let hash = hashers.hash(typed("correct horse")).await.unwrap();
        assert!(!hash.contains("correct"));
        assert_ne!(hash, hashers.hash(typed("correct horse")).await.unwrap(), "each has a salt of its own");
        assert_eq!(hashers.is(typed("correct horse"), Some(hash.clone())).await, Ok(true));
        assert_eq!(hashers.is(typed("correct horsf"), Some(hash)).await, Ok(false));
        assert_eq!(hashers.is(typed(""), None).await, Ok(false));
        for broken in ["", "argon2id m=8 t=1 p=1 00 00", "argon2id m=19456 t=2 p=1 00"] {
            assert_eq!(hashers.is(typed("x"), Some(broken.to_owned())).await, Ok(false), "{broken}");
        }
        let short = written(&[0; SALT_BYTES], &[]);
        assert_eq!(hashers.is(typed("x"), Some(short)).await, Ok(false), "no hash is not every hash");
    }

    #[tokio::test]
    async fn a_flood_is_told_to_come_later_and_the_rest_is_answered() {
        let hashers = Hashers::start().unwrap();
        // A place where the threads wait, so that the queue fills whatever the speed of the machine.
        let (shut, gate) = std::sync::mpsc::channel::<()>();
        let gate = Arc::new(Mutex::new(gate));
        let mut sent = 0;
        let mut waiting = Vec::new();
        let refused = loop {
            let gate = gate.clone();
            let (answer, answered) = oneshot::channel();
            let job: Job = Box::new(move |_| {
                let shut = gate.lock().unwrap().recv();
                assert!(shut.is_err(), "the gate opens for all by going away");
                let _ = answer.send(());
            });
            match hashers.jobs.try_send(job) {
                Ok(()) => (sent, _) = (sent + 1, waiting.push(answered)),
                Err(_) => break hashers.hash(typed("x")).await,
            }
        };
        assert_eq!(refused, Err(Busy));
        assert!((WAITING_MAX..=WAITING_MAX + THREADS).contains(&sent), "{sent}");
        drop(shut);
        for answered in waiting {
            answered.await.unwrap();
        }
        assert!(hashers.hash(typed("x")).await.is_ok());
    }

    #[test]
    fn what_everybody_tries_is_refused_and_what_is_random_is_not() {
        for weak in [
            "password1234",
            "qwertyuiop123",
            "123456789012",
            "aaaaaaaaaaaaaaaa",
            "seaworthyseaworthy",
            "adaadaadaada",
            "Password123!",
        ] {
            assert!(guessable(weak, &["seaworthy", "ada"]).is_some(), "{weak}");
        }
        for good in ["tidal-lemon-quartz-9", "mauve saddle orbit crate", "kT9#vQ2!mZ7$pL4x", "früh-möhre-kölsch-zwölf"]
        {
            assert_eq!(guessable(good, &["seaworthy", "ada"]), None, "{good}");
        }
    }
}
