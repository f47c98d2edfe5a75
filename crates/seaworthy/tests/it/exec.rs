//! `exec NAME -- COMMAND`: the command runs as it would without us, whatever is wrong with us, and what came of it is
//! on record.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    process::{Child, Stdio},
    time::Instant,
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::kit::{Output, Site, ended, finish, living, until};

/// The last run of a process, as `runs` and `show` tell it.
fn last(site: &Site, process: &str) -> Value {
    let runs = site.json(&["runs", "--limit", "50"]);
    let all = runs.json["runs"].as_array().unwrap_or_else(|| panic!("{runs:?}"));
    let run =
        all.iter().find(|run| run["process"] == process).unwrap_or_else(|| panic!("no run of {process}: {runs:?}"));
    site.json(&["show", run["run_id"].as_str().unwrap()]).json
}

fn exec(site: &Site, name: &str, script: &str) -> Output {
    site.say(&["exec", name, "--", "sh", "-c", script])
}

#[test]
fn a_command_runs_as_it_would_and_what_came_of_it_is_on_record() {
    let site = Site::new();
    let mut command = site.command(&["exec", "nightly", "--", "sh", "-c", "cat; echo out; echo err >&2; pwd; exit 3"]);
    command.stdin(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"from outside\n").unwrap();
    let (mut out, mut err) = (String::new(), String::new());
    child.stdout.take().unwrap().read_to_string(&mut out).unwrap();
    child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(3));
    let folder = site.folder.canonicalize().unwrap();
    assert_eq!((out, err.as_str()), (format!("from outside\nout\n{}\n", folder.display()), "err\n"));

    let run = last(&site, "nightly");
    assert_eq!((run["executed"].as_str(), run["verified"].as_str()), (Some("failed"), Some("no")));
    assert_eq!((run["steps"][0]["id"].as_str(), run["steps"][0]["exit"].as_i64()), (Some("outside"), Some(3)));
    let logs = site.say(&["logs", run["run_id"].as_str().unwrap()]).stdout;
    assert!(logs.contains("from outside\nout\n") && logs.contains("err\n"), "{logs}");

    assert_eq!(exec(&site, "nightly", "true").code, 0);
    let run = last(&site, "nightly");
    assert_eq!((run["executed"].as_str(), run["verified"].as_str()), (Some("ok"), Some("unproven")));
    let status = site.json(&["status"]);
    assert_eq!(status.json["processes"][0]["process"], "nightly", "a name without a file is shown: {}", status.stdout);
    assert_eq!(status.code, 1, "and it is not proven: {}", status.stdout);
    let check = site.json(&["check"]);
    let facets = check.json["missing"][0]["facets"].as_array().unwrap();
    assert!(facets.iter().any(|facet| facet == "verify") && !facets.iter().any(|facet| facet == "steps"), "{facets:?}");
    assert!(site.json(&["audit", "verify"]).json["ok"].as_bool().unwrap());
    assert_eq!(site.json(&["run", "nightly"]).code, 2, "nobody here can start it");
}

#[test]
fn verification_of_its_file_follows_and_verified_makes_the_code_ours() {
    let site = Site::new();
    let check = "pinged: true\nverify:\n  - { command: cat copy, expect: 'stdout.trim() == \"data\"' }\n";
    site.process("copy", check);
    let verified = |script: &str| site.say(&["exec", "copy", "--verified", "--", "sh", "-c", script]).code;
    assert_eq!(verified("echo data > copy"), 0);
    assert_eq!(last(&site, "copy")["verified"], "yes");
    // It lies: exit 0, and nothing is there.
    assert_eq!(exec(&site, "copy", ": > copy").code, 0);
    assert_eq!(last(&site, "copy")["verified"], "no");
    assert_eq!(verified(": > copy"), 1);
    assert_eq!(verified("exit 9"), 9, "its own failure stays its own");
    let json = site.json(&["exec", "copy", "--json", "--", "sh", "-c", "echo data > copy; echo said"]);
    assert_eq!((json.code, json.json["verified"].as_str()), (0, Some("yes")), "{json:?}");
    assert!(json.stdout.starts_with("said\n"));
}

#[test]
fn neither_an_argument_nor_a_secret_of_the_environment_is_kept() {
    let site = Site::new();
    site.env("DB_PASSWORD", "hunter2-in-env");
    let said = exec(&site, "secretive", "echo \"password is $DB_PASSWORD\"; : argument-hunter2");
    assert_eq!(said.stdout, "password is hunter2-in-env\n", "the caller sees what it would see");
    site.sh("rm -f told.txt");
    let mut all = String::new();
    for file in site.sh("find .seaworthy -type f").lines() {
        all += &String::from_utf8_lossy(&fs::read(site.path(file)).unwrap());
    }
    assert!(all.contains("password is ***DB_PASSWORD***"), "it is kept, masked");
    assert!(!all.contains("hunter2-in-env") && !all.contains("argument-hunter2"));
    let entries = site.json(&["journal", "--limit", "100"]).stdout;
    assert!(entries.contains("\"program\":\"sh\""), "{entries}");
}

