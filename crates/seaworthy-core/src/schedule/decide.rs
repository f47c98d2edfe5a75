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

use super::{Hold, Holds, Timetable};

/// An occurrence noticed this long after its nominal time is still on time; a later one was missed: nobody was there.
pub const GRACE: Span = Span::seconds(5);

/// A cursor that lies ahead of the clock by more than this was written by a clock that was ahead: it is planned anew. One
/// ahead by less is waited for. A forward step cannot be told from downtime and is treated like it.
pub const CLOCK_STEP: Span = Span::seconds(5);

/// Most missed occurrences that are started at once, whatever `missed: all` says; the newest are taken.
pub const CATCH_UP_MAX: usize = 100;

/// Most occurrences that are skipped one by one for one reason; the older ones are counted together.
pub const RECORDED_MAX: usize = 50;

/// Most missed occurrences that are looked at in search of one that nothing keeps from running.
const LOOKED_AT_MAX: usize = 1_000;

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
///   for each other, the newest [`CATCH_UP_MAX`] of them. `queue` keeps at most its number waiting. `replace` stops the live run for the newest, which
///   replaces what waits for that end as well. A queued occurrence starts when nothing is live, whatever its age,
///   before anything else.
/// - What a calendar leaves out, and what is due in a pause or in a blackout that says so, is skipped with that reason,
///   missed or not. In another blackout the newest that is due waits in the queue for its end. In a pause the queue is
///   skipped as well.
/// - After a clock was set back, nominal times that have a run already come again; the journal refuses their second
///   run by its unique `(process, nominal)`.
/// - A row whose cursor is `now` starts nothing: that is how a new or changed schedule begins, without history.
pub fn decide(
    schedule: &Schedule,
    timetable: &Timetable,
    row: &ScheduleRow,
    holds: Holds<'_>,
    live_runs: u32,
    now: At,
) -> Decision {
    let mut cursor = row.cursor;
    if now < cursor && cursor.since(now) > CLOCK_STEP {
        cursor = now;
    }
    let (overlap, queued) = (schedule.overlap, row.queued.len());
    let mut plan = Plan { timetable, holds, overlap, acts: vec![], live: live_runs, queued };
    let replaces = schedule.overlap == Overlap::Replace;
    let held = holds.at(now).map(|(hold, _)| hold);
    match held {
        Some(Hold::Skip(reason)) => {
            plan.acts.extend(row.queued.iter().map(|nominal| Act::Skip { nominal: *nominal, reason }));
            plan.queued = 0;
        }
        None if !replaces => plan.drain(&row.queued),
        _ => {}
    }
    let mut fresh = vec![];
    if cursor < now {
        // Nominal times at or before this one were missed.
        let late = At((now - GRACE).0 - 1).max(cursor);
        let due = timetable.newest(late, now, usize::MAX);
        let caught_up = plan.miss(schedule, cursor, late, now, due.is_empty());
        let due = plan.unheld(due);
        if overlap == Overlap::Forbid && held.is_none() {
            plan.make_room(&row.queued, caught_up.len());
        }
        let (caught_up, due) = match held {
            None => (caught_up, due),
            // A blackout is on: the newest waits for its end.
            Some(_) => {
                plan.put_off(&row.queued, &[caught_up, due].concat());
                (vec![], vec![])
            }
        };
        if replaces {
            fresh = [caught_up, due].concat();
        } else {
            plan.start(&caught_up, schedule.missed == Missed::All);
            plan.start(&due, false);
        }
        cursor = now;
    }
    if replaces && held.is_none() {
        plan.replace(&row.queued, &fresh);
    }
    Decision { acts: plan.acts, next: timetable.next_after(cursor), cursor }
}

