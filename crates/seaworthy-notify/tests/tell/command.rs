//! Telling commands: real shells.

use std::fs;

use seaworthy_model::{
    port::{Address, Message},
    process::{Command, Line},
    site::Outlet,
};

use crate::kit::{Folder, eventually, message, secret, send, send_briefly, to};

fn shell(folder: &Folder, script: &str) -> Address {
    let line = Line::Shell { script: script.into(), shell: vec![] };
    to(folder, Outlet::Command { command: Command { line } })
}

#[tokio::test]
async fn a_command_gets_the_text_and_the_message_as_a_file() {
    let folder = Folder::new();
    let script = r#"cat >text; cat "$SEAWORTHY_MESSAGE" >json; stat -c %a "$SEAWORTHY_MESSAGE" >mode; echo "$SEAWORTHY_MESSAGE" >path"#;
    let receipt = send(&shell(&folder, script), &message()).await.unwrap();
    assert!(receipt.contains("took the message"), "{receipt}");
    let read = |name: &str| fs::read_to_string(folder.0.join(name)).unwrap();
    assert_eq!(read("text"), message().text);
    assert_eq!(serde_json::from_str::<Message>(&read("json")).unwrap(), message());
    assert_eq!(read("mode"), "600\n");
    assert!(!std::path::Path::new(read("path").trim()).exists(), "the file is gone afterwards");
}

#[tokio::test]
async fn a_failed_command_is_worth_another_try_and_says_why_without_secrets() {
    let folder = Folder::new();
    let mut to = shell(&folder, "echo no $TOKEN, $(cat $TOKEN_FILE) today >&2; exit 3");
    to.secrets = vec![secret("TOKEN", "tops3cret")];
    let error = send(&to, &message()).await.unwrap_err();
    assert!(error.retry);
    assert!(error.reason.contains("exit code 3: no ***, *** today"), "{}", error.reason);
    let error = send(&shell(&folder, "kill -9 $$"), &message()).await.unwrap_err();
    assert!(error.reason.contains("signal 9"), "{}", error.reason);
}

#[tokio::test]
async fn a_program_that_is_not_there_is_named() {
    let folder = Folder::new();
    let line = Line::Args(vec!["no-such-pager".into()]);
    let error = send(&to(&folder, Outlet::Command { command: Command { line } }), &message()).await.unwrap_err();
    assert!(error.reason.contains("`no-such-pager` could not be started"), "{}", error.reason);
}

#[tokio::test]
async fn a_command_that_does_not_read_and_prints_much_is_no_trouble() {
    let folder = Folder::new();
    let mut long = message();
    long.text = "x".repeat(1_000_000);
    send(&shell(&folder, "head -c 10000000 /dev/zero"), &long).await.unwrap();
    send(&shell(&folder, "sleep 1000 &"), &long).await.unwrap();
}

#[tokio::test]
async fn a_hanging_command_ends_at_the_limit_with_its_children() {
    let folder = Folder::new();
    send_briefly(shell(&folder, "sh -c 'echo $$ >pid; exec sleep 1000'; true")).await;
    let pid = fs::read_to_string(folder.0.join("pid")).unwrap();
    let gone = move || match fs::read_to_string(format!("/proc/{}/stat", pid.trim())) {
        Ok(stat) => stat.rsplit_once(')').is_some_and(|(_, rest)| rest.trim_start().starts_with('Z')),
        Err(_) => true,
    };
    assert!(eventually(gone));
}

#[tokio::test]
async fn the_environment_is_made_from_nothing() {
    let folder = Folder::new();
    send(&shell(&folder, "env >env"), &message()).await.unwrap();
    let env = fs::read_to_string(folder.0.join("env")).unwrap();
    let mut names: Vec<&str> = env.lines().filter_map(|line| Some(line.split_once('=')?.0)).collect();
    names.retain(|name| !["HOME", "LANG", "TZ", "TMPDIR", "PWD", "_", "SHLVL"].contains(name));
    names.sort_unstable();
    assert_eq!(names, ["PATH", "SEAWORTHY_MESSAGE"]);
}
