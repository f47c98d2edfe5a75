//! The connections of the pages: how many there may be, how long each may take to ask, and TLS around them.
//!
//! It must not know any page. What is asked is the router's; here is only who may keep a connection.

use std::{
    collections::HashMap,
    io,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{Router, body::Body, extract::ConnectInfo, http::Request};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use seaworthy_runtime::Stop;
use seaworthy_web::{Network, network};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    task::JoinSet,
    time::{sleep, timeout},
};
use tokio_rustls::TlsAcceptor;
use tower_service::Service as _;
use tracing::{debug, warn};

use super::idle::Connection;

/// Most connections at one time. Beyond it a new one waits in the system's queue until one ends.
const CONNECTIONS_MAX: usize = 512;
/// Most of one other host, or of one subscriber's network of IPv6. A proxy on this host speaks for many, so loopback has only the limit of all.
const OF_ONE_MAX: usize = 64;
/// How long a connection may take until it has said who it is in TLS, and until the head of a request is there; a
/// connection that asks nothing more is closed after it as well.
const HEAD_WITHIN: Duration = Duration::from_secs(20);
/// A connection on which no byte moves for so long ends, whoever has to move one. A live page ends by itself before that.
const IDLE_MAX: Duration = Duration::from_secs(75);
/// Bytes of the head of a request.
const HEAD_BYTES_MAX: usize = 32 * 1024;
/// After a connection could not be taken (out of file descriptors): a pause instead of a storm.
const PAUSE: Duration = Duration::from_millis(200);
/// Open live streams must not hold up the end.
const END_WITHIN: Duration = Duration::from_millis(200);

/// Answers until it is asked to stop. `tls` is asked for each connection, so that a renewed certificate counts at once.
pub async fn serve(
    listener: TcpListener,
    tls: Option<Arc<dyn Fn() -> TlsAcceptor + Send + Sync>>,
    router: Router,
    stop: Stop,
) {
    let (places, hosts) = (Arc::new(Semaphore::new(CONNECTIONS_MAX)), Hosts::default());
    let mut open = JoinSet::new();
    loop {
        let Some((stream, peer, place)) = next(&listener, &places, &mut open, &stop).await else { break };
        let Some(seat) = hosts.seat(peer.ip()) else {
            debug!("{} has {OF_ONE_MAX} connections already", peer.ip());
            continue;
        };
        let (tls, router, stop) = (tls.as_ref().map(|tls| tls()), router.clone(), stop.clone());
        open.spawn(async move {
            // Both are given back whatever the connection ends of.
            let _held = (place, seat);
            let stream = Connection::new(stream, IDLE_MAX);
            let Some(tls) = tls else { return speak(stream, peer, router, stop).await };
            match timeout(HEAD_WITHIN, tls.accept(stream)).await {
                Ok(Ok(stream)) => speak(stream, peer, router, stop).await,
                Ok(Err(trouble)) => debug!("{peer} and we do not agree on TLS ({trouble})"),
                Err(_) => debug!("{peer} did not finish the beginning of TLS"),
            }
        });
    }
    let _ = timeout(END_WITHIN, async { while open.join_next().await.is_some() {} }).await;
    open.shutdown().await;
}

/// The next connection with its place, or nothing when stopping was asked for.
async fn next(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
    open: &mut JoinSet<()>,
    stop: &Stop,
) -> Option<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    loop {
        let taken = async {
            let place = Arc::clone(places).acquire_owned().await;
            (place, listener.accept().await)
        };
        tokio::select! {
            () = stop.asked() => return None,
            // Only to let go of what has ended.
            Some(_) = open.join_next() => {}
            (place, accepted) = taken => match (place, accepted) {
                (Ok(place), Ok((stream, peer))) => return Some((stream, peer, place)),
                (Err(_), _) => return None,
                (_, Err(trouble)) => tokio::select! {
                    () = stop.asked() => return None,
                    () = pause(&trouble) => {}
                },
            },
        }
    }
}

async fn pause(trouble: &io::Error) {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    if !matches!(trouble.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset) {
        warn!("a connection could not be taken ({trouble})");
        sleep(PAUSE).await;
    }
}

async fn speak<S: AsyncRead + AsyncWrite + Unpin>(stream: S, peer: SocketAddr, router: Router, stop: Stop) {
    let answer = service_fn(move |request: Request<Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(ConnectInfo(peer));
        router.clone().call(request)
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEAD_WITHIN).max_buf_size(HEAD_BYTES_MAX);
    let mut speaking = std::pin::pin!(http.serve_connection(TokioIo::new(stream), answer));
    let ended = tokio::select! {
        ended = speaking.as_mut() => ended,
        () = stop.asked() => {
            speaking.as_mut().graceful_shutdown();
            speaking.await
        }
    };
    if let Err(trouble) = ended {
        debug!("the connection of {peer} ended ({trouble})");
    }
}

/// How many connections each other host has.
#[derive(Clone, Default)]
struct Hosts(Arc<Mutex<HashMap<Network, usize>>>);

/// One connection of a host; counted until it is dropped.
struct Seat(Hosts, Option<Network>);

impl Hosts {
    fn seat(&self, address: IpAddr) -> Option<Seat> {
        if address.to_canonical().is_loopback() {
            return Some(Seat(self.clone(), None));
        }
        let network = network(address);
        let mut all = self.all();
        let count = all.entry(network).or_default();
        if *count == OF_ONE_MAX {
            return None;
        }
        *count += 1;
        Some(Seat(self.clone(), Some(network)))
    }

    fn all(&self) -> std::sync::MutexGuard<'_, HashMap<Network, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let Some(network) = self.1 else { return };
        let mut all = self.0.all();
        if let Some(count) = all.get_mut(&network) {
            *count -= 1;
            if *count == 0 {
                all.remove(&network);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_host_does_not_take_the_places_of_all() {
        let hosts = Hosts::default();
        let (one, other) = (IpAddr::from([192, 0, 2, 1]), IpAddr::from([192, 0, 2, 2]));
        let seats: Vec<Seat> = (0..OF_ONE_MAX).filter_map(|_| hosts.seat(one)).collect();
        assert_eq!(seats.len(), OF_ONE_MAX);
        assert!(hosts.seat(one).is_none(), "one too many");
        assert!(hosts.seat("::ffff:192.0.2.1".parse().unwrap()).is_none(), "the same host, written otherwise");
        assert!(hosts.seat(other).is_some(), "another host is not held up");
        let subscriber: Vec<Seat> =
            (0..=OF_ONE_MAX).filter_map(|n| hosts.seat(format!("2001:db8:1:2::{n:x}").parse().unwrap())).collect();
        assert_eq!(subscriber.len(), OF_ONE_MAX, "one subscriber has many addresses of IPv6");
        drop(subscriber);
        drop(seats);
        assert!(hosts.seat(one).is_some());
        assert!((0..=CONNECTIONS_MAX).all(|_| hosts.seat(IpAddr::from([127, 0, 0, 1])).is_some()));
        assert!(hosts.all().is_empty(), "nothing is remembered of who is gone");
    }
}
