//! `init`: writes a first site here. What it writes is shown *unproven* until somebody proves it.

use std::{fs, path::Path};

use super::Ask;
use crate::{
    place::SITE_FILE,
    trouble::{Trouble, code},
};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Name of the site [default: the folder's name]
    #[arg(long)]
    pub name: Option<String>,
}

const SITE: &str = include_str!("init/seaworthy.yaml");
const PROCESS: &str = include_str!("init/backup-example.yaml");
const PROCEDURE: &str = include_str!("init/backup-example-failed.md");

/// Carries out the verb. Never overwrites a file.
pub fn run(ask: &Ask, args: Args) -> Result<u8, Trouble> {
    let folder = ask.folder();
    let trouble = |e: std::io::Error| Trouble::start(format!("{} cannot be written ({e})", folder.display()));
    fs::create_dir_all(folder).map_err(trouble)?;
    let folder = fs::canonicalize(folder).map_err(trouble)?;
    if folder.join(SITE_FILE).exists() {
        return Err(Trouble::refused(format!("{} is a site already; nothing was written", folder.display())));
    }
    let own = folder.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_else(|| "site".into());
    let name = args.name.unwrap_or(own);
    let plain: String = name
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || c == '-' { c.to_ascii_lowercase() } else { '-' })
        .collect();
    let plain = plain.trim_matches('-');
    let site = SITE.replace("NAME", if plain.is_empty() { "site" } else { plain });
    for (file, text) in [
        (SITE_FILE, site.as_str()),
        ("ops/backup-example.yaml", PROCESS),
        ("procedures/backup-example-failed.md", PROCEDURE),
    ] {
        write(&folder, file, text)?;
        ask.out.line(&format!("wrote {}", folder.join(file).display()));
    }
    ask.out.line("\nnext:\n  seaworthy check                  what is still missing\n  seaworthy run backup-example     do it once and have it verified\n  seaworthy drill backup-example   rehearse the restore\n  seaworthy up                     schedules, watcher and pages");
    ask.out.object(&serde_json::json!({ "v": 1, "folder": folder.display().to_string(), "site": plain }));
    Ok(code::VERIFIED)
}

fn write(folder: &Path, file: &str, text: &str) -> Result<(), Trouble> {
    let path = folder.join(file);
    if path.exists() {
        return Ok(());
    }
    let made = path.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::write(&path, text));
    made.map_err(|e| Trouble::start(format!("{} cannot be written ({e})", path.display())))
}
