//! A command for which the kernel had no handle left. Must not know why.

use std::time::{Duration, Instant};

use rustix::process::{WaitId, WaitIdOptions, waitid};
use seaworthy_model::process::Limits;

use super::{
    attempt::{Attempt, Bounds, Command, Progress},
    spawn::{Spawner, Start},
};
use crate::{
    held::tree::{Around, Tree},
    output::{mask::Mask, write::Writer},
    provider::tests::World,
};

#[test]
fn a_command_without_a_handle_is_held_to_its_end() {
    let world = World::new();
    let words = ["/bin/sh", "-c", "echo here; exit 7"].map(str::to_owned);
    let (env, limits) = ([], Limits::default());
    let start = Start { words: &words, folder: "/", env: &env, limits: &limits, entrance: None };
    let started = Spawner::new().unwrap().start(start).unwrap();
    let pid = started.pid;
    let writer = Writer::begin(world.folder.join("head"), &Mask::of(&[]));
    let mut command = Command::of(started, writer, None, "session");
    command.handle = None;
    let tree = Tree::of(pid.as_raw_nonzero().get(), "UNWATCHED=1".into(), None, false);
    let bounds = Bounds { limit: None, grace: Duration::from_secs(1), own: false };
    let mut attempt = Attempt::begin("a".into(), command, tree, bounds);
    assert!(attempt.awaits_children(), "its end is looked for when a child has ended");
    waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT).unwrap();
    let (mut buffer, deadline) = (vec![0; 4096], Instant::now() + Duration::from_secs(60));
    let acted = loop {
        attempt.notice(&mut buffer);
        if let Progress::Over(acted) = attempt.look(&Around::Host, &mut buffer) {
            break acted;
        }
        assert!(Instant::now() < deadline, "it is not over");
    };
    assert_eq!((acted.exit, acted.stdout.bytes, acted.empty), (Some(7), 5, Some(true)), "{acted:?}");
}
