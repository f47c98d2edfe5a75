//! A full disk of its own is survived: nothing half-written, and it goes on, and says so, when there is space again.

use std::{
    fs,
    process::{Child, Command, Stdio},
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::{
    kit::{Output, PATIENCE, Site, ended, finish, until},
    server_history::{shown, skipped},
};

/// A server whose data folder is a small disk that only it, and who enters its namespace, sees.
struct Small<'s> {
    site: &'s Site,
    child: Child,
}

impl Drop for Small<'_> {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const BINARY: &str = env!("CARGO_BIN_EXE_seaworthy");

impl Small<'_> {
    fn begin(site: &Site) -> Result<Small<'_>, String> {
        fs::create_dir_all(site.data()).map_err(|error| error.to_string())?;
        let log = fs::File::create(site.aside("server.log")).map_err(|error| error.to_string())?;
        let mut command = within(site, "unshare", &["-m", "--propagation", "private", "sh", "-c"]);
        command
            .arg("mount -t tmpfs -o size=16m none \"$1\" && shift && exec \"$@\"")
            .args(["sh", &shown(&site.data())]);
        command.args([BINARY, "up", "--listen", "127.0.0.1:0"]).stdout(Stdio::null()).stderr(log);
        let mut child = command.spawn().map_err(|error| error.to_string())?;
        until("it is up, or cannot be", || {
            let gone = child.try_wait().unwrap().is_some();
            (gone || site.json(&["run", "nobody", "--detach"]).stderr.contains("no process `nobody`")).then_some(())
        });
        match child.try_wait().unwrap() {
            None => Ok(Small { site, child }),
            Some(_) => Err(fs::read_to_string(site.aside("server.log")).unwrap_or_default().replace('\n', " ")),
        }
    }

    /// A program that sees the small disk.
    fn inside(&self, args: &[&str]) -> Output {
        let pid = self.child.id().to_string();
        let folder = format!("--wdns={}", shown(&self.site.folder));
        let mut command = within(self.site, "nsenter", &["-t", &pid, "-m", &folder, "--"]);
        command.args(args);
        finish(command)
    }

    fn log(&self) -> String {
        fs::read_to_string(self.site.aside("server.log")).unwrap_or_default()
    }

    fn entries(&self) -> Vec<Value> {
        let said = self.inside(&[BINARY, "journal", "--limit", "1000000", "--json"]);
        said.json["entries"].as_array().unwrap_or_else(|| panic!("{said:?}")).clone()
    }

    fn count(&self, kind: &str) -> usize {
        self.entries().iter().filter(|entry| entry["type"] == kind).count()
    }
}

/// Another program with the environment of the site's verbs.
fn within(site: &Site, program: &str, args: &[&str]) -> Command {
    let like = site.command(&[]);
    let mut command = Command::new(program);
    command.args(args).current_dir(&site.folder).env_clear();
    command.envs(like.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

#[test]
fn a_full_disk_is_survived_and_told_and_nothing_is_lost() {
    let site = Site::new();
    site.process(
        "tick",
        "schedule: { every: 1s, missed: all, overlap: allow }\nsteps:\n  - { id: one, run: echo tick }\n",
    );
    // In the site's folder, which is not full: it counts what really ran.
    site.process(
        "slow",
        "steps:\n  - id: wait\n    run: while [ ! -e go ]; do sleep 0.05; done; echo $SEAWORTHY_ATTEMPT >> ran\n",
    );
    let mut small = match Small::begin(&site) {
        Ok(small) => small,
        Err(reason) => return skipped("a_full_disk_is_survived_and_told_and_nothing_is_lost", &reason),
    };
    until("it works", || (small.count("run_ended") > 1).then_some(()));
    let run = site.json(&["run", "slow", "--detach"]);
    let run = run.json["run_id"].as_str().unwrap_or_else(|| panic!("{run:?}")).to_owned();
    until("its step runs", || {
        small.entries().iter().any(|e| e["type"] == "attempt_started" && e["body"]["step"] == "wait").then_some(())
    });
    let ballast = shown(&site.data().join("ballast"));
    let filled = small.inside(&["dd", "if=/dev/zero", &format!("of={ballast}"), "bs=4k"]);
    assert!(filled.stderr.contains("No space left"), "{filled:?}");
    until("it says so", || small.log().contains("no space is left").then_some(()));
    site.write("go", "");
    until("the command has ended meanwhile", || (site.read("ran") == "1\n").then_some(()));
    let refused = site.json(&["run", "tick", "--detach"]);
    assert_eq!(refused.code, 2, "what cannot be recorded is not accepted: {refused:?}");
    assert!(refused.stderr.contains("no space is left"), "{refused:?}");
    assert!(small.child.try_wait().unwrap().is_none(), "it lives: {}", small.log());
    let whole = small.inside(&[BINARY, "audit", "verify", "--json"]);
    assert_eq!(whole.code, 0, "nothing half-written: {whole:?}");
    let before = small.count("run_ended");

    assert_eq!(small.inside(&["rm", &ballast]).code, 0);
    until("it goes on", || (small.count("run_ended") > before + 1).then_some(()));
    until("the trouble is an entry", || (small.count("storage_trouble") > 0).then_some(()));
    assert!(small.log().contains("takes entries again"), "{}", small.log());
    let name = format!("run/{run}");
    let end = until("the run that was under way ends", || {
        small.entries().into_iter().find(|e| e["stream"] == name.as_str() && e["type"] == "run_ended")
    });
    assert_eq!((&end["body"]["executed"], site.read("ran").as_str()), (&Value::from("ok"), "1\n"), "{end}");
    until("no occurrence is without a record", || {
        let entries = small.entries();
        let of_tick = |e: &&Value| e["stream"] == "schedule/tick" && e["body"]["nominal"].is_i64();
        let mut nominals: Vec<i64> =
            entries.iter().filter(of_tick).map(|e| e["body"]["nominal"].as_i64().unwrap()).collect();
        nominals.sort_unstable();
        nominals.dedup();
        nominals.windows(2).all(|pair| pair[1] - pair[0] == 1_000_000_000).then_some(())
    });
    assert_eq!(small.inside(&[BINARY, "audit", "verify", "--json"]).code, 0);
    kill_process(Pid::from_child(&small.child), Signal::TERM).unwrap();
    let status = ended(&mut small.child, PATIENCE).expect("it stops");
    assert_eq!(status.code(), Some(0), "{}", small.log());
}
