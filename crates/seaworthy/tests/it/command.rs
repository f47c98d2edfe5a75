//! Commands: whatever they do, they end, their output is bounded, and the record says how it was.

use std::os::unix::process::CommandExt as _;

use crate::kit::{self, Output, Site, living, until};

/// A process of one step without verification; what it did is what is looked at.
fn act(site: &Site, step: &str) -> Output {
    site.process("act", &format!("steps:\n  - {step}\n"));
    site.json(&["run", "act"])
}

fn reason(run: &Output) -> &str {
    run.json["reason"].as_str().expect("a run has a reason")
}

/// The bodies of `type` in the journal of the newest entries.
fn bodies(site: &Site, kind: &str) -> Vec<serde_json::Value> {
    let journal = site.json(&["journal", "--limit", "1000"]);
    let entries = journal.json["entries"].as_array().expect("entries").clone();
    entries.into_iter().filter(|e| e["type"] == kind).map(|e| e["body"].clone()).collect()
}

#[test]
fn a_missing_tool_is_named() {
    let site = Site::new();
    let run = act(&site, "{ id: dump, run: no-such-dump-tool --all }");
    assert_eq!(run.code, 1, "{run:?}");
    assert!(reason(&run).starts_with("step dump: exit 127, a command was not found: "), "{run:?}");
    assert!(reason(&run).contains("no-such-dump-tool"), "{run:?}");
    let run = act(&site, "{ id: dump, run: [no-such-dump-tool, --all] }");
    assert_eq!(run.code, 1, "{run:?}");
    assert!(reason(&run).contains("`no-such-dump-tool`: command not found; install it"), "{run:?}");
}

#[test]
fn a_folder_without_permission_fails_the_step_with_the_words_of_the_command() {
    let site = Site::new();
    site.sh("mkdir locked && chmod 0555 locked");
    let write = "echo x > locked/file";
    let root = rustix::process::geteuid().is_root();
    let other = format!("setpriv --reuid=65534 --regid=65534 --clear-groups sh -c '{write}'");
    let run = act(&site, &format!("{{ id: dump, run: \"{}\" }}", if root { &other } else { write }));
    assert_eq!(run.code, 1, "{run:?}");
    assert!(reason(&run).contains("locked/file: Permission denied"), "{run:?}");
}

#[test]
fn a_data_folder_that_cannot_be_made_is_said_and_nothing_starts() {
    let site = Site::new();
    site.process("act", "steps:\n  - { run: 'true' }\n");
    let mut command = site.command(&["run", "act", "--json"]);
    if rustix::process::geteuid().is_root() {
        // Root ignores permission bits: somebody else, and a program that this one may read.
        let program = site.aside("seaworthy");
        std::fs::copy(env!("CARGO_BIN_EXE_seaworthy"), &program).unwrap();
        let mut other = std::process::Command::new(program);
        other.args(command.get_args()).current_dir(&site.folder).env_clear();
        other
            .stdin(std::process::Stdio::null())
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped());
        command = other;
        command.uid(65_534).gid(65_534);
    } else {
        site.sh("chmod 0555 .");
    }
    let run = kit::finish(command);
    assert_eq!(run.code, 2, "{run:?}");
    let message = run.json["error"]["message"].as_str().unwrap();
    assert!(message.contains(".seaworthy cannot be used") && message.contains("--data"), "{message}");
    if !rustix::process::geteuid().is_root() {
        site.sh("chmod 0755 .");
    }
}

#[test]
fn three_hundred_megabytes_without_a_newline_end_and_leave_little_on_disk() {
    let site = Site::new();
    let run =
        act(&site, r"{ id: flood, run: 'head -c 300000000 /dev/zero | tr \\0 x; echo; echo the end', timeout: 80s }");
    assert_eq!(run.code, 3, "{run:?}");
    assert_eq!(run.json["executed"], "ok");
    let kept: u64 = site.sh("du -sb .seaworthy/runs | cut -f1").trim().parse().unwrap();
    assert!((9 << 20..14 << 20).contains(&kept), "{kept} bytes are kept");
    let logs = site.say(&["logs", run.json["run_id"].as_str().unwrap()]);
    assert!(logs.stdout.ends_with("the end\n"), "the tail is kept");
    assert!(logs.stdout.len() < 14 << 20, "{}", logs.stdout.len());
    assert!(!logs.stderr.is_empty(), "a note says how much was left out");
    let ended = bodies(&site, "attempt_ended");
    let stdout = &ended[0]["acted"]["stdout"];
    assert_eq!(stdout["bytes"], 300_000_009, "{stdout}");
    assert!(stdout["dropped"].as_u64().unwrap() > 280_000_000, "{stdout}");
}

#[test]
fn output_that_is_no_text_is_kept_as_it_is_and_shown_as_text() {
    let site = Site::new();
    let run = act(
        &site,
        r#"{ id: dump, run: "printf 'a\\377\\376b\\033[31m\\r\\0z\\n'; printf 'no \\377 space\\033[2J\\n' >&2; exit 4" }"#,
    );
    assert_eq!(run.code, 1, "{run:?}");
    assert!(reason(&run).starts_with("step dump: exit 4: no \u{fffd} space"), "{run:?}");
    assert!(!run.stdout.contains('\x1b') && !run.stderr.contains('\x1b'));
    let id = run.json["run_id"].as_str().unwrap();
    let raw = site.command(&["logs", id]).output().unwrap();
    assert!(raw.stdout.windows(4).any(|w| w == b"a\xff\xfeb"), "{:?}", raw.stdout);
    assert!(!site.say(&["show", id]).stdout.contains('\x1b'));
    assert_eq!(site.json(&["audit", "verify"]).code, 0);
}

