//! What a person may ask of a node, and what is answered.
//!
//! This module must not know how it is carried out.

use std::collections::BTreeMap;

use super::{Fut, StoreError};
use crate::{
    entry::Via,
    id::{ActorId, RunId},
    ping::Ping,
    time::At,
};

/// What a person may ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ask {
    /// `inputs` as they were written.
    Run {
        process: String,
        inputs: BTreeMap<String, String>,
    },
    Drill {
        process: String,
    },
    Cancel {
        run: RunId,
        reason: String,
    },
    /// Nothing of it starts by itself until then. In a pause: until then instead.
    Pause {
        process: String,
        until: At,
        reason: String,
    },
    /// Ends a pause before its time.
    Resume {
        process: String,
        reason: String,
    },
    /// Signs for a step that waits for a person.
    Sign {
        run: RunId,
        step: String,
        yes: bool,
        evidence: String,
    },
    /// Goes on with a run that ended failed, unknown or cancelled.
    GoOn {
        run: RunId,
    },
    /// Does a step of an ended run and all that follows it once more, as a new run.
    Rerun {
        run: RunId,
        from: String,
    },
    Reload,
    /// Looks now at what is old and may go.
    Retain,
    /// Something outside says how it goes.
    Ping(Ping),
    /// Agrees to a change that waits, named by its digest or the start of it.
    Confirm {
        digest: String,
        reason: String,
    },
}

/// The answer to an [`Ask`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    Started {
        run: RunId,
        digest: String,
    },
    Done {
        detail: String,
    },
    /// Unknown name, nothing to drill …: a sentence that says what to do.
    Refused {
        reason: String,
    },
    /// Later, or less often: a sentence.
    TooMany {
        reason: String,
    },
}

/// A call from outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HookCall {
    /// Of the address.
    pub name: String,
    /// `Seaworthy-Signature` or `X-Hub-Signature-256`; empty if none was sent.
    pub signature: String,
    /// `Idempotency-Key`; empty if none was sent.
    pub key: String,
    pub body: Vec<u8>,
}

/// The answer to a [`HookCall`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HookAnswer {
    /// `again`: the same call came before, and this is the run of then.
    Started { run: RunId, again: bool },
    /// No webhook has this name.
    Unknown,
    /// Not signed by who knows the secret, or not now.
    Forged { reason: String },
    /// Nothing can be started now.
    Held { reason: String },
}

/// Takes requests from faces; appends commands to the journal.
pub trait Requests: Send + Sync {
    fn ask(&self, ask: Ask, actor: ActorId, via: Via) -> Fut<'_, Result<Answer, StoreError>>;
    /// A call of `/hook/NAME`; no person stands behind it, its signature does.
    fn called(&self, call: HookCall) -> Fut<'_, Result<HookAnswer, StoreError>> {
        let _ = call;
        Box::pin(std::future::ready(Ok(HookAnswer::Unknown)))
    }
}
