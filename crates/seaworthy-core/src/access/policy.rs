//! What the site file says of rights, made ready to be asked often.
//!
//! This module must not know who asks.

use std::collections::BTreeMap;

use seaworthy_model::{
    access::{Action, Actions, Grant, Rights, built_in},
    process::Tier,
    site::Site,
    who::Who,
};

use super::Target;

/// What a role lets somebody do, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Right {
    /// Its role.
    pub role: String,
    pub may: Actions,
    services: Vec<String>,
    tiers: Vec<Tier>,
}

/// Who may do what on a site.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Policy {
    roles: BTreeMap<String, Actions>,
    people: BTreeMap<String, Vec<Right>>,
}

impl Policy {
    /// As a site file says it.
    pub fn of(site: &Site) -> Policy {
        let Rights { roles, people, teams } = &site.rights;
        let mut policy = Policy { roles: roles.clone(), people: BTreeMap::new() };
        let mut rights: Vec<(&String, &Grant)> = Vec::new();
        for (name, grants) in people {
            rights.extend(grants.iter().map(|grant| (name, grant)));
        }
        for (team, grants) in teams {
            for name in site.teams.get(team).iter().flat_map(|team| &team.people) {
                rights.extend(grants.iter().map(|grant| (name, grant)));
            }
        }
        for (name, grant) in rights {
            let right = policy.right(grant);
            policy.people.entry(name.clone()).or_default().extend(right);
        }
        policy
    }

    /// What a role may do; nothing, if there is none of this name.
    pub fn role(&self, name: &str) -> Actions {
        built_in(name).or_else(|| self.roles.get(name).copied()).unwrap_or_default()
    }

    /// The roles of the file, with what they let somebody do.
    pub fn roles(&self) -> impl Iterator<Item = (&str, Actions)> {
        self.roles.iter().map(|(name, may)| (name.as_str(), *may))
    }

    /// A grant, if it gives anything.
    fn right(&self, grant: &Grant) -> Option<Right> {
        let may = self.role(&grant.role);
        let (services, tiers) = (grant.services.clone(), grant.tiers.clone());
        (!may.is_empty()).then(|| Right { role: grant.role.clone(), may, services, tiers })
    }

    /// What the file gives to a name.
    pub fn rights(&self, name: &str) -> &[Right] {
        self.people.get(name).map_or(&[], Vec::as_slice)
    }

    /// Everybody the file names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.people.keys().map(String::as_str)
    }

    /// Whether a name, or what an account was given, has the right to this.
    pub fn allows(&self, who: &Who, action: Action, target: Target<'_>) -> bool {
        let named = self.rights(&who.name).iter().any(|right| right.may.has(action) && right.reaches(target));
        named
            || who
                .grants
                .iter()
                .any(|grant| self.role(&grant.role).has(action) && reaches(&grant.services, &grant.tiers, target))
    }

    /// What a person of this name and grants has that `who` lacks for the whole site: nobody hands on more than they have,
    /// but who may give roles.
    pub fn beyond(&self, who: &Who, name: &str, grants: &[Grant]) -> Actions {
        if self.allows(who, Action::Grant, Target::Site) {
            return Actions::NONE;
        }
        let given = self.rights(name).iter().map(|right| right.may);
        let given = given.chain(grants.iter().map(|grant| self.role(&grant.role))).fold(Actions::NONE, Actions::or);
        given.iter().filter(|action| !self.allows(who, *action, Target::Site)).collect()
    }

    /// How many people may do more with a process as it would be than as it was: its service or its tier opens it to them.
    pub fn opened(&self, old: Target<'_>, new: Target<'_>) -> usize {
        let more = |rights: &&Vec<Right>| {
            let may = |target: Target<'_>| {
                rights.iter().filter(|right| right.reaches(target)).fold(Actions::NONE, |all, right| all.or(right.may))
            };
            !may(new).but(may(old)).is_empty()
        };
        self.people.values().filter(more).count()
    }

    /// Names of those who may give rights, in order, at most so many.
    pub fn grantors(&self, max: usize) -> Vec<String> {
        let may = |rights: &[Right]| rights.iter().any(|r| r.may.has(Action::Grant) && r.reaches(Target::Site));
        self.people.iter().filter(|(_, rights)| may(rights)).map(|(name, _)| name.clone()).take(max).collect()
    }
}

impl Right {
    fn reaches(&self, target: Target<'_>) -> bool {
        reaches(&self.services, &self.tiers, target)
    }

    /// Where it holds, in words; empty if everywhere.
    pub fn within(&self) -> String {
        let tiers: Vec<String> = self.tiers.iter().map(|tier| format!("{tier:?}")).collect();
        let parts = [("services", self.services.join(", ")), ("tiers", tiers.join(", "))];
        let said: Vec<String> =
            parts.into_iter().filter(|(_, all)| !all.is_empty()).map(|(what, all)| format!("{what} {all}")).collect();
        said.join("; ")
    }
}

fn reaches(services: &[String], tiers: &[Tier], target: Target<'_>) -> bool {
    match target {
        Target::AnyProcess => true,
        Target::Site => services.is_empty() && tiers.is_empty(),
        Target::Process { service, tier, .. } => {
            let served = services.is_empty() || service.is_some_and(|name| services.iter().any(|s| s == name));
            served && (tiers.is_empty() || tiers.contains(&tier))
        }
    }
}
