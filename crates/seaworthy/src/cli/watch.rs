//! `watch`: only the watcher, as a process of its own.

use seaworthy_runtime::Stop;
use tokio::signal::unix::{SignalKind, signal};

use super::Ask;
use crate::{
    role::watcher,
    trouble::{Trouble, code},
};

#[derive(Debug, clap::Args)]
pub struct Args {}

/// Carries out the verb.
pub async fn run(ask: &Ask, _args: Args) -> Result<u8, Trouble> {
    let place = ask.place()?;
    let gone = |e: std::io::Error| Trouble::start(format!("signals cannot be heard ({e})"));
    let mut term = signal(SignalKind::terminate()).map_err(gone)?;
    let mut int = signal(SignalKind::interrupt()).map_err(gone)?;
    // The files are looked at every second anyway; asking for it must not end the watch.
    let mut hup = signal(SignalKind::hangup()).map_err(gone)?;
    let stop = Stop::default();
    let asked = stop.clone();
    tokio::spawn(async move {
        loop {
            tokio::select! { _ = term.recv() => break, _ = int.recv() => break, _ = hup.recv() => {} }
        }
        asked.now();
    });
    ask.out.line(&format!("watching {}", place.data.display()));
    watcher::alone(&place, stop).await?;
    Ok(code::VERIFIED)
}
