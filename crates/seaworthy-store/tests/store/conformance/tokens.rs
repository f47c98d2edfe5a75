//! Tokens are found by their hash alone, and a request that comes again is known.

use seaworthy_model::{
    access::Action,
    id::TokenId,
    port::{ANSWER_AGE_MAX, ANSWERS_MAX, Batch, Begun},
    time::{At, Span},
    token::TokenRow,
    view::ViewChange,
    who::Scope,
};

use crate::world::{World, actor, batch};

fn row(n: u8) -> TokenRow {
    TokenRow {
        token: TokenId::new(At(i64::from(n)), &[n; 10]),
        digest: format!("digest-{n}"),
        owner: actor(),
        label: "ci".into(),
        robot: true,
        scope: Scope { may: [Action::Run].into_iter().collect(), services: vec!["shop".into()] },
        made_at: At(i64::from(n)),
        expires: At(1_000),
        revoked_at: None,
        used_at: None,
    }
}

async fn keep(w: &World, row: &TokenRow) {
    w.journal.append(Batch { views: vec![ViewChange::Token(row.clone())], ..batch() }).await.unwrap();
}

pub async fn a_token_is_found_by_its_hash_and_by_its_id(w: &World) {
    let (one, two) = (row(1), row(2));
    for row in [&one, &two] {
        keep(w, row).await;
    }
    assert_eq!(w.tokens.token_by("digest-1").await, Ok(Some(one.clone())));
    assert_eq!(w.tokens.token(two.token).await, Ok(Some(two.clone())));
    assert_eq!(w.tokens.token_by("digest-3").await, Ok(None));
    assert_eq!(w.tokens.tokens(None, 9).await, Ok(vec![two.clone(), one.clone()]));
    assert_eq!(w.tokens.tokens(None, 1).await, Ok(vec![two.clone()]));
    assert_eq!(w.tokens.tokens(Some(one.owner), 9).await, Ok(vec![one]));
}

pub async fn a_revoked_token_stays_known_with_its_last_use(w: &World) {
    let one = row(1);
    keep(w, &one).await;
    w.tokens.token_used(one.token, At(50)).await.unwrap();
    w.tokens.token_used(one.token, At(40)).await.unwrap();
    keep(w, &TokenRow { revoked_at: Some(At(60)), ..one.clone() }).await;
    let known = w.tokens.token_by("digest-1").await.unwrap().unwrap();
    assert_eq!((known.revoked_at, known.used_at), (Some(At(60)), Some(At(50))));
    w.tokens.token_used(TokenId::new(At(9), &[9; 10]), At(1)).await.expect("nobody's use is no error");
}

pub async fn a_request_is_begun_once_and_answered_as_before(w: &World) {
    assert_eq!(w.tokens.begin("k", "request", At(1)).await, Ok(Begun::New));
    assert_eq!(w.tokens.begin("k", "request", At(2)).await, Ok(Begun::Open), "nobody knows yet how it ended");
    assert_eq!(w.tokens.begin("k", "another", At(2)).await, Ok(Begun::Other));
    w.tokens.answer("k", 202, "{\"run_id\":1}").await.unwrap();
    let said = Begun::Answered { status: 202, body: "{\"run_id\":1}".into() };
    assert_eq!(w.tokens.begin("k", "request", At(3)).await, Ok(said));
    assert_eq!(w.tokens.begin("other", "request", At(3)).await, Ok(Begun::New));
    let later = At(1) + ANSWER_AGE_MAX + Span(1);
    assert_eq!(w.tokens.begin("k", "another", later).await, Ok(Begun::New), "after a day it is forgotten");
}

pub async fn of_eight_who_begin_one_request_one_does_it(w: &World) {
    let asked = (0..8).map(|_| {
        let tokens = w.tokens.clone();
        tokio::spawn(async move { tokens.begin("k", "request", At(1)).await.unwrap() })
    });
    let asked: Vec<_> = asked.collect();
    let mut new = 0;
    for one in asked {
        new += usize::from(one.await.unwrap() == Begun::New);
    }
    assert_eq!(new, 1);
}

pub async fn remembered_answers_have_a_bound(w: &World) {
    let most = i64::try_from(ANSWERS_MAX).unwrap();
    // All at once: the writer takes hundreds into one commit.
    let asked: Vec<_> = (0..most + 3)
        .map(|n| {
            let tokens = w.tokens.clone();
            tokio::spawn(async move { tokens.begin(&format!("k{n}"), "request", At(n)).await.unwrap() })
        })
        .collect();
    for one in asked {
        one.await.unwrap();
    }
    assert_eq!(w.tokens.begin("last", "request", At(most + 5)).await, Ok(Begun::New));
    assert_eq!(w.tokens.begin("k1", "request", At(most + 6)).await, Ok(Begun::New), "the oldest went");
    assert_eq!(w.tokens.begin("last", "request", At(most + 7)).await, Ok(Begun::Open), "the newest stayed");
}
