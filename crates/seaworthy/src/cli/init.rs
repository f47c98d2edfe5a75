//! `init`: looks around, writes a first site here, or packs into a site. What it writes is shown *unproven* until
//! somebody proves it.
//!
//! Never overwrites a file, and writes nothing at all if one of its files could not be written or read back. What
//! somebody else runs on the host is written down as observed: nothing is run twice. This module must not run anything.

mod list;
mod look;
mod offer;
mod pack;
pub mod twice;
mod write;

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use serde_json::json;

use super::Ask;
use crate::{
    out::Tone,
    place::{Place, SITE_FILE},
    trouble::{Trouble, code},
};
use look::{Around, Host};
use pack::Filled;

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
    /// Only look around and say what is here; writes nothing
    #[arg(long, conflicts_with_all = ["pack", "set", "list"])]
    pub look: bool,
    /// Write down what somebody else runs on this host and this site does not know yet
    #[arg(long, conflicts_with_all = ["pack", "set", "list", "look"])]
    pub observe: bool,
    /// Search this folder for SQLite files as well
    #[arg(long, value_name = "DIR")]
    pub search: Vec<PathBuf>,
    /// Look at the host below this folder, such as a mounted image, instead of this one
    #[arg(long, value_name = "DIR", default_value = "/")]
    pub root: PathBuf,
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
        return Ok(list::run(ask));
    }
    // What is not there would look like a host on which nothing is.
    if let Some(missing) = args.search.iter().chain([&args.root]).find(|folder| !folder.is_dir()) {
        return Err(Trouble::start(format!("{} is no folder that can be looked at", missing.display())));
    }
    let folder = folder(ask, args.dry_run || args.look)?;
    let site = Place::find(&folder, None).ok().filter(|place| place.folder == folder);
    let name = plain_name(args.name.as_deref(), &folder);
    if args.look {
        let around = look_around(ask, &args, &folder);
        offer::tell(ask, &around);
        ask.out.object(&offer::json(&around));
        return Ok(code::VERIFIED);
    }
    if !args.pack.is_empty() {
        let mut files = Vec::new();
        if site.is_none() {
            files.push(Filled { file: SITE_FILE.to_owned(), text: SITE.replace("NAME", &name) });
        }
        files.extend(offer::packs(&args.pack, &args.set, site.as_ref())?);
        return finish(ask, &args, &folder, site.as_ref(), &name, &files, None);
    }
    if let (Some(place), true) = (&site, args.observe) {
        let mut around = look_around(ask, &args, &folder);
        offer::only_new(&mut around, place)?;
        offer::tell(ask, &around);
        let files = observed(&around);
        return finish(ask, &args, &folder, site.as_ref(), &name, &files, Some(&around));
    }
    if site.is_some() {
        return Err(Trouble::refused(format!(
            "{} is a site already; nothing was written. `seaworthy init --look` says what is on this host, `--observe` writes down what runs there, `--list` has ready processes",
            folder.display()
        )));
    }
    let around = look_around(ask, &args, &folder);
    offer::tell(ask, &around);
    finish(ask, &args, &folder, None, &name, &first(&name, &around), Some(&around))
}

/// The basic site, and what somebody else runs.
fn first(name: &str, around: &Around) -> Vec<Filled> {
    let at = |file: &str, text: &str| Filled { file: file.to_owned(), text: text.to_owned() };
    let mut files = vec![
        at(SITE_FILE, &SITE.replace("NAME", name)),
        at("ops/backup-example.yaml", PROCESS),
        at("procedures/backup-example-failed.md", PROCEDURE),
    ];
    files.extend(observed(around));
    files
}

fn observed(around: &Around) -> Vec<Filled> {
    let filled = |(file, text)| Filled { file, text };
    around.observed.iter().map(|observed| filled(observed.file())).collect()
}

fn look_around(ask: &Ask, args: &Args, folder: &Path) -> Around {
    let mut search = vec![folder.to_path_buf()];
    search.extend(args.search.iter().cloned());
    let likely = ["srv", "opt", "var/lib", "home"].map(|below| args.root.join(below));
    let likely: Vec<PathBuf> = likely.into_iter().filter(|folder| folder.is_dir()).collect();
    let names: Vec<String> = likely.iter().map(|folder| folder.display().to_string()).collect();
    if args.search.is_empty() && offer::yes(ask, &format!("Search {} for SQLite files, too?", names.join(" "))) {
        search.extend(likely);
    }
    Host::new(&args.root, search).look()
}

/// Writes or shows the files and says what comes next; on a terminal packs are offered one by one.
fn finish(
    ask: &Ask,
    args: &Args,
    folder: &Path,
    site: Option<&Place>,
    name: &str,
    files: &[Filled],
    around: Option<&Around>,
) -> Result<u8, Trouble> {
    let mut all = files.to_vec();
    let mut ours = write::whole(folder, site, files)?;
    if args.dry_run {
        files.iter().for_each(|f| ask.out.line(&format!("{}\n{}", ask.out.paint(Tone::Strong, &f.file), f.text)));
    } else {
        write::write(ask, folder, files)?;
        let place = Place::find(folder, None)?;
        for found in around.map(|around| around.found.iter()).into_iter().flatten().filter(|f| f.pack.is_some()) {
            if !offer::yes(ask, &format!("{}: write pack {}?", found.what, found.pack.unwrap_or_default())) {
                continue;
            }
            let written = offer::filled(found, &place).and_then(|files| {
                let new = write::whole(folder, Some(&place), &files)?;
                write::write(ask, folder, &files)?;
                Ok((new, files))
            });
            match written {
                Ok((new, files)) => {
                    ours.extend(new);
                    all.extend(files);
                }
                Err(trouble) => ask.out.line(&trouble.to_string()),
            }
        }
        write::next(ask, &ours);
    }
    let mut object = around.map_or_else(|| json!({ "v": 1 }), offer::json);
    object["folder"] = folder.display().to_string().into();
    object["site"] = name.into();
    object["files"] = all.iter().map(|f| f.file.as_str()).collect();
    object["processes"] = ours.iter().map(|ours| ours.name.as_str()).collect();
    object["dry_run"] = args.dry_run.into();
    ask.out.object(&object);
    Ok(code::VERIFIED)
}

/// The folder named with `-C`, made if it is not there.
fn folder(ask: &Ask, only_look: bool) -> Result<PathBuf, Trouble> {
    let folder = ask.folder();
    let trouble = |e: io::Error| Trouble::start(format!("{} cannot be written ({e})", folder.display()));
    if !only_look {
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
