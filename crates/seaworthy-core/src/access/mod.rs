//! May they? One pure answer for every page, every operation of the API and every request of a verb.
//!
//! Denied is what nothing allows. A refusal names the right that is missing and who could give it.
//! This module must not know how somebody proved who they are, nor a page.

mod differ;
mod policy;
mod token;

use std::fmt;

use seaworthy_model::{
    access::Action,
    process::{Process, Tier},
    time::At,
    who::{Door, Who},
};

pub use self::{
    differ::differences,
    policy::{Policy, Right},
    token::token_wish,
};

/// Names of people in a refusal, at most.
const GRANTORS_MAX: usize = 5;

/// What an action is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target<'a> {
    /// The whole site: only rights that are not limited to services or tiers reach it.
    Site,
    /// One process.
    Process { name: &'a str, service: Option<&'a str>, tier: Tier },
    /// A list, of which everybody gets what they may see: a right for any part of it is enough.
    AnyProcess,
}

impl<'a> Target<'a> {
    /// This process.
    pub fn of(process: &'a Process) -> Target<'a> {
        Target::Process { name: &process.name, service: process.service.as_deref(), tier: process.tier }
    }
}

/// Why not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The right that is missing.
    pub missing: Action,
    /// What it was wanted for, in words; empty for the site.
    pub about: String,
    pub why: Why,
    /// Names of those who could give it; empty where nobody is told.
    pub grantors: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// Nobody is known.
    NotSignedIn,
    /// No role of theirs has it, here.
    NoRole,
    /// Their roles have it, the token does not.
    NotInScope,
    /// The token's time is over.
    Expired,
    /// Only a person may.
    NotAPerson,
    /// It would outlive the time in which nobody answers for the site.
    NobodyInCharge,
    /// They have to prove themselves anew.
    NotFresh,
}

impl Why {
    /// For machines.
    pub fn word(self) -> &'static str {
        match self {
            Why::NotSignedIn => "not_signed_in",
            Why::NoRole => "no_role",
            Why::NotInScope => "not_in_scope",
            Why::Expired => "expired",
            Why::NotAPerson => "not_a_person",
            Why::NobodyInCharge => "nobody_in_charge",
            Why::NotFresh => "not_fresh",
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (right, does) = (self.missing.word(), self.missing.about());
        let about = if self.about.is_empty() { String::new() } else { format!(" ({})", self.about) };
        match self.why {
            Why::NotSignedIn => write!(f, "sign in first: the right `{right}` is needed to {does}{about}"),
            Why::NoRole => {
                write!(f, "you may not {does}{about}: the right `{right}` is missing; ")?;
                match self.grantors.as_slice() {
                    [] => f.write_str("nobody of this site can give it but who may change `people:` in seaworthy.yaml"),
                    all => write!(f, "{} could give it, by a role under `people:` in seaworthy.yaml", all.join(", ")),
                }
            }
            Why::NotInScope => write!(
                f,
                "this token may not {does}{about}: its scope lacks `{right}`; its owner can make one that has it, within their own rights"
            ),
            Why::Expired => f.write_str("this token has expired; its owner can make another"),
            Why::NotAPerson => {
                write!(f, "no robot may {does}{about}: `{right}` is for a person who signs in")
            }
            Why::NobodyInCharge => write!(
                f,
                "nobody is in charge of this site yet, so nobody may {does} here: claim it, or ask on the host itself"
            ),
            Why::NotFresh => {
                write!(f, "prove yourself anew to {does}{about}: `{right}` asks for a sign-in of this moment")
            }
        }
    }
}

/// May `who` do this now? `Ok` is yes.
///
/// # Errors
/// The refusal.
pub fn decide(policy: &Policy, who: &Who, action: Action, target: Target<'_>, now: At) -> Result<(), Box<Refusal>> {
    let refuse = |why: Why| {
        let told = matches!(why, Why::NoRole);
        let grantors = if told { policy.grantors(GRANTORS_MAX) } else { vec![] };
        Err(Box::new(Refusal { missing: action, about: about(target), why, grantors }))
    };
    match who.door {
        Door::Nobody => return refuse(Why::NotSignedIn),
        // As before there were accounts, but nothing that would still be there afterwards.
        Door::Unclaimed if action.is_about_people() => return refuse(Why::NobodyInCharge),
        // Whoever owns the data folder could write the journal by hand.
        Door::Unclaimed | Door::Host => return Ok(()),
        Door::Login | Door::Token => {}
    }
    if let Some(through) = &who.through {
        if through.expires <= now {
            return refuse(Why::Expired);
        }
        if action.is_about_people() || (through.robot && action.is_personal()) {
            return refuse(Why::NotAPerson);
        }
    }
    if !policy.allows(who, action, target) {
        return refuse(Why::NoRole);
    }
    if let Some(through) = &who.through {
        let scope = &through.scope;
        let served = match target {
            _ if scope.services.is_empty() => true,
            Target::Site => false,
            Target::AnyProcess => true,
            Target::Process { service, .. } => service.is_some_and(|name| scope.services.iter().any(|s| s == name)),
        };
        if !scope.may.has(action) || !served {
            return refuse(Why::NotInScope);
        }
        return Ok(());
    }
    let fresh = who.login.as_ref().is_some_and(|login| login.fresh_until > now);
    if action.is_about_people() && !fresh {
        return refuse(Why::NotFresh);
    }
    Ok(())
}

fn about(target: Target<'_>) -> String {
    match target {
        Target::Site | Target::AnyProcess => String::new(),
        Target::Process { name, service: Some(service), tier } => format!("`{name}`, service {service}, tier {tier:?}"),
        Target::Process { name, service: None, tier } => format!("`{name}`, tier {tier:?}"),
    }
}
