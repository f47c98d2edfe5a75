//! Pings as runs: a start begins one, an end ends it, and verification follows. A ping alone is never green.
//!
//! Pings of one process are taken one after the other, so that a start and its end cannot overtake each other. This
//! module must not know HTTP.

use std::{collections::BTreeMap, sync::Mutex, sync::PoisonError};

use seaworthy_core::run::State;
use seaworthy_model::{
    entry::{Stream, Via},
    event::Event,
    id::{ActorId, RunId},
    ping::{Ping, Told},
    port::{Answer, Batch, OutputKey, Secret, StoreError},
    process::OUTSIDE,
    run::{Acted, Cause, Kind, Outcome, Output, last_words},
    site::{Pinned, SecretPlace},
    time::{At, Span},
};
use tokio::sync::Mutex as Gate;

use crate::{
    outside::{self, ATTEMPT},
    requests::Desk,
};

/// Pings of one key within a minute; more are refused.
pub const PER_MINUTE_MAX: u32 = 60;
/// Runs of one process whose end is waited for; one more gives up the oldest.
pub const OPEN_MAX: usize = 20;
/// Pings of this many processes may be worked on at the same time.
const GATES: usize = 16;

/// The stream of all keys.
pub fn keys() -> Stream {
    Stream::of("pings", "site")
}

/// What is remembered between pings. Forgetting it costs a read.
#[derive(Default)]
pub struct Pings {
    known: Gate<Known>,
    taken: Mutex<BTreeMap<String, (At, u32)>>,
    gates: [Gate<()>; GATES],
}

/// The keys, as of a version of their stream.
#[derive(Default)]
struct Known {
    version: u64,
    processes: BTreeMap<String, String>,
}

/// A run that was told of and has not ended.
struct Open {
    run: RunId,
    rid: Option<String>,
    started_at: At,
}