#[test]
fn what_looks_like_a_secret_is_masked_wherever_it_stands() {
    let site = Site::new();
    let names = ["MYSQL_PWD", "SSHPASS", "AUTH", "PRIVATE_KEY"];
    for name in names {
        site.env(name, &format!("hunter2-{name}"));
    }
    site.env("DATABASE_URL", "postgres://app:hunter2-url@db/orders");
    site.env("KEYBOARD", "german-layout");
    let script = "echo \"$MYSQL_PWD $SSHPASS $AUTH $PRIVATE_KEY $DATABASE_URL $KEYBOARD\"; : API_TOKEN=hunter2-given; echo hunter2-given; pwd";
    let said = exec(&site, "secretive", script);
    assert!(said.stdout.contains("app:hunter2-url@db"), "the caller sees what it would see: {said:?}");
    let id = last(&site, "secretive")["run_id"].as_str().unwrap().to_owned();
    let kept = site.say(&["logs", &id]).stdout;
    assert!(!kept.contains("hunter2"), "{kept}");
    assert!(kept.contains("***MYSQL_PWD***") && kept.contains("postgres://app:***DATABASE_URL***@db"), "{kept}");
    let folder = site.folder.display().to_string();
    assert!(kept.contains("german-layout") && kept.contains(&folder), "no more than that: {kept}");
}

