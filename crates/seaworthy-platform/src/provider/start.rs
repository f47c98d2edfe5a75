//! Making the first process of a command: program, folder, environment from nothing, own session.
//!
//! Must not know what happens to it afterwards.

use std::{
    env,
    fs::File,
    io::{self, Write as _},
    os::unix::process::CommandExt as _,
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use rustix::{fs::Mode, process::umask};
use seaworthy_model::{port::Order, process::Line};

/// How much sooner the kernel takes a command than us when memory runs out.
const OOM_SCORE_ABOVE_OURS: i32 = 200;
/// The kernel's largest score.
const OOM_SCORE_MAX: i32 = 1000;
/// Names that a command gets from our own environment, with the value if we have none.
const BASE: [(&str, Option<&str>); 5] = [
    ("PATH", Some("/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")),
    ("HOME", Some("/")),
    ("LANG", Some("C.UTF-8")),
    ("TZ", None),
    ("TMPDIR", None),
];

/// What a command gets besides its order.
pub(super) struct Extras {
    /// `NAME=value` by which its processes are found.
    pub(super) marker: String,
    /// Names of secrets and the files that hold them.
    pub(super) secret_files: Vec<(String, PathBuf)>,
    /// Entrance to its cgroup.
    pub(super) entrance: Option<File>,
}

/// Base names of the environment of every command, from our own.
pub(crate) fn base() -> Vec<(&'static str, std::ffi::OsString)> {
    let value = |name: &str, otherwise: Option<&str>| env::var_os(name).or_else(|| otherwise.map(Into::into));
    BASE.iter().filter_map(|(name, otherwise)| Some((*name, value(name, *otherwise)?))).collect()
}

/// Program and arguments.
pub(crate) fn words(line: &Line) -> Vec<String> {
    match line {
        Line::Shell { script, shell } if shell.is_empty() => vec!["sh".into(), "-c".into(), script.clone()],
        Line::Shell { script, shell } => shell.iter().chain([script]).cloned().collect(),
        Line::Args(words) => words.clone(),
    }
}

/// Starts it. `Err` is a sentence that says what was tried and what to do next.
pub(super) fn start(order: &Order, extras: Extras) -> Result<Child, String> {
    let words = words(&order.command.line);
    let Some((program, arguments)) = words.split_first() else {
        return Err("the command is empty: write a program to start".into());
    };
    let mut command = Command::new(program);
    command.args(arguments).current_dir(&order.folder).env_clear().envs(base());
    command.env("WORKDIR", &order.workdir).envs(order.env.iter().map(|(name, value)| (name, value)));
    for (secret, (name, file)) in order.secrets.iter().zip(&extras.secret_files) {
        command.env(name, &secret.value).env(format!("{name}_FILE"), file);
    }
    if let Some((name, value)) = extras.marker.split_once('=') {
        command.env(name, value);
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let score = oom_score().to_string();
    let entrance = extras.entrance;
    let prepare = move || -> io::Result<()> {
        rustix::process::setsid()?;
        umask(Mode::from_raw_mode(0o077));
        // Refused by some containers; then the command has our own score, which is no reason not to run it.
        let flags = rustix::fs::OFlags::WRONLY | rustix::fs::OFlags::CLOEXEC;
        if let Ok(file) = rustix::fs::open(c"/proc/self/oom_score_adj", flags, Mode::empty()) {
            let _ = rustix::io::write(&file, score.as_bytes());
        }
        if let Some(mut group) = entrance.as_ref() {
            group.write_all(b"0")?;
        }
        Ok(())
    };
    // SAFETY: between fork and exec only async-signal-safe calls are allowed. `prepare` makes plain system calls
    // (setsid, umask, open, write, close) on values that were made before the fork; it allocates nothing, takes
    // no lock, and an `io::Error` made from an error number allocates nothing either.
    unsafe {
        command.pre_exec(prepare);
    }
    command.spawn().map_err(|error| not_started(order, program, &error))
}

fn oom_score() -> i32 {
    let own = std::fs::read_to_string("/proc/self/oom_score_adj").ok().and_then(|text| text.trim().parse().ok());
    (own.unwrap_or(0) + OOM_SCORE_ABOVE_OURS).min(OOM_SCORE_MAX)
}

fn not_started(order: &Order, program: &str, error: &io::Error) -> String {
    let folder = order.folder.display();
    if let Err(missing) = std::fs::read_dir(&order.folder) {
        return format!("the command could not be started in the folder `{folder}` ({missing}): make it, or allow it");
    }
    match error.kind() {
        io::ErrorKind::NotFound => {
            format!("`{program}`: command not found; install it, or write its full path (looked for from `{folder}`)")
        }
        io::ErrorKind::PermissionDenied if !program.contains('/') => {
            format!("`{program}`: command not found, or not to be executed by us, in the folders of PATH ({error})")
        }
        io::ErrorKind::PermissionDenied => {
            format!("`{program}` may not be executed ({error}): check its mode (chmod +x) and its first line")
        }
        io::ErrorKind::ArgumentListTooLong => {
            format!("`{program}` could not be started: arguments and environment together are too long for the kernel")
        }
        io::ErrorKind::InvalidInput => {
            format!("`{program}` could not be started: an argument, a variable or a secret holds a NUL byte")
        }
        _ => format!("`{program}` could not be started in `{folder}`: {error}"),
    }
}
