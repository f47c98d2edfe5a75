//! Connections to the pages of a server: so many and no more, whoever opens them.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::TcpStream,
};

use crate::kit::{PATIENCE, Site, until};

/// What the server takes at most, and what may be open besides: its sockets of other kinds.
const CONNECTIONS_MAX: usize = 512;
const OTHERS: usize = 30;

#[test]
fn idle_connections_take_their_places_and_none_of_the_servers_other_files() {
    let site = Site::new();
    let server = site.server();
    let host = server.url.trim_start_matches("http://").trim_end_matches('/').to_owned();
    let sockets = || {
        let all = fs::read_dir(format!("/proc/{}/fd", server.pid().as_raw_nonzero())).expect("it runs");
        let names = all.filter_map(|file| fs::read_link(file.ok()?.path()).ok());
        names.filter(|name| name.to_string_lossy().starts_with("socket:")).count()
    };
    let mut idle: Vec<TcpStream> =
        (0..CONNECTIONS_MAX + 2 * OTHERS).map(|_| TcpStream::connect(&host).expect("it listens")).collect();
    until("as many as it takes are open", || (sockets() >= CONNECTIONS_MAX).then_some(()));
    let one = &mut idle[CONNECTIONS_MAX / 2];
    one.set_read_timeout(Some(PATIENCE)).expect("a socket");
    write!(one, "GET /healthz HTTP/1.1\r\nHost: {host}\r\n\r\n").expect("it is open");
    let mut answer = [0; 12];
    one.read_exact(&mut answer).expect("whoever is in is answered");
    assert_eq!(&answer, b"HTTP/1.1 200");
    assert!(sockets() <= CONNECTIONS_MAX + OTHERS, "{} sockets are open", sockets());
    drop(idle);
    assert_eq!(server.get("/healthz").map(|(status, _)| status), Some(200), "places come free");
}
