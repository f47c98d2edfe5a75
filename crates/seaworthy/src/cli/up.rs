//! `up`: everything in one process, until it is asked to stop.

use std::{net::SocketAddr, path::PathBuf};

use tokio::signal::unix::{SignalKind, signal};

use super::Ask;
use crate::{
    role::{
        certificate::Files,
        door::{self, OwnerLink},
        server::{self, Options},
    },
    trouble::{Trouble, code},
};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Where the pages are; beyond loopback with TLS only, by a certificate of its own if none is given
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:7770")]
    pub listen: SocketAddr,
    /// The certificate for TLS, with its chain (PEM); read again when it changes
    #[arg(long, value_name = "FILE", requires = "key")]
    pub certificate: Option<PathBuf>,
    /// The private key of the certificate (PEM); not readable by others
    #[arg(long, value_name = "FILE", requires = "certificate")]
    pub key: Option<PathBuf>,
    /// Leave watching to `seaworthy watch`
    #[arg(long)]
    pub no_watch: bool,
}

/// Carries out the verb.
pub async fn run(ask: &Ask, args: Args) -> Result<u8, Trouble> {
    let place = ask.place()?;
    let gone = |e: std::io::Error| Trouble::start(format!("signals cannot be heard ({e})"));
    let mut term = signal(SignalKind::terminate()).map_err(gone)?;
    let mut int = signal(SignalKind::interrupt()).map_err(gone)?;
    let mut hup = signal(SignalKind::hangup()).map_err(gone)?;
    let tls = args.certificate.zip(args.key).map(|(certificate, key)| Files { certificate, key });
    let mut server = server::start(&place, Options { listen: args.listen, tls, watch: !args.no_watch }).await?;
    let url = server.url();
    let link = door::first_owner(&place, &server.house, &url).await?;
    let reach = if server.address.ip().is_loopback() { "  (loopback only)" } else { "" };
    ask.out.line(&format!("seaworthy is up: {url}{reach}"));
    let own = server.certificate.as_ref().filter(|certificate| certificate.is_own());
    if let Some(certificate) = own {
        let fingerprint = certificate.fingerprint();
        ask.out.line("its certificate is its own: a browser warns, and whoever goes on compares");
        ask.out.line(&format!("  SHA-256 {fingerprint}"));
    }
    let kept = match &link {
        OwnerLink::None => None,
        OwnerLink::Shown(link) => {
            ask.out.line(&format!("no owner yet: whoever opens {link} becomes the first one"));
            None
        }
        OwnerLink::Kept(file) => {
            ask.out.line(&format!("no owner yet: the link for the first one is in {}", file.display()));
            Some(file.display().to_string())
        }
    };
    ask.out.object(&serde_json::json!({ "v": 1, "url": url, "certificate_sha256": server.certificate.as_ref().map(|one| one.fingerprint()), "owner_link_file": kept }));
    let reason = loop {
        tokio::select! {
            _ = term.recv() => break Ok("SIGTERM"),
            _ = int.recv() => break Ok("SIGINT"),
            _ = hup.recv() => server.reload(),
            broken = server.broken() => break Err(broken),
        }
    };
    server.stop(reason.as_deref().unwrap_or_else(|broken| broken)).await;
    reason.map(|_| code::VERIFIED).map_err(Trouble::failed)
}
