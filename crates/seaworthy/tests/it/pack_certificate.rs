//! Pack `certificate` against real TLS listeners: good, then ended, for another name, not trusted, renewed but not served.

use std::{
    net::{TcpListener, TcpStream},
    process::{Child, Command, Stdio},
};

use crate::{
    kit::{Site, until},
    pack_kit::{at_once, drilled, has, ops, refused, site_with, step_failed, verified},
};

const PACK: &str = "certificate";

/// A listener that serves one certificate; it ends with its test.
struct Listener(Child);

impl Listener {
    fn start(site: &Site, port: u16, name: &str) -> Listener {
        let mut child = Command::new("openssl")
            .args(["s_server", "-quiet", "-accept", &format!("127.0.0.1:{port}")])
            .args(["-cert", &format!("{name}.pem"), "-key", &format!("{name}.key")])
            .current_dir(&site.folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("it was found");
        until("the listener answers", || {
            assert!(child.try_wait().expect("it is ours").is_none(), "the listener ended");
            TcpStream::connect(("127.0.0.1", port)).ok()
        });
        Listener(child)
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A certificate of its own authority, `NAME.pem`: its own root, so that trust can be given or not.
fn certificate(site: &Site, name: &str, host: &str, days: &str) {
    site.sh(&format!("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days {days} -subj /CN={host} -addext subjectAltName=DNS:{host} -keyout {name}.key -out {name}.pem 2> /dev/null"));
}

#[test]
fn a_served_certificate_is_good_and_one_that_ends_or_is_for_others_or_untrusted_or_old_is_found() {
    if !has(&["openssl"]) {
        return;
    }
    let port = TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("loopback has ports").port();
    let answers = [
        ("host", "127.0.0.1"),
        ("port", &port.to_string()),
        ("ca", "trusted.pem"),
        ("file", "disk.pem"),
        ("renew", "touch renewed"),
    ];
    let site = site_with(PACK, &answers);
    certificate(&site, "good", "localhost", "90");
    site.sh("cp good.pem trusted.pem && cp good.pem disk.pem");
    let listener = Listener::start(&site, port, "good");
    verified(&site, PACK);
    drilled(&site, PACK);
    drop(listener);
    // Short-lived, and the ladder tried to renew it before anybody was told.
    certificate(&site, "short", "localhost", "2");
    site.sh("cp short.pem trusted.pem && cp short.pem disk.pem");
    let listener = Listener::start(&site, port, "short");
    refused(&site, PACK, "it is good for 21 days to come", "Certificate will expire");
    assert_eq!(site.sh("ls renewed"), "renewed\n");
    at_once(&site, PACK);
    // Renewed on disk, and the service still holds the old one.
    site.edit(&ops(PACK), "DAYS: \"21\"", "DAYS: \"1\"");
    verified(&site, PACK);
    site.sh("cp good.pem disk.pem");
    refused(&site, PACK, "what is served is what lies on disk", "another one is served than lies in disk.pem");
    site.sh("cp short.pem disk.pem && cp good.pem trusted.pem");
    refused(&site, PACK, "whoever connects trusts it", "self-signed");
    drop(listener);
    step_failed(&site, PACK, "fetch", "errno");
    certificate(&site, "other", "elsewhere", "90");
    site.sh("cp other.pem trusted.pem && cp other.pem disk.pem");
    let _listener = Listener::start(&site, port, "other");
    refused(&site, PACK, "it is for localhost", "does NOT match certificate");
}

#[test]
fn a_certificate_that_has_ended_is_found_on_the_day_after() {
    if !has(&["openssl", "faketime"]) {
        return;
    }
    let port = TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("loopback has ports").port();
    let site = site_with(PACK, &[("host", "127.0.0.1"), ("port", &port.to_string()), ("ca", "old.pem"), ("days", "0")]);
    site.sh("faketime -f -10d true");
    certificate(&site, "old", "localhost", "1");
    let _listener = Listener::start(&site, port, "old");
    verified(&site, PACK);
    // Three days later, for openssl alone.
    at_once(&site, PACK);
    let text = site.read(&ops(PACK));
    site.write(
        &ops(PACK),
        &text.replace(
            "openssl x509 -in \"$ARTIFACT\" -noout -enddate",
            "faketime -f +3d openssl x509 -in \"$ARTIFACT\" -noout -enddate",
        ),
    );
    refused(&site, PACK, "it is good for 0 days to come", "Certificate will expire");
}
