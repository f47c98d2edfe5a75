//! Entries: a header that stays for ever and a body that retention may drop.
//!
//! The bytes that are hashed are fixed here and frozen; `docs/formats/entry.md` is their specification.
//! This module must not know where entries are kept.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::{
    event::Event,
    id::{ActorId, EntryId, NodeId, RunId},
    run::{ACTOR_PREFIX, Executed, Verdict, Verified},
    time::At,
    tree::Hash,
};

/// The aggregate that an entry belongs to. `(stream, version)` is unique.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Stream(String);

impl Stream {
    pub fn site() -> Self {
        Self("site".into())
    }
    pub fn run(id: RunId) -> Self {
        Self(format!("run/{id}"))
    }
    pub fn process(name: &str) -> Self {
        Self(format!("process/{name}"))
    }
    pub fn schedule(name: &str) -> Self {
        Self(format!("schedule/{name}"))
    }
    /// `signal/…`, `message/…`, `person/…`.
    pub fn of(kind: &str, id: impl fmt::Display) -> Self {
        Self(format!("{kind}/{id}"))
    }
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Stream {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        if text.is_empty() || text.len() > 300 || text.contains('\n') {
            return Err(format!("`{text}` is not a stream name"));
        }
        Ok(Self(text.to_owned()))
    }
}

/// The door that an act came through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Via {
    Cli,
    Web,
    Node,
    Robot,
    /// A token of a person.
    Token,
}

impl Via {
    pub fn word(self) -> &'static str {
        match self {
            Via::Cli => "cli",
            Via::Web => "web",
            Via::Node => "node",
            Via::Robot => "robot",
            Via::Token => "token",
        }
    }
}

/// What stays for ever.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    pub id: EntryId,
    pub stream: Stream,
    /// 1 for the first entry of a stream.
    pub version: u64,
    pub kind: String,
    pub v: u32,
    pub at: At,
    pub node: NodeId,
    /// Grows by one with each start of the node.
    pub epoch: u64,
    pub actor: ActorId,
    pub via: Via,
    /// SHA-256 of the body as stored.
    pub body_digest: Hash,
    pub body_bytes: u32,
}

/// One recorded fact in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// 0 for the first entry of the journal; equal to its leaf index in the tree.
    pub position: u64,
    pub header: Header,
    /// `None` once retention dropped it; a tombstone entry says why.
    pub body: Option<String>,
}

impl Header {
    /// The frozen bytes: one `name value` line per field in this order, each ended by LF, first line the format.
    pub fn canonical(&self) -> Vec<u8> {
        format!(
            "seaworthy-entry 1\nid {}\nstream {}\nversion {}\ntype {}\nv {}\nat {}\nnode {}\nepoch {}\nactor {}\nvia {}\nbody-sha256 {}\nbody-bytes {}\n",
            self.id, self.stream, self.version, self.kind, self.v, self.at.0, self.node, self.epoch, self.actor, self.via.word(), self.body_digest, self.body_bytes
        )
        .into_bytes()
    }

    /// Leaf of the tree: `H(0x00 || canonical header)`; the header holds the digest of the body.
    pub fn leaf(&self) -> Hash {
        crate::tree::leaf(&self.canonical())
    }
}

impl Entry {
    /// The event, if the body is still there.
    ///
    /// # Errors
    /// When this program does not know the type or version.
    pub fn event(&self) -> Result<Option<Event>, crate::event::UnknownEvent> {
        self.body.as_deref().map(|body| Event::decode(&self.header.kind, self.header.v, body)).transpose()
    }

    /// Whether the body that is here is the body that was written.
    pub fn body_is_whole(&self) -> bool {
        self.body.as_ref().is_none_or(|body| Hash(Sha256::digest(body.as_bytes()).into()) == self.header.body_digest)
    }
}

/// An entry about to be written; version, position, node and epoch are the journal's to give.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft {
    pub id: EntryId,
    pub at: At,
    pub event: Event,
}

