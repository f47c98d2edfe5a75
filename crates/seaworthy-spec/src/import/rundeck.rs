//! Job definitions of Rundeck, as YAML or JSON, as processes.
//!
//! A step that cannot be said here becomes one that fails and says so: a sequence with a hole in it must not look whole.
//! This module must not know other tools.

use seaworthy_model::time::Span;

use super::{
    Around, Code, Draft, Schedule, Step,
    crontab::fires,
    draft::{Gathered, Notes},
    fields::Fields,
    json,
};
use crate::{
    Severity, Source,
    source::Report,
    tree::{self, Node},
};

pub(super) fn read(sources: &[Source], around: &Around, gathered: &mut Gathered) {
    for source in sources {
        let (file, text) = (source.file.as_str(), source.text.trim_start_matches('\u{feff}').trim_start());
        if text.starts_with('<') {
            let reason = "it is XML; export it as YAML: rd jobs list -p PROJECT --file jobs.yaml -F yaml";
            gathered.broken(Code::WrongKind, file, 1, "this file", reason);
            continue;
        }
        let roots = if text.starts_with(['[', '{']) {
            let (root, broken) = json::parse(&source.text);
            if let Some(broken) = broken {
                gathered.broken(Code::Syntax, file, broken.line, "this file", broken.reason);
            }
            root.into_iter().collect()
        } else {
            let mut report = Report::new(file, &source.text);
            let roots = tree::parse(&source.text, &mut report);
            if let Some(problem) = report.finish().into_iter().find(|problem| problem.severity == Severity::Error) {
                let reason = format!("{}; {}", problem.message, problem.help);
                gathered.broken(Code::Syntax, file, problem.line, "this file", reason);
            }
            roots
        };
        for job in roots.iter().flat_map(|root| root.items()) {
            let fields = Fields::of(file, job);
            match (fields.text("name"), fields.get("sequence")) {
                (Some(name), Some(sequence)) => one(name, sequence, &fields, around, gathered),
                _ => {
                    let reason = "it has no `name` and `sequence`, so it is no job";
                    gathered.broken(Code::WrongKind, file, job.place.start.line, "this entry", reason);
                }
            }
        }
    }
}

fn one(name: &str, sequence: &Node, fields: &Fields<'_>, around: &Around, gathered: &mut Gathered) {
    let (file, line) = fields.here();
    let mut notes = Notes::default();
    let whole = fields.text("group").map_or(name.to_owned(), |group| format!("{group}-{name}"));
    let mut draft = Draft { name: whole, file: file.to_owned(), line, ..Draft::default() };
    draft.remarks.push(format!("from {file}:{line}"));
    draft.about = fields.text("description").map(|text| text.lines().next().unwrap_or_default().to_owned());
    draft.about = draft.about.filter(|about| !about.is_empty()).or(Some(name.to_owned()));
    let outer = Fields::of(file, sequence);
    if outer.yes("keepgoing") {
        let reason = "after a failed step no further one starts here; write `|| :` behind a command that may fail";
        notes.changed(Code::Field, outer.at("keepgoing"), "sequence.keepgoing", reason);
    }
    outer.known(&["commands", "strategy"]);
    outer.rest("sequence.", &mut notes, &|_| None);
    for (at, command) in sequence.get("commands").map(Node::items).unwrap_or_default().iter().enumerate() {
        let mut step = step(&Fields::of(file, command), &mut notes);
        step.id = Some(format!("step-{}", at + 1));
        step.needs = draft.steps.last().and_then(|before: &Step| before.id.clone()).into_iter().collect();
        draft.steps.push(step);
    }
    if draft.steps.is_empty() {
        return gathered.broken(Code::Command, file, line, &format!("job `{name}`"), "its sequence has no commands");
    }
    draft.timeout = limit("timeout", fields, &mut notes);
    retry(fields, &mut draft, &mut notes);
    when(fields, around, &mut draft, &mut notes);
    options(fields, &mut notes);
    fields.known(&[
        "id",
        "uuid",
        "loglevel",
        "group",
        "scheduleEnabled",
        "executionEnabled",
        "multipleExecutions",
        "timeZone",
        "nodesSelectedByDefault",
        "defaultTab",
        "nodeFilterEditable",
        "maxMultipleExecutions",
    ]);
    fields.rest("", &mut notes, &|key| match key {
        "nodefilters" => Some("commands run on this host only"),
        "notification" | "notifyAvgDurationThreshold" => Some("say who is told with `tell:` and a route"),
        "loglimit" | "loglimitAction" | "loglimitStatus" => Some("output is bounded, and never stops a command"),
        _ => None,
    });
    let taken = gathered.draft(draft);
    gathered.noted(notes, taken);
}

