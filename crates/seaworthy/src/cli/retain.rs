//! `retain`: drops what is old and not needed now; `--dry-run` says what would go and why the rest stays.
//!
//! This module must not decide what may go: core does.

use seaworthy_model::port::Clock as _;
use seaworthy_runtime::{
    retain::{Part, Retainer, Survey, survey},
    seal,
};
use seaworthy_store::sqlite::Sqlite;
use serde_json::{Value, json};

use super::{Ask, site, story};
use crate::{
    place::Place,
    real::RealClock,
    socket::{self, Answered, Asked},
    trouble::{Trouble, code},
    wire,
};

/// Steps of one call without a server; what is left then is for the next one.
const STEPS_MAX: usize = 100_000;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Change nothing: say what would go and why the rest stays
    #[arg(long)]
    pub dry_run: bool,
}

/// Carries out the verb.
pub async fn run(ask: &Ask, args: Args) -> Result<u8, Trouble> {
    if args.dry_run {
        return dry(ask).await;
    }
    let place = ask.place()?;
    match socket::ask(&place, &Asked::Retain).await? {
        Some(Answered::Done { detail }) => {
            ask.out.line(&detail);
            ask.out.object(&json!({ "v": 1, "server": true }));
            Ok(code::VERIFIED)
        }
        Some(other) => Err(Trouble::start(format!("the server answered something else: {other:?}"))),
        None => alone(ask, &place).await,
    }
}

async fn alone(ask: &Ask, place: &Place) -> Result<u8, Trouble> {
    let house = wire::open(place).await?;
    let signals = wire::watched(place)?;
    let kept = wire::kept_of(place, &house.store);
    let mut retainer = Retainer::new(house.ports.clone(), kept, signals);
    let (mut bodies, mut outputs, mut artifacts, mut over) = (0, 0, 0, 0);
    let mut trouble = None;
    for _ in 0..STEPS_MAX {
        match retainer.step().await {
            Ok(step) => {
                bodies += step.bodies;
                outputs += step.outputs;
                artifacts += step.artifacts;
                over = step.over;
                if !step.more {
                    break;
                }
            }
            Err(what) => {
                trouble = Some(what);
                break;
            }
        }
    }
    drop(retainer);
    let sealed = seal::seal(&house.ports).await;
    house.close();
    if let Some(what) = trouble {
        return Err(Trouble::failed(what));
    }
    sealed?;
    ask.out.line(&format!("dropped: {bodies} bodies, outputs of {outputs} runs, artifacts of {artifacts} runs"));
    if over > 0 {
        ask.out.line(&format!("{} over `at_most` are all needed; raise it or keep less", story::size(over)));
    }
    ask.out
        .object(&json!({ "v": 1, "bodies": bodies, "outputs": outputs, "artifacts": artifacts, "over_bytes": over }));
    Ok(if over == 0 { code::VERIFIED } else { code::FAILED })
}

async fn dry(ask: &Ask) -> Result<u8, Trouble> {
    let site = site::open(ask)?;
    let loaded = wire::known(&site.place, &*site.archive, &*site.journal, &*site.views).await?.outcome.loaded;
    let kept = wire::kept_of(&site.place, &Sqlite::open_readonly(&site.place.store())?);
    let from = (&*site.journal, &*site.views, site.watched.as_deref());
    let found = survey(from, &kept, &loaded, RealClock.now()).await.map_err(Trouble::start)?;
    for one in &found.processes {
        ask.out.line(&format!("{}  {} runs", one.process, one.ended));
        for (what, part) in &one.parts {
            for line in lines(what.word(), part) {
                ask.out.line(&line);
            }
        }
    }
    ask.out.line(&total(&found));
    ask.out.object(&object(&found));
    Ok(code::VERIFIED)
}

fn lines(what: &str, part: &Part) -> Vec<String> {
    let bytes = if part.bytes > 0 { format!(", {}", story::size(part.bytes)) } else { String::new() };
    let goes = (part.runs > 0).then(|| format!("  {what:10} would go: {} runs{bytes}", part.runs));
    let gone = (part.gone > 0).then(|| format!("  {what:10} gone: {} runs", part.gone));
    let stays = part.stays.iter().map(|(why, runs)| format!("  {what:10} stays: {runs} runs, {}", why.word()));
    goes.into_iter().chain(gone).chain(stays).collect()
}

fn total(found: &Survey) -> String {
    let limit = found.at_most.map_or(String::new(), |bytes| format!(", at most {}", story::size(bytes)));
    format!(
        "in all: artifacts {}, outputs {}, journal {} ({} of it free){limit}",
        story::size(found.artifacts),
        story::size(found.outputs),
        story::size(found.journal.bytes),
        story::size(found.journal.free)
    )
}

fn object(found: &Survey) -> Value {
    let part = |part: &Part| {
        let stays: serde_json::Map<String, Value> =
            part.stays.iter().map(|(why, runs)| (why.word().to_owned(), json!(runs))).collect();
        json!({ "runs": part.runs, "bytes": part.bytes, "gone": part.gone, "stays": stays })
    };
    let processes: Vec<Value> = found
        .processes
        .iter()
        .map(|one| {
            let parts: serde_json::Map<String, Value> =
                one.parts.iter().map(|(what, found)| (what.word().to_owned(), part(found))).collect();
            json!({ "process": one.process, "ended": one.ended, "parts": parts })
        })
        .collect();
    json!({
        "v": 1, "processes": processes, "artifacts_bytes": found.artifacts, "outputs_bytes": found.outputs,
        "journal_bytes": found.journal.bytes, "journal_free_bytes": found.journal.free, "at_most_bytes": found.at_most,
    })
}
