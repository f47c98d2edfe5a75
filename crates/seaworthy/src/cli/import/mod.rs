//! `import TOOL`: what a team has already, as process files; every line and field that is not in them is named.
//!
//! It reads texts and writes files; what this host has comes from `source::host_crontabs` and `source::host_timers`,
//! for others too. What a text means is spec's to say (`seaworthy_spec::import`): this module must not know any format.

pub mod source;

use std::{
    collections::BTreeMap,
    fs,
    io::Write as _,
    path::{Path, PathBuf},
};

use clap::builder::PossibleValuesParser;
use seaworthy_runtime::reload::Files as _;
use seaworthy_spec::import::{Draft, Import, Left, LeftKind, TOOLS, tool, yaml};
use serde_json::json;

use super::Ask;
use crate::{
    out::{Tone, complain},
    trouble::{Trouble, code},
};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Whose files they are
    #[arg(value_parser = PossibleValuesParser::new(TOOLS.iter().map(|tool| tool.name)))]
    pub tool: String,
    /// Files, folders or units; `-` is standard input. Of crontab and systemd without any: those of this host
    pub files: Vec<PathBuf>,
    /// Write one file per process into this folder of the site, instead of printing them
    #[arg(long, value_name = "DIR", num_args = 0..=1, default_missing_value = "ops")]
    pub write: Option<PathBuf>,
    /// Replace files that are there
    #[arg(long, requires = "write")]
    pub force: bool,
    /// Time zone of schedules that do not name one [default: this host's]
    #[arg(long, value_name = "ZONE")]
    pub timezone: Option<String>,
    /// The lines of these crontabs name a user, as in /etc/crontab
    #[arg(long)]
    pub users: bool,
}

/// Carries out the verb.
pub fn run(ask: &Ask, args: Args) -> Result<u8, Trouble> {
    let known = tool(&args.tool).ok_or_else(|| Trouble::start(format!("there is no reader for `{}`", args.tool)))?;
    let mut found = source::find(&args.tool, &args.files)?;
    if args.users {
        found.around.names_users = found.sources.iter().map(|source| source.file.clone()).collect();
    }
    if let Some(zone) = args.timezone {
        seaworthy_core::schedule::zone_exists(&zone)
            .map_err(|problem| Trouble::start(format!("{}; {}", problem.message, problem.help)))?;
        found.around.timezone = zone;
    }
    let import = known.import(&found.sources, &found.around);
    let import = Import { left: [found.unreadable, import.left].concat(), ..import };
    let places = match &args.write {
        Some(folder) => write(ask, folder, args.force, &import.drafts)?,
        None => print(ask, &import.drafts),
    };
    report(ask, &args.tool, &import, &places);
    Ok(verdict(&import, &places))
}

/// What became of the file of a draft.
enum Place {
    Printed,
    Written(PathBuf),
    /// It is there with this very text.
    Same(PathBuf),
    /// Something else is there, or another file has a process of this name: a sentence.
    Kept(String),
}

/// 1: something was broken, and the good rest is imported. 2: nothing could be imported. 4: a file was left as it was.
fn verdict(import: &Import, places: &[Place]) -> u8 {
    match import.is_broken() {
        true if import.drafts.is_empty() => code::NOT_STARTED,
        true => code::FAILED,
        false if places.iter().any(|place| matches!(place, Place::Kept(_))) => code::REFUSED,
        false => code::VERIFIED,
    }
}

fn print(ask: &Ask, drafts: &[Draft]) -> Vec<Place> {
    for (at, draft) in drafts.iter().enumerate() {
        if at > 0 {
            ask.out.line("---");
        }
        ask.out.line(yaml(draft).trim_end());
    }
    drafts.iter().map(|_| Place::Printed).collect()
}

