//! What files say and what is said about them: text in, model or rendered diagnostics out.

mod asking;
mod calendar_file;
mod callees;
mod change;
mod change_steps;
mod checks;
mod conditions;
mod config;
mod design;
mod import;
mod inputs;
mod limits;
mod lists;
mod mutation;
mod places;
mod problems;
mod process;
mod schedule;
mod schema;
mod site;
mod validator;

use seaworthy_spec::{Read, Severity, Source, read};

/// The site file of the design page, with a mail server.
pub const SITE: &str = include_str!("site.yaml");
/// The process of the design page.
pub const BACKUP: &str = include_str!("backup-orders.yaml");

fn source(file: &str, text: &str) -> Source {
    Source { file: file.to_owned(), text: text.to_owned() }
}

/// The site of the design page with these files of processes; every file under `procedures/` exists.
fn with(ops: &[(&str, &str)]) -> Read {
    let ops: Vec<Source> = ops.iter().map(|(file, text)| source(file, text)).collect();
    read(&source("seaworthy.yaml", SITE), &ops, &|path| path.starts_with("procedures/"))
}

fn rendered(read: &Read, wanted: &[Severity]) -> String {
    let shown = read.diagnostics.iter().filter(|d| wanted.contains(&d.severity));
    shown.map(|d| d.render(false) + "\n").collect()
}

/// Errors and warnings of one file of processes.
fn problems(text: &str) -> String {
    rendered(&with(&[("ops/it.yaml", text)]), &[Severity::Error, Severity::Warning])
}

/// Errors and warnings of a site file.
fn site_problems(text: &str) -> String {
    rendered(&read(&source("seaworthy.yaml", text), &[], &|_| true), &[Severity::Error, Severity::Warning])
}
