//! Rights: what can be done, sets of that under a name, and who was given which.
//!
//! This module must not decide: `core::access` does. It must not know how somebody proved who they are.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use crate::process::Tier;

macro_rules! actions {
    ($($name:ident $word:literal $about:literal,)+) => {
        /// Everything that somebody may be allowed to do. One more: one more line, and the compiler shows the rest.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Action {
            $(#[doc = $about] $name,)+
        }

        impl Action {
            /// In the order in which they are listed for people.
            pub const ALL: &'static [Action] = &[$(Action::$name,)+];
            /// Their words in the same order: what a site file and a token's scope say.
            pub const WORDS: &'static [&'static str] = &[$($word,)+];

            /// For people: what one may do who has it.
            pub fn about(self) -> &'static str {
                match self { $(Action::$name => $about,)+ }
            }
        }
    };
}

actions! {
    See "see" "see processes, runs, signals and changes",
    Output "output" "read what the commands of a run wrote",
    Journal "journal" "read the entries of the journal",
    Run "run" "run a process now",
    Drill "drill" "rehearse a restore now",
    Cancel "cancel" "stop a run",
    Resume "resume" "go on with a run that ended",
    Rerun "rerun" "do a part of an ended run once more",
    Pause "pause" "pause a process, and end its pause",
    Sign "sign" "sign for a step that a person does",
    Approve "approve" "agree to what another person asked for",
    Confirm "confirm" "agree to a change that takes something away",
    Reload "reload" "have the files read again",
    Retain "retain" "have old records removed now",
    Copy "copy" "copy the site's own state",
    PingKey "ping_key" "make and revoke keys for pings",
    People "people" "see people, their rights and their tokens",
    Invite "invite" "invite a person",
    Grant "grant" "give roles to a person and take them away",
    Lock "lock" "lock a person out",
    Unlock "unlock" "let a locked person in again",
    EndLogin "end_login" "end the login sessions of others",
    Recover "recover" "help another person back in",
    Erase "erase" "erase the name of a person",
    Token "token" "make tokens for oneself",
    Robot "robot" "make tokens for robots that one answers for",
    Revoke "revoke" "revoke tokens of others",
}

impl Action {
    pub fn word(self) -> &'static str {
        Action::WORDS[self as usize]
    }

    pub fn parse(word: &str) -> Option<Action> {
        Action::WORDS.iter().position(|known| *known == word).map(|place| Action::ALL[place])
    }

    /// Whether it is about one process, so that it can be given for some services or tiers alone.
    pub fn is_of_a_process(self) -> bool {
        use Action::*;
        matches!(
            self,
            See | Output | Run | Drill | Cancel | Resume | Rerun | Pause | Sign | Approve | Confirm | PingKey
        )
    }

    /// Whether a person vouches for it with their own word: nothing that works by itself may.
    pub fn is_personal(self) -> bool {
        use Action::*;
        matches!(self, Sign | Approve | Confirm) || self.is_about_people()
    }

    /// Whether it changes who may do what. Only a person who signed in a moment ago may.
    pub fn is_about_people(self) -> bool {
        use Action::*;
        matches!(self, Invite | Grant | Lock | Unlock | EndLogin | Recover | Erase | Token | Robot | Revoke)
    }
}

impl Serialize for Action {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(self.word())
    }
}

impl<'de> Deserialize<'de> for Action {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let word = String::deserialize(d)?;
        Action::parse(&word).ok_or_else(|| D::Error::custom(format!("`{word}` is no action")))
    }
}

/// A set of actions.
#[derive(Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct Actions(u64);

impl Actions {
    pub const NONE: Actions = Actions(0);

    pub fn all() -> Actions {
        Action::ALL.iter().copied().collect()
    }

    pub fn has(self, action: Action) -> bool {
        self.0 & (1 << action as u64) != 0
    }

    pub fn and(self, other: Actions) -> Actions {
        Actions(self.0 & other.0)
    }

