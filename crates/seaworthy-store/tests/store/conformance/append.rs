//! What `append` promises.

use seaworthy_model::{
    entry::{Stream, Via},
    event::Event,
    port::{Batch, StoreError, Write},
    run::{Judged, Verdict},
    time::At,
    view::ViewChange,
};

use crate::world::{
    World, actor, assert_whole, batch, draft, effect, ended, entries, live, said, saying, stream, write,
};

pub async fn one_append_writes_to_several_streams(w: &World) {
    let both = Batch { writes: vec![write("a", Some(0), &["1", "2"]), write("b", Some(0), &["3"])], ..batch() };
    assert_eq!(w.journal.append(both).await, Ok(3), "the position after the last entry");
    assert_eq!(w.journal.stream(&stream("a"), 0).await.unwrap().len(), 2);
    assert_eq!(w.journal.stream(&stream("b"), 0).await.unwrap()[0].position, 2);
    assert_whole(&*w.journal).await;
}

pub async fn an_entry_comes_back_as_it_was_written(w: &World) {
    let by = actor();
    let event = Event::NodeStopped { reason: "tea \u{2615}, 'quotes' and \"more\"".to_owned() };
    let written = draft(event.clone());
    let one = Write { stream: Stream::site(), expected: Some(0), drafts: vec![written.clone()] };
    w.journal.append(Batch { writes: vec![one], ..Batch::by(by, Via::Web) }).await.unwrap();
    let entry = entries(&*w.journal).await.remove(0);
    let header = &entry.header;
    assert_eq!((header.id, header.at, header.actor, header.via), (written.id, written.at, by, Via::Web));
    assert_eq!((header.node, header.epoch), (w.writer.node, w.writer.epoch));
    assert_eq!((header.kind.as_str(), header.v, header.version), ("node_stopped", 1, 1));
    assert_eq!(header.body_bytes as usize, entry.body.as_ref().unwrap().len());
    assert_eq!(entry.event(), Ok(Some(event)));
}

pub async fn a_conflict_leaves_nothing(w: &World) {
    w.journal.append(saying("b", Some(0), &["first"])).await.unwrap();
    let who = actor();
    let late = Batch {
        writes: vec![write("a", Some(0), &["1"]), write("b", Some(0), &["2"])],
        views: vec![ViewChange::RunLive(live("a")), ViewChange::RunEnded(Box::new(ended("a", 9)))],
        occurrences: vec![("a".to_owned(), At(5))],
        outbox_add: vec![effect("k", 1)],
        people: vec![(who, "salt".to_owned(), "name".to_owned())],
        ..batch()
    };
    let conflict = StoreError::Conflict { stream: "process/b".to_owned(), expected: 0, found: 1 };
    assert_eq!(w.journal.append(late.clone()).await, Err(conflict));
    assert_eq!(w.length().await, 1);
    assert_eq!(w.journal.stream(&stream("a"), 0).await, Ok(vec![]));
    assert_eq!(w.views.live_runs().await, Ok(vec![]));
    assert_eq!(w.views.ended_count().await, Ok(0));
    assert_eq!(w.journal.outbox_next().await, Ok(None));
    assert_eq!(w.journal.person(who).await, Ok(None));
    let again = Batch { writes: vec![write("b", Some(1), &["2"])], ..late };
    assert_eq!(w.journal.append(again).await, Ok(2), "its occurrence was not taken either");
    assert_whole(&*w.journal).await;
}

pub async fn a_stream_that_exists_is_not_new(w: &World) {
    w.journal.append(saying("a", Some(0), &["1"])).await.unwrap();
    for expected in [0, 2, 7] {
        let refused = w.journal.append(saying("a", Some(expected), &["2"])).await;
        assert_eq!(refused, Err(StoreError::Conflict { stream: "process/a".to_owned(), expected, found: 1 }));
    }
    assert_eq!(w.journal.append(saying("a", Some(1), &["2"])).await, Ok(2));
}

