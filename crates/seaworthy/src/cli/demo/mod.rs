//! `demo`: a live site in a temporary folder, with the real engine on a real database.
//!
//! Within a minute it shows a verified backup, a restore drill with its measured time, a backup that was healed,
//! one that was not and told somebody, one that lies, and a check taken away that waits for a person. Nothing is staged
//! but the faults.

mod colleague;
mod shop;

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use seaworthy_core::run::State;
use seaworthy_model::{
    entry::{Entry, Via},
    event::Event,
    port::{Ask as Wish, Journal, Requests as _},
    run::Kind,
};
use tokio::signal::unix::{SignalKind, signal};

pub use shop::{ToolArgs, tool};

use super::{Ask, follow, story};
use crate::{
    out::{Out, Tone},
    place::{Place, SITE_FILE},
    role::server::{self, Options, Server},
    trouble::{Trouble, code},
};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Where the pages are; a free port is taken by default
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:0")]
    pub listen: SocketAddr,
    /// Folder to make the site in, kept afterwards [default: a temporary one, removed at the end]
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
    /// End by itself after this many seconds
    #[arg(long, value_name = "SECONDS")]
    pub seconds: Option<u64>,
}

const FILES: [(&str, &str); 6] = [
    (SITE_FILE, include_str!("site/seaworthy.yaml")),
    ("ops/backup-orders.yaml", include_str!("site/ops/backup-orders.yaml")),
    ("ops/backup-photos.yaml", include_str!("site/ops/backup-photos.yaml")),
    ("ops/backup-invoices.yaml", include_str!("site/ops/backup-invoices.yaml")),
    ("ops/lying-backup.yaml", include_str!("site/ops/lying-backup.yaml")),
    ("procedures/backup-failed.md", include_str!("site/procedures/backup-failed.md")),
];

/// Asked for at the start, so that nobody waits for a schedule.
const FIRST: [&str; 4] = ["backup-orders", "backup-photos", "backup-invoices", "lying-backup"];

/// Carries out the verb.
pub async fn run(ask: &Ask, args: Args) -> Result<u8, Trouble> {
    let gone = |e: std::io::Error| Trouble::start(format!("signals cannot be heard ({e})"));
    let mut term = signal(SignalKind::terminate()).map_err(gone)?;
    let mut int = signal(SignalKind::interrupt()).map_err(gone)?;
    let (folder, temporary) = folder(&args)?;
    let place = write_site(&folder)?;
    let shop = shop::open(&folder)?;
    let server = server::start(&place, Options { listen: args.listen, tls: None, watch: true }).await?;
    let url = server.url();
    ask.out.line(&format!("seaworthy demo: {}", ask.out.paint(Tone::Strong, &url)));
    ask.out.line(&format!("a live site in {}; Ctrl-C ends it\n", folder.display()));
    ask.out.object(&serde_json::json!({ "v": 1, "url": url, "folder": folder.display().to_string() }));
    let actor = server.house.os_actor(rustix::process::geteuid()).await?;
    for process in FIRST {
        server
            .house
            .desk
            .ask(Wish::Run { process: process.into(), inputs: Default::default() }, actor, Via::Cli)
            .await?;
    }
    let limit = args.seconds.map_or(Duration::from_secs(365 * 24 * 3600), Duration::from_secs);
    tokio::select! {
        () = shop.trade() => {}
        told = tell(ask.out, &server, &folder) => told?,
        _ = term.recv() => {}
        _ = int.recv() => {}
        () = tokio::time::sleep(limit) => {}
    }
    server.stop("the demo ends").await;
    if temporary && let Err(trouble) = fs::remove_dir_all(&folder) {
        crate::out::complain(&format!("note: {} could not be removed ({trouble})", folder.display()));
    }
    Ok(code::VERIFIED)
}

/// The site's folder, and whether it goes away with us.
fn folder(args: &Args) -> Result<(PathBuf, bool), Trouble> {
    let (folder, temporary) = match &args.dir {
        Some(dir) => (dir.clone(), false),
        None => (std::env::temp_dir().join(format!("seaworthy-demo-{}", std::process::id())), true),
    };
    let trouble = |e: std::io::Error| Trouble::start(format!("the folder {} cannot be made ({e})", folder.display()));
    if folder.join(SITE_FILE).exists() {
        return Err(Trouble::refused(format!("{} holds a site already; name an empty folder", folder.display())));
    }
    fs::create_dir_all(&folder).map_err(trouble)?;
    let folder = fs::canonicalize(&folder).map_err(trouble)?;
    Ok((folder, temporary))
}

fn write_site(folder: &Path) -> Result<Place, Trouble> {
    let own = std::env::current_exe().map_err(|e| Trouble::start(format!("our own program cannot be found ({e})")))?;
    for (file, text) in FILES {
        let path = folder.join(file);
        let text = text.replace("@SEAWORTHY@", &own.display().to_string());
        let made = path.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::write(&path, text));
        made.map_err(|e| Trouble::start(format!("{} cannot be written ({e})", path.display())))?;
    }
    Place::find(folder, None)
}

/// Prints each run as it ends: the same words as `run` and the pages. Once the orders are proven, the colleague comes.
async fn tell(out: Out, server: &Server, folder: &Path) -> Result<(), Trouble> {
    let (journal, mut at) = (server.house.ports.journal.clone(), 0);
    let (mut rehearsed, mut edited) = (false, false);
    loop {
        let length = journal.past(at).await?;
        while at < length {
            let entries = journal.from(at, 500).await?;
            let Some(last) = entries.last() else { break };
            at = last.position + 1;
            for entry in &entries {
                let line = match entry.event() {
                    Ok(Some(Event::RunEnded { .. })) => match ended(out, journal.as_ref(), entry).await? {
                        Some((line, kind)) => {
                            rehearsed |= kind == Kind::Drill;
                            Some(line)
                        }
                        None => None,
                    },
                    Ok(Some(Event::MessageDue { route, process, .. })) => {
                        Some(format!("telling {route} about {process}: told.txt"))
                    }
                    Ok(Some(Event::ChangeHeld { subject, weaker, .. })) => {
                        let held = out.paint(Tone::Doubt, "WAITS FOR A PERSON");
                        let subject = subject.trim_start_matches("process/");
                        Some(format!("{held}  {subject}: {}; look at /changes", weaker.join("; ")))
                    }
                    _ => None,
                };
                if let Some(line) = line {
                    out.line(&format!("{}  {line}", &super::site::time(entry.header.at)[11..19]));
                }
            }
        }
        if rehearsed && !edited {
            colleague::edit(folder)?;
            server.reload();
            edited = true;
        }
    }
}

/// The end of a run as a line, and what it was.
async fn ended(out: Out, journal: &dyn Journal, entry: &Entry) -> Result<Option<(String, Kind)>, Trouble> {
    let run = entry.header.stream.as_str().strip_prefix("run/").and_then(|id| id.parse().ok());
    let Some(run) = run else { return Ok(None) };
    let events = follow::events(journal, run, 0).await?;
    let state = State::fold(events.iter().map(|(at, event)| (*at, event)));
    let (Some(requested), Some(end)) = (&state.requested, &state.ended) else { return Ok(None) };
    let recovery = end.recovery.map_or(String::new(), |r| format!(", restored in {r}"));
    let verdict = story::verdict(&out, &requested.process, requested.kind, end.executed, end.verified, &end.reason);
    Ok(Some((format!("{verdict}{recovery}"), requested.kind)))
}
