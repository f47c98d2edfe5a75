//! The control socket: how verbs reach a running server. One JSON line in, one JSON line out.
//!
//! The folder is private to the user; who asks is what the kernel says of the peer, never what the peer says.
//! This module must not decide: it hands requests to the desk.

use std::{
    collections::BTreeMap,
    fs, io,
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use rustix::{
    net::{RecvFlags, recv},
    process::Uid,
};
use seaworthy_model::{
    entry::Via,
    port::{Answer, Ask, Requests as _},
    time::At,
};
use seaworthy_runtime::Stop;
use serde::{Deserialize, Serialize};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{UnixListener, UnixStream},
    sync::Semaphore,
};
use tracing::{debug, warn};

use crate::{node, place::Place, trouble::Trouble, wire::House};

/// Longest request line in bytes.
const LINE_MAX: u64 = 64 * 1024;
/// Connections at one time; more wait.
const CONNECTIONS_MAX: usize = 64;
/// How long a verb waits for the server's answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);
/// How long a connection may take to say its request, and to take the answer; then it is closed for others.
const TALK_WITHIN: Duration = Duration::from_secs(5);
/// How long a verb waits for the socket of a server that has only just begun.
const SOCKET_WITHIN: Duration = Duration::from_secs(5);
/// Between two tries meanwhile, and after a connection could not be taken.
const GAP: Duration = Duration::from_millis(50);

/// What a verb asks of the server.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case")]
pub enum Asked {
    Run {
        process: String,
        #[serde(default)]
        inputs: BTreeMap<String, String>,
    },
    Drill {
        process: String,
    },
    Cancel {
        run: String,
        reason: String,
    },
    /// `until` in nanoseconds of UTC.
    Pause {
        process: String,
        until: i64,
        reason: String,
    },
    Resume {
        process: String,
        reason: String,
    },
    Sign {
        run: String,
        step: String,
        yes: bool,
        evidence: String,
    },
    GoOn {
        run: String,
    },
    Rerun {
        run: String,
        from: String,
    },
    Reload,
    /// Looks at what may go, now.
    Retain,
    /// Agrees to a change that waits.
    Confirm {
        digest: String,
        reason: String,
    },
    /// A consistent copy of the journal into a file that does not exist yet.
    Copy {
        file: String,
    },
    /// Address and version.
    Hello,
}

/// What the server answers.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub enum Answered {
    Started { run: String, digest: String },
    Done { detail: String },
    Refused { reason: String },
}

/// Takes requests until stopping is asked for.
///
/// # Errors
/// When the socket cannot be made.
pub fn listen(
    place: &Place,
    house: Arc<House>,
    about: String,
    stop: Stop,
) -> Result<tokio::task::JoinHandle<()>, Trouble> {
    let path = place.own_socket();
    let trouble =
        |e: std::io::Error| Trouble::start(format!("the control socket {} cannot be made ({e})", path.display()));
    if let Some(folder) = path.parent() {
        own_folder(folder).map_err(trouble)?;
    }
    // The server's lock is held: whatever is here was left by a dead one.
    let _ = fs::remove_file(&path);
    let listener = UnixListener::bind(&path).map_err(trouble)?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).map_err(trouble)?;
    let told = place.socket_file();
    place.told(&path).and_then(|text| tell(&told, &text)).map_err(trouble)?;
    Ok(tokio::spawn(async move {
        let slots = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        loop {
            let slot = tokio::select! {
                slot = slots.clone().acquire_owned() => slot,
                () = stop.asked() => break,
            };
            let Ok(slot) = slot else { break };
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                () = stop.asked() => break,
            };
            let stream = match accepted {
                Ok((stream, _)) => stream,
                Err(trouble) => {
                    warn!("a connection on the control socket could not be taken: {trouble}");
                    tokio::time::sleep(GAP).await;
                    continue;
                }
            };
            let (house, about) = (house.clone(), about.clone());
            tokio::spawn(async move {
                if let Err(trouble) = serve(stream, &house, &about).await {
                    debug!("a request on the control socket ended: {trouble}");
                }
                drop(slot);
            });
        }
        let _ = fs::remove_file(&told);
        let _ = fs::remove_file(&path);
    }))
}

