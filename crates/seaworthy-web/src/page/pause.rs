//! The pause of a process on its page: what is shown of it, and the two forms.
//!
//! This module must not decide whether a pause is allowed: the port answers.

use axum::{
    Form,
    extract::{Path, State as Extract},
    response::{IntoResponse, Redirect, Response},
};
use seaworthy_model::{
    port::{Answer, Ask},
    schedule::Pause,
    time::{At, Span},
};
use serde::Deserialize;

use crate::{
    app::{App, Fault, Shared},
    door::Asker,
    moment::Moment,
    show,
    words::Words,
};

/// What a form may say: how long, and the words for it.
pub const LENGTHS: [(&str, &str); 6] =
    [("1h", "1 hour"), ("4h", "4 hours"), ("12h", "12 hours"), ("1d", "1 day"), ("3d", "3 days"), ("7d", "7 days")];

/// A pause that is in force.
pub struct Paused {
    pub until: Moment,
    pub since: Moment,
    pub reason: Words,
    /// The same without marks, for titles.
    pub plain: String,
    /// How often it was extended, in words; empty if never.
    pub extended: String,
}

impl Paused {
    pub fn of(pause: Option<&Pause>, now: At) -> Option<Paused> {
        let pause = pause.filter(|pause| pause.holds(now))?;
        let times = |n| if n == 1 { "extended once".to_owned() } else { format!("extended {n} times") };
        Some(Paused {
            until: Moment { at: pause.until, now },
            since: Moment { at: pause.since, now },
            reason: Words(pause.reason.clone()),
            plain: pause.reason.clone(),
            extended: if pause.extended == 0 { String::new() } else { times(pause.extended) },
        })
    }
}

#[derive(Deserialize)]
pub struct Wanted {
    reason: String,
    length: String,
}

pub async fn pause(
    Extract(app): Extract<Shared>,
    asker: Asker,
    Path(process): Path<String>,
    Form(wanted): Form<Wanted>,
) -> Response {
    let ask = match Span::parse(&wanted.length) {
        Ok(length) => Ok(Ask::Pause { process: process.clone(), until: app.now() + length, reason: wanted.reason }),
        Err(sentence) => Err(Fault::refused(sentence)),
    };
    answer(&app, &asker, &process, ask).await
}

pub async fn resume(Extract(app): Extract<Shared>, asker: Asker, Path(process): Path<String>) -> Response {
    let reason = "asked on the page of the process".to_owned();
    answer(&app, &asker, &process, Ok(Ask::Resume { process: process.clone(), reason })).await
}

async fn answer(app: &App, asker: &Asker, process: &str, ask: Result<Ask, Fault>) -> Response {
    let asked = async {
        match app.web.requests.ask(ask?, asker.who.actor, asker.who.via()).await? {
            Answer::Refused { reason } | Answer::TooMany { reason } => Err(Fault::refused(reason)),
            Answer::Done { .. } | Answer::Started { .. } => Ok(()),
        }
    };
    match asked.await {
        Ok(()) => Redirect::to(&format!("{}/processes/{}", app.web.base, show::segment(process))).into_response(),
        Err(fault) => app.page(Err(fault)),
    }
}
