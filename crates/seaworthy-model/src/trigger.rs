//! What starts a process besides its schedule and people: a call from outside, another process, a signal, a file.
//!
//! This module must not know how any of these is noticed.

use serde::{Deserialize, Serialize};

use crate::{
    event::SignalKind,
    id::{RunId, SignalId},
    run::{Executed, Verified},
    time::Span,
};

/// One line of `triggers:`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trigger {
    /// A signed call of `/hook/NAME`. `secret` names the secret that signs it.
    Webhook { name: String, secret: String, style: HookStyle },
    /// A run of another process has ended like this.
    Process { name: String, when: Vec<Ending> },
    /// The watcher has raised a signal of one of these kinds; of one process, or of any.
    Signal { kinds: Vec<SignalKind>, of: Option<String> },
    /// A file is there and has not changed for `settled`. The last part of the path may hold `*` and `?`.
    File { path: String, settled: Span },
}

/// How a call is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HookStyle {
    /// `Seaworthy-Signature: t=SECONDS,v1=HEX`, over `SECONDS.BODY`: what our own webhooks send.
    Seaworthy,
    /// `X-Hub-Signature-256: sha256=HEX`, over the body.
    Github,
}

/// How a run may have ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    Verified,
    Unverified,
    Failed,
    Unknown,
    Unproven,
    /// Any of them.
    Ended,
}

impl Ending {
    /// Whether a run with these verdicts ended like this.
    pub fn is(self, executed: Executed, verified: Verified) -> bool {
        match self {
            Ending::Verified => verified == Verified::Yes,
            Ending::Unverified => verified == Verified::No,
            Ending::Failed => executed == Executed::Failed,
            Ending::Unknown => executed == Executed::Unknown || verified == Verified::Unknown,
            Ending::Unproven => verified == Verified::Unproven,
            Ending::Ended => true,
        }
    }
}

/// What exactly it was that started a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Triggered {
    Webhook {
        name: String,
    },
    Process {
        name: String,
        run: RunId,
    },
    Signal {
        signal: SignalId,
        kind: SignalKind,
        of: String,
    },
    /// `version` changes with the file: a digest of its size and time.
    File {
        path: String,
        version: String,
    },
}

impl Triggered {
    /// For people: "webhook deploy-done".
    pub fn words(&self) -> String {
        match self {
            Triggered::Webhook { name } => format!("webhook {name}"),
            Triggered::Process { name, run } => format!("after {run} of {name}"),
            Triggered::Signal { kind, of, .. } if of.is_empty() => format!("signal {}", kind.word()),
            Triggered::Signal { kind, of, .. } => format!("signal {} of {of}", kind.word()),
            Triggered::File { path, .. } => format!("file {path}"),
        }
    }
}
