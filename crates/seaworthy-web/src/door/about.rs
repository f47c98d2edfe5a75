//! What an address is about: found in its path, so that the right is asked for the very thing that is acted on.
//!
//! This module must not decide.

use axum::{
    extract::{FromRequestParts as _, Query, RawPathParams},
    http::request::Parts,
};
use seaworthy_core::access::Target;
use seaworthy_model::{access::Action, change::Subject, id::RunId, process::Tier, site::Loaded};
use serde::Deserialize;

use crate::{app::App, page::run::find};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum About {
    Site,
    /// A list, of which everybody gets their part.
    AnyProcess,
    /// `{name}` is a process.
    Process,
    /// `{id}` is a run.
    Run,
    /// `{digest}` is a change that waits.
    Change,
    /// `?page=` is what a page is about.
    Page,
}

/// What was found.
pub enum Found {
    Site,
    /// A change by which somebody gets rights.
    Rights,
    AnyProcess,
    /// One process; of one that is not there nothing but the name is known, as if it were of no service.
    Process {
        name: String,
        service: Option<String>,
        tier: Tier,
    },
}

impl Found {
    pub fn target(&self) -> Target<'_> {
        match self {
            Found::Site | Found::Rights => Target::Site,
            Found::AnyProcess => Target::AnyProcess,
            Found::Process { name, service, tier } => {
                Target::Process { name, service: service.as_deref(), tier: *tier }
            }
        }
    }

    /// The right that is needed for what was found: by agreeing to rights one gives them.
    pub fn needs(&self, action: Action) -> Action {
        match (self, action) {
            (Found::Rights, Action::Confirm) => Action::Grant,
            _ => action,
        }
    }

    fn process(loaded: &Loaded, name: &str) -> Found {
        let known = loaded.processes.get(name).map(|pinned| &pinned.process);
        Found::Process {
            name: name.to_owned(),
            service: known.and_then(|process| process.service.clone()),
            tier: known.map_or(Tier::A, |process| process.tier),
        }
    }
}

impl About {
    /// Reads the address.
    pub async fn find(self, app: &App, loaded: &Loaded, parts: &mut Parts) -> Found {
        match self {
            About::Site => Found::Site,
            About::AnyProcess => Found::AnyProcess,
            About::Process => Found::process(loaded, &param(parts, "name").await),
            About::Run => of_run(app, loaded, &param(parts, "id").await).await,
            About::Change => {
                let digest = param(parts, "digest").await;
                // The start of a digest is enough to name a change, and an empty one names none.
                let held = loaded.held.iter().find(|held| !digest.is_empty() && held.digest.starts_with(&digest));
                match held.map(|held| &held.subject) {
                    _ if held.is_some_and(|held| held.gives_rights) => Found::Rights,
                    Some(Subject::Process(name)) => Found::process(loaded, name),
                    Some(Subject::Branch(_) | Subject::Settings) | None => Found::Site,
                }
            }
            About::Page => match page(parts).split_once('/') {
                Some(("process", name)) => Found::process(loaded, name),
                Some(("run", id)) => of_run(app, loaded, id).await,
                _ => Found::AnyProcess,
            },
        }
    }
}

async fn param(parts: &mut Parts, name: &str) -> String {
    let params = RawPathParams::from_request_parts(parts, &()).await;
    let found = params.ok().and_then(|all| all.iter().find(|(key, _)| *key == name).map(|(_, v)| v.to_owned()));
    found.unwrap_or_default()
}

fn page(parts: &Parts) -> String {
    #[derive(Deserialize)]
    struct Wanted {
        page: String,
    }
    Query::<Wanted>::try_from_uri(&parts.uri).map(|wanted| wanted.0.page).unwrap_or_default()
}

async fn of_run(app: &App, loaded: &Loaded, id: &str) -> Found {
    let name = match find(app, id).await {
        Ok(run) => process_of(app, run).await,
        Err(_) => None,
    };
    Found::process(loaded, name.as_deref().unwrap_or_default())
}

/// The process of a run; a journal that cannot answer now makes it nobody's.
pub async fn process_of(app: &App, run: RunId) -> Option<String> {
    if let Ok(Some(ended)) = app.web.views.ended_run(run).await {
        return Some(ended.process);
    }
    let live = app.web.views.live_runs().await.ok()?;
    live.into_iter().find(|row| row.run == run).map(|row| row.process)
}
