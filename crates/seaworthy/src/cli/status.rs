//! `status`: in one sentence, is everything proven? Then the worst first.

use seaworthy_core::schedule::{Timetable, utc};
use seaworthy_model::{
    port::Clock as _,
    process::Process,
    run::{Executed, Verified},
    schedule::Pause,
    site::Loaded,
    time::At,
    view::{EndedRun, ProcessView, Raised, SkippedRow},
};
use serde_json::json;

use super::{Ask, difference, init::twice::twice, site, story};
use crate::{
    branch, node,
    out::{Tone, cell},
    real::RealClock,
    trouble::{Trouble, code},
    wire,
};

/// Newest rows of what did not run that are looked at.
const HELD_MAX: usize = 100;

#[derive(Debug, clap::Args)]
pub struct Args {}

struct Row {
    name: String,
    word: &'static str,
    tone: Tone,
    rank: u8,
    detail: String,
    proven: Option<At>,
    restorable: Option<At>,
    /// Of an observed process: when somebody else runs it next.
    next: Option<At>,
    /// End and reason of a pause that is in force.
    paused: Option<(At, String)>,
    /// What triggered it in vain since it last started.
    held: Vec<SkippedRow>,
    /// The newest drill, if it went wrong.
    drill: Option<EndedRun>,
}

/// Carries out the verb. Exit 0 only if every process is verified, its newest drill too, and no signal is open.
pub async fn run(ask: &Ask, _args: Args) -> Result<u8, Trouble> {
    let site = site::open_or_empty(ask)?;
    let loaded = wire::known(&site.place, &*site.archive, &*site.journal, &*site.views).await?.outcome.loaded;
    let mut rows = Vec::new();
    for (name, pinned) in &loaded.processes {
        rows.push(match &pinned.process.observed {
            Some(by) => observed(&pinned.process, by),
            None => {
                let pause = site.views.schedule(name).await?.and_then(|row| row.pause);
                let row = told(&site, name).await?;
                paused(waited(row), pause.as_ref(), RealClock.now())
            }
        });
    }
    rows.sort_by(|a, b| (a.rank, a.proven, &a.name).cmp(&(b.rank, b.proven, &b.name)));
    let signals = match &site.watched {
        Some(watched) => watched.signals(Raised::Open, 100).await?,
        None => Vec::new(),
    };
    let bad = rows.iter().filter(|r| r.rank < 3).count();
    let drills = rows.iter().filter(|r| r.drill.is_some()).count();
    let up = node::is_held(&site.place.data, "server");
    ask.out.line(&sentence(ask, &loaded, &rows, [bad, signals.len()], up));
    for row in &rows {
        tell(ask, row);
    }
    for signal in &signals {
        ask.out.line(&format!(
            "  {} {}: expected {}; {}",
            ask.out.paint(Tone::Bad, signal.kind.word()),
            signal.process,
            cell(&signal.expected),
            cell(&signal.seen)
        ));
    }
    let twice = also_elsewhere(ask, &loaded);
    for problem in loaded.broken.values() {
        ask.out.line(&format!("  {} {}", ask.out.paint(Tone::Bad, "broken file"), cell(problem)));
    }
    let source = files_of(ask, site.place.source.as_deref());
    for held in &loaded.held {
        ask.out.line(&format!("  {} {}", ask.out.paint(Tone::Doubt, "weaker file"), difference::line(held)));
    }
    let processes: Vec<_> = rows.iter().map(object).collect();
    let open: Vec<_> = signals
        .iter()
        .map(|s| json!({ "process": s.process, "kind": s.kind, "expected": s.expected, "seen": s.seen }))
        .collect();
    ask.out.object(&json!({ "v": 1, "server": up, "at": site::time(RealClock.now()), "processes": processes, "signals": open, "twice": twice, "broken": loaded.broken, "branch": source.map(|(source, state)| json!({ "url": source.branch.url, "branch": source.branch.branch, "commit": state.commit, "lost": state.lost.map(|lost| json!({ "since": site::time(lost.since), "reason": lost.reason })) })), "waits": loaded.held.iter().map(difference::object).collect::<Vec<_>>() }));
    Ok(if bad == 0 && drills == 0 && signals.is_empty() && loaded.broken.is_empty() {
        code::VERIFIED
    } else {
        code::FAILED
    })
}

