//! What may go of what runs left behind, and why the rest stays.
//!
//! Nothing goes that is needed by an open drill, an unsettled run, an open signal or an unsent message, that the newest
//! proof rests on, or that says what is usual. This module must not know files, the journal, nor a clock.

mod size;

use std::collections::BTreeSet;

use seaworthy_model::{
    id::RunId,
    retain::{KEEP_FOR, Retention, WHOLE_DEFAULT},
    run::{Executed, Verified},
    time::{At, Span},
    view::EndedRun,
};

pub use size::{Item, Room, make_room};

/// The parts that go one by one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum What {
    /// By age only; by number they go after each run.
    Artifacts,
    Outputs,
    /// Of entries; the first and the last of a run stay.
    Bodies,
    /// Of the host, at a failure.
    Snapshots,
}

impl What {
    pub const ALL: [What; 4] = [What::Artifacts, What::Outputs, What::Bodies, What::Snapshots];

    /// As files and entries write it.
    pub fn word(self) -> &'static str {
        match self {
            What::Artifacts => "artifacts",
            What::Outputs => "outputs",
            What::Bodies => "bodies",
            What::Snapshots => "snapshots",
        }
    }
}

/// Why a part stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Why {
    /// No age is said at which it goes.
    ForEver,
    Young,
    /// Among the newest runs, which are kept whole.
    Newest,
    /// The newest verified run: the proof that there is.
    Proof,
    /// One of those that say what is usual.
    Usual,
    /// An open drill restores its artifact.
    Drill,
    /// An open signal is about it.
    Signal,
    /// A message about it is still to be sent.
    Message,
    /// Nobody knows how it ended.
    Unsettled,
}

impl Why {
    pub fn word(self) -> &'static str {
        match self {
            Why::ForEver => "kept for ever",
            Why::Young => "not old enough",
            Why::Newest => "among the newest runs",
            Why::Proof => "the newest proof",
            Why::Usual => "says what is usual",
            Why::Drill => "an open drill restores it",
            Why::Signal => "an open signal is about it",
            Why::Message => "a message about it is to be sent",
            Why::Unsettled => "nobody knows how it ended",
        }
    }
}

/// What of one process is needed, whatever its age.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Needs {
    /// The newest runs, as many as are kept whole.
    pub newest: BTreeSet<RunId>,
    /// The newest verified run and the newest verified drill.
    pub proofs: BTreeSet<RunId>,
    pub usual: BTreeSet<RunId>,
    pub drilled: BTreeSet<RunId>,
    pub signals: BTreeSet<RunId>,
    pub messages: BTreeSet<RunId>,
}

/// Ages that count for one process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    pub whole: u32,
    artifacts: Option<Span>,
    outputs: Option<Span>,
    bodies: Option<Span>,
    snapshots: Option<Span>,
}

impl Policy {
    /// What the process says, else the site, else the defaults.
    pub fn of(process: Option<Retention>, site: Option<Retention>) -> Policy {
        let said = process.unwrap_or_default().or(site.unwrap_or_default());
        Policy {
            whole: said.runs.unwrap_or(WHOLE_DEFAULT),
            artifacts: said.artifacts,
            outputs: said.outputs.or(Some(KEEP_FOR)),
            bodies: said.bodies,
            snapshots: said.snapshots.or(Some(KEEP_FOR)),
        }
    }

    /// The age at which a part goes; `None`: never.
    pub fn age(&self, what: What) -> Option<Span> {
        match what {
            What::Artifacts => self.artifacts,
            What::Outputs => self.outputs,
            What::Bodies => self.bodies,
            What::Snapshots => self.snapshots,
        }
    }
}

impl Policy {
    /// For people, in one sentence; `keep` is the number of runs that keep their artifacts.
    pub fn sentence(&self, keep: u32) -> String {
        let age = |what: What| self.age(what).map_or("for ever".to_owned(), |age| format!("for {age}"));
        let artifacts = match self.age(What::Artifacts) {
            Some(age) => format!("for {age}"),
            None if keep == 1 => "of one run".to_owned(),
            None => format!("of {keep} runs"),
        };
        format!(
            "Artifacts are kept {artifacts}, outputs {}, snapshots {}, bodies of entries {}; of the newest {} runs everything, and the newest proof whatever its age.",
            age(What::Outputs),
            age(What::Snapshots),
            age(What::Bodies),
            self.whole
        )
    }
}

/// Why a part of an ended run is needed whatever its age and whatever room there is.
pub fn needed(what: What, row: &EndedRun, needs: &Needs) -> Option<Why> {
    let run = &row.run;
    if row.executed == Executed::Unknown || row.verified == Verified::Unknown {
        return Some(Why::Unsettled);
    }
    let all = [
        (&needs.drilled, Why::Drill),
        (&needs.signals, Why::Signal),
        (&needs.messages, Why::Message),
        (&needs.proofs, Why::Proof),
    ];
    let found = all.into_iter().find(|(runs, _)| runs.contains(run)).map(|(_, why)| why);
    found.or_else(|| (what == What::Bodies && needs.usual.contains(run)).then_some(Why::Usual))
}

/// Why a part of an ended run stays; `None`: it may go.
pub fn stays(what: What, row: &EndedRun, needs: &Needs, policy: &Policy, now: At) -> Option<Why> {
    let Some(age) = policy.age(what) else { return Some(Why::ForEver) };
    if let Some(why) = needed(what, row, needs) {
        return Some(why);
    }
    if now.since(row.ended_at) < age {
        return Some(Why::Young);
    }
    // How many artifacts are kept has a number of its own.
    (what != What::Artifacts && needs.newest.contains(&row.run)).then_some(Why::Newest)
}

/// Whether the body of an entry of this type stays when the bodies of its run go: what was asked for, and the verdict.
pub fn is_frame(kind: &str) -> bool {
    matches!(kind, "run_requested" | "run_claimed" | "run_ended")
}

/// Whether the body of an entry of this type is a snapshot.
pub fn is_snapshot(kind: &str) -> bool {
    kind == "host_seen"
}
