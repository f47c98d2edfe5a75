//! Who talks to a keeper, and how.

use crate::world::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_keeper_of_another_protocol_is_left_alone_with_its_commands_and_they_are_adopted() {
    let world = World::new("protocol");
    let order = order(&world.0, "echo $$ > pid; while [ ! -e go ]; do sleep 0.01; done; echo old");
    // The older program's keeper is there already when a newer one takes over.
    let older = local(&world.0, 0);
    let mut older_keeper = Command::new(launch(&world.0, 0).program)
        .args(launch(&world.0, 0).words)
        .stdout(Stdio::null())
        .spawn()
        .expect("it starts");
    until("it says where it is", || keeper_of(&world.0, 0).is_some());
    drop(older);
    // Orders of its own protocol come from its own server only, so it is given one by hand here.
    let mut hand = std::os::unix::net::UnixStream::connect(launch(&world.0, 0).socket(0)).expect("it listens");
    say(&mut hand, &serde_json::json!({ "ask": "hello", "v": 0 }));
    say(
        &mut hand,
        &serde_json::json!({
            "ask": "start", "attempt": format!("{}.dump.1", run()), "folder": world.0, "secrets": [], "masked": [],
            "words": ["sh", "-c", "echo $$ > pid; while [ ! -e go ]; do sleep 0.01; done; echo old"],
            "env": [["PATH", "/usr/bin:/bin"]], "timeout": null, "grace": 300_000_000,
        }),
    );
    let pid = world.number("pid");
    let newer = world.local();
    let mut other = crate::world::order(&world.0, "echo new");
    other.output.attempt = 2;
    assert_eq!(newer.act(&other).await.outcome, Outcome::Done, "new ones go to its own keeper");
    assert!(living(pid) && keeper_of(&world.0, 0).is_some() && world.keeper() != keeper_of(&world.0, 0));
    let (acted, ()) = tokio::join!(newer.adopt(&order.output), async {
        fs::write(world.0.join("go"), "").expect("writable");
    });
    assert_eq!(acted.map(|acted| acted.outcome), Some(Outcome::Done));
    drop((hand, newer));
    let end = Instant::now() + WITHIN;
    let status = loop {
        tokio::time::sleep(Duration::from_millis(5)).await;
        match older_keeper.try_wait().expect("it is ours") {
            Some(status) => break status,
            None => assert!(Instant::now() < end, "nobody needs it any more"),
        }
    };
    assert!(status.success(), "it ends by itself");
}

fn say(stream: &mut std::os::unix::net::UnixStream, message: &serde_json::Value) {
    use std::io::Write as _;
    let text = message.to_string();
    let length = u32::try_from(text.len()).expect("short").to_le_bytes();
    stream.write_all(&[&length[..], text.as_bytes()].concat()).expect("it reads");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn what_is_no_message_closes_the_connection_and_harms_nobody() {
    use std::io::{Read as _, Write as _};
    let world = World::new("strange");
    let order = order(&world.0, "echo $$ > pid; while [ ! -e go ]; do sleep 0.01; done");
    let local = world.local();
    begun(&world, &local, &order).await;
    for strange in [&b"GET / HTTP/1.1\r\n\r\n"[..], &[0xff; 64], b"\x02\x00\x00\x00{}", b"\x05\x00\x00\x00nulll"] {
        let mut stream =
            std::os::unix::net::UnixStream::connect(launch(&world.0, PROTOCOL).socket(PROTOCOL)).expect("there");
        stream.write_all(strange).expect("it is taken");
        stream.set_read_timeout(Some(WITHIN)).expect("a plain option");
        let mut said = vec![];
        // Closed with unread bytes the kernel says reset, which is an end too.
        let _ = stream.read_to_end(&mut said);
        assert!(said.is_empty());
    }
    fs::write(world.0.join("go"), "").expect("writable");
    assert_eq!(local.adopt(&order.output).await.map(|acted| acted.outcome), Some(Outcome::Done));
}
