//! Identities. All of them are UUIDv7 made by a node, shown with a readable prefix (`run_…`).
//!
//! This module must not make randomness or read a clock: both come in as arguments.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use uuid::{Builder, Uuid};

use crate::time::At;

/// The text was not an id of the wanted kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotAnId {
    /// Prefix that was wanted, such as `run`.
    pub wanted: &'static str,
    /// What was given.
    pub given: String,
}

impl fmt::Display for NotAnId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is not an id of the form {}_<32 hex digits>", self.given, self.wanted)
    }
}

impl std::error::Error for NotAnId {}

fn v7(at: At, chance: &[u8; 10]) -> Uuid {
    let millis = u64::try_from(at.0 / 1_000_000).unwrap_or(0);
    Builder::from_unix_timestamp_millis(millis, chance).into_uuid()
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub Uuid);

        impl $name {
            /// The prefix in front of the hex digits.
            pub const PREFIX: &'static str = $prefix;

            /// A new id: time-ordered by `at`, told apart by ten random bytes.
            pub fn new(at: At, chance: &[u8; 10]) -> Self {
                Self(v7(at, chance))
            }

            /// The id that was stored as these bytes.
            pub fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(Uuid::from_bytes(bytes))
            }

            /// The sixteen bytes, as stored and hashed.
            pub fn bytes(&self) -> [u8; 16] {
                *self.0.as_bytes()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}_{}", $prefix, self.0.simple())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = NotAnId;
            fn from_str(text: &str) -> Result<Self, NotAnId> {
                let wrong = || NotAnId { wanted: $prefix, given: text.to_owned() };
                let hex = text.strip_prefix(concat!($prefix, "_")).ok_or_else(wrong)?;
                if hex.len() != 32 {
                    return Err(wrong());
                }
                Uuid::try_parse(hex).map(Self).map_err(|_| wrong())
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                let text = String::deserialize(d)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

id!(
    /// One run of a process, or one drill.
    RunId,
    "run"
);
id!(
    /// One recorded fact.
    EntryId,
    "entry"
);
id!(
    /// One data folder's server. It stays the same over restarts; each start has its own epoch.
    NodeId,
    "node"
);
id!(
    /// Whoever acts, without a name: the name lives in the erasable personal table.
    ActorId,
    "actor"
);
id!(
    /// One message to a route.
    MessageId,
    "message"
);
id!(
    /// One occurrence of something that may be wrong.
    SignalId,
    "signal"
);

id!(
    /// One token of a person or of a robot.
    TokenId,
    "token"
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_survives_its_text() {
        let id = RunId::new(At(1_700_000_000_000_000_000), &[7; 10]);
        assert_eq!(id.to_string().parse::<RunId>(), Ok(id));
        assert!(id.to_string().starts_with("run_"));
    }

    #[test]
    fn an_id_of_another_kind_is_refused() {
        let id = EntryId::new(At(0), &[0; 10]).to_string();
        assert!(id.parse::<RunId>().is_err());
        assert!("run_12".parse::<RunId>().is_err());
    }

    #[test]
    fn later_ids_sort_after_earlier_ones() {
        let early = RunId::new(At(1_000_000_000), &[255; 10]);
        let late = RunId::new(At(2_000_000_000), &[0; 10]);
        assert!(early < late);
    }
}
