//! Runs before every handler: who asks, what about, may they.
//!
//! The only place of this crate that decides about rights of a request. It must not know what the handler does.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    http::header,
    middleware::Next,
    response::Response,
};
use seaworthy_core::access::decide;
use seaworthy_model::who::Who;

use super::{
    Needs,
    refused::{refused, unknown},
    who::{self, Asker, Unknown},
};
use crate::app::Shared;

/// One address's need.
#[derive(Clone)]
pub struct Gate {
    pub app: Shared,
    pub needs: Needs,
}

/// Leaves who asks for the handler, which decides about each wish itself.
fn known(app: &Shared, mut request: Request) -> Request {
    if let Some(who) = request.extensions().get::<Who>().cloned() {
        request.extensions_mut().insert(Arc::new(Asker::new(app, who)));
    }
    request
}

pub async fn pass(State(gate): State<Gate>, request: Request, next: Next) -> Response {
    let Gate { app, needs } = gate;
    let (action, about) = match needs {
        Needs::Right(action, about) => (action, about),
        Needs::Session(_) if request.headers().contains_key(header::AUTHORIZATION) => {
            return unknown(&app, request.uri().path(), Unknown::Session);
        }
        Needs::Session(_) => return next.run(known(&app, request)).await,
        Needs::Open(_) | Needs::Secret(_) => return next.run(request).await,
    };
    let (mut parts, body) = request.into_parts();
    let path = parts.uri.path().to_owned();
    let asker = match who::of(&app, &parts).await {
        Ok(asker) => asker,
        Err(why) => return unknown(&app, &path, why),
    };
    let loaded = app.web.definitions.current();
    let found = about.find(&app, &loaded, &mut parts).await;
    let action = found.needs(action);
    if let Err(refusal) = decide(&app.policy(&loaded), &asker.who, action, found.target(), app.now()) {
        tracing::info!(actor = %asker.who.actor, right = action.word(), why = refusal.why.word(), "refused");
        return refused(&app, &path, &refusal);
    }
    parts.extensions.insert(Arc::new(asker));
    next.run(Request::from_parts(parts, body)).await
}
