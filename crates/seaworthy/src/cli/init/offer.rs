//! What was found, told with the packs that fit; and packs filled in with answers.
//!
//! This module must not write files.

use std::{
    collections::BTreeMap,
    io::{BufRead as _, IsTerminal as _, Write as _},
};

use seaworthy_core::schedule::Timetable;
use seaworthy_model::{port::Clock as _, process::Process, time::At};
use seaworthy_runtime::reload::Files as _;
use seaworthy_spec::Source;
use serde_json::{Value, json};

use super::{
    look::{Around, Found, Observed},
    pack::{Filled, Folder, PACKS},
};
use crate::{
    cli::{Ask, import::source, site},
    out::{Tone, raw, safe},
    place::{Place, SITE_FILE},
    real::RealClock,
    trouble::Trouble,
    who,
};

/// Leaves out what the site observes already, by whoever runs it, and names that are taken.
///
/// # Errors
/// When the site's files cannot be read.
pub fn only_new(around: &mut Around, site: &Place) -> Result<(), Trouble> {
    let files = site.read().map_err(Trouble::start)?;
    let read = seaworthy_spec::read(&files.site, &files.ops, &|_| true);
    around.observed.retain(|new| {
        let known = |process: &Process| process.observed.as_ref() == Some(&new.by) || process.name == new.name;
        let file = site.folder.join(new.file().0);
        !read.processes.iter().any(|(_, process)| known(process)) && !file.exists()
    });
    Ok(())
}

/// Says what was found, with what to type.
pub fn tell(ask: &Ask, around: &Around) {
    ask.out.line(&format!("On {}:", who::host()));
    for found in &around.found {
        ask.out.line(&format!("  {}", safe(&found.what)));
        if let Some(command) = found.command() {
            ask.out.line(&format!("    {}", ask.out.paint(Tone::Quiet, &safe(&command))));
        }
    }
    if !around.observed.is_empty() {
        ask.out.line("\nRuns already, and nobody looks at what comes of it (shown as unproven, never run from here):");
    }
    for observed in &around.observed {
        let next = next(observed)
            .map_or_else(|| "its timetable is not known".to_owned(), |at| format!("next {}", site::time(at)));
        ask.out.line(&format!("  {:32} {}, {next}", observed.name, observed.by));
    }
    for remark in &around.remarks {
        ask.out.line(&format!("  {}", ask.out.paint(Tone::Doubt, &safe(remark))));
    }
    ask.out.line("");
}

/// The same for machines.
pub fn json(around: &Around) -> Value {
    let found: Vec<Value> = around
        .found
        .iter()
        .map(|found| {
            let answers: serde_json::Map<_, _> =
                found.answers.iter().map(|(name, answer)| ((*name).to_owned(), answer.as_str().into())).collect();
            json!({ "what": found.what, "pack": found.pack, "answers": answers, "command": found.command() })
        })
        .collect();
    let observed: Vec<Value> = around
        .observed
        .iter()
        .map(|one| json!({ "process": one.name, "by": one.by, "next_at": next(one).map(site::time) }))
        .collect();
    json!({ "v": 1, "found": found, "observed": observed, "remarks": around.remarks })
}

/// When somebody else runs it next, read as its file would be.
fn next(observed: &Observed) -> Option<At> {
    let (file, text) = observed.file();
    let head = Source { file: SITE_FILE.into(), text: "site: look\n".into() };
    let read = seaworthy_spec::read(&head, &[Source { file, text }], &|_| true);
    let schedule = read.processes.first()?.1.schedule.clone()?;
    Timetable::parse(&schedule).ok()?.next_after(RealClock.now())
}

/// Asks on a terminal; anywhere else the answer is no.
pub fn yes(ask: &Ask, question: &str) -> bool {
    if ask.out.json || !std::io::stdin().is_terminal() || !std::io::stdout().is_terminal() {
        return false;
    }
    crate::out::bytes(format!("{} [y/N] ", safe(question)).as_bytes());
    let _ = std::io::stdout().flush();
    let mut line = String::new();
    let read = std::io::stdin().lock().read_line(&mut line);
    if read.is_ok_and(|bytes| bytes == 0) {
        raw("");
    }
    matches!(line.trim(), "y" | "Y" | "yes")
}

/// The files of the packs that were asked for.
pub fn packs(names: &[String], sets: &[String], site: Option<&Place>) -> Result<Vec<Filled>, Trouble> {
    let mut given = Vec::new();
    for set in sets {
        let Some((key, value)) = set.split_once('=') else {
            return Err(Trouble::start(format!("--set {set} says nothing; write --set KEY=VALUE")));
        };
        given.push((key, value.to_owned()));
    }
    if names.len() > 1 && !given.is_empty() {
        return Err(Trouble::start("--set answers one pack; write each pack with its answers in a call of its own"));
    }
    let mut files = Vec::new();
    for name in names {
        files.extend(fill(name, &given, site)?);
    }
    Ok(files)
}

/// The files of the pack that fits what was found.
pub fn filled(found: &Found, site: &Place) -> Result<Vec<Filled>, Trouble> {
    fill(found.pack.unwrap_or_default(), &found.answers, Some(site))
}

fn fill(name: &str, given: &[(&str, String)], site: Option<&Place>) -> Result<Vec<Filled>, Trouble> {
    let Some(folder) = Folder::find(name) else {
        let known: Vec<&str> = PACKS.iter().map(|pack| pack.name).collect();
        return Err(Trouble::start(format!("no pack `{name}`; there are: {}", known.join(", "))));
    };
    let mut answers = surroundings(site)?;
    answers.extend(folder.header().asks.into_iter().map(|ask| (ask.name, ask.default)));
    for (key, value) in given {
        if !answers.contains_key(*key) {
            let known: Vec<&str> = answers.keys().map(String::as_str).collect();
            return Err(Trouble::start(format!(
                "pack {name} does not ask for `{key}`; it asks for {}",
                known.join(", ")
            )));
        }
        answers.insert((*key).to_owned(), value.clone());
    }
    folder.fill(&answers).map_err(|e| Trouble::start(format!("pack {name}: {e}")))
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
    let pairs = [("team", team), ("route", route), ("timezone", source::host_timezone())];
    Ok(pairs.map(|(name, answer)| (name.to_owned(), answer)).into())
}
