//! A keeper is killed, and what it held is found.

use crate::world::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn what_a_killed_keeper_held_is_ended_by_the_next_and_its_end_is_unknown() {
    let world = World::new("killed");
    let script = "trap '' TERM; setsid sh -c 'trap \"\" TERM; echo $$ > pid; while :; do sleep 300; done' & \
        echo running; sleep 300";
    let order = order(&world.0, script);
    let local = world.local();
    let pid = begun(&world, &local, &order).await;
    world.said(&order.output, "running\n").await;
    let secret = world.0.join("keeper").join(format!("{PROTOCOL}-{}", rustix::process::geteuid().as_raw()));
    assert!(secret.join(format!("{}.dump.1/TOKEN", run())).exists());
    let keeper = world.keeper().expect("it lives");
    tell(keeper, Signal::KILL);
    until("it is gone", || !living(keeper));
    assert!(living(pid), "nobody has ended it");
    let acted = local.adopt(&order.output).await.expect("that it began is on record");
    assert_eq!((acted.outcome, acted.empty), (Outcome::Unknown, None), "{acted:?}");
    assert!(acted.reason.as_ref().is_some_and(|reason| reason.contains("left running, ended now")), "{acted:?}");
    assert!(!living(pid) && !secret.exists());
    assert_eq!(world.output(&order.output).await, ("running\n".to_owned(), true));
    let again = Order { deed: crate::world::order(&world.0, "echo twice > effect").deed, ..order.clone() };
    assert_eq!(local.act(&again).await.outcome, Outcome::Unknown, "never repeated");
    assert!(!world.0.join("effect").exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn after_a_restart_of_the_host_nothing_can_be_left() {
    let world = World::new("rebooted");
    let order = order(&world.0, "echo $$ > pid; exec sleep 300");
    let local = world.local();
    let pid = begun(&world, &local, &order).await;
    let keeper = world.keeper().expect("it lives");
    tell(keeper, Signal::KILL);
    tell(pid, Signal::KILL);
    until("both are gone", || !living(keeper) && !living(pid));
    // What it said of itself, as of an earlier life of this host.
    let lock = world.0.join("keeper").join(format!("{PROTOCOL}-{}.lock", rustix::process::geteuid().as_raw()));
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").expect("the kernel says");
    let said = fs::read_to_string(&lock).expect("it is there");
    assert!(said.contains(boot.trim()), "{said}");
    fs::write(&lock, said.replace(boot.trim(), "00000000-0000-0000-0000-000000000000")).expect("ours");
    let acted = local.adopt(&order.output).await.expect("that it began is on record");
    assert_eq!((acted.outcome, acted.empty), (Outcome::Unknown, Some(true)), "{acted:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn whoever_waits_while_the_keeper_is_killed_is_told_what_the_next_one_found() {
    let world = World::new("waiting");
    let order = order(&world.0, "echo $$ > pid; exec sleep 300");
    let local = world.local();
    let (acted, ()) = tokio::join!(local.act(&order), async {
        let pid = written(&world).await;
        tell(world.keeper().expect("it lives"), Signal::KILL);
        assert!(living(pid));
    });
    assert_eq!((acted.outcome, acted.empty), (Outcome::Unknown, None), "{acted:?}");
    assert!(!living(world.number("pid")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_stray_without_marks_is_not_claimed_to_be_gone() {
    let world = World::new("stray");
    // Own session, no environment, and its parent ends at once: nothing tells whose it is.
    let script = "(env -i setsid sh -c 'echo $$ > pid; exec sleep 300' &); while [ ! -s pid ]; do :; done";
    let acted = world.local().act(&order(&world.0, script)).await;
    let pid = world.number("pid");
    let lives = living(pid);
    tell(pid, Signal::KILL);
    // Either it was seen in time and ended, or the record does not claim what cannot be known.
    assert_eq!(acted.empty, if lives { None } else { Some(true) }, "{acted:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn processes_that_carry_a_marker_of_a_dead_keeper_are_ended_and_others_are_not() {
    let (world, other) = (World::new("marker"), World::new("other"));
    let user = rustix::process::geteuid().as_raw();
    let marker = |data: &Path| {
        let facts = fs::metadata(data).expect("there");
        format!("{:x}.{:x}/{PROTOCOL}-{user}/{}.dump.7", facts.dev(), facts.ino(), run())
    };
    let sleep = |value: String| -> Child {
        Command::new("sleep").arg("300").env("SEAWORTHY_HOLDER", value).spawn().expect("starts")
    };
    let (mut ours, mut theirs) = (sleep(marker(&world.0)), sleep(marker(&other.0)));
    let key = OutputKey { run: run(), step: "dump".into(), attempt: 7 };
    let acted = world.local().adopt(&key).await.expect("it was found");
    assert_eq!((acted.outcome, acted.empty), (Outcome::Unknown, None), "{acted:?}");
    assert!(!living(ours.id()) && living(theirs.id()));
    theirs.kill().expect("it lives");
    assert!(ours.wait().is_ok() && theirs.wait().is_ok());
}
