//! What all handlers share: the ports, the memory of the lists, the frame around a page, and faults.
//!
//! This module must not know any single page.

use std::sync::{Arc, Mutex, PoisonError};

use askama::Template;
use axum::{
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use seaworthy_core::access::{Policy, Refusal};
use seaworthy_model::{
    port::{StoreError, Views},
    site::Loaded,
    time::At,
};
use tokio::sync::Semaphore;

use crate::{Web, api::rate::Rates, assets, due::Due, projection::Projection, show, words::Words};

/// Live connections at the same time; one more is answered with 503 and tries again by itself.
pub const LIVE_MAX: usize = 128;

pub type Shared = Arc<App>;

pub struct App {
    pub web: Web,
    pub projection: Projection,
    pub due: Due,
    pub live_places: Arc<Semaphore>,
    /// What each caller of the API has used up.
    pub rates: Rates,
    /// The policy of what is loaded, made once for each load.
    policy: Mutex<Option<(Arc<Loaded>, Arc<Policy>)>>,
}

impl App {
    pub fn new(web: Web) -> App {
        let live_places = Arc::new(Semaphore::new(LIVE_MAX));
        App {
            web,
            projection: Projection::default(),
            due: Due::default(),
            live_places,
            rates: Rates::default(),
            policy: Mutex::default(),
        }
    }

    pub fn now(&self) -> At {
        self.web.clock.now()
    }

    /// Who may do what, as of what is loaded.
    pub fn policy(&self, loaded: &Arc<Loaded>) -> Arc<Policy> {
        // Both values are replaced at once: a panic elsewhere spoils neither.
        let mut known = self.policy.lock().unwrap_or_else(PoisonError::into_inner);
        match &*known {
            Some((of, policy)) if Arc::ptr_eq(of, loaded) => policy.clone(),
            _ => {
                let policy = Arc::new(Policy::of(&loaded.site));
                *known = Some((loaded.clone(), policy.clone()));
                policy
            }
        }
    }

    /// Where signals are kept: by the watcher itself, if it has a store of its own.
    pub fn watch(&self) -> &dyn Views {
        self.web.watch_views.as_deref().unwrap_or(&*self.web.views)
    }

    /// Brings the lists up to date; the position that they are true for.
    ///
    /// # Errors
    /// [`Fault`] when the journal cannot answer.
    pub async fn catch_up(&self) -> Result<u64, Fault> {
        Ok(self.projection.catch_up(&*self.web.journal, &*self.web.views).await?)
    }

    /// The frame of a page. `live`: what `/live?page=` is to follow, or empty.
    pub fn frame(&self, title: &str, active: &'static str, live: &str, position: u64) -> Frame {
        let now = self.now();
        Frame {
            base: self.web.base.clone(),
            site: self.web.definitions.current().site.name.clone(),
            title: title.to_owned(),
            active,
            css: assets::address("seaworthy.css"),
            js: assets::address("seaworthy.js"),
            live: match live {
                "" => String::new(),
                page => format!("{}/live?page={}&from={position}", self.web.base, show::segment(page)),
            },
            position,
            now: show::iso(now),
            clock: show::clock(now),
            note: self.web.note.clone(),
        }
    }

    /// A page, or the page that says what is wrong.
    pub fn page(&self, made: Result<String, Fault>) -> Response {
        match made {
            Ok(html) => ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], html).into_response(),
            Err(fault) => {
                let problem = Problem {
                    frame: self.frame(fault.title(), "", "", 0),
                    title: fault.title(),
                    sentence: &Words(fault.sentence.clone()),
                };
                // A template that only holds text cannot fail; if it does the sentence alone is the answer.
                let html = problem.render().unwrap_or_else(|_| fault.title().to_owned());
                (fault.status, [(header::CONTENT_TYPE, "text/html; charset=utf-8")], html).into_response()
            }
        }
    }
}

/// What stands around a page.
pub struct Frame {
    pub base: String,
    pub site: String,
    pub title: String,
    pub active: &'static str,
    pub css: String,
    pub js: String,
    pub live: String,
    pub position: u64,
    pub now: String,
    pub clock: String,
    pub note: String,
}

#[derive(Template)]
#[template(path = "problem.html")]
struct Problem<'a> {
    frame: Frame,
    title: &'a str,
    sentence: &'a Words,
}

/// Why a page or an answer cannot be given.
#[derive(Debug)]
pub struct Fault {
    pub status: StatusCode,
    /// For people: what was wanted and what to do next.
    pub sentence: String,
}

impl Fault {
    pub fn missing(sentence: String) -> Fault {
        Fault { status: StatusCode::NOT_FOUND, sentence }
    }

    pub fn refused(sentence: String) -> Fault {
        Fault { status: StatusCode::CONFLICT, sentence }
    }

    fn title(&self) -> &'static str {
        match self.status {
            StatusCode::NOT_FOUND => "Not found",
            StatusCode::CONFLICT | StatusCode::FORBIDDEN => "Refused",
            StatusCode::SERVICE_UNAVAILABLE => "Unavailable",
            StatusCode::UNAUTHORIZED => "Sign in",
            _ => "Not possible",
        }
    }
}

impl From<Box<Refusal>> for Fault {
    fn from(refusal: Box<Refusal>) -> Fault {
        Fault { status: StatusCode::FORBIDDEN, sentence: refusal.to_string() }
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Fault {
        tracing::warn!("a page could not be shown: {error}");
        Fault { status: StatusCode::SERVICE_UNAVAILABLE, sentence: error.to_string() }
    }
}

impl From<askama::Error> for Fault {
    fn from(error: askama::Error) -> Fault {
        tracing::error!("a page could not be written: {error}");
        Fault {
            status: StatusCode::INTERNAL_SERVER_ERROR,
            sentence: "this page could not be written; the log of the server says why".to_owned(),
        }
    }
}
