//! `plan`: the next ten fire times of every process in local time and UTC, and what would change.

use seaworthy_core::schedule::{Timetable, parse_time, utc};
use seaworthy_model::{port::Clock as _, site::Pinned, time::At};
use serde_json::{Value, json};

use super::{
    Ask,
    difference::{self, Change, Changes},
};
use crate::{
    out::Tone,
    real::RealClock,
    trouble::{Trouble, code},
    wire,
};

/// Fire times that are listed.
const FIRES: usize = 10;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// From this time on, such as 2026-10-25T00:00:00Z
    #[arg(long, value_name = "TIME")]
    pub at: Option<String>,
    /// Only this process
    pub process: Option<String>,
}

/// Carries out the verb. Changes nothing.
pub async fn run(ask: &Ask, args: Args) -> Result<u8, Trouble> {
    let place = ask.place()?;
    let from = match &args.at {
        Some(text) => parse_time(text).map_err(Trouble::start)?,
        None => RealClock.now(),
    };
    let loaded = wire::definitions(&place, None)?;
    if let Some(name) = args.process.as_ref().filter(|name| !loaded.processes.contains_key(*name)) {
        return Err(Trouble::start(format!("no process `{name}` in the files")));
    }
    let changes = Changes::read(&place).await?;
    let mut objects = Vec::new();
    let gone = changes.gone.iter().filter(|p| !loaded.processes.contains_key(&p.process.name));
    let all = loaded.processes.values().chain(gone);
    for pinned in all.filter(|p| args.process.as_ref().is_none_or(|n| *n == p.process.name)) {
        let change = changes.get(&pinned.process.name);
        let word = change.map_or("new", |change| change.word);
        ask.out.line(&format!(
            "{}  {}  {word}",
            ask.out.paint(Tone::Strong, &pinned.process.name),
            ask.out.paint(Tone::Quiet, &pinned.file)
        ));
        if let Some(by) = &pinned.process.observed {
            ask.out.line(&format!("  observed, not run from here: {by}"));
        }
        for line in change.iter().flat_map(|change| change.lines(&ask.out)) {
            ask.out.line(&line);
        }
        let next = fires(ask, pinned, from);
        objects.push(json!({
            "process": pinned.process.name, "next": next, "change": word, "digest": pinned.digest,
            "observed": pinned.process.observed, "difference": change.map(Change::object),
        }));
    }
    for held in &changes.besides {
        ask.out.line(&difference::line(held));
    }
    for problem in loaded.broken.values() {
        ask.out.line(&format!("{} {problem}", ask.out.paint(Tone::Bad, "broken:")));
    }
    ask.out.object(&json!({ "v": 1, "from": utc(from), "processes": objects, "broken": loaded.broken, "waits": changes.besides.iter().map(difference::object).collect::<Vec<_>>() }));
    Ok(if loaded.broken.is_empty() { code::VERIFIED } else { code::NOT_STARTED })
}

fn fires(ask: &Ask, pinned: &Pinned, from: At) -> Vec<Value> {
    let Some(schedule) = &pinned.process.schedule else {
        match pinned.process.observed {
            Some(_) => ask.out.line("  its timetable is not known here"),
            None => ask.out.line("  no schedule: it runs when a person asks"),
        }
        return Vec::new();
    };
    let Ok(timetable) = Timetable::parse(schedule) else { return Vec::new() };
    let mut out = Vec::new();
    if let Some(jitter) = schedule.jitter {
        ask.out.line(&format!("  each {} after its time: its part of the jitter of {jitter}", timetable.shift()));
    }
    let mut at = from;
    while let Some(next) = timetable.next_after(at).filter(|_| out.len() < FIRES) {
        ask.out.line(&format!("  {}   {}", utc(next), timetable.local(next)));
        out.push(json!({ "utc": utc(next), "local": timetable.local(next), "skipped": null }));
        at = next;
    }
    out
}
