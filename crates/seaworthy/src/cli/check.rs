//! `check`: read everything, print what is wrong and which facets are missing.

use seaworthy_runtime::reload::Files as _;
use seaworthy_spec::Severity;
use serde_json::json;

use super::{Ask, init::twice::twice};
use crate::{
    out::Tone,
    trouble::{Trouble, code},
};

#[derive(Debug, clap::Args)]
pub struct Args {}

/// Carries out the verb. Exit 2 if a file cannot be used; findings do not fail it.
pub fn run(ask: &Ask, _args: Args) -> Result<u8, Trouble> {
    let place = ask.place()?;
    let files = place.read().map_err(Trouble::start)?;
    let read = seaworthy_spec::read(&files.site, &files.ops, &|file| place.exists(file));
    let (mut errors, mut remarks) = (files.unreadable.len(), 0);
    for (file, reason) in &files.unreadable {
        ask.out.line(&format!("{} {file}: {reason}\n", ask.out.paint(Tone::Bad, "error[unreadable]:")));
    }
    for diagnostic in &read.diagnostics {
        match diagnostic.severity {
            Severity::Error => errors += 1,
            _ => remarks += 1,
        }
        ask.out.line(diagnostic.render(ask.out.colour).trim_end());
        ask.out.line("");
    }
    let twice = twice(read.processes.iter().map(|(_, process)| process));
    for one in &twice {
        remarks += 1;
        let (what, help) = one.words();
        ask.out.line(&format!("{} {what}\n  help: {help}\n", ask.out.paint(Tone::Doubt, "finding[runs-twice]:")));
    }
    let (count, plural) = (read.processes.len(), if read.processes.len() == 1 { "process" } else { "processes" });
    let unproven = read.processes.iter().filter(|(_, p)| p.verify.is_empty()).count();
    let verdict = if errors == 0 {
        ask.out.paint(Tone::Good, "no errors")
    } else {
        ask.out.paint(Tone::Bad, &format!("{errors} errors"))
    };
    ask.out.line(&format!("{count} {plural}, {verdict}, {remarks} findings and warnings, {unproven} unproven"));
    let mut diagnostics: Vec<_> = files
        .unreadable
        .iter()
        .map(|(file, reason)| json!({ "severity": "error", "code": "unreadable", "file": file, "line": 1, "column": 1, "message": reason, "help": "make the file readable UTF-8 text" }))
        .collect();
    diagnostics.extend(read.diagnostics.iter().map(|d| {
        let severity = match d.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Finding => "finding",
        };
        json!({ "severity": severity, "code": d.code, "file": d.file, "line": d.line, "column": d.column, "message": d.message, "help": d.help })
    }));
    diagnostics.extend(twice.iter().map(|one| {
        let (what, help) = one.words();
        let file = read.processes.iter().find(|(_, process)| process.name == one.process).map(|(file, _)| file);
        json!({ "severity": "finding", "code": "runs-twice", "file": file, "line": 1, "column": 1, "message": what, "help": help })
    }));
    let missing: Vec<_> = read
        .processes
        .iter()
        .map(|(_, p)| json!({ "process": p.name, "facets": p.missing().iter().map(|f| f.word()).collect::<Vec<_>>() }))
        .collect();
    ask.out.object(&json!({ "v": 1, "diagnostics": diagnostics, "missing": missing }));
    Ok(if errors == 0 { code::VERIFIED } else { code::NOT_STARTED })
}
