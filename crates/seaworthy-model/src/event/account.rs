//! What happens to accounts, links and login sessions. No name, no address, no secret: those can be erased, this stays.
//!
//! Streams: `person/ID` of whom it is about; links that lead to nobody yet in `site/links`. This module must not know what
//! an account is allowed to do.

use serde::{Deserialize, Serialize};

use crate::{account::How, id::ActorId, time::At};

/// Body of an entry of type `account`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum AccountEvent {
    /// A link was made: `claim`, `invite` or `recover`.
    LinkMade {
        link: String,
        purpose: String,
        roles: Vec<String>,
        until: At,
    },
    /// A link was taken back before it was used.
    LinkGone {
        link: String,
        why: String,
    },
    /// A person set an account up by a link.
    Made {
        actor: ActorId,
        roles: Vec<String>,
        link: String,
    },
    /// The first owner set an account up; in the stream `site/owner`, so that it happens once.
    Claimed {
        actor: ActorId,
    },
    /// Somebody came in and has a login session.
    SignedIn {
        session: String,
        how: How,
    },
    /// Somebody was not let in as this person; `count` times since the entry before.
    SignInRefused {
        reason: String,
        count: u64,
    },
    /// The person proved again that it is them.
    Touched {
        session: String,
        how: How,
    },
    /// A login session was ended by the one who acts.
    SessionEnded {
        session: String,
        why: String,
    },
    /// What proves a person was changed: `password`, `codes`, `passkey LABEL` …
    ProofChanged {
        proof: String,
        change: String,
    },
    /// Nobody comes in as this person any more; all sessions ended.
    Locked {
        reason: String,
    },
    Unlocked {
        reason: String,
    },
    /// What this user of the host does at the command line is the person's from now on.
    HostLinked {
        user: ActorId,
    },
    HostUnlinked {
        user: ActorId,
    },
}
