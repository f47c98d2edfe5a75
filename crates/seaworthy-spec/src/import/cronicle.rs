//! The export of Cronicle (`control.sh export`): one record a line, `KEY - JSON`. Its events become processes.
//!
//! This module must not know other tools.

use std::collections::BTreeMap;

use super::{
    Around, Code, Draft, Http, Schedule, Step,
    crontab::fires,
    draft::{Gathered, Notes, variable},
    fields::Fields,
    json,
};
use crate::{
    Source,
    tree::{Data, Node},
};

/// How an export begins.
const TITLE: &str = "# Cronicle Data Export v1";

pub(super) fn read(sources: &[Source], around: &Around, gathered: &mut Gathered) {
    for source in sources {
        let file = source.file.as_str();
        if let Some(first) = source.text.lines().next().filter(|first| !first.starts_with(TITLE)) {
            let known = first.starts_with("# Cronicle Data Export") || first.contains(" - {");
            let reason = "it does not begin with `# Cronicle Data Export v1`; its records were read as that";
            let code = if known { Code::WrongVersion } else { Code::WrongKind };
            gathered.broken(code, file, 1, "this file", reason);
        }
        let mut plugins = BTreeMap::new();
        let mut events = Vec::new();
        for (text, line) in source.text.lines().zip(1u32..) {
            if text.trim().is_empty() || text.starts_with('#') {
                continue;
            }
            let Some((key, value)) = text.split_once(" - ").filter(|(key, _)| !key.contains(['{', ' '])) else {
                gathered.broken(Code::Syntax, file, line, "this line", "it is not `KEY - JSON`");
                continue;
            };
            let (record, broken) = json::parse(value);
            if let Some(broken) = broken {
                gathered.broken(Code::Syntax, file, line, key, broken.reason);
            }
            let Some(record) = record else { continue };
            let items = record.get("items").map(Node::items).unwrap_or_default();
            if key.starts_with("global/plugins/") {
                plugins
                    .extend(items.iter().filter_map(|item| Some((item.get("id")?.text()?.to_owned(), item.clone()))));
            } else if key.starts_with("global/schedule/") {
                events.extend(items.iter().map(|item| (line, item.clone())));
            } else if key.starts_with("users/") || key.starts_with("global/api_keys/") {
                let reason = "people and keys are not taken over; `teams:` of seaworthy.yaml names people";
                gathered.not_carried(
                    Code::Secret,
                    file,
                    line,
                    key.rsplit_once('/').map_or(key, |(list, _)| list),
                    reason,
                );
            } else if !items.is_empty() {
                gathered.not_carried(Code::Field, file, line, key, "it has no counterpart: commands run on this host");
            }
        }
        for (line, event) in events {
            one(file, line, &event, &plugins, around, gathered);
        }
    }
}

fn one(
    file: &str,
    line: u32,
    event: &Node,
    plugins: &BTreeMap<String, Node>,
    around: &Around,
    gathered: &mut Gathered,
) {
    // Every value of a record stands in one line.
    let event = on_line(event, line);
    let fields = Fields::of(file, &event);
    let mut notes = Notes::default();
    let title = fields.text("title").unwrap_or("event");
    let mut draft = Draft { name: title.to_owned(), file: file.to_owned(), line, ..Draft::default() };
    draft.about = fields.text("notes").map_or_else(|| Some(title.to_owned()), |notes| Some(notes.to_owned()));
    draft.remarks.push(format!("from {file}:{line}"));
    let plugin = fields.text("plugin").unwrap_or_default();
    let params = fields.get("params").cloned();
    let params = params.as_ref().map(|params| Fields::of(file, params));
    let timeout = fields.seconds("timeout");
    match (plugin, &params) {
        ("shellplug", Some(params)) if params.text("script").is_some() => {
            let script = params.text("script").unwrap_or_default();
            draft.steps.push(Step { timeout, ..script_step(script) });
            params.rest("params.", &mut notes, &|_| Some("output is kept as it is"));
        }
        ("urlplug", Some(params)) if params.text("url").is_some() => url(params, &mut draft, &mut notes),
        (other, params) => {
            let Some(command) = plugins.get(other).and_then(|plugin| plugin.get("command")).and_then(Node::text) else {
                let reason = format!("its plugin `{other}` is not in this export, so nobody knows what is done");
                return gathered.broken(Code::Command, file, line, &format!("event `{title}`"), reason);
            };
            draft.steps.push(Step { script: command.to_owned(), timeout, ..Step::default() });
            let reason =
                "a plugin reads a job as JSON from standard input, which is empty here; its parameters are in `env`";
            notes.changed(Code::Command, (file, line), format!("plugin {other}"), reason);
            if let Some(params) = params {
                parameters(params, &mut draft, &mut notes);
            }
        }
    }
    let zone = fields.text("timezone").unwrap_or(&around.timezone).to_owned();
    schedule(&fields, zone, &mut draft, &mut notes);
    if let Some(times) = fields.number("retries").filter(|times| *times > 0 && !draft.steps.is_empty()) {
        draft.retry = Some((u32::try_from(times).unwrap_or(20).min(20), fields.seconds("retry_delay")));
    }
    leave(&fields, &mut notes);
    let taken = gathered.draft(draft);
    gathered.noted(notes, taken);
}