fn write(ask: &Ask, folder: &Path, force: bool, drafts: &[Draft]) -> Result<Vec<Place>, Trouble> {
    let (base, owners) = match ask.place() {
        Ok(place) => {
            let files = place.read().map_err(Trouble::start)?;
            let read = seaworthy_spec::read(&files.site, &files.ops, &|file| place.exists(file));
            let owners: BTreeMap<String, String> =
                read.processes.into_iter().map(|(file, process)| (process.name, file)).collect();
            (place.folder.clone(), owners)
        }
        // Not a site yet: files may be there before it.
        Err(_) => (ask.folder().to_path_buf(), BTreeMap::new()),
    };
    let folder = base.join(folder);
    fs::create_dir_all(&folder).map_err(|e| Trouble::start(format!("{} cannot be written ({e})", folder.display())))?;
    drafts.iter().map(|draft| one(draft, &base, &folder, force, &owners)).collect()
}

fn one(
    draft: &Draft,
    base: &Path,
    folder: &Path,
    force: bool,
    owners: &BTreeMap<String, String>,
) -> Result<Place, Trouble> {
    let (path, text) = (folder.join(format!("{}.yaml", draft.name)), yaml(draft));
    let own = path.strip_prefix(base).unwrap_or(&path).display().to_string();
    if let Some(other) = owners.get(&draft.name).filter(|other| **other != own) {
        return Ok(Place::Kept(format!("there is a process `{}` already, in {other}", draft.name)));
    }
    match fs::read(&path) {
        Ok(there) if there == text.as_bytes() => return Ok(Place::Same(path)),
        Ok(_) if !force => {
            return Ok(Place::Kept(format!("{} is there and differs; --force replaces it", path.display())));
        }
        _ => {}
    }
    // Whole or not at all, and durable: it may replace something.
    let new = folder.join(format!(".{}.yaml.new", draft.name));
    let written = fs::File::create(&new).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&new, &path)
    });
    written.map_err(|e| Trouble::start(format!("{} cannot be written ({e})", path.display())))?;
    Ok(Place::Written(path))
}

fn report(ask: &Ask, tool: &str, import: &Import, places: &[Place]) {
    let mut processes = Vec::new();
    for (draft, place) in import.drafts.iter().zip(places) {
        let (path, became) = match place {
            Place::Printed => (None, "printed"),
            Place::Written(path) => (Some(path), "written"),
            Place::Same(path) => (Some(path), "same"),
            Place::Kept(_) => (None, "kept"),
        };
        match place {
            Place::Written(path) => ask.out.line(&format!("wrote {}", path.display())),
            Place::Same(path) => ask.out.line(&format!("as before {}", path.display())),
            Place::Kept(reason) => complain(&format!("not written: {reason}")),
            Place::Printed => {}
        }
        let reason = if let Place::Kept(reason) = place { Some(reason) } else { None };
        processes.push(json!({
            "name": draft.name, "file": draft.file, "line": draft.line, "became": became,
            "path": path.map(|path| path.display().to_string()), "reason": reason, "yaml": yaml(draft),
        }));
    }
    for left in &import.left {
        let tone = if left.kind == LeftKind::Broken { Tone::Bad } else { Tone::Doubt };
        let word = ask.out.paint(tone, word(left.kind));
        let at = crate::out::safe(&format!("{}:{}", left.file, left.line));
        complain(&format!("{at}: {word}: {}: {}", crate::out::safe(&left.what), crate::out::safe(&left.reason)));
    }
    let count = |kind| import.left.iter().filter(|left: &&Left| left.kind == kind).count();
    let (broken, not, changed) = (count(LeftKind::Broken), count(LeftKind::NotCarried), count(LeftKind::Changed));
    if !ask.out.json {
        complain(&format!(
            "{} from {tool}; {broken} broken, {not} not carried over, {changed} carried over with another meaning",
            match import.drafts.len() {
                1 => "1 process".to_owned(),
                count => format!("{count} processes"),
            }
        ));
    }
    ask.out.object(&json!({ "v": 1, "tool": tool, "processes": processes, "left": import.left }));
}

fn word(kind: LeftKind) -> &'static str {
    match kind {
        LeftKind::Broken => "broken",
        LeftKind::NotCarried => "not carried over",
        LeftKind::Changed => "changed",
    }
}
