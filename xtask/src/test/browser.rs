//! The browser suite: starts the demo, gives its address to e2e/run.mjs, reads `ok`, `not ok` and `SKIPPED` lines.
//!
//! Knows how to start and end both. Must not know what is looked at; that is in e2e/.

use std::{
    fs,
    process::{Child, Command, Stdio},
    sync::mpsc::RecvTimeoutError,
    time::{Duration, Instant},
};

use super::{Outcome, Suite, Wanted, skipped, tail};
use crate::{Place, parts, parts::Ready, shell};

/// Longest wait for the demo's address.
const ADDRESS_LIMIT: Duration = Duration::from_secs(60);

/// Longest time for all pages in the browser.
const PAGES_LIMIT: Duration = Duration::from_secs(600);

/// Longest time for fetching the two packages.
const PACKAGES_LIMIT: Duration = Duration::from_secs(180);

/// Runs the suite, or says why it cannot.
pub fn suite(place: &Place, wanted: &Wanted, ready: &Ready) -> Suite {
    let started = Instant::now();
    for part in ["Chromium", "Node 20", "npm"] {
        if let Some(reason) = ready.lacks(part) {
            return skipped("browser", &format!("{part} is missing: {reason}"));
        }
    }
    let mut outcomes = Vec::new();
    if let Err(outcome) = packages(place).and_then(|()| {
        outcomes.extend(node(place, "self-test.mjs", if wanted.long { &[] } else { &["--short"] }, ""));
        looked_at(place, &mut outcomes)
    }) {
        outcomes.push(outcome);
    }
    Suite { name: "browser".into(), seconds: started.elapsed().as_secs_f64(), outcomes }
}

fn failed(what: &str, why: String) -> Outcome {
    Outcome::Failed(what.into(), why)
}

fn looked_at(place: &Place, outcomes: &mut Vec<Outcome>) -> Result<(), Outcome> {
    let binary = place.target.join("debug/seaworthy");
    let help = Command::new(&binary).arg("--help").output();
    let help = help.map_err(|e| failed("demo", format!("could not run {}: {e}", binary.display())))?;
    if !String::from_utf8_lossy(&help.stdout).contains("demo") {
        return Err(Outcome::Skipped("pages".into(), "this build of seaworthy has no verb `demo`".into()));
    }
    let mut demo = Demo::start(place, &binary)?;
    outcomes.extend(node(place, "run.mjs", &[], &demo.address));
    demo.end()?;
    outcomes.extend(node(place, "door.mjs", &[&binary.display().to_string()], ""));
    Ok(())
}

/// Brings playwright-core and axe-core, exactly as locked.
fn packages(place: &Place) -> Result<(), Outcome> {
    let folder = place.root.join("e2e");
    let log = place.logs.join("npm.log");
    let mut command = Command::new("npm");
    command.args(["ci", "--no-audit", "--no-fund", "--ignore-scripts"]).current_dir(&folder);
    let ran = shell::run(&mut command, &log, PACKAGES_LIMIT);
    if ran.ok { Ok(()) } else { Err(failed("npm ci", tail(&ran, &log))) }
}

/// A running demo. Ended when dropped, whatever happened.
struct Demo {
    child: Child,
    address: String,
    folder: std::path::PathBuf,
}

impl Demo {
    fn start(place: &Place, binary: &std::path::Path) -> Result<Demo, Outcome> {
        let folder = std::env::temp_dir().join(format!("seaworthy-e2e-{}", std::process::id()));
        let error = |e: std::io::Error| failed("demo", format!("could not start the demo: {e}"));
        fs::create_dir_all(&folder).map_err(error)?;
        let log = fs::File::create(place.logs.join("demo.log")).map_err(error)?;
        let mut command = Command::new(binary);
        // The demo makes its site in a temporary folder; ours, so that we can remove it.
        command.arg("demo").current_dir(&folder).env("TMPDIR", &folder);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log);
        let mut child = command.spawn().map_err(error)?;
        let lines = shell::read_in_background(child.stdout.take().expect("standard output was piped"));
        let mut demo = Demo { child, address: String::new(), folder };
        let until = Instant::now() + ADDRESS_LIMIT;
        let mut how = format!("within {} s", ADDRESS_LIMIT.as_secs());
        while Instant::now() < until {
            match lines.recv_timeout(Duration::from_millis(100)) {
                Ok(line) => {
                    if let Some(address) = address(&line) {
                        demo.address = address;
                        // Keep reading, or the demo stops at a full pipe.
                        std::thread::spawn(move || lines.iter().for_each(drop));
                        return Ok(demo);
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    how = "before it ended".into();
                    break;
                }
            }
        }
        let log = fs::read_to_string(place.logs.join("demo.log")).unwrap_or_default();
        Err(failed("demo", format!("the demo printed no address {how}\n{log}")))
    }

