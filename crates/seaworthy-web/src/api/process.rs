//! Processes: what is known of them, and what may be asked of them.
//!
//! This module must not decide whether it may be done: the port answers.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use seaworthy_model::{
    access::Action,
    port::Ask,
    time::{At, Span},
};
use serde_json::{Value, json};

use super::{
    declare::{Act, Call, Field, Gives, Kind, Operation, Reply, Shape, may, must},
    problem::Problem,
    run::run_json,
    shapes::{DONE, PROCESS, PROCESSES, SCHEDULE, STARTED},
    wish::{asked, done},
};
use crate::{
    app::Fault,
    board::{Board, Line},
    door::{any, process},
    due, show,
};

/// Due times that are told.
const NEXT_MAX: u64 = 100;

static RUN: Shape = Shape {
    name: "RunWish",
    fields: &[may("inputs", Kind::Texts(10_000), "What the run is given, as it would be written on the command line.")],
};

static PAUSE: Shape = Shape {
    name: "PauseWish",
    fields: &[
        must("reason", Kind::Text(500), "For those who find it paused."),
        must("for", Kind::Span, "How long, such as 4h."),
    ],
};

static WHY: Shape = Shape { name: "Why", fields: &[may("reason", Kind::Text(500), "Why, for the record.")] };

static NEXT: &[Field] = &[may("count", Kind::Whole { min: 1, max: NEXT_MAX }, "How many due times; 10 if absent.")];

pub fn operations() -> Vec<Operation> {
    let ok = |shape| Gives::Json(StatusCode::OK, shape);
    let started = Gives::Json(StatusCode::ACCEPTED, &STARTED);
    let see = any(Action::See);
    let one: Act = |call| Box::pin(get(call));
    vec![
        Operation::get("/processes", "listProcesses", see, "All processes, worst first.", ok(&PROCESSES), |c| {
            Box::pin(list(c))
        }),
        Operation::get(
            "/processes/{name}",
            "getProcess",
            process(Action::See),
            "One process, its newest runs and its definition.",
            ok(&PROCESS),
            one,
        ),
        Operation::get(
            "/processes/{name}/schedule",
            "getSchedule",
            process(Action::See),
            "When it is due next, and what will keep it from running.",
            ok(&SCHEDULE),
            |c| Box::pin(schedule(c)),
        )
        .with_query(NEXT),
        Operation::post(
            "/processes/{name}/run",
            "runProcess",
            process(Action::Run),
            "Starts a run now.",
            started,
            |c| Box::pin(run(c)),
        )
        .with_body(&RUN)
        .matching(one),
        Operation::post(
            "/processes/{name}/drill",
            "drillProcess",
            process(Action::Drill),
            "Rehearses a restore now.",
            started,
            |c| Box::pin(drill(c)),
        )
        .matching(one),
        Operation::post(
            "/processes/{name}/pause",
            "pauseProcess",
            process(Action::Pause),
            "Starts nothing of it by itself for a while.",
            ok(&DONE),
            |c| Box::pin(pause(c)),
        )
        .with_body(&PAUSE)
        .matching(one),
        Operation::post(
            "/processes/{name}/resume",
            "endPause",
            process(Action::Pause),
            "Ends a pause before its time.",
            ok(&DONE),
            |c| Box::pin(resume(c)),
        )
        .with_body(&WHY)
        .matching(one),
    ]
}

/// A pause that is in force.
pub fn paused_json(line: &Line, now: At) -> Option<Value> {
    let pause = line.paused(now)?;
    Some(json!({
        "process": line.name(),
        "since": show::iso(pause.since),
        "until": show::iso(pause.until),
        "reason": pause.reason,
        "extended": pause.extended,
    }))
}

