//! What a token may be: within its owner's rights, with an end, and of a robot never what is for people.
//!
//! What it may at the moment it is shown is asked again each time: an owner who loses a right takes it from their
//! tokens at once. This module must not know chance nor where tokens are kept.

use seaworthy_model::{
    access::{Action, Actions},
    port::TokenWish,
    time::Span,
    token::{TOKEN_AGE_MAX, TOKENS_OF_ONE_MAX, label},
    who::{Door, Scope, Who},
};

use super::{Policy, Target};

/// Services that a scope may name.
const SERVICES_MAX: usize = 100;

/// The wish as it is to be kept, or why not.
///
/// # Errors
/// A sentence for the one who wants it.
pub fn token_wish(policy: &Policy, owner: &Who, wish: TokenWish, in_force: usize) -> Result<TokenWish, String> {
    let label = label(&wish.label)?;
    if in_force >= TOKENS_OF_ONE_MAX {
        return Err(format!("you have {in_force} tokens in force, which is the most; revoke one first"));
    }
    if wish.lives < Span::seconds(60) || wish.lives > TOKEN_AGE_MAX {
        return Err(format!("a token lives between a minute and {TOKEN_AGE_MAX}: there is none without an end"));
    }
    let Scope { may, services } = wish.scope;
    if may.is_empty() {
        return Err(format!("say what the token may do, such as `see, run`; there are: {}", Action::WORDS.join(", ")));
    }
    if services.len() > SERVICES_MAX || services.iter().any(|name| name.is_empty() || name.len() > 200) {
        return Err(format!("a token names at most {SERVICES_MAX} services, each with a name"));
    }
    let never: Actions = may.iter().filter(|a| a.is_about_people() || (wish.robot && a.is_personal())).collect();
    if !never.is_empty() {
        let whose = if wish.robot { "a robot" } else { "a token" };
        let words = never.words().join(", ");
        return Err(format!("{whose} never may {words}: that is for a person who signs in; leave it out"));
    }
    let beyond: Actions = may.iter().filter(|action| !has(policy, owner, *action)).collect();
    if !beyond.is_empty() {
        let words = beyond.words().join(", ");
        return Err(format!("you may not {words} yourself, so no token of yours may; leave it out"));
    }
    Ok(TokenWish { label, scope: Scope { may, services }, ..wish })
}

/// Whether somebody has a right to anything at all.
fn has(policy: &Policy, who: &Who, action: Action) -> bool {
    who.door == Door::Host || policy.allows(who, action, Target::AnyProcess)
}
