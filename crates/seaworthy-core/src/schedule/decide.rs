//! What becomes of every occurrence of a schedule: started, queued, or skipped with a reason. None in silence.
//!
//! Must not know processes, runs or the journal: it answers with acts, and whoever carries them out writes the new
//! cursor in the same transaction.

use seaworthy_model::{
    event::SkipReason,
    process::{Missed, Overlap, Schedule},
    time::{At, Span},
    view::ScheduleRow,
};

use super::Timetable;

/// An occurrence noticed this long after its nominal time is still on time; a later one was missed: nobody was there.
pub const GRACE: Span = Span::seconds(5);

/// A clock that was set back by more than this was corrected, and is planned by anew (the limit of cron(8)). One set
/// back by less is waited for. A forward step cannot be told from downtime and is treated like it.
pub const CLOCK_STEP: Span = Span::seconds(3 * 3600);

/// Most missed occurrences that are started at once, whatever `missed: all` says; the newest are taken.
pub const CATCH_UP_MAX: usize = 100;

/// Most occurrences that are skipped one by one for one reason; the older ones are counted together.
pub const RECORDED_MAX: usize = 50;

/// What is to be done about one occurrence, or about many that are skipped together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// Start a run. If the nominal time is in the row's queue, take it out.
    Start { nominal: At },
    /// Record that it did not run.
    Skip { nominal: At, reason: SkipReason },
    /// Record how many did not run; `first` and `last` are nominal times too.
    SkipMany { count: u64, first: At, last: At, reason: SkipReason },
    /// Add it to the end of the row's queue.
    Queue { nominal: At },
    /// Stop the live run, then start a run.
    Replace { nominal: At },
}

/// Acts in the order in which they are to be carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    pub acts: Vec<Act>,
    /// The row's new cursor. Goes back only after the clock was set back by more than [`CLOCK_STEP`].
    pub cursor: At,
    /// The next fire after now: when to ask again, apart from the end of a live run.
    pub next: Option<At>,
}

/// Decides on all occurrences after the row's cursor up to `now`, and on the queue. Call it when an occurrence is due,
/// after a run has ended, and at start; calling it twice with one `now` changes nothing the second time.
///
/// - Missed occurrences: `skip` starts none, `latest` the newest unless one is due on time right now, `all` the
///   newest [`CATCH_UP_MAX`]. What is older than `within` has expired. Without `within` nothing expires: the newest
///   missed one is never older than one period, and `all` means all.
/// - Overlap: `forbid` skips what is due while a run is live, but the missed ones of `missed: all` wait in the queue
///   for each other. `queue` keeps at most its number waiting. `replace` stops the live run for the newest, which
///   replaces what waits for that end as well. A queued occurrence starts when nothing is live, whatever its age,
///   before anything else.
/// - After a clock was set back, nominal times that have a run already come again; the journal refuses their second
///   run by its unique `(process, nominal)`.
/// - A row whose cursor is `now` starts nothing: that is how a new or changed schedule begins, without history.
pub fn decide(schedule: &Schedule, timetable: &Timetable, row: &ScheduleRow, live_runs: u32, now: At) -> Decision {
    let mut cursor = row.cursor;
    if now < cursor && cursor.since(now) > CLOCK_STEP {
        cursor = now;
    }
    let mut plan =
        Plan { timetable, overlap: schedule.overlap, acts: vec![], live: live_runs, queued: row.queued.len() };
    let replaces = schedule.overlap == Overlap::Replace;
    if !replaces {
        plan.drain(&row.queued);
    }
    let mut fresh = vec![];
    if cursor < now {
        // Nominal times at or before this one were missed.
        let late = At((now - GRACE).0 - 1).max(cursor);
        let due = timetable.newest(late, now, usize::MAX);
        let caught_up = plan.miss(schedule, cursor, late, now, due.is_empty());
        if replaces {
            fresh = [caught_up, due].concat();
        } else {
            plan.start(&caught_up, schedule.missed == Missed::All);
            plan.start(&due, false);
        }
        cursor = now;
    }
    if replaces {
        plan.replace(&row.queued, &fresh);
    }
    Decision { acts: plan.acts, next: timetable.next_after(cursor), cursor }
}

