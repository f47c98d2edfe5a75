//! A connection on which nothing moves ends: neither who asks nothing nor who takes no answer keeps a place.
//!
//! This module must not know what is said on it.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep},
};

/// A connection that ends when nothing moves on it for a time.
pub struct Connection<S> {
    stream: S,
    idle: Duration,
    until: Pin<Box<Sleep>>,
}

impl<S> Connection<S> {
    /// Time begins now.
    pub fn new(stream: S, idle: Duration) -> Connection<S> {
        Connection { stream, idle, until: Box::pin(tokio::time::sleep(idle)) }
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
    fn a_connection_on_which_nothing_moves_ends() {
        runtime().block_on(async {
            let (near, mut far) = duplex(64);
            let mut connection = Connection::new(near, Duration::from_millis(20));
            far.write_all(b"x").await.expect("it is open");
            let mut one = [0; 1];
            connection.read_exact(&mut one).await.expect("what came is read");
            let ended = connection.read_exact(&mut one).await.expect_err("nothing more comes");
            assert_eq!(ended.kind(), io::ErrorKind::TimedOut);
        });
    }

    #[test]
    fn a_reader_who_takes_nothing_is_not_waited_for() {
        runtime().block_on(async {
            let (near, _far) = duplex(1);
            let mut connection = Connection::new(near, Duration::from_millis(20));
            let ended = connection.write_all(b"more than it holds").await.expect_err("nobody reads");
            assert_eq!(ended.kind(), io::ErrorKind::TimedOut);
        });
    }
}
