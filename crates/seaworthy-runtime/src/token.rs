//! Tokens: made, taken back, and recognised. A token speaks for the person who answers for it.
//!
//! This module must not know HTTP. What a token may be, core says; who may make one was asked at the door.

use std::sync::Arc;

use seaworthy_core::access::{Policy, token_wish};
use seaworthy_model::{
    access::Grant,
    entry::Stream,
    event::Event,
    id::{ActorId, TokenId},
    port::{Accounts, Batch, Fut, Identify, StoreError, TokenMade, TokenRequests, TokenWish, Tokens},
    time::Span,
    token::{Made, Revoked, TokenRow, TokenSecret},
    view::ViewChange,
    who::{Door, Through, Who},
};

use crate::ports::Ports;

/// The last use is noted once in this time.
const USED_EVERY: Span = Span::seconds(60);
/// Longest reason for taking one back, in characters.
const REASON_CHARS_MAX: usize = 500;

/// What a user of this host is given by that alone, besides what the site file says. `None`: the name is of no user here.
pub type HostGrants = fn(&str) -> Option<Vec<Grant>>;

/// Makes, takes back and recognises tokens.
#[derive(Clone)]
pub struct TokenDesk {
    pub ports: Ports,
    pub tokens: Arc<dyn Tokens>,
    pub accounts: Arc<dyn Accounts>,
    pub host_grants: HostGrants,
}

impl TokenDesk {
    async fn make(&self, wish: TokenWish, owner: &Who) -> Result<Result<TokenMade, String>, StoreError> {
        let (ports, now) = (&self.ports, self.ports.clock.now());
        let mine = self.tokens.tokens(Some(owner.actor), usize::MAX).await?;
        let in_force = mine.iter().filter(|row| row.revoked_at.is_none() && row.expires > now).count();
        let policy = Policy::of(&ports.definitions.current().site);
        let wish = match token_wish(&policy, owner, wish, in_force) {
            Ok(wish) => wish,
            Err(why) => return Ok(Err(why)),
        };
        let (mut secret, mut ten) = ([0; 32], [0; 10]);
        ports.chance.fill(&mut secret);
        ports.chance.fill(&mut ten);
        let secret = TokenSecret::new(secret);
        let row = TokenRow {
            token: TokenId::new(now, &ten),
            digest: secret.digest(),
            owner: owner.actor,
            label: wish.label,
            robot: wish.robot,
            scope: wish.scope,
            made_at: now,
            expires: now + wish.lives,
            revoked_at: None,
            used_at: None,
        };
        let event = Event::TokenMade(Made {
            owner: row.owner,
            label: row.label.clone(),
            robot: row.robot,
            scope: row.scope.clone(),
            expires: row.expires,
            digest: row.digest.clone(),
        });
        self.write(row.clone(), event, owner).await?;
        Ok(Ok(TokenMade { secret, row }))
    }

    async fn revoke(&self, token: TokenId, reason: &str, by: &Who) -> Result<Result<TokenRow, String>, StoreError> {
        let reason = reason.trim();
        if reason.is_empty() || reason.chars().count() > REASON_CHARS_MAX {
            return Ok(Err(format!("say why in 1 to {REASON_CHARS_MAX} characters")));
        }
        let Some(row) = self.tokens.token(token).await? else {
            return Ok(Err(format!("there is no {token}; look with: seaworthy token list")));
        };
        // Twice is no error: what was wanted is so.
        if row.revoked_at.is_some() {
            return Ok(Ok(row));
        }
        let row = TokenRow { revoked_at: Some(self.ports.clock.now()), ..row };
        self.write(row.clone(), Event::TokenRevoked(Revoked { reason: reason.to_owned() }), by).await?;
        Ok(Ok(row))
    }

    /// The entry and the row together or neither.
    async fn write(&self, row: TokenRow, event: Event, by: &Who) -> Result<(), StoreError> {
        let mut batch = Batch::by(by.actor, by.via());
        let stream = Stream::of("token", row.token);
        batch.writes.push(self.ports.ids().write(stream, None, self.ports.clock.now(), [event]));
        batch.views.push(ViewChange::Token(row));
        self.ports.journal.append(batch).await.map(drop)
    }

    /// Name and grants of whoever answers for a token; `None`: they were locked, erased, or are gone.
    async fn owner(&self, owner: ActorId) -> Result<Option<(String, Vec<Grant>)>, StoreError> {
        if let Some(account) = self.accounts.account(owner).await? {
            return Ok(account.locked_at.is_none().then_some((account.name, account.grants)));
        }
        let Some((name, _)) = self.ports.journal.person(owner).await? else { return Ok(None) };
        let grants = (self.host_grants)(&name);
        Ok(grants.map(|grants| (name, grants)))
    }

    async fn recognise(&self, text: &str) -> Result<Option<Who>, StoreError> {
        // What cannot be a token costs no look.
        let Some(secret) = TokenSecret::parse(text) else { return Ok(None) };
        let Some(row) = self.tokens.token_by(&secret.digest()).await?.filter(|row| row.revoked_at.is_none()) else {
            return Ok(None);
        };
        let Some((name, grants)) = self.owner(row.owner).await? else { return Ok(None) };
        let now = self.ports.clock.now();
        if row.used_at.is_none_or(|used| now.since(used) >= USED_EVERY) {
            self.tokens.token_used(row.token, now).await?;
        }
        let through =
            Through { token: row.token, label: row.label, robot: row.robot, scope: row.scope, expires: row.expires };
        Ok(Some(Who { actor: row.owner, name, door: Door::Token, grants, login: None, through: Some(through) }))
    }
}

impl TokenRequests for TokenDesk {
    fn make_token<'a>(
        &'a self,
        wish: TokenWish,
        owner: &'a Who,
    ) -> Fut<'a, Result<Result<TokenMade, String>, StoreError>> {
        Box::pin(self.make(wish, owner))
    }

    fn revoke_token<'a>(
        &'a self,
        token: TokenId,
        reason: String,
        by: &'a Who,
    ) -> Fut<'a, Result<Result<TokenRow, String>, StoreError>> {
        Box::pin(async move { self.revoke(token, &reason, by).await })
    }

    fn list_tokens(&self, owner: Option<ActorId>, limit: usize) -> Fut<'_, Result<Vec<TokenRow>, StoreError>> {
        self.tokens.tokens(owner, limit)
    }
}

impl Identify for TokenDesk {
    fn by_token<'a>(&'a self, token: &'a str) -> Fut<'a, Result<Option<Who>, StoreError>> {
        Box::pin(self.recognise(token))
    }
}
