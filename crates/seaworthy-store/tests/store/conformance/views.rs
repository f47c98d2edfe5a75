//! What the other views promise.

use seaworthy_model::{
    event::{SignalKind, SkipReason},
    id::RunId,
    port::Batch,
    process::Occasion,
    time::At,
    view::{MessageRow, Raised, ScheduleRow, SignalRow, SkippedRow, ViewChange},
};

use crate::world::{World, batch, live, message, run, saying, signal};

async fn write(w: &World, views: Vec<ViewChange>) {
    w.journal.append(Batch { views, ..batch() }).await.unwrap();
}

pub async fn a_schedule_is_remembered_as_last_written(w: &World) {
    let row = |cursor, queued| ScheduleRow {
        process: "p".into(),
        digest: "d".into(),
        since: At(cursor),
        cursor: At(cursor),
        queued,
        pause: None,
    };
    assert_eq!(w.views.schedule("p").await, Ok(None));
    write(w, vec![ViewChange::Schedule(row(5, vec![]))]).await;
    write(w, vec![ViewChange::Schedule(row(9, vec![At(7), At(8)]))]).await;
    assert_eq!(w.views.schedule("p").await, Ok(Some(row(9, vec![At(7), At(8)]))));
    assert_eq!(w.views.schedule("q").await, Ok(None));
}

pub async fn skipped_occurrences_come_newest_first(w: &World) {
    let row = |process: &str, nominal, count| SkippedRow {
        process: process.to_owned(),
        nominal: At(nominal),
        reason: SkipReason::Overlap,
        detail: String::new(),
        count,
        trigger: String::new(),
    };
    let rows = [row("p", 10, 1), row("q", 20, 1), row("p", 30, 4)];
    write(w, rows.iter().cloned().map(ViewChange::Skipped).collect()).await;
    assert_eq!(w.views.skipped(None, 2).await, Ok(vec![rows[2].clone(), rows[1].clone()]));
    assert_eq!(w.views.skipped(Some("p"), 9).await, Ok(vec![rows[2].clone(), rows[0].clone()]));
    write(w, vec![ViewChange::Skipped(row("p", 30, 5))]).await;
    assert_eq!(w.views.skipped(Some("p"), 1).await, Ok(vec![row("p", 30, 5)]), "an occurrence has one row");
    assert_eq!(w.views.skipped(None, 9).await.unwrap().len(), 3);
}

fn raised(at: i64) -> SignalRow {
    SignalRow {
        signal: signal(),
        key: "missed/p".to_owned(),
        process: "p".to_owned(),
        kind: SignalKind::Missed,
        raised_at: At(at),
        cleared_at: None,
        nominal: Some(At(1)),
        run: None,
        expected: "a start".to_owned(),
        seen: "none".to_owned(),
    }
}

pub async fn a_signal_is_one_row_and_open_until_cleared(w: &World) {
    let (a, b) = (raised(10), raised(20));
    write(w, vec![ViewChange::Signal(a.clone()), ViewChange::Signal(b.clone())]).await;
    assert_eq!(w.views.signals(Raised::Open, 9).await, Ok(vec![b.clone(), a.clone()]));
    let cleared = SignalRow { cleared_at: Some(At(30)), ..b };
    write(w, vec![ViewChange::Signal(cleared.clone())]).await;
    assert_eq!(w.views.signals(Raised::Open, 9).await, Ok(vec![a.clone()]));
    assert_eq!(w.views.signals(Raised::All, 9).await, Ok(vec![cleared.clone(), a.clone()]));
    assert_eq!(w.views.signals(Raised::All, 1).await, Ok(vec![cleared.clone()]));
    let same = raised(20);
    write(w, vec![ViewChange::Signal(same.clone())]).await;
    let (later, earlier) = if same.signal > cleared.signal { (same, cleared) } else { (cleared, same) };
    assert_eq!(w.views.signals(later.before(), 9).await, Ok(vec![earlier.clone(), a.clone()]));
    assert_eq!(w.views.signals(later.before(), 1).await, Ok(vec![earlier.clone()]));
    assert_eq!(w.views.signals(earlier.before(), 9).await, Ok(vec![a.clone()]));
    assert_eq!(w.views.signals(a.before(), 9).await, Ok(vec![]));
}

fn due(run: Option<RunId>, at: i64) -> MessageRow {
    MessageRow {
        message: message(),
        route: "oncall".to_owned(),
        occasion: Occasion::Failed,
        process: "p".to_owned(),
        run,
        signal: None,
        due_at: At(at),
        ended_at: None,
        told: false,
        attempts: 0,
        detail: String::new(),
    }
}

pub async fn messages_come_newest_first_and_by_run(w: &World) {
    let of = run();
    let (a, b, c) = (due(Some(of), 10), due(None, 20), due(Some(of), 30));
    write(w, [&a, &b, &c].map(|row| ViewChange::Message(row.clone())).into()).await;
    assert_eq!(w.views.messages(None, 2).await, Ok(vec![c.clone(), b]));
    let told = MessageRow { told: true, ended_at: Some(At(40)), attempts: 2, ..a };
    write(w, vec![ViewChange::Message(told.clone())]).await;
    assert_eq!(w.views.messages(Some(of), 9).await, Ok(vec![c.clone(), told]));
    assert_eq!(w.views.messages(Some(of), 1).await, Ok(vec![c]));
    assert_eq!(w.views.messages(Some(run()), 9).await, Ok(vec![]));
}

pub async fn a_view_never_runs_ahead_of_its_entries(w: &World) {
    let writer = std::sync::Arc::clone(&w.journal);
    let writes = tokio::spawn(async move {
        for _ in 0..40 {
            let views = vec![ViewChange::RunLive(live("p"))];
            writer.append(Batch { views, ..saying("p", None, &["claimed"]) }).await.unwrap();
        }
    });
    let mut seen = 0;
    while seen < 40 {
        seen = w.views.live_runs().await.unwrap().len() as u64;
        let length = w.length().await;
        assert!(length >= seen, "{seen} rows, {length} entries");
    }
    writes.await.unwrap();
}
