//! `init`: writes a first site here, or packs into a site. What it writes is shown *unproven* until somebody proves it.
//!
//! Never overwrites a file, and writes nothing at all if one of its files could not be written or read back.

mod pack;

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use seaworthy_runtime::reload::Files as _;
use seaworthy_spec::{Severity, Source};
use serde_json::json;

use super::Ask;
use crate::{
    out::Tone,
    place::{Place, SITE_FILE},
    trouble::{Trouble, code},
};
use pack::{Filled, Folder, PACKS};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Name of the site [default: the folder's name]
    #[arg(long)]
    pub name: Option<String>,
    /// A ready process with procedure, filled in and written into the site; see --list
    #[arg(long, value_name = "NAME")]
    pub pack: Vec<String>,
    /// An answer to a question of the pack, such as database=shop
    #[arg(long, value_name = "KEY=VALUE", requires = "pack")]
    pub set: Vec<String>,
    /// What packs there are, what they need and ask
    #[arg(long, conflicts_with_all = ["pack", "set"])]
    pub list: bool,
    /// Print what would be written, and write nothing
    #[arg(long)]
    pub dry_run: bool,
}

pub(crate) const SITE: &str = include_str!("init/seaworthy.yaml");
const PROCESS: &str = include_str!("init/backup-example.yaml");
const PROCEDURE: &str = include_str!("init/backup-example-failed.md");

/// Carries out the verb.
pub fn run(ask: &Ask, args: Args) -> Result<u8, Trouble> {
    if args.list {
        return Ok(list(ask));
    }
    let folder = folder(ask, args.dry_run)?;
    let mut files = Vec::new();
    let site = Place::find(&folder, None).ok().filter(|place| place.folder == folder);
    let name = plain_name(args.name.as_deref(), &folder);
    if args.pack.is_empty() {
        if site.is_some() {
            return Err(Trouble::refused(format!(
                "{} is a site already; nothing was written. `seaworthy init --list` has ready processes for it",
                folder.display()
            )));
        }
        let at = |file: &str, text: &str| Filled { file: file.to_owned(), text: text.to_owned() };
        files.push(at(SITE_FILE, &SITE.replace("NAME", &name)));
        files.push(at("ops/backup-example.yaml", PROCESS));
        files.push(at("procedures/backup-example-failed.md", PROCEDURE));
    } else {
        if site.is_none() {
            files.push(Filled { file: SITE_FILE.to_owned(), text: SITE.replace("NAME", &name) });
        }
        files.extend(packs(&args, site.as_ref())?);
    }
    let names = whole(&folder, site.as_ref(), &files)?;
    for filled in &files {
        if args.dry_run {
            ask.out.line(&format!("{}\n{}", ask.out.paint(Tone::Strong, &filled.file), filled.text));
        } else {
            ask.out.line(&format!("wrote {}", folder.join(&filled.file).display()));
        }
    }
    if !args.dry_run {
        write(&folder, &files)?;
        next(ask, &names);
    }
    let written: Vec<_> = files.iter().map(|f| f.file.as_str()).collect();
    ask.out.object(&json!({
        "v": 1, "folder": folder.display().to_string(), "site": name, "files": written, "processes": names,
        "dry_run": args.dry_run,
    }));
    Ok(code::VERIFIED)
}

/// The folder named with `-C`, made if it is not there.
fn folder(ask: &Ask, dry_run: bool) -> Result<PathBuf, Trouble> {
    let folder = ask.folder();
    let trouble = |e: io::Error| Trouble::start(format!("{} cannot be written ({e})", folder.display()));
    if !dry_run {
        fs::create_dir_all(folder).map_err(trouble)?;
    }
    fs::canonicalize(folder).map_err(trouble)
}

fn plain_name(asked: Option<&str>, folder: &Path) -> String {
    let own = folder.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let letter = |c: char| if c.is_ascii_alphanumeric() || c == '-' { c.to_ascii_lowercase() } else { '-' };
    let plain: String = asked.unwrap_or(&own).chars().map(letter).collect();
    let plain = plain.trim_matches('-');
    if plain.is_empty() { "site".to_owned() } else { plain.to_owned() }
}

/// The files of the packs that were asked for.
fn packs(args: &Args, site: Option<&Place>) -> Result<Vec<Filled>, Trouble> {
    let mut given = BTreeMap::new();
    for set in &args.set {
        let Some((key, value)) = set.split_once('=') else {
            return Err(Trouble::start(format!("--set {set} says nothing; write --set KEY=VALUE")));
        };
        given.insert(key.to_owned(), value.to_owned());
    }
    if args.pack.len() > 1 && !given.is_empty() {
        return Err(Trouble::start("--set answers one pack; write each pack with its answers in a call of its own"));
    }
    let mut files = Vec::new();
    for name in &args.pack {
        let Some(folder) = Folder::find(name) else {
            let known: Vec<&str> = PACKS.iter().map(|pack| pack.name).collect();
            return Err(Trouble::start(format!("no pack `{name}`; there are: {}", known.join(", "))));
        };
        let mut answers = surroundings(site)?;
        answers.extend(folder.header().asks.into_iter().map(|ask| (ask.name, ask.default)));
        for (key, value) in &given {
            if answers.insert(key.clone(), value.clone()).is_none() {
                let known: Vec<&str> = answers.keys().map(String::as_str).filter(|known| known != key).collect();
                return Err(Trouble::start(format!(
                    "pack {name} does not ask for `{key}`; it asks for {}",
                    known.join(", ")
                )));
            }
        }
        files.extend(folder.fill(&answers).map_err(|e| Trouble::start(format!("pack {name}: {e}")))?);
    }
    Ok(files)
}

