//! Passkeys: what the browser is to sign, coming in by one, adding and removing one's own.
//!
//! This module must not judge what a device says: the door answers.

use std::net::SocketAddr;

use axum::{
    Extension, Form,
    extract::{ConnectInfo, State as Extract},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use seaworthy_model::{
    account::{Asserted, Attested, Party},
    id::ActorId,
    port::{DoorAsk, Entered, Entering},
};
use serde::Deserialize;

use super::{account, sign_in};
use crate::{
    app::{App, Shared},
    guard,
    who::{Caller, cookie, visitor},
};

/// What is to be signed by whoever wants to come in.
pub async fn to_come_in(Extract(app): Extract<Shared>) -> Response {
    app.web.door.challenge(None).into_response()
}

/// What is to be answered by a new passkey of whoever is in.
pub async fn to_add(Extract(app): Extract<Shared>, Extension(caller): Extension<Caller>) -> Response {
    match account::guest(&caller) {
        Ok(guest) => app.web.door.challenge(Some(guest.account.actor)).into_response(),
        Err(fault) => app.page(Err(fault)),
    }
}

#[derive(Deserialize)]
pub struct Used {
    id: String,
    user: String,
    client: String,
    authenticator: String,
    signature: String,
    #[serde(default)]
    to: String,
}

pub async fn enter(
    Extract(app): Extract<Shared>,
    peer: Option<Extension<ConnectInfo<SocketAddr>>>,
    headers: HeaderMap,
    Form(form): Form<Used>,
) -> Response {
    let actor = format!("{}_{}", ActorId::PREFIX, form.user).parse();
    let Ok(actor) = actor else {
        let problem = "this passkey does not say whose it is; sign in another way".to_owned();
        return sign_in::page(&app, form.to, String::new(), problem, StatusCode::UNAUTHORIZED);
    };
    let Used { id, client, authenticator, signature, to, .. } = form;
    let shown = Asserted { id, client, authenticator, signature };
    let entering = Entering::Passkey { actor, shown, party: party(&app, &headers) };
    let entered: Result<Entered, _> = app.web.door.enter(entering, visitor(&app, &headers, peer.as_deref())).await;
    sign_in::answer(&app, &headers, entered, to, String::new())
}

/// This site as the browser that asks calls it; the guard let only known names through.
fn party(app: &App, headers: &HeaderMap) -> Party {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default().to_ascii_lowercase();
    let scheme = if cookie(app, headers).1 { "https" } else { "http" };
    Party { name: guard::name_of(&host).to_owned(), origin: format!("{scheme}://{host}"), now: app.now() }
}

#[derive(Deserialize)]
pub struct Made {
    client: String,
    authenticator: String,
    #[serde(default)]
    label: String,
}

pub async fn add(
    Extract(app): Extract<Shared>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    Form(form): Form<Made>,
) -> Response {
    let shown = Attested { client: form.client, authenticator: form.authenticator };
    let wish = DoorAsk::AddPasskey { shown, party: party(&app, &headers), label: form.label };
    account::told(&app, &caller, Ok(wish)).await
}

#[derive(Deserialize)]
pub struct Gone {
    id: String,
}

pub async fn remove(
    Extract(app): Extract<Shared>,
    Extension(caller): Extension<Caller>,
    Form(form): Form<Gone>,
) -> Response {
    account::told(&app, &caller, Ok(DoorAsk::RemovePasskey { id: form.id })).await
}
