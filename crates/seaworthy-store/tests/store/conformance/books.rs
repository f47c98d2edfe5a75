//! What the outbox and the personal table promise.

use seaworthy_model::{
    port::{Batch, StoreError},
    time::At,
    view::OutboxRow,
};

use crate::world::{World, actor, batch, effect, entries};

async fn due(w: &World, now: i64) -> Vec<String> {
    w.journal.outbox(At(now), 100).await.unwrap().into_iter().map(|row| row.key).collect()
}

pub async fn effects_are_due_oldest_first(w: &World) {
    let rows = vec![effect("late", 30), effect("b", 10), effect("a", 10), effect("mid", 20)];
    w.journal.append(Batch { outbox_add: rows, ..batch() }).await.unwrap();
    assert_eq!(due(w, 9).await, [""; 0]);
    assert_eq!(due(w, 20).await, ["a", "b", "mid"]);
    assert_eq!(w.journal.outbox(At(20), 1).await.unwrap().len(), 1);
    assert_eq!(w.journal.outbox_next().await, Ok(Some(At(10))));
    assert_eq!(w.journal.outbox(At(20), 1).await, Ok(vec![effect("a", 10)]), "with all its fields");
}

pub async fn an_effect_tried_comes_back_later(w: &World) {
    w.journal.append(Batch { outbox_add: vec![effect("k", 10)], ..batch() }).await.unwrap();
    w.journal.append(Batch { outbox_later: vec![("k".to_owned(), 3, At(50))], ..batch() }).await.unwrap();
    assert_eq!(due(w, 49).await, [""; 0]);
    assert_eq!(w.journal.outbox(At(50), 1).await, Ok(vec![OutboxRow { attempts: 3, ..effect("k", 50) }]));
    let nobody = Batch { outbox_later: vec![("none".to_owned(), 1, At(1))], ..batch() };
    w.journal.append(nobody).await.expect("a row that is gone stays gone");
    assert_eq!(due(w, 100).await, ["k"]);
}

pub async fn of_several_who_claim_an_effect_one_gets_it(w: &World) {
    w.journal.append(Batch { outbox_add: vec![effect("k", 10), effect("l", 10)], ..batch() }).await.unwrap();
    let claim = |key: &str, attempts| Batch { outbox_claim: vec![(key.to_owned(), attempts, At(50))], ..batch() };
    w.journal.append(claim("k", 1)).await.unwrap();
    assert_eq!(due(w, 49).await, ["l"], "it is not due while somebody has it");
    let both =
        Batch { outbox_claim: [claim("l", 1), claim("k", 1)].map(|b| b.outbox_claim[0].clone()).into(), ..batch() };
    let late = w.journal.append(both).await;
    assert!(matches!(late, Err(StoreError::Refused { .. })), "{late:?}");
    assert_eq!(due(w, 49).await, ["l"], "all of a batch or nothing");
    assert_eq!(w.journal.outbox(At(50), 9).await.unwrap()[1], OutboxRow { attempts: 1, ..effect("k", 50) });
    let nobody = w.journal.append(claim("none", 1)).await;
    assert!(matches!(nobody, Err(StoreError::Refused { .. })), "{nobody:?}");
    w.journal.append(claim("k", 2)).await.expect("whoever has read that it was tried may try again");
}

pub async fn an_effect_done_is_gone(w: &World) {
    w.journal.append(Batch { outbox_add: vec![effect("k", 10), effect("l", 11)], ..batch() }).await.unwrap();
    let done = Batch { outbox_done: vec!["k".to_owned()], ..batch() };
    w.journal.append(done.clone()).await.unwrap();
    assert_eq!(due(w, 100).await, ["l"]);
    w.journal.append(done).await.expect("done twice is done");
    assert_eq!(w.journal.outbox_next().await, Ok(Some(At(11))));
}

pub async fn an_effect_added_twice_stays_the_first(w: &World) {
    w.journal.append(Batch { outbox_add: vec![effect("k", 10)], ..batch() }).await.unwrap();
    w.journal.append(Batch { outbox_add: vec![effect("k", 99)], ..batch() }).await.unwrap();
    assert_eq!(w.journal.outbox(At(100), 9).await, Ok(vec![effect("k", 10)]));
}

pub async fn a_name_is_kept_until_it_is_erased(w: &World) {
    let (who, other) = (actor(), actor());
    let named = |name: &str| Batch {
        people: [who, other].map(|actor| (actor, "5a17".to_owned(), name.to_owned())).into(),
        ..batch()
    };
    w.journal.append(named("os:first@host")).await.unwrap();
    w.journal.append(named("os:second@host")).await.unwrap();
    let kept = Some(("os:second@host".to_owned(), "5a17".to_owned()));
    assert_eq!(w.journal.person(who).await, Ok(kept.clone()), "name and salt, as last written");
    w.journal.erase_person(who).await.unwrap();
    assert_eq!(w.journal.person(who).await, Ok(None));
    assert_eq!(w.journal.person(other).await, Ok(kept));
    assert!(entries(&*w.journal).await.is_empty(), "the personal table is beside the journal");
}

pub async fn erasing_nobody_is_no_error(w: &World) {
    w.journal.erase_person(actor()).await.unwrap();
}