struct Plan<'a> {
    timetable: &'a Timetable,
    overlap: Overlap,
    acts: Vec<Act>,
    live: u32,
    queued: usize,
}

impl Plan<'_> {
    /// The queue moves when nothing is live; if overlap is allowed by now, all of it does.
    fn drain(&mut self, queue: &[At]) {
        let ready = match self.overlap {
            Overlap::Allow => queue.len(),
            _ if self.live == 0 => queue.len().min(1),
            _ => 0,
        };
        self.acts.extend(queue[..ready].iter().map(|nominal| Act::Start { nominal: *nominal }));
        self.live += ready as u32;
        self.queued -= ready;
    }

    /// Records the missed occurrences that are not to run, and returns the others, oldest first.
    fn miss(&mut self, schedule: &Schedule, cursor: At, late: At, now: At, nothing_due: bool) -> Vec<At> {
        let wanted = match schedule.missed {
            Missed::Skip => 0,
            Missed::Latest => usize::from(nothing_due),
            Missed::All => CATCH_UP_MAX,
        };
        let expired =
            schedule.within.map_or(cursor, |within| At((now - within).0.saturating_sub(1)).clamp(cursor, late));
        if wanted == 0 {
            self.skip(cursor, late, SkipReason::Downtime);
            return vec![];
        }
        let chosen = self.timetable.newest(expired, late, wanted);
        self.skip(cursor, expired, SkipReason::Expired);
        self.skip(expired, chosen.first().map_or(late, |first| At(first.0 - 1)), SkipReason::Downtime);
        chosen
    }

    /// Skips all occurrences after `after` up to `upto`: the newest one by one, the others together.
    fn skip(&mut self, after: At, upto: At, reason: SkipReason) {
        let count = self.timetable.count(after, upto);
        let single = self.timetable.newest(after, upto, RECORDED_MAX);
        let together = count - single.len() as u64;
        if let (1.., Some(first), Some(oldest)) = (together, self.timetable.next_after(after), single.first()) {
            let last = self.timetable.newest(after, At(oldest.0 - 1), 1).first().copied().unwrap_or(first);
            self.acts.push(Act::SkipMany { count: together, first, last, reason });
        }
        self.acts.extend(single.into_iter().map(|nominal| Act::Skip { nominal, reason }));
    }

    /// Only the newest counts, be it due now or waiting for the end of a run that is being stopped.
    fn replace(&mut self, queue: &[At], fresh: &[At]) {
        let Some(newest) = fresh.last().or(queue.last()).copied() else { return };
        let older = queue.iter().chain(fresh).filter(|nominal| **nominal != newest);
        self.acts.extend(older.map(|nominal| Act::Skip { nominal: *nominal, reason: SkipReason::Overlap }));
        match (self.live > 0, fresh.is_empty()) {
            (true, true) => {}
            (true, false) => self.acts.push(Act::Replace { nominal: newest }),
            (false, _) => self.acts.push(Act::Start { nominal: newest }),
        }
    }

    /// Applies an overlap policy other than `replace` to occurrences that are to run. `wait`: they are to run even if something is live.
    fn start(&mut self, nominals: &[At], wait: bool) {
        for nominal in nominals.iter().copied() {
            let act = match (self.overlap, self.live > 0) {
                (Overlap::Allow, _) | (_, false) => Act::Start { nominal },
                // Decided on as a whole, in `replace`.
                (Overlap::Replace, true) => continue,
                (Overlap::Forbid, true) if wait => Act::Queue { nominal },
                (Overlap::Forbid, true) => Act::Skip { nominal, reason: SkipReason::Overlap },
                (Overlap::Queue(most), true) if self.queued < most as usize => Act::Queue { nominal },
                (Overlap::Queue(_), true) => Act::Skip { nominal, reason: SkipReason::QueueFull },
            };
            match act {
                Act::Start { .. } => self.live += 1,
                Act::Queue { .. } => self.queued += 1,
                _ => {}
            }
            self.acts.push(act);
        }
    }
}