fn pid(site: &Site, file: &str) -> i32 {
    site.read(file).trim().parse().unwrap_or_else(|_| panic!("{file} has no pid"))
}

#[test]
fn a_child_that_leaves_its_session_is_ended_and_that_is_recorded() {
    let site = Site::new();
    let run = act(
        &site,
        r#"{ id: dump, run: "setsid sh -c 'echo $$ > pid; exec sleep 600' & while ! test -s pid; do sleep 0.01; done" }"#,
    );
    assert_eq!(run.code, 3, "{run:?}");
    let left = pid(&site, "pid");
    assert!(!living(left), "{left} lives on");
    let ended = bodies(&site, "attempt_ended");
    assert_eq!(ended[0]["acted"]["empty"], true, "proven that nothing is left: {}", ended[0]);
}

#[test]
fn a_time_limit_ends_the_whole_tree() {
    let site = Site::new();
    let tree = "echo waiting for the lock >&2; (echo $$ > a; exec setsid sh -c 'echo $$ > b; exec sleep 600') & while ! test -s b; do sleep 0.01; done; exec sleep 600";
    let step = format!("{{ id: dump, timeout: 3s, run: \"{tree}\" }}");
    let run = act(&site, &step);
    assert_eq!(run.code, 1, "{run:?}");
    assert_eq!(run.json["executed"], "failed");
    assert!(
        reason(&run).starts_with("step dump: the limit of 3s was reached and the command was stopped ("),
        "{run:?}"
    );
    assert!(
        reason(&run).contains("proven gone") && reason(&run).ends_with("its last words: waiting for the lock"),
        "{run:?}"
    );
    for file in ["a", "b"] {
        assert!(!living(pid(&site, file)), "{file} lives on");
    }
}

#[test]
fn an_interrupted_run_is_cancelled_and_nothing_of_it_is_left() {
    let site = Site::new();
    site.process("act", "steps:\n  - { id: dump, run: 'echo $$ > pid; exec sleep 600' }\n");
    let mut child = site.command(&["run", "act", "--json"]).spawn().unwrap();
    let left = until("the step runs", || site.read("pid").trim().parse::<i32>().ok());
    rustix::process::kill_process(rustix::process::Pid::from_child(&child), rustix::process::Signal::INT).unwrap();
    let status = kit::ended(&mut child, kit::PATIENCE).expect("it ends");
    assert_eq!(status.code(), Some(1));
    assert!(!living(left), "{left} lives on");
    let runs = site.json(&["runs"]);
    assert_eq!(
        (&runs.json["runs"][0]["executed"], &runs.json["runs"][0]["verified"]),
        (&"cancelled".into(), &"no".into())
    );
    assert_eq!(runs.json["runs"][0]["reason"], "cancelled: stopped at the terminal");
}

#[test]
fn a_command_gets_the_documented_names_and_no_others() {
    let site = Site::new();
    site.env("LEAK", "from outside");
    site.env("TZ", "Europe/Berlin");
    site.process("act", "env: { OWN: mine }\nsteps:\n  - { id: show, env: { STEP: its }, run: [env] }\n");
    let run = site.json(&["run", "act"]);
    assert_eq!(run.json["executed"], "ok", "{run:?}");
    let logs = site.say(&["logs", run.json["run_id"].as_str().unwrap()]).stdout;
    let mut names: Vec<&str> = logs.lines().filter_map(|line| line.split_once('=')).map(|(name, _)| name).collect();
    names.sort_unstable();
    let documented = [
        "HOME",
        "LANG",
        "OWN",
        "PATH",
        "SEAWORTHY_ATTEMPT",
        "SEAWORTHY_FENCE",
        "SEAWORTHY_KEY",
        "SEAWORTHY_RUN",
        "SEAWORTHY_STEP",
        "STEP",
        "TZ",
        "WORKDIR",
    ];
    let surplus: Vec<_> = names.iter().filter(|n| !documented.contains(n)).collect();
    let lacking: Vec<_> = documented.iter().filter(|n| !names.contains(n)).collect();
    assert!(lacking.is_empty(), "not given: {lacking:?}");
    // The mark by which its processes are found (docs/formats/output.md).
    assert!(surplus.iter().all(|n| n.starts_with("SEAWORTHY_")), "given besides: {surplus:?}");
    assert!(
        logs.contains("OWN=mine\n") && logs.contains("STEP=its\n") && logs.contains("SEAWORTHY_ATTEMPT=1\n"),
        "{logs}"
    );
    assert!(logs.contains(&format!("SEAWORTHY_KEY={}/show\n", run.json["run_id"].as_str().unwrap())), "{logs}");
}

#[test]
fn what_each_command_wrote_stands_below_its_name() {
    let site = Site::new();
    let steps =
        "steps:\n  - { id: one, run: 'echo first; echo aside >&2' }\n  - { id: two, needs: [one], run: echo second }\n";
    site.process("act", steps);
    let run = site.json(&["run", "act"]);
    let id = run.json["run_id"].as_str().unwrap();
    assert_eq!(
        site.say(&["logs", id]).stdout.replace("aside\n", ""),
        "--- one attempt 1\nfirst\n--- two attempt 1\nsecond\n"
    );
    assert_eq!(site.say(&["logs", id, "--stderr"]).stdout, "aside\n");
    assert_eq!(site.say(&["logs", id, "--step", "two"]).stdout, "--- two attempt 1\nsecond\n");
    assert_eq!(site.say(&["logs", id, "--json"]).stdout.replace("aside\n", ""), "first\nsecond\n");
}
