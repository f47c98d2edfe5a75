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

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_copy_of_a_data_folder_neither_uses_nor_harms_the_keeper_of_the_first() {
    let (world, copy) = (World::new("original"), World::new("copy"));
    let local = world.local();
    let pid = begun(&world, &local, &order(&world.0, "echo $$ > pid; exec sleep 300")).await;
    let keeper = world.keeper().expect("it lives");
    fs::create_dir_all(copy.0.join("keeper")).expect("ours");
    for what in ["lock", "records"] {
        let file = format!("keeper/{PROTOCOL}-{}.{what}", rustix::process::geteuid().as_raw());
        fs::copy(world.0.join(&file), copy.0.join(&file)).expect("it says where the keeper listens, and what it holds");
    }
    let other = copy.local();
    let mut order = order(&copy.0, "echo second");
    let lost = other.adopt(&order.output).await;
    assert_eq!(lost.map(|acted| acted.outcome), Some(Outcome::Unknown), "here it has no holder");
    order.output.attempt = 2;
    let acted = other.act(&order).await;
    assert_eq!(acted.outcome, Outcome::Done, "{acted:?}");
    assert_eq!(copy.output(&order.output).await, ("second\n".to_owned(), true), "kept in the copy");
    assert!(copy.keeper().is_some_and(|other| other != keeper), "each has its own");
    assert!(living(pid) && world.keeper() == Some(keeper), "and the first goes on");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_keeper_whose_socket_was_taken_by_another_listens_anew_and_is_found() {
    let world = World::new("taken");
    let order = order(&world.0, "echo $$ > pid; while [ ! -e go ]; do sleep 0.01; done; echo mine");
    let local = world.local();
    begun(&world, &local, &order).await;
    drop(local);
    let socket = launch(&world.0, PROTOCOL).socket(PROTOCOL);
    fs::remove_file(&socket).expect("ours");
    let _foreign = std::os::unix::net::UnixListener::bind(&socket).expect("free now");
    let at = fs::symlink_metadata(&socket).expect("there").ino();
    until("the keeper listens anew", || fs::symlink_metadata(&socket).is_ok_and(|about| about.ino() != at));
    fs::write(world.0.join("go"), "").expect("writable");
    let acted = world.local().adopt(&order.output).await;
    assert_eq!(acted.map(|acted| acted.outcome), Some(Outcome::Done), "and has held its command meanwhile");
}
