//! The pages, one file each. One more page: one file and one line in [`routes`].
//!
//! A page reads ports and shows; what people ask for goes through `ask`. No page may know another's data.

pub mod account;
pub mod ask;
pub mod changes;
mod field;
pub mod help;
pub mod output;
pub mod overview;
pub mod passkey;
pub mod pause;
pub mod people;
pub mod process;
pub mod processes;
pub mod row;
pub mod run;
pub mod sign_in;
pub mod todo;

use askama::Template;
use axum::{
    Router,
    extract::State,
    http::{StatusCode, Uri},
    response::{IntoResponse, Response},
    routing::{get, post},
};

use crate::app::{Fault, Shared};

/// Address to handler.
pub fn routes() -> Router<Shared> {
    Router::new()
        .route("/", get(overview::show))
        .route("/processes", get(processes::show))
        .route("/processes/{name}", get(process::show))
        .route("/processes/{name}/run", post(ask::run))
        .route("/processes/{name}/drill", post(ask::drill))
        .route("/processes/{name}/pause", post(pause::pause))
        .route("/processes/{name}/resume", post(pause::resume))
        .route("/runs/{id}", get(run::show))
        .route("/runs/{id}/cancel", post(ask::cancel))
        .route("/runs/{id}/sign/{step}", post(ask::sign))
        .route("/runs/{id}/resume", post(ask::resume))
        .route("/runs/{id}/rerun", post(ask::rerun))
        .route("/runs/{id}/output/{step}/{attempt}", get(output::raw))
        .route("/changes", get(changes::show))
        .route("/changes/{digest}/confirm", post(changes::confirm))
        .route("/help", get(help::show))
        .route("/sign-in", get(sign_in::show).post(sign_in::enter))
        .route("/set-up/{link}", get(sign_in::set_up).post(sign_in::begin))
        .route("/account", get(account::show))
        .route("/sign-in/passkey", post(passkey::enter))
        .route("/sign-in/challenge", post(passkey::to_come_in))
        .route("/account/challenge", post(passkey::to_add))
        .route("/account/passkeys", post(passkey::add))
        .route("/account/passkeys/remove", post(passkey::remove))
        .route("/account/touch", post(account::touch))
        .route("/account/password", post(account::password))
        .route("/people", get(people::show).post(people::ask))
        .route("/account/sign-out", post(account::sign_out))
        .route("/account/sessions/end", post(account::end))
}

/// A part of a page that is replaced as a whole when it changes.
pub struct Region {
    /// Id of the element.
    pub target: String,
    pub html: String,
    /// Parts of it that may be replaced alone while their order stays the same.
    pub rows: Vec<Region>,
}

impl Region {
    /// Renders one region.
    ///
    /// # Errors
    /// [`Fault`] when the template fails.
    pub fn of(target: &str, template: &impl Template) -> Result<Region, Fault> {
        Ok(Region { target: target.to_owned(), html: template.render()?, rows: vec![] })
    }
}

/// Any other address.
pub async fn missing(State(app): State<Shared>, uri: Uri) -> Response {
    let sentence = format!("there is nothing at {}; start at the overview", uri.path());
    if uri.path().contains("/api/") {
        return (StatusCode::NOT_FOUND, axum::Json(serde_json::json!({ "error": sentence }))).into_response();
    }
    app.page(Err(Fault::missing(sentence)))
}
