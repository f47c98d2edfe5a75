//! How long a login session, a touch and a link hold.
//!
//! A clock that was set back makes nothing hold longer than its absolute limit from then on, and ends nothing. This
//! module must not know how anybody proved who they are.

use seaworthy_model::{
    account::{Account, Link, Purpose, Session},
    time::{At, Span},
    who::{Door, Login, Who},
};

/// A session that nobody used for so long has ended.
pub const IDLE: Span = Span::seconds(8 * 3600);
/// A session ends so long after its begin, however much it is used.
pub const ABSOLUTE: Span = Span::seconds(3 * 86_400);
/// How long a proof of the person counts as fresh, for what is dangerous.
pub const FRESH: Span = Span::seconds(10 * 60);
/// A session is written down as seen this often at most.
pub const SEEN_EVERY: Span = Span::seconds(60);

/// How long links work, by what they are for.
pub fn link_holds(purpose: &Purpose) -> Span {
    match purpose {
        Purpose::Claim => Span::seconds(24 * 3600),
        Purpose::Invite { .. } => Span::seconds(3 * 86_400),
        Purpose::Recover { .. } => Span::seconds(3600),
    }
}

/// Whether whoever has the token of this session is in.
pub fn session_holds(session: &Session, account: &Account, now: At) -> bool {
    session.actor == account.actor
        && account.locked_at.is_none()
        && now.since(session.seen_at) < IDLE
        && now.since(session.begun_at) < ABSOLUTE
}

/// Whether the person proved a moment ago that it is them.
pub fn is_fresh(session: &Session, now: At) -> bool {
    now.since(session.touched_at) < FRESH
}

/// Whether the session is to be written down as seen now.
pub fn seen_again(session: &Session, now: At) -> bool {
    now.since(session.seen_at) >= SEEN_EVERY
}

/// Who has this login session, as far as rights are decided by it.
pub fn person(account: &Account, session: &Session) -> Who {
    let login =
        Login { how: session.how.word().to_owned(), at: session.begun_at, fresh_until: session.touched_at + FRESH };
    let (name, grants) = (account.name.clone(), account.grants.clone());
    Who { name, grants, door: Door::Login, login: Some(login), ..Who::nobody(account.actor) }
}

pub fn link_works(link: &Link, now: At) -> bool {
    now < link.until
}

#[cfg(test)]
mod tests {
    use super::*;
    use seaworthy_model::{account::How, id::ActorId, tree::Hash};

    fn at(seconds: i64) -> At {
        At(seconds * 1_000_000_000)
    }

    fn ada() -> Account {
        Account {
            actor: ActorId::new(At(0), &[1; 10]),
            version: 1,
            name: "ada".into(),
            key: "ada".into(),
            grants: vec![],
            made_at: At(0),
            last_sign_in: None,
            locked_at: None,
            password: None,
            codes: None,
            passkeys: vec![],
            hosts: vec![],
        }
    }

    fn session(begun: i64, seen: i64) -> Session {
        Session {
            digest: Hash([0; 32]),
            actor: ada().actor,
            how: How::Password,
            begun_at: at(begun),
            seen_at: at(seen),
            touched_at: at(begun),
            about: String::new(),
        }
    }

    #[test]
    fn a_session_ends_idle_or_old_whatever_comes_first() {
        let (idle, old) = (8 * 3600, 3 * 86_400);
        for (begun, seen, now, holds) in [
            (0, 0, 0, true),
            (0, 0, idle - 1, true),
            (0, 0, idle, false),
            (0, old - 5, old - 1, true),
            (0, old - 5, old, false),
            // The clock was set back.
            (100, 100, 50, true),
        ] {
            assert_eq!(session_holds(&session(begun, seen), &ada(), at(now)), holds, "{begun} {seen} {now}");
        }
    }

    #[test]
    fn a_session_of_somebody_else_or_of_a_locked_person_does_not_hold() {
        let other = Account { actor: ActorId::new(At(0), &[2; 10]), ..ada() };
        assert!(!session_holds(&session(0, 0), &other, at(1)));
        let locked = Account { locked_at: Some(at(0)), ..ada() };
        assert!(!session_holds(&session(0, 0), &locked, at(1)));
    }

    #[test]
    fn a_touch_is_fresh_for_ten_minutes() {
        assert!(is_fresh(&session(0, 0), at(599)));
        assert!(!is_fresh(&session(0, 0), at(600)));
        assert!(!seen_again(&session(0, 0), at(59)) && seen_again(&session(0, 0), at(60)));
    }

    #[test]
    fn a_link_works_until_its_end() {
        let link = Link {
            digest: Hash([0; 32]),
            purpose: Purpose::Claim,
            made_by: ada().actor,
            made_at: at(0),
            until: at(10),
        };
        assert!(link_works(&link, at(9)) && !link_works(&link, at(10)));
    }
}
