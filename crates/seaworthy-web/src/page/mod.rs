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
pub mod tokens;

use askama::Template;
use axum::{
    extract::State,
    http::Uri,
    response::{IntoResponse, Response},
};
use seaworthy_model::access::Action;

use crate::{
    api::problem::{Problem, is_api},
    app::{Fault, Shared},
    door::{About, Declared, Needs, any, process, run},
};

/// What is there before anybody is in.
const BEFORE: Needs = Needs::Open("nobody is signed in before they sign in");
/// What everybody may do with their own account.
const OWN: Needs = Needs::Session("their own account");
/// What is done with other people is asked one by one by who keeps accounts.
const OTHERS: Needs = Needs::Session("the port of accounts decides about each wish");

/// Address, need and handler.
pub fn routes() -> Vec<Declared> {
    vec![
        Declared::get("/", any(Action::See), overview::show),
        Declared::get("/processes", any(Action::See), processes::show),
        Declared::get("/processes/{name}", process(Action::See), process::show),
        Declared::post("/processes/{name}/run", process(Action::Run), ask::run),
        Declared::post("/processes/{name}/drill", process(Action::Drill), ask::drill),
        Declared::post("/processes/{name}/pause", process(Action::Pause), pause::pause),
        Declared::post("/processes/{name}/resume", process(Action::Pause), pause::resume),
        Declared::get("/runs/{id}", run(Action::See), run::show),
        Declared::post("/runs/{id}/cancel", run(Action::Cancel), ask::cancel),
        Declared::post("/runs/{id}/sign/{step}", run(Action::Sign), ask::sign),
        Declared::post("/runs/{id}/resume", run(Action::Resume), ask::resume),
        Declared::post("/runs/{id}/rerun", run(Action::Rerun), ask::rerun),
        Declared::get("/runs/{id}/output/{step}/{attempt}", run(Action::Output), output::raw),
        Declared::get("/changes", any(Action::See), changes::show),
        Declared::post("/changes/{digest}/confirm", Needs::Right(Action::Confirm, About::Change), changes::confirm),
        Declared::get("/help", any(Action::See), help::show),
        Declared::get("/sign-in", BEFORE, sign_in::show),
        Declared::post("/sign-in", BEFORE, sign_in::enter),
        Declared::get("/set-up/{link}", BEFORE, sign_in::set_up),
        Declared::post("/set-up/{link}", BEFORE, sign_in::begin),
        Declared::post("/sign-in/passkey", BEFORE, passkey::enter),
        Declared::post("/sign-in/challenge", BEFORE, passkey::to_come_in),
        Declared::get("/account", OWN, account::show),
        Declared::post("/account/challenge", OWN, passkey::to_add),
        Declared::post("/account/passkeys", OWN, passkey::add),
        Declared::post("/account/passkeys/remove", OWN, passkey::remove),
        Declared::post("/account/touch", OWN, account::touch),
        Declared::post("/account/password", OWN, account::password),
        Declared::post("/account/sign-out", OWN, account::sign_out),
        Declared::post("/account/sessions/end", OWN, account::end),
        Declared::get("/account/tokens", OWN, tokens::show),
        Declared::post("/account/tokens", OWN, tokens::ask),
        Declared::get("/people", OTHERS, people::show),
        Declared::post("/people", OTHERS, people::ask),
    ]
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
    if is_api(uri.path()) {
        return Problem::from(Fault::missing(sentence)).into_response();
    }
    app.page(Err(Fault::missing(sentence)))
}
