//! The checks of Healthchecks, as its management API lists them (v1, v2 and v3), as pinged processes.
//!
//! Something outside does the work and pings; that stays so. The ping addresses themselves are keys and are not read. This
//! module must not know other tools.

use seaworthy_model::time::Span;

use super::{
    Around, Code, Draft, Schedule,
    crontab::fires,
    draft::{Gathered, Notes},
    fields::Fields,
    json, write,
};
use crate::{Source, tree::Data};

pub(super) fn read(sources: &[Source], _: &Around, gathered: &mut Gathered) {
    for source in sources {
        let file = source.file.as_str();
        let (root, broken) = json::parse(&source.text);
        if let Some(broken) = broken {
            gathered.broken(Code::Syntax, file, broken.line, "this file", broken.reason);
        }
        let Some(root) = root else { continue };
        // The list of the API, or one check of it.
        let checks = root.get("checks").unwrap_or(&root);
        let is_check = checks.get("grace").is_some();
        if !matches!(checks.data, Data::List(_)) && !is_check {
            let reason = "it is not what `GET /api/v3/checks/` answers: a mapping with the list `checks`";
            gathered.broken(Code::WrongKind, file, 1, "this file", reason);
            continue;
        }
        for check in checks.items() {
            let fields = Fields::of(file, check);
            if fields.get("grace").is_none() && fields.get("timeout").is_none() && fields.get("schedule").is_none() {
                let reason = "it has neither `schedule` nor `timeout` nor `grace`, so it is no check";
                gathered.broken(Code::WrongKind, file, check.place.start.line, "this entry", reason);
                continue;
            }
            one(&fields, gathered);
        }
    }
}

fn one(fields: &Fields<'_>, gathered: &mut Gathered) {
    let (file, line) = fields.here();
    let mut notes = Notes::default();
    let name = fields.text("slug").or(fields.text("name")).unwrap_or("check");
    let mut draft = Draft { name: name.to_owned(), file: file.to_owned(), line, pinged: true, ..Draft::default() };
    draft.about = about(fields);
    draft.start_within = fields.seconds("grace");
    draft.finish_within = draft.start_within;
    draft.remarks.push(format!("from {file}:{line}"));
    draft.remarks.push("its address changes: make a key with `seaworthy ping new`".to_owned());
    let zone = fields.text("tz").unwrap_or("UTC");
    let timezone = Some(zone.to_owned()).filter(|zone| zone != "UTC");
    if let Some(when) = fields.text("schedule") {
        match fires(when, zone) {
            Ok(()) => {
                draft.schedule = Some(Schedule { key: "cron", when: when.to_owned(), timezone, ..Schedule::default() })
            }
            Err(reason) => notes.not_carried(Code::Schedule, fields.at("schedule"), "schedule", reason),
        }
        fields.known(&["timeout"]);
    } else if let Some(every) = fields.seconds("timeout") {
        let when = write::span(every);
        draft.schedule = Some(Schedule { key: "every", when, ..Schedule::default() });
        draft.start_within = Some(Span(every.0 + draft.start_within.unwrap_or_default().0));
        let reason = "here an interval is counted from an anchor, not from the last ping: it may start anywhere in it, so it is missed when the next one and the grace are over";
        notes.changed(Code::Schedule, fields.at("timeout"), "timeout", reason);
    }
    if fields.text("status") == Some("paused") {
        notes.changed(
            Code::Field,
            fields.at("status"),
            "status: paused",
            "it is expected again: take its schedule out to pause it",
        );
    }
    if draft.start_within.is_some() {
        let reason = "it is `watch.start_within`, and `finish_within` too: how long it may run is told apart from how late it may start";
        notes.changed(Code::Field, fields.at("grace"), "grace", reason);
    }
    leave(fields, &mut notes);
    let taken = gathered.draft(draft);
    gathered.noted(notes, taken);
}

/// Names what has no counterpart.
fn leave(fields: &Fields<'_>, notes: &mut Notes) {
    fields.known(&[
        "n_pings",
        "last_ping",
        "next_ping",
        "last_duration",
        "unique_key",
        "uuid",
        "started",
        "update_url",
        "pause_url",
        "resume_url",
        "badge_url",
        "tz",
    ]);
    fields.rest("", notes, &|key| match key {
        "ping_url" => Some("an address is a key, and a new one is made here: `seaworthy ping new`"),
        "channels" => Some("say who is told with `tell:`"),
        "methods" => Some("GET, HEAD and POST are all taken"),
        "success_kw"
        | "failure_kw"
        | "start_kw"
        | "subject"
        | "subject_fail"
        | "filter_subject"
        | "filter_body"
        | "filter_http_body"
        | "filter_default_fail" => {
            Some("a ping says how it went by its address; what is true is looked at by `verify:`")
        }
        "manual_resume" => Some("nothing is paused here"),
        _ => None,
    });
}

fn about(fields: &Fields<'_>) -> Option<String> {
    let name = fields.text("name");
    let described = fields.text("desc");
    let tags = fields.text("tags").map(|tags| format!("Tags: {tags}."));
    let parts: Vec<String> =
        [name.map(|name| format!("{name}.")), described.map(str::to_owned), tags].into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join(" "))
}
