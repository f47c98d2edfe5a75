//! `plan`: the next ten fire times of every process in local time and UTC, and what would change.

use seaworthy_core::schedule::{parse_time, utc};
use seaworthy_model::port::Clock as _;
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
    if let Some(name) = args.process.as_ref().filter(|name| !loaded.processes.contains_key(*name)) {
        return Err(Trouble::start(format!("no process `{name}` in the files")));
    }
    let changes = Changes::read(&place).await?;
    let views =
        if place.store().is_file() { Some(Sqlite::open_readonly(&place.store())?.opened().views) } else { None };
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
        let pause = planned::pause(views.as_deref(), &pinned.process.name).await?;
        let next = planned::fires(&ask.out, pinned, &loaded.site, pause.as_ref(), from);
        let targets = planned::targets(&pinned.process);
        if !targets.is_empty() {
            ask.out.line(&format!("  touches {}", targets.join(", ")));
        }
        objects.push(json!({
            "process": pinned.process.name, "next": next, "change": word, "digest": pinned.digest,
            "observed": pinned.process.observed, "targets": targets, "difference": change.map(Change::object),
        }));
    }
    let load = planned::load(&ask.out, &loaded, from);
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

/// Who may do more and who less, for machines.
fn rights(changes: &Changes) -> serde_json::Value {
    changes.rights.iter().map(|one| json!({ "wider": one.weaker, "what": one.text })).collect()
}
