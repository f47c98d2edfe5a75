//! The real parts that tests start: PostgreSQL, a browser, a mail server. Installs what is missing, or says what to do.
//!
//! Knows packages of Debian. Must not know which test uses what.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use crate::{Place, shell};

/// Longest time for one call of a package manager.
const INSTALL_LIMIT: Duration = Duration::from_secs(480);

/// From the Python package index: the mail server of the tests, and the oracle of schedules with its zone data.
const PYTHON: Venv = Venv {
    folder: "venv",
    packages: &["aiosmtpd==1.4.6", "cronsim==2.8", "tzdata==2026.6"],
    imports: "aiosmtpd, cronsim, tzdata",
};
/// What sends to the API what nobody thought of.
const FUZZ: Venv = Venv { folder: "fuzz", packages: &["schemathesis==4.32.5"], imports: "schemathesis" };

/// While this file is there, packages do not start their daemons.
const POLICY: &str = "/usr/sbin/policy-rc.d";

/// What is looked for, the package that brings it, and what cannot be tested without it.
struct Part {
    name: &'static str,
    there: fn() -> bool,
    package: &'static str,
    needed_by: &'static str,
}

static PARTS: &[Part] = &[
    Part { name: "PostgreSQL", there: postgres, package: "postgresql", needed_by: "the PostgreSQL path" },
    Part {
        name: "sqlite3",
        there: || shell::exists("sqlite3"),
        package: "sqlite3",
        needed_by: "examples/sqlite-backup",
    },
    Part { name: "git", there: || shell::exists("git"), package: "git", needed_by: "sites in a branch" },
    Part { name: "Chromium", there: chromium, package: "chromium", needed_by: "the browser suite" },
    Part { name: "Node 20", there: node, package: "nodejs", needed_by: "the browser suite" },
    Part { name: "npm", there: || shell::exists("npm"), package: "npm", needed_by: "the browser suite" },
    Part { name: "Python venv", there: venv_module, package: "python3-venv", needed_by: "mail tests, cronsim" },
    Part {
        name: "setpriv",
        there: || shell::exists("setpriv"),
        package: "util-linux",
        needed_by: "tests as another user",
    },
    Part {
        name: "systemd-analyze",
        there: || shell::exists("systemd-analyze"),
        package: "systemd",
        needed_by: "calendars as systemd reads them",
    },
    Part {
        name: "systemd-nspawn",
        there: || shell::exists("systemd-nspawn"),
        package: "systemd-container",
        needed_by: "the units under a booted systemd",
    },
    Part {
        name: "MariaDB",
        there: || Path::new("/usr/sbin/mariadbd").is_file() && shell::exists("mariadb-dump"),
        package: "mariadb-server",
        needed_by: "the pack mysql",
    },
    Part { name: "restic", there: || shell::exists("restic"), package: "restic", needed_by: "the pack files-restic" },
    Part { name: "borg", there: || shell::exists("borg"), package: "borgbackup", needed_by: "the pack files-borg" },
    Part { name: "curl", there: || shell::exists("curl"), package: "curl", needed_by: "pings" },
    Part { name: "openssl", there: || shell::exists("openssl"), package: "openssl", needed_by: "the pack certificate" },
    Part {
        name: "logrotate",
        there: || Path::new("/usr/sbin/logrotate").is_file(),
        package: "logrotate",
        needed_by: "the pack log-rotation",
    },
    Part { name: "faketime", there: faketime, package: "faketime", needed_by: "clocks that are set" },
];

/// What is there now, and why the rest is not.
#[derive(Default)]
pub struct Ready {
    /// Name, what needs it, and the reason in a sentence.
    pub missing: Vec<(&'static str, &'static str, String)>,
    /// What was installed on the way.
    pub installed: Vec<&'static str>,
}

impl Ready {
    /// Why a part is not there, if it is not.
    pub fn lacks(&self, name: &str) -> Option<&str> {
        self.missing.iter().find(|(part, ..)| *part == name).map(|(_, _, reason)| reason.as_str())
    }

    /// Prints what happened, in one line per kind. Returns whether everything is there.
    pub fn report(&self) -> bool {
        if !self.installed.is_empty() {
            println!("parts: installed {}", self.installed.join(" "));
        }
        for (name, needed_by, reason) in &self.missing {
            println!("parts: {name} is missing, needed by {needed_by}: {reason}");
        }
        if self.missing.is_empty() {
            println!("parts: all there");
        }
        self.missing.is_empty()
    }
}

/// Makes the parts ready. May be called again at any time.
pub fn ready(place: &Place) -> Ready {
    let mut ready = Ready::default();
    let absent: Vec<&Part> = PARTS.iter().filter(|part| !(part.there)()).collect();
    let packages: Vec<&'static str> = absent.iter().map(|part| part.package).collect();
    let reason = if absent.is_empty() { String::new() } else { install(place, &packages) };
    for part in absent {
        if (part.there)() {
            ready.installed.push(part.package);
        } else {
            ready.missing.push((part.name, part.needed_by, reason.clone()));
        }
    }
    if let Err(reason) = python(place, &PYTHON) {
        ready.missing.push(("aiosmtpd, cronsim", "mail tests, schedules against cronsim", reason));
    }
    if let Err(reason) = python(place, &FUZZ) {
        ready.missing.push(("schemathesis", "the API against its own document", reason));
    }
    ready
}

