//! People: who has an account, in which role, when they last came in; inviting, locking, letting set up anew.
//!
//! This module must not decide who may do what: the door answers.

use askama::Template;
use axum::{
    Extension, Form,
    extract::State as Extract,
    response::{IntoResponse, Redirect, Response},
};
use seaworthy_model::{
    access::BUILT_IN,
    account::{Account, Purpose, Token},
    entry::Via,
    port::{Done, DoorAsk},
};
use serde::Deserialize;

use super::account::guest;
use crate::{
    app::{App, Fault, Frame, Shared},
    moment::Moment,
    who::Caller,
    words::Words,
};

struct Line {
    actor: String,
    name: String,
    roles: String,
    last: Option<Moment>,
    locked: Option<Moment>,
    sessions: usize,
    own: bool,
    /// Users of the host whose acts are theirs.
    hosts: Vec<String>,
}

struct Open {
    short: String,
    about: String,
    until: Moment,
}

#[derive(Template)]
#[template(path = "people.html")]
struct Page {
    frame: Frame,
    base: String,
    people: Vec<Line>,
    open: Vec<Open>,
    roles: Vec<String>,
    /// One owner alone is a finding.
    alone: bool,
    said: Words,
    problem: Words,
    /// Shown this once.
    link: String,
}

pub async fn show(Extract(app): Extract<Shared>, Extension(caller): Extension<Caller>) -> Response {
    let page = page(&app, &caller, Ok(None)).await;
    app.page(page)
}

async fn page(app: &App, caller: &Caller, done: Result<Option<Done>, String>) -> Result<String, Fault> {
    let (now, own) = (app.now(), guest(caller)?.account.actor);
    let accounts = app.web.accounts.accounts().await?;
    let mut people = Vec::new();
    for account in &accounts {
        people.push(Line {
            actor: account.actor.to_string(),
            name: account.name.clone(),
            roles: account.roles().join(", "),
            last: account.last_sign_in.map(|at| Moment { at, now }),
            locked: account.locked_at.map(|at| Moment { at, now }),
            sessions: app.web.accounts.sessions(account.actor).await?.len(),
            own: account.actor == own,
            hosts: account.hosts.iter().map(|user| user.name.clone()).collect(),
        });
    }
    let mut open = Vec::new();
    for link in app.web.accounts.links().await?.into_iter().filter(|link| link.until > now) {
        let about = match &link.purpose {
            Purpose::Claim => continue,
            Purpose::Invite { name, grants } => format!(
                "{name} is invited as {}",
                grants.iter().map(|grant| &*grant.role).collect::<Vec<_>>().join(", ")
            ),
            Purpose::Recover { actor } => {
                let whose = accounts.iter().find(|account| account.actor == *actor).map(|account| &*account.name);
                format!("{} sets up anew", whose.unwrap_or("somebody"))
            }
        };
        open.push(Open { short: link.short(), about, until: Moment { at: link.until, now } });
    }
    let rights = &app.web.definitions.current().site.rights;
    let roles = BUILT_IN.iter().map(|role| (*role).to_owned()).chain(rights.roles.keys().cloned()).collect();
    let (said, problem, link) = match done {
        Ok(None) => (String::new(), String::new(), String::new()),
        Ok(Some(done)) => {
            (done.said, String::new(), done.link.map(|link| address(app, caller, &link)).unwrap_or_default())
        }
        Err(reason) => (String::new(), reason, String::new()),
    };
    Ok(Page {
        frame: app.frame("People", "people", "", 0),
        base: app.web.base.clone(),
        people,
        open,
        roles,
        alone: owners(&accounts) == 1,
        said: Words(said),
        problem: Words(problem),
        link,
    }
    .render()?)
}

/// Owners who can come in.
pub fn owners(accounts: &[Account]) -> usize {
    accounts.iter().filter(|account| account.is_owner() && account.locked_at.is_none()).count()
}

/// Where a link leads.
pub fn address(app: &App, caller: &Caller, link: &Token) -> String {
    let url = app.web.definitions.current().site.public_url.clone();
    let url = url.unwrap_or_else(|| format!("http://{}{}", caller.host, app.web.base));
    format!("{}/set-up/{}", url.trim_end_matches('/'), link.text())
}

#[derive(Deserialize)]
pub struct Wish {
    what: String,
    #[serde(default)]
    actor: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    role: String,
    #[serde(default)]
    link: String,
    #[serde(default)]
    reason: String,
    #[serde(default)]
    user: String,
}

impl Wish {
    fn ask(self) -> Result<DoorAsk, Fault> {
        let actor = || self.actor.parse().map_err(|e| Fault::refused(format!("{e}; load the page again")));
        match self.what.as_str() {
            "invite" => Ok(DoorAsk::Invite { name: self.name, role: self.role }),
            "take_back" => Ok(DoorAsk::TakeBack { link: self.link }),
            "recover" => Ok(DoorAsk::Recover { actor: actor()? }),
            "lock" => Ok(DoorAsk::Lock { actor: actor()?, reason: self.reason }),
            "unlock" => Ok(DoorAsk::Unlock { actor: actor()?, reason: self.reason }),
            "host" => Ok(DoorAsk::Host { actor: actor()?, user: self.user, linked: true }),
            "unhost" => Ok(DoorAsk::Host { actor: actor()?, user: self.user, linked: false }),
            "end" => Ok(DoorAsk::EndAll { actor: actor()? }),
            other => Err(Fault::refused(format!("`{other}` is nothing that can be asked here; load the page again"))),
        }
    }
}

pub async fn ask(
    Extract(app): Extract<Shared>,
    Extension(caller): Extension<Caller>,
    Form(wish): Form<Wish>,
) -> Response {
    let asked = async { Ok(app.web.door.ask(guest(&caller)?, wish.ask()?, Via::Web).await?) };
    match asked.await {
        // Whoever locked themself is out now.
        Ok(Ok(_)) if !caller.still_in(&app).await => Redirect::to(&format!("{}/sign-in", app.web.base)).into_response(),
        Ok(done) => {
            let page = page(&app, &caller, done.map(Some)).await;
            app.page(page)
        }
        Err(fault) => app.page(Err(fault)),
    }
}
