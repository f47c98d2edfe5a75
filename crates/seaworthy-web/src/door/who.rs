//! Who asks: by the token that a request carries, by a login session, or as a visitor of a site that nobody has claimed.
//!
//! This module must not decide what they may do.

use std::sync::Arc;

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, StatusCode, header, request::Parts},
};
use seaworthy_core::access::{Policy, Refusal, Target, Why, decide};
use seaworthy_model::{
    access::Action,
    port::StoreError,
    process::{Action as Does, Process, Step},
    time::At,
    who::Who,
};

use crate::app::{App, Fault};

/// Whoever asks, with the policy by which they were let in.
#[derive(Clone)]
pub struct Asker {
    pub who: Who,
    policy: Arc<Policy>,
    now: At,
}

impl Asker {
    pub fn new(app: &App, who: Who) -> Asker {
        Asker { who, policy: app.policy(&app.web.definitions.current()), now: app.now() }
    }

    /// Asks for a right to one process.
    ///
    /// # Errors
    /// The refusal.
    pub fn check(&self, action: Action, process: &Process) -> Result<(), Box<Refusal>> {
        let target = Target::Process { name: &process.name, service: process.service.as_deref(), tier: process.tier };
        decide(&self.policy, &self.who, action, target, self.now)
    }

    /// Whether they may do this with a process.
    pub fn may(&self, action: Action, process: &Process) -> bool {
        self.check(action, process).is_ok()
    }

    /// Who may sign for a step may not yet approve: that asks for a right of its own. Of a step that is not known any more
    /// nobody can say that it is not one to be approved.
    ///
    /// # Errors
    /// The refusal.
    pub fn check_signing(&self, process: &Process, step: &str) -> Result<(), Box<Refusal>> {
        let human = |known: &&Step| known.id == step && matches!(known.action, Does::Human(_));
        match process.steps.iter().find(human) {
            Some(_) => self.check(Action::Sign, process),
            None => self.check(Action::Approve, process),
        }
    }

    /// Asks for a right to the site as a whole.
    ///
    /// # Errors
    /// The refusal.
    pub fn check_here(&self, action: Action) -> Result<(), Box<Refusal>> {
        decide(&self.policy, &self.who, action, Target::Site, self.now)
    }

    /// Asks for a right to any part of the site.
    ///
    /// # Errors
    /// The refusal.
    pub fn check_any(&self, action: Action) -> Result<(), Box<Refusal>> {
        decide(&self.policy, &self.who, action, Target::AnyProcess, self.now)
    }

    /// Whether they may do this with some part of the site.
    pub fn may_any(&self, action: Action) -> bool {
        self.check_any(action).is_ok()
    }

    /// Whether a role of theirs has it, though they may have to prove themselves anew before it is done.
    pub fn has(&self, action: Action) -> bool {
        match self.check_any(action) {
            Ok(()) => true,
            Err(refusal) => refusal.why == Why::NotFresh,
        }
    }

    /// Whether they may do this with the site as a whole.
    pub fn may_here(&self, action: Action) -> bool {
        self.check_here(action).is_ok()
    }
}

/// What the door left for the handler.
impl<S: Send + Sync> FromRequestParts<S> for Asker {
    type Rejection = StatusCode;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Asker, StatusCode> {
        let left = parts.extensions.get::<Arc<Asker>>().cloned();
        // Only an address that needs no right has none, and its handler has no use for one.
        left.map(|asker| (*asker).clone()).ok_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

/// Why nobody can be recognised.
pub enum Unknown {
    /// What was shown is no token of this site, or not any more.
    Token,
    /// A token, where a person has to have signed in.
    Session,
    /// Another way of signing in than a token was shown.
    Scheme,
    Store(Fault),
}

impl From<StoreError> for Unknown {
    fn from(error: StoreError) -> Unknown {
        Unknown::Store(error.into())
    }
}

/// The token of a request, if it carries one in the only place where it may.
pub fn bearer(headers: &HeaderMap) -> Option<Result<&str, Unknown>> {
    let text = headers.get(header::AUTHORIZATION)?.to_str().unwrap_or_default();
    let token = text.split_once(' ').filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    Some(token.map(|(_, token)| token.trim()).ok_or(Unknown::Scheme))
}

/// Who asks.
///
/// # Errors
/// [`Unknown`] if something was shown that proves nothing.
pub async fn of(app: &App, parts: &Parts) -> Result<Asker, Unknown> {
    let who = match bearer(&parts.headers) {
        // Where a token is shown nothing else counts: no cookie can lend it more.
        Some(token) => {
            let token = token?;
            let known = match &app.web.identify {
                Some(port) => port.by_token(token).await?,
                None => None,
            };
            known.ok_or(Unknown::Token)?
        }
        // Left by whoever looks after login sessions; without a word of it nobody is known.
        None => parts.extensions.get::<Who>().cloned().unwrap_or_else(|| Who::nobody(app.web.actor)),
    };
    Ok(Asker::new(app, who))
}
