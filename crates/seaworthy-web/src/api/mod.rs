//! The same things as JSON under `/api/v1`, and what machines ask: health, readiness, metrics.
//!
//! Field names are those of the verbs (`run_id process executed verified …`); fields ending in `_ms` are rounded
//! up and at least 1; times are RFC 3339 in UTC. This module must not know HTML.

pub mod problem;

use axum::{
    Json,
    extract::{Path, Query, State as Extract},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use seaworthy_model::{
    access::Action,
    change::Held,
    run::{Cause, Kind, Verified},
    time::At,
    view::{EndedRun, LiveRun, RunQuery},
};
use serde::Deserialize;
use serde_json::{Value as Json_, json};

use crate::{
    app::{Fault, Shared},
    board::{Board, Line},
    door::{Asker, Declared, Needs, any, process as needs_process, run as needs_run},
    page::{changes::held, run},
    show,
};
use problem::Problem;

/// Runs of one answer, when none is asked for and at most.
const RUNS_DEFAULT: usize = 20;
const RUNS_MAX: usize = 1_000;

pub fn routes() -> Vec<Declared> {
    let alive = Needs::Open("whether it lives and can work is asked by what starts it, which has no account");
    vec![
        Declared::get("/api/v1/overview", any(Action::See), overview),
        Declared::get("/api/v1/processes", any(Action::See), processes),
        Declared::get("/api/v1/processes/{name}", needs_process(Action::See), process),
        Declared::get("/api/v1/changes", any(Action::See), changes),
        Declared::get("/api/v1/runs", any(Action::See), runs),
        Declared::get("/api/v1/runs/{id}", needs_run(Action::See), one_run),
        Declared::get("/healthz", alive, health),
        Declared::get("/readyz", alive, ready),
        Declared::get("/metrics", any(Action::See), metrics),
    ]
}

/// The process answers.
pub async fn health() -> &'static str {
    "ok\n"
}

/// Whether it can do its work.
pub async fn ready(Extract(app): Extract<Shared>) -> Response {
    match (app.web.ready)() {
        Ok(()) => "ready\n".into_response(),
        Err(sentence) => (StatusCode::SERVICE_UNAVAILABLE, sentence + "\n").into_response(),
    }
}

pub async fn metrics(Extract(app): Extract<Shared>) -> Response {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], (app.web.metrics)()).into_response()
}

fn answer(made: Result<Json_, Fault>) -> Response {
    match made {
        Ok(json) => Json(json).into_response(),
        Err(fault) => Problem::from(fault).into_response(),
    }
}

async fn overview(Extract(app): Extract<Shared>, asker: Asker) -> Response {
    let made = async {
        let board = Board::read(&app, &asker).await?;
        let not_verified = board.lines.iter().filter(|line| !line.is_verified()).count();
        Ok(json!({
            "at": show::iso(board.now),
            "position": board.position,
            "processes": board.lines.len(),
            "not_verified": not_verified,
            "worst": board.lines.first().map(|line| line_json(line, board.now)),
            "paused": board.lines.iter().filter_map(|line| paused_json(line, board.now)).collect::<Vec<_>>(),
            "twice": (app.web.twice)().iter().map(|(process, by)| json!({ "process": process, "by": by })).collect::<Vec<_>>(),
            "signals": board.signals,
            "broken": board.loaded.broken,
        }))
    };
    answer(made.await)
}

async fn processes(Extract(app): Extract<Shared>, asker: Asker) -> Response {
    let made = async {
        let board = Board::read(&app, &asker).await?;
        let all: Vec<Json_> = board.lines.iter().map(|line| line_json(line, board.now)).collect();
        Ok(json!({ "processes": all }))
    };
    answer(made.await)
}

async fn changes(Extract(app): Extract<Shared>, asker: Asker) -> Response {
    let one = |held: &Held| {
        let until = show::iso(held.until);
        json!({ "digest": held.digest, "subject": held.subject.word(), "from": held.from, "to": held.to, "weaker": held.weaker, "other": held.other, "until": until })
    };
    let all: Vec<Json_> = held(&app, &asker).iter().map(one).collect();
    answer(Ok(json!({ "waits": all })))
}

/// A pause that is in force.
fn paused_json(line: &Line, now: At) -> Option<Json_> {
    let pause = line.paused(now)?;
    Some(json!({
        "process": line.name(),
        "since": show::iso(pause.since),
        "until": show::iso(pause.until),
        "reason": pause.reason,
        "extended": pause.extended,
    }))
}

fn line_json(line: &Line, now: At) -> Json_ {
    let last = line.summary.runs.front();
    json!({
        "process": line.name(),
        "state": line.state.key(),
        "word": line.word(),
        "last_run_id": last.map(|mark| mark.run),
        "last_ended_at": last.map(|mark| show::iso(mark.ended_at)),
        "last_verified_at": line.proof_at().map(show::iso),
        "last_proven_at": line.summary.last_proven.as_ref().map(|mark| show::iso(mark.ended_at)),
        "next_at": line.next.as_ref().map(|next| show::iso(next.at)),
        "paused": paused_json(line, now),
        "missing": line.pinned.missing,
        "observed": line.pinned.process.observed,
        "pinged": line.pinned.process.pinged,
        "signals": line.signals.len(),
        "digest": line.pinned.digest,
        "file": line.pinned.file,
    })
}

