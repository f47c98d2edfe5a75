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
use seaworthy_core::account::{
    hold::{FRESH, is_fresh},
    name::{PASSWORD_CHARS_MAX, PASSWORD_CHARS_MIN},
};
use seaworthy_model::{
    account::{Passkey, Typed},
    entry::Via,
    port::{DoorAsk, Guest},
};
use serde::Deserialize;

use crate::{
    app::{App, Fault, Frame, Shared},
    assets,
    moment::Moment,
    who::{Caller, set_cookie},
    words::Words,
};

struct Line {
    short: String,
    about: String,
    how: &'static str,
    begun: Moment,
    seen: Moment,
    own: bool,
}

struct Key {
    id: String,
    label: String,
    made: Moment,
    used: Option<Moment>,
}

#[derive(Template)]
#[template(path = "account.html")]
struct Page {
    frame: Frame,
    script: String,
    base: String,
    name: String,
    roles: String,
    actor: String,
    since: Moment,
    sessions: Vec<Line>,
    passkeys: Vec<Key>,
    /// Ids of them, for the browser: a device makes one.
    known: String,
    user: String,
    site: String,
    /// Until when the person counts as having proven that it is them.
    fresh: Option<Moment>,
    min: usize,
    max: usize,
    said: Words,
    problem: Words,
}

pub async fn show(Extract(app): Extract<Shared>, Extension(caller): Extension<Caller>) -> Response {
    let made = async { page(&app, &guest(&caller)?, Ok(String::new())).await };
    let made = made.await;
    app.page(made)
}

/// There is an account only if somebody is signed in.
pub fn guest(caller: &Caller) -> Result<Guest, Fault> {
    caller.guest.clone().ok_or_else(|| {
        Fault::missing(
            "there are no accounts yet; `seaworthy owner-link` prints the link for the first owner".to_owned(),
        )
    })
}

async fn page(app: &App, guest: &Guest, done: Result<String, String>) -> Result<String, Fault> {
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
    let key = |key: &Passkey| Key {
        id: key.id.clone(),
        label: key.label.clone(),
        made: Moment { at: key.made_at, now },
        used: key.used_at.map(|at| Moment { at, now }),
    };
    Ok(Page {
        frame: app.frame("Your account", "account", "", 0),
        script: assets::address("door.js"),
        base: app.web.base.clone(),
        name: guest.account.name.clone(),
        roles: guest.account.roles().join(", "),
        actor: guest.account.actor.to_string(),
        since: Moment { at: guest.account.made_at, now },
        sessions: lines.collect(),
        passkeys: guest.account.passkeys.iter().map(key).collect(),
        known: guest.account.passkeys.iter().map(|key| key.id.clone()).collect::<Vec<_>>().join(" "),
        user: guest.account.actor.to_string().trim_start_matches("actor_").to_owned(),
        site: app.web.definitions.current().site.name.clone(),
        fresh: is_fresh(&guest.session, now).then(|| Moment { at: guest.session.touched_at + FRESH, now }),
        min: PASSWORD_CHARS_MIN,
        max: PASSWORD_CHARS_MAX,
        said: Words(done.clone().unwrap_or_default()),
        problem: Words(done.err().unwrap_or_default()),
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

#[derive(Deserialize)]
pub struct Proof {
    password: String,
    code: String,
    /// Only to change it.
    #[serde(default)]
    new: String,
    #[serde(default)]
    again: String,
}

pub async fn touch(
    Extract(app): Extract<Shared>,
    Extension(caller): Extension<Caller>,
    Form(proof): Form<Proof>,
) -> Response {
    let wish = DoorAsk::Touch { password: Typed(proof.password), code: Typed(proof.code) };
    told(&app, &caller, Ok(wish)).await
}

pub async fn password(
    Extract(app): Extract<Shared>,
    Extension(caller): Extension<Caller>,
    Form(proof): Form<Proof>,
) -> Response {
    let wish = match proof.new == proof.again {
        true => Ok(DoorAsk::Password { old: Typed(proof.password), new: Typed(proof.new), code: Typed(proof.code) }),
        false => Err("the two new passwords are not the same; type them again".to_owned()),
    };
    told(&app, &caller, wish).await
}

/// The page again, with what came of it.
pub async fn told(app: &App, caller: &Caller, wish: Result<DoorAsk, String>) -> Response {
    let made = async {
        let known = guest(caller)?;
        let done = match wish {
            Ok(wish) => app.web.door.ask(known.clone(), wish, Via::Web).await?.map(|done| done.said),
            Err(reason) => Err(reason),
        };
        let now = caller.again(app).await?.unwrap_or(known);
        page(app, &now, done).await
    };
    let made = made.await;
    app.page(made)
}

async fn ask(app: &App, caller: &Caller, wish: DoorAsk) -> Result<(), Fault> {
    app.web.door.ask(guest(caller)?, wish, Via::Web).await?.map(drop).map_err(Fault::refused)
}
