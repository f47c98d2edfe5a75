//! `plan`: the next ten fire times of every process in local time and UTC, and what would change.

use seaworthy_core::schedule::{Timetable, parse_time, utc};
use seaworthy_model::{
    entry::Stream,
    event::Event,
    port::{Clock as _, Journal},
    site::Pinned,
    time::At,
};
use seaworthy_store::sqlite::Sqlite;
use serde_json::{Value, json};
use std::sync::Arc;

use super::Ask;
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
    let journal =
        if place.store().is_file() { Some(Sqlite::open_readonly(&place.store())?.opened().journal) } else { None };
    let mut objects = Vec::new();
    for pinned in loaded.processes.values().filter(|p| args.process.as_ref().is_none_or(|n| *n == p.process.name)) {
        let change = change(journal.as_ref(), pinned).await?;
        ask.out.line(&format!(
            "{}  {}  {change}",
            ask.out.paint(Tone::Strong, &pinned.process.name),
            ask.out.paint(Tone::Quiet, &pinned.file)
        ));
        if let Some(by) = &pinned.process.observed {
            ask.out.line(&format!("  observed, not run from here: {by}"));
        }
        let next = fires(ask, pinned, from);
        objects.push(json!({
            "process": pinned.process.name, "next": next, "change": change, "digest": pinned.digest,
            "observed": pinned.process.observed,
        }));
    }
    for problem in loaded.broken.values() {
        ask.out.line(&format!("{} {problem}", ask.out.paint(Tone::Bad, "broken:")));
    }
    ask.out.object(&json!({ "v": 1, "from": utc(from), "processes": objects, "broken": loaded.broken }));
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
    let mut at = from;
    while let Some(next) = timetable.next_after(at).filter(|_| out.len() < FIRES) {
        ask.out.line(&format!("  {}   {}", utc(next), timetable.local(next)));
        out.push(json!({ "utc": utc(next), "local": timetable.local(next), "skipped": null }));
        at = next;
    }
    out
}

async fn change(journal: Option<&Arc<dyn Journal>>, pinned: &Pinned) -> Result<&'static str, Trouble> {
    let Some(journal) = journal else { return Ok("new") };
    let entries = journal.stream(&Stream::process(&pinned.process.name), 0).await?;
    Ok(match entries.last().and_then(|e| e.event().ok().flatten()) {
        Some(Event::ProcessLoaded { digest, .. }) if digest == pinned.digest => "unchanged",
        Some(Event::ProcessLoaded { .. }) => "changed",
        _ => "new",
    })
}