pub fn line_json(line: &Line, now: At) -> Value {
    let last = line.summary.runs.front();
    json!({
        "process": line.name(),
        "service": line.pinned.process.service,
        "tier": format!("{:?}", line.pinned.process.tier),
        "state": line.state.key(),
        "word": line.word(),
        "last_run_id": last.map(|mark| mark.run),
        "last_ended_at": last.map(|mark| show::iso(mark.ended_at)),
        "last_verified_at": line.proof_at().map(show::iso),
        "last_proven_at": line.summary.last_proven.as_ref().map(|mark| show::iso(mark.ended_at)),
        "paused": paused_json(line, now),
        "next_at": line.next.as_ref().map(|next| show::iso(next.at)),
        "missing": line.pinned.missing,
        "observed": line.pinned.process.observed,
        "pinged": line.pinned.process.pinged,
        "signals": line.signals.len(),
        "digest": line.pinned.digest,
        "file": line.pinned.file,
    })
}

async fn list(call: Call) -> Result<Reply, Problem> {
    let board = Board::read(&call.app, &call.asker).await?;
    let all: Vec<Value> = board.lines.iter().map(|line| line_json(line, board.now)).collect();
    Ok(Reply::ok(json!({ "processes": all })))
}

async fn get(call: Call) -> Result<Reply, Problem> {
    let name = call.path("name");
    let board = Board::read(&call.app, &call.asker).await?;
    let line = board.line(name).ok_or_else(|| missing(name))?;
    let view = call.app.web.views.process(name).await.map_err(Fault::from)?;
    let mut json = line_json(line, board.now);
    json["runs"] = view.runs.iter().map(run_json).collect();
    json["drills"] = view.drills.iter().map(run_json).collect();
    json["definition"] = serde_json::to_value(&line.pinned.process).unwrap_or_default();
    Ok(Reply::ok(json))
}

fn missing(name: &str) -> Fault {
    Fault::missing(format!("no process is called `{}`", show::middle(name, 60)))
}

async fn schedule(call: Call) -> Result<Reply, Problem> {
    let (name, app) = (call.path("name"), &call.app);
    let loaded = app.web.definitions.current();
    let pinned = loaded.processes.get(name).ok_or_else(|| missing(name))?;
    let row = app.web.views.schedule(name).await.map_err(Fault::from)?;
    let pause = row.and_then(|row| row.pause).filter(|pause| pause.holds(app.now()));
    let count = usize::try_from(call.whole("count").unwrap_or(10)).unwrap_or(10);
    let held = (loaded.site.blackouts.as_slice(), pause.as_ref());
    let next = due::upcoming(pinned, &held, app.now(), count);
    let next: Vec<Value> =
        next.iter().map(|one| json!({ "at": show::iso(one.at), "local": one.local, "skipped": one.skipped })).collect();
    let pause = pause.as_ref().map(
        |pause| json!({ "since": show::iso(pause.since), "until": show::iso(pause.until), "reason": pause.reason }),
    );
    Ok(Reply::ok(json!({ "process": name, "pause": pause, "next": next })))
}

async fn run(call: Call) -> Result<Reply, Problem> {
    let texts = call.value("inputs").and_then(Value::as_object);
    let inputs: BTreeMap<String, String> = texts
        .into_iter()
        .flatten()
        .filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
        .collect();
    let process = call.path("name").to_owned();
    asked(&call, Ask::Run { process, inputs }).await
}

async fn drill(call: Call) -> Result<Reply, Problem> {
    let process = call.path("name").to_owned();
    asked(&call, Ask::Drill { process }).await
}

async fn pause(call: Call) -> Result<Reply, Problem> {
    let length = Span::parse(&call.text("for").unwrap_or_default()).map_err(Fault::refused)?;
    let (process, reason) = (call.path("name").to_owned(), call.text("reason").unwrap_or_default());
    // A length beyond all time ends at its end: the desk then says how long a pause may be.
    let nanos = i64::try_from(length.0).unwrap_or(i64::MAX);
    let until = At(call.app.now().0.saturating_add(nanos));
    done(&call, Ask::Pause { process, until, reason }).await
}

async fn resume(call: Call) -> Result<Reply, Problem> {
    let reason = call.text("reason").unwrap_or_else(|| "asked through the API".to_owned());
    let process = call.path("name").to_owned();
    done(&call, Ask::Resume { process, reason }).await
}