/// Makes the socket's folder, private to us. Where everybody may make folders another one may have been there first.
pub fn own_folder(folder: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let about = fs::symlink_metadata(folder)?;
    if !about.is_dir() || about.uid() != rustix::process::geteuid().as_raw() {
        let what = format!("{} is not a folder of this user; remove it, or set XDG_RUNTIME_DIR", folder.display());
        return Err(io::Error::other(what));
    }
    match about.mode() & 0o077 {
        0 => Ok(()),
        _ => fs::set_permissions(folder, fs::Permissions::from_mode(0o700)),
    }
}

/// Writes where the socket is, for verbs that would look elsewhere.
fn tell(file: &Path, text: &str) -> io::Result<()> {
    let draft = file.with_extension("socket.new");
    fs::write(&draft, text)?;
    fs::set_permissions(&draft, fs::Permissions::from_mode(0o600))?;
    fs::rename(draft, file)
}

async fn serve(mut stream: UnixStream, house: &House, about: &str) -> std::io::Result<()> {
    let uid = Uid::from_raw(stream.peer_cred()?.uid());
    let mut line = String::new();
    in_time(BufReader::new((&mut stream).take(LINE_MAX)).read_line(&mut line)).await?;
    if has_left(&stream) {
        debug!("whoever asked something has left before it was begun: it is dropped");
        return Ok(());
    }
    let answered = match serde_json::from_str::<Asked>(&line) {
        Ok(asked) => answer(asked, uid, house, about).await,
        Err(e) => Answered::Refused {
            reason: format!("the server does not understand this request ({e}); use the same version on both sides"),
        },
    };
    let mut text = serde_json::to_string(&answered).map_err(std::io::Error::other)?;
    text.push('\n');
    in_time(stream.write_all(text.as_bytes())).await
}

/// Whether whoever asked has hung up. We may have slept since then: a verb that waited in vain has told its person so,
/// who may have asked again, and what was asked must not be done twice.
fn has_left(stream: &UnixStream) -> bool {
    let flags = RecvFlags::PEEK | RecvFlags::DONTWAIT;
    matches!(recv(stream, &mut [0u8; 1][..], flags), Ok((_, 0)))
}

async fn in_time<T>(talk: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    tokio::time::timeout(TALK_WITHIN, talk).await.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?
}

async fn answer(asked: Asked, uid: Uid, house: &House, about: &str) -> Answered {
    let ask = match asked {
        Asked::Hello => return Answered::Done { detail: about.to_owned() },
        Asked::Copy { file } => return copy(house, &file).await,
        Asked::Retain => Ask::Retain,
        Asked::Run { process, inputs } => Ask::Run { process, inputs },
        Asked::Drill { process } => Ask::Drill { process },
        Asked::Pause { process, until, reason } => Ask::Pause { process, until: At(until), reason },
        Asked::Resume { process, reason } => Ask::Resume { process, reason },
        Asked::Reload => Ask::Reload,
        Asked::Confirm { digest, reason } => Ask::Confirm { digest, reason },
        Asked::Sign { run, step, yes, evidence } => match run.parse() {
            Ok(run) => Ask::Sign { run, step, yes, evidence },
            Err(e) => return Answered::Refused { reason: format!("{e}") },
        },
        Asked::GoOn { run } => match run.parse() {
            Ok(run) => Ask::GoOn { run },
            Err(e) => return Answered::Refused { reason: format!("{e}") },
        },
        Asked::Rerun { run, from } => match run.parse() {
            Ok(run) => Ask::Rerun { run, from },
            Err(e) => return Answered::Refused { reason: format!("{e}") },
        },
        Asked::Cancel { run, reason } => match run.parse() {
            Ok(run) => Ask::Cancel { run, reason },
            Err(e) => return Answered::Refused { reason: format!("{e}") },
        },
    };
    let actor = match house.os_actor(uid).await {
        Ok(actor) => actor,
        Err(trouble) => return Answered::Refused { reason: trouble.text },
    };
    match house.desk.ask(ask, actor, Via::Cli).await {
        Ok(Answer::Started { run, digest }) => Answered::Started { run: run.to_string(), digest },
        Ok(Answer::Done { detail }) => Answered::Done { detail },
        Ok(Answer::Refused { reason } | Answer::TooMany { reason }) => Answered::Refused { reason },
        Err(trouble) => {
            warn!("a request failed: {trouble}");
            Answered::Refused { reason: trouble.to_string() }
        }
    }
}

