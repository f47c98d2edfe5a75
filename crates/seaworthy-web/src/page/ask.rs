//! What a person may ask for from a page: run now, drill now, cancel, go on, once more from a step. A form each, answered with the run's page.
//!
//! This module must not decide whether it may be done: the port answers.

use std::collections::BTreeMap;

use axum::{
    Form,
    extract::{Path, State as Extract, rejection::FormRejection},
    response::{IntoResponse, Redirect, Response},
};
use seaworthy_model::{
    id::RunId,
    port::{Answer, Ask},
};

use super::run::find;
use crate::{
    app::{App, Fault, Shared},
    door::{Asker, process_of},
};

/// What a form says of an input begins with this.
pub const INPUT_PREFIX: &str = "input.";

pub async fn run(
    Extract(app): Extract<Shared>,
    asker: Asker,
    Path(process): Path<String>,
    fields: Result<Form<BTreeMap<String, String>>, FormRejection>,
) -> Response {
    let fields = match fields {
        Ok(Form(fields)) => fields,
        // A request without a form gives nothing.
        Err(FormRejection::InvalidFormContentType(_)) => BTreeMap::new(),
        Err(other) => return app.page(Err(Fault::refused(format!("the form cannot be read: {other}")))),
    };
    // A field that was left empty was not given; then its default counts, or it is asked for.
    let said = |(name, value): (String, String)| {
        Some((name.strip_prefix(INPUT_PREFIX)?.to_owned(), value)).filter(|(_, value)| !value.is_empty())
    };
    let inputs = fields.into_iter().filter_map(said).collect();
    answer(&app, ask(&app, &asker, Ask::Run { process, inputs }, None).await)
}

pub async fn drill(Extract(app): Extract<Shared>, asker: Asker, Path(process): Path<String>) -> Response {
    answer(&app, ask(&app, &asker, Ask::Drill { process }, None).await)
}

pub async fn cancel(Extract(app): Extract<Shared>, asker: Asker, Path(id): Path<String>) -> Response {
    let asked = async {
        let run = find(&app, &id).await?;
        ask(&app, &asker, Ask::Cancel { run, reason: "asked on the page of the run".to_owned() }, Some(run)).await
    };
    let asked = asked.await;
    answer(&app, asked)
}

pub async fn sign(
    Extract(app): Extract<Shared>,
    asker: Asker,
    Path((id, step)): Path<(String, String)>,
    Form(fields): Form<BTreeMap<String, String>>,
) -> Response {
    let asked = async {
        let run = find(&app, &id).await?;
        let said = |name: &str| fields.get(name).cloned().unwrap_or_default();
        let wish = |step| Ask::Sign { run, step, yes: said("answer") == "yes", evidence: said("evidence") };
        if let Some(name) = process_of(&app, run).await
            && let Some(pinned) = app.web.definitions.current().processes.get(&name)
        {
            asker.check_signing(&pinned.process, &step)?;
        }
        ask(&app, &asker, wish(step), Some(run)).await
    };
    let asked = asked.await;
    answer(&app, asked)
}

pub async fn resume(Extract(app): Extract<Shared>, asker: Asker, Path(id): Path<String>) -> Response {
    let asked = async {
        let run = find(&app, &id).await?;
        ask(&app, &asker, Ask::GoOn { run }, Some(run)).await
    };
    let asked = asked.await;
    answer(&app, asked)
}

/// A step of an ended run and all that follows it, as a new run whose page answers.
pub async fn rerun(
    Extract(app): Extract<Shared>,
    asker: Asker,
    Path(id): Path<String>,
    Form(fields): Form<BTreeMap<String, String>>,
) -> Response {
    let asked = async {
        let run = find(&app, &id).await?;
        let from = fields.get("from").cloned().unwrap_or_default();
        ask(&app, &asker, Ask::Rerun { run, from }, None).await
    };
    let asked = asked.await;
    answer(&app, asked)
}

/// The run whose page answers.
async fn ask(app: &App, asker: &Asker, ask: Ask, about: Option<RunId>) -> Result<RunId, Fault> {
    match app.web.requests.ask(ask, asker.who.actor, asker.who.via()).await? {
        Answer::Started { run, .. } => Ok(run),
        Answer::Done { detail } => about.ok_or_else(|| Fault::refused(detail)),
        Answer::Refused { reason } | Answer::TooMany { reason } => Err(Fault::refused(reason)),
    }
}

fn answer(app: &App, asked: Result<RunId, Fault>) -> Response {
    match asked {
        // 303: reloading the page that follows asks for nothing again.
        Ok(run) => Redirect::to(&format!("{}/runs/{run}", app.web.base)).into_response(),
        Err(fault) => app.page(Err(fault)),
    }
}
