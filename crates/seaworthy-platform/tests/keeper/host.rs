//! What a command gets from the host, and what the host can do to a keeper.

use crate::world::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_keeper_that_cannot_be_started_runs_nothing_and_says_so() {
    let world = World::new("none");
    let mut launch = launch(&world.0, PROTOCOL);
    launch.program = world.0.join("no-such-keeper");
    let local = Local::new(world.0.clone(), launch);
    let acted = local.act(&order(&world.0, "touch effect")).await;
    assert_eq!((acted.outcome, acted.empty), (Outcome::NotDone, Some(true)), "{acted:?}");
    let reason = acted.reason.unwrap_or_default();
    assert!(
        reason.contains("the keeper of commands could not be started") && reason.contains("nothing was run"),
        "{reason}"
    );
    assert!(!world.0.join("effect").exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn limits_are_in_force_before_the_first_instruction() {
    let world = World::new("limits");
    let script = "ulimit -n; ulimit -t; ulimit -v; ulimit -f; head -c 3000000 /dev/zero > big; echo $?";
    let mut order = order(&world.0, script);
    order.limits = Limits {
        memory: Some(512 * 1024 * 1024),
        cpu_time: Some(Span::seconds(7)),
        open_files: Some(33),
        file_size: Some(1024 * 1024),
        processes: None,
    };
    let acted = world.local().act(&order).await;
    let (said, _) = world.output(&order.output).await;
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(&lines[..3], ["33", "7", "524288"], "{acted:?}");
    assert_eq!(fs::metadata(world.0.join("big")).expect("begun").len(), 1024 * 1024);
    order.output.attempt = 2;
    order.limits = Limits::default();
    order.deed = crate::world::order(&world.0, "ulimit -n").deed;
    world.local().act(&order).await;
    let own = rustix::process::getrlimit(rustix::process::Resource::Nofile).current.map(|n| n.to_string());
    assert_eq!(
        world.output(&order.output).await.0.trim(),
        own.unwrap_or("unlimited".into()),
        "the keeper's own is higher"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_script_without_a_first_line_is_for_the_shell() {
    use std::os::unix::fs::PermissionsExt as _;
    let world = World::new("script");
    fs::write(world.0.join("plain"), "echo \"for $1\"\n").expect("writable");
    fs::set_permissions(world.0.join("plain"), fs::Permissions::from_mode(0o755)).expect("ours");
    let mut order = order(&world.0, "");
    order.deed = Deed::Run(Script { line: Line::Args(vec!["./plain".into(), "me".into()]) });
    assert_eq!(world.local().act(&order).await.outcome, Outcome::Done);
    assert_eq!(world.output(&order.output).await.0, "for me\n");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_full_disk_loses_output_but_not_the_command() {
    const BYTES: usize = 3_000_000;
    let world = World::new("full");
    let disk = world.0.join("disk");
    fs::create_dir(&disk).expect("writable");
    let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=400k", "tmpfs"]).arg(&disk).status();
    if !mounted.is_ok_and(|status| status.success()) {
        println!("SKIPPED: full disk: no tmpfs can be mounted here");
        return;
    }
    let full = World(disk.clone());
    let script = format!("head -c {BYTES} /dev/zero; echo last words >&2; echo effect > ../effect");
    let acted: Acted = full.local().act(&order(&disk, &script)).await;
    // It is told of the end however full the disk is; then the keeper ends with its folder.
    drop(full);
    until("the keeper has ended", || Command::new("umount").arg(&disk).status().is_ok_and(|status| status.success()));
    assert_eq!((acted.outcome, acted.exit, acted.empty), (Outcome::Done, Some(0), Some(true)), "{acted:?}");
    assert!(world.0.join("effect").exists());
    assert_eq!(acted.stdout.bytes, BYTES as u64);
    assert!(acted.stdout.dropped > 2_500_000, "{acted:?}");
    assert_eq!(acted.stdout.sha256, hex(&Sha256::digest(vec![0; BYTES])));
    assert_eq!(acted.stderr.last, "last words\n");
}

/// A cgroup of version 2 that is given to the keeper as systemd gives one.
struct Delegated(PathBuf);

impl Delegated {
    fn new(name: &str) -> Option<Delegated> {
        let mounts = fs::read_to_string("/proc/mounts").ok()?;
        let mount = mounts.lines().find(|line| line.split(' ').nth(2) == Some("cgroup2"))?.split(' ').nth(1)?;
        let path = Path::new(mount).join(format!("seaworthy-test-{}-{name}", std::process::id()));
        fs::create_dir(&path).ok()?;
        let made = Delegated(path);
        let flags = rustix::fs::XattrFlags::empty();
        rustix::fs::setxattr(&made.0, "trusted.delegate", b"1", flags).ok()?;
        made.0.join("cgroup.kill").exists().then_some(made)
    }

    /// A keeper that begins in it.
    fn local(&self, data: &Path) -> Local {
        let inner = launch(data, PROTOCOL);
        let script = "echo 0 > \"$0\" && exec \"$@\"";
        let words = ["-c".into(), script.into(), self.0.join("cgroup.procs").into_os_string()].into_iter();
        let words = words.chain([inner.program.clone().into_os_string()]).chain(inner.words.clone()).collect();
        Local::new(data.to_owned(), Launch { program: "/bin/sh".into(), words, ..inner }).with_grace(GRACE)
    }
}

impl Drop for Delegated {
    fn drop(&mut self) {
        let _ = fs::write(self.0.join("cgroup.kill"), "1");
        let end = Instant::now() + Duration::from_secs(5);
        while fs::remove_dir(&self.0).is_err() && Instant::now() < end {
            std::thread::yield_now();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_cgroup_holds_even_what_hides_its_marks_also_from_the_next_keeper() {
    let world = World::new("cgroup");
    let Some(group) = Delegated::new("hides") else {
        println!("SKIPPED: cgroup: none of version 2 can be made and marked here");
        return;
    };
    let local = group.local(&world.0);
    let script = "setsid env -i sh -c '(sleep 300 &); echo $$ > pid; exec sleep 300' & while [ ! -s pid ]; do :; done";
    let acted = local.act(&order(&world.0, script)).await;
    assert_eq!(
        (acted.outcome, acted.empty, acted.held_by.as_str()),
        (Outcome::Done, Some(true), "cgroup"),
        "{acted:?}"
    );
    assert!(!living(world.number("pid")));
    fs::remove_file(world.0.join("pid")).expect("it was written");
    let mut second = order(&world.0, &format!("{script}; sleep 300"));
    second.output.attempt = 2;
    let pid = begun(&world, &local, &second).await;
    tell(world.keeper().expect("it lives"), Signal::KILL);
    let acted = local.adopt(&second.output).await.expect("that it began is on record");
    assert_eq!((acted.outcome, acted.empty), (Outcome::Unknown, Some(true)), "{acted:?}");
    assert!(!living(pid), "found by the cgroup alone");
}
