//! What the tables of accounts, login sessions and links promise.

use seaworthy_model::{
    access::Grant,
    account::{Account, DoorChange, How, Link, Purpose, Session},
    id::ActorId,
    port::{Batch, StoreError},
    time::At,
    tree::Hash,
};

use crate::world::{World, actor, batch, saying};

fn account(actor: ActorId, name: &str, version: u64) -> Account {
    Account {
        actor,
        version,
        name: name.to_uppercase(),
        key: name.to_owned(),
        grants: vec![Grant::of("owner")],
        made_at: At(1),
        last_sign_in: None,
        locked_at: None,
        password: Some("slow".to_owned()),
        codes: None,
        passkeys: vec![],
        hosts: vec![],
    }
}

fn session(actor: ActorId, n: u8) -> Session {
    let about = "a browser".to_owned();
    let (begun_at, seen_at, touched_at) = (At(1), At(2), At(3));
    Session { digest: Hash([n; 32]), actor, how: How::Password, begun_at, seen_at, touched_at, about }
}

fn link(n: u8) -> Link {
    Link { digest: Hash([n; 32]), purpose: Purpose::Claim, made_by: actor(), made_at: At(1), until: At(9) }
}

async fn change(w: &World, door: Vec<DoorChange>) -> Result<u64, StoreError> {
    w.journal.append(Batch { door, ..batch() }).await
}

fn refused(answer: &Result<u64, StoreError>) -> bool {
    matches!(answer, Err(StoreError::Refused { .. }))
}

pub async fn a_new_account_takes_an_actor_and_a_name_that_are_free(w: &World) {
    let (ada, grace) = (actor(), actor());
    change(w, vec![DoorChange::Account(account(ada, "ada", 1))]).await.unwrap();
    for taken in [account(ada, "other", 1), account(grace, "ada", 1), account(grace, "grace", 2)] {
        let answer = change(w, vec![DoorChange::Account(taken.clone())]).await;
        assert!(refused(&answer), "{taken:?}: {answer:?}");
    }
    change(w, vec![DoorChange::Account(account(grace, "grace", 1))]).await.unwrap();
    let taken = change(w, vec![DoorChange::Account(account(grace, "ada", 2))]).await;
    assert!(refused(&taken), "a name is taken over by nobody: {taken:?}");
    assert_eq!(w.accounts.account(ada).await, Ok(Some(account(ada, "ada", 1))));
    assert_eq!(w.accounts.account_called("grace").await, Ok(Some(account(grace, "grace", 1))));
    assert_eq!(w.accounts.account_called("GRACE").await, Ok(None), "it is found by its key alone");
    assert_eq!(w.accounts.accounts().await, Ok(vec![account(ada, "ada", 1), account(grace, "grace", 1)]));
}

pub async fn of_two_changes_from_one_state_one_is_refused(w: &World) {
    let ada = actor();
    change(w, vec![DoorChange::Account(account(ada, "ada", 1))]).await.unwrap();
    let (one, two) = (account(ada, "ada", 2), Account { password: None, ..account(ada, "ada", 2) });
    let (first, second) =
        tokio::join!(change(w, vec![DoorChange::Account(one)]), change(w, vec![DoorChange::Account(two)]));
    assert!(first.is_ok() != second.is_ok(), "{first:?} {second:?}");
    assert!(refused(&change(w, vec![DoorChange::Account(account(ada, "ada", 4))]).await));
    change(w, vec![DoorChange::Account(account(ada, "eda", 3))]).await.unwrap();
    assert_eq!(w.accounts.account_called("ada").await, Ok(None));
}

pub async fn a_refused_change_takes_its_entries_with_it(w: &World) {
    let door = vec![DoorChange::LinkMade(link(1)), DoorChange::LinkUsed(link(2).digest)];
    let answer = w.journal.append(Batch { door, ..saying("p", None, &["a"]) }).await;
    assert!(refused(&answer), "{answer:?}");
    assert_eq!(w.length().await, 0);
    assert_eq!(w.accounts.links().await, Ok(vec![]));
}

pub async fn a_session_is_seen_until_it_is_ended(w: &World) {
    let ada = actor();
    let begun = session(ada, 1);
    change(w, vec![DoorChange::SessionBegun(begun.clone())]).await.unwrap();
    assert_eq!(w.accounts.session(begun.digest).await, Ok(Some(begun.clone())));
    let seen = Session { seen_at: At(50), ..begun.clone() };
    change(w, vec![DoorChange::SessionSeen(seen.clone())]).await.unwrap();
    assert_eq!(w.accounts.session(begun.digest).await, Ok(Some(seen.clone())));
    let stolen = Session { actor: actor(), ..seen.clone() };
    change(w, vec![DoorChange::SessionBegun(stolen.clone()), DoorChange::SessionSeen(stolen)]).await.unwrap();
    assert_eq!(w.accounts.session(begun.digest).await, Ok(Some(seen)), "a session stays with its person");
    change(w, vec![DoorChange::SessionEnded(begun.digest)]).await.unwrap();
    assert_eq!(w.accounts.session(begun.digest).await, Ok(None));
}

pub async fn a_session_that_ended_is_not_seen_again(w: &World) {
    let begun = session(actor(), 1);
    let door = vec![DoorChange::SessionBegun(begun.clone()), DoorChange::SessionEnded(begun.digest)];
    change(w, door).await.unwrap();
    change(w, vec![DoorChange::SessionSeen(begun.clone())]).await.expect("it is no error to come too late");
    assert_eq!(w.accounts.session(begun.digest).await, Ok(None));
}

pub async fn all_sessions_of_a_person_end_but_the_one_that_asks(w: &World) {
    let (ada, grace) = (actor(), actor());
    let all = [session(ada, 1), session(ada, 2), session(ada, 3), session(grace, 4)];
    change(w, all.clone().map(DoorChange::SessionBegun).into()).await.unwrap();
    assert_eq!(w.accounts.sessions(ada).await, Ok(all[..3].to_vec()));
    change(w, vec![DoorChange::SessionsEnded(ada, Some(all[1].digest))]).await.unwrap();
    assert_eq!(w.accounts.sessions(ada).await, Ok(vec![all[1].clone()]));
    change(w, vec![DoorChange::SessionsEnded(ada, None)]).await.unwrap();
    assert_eq!(w.accounts.sessions(ada).await, Ok(vec![]));
    assert_eq!(w.accounts.sessions(grace).await, Ok(vec![all[3].clone()]));
}

pub async fn a_link_is_used_once(w: &World) {
    change(w, vec![DoorChange::LinkMade(link(1))]).await.unwrap();
    let twice = change(w, vec![DoorChange::LinkMade(link(1))]).await;
    assert!(refused(&twice), "{twice:?}");
    let used = || change(w, vec![DoorChange::LinkUsed(link(1).digest)]);
    let (first, second) = tokio::join!(used(), used());
    assert!(first.is_ok() != second.is_ok(), "{first:?} {second:?}");
    assert_eq!(w.accounts.link(link(1).digest).await, Ok(None));
}

pub async fn a_link_is_there_until_it_is_taken_back(w: &World) {
    let (one, two) = (link(1), link(2));
    change(w, vec![DoorChange::LinkMade(one.clone()), DoorChange::LinkMade(two.clone())]).await.unwrap();
    assert_eq!(w.accounts.link(one.digest).await, Ok(Some(one.clone())));
    change(w, vec![DoorChange::LinkGone(one.digest), DoorChange::LinkGone(one.digest)]).await.unwrap();
    assert_eq!(w.accounts.links().await, Ok(vec![two]));
}
