//! `backup` and `restore`: this site's own state, copied while it runs and put back with proof.
//!
//! A copy is a folder: the journal, the watcher's journal, the key, the definitions in force, kept output, and a
//! manifest with the SHA-256 of each file. It holds the signing key: keep it as private as the site itself.

use std::{
    fs, io,
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
};

use seaworthy_model::{
    entry::{Stream, Via},
    event::Event,
    port::{Batch, Clock as _, Signer as _},
    process::hex,
    site::Loaded,
    time::At,
};
use seaworthy_store::{FORMAT, sqlite::Sqlite};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::{Ask, journal, site};
use crate::{
    node,
    place::Place,
    real::{KeyFile, RealClock},
    socket::{self, Answered, Asked},
    trouble::{Trouble, code},
    wire,
};

#[derive(Debug, clap::Args)]
pub struct BackupArgs {
    /// Folder to make; must not exist
    pub to: PathBuf,
    /// The artifacts of runs as well
    #[arg(long)]
    pub artifacts: bool,
}

#[derive(Debug, clap::Args)]
pub struct RestoreArgs {
    /// Folder that `backup` made
    pub from: PathBuf,
    /// Put the present state aside first
    #[arg(long)]
    pub force: bool,
}

#[derive(Debug, Serialize, Deserialize)]
struct Manifest {
    v: u32,
    program: String,
    format: u32,
    made_at: At,
    position: u64,
    files: Vec<Listed>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Listed {
    file: String,
    bytes: u64,
    sha256: String,
}

fn io_trouble(what: &Path) -> impl Fn(io::Error) -> Trouble + '_ {
    move |e| Trouble::failed(format!("{} could not be copied ({e})", what.display()))
}

/// Carries out `backup`.
pub async fn backup(ask: &Ask, args: BackupArgs) -> Result<u8, Trouble> {
    let place = site::open(ask)?.place;
    let to = std::path::absolute(&args.to).map_err(io_trouble(&args.to))?;
    fs::DirBuilder::new().mode(0o700).create(&to).map_err(|e| {
        Trouble::start(format!("{} cannot be made ({e}); name a folder that does not exist yet", to.display()))
    })?;
    let copied = copy_journal(&place, &to.join("journal.db")).await?;
    let watcher = place.watcher().join("journal.db");
    if watcher.is_file() {
        fs::create_dir(to.join("watcher")).map_err(io_trouble(&to))?;
        Sqlite::open_readonly(&watcher)?.backup_to(&to.join("watcher/journal.db"))?;
        copy_if_there(&place.watcher(), &to.join("watcher"), "checkpoint.key")?;
    }
    copy_if_there(&place.data, &to, "checkpoint.key")?;
    copy_if_there(&place.data, &to, "in-force.json")?;
    copy_runs(&place.data, &to, args.artifacts)?;
    let manifest = Manifest {
        v: 1,
        program: env!("CARGO_PKG_VERSION").into(),
        format: FORMAT,
        made_at: RealClock.now(),
        position: copied,
        files: list(&to)?,
    };
    let text = serde_json::to_string_pretty(&manifest).map_err(|e| Trouble::failed(e.to_string()))?;
    let file = to.join("manifest.json");
    fs::write(&file, text).and_then(|()| fs::File::open(&file)?.sync_all()).map_err(io_trouble(&file))?;
    let bytes: u64 = manifest.files.iter().map(|f| f.bytes).sum();
    ask.out.line(&format!(
        "copied {copied} entries and {} files ({}) to {}; it holds the signing key: keep it private",
        manifest.files.len(),
        super::story::size(bytes),
        to.display()
    ));
    ask.out.object(&json!({ "v": 1, "to": to.display().to_string(), "position": copied, "files": manifest.files.len(), "bytes": bytes }));
    Ok(code::VERIFIED)
}

