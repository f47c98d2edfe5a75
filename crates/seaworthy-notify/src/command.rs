//! Tells a command: plain text on its standard input, a JSON file whose path is in `SEAWORTHY_MESSAGE`.
//!
//! This module must not know what the command does with it. Exit 0 is sent; anything else is worth another
//! try. At the limit, or when nobody waits any more, the command's whole process group is killed.

use std::{
    fs, io,
    os::unix::{
        fs::{DirBuilderExt as _, OpenOptionsExt as _},
        process::ExitStatusExt as _,
    },
    path::{Path, PathBuf},
    process::Stdio,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process_group};
use seaworthy_model::{
    port::{Address, Fut, Message, Notifier, SendError},
    process::Line,
    site::Outlet,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _},
    process::Command,
};

use crate::sentence::{foreign, later, never, within};

/// What a command may take over from us; everything else it sees is said in the site file.
const BASE_NAMES: [&str; 5] = ["PATH", "HOME", "LANG", "TZ", "TMPDIR"];
/// For a server that was started without a PATH of its own.
const PATH_DEFAULT: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// Most of what it prints that is kept for the sentence about a failure.
const PRINTED_BYTES_MAX: usize = 4 * 1024;
/// How long a child that was left in the background may hold the output.
const LINGER: Duration = Duration::from_millis(200);

pub(crate) struct CommandNotifier;

impl Notifier for CommandNotifier {
    fn kind(&self) -> &'static str {
        "command"
    }

    fn send<'a>(&'a self, to: &'a Address, message: &'a Message) -> Fut<'a, Result<String, SendError>> {
        Box::pin(async move {
            let Outlet::Command { command } = &to.outlet else {
                return Err(never("the command notifier was given another kind of outlet"));
            };
            within(to, "the command of the route", run(&command.line, to, message)).await
        })
    }
}

async fn run(line: &Line, to: &Address, message: &Message) -> Result<String, SendError> {
    let (program, args) = words(line)?;
    if !to.folder.is_dir() {
        return Err(never(format!("the folder {} that commands run in is not there", to.folder.display())));
    }
    let papers =
        Papers::of(to, message).map_err(|error| later(format!("the message could not be put into a file: {error}")))?;
    let mut command = Command::new(&program);
    command.args(args).current_dir(&to.folder).env_clear().env("PATH", PATH_DEFAULT);
    command.envs(BASE_NAMES.iter().filter_map(|name| Some((name, std::env::var_os(name)?))));
    command.envs(to.secrets.iter().map(|secret| (&secret.name, &secret.value)));
    command.envs(to.secrets.iter().map(|s| (format!("{}_FILE", s.name), papers.folder.join(&s.name))));
    command.env("SEAWORTHY_MESSAGE", papers.folder.join(MESSAGE_FILE));
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0).kill_on_drop(true);
    let mut child = command
        .spawn()
        .map_err(|error| later(format!("`{program}` could not be started in {}: {error}", to.folder.display())))?;
    let group = Group(child.id());
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let ended = {
        let talking = async {
            tokio::join!(feed(stdin, &message.text), drain(stdout, &mut out), drain(stderr, &mut err));
        };
        tokio::pin!(talking);
        let mut open = true;
        let ended = loop {
            tokio::select! {
                ended = child.wait() => break ended,
                () = &mut talking, if open => open = false,
            }
        };
        if open && tokio::time::timeout(LINGER, &mut talking).await.is_err() {
            drop(group);
            let _ = tokio::time::timeout(LINGER, &mut talking).await;
        }
        ended
    };
    let ended = ended.map_err(|error| later(format!("`{program}` was lost: {error}")))?;
    if ended.success() {
        return Ok(format!("`{program}` took the message"));
    }
    let how = match (ended.code(), ended.signal()) {
        (Some(code), _) => format!("ended with exit code {code}"),
        (None, signal) => format!("was ended by signal {}", signal.unwrap_or_default()),
    };
    let said = if err.is_empty() { out } else { err };
    Err(later(format!("the route's command `{program}` {how}: {}", foreign(&String::from_utf8_lossy(&said)))))
}

fn words(line: &Line) -> Result<(String, Vec<String>), SendError> {
    let words = match line {
        Line::Shell { script, shell } if shell.is_empty() => vec!["sh".into(), "-c".into(), script.clone()],
        Line::Shell { script, shell } => [shell.as_slice(), std::slice::from_ref(script)].concat(),
        Line::Args(args) => args.clone(),
    };
    let mut words = words.into_iter();
    let program = words.next().ok_or_else(|| never("the command of the route is empty; write what to run"))?;
    Ok((program, words.collect()))
}

async fn feed(pipe: Option<impl tokio::io::AsyncWrite + Unpin>, text: &str) {
    let Some(mut pipe) = pipe else { return };
    // A command that does not read its input has ended or does not want it; its exit code says which.
    let _ = pipe.write_all(text.as_bytes()).await;
    let _ = pipe.shutdown().await;
}

async fn drain(pipe: Option<impl AsyncRead + Unpin>, kept: &mut Vec<u8>) {
    let Some(mut pipe) = pipe else { return };
    let mut chunk = vec![0; PRINTED_BYTES_MAX];
    while let Ok(n) = pipe.read(&mut chunk).await {
        if n == 0 {
            break;
        }
        kept.extend_from_slice(&chunk[..n.min(PRINTED_BYTES_MAX - kept.len())]);
    }
}

/// Kills the command's process group when dropped; what of it has ended is not harmed.
struct Group(Option<u32>);

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(pid) = self.0.and_then(|pid| i32::try_from(pid).ok()).and_then(Pid::from_raw) {
            let _ = kill_process_group(pid, Signal::KILL);
        }
    }
}

const MESSAGE_FILE: &str = "message.json";

/// Message and secrets as files of mode 0600 in a folder of their own, removed when the command has ended.
struct Papers {
    folder: PathBuf,
}

impl Papers {
    fn of(to: &Address, message: &Message) -> io::Result<Self> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let name = format!("seaworthy-{}-{}-{}", message.id, std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let folder = std::env::temp_dir().join(name);
        fs::DirBuilder::new().mode(0o700).create(&folder)?;
        let papers = Papers { folder };
        for secret in &to.secrets {
            write(&papers.folder.join(&secret.name), secret.value.as_bytes())?;
        }
        write(&papers.folder.join(MESSAGE_FILE), &serde_json::to_vec_pretty(message)?)?;
        Ok(papers)
    }
}

fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    io::Write::write_all(&mut file, bytes)
}

impl Drop for Papers {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.folder) {
            tracing::warn!(folder = %self.folder.display(), %error, "a message's files could not be removed; remove them");
        }
    }
}
