//! The pages beyond loopback: over TLS only, under their own name only, to nobody as long as nobody has claimed them; and
//! connections that ask nothing are not kept.

use std::{
    io::{ErrorKind, Read as _, Write as _},
    net::TcpStream,
    os::unix::fs::PermissionsExt as _,
    sync::Arc,
};

use rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned,
    pki_types::{CertificateDer, ServerName, pem::PemObject as _},
};

use crate::kit::{PATIENCE, Server, Site, until};

const NAME: &str = "ops.example.com";
const OUTWARD: &[&str] = &["--listen", "0.0.0.0:0"];

fn site() -> Site {
    let site = Site::new();
    site.write("seaworthy.yaml", &format!("site: test\npublic_url: https://{NAME}\n"));
    site.process("good", "steps:\n  - { id: one, run: 'true' }\n");
    site
}

fn port(server: &Server) -> u16 {
    server.url.trim_end_matches('/').rsplit_once(':').expect("it has a port").1.parse().expect("a number")
}

/// Status line, headers and body of one request over TLS by whoever trusts this certificate; `None` without agreement.
fn ask(port: u16, trusted: &[u8], request: &str) -> Option<String> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(trusted).expect("it is one")).expect("it can be trusted");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("the defaults are safe")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from(NAME).expect("a name");
    let socket = TcpStream::connect(("127.0.0.1", port)).ok()?;
    socket.set_read_timeout(Some(PATIENCE)).expect("a socket");
    let mut stream = StreamOwned::new(ClientConnection::new(Arc::new(config), name).expect("a configuration"), socket);
    write!(stream, "{request}\r\nHost: {NAME}\r\nConnection: close\r\n\r\n").ok()?;
    let mut bytes = Vec::new();
    match stream.read_to_end(&mut bytes) {
        // A peer that ends without a word of farewell.
        Err(e) if e.kind() != ErrorKind::UnexpectedEof => None,
        _ => Some(String::from_utf8_lossy(&bytes).into_owned()),
    }
}

fn own(site: &Site) -> Vec<u8> {
    std::fs::read(site.data().join("tls/certificate.pem")).expect("it was made")
}

#[test]
fn beyond_loopback_there_is_tls_a_name_and_no_anybody() {
    let site = site();
    let server = site.server_with(OUTWARD);
    assert!(server.url.starts_with("https://0.0.0.0:"), "{}", server.url);
    let mode = |file: &str| std::fs::metadata(site.data().join(file)).expect("it is there").permissions().mode();
    assert_eq!(mode("tls/key.pem") & 0o777, 0o600, "nobody else on the host reads the key");
    let (port, trusted) = (port(&server), own(&site));
    let home = ask(port, &trusted, "GET / HTTP/1.1").expect("an answer");
    assert!(home.starts_with("HTTP/1.1 303") && home.to_lowercase().contains("location: /sign-in"), "{home}");
    assert!(home.contains("strict-transport-security: max-age="), "{home}");
    let door = ask(port, &trusted, "GET /sign-in HTTP/1.1").expect("an answer");
    assert!(door.contains("Nobody has claimed this server yet"), "{door}");
    for address in ["/processes", "/api/v1/processes", "/live", "/metrics", "/runs"] {
        let closed = ask(port, &trusted, &format!("GET {address} HTTP/1.1")).expect("an answer");
        assert!(!closed.contains("good") && !closed.starts_with("HTTP/1.1 200"), "{address}: {closed}");
    }
    let form = "POST /processes/good/run HTTP/1.1\r\nSec-Fetch-Site: same-origin\r\nContent-Length: 0";
    let acted = ask(port, &trusted, form).expect("an answer");
    assert!(acted.starts_with("HTTP/1.1 401"), "{acted}");
    let link = site.read(".seaworthy/owner-link");
    let link = link.trim().strip_prefix(&format!("https://{NAME}")).expect("under the name of the site");
    let claim = ask(port, &trusted, &format!("GET {link} HTTP/1.1")).expect("an answer");
    assert!(claim.starts_with("HTTP/1.1 200"), "{claim}");
    let mut plain = TcpStream::connect(("127.0.0.1", port)).unwrap();
    plain.set_read_timeout(Some(PATIENCE)).unwrap();
    write!(plain, "GET / HTTP/1.1\r\nHost: {NAME}\r\n\r\n").unwrap();
    let mut said = Vec::new();
    let _ = plain.read_to_end(&mut said);
    assert!(!String::from_utf8_lossy(&said).contains("HTTP/"), "nothing is answered without TLS");
    assert_eq!(server.stop(), 0);
    let again = site.server_with(OUTWARD);
    assert_eq!(own(&site), trusted, "who trusts it is not asked again after a restart");
    assert!(ask(self::port(&again), &trusted, "GET /sign-in HTTP/1.1").is_some());
}