async fn copy(house: &House, file: &str) -> Answered {
    let (store, path) = (house.store.clone(), std::path::PathBuf::from(file));
    let done = tokio::task::spawn_blocking(move || store.backup_to(&path)).await;
    match done {
        Ok(Ok(position)) => Answered::Done { detail: position.to_string() },
        Ok(Err(trouble)) => Answered::Refused { reason: trouble.to_string() },
        Err(trouble) => Answered::Refused { reason: format!("the copy was not finished: {trouble}") },
    }
}

/// The way to the server that holds the data folder; `None` if none does. The lock says whether there is one: by a
/// socket that is missing nobody can tell, and a second node beside a server would do its work twice.
async fn reach(place: &Place) -> Result<Option<(UnixStream, PathBuf)>, Trouble> {
    let begun = Instant::now();
    loop {
        let held = node::is_held(&place.data, "server");
        // Without a lock only the socket named after this very folder counts: its server may see the folder on another
        // disk than we do, and what a copy of the folder says of a socket is about another folder.
        let socket = if held { place.socket() } else { place.own_socket() };
        let why = match connect(place, &socket).await {
            Ok(stream) => return Ok(Some((stream, socket))),
            Err(_) if !held => return Ok(None),
            Err(e) => e,
        };
        if begun.elapsed() > SOCKET_WITHIN {
            return Err(Trouble::start(format!(
                "{} is held by a server or a restore, which cannot be reached at {} ({why}); it may be starting or stopping: try again",
                place.data.display(),
                socket.display()
            )));
        }
        tokio::time::sleep(GAP).await;
    }
}

async fn connect(place: &Place, socket: &Path) -> io::Result<UnixStream> {
    trusted(place, socket)?;
    UnixStream::connect(socket).await
}

/// Only a socket in a private folder of ours, or of the one whose data this is, is the server's.
fn trusted(place: &Place, socket: &Path) -> io::Result<()> {
    let about = fs::symlink_metadata(socket.parent().unwrap_or(Path::new("/")))?;
    let owners = [rustix::process::geteuid().as_raw(), fs::metadata(&place.data)?.uid()];
    if about.is_dir() && owners.contains(&about.uid()) && about.mode() & 0o077 == 0 {
        return Ok(());
    }
    Err(io::Error::other("its folder is not private to this user"))
}

/// Asks the server of a site. `None`: no server is running.
///
/// # Errors
/// When a server is there and does not answer.
pub async fn ask(place: &Place, asked: &Asked) -> Result<Option<Answered>, Trouble> {
    let Some((mut stream, socket)) = reach(place).await? else { return Ok(None) };
    let trouble = |what: String| {
        Trouble::start(format!("the server behind {} did not answer ({what}); look at its log", socket.display()))
    };
    let talk = async {
        let mut text = serde_json::to_string(asked).map_err(std::io::Error::other)?;
        text.push('\n');
        stream.write_all(text.as_bytes()).await?;
        let mut line = String::new();
        BufReader::new(&mut stream).read_line(&mut line).await?;
        serde_json::from_str::<Answered>(&line).map_err(std::io::Error::other)
    };
    match tokio::time::timeout(ANSWER_WITHIN, talk).await {
        Ok(Ok(answered)) => Ok(Some(answered)),
        Ok(Err(e)) => Err(trouble(e.to_string())),
        Err(_) => Err(trouble("it took longer than 30 s; what it has not begun by now it drops".into())),
    }
}
