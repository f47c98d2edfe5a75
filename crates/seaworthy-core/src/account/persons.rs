//! Which acts are one person's, and whether a yes is that of a known one.
//!
//! A person has an account, and may have users of the host that are linked to it. This module must not know how anybody
//! proved who they are, nor what a run is.

use std::collections::BTreeSet;

use seaworthy_model::{account::Account, entry::Via, id::ActorId};

/// Owners that a sentence names.
const NAMED_MAX: usize = 3;

/// Everybody who has an account.
pub struct Persons<'a>(pub &'a [Account]);

/// What a yes is given to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origin {
    /// Whose yes does not count: who asked for the run or for what led to it, and who did something by hand on the way.
    pub barred: BTreeSet<ActorId>,
    /// Of these: who asked for a run, as a person does.
    pub asked: BTreeSet<ActorId>,
    /// What started it from outside, so that nobody knows who that was.
    pub outside: Option<String>,
}

impl Persons<'_> {
    /// Whose act it is.
    pub fn of(&self, actor: ActorId) -> Option<&Account> {
        let its = |account: &&Account| account.actor == actor || account.hosts.iter().any(|user| user.actor == actor);
        self.0.iter().find(its)
    }

    /// These, and all else that the same persons are known as.
    pub fn all(&self, actors: &BTreeSet<ActorId>) -> BTreeSet<ActorId> {
        let known = actors.iter().filter_map(|actor| self.of(*actor));
        let known = known.flat_map(|account| account.hosts.iter().map(|user| user.actor).chain([account.actor]));
        actors.iter().copied().chain(known).collect()
    }

    /// Whether it can be known that a yes is that of another person than those of `origin`. Where there are no accounts
    /// a user of the host is all that anybody is.
    ///
    /// # Errors
    /// Why not, and who can change that.
    pub fn may_agree(&self, by: ActorId, via: Via, origin: &Origin) -> Result<(), String> {
        if self.0.is_empty() {
            return Ok(());
        }
        let Some(account) = self.of(by) else {
            return Err(format!(
                "you act as a user of this host of whom nobody knows which person that is: {} links that user to an account on the page People; or say yes on the page of the run",
                self.owners()
            ));
        };
        let name = &account.name;
        if account.locked_at.is_some() {
            return Err(format!("the account of {name} is locked; {} unlocks it", self.owners()));
        }
        let barred = self.all(&origin.barred);
        let lent = |by: ActorId| by != account.actor && barred.contains(&by);
        if via == Via::Cli && account.hosts.iter().any(|user| lent(user.by)) {
            return Err(format!(
                "the user of this host was linked to {name} by one who asked for this run, or did something on the way to it: {name} says yes on the page of the run"
            ));
        }
        if origin.asked.iter().any(|asked| self.of(*asked).is_none()) {
            return Err(format!(
                "a user of this host asked for this run, and nobody knows which person that is: {} links that user to an account on the page People",
                self.owners()
            ));
        }
        Ok(())
    }

    fn owners(&self) -> String {
        let owners = self.0.iter().filter(|account| account.is_owner() && account.locked_at.is_none());
        let names: Vec<&str> = owners.take(NAMED_MAX).map(|account| account.name.as_str()).collect();
        if names.is_empty() { "an owner".to_owned() } else { format!("an owner ({})", names.join(", ")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use seaworthy_model::{access::Grant, account::HostUser, time::At};

    fn actor(n: u8) -> ActorId {
        ActorId::new(At(0), &[n; 10])
    }

    /// Account `n`, with users of the host: `(actor, who linked it)`.
    fn account(n: u8, hosts: &[(u8, u8)]) -> Account {
        let hosts = hosts.iter().map(|(user, by)| HostUser {
            name: format!("os:u{user}@h"),
            actor: actor(*user),
            by: actor(*by),
        });
        Account {
            actor: actor(n),
            version: 1,
            name: format!("p{n}"),
            key: format!("p{n}"),
            grants: vec![Grant::of("owner")],
            made_at: At(0),
            last_sign_in: None,
            locked_at: None,
            password: None,
            codes: None,
            passkeys: vec![],
            hosts: hosts.collect(),
        }
    }

    fn asked(by: u8) -> Origin {
        let by = BTreeSet::from([actor(by)]);
        Origin { barred: by.clone(), asked: by, outside: None }
    }

    #[test]
    fn an_account_and_its_users_of_the_host_are_one_person() {
        let people = [account(1, &[(11, 1), (12, 2)]), account(2, &[])];
        let persons = Persons(&people);
        for one in [1, 11, 12] {
            assert_eq!(persons.of(actor(one)).map(|account| account.name.as_str()), Some("p1"));
            assert_eq!(persons.all(&[actor(one)].into()), [actor(1), actor(11), actor(12)].into());
        }
        assert_eq!(persons.all(&[actor(9), actor(2)].into()), [actor(9), actor(2)].into());
    }

    #[test]
    fn a_yes_is_that_of_a_known_person_as_soon_as_there_are_accounts() {
        let yes = |people: &[Account], by: u8, via: Via, origin: &Origin| {
            Persons(people).may_agree(actor(by), via, origin).err().unwrap_or_default()
        };
        assert_eq!(yes(&[], 11, Via::Cli, &asked(12)), "", "users of the host are all there is");
        let people = [account(1, &[(11, 1)]), account(2, &[(21, 1)]), account(3, &[(31, 3)])];
        assert!(yes(&people, 9, Via::Cli, &asked(1)).contains("an owner (p1, p2, p3) links that user"));
        assert!(yes(&people, 1, Via::Web, &asked(9)).contains("a user of this host asked for this run"));
        assert_eq!(yes(&people, 31, Via::Cli, &asked(1)), "");
        assert!(yes(&people, 2, Via::Cli, &asked(11)).contains("was linked to p2 by one who asked"));
        assert_eq!(yes(&people, 2, Via::Web, &asked(11)), "", "with proofs of their own");
        assert_eq!(yes(&people, 2, Via::Cli, &asked(3)), "");
        let locked = [account(1, &[]), Account { locked_at: Some(At(1)), ..account(2, &[]) }];
        assert!(yes(&locked, 2, Via::Cli, &asked(1)).contains("is locked; an owner (p1) unlocks it"));
        let by_schedule = Origin { barred: [actor(8)].into(), ..Origin::default() };
        assert_eq!(yes(&people, 1, Via::Web, &by_schedule), "", "no person asked");
    }
}
