//! What retention is promised: runs from the oldest on, bodies that go with one tombstone for many, and room.

use seaworthy_model::{
    entry::Stream,
    event::Event,
    id::RunId,
    port::{Batch, StoreError, Write},
    run::{Kind, Verified},
    view::{EndedRun, ViewChange},
};

use crate::world::{World, assert_whole, batch, draft, ended, entries, run, saying};

async fn end(w: &World, row: EndedRun) -> RunId {
    let id = row.run;
    w.journal.append(Batch { views: vec![ViewChange::RunEnded(Box::new(row))], ..batch() }).await.unwrap();
    id
}

pub async fn what_came_into_force_is_read_whatever_stands_between(w: &World) {
    let loaded = |text: &str| Event::ProcessLoaded {
        digest: text.to_owned(),
        definition: text.to_owned(),
        file: "ops/a.yaml".to_owned(),
    };
    let removed = Event::ProcessRemoved { file: "ops/a.yaml".to_owned() };
    for (n, event) in [loaded("one"), removed.clone(), loaded("two")].into_iter().enumerate() {
        w.journal.append(saying("other", None, &["between"])).await.unwrap();
        let name = Stream::process(if n == 2 { "b" } else { "a" });
        let one = Write { stream: name, expected: None, drafts: vec![draft(event)] };
        w.journal.append(Batch { writes: vec![one], ..batch() }).await.unwrap();
    }
    let found = w.archive.definitions().await.unwrap();
    let said: Vec<Event> = found.iter().filter_map(|entry| entry.event().unwrap()).collect();
    assert_eq!(said, [loaded("one"), removed, loaded("two")]);
    assert_eq!(found[2].header.stream, Stream::process("b"));
}

pub async fn ended_runs_are_read_from_the_oldest_on(w: &World) {
    let first = end(w, EndedRun { verified: Verified::No, ..ended("a", 10) }).await;
    let second = end(w, EndedRun { kind: Kind::Drill, ..ended("a", 30) }).await;
    let third = end(w, ended("a", 20)).await;
    end(w, ended("b", 15)).await;
    let place = async |run| w.archive.ended_place(run).await.unwrap();
    let after = async |after: u64, limit| {
        let rows = w.archive.ended_after("a", after, limit).await.unwrap();
        let mut runs = Vec::new();
        for (own, row) in rows {
            assert_eq!(place(row.run).await, Some(own), "each has its own place");
            runs.push(row.run);
        }
        runs
    };
    assert_eq!(after(0, 9).await, [first, second, third]);
    assert_eq!(after(0, 2).await, [first, second]);
    let (second, last) = (place(second).await.unwrap(), place(third).await.unwrap());
    assert_eq!(after(second, 9).await, [third]);
    assert_eq!(after(last, 9).await, []);
    assert_eq!(after(u64::MAX, 9).await, []);
}

pub async fn bodies_go_with_one_tombstone_for_all_of_them(w: &World) {
    w.journal.append(saying("a", None, &["0", "1", "2", "3", "4"])).await.unwrap();
    let through = run();
    let tombstone = |ranges: Vec<(u64, u64)>, drop_bodies: Vec<u64>| {
        let (process, what, left) = ("a".to_owned(), "bodies".to_owned(), vec![]);
        let event = Event::BodiesDropped { process, what, through, left, ranges };
        let write = Write { stream: Stream::of("retention", "a"), expected: None, drafts: vec![draft(event)] };
        Batch { writes: vec![write], drop_bodies, ..batch() }
    };
    let silent = w.journal.append(tombstone(vec![(0, 1), (3, 3)], vec![0, 1, 2])).await;
    assert!(matches!(silent, Err(StoreError::Refused { .. })), "2 is not named: {silent:?}");
    w.journal.append(tombstone(vec![(0, 1), (3, 3)], vec![0, 1, 3])).await.unwrap();
    let bodies: Vec<bool> = entries(&*w.journal).await.iter().map(|entry| entry.body.is_some()).collect();
    assert_eq!(bodies, [false, false, true, false, true, true]);
    assert_whole(&*w.journal).await;
}

pub async fn room_is_given_back_and_everything_is_still_there(w: &World) {
    w.journal.append(saying("a", None, &["1", "2"])).await.unwrap();
    let room = w.archive.give_back().await.unwrap();
    assert!(room.free <= room.bytes);
    assert_eq!(entries(&*w.journal).await.len(), 2);
}
