//! The pages of a server: what they are given, and what they are served with.
//!
//! This module must not know any page, and keeps nothing running by itself.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use seaworthy_model::{
    id::ActorId,
    port::{Clock as _, Definitions as _, Views},
    time::At,
};
use seaworthy_runtime::Stop;
use seaworthy_web::Web;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::{certificate::Certificate, loops::Loops, serve, server::Options};
use crate::{place::Place, real::RealClock, trouble::Trouble, who, wire::House};

/// Less free space than this in the data folder, and we are not ready.
const FREE_BYTES_MIN: u64 = 32 * 1024 * 1024;

/// What TLS is spoken with. Beyond loopback always: passwords must not cross a network in the open.
///
/// # Errors
/// When others could reach the pages and no `public_url` says under which name, or the certificate cannot be used.
pub fn certificate(place: &Place, house: &House, options: &Options) -> Result<Option<Arc<Certificate>>, Trouble> {
    let outward = !options.listen.ip().is_loopback();
    let public = house.in_force_url().filter(|url| url.starts_with("https://"));
    if outward && public.is_none() {
        return Err(Trouble::refused(format!(
            "{} can be reached by others, and under no other name than that of `public_url` anything is answered: write `public_url: https://NAME:PORT` into seaworthy.yaml, or listen on loopback with a proxy in front",
            options.listen
        )));
    }
    match (&options.tls, public.filter(|_| outward)) {
        (Some(files), _) => Certificate::of(files.clone()).map(Some),
        (None, Some(url)) => Certificate::own(place, named(&url).0).map(Some),
        (None, None) => Ok(None),
    }
}

/// Host and base path of a URL.
fn named(url: &str) -> (&str, &str) {
    let rest = url.split_once("://").map_or("", |(_, rest)| rest);
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    (authority_name(authority), path)
}

/// `NAME` of `NAME:PORT`, `[V6]` of `[V6]:PORT`.
fn authority_name(authority: &str) -> &str {
    let port = authority.rsplit_once(':').filter(|(_, port)| port.bytes().all(|b| b.is_ascii_digit()));
    port.map_or(authority, |(name, _)| name)
}

/// Where the pages are, for whoever is on this host.
pub fn url(address: SocketAddr, tls: bool) -> String {
    format!("{}://{address}/", if tls { "https" } else { "http" })
}

/// Everything that the pages ask, of this house.
///
/// # Errors
/// When the door cannot be opened.
pub fn web(
    place: &Place,
    house: &House,
    watch_views: Option<Arc<dyn Views>>,
    actor: ActorId,
    ready: &Arc<AtomicBool>,
    length: &Arc<AtomicU64>,
) -> Result<Web, Trouble> {
    let loaded = house.in_force.current();
    let url = loaded.site.public_url.clone().unwrap_or_default();
    let (host, path) = named(&url);
    let base = if path.is_empty() { String::new() } else { format!("/{}", path.trim_end_matches('/')) };
    let (data, started) = (place.data.clone(), RealClock.now());
    let (adopted, runs, entries) = (ready.clone(), house.runs.clone(), length.clone());
    Ok(Web {
        secure: url.starts_with("https://"),
        journal: house.ports.journal.clone(),
        views: house.ports.views.clone(),
        watch_views,
        outputs: house.outputs.clone(),
        definitions: house.ports.definitions.clone(),
        requests: Arc::new(house.desk.clone()),
        clock: house.ports.clock.clone(),
        accounts: house.store.opened().accounts,
        door: Arc::new(house.door()?),
        actor,
        identify: Some(Arc::new(house.tokens.clone())),
        tokens: Some(Arc::new(house.tokens.clone())),
        answers: Some(house.tokens.tokens.clone()),
        ready: Arc::new(move || {
            if !adopted.load(Ordering::Relaxed) {
                return Err("runs of an earlier life are still being taken up".into());
            }
            match free_bytes(&data) {
                Some(free) if free < FREE_BYTES_MIN => {
                    Err(format!("only {} MiB are free where the journal is kept", free / 1024 / 1024))
                }
                _ => Ok(()),
            }
        }),
        twice: Arc::new(Vec::new),
        metrics: Arc::new(move || metrics(runs.count(), entries.load(Ordering::Relaxed), started)),
        base,
        anybody: true,
        note: String::new(),
        machine: who::host(),
        hosts: if host.is_empty() { vec![] } else { vec![host.to_owned()] },
    })
}

fn free_bytes(folder: &std::path::Path) -> Option<u64> {
    let about = rustix::fs::statvfs(folder).ok()?;
    Some(about.f_bavail.saturating_mul(about.f_frsize))
}

fn metrics(live: usize, entries: u64, started: At) -> String {
    let up = RealClock.now().since(started).as_seconds();
    let memory = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages: u64 = memory.split(' ').nth(1).and_then(|n| n.parse().ok()).unwrap_or(0);
    let bytes = pages * rustix::param::page_size() as u64;
    format!(
        "# HELP seaworthy_runs_live Runs that this node drives.\n# TYPE seaworthy_runs_live gauge\nseaworthy_runs_live {live}\n\
         # HELP seaworthy_journal_entries Entries in the journal.\n# TYPE seaworthy_journal_entries counter\nseaworthy_journal_entries {entries}\n\
         # HELP seaworthy_uptime_seconds Seconds since the node started.\n# TYPE seaworthy_uptime_seconds gauge\nseaworthy_uptime_seconds {up:.3}\n\
         # HELP process_resident_memory_bytes Resident memory.\n# TYPE process_resident_memory_bytes gauge\nprocess_resident_memory_bytes {bytes}\n"
    )
}

/// Serves them until it is asked to stop.
pub fn serve(tasks: &mut Loops, listener: TcpListener, certificate: Option<Arc<Certificate>>, web: Web, stop: Stop) {
    let tls = certificate.map(|one| Arc::new(move || one.acceptor()) as Arc<dyn Fn() -> TlsAcceptor + Send + Sync>);
    tasks.keep("page", serve::serve(listener, tls, seaworthy_web::router(web), stop));
}
