//! Ending a command and all that it started.

use super::*;

const ESCAPES: &str = "setsid sh -c 'echo $$ > \"$WORKDIR/pid\"; exec sleep 300' & \
    while [ ! -s \"$WORKDIR/pid\" ]; do :; done";

#[tokio::test]
async fn a_child_that_left_its_session_is_ended_and_proven_gone() {
    let world = World::new();
    let (acted, order) = world.act(ESCAPES).await;
    assert_eq!((acted.outcome, acted.empty), (Outcome::Done, Some(true)), "{acted:?}");
    assert_eq!(acted.held_by, "subreaper");
    let pid = pid_in(&order.workdir.join("pid")).expect("the child wrote its number");
    assert!(!living(pid));
    let note = world.text(&order.output, Std::Note).await;
    assert!(note.contains("left 1 process behind") && note.contains("sleep"), "{note}");
}

#[tokio::test]
async fn a_background_child_that_holds_the_output_open_does_not_hold_us_up() {
    let world = World::new();
    let begun = Instant::now();
    let (acted, order) = world.act("sleep 300 & echo started").await;
    assert!(begun.elapsed() < Duration::from_secs(30));
    assert_eq!((acted.outcome, acted.empty), (Outcome::Done, Some(true)), "{acted:?}");
    assert_eq!(world.text(&order.output, Std::Out).await, "started\n");
}

#[tokio::test]
async fn the_limit_ends_a_tree_that_ignores_term() {
    let world = World::new();
    let mut order = world
        .order("trap '' TERM; echo going; (trap '' TERM; echo $BASHPID; sleep 300) & echo $! > \"$WORKDIR/pid\"; sleep 300")
        .await;
    order.timeout = Some(Span::from_millis(400));
    let acted = world.local().act(&order).await;
    assert_eq!((acted.outcome, acted.empty), (Outcome::NotDone, Some(true)), "{acted:?}");
    let reason = acted.reason.unwrap_or_default();
    assert!(reason.starts_with("the limit of 400ms was reached and the command was stopped"), "{reason}");
    assert!(reason.contains("proven gone"), "{reason}");
    assert!(!living(pid_in(&order.workdir.join("pid")).expect("written")));
}

#[tokio::test]
async fn last_words_after_term_are_kept() {
    let world = World::new();
    let mut order = world.order("trap 'echo cleaned up; exit 9' TERM; echo going; while :; do sleep 0.01; done").await;
    order.timeout = Some(Span::from_millis(300));
    let local = world.local().with_grace(Span::seconds(10));
    let acted = local.act(&order).await;
    assert_eq!(acted.empty, Some(true), "{acted:?}");
    assert_eq!(world.text(&order.output, Std::Out).await, "going\ncleaned up\n");
}

#[tokio::test]
async fn dropping_the_future_only_stops_waiting_and_stopping_ends_the_tree() {
    let world = World::new();
    let order = world.order("setsid sleep 300 & echo $! > \"$WORKDIR/pid\"; sleep 300").await;
    let local = world.local();
    let place = order.workdir.join("pid");
    {
        let acting = local.act(&order);
        tokio::select! {
            acted = acting => panic!("ended by itself: {acted:?}"),
            () = until("the command runs", || pid_in(&place).is_some()) => {}
        }
    }
    let pid = pid_in(&place).expect("written");
    assert!(living(pid), "nobody waits, and it goes on");
    let (acted, ()) = tokio::join!(local.adopt(&order.output), local.stop(&order.output));
    let acted = acted.expect("it was held");
    assert_eq!((acted.outcome, acted.empty), (Outcome::NotDone, Some(true)), "{acted:?}");
    assert!(acted.reason.unwrap_or_default().starts_with("the command was stopped on request"));
    assert!(!living(pid));
    let again = local.adopt(&order.output).await.expect("it is on record until it is noted");
    assert_eq!(again.outcome, Outcome::NotDone);
    local.noted(&order.output);
    assert_eq!(local.adopt(&order.output).await, None, "then nothing is known of it");
    local.stop(&order.output).await;
}

#[tokio::test]
async fn a_gigantic_line_passes_in_bounded_space() {
    let world = World::new();
    let bytes: u64 = 256 * 1024 * 1024;
    let begun = Instant::now();
    let (acted, order) = world.act(&format!("head -c {bytes} /dev/zero | tr '\\0' x; echo done >&2")).await;
    assert!(begun.elapsed() < Duration::from_secs(50), "{:?}", begun.elapsed());
    assert_eq!((acted.outcome, acted.stdout.bytes), (Outcome::Done, bytes), "{acted:?}");
    let mut hash = Sha256::new();
    let block = vec![b'x'; 1024 * 1024];
    (0..256).for_each(|_| hash.update(&block));
    assert_eq!(acted.stdout.sha256, hex(&hash.finalize()));
    let folder = crate::output::run_folder(&world.data, order.output.run).join("output");
    let kept: u64 =
        fs::read_dir(folder).expect("a folder").flatten().map(|file| file.metadata().expect("there").len()).sum();
    assert!((10 * 1024 * 1024..13 * 1024 * 1024).contains(&kept), "{kept}");
    let chunks = world.chunks(&order.output).await;
    let shown: u64 = chunks.iter().filter(|chunk| chunk.stream == Std::Out).map(|chunk| chunk.bytes.len() as u64).sum();
    assert_eq!(shown + acted.stdout.dropped, bytes);
    let notes = world.text(&order.output, Std::Note).await;
    assert!(notes.contains("were left out here"), "{notes}");
}

#[tokio::test]
async fn what_ends_by_itself_at_once_is_not_cut_off() {
    let world = World::new();
    // The reader of the pipe outlives the command for a moment, as in bash's `cmd > >(tee log)`.
    let script = "mkfifo p; (cat p > \"$WORKDIR/log\"; echo whole >> \"$WORKDIR/log\") & echo line > p";
    let (acted, order) = world.act(script).await;
    assert_eq!((acted.outcome, acted.empty), (Outcome::Done, Some(true)), "{acted:?}");
    assert_eq!(fs::read_to_string(order.workdir.join("log")).expect("written"), "line\nwhole\n");
    assert_eq!(world.text(&order.output, Std::Note).await, "");
}

#[tokio::test]
async fn many_commands_at_once_are_told_apart() {
    let world = World::new();
    let local = world.local();
    let mut acting = tokio::task::JoinSet::new();
    for number in 0..20 {
        let mut order = world.order(&format!("setsid sleep 300 & echo {number}; exit {number}")).await;
        order.output.attempt = number;
        let local = local.clone();
        acting.spawn(async move { (number, local.act(&order).await, order.output) });
    }
    while let Some(ended) = acting.join_next().await {
        let (number, acted, key) = ended.expect("no panic");
        assert_eq!((acted.exit, acted.empty), (Some(number.cast_signed()), Some(true)), "{acted:?}");
        assert_eq!(world.text(&key, Std::Out).await, format!("{number}\n"));
    }
}
