//! Secrets from real variables, files and commands.

use std::{fs, os::unix::fs::PermissionsExt as _};

use seaworthy_model::process::Line;

use super::*;
use crate::provider::tests::World;

fn script(script: &str) -> SecretPlace {
    SecretPlace::Command(Command { line: Line::Shell { script: script.into(), shell: vec![] } })
}

async fn get(world: &World, place: SecretPlace) -> Result<String, String> {
    LocalSecrets.get("TOKEN", &place, &world.folder).await.map(|secret| secret.value)
}

fn write(world: &World, text: &[u8], mode: u32) -> SecretPlace {
    let path = world.folder.join("token");
    fs::write(&path, text).expect("writable");
    fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("ours");
    SecretPlace::File("token".into())
}

#[tokio::test]
async fn a_variable_is_read_and_a_missing_one_named() {
    let world = World::new();
    let here = std::env::var("CARGO_PKG_NAME");
    assert_eq!(get(&world, SecretPlace::Env("CARGO_PKG_NAME".into())).await.ok(), here.ok());
    let problem = get(&world, SecretPlace::Env("NO_SUCH_NAME".into())).await.expect_err("it is not set");
    assert!(problem.contains("TOKEN") && problem.contains("NO_SUCH_NAME is not set"), "{problem}");
}

#[tokio::test]
async fn a_file_loses_one_final_line_break() {
    let world = World::new();
    for (text, value) in [("hunter2\n", "hunter2"), ("hunter2\n\n", "hunter2\n"), ("a\r\n", "a"), ("b", "b")] {
        let place = write(&world, text.as_bytes(), 0o600);
        assert_eq!(get(&world, place).await.as_deref(), Ok(value));
    }
}

#[tokio::test]
async fn a_file_that_others_can_read_is_refused_without_its_value() {
    let world = World::new();
    for mode in [0o644, 0o640, 0o604] {
        let place = write(&world, b"hunter2", mode);
        let problem = get(&world, place).await.expect_err("open to others");
        assert!(problem.contains("chmod 600") && !problem.contains("hunter2"), "{problem}");
    }
}

#[tokio::test]
async fn what_is_no_secret_is_refused() {
    let world = World::new();
    let place = write(&world, &vec![b'x'; SECRET_BYTES_MAX as usize + 1], 0o600);
    assert!(get(&world, place).await.expect_err("too long").contains("longer than 65536 bytes"));
    let place = write(&world, b"\xff\xfe", 0o600);
    assert!(get(&world, place).await.expect_err("no text").contains("not UTF-8"));
    let place = write(&world, b"\n", 0o600);
    assert!(get(&world, place).await.expect_err("empty").contains("TOKEN is empty"));
    let missing = SecretPlace::File("gone".into());
    assert!(get(&world, missing).await.expect_err("missing").contains("cannot be read"));
}

#[tokio::test]
async fn a_command_prints_a_secret() {
    let world = World::new();
    assert_eq!(get(&world, script("echo hunter2; echo noise >&2")).await.as_deref(), Ok("hunter2"));
    assert_eq!(get(&world, script("echo $SEAWORTHY_SECRET-$CARGO_PKG_NAME")).await.as_deref(), Ok("TOKEN-"));
    let problem = get(&world, script("echo hunter2; exit 3")).await.expect_err("it failed");
    assert!(problem.contains("exit status: 3") && !problem.contains("hunter2"), "{problem}");
    let problem = get(&world, script("yes")).await.expect_err("endless");
    assert!(problem.contains("longer than 65536 bytes"), "{problem}");
}

#[tokio::test]
async fn a_command_that_never_ends_is_ended() {
    let world = World::new();
    let SecretPlace::Command(command) = script("echo $$ > pid; sleep 300") else { panic!("a command") };
    let told = from_command("TOKEN", &command, &world.folder, Duration::from_millis(300)).await;
    assert!(told.expect_err("too slow").contains("took longer than 300ms"));
    let pid: i32 = fs::read_to_string(world.folder.join("pid")).expect("written").trim().parse().expect("a number");
    crate::provider::tests::until("it is gone", || !crate::provider::tests::living(pid)).await;
}
