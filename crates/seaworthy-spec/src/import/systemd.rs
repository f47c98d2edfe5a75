//! systemd timers with their services as drafts.
//!
//! Sources are unit files; their names say what they are, and `NAME.timer.d/*.conf` belongs to `NAME.timer`. The
//! sandbox of a service is not carried over, and is named line by line. This module must not know other tools.

mod service;
mod unit;

use std::collections::BTreeMap;

use seaworthy_core::schedule::{Timetable, split_zone};
use seaworthy_model::{
    process::{Schedule as Judged, When},
    time::Span,
};

use super::{
    Around, Code, Draft, Schedule,
    draft::{Gathered, Notes},
};
use crate::Source;
use unit::{Setting, Unit};

pub(super) fn read(sources: &[Source], around: &Around, gathered: &mut Gathered) {
    let mut units: BTreeMap<String, Unit> = BTreeMap::new();
    let mut order = Vec::new();
    for source in sources {
        let Some(name) = unit::of_file(&source.file) else {
            let reason = "a unit file ends with .timer or .service, and a drop-in with .conf in NAME.timer.d";
            gathered.broken(Code::WrongKind, &source.file, 1, "this file", reason);
            continue;
        };
        if name.ends_with(".timer") && !order.contains(&name) {
            order.push(name.clone());
        }
        unit::read(source, units.entry(name).or_default(), gathered);
    }
    let mut used = Vec::new();
    for timer in &order {
        used.extend(pair(timer, &units, around, gathered));
    }
    for (name, unit) in units.iter().filter(|(name, _)| name.ends_with(".service")) {
        if !used.contains(name) {
            let reason = "no timer among these files starts it, so nobody knows when it is due";
            gathered.not_carried(Code::Trigger, &unit.file, 1, name, reason);
        }
    }
}

/// One timer with its service; the name of the service that it used.
fn pair(timer_name: &str, units: &BTreeMap<String, Unit>, around: &Around, gathered: &mut Gathered) -> Option<String> {
    let timer = units.get(timer_name)?;
    let stem = timer_name.strip_suffix(".timer").unwrap_or(timer_name);
    let starts = timer.last("Timer", "Unit").map_or(format!("{stem}.service"), |setting| setting.value.clone());
    if stem.ends_with('@') {
        let reason = "a template is one timer for each of its instances; import the instances, such as those that `systemctl list-timers` shows";
        gathered.not_carried(Code::Trigger, &timer.file, 1, timer_name, reason);
        return Some(starts);
    }
    let Some(service) = units.get(&starts) else {
        let reason = format!("its service `{starts}` is not among these files, so nobody knows what is done");
        gathered.broken(Code::Command, &timer.file, 1, timer_name, reason);
        return None;
    };
    let mut notes = Notes::default();
    let mut draft = Draft { name: stem.to_owned(), file: timer.file.clone(), line: 1, ..Draft::default() };
    draft.remarks.push(format!("from {} and {starts}", timer.file));
    draft.schedule = schedule(timer, around, &mut notes);
    for setting in timer.settings.iter().filter(|setting| !is_timer_key(setting)) {
        notes.not_carried(Code::Field, setting.at(), setting.what(), why_not(setting));
    }
    service::carry(stem, service, &mut draft, &mut notes);
    if draft.steps.is_empty() {
        let reason = "it has no ExecStart, so there is nothing to do";
        gathered.broken(Code::Command, &service.file, 1, &starts, reason);
        return Some(starts);
    }
    draft.about = service.last("Unit", "Description").map(|setting| service::specified(stem, &setting.value));
    let taken = gathered.draft(draft);
    gathered.noted(notes, taken);
    Some(starts)
}

/// Keys that [`schedule`] and [`pair`] read.
fn is_timer_key(setting: &Setting) -> bool {
    let known = ["OnCalendar", "OnUnitActiveSec", "OnUnitInactiveSec", "OnBootSec", "OnStartupSec", "OnActiveSec"];
    setting.section == "Timer"
        && (known.contains(&setting.key.as_str())
            || matches!(setting.key.as_str(), "Persistent" | "Unit" | "RandomizedDelaySec" | "FixedRandomDelay"))
        || setting.section == "Unit" && matches!(setting.key.as_str(), "Description" | "Documentation")
}

