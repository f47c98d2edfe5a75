//! What cron and systemd run on this host already: when, and where that stands. Never the command, which may hold a secret.
//!
//! Reading them is spec's; this module must not run anything.

use std::collections::BTreeSet;

use seaworthy_spec::{
    Source,
    import::{self, Import, tool},
};

use super::{Around, FOUND_MAX, Host, name_of};
use crate::{cli::import::source, out};

/// A thing that somebody else runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observed {
    pub name: String,
    /// `cron, /etc/cron.d/dump line 3`.
    pub by: String,
    /// Key and text of its schedule, and its time zone, if it has one that we read.
    pub schedule: Option<(&'static str, String, Option<String>)>,
}

/// Programs that read crontabs.
const CRONS: [&str; 5] = ["cron", "crond", "cronie", "fcron", "busybox-crond"];

pub fn look(host: &Host, around: &mut Around) {
    let mut names = BTreeSet::new();
    let tables = crontabs(host);
    if CRONS.iter().any(|program| host.has(program)) {
        take("cron", "crontab", &tables, around, &mut names);
    } else if !tables.sources.is_empty() {
        let files: Vec<&str> = tables.sources.iter().map(|source| source.file.as_str()).collect();
        around.remarks.push(format!("no cron is installed, so nobody runs what stands in {}", files.join(", ")));
    }
    if host.path("/run/systemd/system").is_dir() {
        take("systemd", "systemd", &timers(host), around, &mut names);
    }
}

fn take(who: &str, format: &str, found: &source::Found, around: &mut Around, names: &mut BTreeSet<String>) {
    let Some(tool) = tool(format) else { return };
    let Import { drafts, left } = tool.import(&found.sources, &found.around);
    let room = FOUND_MAX.saturating_sub(around.observed.len());
    for draft in drafts.into_iter().take(room) {
        let prefix = if who == "cron" { "cron" } else { "timer" };
        let (own, mut name, mut n) = (format!("{prefix}-{}", draft.name), format!("{prefix}-{}", draft.name), 1);
        while !names.insert(name.clone()) {
            n += 1;
            name = format!("{own}-{n}");
        }
        // A name of a file may hold anything, and this is written into a file of ours.
        let place = out::safe(&draft.file).replace(['\t', '\n'], " ");
        let by = match who {
            "cron" => format!("{who}, {place} line {}", draft.line),
            _ => format!("{who}, {place}"),
        };
        let schedule = draft.schedule.map(|schedule| (schedule.key, schedule.when, schedule.timezone));
        around.observed.push(Observed { name, by, schedule });
    }
    let broken = left.iter().filter(|left| left.kind == import::LeftKind::Broken).count();
    if broken > 0 {
        around
            .remarks
            .push(format!("{broken} lines for {who} could not be read; `seaworthy import {format}` says which"));
    }
}

/// /etc/crontab, /etc/cron.d, and on this very host the crontab of this user.
fn crontabs(host: &Host) -> source::Found {
    if host.is_this() {
        return source::host_crontabs();
    }
    let plain = |name: &str| name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'));
    let table = |file: String| Source { text: host.text(&file), file };
    let mut sources = vec![table("/etc/crontab".to_owned())];
    sources.extend(
        host.folder("/etc/cron.d").iter().filter(|path| plain(&name_of(path))).map(|path| table(host.own(path))),
    );
    sources.retain(|source| !source.text.trim().is_empty());
    let names_users = sources.iter().map(|source| source.file.clone()).collect();
    let zone = host.text("/etc/timezone").trim().to_owned();
    let timezone = if seaworthy_core::schedule::zone_exists(&zone).is_ok() { zone } else { "UTC".to_owned() };
    source::Found { sources, around: import::Around { timezone, names_users }, unreadable: Vec::new() }
}

/// The timers that are enabled, with their services.
fn timers(host: &Host) -> source::Found {
    let wanted = host.folder("/etc/systemd/system/timers.target.wants");
    let folders = ["/etc/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system"];
    let mut sources = Vec::new();
    for timer in wanted.iter().map(|path| name_of(path)).filter(|name| name.ends_with(".timer")).take(FOUND_MAX) {
        for unit in [timer.clone(), timer.replace(".timer", ".service")] {
            let file = folders.iter().map(|folder| format!("{folder}/{unit}")).find(|file| host.path(file).is_file());
            sources.extend(file.map(|file| Source { text: host.text(&file), file }));
        }
    }
    let timezone = if host.is_this() { source::host_timezone() } else { "UTC".to_owned() };
    source::Found { sources, around: import::Around { timezone, names_users: Vec::new() }, unreadable: Vec::new() }
}

impl Observed {
    /// The file that shows it: unproven, with its next times, and never run from here.
    pub fn file(&self) -> (String, String) {
        let quoted = |text: &str| serde_json::Value::from(text).to_string();
        let mut text = format!(
            "# Found on this host and written down so that it is seen: {by} runs it, nobody looks at what comes of it.\n\
             # It is never run from here. To have it proven, either let it tell what became of it (put `seaworthy exec {name} --`\n\
             # before its command there, and write `pinged: true` here in place of `observed:`), or take it over: write its steps\n\
             # and checks here in place of `observed:`, and remove it there. `seaworthy init --list` has ready ones.\n\
             process: {name}\nobserved: {quoted}\n",
            by = self.by,
            name = self.name,
            quoted = quoted(&self.by),
        );
        if let Some((key, when, zone)) = &self.schedule {
            let zone = zone.as_ref().map(|zone| format!(", timezone: {zone}")).unwrap_or_default();
            text += &format!("schedule: {{ {key}: {}{zone} }}\n", quoted(when));
        }
        (format!("ops/found/{}.yaml", self.name), text)
    }
}