impl Desk {
    /// Takes one ping.
    ///
    /// # Errors
    /// When the journal cannot be read or written: the sender should try again.
    pub async fn ping(&self, ping: Ping, actor: ActorId, via: Via) -> Result<Answer, StoreError> {
        let refused = |reason: &str| Ok(Answer::Refused { reason: reason.to_owned() });
        let Some(name) = self.whose(&ping.digest).await? else { return refused("there is no such key") };
        if ping.slug.as_ref().is_some_and(|slug| *slug != name) {
            return refused("there is no such key for this name");
        }
        if !self.has_room(&ping.digest) {
            let reason = format!("more than {PER_MINUTE_MAX} pings within a minute; the others were taken");
            return Ok(Answer::TooMany { reason });
        }
        let loaded = self.ports.definitions.current();
        let Some(pinned) = loaded.processes.get(&name).filter(|pinned| pinned.process.pinged) else {
            return refused("the process of this key is not there, or does not say `pinged: true`");
        };
        let gate = name.bytes().fold(0_usize, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into())) % GATES;
        let _gate = self.pings.gates[gate].lock().await;
        let open = self.open(&name).await?;
        let same = open.iter().find(|open| open.rid == ping.rid);
        let by = (actor, via);
        match (ping.told, same) {
            (Told::Log, same) => self.log(&name, same, &ping, pinned, by).await?,
            (Told::Start, Some(open)) if open.rid.is_some() => return done("it has begun already"),
            (Told::Start, same) => {
                if let Some(open) = same {
                    self.give_up(open, "another start came before its end", by).await?;
                }
                if open.len() >= OPEN_MAX
                    && let Some(oldest) = open.iter().min_by_key(|open| open.started_at)
                {
                    let reason = format!("more than {OPEN_MAX} of its runs were begun and not ended");
                    self.give_up(oldest, &reason, by).await?;
                }
                return self.begin(pinned, &ping, None, by).await;
            }
            (told, Some(open)) => {
                let took = self.ports.clock.now().since(open.started_at);
                let output = self.keep(open.run, &ping, pinned).await;
                self.end(open.run, said(told, took, output), by).await?;
            }
            (told, None) => return self.begin(pinned, &ping, Some(told), by).await,
        }
        done("OK")
    }

    /// The process of a key.
    async fn whose(&self, digest: &str) -> Result<Option<String>, StoreError> {
        let mut known = self.pings.known.lock().await;
        for entry in self.ports.journal.stream(&keys(), known.version).await? {
            known.version = entry.header.version;
            match entry.event().map_err(|e| StoreError::Broken { detail: e.to_string() })? {
                Some(Event::PingKeyMade { process, digest }) => {
                    known.processes.insert(digest, process);
                }
                Some(Event::PingKeyRevoked { digest, .. }) => {
                    known.processes.remove(&digest);
                }
                _ => {}
            }
        }
        Ok(known.processes.get(digest).cloned())
    }

    fn has_room(&self, digest: &str) -> bool {
        let now = self.ports.clock.now();
        let mut taken = self.pings.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.retain(|_, (since, _)| now.since(*since) < Span::seconds(60));
        let (_, count) = taken.entry(digest.to_owned()).or_insert((now, 0));
        *count += 1;
        *count <= PER_MINUTE_MAX
    }

    /// Runs of this process that pings began and no ping ended.
    async fn open(&self, name: &str) -> Result<Vec<Open>, StoreError> {
        let mut open = Vec::new();
        for row in self.ports.views.live_runs().await? {
            let Cause::Ping { rid } = &row.cause else { continue };
            if row.process != name || row.kind != Kind::Run {
                continue;
            }
            let mut state = State::default();
            for entry in self.ports.journal.stream(&Stream::run(row.run), 0).await? {
                if let Ok(Some(event)) = entry.event() {
                    state.apply(entry.header.at, &event);
                }
            }
            if outside::is_open(&state) {
                open.push(Open { run: row.run, rid: rid.clone(), started_at: row.requested_at });
            }
        }
        Ok(open)
    }

    /// A new run; with `told` one that is over already.
    async fn begin(
        &self,
        pinned: &Pinned,
        ping: &Ping,
        told: Option<Told>,
        (actor, via): (ActorId, Via),
    ) -> Result<Answer, StoreError> {
        let cause = Cause::Ping { rid: ping.rid.clone() };
        let (mut fresh, mut batch) = match outside::begin(&self.ports, pinned, cause, actor, via).await? {
            Ok(made) => made,
            Err(reason) => return Ok(Answer::Refused { reason }),
        };
        if let Some(told) = told {
            let output = self.keep(fresh.run, ping, pinned).await;
            outside::ended_too(&self.ports, &mut fresh, &mut batch, said(told, Span::ZERO, output));
        }
        self.ports.journal.append(batch).await?;
        self.runs.begin(fresh);
        done("OK")
    }

    async fn end(&self, run: RunId, acted: Acted, (actor, via): (ActorId, Via)) -> Result<(), StoreError> {
        self.ports.journal.append(outside::end(&self.ports, run, acted, actor, via)).await?;
        if self.runs.drives(run) {
            self.runs.nudge(run);
        } else {
            self.runs.take_up(run);
        }
        Ok(())
    }

    async fn give_up(&self, open: &Open, reason: &str, by: (ActorId, Via)) -> Result<(), StoreError> {
        let took = self.ports.clock.now().since(open.started_at);
        let acted = Acted { outcome: Outcome::Unknown, reason: Some(reason.to_owned()), ..blank(took) };
        self.end(open.run, acted, by).await
    }

    /// Keeps what a ping says beside its run, or beside its process if none is open.
    async fn log(
        &self,
        name: &str,
        open: Option<&Open>,
        ping: &Ping,
        pinned: &Pinned,
        (actor, via): (ActorId, Via),
    ) -> Result<(), StoreError> {
        let mut text = String::from_utf8_lossy(&ping.body).into_owned();
        for secret in self.hidden(pinned).await.iter().filter(|secret| secret.value.len() >= MASKED_BYTES_MIN) {
            text = text.replace(&secret.value, &format!("***{}***", secret.name));
        }
        let event = Event::PingLogged { process: name.to_owned(), text, dropped: ping.dropped };
        let stream = open.map_or_else(|| Stream::process(name), |open| Stream::run(open.run));
        let mut batch = Batch::by(actor, via);
        batch.writes.push(self.ports.ids().write(stream, None, self.ports.clock.now(), [event]));
        self.ports.journal.append(batch).await?;
        if let Some(open) = open {
            self.runs.nudge(open.run);
        }
        Ok(())
    }

    /// Keeps the body as the output of the run.
    async fn keep(&self, run: RunId, ping: &Ping, pinned: &Pinned) -> Output {
        if ping.body.is_empty() {
            return Output::default();
        }
        let key = OutputKey { run, step: OUTSIDE.to_owned(), attempt: ATTEMPT };
        let hidden = self.hidden(pinned).await;
        let mut output = self.ports.places.keep(&key, ping.body.clone(), hidden).await;
        output.dropped += ping.dropped;
        output.bytes += ping.dropped;
        output
    }

    /// Secrets of the process, which a body may hold by accident. One that cannot be fetched now is nowhere near.
    async fn hidden(&self, pinned: &Pinned) -> Vec<Secret> {
        let loaded = self.ports.definitions.current();
        let mut hidden = Vec::new();
        for name in &pinned.process.secrets {
            let place = loaded.site.secrets.get(name).cloned().unwrap_or_else(|| SecretPlace::Env(name.clone()));
            hidden.extend(self.ports.secrets.get(name, &place, &loaded.folder).await.ok());
        }
        hidden
    }
}

/// Shorter values are not masked: they would blot out ordinary text.
const MASKED_BYTES_MIN: usize = 4;

fn done(detail: &str) -> Result<Answer, StoreError> {
    Ok(Answer::Done { detail: detail.to_owned() })
}

fn blank(took: Span) -> Acted {
    Acted {
        outcome: Outcome::Done,
        exit: None,
        signal: None,
        reason: None,
        took,
        stdout: Output::default(),
        stderr: Output::default(),
        held_by: "nobody".into(),
        empty: None,
    }
}

/// What something outside said of itself, as the end of an attempt.
fn said(told: Told, took: Span, stdout: Output) -> Acted {
    let (outcome, exit, reason) = match told {
        Told::Success | Told::Start | Told::Log => (Outcome::Done, None, None),
        Told::Exit(0) => (Outcome::Done, Some(0), None),
        Told::Fail => (Outcome::NotDone, None, Some("it said that it failed".to_owned())),
        Told::Exit(code) => (Outcome::NotDone, Some(i32::from(code)), Some(format!("exit {code}"))),
    };
    // Whoever has the key writes the body: what is quoted of it must not be able to draw on a terminal.
    let last = last_words(&stdout.last);
    let reason = reason.map(|reason| last.map_or(reason.clone(), |last| format!("{reason}: {last}")));
    Acted { outcome, exit, reason, stdout, ..blank(took) }
}
