//! The texts of an import: files as they are named, or what this host has.
//!
//! What cannot be read is told, never left out. This module must not know what a text means.

use std::{
    fs,
    io::Read as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use seaworthy_spec::{
    Source,
    import::{Around, Code, Left, LeftKind, TEXT_BYTES_MAX},
};

use crate::{place::regular, trouble::Trouble};

/// Files that are read from one folder at most.
const FILES_MAX: usize = 10_000;

/// Where systemd looks for units, the first wins (systemd.unit(5)).
const UNIT_FOLDERS: [&str; 5] = [
    "/etc/systemd/system",
    "/run/systemd/system",
    "/usr/local/lib/systemd/system",
    "/usr/lib/systemd/system",
    "/lib/systemd/system",
];

/// What was read, and what could not be.
pub struct Found {
    pub sources: Vec<Source>,
    pub around: Around,
    pub unreadable: Vec<Left>,
}

impl Found {
    fn nothing() -> Found {
        let around = Around { timezone: host_timezone(), names_users: Vec::new() };
        Found { sources: Vec::new(), around, unreadable: Vec::new() }
    }

    fn file(&mut self, path: &Path) {
        let file = path.display().to_string();
        let read = match path == Path::new("-") {
            true => text_of(std::io::stdin().lock()),
            false => regular(path).map_err(|e| format!("{e}; `-` reads standard input")).and_then(text_of),
        };
        match read {
            Ok(text) => self.sources.push(Source { file, text }),
            Err(reason) => self.unreadable(file, reason),
        }
    }

    fn unreadable(&mut self, file: String, reason: String) {
        let (kind, code, what) = (LeftKind::Broken, Code::Unreadable, "this file".to_owned());
        self.unreadable.push(Left { kind, code, file, line: 1, process: None, what, reason });
    }

    /// The files of a folder that `wanted` wants, by name, and those of the folders `NAME.d` in it.
    fn folder(&mut self, folder: &Path, wanted: &dyn Fn(&str) -> bool) {
        let listed = match fs::read_dir(folder) {
            Ok(listed) => listed,
            Err(e) => return self.unreadable(folder.display().to_string(), e.to_string()),
        };
        let mut names: Vec<PathBuf> = listed.flatten().map(|entry| entry.path()).take(FILES_MAX).collect();
        names.sort();
        for path in names {
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            if path.is_file() && wanted(&name) {
                self.file(&path);
            } else if path.is_dir() && (name.ends_with(".timer.d") || name.ends_with(".service.d")) && wanted(".timer")
            {
                self.folder(&path, &|name| name.ends_with(".conf") || name == ".timer");
            }
        }
    }
}

fn text_of(from: impl std::io::Read) -> Result<String, String> {
    let mut bytes = Vec::new();
    // One byte more: a text that is too large is refused by its reader, with its size.
    from.take(TEXT_BYTES_MAX as u64 + 1).read_to_end(&mut bytes).map_err(|e| e.to_string())?;
    String::from_utf8(bytes)
        .map_err(|e| format!("it is not UTF-8 from byte {} on; save it as UTF-8", e.utf8_error().valid_up_to()))
}

/// The texts that are named, or of crontab and systemd those of this host.
///
/// # Errors
/// When nothing is named and the tool has nothing on a host.
pub fn find(tool: &str, named: &[PathBuf]) -> Result<Found, Trouble> {
    match (tool, named) {
        ("crontab", []) => Ok(host_crontabs()),
        ("systemd", []) => Ok(host_timers()),
        (_, []) => {
            Err(Trouble::start(format!("name the file to read: seaworthy import {tool} FILE, or - for standard input")))
        }
        ("systemd", named) => Ok(units(named)),
        (_, named) => {
            let mut found = Found::nothing();
            named.iter().for_each(|path| found.file(path));
            let system = |path: &&PathBuf| *path == Path::new("/etc/crontab") || path.starts_with("/etc/cron.d");
            found.around.names_users = named.iter().filter(system).map(|path| path.display().to_string()).collect();
            Ok(found)
        }
    }
}

/// The crontabs of this host: /etc/crontab, /etc/cron.d, and the one of this user.
pub fn host_crontabs() -> Found {
    let mut found = Found::nothing();
    if Path::new("/etc/crontab").is_file() {
        found.file(Path::new("/etc/crontab"));
    }
    if Path::new("/etc/cron.d").is_dir() {
        // cron reads no file with another character in its name (cron(8)).
        let plain = |name: &str| name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'));
        found.folder(Path::new("/etc/cron.d"), &plain);
    }
    found.around.names_users = found.sources.iter().map(|source| source.file.clone()).collect();
    let own = Command::new("crontab").arg("-l").stdin(Stdio::null()).stderr(Stdio::null()).output();
    // Without cron, or without a crontab of this user, there is none.
    if let Ok(own) = own.as_ref().map_err(drop).and_then(|own| if own.status.success() { Ok(own) } else { Err(()) }) {
        match String::from_utf8(own.stdout.clone()) {
            Ok(text) => found.sources.push(Source { file: "crontab -l".into(), text }),
            Err(_) => found.unreadable("crontab -l".into(), "it is not UTF-8".into()),
        }
    }
    found
}

/// The timers of this host with their services; of several files with one name the one that systemd takes.
pub fn host_timers() -> Found {
    let mut found = Found::nothing();
    for folder in UNIT_FOLDERS.map(Path::new).into_iter().filter(|folder| folder.is_dir()) {
        found.folder(folder, &|name| name.ends_with(".timer"));
    }
    let timers: Vec<PathBuf> = found.sources.iter().map(|source| PathBuf::from(&source.file)).collect();
    let Found { around, mut unreadable, .. } = found;
    let mut all = units(&timers);
    unreadable.append(&mut all.unreadable);
    Found { around, unreadable, ..all }
}

/// Folders with all their timers and services, files, and units by name; a timer brings its service.
fn units(named: &[PathBuf]) -> Found {
    let mut found = Found::nothing();
    for path in named {
        let is_unit = |name: &str| name.ends_with(".timer") || name.ends_with(".service");
        if path.is_dir() {
            found.folder(path, &is_unit);
            continue;
        }
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let name = if is_unit(&name) { name } else { format!("{name}.timer") };
        let near = path.parent().filter(|parent| !parent.as_os_str().is_empty()).map(Path::to_path_buf);
        let folders: Vec<PathBuf> = near
            .into_iter()
            .chain(path.is_file().then(|| PathBuf::from(".")))
            .chain(UNIT_FOLDERS.map(PathBuf::from))
            .collect();
        let Some(timer) = first(&folders, &name) else {
            found.unreadable(path.display().to_string(), format!("there is no file and no unit `{name}`"));
            continue;
        };
        if found.sources.iter().any(|known| known.file.ends_with(&format!("/{name}"))) {
            continue;
        }
        with_drop_ins(&mut found, &timer, &name);
        let service = found.sources.iter().rev().find_map(|source| {
            let line = source.text.lines().map(str::trim).find(|line| line.starts_with("Unit="));
            line.and_then(|line| line.strip_prefix("Unit=")).map(str::trim).map(str::to_owned)
        });
        let service = service.filter(|_| name.ends_with(".timer"));
        let service = service.unwrap_or_else(|| name.replace(".timer", ".service"));
        if name.ends_with(".timer")
            && let Some(path) = first(&folders, &service)
        {
            with_drop_ins(&mut found, &path, &service);
        }
    }
    found
}

fn first(folders: &[PathBuf], name: &str) -> Option<PathBuf> {
    folders.iter().map(|folder| folder.join(name)).find(|path| path.is_file())
}

/// A unit file, and the drop-ins of its name in every folder.
fn with_drop_ins(found: &mut Found, path: &Path, name: &str) {
    found.file(path);
    let near = path.parent().map(Path::to_path_buf);
    let mut folders: Vec<PathBuf> = near.into_iter().chain(UNIT_FOLDERS.map(PathBuf::from)).collect();
    folders.dedup();
    for folder in folders.iter().map(|folder| folder.join(format!("{name}.d"))).filter(|folder| folder.is_dir()) {
        found.folder(&folder, &|file| file.ends_with(".conf"));
    }
}

/// The time zone of this host by its name, as /etc/localtime or /etc/timezone say it; UTC if neither does.
pub fn host_timezone() -> String {
    let link = fs::read_link("/etc/localtime").ok();
    let linked = link.and_then(|path| {
        let text = path.to_string_lossy().into_owned();
        text.split_once("zoneinfo/").map(|(_, name)| name.to_owned())
    });
    let written = fs::read_to_string("/etc/timezone").ok().map(|text| text.trim().to_owned());
    let named = std::env::var("TZ").ok().map(|text| text.trim_start_matches(':').to_owned());
    let known = |name: &String| seaworthy_core::schedule::zone_exists(name).is_ok();
    let plain = |name: String| if name == "Etc/UTC" { "UTC".to_owned() } else { name };
    [named, linked, written].into_iter().flatten().find(known).map_or_else(|| "UTC".into(), plain)
}
