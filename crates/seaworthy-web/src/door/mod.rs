//! The door that every request passes: each address declares what right it needs, and one place asks for it.
//!
//! An address exists only as a [`Declared`]: without its need it cannot be written down. This module must not know what
//! an address shows or does.

mod about;
mod gate;
mod refused;
mod who;

use std::borrow::Cow;

use axum::{Router, handler::Handler, http::Method, middleware, routing::MethodRouter};
use seaworthy_model::access::Action;

pub use self::{
    about::{About, process_of},
    refused::nobody,
    who::Asker,
};
use crate::app::Shared;

/// What one has to have for an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    /// A right to what the address is about.
    Right(Action, About),
    /// A person who signed in, or a visitor before there is an owner; never a token. What they may is decided behind it.
    Session(&'static str),
    /// Nothing: for everybody, known or not, and why.
    Open(&'static str),
    /// No person asks: the request carries a secret or a signature of its own, which its handler judges.
    Secret(&'static str),
}

/// One address.
#[derive(Clone)]
pub struct Declared {
    pub method: Method,
    pub path: Cow<'static, str>,
    pub needs: Needs,
    handler: MethodRouter<Shared>,
}

impl Declared {
    pub fn get<H: Handler<T, Shared>, T: 'static>(
        path: impl Into<Cow<'static, str>>,
        needs: Needs,
        handler: H,
    ) -> Declared {
        Declared { method: Method::GET, path: path.into(), needs, handler: axum::routing::get(handler) }
    }

    pub fn post<H: Handler<T, Shared>, T: 'static>(
        path: impl Into<Cow<'static, str>>,
        needs: Needs,
        handler: H,
    ) -> Declared {
        Declared { method: Method::POST, path: path.into(), needs, handler: axum::routing::post(handler) }
    }

    /// With a layer around its handler, inside the door.
    pub fn around(self, layer: impl FnOnce(MethodRouter<Shared>) -> MethodRouter<Shared>) -> Declared {
        Declared { handler: layer(self.handler), ..self }
    }
}

/// An address that is about the site as a whole.
pub const fn site(action: Action) -> Needs {
    Needs::Right(action, About::Site)
}

/// An address that lists: everybody gets what they may see.
pub const fn any(action: Action) -> Needs {
    Needs::Right(action, About::AnyProcess)
}

/// An address with the name of a process in it.
pub const fn process(action: Action) -> Needs {
    Needs::Right(action, About::Process)
}

/// An address with the id of a run in it.
pub const fn run(action: Action) -> Needs {
    Needs::Right(action, About::Run)
}

/// All addresses behind their door, below a prefix.
pub fn router(app: &Shared, declared: Vec<Declared>, prefix: &str) -> Router<Shared> {
    declared.into_iter().fold(Router::new(), |router, one| {
        let state = gate::Gate { app: app.clone(), needs: one.needs };
        let handler = one.handler.layer(middleware::from_fn_with_state(state, gate::pass));
        let router = router.route(&format!("{prefix}{}", one.path), handler.clone());
        // `/sub` is `/sub/`, which is what the links say.
        if one.path == "/" && !prefix.is_empty() { router.route(prefix, handler) } else { router }
    })
}
