//! Holding processes, one test after the other: a stray of one would be seen by all.
//!
//! Some tests start this very program again, to be killed or to live on a tiny disk.

use std::{
    fs,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use seaworthy_model::{
    id::RunId,
    port::{Order, OutputKey, Outputs as _, Provider as _, Secret},
    process::{Command as Script, Line, hex},
    run::{Acted, Outcome},
    time::{At, Span},
};
use seaworthy_platform::{FileOutputs, Local, hold_orphans, sweep_with_grace};
use sha2::{Digest as _, Sha256};

static ALONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
const ROLE: &str = "TEST_ROLE";
const DATA: &str = "TEST_DATA";
const GRACE: Span = Span::from_millis(300);

struct World(PathBuf);

impl Drop for World {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

impl World {
    fn new(name: &str) -> World {
        let data = std::env::temp_dir().join(format!("seaworthy-holding-{}-{name}", std::process::id()));
        fs::create_dir_all(&data).expect("the temporary folder is writable");
        World(data)
    }
}

fn order(data: &Path, script: &str) -> Order {
    Order {
        output: OutputKey { run: run(), step: "dump".into(), attempt: 1 },
        command: Script { line: Line::Shell { script: script.into(), shell: vec![] } },
        folder: data.to_owned(),
        workdir: data.to_owned(),
        env: vec![],
        secrets: vec![Secret { name: "TOKEN".into(), value: "hunter2hunter2".into() }],
        masked: vec![],
        timeout: Some(Span::seconds(60)),
        limits: Default::default(),
    }
}

fn run() -> RunId {
    RunId::new(At(1_700_000_000_000_000_000), &[9; 10])
}

fn act(local: &Local, order: &Order) -> Acted {
    tokio::runtime::Runtime::new().expect("a runtime").block_on(local.act(order))
}

fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(20);
    while !condition() {
        assert!(Instant::now() < end, "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn number(path: PathBuf) -> Option<u32> {
    fs::read_to_string(path).ok()?.trim().parse().ok()
}

fn living(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X']))
}

fn end(pid: u32) {
    let pid = rustix::process::Pid::from_raw(pid.cast_signed()).expect("a number");
    let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
}

/// This program again, doing only the test of this name, in a role.
fn again(test: &str, role: &str, data: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command.args(["--exact", test, "--nocapture"]).env(ROLE, role).env(DATA, data);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

fn role() -> Option<(String, PathBuf)> {
    Some((std::env::var(ROLE).ok()?, PathBuf::from(std::env::var_os(DATA)?)))
}

#[test]
fn a_cgroup_holds_even_what_hides_its_marks() {
    let _alone = ALONE.blocking_lock();
    let world = World::new("cgroup");
    let script = "setsid env -i sh -c '(sleep 300 &); echo $$ > pid; exec sleep 300' & while [ ! -s pid ]; do :; done";
    hold_orphans().expect("Linux 3.4 or newer");
    let order = order(&world.0, script);
    let acted = act(&Local::new(world.0.clone()).with_grace(GRACE), &order);
    let pid = number(world.0.join("pid")).expect("written");
    if acted.held_by != "cgroup" {
        end(pid);
        println!("SKIPPED: cgroup: this host lets us make none, held by {}", acted.held_by);
        return;
    }
    assert_eq!((acted.outcome, acted.empty), (Outcome::Done, Some(true)), "{acted:?}");
    assert!(!living(pid));
}

#[test]
fn a_stray_without_marks_is_not_claimed_to_be_gone() {
    let _alone = ALONE.blocking_lock();
    let world = World::new("stray");
    hold_orphans().expect("Linux 3.4 or newer");
    // Own session, no environment, and its parent ends at once: nothing tells whose it is.
    let script = "(env -i setsid sh -c 'echo $$ > pid; exec sleep 300' &); while [ ! -s pid ]; do :; done";
    let order = order(&world.0, script);
    let acted = act(&Local::new(world.0.clone()).with_grace(GRACE).without_cgroups(), &order);
    let pid = number(world.0.join("pid")).expect("written");
    let lives = living(pid);
    end(pid);
    // Either it was seen in time and ended, or the record does not claim what cannot be known.
    assert_eq!(acted.empty, if lives { None } else { Some(true) }, "{acted:?}");
}

/// Starts a server that acts, waits until the command runs, and kills the server.
fn killed_server(test: &str, role: &str, data: &Path, meanwhile: impl FnOnce(u32)) -> u32 {
    let mut server: Child = again(test, role, data).spawn().expect("this program starts again");
    until("the command runs", || number(data.join("pid")).is_some());
    let pid = number(data.join("pid")).expect("written");
    meanwhile(pid);
    server.kill().expect("it lives");
    server.wait().expect("it is ours");
    pid
}

fn what_a_killed_server_left_is_ended(test: &str, role_now: &str) {
    const LASTING: &str = "trap '' TERM; setsid sh -c 'trap \"\" TERM; echo $$ > pid; while :; do sleep 300; done' & \
        echo running; sleep 300";
    if let Some((role, data)) = role() {
        hold_orphans().expect("Linux 3.4 or newer");
        let local = Local::new(data.clone());
        let local = if role == "cgroup" { local } else { local.without_cgroups() };
        panic!("the command ended by itself: {:?}", act(&local, &order(&data, LASTING)));
    }
    let _alone = ALONE.blocking_lock();
    let world = World::new(role_now);
    let data = &world.0;
    let held = data.join("held").join(format!("{}.dump.1", run()));
    let pid = killed_server(test, role_now, data, |pid| {
        assert_eq!(sweep_with_grace(data, GRACE).expect("readable"), [], "its holder lives");
        assert!(living(pid));
    });
    assert!(living(pid) && held.join("secrets/TOKEN").exists(), "the command outlives the server");

    let swept = sweep_with_grace(data, GRACE).expect("readable");
    assert_eq!(swept.len(), 1, "{swept:?}");
    assert_eq!((swept[0].run, swept[0].step.as_str(), swept[0].attempt, swept[0].gone), (run(), "dump", 1, true));
    assert!(swept[0].ended >= 3, "shell, child and sleep: {swept:?}");
    assert!(!living(pid) && !held.exists());
    assert_eq!(sweep_with_grace(data, GRACE).expect("readable"), []);

    let outputs = FileOutputs::new(data.clone());
    let key = order(data, "").output;
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let part = runtime.block_on(outputs.read(&key, 0, 1000)).expect("readable");
    assert_eq!(part.chunks.first().map(|chunk| chunk.bytes.clone()), Some(b"running\n".to_vec()));
    assert!(runtime.block_on(outputs.read(&key, part.next, 1000)).expect("readable").ended);
    assert_eq!(act(&Local::new(data.clone()), &order(data, "echo twice > effect")).outcome, Outcome::Unknown);
    assert!(!data.join("effect").exists());
}

#[test]
fn what_a_killed_server_left_is_found_by_its_marks() {
    what_a_killed_server_left_is_ended("what_a_killed_server_left_is_found_by_its_marks", "marks");
}

#[test]
fn what_a_killed_server_left_is_found_by_its_cgroup() {
    what_a_killed_server_left_is_ended("what_a_killed_server_left_is_found_by_its_cgroup", "cgroup");
}

#[test]
fn a_process_that_still_carries_a_marker_is_ended_and_others_are_not() {
    let _alone = ALONE.blocking_lock();
    let (world, other) = (World::new("marker"), World::new("other"));
    let marker = |data: &Path| {
        let facts = fs::metadata(data).expect("there");
        format!("{:x}.{:x}/{}.dump.7", facts.dev(), facts.ino(), run())
    };
    let sleep =
        |value: String| Command::new("sleep").arg("300").env("SEAWORTHY_HOLDER", value).spawn().expect("starts");
    let (mut ours, mut theirs) = (sleep(marker(&world.0)), sleep(marker(&other.0)));
    let swept = sweep_with_grace(&world.0, GRACE).expect("readable");
    assert_eq!(swept.iter().map(|one| (one.attempt, one.ended, one.gone)).collect::<Vec<_>>(), [(7, 1, true)]);
    assert!(!living(ours.id()) && living(theirs.id()));
    theirs.kill().expect("it lives");
    assert!(ours.wait().is_ok() && theirs.wait().is_ok());
}

#[test]
fn a_full_disk_loses_output_but_not_the_command() {
    const TEST: &str = "a_full_disk_loses_output_but_not_the_command";
    const BYTES: usize = 3_000_000;
    if let Some((_, data)) = role() {
        let script = format!("head -c {BYTES} /dev/zero; echo last words >&2; echo effect > \"$HOME/effect\"");
        let acted = act(&Local::new(data.join("disk")).with_grace(GRACE), &order(&data, &script));
        let facts = serde_json::to_string(&acted).expect("plain");
        fs::write(data.join("acted"), facts).expect("writable");
        return;
    }
    let _alone = ALONE.blocking_lock();
    let world = World::new("full");
    let disk = world.0.join("disk");
    fs::create_dir(&disk).expect("writable");
    let inner = again(TEST, "full", &world.0);
    let mount = "mount -t tmpfs -o size=400k tmpfs \"$0\" && exec \"$@\"";
    let ended = Command::new("unshare")
        .args(["-m", "--propagation", "private", "sh", "-c", mount])
        .arg(&disk)
        .arg(inner.get_program())
        .args(inner.get_args())
        .envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?))))
        .env("HOME", &world.0)
        .output();
    let Ok(text) = fs::read_to_string(world.0.join("acted")) else {
        println!("SKIPPED: full disk: no tmpfs of our own can be mounted here: {ended:?}");
        return;
    };
    let acted: Acted = serde_json::from_str(&text).expect("written by us");
    assert_eq!((acted.outcome, acted.exit, acted.empty), (Outcome::Done, Some(0), Some(true)), "{acted:?}");
    assert!(world.0.join("effect").exists());
    assert_eq!(acted.stdout.bytes, BYTES as u64);
    assert!(acted.stdout.dropped > 2_500_000, "{acted:?}");
    assert_eq!(acted.stdout.sha256, hex(&Sha256::digest(vec![0; BYTES])));
    assert_eq!(acted.stderr.last, "last words\n");
}
