//! What shapes, words, keys and figures mean.
//!
//! This module must not know any state of the site.

use askama::Template;
use axum::{extract::State as Extract, response::Response};

use crate::{
    app::{Frame, Shared},
    shape::State,
};

#[derive(Template)]
#[template(path = "help.html")]
struct Page {
    frame: Frame,
    states: [State; 13],
}

pub async fn show(Extract(app): Extract<Shared>) -> Response {
    app.page(Page { frame: app.frame("Help", "help", "", 0), states: State::ALL }.render().map_err(Into::into))
}