fn step(fields: &Fields<'_>, notes: &mut Notes) -> Step {
    let made = if let Some(line) = fields.text("exec") {
        Some(Step { script: format!("{line}\n"), ..Step::default() })
    } else if let Some(script) = fields.text("script") {
        Some(inline(script, fields))
    } else {
        fields.text("scriptfile").map(|file| {
            let with = fields.text("scriptInterpreter").map(|with| format!("{with} ")).unwrap_or_default();
            let args = fields.text("args").map(|args| format!(" {args}")).unwrap_or_default();
            Step { script: format!("{with}{file}{args}\n"), ..Step::default() }
        })
    };
    if let Some(step) = &made
        && (step.script.contains("option.") || step.script.contains("${node."))
    {
        let reason =
            "it names options or nodes of Rundeck: write inputs, or variables, in their place before it is used";
        notes.changed(Code::Command, fields.here(), "a command", reason);
    }
    fields.known(&[
        "args",
        "description",
        "scriptInterpreter",
        "fileExtension",
        "interpreterArgsQuoted",
        "expandTokenInScriptFile",
    ]);
    let made = made.unwrap_or_else(|| {
        let kind =
            ["jobref", "scripturl", "type"].into_iter().find(|key| fields.get(key).is_some()).unwrap_or("this kind");
        let reason =
            "a step of this kind has no counterpart; in its place stands one that fails: write it before it is used";
        notes.not_carried(Code::Command, fields.here(), format!("a command of kind {kind}"), reason);
        let script = format!("echo 'the step of kind {kind} at this place was not carried over' >&2\nexit 1\n");
        fields.known(&["jobref", "scripturl", "type", "nodeStep", "configuration"]);
        Step { script, ..Step::default() }
    });
    fields.rest("a command's ", notes, &|key| match key {
        "errorhandler" => Some("write it into the command, or as a rung of `heal:`"),
        "plugins" => Some("what it filters out of the output is for a check to look at"),
        _ => None,
    });
    made
}

/// A script with its arguments, given to the program of its first line.
fn inline(script: &str, fields: &Fields<'_>) -> Step {
    let first = script.lines().next().unwrap_or_default();
    let named = fields.text("scriptInterpreter").or(first.strip_prefix("#!"));
    let words: Vec<String> = named.map(|line| line.split_whitespace().map(str::to_owned).collect()).unwrap_or_default();
    let program = words
        .iter()
        .map(|word| word.rsplit('/').next().unwrap_or(word))
        .find(|word| *word != "env" && !word.starts_with('-'));
    let args = fields.text("args").map(|args| format!("set -- {args}\n")).unwrap_or_default();
    let (flag, args) = match program.unwrap_or("sh") {
        "sh" | "bash" | "dash" | "zsh" | "ksh" => ("-c", args),
        python if python.starts_with("python") => ("-c", String::new()),
        _ => ("-e", String::new()),
    };
    let shell = if words.is_empty() || words == ["/bin/sh"] { vec![] } else { [words, vec![flag.to_owned()]].concat() };
    Step { script: format!("{args}{}\n", script.trim_end()), shell, ..Step::default() }
}

/// `120` seconds, or `6h 30m`.
fn limit(key: &str, fields: &Fields<'_>, notes: &mut Notes) -> Option<Span> {
    let text = fields.text(key)?;
    let span = text.trim().parse::<u64>().ok().map(Span::seconds).or_else(|| Span::parse(&text.replace(' ', "")).ok());
    if span.is_none() {
        notes.not_carried(Code::Field, fields.at(key), key, "it is no fixed length of time");
    }
    span.filter(|span| span.0 > 0)
}

fn retry(fields: &Fields<'_>, draft: &mut Draft, notes: &mut Notes) {
    let Some(node) = fields.get("retry") else { return };
    let (times, delay) = match node.text() {
        Some(times) => (Some(times), None),
        None => {
            let inner = Fields::of(fields.here().0, node);
            (node.get("retry").and_then(Node::text), limit("delay", &inner, notes))
        }
    };
    match times.and_then(|times| times.trim().parse::<u32>().ok()) {
        Some(0) => {}
        Some(times) => draft.retry = Some((times.min(20), delay)),
        None => notes.not_carried(Code::Field, fields.at("retry"), "retry", "it is no fixed number"),
    }
}

