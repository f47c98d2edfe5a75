//! What a team has already becomes process files that load, and what they cannot say is named.

mod broken_export;
mod crontab;
mod export;
mod systemd;

use seaworthy_spec::{
    Severity, Source,
    import::{Around, Draft, Import, LeftKind, tool, yaml},
    read,
};

/// Reads one text as a file of this name, on a host in Berlin.
fn import(tool_name: &str, file: &str, text: &str) -> Import {
    imports(tool_name, &[(file, text)])
}

fn imports(tool_name: &str, files: &[(&str, &str)]) -> Import {
    let sources: Vec<Source> =
        files.iter().map(|(file, text)| Source { file: (*file).into(), text: (*text).into() }).collect();
    let names_users =
        files.iter().map(|(file, _)| (*file).to_owned()).filter(|file| file.starts_with("/etc/")).collect();
    let around = Around { timezone: "Europe/Berlin".into(), names_users };
    tool(tool_name).expect("it is in the list").import(&sources, &around)
}

/// All files one after another, then the report: what a person sees.
fn shown(import: &Import) -> String {
    let mut text = import.drafts.iter().map(yaml).collect::<Vec<_>>().join("---\n");
    for left in &import.left {
        let word = match left.kind {
            LeftKind::Broken => "broken",
            LeftKind::NotCarried => "not carried over",
            LeftKind::Changed => "changed",
        };
        text.push_str(&format!("{}:{}: {word}: {}: {}\n", left.file, left.line, left.what, left.reason));
    }
    text
}

/// Our own reader takes every draft without an error or a warning, whatever stands in it.
fn loads(import: &Import) {
    let site = Source { file: "seaworthy.yaml".into(), text: "site: test\n".into() };
    let file = |draft: &Draft| Source { file: format!("ops/{}.yaml", draft.name), text: yaml(draft) };
    let ops: Vec<Source> = import.drafts.iter().map(file).collect();
    let read = read(&site, &ops, &|_| false);
    let problems: Vec<String> = read
        .diagnostics
        .iter()
        .filter(|problem| problem.severity != Severity::Finding)
        .map(|problem| problem.render(false))
        .collect();
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    assert_eq!(read.processes.len(), import.drafts.len());
}
