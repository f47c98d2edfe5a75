//! Who asks, as far as it was proven, and through what.
//!
//! This module must not know how it was proven, nor what they may do.

use serde::{Deserialize, Serialize};

use crate::{
    access::{Actions, Grant},
    entry::Via,
    id::{ActorId, TokenId},
    time::At,
};

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Who {
    /// Stands in the journal beside what they do.
    pub actor: ActorId,
    /// The name under which rights are given: a mail address, or `os:NAME@HOST`. Empty if nobody is known.
    pub name: String,
    pub door: Door,
    /// What the account itself was given, besides what the site file gives to the name.
    pub grants: Vec<Grant>,
    /// When and how they signed in; `None` where they did not.
    pub login: Option<Login>,
    /// The token that speaks for them.
    pub through: Option<Through>,
}

/// How a request came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Door {
    /// From this host, while nobody has claimed the site.
    Unclaimed,
    /// Nobody is known.
    Nobody,
    /// A user of this host who owns the data folder.
    Host,
    /// A person who signed in.
    Login,
    /// A token of a person or of a robot.
    Token,
}

/// How a person signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login {
    /// `passkey`, `password`, `oidc`.
    pub how: String,
    pub at: At,
    /// Until then they count as having proven themselves a moment ago.
    pub fresh_until: At,
}

/// A token that was shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Through {
    pub token: TokenId,
    /// What its owner calls it.
    pub label: String,
    pub robot: bool,
    pub scope: Scope,
    pub expires: At,
}

/// To what a token is limited, besides what its owner may do.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Scope {
    pub may: Actions,
    /// Empty: whatever the service.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub services: Vec<String>,
}

impl Who {
    /// Somebody of whom nothing is known.
    pub fn nobody(actor: ActorId) -> Who {
        Who { actor, name: String::new(), door: Door::Nobody, grants: vec![], login: None, through: None }
    }

    /// A visitor from this host before the site was claimed.
    pub fn unclaimed(actor: ActorId) -> Who {
        Who { door: Door::Unclaimed, ..Who::nobody(actor) }
    }

    /// A user of this host.
    pub fn host(actor: ActorId, name: &str) -> Who {
        Who { door: Door::Host, name: name.to_owned(), ..Who::nobody(actor) }
    }

    /// The door as the journal names it.
    pub fn via(&self) -> Via {
        match (&self.through, self.door) {
            (Some(through), _) if through.robot => Via::Robot,
            (Some(_), _) => Via::Token,
            (None, Door::Host) => Via::Cli,
            (None, _) => Via::Web,
        }
    }
}