/// A consistent copy of the journal: by the server if one runs, else by ourselves.
async fn copy_journal(place: &Place, to: &Path) -> Result<u64, Trouble> {
    let asked = Asked::Copy { file: to.display().to_string() };
    match socket::ask(&place.socket(), &asked).await? {
        Some(Answered::Done { detail }) => {
            detail.parse().map_err(|_| Trouble::failed(format!("the server answered `{detail}`")))
        }
        Some(Answered::Refused { reason }) => Err(Trouble::failed(reason)),
        Some(Answered::Started { .. }) => Err(Trouble::failed("the server answered something else")),
        None => Ok(Sqlite::open_readonly(&place.store())?.backup_to(to)?),
    }
}

fn copy_if_there(from: &Path, to: &Path, name: &str) -> Result<(), Trouble> {
    let source = from.join(name);
    if source.is_file() {
        fs::copy(&source, to.join(name)).map_err(io_trouble(&source))?;
    }
    Ok(())
}

/// Kept output always, artifacts if asked for. A file that vanishes meanwhile was pruned and is left out.
fn copy_runs(data: &Path, to: &Path, artifacts: bool) -> Result<(), Trouble> {
    let Ok(runs) = fs::read_dir(data.join("runs")) else { return Ok(()) };
    for run in runs.flatten() {
        let target = to.join("runs").join(run.file_name());
        for part in ["output", "work"].into_iter().take(if artifacts { 2 } else { 1 }) {
            let source = run.path().join(part);
            if source.is_dir() {
                copy_tree(&source, &target.join(part)).map_err(io_trouble(&source))?;
            }
        }
    }
    Ok(())
}

fn copy_tree(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    let entries = match fs::read_dir(from) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
        other => other?,
    };
    for entry in entries {
        let entry = entry?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        match entry.file_type()? {
            kind if kind.is_dir() => copy_tree(&source, &target)?,
            kind if kind.is_file() => match fs::copy(&source, &target) {
                Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
                _ => {}
            },
            _ => {}
        }
    }
    Ok(())
}

fn list(folder: &Path) -> Result<Vec<Listed>, Trouble> {
    let mut out = Vec::new();
    let mut todo = vec![folder.to_path_buf()];
    while let Some(dir) = todo.pop() {
        for entry in fs::read_dir(&dir).map_err(io_trouble(&dir))?.flatten() {
            let path = entry.path();
            if path.is_dir() {
                todo.push(path);
            } else {
                let (bytes, sha256) = hash(&path).map_err(io_trouble(&path))?;
                out.push(Listed {
                    file: path.strip_prefix(folder).unwrap_or(&path).display().to_string(),
                    bytes,
                    sha256,
                });
            }
        }
    }
    out.sort_by(|a, b| a.file.cmp(&b.file));
    Ok(out)
}

fn hash(path: &Path) -> io::Result<(u64, String)> {
    let mut digest = Sha256::new();
    let mut file = fs::File::open(path)?;
    let mut buffer = vec![0; 256 * 1024];
    let mut bytes = 0;
    loop {
        let n = io::Read::read(&mut file, &mut buffer)?;
        if n == 0 {
            return Ok((bytes, hex(&digest.finalize())));
        }
        digest.update(&buffer[..n]);
        bytes += n as u64;
    }
}

/// Carries out `restore`.
pub async fn restore(ask: &Ask, args: RestoreArgs) -> Result<u8, Trouble> {
    let place = ask.place()?;
    let from = fs::canonicalize(&args.from)
        .map_err(|e| Trouble::start(format!("{} cannot be read ({e})", args.from.display())))?;
    let manifest = proven(&from).await?;
    nobody_home(&place)?;
    if place.store().exists() {
        if !args.force {
            return Err(Trouble::refused(format!(
                "{} holds a journal already; --force puts it aside",
                place.data.display()
            )));
        }
        let aside = place.data.with_extension(format!("before-restore-{}", RealClock.now().millis()));
        fs::rename(&place.data, &aside).map_err(io_trouble(&place.data))?;
        ask.out.line(&format!("the present state was put aside as {}", aside.display()));
    }
    place.make_data()?;
    put_back(&from, &place, &manifest)?;
    let loaded = crate::kept::read(&place.data, &place.folder).map_or_else(|| wire::definitions(&place, None), Ok)?;
    record(&place, loaded, &manifest).await?;
    ask.out.line(&format!(
        "restored {} entries; the history says so in its next entry. What happened after the copy is not in it.",
        manifest.position
    ));
    ask.out.object(
        &json!({ "v": 1, "position": manifest.position, "data": place.data.display().to_string(), "ok": true }),
    );
    Ok(code::VERIFIED)
}

