//! Tokens: made, listed and revoked. A token makes no other: that takes a person who signed in.
//!
//! This module must not know what a token may be: the port answers.

use axum::http::StatusCode;
use seaworthy_model::{
    access::{Action, Actions},
    port::TokenWish,
    time::Span,
    token::TokenRow,
    who::{Scope, Through},
};
use serde_json::{Value, json};

use super::{
    declare::{Call, Gives, Kind, Operation, Reply, Shape, may, must},
    problem::Problem,
    refused,
    shapes::{TOKEN, TOKEN_MADE, TOKENS},
};
use crate::{
    app::Fault,
    door::any,
    show,
    tokens::{self, No},
};

static WISH: Shape = Shape {
    name: "TokenWish",
    fields: &[
        must("label", Kind::Text(60), "What you call it."),
        must("may", Kind::List(&Kind::Word(Action::WORDS), Action::WORDS.len()), "Within your own rights."),
        may("services", Kind::List(&Kind::Text(200), 100), "Only for these; empty or absent: for all."),
        must("lives", Kind::Span, "How long, such as 30d; 366d at most."),
        may("robot", Kind::Flag, "It is used by something that works by itself, which you answer for."),
    ],
};

static WHY: Shape = Shape { name: "Revocation", fields: &[must("reason", Kind::Text(500), "Why, for the record.")] };

pub fn operations() -> Vec<Operation> {
    let ok = |shape| Gives::Json(StatusCode::OK, shape);
    vec![
        Operation::get(
            "/tokens",
            "listTokens",
            any(Action::See),
            "Your tokens; all of the site with the right `people`.",
            ok(&TOKENS),
            |c| Box::pin(list(c)),
        ),
        Operation::post(
            "/tokens",
            "makeToken",
            any(Action::Token),
            "Makes a token; one for a robot needs the right `robot`.",
            Gives::Secret(StatusCode::CREATED, &TOKEN_MADE),
            |c| Box::pin(make(c)),
        )
        .with_body(&WISH),
        Operation::post(
            "/tokens/{token}/revoke",
            "revokeToken",
            any(Action::See),
            "Takes a token back for good; one of another needs the right `revoke`.",
            ok(&TOKEN),
            |c| Box::pin(revoke(c)),
        )
        .with_body(&WHY),
    ]
}

pub fn held_json(through: &Through) -> Value {
    json!({
        "token_id": through.token, "label": through.label, "robot": through.robot,
        "may": through.scope.may, "services": through.scope.services, "expires_at": show::iso(through.expires),
    })
}

async fn row_json(call: &Call, row: &TokenRow) -> Result<Value, Problem> {
    let name = tokens::owner(&call.app, row.owner).await?;
    let mut json = json!({
        "token_id": row.token, "label": row.label, "robot": row.robot, "may": row.scope.may,
        "services": row.scope.services, "expires_at": show::iso(row.expires), "owner": row.owner,
        "made_at": show::iso(row.made_at),
    });
    let more = [("used_at", row.used_at), ("revoked_at", row.revoked_at)];
    for (key, at) in more.into_iter().filter_map(|(key, at)| Some((key, at?))) {
        json[key] = json!(show::iso(at));
    }
    if let Some(name) = name {
        json["owner_name"] = json!(name);
    }
    Ok(json)
}

async fn list(call: Call) -> Result<Reply, Problem> {
    let rows = tokens::list(&call.app, &call.asker).await?;
    let mut all = Vec::with_capacity(rows.len());
    for row in &rows {
        all.push(row_json(&call, row).await?);
    }
    Ok(Reply::ok(json!({ "tokens": all })))
}

async fn make(call: Call) -> Result<Reply, Problem> {
    let may: Actions = call.texts("may").iter().filter_map(|word| Action::parse(word)).collect();
    let lives = Span::parse(&call.text("lives").unwrap_or_default()).map_err(Fault::refused)?;
    let scope = Scope { may, services: call.texts("services") };
    let wish = TokenWish { label: call.text("label").unwrap_or_default(), robot: call.flag("robot"), scope, lives };
    let made = tokens::make(&call.app, &call.asker, wish).await?;
    let json = json!({ "secret": made.secret.text(), "token": row_json(&call, &made.row).await? });
    Ok(Reply::Json(StatusCode::CREATED, json))
}

async fn revoke(call: Call) -> Result<Reply, Problem> {
    let reason = call.text("reason").unwrap_or_default();
    let row = tokens::revoke(&call.app, &call.asker, call.path("token"), reason).await?;
    Ok(Reply::ok(row_json(&call, &row).await?))
}

impl From<No> for Problem {
    fn from(no: No) -> Problem {
        match no {
            No::Right(refusal) => refused(&refusal),
            No::Fault(fault) => fault.into(),
        }
    }
}
