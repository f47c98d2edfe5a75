//! A connection to a keeper, shared by all attempts of this program.
//!
//! Must not know what is asked. When it breaks, everybody who waits is told so.

use std::{
    collections::HashMap,
    io,
    os::unix::fs::MetadataExt as _,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use seaworthy_model::run::Acted;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        UnixStream,
        unix::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::{mpsc, oneshot},
};

use crate::{
    held::folder,
    keeper::{
        PROTOCOL,
        wire::{Answer, Ask, pack, unpack},
    },
};

/// What is read at once.
const READ_BYTES: usize = 64 * 1024;
/// How long a keeper may take to answer our hello.
const HELLO_LIMIT: Duration = Duration::from_secs(10);
/// Messages that are sent together.
const TOGETHER_MAX: usize = 256;

/// What a keeper said of one attempt: its end, or that it knows nothing of it.
pub(super) type Told = oneshot::Receiver<Option<Acted>>;

/// The connection. It lives as long as somebody holds it and the keeper answers.
#[derive(Debug)]
pub(super) struct Link {
    /// Bounded by what acts at the same time: each attempt sends three messages at most.
    send: mpsc::UnboundedSender<Vec<u8>>,
    waiting: Arc<Mutex<Waiting>>,
}

#[derive(Debug, Default)]
struct Waiting {
    broken: bool,
    by_attempt: HashMap<String, Vec<oneshot::Sender<Option<Acted>>>>,
}

impl Link {
    /// Connects to the keeper whose socket this is. One that is stopped takes the connection and never answers.
    pub(super) async fn to(socket: &Path, data: &Path) -> io::Result<Link> {
        let late = |_| io::Error::new(io::ErrorKind::TimedOut, "it does not answer");
        tokio::time::timeout(HELLO_LIMIT, Link::greet(socket, data)).await.map_err(late)?
    }

    async fn greet(socket: &Path, data: &Path) -> io::Result<Link> {
        let mut stream = UnixStream::connect(socket).await?;
        let peer = stream.peer_cred()?.uid();
        let own = rustix::process::geteuid().as_raw();
        if ![own, 0].contains(&peer) && std::fs::metadata(data)?.uid() != peer {
            return Err(io::Error::other("another user listens there"));
        }
        stream.write_all(&pack(&Ask::Hello { v: PROTOCOL })?).await?;
        let mut come = Vec::new();
        let (hello, used) = loop {
            match unpack::<Answer>(&come)? {
                Some(answer) => break answer,
                None if stream.read_buf(&mut come).await? == 0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                None => {}
            }
        };
        come.drain(..used);
        let Answer::Hello { site, .. } = hello else { return Err(io::Error::other("it is no keeper")) };
        // A copied folder still says where the keeper of the first one listens.
        if site.is_some_and(|theirs| folder::place(data).is_ok_and(|ours| ours != theirs)) {
            return Err(io::Error::other("it is the keeper of another data folder"));
        }
        let (reader, writer) = stream.into_split();
        let (send, sending) = mpsc::unbounded_channel();
        let waiting: Arc<Mutex<Waiting>> = Arc::default();
        tokio::spawn(write(writer, sending));
        tokio::spawn(read(reader, come, waiting.clone()));
        Ok(Link { send, waiting })
    }

    pub(super) fn is_broken(&self) -> bool {
        self.send.is_closed() || self.waiting.lock().unwrap_or_else(PoisonError::into_inner).broken
    }

    /// Asks something whose answer is about this attempt.
    pub(super) fn ask(&self, attempt: &str, packed: Vec<u8>) -> Told {
        let (tell, told) = oneshot::channel();
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        // Of a broken one `tell` is dropped, which says so.
        if !waiting.broken {
            waiting.by_attempt.entry(attempt.to_owned()).or_default().push(tell);
            let _ = self.send.send(packed);
        }
        told
    }

    /// Says something that is not answered.
    pub(super) fn say(&self, packed: Vec<u8>) {
        let _ = self.send.send(packed);
    }
}

async fn write(mut writer: OwnedWriteHalf, mut sending: mpsc::UnboundedReceiver<Vec<u8>>) {
    let mut messages = Vec::new();
    while sending.recv_many(&mut messages, TOGETHER_MAX).await > 0 {
        let together = messages.concat();
        messages.clear();
        if writer.write_all(&together).await.is_err() {
            return;
        }
    }
}

async fn read(mut reader: OwnedReadHalf, mut come: Vec<u8>, waiting: Arc<Mutex<Waiting>>) {
    loop {
        let mut used = 0;
        let whole = loop {
            match unpack::<Answer>(&come[used..]) {
                Ok(Some((answer, bytes))) => {
                    used += bytes;
                    tell(&waiting, answer);
                }
                Ok(None) => break true,
                Err(error) => {
                    tracing::warn!(%error, "the keeper cannot be understood");
                    break false;
                }
            }
        };
        come.drain(..used);
        come.reserve(READ_BYTES);
        if !whole || !matches!(reader.read_buf(&mut come).await, Ok(1..)) {
            break;
        }
    }
    let mut waiting = waiting.lock().unwrap_or_else(PoisonError::into_inner);
    waiting.broken = true;
    waiting.by_attempt.clear();
}

fn tell(waiting: &Mutex<Waiting>, answer: Answer) {
    let (attempt, acted) = match answer {
        Answer::Ended { attempt, acted } => (attempt, Some(*acted)),
        Answer::Unknown { attempt } => (attempt, None),
        Answer::Hello { .. } => return,
    };
    let by = waiting.lock().unwrap_or_else(PoisonError::into_inner).by_attempt.remove(&attempt);
    for tell in by.into_iter().flatten() {
        // Nobody may wait any more.
        let _ = tell.send(acted.clone());
    }
}
