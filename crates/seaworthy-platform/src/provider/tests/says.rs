//! What a command gets, says, and how it ends by itself.

use super::*;

/// Names in the folder of secret files.
fn secrets_left(world: &World) -> Vec<std::ffi::OsString> {
    let folder = world.data.join("keeper").join(keeper::home::name(keeper::PROTOCOL));
    fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.file_name()).collect()
}

#[tokio::test]
async fn a_command_that_succeeds_is_done_and_its_output_is_kept() {
    let world = World::new();
    let (acted, order) = world.act("echo out; echo err >&2; pwd").await;
    assert_eq!((acted.outcome, acted.exit, acted.reason.as_deref()), (Outcome::Done, Some(0), None));
    assert_eq!(acted.empty, Some(true), "{acted:?}");
    let said = format!("out\n{}\n", world.folder.canonicalize().expect("it exists").display());
    assert_eq!(world.text(&order.output, Std::Out).await, said);
    assert_eq!(world.text(&order.output, Std::Err).await, "err\n");
    assert_eq!(acted.stdout.sha256, hex(&Sha256::digest(said.as_bytes())));
    assert_eq!((acted.stdout.bytes, acted.stderr.bytes, acted.stdout.dropped), (said.len() as u64, 4, 0));
    assert_eq!(acted.stderr.last, "err\n");
    assert!(secrets_left(&world).is_empty(), "nothing of the attempt is left");
}

#[tokio::test]
async fn every_bad_end_has_a_reason() {
    let world = World::new();
    for (script, exit, signal, reason) in [
        ("echo first >&2; echo 'disk full' >&2; exit 3", Some(3), None, "exit 3: disk full"),
        ("exit 4", Some(4), None, "exit 4: it said nothing"),
        ("echo only out; exit 5", Some(5), None, "exit 5: only out"),
        ("kill -9 $$", None, Some(9), "killed by signal 9 (KILL: by somebody, or because memory ran out)"),
    ] {
        let (acted, _) = world.act(script).await;
        assert_eq!((acted.outcome, acted.exit, acted.signal), (Outcome::NotDone, exit, signal), "{script}");
        assert!(acted.reason.clone().unwrap_or_default().starts_with(reason), "{script}: {acted:?}");
    }
    let (acted, _) = world.act("pg_dumpp --all").await;
    let reason = acted.reason.unwrap_or_default();
    assert!(reason.starts_with("exit 127, a command was not found: ") && reason.contains("pg_dumpp"), "{reason}");
}

#[tokio::test]
async fn a_command_that_cannot_start_is_not_done() {
    let world = World::new();
    let mut order = world.order("true").await;
    order.deed = Deed::Run(Command { line: Line::Args(vec!["no-such-tool".into(), "-x".into()]) });
    let acted = world.local().act(&order).await;
    assert_eq!((acted.outcome, acted.exit, acted.empty), (Outcome::NotDone, None, Some(true)));
    assert!(acted.reason.clone().unwrap_or_default().starts_with("`no-such-tool`: command not found"), "{acted:?}");

    let mut order = world.order("true").await;
    order.folder = world.data.join("gone");
    let reason = world.local().act(&order).await.reason.unwrap_or_default();
    assert!(reason.contains("could not be started in the folder") && reason.contains("gone"), "{reason}");

    fs::write(world.folder.join("plain"), "no program").expect("writable");
    let mut order = world.order("true").await;
    order.deed = Deed::Run(Command { line: Line::Args(vec!["./plain".into()]) });
    let reason = world.local().act(&order).await.reason.unwrap_or_default();
    assert!(reason.starts_with("`./plain` may not be executed"), "{reason}");

    order.output.step = "../escape".into();
    assert!(world.local().act(&order).await.reason.unwrap_or_default().contains("cannot name a step"));
}

#[tokio::test]
async fn the_same_attempt_is_never_carried_out_twice() {
    let world = World::new();
    let order = world.order("echo x >> \"$WORKDIR/effects\"").await;
    assert_eq!(world.local().act(&order).await.outcome, Outcome::Done);
    let again = world.local().act(&order).await;
    assert_eq!(again.outcome, Outcome::Unknown, "{again:?}");
    assert_eq!(fs::read_to_string(order.workdir.join("effects")).expect("made"), "x\n");
}

