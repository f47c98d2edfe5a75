//! Serves the pages over a made-up night, for looking at them: `cargo run -p seaworthy-web --example fixtures [PORT] [empty|many]`.

#[path = "../tests/fixture/mod.rs"]
mod fixture;

use std::sync::Arc;

use seaworthy_model::port::{Clock, Std};

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let port = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(0u16);
    let scene = std::env::args().nth(2).unwrap_or_default();
    let world = match scene.as_str() {
        "empty" => fixture::world::World::new(),
        "many" => fixture::scene::fleet(2_000),
        _ => fixture::scene::night(),
    };
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
    println!("http://{}/", listener.local_addr()?);
    if scene.is_empty() {
        tokio::spawn(chatter(world.clone()));
    }
    axum::serve(listener, seaworthy_web::router(fixture::web(&world, ""))).await
}

/// Keeps the live run talking, and ends a small run now and then.
async fn chatter(world: Arc<fixture::world::World>) {
    let key = world
        .inner
        .lock()
        .expect("nobody panics while holding it")
        .outputs
        .iter()
        .find(|(_, (_, ended))| !ended)
        .map(|(key, _)| key.clone());
    let Some(key) = key else { return };
    for page in 31..100_000u64 {
        tokio::time::sleep(std::time::Duration::from_secs(2)).await;
        world.say(&key, Std::Out, world.now(), format!("read accounts page {page} of 212\n").as_bytes());
        if page % 5 == 0 {
            fixture::scene::good(
                &world,
                "prune-sessions",
                60 - i64::try_from(world.elapsed().0 / 1_000_000_000).unwrap_or(0),
                2,
            );
        }
    }
}