/// The line of a process, and what its newest drill came to if it went wrong.
fn tell(ask: &Ask, row: &Row) {
    let padded = format!("{:20}", row.word);
    let proof = row.proven.map_or("never verified".into(), |at| format!("verified {}", site::ago(at)));
    let restore = row.restorable.map_or(String::new(), |at| format!(", proven restorable {}", site::ago(at)));
    ask.out.line(&format!(
        "  {} {:24} {proof}{restore}  {}",
        ask.out.paint(row.tone, &padded),
        row.name,
        cell(&row.detail)
    ));
    if let Some(drill) = &row.drill {
        let (word, tone) = story::words(drill.executed, drill.verified);
        let word = ask.out.paint(tone, &format!("drill {word}"));
        let (ago, why) = (site::ago(drill.ended_at), cell(&drill.reason));
        ask.out.line(&format!("    {word} {ago}: it may not be restorable  {why}"));
    }
}

/// A drill that went wrong, for machines.
fn drill_object(drill: &EndedRun) -> serde_json::Value {
    let state = story::words(drill.executed, drill.verified).0;
    json!({ "run_id": drill.run, "state": state, "reason": drill.reason, "ended_at": site::time(drill.ended_at) })
}

fn object(row: &Row) -> serde_json::Value {
    let held = row.held.iter().map(|held| {
        json!({ "at": site::time(held.nominal), "trigger": held.trigger, "reason": held.reason.word(), "count": held.count })
    });
    let paused = row.paused.as_ref().map(|(until, why)| json!({ "until": site::time(*until), "reason": why }));
    json!({
        "process": row.name,
        "state": row.word,
        "reason": row.detail,
        "verified_at": row.proven.map(site::time),
        "restorable_at": row.restorable.map(site::time),
        "next_at": row.next.map(site::time),
        "held": held.collect::<Vec<_>>(),
        "paused": paused,
        "drill": row.drill.as_ref().map(drill_object),
    })
}

/// Says which commit of a branch is in force, and whether the branch can be read.
fn files_of<'s>(ask: &Ask, source: Option<&'s branch::Source>) -> Option<(&'s branch::Source, branch::State)> {
    let (source, state) = source.map(|source| (source, source.state()))?;
    let commit = state.commit.as_deref().map_or("none", branch::short);
    let at = format!("branch {} of {} at {commit}", source.branch.branch, source.branch.url);
    ask.out.line(&format!("  {} {at}", ask.out.paint(Tone::Quiet, "files")));
    if let Some(lost) = &state.lost {
        let (since, reason) = (site::ago(lost.since), cell(&lost.reason));
        ask.out.line(&format!("  {} since {since}: {reason}", ask.out.paint(Tone::Bad, "branch lost")));
    }
    Some((source, state))
}

/// Says what somebody else on this host runs as well.
fn also_elsewhere(ask: &Ask, loaded: &Loaded) -> Vec<serde_json::Value> {
    let twice = twice(loaded.processes.values().map(|pinned| &pinned.process));
    for one in &twice {
        let (what, help) = one.words();
        ask.out.line(&format!("  {} {what}; {help}", ask.out.paint(Tone::Doubt, "runs twice")));
    }
    twice.iter().map(|one| json!({ "process": one.process, "by": one.by })).collect()
}

/// What its runs say, and what triggered it in vain since it last started.
async fn told(site: &site::Reading, name: &str) -> Result<Row, Trouble> {
    let view = site.views.process(name).await?;
    let last = view.runs.first().map(|run| run.requested_at);
    let skipped = site.views.skipped(Some(name), HELD_MAX).await?;
    let since = |row: &SkippedRow| !row.trigger.is_empty() && last.is_none_or(|last| last < row.nominal);
    Ok(Row { held: skipped.into_iter().filter(since).collect(), ..row(name, view) })
}

