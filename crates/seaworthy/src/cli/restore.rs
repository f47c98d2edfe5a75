//! `restore`: a copy of a site's own state, put back with proof.
//!
//! Nothing is touched before the copy is proven. Meanwhile nobody else can open the data folder, and a restore that
//! was cut short leaves one that is refused until it is restored again.

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
};

use rustix::fs::{CWD, RenameFlags, renameat_with};
use seaworthy_model::{
    entry::{Stream, Via},
    event::Event,
    port::{Batch, Clock as _},
    site::Loaded,
};
use seaworthy_platform::keeper;
use seaworthy_store::sqlite::Sqlite;
use serde_json::json;

use super::{
    Ask,
    copy::{self, JOURNAL, Manifest, copy_file, io_trouble, sync},
};
use crate::{
    kept, node,
    place::{Place, RESTORING, WATCHER},
    real::RealClock,
    trouble::{Trouble, code},
    wire,
};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Folder that `backup` made
    pub from: PathBuf,
    /// Put the present state aside first
    #[arg(long)]
    pub force: bool,
}

/// Carries out the verb.
pub async fn run(ask: &Ask, args: Args) -> Result<u8, Trouble> {
    let place = ask.place()?;
    let from = fs::canonicalize(&args.from)
        .map_err(|e| Trouble::start(format!("{} cannot be read ({e})", args.from.display())))?;
    let manifest = copy::proven(&from).await?;
    place.make_data()?;
    let mut locks = nobody_home(&place)?;
    let marker = place.data.join(RESTORING);
    // What an unfinished restore left is no state of anybody.
    if !marker.exists() {
        match held(&place) {
            Some(file) if !args.force => {
                return Err(Trouble::refused(format!(
                    "{} holds a journal already ({}); --force puts it aside",
                    place.data.display(),
                    file.display()
                )));
            }
            Some(_) => {
                let aside = put_aside(&place)?;
                ask.out.line(&format!("the present state was put aside as {}", aside.display()));
                locks.extend(nobody_home(&place)?);
            }
            None => mark(&place.data)?,
        }
    }
    put_back(&from, &place, &manifest)?;
    let loaded = kept::read(&place.data, &place.folder).map_or_else(|| wire::definitions(&place, None), Ok)?;
    record(&place, loaded, &manifest).await?;
    fs::remove_file(&marker).and_then(|()| sync(&place.data)).map_err(io_trouble(&marker))?;
    drop(locks);
    ask.out.line(&format!(
        "restored {} entries; the history says so in its next entry. What happened after the copy is not in it.",
        manifest.position
    ));
    ask.out.object(
        &json!({ "v": 1, "position": manifest.position, "data": place.data.display().to_string(), "ok": true }),
    );
    Ok(code::VERIFIED)
}

/// Nobody may write to the state that is about to be replaced: nobody does, and no server or watcher can begin to.
fn nobody_home(place: &Place) -> Result<Vec<node::RoleLock>, Trouble> {
    let mut locks = Vec::new();
    match node::role(&place.data, "server")? {
        Some(lock) => locks.push(lock),
        None => return Err(Trouble::refused("a server of this site is running; stop it first")),
    }
    if place.watcher().is_dir() {
        match node::role(&place.watcher(), "watcher")? {
            Some(lock) => locks.push(lock),
            None => return Err(Trouble::refused("a watcher of this site is running; stop it first")),
        }
    }
    if !node::living(&place.data, 0)?.is_empty() {
        return Err(Trouble::refused("a run of this site is under way; wait for its end"));
    }
    nothing_held(&place.data)?;
    Ok(locks)
}

/// Commands outlive their server. Under another history nobody would know of them, and what they did could be done again.
fn nothing_held(data: &Path) -> Result<(), Trouble> {
    let held = keeper::holds(data).map_err(io_trouble(data))?;
    let Some(first) = held.first() else { return Ok(()) };
    let run = first.attempt.split('.').next().unwrap_or(&first.attempt);
    let process = first.keeper.map_or(String::new(), |pid| format!(" (process {pid})"));
    let more = if held.len() > 1 { format!(" and {} more", held.len() - 1) } else { String::new() };
    Err(Trouble::refused(format!(
        "the keeper of this site{process} still holds {}{more}, begun under the state that would be replaced; wait for its end, or start the server, `seaworthy cancel {run}`, stop the server, and restore then",
        first.attempt
    )))
}

