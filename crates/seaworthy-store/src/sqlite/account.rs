//! `Accounts` on SQLite, and what changes them.
//!
//! This module must not know what proves a person nor how long anything holds.

use rusqlite::{Connection, params};
use seaworthy_model::{
    account::{Account, DoorChange, Link, Session},
    id::ActorId,
    port::{Accounts, Fut, StoreError},
    tree::Hash,
};
use serde::de::DeserializeOwned;

use super::{
    Sqlite,
    row::{execute, first, int, limit, to_wide, unwide, wide},
};
use crate::{
    ROWS_MAX,
    admit::{made_twice, not_next, used},
    statements as sql,
};

impl Accounts for Sqlite {
    fn account(&self, actor: ActorId) -> Fut<'_, Result<Option<Account>, StoreError>> {
        Box::pin(self.0.readers.read(move |conn| one(conn, sql::ACCOUNT_GET, &actor.bytes())))
    }

    fn account_called(&self, key: &str) -> Fut<'_, Result<Option<Account>, StoreError>> {
        let key = key.to_owned();
        Box::pin(self.0.readers.read(move |conn| {
            let row: Option<String> = first(conn, sql::ACCOUNT_CALLED, [key], |row| row.get(0))?;
            row.map(|json| unwide(&json)).transpose()
        }))
    }

    fn accounts(&self) -> Fut<'_, Result<Vec<Account>, StoreError>> {
        Box::pin(self.0.readers.read(|conn| wide(conn, sql::ACCOUNTS, [limit(ROWS_MAX)])))
    }

    fn session(&self, digest: Hash) -> Fut<'_, Result<Option<Session>, StoreError>> {
        Box::pin(self.0.readers.read(move |conn| one(conn, sql::SESSION_GET, &digest.0)))
    }

    fn sessions(&self, actor: ActorId) -> Fut<'_, Result<Vec<Session>, StoreError>> {
        Box::pin(self.0.readers.read(move |conn| wide(conn, sql::SESSIONS_OF, params![actor.bytes(), limit(ROWS_MAX)])))
    }

    fn link(&self, digest: Hash) -> Fut<'_, Result<Option<Link>, StoreError>> {
        Box::pin(self.0.readers.read(move |conn| one(conn, sql::LINK_GET, &digest.0)))
    }

    fn links(&self) -> Fut<'_, Result<Vec<Link>, StoreError>> {
        Box::pin(self.0.readers.read(|conn| wide(conn, sql::LINKS, [limit(ROWS_MAX)])))
    }
}

fn one<T: DeserializeOwned>(conn: &Connection, text: &str, key: &[u8]) -> Result<Option<T>, StoreError> {
    let row: Option<String> = first(conn, text, [key], |row| row.get(0))?;
    row.map(|json| unwide(&json)).transpose()
}

/// One change inside an open transaction.
pub(super) fn change(conn: &Connection, change: &DoorChange) -> Result<(), StoreError> {
    match change {
        DoorChange::Account(account) => keep(conn, account),
        DoorChange::SessionBegun(session) => {
            let row = params![session.digest.0, session.actor.bytes(), to_wide(session)?];
            execute(conn, sql::SESSION_ADD, row).map(drop)
        }
        DoorChange::SessionSeen(session) => {
            let row = params![to_wide(session)?, session.digest.0, session.actor.bytes()];
            execute(conn, sql::SESSION_SET, row).map(drop)
        }
        DoorChange::SessionEnded(digest) => execute(conn, sql::SESSION_END, [digest.0]).map(drop),
        DoorChange::SessionsEnded(actor, but) => {
            // No token has an empty hash.
            let but: &[u8] = but.as_ref().map_or(&[], |digest| &digest.0);
            execute(conn, sql::SESSIONS_END, params![actor.bytes(), but]).map(drop)
        }
        DoorChange::LinkMade(link) => match execute(conn, sql::LINK_ADD, params![link.digest.0, to_wide(link)?])? {
            0 => Err(made_twice(link)),
            _ => Ok(()),
        },
        DoorChange::LinkUsed(digest) => match execute(conn, sql::LINK_USE, [digest.0])? {
            0 => Err(used(digest)),
            _ => Ok(()),
        },
        DoorChange::LinkGone(digest) => execute(conn, sql::LINK_USE, [digest.0]).map(drop),
    }
}

fn keep(conn: &Connection, account: &Account) -> Result<(), StoreError> {
    let (actor, version, wide) = (account.actor.bytes(), int(account.version), to_wide(account)?);
    let kept = match account.version {
        1 => execute(conn, sql::ACCOUNT_ADD, params![actor, account.key, version, wide])?,
        _ => execute(conn, sql::ACCOUNT_SET, params![account.key, version, wide, actor])?,
    };
    if kept == 0 { Err(not_next(account)) } else { Ok(()) }
}
