//! `up`: everything in one process, until it is asked to stop.

use std::net::SocketAddr;

use tokio::signal::unix::{SignalKind, signal};

use super::Ask;
use crate::{
    role::server::{self, Options},
    trouble::{Trouble, code},
};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Where the pages are; loopback only until accounts exist
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:7770")]
    pub listen: SocketAddr,
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
    let server = server::start(&place, Options { listen: args.listen, watch: !args.no_watch }).await?;
    ask.out.line(&format!("seaworthy is up: http://{}/  (loopback only, until accounts exist)", server.address));
    ask.out.object(&serde_json::json!({ "v": 1, "url": format!("http://{}/", server.address) }));
    let reason = loop {
        tokio::select! {
            _ = term.recv() => break "SIGTERM",
            _ = int.recv() => break "SIGINT",
            _ = hup.recv() => server.reload(),
        }
    };
    server.stop(reason).await;
    Ok(code::VERIFIED)
}
