//! Under a booted systemd: the units of `contrib/`, and the keeper in a scope of its own where they are not used.
//!
//! The machine is a container with a root of its own below the temporary folder; of this host it sees `/usr`, and cannot
//! write there. A script drives it from inside and leaves what it saw in a folder that both see.

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::kit::ended;

/// Boot, script and shutdown together; it takes about four seconds.
const WITHIN: Duration = Duration::from_secs(80);

/// Holds on to its command until it is let go, and leaves something that has slipped away from its session.
const SITE: &str = "process: backup
steps:
  - id: dump
    effect: once
    run: |
      setsid sleep 1000 & echo $! > /own/stray
      cat /proc/self/cgroup > /own/cgroup
      echo $$ > /own/begun
      while [ ! -e /own/go ]; do sleep 0.02; done
      echo paid >> /own/effect
verify:
  - { command: cat /own/effect, expect: 'stdout.contains(\"paid\")' }
";

/// What every script begins with. `within` looks until something is so, for half a minute.
const HEAD: &str = r#"
exec > /test/said 2>&1
touch /test/booted
set -ex
within() { n=0; until "$@"; do n=$((n+1)); test $n -lt 600; sleep 0.05; done; }
sw() { seaworthy "$@" -C /etc/seaworthy --data "$DATA" --json; }
ended() { sw journal > /test/journal; grep -q '"run_ended"' /test/journal; }
gone() { ! kill -0 "$1" 2>/dev/null; }
mkdir /own; chmod 777 /own
"#;

struct Machine {
    folder: PathBuf,
    name: String,
    groups: Vec<PathBuf>,
    child: Option<Child>,
}

impl Machine {
    /// Boots, carries out the script and goes down. `None`: this host cannot boot one, and that was said.
    fn run(name: &str, script: &str) -> Option<Machine> {
        let skipped = |why: &str| {
            println!("SKIPPED: booted systemd: {why}");
            None
        };
        if !rustix::process::geteuid().is_root() {
            return skipped("only root can boot one");
        }
        let nspawn =
            ["/usr/bin/systemd-nspawn", "/bin/systemd-nspawn"].into_iter().find(|file| Path::new(file).exists());
        let Some(nspawn) = nspawn else {
            return skipped("systemd-nspawn is not installed (package systemd-container)");
        };
        let name = format!("seaworthy-{name}-{}", std::process::id());
        let folder = std::env::temp_dir().join(&name);
        let mut machine = Machine { folder, name, groups: vec![], child: None };
        machine.make_root(script);
        // A manager must have groups of its own in each tree that systemd uses; else it would tidy up those of this host.
        for tree in ["/sys/fs/cgroup/systemd", "/sys/fs/cgroup/unified", "/sys/fs/cgroup"].map(Path::new) {
            if tree.join("cgroup.procs").exists() {
                let group = tree.join(&machine.name);
                if let Err(error) = fs::create_dir(&group) {
                    return skipped(&format!("{} cannot be made ({error})", group.display()));
                }
                machine.groups.push(group);
            }
        }
        if machine.groups.is_empty() {
            return skipped("this host has no group of systemd's to put it in");
        }
        machine.boot(nspawn);
        if !machine.folder.join("test/booted").exists() {
            return skipped(&format!("it did not boot: {}", machine.read("log").replace('\n', " ")));
        }
        Some(machine)
    }

    fn make_root(&self, script: &str) {
        let root = self.folder.join("root");
        let write = |file: &str, text: &str| {
            let path = root.join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        for folder in ["usr/lib/systemd", "etc", "var", "run", "tmp", "root", "proc", "sys", "dev", "test"] {
            fs::create_dir_all(root.join(folder)).unwrap();
        }
        for link in ["bin", "sbin", "lib", "lib64"] {
            symlink(format!("usr/{link}"), root.join(link)).unwrap();
        }
        // By this name of a library nspawn knows how new the systemd inside is, and gives it version 2 of cgroups too.
        write("usr/lib/systemd/libsystemd-shared-252.so", "");
        write("etc/os-release", "ID=test\nNAME=test\n");
        // With an id it is no first boot, which would enable whatever is in /usr.
        write("etc/machine-id", "0123456789abcdef0123456789abcdef\n");
        write("etc/passwd", "root:x:0:0::/root:/bin/sh\nseaworthy:x:990:990::/var/lib/seaworthy:/usr/sbin/nologin\n");
        write("etc/group", "root:x:0:\nseaworthy:x:990:\n");
        write("etc/nsswitch.conf", "passwd: files\ngroup: files\n");
        write("etc/seaworthy/seaworthy.yaml", "site: booted\n");
        write("etc/seaworthy/ops/backup.yaml", SITE);
        let contrib = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../contrib");
        for unit in ["seaworthy.service", "seaworthy-keeper.service"] {
            write(&format!("etc/systemd/system/{unit}"), &fs::read_to_string(contrib.join(unit)).unwrap());
        }
        let drive = "[Unit]\nSuccessAction=exit\nFailureAction=exit\n[Service]\nType=oneshot\nExecStart=/bin/sh /test/drive.sh\n";
        write("etc/systemd/system/drive.service", drive);
        let own = self.folder.join("usr/bin/seaworthy");
        fs::create_dir_all(own.parent().unwrap()).unwrap();
        fs::copy(env!("CARGO_BIN_EXE_seaworthy"), own).unwrap();
        fs::create_dir_all(self.folder.join("test")).unwrap();
        fs::write(self.folder.join("test/drive.sh"), format!("{HEAD}{script}")).unwrap();
    }

    fn boot(&mut self, nspawn: &str) {
        let enter: String =
            self.groups.iter().map(|group| format!("echo $$ > {}/cgroup.procs; ", group.display())).collect();
        let folder = self.folder.display();
        let log = fs::File::create(self.folder.join("log")).unwrap();
        let mut command = Command::new("sh");
        command.args(["-c", &format!("{enter} exec \"$@\""), "sh", nspawn, "--quiet", "--register=no", "--keep-unit"]);
        command.args(["--private-network", "--console=pipe", &format!("--machine={}", self.name)]);
        command.args([format!("--directory={folder}/root"), format!("--overlay-ro=/usr:{folder}/usr:/usr")]);
        command.args([format!("--bind={folder}/test:/test"), "--boot".into(), "systemd.unit=drive.service".into()]);
        command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        let child = self.child.insert(command.spawn().unwrap());
        let status = ended(child, WITHIN);
        assert!(status.is_some(), "the machine does not end: {} {}", self.read("log"), self.read("test/said"));
        self.child = None;
    }

    fn read(&self, file: &str) -> String {
        String::from_utf8_lossy(&fs::read(self.folder.join(file)).unwrap_or_default()).into_owned()
    }

    /// What the script left, which it does only if everything in it held.
    fn entries(&self) -> Vec<Value> {
        let journal = self.read("test/journal");
        assert!(self.folder.join("test/done").exists(), "{}", self.read("test/said"));
        let last = journal.lines().last().and_then(|line| serde_json::from_str::<Value>(line).ok());
        last.and_then(|said| said["entries"].as_array().cloned()).unwrap_or_else(|| panic!("{journal}"))
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = kill_process(Pid::from_child(&child), Signal::TERM);
            if ended(&mut child, Duration::from_secs(10)).is_none() {
                let _ = child.kill();
                let _ = child.wait();
            }
        }
        for group in &self.groups {
            remove_groups(group);
        }
        let _ = fs::remove_dir(Path::new("/run/systemd/nspawn/propagate").join(&self.name));
        if std::env::var_os("SEAWORTHY_TEST_KEEP").is_none() {
            let _ = fs::remove_dir_all(&self.folder);
        }
    }
}