/// What triggered it in vain is told beside what the last run said: somebody waits for it.
fn waited(row: Row) -> Row {
    let count: u64 = row.held.iter().map(|held| held.count.max(1)).sum();
    let Some(newest) = row.held.first() else { return row };
    let more = if count > 1 { format!(", and {} before it", count - 1) } else { String::new() };
    let said = format!("{} started nothing: {}{more}", newest.trigger, newest.detail);
    let detail = if row.detail.is_empty() { said } else { format!("{said}; {}", row.detail) };
    Row { detail, ..row }
}

/// A pause in force is told beside what the last run said.
fn paused(row: Row, pause: Option<&Pause>, now: At) -> Row {
    let Some(pause) = pause.filter(|pause| pause.holds(now)) else { return row };
    let said = format!("paused until {}: {}", utc(pause.until), pause.reason);
    let detail = if row.detail.is_empty() { said } else { format!("{said}; {}", row.detail) };
    Row { detail, paused: Some((pause.until, pause.reason.clone())), ..row }
}

fn row(name: &str, view: ProcessView) -> Row {
    let proven = view.last_verified.as_ref().map(|r| r.ended_at);
    let restorable = view.last_verified_drill.as_ref().map(|r| r.ended_at);
    let wrong = |drill: &&EndedRun| drill.verified != Verified::Yes && drill.executed != Executed::Cancelled;
    let drill = view.drills.first().filter(wrong).cloned();
    let Some(last) = view.runs.first() else {
        return Row {
            name: name.into(),
            word: "NEVER RUN",
            tone: Tone::Doubt,
            rank: 2,
            detail: String::new(),
            proven,
            restorable,
            next: None,
            paused: None,
            held: Vec::new(),
            drill,
        };
    };
    let (word, tone) = story::words(last.executed, last.verified);
    let rank = match last.verified {
        Verified::No => 0,
        Verified::Unknown => 1,
        Verified::Unproven => 2,
        Verified::Yes => 3,
    };
    Row {
        name: name.into(),
        word,
        tone,
        rank,
        detail: last.reason.clone(),
        proven,
        restorable,
        next: None,
        paused: None,
        held: Vec::new(),
        drill,
    }
}

/// Somebody else runs it, and nobody looks at what comes of it.
fn observed(process: &Process, by: &str) -> Row {
    let timetable = process.schedule.as_ref().and_then(|schedule| Timetable::parse(schedule).ok());
    let next = timetable.and_then(|timetable| timetable.next_after(RealClock.now()));
    let due =
        next.map_or_else(|| "nobody here knows when it is due".to_owned(), |at| format!("due {}", site::time(at)));
    Row {
        name: process.name.clone(),
        word: "UNPROVEN",
        tone: Tone::Doubt,
        rank: 2,
        detail: format!("{due}, run by {by}"),
        proven: None,
        restorable: None,
        next,
        paused: None,
        held: Vec::new(),
        drill: None,
    }
}

fn sentence(ask: &Ask, loaded: &Loaded, rows: &[Row], [bad, signals]: [usize; 2], up: bool) -> String {
    let all = rows.len();
    let first = match (rows.first(), all) {
        (None, _) => "This site has no processes yet.".to_owned(),
        (Some(_), 1) if bad == 0 => ask.out.paint(Tone::Good, "The only process is verified."),
        (Some(_), _) if bad == 0 => ask.out.paint(Tone::Good, &format!("All {all} processes are verified.")),
        (Some(worst), 1) => ask.out.paint(Tone::Bad, &format!("The only process, {}, is not verified.", worst.name)),
        (Some(worst), _) => {
            ask.out.paint(Tone::Bad, &format!("{bad} of {all} processes are not verified; worst: {}.", worst.name))
        }
    };
    let some = |n: usize, one: &str, many: &str| match n {
        0 => String::new(),
        1 => format!(" One {one}."),
        n => format!(" {n} {many}."),
    };
    let drills = rows.iter().filter(|r| r.drill.is_some()).count();
    let drills = some(drills, "restore drill went wrong", "restore drills went wrong");
    let signals = some(signals, "open signal", "open signals");
    let broken = some(loaded.broken.len(), "broken file", "broken files");
    let held = some(loaded.held.len(), "change waits for a person", "changes wait for a person");
    let server = if up { "" } else { " No server is running: nothing is scheduled." };
    format!("{first}{drills}{signals}{broken}{held}{server}")
}
