//! Runs: paged, in full, their output, and what may be asked of them.
//!
//! This module must not decide whether it may be done: the port answers.

use axum::{http::StatusCode, response::IntoResponse as _};
use seaworthy_model::{
    access::Action,
    id::RunId,
    port::Ask,
    run::{Cause, Kind as RunKind, Verified},
    view::{EndedRun, LiveRun, RunQuery},
};
use serde_json::{Value, json};

use super::{
    declare::{Act, Call, Field, Gives, Kind, Operation, Reply, Shape, may, must},
    problem::Problem,
    refused,
    shapes::{DONE, RUN, RUNS, STARTED},
    wish::{asked, done},
};
use crate::{
    app::Fault,
    door::{any, process_of, run as of_run},
    page::{output, run as page},
    show,
};

/// Runs of one answer, when none is asked for and at most.
const RUNS_DEFAULT: u64 = 20;
const RUNS_MAX: u64 = 1_000;

static LIST: &[Field] = &[
    may("process", Kind::Text(200), "Only of this one."),
    may("kind", Kind::Word(&["run", "drill"]), ""),
    may("verified", Kind::Word(&["yes", "no", "unknown", "unproven"]), ""),
    may("before", Kind::Id("run"), "`next` of the answer before."),
    may("limit", Kind::Whole { min: 1, max: RUNS_MAX }, "20 if absent."),
];

static SIGN: Shape = Shape {
    name: "Signature",
    fields: &[
        must("yes", Kind::Flag, "Whether it was done, or is agreed to."),
        may("evidence", Kind::Text(4_000), "What was done or seen; with no, why not."),
    ],
};

static RERUN: Shape = Shape { name: "RerunWish", fields: &[must("from", Kind::Text(200), "The step to begin with.")] };

static CANCEL: Shape = Shape { name: "CancelWish", fields: &[may("reason", Kind::Text(500), "Why, for the record.")] };

static STREAM: &[Field] = &[may("stream", Kind::Word(&["out", "err"]), "Both if absent.")];

pub fn operations() -> Vec<Operation> {
    let ok = |shape| Gives::Json(StatusCode::OK, shape);
    let started = Gives::Json(StatusCode::ACCEPTED, &STARTED);
    let one: Act = |call| Box::pin(get(call));
    vec![
        Operation::get(
            "/runs",
            "listRuns",
            any(Action::See),
            "Runs that ended, newest first, and those that go on.",
            ok(&RUNS),
            |c| Box::pin(list(c)),
        )
        .with_query(LIST),
        Operation::get("/runs/{id}", "getRun", of_run(Action::See), "One run in full.", ok(&RUN), one),
        Operation::get(
            "/runs/{id}/output/{step}/{attempt}",
            "getOutput",
            of_run(Action::Output),
            "What the command of an attempt wrote.",
            Gives::Text,
            |c| Box::pin(text(c)),
        )
        .with_query(STREAM),
        Operation::post(
            "/runs/{id}/cancel",
            "cancelRun",
            of_run(Action::Cancel),
            "Stops a run that goes on.",
            ok(&DONE),
            |c| Box::pin(cancel(c)),
        )
        .with_body(&CANCEL)
        .matching(one),
        Operation::post(
            "/runs/{id}/resume",
            "resumeRun",
            of_run(Action::Resume),
            "Goes on with a run that ended failed, unknown or cancelled.",
            started,
            |c| Box::pin(resume(c)),
        )
        .matching(one),
        Operation::post(
            "/runs/{id}/rerun",
            "rerunRun",
            of_run(Action::Rerun),
            "Does a step and all that follows it once more, as a new run.",
            started,
            |c| Box::pin(rerun(c)),
        )
        .with_body(&RERUN)
        .matching(one),
        Operation::post(
            "/runs/{id}/sign/{step}",
            "signStep",
            of_run(Action::Sign),
            "Answers for a step that waits for a person; one to be approved needs the right `approve`.",
            ok(&DONE),
            |c| Box::pin(sign(c)),
        )
        .with_body(&SIGN)
        .matching(one),
    ]
}