pub async fn without_an_expected_version_entries_follow_what_is_there(w: &World) {
    for n in 1..=3 {
        assert_eq!(w.journal.append(saying("a", None, &["x"])).await, Ok(n));
    }
    assert_eq!(w.journal.stream(&stream("a"), 0).await.unwrap().last().unwrap().header.version, 3);
}

pub async fn one_stream_twice_in_a_batch_goes_on(w: &World) {
    let twice = Batch { writes: vec![write("a", Some(0), &["1"]), write("a", Some(1), &["2"])], ..batch() };
    assert_eq!(w.journal.append(twice).await, Ok(2));
    let wrong = Batch { writes: vec![write("b", Some(0), &["1"]), write("b", Some(0), &["2"])], ..batch() };
    assert!(matches!(w.journal.append(wrong).await, Err(StoreError::Conflict { expected: 0, found: 1, .. })));
    assert_whole(&*w.journal).await;
}

pub async fn a_second_run_for_an_occurrence_leaves_nothing(w: &World) {
    let due = |words| Batch { occurrences: vec![("p".to_owned(), At(60))], ..saying("p", None, &[words]) };
    w.journal.append(due("first")).await.unwrap();
    let duplicate = StoreError::Duplicate { process: "p".to_owned(), nominal: At(60) };
    assert_eq!(w.journal.append(due("second")).await, Err(duplicate));
    assert_eq!(w.length().await, 1);
    let others = Batch { occurrences: vec![("p".to_owned(), At(61)), ("q".to_owned(), At(60))], ..batch() };
    assert_eq!(w.journal.append(others).await, Ok(1));
}

pub async fn an_occurrence_twice_in_one_batch_is_a_duplicate(w: &World) {
    let twice = Batch { occurrences: vec![("p".to_owned(), At(1)); 2], ..saying("p", None, &["x"]) };
    assert!(matches!(w.journal.append(twice).await, Err(StoreError::Duplicate { .. })));
    assert_eq!(w.length().await, 0);
}

