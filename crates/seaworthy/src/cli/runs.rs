//! `runs`: the runs of the past, newest first, and the occurrences that did not run.

use seaworthy_model::{
    run::Kind,
    view::{EndedRun, RunQuery},
};
use serde_json::json;

use super::{Ask, site, story};
use crate::{
    out::cell,
    trouble::{Trouble, code},
    wire,
};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Only runs of this process
    pub process: Option<String>,
    /// At most this many
    #[arg(long, default_value_t = 20)]
    pub limit: usize,
    /// Occurrences that did not become a run, with the reason
    #[arg(long)]
    pub missed: bool,
    /// Only restore drills
    #[arg(long)]
    pub drills: bool,
}

/// Carries out the verb.
pub async fn run(ask: &Ask, args: Args) -> Result<u8, Trouble> {
    let site = site::open(ask)?;
    if args.missed {
        return missed(ask, &site, &args).await;
    }
    let query = RunQuery {
        process: args.process.clone(),
        kind: args.drills.then_some(Kind::Drill),
        limit: args.limit.clamp(1, 1_000),
        ..RunQuery::default()
    };
    let mut live = site.views.live_runs().await?;
    live.retain(|r| args.process.as_ref().is_none_or(|p| *p == r.process) && (r.kind == Kind::Drill || !args.drills));
    let ended = site.views.ended_runs(query).await?;
    if ended.is_empty() && live.is_empty() {
        known(&site, args.process.as_deref())?;
    }
    for row in &live {
        ask.out.line(&format!("{}  {:20} {:24} {}", row.run, "running", row.process, row.doing));
    }
    for row in &ended {
        ask.out.line(&line(ask, row));
    }
    if ended.is_empty() && live.is_empty() {
        ask.out.line("no runs yet; try `seaworthy run PROCESS`");
    }
    let runs: Vec<_> = ended
        .iter()
        .map(|r| json!({ "run_id": r.run.to_string(), "process": r.process, "kind": r.kind, "executed": r.executed.word(), "verified": r.verified.word(), "reason": r.reason, "started_at": r.started_at.map(site::time), "ended_at": site::time(r.ended_at), "duration_ms": r.duration.millis_up() }))
        .collect();
    let running: Vec<_> = live
        .iter()
        .map(|r| json!({ "run_id": r.run.to_string(), "process": r.process, "kind": r.kind, "doing": r.doing }))
        .collect();
    ask.out.object(&json!({ "v": 1, "runs": runs, "live": running }));
    Ok(code::VERIFIED)
}

/// Whether there is such a process, where nothing of it is on record.
fn known(site: &site::Reading, name: Option<&str>) -> Result<(), Trouble> {
    let Some(name) = name else { return Ok(()) };
    // With a broken site file nobody can say.
    let Ok(loaded) = wire::definitions(&site.place, None) else { return Ok(()) };
    if loaded.processes.contains_key(name) {
        return Ok(());
    }
    Err(Trouble::start(format!(
        "no process `{name}` in the files, and none of its runs on record; look at `seaworthy runs`"
    )))
}

fn line(ask: &Ask, row: &EndedRun) -> String {
    let (word, tone) = story::words(row.executed, row.verified);
    let name = if row.kind == Kind::Drill { format!("{} (drill)", row.process) } else { row.process.clone() };
    let padded = format!("{word:20}");
    format!(
        "{}  {} {name:24} {:>10}  {:>8}  {}",
        row.run,
        ask.out.paint(tone, &padded),
        site::ago(row.ended_at),
        row.duration.to_string(),
        cell(&row.reason)
    )
}

async fn missed(ask: &Ask, site: &site::Reading, args: &Args) -> Result<u8, Trouble> {
    let rows = site.views.skipped(args.process.as_deref(), args.limit.clamp(1, 1_000)).await?;
    for row in &rows {
        let more = if row.count > 1 { format!(" and {} before", row.count - 1) } else { String::new() };
        let by = if row.trigger.is_empty() { String::new() } else { format!("  {}: {}", row.trigger, row.detail) };
        let by = cell(&by);
        ask.out.line(&format!("{}  {:24} {}{more}{by}", site::time(row.nominal), row.process, row.reason.word()));
    }
    let runs: Vec<_> = rows
        .iter()
        .map(|r| json!({ "run_id": null, "process": r.process, "nominal": site::time(r.nominal), "reason": r.reason.word(), "count": r.count, "trigger": Some(&r.trigger).filter(|t| !t.is_empty()), "detail": r.detail }))
        .collect();
    ask.out.object(&json!({ "v": 1, "runs": runs }));
    Ok(code::VERIFIED)
}
