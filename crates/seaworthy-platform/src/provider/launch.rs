//! Starting the keeper of a data folder, and reaching it.
//!
//! Must not know orders. A keeper gets nothing of our environment: what a command needs comes with its order.

use std::{
    ffi::OsString,
    fs::{File, OpenOptions},
    io::{self, BufRead as _, BufReader},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::{
    held::folder::private,
    keeper::{PROTOCOL, home},
};

/// How long a keeper may take until it can be reached: it looks for what an earlier one left.
const READY_WITHIN: Duration = Duration::from_secs(20);
/// Its log is begun anew when it is larger.
const LOG_BYTES_MAX: u64 = 1024 * 1024;
/// Where a host that is run by systemd says so (sd_booted(3)).
const BOOTED: &str = "/run/systemd/system";

/// How a keeper is started: a program that calls [`crate::keeper::run`].
#[derive(Debug, Clone)]
pub struct Launch {
    pub program: PathBuf,
    pub words: Vec<OsString>,
    /// Its socket without an ending; `.keeper.PROTOCOL` is added.
    pub socket: PathBuf,
}

impl Launch {
    /// The socket of a keeper of this protocol.
    pub fn socket(&self, protocol: u32) -> PathBuf {
        let mut name = self.socket.clone().into_os_string();
        name.push(format!(".keeper.{protocol}"));
        name.into()
    }

    /// Starts the keeper and waits until it, or one who was faster, can be reached. Blocks.
    pub(super) fn start(&self, data: &Path) -> Result<(), String> {
        let name = home::name(PROTOCOL);
        let log = home::folder(data).join(format!("{name}.log"));
        let cannot = |error: &dyn std::fmt::Display| {
            format!("the keeper of commands could not be started ({error}); nothing was run. Look at {}", log.display())
        };
        private(&home::folder(data)).map_err(|error| cannot(&error))?;
        let file = open_log(&log).map_err(|error| cannot(&error))?;
        let first = scope(data, Path::new(BOOTED).exists());
        for words in [first, vec![]].into_iter().take(2) {
            let scoped = !words.is_empty();
            let said = self.spawn(&words, &file).and_then(|mut child| {
                let said = first_line(&mut child);
                // It lives longer than this call; somebody must take note of its end.
                std::thread::Builder::new().name("keeper".into()).spawn(move || child.wait())?;
                said
            });
            match said.as_deref().map(str::trim) {
                Ok("ready") => return Ok(()),
                // systemd made no scope: the keeper holds without one, and the record says so.
                _ if scoped => {}
                Ok("") => return Err(cannot(&"it ended without a word")),
                Ok(trouble) => return Err(cannot(&trouble)),
                Err(error) => return Err(cannot(&error)),
            }
        }
        Err(cannot(&"no way to start it is left"))
    }

    fn spawn(&self, before: &[OsString], log: &File) -> io::Result<Child> {
        let mut words =
            before.iter().cloned().chain([self.program.clone().into_os_string()]).chain(self.words.iter().cloned());
        let mut command = Command::new(words.next().unwrap_or_default());
        command.args(words).env_clear().env("SEAWORTHY_KEEPER", home::name(PROTOCOL));
        for name in ["PATH", "XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS"].into_iter().filter(|_| !before.is_empty()) {
            command.envs(std::env::var_os(name).map(|value| (name, value)));
        }
        command.current_dir("/").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log.try_clone()?);
        command.spawn()
    }
}

/// On a host with systemd the keeper gets a scope of its own, delegated to it: stopping or restarting the server's unit
/// does not end it. Not where the unit of `contrib/` has started one: then nobody comes here.
fn scope(data: &Path, booted: bool) -> Vec<OsString> {
    if !booted {
        return vec![];
    }
    let mut words: Vec<OsString> = vec!["systemd-run".into()];
    if !rustix::process::geteuid().is_root() {
        words.push("--user".into());
    }
    let id = crate::held::folder::site(data, "").unwrap_or_default().replace(['/', '.'], "-");
    words.extend(["--scope", "--quiet", "--collect", "--property=Delegate=yes"].map(Into::into));
    words.push(format!("--unit=seaworthy-keeper-{id}{}", std::process::id()).into());
    words.push("--".into());
    words
}

fn open_log(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().create(true).append(true).mode(0o600).open(path)?;
    if file.metadata()?.len() > LOG_BYTES_MAX {
        file.set_len(0)?;
    }
    Ok(file)
}

fn first_line(child: &mut Child) -> io::Result<String> {
    let Some(out) = child.stdout.take() else { return Ok(String::new()) };
    let mut asked = [PollFd::new(&out, PollFlags::IN)];
    let time = Timespec { tv_sec: READY_WITHIN.as_secs().cast_signed(), tv_nsec: 0 };
    if poll(&mut asked, Some(&time))? == 0 {
        return Err(io::Error::from(io::ErrorKind::TimedOut));
    }
    let mut line = String::new();
    BufReader::new(out).read_line(&mut line)?;
    Ok(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_keeper_gets_a_scope_of_its_own_where_systemd_runs_and_none_elsewhere() {
        let data = std::env::temp_dir();
        assert!(scope(&data, false).is_empty());
        let words = scope(&data, true);
        let text: Vec<&str> = words.iter().filter_map(|word| word.to_str()).collect();
        assert_eq!((text[0], text[text.len() - 1]), ("systemd-run", "--"));
        assert!(text.contains(&"--scope") && text.contains(&"--property=Delegate=yes"), "{text:?}");
        assert!(text.iter().any(|word| word.starts_with("--unit=seaworthy-keeper-")), "{text:?}");
    }
}