pub async fn eight_writers_leave_no_gap(w: &World) {
    let tasks: Vec<_> = (0..8)
        .map(|writer| {
            let journal = std::sync::Arc::clone(&w.journal);
            tokio::spawn(async move {
                let own = format!("own{writer}");
                for turn in 0..25 {
                    let both = Batch {
                        writes: vec![write(&own, Some(turn), &["x"]), write("shared", None, &["y"])],
                        ..batch()
                    };
                    journal.append(both).await.unwrap();
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(assert_whole(&*w.journal).await.size, 8 * 25 * 2);
}

pub async fn more_appends_at_once_than_any_queue_holds_are_all_answered(w: &World) {
    let tasks: Vec<_> = (0..1_500)
        .map(|_| {
            let journal = std::sync::Arc::clone(&w.journal);
            tokio::spawn(async move { journal.append(saying("a", None, &["x"])).await })
        })
        .collect();
    let mut lengths = std::collections::BTreeSet::new();
    for task in tasks {
        lengths.insert(task.await.unwrap().unwrap());
    }
    assert!(lengths.into_iter().eq(1..=1_500), "each has a place of its own");
}

pub async fn an_append_given_up_is_there_or_not_but_whole(w: &World) {
    for _ in 0..20 {
        let both = Batch { writes: vec![write("a", None, &["1"]), write("b", None, &["2"])], ..batch() };
        // One poll hands it over; then nobody wants the answer.
        let mut append = w.journal.append(both);
        std::future::poll_fn(|cx| {
            drop(append.as_mut().poll(cx));
            std::task::Poll::Ready(())
        })
        .await;
    }
    w.journal.append(saying("end", Some(0), &["x"])).await.unwrap();
    assert_whole(&*w.journal).await;
    let halves = (w.journal.stream(&stream("a"), 0).await.unwrap(), w.journal.stream(&stream("b"), 0).await.unwrap());
    assert_eq!(halves.0.len(), halves.1.len());
}

pub async fn of_eight_who_want_one_version_one_gets_it(w: &World) {
    for version in 0..10 {
        let tasks: Vec<_> = (0..8)
            .map(|_| {
                let journal = std::sync::Arc::clone(&w.journal);
                tokio::spawn(async move { journal.append(saying("a", Some(version), &["mine"])).await })
            })
            .collect();
        let mut won = 0;
        for task in tasks {
            match task.await.unwrap() {
                Ok(length) => {
                    assert_eq!(length, version + 1);
                    won += 1;
                }
                Err(error) => assert!(matches!(error, StoreError::Conflict { .. }), "{error}"),
            }
        }
        assert_eq!(won, 1);
    }
    assert_whole(&*w.journal).await;
}

pub async fn a_refused_append_takes_none_of_its_neighbours_with_it(w: &World) {
    w.journal.append(saying("taken", Some(0), &["first"])).await.unwrap();
    let tasks: Vec<_> = (0..64)
        .map(|n| {
            let journal = std::sync::Arc::clone(&w.journal);
            let name = if n % 2 == 0 { format!("new-{n}") } else { "taken".to_owned() };
            (n, tokio::spawn(async move { journal.append(saying(&name, Some(0), &["mine"])).await }))
        })
        .collect();
    for (n, task) in tasks {
        let answer = task.await.unwrap();
        assert_eq!(answer.is_ok(), n % 2 == 0, "{n}: {answer:?}");
    }
    assert_eq!(w.length().await, 1 + 32);
    assert_eq!(w.journal.stream(&stream("taken"), 0).await.unwrap().len(), 1);
    assert_whole(&*w.journal).await;
}

pub async fn a_yes_on_the_word_of_the_actor_is_refused(w: &World) {
    let judged = Judged {
        check: "artifact dump".to_owned(),
        round: 0,
        verdict: Verdict::Yes,
        expected: String::new(),
        observed: String::new(),
        observation: None,
    };
    let drafts = vec![draft(said("before")), draft(Event::Checked { judged })];
    let lie = Batch { writes: vec![Write { stream: stream("a"), expected: None, drafts }], ..batch() };
    let Err(StoreError::Refused { rule }) = w.journal.append(lie).await else { panic!("it was accepted") };
    assert!(rule.contains("artifact dump"), "{rule}");
    assert_eq!(w.length().await, 0);
}

pub async fn what_cannot_be_stored_is_refused(w: &World) {
    let stream = Stream::of("signal", "two\nlines");
    let odd = Batch { writes: vec![Write { stream, expected: None, drafts: vec![draft(said("x"))] }], ..batch() };
    assert!(matches!(w.journal.append(odd).await, Err(StoreError::Refused { .. })), "a name of two lines");
    let drafts = vec![draft(said("x")); 10_001];
    let many = Batch { writes: vec![Write { stream: Stream::site(), expected: None, drafts }], ..batch() };
    assert!(matches!(w.journal.append(many).await, Err(StoreError::Refused { .. })), "too many entries");
    let long = saying("a", None, &[&"x".repeat(4 << 20)]);
    assert!(matches!(w.journal.append(long).await, Err(StoreError::Refused { .. })), "too large a body");
    let mut row = ended("a", 1);
    row.measures.insert("size".to_owned(), f64::NAN);
    let none = Batch { views: vec![ViewChange::RunEnded(Box::new(row))], ..batch() };
    assert!(matches!(w.journal.append(none).await, Err(StoreError::Refused { .. })), "a number that is none");
    assert_eq!(w.length().await, 0);
}

pub async fn a_batch_without_entries_changes_only_rows(w: &World) {
    w.journal.append(saying("a", None, &["1"])).await.unwrap();
    let before = w.journal.frontier().await.unwrap();
    let rows = Batch { outbox_add: vec![effect("k", 1)], ..batch() };
    assert_eq!(w.journal.append(rows).await, Ok(1));
    assert_eq!(w.journal.append(batch()).await, Ok(1), "an empty batch is nothing");
    assert_eq!(w.journal.frontier().await.unwrap(), before);
}