fn postgres() -> bool {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    shell::exists("postgres") || versions.into_iter().any(|version| version.path().join("bin/postgres").is_file())
}

fn faketime() -> bool {
    let folders = fs::read_dir("/usr/lib").into_iter().flatten().flatten();
    folders.into_iter().any(|folder| folder.path().join("faketime/libfaketime.so.1").is_file())
}

/// Where Chromium is.
pub fn browser() -> Option<PathBuf> {
    let names = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
    names.iter().map(PathBuf::from).find(|path| path.is_file())
}

fn chromium() -> bool {
    browser().is_some()
}

/// playwright-core names Node 20 as its oldest.
fn node() -> bool {
    let version = Command::new("node").arg("--version").output().map(|output| output.stdout).unwrap_or_default();
    let version = String::from_utf8_lossy(&version).into_owned();
    let major = version.trim().trim_start_matches('v').split('.').next().and_then(|number| number.parse::<u32>().ok());
    major.is_some_and(|major| major >= 20)
}

fn venv_module() -> bool {
    quiet(Command::new("python3").args(["-c", "import venv, ensurepip"]))
}

fn quiet(command: &mut Command) -> bool {
    command.output().is_ok_and(|output| output.status.success())
}

/// Installs with the system's package manager; the sentence says why something may still be missing.
fn install(place: &Place, packages: &[&str]) -> String {
    let by_hand =
        format!("run `apt-get install {}` as root, or install the same with your package manager", packages.join(" "));
    if !shell::exists("apt-get") || !is_root() {
        return by_hand;
    }
    println!("parts: installing {}", packages.join(" "));
    let policy = hold_daemons();
    let log = place.logs.join("parts.log");
    let first = apt(&["install"], packages, &log);
    // Lists may be absent or old on a fresh machine: once more with new ones.
    let ok =
        first || (apt(&["update"], &[], &place.logs.join("parts-update.log")) && apt(&["install"], packages, &log));
    if policy {
        let _ = fs::remove_file(POLICY);
    }
    if ok {
        "the package is installed, but it is too old or not where it was expected".into()
    } else {
        let last = fs::read_to_string(&log).unwrap_or_default().lines().last().unwrap_or("no output").to_string();
        format!("`apt-get install` failed ({last}); {by_hand}")
    }
}

fn apt(verb: &[&str], packages: &[&str], log: &Path) -> bool {
    let mut command = Command::new("apt-get");
    command.env("DEBIAN_FRONTEND", "noninteractive").args(["-o", "DPkg::Lock::Timeout=120", "-y", "-q"]).args(verb);
    if !packages.is_empty() {
        command.arg("--no-install-recommends").args(packages);
    }
    shell::run(&mut command, log, INSTALL_LIMIT).ok
}

/// Keeps packages from starting their daemons. Returns whether the file is ours to remove.
fn hold_daemons() -> bool {
    let policy = Path::new(POLICY);
    !policy.exists()
        && fs::write(policy, "#!/bin/sh\nexit 101\n").is_ok()
        && fs::set_permissions(policy, fs::Permissions::from_mode(0o755)).is_ok()
}

fn is_root() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let uids = status.lines().find_map(|line| line.strip_prefix("Uid:"));
    uids.and_then(|uids| uids.split_whitespace().nth(1)) == Some("0")
}

/// A Python environment, where the tests look for it too.
struct Venv {
    folder: &'static str,
    packages: &'static [&'static str],
    imports: &'static str,
}

fn python(place: &Place, wanted: &Venv) -> Result<(), String> {
    let venv = place.parts.join(wanted.folder);
    let python = venv.join("bin/python");
    let works = || quiet(Command::new(&python).args(["-c", &format!("import {}", wanted.imports)]));
    if works() {
        return Ok(());
    }
    if !venv_module() {
        return Err("python3 with venv is not there".into());
    }
    let mut make = Command::new("python3");
    make.args(["-m", "venv", "--clear"]).arg(&venv);
    let mut pip = Command::new(&python);
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]).args(wanted.packages);
    for (command, what) in [(&mut make, "make"), (&mut pip, "pip")] {
        let log = format!("parts-{}-{what}.log", wanted.folder);
        let ran = shell::run(command, &place.logs.join(log), INSTALL_LIMIT);
        if !ran.ok {
            let last = ran.remark.or(ran.lines.last().cloned()).unwrap_or_default();
            return Err(format!("could not make {} with {}: {last}", venv.display(), wanted.packages.join(", ")));
        }
    }
    if works() { Ok(()) } else { Err(format!("{} cannot be imported although installed", wanted.packages.join(", "))) }
}