/// Names what has no counterpart.
fn leave(fields: &Fields<'_>, notes: &mut Notes) {
    fields.known(&[
        "id",
        "category",
        "created",
        "modified",
        "username",
        "api_key",
        "log_max_size",
        "salt",
        "session_id",
        "target",
        "algo",
    ]);
    fields.rest("", notes, &|key| match key {
        "notify_success" | "notify_fail" | "web_hook" | "web_hook_start" => {
            Some("say who is told with `tell:` and a route")
        }
        "multiplex" | "stagger" => Some("commands run on this host only"),
        "cpu_limit" | "cpu_sustain" | "memory_limit" | "memory_sustain" => Some("write limits into the step"),
        "chain" | "chain_error" => Some("a process does not start another yet; write both as steps of one"),
        "detached" => Some("a command outlives the server where it is held by a keeper"),
        _ => None,
    });
}

/// A script with its own first line is given to the program that it names.
fn script_step(script: &str) -> Step {
    let first = script.lines().next().unwrap_or_default();
    let shell = first.strip_prefix("#!").map(|line| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>());
    let by_text = |shell: &Vec<String>| {
        let program = shell.last().map(String::as_str).unwrap_or_default();
        ["sh", "bash", "dash", "zsh", "ksh"]
            .iter()
            .any(|known| program == *known || program.ends_with(&format!("/{known}")))
    };
    let shell = match shell {
        Some(mut shell) if by_text(&shell) => {
            shell.push("-c".to_owned());
            if shell == ["/bin/sh", "-c"] { vec![] } else { shell }
        }
        // perl and the others take a text by another option.
        Some(shell)
            if shell.iter().any(|word| word.contains("perl") || word.contains("ruby") || word.contains("node")) =>
        {
            [shell, vec!["-e".to_owned()]].concat()
        }
        Some(shell) if shell.iter().any(|word| word.contains("python")) => [shell, vec!["-c".to_owned()]].concat(),
        _ => vec![],
    };
    Step { script: script.trim_end().to_owned() + "\n", shell, ..Step::default() }
}

fn url(params: &Fields<'_>, draft: &mut Draft, notes: &mut Notes) {
    let mut conditions = vec!["status >= 200 && status <= 399".to_owned()];
    let quoted = |text: &str| format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
    match params.text("success_match") {
        Some(word) => conditions.push(format!("body.contains({})", quoted(word))),
        None => conditions.push("body.size() > 0".to_owned()),
    }
    if let Some(word) = params.text("error_match") {
        conditions.push(format!("!body.contains({})", quoted(word)));
    }
    let url = params.text("url").unwrap_or_default().trim().to_owned();
    let method = params.text("method").filter(|method| *method != "GET").map(str::to_owned);
    let expect = conditions.join(" && ");
    draft.verify.push(Http { url, method, expect, timeout: params.seconds("timeout") });
    let reason = "a request is a check here: it looks, and its answer is the verdict";
    notes.changed(Code::Command, params.here(), "plugin urlplug", reason);
    params.known(&["follow"]);
    params.rest("params.", notes, &|key| match key {
        "headers" | "data" => {
            Some("it may hold a secret: write `headers:` or `body:` with $NAME, and the secret under `secrets:`")
        }
        "ssl_cert_bypass" => Some("a certificate is always checked"),
        _ => None,
    });
}

