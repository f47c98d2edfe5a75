//! Looking at a real TLS server: the openssl program.

use std::{
    net::{TcpListener, TcpStream},
    process::{Child, Command, Stdio},
};

use crate::{
    kit::{Folder, eventually, get, int, look, order},
    server::certificate,
};

/// Holds the address for the copy of this test that trusts the root.
const ADDRESS_NAME: &str = "LOOK_TEST_HTTPS";

struct Server {
    child: Child,
    port: u16,
}

impl Server {
    fn start(folder: &Folder) -> Self {
        certificate(&folder.0);
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut openssl = Command::new("openssl");
        openssl.args(["s_server", "-quiet", "-www", "-cert", "cert.pem", "-key", "key.pem", "-accept"]);
        openssl.arg(format!("127.0.0.1:{port}")).current_dir(&folder.0);
        let child = openssl.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let server = Server { child, port };
        assert!(eventually(|| TcpStream::connect(("127.0.0.1", port)).is_ok()), "openssl s_server is not ready");
        server
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Trusted roots are read from the environment of the whole program, so the trusting half is a program of
/// its own: this test again, with the root in `SSL_CERT_FILE`.
#[tokio::test]
async fn a_certificate_counts_when_its_root_is_trusted_and_only_then() {
    let folder = Folder::new();
    if let Ok(address) = std::env::var(ADDRESS_NAME) {
        let seen = look(&order(&folder, get(&address))).await.unwrap();
        assert_eq!(int(&seen.facts, "status"), 200);
        return;
    }
    let server = Server::start(&folder);
    let address = format!("https://localhost:{}/", server.port);
    let error = look(&order(&folder, get(&address))).await.unwrap_err();
    assert!(error.contains("certificate") && error.contains(&address), "{error}");

    let mut trusting = Command::new(std::env::current_exe().unwrap());
    trusting.args(["--exact", "https::a_certificate_counts_when_its_root_is_trusted_and_only_then"]);
    trusting.env(ADDRESS_NAME, &address).env("SSL_CERT_FILE", folder.0.join("ca.pem"));
    let said = trusting.output().unwrap();
    let out = String::from_utf8_lossy(&said.stdout);
    assert!(said.status.success() && out.contains("1 passed"), "{out}");
}
