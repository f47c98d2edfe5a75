//! What the watcher says from facts: what is missed, late, too long, overdue or gone, and when to look again.
//!
//! Must not know the runner: the facts are the journal's rows and what was seen of the artifact itself. Must not know
//! who is told; a finding becomes a signal, and telling is another loop.

mod rule;

use seaworthy_model::{
    event::SignalKind,
    id::RunId,
    process::Process,
    run::{Artifact, Kind, Verified},
    schedule::{Blackout, Pause},
    time::{At, Span},
    view::{EndedRun, LiveRun, SignalRow, SkippedRow},
};

use crate::schedule::Timetable;

/// Most nominal times for which one outage raises *missed*; the next start clears them all.
pub const MISSED_MAX: usize = 5;

/// How far apart the nominal times are for which one outage raises *missed*: the first one, then about one a day,
/// so that a nightly process is told about every night and a minutely one not every minute. Under a day, since a
/// day of a clock change has 23 hours.
pub const MISSED_APART: Span = Span::seconds(20 * 3600);

/// Everything the watcher knows of one process.
#[derive(Debug)]
pub struct WatchFacts<'a> {
    pub process: &'a Process,
    /// Of the process's schedule, if it has one.
    pub timetable: Option<&'a Timetable>,
    /// Occurrences up to here belong to another schedule, or to none.
    pub in_force_since: At,
    pub live: &'a [LiveRun],
    /// Runs and drills, newest first. Has to hold the last verified drill, the last verified run with an artifact
    /// and the run that started last.
    pub ended: &'a [EndedRun],
    /// Newest first.
    pub skipped: &'a [SkippedRow],
    /// The last pause, over or not.
    pub pause: Option<&'a Pause>,
    /// Of the whole site.
    pub blackouts: &'a [Blackout],
    /// What is there now of [`artifact_to_look_at`]; `None`: nobody looked.
    pub artifact: Option<Result<Artifact, String>>,
    pub now: At,
}

/// How long a pause may last, all extensions counted, before the watcher says that it does.
pub const PAUSED_LONG: Span = Span::seconds(7 * 24 * 3600);

/// Something that is wrong now. The key stays the same as long as it is the same wrong:
/// `missed/NAME/NOMINAL`, `late/NAME/NOMINAL`, `long/NAME/RUN`, `drill/NAME`, `artifact/NAME/RUN`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    pub key: String,
    pub kind: SignalKind,
    pub nominal: Option<At>,
    pub run: Option<RunId>,
    /// A sentence with UTC and local time.
    pub expected: String,
    /// A sentence.
    pub seen: String,
}

/// What one rule sees: something wrong now, or a time at which that may change by itself.
enum Sight {
    Wrong(Finding),
    Then(At),
}

/// What is wrong now. Without `watch:` only the drill and the artifact are judged.
///
/// - *missed*: nothing started for a nominal time within `start_within`. Cleared by any later start, so that a run
///   by hand clears it too. A nominal time skipped since a run was live is not missed; one skipped for downtime is.
///   What a calendar, a blackout or a pause keeps from running is not missed.
/// - *late*: the run for a nominal time started after `start_within`. Stands until another run starts.
/// - *long*: a run is or was live for longer than `finish_within`, from its start. Stands until another run ends.
/// - *paused for long*: a pause was extended and has lasted for more than [`PAUSED_LONG`].
/// - *drill overdue*: the last verified drill (or the time since which the process is in force) is longer ago than
///   `restore.every`.
/// - *artifact gone*: the newest verified artifact is not there any more, or has another size or hash than its record.
pub fn judge(facts: &WatchFacts<'_>) -> Vec<Finding> {
    let wrong = |sight| match sight {
        Sight::Wrong(finding) => Some(finding),
        Sight::Then(_) => None,
    };
    sights(facts).into_iter().filter_map(wrong).collect()
}

/// What changed against the signals that are open: what is to be raised, and which rows are to be cleared.
/// `open` are signals of the same process; rows that are cleared already, and those of a silent node (which are not
/// judged here), are left alone. Calling it twice raises nothing twice once the rows are written.
pub fn changes(open: &[SignalRow], findings: &[Finding]) -> (Vec<Finding>, Vec<SignalRow>) {
    let open: Vec<&SignalRow> = open.iter().filter(|row| row.cleared_at.is_none()).collect();
    let raise = findings.iter().filter(|finding| open.iter().all(|row| row.key != finding.key));
    let clear = open
        .iter()
        .filter(|row| row.kind != SignalKind::NodeSilent && findings.iter().all(|finding| finding.key != row.key));
    (raise.cloned().collect(), clear.map(|row| (*row).clone()).collect())
}

/// The earliest time after now at which the answer can change though no fact does. The artifact can go at any time;
/// how often to look at it is the loop's.
pub fn next_look(facts: &WatchFacts<'_>) -> Option<At> {
    let then = |sight| match sight {
        Sight::Then(at) => Some(at),
        Sight::Wrong(_) => None,
    };
    sights(facts).into_iter().filter_map(then).filter(|at| *at > facts.now).min()
}

/// The artifact whose being there proves the process: the first one of the newest verified run that made any.
pub fn artifact_to_look_at(ended: &[EndedRun]) -> Option<(&EndedRun, &Artifact)> {
    let verified = |run: &&EndedRun| run.kind == Kind::Run && run.verified == Verified::Yes;
    ended.iter().filter(verified).find_map(|run| Some((run, run.artifacts.first()?)))
}

fn sights(facts: &WatchFacts<'_>) -> Vec<Sight> {
    let mut sights = Vec::new();
    if let Some(watch) = facts.process.watch {
        if let (Some(within), Some(timetable)) = (watch.start_within, facts.timetable) {
            sights.extend(rule::missed(facts, timetable, within));
            sights.extend(rule::late(facts, timetable, within));
        }
        sights.extend(watch.finish_within.into_iter().flat_map(|within| rule::long(facts, within)));
    }
    sights.extend(rule::paused_long(facts));
    sights.extend(rule::drill_overdue(facts));
    sights.extend(rule::artifact_gone(facts));
    sights
}
