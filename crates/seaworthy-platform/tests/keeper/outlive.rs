//! Commands outlive those who asked for them; ends stay on record.

use crate::world::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_command_outlives_those_who_asked_and_is_taken_up_by_the_next_with_all_of_its_output() {
    let world = World::new("outlives");
    let script = "echo $$ > pid; echo first; while [ ! -e go ]; do sleep 0.01; done; echo last; exit 3";
    let order = order(&world.0, script);
    // Two who are there for a while only, as two restarts.
    let pid = begun(&world, &world.local(), &order).await;
    let next = world.local();
    let waited = tokio::time::timeout(Duration::from_millis(50), next.adopt(&order.output)).await;
    assert!(waited.is_err(), "ended by itself: {waited:?}");
    drop(next);
    assert!(living(pid));
    let last = world.local();
    let since = Instant::now();
    let (acted, ()) = tokio::join!(last.adopt(&order.output), async {
        fs::write(world.0.join("go"), "").expect("writable");
    });
    assert!(since.elapsed() < WITHIN, "{:?}", since.elapsed());
    let acted = acted.expect("it is held");
    assert_eq!((acted.outcome, acted.exit, acted.empty), (Outcome::NotDone, Some(3), Some(true)), "{acted:?}");
    assert_eq!(world.output(&order.output).await, ("first\nlast\n".to_owned(), true));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn an_end_that_nobody_heard_of_stays_on_record_until_it_is_noted_whatever_happens_to_the_keeper() {
    let world = World::new("record");
    let order = order(&world.0, "echo $$ > pid; while [ ! -e go ]; do sleep 0.01; done; echo done");
    let pid = begun(&world, &world.local(), &order).await;
    fs::write(world.0.join("go"), "").expect("writable");
    until("it has ended", || !living(pid));
    until("the keeper has ended, since nobody needs it", || world.keeper().is_none());
    let local = world.local();
    let acted = local.adopt(&order.output).await.expect("it is on record");
    assert_eq!((acted.outcome, acted.stdout.bytes), (Outcome::Done, 5), "{acted:?}");
    local.noted(&order.output);
    assert_eq!(local.adopt(&order.output).await, None);
    drop(local);
    until("the keeper has ended", || world.keeper().is_none());
    assert_eq!(world.local().adopt(&order.output).await, None, "and it is not remembered again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_keeper_that_is_asked_to_end_ends_what_it_holds_first() {
    let world = World::new("term");
    let order = order(&world.0, "trap 'echo cleaned; exit 7' TERM; echo $$ > pid; while :; do sleep 0.01; done");
    let pid = begun(&world, &world.local(), &order).await;
    tell(world.keeper().expect("it lives"), Signal::TERM);
    until("it has ended", || world.keeper().is_none());
    assert!(!living(pid));
    let acted = world.local().adopt(&order.output).await.expect("on record");
    assert_eq!((acted.outcome, acted.empty), (Outcome::NotDone, Some(true)), "{acted:?}");
    assert_eq!(world.output(&order.output).await.0, "cleaned\n");
}