/// Rules that every journal holds before it writes, whatever the caller decided.
///
/// # Errors
/// A sentence naming the broken rule: a `yes` that rests on the word of an actor (invariant 1), or that other events
/// beside it contradict. What only earlier entries of the stream can tell is the adapters' to ask.
pub fn acceptable(events: &[Event]) -> Result<(), String> {
    let mut verified = None;
    for (at, event) in events.iter().enumerate() {
        match event {
            Event::Checked { judged } if judged.verdict == Verdict::Yes => match &judged.observation {
                None => return Err(format!("check `{}` says yes without an observation", judged.check)),
                Some(seen) if seen.source.is_empty() || seen.source.starts_with(ACTOR_PREFIX) => {
                    return Err(format!(
                        "check `{}` says yes on the word of `{}`, which acted",
                        judged.check, seen.source
                    ));
                }
                Some(_) => {}
            },
            Event::VerificationEnded { verified: Verified::Unproven, round } => {
                return Err(format!("round {round} of verification cannot end unproven"));
            }
            Event::VerificationEnded { verified: ended, round } => {
                verified = Some(*ended);
                if *ended == Verified::Yes {
                    contradicted(&events[..at], *round)?;
                }
            }
            Event::RunEnded { executed, verified: Verified::Yes, .. } => {
                if *executed != Executed::Ok {
                    return Err(format!("a run that ends executed {} cannot be verified", executed.word()));
                }
                if let Some(ended) = verified.filter(|ended| *ended != Verified::Yes) {
                    return Err(format!("a run ends verified, but its verification ended {}", ended.word()));
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// A round is not verified against the word of one of its own checks.
fn contradicted(before: &[Event], round: u32) -> Result<(), String> {
    for event in before {
        if let Event::Checked { judged } = event
            && judged.round == round
            && matches!(judged.verdict, Verdict::No | Verdict::Unknown { .. })
        {
            let (check, word) = (&judged.check, judged.verdict.word());
            return Err(format!("round {round} ends verified, but its check `{check}` says {word}"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        run::{Judged, Observation},
        time::Span,
    };

    fn header() -> Header {
        Header {
            id: EntryId::new(At(1_000_000_000), &[1; 10]),
            stream: Stream::site(),
            version: 1,
            kind: "node_stopped".into(),
            v: 1,
            at: At(1_000_000_000),
            node: NodeId::new(At(0), &[2; 10]),
            epoch: 3,
            actor: ActorId::new(At(0), &[4; 10]),
            via: Via::Node,
            body_digest: Hash(Sha256::digest(b"{}").into()),
            body_bytes: 2,
        }
    }

    #[test]
    fn the_frozen_bytes_do_not_change() {
        let text = String::from_utf8(header().canonical()).unwrap();
        assert_eq!(
            text,
            "seaworthy-entry 1\nid entry_0000000003e871018101010101010101\n".to_owned()
                + "stream site\nversion 1\ntype node_stopped\nv 1\nat 1000000000\nnode node_00000000000072028202020202020202\nepoch 3\nactor actor_00000000000074048404040404040404\nvia node\nbody-sha256 44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a\nbody-bytes 2\n"
        );
    }

    #[test]
    fn a_yes_on_the_word_of_the_actor_is_refused() {
        let judged = |source: &str| Judged {
            check: "artifact a".into(),
            round: 0,
            verdict: Verdict::Yes,
            expected: String::new(),
            observed: String::new(),
            observation: Some(Observation {
                source: source.into(),
                facts: Default::default(),
                took: Span::ZERO,
                dropped: 0,
            }),
        };
        assert!(acceptable(&[Event::Checked { judged: judged("act/local") }]).is_err());
        assert!(acceptable(&[Event::Checked { judged: judged("probe/artifact") }]).is_ok());
        assert!(acceptable(&[Event::Checked { judged: Judged { observation: None, ..judged("") } }]).is_err());
    }

    #[test]
    fn a_green_end_is_not_taken_against_what_stands_beside_it() {
        let checked = |verdict: Verdict| {
            let seen =
                Observation { source: "probe/x".into(), facts: Default::default(), took: Span::ZERO, dropped: 0 };
            let (expected, observed) = (String::new(), String::new());
            Event::Checked {
                judged: Judged { check: "x".into(), round: 1, verdict, expected, observed, observation: Some(seen) },
            }
        };
        let round = |verified| Event::VerificationEnded { round: 1, verified };
        let end = |executed| Event::RunEnded {
            executed,
            verified: Verified::Yes,
            reason: String::new(),
            duration: Span::ZERO,
            recovery: None,
        };
        assert!(acceptable(&[end(Executed::Ok)]).is_ok(), "the round may stand in the journal already");
        assert!(acceptable(&[end(Executed::Failed)]).is_err());
        assert!(acceptable(&[round(Verified::Yes), end(Executed::Ok)]).is_ok());
        assert!(acceptable(&[round(Verified::No), end(Executed::Ok)]).is_err());
        assert!(acceptable(&[checked(Verdict::Yes), round(Verified::Yes)]).is_ok());
        let unknown = Verdict::Unknown { reason: "no answer".into() };
        for other in [Verdict::No, unknown] {
            assert!(acceptable(&[checked(other), checked(Verdict::Yes), round(Verified::Yes)]).is_err());
        }
    }
}
