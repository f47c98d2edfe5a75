//! Tokens as a page and an operation of the API ask for them: which right, then the port.
//!
//! This module must not know how an answer is shown.

use std::sync::Arc;

use axum::http::StatusCode;
use seaworthy_core::access::Refusal;
use seaworthy_model::{
    access::Action,
    id::{ActorId, TokenId},
    port::{StoreError, TokenMade, TokenRequests, TokenWish},
    token::TokenRow,
};

use crate::{
    app::{App, Fault},
    door::Asker,
};

/// Tokens of one answer.
const LIST_MAX: usize = 1_000;

/// Why not.
pub enum No {
    Right(Box<Refusal>),
    Fault(Fault),
}

impl From<Box<Refusal>> for No {
    fn from(refusal: Box<Refusal>) -> No {
        No::Right(refusal)
    }
}

impl From<Fault> for No {
    fn from(fault: Fault) -> No {
        No::Fault(fault)
    }
}

impl From<StoreError> for No {
    fn from(error: StoreError) -> No {
        No::Fault(error.into())
    }
}

impl From<No> for Fault {
    fn from(no: No) -> Fault {
        match no {
            No::Right(refusal) => refusal.into(),
            No::Fault(fault) => fault,
        }
    }
}

fn port(app: &App) -> Result<&Arc<dyn TokenRequests>, Fault> {
    let none = || Fault { status: StatusCode::SERVICE_UNAVAILABLE, sentence: "no tokens are kept here".to_owned() };
    app.web.tokens.as_ref().ok_or_else(none)
}

/// Their own, and those of everybody with the right `people`. Newest first.
///
/// # Errors
/// When nothing can be read.
pub async fn list(app: &App, asker: &Asker) -> Result<Vec<TokenRow>, No> {
    let owner = (!asker.may_here(Action::People)).then_some(asker.who.actor);
    Ok(port(app)?.list_tokens(owner, LIST_MAX).await?)
}

/// Makes one that the asker answers for; one for a robot needs a right of its own.
///
/// # Errors
/// The right that is missing, or what is wrong with the wish.
pub async fn make(app: &App, asker: &Asker, wish: TokenWish) -> Result<TokenMade, No> {
    asker.check_any(Action::Token)?;
    if wish.robot {
        asker.check_any(Action::Robot)?;
    }
    Ok(port(app)?.make_token(wish, &asker.who).await?.map_err(Fault::refused)?)
}

/// Takes one back. A token may take back itself: whoever finds one can make it harmless.
///
/// # Errors
/// The right that is missing, or that there is no such token.
pub async fn revoke(app: &App, asker: &Asker, token: &str, reason: String) -> Result<TokenRow, No> {
    let missing = || Fault::missing("there is no such token; look at the list of tokens".to_owned());
    let token: TokenId = token.parse().map_err(|_| missing())?;
    let own = port(app)?.list_tokens(Some(asker.who.actor), LIST_MAX).await?;
    if !own.iter().any(|row| row.token == token) {
        asker.check_here(Action::Revoke)?;
    }
    Ok(port(app)?.revoke_token(token, reason, &asker.who).await?.map_err(Fault::missing)?)
}

/// The name of whoever answers for a token, unless it was erased.
///
/// # Errors
/// When the journal cannot answer.
pub async fn owner(app: &App, owner: ActorId) -> Result<Option<String>, Fault> {
    Ok(app.web.journal.person(owner).await?.map(|(name, _)| name))
}
