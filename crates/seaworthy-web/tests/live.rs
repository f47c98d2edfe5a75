//! Changes as a page's script gets them: real event streams, resumed, bounded.

mod fixture;

use fixture::{NOW, scene, serve, story::Teller, world::World};
use seaworthy_model::{
    port::Std,
    run::{Executed, Kind, Verified},
};

#[tokio::test]
async fn a_page_that_is_up_to_date_gets_beats_and_then_only_the_row_that_changed() {
    let world = scene::night();
    let server = serve(&world).await;
    let position = world.inner.lock().unwrap().entries.len();
    let told = world.clone();
    let path = format!("/live?page=overview&from={position}");
    let begin = server.events(&path, &[], |text| {
        if text.contains("event: beat") && !text.contains("event: fragment") {
            // The row stays first among the verified, so its place does not change.
            let known = told.inner.lock().unwrap().entries.len();
            if known == position {
                scene::good(&told, "prune-sessions", 0, 2);
            }
        }
        text.contains("event: fragment") && text.contains("\"target\":\"row-prune-sessions\"")
    });
    let text = begin.await;
    assert!(!text.contains("\"target\":\"operations\""), "the whole table was sent: {text}");
    assert!(!text.contains("row-backup-mail"), "a row that did not change was sent");
}

#[tokio::test]
async fn a_client_that_comes_back_gets_what_it_missed_and_nothing_otherwise() {
    let world = scene::night();
    let server = serve(&world).await;
    let now = world.inner.lock().unwrap().entries.len().to_string();
    let text =
        server.events("/live?page=overview&from=0", &[("Last-Event-ID", &now)], |t| t.contains("event: beat")).await;
    assert!(!text.contains("event: fragment"), "{text}");
    let stale = [("Last-Event-ID", "3")];
    let text = server.events(&format!("/live?page=overview&from={now}"), &stale, |t| t.contains("event: beat")).await;
    for target in ["headline", "todo", "operations"] {
        assert!(text.contains(&format!("\"target\":\"{target}\"")), "{target} is missing");
    }
    assert!(text.contains(&format!("id: {now}")), "the position is not the id of the events");
}

#[tokio::test]
async fn the_page_of_a_run_follows_it_to_its_verdict() {
    let world = World::new();
    world.define(scene::process("p"));
    let mut teller = Teller::begin(&world, "p", Kind::Run, NOW);
    teller.start("dump", 1);
    teller.goes_on("step dump, attempt 1", false);
    let run = teller.run;
    let server = serve(&world).await;
    let teller = std::sync::Mutex::new(Some(teller));
    let path = format!("/live?page=run/{run}&from=3");
    let text = server.events(&path, &[], |text| {
        let begun = text.contains("event: beat");
        if let Some(mut teller) = begun.then(|| teller.lock().unwrap().take()).flatten() {
            teller.end_step("dump", 1, 2, 0, "done\n", "");
            teller.end(Executed::Ok, Verified::Unproven, "");
        }
        text.contains("Executed, unproven")
    });
    assert!(text.await.contains("\"target\":\"verdict\""));
}

#[tokio::test]
async fn a_log_is_poured_from_the_cursor_on_and_says_when_it_ends() {
    let world = World::new();
    world.define(scene::process("p"));
    let mut teller = Teller::begin(&world, "p", Kind::Run, NOW);
    teller.start("dump", 1);
    let key = teller.key("dump", 1);
    for line in ["first\n", "second\n", "<b>third</b>\n"] {
        world.say(&key, Std::Out, NOW, line.as_bytes());
    }
    world.hush(&key);
    let server = serve(&world).await;
    let path = format!("/runs/{}/live/dump/1", teller.run);
    let all = server.events(&path, &[], |text| text.contains("event: end")).await;
    assert!(all.contains("first") && all.contains("<b>third</b>\\n\""), "{all}");
    let rest = server.events(&path, &[("Last-Event-ID", "2")], |text| text.contains("event: end")).await;
    assert!(!rest.contains("second") && rest.contains("third"), "{rest}");
    assert_eq!(server.get(&format!("/runs/{}/live/nope/1", teller.run)).await.status, 404);
}

#[tokio::test]
async fn one_page_too_many_is_refused_and_not_queued() {
    let world = scene::night();
    let server = serve(&world).await;
    let mut open = Vec::new();
    for _ in 0..128 {
        let mut socket = server.send("GET", "/live?page=help&from=0", &[], "keep-alive").await;
        drop(socket_answer(&mut socket).await);
        let mut socket = server.send("GET", "/live?page=overview&from=0", &[], "keep-alive").await;
        assert!(socket_answer(&mut socket).await.starts_with("HTTP/1.1 200"));
        open.push(socket);
    }
    assert_eq!(server.get("/live?page=overview").await.status, 503);
    assert_eq!(server.get("/").await.status, 200);
}

/// First piece of an answer.
async fn socket_answer(socket: &mut tokio::net::TcpStream) -> String {
    use tokio::io::AsyncReadExt;
    let mut bytes = [0u8; 256];
    let n = socket.read(&mut bytes).await.expect("the answer begins");
    String::from_utf8_lossy(&bytes[..n]).into_owned()
}