/// Those below first; the kernel removes none that is in use.
fn remove_groups(group: &Path) {
    for below in fs::read_dir(group).into_iter().flatten().flatten().map(|entry| entry.path()) {
        if below.is_dir() {
            remove_groups(&below);
        }
    }
    let _ = fs::remove_dir(group);
}

fn of<'e>(entries: &'e [Value], kind: &str) -> Vec<&'e Value> {
    entries.iter().filter(|entry| entry["type"] == kind).map(|entry| &entry["body"]).collect()
}

/// One run that outlived a server, begun once, whole, and held by what systemd gave.
fn outlived(machine: &Machine, unit: &str) {
    let entries = machine.entries();
    assert_eq!((of(&entries, "attempt_started").len(), of(&entries, "run_claimed").len()), (1, 2), "{entries:?}");
    let acted = &of(&entries, "attempt_ended")[0]["acted"];
    assert_eq!((&acted["outcome"], &acted["empty"]), (&"done".into(), &true.into()), "{acted}");
    assert_eq!(of(&entries, "run_ended")[0]["verified"], "yes");
    let group = machine.read("root/own/cgroup");
    let group = group.lines().find_map(|line| line.strip_prefix("0::")).unwrap_or_default();
    assert!(group.contains(unit), "its command was in {group}");
    // A group for each attempt below the unit, if this kernel and this manager give one; else the unit's.
    let held_by = if group.contains("/seaworthy.run_") { "cgroup" } else { "scope" };
    assert_eq!(acted["held_by"], held_by, "the record says how it was held: {group}");
}

#[test]
fn the_units_restart_the_server_under_a_running_command_and_end_commands_in_order() {
    let script = r#"
DATA=/var/lib/seaworthy; export XDG_RUNTIME_DIR=/run
systemctl start seaworthy
within sw run backup --detach
within test -s /own/begun
before=$(systemctl show -P MainPID seaworthy); keeper=$(systemctl show -P MainPID seaworthy-keeper)
systemctl restart seaworthy
test "$before" != "$(systemctl show -P MainPID seaworthy)"
test "$keeper" = "$(systemctl show -P MainPID seaworthy-keeper)"
kill -0 "$(cat /own/begun)"
touch /own/go
within ended
gone "$(cat /own/stray)"
rm /own/go /own/begun
sw run backup --detach
within test -s /own/begun
systemctl stop seaworthy
kill -0 "$(cat /own/begun)"; kill -0 "$(cat /own/stray)"
systemctl stop seaworthy-keeper
gone "$(cat /own/begun)"; gone "$(cat /own/stray)"
test -z "$(systemctl --failed --no-legend)"
touch /test/done
"#;
    let Some(machine) = Machine::run("units", script) else { return };
    outlived(&machine, "/seaworthy-keeper.service");
}

#[test]
fn without_the_unit_the_keeper_has_a_scope_of_its_own_that_outlives_the_servers_unit() {
    let script = r#"
DATA=/var/lib/two; export XDG_RUNTIME_DIR=/run/two; mkdir "$DATA" "$XDG_RUNTIME_DIR"
up() { systemd-run --quiet --unit="$1" --setenv=XDG_RUNTIME_DIR=$XDG_RUNTIME_DIR seaworthy up -C /etc/seaworthy --data $DATA; }
up first
within sw run backup --detach
within test -s /own/begun
systemctl stop first
kill -0 "$(cat /own/begun)"
systemctl list-units --type=scope --no-legend | grep seaworthy-keeper-
up second
touch /own/go
within ended
gone "$(cat /own/stray)"
touch /test/done
"#;
    let Some(machine) = Machine::run("scope", script) else { return };
    outlived(&machine, ".scope");
}
