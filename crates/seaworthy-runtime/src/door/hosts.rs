//! Users of the host that are linked to a person: what they do at the command line is that person's.
//!
//! One user is one person's. Whether somebody may link is decided before. This module must not know what a user does.

use seaworthy_model::{
    account::{Account, DoorChange, HostUser},
    entry::Via,
    event::AccountEvent,
    port::{Batch, Guest},
};

use super::{Doorkeeper, others::Answer, own::done};

/// Users of one person.
const USERS_MAX: usize = 10;
/// Longest name of a user of a host, in bytes.
const NAME_BYTES_MAX: usize = 32;

pub(super) async fn link(door: &Doorkeeper, by: &Guest, account: Account, user: &str, via: Via) -> Answer {
    let user = user.trim();
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if user.is_empty() || user.len() > NAME_BYTES_MAX || !user.chars().all(plain) {
        return Ok(Err(format!("`{}` is no name of a user of this host; `id -un` says it", user.escape_debug())));
    }
    let (name, actor) = (door.host_user)(user);
    let accounts = door.accounts.accounts().await?;
    if let Some(other) = accounts.iter().find(|other| other.hosts.iter().any(|known| known.actor == actor)) {
        return Ok(Err(format!("{name} is linked to {} already; unlink it there first", other.name)));
    }
    if account.hosts.len() >= USERS_MAX {
        return Ok(Err(format!("{} has {USERS_MAX} users of hosts already; unlink one first", account.name)));
    }
    let said = format!("what {name} does at the command line is {}'s from now on", account.name);
    let user = HostUser { name, actor, by: by.account.actor };
    let hosts = [account.hosts.clone(), vec![user]].concat();
    changed(door, by, Account { hosts, ..account }, AccountEvent::HostLinked { user: actor }, &said, via).await
}

pub(super) async fn unlink(door: &Doorkeeper, by: &Guest, account: Account, user: &str, via: Via) -> Answer {
    let Some(gone) = account.hosts.iter().find(|known| known.name == user).cloned() else {
        return Ok(Err(format!("{} has no such user of a host", account.name)));
    };
    let said = format!("what {} does at the command line is nobody's from now on", gone.name);
    let hosts = account.hosts.iter().filter(|known| **known != gone).cloned().collect();
    changed(door, by, Account { hosts, ..account }, AccountEvent::HostUnlinked { user: gone.actor }, &said, via).await
}

async fn changed(door: &Doorkeeper, by: &Guest, account: Account, event: AccountEvent, said: &str, via: Via) -> Answer {
    let account = Account { version: account.version + 1, ..account };
    let mut batch = Batch::by(by.account.actor, via);
    door.tell(&mut batch, account.actor, [event]);
    batch.door.push(DoorChange::Account(account));
    done(door, batch, said).await
}