#[tokio::test]
async fn the_environment_is_exactly_what_is_allowed() {
    let world = World::new();
    let mut order = world.order("true").await;
    order.deed = Deed::Run(Command { line: Line::Args(vec!["env".into()]) });
    order.env = vec![("PGHOST".into(), "db1".into()), ("SEAWORTHY_KEY".into(), "k".into())];
    order.secrets = vec![Secret { name: "TOKEN".into(), value: "hunter2hunter2".into() }];
    assert!(std::env::var_os("CARGO_MANIFEST_DIR").is_some(), "our own environment has more");
    let acted = world.local().act(&order).await;
    assert_eq!(acted.outcome, Outcome::Done, "{acted:?}");
    let text = world.text(&order.output, Std::Out).await;
    let mut names: Vec<&str> = text.lines().filter_map(|line| Some(line.split_once('=')?.0)).collect();
    names.retain(|name| !["TZ", "TMPDIR"].contains(name));
    names.sort_unstable();
    assert_eq!(
        names,
        ["HOME", "LANG", "PATH", "PGHOST", "SEAWORTHY_HOLDER", "SEAWORTHY_KEY", "TOKEN", "TOKEN_FILE", "WORKDIR"]
    );
    assert!(text.contains("TOKEN=***TOKEN***\n"), "{text}");
}

#[tokio::test]
async fn a_command_has_its_own_session_a_closed_mask_and_dies_before_us() {
    let world = World::new();
    let script = "umask; cat /proc/self/oom_score_adj; cut -d' ' -f1,6 /proc/$$/stat; cat; echo end";
    let (acted, order) = world.act(script).await;
    assert_eq!(acted.outcome, Outcome::Done, "{acted:?}");
    let text = world.text(&order.output, Std::Out).await;
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!((lines[0], lines[3]), ("0077", "end"));
    let ours: i32 = fs::read_to_string("/proc/self/oom_score_adj").expect("readable").trim().parse().expect("a number");
    assert_eq!(lines[1].parse::<i32>().expect("a number"), (ours + 200).min(1000));
    let (pid, session) = lines[2].split_once(' ').expect("two numbers");
    assert_eq!(pid, session, "it leads its session");
}

#[tokio::test]
async fn secret_files_are_private_and_gone_afterwards() {
    let world = World::new();
    let mut order = world.order("stat -c %a \"$TOKEN_FILE\"; cat \"$TOKEN_FILE\"; echo $TOKEN_FILE").await;
    order.secrets = vec![Secret { name: "TOKEN".into(), value: "hunter2hunter2".into() }];
    assert_eq!(world.local().act(&order).await.outcome, Outcome::Done);
    let text = world.text(&order.output, Std::Out).await;
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "600");
    let place = lines[1].strip_prefix("***TOKEN***").expect("the value is masked");
    assert!(place.ends_with("/TOKEN") && !std::path::Path::new(place).exists(), "{place}");
}

#[tokio::test]
async fn a_secret_written_in_two_pieces_never_reaches_the_disk() {
    let world = World::new();
    let mut order = world
        .order("printf 'a %s' \"$(printf %.6s \"$TOKEN\")\"; touch \"$WORKDIR/half\"; while [ ! -e \"$WORKDIR/go\" ]; do :; done; echo 2hunter3; printf %s $TOKEN | base64 >&2; exit 1")
        .await;
    order.secrets = vec![Secret { name: "TOKEN".into(), value: "hunter2hunter3".into() }];
    let local = world.local();
    let acting = local.act(&order);
    let freeing = async {
        until("the first half was written", || order.workdir.join("half").exists()).await;
        fs::write(order.workdir.join("go"), "").expect("writable");
    };
    let (acted, ()) = tokio::join!(acting, freeing);
    assert_eq!(world.text(&order.output, Std::Out).await, "a ***TOKEN***\n");
    assert_eq!(acted.reason.as_deref(), Some("exit 1: ***TOKEN***="));
    let files = fs::read_dir(crate::output::run_folder(&world.data, order.output.run).join("output"));
    for file in files.expect("a folder").flatten() {
        let bytes = fs::read(file.path()).expect("readable");
        assert!(!String::from_utf8_lossy(&bytes).contains("hunter"), "{:?}", file.path());
    }
}

#[tokio::test]
async fn bytes_are_kept_as_they_are() {
    let world = World::new();
    let script = r"printf 'a\000\377\376\033[31m\r50%%\r100%%'";
    let (acted, order) = world.act(script).await;
    let expected = b"a\x00\xff\xfe\x1b[31m\r50%\r100%";
    let chunks = world.chunks(&order.output).await;
    let bytes: Vec<u8> = chunks.into_iter().flat_map(|chunk| chunk.bytes).collect();
    assert_eq!(bytes, expected);
    assert_eq!(acted.stdout.sha256, hex(&Sha256::digest(expected)));
}
