//! What the views of runs promise.

use seaworthy_model::{
    id::RunId,
    port::{Batch, StoreError},
    run::{Kind, Verified},
    view::{EndedRun, LiveRun, RunQuery, ViewChange},
};

use crate::world::{World, batch, ended, live, run};

async fn write(w: &World, views: Vec<ViewChange>) {
    w.journal.append(Batch { views, ..batch() }).await.unwrap();
}

async fn end(w: &World, rows: Vec<EndedRun>) {
    write(w, rows.into_iter().map(|row| ViewChange::RunEnded(Box::new(row))).collect()).await;
}

async fn ask(w: &World, query: RunQuery) -> Vec<RunId> {
    w.views.ended_runs(query).await.unwrap().into_iter().map(|row| row.run).collect()
}

fn all(limit: usize) -> RunQuery {
    RunQuery { limit, ..RunQuery::default() }
}

pub async fn a_live_run_has_one_row(w: &World) {
    let (first, second) = (live("a"), live("b"));
    write(w, vec![ViewChange::RunLive(second.clone()), ViewChange::RunLive(first.clone())]).await;
    let on = LiveRun { doing: "step dump, attempt 2".to_owned(), fence: 4, ..first };
    write(w, vec![ViewChange::RunLive(on.clone())]).await;
    assert_eq!(w.views.live_runs().await, Ok(vec![on, second]), "oldest first");
}

pub async fn a_run_that_ends_is_no_longer_live(w: &World) {
    let going = live("a");
    let row = EndedRun { run: going.run, ..ended("a", 9) };
    write(w, vec![ViewChange::RunLive(going)]).await;
    end(w, vec![row.clone()]).await;
    assert_eq!(w.views.live_runs().await, Ok(vec![]));
    assert_eq!(w.views.ended_run(row.run).await, Ok(Some(row)));
    assert_eq!(w.views.ended_run(run()).await, Ok(None));
    assert_eq!(w.views.ended_count().await, Ok(1));
}

pub async fn a_run_ends_once(w: &World) {
    let row = ended("a", 9);
    end(w, vec![row.clone()]).await;
    let other = EndedRun { verified: Verified::No, ..row.clone() };
    let twice = Batch { views: vec![ViewChange::RunEnded(Box::new(other.clone()))], ..batch() };
    assert!(matches!(w.journal.append(twice).await, Err(StoreError::Refused { .. })));
    assert_eq!(w.views.ended_run(row.run).await, Ok(Some(row)));
    let fresh = EndedRun { run: run(), ..other };
    let both = vec![ViewChange::RunEnded(Box::new(fresh.clone())); 2];
    assert!(w.journal.append(Batch { views: both, ..batch() }).await.is_err(), "nor twice in one batch");
    assert_eq!(w.views.ended_run(fresh.run).await, Ok(None));
}

pub async fn a_run_that_goes_on_is_live_again_and_ends_anew(w: &World) {
    let going = live("a");
    let resumed = || Batch { views: vec![ViewChange::RunResumed(going.clone())], ..batch() };
    assert!(matches!(w.journal.append(resumed()).await, Err(StoreError::Refused { .. })), "it has not ended");
    let first = EndedRun { run: going.run, verified: Verified::No, ..ended("a", 9) };
    end(w, vec![first.clone()]).await;
    w.journal.append(resumed()).await.unwrap();
    assert_eq!(w.views.live_runs().await, Ok(vec![going.clone()]));
    assert_eq!((w.views.ended_run(going.run).await, w.views.ended_count().await), (Ok(None), Ok(0)));
    let last = EndedRun { ended_at: seaworthy_model::time::At(12), ..first };
    end(w, vec![last.clone()]).await;
    assert_eq!(w.views.ended_run(going.run).await, Ok(Some(last)));
    assert_eq!(ask(w, all(10)).await, [going.run]);
}

pub async fn ended_runs_come_newest_first(w: &World) {
    let (a, b, c) = (ended("a", 30), ended("b", 10), ended("c", 30));
    let order = [b.run, a.run, c.run];
    end(w, vec![c, a, b]).await;
    assert_eq!(ask(w, all(10)).await, order, "by the order in which they ended, not by clock or id");
    assert_eq!(ask(w, all(2)).await, order[..2]);
    assert_eq!(ask(w, all(0)).await, []);
}

pub async fn a_clock_that_was_ahead_or_behind_hides_no_later_end(w: &World) {
    let ahead = ended("a", 1_000);
    let failed = EndedRun { verified: Verified::No, ..ended("a", 20) };
    let behind = EndedRun { verified: Verified::No, ..ended("a", -1_000) };
    let drills = [1_000, 20].map(|at| EndedRun { kind: Kind::Drill, ..ended("a", at) });
    let good = ended("a", 5);
    let rows = [ahead.clone(), failed, drills[0].clone(), behind.clone(), drills[1].clone(), good.clone()];
    for row in &rows {
        end(w, vec![row.clone()]).await;
    }
    let order: Vec<_> = rows.iter().rev().map(|row| row.run).collect();
    assert_eq!(ask(w, all(10)).await, order);
    let next = RunQuery { process: Some("a".to_owned()), before: Some(behind.run), ..all(2) };
    assert_eq!(ask(w, next).await, order[3..5], "a page goes on where the other ended");
    let view = w.views.process("a").await.unwrap();
    assert_eq!((view.last_verified.as_ref(), view.last_verified_drill.as_ref()), (Some(&good), drills.last()));
    assert_eq!(view.runs.last(), Some(&ahead));
    let mut places = Vec::new();
    for row in &rows {
        places.push(w.archive.ended_place(row.run).await.unwrap().unwrap());
    }
    assert!(places.is_sorted_by(|a, b| a < b), "{places:?}");
    assert_eq!(w.archive.ended_place(run()).await, Ok(None));
}

