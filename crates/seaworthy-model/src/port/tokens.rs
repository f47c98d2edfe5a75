//! What the door asks of the store: tokens by their hash, and answers that were given before.
//!
//! Tokens are made and revoked by entries (`token_made`, `token_revoked`) whose batch carries
//! their row. This module must not know who may.

use super::{Fut, StoreError};
use crate::{
    id::{ActorId, TokenId},
    time::{At, Span},
    token::{TokenRow, TokenSecret},
    who::{Scope, Who},
};

/// Answers that are remembered at most; beyond it the oldest are forgotten.
pub const ANSWERS_MAX: usize = 10_000;
/// No answer is remembered for longer.
pub const ANSWER_AGE_MAX: Span = Span::seconds(24 * 3600);

/// Tokens, and requests that may come again.
pub trait Tokens: Send + Sync {
    /// The token of this hash, revoked or not.
    fn token_by(&self, digest: &str) -> Fut<'_, Result<Option<TokenRow>, StoreError>>;
    /// The token of this id, revoked or not.
    fn token(&self, token: TokenId) -> Fut<'_, Result<Option<TokenRow>, StoreError>>;
    /// Newest first; of one owner if given.
    fn tokens(&self, owner: Option<ActorId>, limit: usize) -> Fut<'_, Result<Vec<TokenRow>, StoreError>>;
    /// Notes that it was used. Bookkeeping, not history: an earlier time than the one that is known changes nothing.
    fn token_used(&self, token: TokenId, at: At) -> Fut<'_, Result<(), StoreError>>;
    /// Takes a key of idempotency for a request with this hash, durably, before anything is done for it. Forgets what is
    /// older than [`ANSWER_AGE_MAX`] or beyond [`ANSWERS_MAX`].
    fn begin(&self, key: &str, digest: &str, at: At) -> Fut<'_, Result<Begun, StoreError>>;
    /// Keeps the answer of a key that was begun.
    fn answer(&self, key: &str, status: u16, body: &str) -> Fut<'_, Result<(), StoreError>>;
}

/// What is known of a key of idempotency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Begun {
    /// It is new, and taken now.
    New,
    /// It was answered.
    Answered { status: u16, body: String },
    /// It was begun and not answered: it goes on, or nobody knows how it ended.
    Open,
    /// It was used for another request.
    Other,
}

/// A token that somebody wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenWish {
    pub label: String,
    pub robot: bool,
    pub scope: Scope,
    /// How long it is to live.
    pub lives: Span,
}

/// A token that was made. Its text is shown once and kept nowhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenMade {
    pub secret: TokenSecret,
    pub row: TokenRow,
}

/// Makes tokens and takes them back. Who may was asked before; what a token may be is judged here.
pub trait TokenRequests: Send + Sync {
    /// Makes a token that `owner` answers for. The inner error is a sentence for the person who asked.
    fn make_token<'a>(
        &'a self,
        wish: TokenWish,
        owner: &'a Who,
    ) -> Fut<'a, Result<Result<TokenMade, String>, StoreError>>;
    /// Takes a token back for good. The inner error is a sentence.
    fn revoke_token<'a>(
        &'a self,
        token: TokenId,
        reason: String,
        by: &'a Who,
    ) -> Fut<'a, Result<Result<TokenRow, String>, StoreError>>;
    /// Newest first; of one owner if given.
    fn list_tokens(&self, owner: Option<ActorId>, limit: usize) -> Fut<'_, Result<Vec<TokenRow>, StoreError>>;
}
