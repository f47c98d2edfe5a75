//! Changes that wait, as a person sees and confirms them.

mod fixture;

use fixture::{NOW, scene, serve, world::World};
use seaworthy_model::{
    change::{Held, Subject, digest},
    port::{Answer, Ask},
    time::Span,
};

fn held(name: &str) -> Held {
    let subject = Subject::Process(name.into());
    Held {
        digest: digest(&subject, "one", None, 0),
        subject,
        from: "one".into(),
        to: None,
        weaker: vec!["verify lost check `command 1`".into()],
        other: vec!["step `<dump>` added".into()],
        gives_rights: false,
        until: NOW + Span::seconds(3600),
    }
}

#[tokio::test]
async fn a_change_that_waits_is_shown_where_people_look_and_confirmed_with_a_reason() {
    let world = World::new();
    world.define(scene::process("backup-orders"));
    let server = serve(&world).await;
    assert!(server.get("/changes").await.body.contains("No change waits"));
    let held = held("backup-orders");
    world.change(|loaded| loaded.held.push(held.clone()));
    for page in ["/", "/processes/backup-orders", "/changes"] {
        let body = server.get(page).await.body;
        assert!(body.contains("verify lost check <code>command 1</code>"), "{page}:\n{body}");
        assert!(body.contains("/changes"), "{page} leads there");
    }
    let body = server.get("/changes").await.body;
    assert!(
        body.contains("step <code>&#60;dump&#62;</code>") || body.contains("step <code>&lt;dump&gt;</code>"),
        "{body}"
    );
    let api = server.get("/api/v1/changes").await.body;
    assert!(api.contains(&held.digest) && api.contains("\"subject\":\"process/backup-orders\""), "{api}");
    world.inner.lock().unwrap().answer = Some(Answer::Done { detail: "confirmed".into() });
    let path = format!("/changes/{}/confirm", held.digest);
    let answer = server.post_form(&path, "reason=it+was+agreed").await;
    assert_eq!((answer.status, answer.header("location")), (303, Some("/changes")), "{}", answer.body);
    let asked = world.inner.lock().unwrap().asked.clone();
    assert_eq!(asked, [Ask::Confirm { digest: held.digest, reason: "it was agreed".into() }]);
}

#[tokio::test]
async fn a_refused_confirmation_says_why() {
    let world = World::new();
    world.inner.lock().unwrap().answer = Some(Answer::Refused { reason: "no change waits under `aa`".into() });
    let server = serve(&world).await;
    let answer = server.post_form("/changes/aa/confirm", "reason=x").await;
    assert_eq!(answer.status, 409);
    assert!(answer.body.contains("no change waits under <code>aa</code>"), "{}", answer.body);
}

#[tokio::test]
async fn what_somebody_else_runs_as_well_is_to_be_done_away_with() {
    let world = World::new();
    world.define(scene::process("cron-dump"));
    let server = serve(&world).await;
    assert!(!server.get("/").await.body.contains("runs twice"));
    let by = "cron, /etc/cron.d/<dump> line 3".to_owned();
    world.inner.lock().expect("nobody panics while holding it").twice.push(("cron-dump".into(), by));
    let page = server.get("/").await.body;
    for part in
        ["runs twice", "/processes/cron-dump", "cron, /etc/cron.d/&lt;dump&gt; line 3", "<code>observed:</code>"]
    {
        assert!(page.contains(part), "`{part}` is not in {page}");
    }
    let api: serde_json::Value = serde_json::from_str(&server.get("/api/v1/overview").await.body).expect("JSON");
    assert_eq!(api["twice"][0]["process"], "cron-dump", "{api}");
}