fn why_not(setting: &Setting) -> &'static str {
    match (setting.section.as_str(), setting.key.as_str()) {
        ("Timer", "AccuracySec") => "a run starts when it is due, to the second",
        ("Timer", "WakeSystem") => "a sleeping host is not woken",
        ("Install", _) => "a process is in force when its file is there; there is nothing to enable",
        ("Unit", key) if key.starts_with("Condition") || key.starts_with("Assert") => {
            "write the condition into the command"
        }
        ("Unit", _) => "there is no order between units here",
        _ => "it has no counterpart",
    }
}

/// When the timer is due; what cannot be said is noted.
fn schedule(timer: &Unit, around: &Around, notes: &mut Notes) -> Option<Schedule> {
    let persistent = timer.last("Timer", "Persistent").is_some_and(|setting| unit::is_yes(&setting.value));
    let missed = Some(if persistent { "latest" } else { "skip" });
    let mut schedule = calendars(timer, around, notes).map(|schedule| Schedule { missed, ..schedule });
    let again = timer.all("Timer", "OnUnitActiveSec").chain(timer.all("Timer", "OnUnitInactiveSec"));
    for setting in again {
        let every = unit::span(&setting.value).filter(|span| *span >= Span::seconds(1));
        match (every, &schedule) {
            (Some(every), None) => {
                let when = super::write::span(every);
                schedule = Some(Schedule { key: "every", when, missed: Some("skip"), ..Schedule::default() });
                let reason = "here an interval is counted from an anchor, not from the last run";
                notes.changed(Code::Schedule, setting.at(), setting.what(), reason);
            }
            (Some(_), Some(_)) => {
                let reason = "an interval beside another schedule is a second process; write it";
                notes.not_carried(Code::Schedule, setting.at(), setting.what(), reason);
            }
            (None, _) => notes.not_carried(Code::Schedule, setting.at(), setting.what(), "it is not a length of time"),
        }
    }
    for key in ["OnBootSec", "OnStartupSec", "OnActiveSec"] {
        for setting in timer.all("Timer", key) {
            let reason = "nothing is started when the host, systemd or the timer starts";
            notes.not_carried(Code::Trigger, setting.at(), setting.what(), reason);
        }
    }
    if let (Some(setting), Some(schedule)) = (timer.last("Timer", "RandomizedDelaySec"), &mut schedule) {
        schedule.jitter = unit::span(&setting.value).filter(|span| span.0 > 0).map(|span| span.min(JITTER_MAX));
        let reason = "it is `jitter`: the delay is another for each process and the same for ever, a day at most";
        notes.changed(Code::Field, setting.at(), setting.what(), reason);
    }
    schedule
}

/// Longest spread of a schedule here.
const JITTER_MAX: Span = Span::seconds(24 * 3600);

/// All `OnCalendar` of one zone.
fn calendars(timer: &Unit, around: &Around, notes: &mut Notes) -> Option<Schedule> {
    let (mut zone, mut texts) = (None, Vec::new());
    for setting in timer.all("Timer", "OnCalendar") {
        let (text, named) = split_zone(&setting.value);
        let own = named.unwrap_or(&around.timezone).to_owned();
        let judged = Judged::new(When::Calendar(text.to_owned()), &own);
        if let Err(problem) = Timetable::parse(&judged) {
            let reason = format!("{}; {}", problem.message, problem.help);
            notes.not_carried(Code::Schedule, setting.at(), setting.what(), reason);
        } else if zone.as_ref().is_some_and(|zone| *zone != own) {
            let reason = "a schedule has one time zone; write a second process for it";
            notes.not_carried(Code::Schedule, setting.at(), setting.what(), reason);
        } else {
            zone = Some(own);
            texts.push(text.to_owned());
        }
    }
    let (first, more) = texts.split_first()?;
    let timezone = zone.filter(|zone| zone != "UTC");
    Some(Schedule { key: "calendar", when: first.clone(), more: more.to_vec(), timezone, ..Schedule::default() })
}