async fn list(call: Call) -> Result<Reply, Problem> {
    let (app, asker) = (&call.app, &call.asker);
    let limit = call.whole("limit").unwrap_or(RUNS_DEFAULT);
    let limit = usize::try_from(limit).unwrap_or(0);
    let word = |name: &str| call.text(name).map(Value::String);
    let kind: Option<RunKind> = word("kind").and_then(|word| serde_json::from_value(word).ok());
    let verified: Option<Verified> = word("verified").and_then(|word| serde_json::from_value(word).ok());
    let before: Option<RunId> = call.text("before").and_then(|id| id.parse().ok());
    let query = RunQuery { process: call.text("process"), kind, verified, before, limit };
    let loaded = app.web.definitions.current();
    let seen = |name: &str| match loaded.processes.get(name) {
        Some(pinned) => asker.may(Action::See, &pinned.process),
        None => asker.may_here(Action::See),
    };
    let ended = app.web.views.ended_runs(query).await.map_err(Fault::from)?;
    // A page that is full may have another behind it. Who sees a part of the site gets a part of each page.
    let next = (ended.len() == limit).then(|| ended.last().map(|run| run.run)).flatten();
    let live = app.web.views.live_runs().await.map_err(Fault::from)?;
    let live: Vec<Value> = live.iter().filter(|run| seen(&run.process)).map(live_json).collect();
    let runs: Vec<Value> = ended.iter().filter(|run| seen(&run.process)).map(run_json).collect();
    Ok(Reply::ok(json!({ "runs": runs, "next": next, "live": live })))
}

pub fn run_json(run: &EndedRun) -> Value {
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

fn live_json(run: &LiveRun) -> Value {
    json!({
        "run_id": run.run,
        "process": run.process,
        "kind": run.kind,
        "doing": run.doing,
        "troubled": run.troubled,
        "requested_at": show::iso(run.requested_at),
    })
}

async fn id(call: &Call) -> Result<RunId, Problem> {
    Ok(page::find(&call.app, call.path("id")).await?)
}

async fn get(call: Call) -> Result<Reply, Problem> {
    let id = id(&call).await?;
    let (story, entries) = page::story(&call.app, id).await?;
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
    Ok(Reply::ok(json!({
        "run_id": story.run,
        "process": story.process,
        "kind": story.kind,
        "parent_run_id": match &story.cause { Cause::Step { run, .. } => Some(run), _ => None },
        "digest": story.digest,
        "executed": end.map(|end| end.executed),
        "verified": end.map(|end| end.verified),
        "reason": end.map(|end| end.reason.clone()),
        "doing": if end.is_none() { Some(story.doing()) } else { None },
        "started_at": show::iso(story.started_at()),
        "ended_at": end.map(|end| show::iso(end.at)),
        "duration_ms": end.map(|end| end.duration.millis_up()),
        "recovery_time_ms": end.and_then(|end| end.recovery).map(|span| span.millis_up()),
        "waits": story.asked.iter().map(|(step, until, note)| json!({ "step": step, "until": show::iso(*until), "note": note })).collect::<Vec<_>>(),
        "steps": attempts.collect::<Vec<_>>(),
        "artifacts": artifacts.map(|a| json!({ "name": a.name, "bytes": a.bytes, "sha256": a.sha256 })).collect::<Vec<_>>(),
        "verifications": checks.collect::<Vec<_>>(),
        "heals": story.heals.iter()
            .map(|(_, heal)| json!({ "what": heal.what, "outcome": heal.outcome, "detail": heal.detail })).collect::<Vec<_>>(),
        "entries": entries.iter()
            .map(|e| json!({ "position": e.position, "type": e.header.kind, "leaf": e.header.leaf() })).collect::<Vec<_>>(),
    })))
}

async fn text(call: Call) -> Result<Reply, Problem> {
    let Ok(attempt) = call.path("attempt").parse::<u32>() else {
        return Err(Fault::missing("an attempt is a number, from 1 on".to_owned()).into());
    };
    let key = output::key(&call.app, call.path("id"), call.path("step").to_owned(), attempt).await?;
    let stream = call.text("stream").unwrap_or_default();
    Ok(Reply::Whole(Box::new(output::pour(&call.app, key, stream).into_response())))
}

async fn cancel(call: Call) -> Result<Reply, Problem> {
    let run = id(&call).await?;
    let reason = call.text("reason").unwrap_or_else(|| "asked through the API".to_owned());
    done(&call, Ask::Cancel { run, reason }).await
}

async fn resume(call: Call) -> Result<Reply, Problem> {
    let run = id(&call).await?;
    asked(&call, Ask::GoOn { run }).await
}

async fn rerun(call: Call) -> Result<Reply, Problem> {
    let run = id(&call).await?;
    asked(&call, Ask::Rerun { run, from: call.text("from").unwrap_or_default() }).await
}

async fn sign(call: Call) -> Result<Reply, Problem> {
    let (run, step) = (id(&call).await?, call.path("step").to_owned());
    if let Some(name) = process_of(&call.app, run).await
        && let Some(pinned) = call.app.web.definitions.current().processes.get(&name)
    {
        call.asker.check_signing(&pinned.process, &step).map_err(|refusal| refused(&refusal))?;
    }
    let evidence = call.text("evidence").unwrap_or_default();
    done(&call, Ask::Sign { run, step, yes: call.flag("yes"), evidence }).await
}
