//! A pause on the pages of all processes and in their JSON: reason and end, and nothing once it is over.

mod fixture;

use fixture::{NOW, scene, serve, world::World};
use seaworthy_model::{schedule::Pause, time::Span};
use serde_json::Value;

#[tokio::test]
async fn the_overview_the_table_and_the_json_say_what_is_paused_until_when_and_why() {
    let world = World::new();
    for name in ["backup-orders", "backup-mail"] {
        world.define(scene::process(name));
        scene::good(&world, name, 31_000, 90);
    }
    let server = serve(&world).await;
    let json = async |path: &str| -> Value { serde_json::from_str(&server.get(path).await.body).expect("JSON") };
    // Read once before, so that what was remembered has to be forgotten.
    assert!(!server.get("/").await.body.contains("paused until"));
    assert_eq!(json("/api/v1/overview").await["paused"], Value::Array(vec![]));
    scene::paused(&world, "backup-mail", "disk <swap> on `db1`");
    let page = server.get("/").await.body;
    let row = page.split("<tr id=").skip(1).find(|row| row.contains("backup-mail")).expect("it has a row");
    for part in ["paused until <time datetime=\"2026-03-02T12:41:00Z\"", "disk &lt;swap&gt; on <code>db1</code>"] {
        assert!(row.contains(part), "`{part}` is not in {row}");
    }
    assert_eq!(page.matches("paused until").count(), 1, "the other one goes on");
    let table = server.get("/processes").await.body;
    assert!(table.contains("paused until <time") && table.contains("paused: disk &#60;swap&#62; on `db1`"), "{table}");
    let overview = json("/api/v1/overview").await;
    let said = &overview["paused"][0];
    assert_eq!((&said["process"], &said["until"]), (&"backup-mail".into(), &"2026-03-02T12:41:00Z".into()), "{said}");
    assert_eq!((&said["reason"], &said["extended"]), (&"disk <swap> on `db1`".into(), &0.into()), "{said}");
    let one = json("/api/v1/processes/backup-mail").await;
    assert_eq!(one["paused"]["since"], "2026-03-02T08:41:00Z", "{one}");
    assert_eq!(json("/api/v1/processes/backup-orders").await["paused"], Value::Null);
    let over = Pause { since: NOW - Span::seconds(9_000), until: NOW, reason: "over".into(), extended: 1 };
    world.pause("backup-mail", over);
    assert!(!server.get("/").await.body.contains("paused until"), "it ends by itself");
    assert_eq!(json("/api/v1/processes/backup-mail").await["paused"], Value::Null);
}
