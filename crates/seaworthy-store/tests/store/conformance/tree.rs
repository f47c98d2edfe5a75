//! What the tree and its checkpoints promise.

use seaworthy_model::{
    checkpoint::Checkpoint,
    entry::Stream,
    event::Event,
    port::{Batch, StoreError, Write},
    time::At,
    tree::{Hash, empty, root},
};

use crate::world::{World, assert_whole, batch, draft, entries, said, saying};

fn checkpoint(size: u64, root: Hash) -> Checkpoint {
    Checkpoint { origin: "seaworthy/test".to_owned(), size, root, at: At(1) }
}

/// Drops a body and says so.
async fn dropping(w: &World, position: u64) -> Batch {
    let entry = entries(&*w.journal).await.get(usize::try_from(position).unwrap()).map(|e| e.header.id);
    let event =
        Event::BodyDropped { entry: entry.unwrap_or_else(|| draft(said("")).id), position, why: "age".to_owned() };
    let told = Write { stream: Stream::site(), expected: None, drafts: vec![draft(event)] };
    Batch { writes: vec![told], drop_bodies: vec![position], ..batch() }
}

pub async fn the_empty_journal_has_the_empty_root(w: &World) {
    let tree = w.journal.frontier().await.unwrap();
    assert_eq!((tree.size, tree.root()), (0, empty()));
}

pub async fn the_root_is_the_root_over_all_leaves_at_every_size(w: &World) {
    for size in 1..=33 {
        w.journal.append(saying("a", None, &["x"])).await.unwrap();
        let leaves: Vec<Hash> = entries(&*w.journal).await.iter().map(|e| e.header.leaf()).collect();
        let tree = w.journal.frontier().await.unwrap();
        assert_eq!((tree.size, tree.root()), (size, root(&leaves)));
    }
}

pub async fn a_dropped_body_leaves_header_and_root(w: &World) {
    w.journal.append(saying("a", None, &["secret", "kept"])).await.unwrap();
    let before = entries(&*w.journal).await;
    let drop = dropping(w, 0).await;
    w.journal.append(drop.clone()).await.unwrap();
    let after = entries(&*w.journal).await;
    assert_eq!((&after[0].header, &after[0].body), (&before[0].header, &None));
    assert_eq!(after[0].event(), Ok(None));
    assert_eq!(after[1], before[1], "the neighbour is untouched");
    assert_whole(&*w.journal).await;
    w.journal.append(drop).await.expect("dropping it twice is no error");
}

pub async fn a_body_never_goes_without_a_tombstone(w: &World) {
    w.journal.append(saying("a", None, &["1", "2"])).await.unwrap();
    let silent = Batch { drop_bodies: vec![0], ..batch() };
    assert!(matches!(w.journal.append(silent).await, Err(StoreError::Refused { .. })));
    let other = Batch { drop_bodies: vec![0], ..dropping(w, 1).await };
    assert!(matches!(w.journal.append(other).await, Err(StoreError::Refused { .. })), "a tombstone for another");
    assert!(entries(&*w.journal).await.iter().all(|e| e.body.is_some()));
}

pub async fn a_body_that_is_not_there_yet_cannot_be_dropped(w: &World) {
    w.journal.append(saying("a", None, &["1"])).await.unwrap();
    for position in [1, 2, 99] {
        let early = dropping(w, position).await;
        assert!(matches!(w.journal.append(early).await, Err(StoreError::Refused { .. })), "{position}");
    }
    assert_eq!(w.length().await, 1);
}

pub async fn a_checkpoint_sealed_twice_stays_the_first(w: &World) {
    w.journal.append(saying("a", None, &["1"])).await.unwrap();
    let now = checkpoint(1, w.journal.frontier().await.unwrap().root());
    w.journal.seal(now.clone(), "first".to_owned()).await.unwrap();
    w.journal.seal(now, "second".to_owned()).await.unwrap();
    assert_eq!(w.journal.checkpoints(0, 10).await, Ok(vec!["first".to_owned()]));
    assert_eq!(w.length().await, 1, "a checkpoint is no entry");
}

pub async fn a_checkpoint_does_not_promise_what_is_not_there(w: &World) {
    w.journal.append(saying("a", None, &["1"])).await.unwrap();
    let root = w.journal.frontier().await.unwrap().root();
    for wrong in [checkpoint(2, root), checkpoint(1, empty())] {
        let refused = w.journal.seal(wrong, "no".to_owned()).await;
        assert!(matches!(refused, Err(StoreError::Refused { .. })), "{refused:?}");
    }
    assert_eq!(w.journal.checkpoints(0, 10).await, Ok(vec![]));
}

pub async fn checkpoints_are_read_from_a_size_up_to_a_limit(w: &World) {
    for size in 1..=4 {
        w.journal.append(saying("a", None, &["x"])).await.unwrap();
        let root = w.journal.frontier().await.unwrap().root();
        w.journal.seal(checkpoint(size, root), format!("c{size}")).await.unwrap();
    }
    assert_eq!(w.journal.checkpoints(2, 2).await, Ok(vec!["c2".to_owned(), "c3".to_owned()]));
    assert_eq!(w.journal.checkpoints(5, 2).await, Ok(vec![]));
}
