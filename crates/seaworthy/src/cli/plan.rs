//! `plan`: the next ten fire times of every process in local time and UTC, and what would change.

use std::{collections::BTreeMap, sync::Arc};

use seaworthy_core::schedule::{parse_time, utc};
use seaworthy_model::{port::Clock as _, site::Pinned};
use seaworthy_store::sqlite::Sqlite;
use serde_json::json;

use super::{
    Ask,
    difference::{self, Change, Changes},
    planned,
};
use crate::{
    out::Tone,
    real::RealClock,
    trouble::{Trouble, code},
    wire,
};

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
    let changes = Changes::read(&place).await?;
    let fires = changes.fires.as_ref().unwrap_or(&loaded);
    // Of each as the files say it, else as it was.
    let all = fires.processes.values().chain(&changes.gone).chain(loaded.processes.values());
    let all: BTreeMap<&str, &Arc<Pinned>> = all.map(|pinned| (&*pinned.process.name, pinned)).collect();
    if let Some(name) = args.process.as_ref().filter(|name| !all.contains_key(name.as_str())) {
        return Err(Trouble::start(format!("no process `{name}` in the files")));
    }
    let views =
        if place.store().is_file() { Some(Sqlite::open_readonly(&place.store())?.opened().views) } else { None };
    let mut objects = Vec::new();
    for pinned in all.into_values().filter(|p| args.process.as_ref().is_none_or(|n| *n == p.process.name)) {
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
        let pause = planned::pause(views.as_deref(), &pinned.process.name).await?;
        let next = match fires.processes.get(&pinned.process.name) {
            Some(in_force) => {
                if let Some(why) = as_before(change, loaded.processes.get(&pinned.process.name)) {
                    ask.out.line(&format!("  {why}"));
                }
                planned::fires(&ask.out, in_force, &fires.site, pause.as_ref(), from)
            }
            None => Vec::new(),
        };
        let targets = planned::targets(&pinned.process);
        if !targets.is_empty() {
            ask.out.line(&format!("  touches {}", targets.join(", ")));
        }
        objects.push(json!({
            "process": pinned.process.name, "next": next, "change": word, "digest": pinned.digest,
            "observed": pinned.process.observed, "targets": targets, "difference": change.map(Change::object),
        }));
    }
    let load = planned::load(&ask.out, fires, from);
    for held in &changes.besides {
        ask.out.line(&difference::line(held));
    }
    for one in &changes.rights {
        ask.out.line(&difference::rights_line(&ask.out, one));
    }
    for problem in loaded.broken.values() {
        ask.out.line(&format!("{} {problem}", ask.out.paint(Tone::Bad, "broken:")));
    }
    ask.out.object(&json!({ "v": 1, "from": utc(from), "processes": objects, "load": load, "broken": loaded.broken, "waits": changes.besides.iter().map(difference::object).collect::<Vec<_>>(), "rights": rights(&changes) }));
    Ok(if loaded.broken.is_empty() { code::VERIFIED } else { code::NOT_STARTED })
}

/// Why it is not the file that fires.
fn as_before(change: Option<&Change>, file: Option<&Arc<Pinned>>) -> Option<&'static str> {
    match (change?, file) {
        (Change { held: Some(_), .. }, _) => Some("until then it fires as before:"),
        (_, None) => Some("its file cannot be read; the last good version fires:"),
        _ => None,
    }
}

/// Who may do more and who less, for machines.
fn rights(changes: &Changes) -> serde_json::Value {
    changes.rights.iter().map(|one| json!({ "wider": one.weaker, "what": one.text })).collect()
}
