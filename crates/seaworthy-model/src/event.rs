//! Everything that can be recorded. One variant per type: the compiler shows every place that must think about a new one.
//! This module must not know who records or reads. Formats: `docs/formats/entry.md`.

use serde::{Deserialize, Serialize};

mod account;
mod coding;
mod drill;
mod fired;
mod sent;

pub use self::{
    account::AccountEvent,
    coding::UnknownEvent,
    drill::DrillArtifact,
    fired::{TriggerFired, TriggerHeld, TriggerLooked, TriggerNoted},
    sent::SendOutcome,
};

use crate::{
    id::{ActorId, EntryId, MessageId, RunId, SignalId},
    process::Occasion,
    run::{Acted, Artifact, Cause, Executed, Heal, HostSnapshot, Judged, Kind, Usual, Verified},
    time::{At, Span},
    value::Facts,
};
pub use crate::{signal::SignalKind, skip::SkipReason};

/// A recorded fact. The stream it belongs to is named in the comment of each group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", content = "body", rename_all = "snake_case")]
pub enum Event {
    // ---- site
    /// A node took this data folder into use.
    NodeStarted {
        host: String,
        version: String,
        format: u32,
        listen: Option<String>,
    },
    NodeStopped {
        reason: String,
    },
    /// A file could not be used; the last good version, if any, stays in force.
    FileBroken {
        file: String,
        problems: Vec<String>,
    },
    FileMended {
        file: String,
    },
    /// The settings of the site, by digest only: addresses name people and may be secret. What changed, in words that do not.
    SiteLoaded {
        digest: String,
        changes: Vec<String>,
    },
    /// The files are those of this commit from now on.
    BranchFollowed {
        branch: String,
        commit: String,
    },
    /// The branch cannot be read; the last good commit stays in force. Said once.
    BranchLost {
        branch: String,
        reason: String,
    },
    /// The branch can be read again.
    BranchFound {
        branch: String,
        since: At,
    },
    /// The body of an entry was dropped by retention.
    BodyDropped {
        entry: EntryId,
        position: u64,
        why: String,
    },
    /// Bodies of runs were dropped, in `retention/NAME`: from and to, both in. `left`: of the runs looked at, those still needed.
    BodiesDropped {
        process: String,
        what: String,
        through: RunId,
        left: Vec<RunId>,
        ranges: Vec<(u64, u64)>,
    },
    /// Files of runs are about to be removed by retention.
    FilesDropped(crate::retain::FilesDropped),
    /// The data folder was restored from a backup that ended at this position.
    SiteRestored {
        from_position: u64,
        from_at: At,
    },
    /// Storage trouble of our own, survived.
    StorageTrouble {
        what: String,
        since: At,
    },
    // ---- process/NAME
    /// From now on runs start with this definition. `definition` is its canonical text.
    ProcessLoaded {
        digest: String,
        definition: String,
        file: String,
    },
    ProcessRemoved {
        file: String,
    },
    /// A run that something outside starts is held against this form of what is in force; it is not in force itself.
    OutsideDefined {
        digest: String,
        definition: String,
    },
    /// Until this time nothing starts by itself. `extends`: a pause was in force already.
    ProcessPaused {
        until: At,
        reason: String,
        extends: bool,
    },
    /// A pause was ended before its time.
    ProcessResumed {
        reason: String,
    },
    /// What is lost by it waits (`weaker`, in words). `subject`: `process/NAME`; `branch/NAME` (in `site`), `site/settings`.
    ChangeHeld {
        digest: String,
        subject: String,
        from: String,
        to: Option<String>,
        weaker: Vec<String>,
        until: At,
    },
    /// A person agreed to exactly this change.
    ChangeConfirmed {
        digest: String,
        subject: String,
        weaker: Vec<String>,
        reason: String,
    },
    /// The change that waited is not asked for any more.
    ChangeWithdrawn {
        digest: String,
        subject: String,
    },
    /// Something outside said this and no run of it was open; else it stands in `run/ID`.
    PingLogged {
        process: String,
        text: String,
        /// Bytes that did not fit.
        dropped: u64,
    },
    // ---- pings/site
    /// Whoever has the key of this hash may say how the process goes.
    PingKeyMade {
        process: String,
        digest: String,
    },
    PingKeyRevoked {
        process: String,
        digest: String,
    },
    // ---- schedule/NAME
    /// The schedule in force changed; occurrences before `since` are judged by the one before.
    ScheduleSet {
        digest: String,
        since: At,
    },
    OccurrenceDue {
        nominal: At,
        run: RunId,
    },
    /// An occurrence that did not become a run, and why. Nothing is skipped in silence.
    OccurrenceSkipped {
        nominal: At,
        reason: SkipReason,
        /// What exactly kept it from running, where the reason leaves that open.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        detail: String,
    },
    /// More occurrences were skipped than are recorded one by one: how many, and the first and last of them.
    OccurrencesSkipped {
        count: u64,
        first: At,
        last: At,
        reason: SkipReason,
    },
    /// The schedule had been planned up to `from` by a clock that was ahead; it was planned anew from `to` on.
    ClockSetBack(crate::schedule::SetBack),
    /// An occurrence that waits for the live run to end.
    OccurrenceQueued {
        nominal: At,
    },
    // ---- run/ID
    RunRequested {
        process: String,
        kind: Kind,
        digest: String,
        cause: Cause,
        usual: Usual,
        artifact: Option<DrillArtifact>,
        objective: Option<Span>,
        /// What it was given, defaults included.
        #[serde(default, skip_serializing_if = "Facts::is_empty")]
        inputs: Facts,
    },
    /// A node took the run. `fence` grows with every claim.
    RunClaimed {
        fence: u64,
    },
    /// Written before the attempt starts; without an end it is unknown.
    AttemptStarted {
        step: String,
        attempt: u32,
        key: String,
    },
    /// What was started is another run.
    ChildBegun(crate::deed::ChildBegun),
    AttemptEnded {
        step: String,
        attempt: u32,
        acted: Acted,
    },
    ArtifactMade {
        step: String,
        artifact: Artifact,
    },
    ArtifactMissing {
        step: String,
        name: String,
        looked_at: String,
        reason: String,
    },
    /// The look took longer than it may: whether the step made it is not known.
    ArtifactUnseen {
        step: String,
        name: String,
        reason: String,
    },
    /// The step is not done: its condition is not met, or it needs a step that was skipped.
    StepSkipped {
        step: String,
        reason: String,
    },
    /// The step is done once for each of these, in this order. None: there is nothing to do.
    StepExpanded(crate::matrix::Expanded),
    /// A step waits for a person.
    PersonAsked(crate::step::Asked),
    /// A person answered. `evidence`: what they brought along, or why not.
    PersonAnswered {
        step: String,
        yes: bool,
        evidence: String,
        by: ActorId,
    },
    /// A run that had ended goes on: `again` are done anew, of `look` it is looked first whether they happened.
    RunResumed {
        again: Vec<String>,
        look: Vec<String>,
    },
    /// The step counts as done since it was done in another run, whose artifacts and outputs it takes over.
    StepTaken {
        step: String,
        from: RunId,
        outputs: Facts,
    },
    /// What the step handed on to later ones.
    OutputsTaken {
        step: String,
        outputs: Facts,
    },
    /// What it handed on, or did not, is not what its definition declares: the step failed.
    OutputsRefused {
        step: String,
        reason: String,
    },
    /// Nothing happens before this time.
    Waiting {
        until: At,
        why: String,
    },
    Checked {
        judged: Judged,
    },
    /// A round of verification is complete.
    VerificationEnded {
        round: u32,
        verified: Verified,
    },
    HealTried {
        heal: Heal,
    },
    /// A rung is about to be tried. `again` names the steps that will be done once more.
    HealStarted {
        rung: u32,
        what: String,
        again: Vec<String>,
    },
    /// After an unknown end of a `once` step, verification was asked whether it happened. `None`: it cannot say.
    StepSettled {
        step: String,
        happened: Option<bool>,
        reason: String,
    },
    HostSeen {
        snapshot: HostSnapshot,
    },
    /// The run waits for a named lock that another run holds, or is before it in line for.
    LockAwaited {
        lock: String,
        holder: RunId,
        process: String,
        since: At,
        until: At,
    },
    LocksTaken {
        locks: Vec<String>,
    },
    CancelRequested {
        reason: String,
    },
    /// The run took longer than the `timeout` of its process: what runs is stopped, nothing more is tried.
    RunExpired {
        limit: Span,
    },
    RunEnded {
        executed: Executed,
        verified: Verified,
        reason: String,
        duration: Span,
        recovery: Option<Span>,
    },
    // ---- lock/NAME
    LockWanted {
        run: RunId,
        process: String,
    },
    /// A run has it until it ends; nothing needs to be written then.
    LockTaken {
        run: RunId,
        process: String,
    },
    // ---- trigger/NAME/KEY
    TriggerFired(TriggerFired),
    TriggerHeld(TriggerHeld),
    // ---- trigger/NAME
    TriggerLooked(TriggerLooked),
    TriggerNoted(TriggerNoted),
    // ---- signal/ID
    SignalRaised {
        signal: SignalId,
        key: String,
        process: String,
        kind: SignalKind,
        nominal: Option<At>,
        run: Option<RunId>,
        expected: String,
        seen: String,
    },
    SignalCleared {
        signal: SignalId,
        key: String,
        seen: String,
    },
    // ---- message/ID
    /// Somebody is to be told. State change and notification are two records.
    MessageDue {
        message: MessageId,
        route: String,
        occasion: Occasion,
        process: String,
        run: Option<RunId>,
        signal: Option<SignalId>,
    },
    MessageTried {
        message: MessageId,
        outlet: String,
        attempt: u32,
        outcome: SendOutcome,
    },
    MessageEnded {
        message: MessageId,
        told: bool,
        detail: String,
    },
    // ---- token/ID (two), person/ID
    TokenMade(crate::token::Made),
    TokenRevoked(crate::token::Revoked),
    ActorNamed {
        actor: ActorId,
        digest: String, // of name and salt, which live in the erasable personal table
    },
    ActorErased {
        actor: ActorId,
        why: String,
    },
    Account(AccountEvent),
}
