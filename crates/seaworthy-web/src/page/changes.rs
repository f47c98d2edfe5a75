//! Changes of the files that wait for a person: what each takes away, what stays in force until then, and a form to agree.
//!
//! This module must not decide whether a change may be made: the port answers.

use askama::Template;
use axum::{
    Form,
    extract::{Path, State as Extract},
    response::{IntoResponse, Redirect, Response},
};
use seaworthy_model::{
    access::Action,
    change::{Held, Subject},
    port::{Answer, Ask},
};
use serde::Deserialize;

use crate::{
    app::{App, Fault, Frame, Shared},
    door::Asker,
    moment::Moment,
    show,
    words::Words,
};

/// One change that waits.
pub struct Waiting {
    pub what: String,
    pub href: String,
    pub digest: String,
    pub short: String,
    pub weaker: Vec<Words>,
    pub other: Vec<Words>,
    /// What stays until then, and what would come.
    pub from: String,
    pub to: String,
    pub until: Moment,
}

#[derive(Template)]
#[template(path = "changes.html")]
struct Page {
    frame: Frame,
    base: String,
    all: Vec<Waiting>,
}

pub async fn show(Extract(app): Extract<Shared>, asker: Asker) -> Response {
    let made = async {
        let position = app.catch_up().await?;
        let all = held(&app, &asker).iter().map(|held| waiting(&app, held)).collect();
        let frame = app.frame("Changes that wait", "changes", "", position);
        Ok(Page { frame, base: app.web.base.clone(), all }.render()?)
    };
    app.page(made.await)
}

/// The changes that wait, as far as this one may see them.
pub fn held(app: &App, asker: &Asker) -> Vec<Held> {
    let loaded = app.web.definitions.current();
    let seen = |held: &&Held| match &held.subject {
        Subject::Process(name) => loaded.processes.get(name).is_some_and(|p| asker.may(Action::See, &p.process)),
        Subject::Branch(_) | Subject::Settings => asker.may_here(Action::See),
    };
    loaded.held.iter().filter(seen).cloned().collect()
}

fn waiting(app: &App, held: &Held) -> Waiting {
    let words = |all: &[String]| all.iter().cloned().map(Words).collect();
    let (what, href) = match &held.subject {
        Subject::Process(name) => (name.clone(), format!("{}/processes/{}", app.web.base, show::segment(name))),
        Subject::Branch(name) => (format!("branch {name}"), String::new()),
        Subject::Settings => ("settings of the site".to_owned(), String::new()),
    };
    let start = |digest: &str| digest.get(..12).unwrap_or(digest).to_owned();
    Waiting {
        what,
        href,
        digest: held.digest.clone(),
        short: held.short().to_owned(),
        weaker: words(&held.weaker),
        other: words(&held.other),
        from: start(&held.from),
        to: held.to.as_deref().map_or("removed".to_owned(), start),
        until: Moment { at: held.until, now: app.now() },
    }
}

/// What the form says.
#[derive(Deserialize)]
pub struct Said {
    #[serde(default)]
    reason: String,
}

pub async fn confirm(
    Extract(app): Extract<Shared>,
    asker: Asker,
    Path(digest): Path<String>,
    Form(said): Form<Said>,
) -> Response {
    let asked = async {
        let ask = Ask::Confirm { digest, reason: said.reason };
        match app.web.requests.ask(ask, asker.who.actor, asker.who.via()).await? {
            Answer::Refused { reason } => Err(Fault::refused(reason)),
            // 303: reloading the page that follows asks for nothing again.
            _ => Ok(Redirect::to(&format!("{}/changes", app.web.base)).into_response()),
        }
    };
    match asked.await {
        Ok(response) => response,
        Err(fault) => app.page(Err(fault)),
    }
}