async fn process(Extract(app): Extract<Shared>, asker: Asker, Path(name): Path<String>) -> Response {
    let made = async {
        let board = Board::read(&app, &asker).await?;
        let line = board.line(&name).ok_or_else(|| Fault::missing(format!("no process is called `{name}`")))?;
        let view = app.web.views.process(&name).await?;
        let mut json = line_json(line, board.now);
        json["runs"] = view.runs.iter().map(run_json).collect();
        json["drills"] = view.drills.iter().map(run_json).collect();
        json["definition"] = serde_json::to_value(&line.pinned.process).unwrap_or_default();
        Ok(json)
    };
    answer(made.await)
}

#[derive(Deserialize)]
struct Wanted {
    process: Option<String>,
    before: Option<String>,
    limit: Option<usize>,
    kind: Option<Kind>,
    verified: Option<Verified>,
}

async fn runs(Extract(app): Extract<Shared>, asker: Asker, Query(wanted): Query<Wanted>) -> Response {
    let made = async {
        let query = RunQuery {
            process: wanted.process,
            kind: wanted.kind,
            verified: wanted.verified,
            before: wanted.before.as_deref().and_then(|id| id.parse().ok()),
            limit: wanted.limit.unwrap_or(RUNS_DEFAULT).min(RUNS_MAX),
        };
        let loaded = app.web.definitions.current();
        let seen = |name: &str| match loaded.processes.get(name) {
            Some(pinned) => asker.may(Action::See, &pinned.process),
            None => asker.may_here(Action::See),
        };
        let ended = app.web.views.ended_runs(query).await?;
        let live = app.web.views.live_runs().await?;
        let live: Vec<Json_> = live.iter().filter(|run| seen(&run.process)).map(live_json).collect();
        Ok(
            json!({ "runs": ended.iter().filter(|run| seen(&run.process)).map(run_json).collect::<Vec<_>>(), "live": live }),
        )
    };
    answer(made.await)
}

fn run_json(run: &EndedRun) -> Json_ {
    json!({
        "run_id": run.run,
        "process": run.process,
        "kind": run.kind,
        "executed": run.executed,
        "verified": run.verified,
        "reason": run.reason,
        "started_at": show::iso(run.started_at.unwrap_or(run.requested_at)),
        "ended_at": show::iso(run.ended_at),
        "duration_ms": run.duration.millis_up(),
        "recovery_time_ms": run.recovery.map(|span| span.millis_up()),
        "objective_ms": run.objective.map(|span| span.millis_up()),
        "heals": run.heals,
        "artifacts": run.artifacts.iter()
            .map(|a| json!({ "name": a.name, "bytes": a.bytes, "sha256": a.sha256 })).collect::<Vec<_>>(),
    })
}

fn live_json(run: &LiveRun) -> Json_ {
    json!({
        "run_id": run.run,
        "process": run.process,
        "kind": run.kind,
        "doing": run.doing,
        "troubled": run.troubled,
        "requested_at": show::iso(run.requested_at),
    })
}

async fn one_run(Extract(app): Extract<Shared>, Path(id): Path<String>) -> Response {
    let made = async {
        let id = run::find(&app, &id).await?;
        let (story, entries) = run::story(&app, id).await?;
        let end = story.end.as_ref();
        let attempts = story.attempts.iter().map(|a| {
            let ended = a.ended.as_ref().map(|(_, acted)| acted);
            json!({
                "step": a.step, "attempt": a.attempt, "started_at": show::iso(a.started_at),
                "outcome": ended.map(|acted| acted.outcome), "exit": ended.and_then(|acted| acted.exit),
                "duration_ms": ended.map(|acted| acted.took.millis_up()),
                "reason": ended.and_then(|acted| acted.reason.clone()), "child_run_id": a.child,
            })
        });
        let checks = story.checks.iter().map(|(_, judged)| {
            json!({
                "what": judged.check, "round": judged.round, "outcome": judged.verdict.word(),
                "expected": judged.expected, "observed": judged.observed,
            })
        });
        let artifacts = story.made.iter().filter_map(|made| made.found.as_ref().ok());
        Ok(json!({
            "run_id": story.run,
            "process": story.process,
            "kind": story.kind,
            "digest": story.digest,
            "parent_run_id": match &story.cause { Cause::Step { run, .. } => Some(run), _ => None },
            "executed": end.map(|end| end.executed),
            "verified": end.map(|end| end.verified),
            "reason": end.map(|end| end.reason.clone()),
            "doing": if end.is_none() { Some(story.doing()) } else { None },
            "started_at": show::iso(story.started_at()),
            "ended_at": end.map(|end| show::iso(end.at)),
            "duration_ms": end.map(|end| end.duration.millis_up()),
            "recovery_time_ms": end.and_then(|end| end.recovery).map(|span| span.millis_up()),
            "steps": attempts.collect::<Vec<_>>(),
            "artifacts": artifacts.map(|a| json!({ "name": a.name, "bytes": a.bytes, "sha256": a.sha256 })).collect::<Vec<_>>(),
            "verifications": checks.collect::<Vec<_>>(),
            "heals": story.heals.iter()
                .map(|(_, heal)| json!({ "what": heal.what, "outcome": heal.outcome, "detail": heal.detail })).collect::<Vec<_>>(),
            "entries": entries.iter()
                .map(|e| json!({ "position": e.position, "type": e.header.kind, "leaf": e.header.leaf() })).collect::<Vec<_>>(),
        }))
    };
    answer(made.await)
}
