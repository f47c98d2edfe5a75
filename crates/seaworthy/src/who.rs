//! Who acts at the command line: the operating system's user, as an opaque actor, unless it is linked to an account.
//!
//! The actor's id says nothing; the name lives in the erasable table, its salted digest in the journal.
//! This module must not know rights.

use rustix::process::Uid;
use seaworthy_model::{
    access::Grant,
    entry::Via,
    id::ActorId,
    port::{Batch, StoreError},
    time::At,
};
use seaworthy_runtime::{Ports, door::name_person};

use crate::real::KeyFile;

/// `os:NAME@HOST` of a user id.
pub fn os_name(uid: Uid) -> String {
    named(&user_name(uid))
}

/// `os:NAME@HOST` of a user's name.
pub fn named(user: &str) -> String {
    format!("os:{user}@{}", host())
}

/// What a user of this host is given by that alone: the one who owns the data folder could write the journal by hand, so
/// there is nothing to keep from them.
pub fn host_grants(name: &str) -> Option<Vec<Grant>> {
    let own = name == os_name(rustix::process::geteuid());
    // Of another user of the host the site file has to say what they may.
    if own { Some(vec![Grant::of("owner")]) } else { name.starts_with("os:").then(Vec::new) }
}

/// This host's name.
pub fn host() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

fn user_name(uid: Uid) -> String {
    let wanted = uid.as_raw().to_string();
    let passwd = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let line = passwd.lines().find(|line| line.split(':').nth(2) == Some(&wanted));
    line.and_then(|line| line.split(':').next()).map_or_else(|| format!("uid-{wanted}"), str::to_owned)
}

/// The id of a name on this site: the same name has the same id, and without the site's secret nobody can tell whose.
pub fn actor_of(key: &KeyFile, name: &str) -> ActorId {
    ActorId::new(At(0), &key.blind("actor", name))
}

/// Keeps the name of an actor that is seen for the first time, or again after it was erased.
///
/// # Errors
/// When the journal cannot be read or written.
pub async fn introduce(ports: &Ports, actor: ActorId, name: &str) -> Result<(), StoreError> {
    if ports.journal.person(actor).await?.is_some() {
        return Ok(());
    }
    let mut batch = Batch::by(actor, Via::Node);
    name_person(&ports.ids(), &*ports.chance, ports.clock.now(), &mut batch, actor, name);
    ports.journal.append(batch).await.map(|_| ())
}