    /// Asks it to end; a demo that does not end by itself, or not well, is a failure.
    fn end(&mut self) -> Result<(), Outcome> {
        let status = shell::end(&mut self.child);
        match status {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(failed("demo", format!("after SIGTERM the demo ended with {status}, not with 0"))),
            Err(e) => Err(failed("demo", format!("could not wait for the demo: {e}"))),
        }
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = shell::end(&mut self.child);
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// The first loopback address of a line, with one slash at its end.
fn address(line: &str) -> Option<String> {
    let at = line.find("http://127.0.0.1:")?;
    let rest = &line[at..];
    let end = rest.find(|c: char| c.is_whitespace() || "\"'<>,\u{1b}".contains(c)).unwrap_or(rest.len());
    Some(format!("{}/", rest[..end].trim_end_matches('/')))
}

/// Runs a script of e2e/ and reads what it says.
fn node(place: &Place, script: &str, args: &[&str], address: &str) -> Vec<Outcome> {
    let log = place.logs.join(format!("browser-{script}.log"));
    let mut command = Command::new("node");
    command.arg(script).args(args).current_dir(place.root.join("e2e"));
    command.env("SEAWORTHY_URL", address).env("SEAWORTHY_SCREENSHOTS", place.target.join("e2e"));
    command.envs(parts::browser().map(|path| ("SEAWORTHY_BROWSER", path)));
    let ran = shell::run(&mut command, &log, PAGES_LIMIT);
    let mut outcomes: Vec<Outcome> = ran.lines.iter().filter_map(|line| read(line)).collect();
    if !ran.ok && !outcomes.iter().any(|outcome| matches!(outcome, Outcome::Failed(..))) {
        outcomes.push(failed(script, tail(&ran, &log)));
    }
    if outcomes.is_empty() {
        outcomes.push(failed(script, "it looked at nothing".into()));
    }
    outcomes
}

/// `ok NAME`, `not ok NAME: why`, `SKIPPED: NAME: why`.
fn read(line: &str) -> Option<Outcome> {
    let two = |rest: &str| match rest.split_once(": ") {
        Some((what, why)) => (what.to_string(), why.to_string()),
        None => (rest.to_string(), String::new()),
    };
    if let Some(rest) = line.strip_prefix("ok ") {
        Some(Outcome::Passed(rest.into()))
    } else if let Some(rest) = line.strip_prefix("not ok ") {
        let (what, why) = two(rest);
        Some(Outcome::Failed(what, why))
    } else {
        let (what, why) = two(line.strip_prefix("SKIPPED: ")?);
        Some(Outcome::Skipped(what, why))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_found_in_whatever_the_demo_says_around_it() {
        for line in [
            "Open http://127.0.0.1:4711/ in a browser",
            "{\"url\":\"http://127.0.0.1:4711/\"}",
            "http://127.0.0.1:4711",
            "\u{1b}[1mhttp://127.0.0.1:4711/\u{1b}[0m",
        ] {
            assert_eq!(address(line).as_deref(), Some("http://127.0.0.1:4711/"), "{line}");
        }
        assert_eq!(address("starting"), None);
    }

    #[test]
    fn lines_of_the_runner_are_outcomes() {
        assert_eq!(read("ok overview"), Some(Outcome::Passed("overview".into())));
        assert_eq!(read("not ok run: a: b"), Some(Outcome::Failed("run".into(), "a: b".into())));
        assert_eq!(read("SKIPPED: sse: no run"), Some(Outcome::Skipped("sse".into(), "no run".into())));
        assert_eq!(read("anything"), None);
    }
}