fn when(fields: &Fields<'_>, around: &Around, draft: &mut Draft, notes: &mut Notes) {
    let Some(schedule) = fields.get("schedule") else { return };
    let off = |key: &str| fields.get(key).is_some() && !fields.yes(key);
    if off("scheduleEnabled") || off("executionEnabled") {
        notes.changed(
            Code::Field,
            fields.at("schedule"),
            "schedule",
            "it was switched off, so the file has no schedule",
        );
        return;
    }
    let zone = fields.text("timeZone").unwrap_or(&around.timezone).to_owned();
    let overlap = fields.yes("multipleExecutions").then_some("allow");
    match cron(schedule).and_then(|when| fires(&when, &zone).map(|()| when)) {
        Ok(when) => {
            let timezone = Some(zone).filter(|zone| zone != "UTC");
            draft.schedule =
                Some(Schedule { key: "cron", when, timezone, missed: Some("skip"), overlap, ..Schedule::default() });
        }
        Err(reason) => notes.not_carried(Code::Schedule, fields.at("schedule"), "schedule", reason),
    }
}

/// The seven fields of Quartz, as a text or one by one, in five of cron.
fn cron(schedule: &Node) -> Result<String, String> {
    let text = |node: Option<&Node>, otherwise: &str| node.and_then(Node::text).unwrap_or(otherwise).to_owned();
    let fields: Vec<String> = match schedule.get("crontab").and_then(Node::text) {
        Some(line) => line.split_whitespace().map(str::to_owned).collect(),
        None => {
            let time = schedule.get("time");
            let of_time = |key: &str, otherwise: &str| text(time.and_then(|time| time.get(key)), otherwise);
            let day = |key: &str| text(schedule.get(key).map(|node| node.get("day").unwrap_or(node)), "*");
            let (seconds, minute, hour) = (of_time("seconds", "0"), of_time("minute", "0"), of_time("hour", "0"));
            let (month, year) = (text(schedule.get("month"), "*"), text(schedule.get("year"), "*"));
            vec![seconds, minute, hour, day("dayofmonth"), month, day("weekday"), year]
        }
    };
    let [second, minute, hour, day, month, weekday, rest @ ..] = &fields[..] else {
        return Err("it has fewer than the six fields of Quartz".into());
    };
    if !second.trim_start_matches('0').is_empty() {
        return Err("it counts seconds, and a schedule here counts minutes".into());
    }
    if rest.first().is_some_and(|year| year != "*") {
        return Err("it names a year, and a schedule here comes back every year".into());
    }
    let any = |field: &str| if field == "?" { "*".to_owned() } else { field.to_owned() };
    let plain = |field: &str| {
        field
            .split(',')
            .map(|part| {
                part.strip_prefix('0')
                    .filter(|rest| !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_digit()))
                    .unwrap_or(part)
                    .to_owned()
            })
            .collect::<Vec<_>>()
            .join(",")
    };
    Ok(format!("{} {} {} {} {}", plain(minute), plain(hour), any(&plain(day)), any(month), weekdays(&any(weekday))))
}

/// Quartz counts days of the week from 1 for Sunday, cron from 0.
fn weekdays(text: &str) -> String {
    let shift = |c: char| {
        c.to_digit(10).filter(|n| (1..=7).contains(n)).map_or(c, |n| char::from_digit(n - 1, 10).unwrap_or(c))
    };
    let (days, step) = text.split_once('/').map_or((text, None), |(days, step)| (days, Some(step)));
    let (days, nth) = days.split_once('#').map_or((days, None), |(days, nth)| (days, Some(nth)));
    let mut out: String = days.chars().map(shift).collect();
    out.extend(nth.map(|nth| format!("#{nth}")));
    out.extend(step.map(|step| format!("/{step}")));
    out
}

/// Options are inputs that a person is asked for; here they are named.
fn options(fields: &Fields<'_>, notes: &mut Notes) {
    let Some(options) = fields.get("options") else { return };
    let (file, _) = fields.here();
    let named: Vec<(&str, &Node, u32)> = match options.entries() {
        [] => options
            .items()
            .iter()
            .filter_map(|option| Some((option.get("name")?.text()?, option, option.place.start.line)))
            .collect(),
        entries => {
            entries.iter().filter_map(|(key, option)| Some((key.text()?, option, key.place.start.line))).collect()
        }
    };
    for (name, option, line) in named {
        let secure = option.get("secure").and_then(Node::text) == Some("true");
        let (code, reason) = match secure {
            true => {
                (Code::Secret, "it is a secret: name it under `secrets:`, and in seaworthy.yaml where it comes from")
            }
            false => (Code::Field, "write it under `inputs:`, and use it as a variable in the commands"),
        };
        notes.not_carried(code, (file, line), format!("the option {name}"), reason);
    }
}
