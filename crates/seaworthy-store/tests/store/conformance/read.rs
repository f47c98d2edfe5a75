//! What reading promises: order, limits, waking.

use std::time::Duration;

use crate::world::{World, saying, stream};

const LIMIT: Duration = Duration::from_secs(60);

pub async fn a_stream_is_read_after_a_version(w: &World) {
    w.journal.append(saying("a", None, &["1", "2", "3"])).await.unwrap();
    w.journal.append(saying("b", None, &["4"])).await.unwrap();
    let rest = w.journal.stream(&stream("a"), 1).await.unwrap();
    assert_eq!(rest.iter().map(|e| e.header.version).collect::<Vec<_>>(), [2, 3]);
    assert_eq!(w.journal.stream(&stream("a"), 3).await, Ok(vec![]));
    assert_eq!(w.journal.stream(&stream("none"), 0).await, Ok(vec![]));
}

pub async fn entries_are_read_from_a_position_up_to_a_limit(w: &World) {
    w.journal.append(saying("a", None, &["0", "1", "2", "3"])).await.unwrap();
    let page = w.journal.from(1, 2).await.unwrap();
    assert_eq!(page.iter().map(|e| e.position).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(w.journal.from(4, 10).await, Ok(vec![]));
    assert_eq!(w.journal.from(0, 0).await, Ok(vec![]));
}

pub async fn no_read_returns_more_than_a_thousand_entries(w: &World) {
    w.journal.append(saying("a", None, &["x"; 1_001])).await.unwrap();
    assert_eq!(w.journal.from(0, usize::MAX).await.unwrap().len(), 1_000);
    assert_eq!(w.journal.from(1_000, usize::MAX).await.unwrap().len(), 1);
}

pub async fn past_answers_at_once_when_there_is_more(w: &World) {
    w.journal.append(saying("a", None, &["1", "2"])).await.unwrap();
    let length = tokio::time::timeout(LIMIT, w.journal.past(1)).await.expect("it waits for what is there");
    assert_eq!(length, Ok(2));
}

pub async fn past_wakes_with_the_next_commit(w: &World) {
    w.journal.append(saying("a", None, &["1"])).await.unwrap();
    let waiting = w.journal.past(1);
    tokio::pin!(waiting);
    let early = polled_once(waiting.as_mut()).await;
    assert!(early.is_none(), "nothing is past the end");
    w.journal.append(saying("a", Some(0), &["refused"])).await.unwrap_err();
    assert!(polled_once(waiting.as_mut()).await.is_none(), "a refused batch wakes nobody");
    w.journal.append(saying("a", None, &["2"])).await.unwrap();
    let length = tokio::time::timeout(LIMIT, waiting).await.expect("the commit wakes it");
    assert_eq!(length, Ok(2));
    assert_eq!(w.journal.from(1, 10).await.unwrap().len(), 1, "and what woke it can be read");
}

pub async fn what_past_announces_can_be_read(w: &World) {
    let reading = std::sync::Arc::clone(&w.journal);
    let reader = tokio::spawn(async move {
        for position in 0..30 {
            assert!(reading.past(position).await.unwrap() > position);
            assert_eq!(reading.from(position, 1).await.unwrap().len(), 1, "entry {position} was announced");
        }
    });
    for _ in 0..30 {
        w.journal.append(saying("a", None, &["x"])).await.unwrap();
    }
    tokio::time::timeout(LIMIT, reader).await.expect("every commit is announced").unwrap();
}

/// What the future says now.
async fn polled_once<F: Future + Unpin>(mut future: F) -> Option<F::Output> {
    std::future::poll_fn(|cx| {
        std::task::Poll::Ready(match std::pin::Pin::new(&mut future).poll(cx) {
            std::task::Poll::Ready(out) => Some(out),
            std::task::Poll::Pending => None,
        })
    })
    .await
}
