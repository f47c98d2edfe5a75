//! Looking by commands: real shells, real children.

use std::{
    fs,
    time::{Duration, Instant},
};

use seaworthy_model::{
    time::Span,
    value::{OBSERVATION_BYTES_MAX, Value},
};

use crate::kit::{Folder, args, eventually, int, is_gone, look, order, secret, shell, text};

#[tokio::test]
async fn exit_output_and_duration_are_seen() {
    let folder = Folder::new();
    let seen = look(&order(&folder, shell("echo out; echo err >&2; exit 7"))).await.unwrap();
    assert_eq!(seen.source, "probe/command");
    assert_eq!(int(&seen.facts, "exit"), 7);
    assert_eq!(text(&seen.facts, "stdout"), "out\n");
    assert_eq!(text(&seen.facts, "stderr"), "err\n");
    assert!(matches!(seen.facts["duration"], Value::Duration(n) if n > 0));
    assert_eq!(seen.dropped, 0);
}

#[tokio::test]
async fn a_death_by_signal_is_seen_as_a_shell_says_it() {
    let folder = Folder::new();
    let seen = look(&order(&folder, shell("kill -9 $$"))).await.unwrap();
    assert_eq!(int(&seen.facts, "exit"), 137);
}

#[tokio::test]
async fn a_missing_tool_in_a_shell_is_seen_and_a_missing_program_is_an_error() {
    let folder = Folder::new();
    let seen = look(&order(&folder, shell("no-such-tool-here"))).await.unwrap();
    assert_eq!(int(&seen.facts, "exit"), 127);
    assert!(text(&seen.facts, "stderr").contains("not found"));
    let error = look(&order(&folder, args(&["no-such-tool-here", "x"]))).await.unwrap_err();
    assert!(error.contains("`no-such-tool-here` could not be started"), "{error}");
}

#[tokio::test]
async fn the_environment_is_made_from_nothing() {
    let folder = Folder::new();
    let mut order = order(&folder, args(&["env"]));
    order.env = vec![("GREETING".into(), "hello".into())];
    order.secrets = vec![secret("TOKEN", "tops3cret")];
    order.artifact = Some("/somewhere/a.dump".into());
    let seen = look(&order).await.unwrap();
    let mut names: Vec<&str> =
        text(&seen.facts, "stdout").lines().filter_map(|line| Some(line.split_once('=')?.0)).collect();
    names.retain(|name| !["HOME", "LANG", "TZ", "TMPDIR"].contains(name));
    names.sort_unstable();
    assert_eq!(names, ["ARTIFACT", "GREETING", "PATH", "SEAWORTHY_LOOK", "TOKEN", "TOKEN_FILE", "WORKDIR"]);
    assert!(text(&seen.facts, "stdout").contains("TOKEN=***\n"));
}

#[tokio::test]
async fn a_secret_is_a_private_file_that_is_gone_afterwards() {
    let folder = Folder::new();
    let mut order =
        order(&folder, shell(r#"stat -c %a "$TOKEN_FILE"; wc -c <"$TOKEN_FILE"; echo "$TOKEN_FILE" >path"#));
    order.secrets = vec![secret("TOKEN", "tops3cret")];
    let seen = look(&order).await.unwrap();
    assert_eq!(text(&seen.facts, "stdout"), "600\n9\n");
    let path = fs::read_to_string(folder.0.join("path")).unwrap();
    assert!(!std::path::Path::new(path.trim()).exists());
}

#[tokio::test]
async fn standard_input_is_empty_and_the_session_is_its_own() {
    let folder = Folder::new();
    let seen = look(&order(&folder, shell("cat; cut -d' ' -f6 /proc/$$/stat; echo $$"))).await.unwrap();
    let lines: Vec<&str> = text(&seen.facts, "stdout").lines().collect();
    assert_eq!(lines.len(), 2);
    assert_eq!(lines[0], lines[1], "session id and process id");
}

#[tokio::test]
async fn a_hundred_megabytes_without_a_line_feed_are_read_and_counted() {
    let folder = Folder::new();
    let seen = look(&order(&folder, shell("head -c 100000000 /dev/zero | tr '\\0' x"))).await.unwrap();
    assert_eq!(text(&seen.facts, "stdout").len(), OBSERVATION_BYTES_MAX);
    assert_eq!(seen.dropped, 100_000_000 - OBSERVATION_BYTES_MAX as u64);
    assert_eq!(int(&seen.facts, "exit"), 0);
}

#[tokio::test]
async fn bytes_that_are_no_text_are_replaced() {
    let folder = Folder::new();
    let seen = look(&order(&folder, shell("printf 'a\\377b'"))).await.unwrap();
    assert_eq!(text(&seen.facts, "stdout"), "a\u{fffd}b");
}

#[tokio::test]
async fn a_child_in_the_background_holds_nobody_up_and_is_ended() {
    let folder = Folder::new();
    let started = Instant::now();
    let seen = look(&order(&folder, shell("sleep 1000 & echo $!"))).await.unwrap();
    assert!(started.elapsed() < Duration::from_secs(60), "{:?}", started.elapsed());
    assert_eq!(int(&seen.facts, "exit"), 0);
    let pid = text(&seen.facts, "stdout").trim();
    assert!(eventually(|| is_gone(pid)), "process {pid} lives on");
}

#[tokio::test]
async fn a_child_that_left_its_session_and_its_parent_is_ended_too() {
    let folder = Folder::new();
    let script = "setsid sh -c 'echo $$ >pid; exec sleep 1000' >/dev/null 2>&1 & while [ ! -s pid ]; do :; done";
    look(&order(&folder, shell(script))).await.unwrap();
    let pid = fs::read_to_string(folder.0.join("pid")).unwrap();
    assert!(eventually(|| is_gone(pid.trim())), "process {pid} lives on");
}

#[tokio::test]
async fn at_its_limit_the_whole_tree_ends() {
    let folder = Folder::new();
    let mut order = order(&folder, shell("echo $$ >one; setsid sh -c 'echo $$ >two; exec sleep 1000'; sleep 1000"));
    order.timeout = Span::seconds(3);
    let started = Instant::now();
    let error = look(&order).await.unwrap_err();
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
    assert!(error.contains("3s"), "{error}");
    for name in ["one", "two"] {
        let pid = fs::read_to_string(folder.0.join(name)).unwrap();
        assert!(eventually(|| is_gone(pid.trim())), "{name} lives on");
    }
}

#[tokio::test]
async fn a_look_that_nobody_waits_for_leaves_nothing() {
    let folder = Folder::new();
    let order = order(&folder, shell("echo $$ >pid.new; mv pid.new pid; sleep 1000"));
    let path = folder.0.join("pid");
    let looking = tokio::spawn(async move { look(&order).await });
    assert!(
        tokio::task::spawn_blocking({
            let path = path.clone();
            move || eventually(|| path.exists())
        })
        .await
        .unwrap()
    );
    looking.abort();
    let pid = fs::read_to_string(path).unwrap();
    assert!(tokio::task::spawn_blocking(move || eventually(|| is_gone(pid.trim()))).await.unwrap());
}

#[tokio::test]
async fn a_missing_folder_is_named_instead_of_the_program() {
    let folder = Folder::new();
    let mut order = order(&folder, shell("true"));
    order.folder = folder.0.join("gone");
    let error = look(&order).await.unwrap_err();
    assert!(error.contains("gone") && error.contains("folder"), "{error}");
}