struct Plan<'a> {
    timetable: &'a Timetable,
    holds: Holds<'a>,
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
        let chosen = if wanted == 0 { vec![] } else { self.choose(expired, late, wanted) };
        match wanted {
            0 => self.skip(cursor, late, SkipReason::Downtime, &[]),
            _ => {
                self.skip(cursor, expired, SkipReason::Expired, &[]);
                self.skip(expired, late, SkipReason::Downtime, &chosen);
            }
        }
        chosen
    }

    /// The newest missed occurrences that nothing keeps from running, oldest first.
    fn choose(&self, after: At, upto: At, wanted: usize) -> Vec<At> {
        let (mut chosen, mut upto, mut looked_at) = (Vec::new(), upto, 0);
        while chosen.len() < wanted && looked_at < LOOKED_AT_MAX {
            let newest = self.timetable.newest(after, upto, RECORDED_MAX.max(wanted));
            let Some(oldest) = newest.first() else { break };
            (upto, looked_at) = (At(oldest.0 - 1), looked_at + newest.len());
            let free = newest.iter().rev().filter(|nominal| self.skips(**nominal).is_none());
            chosen.extend(free.take(wanted - chosen.len()).copied());
        }
        chosen.reverse();
        chosen
    }

    /// Why an occurrence never runs, if something keeps it from that.
    fn skips(&self, nominal: At) -> Option<SkipReason> {
        match self.holds.on(self.timetable, nominal)? {
            (Hold::Skip(reason), _) => Some(reason),
            (Hold::Later(_), _) => None,
        }
    }

    /// Records those that something keeps from running for good, and returns the others.
    fn unheld(&mut self, nominals: Vec<At>) -> Vec<At> {
        let (free, held): (Vec<At>, Vec<At>) = nominals.into_iter().partition(|nominal| self.skips(*nominal).is_none());
        let skip = |nominal: At| Some(Act::Skip { nominal, reason: self.skips(nominal)? });
        let skips: Vec<Act> = held.into_iter().filter_map(skip).collect();
        self.acts.extend(skips);
        free
    }

    /// Of missed ones that wait for each other only the newest [`CATCH_UP_MAX`] do, over several times of being away too.
    fn make_room(&mut self, queue: &[At], more: usize) {
        let waiting = &queue[queue.len() - self.queued..];
        let over = (self.queued + more).saturating_sub(CATCH_UP_MAX).min(self.queued);
        let skip = |nominal: &At| Act::Skip { nominal: *nominal, reason: SkipReason::QueueFull };
        self.acts.extend(waiting[..over].iter().map(skip));
        self.queued -= over;
    }

    /// Only the newest waits for the end of a blackout.
    fn put_off(&mut self, queue: &[At], fresh: &[At]) {
        let Some((newest, older)) = fresh.split_last() else { return };
        let older = queue.iter().chain(older);
        self.acts.extend(older.map(|nominal| Act::Skip { nominal: *nominal, reason: SkipReason::Blackout }));
        self.acts.push(Act::Queue { nominal: *newest });
    }

    /// Skips all occurrences after `after` up to `upto` but those that were chosen: the newest one by one, the others
    /// together.
    fn skip(&mut self, after: At, upto: At, reason: SkipReason, chosen: &[At]) {
        let count = self.timetable.count(after, upto) - chosen.len() as u64;
        let mut single = self.timetable.newest(after, upto, RECORDED_MAX + chosen.len());
        single.retain(|nominal| !chosen.contains(nominal));
        let together = count.saturating_sub(single.len() as u64);
        if let (1.., Some(first), Some(oldest)) = (together, self.timetable.next_after(after), single.first()) {
            let last = self.timetable.newest(after, At(oldest.0 - 1), 1).first().copied().unwrap_or(first);
            self.acts.push(Act::SkipMany { count: together, first, last, reason });
        }
        let acts: Vec<Act> = single
            .into_iter()
            .map(|nominal| Act::Skip { nominal, reason: self.skips(nominal).unwrap_or(reason) })
            .collect();
        self.acts.extend(acts);
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
