//! `Tokens` in memory.
//!
//! This module must not know what a token may do.

use seaworthy_model::{
    id::{ActorId, TokenId},
    port::{ANSWER_AGE_MAX, ANSWERS_MAX, Begun, Fut, StoreError, Tokens},
    time::At,
    token::TokenRow,
};

use super::{Memory, ready, state::Asked};
use crate::ROWS_MAX;

impl Tokens for Memory {
    fn token_by(&self, digest: &str) -> Fut<'_, Result<Option<TokenRow>, StoreError>> {
        ready(Ok(self.state().tokens.values().find(|row| row.digest == digest).cloned()))
    }

    fn token(&self, token: TokenId) -> Fut<'_, Result<Option<TokenRow>, StoreError>> {
        ready(Ok(self.state().tokens.get(&token).cloned()))
    }

    fn tokens(&self, owner: Option<ActorId>, limit: usize) -> Fut<'_, Result<Vec<TokenRow>, StoreError>> {
        let state = self.state();
        let mine = state.tokens.values().filter(|row| owner.is_none_or(|owner| row.owner == owner));
        let mut rows: Vec<TokenRow> = mine.cloned().collect();
        rows.sort_by_key(|row| std::cmp::Reverse((row.made_at, row.token)));
        rows.truncate(limit.min(ROWS_MAX));
        ready(Ok(rows))
    }

    fn token_used(&self, token: TokenId, at: At) -> Fut<'_, Result<(), StoreError>> {
        if let Some(row) = self.state().tokens.get_mut(&token) {
            row.used_at = row.used_at.max(Some(at));
        }
        ready(Ok(()))
    }

    fn begin(&self, key: &str, digest: &str, at: At) -> Fut<'_, Result<Begun, StoreError>> {
        let mut state = self.state();
        state.answered.retain(|_, asked| at.since(asked.at) <= ANSWER_AGE_MAX);
        let begun = match state.answered.get(key) {
            Some(asked) if asked.digest != digest => Begun::Other,
            Some(Asked { answer: Some((status, body)), .. }) => Begun::Answered { status: *status, body: body.clone() },
            Some(_) => Begun::Open,
            None => {
                state.answered.insert(key.to_owned(), Asked { at, digest: digest.to_owned(), answer: None });
                Begun::New
            }
        };
        while state.answered.len() > ANSWERS_MAX {
            let oldest = state.answered.iter().min_by_key(|(key, asked)| (asked.at, (*key).clone()));
            let Some(key) = oldest.map(|(key, _)| key.clone()) else { break };
            state.answered.remove(&key);
        }
        ready(Ok(begun))
    }

    fn answer(&self, key: &str, status: u16, body: &str) -> Fut<'_, Result<(), StoreError>> {
        if let Some(row) = self.state().answered.get_mut(key) {
            row.answer = Some((status, body.to_owned()));
        }
        ready(Ok(()))
    }
}