/// Nobody may write to the state that is about to be replaced.
fn nobody_home(place: &Place) -> Result<(), Trouble> {
    if node::is_held(&place.data, "server") {
        return Err(Trouble::refused("a server of this site is running; stop it first"));
    }
    if node::is_held(&place.watcher(), "watcher") {
        return Err(Trouble::refused("a watcher of this site is running; stop it first"));
    }
    if !node::living(&place.data, 0).is_empty() {
        return Err(Trouble::refused("a run of this site is under way; wait for its end"));
    }
    Ok(())
}

/// Copies what the manifest lists, the journal last and by rename: a copy that was cut short leaves no journal.
fn put_back(from: &Path, place: &Place, manifest: &Manifest) -> Result<(), Trouble> {
    const JOURNAL: &str = "journal.db";
    let copy = |file: &str, to: &Path| -> io::Result<()> {
        if let Some(above) = to.parent() {
            fs::create_dir_all(above)?;
        }
        fs::copy(from.join(file), to)?;
        fs::File::open(to)?.sync_all()
    };
    for file in manifest.files.iter().map(|listed| listed.file.as_str()).filter(|file| *file != JOURNAL) {
        copy(file, &place.data.join(file)).map_err(io_trouble(&from.join(file)))?;
    }
    let draft = place.data.join("journal.db.restoring");
    copy(JOURNAL, &draft).and_then(|()| fs::rename(&draft, place.store())).map_err(io_trouble(&from.join(JOURNAL)))
}

/// The copy is what its manifest says and its history is intact, or nothing is restored from it.
async fn proven(from: &Path) -> Result<Manifest, Trouble> {
    let text = fs::read_to_string(from.join("manifest.json"))
        .map_err(|e| Trouble::start(format!("{} is not a copy made by `seaworthy backup` ({e})", from.display())))?;
    let manifest: Manifest =
        serde_json::from_str(&text).map_err(|e| Trouble::start(format!("the manifest cannot be read ({e})")))?;
    if manifest.v > 1 || manifest.format > FORMAT {
        return Err(Trouble::start(format!(
            "the copy has format {}, this program knows up to {FORMAT}; use a newer program",
            manifest.format
        )));
    }
    for listed in &manifest.files {
        if !Path::new(&listed.file).components().all(|part| matches!(part, std::path::Component::Normal(_))) {
            return Err(Trouble::failed(format!("the manifest names `{}`, which is not inside a copy", listed.file)));
        }
        let found = hash(&from.join(&listed.file))
            .map_err(|e| Trouble::failed(format!("{} is missing from the copy ({e})", listed.file)))?;
        if found != (listed.bytes, listed.sha256.clone()) {
            return Err(Trouble::failed(format!(
                "{} is not the file that was copied: {} bytes, expected {}; nothing was restored",
                listed.file, found.0, listed.bytes
            )));
        }
    }
    let store = Sqlite::open_readonly(&from.join("journal.db"))?;
    let key = KeyFile::read(&from.join("checkpoint.key"))?;
    let report = journal::walk(store.opened().journal.as_ref(), &key.key()).await?;
    match report.problems.first() {
        None => Ok(manifest),
        Some(problem) => {
            Err(Trouble::failed(format!("the history in the copy is damaged: {}; nothing was restored", problem.what)))
        }
    }
}

async fn record(place: &Place, loaded: Loaded, manifest: &Manifest) -> Result<(), Trouble> {
    let house = wire::open_with(&place.data, loaded)?;
    let actor = house.os_actor(rustix::process::geteuid()).await?;
    let mut batch = Batch::by(actor, Via::Cli);
    let event = Event::SiteRestored { from_position: manifest.position, from_at: manifest.made_at };
    batch.writes.push(house.ports.ids().write(Stream::site(), None, RealClock.now(), [event]));
    house.ports.journal.append(batch).await?;
    seaworthy_runtime::seal::seal(&house.ports).await?;
    house.close();
    Ok(())
}
