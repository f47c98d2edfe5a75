//! Serves the pages: accepts connections, so many and no more, and ends those on which nothing moves.
//!
//! This module must not know what is asked on them.

use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::{
    extract::{ConnectInfo, Request, connect_info::Connected},
    middleware::{Next, from_fn},
    serve::{IncomingStream, Listener},
};
use seaworthy_runtime::Stop;
use seaworthy_web::Web;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, Sleep},
};
use tracing::error;

use super::loops::Loops;

/// Connections at the same time. The next one waits until one of them has ended: pages leave room for journal and commands.
pub const CONNECTIONS_MAX: usize = 512;
/// A connection on which no byte moves for so long is ended. A live page ends by itself before that.
const IDLE_MAX: Duration = Duration::from_secs(75);

/// Until the server stops.
pub fn serve(tasks: &mut Loops, listener: TcpListener, web: Web, stop: Stop) {
    tasks.keep("page", async move {
        let asked = stop.clone();
        let router = seaworthy_web::router(web).layer(from_fn(named));
        let door = Door { listener, places: Arc::new(Semaphore::new(CONNECTIONS_MAX)) };
        let served = axum::serve(door, router.into_make_service_with_connect_info::<Peer>())
            .with_graceful_shutdown(async move { asked.asked().await });
        tokio::select! {
            // Open live streams must not hold up the end.
            () = async { stop.asked().await; tokio::time::sleep(Duration::from_millis(200)).await } => {}
            ended = async { served.await } => if let Err(trouble) = ended { error!("the pages ended: {trouble}") },
        }
    });
}

/// Pages know an address, not whose listener it came by.
async fn named(
    ConnectInfo(Peer(address)): ConnectInfo<Peer>,
    mut request: Request,
    next: Next,
) -> axum::response::Response {
    request.extensions_mut().insert(ConnectInfo(address));
    next.run(request).await
}

#[derive(Clone)]
struct Peer(SocketAddr);

impl Connected<IncomingStream<'_, Door>> for Peer {
    fn connect_info(stream: IncomingStream<'_, Door>) -> Peer {
        Peer(*stream.remote_addr())
    }
}

struct Door {
    listener: TcpListener,
    places: Arc<Semaphore>,
}

impl Listener for Door {
    type Io = Connection<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, SocketAddr) {
        let place = self.places.clone().acquire_owned().await.expect("the places are never closed");
        let (stream, address) = Listener::accept(&mut self.listener).await;
        (Connection::new(stream, place, IDLE_MAX), address)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// A connection that ends when nothing moves on it, and gives its place back.
struct Connection<S> {
    stream: S,
    idle: Duration,
    until: Pin<Box<Sleep>>,
    _place: OwnedSemaphorePermit,
}

impl<S> Connection<S> {
    fn new(stream: S, place: OwnedSemaphorePermit, idle: Duration) -> Connection<S> {
        Connection { stream, idle, until: Box::pin(tokio::time::sleep(idle)), _place: place }
    }

    /// What came of a try to move bytes: time starts anew, or runs out.
    fn moved<T>(&mut self, context: &mut Context<'_>, tried: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if tried.is_ready() {
            self.until.as_mut().reset(Instant::now() + self.idle);
            return tried;
        }
        ready!(self.until.as_mut().poll(context));
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "nothing moved on this connection")))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Connection<S> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let tried = Pin::new(&mut self.stream).poll_read(context, into);
        self.moved(context, tried)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Connection<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let tried = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.moved(context, tried)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let tried = Pin::new(&mut self.stream).poll_write_vectored(context, parts);
        self.moved(context, tried)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};

    use super::*;

    fn runtime() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
    }

    #[test]
    fn a_connection_on_which_nothing_moves_ends_and_gives_its_place_back() {
        runtime().block_on(async {
            let places = Arc::new(Semaphore::new(1));
            let place = places.clone().acquire_owned().await.expect("a place");
            let (near, mut far) = duplex(64);
            let mut connection = Connection::new(near, place, Duration::from_millis(20));
            far.write_all(b"x").await.expect("it is open");
            let mut one = [0; 1];
            connection.read_exact(&mut one).await.expect("what came is read");
            let ended = connection.read_exact(&mut one).await.expect_err("nothing more comes");
            assert_eq!(ended.kind(), io::ErrorKind::TimedOut);
            assert_eq!(places.available_permits(), 0);
            drop(connection);
            assert_eq!(places.available_permits(), 1);
        });
    }

    #[test]
    fn a_reader_who_takes_nothing_is_not_waited_for() {
        runtime().block_on(async {
            let place = Arc::new(Semaphore::new(1)).acquire_owned().await.expect("a place");
            let (near, _far) = duplex(1);
            let mut connection = Connection::new(near, place, Duration::from_millis(20));
            let ended = connection.write_all(b"more than it holds").await.expect_err("nobody reads");
            assert_eq!(ended.kind(), io::ErrorKind::TimedOut);
        });
    }
}
