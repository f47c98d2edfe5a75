//! Serves the pages over a made-up night, for looking at them: `cargo run -p seaworthy-web --example fixtures [PORT]`.

#[path = "../tests/fixture/mod.rs"]
mod fixture;

use std::sync::Arc;

use seaworthy_model::port::{Clock, Std};

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let port = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(0u16);
    let empty = std::env::args().nth(2).is_some_and(|word| word == "empty");
    let world = if empty { fixture::world::World::new() } else { fixture::scene::night() };
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
    println!("http://{}/", listener.local_addr()?);
    if !empty {
        tokio::spawn(chatter(world.clone()));
    }
    axum::serve(listener, seaworthy_web::router(fixture::web(&world, ""))).await
}

/// Keeps the live run talking, and ends a small run now and then.
async fn chatter(world: Arc<fixture::world::World>) {
    let key = world.inner.lock().expect("nobody panics while holding it").outputs.keys().last().cloned();
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
