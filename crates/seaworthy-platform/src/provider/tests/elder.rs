//! Keepers that an earlier program left.

use super::*;
use crate::keeper::home::{About, Seat, name};

#[tokio::test]
async fn a_keeper_that_lives_and_cannot_be_reached_does_not_count_as_dead() {
    let world = World::new();
    let local = world.local();
    let mut seat = Seat::take(&world.data, &name(1)).unwrap().expect("nobody has it");
    // Its lock is held before it says where it listens; then its socket is gone, as under a tidied /tmp.
    let unsaid = local.others().await.map(|links| links.len());
    assert!(unsaid.as_ref().is_err_and(|why| why.contains("lives and cannot be reached")), "{unsaid:?}");
    let socket = world.data.join("gone");
    seat.say(&About { pid: std::process::id(), protocol: 1, socket, cgroup: None, boot: None, site: None }).unwrap();
    let gone = local.others().await.map(|links| links.len());
    assert!(gone.as_ref().is_err_and(|why| why.contains("lives and cannot be reached")), "{gone:?}");
    drop(seat);
    assert_eq!(local.others().await.map(|links| links.len()), Ok(0), "a dead one is taken over");
}
