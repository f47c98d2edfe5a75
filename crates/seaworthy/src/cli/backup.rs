//! `backup`: this site's own state, copied while it runs.
//!
//! The copy holds the signing key: keep it as private as the site itself.

use std::{
    fs, io,
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
};

use seaworthy_model::port::Clock as _;
use seaworthy_store::{FORMAT, sqlite::Sqlite};
use serde_json::json;

use super::{
    Ask,
    copy::{JOURNAL, MANIFEST, Manifest, copy_file, io_trouble, list, sync},
    site,
};
use crate::{
    place::Place,
    real::RealClock,
    socket::{self, Answered, Asked},
    trouble::{Trouble, code},
};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Folder to make; must not exist
    pub to: PathBuf,
    /// The artifacts of runs as well
    #[arg(long)]
    pub artifacts: bool,
}

/// Carries out the verb.
pub async fn run(ask: &Ask, args: Args) -> Result<u8, Trouble> {
    let place = site::open(ask)?.place;
    let to = std::path::absolute(&args.to).map_err(io_trouble(&args.to))?;
    fs::DirBuilder::new().mode(0o700).create(&to).map_err(|e| {
        Trouble::start(format!("{} cannot be made ({e}); name a folder that does not exist yet", to.display()))
    })?;
    let copied = copy_journal(&place, &to.join(JOURNAL)).await?;
    let watcher = place.watcher().join(JOURNAL);
    if watcher.is_file() {
        fs::create_dir(to.join("watcher")).map_err(io_trouble(&to))?;
        Sqlite::open_readonly(&watcher)?.backup_to(&to.join("watcher").join(JOURNAL))?;
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
    let file = to.join(MANIFEST);
    fs::write(&file, text).and_then(|()| sync(&file)).and_then(|()| sync(&to)).map_err(io_trouble(&file))?;
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
    match socket::ask(place, &asked).await? {
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
        copy_file(&source, &to.join(name)).map_err(io_trouble(&source))?;
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
            kind if kind.is_file() => match copy_file(&source, &target) {
                Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
                _ => {}
            },
            _ => {}
        }
    }
    Ok(())
}
