//! The backup of Uptime Kuma (1.x, a JSON file), as processes that look at something on a schedule, or are pinged.
//!
//! A monitor looks and does nothing else, so its process has no steps and one check. This module must not know other
//! tools.

use super::{
    Around, Code, Draft, Http, Schedule,
    draft::{Gathered, Notes},
    fields::Fields,
    json, write,
};
use crate::{Source, tree::Node};

pub(super) fn read(sources: &[Source], _: &Around, gathered: &mut Gathered) {
    for source in sources {
        let file = source.file.as_str();
        let (root, broken) = json::parse(&source.text);
        if let Some(broken) = broken {
            gathered.broken(Code::Syntax, file, broken.line, "this file", broken.reason);
        }
        let Some(root) = root else { continue };
        let Some(monitors) = root.get("monitorList") else {
            let reason = "it has no `monitorList`: it is not the backup that Uptime Kuma 1.x writes (2.x has none)";
            gathered.broken(Code::WrongKind, file, 1, "this file", reason);
            continue;
        };
        let version = root.get("version").and_then(Node::text).unwrap_or("none");
        if !version.starts_with("1.") {
            let reason =
                format!("it says version {version}, and 1.x is what is known here; what is like 1.x was imported");
            gathered.broken(Code::WrongVersion, file, root.key_place("version").start.line, "version", reason);
        }
        let outer = Fields::of(file, &root);
        outer.known(&["version", "monitorList"]);
        let mut notes = Notes::default();
        outer.rest("", &mut notes, &|key| match key {
            "notificationList" => Some("write routes into seaworthy.yaml, and `tell:` into the processes"),
            "proxyList" => Some("a check goes straight to its address"),
            _ => None,
        });
        gathered.noted(notes, None);
        for monitor in monitors.items() {
            one(&Fields::of(file, monitor), gathered);
        }
    }
}

fn one(fields: &Fields<'_>, gathered: &mut Gathered) {
    let (file, line) = fields.here();
    let mut notes = Notes::default();
    let kind = fields.text("type").unwrap_or_default();
    let name = fields.text("name").unwrap_or("monitor");
    let mut draft = Draft { name: name.to_owned(), file: file.to_owned(), line, ..Draft::default() };
    draft.about = fields.text("description").map(str::to_owned).or_else(|| Some(name.to_owned()));
    draft.remarks.push(format!("from {file}:{line}"));
    match kind {
        "http" | "keyword" | "json-query" => {
            let Some(check) = look(kind, fields, &mut notes) else {
                let reason = "it has no `url` that could be looked at";
                return gathered.broken(Code::Field, file, line, &format!("monitor `{name}`"), reason);
            };
            draft.verify.push(check);
        }
        "push" => {
            draft.pinged = true;
            draft.remarks.push("its address changes: make a key with `seaworthy ping new`".to_owned());
            draft.start_within = fields.seconds("interval");
            fields.known(&["pushToken"]);
        }
        _ => {
            let reason = "only monitors of type http, keyword and push have a counterpart";
            return gathered.not_carried(
                Code::WrongKind,
                file,
                line,
                &format!("monitor `{name}` of type {kind}"),
                reason,
            );
        }
    }
    if let Some(every) = fields.seconds("interval") {
        draft.schedule =
            Some(Schedule { key: "every", when: write::span(every), missed: Some("skip"), ..Schedule::default() });
    }
    if fields.get("active").is_some() && !fields.yes("active") {
        draft.schedule = None;
        notes.changed(Code::Field, fields.at("active"), "active", "it was paused, so the file has no schedule");
    }
    if let Some(times) = fields.number("maxretries").filter(|times| *times > 0 && !draft.pinged) {
        let wait = fields.seconds("retryInterval").filter(|wait| wait.0 >= 1_000_000_000);
        draft.retry = Some((u32::try_from(times).unwrap_or(u32::MAX).min(20), wait));
    }
    fields.known(&[
        "id",
        "userId",
        "user_id",
        "pathName",
        "weight",
        "maintenance",
        "includeSensitiveData",
        "forceInactive",
        "childrenIDs",
        "path",
        "screenshot",
        "packetSize",
        "dns_resolve_type",
        "dns_resolve_server",
        "maxredirects",
        "retryInterval",
        "conditions",
        "kafkaProducerSaslOptions",
    ]);
    fields.rest("", &mut notes, &why_not);
    let taken = gathered.draft(draft);
    gathered.noted(notes, taken);
}

fn why_not(key: &str) -> Option<&'static str> {
    match key {
        "notificationIDList" => Some("say who is told with `tell:`"),
        "basic_auth_user" | "basic_auth_pass" | "headers" | "authMethod" | "oauth_client_secret" | "tlsKey" => {
            Some("it may hold a secret: write `headers:` with $NAME, and the secret under `secrets:`")
        }
        "upsideDown" => Some("write the condition the other way round"),
        "resendInterval" => Some("a signal is told when it is raised and when it is over"),
        "ignoreTls" => Some("a certificate is always checked"),
        "expiryNotification" => Some("take the pack `certificate`: seaworthy init --pack certificate"),
        "tags" | "parent" => Some("name a `service:` or a `team:`"),
        _ => None,
    }
}

/// The check of a monitor over HTTP.
fn look(kind: &str, fields: &Fields<'_>, notes: &mut Notes) -> Option<Http> {
    let url = fields.text("url").filter(|url| url.starts_with("http://") || url.starts_with("https://"))?;
    let mut conditions = vec![codes(fields)];
    match (kind, fields.text("keyword")) {
        ("keyword", Some(word)) => {
            let not = if fields.yes("invertKeyword") { "!" } else { "" };
            conditions.push(format!("{not}body.contains({})", quoted(word)));
        }
        ("json-query", _) => {
            let reason = "write it as a condition: `json(body).KEY == …`";
            notes.not_carried(Code::Field, fields.at("jsonPath"), "jsonPath", reason);
            fields.known(&["jsonPath", "expectedValue"]);
        }
        // A status alone reads no data; the body is there to be looked at.
        _ => {
            let reason = "a status alone proves no data: the check also wants a body; write what must be in it";
            notes.changed(Code::Field, fields.at("url"), "url", reason);
            conditions.push("body.size() > 0".to_owned());
        }
    }
    let method = fields.text("method").filter(|method| *method != "GET").map(str::to_owned);
    let timeout = fields.seconds("timeout");
    Some(Http { url: url.to_owned(), method, expect: conditions.join(" && "), timeout })
}

/// `accepted_statuscodes` as a condition.
fn codes(fields: &Fields<'_>) -> String {
    let listed = fields.get("accepted_statuscodes").or(fields.get("accepted_statuscodes_json"));
    let mut ranges = Vec::new();
    for code in listed.map(Node::items).unwrap_or_default().iter().filter_map(Node::text) {
        let (from, to) = code.split_once('-').unwrap_or((code, code));
        if let (Ok(from), Ok(to)) = (from.trim().parse::<u16>(), to.trim().parse::<u16>()) {
            ranges.push(if from == to {
                format!("status == {from}")
            } else {
                format!("(status >= {from} && status <= {to})")
            });
        }
    }
    match &ranges[..] {
        [] => "status >= 200 && status <= 299".to_owned(),
        [one] => one.trim_matches(['(', ')']).to_owned(),
        many => format!("({})", many.join(" || ")),
    }
}

fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