/// Parameters of a plugin as variables, as Cronicle itself gives them too.
fn parameters(params: &Fields<'_>, draft: &mut Draft, notes: &mut Notes) {
    for (key, value) in params.entries() {
        match (key.text(), value.text()) {
            (Some(key), Some(value)) => {
                let name: String =
                    key.to_ascii_uppercase().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
                variable(draft, notes, params.here(), &name, value);
            }
            (Some(key), None) => {
                notes.not_carried(Code::Field, params.here(), format!("params.{key}"), "it is no text")
            }
            _ => {}
        }
    }
}

/// Cronicle lists the values of each field; without a list any value fires.
fn schedule(fields: &Fields<'_>, zone: String, draft: &mut Draft, notes: &mut Notes) {
    let missed = Some(if fields.yes("catch_up") { "all" } else { "skip" });
    let overlap = match (fields.number("max_children"), fields.yes("queue")) {
        (Some(1) | None, false) => None,
        (Some(1) | None, true) => Some("queue(100)"),
        _ => Some("allow"),
    };
    if fields.yes("queue") {
        let max = fields.number("queue_max").filter(|max| *max > 0).unwrap_or(0);
        if max != 100 {
            notes.changed(
                Code::Field,
                fields.at("queue"),
                "queue",
                "at most 100 runs wait here: change `overlap: queue(N)`",
            );
        }
    }
    fields.known(&["enabled", "queue_max", "max_children"]);
    let Some(timing) = fields.get("timing").filter(|timing| matches!(timing.data, Data::Map(_))) else {
        notes.not_carried(
            Code::Schedule,
            fields.at("timing"),
            "timing",
            "it ran on demand only: the file has no schedule",
        );
        return;
    };
    if !fields.yes("enabled") {
        notes.changed(Code::Field, fields.at("enabled"), "enabled", "it was switched off, so the file has no schedule");
        return;
    }
    if timing.get("years").is_some_and(|years| !years.items().is_empty()) {
        notes.not_carried(Code::Schedule, fields.at("timing"), "timing.years", "a schedule here comes back every year");
        return;
    }
    let field = |key: &str| {
        let values = timing.get(key).map(Node::items).unwrap_or_default();
        let values: Vec<&str> = values.iter().filter_map(Node::text).filter(|text| !text.is_empty()).collect();
        if values.is_empty() { "*".to_owned() } else { values.join(",") }
    };
    let (days, weekdays) = (field("days"), field("weekdays"));
    if days != "*" && weekdays != "*" {
        let reason = "days and weekdays must both match there, and cron takes either; look at the date in the command";
        notes.not_carried(Code::Schedule, fields.at("timing"), "timing", reason);
        return;
    }
    let when = format!("{} {} {days} {} {weekdays}", field("minutes"), field("hours"), field("months"));
    match fires(&when, &zone) {
        Ok(()) => {
            let timezone = Some(zone).filter(|zone| zone != "UTC");
            draft.schedule = Some(Schedule { key: "cron", when, timezone, missed, overlap, ..Schedule::default() });
        }
        Err(reason) => notes.not_carried(Code::Schedule, fields.at("timing"), "timing", reason),
    }
}

/// The same values, all of them standing in this line.
fn on_line(node: &Node, line: u32) -> Node {
    let mut place = node.place;
    (place.start.line, place.end.line) = (line, line);
    let data = match &node.data {
        Data::Scalar { .. } => node.data.clone(),
        Data::List(items) => Data::List(items.iter().map(|item| on_line(item, line)).collect()),
        Data::Map(entries) => {
            Data::Map(entries.iter().map(|(key, value)| (on_line(key, line), on_line(value, line))).collect())
        }
    };
    Node { place, data }
}