#[test]
fn whoever_comes_through_a_proxy_is_nobody_until_there_is_an_owner() {
    let site = site();
    let server = site.server();
    let own = server.url.trim_start_matches("http://").trim_end_matches('/').to_owned();
    let status = |host: &str, more: &str, request: &str| {
        let mut stream = TcpStream::connect(&own).expect("it listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
        let head =
            format!("{request} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nSec-Fetch-Site: same-origin\r\n");
        write!(stream, "{head}{more}Content-Length: 0\r\n\r\n").expect("it is open");
        let mut said = String::new();
        stream.read_to_string(&mut said).expect("an answer");
        said.split(' ').nth(1).and_then(|code| code.parse::<u16>().ok()).expect("a status")
    };
    let (run, told) = ("POST /processes/good/run", "X-Forwarded-For: 192.0.2.7\r\n");
    for (host, more) in [(NAME, ""), (own.as_str(), told), (own.as_str(), "Forwarded: for=192.0.2.7\r\n"), (NAME, told)]
    {
        assert_eq!(status(host, more, "GET /processes"), 303, "{host} {more}");
        assert_eq!(status(host, more, "GET /api/v1/processes"), 401, "{host} {more}");
        assert_eq!(status(host, more, run), 401, "{host} {more}");
    }
    assert_eq!(status(&own, "", "GET /processes"), 200);
    assert!(site.json(&["runs"]).json["runs"].as_array().expect("a list").is_empty(), "nobody has run anything");
}

#[test]
fn what_others_could_reach_needs_a_name_and_a_certificate_that_is_one() {
    let site = site();
    let refused = |args: &[&str], words: &str| {
        let said = site.say(&[&["up"], args].concat());
        let code = if words.contains("public_url") { 4 } else { 2 };
        assert!(said.code == code && said.stderr.contains(words), "{args:?}: {said:?}");
    };
    let (certificate, key) = made();
    site.write("own.pem", &certificate);
    site.write("own.key", &key);
    let with = |certificate: &'static str, key: &'static str| ["--certificate", certificate, "--key", key];
    let mode = |mode: u32| {
        std::fs::set_permissions(site.path("own.key"), std::fs::Permissions::from_mode(mode)).expect("it is ours");
    };
    mode(0o644);
    refused(&with("own.pem", "own.key"), "everybody on this host can read the key in own.key");
    mode(0o600);
    refused(&with("own.key", "own.key"), "own.key holds no certificate as PEM");
    refused(&with("own.pem", "own.pem"), "own.pem");
    refused(&with("nowhere.pem", "own.key"), "nowhere.pem cannot be read");
    site.write("own.pem", &made().0);
    refused(&with("own.pem", "own.key"), "cannot be used");
    refused(&["--certificate", "own.pem"], "--key");
    site.write("seaworthy.yaml", "site: test\n");
    refused(OUTWARD, "write `public_url: https://NAME:PORT` into seaworthy.yaml");
    site.write("seaworthy.yaml", "site: test\npublic_url: http://ops.example.com\n");
    refused(OUTWARD, "public_url: https://");
}

/// Certificate and key for the name.
fn made() -> (String, String) {
    let made = rcgen::generate_simple_self_signed(vec![NAME.to_owned()]).expect("it can be made");
    (made.cert.pem(), made.signing_key.serialize_pem())
}

#[test]
fn a_renewed_certificate_counts_without_a_restart_and_a_broken_one_does_not() {
    let site = site();
    let place = |(certificate, key): &(String, String)| {
        site.write("own.key", key);
        std::fs::set_permissions(site.path("own.key"), std::fs::Permissions::from_mode(0o600)).expect("it is ours");
        site.write("own.pem", certificate);
    };
    let (first, second) = (made(), made());
    place(&first);
    let server = site.server_with(&["--certificate", "own.pem", "--key", "own.key"]);
    assert!(server.url.starts_with("https://127.0.0.1:"), "on loopback as well: {}", server.url);
    let answers =
        |of: &(String, String)| ask(port(&server), of.0.as_bytes(), "GET /healthz HTTP/1.1").filter(|a| !a.is_empty());
    assert!(answers(&first).is_some() && answers(&second).is_none());
    site.write("own.pem", "half a fi");
    server.hup();
    until("it says so", || server.log().contains("the certificate stays as it was").then_some(()));
    assert!(answers(&first).is_some(), "the one before is still in use");
    place(&second);
    server.hup();
    until("the new one counts", || answers(&second));
    assert!(answers(&first).is_none());
}

#[test]
fn connections_that_ask_nothing_end_and_hold_nobody_up() {
    let site = site();
    let server = site.server();
    let host = server.url.trim_start_matches("http://").trim_end_matches('/').to_owned();
    let idle: Vec<TcpStream> = (0..200)
        .map(|n| {
            let mut one = TcpStream::connect(&host).expect("it is taken");
            one.set_read_timeout(Some(PATIENCE)).expect("a socket");
            // Some say nothing, some begin to, some never get to the end of what they announced, some have had their answer.
            let begun: &str = match n % 4 {
                0 => "",
                3 => "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n",
                1 => "GET / HTTP/1.1\r\nHost: loc",
                _ => "POST /sign-in HTTP/1.1\r\nHost: localhost\r\nSec-Fetch-Site: same-origin\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 20\r\n\r\nname=",
            };
            one.write_all(begun.as_bytes()).expect("it is taken");
            one
        })
        .collect();
    let (status, _) = server.get("/healthz").expect("it answers others meanwhile");
    assert_eq!(status, 200);
    for mut one in idle {
        let mut rest = Vec::new();
        // Closed, by a word or without one; without a limit this would wait for ever.
        match one.read_to_end(&mut rest) {
            Ok(_) => {}
            Err(e) => assert_eq!(e.kind(), ErrorKind::ConnectionReset, "{e}"),
        }
        let rest = String::from_utf8_lossy(&rest);
        assert!(
            rest.is_empty() || ["HTTP/1.1 4", "HTTP/1.1 200"].iter().any(|start| rest.starts_with(start)),
            "{rest}"
        );
    }
    assert_eq!(server.stop(), 0);
}
