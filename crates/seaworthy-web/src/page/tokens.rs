//! Tokens of programs: one's own, with scope, end and last use, and those of others for who may see people. Made here and
//! shown once; taken back.
//!
//! This module must not decide who may nor what a token may be: the door and the port answer.

use std::collections::BTreeMap;

use askama::Template;
use axum::{Extension, Form, extract::State as Extract, response::Response};
use seaworthy_model::{
    access::{Action, Actions},
    port::TokenWish,
    time::Span,
    token::{LABEL_CHARS_MAX, TokenRow},
    who::Scope,
};

use super::account::guest;
use crate::{
    app::{App, Fault, Frame, Shared},
    door::Asker,
    moment::Moment,
    tokens::{self, No},
    who::Caller,
    words::Words,
};

/// What the field of a right in the form begins with.
const MAY: &str = "may_";
/// How long a token may be asked to live.
const LIVES: [&str; 5] = ["1d", "7d", "30d", "90d", "366d"];

struct Line {
    id: String,
    label: String,
    owner: String,
    robot: bool,
    may: String,
    services: String,
    used: Option<Moment>,
    ends: Moment,
    ended: bool,
    revoked: Option<Moment>,
    /// Whether it can be taken back, and by who looks.
    revocable: bool,
}

struct Choice {
    word: &'static str,
    about: &'static str,
}

#[derive(Template)]
#[template(path = "tokens.html")]
struct Page {
    frame: Frame,
    base: String,
    own: Vec<Line>,
    others: Vec<Line>,
    choices: Vec<Choice>,
    lives: &'static [&'static str],
    robots: bool,
    label_max: usize,
    said: Words,
    problem: Words,
    /// Shown this once.
    secret: String,
}

pub async fn show(Extract(app): Extract<Shared>, Extension(caller): Extension<Caller>, asker: Asker) -> Response {
    let page = page(&app, &caller, &asker, Ok(None)).await;
    app.page(page)
}

/// What was done: a sentence, and the secret of a token that was made.
type Did = Result<Option<(String, String)>, String>;

async fn page(app: &App, caller: &Caller, asker: &Asker, done: Did) -> Result<String, Fault> {
    guest(caller)?;
    let (mut own, mut others) = (Vec::new(), Vec::new());
    for row in tokens::list(app, asker).await? {
        let mine = row.owner == asker.who.actor;
        let line = line(app, asker, row).await?;
        if mine { own.push(line) } else { others.push(line) }
    }
    let may = |action: &&Action| !action.is_about_people() && asker.may_any(**action);
    let choices = Action::ALL.iter().filter(may).map(|a| Choice { word: a.word(), about: a.about() }).collect();
    let (problem, did) = match done {
        Ok(did) => (String::new(), did.unwrap_or_default()),
        Err(problem) => (problem, Default::default()),
    };
    let (said, secret) = did;
    Ok(Page {
        frame: app.frame("Tokens", "account", "", 0),
        base: app.web.base.clone(),
        own,
        others,
        choices,
        lives: &LIVES,
        robots: asker.has(Action::Robot),
        label_max: LABEL_CHARS_MAX,
        said: Words(said),
        problem: Words(problem),
        secret,
    }
    .render()?)
}

async fn line(app: &App, asker: &Asker, row: TokenRow) -> Result<Line, Fault> {
    let now = app.now();
    let moment = |at| Moment { at, now };
    let mine = row.owner == asker.who.actor;
    let ended = row.expires <= now;
    Ok(Line {
        id: row.token.to_string(),
        owner: tokens::owner(app, row.owner).await?.unwrap_or_else(|| "an erased name".to_owned()),
        label: row.label,
        robot: row.robot,
        may: row.scope.may.words().join(", "),
        services: row.scope.services.join(", "),
        used: row.used_at.map(moment),
        ends: moment(row.expires),
        ended,
        revoked: row.revoked_at.map(moment),
        revocable: row.revoked_at.is_none() && !ended && (mine || asker.has(Action::Revoke)),
    })
}

pub async fn ask(
    Extract(app): Extract<Shared>,
    Extension(caller): Extension<Caller>,
    asker: Asker,
    Form(form): Form<BTreeMap<String, String>>,
) -> Response {
    let done = match carried_out(&app, &asker, &form).await {
        Ok(did) => Ok(Some(did)),
        // What is missing or wrong is told on the page; the rest is a page of its own.
        Err(No::Right(refusal)) => Err(refusal.to_string()),
        Err(No::Fault(fault)) if fault.status.is_client_error() => Err(fault.sentence),
        Err(No::Fault(fault)) => return app.page(Err(fault)),
    };
    let page = page(&app, &caller, &asker, done).await;
    app.page(page)
}

async fn carried_out(app: &App, asker: &Asker, form: &BTreeMap<String, String>) -> Result<(String, String), No> {
    let text = |name: &str| form.get(name).map(|text| text.trim().to_owned()).unwrap_or_default();
    match text("what").as_str() {
        "make" => {
            let may: Actions = form.keys().filter_map(|key| Action::parse(key.strip_prefix(MAY)?)).collect();
            let named = text("services");
            let named = named.split(',').map(str::trim).filter(|name| !name.is_empty());
            let scope = Scope { may, services: named.map(str::to_owned).collect() };
            let lives = Span::parse(&text("lives")).map_err(Fault::refused)?;
            let wish = TokenWish { label: text("label"), robot: form.contains_key("robot"), scope, lives };
            let made = tokens::make(app, asker, wish).await?;
            let said =
                "This is the token. It is shown this once; send it as `Authorization: Bearer …`, never in an address.";
            Ok((said.to_owned(), made.secret.text().to_owned()))
        }
        "revoke" => {
            let row = tokens::revoke(app, asker, &text("token"), text("reason")).await?;
            Ok((format!("{} opens nothing any more", row.label), String::new()))
        }
        other => {
            Err(Fault::refused(format!("`{other}` is nothing that can be asked here; load the page again")).into())
        }
    }
}
