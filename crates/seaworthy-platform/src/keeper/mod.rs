//! The keeper: a small program that holds commands, so that they outlive the server that asked for them.
//!
//! One per data folder (and user, and protocol). It runs in its own session, is the one to whom orphans of its commands
//! come, has one thread that waits for everything at once, and ends itself when it holds nothing and nobody is
//! connected. Who asks is another process: [`crate::Local`]. This module must not know runs, journals or verdicts.
//!
//! | file | holds |
//! |---|---|
//! | `wire` | what is said on the socket |
//! | `home` | where a keeper is found, and who lives |
//! | `inherit` | what is taken over from the dead |
//! | `round`, `hear` | the loop, and its part that talks |
//! | `start` | an order becomes a command |
//! | `spawn` | the first process of a command |
//! | `attempt`, `said` | one attempt until its end, and that in words |
//! | `record` | what is remembered on disk |

mod attempt;
mod client;
mod hear;
pub(crate) mod home;
mod inherit;
mod record;
mod round;
pub(crate) mod said;
mod signal;
mod spawn;
mod start;
#[cfg(test)]
mod unwatched;
pub(crate) mod wire;

use std::{
    fs, io,
    os::unix::{fs::PermissionsExt as _, net::UnixListener},
    path::{Path, PathBuf},
    time::Duration,
};

use rustix::{fs::Mode, process::umask};

pub use wire::PROTOCOL;

use self::{
    home::{About, Seat},
    inherit::inherit,
    record::Records,
    round::Round,
};
use crate::held;

/// How much sooner the kernel takes a command than the server when memory runs out.
const OOM_SCORE_ABOVE_OURS: i32 = 200;
/// The kernel's largest score.
const OOM_SCORE_MAX: i32 = 1000;
/// How long a keeper that holds nothing waits for somebody to connect.
pub const IDLE: Duration = Duration::from_secs(5);

/// What a keeper is told at its start.
#[derive(Debug, Clone)]
pub struct Options {
    /// The data folder; it exists.
    pub data: PathBuf,
    /// Where its socket is to be; the folder is there and private.
    pub socket: PathBuf,
    /// [`PROTOCOL`], unless a test says otherwise.
    pub protocol: u32,
    pub idle: Duration,
    /// Whether a cgroup is made for each attempt where one was delegated to us.
    pub cgroups: bool,
}

/// Is the keeper until it is not needed any more. `ready` is called once when it can be reached; with `false` if another
/// one is the keeper already.
///
/// # Errors
/// A sentence: it cannot be the keeper of this data folder.
pub fn run(options: &Options, ready: impl FnOnce(bool)) -> Result<(), String> {
    let data = options.data.display().to_string();
    let cannot = |what: &'static str| {
        let data = data.clone();
        move |error: io::Error| format!("{what} of `{data}`: {error}")
    };
    // A terminal's signals are for those who sit at it. Refused to one that leads a group: then it has no terminal.
    let _ = rustix::process::setsid();
    umask(Mode::from_raw_mode(0o077));
    give_way();
    let name = home::name(options.protocol);
    let Some(mut seat) = Seat::take(&options.data, &name).map_err(cannot("the lock of the keeper cannot be taken"))?
    else {
        ready(false);
        return Ok(());
    };
    let orphans = held::hold_orphans().is_ok();
    let heard = signal::hear().map_err(cannot("no signals can be heard by the keeper"))?;
    let inherited = inherit(&options.data, &mut seat)
        .map_err(cannot("what an earlier keeper left cannot be looked at, for the keeper"))?;
    let open = inherited.ends.iter().map(|(name, acted)| (name.clone(), Some(acted.clone())));
    let open = open.chain(inherited.left.iter().map(|(name, _)| (name.clone(), None))).collect();
    let records = Records::begin(inherit::records(&options.data, &name), open);
    let records = records.map_err(cannot("the records cannot be written by the keeper"))?;
    let listener = listen(&options.socket).map_err(cannot("the socket cannot be made for the keeper"))?;
    let cgroup = options.cgroups.then(held::cgroup::delegated).flatten();
    cgroup.iter().for_each(|group| held::cgroup::divide(group));
    let about = About {
        pid: std::process::id(),
        protocol: options.protocol,
        socket: options.socket.clone(),
        cgroup: cgroup.clone(),
        boot: home::boot(),
        site: held::folder::place(&options.data).ok(),
    };
    seat.say(&about).map_err(cannot("the lock cannot be written by the keeper"))?;
    let host = round::Host { data: options.data.clone(), name, protocol: options.protocol, orphans, cgroup };
    let mut round = Round::begin(host, records, (listener, &options.socket), heard)
        .map_err(cannot("nothing can be waited for by the keeper"))?;
    round.take_over(inherited);
    ready(true);
    round.run(options);
    Ok(())
}

/// A command that a living keeper holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// `RUN.STEP.NUMBER`.
    pub attempt: String,
    /// The keeper's process, if it has said so.
    pub keeper: Option<u32>,
}

/// What the keepers of a data folder hold, whoever asked for it; nobody is asked or disturbed.
///
/// # Errors
/// When the folder cannot be read: then it is not known.
pub fn holds(data: &Path) -> io::Result<Vec<Held>> {
    let mut held = Vec::new();
    for name in home::names(data)? {
        if !home::lives(data, &name)? {
            continue;
        }
        let keeper = home::about(data, &name).ok().map(|about| about.pid);
        let open = record::read(&inherit::records(data, &name));
        let acting = open.into_iter().filter(|(_, ended)| ended.is_none());
        held.extend(acting.map(|(attempt, _)| Held { attempt, keeper }));
    }
    Ok(held)
}

/// What is in the way was left by a dead one: the seat is ours.
fn listen(socket: &Path) -> io::Result<UnixListener> {
    match fs::remove_file(socket) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(socket)?;
    fs::set_permissions(socket, fs::Permissions::from_mode(0o600))?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// Commands inherit our score. Refused by some containers; then they have the server's, which is no reason not to run.
fn give_way() {
    const FILE: &str = "/proc/self/oom_score_adj";
    let own = fs::read_to_string(FILE).ok().and_then(|text| text.trim().parse().ok());
    let score = (own.unwrap_or(0) + OOM_SCORE_ABOVE_OURS).min(OOM_SCORE_MAX);
    let _ = fs::write(FILE, score.to_string());
}
