//! What a person sees: pages, the same things as JSON, and their changes while they happen.
//!
//! A page never decides: it reads ports, orders and shows. Requests of people go to the [`Requests`] port.
//! This crate must not know SQL, the runtime, or any adapter.
//!
//! Pages are in `page/` (one file each, listed in its `mod.rs`), JSON in `api/`, changes in `live/`.

mod app;
mod assets;
mod board;
mod deadline;
mod door;
mod due;
mod guard;
mod hook;
mod moment;
mod ping;
mod plot;
mod projection;
mod qr;
mod shape;
mod show;
mod story;
mod tokens;
mod who;
mod words;

mod api;
mod live;
mod page;

use std::sync::Arc;

use axum::{Router, extract::DefaultBodyLimit, middleware};
use seaworthy_model::{
    id::ActorId,
    port::{Accounts, Clock, Definitions, Door, Identify, Journal, Outputs, Requests, TokenRequests, Tokens, Views},
};

use crate::{
    app::{App, Shared},
    door::Declared,
};

pub use crate::{
    door::{About, Needs},
    who::{Network, network},
};

/// Largest body of a request. Forms here carry a name at most.
const BODY_BYTES_MAX: usize = 16 * 1024;

/// What the pages read and whom they ask.
pub struct Web {
    pub journal: Arc<dyn Journal>,
    pub views: Arc<dyn Views>,
    /// The watcher's own store: signals and their messages. Without it those of `views` are shown.
    pub watch_views: Option<Arc<dyn Views>>,
    pub outputs: Arc<dyn Outputs>,
    pub definitions: Arc<dyn Definitions>,
    pub requests: Arc<dyn Requests>,
    pub clock: Arc<dyn Clock>,
    pub accounts: Arc<dyn Accounts>,
    pub door: Arc<dyn Door>,
    /// Until there is an owner every act of a page is by this actor.
    pub actor: ActorId,
    /// Recognises tokens; without it there are none.
    pub identify: Option<Arc<dyn Identify>>,
    /// Makes and revokes tokens.
    pub tokens: Option<Arc<dyn TokenRequests>>,
    /// Keeps answers to requests that may come again.
    pub answers: Option<Arc<dyn Tokens>>,
    /// `Err`: a sentence that says what is not ready.
    pub ready: Arc<dyn Fn() -> Result<(), String> + Send + Sync>,
    /// Processes that somebody else on this host runs as well, and who: as of a moment ago.
    pub twice: Arc<dyn Fn() -> Vec<(String, String)> + Send + Sync>,
    /// Text in the exposition format of Prometheus.
    pub metrics: Arc<dyn Fn() -> String + Send + Sync>,
    /// Base path of `public_url`: empty or `/sub`, without a trailing slash. Pages are served there and at the root,
    /// since some proxies strip it and some do not.
    pub base: String,
    /// Whether `public_url` is one of TLS: its cookies go over nothing else.
    pub secure: bool,
    /// Whether, until an owner has claimed the site, whoever reaches it may look and act: where only this host can.
    pub anybody: bool,
    /// Shown at the bottom of each page.
    pub note: String,
    /// Name of the machine that the site is on: where what is pasted is to be typed.
    pub machine: String,
    /// Host names, besides loopback, that a request may name: the host of `public_url`.
    pub hosts: Vec<String>,
}

/// Every address there is, with what it needs.
fn declared() -> Vec<Declared> {
    let parts = [page::routes(), live::routes(), assets::routes(), hook::routes(), ping::routes(), api::routes()];
    parts.into_iter().flatten().collect()
}

/// Method, path and need of every address, in order: for tests and for whoever wants to know.
pub fn addresses() -> Vec<(String, String, Needs)> {
    declared().into_iter().map(|one| (one.method.to_string(), one.path.into_owned(), one.needs)).collect()
}

/// The OpenAPI document of the API.
pub fn openapi() -> serde_json::Value {
    api::openapi::document(&api::operations())
}

/// Everything under one roof. Must be served by a tokio runtime; starts nothing before the first request.
pub fn router(web: Web) -> Router {
    let base = web.base.trim_end_matches('/').to_owned();
    let app: Shared = Arc::new(App::new(Web { base: base.clone(), ..web }));
    let mut served = door::router(&app, declared(), "");
    if !base.is_empty() {
        served = served.merge(door::router(&app, declared(), &base));
    }
    served
        .fallback(page::missing)
        .layer(middleware::from_fn_with_state(app.clone(), who::who))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(middleware::from_fn(deadline::deadline))
        .layer(middleware::from_fn_with_state(app.clone(), guard::guard))
        .with_state(app)
}