#[test]
fn a_limit_of_the_caller_for_files_is_for_the_command_and_does_not_stop_it() {
    let site = Site::new();
    let limited = |name: &str| {
        site.sh("rm -f ran.txt");
        let like = site.command(&[]);
        let mut command = std::process::Command::new("bash");
        let inner = "echo ran > ran.txt; (head -c 1000000 /dev/zero > big); echo $?; exit 4";
        let script = format!("ulimit -f 20; exec \"$SEAWORTHY\" exec {name} -- bash -c '{inner}'");
        command.args(["-c", &script]).current_dir(&site.folder).env_clear();
        command.envs(like.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command.env("SEAWORTHY", env!("CARGO_BIN_EXE_seaworthy"));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let said = finish(command);
        assert_eq!((said.code, said.stdout.as_str()), (4, "153\n"), "XFSZ ends what grows too large: {said:?}");
        assert_eq!(site.read("ran.txt"), "ran\n");
        assert!(said.stderr.contains("not recorded"), "{said:?}");
    };
    limited("fresh");
    assert_eq!(exec(&site, "before", "true").code, 0);
    limited("warm");
}

#[test]
fn a_pipe_where_the_kept_definitions_should_be_holds_nothing_up() {
    let site = Site::new();
    assert_eq!(exec(&site, "a", "true").code, 0);
    site.sh("rm -f .seaworthy/in-force.json && mkfifo .seaworthy/in-force.json");
    let said = exec(&site, "a", "true");
    assert_eq!((said.code, said.stderr.contains("not recorded")), (0, false), "{said:?}");
    assert_eq!(site.say(&["runs"]).stdout.lines().count(), 2);
    site.say(&["plan"]);
}

fn spawn(site: &Site, args: &[&str]) -> (Child, BufReader<std::process::ChildStdout>) {
    let mut child = site.command(args).spawn().unwrap();
    let out = BufReader::new(child.stdout.take().unwrap());
    (child, out)
}

#[test]
fn a_signal_is_for_the_command() {
    let site = Site::new();
    let script = "trap 'echo caught; exit 7' TERM; echo ready; while :; do sleep 0.05; done";
    let (mut child, mut out) = spawn(&site, &["exec", "patient", "--", "sh", "-c", script]);
    let mut line = String::new();
    out.read_line(&mut line).unwrap();
    assert_eq!(line, "ready\n");
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    let mut rest = String::new();
    out.read_to_string(&mut rest).unwrap();
    let status = ended(&mut child, crate::kit::PATIENCE).expect("it ends");
    assert_eq!((rest.as_str(), status.code()), ("caught\n", Some(7)));
    assert_eq!(last(&site, "patient")["steps"][0]["exit"], 7);
    let killed = exec(&site, "killed", "kill -9 $$");
    assert_eq!(killed.code, 137, "as a shell says it");
}

#[test]
fn whatever_is_wrong_with_us_the_command_runs_with_its_own_code() {
    let runs = |site: &Site, why: &str| {
        let begun = Instant::now();
        let said = exec(site, "backup", "echo did it; exit 4");
        assert_eq!((said.code, said.stdout.as_str()), (4, "did it\n"), "{why}: {said:?}");
        assert!(said.stderr.contains("is not recorded"), "{why}: {}", said.stderr);
        assert!(begun.elapsed().as_secs() < 30, "{why}");
    };
    let none = Site::bare();
    runs(&none, "no site");
    let broken = Site::bare();
    broken.write("seaworthy.yaml", "site: [\n");
    runs(&broken, "a broken site file");
    let blocked = Site::new();
    blocked.write(".seaworthy", "not a folder");
    runs(&blocked, "a file in the place of the data folder");
    let rubbish = Site::new();
    rubbish.write(".seaworthy/journal.db", &"rubbish".repeat(1000));
    runs(&rubbish, "a journal that is none");
    let named = Site::new();
    let said = named.say(&["exec", "no/name", "--", "sh", "-c", "exit 6"]);
    assert_eq!(said.code, 6, "{said:?}");

    let locked = Site::new();
    assert_eq!(exec(&locked, "backup", "true").code, 0);
    let held = rusqlite::Connection::open(locked.path(".seaworthy/journal.db")).unwrap();
    held.execute_batch("begin exclusive").unwrap();
    runs(&locked, "a journal that somebody holds");
    drop(held);
    assert_eq!(exec(&locked, "backup", "true").stderr, "", "and it is on record again");

    let absent = Site::new().say(&["exec", "absent", "--", "/no/such/program"]);
    assert_eq!(absent.code, 127);
}

#[test]
fn a_full_disk_before_or_while_it_runs_does_not_stop_the_command() {
    let site = Site::new();
    let within = |script: &str| {
        let like = site.command(&[]);
        let mut command = std::process::Command::new("unshare");
        command.args(["-m", "--propagation", "private", "sh", "-c", script]).current_dir(&site.folder).env_clear();
        command.envs(like.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command.env("DATA", site.data()).env("SEAWORTHY", env!("CARGO_BIN_EXE_seaworthy"));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        finish(command)
    };
    fs::create_dir_all(site.data()).unwrap();
    const MOUNT: &str = "mount -t tmpfs -o size=8m none \"$DATA\" || exit 99\n";
    const FILL: &str = "dd if=/dev/zero of=\"$DATA/ballast\" bs=4k 2>/dev/null\n";
    let before = within(&format!("{MOUNT}{FILL}exec $SEAWORTHY exec backup -- sh -c 'echo did it; exit 4'"));
    if before.code == 99 || before.stderr.contains("unshare") {
        return println!("SKIPPED: mount namespace: {}", before.stderr.trim());
    }
    assert_eq!((before.code, before.stdout.as_str()), (4, "did it\n"), "{before:?}");
    assert!(before.stderr.contains("is not recorded"), "{before:?}");
    let fill = FILL.trim_end().replace('"', "");
    let meanwhile = within(&format!("{MOUNT}exec $SEAWORTHY exec backup -- sh -c '{fill}; echo did it; exit 4'"));
    assert_eq!((meanwhile.code, meanwhile.stdout.as_str()), (4, "did it\n"), "{meanwhile:?}");
    assert!(meanwhile.stderr.contains("what came of this run of `backup` is not recorded"), "{meanwhile:?}");
}

#[test]
fn beside_a_server_it_is_seen_there_and_its_death_is_an_unknown_end() {
    let site = Site::new();
    let server = site.server();
    assert_eq!(exec(&site, "made-up", "echo x").code, 0);
    let overview = until("the server shows the name that was made up", || {
        let (_, body) = server.get("/api/v1/processes")?;
        body.contains("\"made-up\"").then_some(body)
    });
    assert!(overview.contains("unproven"), "{overview}");
    until("the server has its run", || server.get("/api/v1/runs").filter(|(_, body)| body.contains("\"made-up\"")));

    let (mut child, mut out) = spawn(&site, &["exec", "orphan", "--", "sh", "-c", "echo $$; exec cat pipe"]);
    site.sh("mkfifo pipe");
    let mut line = String::new();
    out.read_line(&mut line).unwrap();
    let command: i32 = line.trim().parse().unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    until("its run is taken up", || {
        let (_, body) = server.get("/api/v1/runs?process=orphan")?;
        let runs: Value = serde_json::from_str(&body).ok()?;
        (runs["runs"][0]["executed"] == "unknown").then_some(())
    });
    assert!(living(command), "the command is nobody's to end");
    site.sh("echo > pipe");
    assert_eq!(server.stop(), 0);
}

#[test]
fn what_a_command_leaves_behind_goes_on_writing_to_the_caller() {
    let site = Site::new();
    site.sh("mkfifo gate");
    let script = "(read -r x < gate; echo late) & echo early";
    let (mut child, mut out) = spawn(&site, &["exec", "daemon", "--", "sh", "-c", script]);
    let status = ended(&mut child, crate::kit::PATIENCE).expect("it does not wait for what was left behind");
    assert_eq!(status.code(), Some(0));
    site.sh("echo > gate");
    let mut all = String::new();
    out.read_to_string(&mut all).unwrap();
    assert_eq!(all, "early\nlate\n");
    let many = finish(site.command(&["exec", "many", "--", "sh", "-c", "head -c 3000000 /dev/zero | tr '\\0' x"]));
    assert_eq!(many.stdout.len(), 3_000_000, "a large output comes through whole");
}