pub async fn ended_runs_are_chosen_by_process_kind_and_verdict(w: &World) {
    let mut rows = Vec::new();
    for (i, verified) in [Verified::Yes, Verified::No, Verified::Unknown, Verified::Unproven].into_iter().enumerate() {
        for kind in [Kind::Run, Kind::Drill] {
            for process in ["a", "b"] {
                rows.push(EndedRun { kind, verified, ..ended(process, i64::try_from(i).unwrap()) });
            }
        }
    }
    end(w, rows.clone()).await;
    for process in [None, Some("a"), Some("none")] {
        for kind in [None, Some(Kind::Drill)] {
            for verified in [None, Some(Verified::No), Some(Verified::Unproven)] {
                let mut wanted: Vec<_> = rows
                    .iter()
                    .filter(|row| process.is_none_or(|p| p == row.process))
                    .filter(|row| kind.is_none_or(|k| k == row.kind) && verified.is_none_or(|v| v == row.verified))
                    .collect();
                wanted.reverse();
                let query = RunQuery { process: process.map(str::to_owned), kind, verified, ..all(100) };
                assert_eq!(ask(w, query).await, wanted.iter().map(|row| row.run).collect::<Vec<_>>());
            }
        }
    }
}

pub async fn pages_follow_each_other_without_gap_or_repetition(w: &World) {
    // Several end in the same instant, and verdicts alternate.
    let rows: Vec<_> = (0..23)
        .map(|n| EndedRun { verified: if n % 3 == 0 { Verified::No } else { Verified::Yes }, ..ended("a", n / 4) })
        .collect();
    end(w, rows).await;
    let whole = ask(w, all(100)).await;
    assert_eq!(whole.len(), 23);
    let mut paged = Vec::new();
    loop {
        let page = ask(w, RunQuery { before: paged.last().copied(), ..all(5) }).await;
        if page.is_empty() {
            break;
        }
        paged.extend(page);
    }
    assert_eq!(paged, whole);
}

pub async fn a_page_before_an_unknown_run_is_empty(w: &World) {
    end(w, vec![ended("a", 1)]).await;
    assert_eq!(ask(w, RunQuery { before: Some(run()), ..all(5) }).await, []);
}

pub async fn a_process_shows_twenty_runs_and_twenty_drills(w: &World) {
    let runs: Vec<_> = (0..25).map(|n| ended("a", n)).collect();
    let drills: Vec<_> = (0..22).map(|n| EndedRun { kind: Kind::Drill, ..ended("a", n) }).collect();
    end(w, [runs.clone(), drills.clone(), vec![ended("b", 99)]].concat()).await;
    let view = w.views.process("a").await.unwrap();
    assert_eq!(view.runs, runs.iter().rev().take(20).cloned().collect::<Vec<_>>());
    assert_eq!(view.drills, drills.iter().rev().take(20).cloned().collect::<Vec<_>>());
    assert_eq!(view.last_verified.as_ref(), runs.last());
    assert_eq!(view.last_verified_drill.as_ref(), drills.last());
    assert_eq!(w.views.process("none").await, Ok(Default::default()));
}

pub async fn the_last_verified_run_is_found_behind_any_number_of_failures(w: &World) {
    let good = ended("a", 0);
    let bad = (1..=60).map(|n| EndedRun { verified: Verified::No, ..ended("a", n) });
    end(w, std::iter::once(good.clone()).chain(bad).collect()).await;
    let view = w.views.process("a").await.unwrap();
    assert_eq!(view.last_verified, Some(good));
    assert!(view.runs.iter().all(|row| row.verified == Verified::No));
    assert_eq!(view.last_verified_drill, None);
}

pub async fn measures_come_from_verified_runs_of_one_kind(w: &World) {
    let good: Vec<_> = (0..6).map(|n| ended("a", n)).collect();
    let unproven = EndedRun { verified: Verified::Unproven, ..ended("a", 10) };
    let drill = EndedRun { kind: Kind::Drill, ..ended("a", 11) };
    end(w, [good.clone(), vec![unproven, drill.clone(), ended("b", 12)]].concat()).await;
    let found = w.views.verified_measures("a", Kind::Run, 4).await.unwrap();
    assert_eq!(found, good.iter().rev().take(4).cloned().collect::<Vec<_>>(), "newest first, with their measures");
    assert_eq!(w.views.verified_measures("a", Kind::Drill, 4).await, Ok(vec![drill]));
}

pub async fn runs_are_found_by_the_start_of_their_id(w: &World) {
    let going = live("a");
    let rows: Vec<_> = (0..12).map(|n| ended("a", n)).collect();
    write(w, vec![ViewChange::RunLive(going.clone())]).await;
    end(w, rows.clone()).await;
    let digits = going.run.to_string().trim_start_matches("run_").to_owned();
    assert_eq!(w.views.runs_like(&digits).await, Ok(vec![going.run]), "live ones too");
    assert_eq!(w.views.runs_like(&digits[..12]).await, Ok(vec![going.run]), "the time is enough here");
    let shared = w.views.runs_like("0").await.unwrap();
    assert_eq!(shared.len(), 10, "ten at most");
    assert!(shared.is_sorted());
    for none in ["f", "dump", "%", &"0".repeat(33)] {
        assert_eq!(w.views.runs_like(none).await, Ok(vec![]), "{none}");
    }
}