/// What every pack is told: who answers, who is told, in which time zone.
fn surroundings(site: Option<&Place>) -> Result<BTreeMap<String, String>, Trouble> {
    let (mut team, mut route) = ("ops".to_owned(), "ops-oncall".to_owned());
    if let Some(place) = site {
        let files = place.read().map_err(Trouble::start)?;
        let read = seaworthy_spec::read(&files.site, &[], &|_| true);
        let Some(site) = read.site else {
            return Err(Trouble::start(format!("{SITE_FILE} has an error; see `seaworthy check`")));
        };
        let first = |names: Option<&String>, what: &str| {
            names.cloned().ok_or_else(|| Trouble::start(format!("{SITE_FILE} has no `{what}:`; add one, or use --set")))
        };
        team = first(site.teams.keys().next(), "teams")?;
        route = first(site.routes.keys().next(), "routes")?;
    }
    let pairs = [("team", team), ("route", route), ("timezone", zone())];
    Ok(pairs.map(|(name, answer)| (name.to_owned(), answer)).into())
}

/// The host's time zone, if it has a name that we know.
fn zone() -> String {
    let named = fs::read_to_string("/etc/timezone").map(|text| text.trim().to_owned()).unwrap_or_default();
    let linked = fs::read_link("/etc/localtime").unwrap_or_default();
    let linked = linked.to_string_lossy().split_once("zoneinfo/").map(|(_, zone)| zone.to_owned()).unwrap_or_default();
    let known = |zone: &String| !zone.is_empty() && seaworthy_core::schedule::zone_exists(zone).is_ok();
    [named, linked].into_iter().find(known).unwrap_or_else(|| "UTC".to_owned())
}

/// Refuses what would overwrite a file, or what could not be read afterwards. Returns the new processes.
fn whole(folder: &Path, site: Option<&Place>, files: &[Filled]) -> Result<Vec<String>, Trouble> {
    if let Some(there) = files.iter().find(|f| folder.join(&f.file).symlink_metadata().is_ok()) {
        return Err(Trouble::refused(format!(
            "{} exists already; nothing was written. Another name: --set process=NAME",
            folder.join(&there.file).display()
        )));
    }
    let source = |f: &Filled| Source { file: f.file.clone(), text: f.text.clone() };
    let (head, mut ops) = match (site, files.iter().find(|f| f.file == SITE_FILE)) {
        (_, Some(file)) => (source(file), Vec::new()),
        (Some(place), None) => {
            let read = place.read().map_err(Trouble::start)?;
            (read.site, read.ops)
        }
        (None, None) => return Err(Trouble::start("there is no site to write into")),
    };
    let mine = |file: &str| files.iter().any(|f| f.file == file);
    ops.extend(files.iter().filter(|f| f.file.starts_with("ops/")).map(source));
    let read = seaworthy_spec::read(&head, &ops, &|file| mine(file) || folder.join(file).exists());
    let wrong: Vec<_> = read.diagnostics.iter().filter(|d| d.severity == Severity::Error && mine(&d.file)).collect();
    if let Some(first) = wrong.first() {
        let (message, help) = (&first.message, &first.help);
        return Err(Trouble::start(format!(
            "with these answers {} would be wrong in line {}: {message}; {help}. Nothing was written",
            first.file, first.line
        )));
    }
    Ok(read.processes.iter().filter(|(file, _)| mine(file)).map(|(_, process)| process.name.clone()).collect())
}

fn write(folder: &Path, files: &[Filled]) -> Result<(), Trouble> {
    for filled in files {
        let path = folder.join(&filled.file);
        let made = path.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| create(&path, &filled.text));
        made.map_err(|e| Trouble::start(format!("{} cannot be written ({e})", path.display())))?;
    }
    Ok(())
}

fn create(path: &Path, text: &str) -> io::Result<()> {
    use io::Write as _;
    fs::OpenOptions::new().write(true).create_new(true).open(path)?.write_all(text.as_bytes())
}

/// The commands that come next.
fn next(ask: &Ask, processes: &[String]) {
    ask.out.line("\nnext:\n  seaworthy check                  what is still missing");
    for name in processes {
        let pad = |text: String| format!("  {text:32} ");
        ask.out.line(&format!("{}do it once and have it verified", pad(format!("seaworthy run {name}"))));
        ask.out.line(&format!("{}rehearse the restore", pad(format!("seaworthy drill {name}"))));
    }
    ask.out.line("  seaworthy up                     schedules, watcher and pages");
}

fn list(ask: &Ask) -> u8 {
    let packs: Vec<_> = PACKS.iter().map(Folder::header).collect();
    for pack in &packs {
        ask.out.line(&format!("{}  {}", ask.out.paint(Tone::Strong, &pack.name), pack.about));
        if !pack.needs.is_empty() {
            ask.out.line(&format!("  needs {}", pack.needs.join(", ")));
        }
        for one in &pack.asks {
            let default = if one.default.is_empty() { "empty" } else { &one.default };
            ask.out.line(&format!("  --set {:16} {} [{default}]", format!("{}=", one.name), one.about));
        }
        for one in &pack.cannot {
            ask.out.line(&format!("  cannot prove: {one}"));
        }
    }
    ask.out.line("all take --set team=, route=, timezone= as well");
    let packs: Vec<_> = packs
        .iter()
        .map(|pack| {
            let asks: Vec<_> = pack
                .asks
                .iter()
                .map(|ask| json!({ "name": ask.name, "about": ask.about, "default": ask.default }))
                .collect();
            json!({ "pack": pack.name, "about": pack.about, "needs": pack.needs, "cannot": pack.cannot, "asks": asks })
        })
        .collect();
    ask.out.object(&json!({ "v": 1, "packs": packs }));
    code::VERIFIED
}
