//! `Tokens` on the file: what the door asks and notes.
//!
//! This module must not know what a token may do.

use rusqlite::{Connection, Row, params};
use seaworthy_model::{
    id::{ActorId, TokenId},
    port::{ANSWER_AGE_MAX, ANSWERS_MAX, Begun, Fut, StoreError, Tokens},
    time::At,
    token::TokenRow,
};

use super::{
    Sqlite,
    error::broken,
    row::{all, execute, first, limit},
    writer::Work,
};
use crate::{ROWS_MAX, statements as sql};

impl Tokens for Sqlite {
    fn token_by(&self, digest: &str) -> Fut<'_, Result<Option<TokenRow>, StoreError>> {
        let digest = digest.to_owned();
        Box::pin(self.0.readers.read(move |conn| first(conn, sql::TOKEN_BY, [digest], read)?.map(parse).transpose()))
    }

    fn token(&self, token: TokenId) -> Fut<'_, Result<Option<TokenRow>, StoreError>> {
        let key = [token.bytes()];
        Box::pin(self.0.readers.read(move |conn| first(conn, sql::TOKEN_GET, key, read)?.map(parse).transpose()))
    }

    fn tokens(&self, owner: Option<ActorId>, most: usize) -> Fut<'_, Result<Vec<TokenRow>, StoreError>> {
        let most = limit(most.min(ROWS_MAX));
        Box::pin(self.0.readers.read(move |conn| {
            let rows = match owner {
                Some(owner) => all(conn, sql::TOKENS_OWNER, params![owner.bytes(), most], read)?,
                None => all(conn, sql::TOKENS_ALL, [most], read)?,
            };
            rows.into_iter().map(parse).collect()
        }))
    }

    fn token_used(&self, token: TokenId, at: At) -> Fut<'_, Result<(), StoreError>> {
        Box::pin(async move { self.pen()?.ask(Work::Used(token, at)).await.map(drop) })
    }

    fn begin(&self, key: &str, digest: &str, at: At) -> Fut<'_, Result<Begun, StoreError>> {
        let (key, digest) = (key.to_owned(), digest.to_owned());
        Box::pin(async move {
            if self.pen()?.ask(Work::Begin(key.clone(), digest.clone(), at)).await? == 1 {
                return Ok(Begun::New);
            }
            let known = self.0.readers.read(move |conn| {
                first(conn, sql::ANSWER_GET, [key], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
            });
            let known: Option<(String, u16, String)> = known.await?;
            Ok(match known {
                Some((known, ..)) if known != digest => Begun::Other,
                Some((_, 0, _)) => Begun::Open,
                Some((_, status, body)) => Begun::Answered { status, body },
                // Forgotten between the two looks.
                None => Begun::Open,
            })
        })
    }

    fn answer(&self, key: &str, status: u16, body: &str) -> Fut<'_, Result<(), StoreError>> {
        let (key, body) = (key.to_owned(), body.to_owned());
        Box::pin(async move { self.pen()?.ask(Work::Answer(key, status, body)).await.map(drop) })
    }
}

/// Takes a key: 1 if it was free, 0 if not. What is too old or too much goes first.
pub(super) fn begin(conn: &Connection, key: &str, digest: &str, at: At) -> Result<u64, StoreError> {
    let too_old = At(at.0.saturating_sub(i64::try_from(ANSWER_AGE_MAX.0).unwrap_or(i64::MAX)));
    execute(conn, sql::ANSWER_FORGET, [too_old.0])?;
    let last: Option<i64> = first(conn, sql::ANSWER_LAST, [limit(ANSWERS_MAX - 1)], |row| row.get(0))?;
    if let Some(last) = last {
        execute(conn, sql::ANSWER_FORGET, [last + 1])?;
    }
    Ok(execute(conn, sql::ANSWER_BEGIN, params![key, at.0, digest])? as u64)
}

/// Keeps an answer.
pub(super) fn answer(conn: &Connection, key: &str, status: u16, body: &str) -> Result<(), StoreError> {
    execute(conn, sql::ANSWER_SET, params![status, body, key]).map(drop)
}

/// Notes a use.
pub(super) fn used(conn: &Connection, token: TokenId, at: At) -> Result<(), StoreError> {
    execute(conn, sql::TOKEN_USED, params![at.0, token.bytes()]).map(drop)
}

fn read(row: &Row<'_>) -> rusqlite::Result<(String, i64)> {
    Ok((row.get(0)?, row.get(1)?))
}

fn parse((wide, used_at): (String, i64)) -> Result<TokenRow, StoreError> {
    let row: TokenRow = serde_json::from_str(&wide).map_err(|e| broken(format!("a token: {e}")))?;
    Ok(TokenRow { used_at: (used_at > 0).then_some(At(used_at)), ..row })
}
