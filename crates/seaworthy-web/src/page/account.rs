//! My account: who I am here, my login sessions, and how to end them.
//!
//! This module must not show anything of anybody else.

use askama::Template;
use axum::{
    Extension, Form,
    extract::State as Extract,
    http::{HeaderMap, header},
    response::{IntoResponse, Redirect, Response},
};
use seaworthy_model::{
    entry::Via,
    port::{DoorAsk, Guest},
};
use serde::Deserialize;

use crate::{
    app::{App, Fault, Frame, Shared},
    moment::Moment,
    who::{Caller, set_cookie},
};

struct Line {
    short: String,
    about: String,
    how: &'static str,
    begun: Moment,
    seen: Moment,
    own: bool,
}

#[derive(Template)]
#[template(path = "account.html")]
struct Page {
    frame: Frame,
    base: String,
    name: String,
    roles: String,
    actor: String,
    since: Moment,
    sessions: Vec<Line>,
}

pub async fn show(Extract(app): Extract<Shared>, Extension(caller): Extension<Caller>) -> Response {
    let made = async { page(&app, &guest(&caller)?).await };
    let made = made.await;
    app.page(made)
}

/// There is an account only if somebody is signed in.
fn guest(caller: &Caller) -> Result<Guest, Fault> {
    caller.guest.clone().ok_or_else(|| {
        Fault::missing(
            "there are no accounts yet; `seaworthy owner-link` prints the link for the first owner".to_owned(),
        )
    })
}

async fn page(app: &App, guest: &Guest) -> Result<String, Fault> {
    let now = app.now();
    let mut sessions = app.web.accounts.sessions(guest.account.actor).await?;
    sessions.sort_by_key(|session| std::cmp::Reverse(session.seen_at));
    let lines = sessions.into_iter().map(|session| Line {
        short: session.short(),
        how: session.how.word(),
        begun: Moment { at: session.begun_at, now },
        seen: Moment { at: session.seen_at, now },
        own: session.digest == guest.session.digest,
        about: session.about,
    });
    Ok(Page {
        frame: app.frame("Your account", "account", "", 0),
        base: app.web.base.clone(),
        name: guest.account.name.clone(),
        roles: guest.account.roles().join(", "),
        actor: guest.account.actor.to_string(),
        since: Moment { at: guest.account.made_at, now },
        sessions: lines.collect(),
    }
    .render()?)
}

pub async fn sign_out(
    Extract(app): Extract<Shared>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
) -> Response {
    match ask(&app, &caller, DoorAsk::SignOut).await {
        Ok(()) => {
            let cookie = set_cookie(&app, &headers, None);
            ([(header::SET_COOKIE, cookie)], Redirect::to(&format!("{}/sign-in", app.web.base))).into_response()
        }
        Err(fault) => app.page(Err(fault)),
    }
}

#[derive(Deserialize)]
pub struct Ending {
    /// Empty: all others.
    #[serde(default)]
    session: String,
}

pub async fn end(
    Extract(app): Extract<Shared>,
    Extension(caller): Extension<Caller>,
    Form(ending): Form<Ending>,
) -> Response {
    let wish = match ending.session.as_str() {
        "" => DoorAsk::EndOthers,
        one => DoorAsk::EndSession { session: one.to_owned() },
    };
    match ask(&app, &caller, wish).await {
        Ok(()) => Redirect::to(&format!("{}/account", app.web.base)).into_response(),
        Err(fault) => app.page(Err(fault)),
    }
}

async fn ask(app: &App, caller: &Caller, wish: DoorAsk) -> Result<(), Fault> {
    app.web.door.ask(guest(caller)?, wish, Via::Web).await?.map(drop).map_err(Fault::refused)
}
