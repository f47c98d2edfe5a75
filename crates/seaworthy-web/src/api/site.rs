//! The site as a whole: how it goes, what waits for a person, what is missing, who asks, and this API's own description.
//!
//! This module must not decide anything.

use axum::http::StatusCode;
use seaworthy_core::access::Policy;
use seaworthy_model::{access::Action, change::Held, port::Ask};
use serde_json::{Value, json};

use super::{
    book::signal_json,
    declare::{Call, Gives, Kind, Operation, Reply, Shape, must},
    openapi,
    problem::Problem,
    process::{line_json, paused_json},
    shapes::{CHANGES, DONE, FINDINGS, ME, OVERVIEW},
    token,
    wish::done,
};
use crate::{
    board::Board,
    door::{About, Needs, any, site},
    page::changes::held,
    show,
    who::Caller,
};

static CONFIRM: Shape =
    Shape { name: "Confirmation", fields: &[must("reason", Kind::Text(2_000), "Why; it is recorded with your name.")] };

pub fn operations() -> Vec<Operation> {
    let ok = |shape| Gives::Json(StatusCode::OK, shape);
    vec![
        Operation::get(
            "/overview",
            "getOverview",
            any(Action::See),
            "How it goes, in figures, and the worst of it.",
            ok(&OVERVIEW),
            |c| Box::pin(overview(c)),
        ),
        Operation::get(
            "/findings",
            "listFindings",
            any(Action::See),
            "What processes lack, and files that cannot be used.",
            ok(&FINDINGS),
            |c| Box::pin(findings(c)),
        ),
        Operation::get(
            "/changes",
            "listChanges",
            any(Action::See),
            "Changes of the files that wait for a person.",
            ok(&CHANGES),
            |c| Box::pin(changes(c)),
        ),
        Operation::post(
            "/changes/{digest}/confirm",
            "confirmChange",
            Needs::Right(Action::Confirm, About::Change),
            "Agrees to exactly this change.",
            ok(&DONE),
            |c| Box::pin(confirm(c)),
        )
        .with_body(&CONFIRM),
        Operation::post("/reload", "reload", site(Action::Reload), "Has the files read again.", ok(&DONE), |c| {
            Box::pin(done_(c, Ask::Reload))
        }),
        Operation::post(
            "/retain",
            "retain",
            site(Action::Retain),
            "Looks now at what is old and may go.",
            ok(&DONE),
            |c| Box::pin(done_(c, Ask::Retain)),
        ),
        Operation::get("/me", "whoAmI", any(Action::See), "Who asks, and what they may.", ok(&ME), |c| Box::pin(me(c))),
        Operation::get("/openapi.json", "getOpenApi", any(Action::See), "This document.", Gives::Document, |c| {
            Box::pin(document(c))
        }),
    ]
}

async fn overview(call: Call) -> Result<Reply, Problem> {
    let board = Board::read(&call.app, &call.asker).await?;
    let not_verified = board.lines.iter().filter(|line| !line.is_verified()).count();
    Ok(Reply::ok(json!({
        "at": show::iso(board.now),
        "position": board.position,
        "processes": board.lines.len(),
        "not_verified": not_verified,
        "worst": board.lines.first().map(|line| line_json(line, board.now)),
        "signals": board.signals.iter().map(signal_json).collect::<Vec<_>>(),
        "waits": held(&call.app, &call.asker).len(),
        "paused": board.lines.iter().filter_map(|line| paused_json(line, board.now)).collect::<Vec<_>>(),
        "twice": twice(&call),
        "broken": broken(&call, &board),
    })))
}

/// What is run from two sides, as far as the caller may see it.
fn twice(call: &Call) -> Vec<Value> {
    let loaded = call.app.web.definitions.current();
    let seen = |name: &str| loaded.processes.get(name).is_some_and(|p| call.asker.may(Action::See, &p.process));
    let all = (call.app.web.twice)();
    all.iter()
        .filter(|(process, _)| seen(process))
        .map(|(process, by)| json!({ "process": process, "by": by }))
        .collect()
}

/// What files are broken is the site's.
fn broken(call: &Call, board: &Board) -> Value {
    if call.asker.may_here(Action::See) { json!(board.loaded.broken) } else { json!({}) }
}

async fn findings(call: Call) -> Result<Reply, Problem> {
    let board = Board::read(&call.app, &call.asker).await?;
    let lacks = |line: &crate::board::Line| {
        let name = line.name().to_owned();
        let facets = line.pinned.missing.iter().map(|facet| facet.word());
        facets.map(move |facet| json!({ "subject": name, "code": "missing_facet", "finding": format!("it has no {facet}") })).collect::<Vec<_>>()
    };
    let mut all: Vec<Value> = board.lines.iter().flat_map(lacks).collect();
    if call.asker.may_here(Action::See) {
        let files = board.loaded.broken.iter();
        all.extend(files.map(|(file, why)| json!({ "subject": file, "code": "broken_file", "finding": why })));
    }
    Ok(Reply::ok(json!({ "findings": all })))
}

async fn changes(call: Call) -> Result<Reply, Problem> {
    let one = |held: &Held| {
        let until = show::iso(held.until);
        json!({
            "digest": held.digest, "subject": held.subject.word(), "from": held.from, "to": held.to,
            "weaker": held.weaker, "other": held.other, "until": until,
        })
    };
    let all: Vec<Value> = held(&call.app, &call.asker).iter().map(one).collect();
    Ok(Reply::ok(json!({ "waits": all })))
}

async fn confirm(call: Call) -> Result<Reply, Problem> {
    let (digest, reason) = (call.path("digest").to_owned(), call.text("reason").unwrap_or_default());
    done(&call, Ask::Confirm { digest, reason }).await
}

async fn done_(call: Call, ask: Ask) -> Result<Reply, Problem> {
    done(&call, ask).await
}

async fn me(call: Call) -> Result<Reply, Problem> {
    let who = &call.asker.who;
    let policy = call.app.policy(&call.app.web.definitions.current());
    let mut rights: Vec<Value> = policy
        .rights(&who.name)
        .iter()
        .map(|right| json!({ "role": right.role, "may": right.may, "within": right.within() }))
        .collect();
    rights.extend(who.grants.iter().map(|grant| {
        let may = Policy::role(&policy, &grant.role);
        let within: Vec<String> =
            grant.services.iter().cloned().chain(grant.tiers.iter().map(|tier| format!("tier {tier:?}"))).collect();
        json!({ "role": grant.role, "may": may, "within": within.join(", ") })
    }));
    let token = who.through.as_ref().map(token::held_json);
    let form = call.caller.as_ref().and_then(Caller::form);
    Ok(Reply::ok(json!({
        "actor": who.actor, "name": who.name, "door": who.door, "rights": rights, "token": token, "form": form,
    })))
}

async fn document(_: Call) -> Result<Reply, Problem> {
    Ok(Reply::ok(openapi::document(&super::operations())))
}