    pub fn or(self, other: Actions) -> Actions {
        Actions(self.0 | other.0)
    }

    /// Those that are not in `other`.
    pub fn but(self, other: Actions) -> Actions {
        Actions(self.0 & !other.0)
    }

    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub fn iter(self) -> impl Iterator<Item = Action> {
        Action::ALL.iter().copied().filter(move |action| self.has(*action))
    }

    /// Their words, in order.
    pub fn words(self) -> Vec<&'static str> {
        self.iter().map(Action::word).collect()
    }
}

impl FromIterator<Action> for Actions {
    fn from_iter<I: IntoIterator<Item = Action>>(all: I) -> Actions {
        Actions(all.into_iter().fold(0, |set, action| set | (1 << action as u64)))
    }
}

impl fmt::Debug for Actions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.words()).finish()
    }
}

impl Serialize for Actions {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_seq(self.iter())
    }
}

impl<'de> Deserialize<'de> for Actions {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        Ok(Vec::<Action>::deserialize(d)?.into_iter().collect())
    }
}

/// A role given to somebody, everywhere or for some services and tiers alone.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Grant {
    pub role: String,
    /// Empty: whatever the service.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub services: Vec<String>,
    /// Empty: whatever the tier.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tiers: Vec<Tier>,
}

impl Grant {
    /// Of a role, everywhere.
    pub fn of(role: &str) -> Grant {
        Grant { role: role.to_owned(), ..Grant::default() }
    }
}

/// What the site file says of rights.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Rights {
    /// Roles besides those that are built in.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub roles: BTreeMap<String, Actions>,
    /// By the name under which a person signs in.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub people: BTreeMap<String, Vec<Grant>>,
    /// By team: what each of its people gets.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub teams: BTreeMap<String, Vec<Grant>>,
}

impl Rights {
    /// Whether the site file says nothing of them.
    pub fn is_empty(&self) -> bool {
        *self == Rights::default()
    }
}

/// The roles that every site has; a site file cannot change them.
pub const BUILT_IN: [&str; 4] = ["owner", "operator", "author", "viewer"];

/// What a built-in role may do.
pub fn built_in(role: &str) -> Option<Actions> {
    use Action::*;
    let viewer = || [See, Output, Token];
    let works = [Journal, Run, Drill, Cancel, Resume, Rerun, Reload];
    match role {
        "owner" => Some(Actions::all()),
        "operator" => {
            Some(viewer().into_iter().chain(works).chain([Pause, Sign, Approve, Confirm, People, Robot]).collect())
        }
        // Who writes definitions does not agree to what they take away.
        "author" => Some(viewer().into_iter().chain(works).chain([PingKey, Robot]).collect()),
        "viewer" => Some(viewer().into_iter().collect()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_action_has_a_word_of_its_own_and_survives_it() {
        let words: std::collections::BTreeSet<_> = Action::WORDS.iter().collect();
        assert_eq!(words.len(), Action::ALL.len());
        assert!(Action::ALL.len() <= 64, "a set is one number");
        for action in Action::ALL {
            assert_eq!(Action::parse(action.word()), Some(*action));
        }
        let set: Actions = [Action::Run, Action::See].into_iter().collect();
        assert_eq!(serde_json::to_string(&set).unwrap(), r#"["see","run"]"#);
        assert_eq!(serde_json::from_str::<Actions>(r#"["see","run"]"#).unwrap(), set);
        assert!(serde_json::from_str::<Actions>(r#"["fly"]"#).is_err());
    }

    #[test]
    fn only_an_owner_changes_who_may_do_what() {
        for role in ["operator", "author", "viewer"] {
            let may = built_in(role).unwrap();
            for action in [Action::Invite, Action::Grant, Action::Unlock, Action::Erase, Action::Recover] {
                assert!(!may.has(action), "{role} may {}", action.word());
            }
        }
        assert_eq!(built_in("owner"), Some(Actions::all()));
        assert_eq!(built_in("root"), None);
    }
}
