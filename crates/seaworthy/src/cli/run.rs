//! `run PROCESS`: do it now, follow it live, exit with the verdict.
//!
//! With a server it asks the server; without one it is a short-lived node that claims only its own run.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use seaworthy_core::run::State;
use seaworthy_model::{
    entry::Via,
    id::RunId,
    port::{Answer, Ask as Wish, Definitions as _, Requests as _},
};
use seaworthy_runtime::{Stop, notify::Sender, seal};
use seaworthy_store::sqlite::Sqlite;
use serde_json::Value;

use super::{
    Ask,
    difference::{self, Changes},
    follow,
};
use crate::{
    node,
    out::complain,
    place::Place,
    socket::{self, Answered, Asked},
    trouble::{Trouble, code},
    wire,
};

/// How long a server may be away before one who follows a run in it does not wait for it any more.
const GONE_AFTER: Duration = Duration::from_secs(10);
/// Between two looks for it.
const LOOK_GAP: Duration = Duration::from_millis(500);
/// How long a short-lived node goes on sending messages after its run has ended.
const MESSAGES_WITHIN: Duration = Duration::from_secs(30);

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Name of the process
    pub process: String,
    /// With a server: do not wait for the end
    #[arg(long)]
    pub detach: bool,
    /// A value for an input of the process; may be repeated
    #[arg(long = "input", value_name = "NAME=VALUE")]
    pub inputs: Vec<String>,
    /// Inputs as one JSON object; what --input says of the same name counts
    #[arg(long, value_name = "JSON")]
    pub inputs_json: Option<String>,
}

/// What was said of inputs, by name.
fn said(args: &Args) -> Result<BTreeMap<String, String>, Trouble> {
    let mut said = BTreeMap::new();
    if let Some(text) = &args.inputs_json {
        let wrong = |why: String| Trouble::start(format!("--inputs-json is not an object of names and values: {why}"));
        let json: serde_json::Map<String, Value> = serde_json::from_str(text).map_err(|e| wrong(e.to_string()))?;
        for (name, value) in json {
            let text = match value {
                Value::String(text) => text,
                Value::Object(_) | Value::Null => return Err(wrong(format!("`{name}` is no value"))),
                other => other.to_string(),
            };
            said.insert(name, text);
        }
    }
    let mut once = BTreeSet::new();
    for pair in &args.inputs {
        let Some((name, value)) = pair.split_once('=') else {
            return Err(Trouble::start(format!("`--input {pair}` says no value; write --input {pair}=VALUE")));
        };
        if !once.insert(name) {
            return Err(Trouble::start(format!("--input {name} is given twice; give it once")));
        }
        said.insert(name.to_owned(), value.to_owned());
    }
    Ok(said)
}

/// Carries out the verb.
pub async fn run(ask: &Ask, args: Args) -> Result<u8, Trouble> {
    let inputs = said(&args)?;
    let asked = Asked::Run { process: args.process.clone(), inputs: inputs.clone() };
    start(ask, asked, Wish::Run { process: args.process, inputs }, args.detach).await
}

/// The shared course of `run` and `drill`.
pub async fn start(ask: &Ask, asked: Asked, wish: Wish, detach: bool) -> Result<u8, Trouble> {
    let place = ask.place()?;
    match socket::ask(&place, &asked).await? {
        Some(Answered::Started { run, digest }) => with_server(ask, &place, &run, &digest, &wish, detach).await,
        Some(Answered::Refused { reason }) => Err(Trouble::start(reason)),
        Some(Answered::Done { detail }) => Err(Trouble::start(format!("the server answered something else: {detail}"))),
        None if detach => Err(Trouble::start("--detach needs a running server: seaworthy up".to_owned())),
        None => alone(ask, &place, wish).await,
    }
}

async fn with_server(
    ask: &Ask,
    place: &Place,
    run: &str,
    digest: &str,
    wish: &Wish,
    detach: bool,
) -> Result<u8, Trouble> {
    let run: RunId = run.parse().map_err(|e| Trouble::start(format!("the server answered with {e}")))?;
    warn_if_different(place, digest, wish).await;
    if detach {
        ask.out.line(&format!("{run} started, definition {}", &digest[..digest.len().min(12)]));
        ask.out.object(&serde_json::json!({ "v": 1, "run_id": run.to_string(), "digest": digest, "detached": true }));
        return Ok(code::VERIFIED);
    }
    let journal = Sqlite::open_readonly(&place.store())?.opened().journal;
    tokio::select! {
        state = follow::follow(&ask.out, &journal, run) => Ok(follow::conclude(&ask.out, run, &state?)),
        () = interrupted() => {
            complain(&format!("{run} goes on in the server; look with: seaworthy show {run}"));
            Ok(code::STILL_RUNNING)
        }
        () = deserted(place) => {
            complain(&format!("the server is gone; {run} goes on when it is started again: seaworthy up"));
            Ok(code::STILL_RUNNING)
        }
    }
}