/// A file that belongs to a journal. The log of one counts: its journal may have been removed by mistake, and a
/// journal that is put beside it would be read together with it.
fn held(place: &Place) -> Option<PathBuf> {
    let files = |folder: &Path| ["", "-wal", "-shm"].map(|ending| folder.join(format!("{JOURNAL}{ending}")));
    files(&place.data).into_iter().chain(files(&place.watcher())).find(|file| file.exists())
}

/// From here on the folder is refused by everybody but `restore`.
fn mark(data: &Path) -> Result<(), Trouble> {
    let marker = data.join(RESTORING);
    fs::write(&marker, "a restore has not come to its end; run it again\n")
        .and_then(|()| sync(&marker))
        .and_then(|()| sync(data))
        .map_err(|e| Trouble::start(format!("{} cannot be written ({e}); nothing was restored", marker.display())))
}

/// Puts a marked, empty data folder in the place of the present one, which goes on under another name.
fn put_aside(place: &Place) -> Result<PathBuf, Trouble> {
    let aside = place.data.with_extension(format!("before-restore-{}", RealClock.now().millis()));
    let trouble = |e: io::Error| {
        Trouble::start(format!(
            "the present state cannot be put aside as {} ({e}); nothing was restored",
            aside.display()
        ))
    };
    let fresh = Place { folder: place.folder.clone(), data: aside.clone(), source: None };
    fresh.make_data()?;
    mark(&aside)?;
    // In one step: a server that is started again and again must at no moment find an empty folder without a mark.
    if let Err(e) = renameat_with(CWD, &aside, CWD, &place.data, RenameFlags::EXCHANGE) {
        drop(fs::remove_dir_all(&aside));
        return Err(trouble(e.into()));
    }
    if let Some(above) = place.data.parent() {
        sync(above).map_err(trouble)?;
    }
    Ok(aside)
}

/// Copies what the manifest lists and makes it durable, the journal last.
fn put_back(from: &Path, place: &Place, manifest: &Manifest) -> Result<(), Trouble> {
    // The site's own journal after the watcher's.
    let journals = [Path::new(WATCHER).join(JOURNAL), PathBuf::from(JOURNAL)];
    let listed = |file: &PathBuf| manifest.files.iter().any(|listed| Path::new(&listed.file) == file);
    let others = manifest.files.iter().map(|listed| PathBuf::from(&listed.file)).filter(|f| !journals.contains(f));
    let mut folders = BTreeSet::new();
    for file in others {
        let file = &file;
        let (source, target) = (from.join(file), place.data.join(file));
        let above = target.parent().unwrap_or(&place.data);
        fs::create_dir_all(above).and_then(|()| copy_file(&source, &target)).map_err(io_trouble(&source))?;
        folders.extend(above.ancestors().take_while(|folder| folder.starts_with(&place.data)).map(Path::to_path_buf));
    }
    for folder in folders {
        sync(&folder).map_err(io_trouble(&folder))?;
    }
    for file in journals.iter().filter(|file| listed(file)) {
        let target = place.data.join(file);
        fs::create_dir_all(target.parent().unwrap_or(&place.data)).map_err(io_trouble(&target))?;
        Sqlite::restore(&from.join(file), &target)?;
    }
    Ok(())
}

async fn record(place: &Place, loaded: Loaded, manifest: &Manifest) -> Result<(), Trouble> {
    let house = wire::open_restored(&place.data, loaded)?;
    let actor = house.os_actor(rustix::process::geteuid()).await?;
    let mut batch = Batch::by(actor, Via::Cli);
    let event = Event::SiteRestored { from_position: manifest.position, from_at: manifest.made_at };
    batch.writes.push(house.ports.ids().write(Stream::site(), None, RealClock.now(), [event]));
    house.ports.journal.append(batch).await?;
    seaworthy_runtime::seal::seal(&house.ports).await?;
    house.close();
    Ok(())
}