/// Returns when no server has been there for [`GONE_AFTER`]: a restart is waited for.
async fn deserted(place: &Place) {
    let mut seen = Instant::now();
    while seen.elapsed() < GONE_AFTER {
        tokio::time::sleep(LOOK_GAP).await;
        if node::is_held(&place.data, "server") {
            seen = Instant::now();
        }
    }
}

/// The server runs what it has loaded; say so when the file says something else.
async fn warn_if_different(place: &Place, digest: &str, wish: &Wish) {
    let name = match wish {
        Wish::Run { process, .. } | Wish::Drill { process } => process,
        _ => return,
    };
    // Only a remark: if it cannot be made, the run tells its own trouble.
    let Ok(changes) = Changes::read(place).await else { return };
    let Some(change) = changes.get(name).filter(|change| change.word != "unchanged") else { return };
    let what: Vec<&str> = change.weaker.iter().chain(&change.other).map(String::as_str).collect();
    let waits = change.held.as_ref().map_or(String::new(), |held| format!("; it {}", difference::waits(held)));
    complain(&format!(
        "note: the file of `{name}` differs from the definition the server runs ({}): {}{waits}",
        &digest[..digest.len().min(12)],
        what.join("; ")
    ));
}

async fn alone(ask: &Ask, place: &Place, wish: Wish) -> Result<u8, Trouble> {
    let house = wire::open(place).await?;
    house.watched_by_another(place);
    let refreshed = wire::refresh(place, &house).await;
    let done = match refreshed {
        Ok(()) => course(ask, &house, wish).await,
        Err(trouble) => Err(trouble),
    };
    // Opening may have appended already, whatever became of the wish.
    let sealed = seal::seal(&house.ports).await;
    let loaded = house.in_force.current();
    house.close();
    let (run, state) = done?;
    sealed?;
    let code = follow::conclude(&ask.out, run, &state);
    for problem in loaded.broken.values() {
        complain(&format!("note: {problem}"));
    }
    if let Some(lost) = place.source.as_ref().and_then(|source| source.state().lost) {
        complain(&format!("note: {}; the last good commit is in force", lost.reason));
    }
    for held in &loaded.held {
        complain(&format!("note: {}", difference::line(held)));
    }
    Ok(code)
}

/// From the wish to the end of its run, with all that is told of it.
async fn course(ask: &Ask, house: &wire::House, wish: Wish) -> Result<(RunId, State), Trouble> {
    let actor = house.os_actor(rustix::process::geteuid()).await?;
    let answer = house.desk.ask(wish, actor, Via::Cli).await?;
    let run = match answer {
        Answer::Started { run, .. } => run,
        Answer::Refused { reason } | Answer::TooMany { reason } => return Err(Trouble::start(reason)),
        Answer::Done { detail } => return Err(Trouble::start(detail)),
    };
    // A long run seals every minute, as a server does: what is on record must not wait hours for its checkpoint.
    let over = Stop::default();
    let sealing = tokio::spawn(seal::run(house.ports.clone(), over.clone()));
    let journal = house.ports.journal.clone();
    let followed = tokio::select! {
        state = follow::follow(&ask.out, &journal, run) => Some(state?),
        () = interrupted() => None,
    };
    let state = match followed {
        Some(state) => state,
        None => {
            house.desk.ask(Wish::Cancel { run, reason: "stopped at the terminal".into() }, actor, Via::Cli).await?;
            follow::follow(&crate::out::Out { json: true, colour: false }, &journal, run).await?
        }
    };
    // A run that it took up for its lock goes on without us, with the keeper.
    house.stop.now();
    house.runs.drained().await;
    messages(house, run).await;
    over.now();
    if let Err(trouble) = sealing.await {
        complain(&format!("note: the last checkpoint of this run may be missing ({trouble})"));
    }
    Ok((run, state))
}

/// Sends what this run has to tell, as long as it does not take too long; the rest waits for a server.
pub async fn messages(house: &wire::House, run: RunId) {
    let stop = Stop::default();
    let mut sender = Sender::of_run(house.ports.clone(), stop.clone(), run);
    let sending = async move { while sender.activate().await.is_ok_and(|tried| tried > 0) {} };
    tokio::pin!(sending);
    if tokio::time::timeout(MESSAGES_WITHIN, &mut sending).await.is_err() {
        stop.now();
        // Soon over: what is under way is given back to whoever comes next.
        sending.await;
        complain("note: messages are still to be sent; the next server goes on with them: seaworthy up");
    }
}

/// Returns when the terminal or the system asks this verb to end.
async fn interrupted() {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut int), Ok(mut term)) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate())) else {
        return std::future::pending().await;
    };
    tokio::select! { _ = int.recv() => {}, _ = term.recv() => {} }
}
